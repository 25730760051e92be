"""Compares dray's reading of core metadata with pip's: the JSON form (metadata/_json.py, above
importlib.metadata and email.parser) and the comparison of a wheel's metadata with what the index
promised (operations/prepare.py, _check_sidecar_matches_wheel).

    differential_metadata.py ORACLE [--cases N] [--seed S] [--wheels DIRECTORY]

ORACLE is the program oracle_metadata. Prints the first differences and exits 1, or "N cases, equal".
Under pytest the build directory is named by DRAY_BUILD.

Where dray differs on purpose, and what this program does about it:
- metadata without a name or a version is refused by dray at once: pip is taken to refuse it too;
- text that is not UTF-8 is refused by pip and read by dray: none is generated;
- "Content-Type: multipart/..." or "message/...", below which email finds no text but messages, so
  that pip can't write JSON: none is generated.
"""

import collections
import email
import importlib.metadata
import json
import logging
import pathlib
import random
import sys
import zipfile
from importlib.metadata import _adapters

from oracle import arguments, ask, program, tell
from pip._internal.exceptions import MetadataInvalid, MetadataInconsistent
from pip._internal.metadata._json import METADATA_FIELDS, msg_to_json
from pip._internal.metadata.importlib import Distribution
from pip._internal.operations.prepare import _check_sidecar_matches_wheel
from pip._vendor.packaging.version import InvalidVersion

CASES = 20000
logging.disable()  # pip warns of each Requires-Python that is none
# Later Pythons leave folds alone that are narrower than eight blanks.
MENDS_ALL = _adapters.Message(email.message_from_string("A: b\n c"))["A"] != "b\n c"
FOLDS = [" ", "\t", "       ", "        ", "        ", "         ", "\t        "]
ENDS = ["\n"] * 12 + ["\r\n"] * 3 + ["\r"]
ODD_LINES = [
    "", " ", "\t ", "From me", "From ", ">From x", ":", ": x", "no colon here", "Sp ace: x", "\u00e9: x",
    "\ufeffName: y", "A\x7f: x", "A\x00: x", "a:b:c", "--", "X-Y_Z!#: q", "Name", "\x0c", "\x1c: q", "From: q",
]
VALUES = [
    "", "x", "  x  ", "a, b,c", "a b  c", ",", " , a", "a\u3000b\u00a0c", "\u2003", "\x1f", "tab\tin", "Gr\u00fc\u00df",
    "\U0001f40d", "=?utf-8?q?x?=", "a\x0bb", "a\x85b\u2028c", "\x00", "trailing \t", "<html>&\"'\\/", "\x7f\x01",
]
BODIES = [
    "", "\n", "text\n", "text", "\n\n", "# T\r\n\r\nmore\r", "Name: other\nx", " indented", "\u00fc\u2028\U0001f40d", "\x00",
]
REQUIREMENTS = [
    "foo", "Foo", "f-o.o", "F_O-o", "foo>=1", "foo >= 1.0", "foo (>=1.0.0)", "foo>=1,<2", "foo<2,>=1.0", "foo<2.0,>=1",
    "foo~=1.0", "foo~=1.0.0", "foo==1.*", "foo==1.0.*", "foo===1.0", "foo===1", "foo==1,==1.0", "foo==1.0,==1", "foo==1",
    "foo==1.0+A.1", "foo==1.0+a-01", "foo!=1rc1", "foo!=1.0.c1", "foo[a,b]", "foo[B,a]", "foo[a]", "foo[a,A]", "foo[x_y]",
    "foo[X.y]", "foo @ https://example.org/f.zip", "foo@https://example.org/f.zip ; os_name=='x'",
    "foo; python_version<'3'", "foo ; python_version < \"3\"", "foo; extra == 'X_y'", "foo; extra == \"x-y\"",
    "foo; (os_name=='a')", "foo; os_name=='a' and extra=='t'", "foo; extra=='t' and os_name=='a'",
    "bar", "bar>1", "\n foo", "foo\n >=1", "foo >= ", "-", "foo>=1,", "foo===\u00e9", "foo;", "",
]
PYTHONS = [None, "", ">=3", ">=3.0", ">= 3.0 ", ">=3,<4", "<4,>=3", "~=3.0", "~=3", "nonsense", ">=3.*", "===3", "==3.*", "\n >=3"]
NAMES = ["foo", "Foo", "f-o-o", "f_o.o", "F__o.-o", "bar", "foo "]
VERSIONS = ["1", "1.0", "1.0.0", "v1", "1.0rc1", "1c1", "1+a", "1.0+A", " 1 ", "2", "one"]
EXTRAS = ["a", "A", "b_c", "B-C", "b.c", "d", "d "]


class Held(importlib.metadata.Distribution):
    """A distribution of which only the metadata is there."""

    def __init__(self, text):
        self.text = text

    def read_text(self, filename):
        return self.text if filename == "METADATA" else None

    def locate_file(self, path):
        raise FileNotFoundError(path)


# --- generating


def cased(r, text):
    return "".join(r.choice((c.lower(), c.upper())) for c in text) if r.random() < 0.1 else text


def folded(r, value, end):
    """With line breaks where blanks are, or in front."""
    narrow = [f for f in FOLDS if MENDS_ALL or f.startswith("        ")]
    lines = [value]
    for _ in range(r.choice([1, 1, 2, 4])):
        lines.append(r.choice(narrow) + r.choice(["", r.choice(VALUES), "|" + r.choice(VALUES)]))
    if r.random() < 0.2:
        lines.insert(1, r.choice([" ", "        ", "\t"]) if MENDS_ALL else "        ")
    if r.random() < 0.1:
        lines[0] = ""
    return end.join(lines)


