"""dray trace: where the time of real runs went."""

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from fault_server import Answer
from program import failed_with, succeeded

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def traced(dray, dest, fault, tmp_path):
    """Runs a download with --trace; returns its file and what --json says of it."""
    def make(*names, rc=0, more=()):
        path = tmp_path / "run.jsonl"
        result = dray.download("-i", fault.index, "--trace", path, *more, *names, dest=dest)
        assert result.rc == rc, result
        return path, facts(dray, path)

    return make


@pytest.fixture
def project(fault, wheel):
    def make(name, *answers, payload=20000, **page):
        made = wheel(name, "1.0", payload=payload)
        fault.project(name, fault.wheel(made, *answers), **page)
        return name

    return make


def facts(dray, path):
    said = json.loads(succeeded(dray("trace", "--json", path)).out)
    add_up(said)
    return said


def add_up(said):
    """The whole run is charged to something, and the chain reaches from its start to its last file."""
    parts = [*said["states"], said["idle"]]
    assert sum(part["share_us"] for part in parts) == said["total_us"]
    assert sum(part["per_mille"] for part in parts) == 1000
    steps = said["critical_path"]
    assert steps[0]["from_us"] == 0
    assert all(before["to_us"] == after["from_us"] for before, after in zip(steps, steps[1:]))
    assert steps[-1]["to_us"] <= said["total_us"]


def share(said, state):
    return next(part["share_us"] for part in said["states"] if part["state"] == state) / 1e6


def test_a_slow_listing_is_named(dray, traced, project, fault):
    names = [project("quick-one"), project("tortoise", wait=1.2), project("quick-two")]
    path, said = traced(*names)
    assert said["requirements"] == {"total": 3, "done": 3, "failed": 0, "unfinished": 0, "retries": 0}
    assert said["listings"][0]["url"] == f"{fault.url}/simple/tortoise/"
    assert 1.1 < said["listings"][0]["took_us"] / 1e6 < 10
    assert said["slowest"][0]["requirement"] == "tortoise" and said["slowest"][0]["state"] == "lookup"
    assert share(said, "lookup") > 1 and share(said, "body") < 0.5
    assert any(step.get("page") == f"{fault.url}/simple/tortoise/" for step in said["critical_path"])
    text = succeeded(dray("trace", path)).out
    assert "3 requirements" in text and "tortoise" in text
    assert re.search(r"listings +lookup +1\.\d+ +[5-9]\d\.\d %", text), text


def test_a_slow_body(traced, project):
    slow = project("heavy", lambda body: Answer(body, pace=(len(body) // 10 + 1, 0.12)))
    _, said = traced(project("light"), slow)
    body = next(part for part in said["states"] if part["state"] == "body")
    assert body["share_us"] > 900000 and body["alone_us"] > 900000
    assert said["slowest"][0]["requirement"] == "heavy" and said["slowest"][0]["state"] == "body"
    last = max((step for step in said["critical_path"]), key=lambda step: step["to_us"] - step["from_us"])
    assert (last["requirement"], last["state"]) == ("heavy", "body")
    assert said["bytes"]["bodies"] > 40000


def test_retries(traced, project):
    again = project("again", lambda _: Answer(b"", 503, headers={"Retry-After": "1"}), Answer)
    _, said = traced(project("once"), again, more=("--retries", "2"))
    assert said["requirements"]["retries"] == 1
    assert said["slowest"][0] | {"requirement": "again", "state": "wait", "retries": 1} == said["slowest"][0]
    assert share(said, "wait") > 0.5, "nothing else went on"


def test_a_connection_that_another_held(traced, project):
    """One connection: whoever is last waited for all before it, and the chain goes through them."""
    names = [project(f"n{n}", lambda body: Answer(body, wait=0.2)) for n in range(4)]
    _, said = traced(*names, more=("--connections", "1"))
    chain = [step["requirement"] for step in said["critical_path"] if step["state"] == "header"]
    assert len(chain) == 4 and set(chain) == set(names), said["critical_path"]
    assert sum(step.get("waited_us", 0) > 100000 for step in said["critical_path"]) >= 3


def test_failures(dray, traced, project, fault):
    fault.on("/simple/gone/", Answer(b"", 404))
    path, said = traced(project("here"), "gone", rc=1)
    assert said["requirements"] | {"done": 1, "failed": 1} == said["requirements"]
    assert said["code"] != "ok"
    assert "1 failed" in succeeded(dray("trace", path)).out


def test_what_was_there_already(dray, traced, project):
    names = [project("one"), project("two")]
    traced(*names)
    path, said = traced(*names)
    assert [(origin["origin"], origin["files"]) for origin in said["origins"]] == [("kept", 2)]
    assert said["bytes"]["bodies"] == 0
    assert re.search(r"there already +2 files", succeeded(dray("trace", path)).out)


def test_a_picture(dray, traced, project, tmp_path):
    names = [project(f"n{n}", lambda body: Answer(body, wait=0.05)) for n in range(7)]
    path, _ = traced(*names)
    succeeded(dray("trace", "--svg", tmp_path / "run.svg", path))
    root = ElementTree.parse(tmp_path / "run.svg").getroot()
    rows = [group for group in root.iter(f"{SVG}g") if group.get("class") == "row"]
    assert [row.find(f"{SVG}text").text for row in rows] == names
    assert all(row.findall(f"{SVG}rect") for row in rows)
    assert not list(root.iter(f"{SVG}script"))
    on_stdout = succeeded(dray("trace", "--svg", "-", path)).out
    assert on_stdout == (tmp_path / "run.svg").read_text()


def test_standard_input_and_a_cut_trace(dray, traced, project, tmp_path):
    path, said = traced(project("demo"))
    with open(path) as whole:
        assert json.loads(succeeded(dray("trace", "--json", "-", stdin=whole)).out) == said
    text = path.read_text()
    (tmp_path / "cut").write_text(text[:len(text) * 2 // 3 + 5])
    cut = facts(dray, tmp_path / "cut")
    assert cut["cut"] and cut["requirements"]["unfinished"] == 1
    assert "cut" in succeeded(dray("trace", tmp_path / "cut")).out


def test_a_broken_line(dray, traced, project, tmp_path):
    path, _ = traced(project("demo"))
    lines = path.read_text().splitlines()
    lines[4] = lines[4][:20]
    path.write_text("\n".join(lines) + "\n")
    failed_with(dray("trace", path), "run.jsonl", "line 5")


@pytest.mark.parametrize("args,needle", [
    ((), "trace"), (("a", "b"), "2 files"), (("--what", "a"), "--what"), (("--svg",), "--svg"),
    (("--json", "--svg", "-", "a"), "standard output"), (("--json=1", "a"), "--json"),
])
def test_wrong_usage(dray, args, needle):
    failed_with(dray("trace", *args), needle, code=2)


def test_no_such_file(dray):
    failed_with(dray("trace", "nowhere.jsonl"), "nowhere.jsonl")
    failed_with(dray("trace", "/"), "/")


def test_a_picture_that_can_not_be_written(dray, traced, project, tmp_path):
    path, _ = traced(project("demo"))
    failed_with(dray("trace", "--svg", tmp_path / "no" / "run.svg", path), "run.svg")


def test_help(dray):
    said = succeeded(dray("trace", "--help")).out
    assert "--svg" in said and "--json" in said and "Usage: dray trace" in said
    assert "trace" in succeeded(dray("--help")).out
