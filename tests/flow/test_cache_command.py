"""dray cache: what a person sees of the store and does to it."""

import json
import os

import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded
from test_store import flip, in_index, object_of, objects_of, sha256_of, store_of

DAY = 86400


@pytest.fixture
def cache(dray):
    def run(*args, **more):
        return dray("cache", *args, **more)

    return run


@pytest.fixture
def fill(dray, fault, wheel, tmp_path):
    """Downloads wheels of these sizes; the files."""
    def make(*sizes):
        wheels = [wheel(f"demo-{n}", "1.0", payload=size) for n, size in enumerate(sizes)]
        for n, path in enumerate(wheels):
            fault.project(f"demo-{n}", fault.wheel(path))
            fault.answers[f"/simple/demo-{n}/"][0].headers["Cache-Control"] = "max-age=600"
        names = [f"demo-{n}" for n in range(len(sizes))]
        succeeded(dray.download("-i", fault.index, *names, dest=tmp_path / "filled"))
        return wheels

    return make


def said(result):
    return json.loads(succeeded(result).out)


# dir


def test_dir(cache, dray, tmp_path):
    assert succeeded(cache("dir")).out == f"{store_of(dray)}\n"
    assert succeeded(cache("dir", "--cache-dir", tmp_path / "mine")).out == f"{tmp_path / 'mine'}\n"
    assert succeeded(cache("dir", env={"DRAY_CACHE_DIR": tmp_path / "mine"})).out == f"{tmp_path / 'mine'}\n"
    assert succeeded(cache("dir", env={"XDG_CACHE_HOME": None})).out == f"{dray.home}/.cache/dray\n"
    assert not (tmp_path / "mine").exists(), "it only tells"


def test_dir_is_where_a_run_puts_it(cache, dray, dest, fault, wheel):
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made))
    succeeded(dray.download("-i", fault.index, "demo", dest=dest, env={"XDG_CACHE_HOME": None}))
    root = succeeded(cache("dir", env={"XDG_CACHE_HOME": None})).out.strip()
    assert sorted(objects_of(root)) == [sha256_of(made)]


def test_no_home(cache):
    failed_with(cache("dir", env={"XDG_CACHE_HOME": None, "HOME": None}), "--cache-dir", code=2)


# info


def test_info(cache, fill, dray):
    wheels = fill(300000, 20000)
    facts = said(cache("info", "--json"))
    assert facts["root"] == str(store_of(dray))
    assert facts["files"] == 2 and facts["file_bytes"] == sum(path.stat().st_size for path in wheels)
    assert facts["listing"]["records"] == 2 and facts["listing"]["bytes"] > 0
    assert facts["build"] == {"records": 0, "bytes": 0}
    assert 0 < facts["max_bytes"] <= 10 << 30
    text = succeeded(cache("info")).out
    assert str(store_of(dray)) in text and "2 files" in text and "at most" in text


def test_info_tells_the_cap(cache, fill):
    fill(1000)
    assert said(cache("info", "--json", "--cache-size", "5MB"))["max_bytes"] == 5000000
    assert said(cache("info", "--json", env={"DRAY_CACHE_SIZE": "1MiB"}))["max_bytes"] == 1 << 20


def test_of_none_at_all(cache, dray):
    """Looked into, it is still not there."""
    facts = said(cache("info", "--json"))
    assert facts["files"] == 0 and facts["file_bytes"] == 0 and facts["listing"] == {"records": 0, "bytes": 0}
    assert facts["max_bytes"] is None, "chosen when the store is made, by the size of its disk"
    assert said(cache("info", "--json", "--cache-size", "5MB"))["max_bytes"] == 5000000
    assert said(cache("list", "--json")) == []
    assert str(store_of(dray)) in succeeded(cache("info")).out
    for args in (["list"], ["verify"], ["prune"], ["purge"]):
        succeeded(cache(*args))
    assert not store_of(dray).exists()


# list


def test_list(cache, fill):
    wheels = fill(300000, 20000)
    items = said(cache("list", "--json"))
    files = {item["sha256"]: item for item in items if item["kind"] == "file" and "sha256" in item}
    assert sorted(files) == sorted(map(sha256_of, wheels))
    assert {files[sha256_of(path)]["bytes"] for path in wheels} == {path.stat().st_size for path in wheels}
    assert all(item["verified"] for item in files.values())
    listings = [item for item in items if item["kind"] == "listing"]
    assert sorted(item["label"].rsplit("/", 2)[1] for item in listings) == ["demo-0", "demo-1"]
    text = succeeded(cache("list")).out
    assert len(text.splitlines()) == len(items)


def test_list_has_the_most_recently_used_first(cache, fill, dray):
    wheels = fill(1000, 2000, 3000)
    for n, path in enumerate(wheels):
        in_index(store_of(dray), "UPDATE object SET used = ? WHERE sha256 = ?", 1000 * (n + 1),
                 bytes.fromhex(sha256_of(path)))
    order = [item["sha256"] for item in said(cache("list", "--json")) if "sha256" in item]
    assert order == [sha256_of(path) for path in reversed(wheels)]


