"""How a file gets from the store into the destination: by a reflink, a hard link, a copy."""

import hashlib
import os
import pathlib
import stat
import subprocess

import mounts
import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded
from test_store import flip, objects_of, sha256_of, store_of

MIB = 1 << 20


@pytest.fixture
def made(fault, wheel):
    path = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(path))
    return path


@pytest.fixture
def reflinks(tmp_path):
    """Can this file system do it?"""
    (tmp_path / "one").write_bytes(b"x" * 5000)
    done = subprocess.run(["cp", "--reflink=always", tmp_path / "one", tmp_path / "two"], capture_output=True,
                          check=False)
    return done.returncode == 0


def kept(dray, made):
    return objects_of(store_of(dray))[sha256_of(made)]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def same_file(one, two):
    return os.path.samestat(one.stat(), two.stat())


@pytest.fixture(params=["from-the-network", "from-the-store"])
def get(dray, dest, fault, made, tmp_path, request):
    """The file in a directory that had none, for the first time and from an earlier run."""
    def run(*args, **more):
        if request.param == "from-the-store":
            succeeded(dray.download("-i", fault.index, "demo", dest=tmp_path / "before"))
        return dray.download("-i", fault.index, "demo", *args, dest=dest, **more)

    return run


def test_a_hard_link(get, dray, dest, made):
    succeeded(get("--link-mode", "hardlink"))
    assert same_file(dest / made.name, kept(dray, made))
    assert mode(dest / made.name) == 0o444
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert names_in(dest) == [made.name]


def test_what_works_first(get, dray, dest, made, reflinks):
    succeeded(get())
    assert same_file(dest / made.name, kept(dray, made)) != reflinks
    assert (dest / made.name).read_bytes() == made.read_bytes()


def test_a_copy(get, dray, dest, made):
    succeeded(get("--link-mode", "copy"))
    assert not same_file(dest / made.name, kept(dray, made))
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert mode(dest / made.name) & 0o600 == 0o600, "its owner may write to what is his alone"
    assert kept(dray, made).stat().st_nlink == 1 + (0 if not (dest.parent / "before").exists() else
                                                    same_file(dest.parent / "before" / made.name, kept(dray, made)))


def test_a_reflink(get, dray, dest, made, reflinks):
    result = get("--link-mode", "reflink")
    if reflinks:
        succeeded(result)
        assert not same_file(dest / made.name, kept(dray, made))
        assert (dest / made.name).read_bytes() == made.read_bytes()
    else:
        failed_with(result, made.name, "--link-mode")
        assert names_in(dest) == []


def test_by_variable(get, dray, dest, made):
    succeeded(get(env={"DRAY_LINK_MODE": "copy"}))
    assert not same_file(dest / made.name, kept(dray, made))


def test_an_unknown_mode(dray, dest, fault, made):
    failed_with(dray.download("-i", fault.index, "--link-mode", "symlink", "demo", dest=dest), "symlink", code=2)


@pytest.mark.parametrize("args,env", [
    (["--link-mode", "hardlink", "--no-cache-dir"], {}), (["--no-cache-dir", "--link-mode", "reflink"], {}),
    (["--no-cache-dir"], {"DRAY_LINK_MODE": "hardlink"}), (["--link-mode", "hardlink"], {"DRAY_NO_CACHE_DIR": "1"}),
    (["--link-mode", "hardlink"], {"PIP_NO_CACHE_DIR": "1"}),
], ids=["hardlink", "reflink", "mode-by-variable", "store-by-variable", "store-by-pip"])
def test_a_link_to_no_store(dray, dest, fault, made, args, env):
    """An error, not a copy without a word."""
    failed_with(dray.download("-i", fault.index, *args, "demo", dest=dest, env=env), "--link-mode", "--no-cache-dir",
                code=2)
    assert not dest.exists() and fault.requests() == []
    succeeded(dray.download("-i", fault.index, *args, "--link-mode", "copy", "demo", dest=dest, env=env))


@pytest.mark.parametrize("before", [b"old", b""], ids=["other", "empty"])
@pytest.mark.parametrize("how", ["hardlink", "copy", "auto"])
def test_a_file_is_replaced(get, dray, dest, made, how, before):
    dest.mkdir()
    (dest / made.name).write_bytes(before)
    succeeded(get("--link-mode", how))
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert names_in(dest) == [made.name]


def test_what_is_open_is_not_changed(get, dest, made):
    """Replaced means another file: who has the old one open reads on."""
    dest.mkdir()
    (dest / made.name).write_bytes(b"old")
    with open(dest / made.name, "rb") as old:
        succeeded(get())
        assert old.read() == b"old"


# Another file system


@pytest.fixture
def elsewhere():
    """A directory on another one than the store's."""
    shared = pathlib.Path("/dev/shm")
    if not shared.is_dir() or not os.access(shared, os.W_OK):
        pytest.skip("no second file system here")
    folder = pathlib.Path(subprocess.run(["mktemp", "-d", "-p", shared], capture_output=True, text=True,
                                         check=True).stdout.strip())
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)


