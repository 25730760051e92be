"""Real wheels for sets of requirements, for this Python and three others, fetched by pip once and kept, and
an index of them."""

import argparse
import concurrent.futures
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import make_index
from packaging.metadata import parse_email
from packaging.tags import platform_tags
from packaging.version import Version

HERE = pathlib.Path(__file__).resolve().parent
WANTED = HERE / "real-sets.txt"
FOLDER = HERE.parent / ".cache" / "real-sets"
FETCH_SECONDS = 600
AT_ONCE = 2
PIP = ["--disable-pip-version-check", "--only-binary=:all:", "-q"]


@dataclasses.dataclass(frozen=True)
class Target:
    """A Python and platform, in everybody's words."""

    label: str  # dray's --target
    python: str
    platforms: tuple = ()  # pip's --platform, which for Linux means no older ones
    uv: str = ""
    uv_env: tuple = ()
    markers: tuple = ()
    own: bool = False  # this Python: nobody needs to be told

    def environment(self):
        """Values of markers, as for CPython; None: those of this Python."""
        if self.own:
            return None
        full = f"{self.python}.0"
        return {"implementation_name": "cpython", "implementation_version": full, "platform_release": "",
                "platform_version": "", "platform_python_implementation": "CPython", "python_full_version": full,
                "python_version": self.python, **dict(self.markers)}

    def for_pip(self):
        if self.own:
            return []
        abi = f"cp{self.python.replace('.', '')}"
        words = ["--python-version", self.python, "--implementation", "cp", "--abi", abi]
        return words + [word for platform in self.platforms for word in ("--platform", platform)]

    def for_uv(self):
        return [] if self.own else ["--python-version", self.python, "--python-platform", self.uv]

    def for_dray(self):
        return [] if self.own else ["--target", self.label]


def this_python():
    newest = next(platform for platform in platform_tags() if not platform.startswith("linux_"))
    return Target(f"{'.'.join(map(str, sys.version_info[:3]))}:{newest}", f"3.{sys.version_info.minor}", own=True)


def in_words(target):
    """The same with nobody asked."""
    return dataclasses.replace(target, own=False)


def aarch64_platforms(glibc_minor):
    """All that a machine takes, best first."""
    versions = [f"manylinux_2_{minor}_aarch64" for minor in range(glibc_minor, 16, -1)]
    return (*versions, "manylinux2014_aarch64", "linux_aarch64")


TARGETS = {
    "this": this_python(),
    "windows": Target(
        "3.10:win_amd64", "3.10", ("win_amd64",), "x86_64-pc-windows-msvc",
        markers=(("os_name", "nt"), ("sys_platform", "win32"), ("platform_system", "Windows"),
                 ("platform_machine", "AMD64"))),
    "mac": Target(
        "3.13:macosx_14_0_arm64", "3.13", ("macosx_14_0_arm64",), "aarch64-apple-darwin",
        uv_env=(("MACOSX_DEPLOYMENT_TARGET", "14.0"),),
        markers=(("os_name", "posix"), ("sys_platform", "darwin"), ("platform_system", "Darwin"),
                 ("platform_machine", "arm64"))),
    "arm": Target(
        "3.12:manylinux_2_28_aarch64", "3.12", aarch64_platforms(28), "aarch64-manylinux_2_28",
        markers=(("os_name", "posix"), ("sys_platform", "linux"), ("platform_system", "Linux"),
                 ("platform_machine", "aarch64"))),
}


def lines_of(kind):
    lines = (line.split() for line in WANTED.read_text().splitlines())
    return [words[1:] for words in lines if words and words[0] == kind]


SETS = {name: needs for name, *needs in lines_of("set")}


class CantFetch(Exception):
    pass


# -- the fetch --

def run_pip(target, *words, **more):
    """pip as the target's Python would run it."""
    command = [sys.executable, HERE / "pip_for_target.py", json.dumps(target.environment()), *words]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False,
                          timeout=FETCH_SECONDS, **more)


