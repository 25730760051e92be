"""The store: what an earlier run fetched is not asked for again, and nothing that is wrong is ever placed."""

import contextlib
import hashlib
import os
import pathlib
import sqlite3
import stat

import mounts
import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded

FRESH = {"Cache-Control": "max-age=3600", "ETag": '"one"'}


def store_of(dray):
    return dray.home / "cache" / "dray"


def objects_of(root):
    """sha256 -> path of all that the store holds."""
    return {path.name: path for path in (pathlib.Path(root) / "objects").glob("*/*")}


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def object_of(dray, made):
    return objects_of(store_of(dray))[sha256_of(made)]


def in_index(root, statement, *values):
    """Runs SQL behind the store's back; all rows."""
    with contextlib.closing(sqlite3.connect(pathlib.Path(root) / "index.sqlite", timeout=10)) as db, db:
        return db.execute(statement, values).fetchall()


def flip(path, at=1000, quietly=True):
    """Another byte in the middle of it; size and mode stay, and its time if `quietly`."""
    before = path.stat()
    path.chmod(0o644)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x40]))
    if quietly:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    path.chmod(stat.S_IMODE(before.st_mode))


def leftovers(root):
    """What is below partial/: nothing, once no process is there."""
    return sorted((pathlib.Path(root) / "partial").glob("*/*"))


@pytest.fixture
def made(fault, wheel):
    path = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(path))
    return path


@pytest.fixture
def get(dray, fault, tmp_path):
    """One run into a directory of its own; the file, and how often bodies were asked for in it."""
    runs = []

    def run(made, *args, project="demo", **more):
        dest = tmp_path / f"run-{len(runs)}"
        runs.append(dest)
        before = len(fault.requests(f"/files/{made.name}"))
        result = succeeded(dray.download("-i", fault.index, project, *args, dest=dest, **more))
        assert names_in(dest) == [made.name], result
        assert (dest / made.name).read_bytes() == made.read_bytes(), result
        return len(fault.requests(f"/files/{made.name}")) - before, result

    return run


# By what it is found


def test_by_its_sha256(get, dray, made):
    assert get(made)[0] == 1
    asked, result = get(made)
    assert asked == 0
    assert "1 came from a cache" in result.err
    assert sorted(objects_of(store_of(dray))) == [sha256_of(made)]
    assert leftovers(store_of(dray)) == []


def test_by_the_hash_in_a_requirements_file(get, fault, wheel, dray, dest, tmp_path):
    """Of another index, which promises nothing: the same bytes are the same file."""
    made = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(made))
    get(made)
    fault.project("demo", fault.wheel(made, listed=f"{fault.url}/elsewhere/{made.name}", hashes={}, size=None))
    needs = tmp_path / "needs.txt"
    needs.write_text(f"demo==1.0 --hash=sha256:{sha256_of(made)}\n")
    succeeded(dray.download("-i", fault.index, "-r", needs, dest=dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert fault.requests(f"/elsewhere/{made.name}") == []


def test_by_its_url_where_only_a_sha512_is_promised(get, fault, wheel):
    made = wheel("demo", "1.0", payload=300000)
    promised = {"sha512": hashlib.sha512(made.read_bytes()).hexdigest()}
    fault.project("demo", fault.wheel(made, hashes=promised))
    assert get(made)[0] == 1
    assert get(made)[0] == 0


def test_by_its_url_another_file_by_now(get, fault, wheel):
    """The same URL with another sha512: what the store has of it is not it."""
    first = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(first, hashes={"sha512": hashlib.sha512(first.read_bytes()).hexdigest()}))
    get(first)
    second = wheel("demo", "1.0", payload=300000, seed="other")
    fault.project("demo", fault.wheel(second, hashes={"sha512": hashlib.sha512(second.read_bytes()).hexdigest()}))
    assert get(second)[0] == 1


@pytest.mark.parametrize(("headers", "again"), [
    (FRESH, 0),
    ({"Cache-Control": "max-age=0", "ETag": '"one"'}, 1),
    ({"Cache-Control": "no-store"}, 1),
    ({}, 1),
], ids=["fresh", "stale", "no-store", "silent"])
def test_by_its_url_without_any_digest(get, fault, wheel, headers, again):
    """Nothing but freshness speaks for it."""
    made = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(made, lambda body: Answer(body, headers=headers), hashes={}, size=None))
    assert get(made)[0] == 1
    assert get(made)[0] == again


