"""Compares dray's reading of METADATA out of wheels, by ranges, with what pip reads of the whole file
(metadata/importlib, utils/wheel.py, above Python's zipfile).

    differential_zip.py ORACLE [--cases N] [--seed S] [--wheels DIRECTORY]

ORACLE is the program oracle_zip. Prints the first differences and exits 1, or "N cases, equal"; with
--verbose also how many reads the wheels took. Under pytest the build directory is named by DRAY_BUILD.

Wheels are written in many layouts, half of them then damaged in some way. Three outcomes are right:
- pip and dray read the same;
- neither reads it;
- the damage is one that dray refuses on purpose (REFUSED), or one at random: then dray may refuse what
  pip reads, or read what pip refuses for another part of the wheel. Never may dray read other bytes.
"""

import collections
import hashlib
import io
import pathlib
import random
import re
import struct
import sys
import tempfile
import warnings
import zipfile
from pathlib import PurePosixPath

from oracle import arguments, ask, batches, program, tell
from pip._internal.metadata.importlib._dists import WheelDistribution

CASES = 1500
warnings.simplefilter("ignore")  # of zipfile, which is made to write names twice
EXTRA_ID = 0xCAFE
NAME = "some_project-1.0-py3-none-any.whl"
DIST = "some_project-1.0.dist-info"
END, LOCATOR, ENTRY, LOCAL = b"PK\5\6", b"PK\6\7", b"PK\1\2", b"PK\3\4"


class Unseekable:
    """What makes zipfile write data descriptors."""

    def __init__(self):
        self.data = bytearray()

    def write(self, piece):
        self.data += piece
        return len(piece)

    def flush(self):
        pass


# --- writing wheels


def metadata(r):
    lines = ["Metadata-Version: 2.1", "Name: some-project", "Version: 1.0", ""]
    size = r.choice([0, 100, 2000, 2000, 8000, 40000, 150000])
    body = "".join(r.choices("abcdefgh \n", k=size)) if r.random() < 0.5 else "text " * (size // 5)
    return ("\n".join(lines) + "\n" + body).encode()


def entries(r):
    """Names and contents, METADATA first, in the middle or last."""
    count = r.choice([0, 1, 3, 10, 10, 50, 50, 300, 3000 if r.random() < 0.3 else 100])
    long = r.random() < 0.1
    files = []
    for n in range(count):
        name = f"some_project/{'x' * r.randrange(1, 2000 if long else 40)}{n}.py"
        files.append((name, r.randbytes(r.choice([0, 10, 100, 1000])) if count < 400 else b""))
    info = [(f"{DIST}/WHEEL", b"Wheel-Version: 1.0\nTag: py3-none-any\n"), (f"{DIST}/METADATA", metadata(r)),
            (f"{DIST}/RECORD", r.randbytes(40 * count))]
    if r.random() < 0.2:
        info.insert(0, (f"{DIST}/", b""))
    if r.random() < 0.5:
        r.shuffle(info)
    at = r.choice([0, len(files), len(files), len(files), r.randrange(len(files) + 1)])
    return files[:at] + info + files[at:]


def extra(r, most):
    n = r.randrange(most + 1)
    return struct.pack("<HH", EXTRA_ID, n) + r.randbytes(n)


def wheel(r, files=None):
    """The bytes of a wheel that pip can read, in some layout."""
    files = files or entries(r)
    streamed, zip64, big = r.random() < 0.2, r.random() < 0.15, r.random() < 0.15
    target = Unseekable() if streamed else io.BytesIO()
    with zipfile.ZipFile(target, "w") as out:
        for name, content in files:
            facts = zipfile.ZipInfo(name)
            facts.compress_type = r.choice([zipfile.ZIP_DEFLATED] * 4 + [zipfile.ZIP_STORED])
            if len(files) < 100 and r.random() < (0.9 if big else 0.1):
                facts.extra = extra(r, 30000 if big else 60)
            with out.open(facts, "w", force_zip64=zip64 and r.random() < 0.7) as entry:
                entry.write(content)
        if r.random() < 0.15:
            out.comment = r.randbytes(r.choice([1, 20, 22, 1000, 65535]))
    data = bytes(target.data) if streamed else target.getvalue()
    if r.random() < 0.15:
        data = with_zip64_end(data)
    if r.random() < 0.15:
        data = r.randbytes(r.choice([1, 100, 5000, 100000])) + data
    return data


def end_of(data):
    """Where the end record is, and its fields."""
    at = data.rfind(END)
    return at, list(struct.unpack("<4s4H2LH", data[at:at + 22]))


def with_zip64_end(data):
    """As if the numbers had not fit."""
    at, end = end_of(data)
    if data[at - 20:at].startswith(LOCATOR) or end[7] > 60000 or at + 22 + end[7] != len(data):
        return data
    large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, end[4], end[4], end[5], end[6])
    locator = struct.pack("<4sLQL", LOCATOR, 0, end[6] + end[5], 1)
    small = struct.pack("<4s4H2LH", END, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, end[7])
    return data[:at] + large + locator + small + data[at + 22:]


