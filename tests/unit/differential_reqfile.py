"""Requirements files as dray and as pip read them: the same requirements, hashes and options, line by line.

By hand: differential_reqfile.py ORACLE [--cases N] [--seed N]; from pytest: DRAY_BUILD is the build directory.
"""

import contextlib
import json
import os
import random
import re
import subprocess
import sys

from oracle import arguments, program, tell
from pip._internal.exceptions import CommandError, InstallationError
from pip._internal.models.format_control import FormatControl
from pip._internal.models.release_control import ReleaseControl
from pip._internal.req import req_file
from pip._internal.req.constructors import install_req_from_line

VARIABLES = {"URL": "https://u.example.org", "NEST": "<${URL}>", "SPACE": "a b", "OPT": "-e x", "EMPTY": "", "HASH": "#x"}
HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}

BLANKS = [" ", " ", " ", "  ", "\t", "\u00a0", "\u3000", "\x1f", ""]
LINE_ENDS = ["\n", "\n", "\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"]
NAMES = ["flask", "Django==4.2", "zope.interface[a,b]>=1,<2", "a ; python_version < '3'", 'b; extra == "x y"',
         "https://e.example.org/p.zip#egg=p", "./local/dir", "q @ file:///tmp/q.whl", "caf\u00e9", "x#y", "a\\b", "-", "--"]
FLAGS = ["--no-index", "--pre", "--prefer-binary", "--require-hashes", "--no-require-hashes", "--no-require", "--prefer"]
VALUED = ["-i", "--index-url", "--pypi-url", "--index", "--extra-index-url", "--extra", "-f", "--find-links", "--find",
          "-r", "--requirement", "-c", "--constraint", "--const", "-e", "--editable", "--edit", "--no-binary",
          "--only-binary", "--all-releases", "--only-final", "--trusted-host", "--trusted", "-C", "--config-settings",
          "--hash"]
WRONG = ["--no", "--require", "--only", "--indx-url", "-q", "--no-deps", "--pre=1", "--p", "--h", "--only-b", "-ie", "-x"]
VALUES = ["https://i.example.org/simple", "a,b", ":all:", ":none:", ":all:,:none:,Foo_Bar", "'a b'", '"a b"', "a\\ b",
          '"a\\"b\\c"', "k=v", "other.txt", "''", "-x", "${URL}/x", "${SPACE}", "${UNSET}", "host:80", "a#b", "'", '"', "\\"]


def make_hash(rng):
    name = rng.choice(["sha256", "sha256", "sha384", "sha512", "sha256", "md5", "SHA256"])
    length = HEX_LENGTH.get(name, 64) if rng.random() < 0.97 else rng.randrange(70)
    return name + ":" + "".join(rng.choice("0123456789abcdefABCDEF") for _ in range(length))


def make_option(rng):
    roll = rng.random()
    if roll < 0.2:
        return rng.choice(FLAGS)
    if roll < 0.24:
        return rng.choice(WRONG)
    name = rng.choice(VALUED)
    value = make_hash(rng) if name == "--hash" else rng.choice(VALUES)
    if name.startswith("--"):
        return name + rng.choice(["=", " ", "=", "  "]) + value
    return name + rng.choice(["", " "]) + value


def make_line(rng):
    parts = []
    if rng.random() < 0.6:
        parts.append(rng.choice(NAMES))
    while rng.random() < 0.45:
        parts.append(make_option(rng) if rng.random() < 0.85 else "--hash=" + make_hash(rng))
    if rng.random() < 0.1:
        parts.append(rng.choice(["${URL}", "${NEST} ${URL}", "${OPT}", "${EMPTY}x", "${HASH}", "${url}", "${"]))
    if rng.random() < 0.15:
        parts.append(rng.choice(["# note", "#note", "#", "# note \\", "x#y"]))
    line = rng.choice(["", "", " "])
    for part in parts:
        line += part + rng.choice(BLANKS)
        if rng.random() < 0.08:
            line += rng.choice(["\\", "\\\\", "\\ "]) + rng.choice(LINE_ENDS[:5])
    return line + ("\\" if rng.random() < 0.05 else "")


def mutate(rng, text):
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        at = rng.randrange(len(text) + 1)
        text = rng.choice([
            lambda: text[:at] + text[at + 1:],
            lambda: text[:at] + rng.choice(" -=#'\"\\\n\t${}:") + text[at:],
            lambda: text[:at] + text[at:at + 3] + text[at:],
        ])()
    return text


def encode(rng, text):
    roll = rng.random()
    if roll < 0.85:
        return text.encode()
    if roll < 0.9:
        return b"\xef\xbb\xbf" + text.encode()
    if roll < 0.94:
        return rng.choice([b"\xff\xfe" + text.encode("utf-16-le"), b"\xfe\xff" + text.encode("utf-16-be")])
    if roll < 0.96:
        return rng.choice([b"\xff\xfe\0\0" + text.encode("utf-32-le"), b"\0\0\xfe\xff" + text.encode("utf-32-be")])
    declared = rng.choice(["# coding: latin-1\n", "# -*- coding:latin1 -*-\n", "#\n# vim:fileencoding=iso-8859-1\n", ""])
    return (declared + text).encode("latin-1", "replace")


def make_file(rng):
    text = "".join(make_line(rng) + rng.choice(LINE_ENDS) for _ in range(rng.choice([1, 1, 2, 3, 4])))
    return encode(rng, mutate(rng, text))


def control_sets(format_control, release_control):
    return [sorted(format_control.no_binary), sorted(format_control.only_binary),
            sorted(release_control.all_releases), sorted(release_control.only_final)]


