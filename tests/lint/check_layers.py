#!/usr/bin/env python3
"""A file includes only headers of its own layer and of those that its layer may use.

LAYERS is the one place that says which; the static libraries of src/meson.build enforce the same for
calls, since an upward call does not link.
"""

import re

import source

# layer: the layers it may include besides its own, lowest first
LAYERS = {
    "util": [],
    "py": ["util"],
    "net": ["util"],
    "store": ["util"],
    "resolve": ["util", "py"],
    "fetch": ["util", "py", "net", "store", "resolve"],
    "job": ["util", "py", "net", "store", "resolve", "fetch"],
    "ui": ["util", "py", "net/loop.h", "net/prompter.h", "store/upkeep.h", "fetch/event.h", "job"],
    "daemon": ["util", "py", "net", "store", "fetch/event.h", "job", "ui"],
    "cli": ["util", "py", "net", "store", "resolve", "fetch", "job", "ui", "daemon"],
}

# Libraries that only one layer may know: a second user would need the same care again.
OWNED = {
    "curl/": ["net"],
    "ares": ["net"],
    "uv.h": ["net", "fetch", "job", "ui", "daemon", "cli"],
    "libxml/": ["py"],
    "ini.h": ["job"],
    "sqlite3.h": ["store", "daemon"],
    "microhttpd.h": ["daemon"],
}

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)


def layer_of(path):
    parts = source.shown(path).split("/")
    return parts[2] if parts[0] == "include" else parts[1]


def problem_with(layer, bracket, name):
    """Why a file of `layer` may not include `name`, or None."""
    if name.startswith("dray/"):
        below = name[len("dray/"):]
        if below.split("/")[0] == layer:
            return None
        allowed = LAYERS[layer]
        if below in allowed or below.split("/")[0] in allowed:
            return None
        return f"{layer} may include only {', '.join([layer, *allowed])}"
    if bracket == '"' and "/" in name:
        return "headers of dray are included as dray/<layer>/<noun>.h"
    for prefix, owners in OWNED.items():
        if name.startswith(prefix) and layer not in owners:
            return f"only {', '.join(owners)} may use that library"
    return None


def check():
    problems = []
    looked_at = 0
    for path in source.c_files("src", "include/dray"):
        layer = layer_of(path)
        if layer not in LAYERS:
            problems.append(f"{source.shown(path)}: {layer!r} is no layer; they stand in {__file__}")
            continue
        text = source.without_comments(path.read_text(errors="replace"))
        for match in _INCLUDE.finditer(text):
            looked_at += 1
            why = problem_with(layer, *match.groups())
            if why:
                line = text.count("\n", 0, match.start()) + 1
                problems.append(f"{source.shown(path)}:{line}: includes {match.group(2)}: {why}")
    return problems, looked_at


if __name__ == "__main__":
    source.main("check_layers", check)