def download(target, folder, *words):
    # With this machine's own configuration: only that knows from where it may fetch.
    done = run_pip(target, "download", *PIP, "--cache-dir", FOLDER / "pip-cache", *target.for_pip(), "-d", folder,
                   *words)
    if done.returncode:
        raise CantFetch(f"pip can't fetch {' '.join(words)}: {done.stderr.strip().splitlines()[-1][:200]}")


def download_all(target, folder):
    """All sets, what is the newest of all that they need, fit or not, and the older ones."""
    for needs in SETS.values():
        download(target, folder, *needs)
    names = {make_index.project_of(path.name) for path in folder.iterdir()}
    download(target, folder, "--no-deps", *sorted(names))
    for older in lines_of("older"):
        download(target, folder, "--no-deps", *older)


def asked_for(key):
    return f"{TARGETS[key].label}\n{WANTED.read_text()}"


def is_kept(key):
    stamp = FOLDER / key / "asked"
    return stamp.exists() and stamp.read_text() == asked_for(key)


def fetch_target(key):
    """Its folder gets its name when all is in it."""
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="new-") as name:
        folder = pathlib.Path(name) / key
        folder.mkdir()
        download_all(TARGETS[key], folder)
        (folder / "asked").write_text(asked_for(key))
        if (FOLDER / key).exists():
            (FOLDER / key).rename(pathlib.Path(name) / "old")
        folder.rename(FOLDER / key)


def fetch_missing():
    for left in FOLDER.glob("new-*"):  # of one who was killed
        shutil.rmtree(left)
    missing = [key for key in TARGETS if not is_kept(key)]
    # One before the others, which then find in pip's cache what is for all platforms.
    for key in missing[:1]:
        fetch_target(key)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(fetch_target, missing[1:]))
    shutil.rmtree(FOLDER / "pip-cache", ignore_errors=True)


def fetch():
    """The paths of all wheels, each once. Raises CantFetch."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fetch_missing()
    by_name = {path.name: path for key in TARGETS for path in (FOLDER / key).glob("*.whl")}
    return [by_name[name] for name in sorted(by_name)]


# -- the index --

def metadata_of(path):
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist()
                    if name.endswith(".dist-info/METADATA") and name.count("/") == 1)
        return archive.read(name)


def add_wheel(root, path):
    """Its metadata beside it; returns what its page says of it."""
    metadata = metadata_of(path)
    os.symlink(path, root / "files" / path.name)
    (root / "files" / f"{path.name}.metadata").write_bytes(metadata)
    return make_index.describe(path, core_metadata={"sha256": hashlib.sha256(metadata).hexdigest()},
                               requires_python=parse_email(metadata)[0].get("requires_python"))


def make_root(root, wheels):
    """files/ and simple/ as of a public index; returns the entries."""
    (root / "files").mkdir(parents=True)
    entries = [add_wheel(root, path) for path in wheels]
    make_index.write_index(root, entries)
    return entries


def newest_versions(wheels):
    """By project."""
    versions = {}
    for path in wheels:
        name, version = make_index.project_of(path.name), Version(make_index.version_of(path.name))
        versions[name] = max(version, versions.get(name, version))
    return versions


def main():
    parser = argparse.ArgumentParser(description="What the benchmarks take of the real sets.")
    does = parser.add_subparsers(dest="what", required=True)
    does.add_parser("needs", help="print the requirements of all sets")
    does.add_parser("fetch", help="fetch the wheels if they are not kept")
    does.add_parser("index", help="make an index of them, print its entries").add_argument("root", type=pathlib.Path)
    args = parser.parse_args()
    if args.what == "needs":
        print(*SETS["all"], sep="\n")
        return
    try:
        wheels = fetch()
    except CantFetch as why:
        sys.exit(str(why))
    if args.what == "index":
        json.dump(make_root(args.root, wheels), sys.stdout)


if __name__ == "__main__":
    main()
