#!/usr/bin/env python3
"""Every option of settings_table, and of commands that have options of their own, stands in the man page and in
each completion, and they have no others."""

import re

import source

TABLE = source.ROOT / "src" / "job" / "settings_table.c"
# "{ "index-url", 'i', SETTING_TEXT, AT(index_url), FILES, ..."
_ROW = re.compile(r"""\{\s*"([a-z0-9-]+)",\s*(?:'(.)'|0),\s*SETTING_\w+,\s*AT\(\w+\),\s*([\w |]+?),""")

# "{ "svg", required_argument, NULL, 's' }" of a command that reads its line by getopt_long itself. Its letters are
# those of all commands, or none.
COMMANDS = source.ROOT / "src" / "cli"
_LONG = re.compile(r"""\{\s*"([a-z0-9-]+)",\s*(?:required|optional|no)_argument""")

# Options of the program itself, which are no settings.
OWN = {"help": "h", "version": "V"}

# file: patterns that find each long option and each letter in it
PLACES = {
    "doc/dray.1": (r"^\.It .*?Fl -([a-z0-9-]+)", r"^\.It Fl (\w) ,"),
    "completions/dray.bash": (r"(?<![\w-])--([a-z0-9-]+)", r"(?<![\w-])-(\w)(?![\w-])"),
    "completions/_dray": (r"^\s+'[^\[]*?--([a-z0-9-]+)[\[}]|\{-\w,--([a-z0-9-]+)\}", r"\{-(\w),--"),
    "completions/dray.fish": (r" -l ([a-z0-9-]+)", r"(?:complete -c dray|__dray_download) -s (\w)"),
}


def options():
    """long name: letter or None, of all that the command line takes."""
    text = source.without_comments(TABLE.read_text())
    rows = {name: letter or None for name, letter, where in _ROW.findall(text) if where != "0"}
    texts = (source.without_comments(path.read_text()) for path in COMMANDS.glob("cmd_*.c"))
    return {**{name: None for text in texts for name in _LONG.findall(text)}, **rows, **OWN}


def found_in(text, pattern):
    found = set()
    for match in re.finditer(pattern, text, re.MULTILINE):
        found.update(group for group in match.groups() if group)
    return found


def check():
    if not TABLE.exists():
        return [f"{source.shown(TABLE)} is not there"], 1
    wanted = options()
    letters = {letter for letter in wanted.values() if letter}
    problems = []
    for name, (long_pattern, letter_pattern) in PLACES.items():
        text = (source.ROOT / name).read_text()
        longs, shorts = found_in(text, long_pattern), found_in(text, letter_pattern)
        problems += [f"{name}: lacks --{option}" for option in sorted(set(wanted) - longs)]
        problems += [f"{name}: has --{option}, which is none" for option in sorted(longs - set(wanted))]
        problems += [f"{name}: lacks -{letter}" for letter in sorted(letters - shorts)]
    return problems, len(wanted) * len(PLACES) if len(wanted) > len(OWN) else 0


if __name__ == "__main__":
    source.main("check_options", check)