def test_of_a_url_that_was_given(dray, tmp_path, fault, wheel):
    made = wheel("demo", "1.0", payload=300000)
    url = fault.on(f"/files/{made.name}", Answer(made.read_bytes(), headers=FRESH))
    for folder in ("one", "two"):
        succeeded(dray.download("--no-index", url, dest=tmp_path / folder))
        assert (tmp_path / folder / made.name).read_bytes() == made.read_bytes()
    assert len(fault.requests(f"/files/{made.name}")) == 1


def test_with_another_size_than_promised(get, fault, wheel):
    """Same URL, no digest, fresh, but the index tells of other bytes by now."""
    first = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(first, lambda body: Answer(body, headers=FRESH), hashes={}))
    get(first)
    second = wheel("demo", "1.0", payload=300001)
    fault.project("demo", fault.wheel(second, hashes={}))
    assert get(second)[0] == 1


def test_its_metadata_comes_from_it(get, dray, fault, made):
    get(made)
    result = succeeded(dray("metadata", "-i", fault.index, "--stats", "demo"))
    assert "Name: demo\nVersion: 1.0\n" in result.out
    assert len(fault.requests(f"/files/{made.name}")) == 1


# The destination


def test_a_wrong_file_in_the_destination_is_replaced_from_the_store(get, dray, dest, fault, made):
    get(made)
    dest.mkdir()
    (dest / made.name).write_bytes(b"x" * made.stat().st_size)
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert names_in(dest) == [made.name]
    assert len(fault.requests(f"/files/{made.name}")) == 1


def test_a_wrong_file_stays_while_the_right_one_is_not_there(dray, dest, fault, wheel):
    """Seen while the body is on its way: the old one goes at the very end."""
    made = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(made, lambda body: Answer(body, stall_after=200000),
                                      lambda body: Answer(body)))
    dest.mkdir()
    (dest / made.name).write_bytes(b"old")
    process = dray.start("download", "--no-deps", "-i", fault.index, "--retries", "2", "--timeout", "1", "demo",
                         "-d", dest)
    fault.wait_for(f"/files/{made.name}")
    assert (dest / made.name).read_bytes() == b"old"
    succeeded(dray.finish(process))
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert len(fault.requests(f"/files/{made.name}")) == 2


# Damage


@pytest.mark.parametrize("damage", [
    lambda path: os.truncate(path, 5000), lambda path: os.truncate(path, 0), os.unlink,
    lambda path: (path.unlink(), path.mkdir()), lambda path: (path.unlink(), path.symlink_to("/etc/hosts")),
], ids=["shorter", "empty", "gone", "directory", "link"])
def test_an_object_that_is_not_what_the_index_says(get, dray, made, damage):
    get(made)
    damage(object_of(dray, made))
    assert get(made)[0] == 1


def test_an_object_that_was_mended_is_used_again(get, dray, made):
    get(made)
    os.truncate(object_of(dray, made), 5000)
    get(made)
    assert get(made)[0] == 0


@pytest.mark.parametrize("mode", [0o444, 0o644], ids=["read-only-again", "writable"])
def test_an_object_that_was_written_to(get, dray, made, mode):
    """Through a destination that shares it, maybe: its time tells, within one boot, too."""
    get(made)
    flip(object_of(dray, made), quietly=False)
    object_of(dray, made).chmod(mode)
    assert get(made)[0] == 1
    assert get(made)[0] == 0


