"""Compares dray's reading of PKG-INFO out of source distributions with what Python's tarfile reads, with which pip
unpacks them: the first regular member "X/PKG-INFO", leading "./" dropped.

    differential_sdist.py ORACLE [--cases N] [--seed S]

ORACLE is the program oracle_sdist. Prints the first differences and exits 1, or "N cases, equal"; with
--verbose also how they were answered. Under pytest the build directory is named by DRAY_BUILD.

Half of the archives are sound: both read the same, or both find none. The others are damaged:
- what dray finds is what tarfile reads of what zlib gets out of the file, up to where zlib stops; dray does not wait
  for the checksum at the end of a gzip member;
- what tarfile reads dray may refuse for damage to the headers, of tar or gzip (MAY_REFUSE), and for no other.
"""

import collections
import gzip
import hashlib
import io
import pathlib
import random
import re
import sys
import tarfile
import tempfile
import zlib

from oracle import arguments, ask, batches, program, tell

CASES = 2000
BLOCK = 512
FIRST_BYTES = 140
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
WINDOW = 16 + zlib.MAX_WBITS


# --- writing archives


def word(r, most):
    letters = r.choice(["abcxyz-_.0123456789", "abc", "a\u00e9\u4e2d\U0001f600", "a b=\\'"])
    return "x" + "".join(r.choices(letters, k=r.randrange(most)))


def top(r):
    """A directory that sdists are in."""
    return word(r, r.choice([10, 30, 95, 150]))[:150].strip()


def shortened(text, most):
    return text.encode()[:most].decode(errors="ignore")


def bound(name):
    """What fits into the name and the prefix of USTAR."""
    first, *parts = name.split("/")
    parts = [shortened(first, FIRST_BYTES), *(shortened(part, 90) for part in parts)]
    while len(parts) > 2 and len("/".join(parts).encode()) > 150:
        parts.pop(1)
    return "/".join(parts)


def inner_name(r, folder):
    """The name of a member that is not looked for."""
    near = [f"{folder}/x.egg-info/PKG-INFO", "PKG-INFO", f"{folder}/PKG-INFO.txt", f"{folder}/pkg-info", f"{folder}/PKG-INFO/a",
            f"{folder}//PKG-INFO", f"{folder}/./PKG-INFO", "./PKG-INFO", f"{folder}/src/{word(r, 100)}/PKG-INFO"]
    plain = "/".join([folder] + [word(r, r.choice([8, 20, 90, 200])) for _ in range(r.randrange(1, 5))])
    return r.choice(near) if r.random() < 0.2 else plain


