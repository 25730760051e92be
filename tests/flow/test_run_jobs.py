"""dray run: job files do what command lines do, or say where they are wrong before anything is begun."""

import hashlib
import json
import os
import re
import shutil
import signal
import time
import urllib.parse

import make_index
import program
import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded
from relay import Relay
from resolving import WORLD, pins, small_world


@pytest.fixture
def jobs(dray, index, index_url, tmp_path):
    """Writes a job file and runs it with options; {i} in its text is the URL of the small world's index."""
    small_world(index)
    make_index.write_index(index.root, index.files)
    folder = tmp_path / "jobs"
    folder.mkdir()

    def run(text, *options, name="job.yaml", **more):
        path = folder / name
        path.write_text(text.replace("{i}", index_url))
        return dray("run", "--retries", "0", *options, path, **more)

    run.folder = folder
    return run


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def headings(result):
    return re.findall(r"^==> (.*) <==$", result.err, re.MULTILINE)


# -- each command --


def test_download(jobs):
    result = succeeded(jobs("requirements: [app]\nconstraints: [web<2]\nindex-url: '{i}'\ndest: out\n"))
    assert pins(jobs.folder / "out") == WORLD
    assert headings(result) == ["job"] and "Fetched 6 files" in result.err


def test_same_as_the_command_line(jobs, dray, dest, index_url):
    """What is said of it, too, but for the heading."""
    line = succeeded(dray("download", "-i", index_url, "--no-deps", "-d", dest, "app", "web<2"))
    job = succeeded(jobs(f"requirements: [app, web<2]\nno-deps: yes\nindex-url: '{{i}}'\ndest: {dest}2\nno-cache-dir: yes\n"))
    cut = [re.sub(r" in .*", "", text.replace("dest2", "dest")) for text in (line.err, job.err.split("\n", 1)[1])]
    assert cut[0] == cut[1]
    assert names_in(dest) == names_in(f"{dest}2")


def test_lock_and_metadata(jobs, index):
    result = succeeded(jobs("defaults: {index-url: '{i}', requirements: [web]}\n"
                            "jobs:\n- {name: locked, command: lock, output: web.lock}\n"
                            "- {name: told, command: metadata, json: yes}\n"))
    assert headings(result) == ["locked", "told"]
    assert "web==2.0" in (jobs.folder / "web.lock").read_text()
    assert json.loads(result.out)[0]["metadata"]["version"] == "2.0"


def test_wheel_and_install(jobs, tmp_path, index, index_url):
    """The files' paths go to pip, and so do its options."""
    into = tmp_path / "site"
    text = "requirements: [web]\nindex-url: '{i}'\n"
    succeeded(jobs(text + "command: wheel\nwheel-dir: wheels\n"))
    assert pins(jobs.folder / "wheels") == ["http-2.0", "web-2.0"]
    succeeded(jobs(text + f"command: install\npip-options: [--target, '{into}', -q]\n"))
    assert {"web", "http"} <= set(names_in(into))


# -- what stands in a job --


def test_hashes(jobs, index):
    path = index.root / "files" / "http-2.0-py3-none-any.whl"
    line = "requirements: ['http==2.0 --hash=sha256:%s']\nindex-url: '{i}'\ndest: out\n"
    succeeded(jobs(line % sha256(path)))
    assert names_in(jobs.folder / "out") == [path.name]
    failed_with(jobs(line.replace("out", "other") % ("0" * 64)), "did not have the hash that was promised")
    assert names_in(jobs.folder / "other") == []


def test_files_that_it_brings_along(jobs):
    """In place of the disk, also for what they name themselves."""
    (jobs.folder / "disk.txt").write_text("thing\n")
    (jobs.folder / "in.txt").write_text("nothing-of-this\n")
    succeeded(jobs("requirement: [in.txt]\nindex-url: '{i}'\ndest: out\nfiles:\n"
                   "  in.txt: |\n    -r sub/more.txt\n    web\n"
                   "  sub/more.txt: |\n    -c ../c.txt\n    -r ../disk.txt\n  c.txt: http<2\n"))
    assert pins(jobs.folder / "out") == ["http-1.0", "thing-3.0", "web-1.0"]


