"""Dependencies: what is resolved, with how many requests, and what is said when it can't be."""

import http.server
import json
import re
import threading
import time

import pytest

import fault_server
import make_index
from make_index import describe, make_wheel
from program import failed_with, names_in, succeeded
from resolving import WORLD, pins, small_world


def test_everything_that_is_needed_comes(index, run, dest):
    small_world(index)
    result = run("app")
    succeeded(result)
    assert pins(dest) == WORLD


def test_without_a_store(index, run, dest):
    small_world(index)
    succeeded(run("app", "--no-cache-dir"))
    assert pins(dest) == WORLD


def test_again_without_a_request(index, run):
    small_world(index)
    succeeded(run("app"))
    again = run("app", "--offline")
    succeeded(again)
    assert "All 6 files were there already" in again.err


def test_offline_with_nothing_known_says_what_is_missing(index, run):
    small_world(index)
    failed_with(run("app", "--offline"), "offline", "app")


def test_no_deps_is_as_it_was(index, run, dest):
    small_world(index)
    succeeded(run("--no-deps", "app"))
    assert pins(dest) == ["app-1.0"]


def test_a_conflict_is_explained_once_and_nothing_is_fetched(index, run, dest):
    small_world(index)
    result = run("app", "web>=2")
    failed_with(result, "this can't all be had together", "you ask for app", "db 1.0 needs http<2",
                "you ask for web>=2", "web 2.0 needs http>=2")
    assert not names_in(dest)


def test_what_is_missing_far_down(index, run, dest):
    index.wheel("app", "1.0", "nothere>1")
    failed_with(run("app"), "app 1.0 needs nothere>1", 'no files of a project named "nothere"')
    assert not names_in(dest)


def test_an_older_version_when_the_newest_leads_nowhere(index, run, dest):
    index.wheel("app", "2.0", "nothere")
    index.wheel("app", "1.0")
    succeeded(run("app"))
    assert pins(dest) == ["app-1.0"]


def test_constraints(index, run, dest, tmp_path):
    small_world(index)
    index.wheel("thing", "4.0")
    (tmp_path / "c.txt").write_text("thing<4\nunheard-of==1\n")
    succeeded(run("app", "-c", tmp_path / "c.txt"))
    assert pins(dest) == WORLD


def test_targets_have_their_own_markers(index, run, dest):
    index.wheel("app", "1.0", "w; sys_platform == 'win32'", "l; sys_platform == 'linux'")
    index.wheel("w", "1.0", tag="cp312-cp312-win_amd64")
    index.wheel("l", "1.0")
    succeeded(run("--target", "3.12:win_amd64", "app"))
    assert pins(dest) == ["app-1.0", "w-1.0"]


def test_requires_python_of_a_dependency(index, run, dest):
    index.wheel("app", "1.0", "lib")
    index.wheel("lib", "2.0", requires_python=">=3.13", listed={"requires_python": ">=3.13"})
    index.wheel("lib", "1.5", requires_python=">=3.13")  # only its metadata says so
    index.wheel("lib", "1.0")
    succeeded(run("--target", "3.12:any", "app"))
    assert pins(dest) == ["app-1.0", "lib-1.0"]


def test_a_newer_python_is_suggested(index, run):
    index.wheel("app", "1.0", "lib>=2")
    index.wheel("lib", "2.0", listed={"requires_python": ">=3.13"})
    failed_with(run("--target", "3.12:any", "app"), "lib 2.0 would do, but it needs Python >=3.13")


def test_a_file_with_its_dependencies(index, run, dest, tmp_path):
    small_world(index)
    mine = make_wheel(tmp_path / "mine", "mine", "1.0", requires_dist=["web", "lin; extra == 'more'"],
                      extras=["more"])
    succeeded(run(f"{mine}[more]"))
    assert pins(dest) == ["http-2.0", "lin-1.0", "mine-1.0", "web-2.0"]


def test_a_file_in_place_of_what_the_index_has(index, run, dest, tmp_path):
    small_world(index)
    mine = make_wheel(tmp_path / "mine", "http", "1.5")
    succeeded(run("app", f"http @ {mine.as_uri()}"))
    assert pins(dest) == [*WORLD[:2], "http-1.5", *WORLD[3:]]


def test_a_url_that_only_a_dependency_names_is_refused(index, run, tmp_path):
    mine = make_wheel(tmp_path / "mine", "http", "1.5")
    index.wheel("app", "1.0", f"http @ {mine.as_uri()}")
    failed_with(run("app"), "http", "URL of its own", "name it yourself")


