"""A wheel of any size, made piece by piece: one stored entry of random bytes beside its dist-info."""

import base64
import hashlib
import pathlib
import random
import zipfile

PIECE_BYTES = 4 * 1024**2
VERSION = "1.0"
WHEEL = "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def entry_of(name):
    return zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))


def pieces(seed, size):
    chance = random.Random(seed)
    for at in range(0, size, PIECE_BYTES):
        yield chance.randbytes(min(PIECE_BYTES, size - at))


def make_wheel(folder, name, payload):
    """Returns what its index says of it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = pathlib.Path(folder) / f"{name}-{VERSION}-py3-none-any.whl"
    info, hashed = f"{name}-{VERSION}.dist-info", hashlib.sha256()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n"
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open(entry_of(f"{name}/data.bin"), "w", force_zip64=True) as out:
            for piece in pieces(name, payload):
                out.write(piece)
                hashed.update(piece)
        archive.writestr(entry_of(f"{info}/METADATA"), metadata)
        archive.writestr(entry_of(f"{info}/WHEEL"), WHEEL)
        record = f"{name}/data.bin,sha256={short(hashed)},{payload}\n"
        for member, text in (("METADATA", metadata), ("WHEEL", WHEEL)):
            digest = short(hashlib.sha256(text.encode()))
            record += f"{info}/{member},sha256={digest},{len(text)}\n"
        archive.writestr(entry_of(f"{info}/RECORD"), f"{record}{info}/RECORD,,\n")
    return {"filename": path.name, "url": f"../../files/{path.name}",
            "hashes": {"sha256": sha256_of(path)}, "size": path.stat().st_size}


def short(hashed):
    """As RECORD has digests."""
    return base64.urlsafe_b64encode(hashed.digest()).rstrip(b"=").decode()


def sha256_of(path):
    hashed = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(PIECE_BYTES):
            hashed.update(piece)
    return hashed.hexdigest()


def is_member(archive, member, path):
    """Does the file hold what that member of a zip does?"""
    with archive.open(member) as wanted, open(path, "rb") as found:
        while piece := wanted.read(PIECE_BYTES):
            if found.read(len(piece)) != piece:
                return False
        return not found.read(1)
