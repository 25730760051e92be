"""What is in the destination already: kept when right, replaced only once the right one is verified."""

import os
import stat

import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded


@pytest.fixture
def made(fault, wheel):
    path = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(path))
    return path


def bodies(fault, made):
    return fault.requests(f"/files/{made.name}")


def test_right_is_kept(dray, dest, fault, made):
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    before = (dest / made.name).stat()
    result = succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    after = (dest / made.name).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert len(bodies(fault, made)) == 1
    assert "already" in result.err


def test_wrong_is_replaced(dray, dest, fault, made):
    dest.mkdir()
    (dest / made.name).write_bytes(b"x" * made.stat().st_size)
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert names_in(dest) == [made.name]


@pytest.mark.parametrize("spoil", [
    lambda body: Answer(b"", 500), lambda body: Answer(body, cut_after=len(body) // 2),
    lambda body: Answer(body[:-1] + b"?"), lambda body: Answer(body + b"more"),
], ids=["500", "cut", "other-bytes", "longer"])
def test_wrong_stays_when_the_right_one_can_not_be_had(dray, dest, fault, wheel, spoil):
    made = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(made, spoil))
    dest.mkdir()
    (dest / made.name).write_bytes(b"old")
    failed_with(dray.download("-i", fault.index, "demo", dest=dest), "demo")
    assert names_in(dest) == [made.name]
    assert (dest / made.name).read_bytes() == b"old"


def test_without_any_hash_it_is_accepted_as_pip_does(dray, dest, fault, wheel):
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made, hashes={}, size=None))
    dest.mkdir()
    (dest / made.name).write_bytes(made.read_bytes())
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()


def test_the_users_hash_decides(dray, dest, fault, made, tmp_path):
    import hashlib

    needs = tmp_path / "n.txt"
    needs.write_text(f"demo==1.0 --hash=sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}\n")
    succeeded(dray.download("-i", fault.index, "-r", needs, dest=dest))
    succeeded(dray.download("-i", fault.index, "-r", needs, dest=dest))
    assert len(bodies(fault, made)) == 1


def test_a_pinned_file_that_is_here_with_its_hash_survives_a_dead_file_server(dray, dest, fault, wheel):
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made, lambda _: Answer(b"", 500)))
    dest.mkdir()
    (dest / made.name).write_bytes(made.read_bytes())
    succeeded(dray.download("-i", fault.index, "demo==1.0", dest=dest))


def test_a_symbolic_link_is_replaced_not_followed(dray, dest, fault, made, tmp_path):
    dest.mkdir()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (dest / made.name).symlink_to(precious)
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert precious.read_text() == "mine"
    assert not (dest / made.name).is_symlink()
    assert (dest / made.name).read_bytes() == made.read_bytes()


def test_other_files_are_left_alone(dray, dest, fault, made):
    dest.mkdir()
    (dest / "demo-0.9-py3-none-any.whl").write_bytes(b"another version")
    (dest / ".hidden").write_bytes(b"mine")
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert names_in(dest) == [".hidden", "demo-0.9-py3-none-any.whl", made.name]


@pytest.mark.parametrize("how", ["--no-cache-dir", "--link-mode=copy"])
def test_the_mode_follows_the_umask(dray, dest, fault, made, how):
    """But for a hard link to what the store has: nobody may write to that."""
    before = os.umask(0o027)
    try:
        succeeded(dray.download("-i", fault.index, how, "demo", dest=dest))
    finally:
        os.umask(before)
    assert stat.S_IMODE((dest / made.name).stat().st_mode) == 0o640


def test_two_runs_into_one_directory(dray, dest, fault, wheel):
    """Both succeed and the file is whole: each has its own temporary name."""
    made = wheel("demo", "1.0", payload=500000)
    fault.project("demo", fault.wheel(made, lambda body: Answer(body, pace=(50000, 0.05))))
    runs = [dray.start("download", "--no-deps", "-i", fault.index, "demo", "-d", dest) for _ in range(2)]
    for process in runs:
        succeeded(dray.finish(process, check_temporary=False))
    assert names_in(dest) == [made.name]
    assert (dest / made.name).read_bytes() == made.read_bytes()