def test_hashes_are_needed_of_everything(index, run, dest, tmp_path):
    app, lib = index.wheel("app", "1.0", "lib"), index.wheel("lib", "1.0")
    sha = {p.name.split("-")[0]: describe(p)["hashes"]["sha256"] for p in (app, lib)}
    (tmp_path / "r.txt").write_text(f"app==1.0 --hash=sha256:{sha['app']}\n")
    failed_with(run("-r", tmp_path / "r.txt"), "lib", "--hash")
    (tmp_path / "r.txt").write_text("".join(f"{n}==1.0 --hash=sha256:{sha[n]}\n" for n in sha))
    succeeded(run("-r", tmp_path / "r.txt"))
    assert pins(dest) == ["app-1.0", "lib-1.0"]


def test_metadata_that_makes_no_sense_is_passed_over(index, run, dest):
    index.wheel("app", "2.0", "lib >>> 3")
    index.wheel("app", "1.0")
    result = run("app")
    succeeded(result)
    assert pins(dest) == ["app-1.0"]
    assert "app-2.0-py3-none-any.whl is passed over" in result.err


def test_a_source_distribution_is_passed_over_for_a_wheel(index, run, dest):
    index.sdist("app", "2.0")
    index.wheel("app", "1.0")
    result = run("app", "--target", "3.12:win_amd64")
    succeeded(result)
    assert pins(dest) == ["app-1.0"]
    assert "app-2.0.tar.gz is passed over" in result.err


def test_report_has_all_of_it(index, run, tmp_path):
    small_world(index)
    succeeded(run("app", "--dry-run", "--report", tmp_path / "report.json"))
    report = json.loads((tmp_path / "report.json").read_text())["install"]
    assert sorted(f"{i['metadata']['name']}-{i['metadata']['version']}" for i in report) == WORLD
    assert [i["metadata"]["name"] for i in report if i["requested"]] == ["app"]
    assert {i["metadata"]["name"]: i["requested_extras"] for i in report if "requested_extras" in i} == {"lin": ["x"]}


def test_one_missing_file_stops_no_other(index, run, dest):
    small_world(index)
    index.wheel("lonely", "1.0", "lost")
    lost = index.wheel("lost", "1.0")
    index.files[-1]["core-metadata"] = True
    lost.with_name(lost.name + ".metadata").write_text("Metadata-Version: 2.1\nName: lost\nVersion: 1.0\n")
    lost.unlink()
    failed_with(run("app", "lonely"), "lost (of lonely)", "404")
    assert pins(dest) == sorted([*WORLD, "lonely-1.0"])


def test_the_lowest(index, run, dest):
    small_world(index)
    succeeded(run("--resolution", "lowest", "web"))
    assert pins(dest) == ["http-1.0", "web-1.0"]


def test_the_lowest_of_what_is_asked_for(index, run, dest):
    index.wheel("app", "1.0", "lib")
    index.wheel("app", "2.0", "lib")
    index.wheel("lib", "1.0")
    index.wheel("lib", "2.0")
    succeeded(run("--resolution", "lowest-direct", "app"))
    assert pins(dest) == ["app-1.0", "lib-2.0"]


def uploads(index):
    for version, day in (("1.0", "2024-01-01"), ("2.0", "2024-03-01"), ("3.0", None)):
        listed = {"upload_time": f"{day}T12:00:00.000000Z"} if day else {}
        index.wheel("lib", version, listed=listed)
    index.wheel("app", "1.0", "lib", listed={"upload_time": "2023-01-01T00:00:00Z"})


@pytest.mark.parametrize("until, version", [("2024-03-01", "2.0"), ("2024-03-01T12:00:00Z", "2.0"),
                                            ("2024-03-01T11:59:59Z", "1.0"), ("2024-02-29", "1.0")])
@pytest.mark.parametrize("deps", [(), ("--no-deps",)])
def test_exclude_newer(index, run, dest, until, version, deps):
    uploads(index)
    succeeded(run("--exclude-newer", until, "app", "lib", *deps))
    assert pins(dest) == ["app-1.0", f"lib-{version}"]


def test_exclude_newer_leaves_nothing(index, run):
    uploads(index)
    failed_with(run("--exclude-newer", "2023-06-01", "app"), "lib 2.0 would do, but it was uploaded 2024-03-01",
                "lib 3.0 would do, but it may be too new")


def test_exclude_newer_is_a_date(dray):
    failed_with(dray("download", "--exclude-newer", "yesterday", "x"), "--exclude-newer: expected a day", code=2)


def test_stats(index, run):
    small_world(index)
    index.wheel("web", "1.5", "http<2")
    result = run("--stats", "app")
    succeeded(result)
    assert "Resolved from 6 pages and the metadata of" in result.err
    assert re.search(r"^loop: \d+ turns, p99 \d+\.\d ms, longest \d+\.\d ms$", result.err, re.M), result


