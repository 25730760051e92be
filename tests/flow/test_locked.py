"""A lock, each version pinned and with hashes, is fetched without waiting for metadata, and checked afterwards."""

import json

import make_index
import pytest
from program import failed_with, names_in, succeeded
from resolving import WORLD, pins, small_world
from test_store import sha256_of


@pytest.fixture
def locked(index, index_url, dray, tmp_path):
    """The lock of the small world."""
    small_world(index)
    make_index.write_index(index.root, index.files)
    path = tmp_path / "lock.txt"
    succeeded(dray("lock", "-i", index_url, "--no-cache-dir", "-o", path, "app"))
    return path


def metadata_requests(trace):
    """The rungs by which metadata was had."""
    events = map(json.loads, trace.read_text().splitlines())
    return [event for event in events if event.get("event") == "metadata"]


def without(path, project):
    """The same lock, but for one project."""
    entries = path.read_text().replace("\\\n", " ").splitlines()
    path.write_text("\n".join(line for line in entries if not line.startswith(f"{project}==")) + "\n")


def test_all_of_it(run, dest, locked, tmp_path):
    result = succeeded(run("-r", locked, "--stats", "--trace", tmp_path / "trace"))
    assert pins(dest) == WORLD
    assert "0 requests and 0 bytes" in result.err  # for metadata
    assert {event["text"] for event in metadata_requests(tmp_path / "trace")} == {"file"}


def test_again(run, dest, locked):
    succeeded(run("-r", locked))
    assert f"All {len(WORLD)} files were there already" in succeeded(run("-r", locked)).err


def test_without_a_store(run, dest, locked):
    assert "0 requests and 0 bytes" in succeeded(run("-r", locked, "--no-cache-dir", "--stats")).err
    assert pins(dest) == WORLD


def test_what_is_missing_is_said(run, dest, locked):
    """The files stay, as they do whenever one of them fails."""
    without(locked, "http")
    failed_with(run("-r", locked), "http", "web", "hash")
    assert pins(dest) == [pin for pin in WORLD if not pin.startswith("http-")]


def test_what_does_not_fit_is_said(run, index, dest, locked):
    """web 1.0 needs http<2."""
    wheel = next(path for path in (index.root / "files").iterdir() if path.name.startswith("http-2.0"))
    without(locked, "http")
    locked.write_text(locked.read_text() + f"http==2.0 --hash=sha256:{sha256_of(wheel)}\n")
    result = failed_with(run("-r", locked), "this can't all be had together", "http<2")
    assert "could not be resolved" not in result.err


def test_a_failing_file_is_all_that_is_said(run, index, dest, locked):
    next(path for path in (index.root / "files").iterdir() if path.name.startswith("thing-3.0")).unlink()
    failed_with(run("-r", locked), "thing", "404")


def test_report(run, locked, tmp_path):
    succeeded(run("-r", locked, "--report", tmp_path / "report.json"))
    report = json.loads((tmp_path / "report.json").read_text())["install"]
    assert sorted(f"{item['metadata']['name']}-{item['metadata']['version']}" for item in report) == WORLD


def test_several_targets(run, dest, locked):
    targets = ["--target", "3.12:win_amd64", "--target", "3.9:macosx_11_0_arm64"]
    succeeded(run("-r", locked, *targets))
    assert pins(dest) == WORLD
    without(locked, "thing")
    result = run("-r", locked, *targets)
    failed_with(result, "thing", errors=2)


def test_install_wants_all_of_it(dray, index_url, locked, tmp_path):
    without(locked, "thing")
    result = dray("install", "--retries", "0", "-i", index_url, "-r", locked, "--", "--target", tmp_path / "into")
    failed_with(result, "thing")
    assert names_in(tmp_path / "into") == []
