"""What pip itself has fetched or built on this machine is used, and never written to."""

import email.utils
import gzip
import hashlib
import io
import os
import pathlib
import subprocess
import sys
import tarfile
import time

import pytest
from fault_server import Answer
from program import names_in, succeeded

# pip keeps what can be validated, and over http only what comes from a trusted host.
KEPT = {"ETag": '"one"', "Date": email.utils.formatdate(time.time() - 60, usegmt=True),
        "Cache-Control": "max-age=365000000"}
TRUSTED = ["--trusted-host", "127.0.0.1"]

BACKEND = """
import os, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    with open(os.environ["BUILD_LOG"], "a") as log:
        log.write("NAME\\n")
    info = "NAME-VERSION.dist-info/"
    file = "NAME-VERSION-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, file), "w") as z:
        z.writestr("NAME.py", "built = True\\n")
        z.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: NAME\\nVersion: VERSION\\n")
        z.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        z.writestr(info + "RECORD", "")
    return file
"""


def make_sdist(folder, name, version, backend=BACKEND, info=None):
    """A source distribution that pip builds without a network: it brings its backend along."""
    stem = f"{name}-{version}"
    members = {
        "PKG-INFO": info or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": backend.replace("NAME", name).replace("VERSION", version),
    }
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, text in members.items():
            entry = tarfile.TarInfo(f"{stem}/{member}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    path = pathlib.Path(folder) / f"{stem}.tar.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    return path


class Builds:
    """Which backends ran: each writes its name."""

    def __init__(self, path):
        self.path = path
        path.touch()

    def __call__(self):
        return self.path.read_text().split()


@pytest.fixture
def builds(tmp_path):
    return Builds(tmp_path / "builds.log")


@pytest.fixture
def pip(dray, builds, tmp_path):
    """pip with the home, and so the cache, of this test's dray."""
    def run(*args, **env):
        done = subprocess.run(
            [sys.executable, "-m", "pip", *map(str, args), "-q", "--disable-pip-version-check"],
            env=dray.environment(BUILD_LOG=builds.path, **env), cwd=tmp_path, capture_output=True, text=True,
            check=False)
        assert done.returncode == 0, done.stderr

    return run


@pytest.fixture
def made(fault, wheel):
    path = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(path, lambda body: Answer(body, headers=KEPT)))
    return path


def pip_download(pip, fault, tmp_path, *names, **env):
    pip("download", "--no-deps", "-i", fault.index, *TRUSTED, "-d", tmp_path / "by-pip", *names, **env)


def bodies(fault, made):
    return len(fault.requests(f"/files/{made.name}"))


def cached_body(cache, size):
    """The body of that size in pip's HTTP cache."""
    path, = [path for path in (cache / "http-v2").rglob("*.body") if path.stat().st_size == size]
    return path