@pytest.mark.parametrize("strategy, version, asked", [("best-match", "9.0", 2), ("first-index", "1.0", 0)])
def test_index_strategy(fault, wheel, dray, dest, tmp_path, strategy, version, asked):
    """One that only the second index has is found there; one that both have is not even asked for there."""
    other = fault_server.FaultServer()
    try:
        fault.project("mine", fault.wheel(wheel("mine", "1.0", requires_dist=["theirs"])))
        for name, number in (("mine", "9.0"), ("theirs", "1.0")):
            other.project(name, other.wheel(wheel(name, number, requires_dist=["theirs"] * (name == "mine"))))
        succeeded(dray.resolve("-i", fault.index, "--extra-index-url", other.index, "--index-strategy", strategy,
                               "mine", dest=dest))
        assert pins(dest) == [f"mine-{version}", "theirs-1.0"]
        assert (len(other.requests("/simple/mine/")) > 0) == (asked > 0)
    finally:
        other.stop()


def test_a_page_that_fails_is_not_passed_over_for_the_next_index(fault, wheel, dray, dest):
    other = fault_server.FaultServer()
    try:
        fault.on("/simple/mine/", fault_server.Answer(status=403))
        other.project("mine", other.wheel(wheel("mine", "1.0")))
        failed_with(dray.resolve("-i", fault.index, "--extra-index-url", other.index, "--index-strategy",
                                 "first-index", "mine", dest=dest), "403", "mine")
        assert other.requests() == []
    finally:
        other.stop()


def test_a_later_run_asks_for_all_pages_at_once(fault, wheel, dray, dest):
    """Those of dependencies too, before the page that leads to them has come again."""
    pages = {}
    for name, needs in (("app", ["lib"]), ("lib", ["base"]), ("base", [])):
        pages[name] = fault.wheel(wheel(name, "1.0", requires_dist=needs))
        fault.project(name, pages[name])
    succeeded(dray.resolve("-i", fault.index, "app", dest=dest))
    fault.project("app", pages["app"], stall_after=0)
    seen = len(fault.requests("/simple/base/"))
    process = dray.start("download", "-i", fault.index, "-d", dest, "app")
    while len(fault.requests("/simple/base/")) == seen:
        assert process.poll() is None, "it ended without asking"
        time.sleep(0.01)
    fault.project("app", pages["app"])
    fault.release()
    process.kill()
    process.communicate()


@pytest.mark.parametrize("more", [("--no-cache-dir",), ("--cache-dir", "/dev/null/x")])
def test_a_dry_run_where_whole_wheels_must_be_read(fault, wheel, dray, dest, more):
    """There is no range, no sidecar, no store and no destination: the wheel still has to go somewhere."""
    for name, needs in (("app", ["lib"]), ("lib", [])):
        fault.project(name, fault.wheel(wheel(name, "1.0", requires_dist=needs)))
    result = dray.resolve("-i", fault.index, "--dry-run", "app", *more, dest=dest)
    succeeded(result)
    assert "Would fetch 2 files" in result.err and names_in(dest) == []


def test_a_url_of_another_version_than_is_asked_for(index, run, dest, tmp_path):
    small_world(index)
    mine = make_wheel(tmp_path / "mine", "web", "1.0", requires_dist=["http"])
    failed_with(run(f"web @ {mine.as_uri()}", "web>=2"), "web")
    assert names_in(dest) == []


def test_an_extra_that_is_not_provided(index, run, dest):
    index.wheel("app", "1.0", "lib[x,nope]")
    index.wheel("lib", "1.0", "thing; extra == 'x'", "other; extra == 'nope'", extras=["x"])
    index.wheel("thing", "1.0")
    result = run("app", "lib[X]", "--target", "3.12:any", "--target", "3.13:any")
    succeeded(result)
    assert re.findall(r"^warning: .*", result.err, re.MULTILINE) == ['warning: lib 1.0 does not provide the extra "nope"']
    assert pins(dest) == ["app-1.0", "lib-1.0", "thing-1.0"]


class Endless(http.server.BaseHTTPRequestHandler):
    """p1 needs p2, which needs p3, and so on."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):
        number = int(re.search(r"/p(\d+)", self.path)[1])
        if self.path.startswith("/simple/"):
            file = {"filename": f"p{number}-1.0-py3-none-any.whl", "url": f"/files/p{number}-1.0-py3-none-any.whl",
                    "hashes": {}, "core-metadata": True}
            body = json.dumps({"meta": {"api-version": "1.1"}, "name": f"p{number}", "files": [file]})
        else:
            body = f"Metadata-Version: 2.1\nName: p{number}\nVersion: 1.0\nRequires-Dist: p{number + 1}\n"
        self.send_response(200)
        self.send_header("Content-Type", make_index.JSON_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
        self.wfile.flush()

    def log_message(self, *_):
        pass


def test_an_index_without_end(dray):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/simple/"
        result = dray("lock", "-i", url, "--no-cache-dir", "--target", "3.12:any", "p1", seconds=300)
        server.shutdown()
    failed_with(result, "more than 10000 projects")
