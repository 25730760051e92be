"""--report: pip's installation report, so that its readers work, with the path of every file besides."""

import json
import subprocess
import sys

import pytest
from fault_server import Answer
from program import succeeded


@pytest.fixture
def index(fault, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0")))
    fault.project("yanked", fault.wheel(wheel("yanked", "2.0"), yanked="why not"))
    return fault.index


def pip_report(dray, index, *requirements):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "-q", "--no-cache-dir",
         "--report", "-", "-i", index, *requirements], env=dray.environment(), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def own_report(dray, dest, index, *args):
    path = dray.home / "report.json"
    succeeded(dray.download("--report", path, "-i", index, *args, dest=dest))
    return json.loads(path.read_text())


def items(report):
    return {item["metadata"]["name"]: item for item in report["install"]}


def test_the_same_as_pips(dray, dest, fault, index, wheel):
    direct = wheel("direct", "3.0")
    url = fault.on(f"/x/{direct.name}", Answer(direct.read_bytes()))
    wanted = ["demo", "yanked==2.0", f"direct @ {url}"]
    ours, pips = own_report(dray, dest, index, *wanted), pip_report(dray, index, *wanted)
    assert ours["version"] == pips["version"] == "1"
    assert ours["environment"] == pips["environment"]
    assert items(ours).keys() == items(pips).keys()
    for name, theirs in items(pips).items():
        mine = items(ours)[name]
        assert mine["download_info"]["url"] == theirs["download_info"]["url"]
        assert mine["download_info"]["archive_info"]["hashes"]["sha256"]
        for key in ("is_direct", "is_yanked", "requested"):
            assert mine[key] == theirs[key], (name, key)
        assert mine["metadata"]["version"] == theirs["metadata"]["version"]


def test_where_each_file_is(dray, dest, index):
    report = own_report(dray, dest, index, "demo")
    paths = [item["dray"]["path"] for item in report["install"]]
    assert paths == [str(dest / "demo-1.0-py3-none-any.whl")]


def test_order_of_the_requirements(dray, dest, fault, wheel):
    for n, wait in enumerate((0.4, 0.2, 0)):
        fault.project(f"demo-{n}", fault.wheel(wheel(f"demo-{n}", "1.0"), lambda body, w=wait: Answer(body, wait=w)))
    report = own_report(dray, dest, fault.index, "demo-0", "demo-1", "demo-2")
    assert [item["metadata"]["name"] for item in report["install"]] == ["demo-0", "demo-1", "demo-2"]


def test_on_standard_output(dray, dest, index):
    result = succeeded(dray.download("--report", "-", "-i", index, "demo", dest=dest))
    assert json.loads(result.out)["install"][0]["metadata"]["name"] == "demo"


def test_of_a_dry_run(dray, dest, index):
    report = own_report(dray, dest, index, "--dry-run", "demo")
    assert report["install"][0]["download_info"]["archive_info"]["hashes"]["sha256"]
    assert not dest.exists() or not list(dest.iterdir())


def test_what_failed(dray, dest, fault, index):
    path = dray.home / "report.json"
    result = dray.download("--report", path, "-i", index, "demo", "nothing", dest=dest)
    assert result.rc == 1
    report = json.loads(path.read_text())
    assert [item["metadata"]["name"] for item in report["install"]] == ["demo"]
    assert [item["requirement"] for item in report["dray"]["failed"]] == ["nothing"]


def test_a_report_that_can_not_be_written(dray, dest, index, tmp_path):
    result = dray.download("--report", tmp_path / "none" / "report.json", "-i", index, "demo", dest=dest)
    assert result.rc == 1, result
    assert "report" in result.err
