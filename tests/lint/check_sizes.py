#!/usr/bin/env python3
"""Prints how long files and functions are, and fails at the hard limits.

The goal is a short tail: what is over the goal is listed, what is over the limit fails. A function
that is nothing but one switch or one table is exempt: splitting it would help nobody. Tests are
listed too, and not judged: a long list of cases is no tangle.
"""

import re
import statistics

import source

# what: goal, hard limit
LIMITS = {"sources": (400, 600), "headers": (120, 200), "functions": (40, 60)}

_NOT_A_FUNCTION = re.compile(r"^(struct|enum|union|typedef|static const|const)\b[^()]*$")


def functions(lines):
    """Yields (first line from 1, last line) of each function: a brace block in column 0 whose opening
    brace stands alone or at the end of a line, with a parameter list before it."""
    start = None
    for number, line in enumerate(lines, 1):
        if start is None:
            opens_alone = line.rstrip() == "{" and _previous(lines, number).endswith(")")
            opens_at_end = (line[:1] not in (" ", "\t", "#") and line.rstrip().endswith(") {")
                            and not _NOT_A_FUNCTION.match(line))
            if opens_alone or opens_at_end:
                start = number
        elif line.startswith("}"):
            yield start, number
            start = None


def _previous(lines, number):
    for line in reversed(lines[:number - 1]):
        if line.strip():
            return line.rstrip()
    return ""


def is_pure_switch(body):
    """One statement only, at the top level of the body: a switch (or a table and what indexes it)."""
    top = [line for line in body if re.match(r"    \S", line) and line.strip() not in ("}", "};")]
    long_ones = [line for line in top if re.match(r"\s*(switch \(|static const )", line)]
    labels = [line for line in top if re.match(r"\s*(case|default)\b", line)]
    return bool(long_ones) and len(top) - len(labels) <= len(long_ones) + 4


def measure():
    found = {"sources": [], "headers": [], "functions": []}
    for path in source.c_files("src", "include", "tests"):
        text = path.read_text(errors="replace")
        count = len(text.splitlines())
        found["headers" if path.suffix == ".h" else "sources"].append((count, source.shown(path)))
        if path.suffix != ".c":
            continue
        lines = source.without_comments(text, literals=True).splitlines()
        for first, last in functions(lines):
            if not is_pure_switch(lines[first:last - 1]):
                found["functions"].append((last - first + 1, f"{source.shown(path)}:{first}"))
    return found


def check():
    problems = []
    found = measure()
    for what, sized in found.items():
        goal, limit = LIMITS[what]
        if not sized:
            continue
        counts = sorted(count for count, _ in sized)
        p90 = counts[int(0.9 * (len(counts) - 1))]
        print(f"{what:<10}{len(counts):>5}   median {statistics.median(counts):>4.0f}   p90 {p90:>4}"
              f"   largest {counts[-1]:>4}   (goal {goal}, limit {limit})")
        for count, where in sorted(sized, reverse=True):
            if count > limit and not where.startswith("tests/"):
                problems.append(f"{where}: {count} lines, the limit is {limit}")
            elif count > goal:
                print(f"  {count:>5} lines  {where}")
    return problems, sum(len(sized) for sized in found.values())


if __name__ == "__main__":
    source.main("check_sizes", check)