def contents(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_after_pip_download(dray, dest, fault, made, pip, tmp_path):
    pip_download(pip, fault, tmp_path, "demo")
    assert bodies(fault, made) == 1
    before = contents(dray.home / "cache" / "pip")
    assert any(data == made.read_bytes() for data, _ in before.values()), "pip kept it"
    result = succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert bodies(fault, made) == 1
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert "1 came from a cache" in result.err
    assert contents(dray.home / "cache" / "pip") == before, "only read"
    (dest / made.name).chmod(0o644)
    with open(dest / made.name, "ab") as mine:
        mine.write(b"mine")
    assert contents(dray.home / "cache" / "pip") == before, "copied, not linked"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_of_another_user(dray, dest, fault, made, pip, tmp_path):
    """As pip has it: with sudo, HOME may still be that of who called it."""
    pip_download(pip, fault, tmp_path, "demo")
    os.chown(dray.home / "cache" / "pip", 12345, 12345)
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert bodies(fault, made) == 2


def test_its_metadata(dray, fault, made, pip, tmp_path):
    pip_download(pip, fault, tmp_path, "demo")
    assert "Name: demo\n" in succeeded(dray("metadata", "-i", fault.index, "demo")).out
    assert bodies(fault, made) == 1


def test_several(dray, dest, fault, wheel, pip, tmp_path):
    wheels = [wheel(f"demo-{n}", "1.0", payload=20000 * n) for n in range(1, 6)]
    for path in wheels:
        fault.project(path.name.split("-1.0")[0].replace("_", "-"),
                      fault.wheel(path, lambda body: Answer(body, headers=KEPT)))
    names = [f"demo-{n}" for n in range(1, 6)]
    pip_download(pip, fault, tmp_path, *names)
    before = [request for request in fault.requests() if request.path.startswith("/files/")]
    succeeded(dray.download("-i", fault.index, *names, dest=dest))
    assert [request for request in fault.requests() if request.path.startswith("/files/")] == before
    assert {path.name: path.read_bytes() for path in dest.iterdir()} == \
           {path.name: path.read_bytes() for path in wheels}


@pytest.mark.parametrize("how", ["variable", "option", "pips-variable-for-dray"])
def test_where_it_is(dray, dest, fault, made, pip, tmp_path, how):
    cache = tmp_path / "pips own"
    pip_download(pip, fault, tmp_path, "demo", PIP_CACHE_DIR=cache)
    cached_body(cache, made.stat().st_size)
    args, env = {"variable": ((), {"PIP_CACHE_DIR": cache}), "option": (("--pip-cache-dir", cache), {}),
                 "pips-variable-for-dray": ((), {"DRAY_PIP_CACHE_DIR": cache})}[how]
    succeeded(dray.download("-i", fault.index, *args, "demo", dest=dest, env=env))
    assert bodies(fault, made) == 1


def test_another_cache_is_not_looked_at(dray, dest, fault, made, pip, tmp_path):
    """What the test above would be worth if it were found anyway."""
    pip_download(pip, fault, tmp_path, "demo", PIP_CACHE_DIR=tmp_path / "elsewhere")
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert bodies(fault, made) == 2


def test_no_cache_dir_looks_at_nothing(dray, dest, fault, made, pip, tmp_path):
    pip_download(pip, fault, tmp_path, "demo")
    succeeded(dray.download("-i", fault.index, "--no-cache-dir", "demo", dest=dest))
    assert bodies(fault, made) == 2


def spoil(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [
    spoil, lambda path: os.truncate(path, 1000), os.unlink,
    lambda path: os.truncate(path.with_suffix(""), 20), lambda path: path.with_suffix("").unlink(),
    lambda path: path.with_suffix("").write_bytes(b"cc=4,\xff\xff\xff" + b"\xdd" * 100),
], ids=["other-bytes", "cut", "no-body", "cut-record", "no-record", "garbage-record"])
def test_a_damaged_one_is_not_used(dray, dest, fault, made, pip, tmp_path, damage):
    pip_download(pip, fault, tmp_path, "demo")
    damage(cached_body(dray.home / "cache" / "pip", made.stat().st_size))
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert bodies(fault, made) == 2
    assert (dest / made.name).read_bytes() == made.read_bytes()


def test_offline(dray, dest, fault, made, pip, tmp_path):
    """The page from the store, the body from pip."""
    fault.answers["/simple/demo/"][0].headers["ETag"] = '"one"'
    pip_download(pip, fault, tmp_path, "demo")
    succeeded(dray.download("-i", fault.index, "--dry-run", "demo", dest=dest))
    before = len(fault.requests())
    succeeded(dray.download("-i", fault.index, "--offline", "demo", dest=dest))
    assert names_in(dest) == [made.name] and len(fault.requests()) == before


# Without a digest nothing but pip's own rule of freshness speaks for it


@pytest.mark.parametrize(("control", "asked"), [("max-age=365000000", 1), ("max-age=10", 2)], ids=["fresh", "stale"])
def test_without_any_digest(dray, dest, fault, wheel, pip, tmp_path, control, asked):
    made = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(made, lambda body: Answer(body, headers={**KEPT, "Cache-Control": control}),
                                      hashes={}, size=None))
    pip_download(pip, fault, tmp_path, "demo")
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert bodies(fault, made) == asked
    assert (dest / made.name).read_bytes() == made.read_bytes()


# The wheels that pip built


@pytest.fixture
def sdist(fault, tmp_path):
    path = make_sdist(tmp_path / "made", "tiny", "1.0")
    # Nothing that pip's HTTP cache would keep: else that had it.
    fault.project("tiny", fault.wheel(path, lambda body: Answer(body, headers={"Cache-Control": "no-store"})))
    return path