# --- damaging them


def patched(data, at, fmt, value):
    value &= (1 << 8 * struct.calcsize(fmt)) - 1
    return data[:at] + struct.pack(fmt, value) + data[at + struct.calcsize(fmt):]


def directory_entry(data, name=f"{DIST}/METADATA"):
    """Where the directory's entry of a name is."""
    for found in re.finditer(re.escape(name.encode()), data):
        if data[found.start() - 46:found.start() - 42] == ENTRY:
            return found.start() - 46
    raise AssertionError(name)


def local_entry(data, name=f"{DIST}/METADATA"):
    for found in re.finditer(re.escape(name.encode()), data):
        if data[found.start() - 30:found.start() - 26] == LOCAL:
            return found.start() - 30
    raise AssertionError(name)


def added(r, name, content=b"Name: other\n"):
    files = entries(r)
    files.insert(r.randrange(len(files) + 1), (name, content))
    return wheel(r, files)


def replaced(r, name):
    return wheel(r, [(name if n.endswith("/METADATA") else n, c) for n, c in entries(r)])


def comment_with_directory(r):
    """In the comment of one wheel another one, of which pip reads the directory."""
    inner = bytearray(wheel(r, [(f"{DIST}/WHEEL", b"Wheel-Version: 1.0\n"), (f"{DIST}/METADATA", b"Name: evil\n")]))
    data = wheel(r)
    at, _ = end_of(data)
    if len(inner) > 60000:
        return data
    comment = bytes(inner) + r.choice([b"", b"x", b"\0\0\0"])
    return patched(data[:at + 22], at + 20, "<H", len(comment)) + comment


def local_sizes(r):
    data = wheel(r)
    return patched(data, local_entry(data) + r.choice([18, 22]), "<L", r.choice([0, 1, 70, 0xFFFFFFFF]))


def declared_size(r):
    data = wheel(r)
    at = directory_entry(data) + 24
    return patched(data, at, "<L", struct.unpack("<L", data[at:at + 4])[0] + r.choice([-1, 1, -50, 5, 100000]) & 0xFFFFFFFF)


def field_of_entry(r):
    data = wheel(r)
    at, fmt = r.choice([(8, "<H"), (10, "<H"), (16, "<L"), (20, "<L"), (28, "<H"), (30, "<H"), (32, "<H"), (42, "<L")])
    return patched(data, directory_entry(data) + at, fmt, r.choice([0, 1, 8, 9, 0xFFFF, r.randrange(1 << 16)]))


def field_of_local(r):
    data = wheel(r)
    at, fmt = r.choice([(6, "<H"), (8, "<H"), (14, "<L"), (26, "<H"), (28, "<H")])
    return patched(data, local_entry(data) + at, fmt, r.choice([0, 1, 8, 9, 30, 0xFFFF, r.randrange(1 << 16)]))