def test_list_names_files(cache, fill, dray):
    """By what they are called; one that was found without the index has its digest alone."""
    one, two = fill(300000, 20000)
    in_index(store_of(dray), "DELETE FROM object WHERE bytes < 100000")
    succeeded(cache("verify"))
    labels = {item["sha256"]: item["label"] for item in said(cache("list", "--json")) if "sha256" in item}
    assert labels == {sha256_of(one): one.name, sha256_of(two): None}
    text = succeeded(cache("list")).out
    assert one.name in text and f"sha256:{sha256_of(two)}" in text


def test_list_shows_no_password(cache, dray, dest, fault, wheel):
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made))
    fault.answers["/simple/demo/"][0].headers["Cache-Control"] = "max-age=600"
    succeeded(dray.download("-i", fault.index.replace("//", "//alice:pa55@"), "demo", dest=dest))
    text = succeeded(cache("list")).out
    assert "alice:****@" in text and "pa55" not in text


# verify


def test_verify(cache, fill):
    fill(300000, 20000)
    result = succeeded(cache("verify"))
    assert result.out == "Hashed 2 files; nothing is wrong.\n" and result.err == ""


def test_verify_finds_a_flipped_byte(cache, fill, dray, fault, tmp_path):
    good, bad = fill(300000, 20000)
    flip(object_of(dray, bad))
    result = failed_with(cache("verify"), sha256_of(bad))
    assert "1 wrong" in result.out
    assert sorted(objects_of(store_of(dray))) == [sha256_of(good)]
    succeeded(cache("verify"))
    succeeded(dray.download("-i", fault.index, "demo-0", "demo-1", dest=tmp_path / "again"))
    assert [len(fault.requests(f"/files/{path.name}")) for path in (good, bad)] == [1, 2]


def test_verify_takes_in_what_the_index_does_not_know(cache, fill, dray):
    fill(300000, 20000)
    in_index(store_of(dray), "DELETE FROM object WHERE bytes < 100000")
    result = succeeded(cache("verify"))
    assert "1 adopted" in result.out and said(cache("info", "--json"))["files"] == 2


def test_verify_takes_out_what_is_gone(cache, fill, dray):
    _, gone = fill(300000, 20000)
    object_of(dray, gone).unlink()
    result = succeeded(cache("verify"))
    assert "1 missing" in result.out and sha256_of(gone) in result.err
    assert said(cache("info", "--json"))["files"] == 1


def test_verify_removes_what_is_no_object(cache, fill, dray):
    fill(300000)
    (store_of(dray) / "objects" / "ab").mkdir(exist_ok=True)
    (store_of(dray) / "objects" / "ab" / "notes.txt").write_text("mine")
    failed_with(cache("verify"), "notes.txt")
    assert len(objects_of(store_of(dray))) == 1


def test_verify_makes_what_is_unverified_trusted(cache, fill, dray):
    fill(300000)
    in_index(store_of(dray), "UPDATE object SET boot = 'another'")
    assert [item["verified"] for item in said(cache("list", "--json")) if "sha256" in item] == [False]
    succeeded(cache("verify"))
    assert [item["verified"] for item in said(cache("list", "--json")) if "sha256" in item] == [True]


def test_verify_a_damaged_index(cache, fill, dray):
    fill(300000)
    for name in ("index.sqlite-wal", "index.sqlite-shm"):
        (store_of(dray) / name).unlink(missing_ok=True)
    (store_of(dray) / "index.sqlite").write_bytes(b"garbage " * 1000)
    cache("verify")
    assert succeeded(cache("verify")).out == "Hashed 1 file; nothing is wrong.\n"


# prune and purge


def age(dray, path, days):
    in_index(store_of(dray), "UPDATE object SET used = used - ? WHERE sha256 = ?", days * DAY,
             bytes.fromhex(sha256_of(path)))


def test_prune_by_age(cache, fill, dray):
    old, new = fill(300000, 20000)
    age(dray, old, 10)
    assert "0 files" in succeeded(cache("prune", "--older-than", "20")).out
    assert "1 file," in succeeded(cache("prune", "--older-than", "5")).out
    assert sorted(objects_of(store_of(dray))) == [sha256_of(new)]
    assert said(cache("info", "--json"))["file_bytes"] == new.stat().st_size


def test_prune_by_size(cache, fill, dray):
    old, middle, new = fill(300000, 300001, 300002)
    age(dray, old, 2)
    age(dray, middle, 1)
    assert "2 files" in succeeded(cache("prune", "--max-size", "500kB")).out
    assert sorted(objects_of(store_of(dray))) == [sha256_of(new)]