def field(r, end):
    names = [name for name, _ in METADATA_FIELDS]
    name = r.choice(names + ["Keywords", "Description", "License", "X-Other", "Author"])
    value = r.choice(VALUES)
    if r.random() < 0.25:
        value = folded(r, value, end)
    return cased(r, name) + ":" + r.choice(["", " ", " ", " ", "  ", "\t"]) + value


def text(r):
    end = r.choice(ENDS)
    lines = ["Metadata-Version: 2.1", "Name: foo", "Version: 1.0"]
    if r.random() < 0.05:
        lines.pop(r.randrange(3))
    if r.random() < 0.1:
        r.shuffle(lines)
    for _ in range(r.choice([0, 1, 2, 4, 8])):
        lines.insert(r.randrange(len(lines) + 1) if r.random() < 0.3 else len(lines), field(r, end))
    for _ in range(r.choice([0] * 5 + [1, 1, 2])):
        lines.insert(r.randrange(len(lines) + 1), r.choice(ODD_LINES))
    out = end.join(lines)
    if r.random() < 0.8:
        out += end + r.choice([end, end, end, "", " " + end]) + r.choice(BODIES)
    if r.random() < 0.1:
        at = r.randrange(len(out) + 1)
        out = out[:at] + r.choice(["\n", "\r", " ", ":", "From ", "\x00", "\n\n", "\u00fc"]) + out[at + r.choice([0, 1]):]
    return out


def facts(r):
    """What is compared, as lists of lines by field."""
    return {
        "Name": [r.choice(NAMES[:5] if r.random() < 0.97 else NAMES)],
        "Version": [r.choice(VERSIONS[:3] if r.random() < 0.9 else VERSIONS)],
        "Requires-Dist": [r.choice(REQUIREMENTS[:40] if r.random() < 0.97 else REQUIREMENTS) for _ in range(r.choice([0, 1, 1, 2, 3]))],
        "Requires-Python": [p for p in [r.choice(PYTHONS)] if p is not None],
        "Provides-Extra": [r.choice(EXTRAS) for _ in range(r.choice([0, 0, 1, 2]))],
    }


def similar(r, known):
    """The same in other words, more or less."""
    other = {name: list(values) for name, values in known.items()}
    r.shuffle(other["Requires-Dist"])
    again = facts(r)
    for name in r.sample(list(known), r.choice([0, 1, 1, 2])):
        if name != "Requires-Dist" or not known[name]:
            other[name] = again[name]
        elif r.random() < 0.8:
            other[name][0] = r.choice(REQUIREMENTS[:40])
        else:
            other[name].append(other[name][0])
    return other


def written(known):
    return "".join(f"{name}: {value}\n" for name, values in known.items() for value in values) + "\nbody\n"


def questions(r, cases):
    for _ in range(cases):
        if r.random() < 0.6:
            yield "json", text(r)
        else:
            known = facts(r)
            yield "compare", written(known), written(similar(r, known))


# --- asking pip


def message(source):
    return _adapters.Message(email.message_from_string(source))


def readable(source):
    found = message(source)
    return all((found.get(name) or "").strip() for name in ("Name", "Version"))


def expected(question):
    if not all(readable(source) for source in question[1:]):
        return "no"
    if question[0] == "json":
        return list(msg_to_json(message(question[1])).items())
    one, other = (Distribution(Held(source), None, None) for source in question[1:])
    try:
        _check_sidecar_matches_wheel(None, one, other)
    except MetadataInconsistent as e:
        return f"differs {e.field}"
    except (MetadataInvalid, InvalidVersion):
        return "no"
    return "same"


# --- asking dray


def understood(question, answer):
    return list(json.loads(answer).items()) if question[0] == "json" and answer != "no" else answer


def kind_of(question, want):
    return question[0], "read" if isinstance(want, list) else want


def compare(oracle, asked):
    """Lines that tell the differences, and the answers counted by kind."""
    differences, kinds = [], collections.Counter()
    for question, answer in zip(asked, ask(oracle, asked)):
        want = expected(question)
        kinds[kind_of(question, want)] += 1
        if understood(question, answer) != want:
            differences.append(f"{question!a}: pip says {want!a}, dray {answer!a}")
    return differences, kinds


def of_wheels(folder):
    """The metadata of real wheels, each also compared with the one before and with itself."""
    before = None
    for path in sorted(pathlib.Path(folder).glob("*.whl")):
        with zipfile.ZipFile(path) as wheel:
            names = [n for n in wheel.namelist() if n.endswith(".dist-info/METADATA") and n.count("/") == 1]
            source = wheel.read(names[0]).decode()
        yield "json", source
        yield "compare", source, source
        yield "compare", source, before or source
        before = source


def main():
    parser = arguments(__doc__, CASES)
    parser.add_argument("--wheels", help="ask about the wheels in this directory")
    parser.add_argument("--verbose", action="store_true", help="also count the answers")
    options = parser.parse_args()
    generated = questions(random.Random(options.seed), options.cases)
    asked = list(of_wheels(options.wheels) if options.wheels else generated)
    differences, kinds = compare(options.oracle, asked)
    return tell(options, len(asked), differences, kinds if options.verbose else None)


def test_differential():
    differences, kinds = compare(program("metadata"), list(questions(random.Random(0), CASES)))
    assert not differences, "\n".join(differences[:20])
    fields = ["Name", "Version", "Requires-Dist", "Requires-Python", "Provides-Extra"]
    wanted = [("json", "read"), ("json", "no"), ("compare", "same"), ("compare", "no")]
    for kind in wanted + [("compare", f"differs {name}") for name in fields]:
        assert kinds[kind] >= CASES // 1000, f"there are few cases of {kind}"


if __name__ == "__main__":
    sys.exit(main())