def field_of_end(r):
    data = wheel(r)
    at, fmt = r.choice([(4, "<H"), (6, "<H"), (8, "<H"), (10, "<H"), (12, "<L"), (16, "<L"), (20, "<H")])
    return patched(data, end_of(data)[0] + at, fmt, r.choice([0, 1, 2, 100, 0xFFFF, 0xFFFFFF, r.randrange(1 << 16)]))


def field_of_end64(r):
    data = with_zip64_end(wheel(r))
    at = r.randrange(76)
    end = end_of(data)[0]
    return data[:end - 76 + at] + bytes([r.randrange(256)]) + data[end - 76 + at + 1:]


def flipped(r):
    data = bytearray(wheel(r))
    end, local = end_of(data)[0], local_entry(data)
    for _ in range(r.choice([1, 1, 2, 5])):
        where = r.choice([(0, len(data)), (max(0, end - 2000), end), (end, len(data)), (local, len(data))])
        data[min(r.randrange(*where), len(data) - 1)] = r.randrange(256)
    return bytes(data)


def cut(r):
    data = wheel(r)
    at = r.choice([r.randrange(len(data)), len(data) - r.randrange(1, 30), r.randrange(40)])
    return r.choice([data[:at], data[at:], data + r.randbytes(r.choice([1, 30, 70000]))])


# pip reads these, or something in them; dray says why it doesn't.
REFUSED = {
    "a second METADATA": lambda r: added(r, f"{DIST}/METADATA"),
    "a METADATA by another path": lambda r: added(r, f"{DIST}/{r.choice(['./METADATA', 'METADATA/', './/METADATA/.'])}"),
    "a METADATA before a NUL": lambda r: added(r, f"{DIST}/METADATA\x01\x02\x03").replace(b"\x01\x02\x03", b"\0ab"),
    "sizes in the local header": local_sizes,
    "a directory in the comment": comment_with_directory,
    "a directory that is not ASCII": lambda r: wheel(
        r, [(n.replace("1.0.dist-info", "1.\u00e9.dist-info"), c) for n, c in entries(r)]),
    "the declared size": declared_size,
}
SAME = {
    "METADATA by another path": lambda r: replaced(r, f"{DIST}/{r.choice(['./METADATA', './/METADATA'])}"),
    "no METADATA": lambda r: replaced(r, f"{DIST}/{r.choice(['metadata', 'sub/METADATA', '../METADATA', '/METADATA'])}"),
    "two directories": lambda r: added(r, r.choice(["other-1.dist-info/x", "other-1.dist-info", f"{DIST.upper()}/x.dist-info/y"])),
    "several directories": lambda r: wheel(r, entries(r) + [(f"a{n}.dist-info/x", b"") for n in range(r.randrange(1, 9))]),
    "a nested directory": lambda r: added(r, "some_project/other-1.dist-info/METADATA"),
    "another project": lambda r: wheel(r, [(n.replace(DIST, "other-1.0.dist-info"), c) for n, c in entries(r)]),
    "a longer project": lambda r: wheel(r, [(n.replace(DIST, "Some.Project_x-2.dist-info"), c) for n, c in entries(r)]),
    "no directory": lambda r: wheel(r, [("a.py", b""), ("b/METADATA", b"Name: x\n")]),
}
ANY = {
    "a field of the entry": field_of_entry, "a field of the local header": field_of_local,
    "a field of the end": field_of_end, "a field of the zip64 end": field_of_end64, "flipped bytes": flipped,
    "cut": cut,
}


def cases(r, count):
    """How it is to be judged, what it is, its bytes, and the tail that is there from the start."""
    damages = [(kind, *item) for kind, table in [("refused", REFUSED), ("same", SAME), ("any", ANY)] for item in table.items()]
    for n in range(count):
        kind, what, make = r.choice(damages) if n % 2 else ("same", "sound", wheel)
        data = make(r)
        yield kind, what, data, r.choice([0, 0, r.randrange(1, 200), r.randrange(1, 30000), 16384, len(data)])


