"""A set of packages for several platforms and Pythons: some have a wheel for each, some only some need."""

import dataclasses
import hashlib
import pathlib
import random
import zipfile

from nginx import make_index

VERSION = "1.0"
DIRECT = 10      # that "root" needs itself
NATIVE_EACH = 5  # of so many projects one has a wheel for each target and none for all


@dataclasses.dataclass(frozen=True)
class Platform:
    """As dray and pip call it and as uv does, sys.platform there, and what wheels for it are tagged."""

    name: str
    uv: str
    system: str
    tag: str


@dataclasses.dataclass(frozen=True)
class Target:
    minor: int  # of Python 3
    platform: Platform

    @property
    def python(self):
        return f"3.{self.minor}"

    @property
    def name(self):
        return f"{self.python}:{self.platform.name}"

    @property
    def folder(self):
        """As dray calls it."""
        return f"{self.python}-{self.platform.name}"

    @property
    def tag(self):
        return f"cp3{self.minor}-cp3{self.minor}-{self.platform.tag}"


PLATFORMS = (
    # pip takes 2_28 at its word: older ones, which fit too, would not do for it.
    Platform("manylinux_2_28_x86_64", "x86_64-manylinux_2_28", "linux",
             "manylinux_2_27_x86_64.manylinux_2_28_x86_64"),
    Platform("manylinux_2_28_aarch64", "aarch64-manylinux_2_28", "linux",
             "manylinux_2_27_aarch64.manylinux_2_28_aarch64"),
    Platform("win_amd64", "x86_64-pc-windows-msvc", "win32", "win_amd64"),
    # For uv a Mac has macOS 13.
    Platform("macosx_14_0_x86_64", "x86_64-apple-darwin", "darwin", "macosx_10_13_x86_64"),
    Platform("macosx_14_0_arm64", "aarch64-apple-darwin", "darwin", "macosx_11_0_arm64"),
)
MINORS = range(9, 14)
# The first few, which may stand for all, have neither a platform nor a Python in common.
TARGETS = [Target(MINORS[(n + first) % len(MINORS)], platform)
           for first in range(len(MINORS)) for n, platform in enumerate(PLATFORMS)]

SHAPE = f"{len(PLATFORMS)} platforms x {len(MINORS)} Pythons"

# Projects that not all targets need: by which marker, and whether a target does.
SOMETIMES = {
    "only-windows": ("sys_platform == 'win32'", lambda target: target.platform.system == "win32"),
    "only-mac": ("sys_platform == 'darwin'", lambda target: target.platform.system == "darwin"),
    "only-old": ("python_version < '3.11'", lambda target: target.minor < 11),
    "only-new": ("python_version >= '3.13'", lambda target: target.minor >= 13),
    "only-new-linux": ("python_version >= '3.10' and sys_platform == 'linux'",
                       lambda target: target.minor >= 10 and target.platform.system == "linux"),
}


def needs_of(count):
    """What each needs: "root" some, all others what comes later, in few steps."""
    chance = random.Random("matrix")
    names = ["root", *(f"m{number:03}" for number in range(1, count))]
    needs = {name: [] for name in [*names, *SOMETIMES]}
    for number, name in enumerate(names[1:], 1):
        asking = {0 if number <= DIRECT else chance.randint(number // 4, number // 2)}
        asking |= {chance.randint(0, number - 1) for _ in range(chance.randint(0, 2))}
        for other in sorted(asking):
            needs[names[other]].append(f"{name}>={VERSION}")
    for name, (marker, _) in SOMETIMES.items():
        needs[chance.choice(names)].append(f"{name}; {marker}")
    return needs


def make(root, count, sizes):
    """`count` projects that all targets need, and a few more; returns the index's entries."""
    entries = []
    chance = random.Random("sizes")
    for number, (name, needs) in enumerate(needs_of(count).items()):
        is_native = number % NATIVE_EACH == NATIVE_EACH - 1 and name not in SOMETIMES
        tags = [target.tag for target in TARGETS] if is_native else ["py3-none-any"]
        payload = chance.randint(*sizes)
        for tag in tags:
            path = make_index.make_wheel(root / "files", name, VERSION, tag=tag, payload=payload,
                                         requires_python=">=3.8", requires_dist=needs)
            entries.append(make_index.describe(path, requires_python=">=3.8",
                                               core_metadata=write_sidecar(path)))
    make_index.write_index(root, entries)
    return entries


def write_sidecar(path):
    """Its metadata file; returns its hashes."""
    with zipfile.ZipFile(path) as archive:
        metadata = archive.read(next(name for name in archive.namelist()
                                     if name.endswith(".dist-info/METADATA")))
    pathlib.Path(f"{path}.metadata").write_bytes(metadata)
    return {"sha256": hashlib.sha256(metadata).hexdigest()}


def wanted(entries, target):
    """Those that it needs, by project."""
    found = {}
    for entry in entries:
        name = make_index.project_of(entry["filename"])
        if is_for(entry, target) and (name not in SOMETIMES or SOMETIMES[name][1](target)):
            found[name] = entry
    return found


def is_sometimes(entry):
    return make_index.project_of(entry["filename"]) in SOMETIMES


def is_for(entry, target):
    return entry["filename"].endswith((f"-{target.tag}.whl", "-py3-none-any.whl"))
