"""Locks: what they say, and that pip, uv and dray itself take them."""

import json
import pathlib
import subprocess
import sys
import tomllib

import pytest
from packaging.pylock import Pylock

import fault_server
from make_index import describe, make_wheel
from program import failed_with, names_in, succeeded
from resolving import WORLD, pins, small_world

WINDOWS, MAC = "3.12:win_amd64", "3.9:macosx_11_0_arm64"


@pytest.fixture
def lock(run, dray, index_url):
    def make(*args, **more):
        run("nothing-such")  # writes the pages
        return dray("lock", "--retries", "0", "-i", index_url, *args, **more)

    return make


def sha256(path):
    return describe(path)["hashes"]["sha256"]


def test_requirements_word_for_word(index, lock):
    app = index.wheel("app", "1.0", "lib[x]>=1")
    lib = index.wheel("lib", "1.0", "base; extra == 'x'", "app", extras=["x"])
    sdist = index.sdist("lib", "1.0")
    base = index.wheel("base", "2.0")
    result = lock("--target", "3.12:any", "app")
    succeeded(result)
    assert result.out == (
        "# Made by dray lock, for 3.12:any\n"
        f"app==1.0 \\\n    --hash=sha256:{sha256(app)}\n    # via lib\n"
        f"base==2.0 \\\n    --hash=sha256:{sha256(base)}\n    # via lib\n"
        f"lib==1.0 \\\n    --hash=sha256:{sha256(lib)} \\\n    --hash=sha256:{sha256(sdist)}\n    # via app\n")
    only = lock("--target", "3.12:any", "--only-target", "app")
    assert sha256(sdist) not in only.out and sha256(lib) in only.out


def test_the_same_again(index, lock):
    small_world(index)
    assert len({lock("app", "--no-cache-dir").out for _ in range(3)}) == 1


def test_dray_and_pip_take_it(index, lock, dray, dest, index_url, tmp_path):
    small_world(index)
    succeeded(lock("app", "-o", tmp_path / "lock.txt"))
    succeeded(dray.resolve("-i", index_url, "-r", tmp_path / "lock.txt", dest=dest))
    assert pins(dest) == WORLD
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-cache-dir",
                    "-i", index_url, "-r", tmp_path / "lock.txt", "-d", tmp_path / "by-pip"], check=True,
                   env=dray.environment())
    assert names_in(tmp_path / "by-pip") == names_in(dest)


def test_pylock(index, lock, dray, tmp_path):
    small_world(index)
    made = tmp_path / "pylock.toml"
    succeeded(lock("app", "--format", "pylock", "-o", made))
    read = Pylock.from_dict(tomllib.loads(made.read_text()))
    assert sorted(f"{p.name}-{p.version}" for p in read.packages) == WORLD
    assert sorted(f"{package.name}-{package.version}" for package, _ in read.select()) == WORLD
    uv = pathlib.Path(sys.executable).parent / "uv"
    done = subprocess.run([uv, "pip", "sync", "--dry-run", "--no-config", "--no-cache", "--python", sys.executable,
                           "--target", tmp_path / "empty", made], capture_output=True, text=True, check=True,
                          env=dray.environment())
    assert sorted(line.split()[-1].replace("==", "-") for line in done.stderr.splitlines()
                  if line.startswith(" + ")) == WORLD


def two_platforms(index):
    index.wheel("app", "1.0", "fast", "winonly; sys_platform == 'win32'")
    index.wheel("fast", "1.0", tag="cp312-cp312-win_amd64")
    index.wheel("fast", "1.0", tag="cp39-cp39-macosx_11_0_arm64")
    index.wheel("fast", "1.0", tag="cp39-cp39-macosx_11_0_x86_64")
    index.wheel("winonly", "2.0")