# --- asking


def pip_reads(data):
    """pip's METADATA, or None."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            return WheelDistribution.from_zipfile(opened, "some-project", "")._files[PurePosixPath("METADATA")]
    except Exception:  # whatever zipfile comes to raise at such bytes; pip stops at all of it
        return None


def judged(kind, want, answer):
    """What is wrong with an answer, or None."""
    if answer[0] == "found":
        if want is None:
            return None if kind == "any" else "pip refuses it"
        return None if answer[1] == hashlib.sha256(want).hexdigest() else "pip reads other bytes"
    return "pip reads it" if want is not None and kind == "same" else None


class Asking:
    """Counts what was asked, and keeps what was wrong."""

    def __init__(self, oracle, folder):
        self.oracle, self.folder = oracle, folder
        self.wrong, self.kinds, self.steps, self.worst = [], collections.Counter(), collections.Counter(), {}

    def ask(self, questions):
        return [answer.split("\t") for answer in ask(self.oracle, [("read", *map(str, q)) for q in questions])]

    def batch(self, batch):
        questions = []
        for n, (_, _, data, tail) in enumerate(batch):
            path = pathlib.Path(self.folder, f"{n}.whl")
            path.write_bytes(data)
            questions.append((path, NAME, tail))
        for (kind, what, data, tail), answer in zip(batch, self.ask(questions)):
            want = pip_reads(data)
            self.kinds[what, "read" if want is not None else "refused", answer[0]] += 1
            if answer[0] == "found":
                self.steps[what, int(answer[2]) + (tail > 0)] += 1
            problem = judged(kind, want, answer)
            if problem:
                self.wrong.append(f"{what}, {len(data)} bytes, tail {tail}: {problem}, dray says {answer}")

    def all(self, asked):
        for batch in batches(asked):
            self.batch(batch)

    def wheels(self, folder):
        paths = sorted(pathlib.Path(folder).glob("*.whl"))
        for path, answer in zip(paths, self.ask([(p, p.name, 0) for p in paths])):
            with zipfile.ZipFile(path) as opened:
                project = path.name.split("-")[0]
                want = WheelDistribution.from_zipfile(opened, project, "")._files[PurePosixPath("METADATA")]
            problem = judged("same", want, answer)
            self.kinds["real", "read", answer[0]] += 1
            if problem:
                self.wrong.append(f"{path.name}: {problem}, dray says {answer}")
            else:
                self.steps["real", int(answer[2])] += 1
                self.kinds["real", "read", "bytes"] += int(answer[3])

    def tell(self):
        for (what, pip, dray), n in sorted(self.kinds.items()):
            print(f"{what:32} pip {pip:8} dray {dray:7} {n}")
        reads = sorted({n for _, n in self.steps})
        for what in sorted({what for what, _ in self.steps}):
            print(f"{what:32} reads " + "  ".join(f"{n}: {self.steps[what, n]}" for n in reads if self.steps[what, n]))


def main():
    parser = arguments(__doc__, CASES)
    parser.add_argument("--wheels", help="ask about the wheels in this directory")
    parser.add_argument("--verbose", action="store_true", help="also count answers and reads")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asking = Asking(options.oracle, folder)
        if options.wheels:
            asking.wheels(options.wheels)
        else:
            asking.all(cases(random.Random(options.seed), options.cases))
    if options.verbose:
        asking.tell()
    asked = asking.steps if options.wheels else asking.kinds
    return tell(options, sum(asked.values()), asking.wrong)


def test_differential(tmp_path):
    asking = Asking(program("zip"), tmp_path)
    asking.all(cases(random.Random(0), CASES))
    assert not asking.wrong, "\n".join(asking.wrong[:20])
    assert asking.kinds["sound", "read", "found"] == CASES - CASES // 2
    for what in REFUSED:
        assert asking.kinds[what, "read", "failed"] > 0, f"nothing that pip reads was refused: {what}"


if __name__ == "__main__":
    sys.exit(main())
