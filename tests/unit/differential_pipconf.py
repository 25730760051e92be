"""What pip is configured with, as dray and as pip read it: the files that count, and what they and the variables
come to, for `pip download`.

By hand: differential_pipconf.py ORACLE [--cases N] [--seed N]; from pytest: DRAY_BUILD is the build directory.
"""

import contextlib
import io
import json
import logging
import math
import os
import pathlib
import random
import sys
import tempfile

from oracle import arguments, ask, program, tell
from pip._internal.commands import create_command
from pip._internal.configuration import Configuration, Kind

LISTS = ["extra-index-url", "find-links", "trusted-host", "platform", "abi", "constraint", "requirement"]
TEXTS = ["index-url", "cert", "client-cert", "python-version", "implementation", "dest"]
FLAGS = ["no-index", "no-deps", "prefer-binary", "pre", "require-hashes"]
NUMBERS = ["timeout", "retries"]
COUNTS = ["quiet", "verbose"]
FORMATS = ["no-binary", "only-binary"]
ALIASES = {"pypi-url": "index-url", "default-timeout": "timeout", "no-dependencies": "no-deps", "destination-dir": "dest"}
OTHER = ["user", "target", "dry-run", "frobnicate", "connections", "report", "version", "help", "config-file"]

# dray: the attribute of pip's options
DESTS = {"extra-index-url": "extra_index_urls", "trusted-host": "trusted_hosts", "platform": "platforms", "abi": "abis",
         "constraint": "constraints", "requirement": "requirements", "dest": "download_dir", "no-deps": "ignore_dependencies"}

WORDS = ["yes", "No", "TRUE", "0", "1", "off", "y", "f", "maybe", "2"]
SECTIONS = ["global", "global", "global", "download", "download", "install", "DEFAULT", "wheel"]
SECONDS = ["15", "60.5", "0", "7", "soon", "3.", ".5", " 9 "]


def make_value(rng, name):
    """What may follow it; empty now and then."""
    name = ALIASES.get(name, name)
    if rng.random() < 0.12:
        # pip takes a version apart at once; dray when it knows the other words about the target.
        return rng.choice(["", "", "" if name == "python-version" else " "])
    if name in FLAGS:
        return rng.choice(WORDS)
    if name in COUNTS:
        return rng.choice(WORDS + ["3", "-1"])
    if name == "timeout":
        return rng.choice(SECONDS)
    if name == "retries":
        return rng.choice(["0", "5", "12", "many", " 3"])
    if name in FORMATS:
        return rng.choice([":all:", ":none:", "a", "a,B_c", ":all:,:none:,d", "a b"])
    if name == "python-version":
        return rng.choice(["3", "3.12", "3.12.1"])
    if name in LISTS:
        return rng.choice(["a", "a b", "a\tb  c", "a\n  b", "https://i.example.org/simple"])
    return rng.choice(["a", "b c", "https://i.example.org/simple", "/x/y", "x%y", "3.12", "a ; b", "a # b"])


def spelled(rng, name):
    return rng.choice([name, name, name.replace("-", "_"), name.upper(), "--" + name])


def make_name(rng):
    return rng.choice(rng.choice([LISTS, TEXTS, FLAGS, NUMBERS, COUNTS, FORMATS, list(ALIASES), OTHER, LISTS, TEXTS]))


def make_file(rng):
    lines = []
    used = {}
    if rng.random() < 0.04:
        lines.append(rng.choice(["index-url = x", "\ufeff", "no delimiter", "# \u00e9"]))
    for section in rng.sample(SECTIONS, rng.choice([1, 1, 2, 3])):
        if section in used and rng.random() < 0.9:
            continue
        used[section] = True
        lines.append(f"[{section}]")
        names = {make_name(rng) for _ in range(rng.choice([0, 1, 2, 3, 4]))}
        for name in sorted(names, key=lambda _: rng.random()):
            value = make_value(rng, name).replace("\n", rng.choice(["\n  ", "\n\t"]))
            lines.append(f"{spelled(rng, name)}{rng.choice([' = ', '=', ': ', ':'])}{value}")
    text = "\n".join(lines) + rng.choice(["\n", ""])
    if rng.random() < 0.03:
        return text.encode() + rng.choice([b"\n# \xff\n", b"\n# \xc3\n"])
    return text.encode()


def make_variable(rng):
    name = make_name(rng)
    written = name.replace("-", "_")
    written = rng.choice([written.upper()] * 8 + [written, written.title()])
    prefix = "PIP_" if rng.random() < 0.97 else "pip_"
    return prefix + written, make_value(rng, name)