OPTION_LISTS = {"extra-index-url": "extra_index_urls", "trusted-host": "trusted_hosts", "use-feature": "features_enabled"}
OPTION_FLAGS = {"no-index": "no_index", "prefer-binary": "prefer_binary", "pre": "pre", "require-hashes": "require_hashes",
                "no-require-hashes": "no_require_hashes"}


def pip_line(number, text, opts):
    line = {"line": number, "controls": control_sets(opts.format_control, opts.release_control)}
    requirement = text.strip() if text else opts.editables[0] if opts.editables else None
    if requirement is not None:
        line["editable"] = bool(opts.editables)
        line["requirement"] = requirement
        hashes = {} if opts.editables else opts.hashes or {}
        line["hashes"] = {name: [h.lower() for h in values] for name, values in hashes.items()}
    elif opts.requirements:
        line["nested"] = ["requirement", opts.requirements[0]]
    elif opts.constraints:
        line["nested"] = ["constraint", opts.constraints[0]]
    else:
        line["index-url"] = opts.index_url or None
        line["find-links"] = opts.find_links[:1]
        line.update({name: getattr(opts, dest) or [] for name, dest in OPTION_LISTS.items()})
        line.update({name: bool(getattr(opts, dest)) for name, dest in OPTION_FLAGS.items()})
    return line


def says_nothing(line):
    return not any(value for name, value in line.items() if name not in ("line", "controls")) \
        and not any(line["controls"]) and "requirement" not in line


def pip_reads(data):
    """The lines up to the first that pip refuses, and what it says about that one."""
    lines = []
    try:
        content = req_file._decode_req_file(data, "reqs.txt")
        parse = req_file.get_line_parser(None)
        for number, text in req_file.preprocess(content):
            text, opts = parse(text)
            lines.append((pip_line(number, text, opts), opts))
    except (req_file.OptionParsingError, CommandError, UnicodeDecodeError) as error:
        return lines, error
    return lines, None


def dray_line(number, items):
    formats, releases = FormatControl(), ReleaseControl()
    line = {"line": number}
    options = {"index-url": None, "find-links": [], **{name: [] for name in OPTION_LISTS},
               **{name: False for name in OPTION_FLAGS}}
    for item in items:
        name, value = item["text"], item["value"]
        if item["kind"] != "option":
            line["editable"] = item["kind"] == "editable"
            line["requirement"] = name
            line["hashes"] = {}
            for algorithm, digest in item["hashes"]:
                line["hashes"].setdefault(algorithm, []).append(digest)
        elif name == "no-binary":
            FormatControl.handle_mutual_excludes(value, formats.no_binary, formats.only_binary)
        elif name == "only-binary":
            FormatControl.handle_mutual_excludes(value, formats.only_binary, formats.no_binary)
        elif name == "all-releases":
            releases.handle_mutual_excludes(value, releases.all_releases, releases.only_final, "all_releases")
        elif name == "only-final":
            releases.handle_mutual_excludes(value, releases.only_final, releases.all_releases, "only_final")
        elif name in ("requirement", "constraint"):
            line["nested"] = [name, value]
        elif isinstance(options[name], list):
            options[name].append(value)
        else:
            options[name] = True if value is None else value
    line["controls"] = control_sets(formats, releases)
    if "requirement" not in line and "nested" not in line:
        line.update(options)
    return line


def dray_lines(answer):
    numbers = []
    groups = {}
    for item in answer["items"]:
        if item["line"] not in groups:
            numbers.append(item["line"])
        groups.setdefault(item["line"], []).append(item)
    lines = (dray_line(number, groups[number]) for number in numbers)
    return [line for line in lines if not says_nothing(line)]


def is_stricter(error, lines):
    """dray refuses at once what pip only refuses when it uses the line: is this such a one?"""
    if "= is not an operator" in error:
        number = int(re.search(r"line (\d+)", error)[1])
        texts = [line["requirement"] for line, _ in lines if line["line"] <= number and "requirement" in line]
        with contextlib.suppress(IndexError):
            try:
                install_req_from_line(texts[-1])
            except InstallationError:
                return True
        return False
    if "hexadecimal digits" in error:
        return any(len(digest) != HEX_LENGTH[name] or not re.fullmatch("[0-9a-fA-F]*", digest)
                   for _, opts in lines for name, digests in (opts.hashes or {}).items() for digest in digests)
    return "a NUL character" in error


def difference(data, answer):
    lines, refused = pip_reads(data)
    if "error" in answer:
        return None if refused or is_stricter(answer["error"], lines) else f"dray refuses: {answer['error']}"
    if refused:
        return f"pip refuses: {getattr(refused, 'msg', refused)}"
    want = [line for line, _ in lines if not says_nothing(line)]
    got = dray_lines(answer)
    return None if got == want else f"pip  {want}\n  dray {got}"


def ask(oracle, files):
    questions = b"".join(b"%d\n%s" % (len(data), data) for data in files)
    done = subprocess.run([oracle], input=questions, stdout=subprocess.PIPE, check=True, env={**os.environ, **VARIABLES})
    return [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]


def compare(oracle, cases, seed):
    rng = random.Random(seed)
    files = [make_file(rng) for _ in range(cases)]
    answers = ask(oracle, files)
    assert len(answers) == len(files)
    os.environ.update(VARIABLES)
    req_file.get_locale_encoding = lambda: "latin-1"
    req_file.logging.disable()
    found = []
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        for data, answer in zip(files, answers):
            text = difference(data, answer)
            if text:
                found.append(f"{data!r}\n  {text}")
    return found


def test_differential():
    for seed in (1, 2):
        found = compare(program("reqfile"), 10000, seed)
        assert not found, "\n".join(found[:5])


def main():
    options = arguments(__doc__, 20000).parse_args()
    return tell(options, options.cases, compare(options.oracle, options.cases, options.seed))


if __name__ == "__main__":
    sys.exit(main())
