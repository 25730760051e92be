"""Compares dray's reading of netrc files with that of Python's netrc module, as requests, and so pip, goes by it.

    differential_netrc.py ORACLE [--cases N] [--seed S]

ORACLE is the program oracle_netrc. Prints the first differences and exits 1, or "N cases, equal". Under pytest the
build directory is named by DRAY_BUILD. The module was rewritten in Python 3.11: with an older one there is nothing to
compare with.
"""

import collections
import netrc
import pathlib
import random
import sys
import tempfile

import pytest
from oracle import arguments, ask, escaped, program, tell

CASES = 8000
HOSTS = ["h", "i.example.org", "default", "machine", "#", "other"]
WORDS = ["machine", "default", "login", "user", "account", "password", "macdef", *HOSTS]
BLANKS = [" ", " ", " ", "\n", "\n", "\t", "\r\n", "\r", "\n\n", "  ", "\n \n"]
VALUES = ["me", "secret", '"a b"', '""', "a\\ b", "#x", "#", 'a"b', '"c\\"d"', "\\", '"', "login", "\u00e9", "\\\n", "machine"]


def value(r):
    return r.choice(VALUES) if r.random() < 0.4 else f"v{r.randrange(100)}"


def comment(r):
    return r.choice(["# of mine", "#of mine", "#", "# machine x", "#\n"]) + r.choice(["\n", "\n", "\n\n", " "])


def machine(r):
    parts = ["machine", r.choice(HOSTS)] if r.random() < 0.8 else ["default"]
    for key in r.sample(["login", "user", "account", "password"], r.randrange(4)):
        parts += [key, value(r)]
        if r.random() < 0.1:
            parts.append(comment(r))
    return parts


def macro(r):
    return ["macdef", "m\n" + "get x\n" * r.randrange(3) + r.choice(["\n", "\n", "", " \n"])]


def text(r):
    parts = []
    for _ in range(r.randrange(4)):
        kind = r.random()
        parts += machine(r) if kind < 0.7 else macro(r) if kind < 0.8 else [comment(r)]
    if r.random() < 0.2:
        parts.insert(r.randrange(len(parts) + 1), r.choice(WORDS + VALUES))
    out = "".join(part + r.choice(BLANKS) for part in parts)
    for _ in range(r.choice([0, 0, 0, 1, 2])):
        at = r.randrange(len(out) + 1)
        out = out[:at] + r.choice(['"', "\\", "#", "\n", " ", "x"]) + out[at + r.randrange(2):]
    return out.rstrip() if r.random() < 0.3 else out


def expected(path, content, host):
    """requests.utils.get_netrc_auth()"""
    path.write_bytes(content.encode())
    try:
        found = netrc.netrc(path).authenticators(host)
    except netrc.NetrcParseError:
        return "no"
    if not found or not any(found):
        return "none"
    return "\t".join(["yes", escaped(found[0] or found[1]), escaped(found[2])])


def compare(oracle, seed, cases):
    r = random.Random(seed)
    asked = [("find", text(r), r.choice(HOSTS)) for _ in range(cases)]
    differences, kinds = [], collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "netrc")
        for (_, content, host), answer in zip(asked, ask(oracle, asked)):
            want = expected(path, content, host)
            kinds[(want.split("\t")[0],)] += 1
            if answer != want:
                differences.append(f"{content!a}, {host}: Python says {want!a}, dray {answer!a}")
    return differences, kinds


def main():
    options = arguments(__doc__, CASES).parse_args()
    differences, kinds = compare(options.oracle, options.seed, options.cases)
    return tell(options, options.cases, differences, kinds)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="its netrc reads otherwise")
def test_differential():
    differences, kinds = compare(program("netrc"), 0, CASES)
    assert not differences, "\n".join(differences[:20])
    for kind in ["yes", "none", "no"]:
        assert kinds[(kind,)] >= CASES // 20, f"there are few cases of {kind}"


if __name__ == "__main__":
    sys.exit(main())