def directories(rng, root):
    """The variables that lead to files, and those files."""
    home, xdg, one, two, own = (root / name for name in ("home", "xdg", "one", "two", "own.conf"))
    env = {"HOME": str(home)}
    if rng.random() < 0.5:
        env["XDG_CONFIG_HOME"] = rng.choice([str(xdg), str(xdg), str(xdg) + "/", "", "relative"])
    if rng.random() < 0.7:
        env["XDG_CONFIG_DIRS"] = rng.choice([str(one), f"{one}:{two}", f"{two}:relative:{one}", "", f"{one}:"])
    if rng.random() < 0.35:
        env["PIP_CONFIG_FILE"] = rng.choice([str(own), str(own), str(root / "missing.conf"), os.devnull, ""])
    return env, [home / ".pip" / "pip.conf", home / ".config" / "pip" / "pip.conf", xdg / "pip" / "pip.conf",
                 one / "pip" / "pip.conf", two / "pip" / "pip.conf", root / "venv" / "pip.conf", own]


def make_case(rng, root):
    env, files = directories(rng, root)
    for path in files:
        if rng.random() < 0.45:
            path.parent.mkdir(parents=True, exist_ok=True)
            if rng.random() < 0.02:
                path.mkdir()
            else:
                path.write_bytes(make_file(rng))
    for _ in range(rng.choice([0, 0, 1, 2, 3])):
        name, value = make_variable(rng)
        env[name] = value
    return env, rng.random() < 0.2


@contextlib.contextmanager
def environment(env, prefix):
    before, before_prefix = dict(os.environ), sys.prefix
    os.environ.clear()
    os.environ.update(env)
    sys.prefix = prefix
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        sys.prefix = before_prefix


def pip_paths(isolated):
    files = dict(Configuration(isolated).iter_config_files())
    if files[Kind.ENV][:1] == [os.devnull]:
        return []
    found = []
    for kind in (Kind.GLOBAL, Kind.USER, Kind.SITE, Kind.ENV):
        found += [path for path in files.get(kind, []) if path and path not in found]
    return found


def pip_settings(isolated):
    """Of `pip download`, or None when it refuses."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            return create_command("download", isolated=isolated).parser.get_default_values()
        except SystemExit:
            return None


def expected(name, values, untouched):
    """As dray has it; None where pip has only its default."""
    dest = DESTS.get(name, name.replace("-", "_"))
    if name in FORMATS:
        return [sorted(values.format_control.no_binary), sorted(values.format_control.only_binary)]
    value = getattr(values, dest)
    if name == "timeout":
        return math.ceil(float(value))
    if name in LISTS:
        return list(value or [])
    if name == "python-version" and value:
        return ".".join(map(str, value))
    if name in TEXTS:
        return None if value == getattr(untouched, dest) else value
    return value


def formats_of(items):
    from pip._internal.models.format_control import FormatControl
    control = FormatControl()
    for item in items:
        option, value = item.split("=", 1)
        if option == "no-binary":
            FormatControl.handle_mutual_excludes(value, control.no_binary, control.only_binary)
        else:
            FormatControl.handle_mutual_excludes(value, control.only_binary, control.no_binary)
    return [sorted(control.no_binary), sorted(control.only_binary)]


def difference(values, untouched, got):
    if values is None:
        return None if "error" in got else f"pip refuses, dray: {got}"
    if "error" in got:
        return f"dray refuses: {got['error']}"
    for name in LISTS + TEXTS + FLAGS + NUMBERS + COUNTS + FORMATS:
        want, have = expected(name, values, untouched), got[name]
        if name in FORMATS:
            have = formats_of(have)
        if want != have and not (name in COUNTS and want > 3):
            return f"{name}: pip {want!r}, dray {have!r}"
    return None


def one_case(rng, untouched):
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        env, isolated = make_case(rng, root)
        prefix = str(root / "venv")
        fields = ["download", prefix, "1" if isolated else "", *(f"{name}={value}" for name, value in env.items())]
        said = f"{' '.join(fields)}\n" + "\n".join(
            f"--- {path}\n{path.read_bytes()!r}" for path in sorted(root.rglob("*.conf")) if path.is_file())
        with environment(env, prefix):
            paths, values = pip_paths(isolated), pip_settings(isolated)
        yield said, paths, values, ("paths", *fields), ("settings", *fields)


def compare(oracle, cases, seed):
    """One process for each batch: the files must be there until it has answered."""
    rng = random.Random(seed)
    logging.disable()
    with environment({"HOME": "/nowhere", "PIP_CONFIG_FILE": os.devnull}, "/nowhere"):
        untouched = pip_settings(True)
    found = []
    for _ in range(cases):
        for said, paths, values, *questions in one_case(rng, untouched):
            told_paths, told = map(json.loads, ask(oracle, questions))
            text = difference(values, untouched, told)
            if told_paths != paths:
                text = f"paths: pip {paths}\n  dray {told_paths}"
            if text:
                found.append(f"{text}\n{said}")
    logging.disable(logging.NOTSET)
    return found


def test_differential():
    found = compare(program("pipconf"), 1500, 1)
    assert not found, "\n\n".join(found[:5])


def main():
    options = arguments(__doc__, 2000).parse_args()
    return tell(options, options.cases, compare(options.oracle, options.cases, options.seed))


if __name__ == "__main__":
    sys.exit(main())