def test_relative_paths(jobs, wheel, tmp_path):
    """They begin at the job's directory, not at the working directory."""
    made = wheel("local", "1.0")
    folder = jobs.folder / "wheels"
    folder.mkdir()
    shutil.move(made, folder / made.name)
    (jobs.folder / "r.txt").write_text(f"-r more/r.txt\n./wheels/{made.name}\n")
    (jobs.folder / "more").mkdir()
    (jobs.folder / "more" / "r.txt").write_text("thing\n")
    (jobs.folder / "t.txt").write_text("3.12:manylinux_2_28_x86_64\n")
    text = ("no-index: yes\nfind-links: [links, wheels]\ndest: out\nreport: report.json\ntrace: trace.jsonl\n"
            "target-file: t.txt\n")
    links = jobs.folder / "links"
    links.mkdir()
    make_index.make_wheel(links, "thing", "1.0")
    succeeded(jobs(text + "requirement: r.txt\n"))
    assert pins(jobs.folder / "out") == ["local-1.0", "thing-1.0"]
    assert {"report.json", "trace.jsonl"} <= set(names_in(jobs.folder))
    succeeded(jobs(text.replace("out", "out2") + f"requirements: [./wheels/{made.name}, -r more/r.txt]\n"))
    assert pins(jobs.folder / "out2") == ["local-1.0", "thing-1.0"]
    succeeded(jobs(f"directory: wheels\nrequirements: [./{made.name}]\nno-index: yes\n"))


def test_variables(jobs, index_url):
    text = "requirements: ['${WHAT}']\nindex-url: '${INDEX}'\ndest: '${WHAT}'\n"
    succeeded(jobs(text, env={"WHAT": "thing", "INDEX": index_url}))
    assert pins(jobs.folder / "thing") == ["thing-3.0"]
    failed_with(jobs(text, env={"WHAT": "thing"}), "job.yaml, line 2, column 12: index-url: the variable INDEX is not set",
                code=2)


def test_json(jobs, index_url):
    said = {"jobs": [{"name": "\U0001f40d", "requirements": ["thing"], "index-url": index_url, "dest": "out",
                      "no-deps": True, "timeout": 9}]}
    result = succeeded(jobs(json.dumps(said), name="job.json"))
    assert headings(result) == ["\U0001f40d"] and pins(jobs.folder / "out") == ["thing-3.0"]
    failed_with(jobs('{"requirements": ["a"],\n "timeuot": 1}', name="bad.json"),
                'bad.json, line 2, column 2: unknown key "timeuot"; did you mean "timeout"?', code=2)


def test_standard_input(dray, jobs, index_url):
    """Its paths begin at the working directory."""
    job = f"requirements: [thing]\nindex-url: {index_url}\ndest: out\n"
    with (jobs.folder / "in.yaml").open("w+") as file:
        file.write(job)
        file.seek(0)
        result = succeeded(dray("run", "-", stdin=file))
    assert headings(result) == ["standard input"] and pins(dray.cwd / "out") == ["thing-3.0"]
    read, write = os.pipe()
    os.write(write, b"requirements: [thing]\nfrob: 1\n")
    os.close(write)
    with open(read) as pipe:
        failed_with(dray("run", "-", stdin=pipe), "standard input, line 2, column 1: unknown key", code=2)
    failed_with(dray("run", "-"), "standard input: there is no job in it", code=2)


# -- where else settings come from --


def test_layers(jobs, index_url, dray):
    """Over dray.yaml, below variables and the command line."""
    config = dray.home / "config" / "dray" / "dray.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f"index-url: {index_url}\nconstraint: [nowhere.txt]\n")
    text = "requirements: [web]\nconstraint: []\ndest: %s\n"
    succeeded(jobs(text % "a"))
    assert pins(jobs.folder / "a") == ["http-2.0", "web-2.0"]
    one = "http://127.0.0.1:9/simple/"
    config.write_text(f"index-url: {one}\n")
    succeeded(jobs(text % "b", env={"DRAY_INDEX_URL": index_url}))
    succeeded(jobs(text % "c" + f"index-url: {one}\n", env={"DRAY_INDEX_URL": index_url}))
    succeeded(jobs(text % "d" + f"index-url: {one}\n", "-i", index_url, env={"DRAY_INDEX_URL": one}))
    failed_with(jobs(text % "e" + f"index-url: {one}\n", "--config", "/dev/null", "--isolated",
                     env={"DRAY_INDEX_URL": index_url}), "127.0.0.1")
    for name in "bcd":
        assert pins(jobs.folder / name) == ["http-2.0", "web-2.0"]


