#!/usr/bin/env python3
"""What real wheels look like to somebody who reads their metadata, and wheels that look the same.

shape.py WHEEL...     prints a row of numbers for each, as shapes-*.txt hold them
"""

import base64
import dataclasses
import pathlib
import random
import sys
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent

LOCAL_BYTES, DIRECTORY_BYTES, END_BYTES = 30, 46, 22  # of a zip: headers of an entry, end record
VERSION = "1.0"
WHEEL = b"Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@dataclasses.dataclass(frozen=True)
class Shape:
    """Sizes in bytes but for `entries`, `ahead` and `behind`, which count entries."""

    file: int
    entries: int
    directory: int          # with the end record
    metadata: int           # raw
    metadata_deflated: int
    record: int             # raw
    record_deflated: int
    ahead: int              # of dist-info, before METADATA
    ahead_bytes: int        # those, with their headers
    behind: int             # all entries after METADATA
    behind_bytes: int       # from METADATA, which counts, to the directory


def read_shapes(name):
    """The rows of one table."""
    lines = (HERE / f"shapes-{name}.txt").read_text().splitlines()
    return [Shape(*map(int, line.split())) for line in lines if not line.startswith("#")]


def draw(shapes, count, seed):
    """`count` of them, each as often as any other, in an order of chance."""
    chance = random.Random(seed)
    drawn = [shape for _ in range(count // len(shapes)) for shape in shapes]
    drawn += chance.sample(shapes, count - len(drawn))
    chance.shuffle(drawn)
    return drawn


def text_of(start, size, deflated, chance):
    """A text that begins with `start`, has `size` bytes, and about `deflated` when compressed."""
    room = max(size - len(start), 0)
    noise = base64.b64encode(chance.randbytes(room))
    low, high = 0, room
    while True:
        middle = (low + high) // 2
        # A character of Base64 takes three quarters of a byte, a line of dots next to nothing.
        text = start + noise[:middle] + b"." * (room - middle)
        compressed = len(raw_deflate(text))
        if high - low <= 1:
            return text
        low, high = (low, middle) if compressed > deflated else (middle, high)


def raw_deflate(data):
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def names_of(shape, info, counts):
    """Names of the entries before, in and behind dist-info, in all as long as in the real wheel."""
    outside, ahead, behind = ([f"{folder}/{n}" for n in range(count)] for folder, count
                              in zip(("p", f"{info}/ahead", f"{info}/behind"), counts))
    (behind or ahead)[-1] = f"{info}/WHEEL"
    missing = (shape.directory - END_BYTES - DIRECTORY_BYTES * shape.entries
               - len("".join([*outside, *ahead, *behind])) - len(f"{info}/METADATA{info}/RECORD"))
    longer = split(missing, len(outside))
    return [name + "x" * more for name, more in zip(outside, longer)], ahead, behind


def split(total, parts):
    """`total` in so many parts."""
    each, more = divmod(max(total, 0), max(parts, 1))
    return [each + (n < more) for n in range(parts)]


def fill(archive, names, total):
    """Adds entries that take `total` bytes, their headers included."""
    bodies = [WHEEL if name.endswith("/WHEEL") else None for name in names]
    total -= sum(LOCAL_BYTES + len(name) for name in names) + len(b"".join(filter(None, bodies)))
    sizes = iter(split(total, bodies.count(None)))
    for name, body in zip(names, bodies):
        archive.writestr(entry_of(name), bytes(next(sizes)) if body is None else body)


class Holes:
    """A file to be written, with holes where there would be nothing but zeros."""

    def __init__(self, file):
        self.file = file

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        if data.count(0) < len(data):
            return self.file.write(data)
        self.file.seek(len(data), 1)
        return len(data)


def make_wheel(folder, name, shape):
    """A wheel of this shape called `name`: returns its path and its METADATA.

    What other entries hold are zeros, stored, so that it takes hardly any disk.
    """
    chance = random.Random(name)
    info = f"{name}-{VERSION}.dist-info"
    behind = shape.behind - 1  # without RECORD
    counts = shape.entries - 2 - shape.ahead - behind, shape.ahead, behind
    outside, ahead, tail = names_of(shape, info, counts)
    start = f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n\n".encode()
    metadata = text_of(start, shape.metadata, shape.metadata_deflated, chance)
    record = text_of(b"", shape.record, shape.record_deflated, chance)
    path = pathlib.Path(folder) / f"{name}-{VERSION}-py3-none-any.whl"
    with open(path, "wb") as out, zipfile.ZipFile(Holes(out), "w") as archive:
        in_front = shape.file - shape.directory - shape.behind_bytes
        fill(archive, outside, in_front - shape.ahead_bytes)
        fill(archive, ahead, in_front - archive.start_dir)
        archive.writestr(entry_of(f"{info}/METADATA"), metadata, zipfile.ZIP_DEFLATED, 6)
        last = LOCAL_BYTES + len(f"{info}/RECORD") + len(raw_deflate(record))
        fill(archive, tail, shape.file - shape.directory - last - archive.start_dir)
        archive.writestr(entry_of(f"{info}/RECORD"), record, zipfile.ZIP_DEFLATED, 6)
    return path, metadata


def entry_of(name):
    return zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))


def measure(path):
    """The shape of a real wheel."""
    with zipfile.ZipFile(path) as archive:
        entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
        names = [entry.filename for entry in entries]
        at = next(n for n, name in enumerate(names)
                  if name.endswith(".dist-info/METADATA") and name.count("/") == 1)
        info = names[at].removesuffix("METADATA")
        ahead = [entry for entry in entries[:at] if entry.filename.startswith(info)]
        metadata, record = entries[at], archive.getinfo(f"{info}RECORD")
        size = pathlib.Path(path).stat().st_size
        return Shape(size, len(entries), size - archive.start_dir, metadata.file_size,
                     metadata.compress_size, record.file_size, record.compress_size, len(ahead),
                     sum(LOCAL_BYTES + len(entry.filename) + entry.compress_size
                         for entry in ahead),
                     len(entries) - 1 - at, archive.start_dir - metadata.header_offset)


if __name__ == "__main__":
    print("#", *(field.name for field in dataclasses.fields(Shape)))
    for row in sorted(map(measure, sys.argv[1:]), key=lambda shape: shape.file):
        print(*dataclasses.astuple(row))