def pip_wheel(pip, fault, tmp_path, *args, **env):
    pip("wheel", "--no-deps", "-i", fault.index, *TRUSTED, "-w", tmp_path / "by-pip", *args, **env)


def dray_wheel(dray, fault, dest, builds, *args, **more):
    env = {"BUILD_LOG": builds.path, **more.pop("env", {})}
    return dray("wheel", "--no-deps", "--retries", "0", "-i", fault.index, "-w", dest, *args, env=env, **more)


def test_what_pip_built(dray, dest, fault, sdist, pip, builds, tmp_path):
    pip_wheel(pip, fault, tmp_path, "tiny")
    assert builds() == ["tiny"] and bodies(fault, sdist) == 1
    built, = (tmp_path / "by-pip").iterdir()
    before = contents(dray.home / "cache" / "pip")
    succeeded(dray_wheel(dray, fault, dest, builds, "tiny"))
    assert {path.name: path.read_bytes() for path in dest.iterdir()} == {built.name: built.read_bytes()}
    assert builds() == ["tiny"] and bodies(fault, sdist) == 1
    assert contents(dray.home / "cache" / "pip") == before


def test_another_file_under_the_same_link_is_built(dray, dest, fault, sdist, pip, builds, tmp_path):
    """pip's key has the digest of the link: another one is another entry."""
    pip_wheel(pip, fault, tmp_path, "tiny")
    again = make_sdist(tmp_path / "again", "tiny", "1.0", backend=BACKEND + "# changed\n")
    fault.project("tiny", fault.wheel(again))
    succeeded(dray_wheel(dray, fault, dest, builds, "tiny"))
    assert builds() == ["tiny", "tiny"]


def test_what_pip_built_is_not_used_where_hashes_are_required(dray, dest, fault, sdist, pip, builds, tmp_path):
    """Nobody promised one of a wheel that was built here; the archive has one, so it is built anew."""
    pip_wheel(pip, fault, tmp_path, "tiny")
    needs = tmp_path / "needs.txt"
    needs.write_text(f"tiny==1.0 --hash=sha256:{hashlib.sha256(sdist.read_bytes()).hexdigest()}\n")
    succeeded(dray_wheel(dray, fault, dest, builds, "-r", needs))
    assert builds() == ["tiny", "tiny"] and names_in(dest) == ["tiny-1.0-py3-none-any.whl"]


def test_a_wheel_of_another_project_in_its_place(dray, dest, fault, sdist, pip, builds, tmp_path):
    pip_wheel(pip, fault, tmp_path, "tiny")
    path, = (dray.home / "cache" / "pip" / "wheels").rglob("*.whl")
    path.rename(path.with_name("other-1.0-py3-none-any.whl"))
    succeeded(dray_wheel(dray, fault, dest, builds, "tiny"))
    assert builds() == ["tiny", "tiny"]


def test_download_does_not_take_what_pip_built(dray, dest, fault, sdist, pip, builds, tmp_path):
    """As pip download: it is asked for the archive."""
    pip_wheel(pip, fault, tmp_path, "tiny")
    succeeded(dray.download("-i", fault.index, "tiny", dest=dest))
    assert names_in(dest) == [sdist.name]


def test_a_cache_that_is_no_directory(dray, dest, fault, made, tmp_path):
    (tmp_path / "file").write_text("")
    for cache in (tmp_path / "file", tmp_path / "none", "/dev/null"):
        result = succeeded(dray.download("-i", fault.index, "--no-cache-dir", "demo", dest=dest,
                                         env={"PIP_CACHE_DIR": cache}))
        assert "error" not in result.err


def test_each_file_is_looked_up_under_its_own_url(dray, dest, fault, made, wheel, pip, tmp_path):
    """Two of one size on one server."""
    other = wheel("other", "1.0", payload=300000)
    fault.project("other", fault.wheel(other))
    pip_download(pip, fault, tmp_path, "demo")
    succeeded(dray.download("-i", fault.index, "other", dest=dest))
    assert bodies(fault, other) == 1
    assert (dest / other.name).read_bytes() == other.read_bytes()
