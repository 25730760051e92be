#!/usr/bin/env python3
"""Requirements, markers and names: dray's answers against those of `packaging`, over generated text.

    differential_marker.py build/tests/unit/oracle_marker [--cases N] [--seed S]

Prints the first differences and exits 1, or says how many cases were equal. From pytest, DRAY_BUILD names the
build directory.

What differs on purpose, and is therefore not generated: characters written by name in a quoted string (\\N{...}),
letters outside ASCII that have another case, more than 64 parentheses within each other, versions above 1,024 bytes.
"""
import os
import random
import re
import sys
import warnings

from oracle import arguments, ask, escaped, program, tell
from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidName, canonicalize_name

CASES = 20000
VARIABLES = [
    "implementation_name", "implementation_version", "os_name", "platform_machine",
    "platform_python_implementation", "platform_release", "platform_system", "platform_version",
    "python_full_version", "python_version", "sys_platform",
]
VERSIONS_OF = ["implementation_version", "platform_release", "python_full_version", "python_version"]
SPELLINGS = VARIABLES + [
    "extra", "extra", "extras", "dependency_groups", "os.name", "sys.platform", "platform.version",
    "platform.machine", "platform.python_implementation", "python_implementation",
]
NOT_SPELLINGS = ["implementation.name", "platform.release", "python.version", "Python_Version", "os", "extra_", "sys"]
OPS = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"]
VERSIONS = [
    "1", "1.0", "1.2.3", "3", "3.8", "3.9", "3.10", "3.12.*", "2.*", "1!2.0", "1.0a1", "1.0.dev3", "1.0.post1",
    "1.0-1", "1.0+local.1", "v3.8", "01.2", "3.8.0", "3.8.1rc1", "1.0RC1", "1.0-alpha_2", "1.0.*.*", "1.", "abc", "",
    "1.0a1.*", "3.14.0a1+", "3.14.0a1+local", "6.1.0-18-amd64", "5.15", "10", "1.0poste1", "1..2", "999999999999999999999.1",
]
WORDS = [
    "posix", "nt", "linux", "linux2", "win32", "darwin", "cpython", "CPython", "PyPy", "x86_64", "Linux", "Windows",
    "", "tls", "TLS", "Foo_Bar", "foo-bar", "foo..bar", "-a-", "a b", "os_name", "python_version", "extra", "extras",
    "linux darwin", "3.6 3.7 3.8", "3.8,3.9", "#1 SMP", "é中", "=3.8", "=", "=1.0", " 3.8", "3.8 ", "\u20033.8\xa0",
    "<3", "a;b", "a)b", "a,b", "python_full_version", "platform_release", "implementation_version",
]
ESCAPES = [
    "\\n", "\\t", "\\\\", "\\'", '\\"', "\\x41", "\\x4", "\\u00e9", "\\ud800", "\\U0001f600", "\\U00110000", "\\101",
    "\\8", "\\q", "\\0", "\\777", "\\\n", "\\\r\n", "\\\r", "\\é", "\\x22", "\\x27", "\\x33.8", "\\", "\\v", "\\a",
]
BLANKS = ["", " ", " ", "\t", "  ", " \t "]
HOSTILE = [
    "\n", "\r", "\v", "\f", "\0", "\x1c", "\x7f", "\x85", "\xa0", "\u2003", "\u3000", "\u2028", "\ufeff", "é", "中", "ß",
    "😀", "\udcff", "\udcc3", "\\", "'", '"', "(", ")", "[", "]", ";", ",", "@", "=", "<", ">", "~", "!", "*", "+", "-",
    ".", "_", "#", "$", "%", "/", ":", " ", "\t", "a", "Z", "0", "9", "in", "not", "and", "or", "===", "==", "extra",
]


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def ws(self):
        return self.r.choice(BLANKS)

    def name(self):
        r = self.r
        if r.random() < 0.5:
            return r.choice(["foo", "Foo", "foo-bar", "Foo.Bar_baz", "a", "0", "zope.interface", "a--b", "x_", "A1"])
        return "".join(r.choice("abcXYZ019._-") for _ in range(r.randint(1, 8)))

    def specifier(self):
        r = self.r
        return r.choice(OPS) + r.choice(["", "", "", " ", "\t", "\n", "\xa0"]) + r.choice(VERSIONS)

    def specifiers(self):
        r = self.r
        text = (self.ws() + "," + self.ws()).join(self.specifier() for _ in range(r.choice([0, 1, 1, 1, 2, 3])))
        if r.random() < 0.1:
            text += self.ws() + ","
        return f"({self.ws()}{text}{self.ws()})" if r.random() < 0.25 else text

    def url(self):
        return self.r.choice([
            "https://files.example.org/foo-1.0.tar.gz", "file:///tmp/x", "git+https://example.org/x@v1#egg=x;y", "a;b",
            "https://example.org/a;python_version", "x", "./rel", "https://example.org/ü", "", "https://u:p@example.org/#sha256=ab",
        ])

    def requirement(self):
        r = self.r
        text = self.ws() + self.name() + self.ws()
        if r.random() < 0.3:
            extras = (self.ws() + "," + self.ws()).join(self.name() for _ in range(r.randint(0, 3)))
            text += f"[{self.ws()}{extras}{self.ws()}]{self.ws()}"
        text += "@" + self.ws() + self.url() + self.ws() if r.random() < 0.25 else self.specifiers() + self.ws()
        if r.random() < 0.4:
            text += ";" + self.marker()
        return text

    def literal(self):
        r = self.r
        text = r.choice(WORDS if r.random() < 0.5 else VERSIONS)
        if r.random() < 0.12:
            at = r.randint(0, len(text))
            text = text[:at] + r.choice(ESCAPES) + text[at:]
        quote = r.choice("'\"")
        return quote + text + quote

    def variable(self):
        r = self.r
        if r.random() < 0.03:
            return r.choice(NOT_SPELLINGS)
        return r.choice(VERSIONS_OF if r.random() < 0.3 else SPELLINGS)

    def plain_item(self):
        """One that has an answer, so that not every expression is undefined by one of its items."""
        r = self.r
        if r.random() < 0.5:
            sides = [r.choice(VERSIONS_OF), '"' + r.choice(VERSIONS[:12]) + '"']
            op = r.choice(OPS)
        else:
            sides = [r.choice(VARIABLES + ["extra", "extra", "extra"]), "'" + r.choice(WORDS[:16]) + "'"]
            op = r.choice(["==", "!=", "in", "not in", "<=", "<"])
        if r.random() < 0.2:
            sides.reverse()
        return f"{sides[0]} {op} {sides[1]}"

    def item(self):
        r = self.r
        if r.random() < 0.7:
            return self.plain_item()
        op = r.choice(OPS) if r.random() < 0.7 else r.choice(["in", "not in", "not  in", "not\tin"])
        pad = self.ws if op[0] in "=~!<>" or r.random() < 0.1 else lambda: " "
        kind = r.random()
        if kind < 0.7:
            sides = self.variable(), self.literal()
        elif kind < 0.9:
            sides = self.literal(), self.variable()
        else:
            sides = r.choice([(self.variable(), self.variable()), (self.literal(), self.literal())])
        return sides[0] + pad() + op + pad() + sides[1]

    def marker(self, depth=0):
        r = self.r
        text = ""
        for i in range(r.choice([1, 1, 1, 2, 2, 3, 4]) if depth < 4 else 1):
            if i:
                text += r.choice([" ", " ", "\t", "  "]) + r.choice(["and", "or"]) + r.choice([" ", " ", "\t"])
            if r.random() < 0.2 and depth < 6:
                text += "(" + self.ws() + self.marker(depth + 1) + self.ws() + ")"
            else:
                text += self.item()
        return self.ws() + text + self.ws()

    def mutate(self, text):
        r = self.r
        for _ in range(r.choice([1, 1, 1, 2, 4])):
            at = r.randint(0, len(text))
            end = min(len(text), at + r.choice([1, 1, 1, 3, 8]))
            kind = r.randint(0, 4)
            if kind == 0:
                text = text[:at] + text[end:]
            elif kind == 1:
                text = text[:at] + r.choice(HOSTILE) + text[at:]
            elif kind == 2:
                text = text[:at] + r.choice(HOSTILE) + text[end:]
            elif kind == 3:
                text = text[:end] + text[at:]
            else:
                text = text[end:] + text[:at]
        return text

    def noise(self):
        return "".join(self.r.choice(HOSTILE) for _ in range(self.r.randint(0, 12)))

    def varied(self, make):
        kind = self.r.random()
        if kind < 0.6:
            return make()
        return self.mutate(make()) if kind < 0.97 else self.noise()

    def environment(self, text):
        """Values often taken from the marker's own literals: else hardly anything would be equal."""
        r = self.r
        own = re.findall(r"'([^'\\]*)'|\"([^\"\\]*)\"", text)
        words = ["".join(pair) for pair in own] + WORDS[:12]
        env = {name: r.choice(words) for name in VARIABLES}
        for name in VERSIONS_OF:
            if r.random() < 0.6:
                env[name] = r.choice(VERSIONS)
        return env

    def case(self):
        """("req", text), ("marker", text, extra, environment) or ("name", text)"""
        r = self.r
        kind = r.random()
        if kind < 0.45:
            text = self.varied(self.requirement)
        elif kind < 0.95:
            text = self.varied(self.marker)
        else:
            text = self.name() if r.random() < 0.7 else self.mutate(self.name())
        if "\\N" in text:
            return self.case()
        if kind < 0.45:
            return "req", text
        if kind < 0.95:
            return "marker", text, r.choice(["", "tls", "TLS", "Foo.Bar", "foo-bar", "a"]), self.environment(text)
        return "name", text