def test_options_that_a_job_does_not_take(jobs):
    """--dry-run is for those that fetch; a lock is a lock."""
    result = succeeded(jobs("defaults: {index-url: '{i}', requirements: [thing]}\n"
                            "jobs: [{dest: out}, {command: lock}]\n", "--dry-run", "-q"))
    assert names_in(jobs.folder / "out") == [] and "thing==3.0" in result.out
    assert headings(result) == []


def test_dry_run(jobs):
    text = "requirements: [web]\nindex-url: '{i}'\ndest: out\n"
    for result in (jobs(text, "--dry-run"), jobs(text + "dry-run: yes\n")):
        assert "Would fetch 2 files" in succeeded(result).err
        assert not (jobs.folder / "out").exists()


# -- several --


def test_several_go_on(jobs):
    """A job that fails holds up no other; the worst status is the program's."""
    result = jobs("defaults: {index-url: '{i}', no-deps: yes}\njobs:\n"
                  "- {name: a, requirements: [thing], dest: a}\n- {name: b, requirements: [nothing-of-this], dest: b}\n"
                  "- {name: c, requirements: [http<2], dest: c}\n")
    failed_with(result, "nothing-of-this")
    assert headings(result) == ["a", "b", "c"]
    assert pins(jobs.folder / "a") + pins(jobs.folder / "c") == ["thing-3.0", "http-1.0"]


def test_connections_stay(jobs, index_url):
    """For the job after; one host has one of each."""
    url = urllib.parse.urlsplit(index_url)
    with Relay(url.port) as relay:
        succeeded(jobs(f"defaults: {{index-url: '{relay.url(url.path)}', no-deps: yes}}\njobs:\n"
                       "- {requirements: [thing], dest: a}\n- {requirements: [http<2], dest: b}\n",
                       "--connections-per-host", "1"))
        assert len(relay.connections) == 1


def test_what_another_job_writes(jobs):
    """What both write, the second one would overwrite."""
    text = ("defaults: {index-url: '{i}', no-deps: yes, requirements: [thing], %s}\n"
            "jobs: [{dest: a, %s}, {dest: b}]\n")
    for options in ("--check", "--dry-run"):
        failed_with(jobs(text % ("report: r.json", ""), options), "job.yaml, job job-2: its report would overwrite",
                    "job-1", str(jobs.folder / "r.json"), code=2)
    failed_with(jobs(text % ("trace: t", "report: t, trace: u")), "its trace would overwrite", code=2)
    assert names_in(jobs.folder) == ["job.yaml"]
    succeeded(jobs(text % ("report: '-'", "report: r.json")))
    succeeded(jobs(text % ("report: /dev/null", "")))


def test_all_are_read_before_the_first_begins(jobs, dray):
    good = jobs.folder / "good.yaml"
    good.write_text("requirements: [thing]\ndest: out\n")
    (jobs.folder / "two.yaml").write_text("requirements: [thing\n")
    result = dray("run", good, jobs.folder / "two.yaml", jobs.folder / "three.yaml")
    failed_with(result, "two.yaml: line 2, column 1: ", "three.yaml does not exist", code=2, errors=2)
    assert headings(result) == [] and not (jobs.folder / "out").exists()