def test_prune_without_a_bound_takes_what_is_stale_for_long(cache, fill, dray):
    fill(300000)
    in_index(store_of(dray), "UPDATE record SET fresh_until = 1, received = 1, used = 1 WHERE kind = 0")
    succeeded(cache("prune"))
    facts = said(cache("info", "--json"))
    assert facts["listing"]["records"] == 0 and facts["files"] == 1


def test_prune_to_nothing(cache, fill, dray):
    fill(300000, 20000)
    succeeded(cache("prune", "--older-than", "0", "--max-size", "0"))
    assert objects_of(store_of(dray)) == {}


def test_purge(cache, fill, dray, fault, tmp_path):
    wheels = fill(300000, 20000)
    assert "2 files" in succeeded(cache("purge")).out
    assert objects_of(store_of(dray)) == {}
    facts = said(cache("info", "--json"))
    assert facts["files"] == 0 and facts["listing"]["records"] == 0
    succeeded(dray.download("-i", fault.index, "demo-0", "demo-1", dest=tmp_path / "again"))
    assert [len(fault.requests(f"/files/{path.name}")) for path in wheels] == [2, 2]


def test_purge_spares_what_is_in_progress(cache, dray, dest, fault, wheel):
    made = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(made, lambda body: Answer(body, stall_after=200000), Answer))
    fault.on(f"/files/{made.name}", Answer(made.read_bytes(), pace=(30000, 0.05)))
    process = dray.start("download", "--no-deps", "-i", fault.index, "demo", "-d", dest)
    fault.wait_for(f"/files/{made.name}")
    succeeded(cache("purge"))
    succeeded(dray.finish(process))
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert len(fault.requests(f"/files/{made.name}")) == 1


def test_what_was_placed_stays(cache, fill, dray, tmp_path):
    wheels = fill(300000)
    succeeded(cache("purge"))
    assert (tmp_path / "filled" / wheels[0].name).read_bytes() == wheels[0].read_bytes()


# Another one, a wrong one, wrong usage


def test_a_store_that_is_no_directory(cache, tmp_path):
    (tmp_path / "file").write_text("mine")
    for verb in ("info", "list", "verify", "prune", "purge"):
        failed_with(cache(verb, "--cache-dir", tmp_path / "file"), str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "mine"


def test_purge_of_a_directory_that_is_none(cache, tmp_path):
    """A slip of the finger: nothing of somebody's own goes."""
    (tmp_path / "mine" / "sub").mkdir(parents=True)
    (tmp_path / "mine" / "sub" / "thesis.txt").write_text("mine")
    cache("purge", "--cache-dir", tmp_path / "mine")
    assert (tmp_path / "mine" / "sub" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(("args", "needle"), [
    ([], "expected one of"), (["frob"], "frob"), (["info", "list"], "expected one of"),
    (["info", "--frob"], "--frob"), (["info", "--older-than", "3"], "prune"), (["purge", "--max-size", "3"], "prune"),
    (["prune", "--json"], "info and list"), (["prune", "--older-than", "soon"], "soon"),
    (["prune", "--older-than", "-1"], "-1"), (["prune", "--older-than"], "--older-than"),
    (["prune", "--max-size", "much"], "much"), (["prune", "--older-than", "99999999"], "99999999"),
    (["info", "--cache-size", "1 parsec"], "parsec"), (["dir", "--json"], "info and list"),
], ids=" ".join)
def test_wrong_usage(cache, args, needle):
    failed_with(cache(*args), needle, code=2)


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["prune", "--help"]], ids=" ".join)
def test_help(cache, args):
    text = succeeded(cache(*args)).out
    for word in ("dir", "info", "list", "verify", "prune", "purge", "--older-than", "--max-size", "--json"):
        assert word in text


def test_no_room_is_left_behind(cache, fill, dray):
    """None of them leaves a directory of its own."""
    fill(300000)
    for args in (["info"], ["list"], ["verify"], ["prune"], ["purge"]):
        succeeded(cache(*args))
    assert names_in(store_of(dray) / "partial") == []
    assert {"objects", "partial", "index.sqlite"} <= set(os.listdir(store_of(dray)))


@pytest.mark.parametrize("verb", ["info", "list", "verify", "prune", "purge"])
def test_a_directory_that_is_no_store_is_left_alone(dray, tmp_path, verb):
    """A repository has a directory "objects", too."""
    theirs = tmp_path / "repository"
    (theirs / "objects" / "ab").mkdir(parents=True)
    (theirs / "objects" / "ab" / "cdef").write_text("precious")
    failed_with(dray("cache", verb, "--cache-dir", theirs), "objects", "no store")
    assert sorted(p.name for p in theirs.rglob("*")) == ["ab", "cdef", "objects"]


@pytest.mark.parametrize("verb", ["info", "list"])
def test_looking_evicts_nothing(dray, dest, fault, wheel, verb):
    fault.project("demo", fault.wheel(wheel("demo", "1.0", payload=50000)))
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    succeeded(dray("cache", verb, "--cache-size", "1k"))
    assert "1 file," in succeeded(dray("cache", "info")).out
