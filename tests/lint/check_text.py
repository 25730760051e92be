#!/usr/bin/env python3
"""What every text of the project keeps to: blanks, line lengths of C, no registry's name, one writer
of the state."""

import re
import subprocess
import sys

import source

MAX_COLUMNS = 100  # of C; clang-format keeps to it
BINARY = {".whl", ".gz", ".zip", ".bin", ".png", ".ico"}

_ASK_PIP = """
from pip._internal.models.index import PyPI
print(PyPI.netloc, PyPI.file_storage_domain)
"""


def registry_hosts():
    """The hosts of the index that pip has built in: asked for, since no file of ours may name them."""
    asked = subprocess.run([sys.executable, "-c", _ASK_PIP], capture_output=True, text=True, check=False)
    return asked.stdout.split()


def is_free_form(name):
    """Inputs of tests may hold any byte."""
    return name.startswith(("tests/fuzz/corpus/", "tests/data/"))


def problems_of(name, text, hosts):
    for host in hosts:
        if host in text:
            line = text.count("\n", 0, text.index(host)) + 1
            yield line, "names a package registry; use example.org"
    if is_free_form(name):
        return
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "the last line has no end"
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith((" ", "\t", "\r")):
            yield number, "blanks at the end of the line"
        if "\t" in line and not name.endswith(("Makefile", ".mk")):
            yield number, "a tab"
        if name.endswith((".c", ".h")) and len(line) > MAX_COLUMNS:
            yield number, f"{len(line)} columns, more than {MAX_COLUMNS}"


def state_writers():
    """STYLE: one function writes the state of a fetch."""
    found = []
    for path in source.c_files("src"):
        text = source.without_comments(path.read_text(errors="replace"), literals=True)
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(r"fetch", source.shown(path)) and re.search(r"(->|\w\.)state\s*=(?!=)", line):
                found.append(f"{source.shown(path)}:{number}")
    return found


def check():
    problems = []
    hosts = registry_hosts()
    if not hosts:
        print("check_text: this Python has no pip to ask for the hosts of its index: not looked for")
    files = [path for path in source.project_files() if path.suffix not in BINARY]
    for path in files:
        name = source.shown(path)
        text = path.read_bytes().decode(errors="replace")
        problems += [f"{name}:{line}: {why}" for line, why in problems_of(name, text, hosts)]
    writers = state_writers()
    if len(writers) > 1:
        problems.append(f"the state of a fetch is written in {len(writers)} places: {', '.join(writers)}")
    return problems, len(files)


if __name__ == "__main__":
    source.main("check_text", check)