def read(text):
    """As from a file: bytes that are not UTF-8 stand in `text` as lone surrogates."""
    return text.encode("utf-8", "surrogateescape")


def source(text):
    return escaped(read(text))


def question(case):
    fields = [case[0], read(case[1])]
    if case[0] == "marker":
        fields += [read(case[2])] + [read(f"{k}={v}") for k, v in case[3].items()]
    return fields


def marker_text(marker):
    """None where packaging has no text for a value, because it holds quotes of both kinds."""
    try:
        return escaped(str(marker).encode("utf-8", "surrogatepass")) if marker else ""
    except ValueError:
        return None


def answer_req(text):
    try:
        req = Requirement(text)
    except InvalidRequirement:
        return ["no"]
    return [
        "ok", source(req.name), source(canonicalize_name(req.name)), source(",".join(sorted(req.extras))),
        source(",".join(sorted(str(s) for s in req.specifier))), source(req.url or ""), marker_text(req.marker),
    ]


def answer_marker(text, extra, env):
    try:
        marker = Marker(text)
    except InvalidMarker:
        return ["no"]
    everything = {**env, "extra": extra, "extras": frozenset(), "dependency_groups": frozenset()}
    try:
        return ["true" if marker.evaluate(everything) else "false"]
    except (UndefinedComparison, UndefinedEnvironmentName):
        return ["false"]


def answer_name(text):
    try:
        canonicalize_name(text, validate=True)
        valid = "valid"
    except InvalidName:
        valid = "invalid"
    return [source(canonicalize_name(text)) or "-", valid]


def answer(case):
    return {"req": answer_req, "marker": answer_marker, "name": answer_name}[case[0]](*case[1:])


def differences(oracle, cases):
    for case, line in zip(cases, ask(oracle, map(question, cases))):
        want, got = answer(case), line.split("\t")
        if len(want) != len(got) or any(w is not None and w != g for w, g in zip(want, got)):
            yield f"{case!r}\n    packaging {want}\n    dray      {got}"


def compare(oracle, n, seed):
    warnings.simplefilter("ignore")  # of Python about unknown escapes
    generator = Generator(seed)
    return list(differences(oracle, [generator.case() for _ in range(n)]))


def test_differential():
    for seed in (1, 2, 3):
        different = compare(program("marker"), CASES, seed)
        assert not different, "\n".join(different[:20])


def main():
    options = arguments(__doc__, CASES).parse_args()
    return tell(options, options.cases, compare(options.oracle, options.cases, options.seed))


if __name__ == "__main__":
    sys.exit(main())