def test_a_signal_ends_all(jobs, dray, fault, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0"), lambda body: Answer(body, stall_after=10)))
    path = jobs.folder / "stop.yaml"
    path.write_text(f"defaults: {{index-url: '{fault.index}', requirements: [demo], no-deps: yes}}\n"
                    "jobs: [{dest: a}, {dest: b}]\n")
    process = dray.start("run", path)
    until = time.monotonic() + 20
    while not any(r.path.startswith("/files/") for r in fault.requests()):
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    result = dray.finish(process)
    assert result.rc == 128 + signal.SIGTERM, result
    assert headings(result) == ["stop-1"]


# -- on-error --


@pytest.mark.parametrize("how", ["job", "option", "command line"])
def test_on_error_stop(jobs, dray, dest, fault, wheel, how):
    """The others are given up: one hangs, and would for good."""
    answers = {"bad": lambda body: Answer(status=404), "slow": lambda body: Answer(body, stall_after=1000)}
    for name in answers:
        fault.project(name, fault.wheel(wheel(name, "1.0", payload=100000), answers[name]))
    text = f"requirements: [slow, bad]\nno-deps: yes\nindex-url: {fault.index}\ndest: out\n"
    if how == "command line":
        result = dray.download("-i", fault.index, "--on-error", "stop", "slow", "bad", dest=dest)
    else:
        result = jobs(text + ("on-error: stop\n" if how == "job" else ""), *(["--on-error", "stop"] if how == "option" else []))
    failed_with(result, "bad", "1 failed; 1 was given up for that")
    assert result.seconds < 10


# -- --check --


def test_check(jobs, dray):
    (jobs.folder / "r.txt").write_text("thing\n-r https://127.0.0.1:9/elsewhere.txt\n")
    text = "defaults: {dest: out}\njobs:\n- {requirement: r.txt}\n- {requirements: [a>1]}\n"
    result = succeeded(jobs(text, "--check"))
    assert result.out == f"{jobs.folder}/job.yaml: 2 jobs, well-formed\n" and result.err == ""
    assert not (jobs.folder / "out").exists()
    assert succeeded(jobs("requirements: [a]\n", "--check")).out.endswith("job.yaml: 1 job, well-formed\n")
    (jobs.folder / "r.txt").write_text("thing\nthing=>3\n")
    failed_with(jobs(text, "--check"), "r.txt, line 2, column 6: = is not an operator", code=2)
    failed_with(jobs("requirement: no.txt\n", "--check"), "no.txt does not exist", code=2)
    failed_with(jobs("requirements:\n  - a\n  - b=>3\n", "--check"), "job.yaml, line 3, column 5, requirements, column 2", code=2)
    failed_with(jobs("requirements:\n  - a\n  - b>=x y\n", "--check"), 'job.yaml, line 3: "b>=x y": ', code=2)


@pytest.mark.parametrize("text, says", [
    ("requirements: [a]\nlink-mode: hardlink\nno-cache-dir: yes\n", "job.yaml, job job: --link-mode hardlink needs the store"),
    ("requirements: [a]\ntarget: x\nplatform: any\n", "--target and --platform both say"),
    ("requirements: [a]\ntimeout: 0\n", "job.yaml, line 2: expected at least one second"),
    ("requirements: [a]\ncert: nowhere.pem\n", "nowhere.pem"),
    ("requirements: [a]\nfiles: {r.txt: 'a=>1'}\nrequirement: r.txt\n", "r.txt, line 1, column 2"),
    ("requirements: [a]\nbearer-token: [x]\n", "job.yaml, line 2"),
    ("command: metadata\nrequirements: [a]\ntrace: '-'\n", "both write to standard output"),
    ("", "there is no job in it"),
])
def test_check_finds(jobs, text, says):
    for options in (["--check"], []):
        if "files" in text and not options:
            continue
        failed_with(jobs(text, *options), says, code=2)


def test_example(dray):
    """The annotated file that is installed."""
    result = succeeded(dray("run", "--check", program.ROOT / "config" / "job-example.yaml"))
    assert result.out.endswith("job-example.yaml: 2 jobs, well-formed\n")


@pytest.mark.parametrize("args, says", [
    (["run"], "nothing to run: name a job file"),
    (["run", "--dest", "x", "y"], "--dest is not an option of this command"),
    (["run", "--check=yes", "x"], "--check takes no value"),
    (["download", "--check", "x"], "--check is not an option of this command"),
    (["run", "-r", "x"], "unknown option -r"),
    (["download", "--on-error", "stopp", "x"], '--on-error: expected continue or stop, not "stopp"'),
])
def test_usage(dray, args, says):
    failed_with(dray(*args), says, code=2)


def test_help(dray):
    result = succeeded(dray("run", "--help"))
    assert "Usage: dray run" in result.out and "--check" in result.out and "--index-url" in result.out
    assert "--requirement" not in result.out and "--trace" not in result.out