def test_an_object_that_was_only_touched_is_used(get, dray, made):
    get(made)
    os.utime(object_of(dray, made))
    object_of(dray, made).chmod(0o644)
    assert get(made)[0] == 0


def test_an_object_of_another_boot_is_hashed_before_it_is_used(get, dray, made):
    get(made)
    (boot,), = in_index(store_of(dray), "SELECT boot FROM object")
    in_index(store_of(dray), "UPDATE object SET boot = 'another'")
    assert get(made)[0] == 0
    assert in_index(store_of(dray), "SELECT boot FROM object") == [(boot,)], "vouched for under this boot"


def test_a_damaged_object_of_another_boot_is_not_placed(get, dray, made):
    get(made)
    in_index(store_of(dray), "UPDATE object SET boot = 'another'")
    flip(object_of(dray, made))
    assert get(made)[0] == 1
    assert sha256_of(object_of(dray, made)) == sha256_of(made)
    assert get(made)[0] == 0


def test_a_damaged_object_of_another_boot_offline(get, dray, dest, fault, made):
    """Then there is nothing to be had: it says so, and places nothing."""
    fault.answers["/simple/demo/"][0].headers.update(FRESH)
    get(made)
    in_index(store_of(dray), "UPDATE object SET boot = 'another'")
    flip(object_of(dray, made))
    failed_with(dray.download("--offline", "-i", fault.index, "demo", dest=dest), made.name, "--offline")
    assert names_in(dest) == []


@pytest.mark.parametrize("damage", [
    lambda index: index.write_bytes(b"this is no database, it is a line of text" * 200),
    lambda index: os.truncate(index, 5000),
    lambda index: index.unlink(),
], ids=["garbage", "cut", "gone"])
def test_a_damaged_index_is_begun_anew(get, dray, made, damage):
    get(made)
    for name in ("index.sqlite-wal", "index.sqlite-shm"):
        (store_of(dray) / name).unlink(missing_ok=True)
    damage(store_of(dray) / "index.sqlite")
    assert get(made)[0] == 0, "the objects are there: hashed, they are as good as before"
    assert in_index(store_of(dray), "SELECT count(*) FROM object") == [(1,)]


# No room


def test_a_store_that_is_full(get, dray, fault, wheel, made):
    """The large file arrives all the same, the small one is kept."""
    store_of(dray).mkdir()
    big = wheel("big", "1.0", payload=6 << 20)
    fault.project("big", fault.wheel(big))
    prefix = mounts.behind(f"mount -t tmpfs -o size=2m none '{store_of(dray)}'")
    _, result = get(big, project="big", prefix=prefix)
    assert "error:" not in result.err
    get(made, prefix=prefix)


def test_a_destination_that_is_full(get, dray, tmp_path, fault, wheel):
    """One clear error, nothing partial; what came is in the store for the next run."""
    big = wheel("big", "1.0", payload=3 << 20)
    fault.project("big", fault.wheel(big))
    dest = tmp_path / "small"
    dest.mkdir()
    prefix = mounts.copied_back(f"mount -t tmpfs -o size=1m none '{dest}'", dest, tmp_path / "listing", ())
    result = dray.download("-i", fault.index, "big", dest=dest, prefix=prefix)
    failed_with(result, "big-1.0", str(dest))
    assert "space" in result.err
    assert (tmp_path / "listing").read_text() == ""
    assert get(big, project="big")[0] == 0


# No store


def unusable(path, how):
    if how == "file":
        path.write_text("a file")
        return ()
    path.mkdir()
    if how == "read-only":
        return mounts.behind(f"mount -t tmpfs none '{path}'\nmount -o remount,ro '{path}'")
    if not mounts.is_root():
        pytest.skip("only root can give a directory away")
    os.chown(path, 12345, 12345)
    return ()