def member(r, name, data=None):
    """A tarfile member and its data: a file when there are data, else anything."""
    info = tarfile.TarInfo(name)
    kinds = [tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
    if data is None and r.random() < 0.3:
        info.type = r.choice(kinds)
        info.linkname = "" if info.type == tarfile.DIRTYPE else word(r, r.choice([10, 90, 150]))
        return info, b""
    if data is None:
        data = r.randbytes(r.choice([0, 1, 100, 511, 512, 513, 2000])) if r.random() < 0.9 else bytes(r.randrange(60000))
    info.type = r.choice([tarfile.REGTYPE, tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE])
    info.size = len(data)
    return info, data


def pkg_info(r):
    text = "Metadata-Version: 2.2\nName: x\nVersion: 1\n\n" if r.random() < 0.9 else ""
    return (text + "".join(r.choices("abcdefgh \n", k=r.choice([0, 100, 466, 467, 468, 3000, 50000])))).encode()


def members(r, fmt):
    folder = top(r)
    made = [member(r, inner_name(r, folder)) for _ in range(r.choice([0, 1, 3, 10, 20]))]
    for _ in range(r.choice([0, 1, 1, 1, 1, 1, 1, 2])):
        name = f"{r.choice([folder, folder, top(r)])}/PKG-INFO"
        made.insert(r.choice([0, len(made), r.randrange(len(made) + 1)]), member(r, name, pkg_info(r)))
        if r.random() < 0.1:
            made.insert(r.randrange(len(made) + 1), member(r, name))
    if r.random() < 0.1:
        r.shuffle(made)
    before = r.choice(["", "", "", "./", "././"])
    for info, data in made:
        if fmt == tarfile.USTAR_FORMAT:
            info.name, info.linkname = bound(info.name), shortened(info.linkname, 90)
        info.name = before + info.name
        if info.type == tarfile.AREGTYPE and len(info.name.encode()) > 99:
            info.type = tarfile.REGTYPE  # where the header's name ends in "/", tarfile reads a directory
        if fmt == tarfile.PAX_FORMAT and r.random() < 0.2:
            info.mtime = 1.5
            info.pax_headers = r.choice([{"comment": word(r, 600)}, {"size": str(info.size)}, {"x.y": "a=b\nc"}])
        yield info, data


def tar(r):
    fmt = r.choice(FORMATS)
    target = io.BytesIO()
    about_all = {"comment": word(r, 40)} if fmt == tarfile.PAX_FORMAT and r.random() < 0.2 else None
    with tarfile.open(fileobj=target, mode="w", format=fmt, pax_headers=about_all) as out:
        for info, data in members(r, fmt):
            out.addfile(info, io.BytesIO(data) if info.isreg() else None)
        end = out.offset
    return target.getvalue()[:r.choice([end + 2 * BLOCK, end + BLOCK, end, None])]


def gz(r, data):
    """One gzip member or several, each with or without a name and at any level."""
    cuts = sorted(r.randrange(len(data) + 1) for _ in range(r.choice([0, 0, 0, 1, 2, 5])))
    target = io.BytesIO()
    for start, end in zip([0] + cuts, cuts + [len(data)]):
        with gzip.GzipFile(r.choice(["", "x.tar"]), "wb", r.choice([0, 1, 6, 9]), target, mtime=0) as out:
            out.write(data[start:end])
    return target.getvalue()


def sound(r):
    return gz(r, tar(r))


# --- damaging them


def flips(r, data, start=0):
    data = bytearray(data)
    for _ in range(r.choice([1, 1, 2, 5])):
        if len(data) > start:
            data[r.randrange(start, len(data))] = r.randrange(256)
    return bytes(data)


def headers(data):
    """Where they are, as far as tarfile reads them."""
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        return [at for found in opened for at in range(found.offset, found.offset_data, BLOCK)]


def with_sum(header):
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return header


# Offsets in a header, what to put there.
FIELDS = [
    (156, [b"0", b"1", b"2", b"5", b"7", b"\0", b"L", b"K", b"V", b"x"]),
    (124, [b"00000000000\0", b"00000000001\0", b"00000001000\0", b"77777777777\0", b"     1000 \0 ", b"0000000100z\0",
           b"\x80" + bytes(10) + b"\5", b"\x80" + bytes(9) + b"\2\0"]),
    (0, [b"x/PKG-INFO\0", b"PKG-INFO\0", b"./x/PKG-INFO\0", b"x/y\0", b"\0"]),
]


def changed_header(r):
    """A field that says something else, and a sum that is right."""
    data = bytearray(tar(r))
    try:
        found = headers(bytes(data))
    except tarfile.ReadError:  # it is empty
        found = []
    for at in r.sample(found, min(len(found), r.choice([1, 1, 3]))):
        header = data[at:at + BLOCK]
        where, values = r.choice(FIELDS)
        value = r.choice(values)
        if value == b"L" and not any(header[124:135].strip(b"0")):
            continue  # an empty name: dray takes the header's
        header[where:where + len(value)] = value
        data[at:at + BLOCK] = with_sum(header)
    return gz(r, bytes(data))


def flipped_header(r):
    data = bytearray(tar(r))
    at = r.randrange(0, len(data) or 1, BLOCK)
    return gz(r, bytes(data[:at]) + flips(r, data[at:at + BLOCK]) + bytes(data[at + BLOCK:]))


def cut(r, data):
    return data[:r.choice([r.randrange(len(data) + 1), max(0, len(data) - r.randrange(30)), r.randrange(40)])]


SAME = {
    "sound": sound,
    "cut": lambda r: cut(r, sound(r)),
    "cut tar": lambda r: gz(r, cut(r, tar(r))),
    "a changed PKG-INFO": lambda r: gz(r, re.sub(rb"Name: x", lambda _: b"Name: " + r.randbytes(1), tar(r))),
}
MAY_REFUSE = {
    "flipped": lambda r: flips(r, sound(r)),
    "flipped behind the header": lambda r: flips(r, sound(r), 10),
    "flipped in tar": lambda r: gz(r, flips(r, tar(r))),
    "a flipped header": flipped_header,
    "a changed header": changed_header,
    "more behind": lambda r: sound(r) + r.choice([b"x", b"\0", bytes(1000), sound(r)]),
    "not packed": tar,
    "nothing": lambda r: r.randbytes(r.choice([0, 1, 30, 1000])),
}


def cases(r, count):
    damages = [*MAY_REFUSE.items(), *((what, make) for what, make in SAME.items() if what != "sound")]
    for n in range(count):
        what, make = r.choice(damages) if n % 2 else ("sound", sound)
        yield what, make(r), r.choice([0, 0, 1, 7, 511, 512, 8192])


# --- asking


def inflated(data):
    """What zlib gets out of it, up to the first fault."""
    out = b""
    while data:
        inflater = zlib.decompressobj(WINDOW)
        try:
            out += inflater.decompress(data)
        except zlib.error:
            return out + inflated_slowly(data)
        data = inflater.unused_data
    return out


def inflated_slowly(data):
    """The same of one gzip member that has a fault: what comes out together with it would be lost."""
    inflater, out, at = zlib.decompressobj(WINDOW), b"", 0
    pieces = (data[at:at + 1] for at in range(len(data)))
    for piece in pieces:
        while piece:
            try:
                out += inflater.decompress(piece, 1)
            except zlib.error:
                return out
            piece = inflater.unconsumed_tail
    return out


def read(data, mode):
    """The PKG-INFO that tarfile reads, or None."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode=mode) as opened:
            for found in opened:
                name = re.sub(r"^(\./)+", "", found.name)
                if found.isreg() and re.fullmatch(r"[^/]+/PKG-INFO", name, re.DOTALL):
                    return opened.extractfile(found).read()
    except Exception:  # whatever tarfile, gzip and zlib come to raise at such bytes
        pass
    return None


def judged(what, data, answer):
    """What is wrong with an answer, or None; and whether tarfile reads it."""
    want, all_of_it = read(inflated(data), "r:"), read(data, "r:gz")
    if answer[0] == "found":
        if want is None:
            return "tarfile reads none", False
        return None if answer[1] == hashlib.sha256(want).hexdigest() else "tarfile reads other bytes", all_of_it is not None
    return "tarfile reads it" if all_of_it is not None and what in SAME else None, all_of_it is not None


class Asking:
    """Counts what was asked, and keeps what was wrong."""

    def __init__(self, oracle, folder):
        self.oracle, self.folder = oracle, folder
        self.wrong, self.kinds = [], collections.Counter()

    def batch(self, batch):
        questions = []
        for n, (_, data, piece) in enumerate(batch):
            path = pathlib.Path(self.folder, f"{n}.tar.gz")
            path.write_bytes(data)
            questions.append(("read", str(path), str(piece)))
        for (what, data, piece), line in zip(batch, ask(self.oracle, questions)):
            answer = line.split("\t")
            problem, is_read = judged(what, data, answer)
            self.kinds[what, "read" if is_read else "refused", answer[0]] += 1
            if problem:
                self.wrong.append(f"{what}, {len(data)} bytes, pieces of {piece}: {problem}, dray says {answer}")

    def all(self, asked):
        for batch in batches(asked):
            self.batch(batch)


def main():
    parser = arguments(__doc__, CASES)
    parser.add_argument("--verbose", action="store_true", help="also count answers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asking = Asking(options.oracle, folder)
        asking.all(cases(random.Random(options.seed), options.cases))
    if options.verbose:
        for (what, theirs, ours), n in sorted(asking.kinds.items()):
            print(f"{what:28} tarfile {theirs:8} dray {ours:7} {n}")
    return tell(options, sum(asking.kinds.values()), asking.wrong)


def test_differential(tmp_path):
    asking = Asking(program("sdist"), tmp_path)
    asking.all(cases(random.Random(0), CASES))
    assert not asking.wrong, "\n".join(asking.wrong[:20])
    assert asking.kinds["sound", "read", "found"] > CASES // 4
    assert asking.kinds["sound", "refused", "failed"] > 0, "every archive had a PKG-INFO"
    for what in MAY_REFUSE:
        assert asking.kinds[what, "refused", "failed"] > 0, f"nothing was refused: {what}"


if __name__ == "__main__":
    sys.exit(main())