def test_across_file_systems(dray, fault, made, elsewhere):
    succeeded(dray.download("-i", fault.index, "demo", dest=elsewhere / "one"))
    assert (elsewhere / "one" / made.name).read_bytes() == made.read_bytes()
    assert elsewhere.stat().st_dev != kept(dray, made).stat().st_dev
    succeeded(dray.download("-i", fault.index, "demo", dest=elsewhere / "two"))
    assert (elsewhere / "two" / made.name).read_bytes() == made.read_bytes()
    assert len(fault.requests(f"/files/{made.name}")) == 1
    assert names_in(elsewhere / "two") == [made.name]


def test_a_hard_link_across_file_systems(dray, fault, made, elsewhere):
    failed_with(dray.download("-i", fault.index, "--link-mode", "hardlink", "demo", dest=elsewhere / "one"),
                made.name, "--link-mode")
    assert names_in(elsewhere / "one") == []


def test_the_store_on_another_file_system(dray, dest, fault, made, elsewhere):
    for folder in ("one", "two"):
        succeeded(dray.download("-i", fault.index, "--cache-dir", elsewhere / "cache", "demo", dest=dest / folder))
        assert (dest / folder / made.name).read_bytes() == made.read_bytes()
    assert len(fault.requests(f"/files/{made.name}")) == 1


def test_a_large_file_across_file_systems(dray, dest, fault, wheel, elsewhere):
    """In slices: what else there is to do is done in between, and the memory does not grow."""
    large = wheel("large", "1.0", payload=64 * MIB)
    fault.project("large", fault.wheel(large))
    succeeded(dray.download("-i", fault.index, "large", dest=dest))
    quick = wheel("quick", "1.0")
    fault.project("quick", fault.wheel(quick))
    trace = elsewhere / "trace.jsonl"
    succeeded(dray.download("-i", fault.index, "--trace", trace, "large", "quick", dest=elsewhere / "one"))
    assert (elsewhere / "one" / large.name).read_bytes() == large.read_bytes()
    assert len(fault.requests(f"/files/{large.name}")) == 1
    lines = trace.read_text().splitlines()
    done = [n for n, line in enumerate(lines) if '"done"' in line]
    assert len(done) == 2
    assert "quick" in lines[done[0]] or '"fetch":1' in lines[done[0]].replace(" ", ""), lines[done[0]]


def test_a_file_system_that_is_read_only(dray, dest, fault, made, tmp_path):
    succeeded(dray.download("-i", fault.index, "demo", dest=tmp_path / "before"))
    dest.mkdir()
    prefix = mounts.behind(f"mount -t tmpfs none '{dest}'\nmount -o remount,ro '{dest}'")
    failed_with(dray.download("-i", fault.index, "demo", dest=dest, prefix=prefix), str(dest))
    assert len(fault.requests(f"/files/{made.name}")) == 1


# What is done to the destination does not hurt the store


def test_removed_in_the_destination(dray, dest, fault, made):
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    (dest / made.name).unlink()
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert len(fault.requests(f"/files/{made.name}")) == 1


def test_made_writable_in_the_destination(dray, dest, fault, made, tmp_path):
    """It is the same file: then it is not linked to again, for somebody is about to write to it."""
    succeeded(dray.download("-i", fault.index, "--link-mode", "hardlink", "demo", dest=dest))
    (dest / made.name).chmod(0o644)
    succeeded(dray.download("-i", fault.index, "demo", dest=tmp_path / "two"))
    assert not same_file(tmp_path / "two" / made.name, dest / made.name)
    assert (tmp_path / "two" / made.name).read_bytes() == made.read_bytes()
    assert len(fault.requests(f"/files/{made.name}")) == 1


def test_written_to_in_the_destination(dray, dest, fault, made, tmp_path):
    """Through the shared file: seen by its time, or by its size."""
    for n, spoil in enumerate((lambda path: flip(path, quietly=False), lambda path: path.write_bytes(b"mine"))):
        succeeded(dray.download("-i", fault.index, "--link-mode", "hardlink", "demo", dest=dest))
        (dest / made.name).chmod(0o644)
        spoil(dest / made.name)
        before = (dest / made.name).read_bytes()
        succeeded(dray.download("-i", fault.index, "demo", dest=tmp_path / f"after-{n}"))
        assert (tmp_path / f"after-{n}" / made.name).read_bytes() == made.read_bytes()
        assert (dest / made.name).read_bytes() == before, "what is somebody's own is left alone"


def test_a_file_of_the_destination_is_replaced_not_written_to(dray, dest, fault, made):
    """A link to the store under another name's file: the object stays."""
    succeeded(dray.download("-i", fault.index, "--link-mode", "hardlink", "demo", dest=dest))
    newer = b"x" * 1000
    fault.on("/files/demo-2.0.tar.gz", Answer(newer))
    (dest / "demo-2.0.tar.gz").hardlink_to(dest / made.name)
    promised = hashlib.sha256(newer).hexdigest()
    succeeded(dray.download("--no-index", f"{fault.url}/files/demo-2.0.tar.gz#sha256={promised}", dest=dest))
    assert (dest / "demo-2.0.tar.gz").read_bytes() == newer
    assert kept(dray, made).read_bytes() == made.read_bytes()