@pytest.mark.parametrize("how", ["file", "read-only", "of-another"])
def test_a_store_that_can_not_be_used(get, made, tmp_path, how):
    """A warning, and everything works."""
    cache = tmp_path / "cache"
    prefix = unusable(cache, how)
    asked, result = get(made, "--cache-dir", cache, prefix=prefix)
    assert asked == 1
    assert result.err.count("warning:") == 1, result
    assert str(cache) in result.err and "--no-cache-dir" in result.err


def test_no_cache_dir_leaves_nothing(get, dray, made):
    assert get(made, "--no-cache-dir")[0] == 1
    assert get(made, "--no-cache-dir")[0] == 1
    assert [path for path in dray.home.rglob("*") if path.is_file()] == []


def test_no_cache_dir_looks_at_nothing(get, dray, made):
    get(made)
    assert get(made, "--no-cache-dir")[0] == 1


def test_cache_dir_by_option_and_variable(get, dray, made, tmp_path):
    assert get(made, "--cache-dir", tmp_path / "mine")[0] == 1
    assert sorted(objects_of(tmp_path / "mine")) == [sha256_of(made)]
    assert not (store_of(dray) / "objects").exists()
    assert get(made, env={"DRAY_CACHE_DIR": tmp_path / "mine"})[0] == 0


# The cap


def test_the_cap_keeps_the_newest(get, dray, fault, wheel):
    wheels = [wheel(f"demo-{n}", "1.0", payload=400000) for n in range(4)]
    for n, path in enumerate(wheels):
        fault.project(f"demo-{n}", fault.wheel(path))
        # Uses within one second would have no order.
        if n:
            in_index(store_of(dray), "UPDATE object SET used = used - 1000")
        get(path, "--cache-size", "1MB", project=f"demo-{n}")
    kept = objects_of(store_of(dray))
    assert sha256_of(wheels[3]) in kept and sha256_of(wheels[0]) not in kept
    assert sum(path.stat().st_size for path in kept.values()) <= 1000000
    assert get(wheels[3], "--cache-size", "1MB", project="demo-3")[0] == 0
    assert get(wheels[0], "--cache-size", "1MB", project="demo-0")[0] == 1


def test_a_file_above_the_cap_arrives(get, dray, made):
    assert get(made, "--cache-size", "100kB")[0] == 1
    assert sum(path.stat().st_size for path in objects_of(store_of(dray)).values()) <= 100000
    get(made, "--cache-size", "100kB")


# Several at once


def test_several_runs_into_one_store_and_one_directory(dray, dest, fault, wheel):
    names = [f"demo-{n}" for n in range(8)]
    wheels = [wheel(name, "1.0", payload=150000) for name in names]
    for name, path in zip(names, wheels):
        fault.project(name, fault.wheel(path, lambda body: Answer(body, pace=(30000, 0.02))))
    runs = [dray.start("download", "--no-deps", "-i", fault.index, *names, "-d", dest) for _ in range(3)]
    for process in runs:
        succeeded(dray.finish(process, check_temporary=False))
    assert {path.name: path.read_bytes() for path in dest.iterdir()} == \
           {path.name: path.read_bytes() for path in wheels}
    assert sorted(objects_of(store_of(dray))) == sorted(map(sha256_of, wheels))
    assert "nothing is wrong" in succeeded(dray("cache", "verify")).out
    assert leftovers(store_of(dray)) == []


def test_what_a_dead_process_left_is_cleared(get, dray, dest, fault, wheel, made):
    slow = wheel("slow", "1.0", payload=300000)
    fault.project("slow", fault.wheel(slow, lambda body: Answer(body, stall_after=200000)))
    process = dray.start("download", "--no-deps", "-i", fault.index, "slow", "-d", dest)
    fault.wait_for(f"/files/{slow.name}")
    process.kill()
    process.communicate()
    dead = [path.parent for path in leftovers(store_of(dray))]
    assert dead, "it had a directory of its own"
    get(made)
    assert leftovers(store_of(dray)) == []
    assert names_in(store_of(dray) / "partial") == []
