"""Several targets in one run: each resolved by itself, all with one pass over the index."""

import collections
import json
import re

import pytest

from program import failed_with, names_in, succeeded
from resolving import WORLD, pins, small_world

WINDOWS, MAC = "3.12:win_amd64", "3.9:macosx_11_0_arm64"


@pytest.fixture
def platforms(index):
    """A world of which some files are for one platform."""
    index.wheel("app", "1.0", "fast", "winonly; sys_platform == 'win32'", "old; python_version < '3.10'")
    index.wheel("fast", "1.0", tag="cp312-cp312-win_amd64")
    index.wheel("fast", "1.0", tag="cp39-cp39-macosx_11_0_arm64")
    index.wheel("winonly", "2.0")
    index.wheel("old", "3.0")
    return index


def for_both(*more):
    return ["--target", WINDOWS, "--target", MAC, *more]


FAST_WIN, FAST_MAC = "fast-1.0-cp312-cp312-win_amd64.whl", "fast-1.0-cp39-cp39-macosx_11_0_arm64.whl"
APP, OLD, ONLY = (f"{name}-py3-none-any.whl" for name in ("app-1.0", "old-3.0", "winonly-2.0"))


def test_flat(platforms, run, dest):
    result = run(*for_both("app"))
    succeeded(result)
    assert names_in(dest) == sorted([APP, FAST_WIN, FAST_MAC, OLD, ONLY])
    assert result.err.count(APP) == 1 and "already" not in result.err and "Fetched 5 files" in result.err
    assert re.search(rf"^  {WINDOWS} +3 files$", result.err, re.MULTILINE)
    assert re.search(rf"^  {MAC} +3 files$", result.err, re.MULTILINE)


@pytest.mark.parametrize("store", [(), ("--no-cache-dir",)])
def test_a_directory_for_each(platforms, run, dest, store):
    succeeded(run(*for_both("app", "--layout", "target"), *store))
    assert names_in(dest) == ["3.12-win_amd64", "3.9-macosx_11_0_arm64"]
    assert names_in(dest / "3.12-win_amd64") == sorted([APP, FAST_WIN, ONLY])
    assert names_in(dest / "3.9-macosx_11_0_arm64") == sorted([APP, FAST_MAC, OLD])


def test_targets_from_a_file(platforms, run, dest, tmp_path):
    (tmp_path / "targets").write_text(f"# ours\n{WINDOWS}\n\n  {MAC}  # the others\n{WINDOWS}\n")
    succeeded(run("--target-file", tmp_path / "targets", "app"))
    assert names_in(dest) == sorted([APP, FAST_WIN, FAST_MAC, OLD, ONLY])


def test_a_file_with_nonsense(platforms, run, tmp_path):
    (tmp_path / "targets").write_text(f"{WINDOWS}\n3.12\n")
    failed_with(run("--target-file", tmp_path / "targets", "app"), "targets, line 2", code=2)
    (tmp_path / "targets").write_text("# none\n")
    failed_with(run("--target-file", tmp_path / "targets", "app"), "names no target", code=2)


def test_one_without_a_solution_stops_no_other(platforms, run, dest):
    result = run(*for_both("app", "winonly<2; sys_platform == 'darwin'"))
    failed_with(result, f"error: {MAC}: this can't all be had together", "you ask for winonly<2")
    assert names_in(dest) == sorted([APP, FAST_WIN, ONLY])
    assert re.search(rf"^  {WINDOWS} +3 files$", result.err, re.MULTILINE)
    assert re.search(rf"^  {MAC} +could not be resolved$", result.err, re.MULTILINE)


def test_a_file_that_fails_for_one(platforms, run, dest):
    (platforms.root / "files" / FAST_MAC).write_bytes(b"broken")
    result = run(*for_both("app"))
    failed_with(result, MAC)
    assert names_in(dest) == sorted([APP, FAST_WIN, ONLY])


def test_without_dependencies(platforms, run, dest):
    succeeded(run("--no-deps", *for_both("fast", "app")))
    assert names_in(dest) == sorted([APP, FAST_WIN, FAST_MAC])


def test_everything_is_asked_for_once(fault, wheel, dray, dest):
    """Twenty-five targets: each page and each metadata file once, each body once."""
    for name, needs in (("app", ["lib>=1"]), ("lib", ["base"]), ("base", [])):
        fault.project(name, fault.wheel(wheel(name, "1.0", requires_dist=needs)))
    targets = [f"3.{minor}:{platform}" for minor in range(9, 14)
               for platform in ("win_amd64", "macosx_11_0_arm64", "manylinux_2_17_x86_64", "musllinux_1_2_x86_64",
                                "manylinux_2_28_aarch64")]
    args = [arg for target in targets for arg in ("--target", target)]
    succeeded(dray.resolve("-i", fault.index, *args, "app", "--layout", "target", dest=dest))
    assert len(names_in(dest)) == 25
    assert all(pins(dest / name) == ["app-1.0", "base-1.0", "lib-1.0"] for name in names_in(dest))
    asked = collections.Counter(request.path for request in fault.requests() if not "range" in request.headers)
    assert asked and max(asked.values()) == 1, asked


def test_the_order_is_that_of_the_targets(index, run):
    small_world(index)
    saved = [re.findall(r"^Saved +\S+/([^/ ]+/[^/ ]+)\.whl", run(*for_both("app", "--layout", "target"),
                        "--no-cache-dir").err, re.MULTILINE) for _ in range(3)]
    assert len(saved[0]) == 2 * len(WORLD)
    assert saved[1] == saved[2] == []  # there already


def test_report_tells_the_targets(platforms, run, tmp_path):
    succeeded(run(*for_both("app", "--dry-run", "--report", tmp_path / "report.json")))
    report = json.loads((tmp_path / "report.json").read_text())
    told = collections.Counter(item["dray"]["target"] for item in report["install"])
    assert told == {WINDOWS: 3, MAC: 3}


@pytest.mark.parametrize("command", ["wheel", "metadata"])
def test_others_take_one(dray, command, fault):
    failed_with(dray(command, "-i", fault.index, *for_both("app")), "one target at a time", code=2)