def test_pylock_of_several_targets(index, lock):
    two_platforms(index)
    result = lock("--target", WINDOWS, "--target", MAC, "app", "--format", "pylock")
    succeeded(result)
    read = Pylock.from_dict(tomllib.loads(result.out))
    assert len(read.environments) == 2
    by_name = {p.name: p for p in read.packages}
    assert by_name["app"].marker is None and by_name["fast"].marker is None
    assert "win32" in str(by_name["winonly"].marker) and "darwin" not in str(by_name["winonly"].marker)
    assert len(by_name["fast"].wheels) == 3
    only = lock("--target", WINDOWS, "--target", MAC, "app", "--format", "pylock", "--only-target")
    assert len({p.name: p for p in Pylock.from_dict(tomllib.loads(only.out)).packages}["fast"].wheels) == 2


def test_requirements_can_t_say_what_differs(index, lock):
    two_platforms(index)
    result = lock("--target", WINDOWS, "--target", MAC, "app")
    failed_with(result, "winonly 2.0", "--format pylock")
    assert result.out == ""
    succeeded(lock("--target", WINDOWS, "--target", MAC, "fast"))


def test_json(index, lock):
    two_platforms(index)
    result = lock("--target", WINDOWS, "--target", MAC, "app", "--format", "json")
    succeeded(result)
    told = json.loads(result.out)
    assert told["version"] == 1
    assert [[p["name"] for p in t["packages"]] for t in told["targets"]] == [["app", "fast", "winonly"], ["app", "fast"]]
    fast = told["targets"][1]["packages"][1]
    assert fast["via"] == ["app"] and not fast["requested"]
    assert [f["filename"] for f in fast["files"] if f["chosen"]] == ["fast-1.0-cp39-cp39-macosx_11_0_arm64.whl"]


def test_a_url(index, lock, tmp_path):
    small_world(index)
    mine = make_wheel(tmp_path / "mine", "mine", "1.0", requires_dist=["http"])
    wanted = f"mine @ {mine.as_uri()}#sha256={sha256(mine)}"
    result = lock(wanted)
    succeeded(result)
    assert f"mine @ {mine.as_uri()} \\\n    --hash=sha256:{sha256(mine)}\n" in result.out
    read = Pylock.from_dict(tomllib.loads(lock(wanted, "--format", "pylock").out))
    assert {p.name: p for p in read.packages}["mine"].archive.path == str(mine)


def test_no_hash_no_lock(index, lock):
    index.wheel("app", "1.0", listed={"hashes": {}})
    failed_with(lock("app"), "app-1.0-py3-none-any.whl", "--no-require-hashes")
    result = lock("app", "--no-require-hashes")
    succeeded(result)
    assert result.out.endswith("\napp==1.0\n")


def test_all_or_nothing(index, lock, tmp_path):
    small_world(index)
    (tmp_path / "lock.txt").write_text("as it was\n")
    failed_with(lock("app", "web>=2", "-o", tmp_path / "lock.txt"), "can't all be had together")
    assert (tmp_path / "lock.txt").read_text() == "as it was\n"
    result = lock("app", "web>=2")
    assert result.rc == 1 and result.out == ""


def test_no_credentials_in_it(index, lock, index_url):
    small_world(index)
    secret = index_url.replace("http://", "http://me:hush@")
    for form in ("requirements", "pylock", "json"):
        result = lock("web", "-i", secret, "--format", form)
        succeeded(result)
        assert "hush" not in result.out + result.err


def test_nothing_is_fetched(fault, wheel, dray):
    path = wheel("app", "1.0")
    metadata = "Metadata-Version: 2.1\nName: app\nVersion: 1.0\n"
    fault.project("app", fault.wheel(path, core_metadata=True))
    fault.on(f"/files/{path.name}.metadata", fault_server.Answer(body=metadata.encode()))
    succeeded(dray("lock", "-i", fault.index, "app"))
    assert fault.requests(f"/files/{path.name}") == []


@pytest.mark.parametrize("form", ["requirements", "pylock", "json"])
def test_a_lock_of_nothing(index, lock, form):
    result = lock("app; sys_platform == 'beos'", "--format", form)
    succeeded(result)
    assert result.out


def test_the_order_of_the_arguments_does_not_matter(index, lock):
    small_world(index)
    assert lock("db", "web<2", "app").out == lock("app", "web<2", "db").out
