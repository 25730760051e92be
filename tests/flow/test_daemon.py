"""The daemon's life: it is started, takes jobs, does them, and ends without losing any."""

import pathlib
import re
import signal
import socket
import stat
import sys
import time

import mounts
import pytest
from daemons import sha256, until
from fault_server import Answer
from program import PROGRAM, failed_with, names_in, succeeded


@pytest.fixture
def world(fault, wheel):
    """Four projects."""
    made = {}
    for n in range(4):
        path = made[f"demo-{n}"] = wheel(f"demo-{n}", "1.0", payload=3000 + n)
        fault.project(f"demo-{n}", fault.wheel(path))
    return made


@pytest.fixture
def slow(fault, wheel):
    """Projects whose files stop half-way until fault.release()."""
    def make(name):
        path = wheel(name, "1.0", payload=100000)
        fault.project(name, fault.wheel(path, lambda body: Answer(body, pace=(20000, 30))))
        return path

    return make


@pytest.fixture
def job(fault):
    def make(dest, *requirements, **more):
        return {"index-url": fault.index, "no-deps": True, "requirements": list(requirements), "dest": str(dest), **more}

    return make


@pytest.fixture
def one(daemon):
    return daemon().start()


def running(one, fault, number, path):
    """It is under way, and its file is as well."""
    one.client.reaches(number, "running")
    fault.wait_for(f"/files/{path.name}")


# -- what it does --


def test_it_is_there(one):
    health = one.client.get("/healthz")
    assert health["status"] == "ok" and health["version"]
    assert one.status("Threads") == 1
    assert stat.S_IMODE(one.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(one.socket.parent.stat().st_mode) == 0o700
    one.stop()
    assert not one.socket.exists()


@pytest.mark.parametrize("kind", ["json", "yaml"])
def test_a_job(one, fault, world, job, kind):
    wanted = job(one.root / "a" / "b", *world, name="four")
    if kind == "yaml":
        wanted = (f"name: four\nindex-url: {fault.index}\nno-deps: yes\nrequirements: [{', '.join(world)}]\n"
                  f"dest: {one.root}/a/b\n")
    reply = one.client.post(wanted)
    assert reply.status == 201 and reply.headers["Location"] == f"/v1/jobs/{reply.json['id']}", reply
    number = reply.json["id"]
    ended = one.client.done(number)
    assert (ended["name"], ended["files"], ended["failed"], ended["attempt"], ended["error"]) == ("four", 4, 0, 1, None)
    files = {file["project"]: file for file in one.client.files(number)}
    for name, path in world.items():
        assert files[name]["sha256"] == sha256(path)
        assert files[name]["path"] == str(one.root / "a" / "b" / path.name)
        assert (one.root / "a" / "b" / path.name).read_bytes() == path.read_bytes()
    assert [listed["id"] for listed in one.client.jobs()] == [number]
    assert one.status("Threads") == 1
    one.stop()


def test_relative_dest_is_below_the_first_root(one, world, job):
    one.client.done(one.client.submit(job("here", "demo-0")))
    assert names_in(one.root / "here") == [world["demo-0"].name]


def test_a_job_that_fails_says_why(one, world, job):
    number = one.client.submit(job("here", "demo-0", "demo-none"))
    ended = one.client.reaches(number, "failed")
    assert ended["error"]["text"] and ended["failed"] == 1, ended
    assert [f["state"] for f in one.client.files(number)] == ["done", "failed"]
    assert "demo-none" in one.client.files(number)[1]["error"]


def test_events_tell_all(one, world, job):
    number = one.client.submit(job("here", *world))
    one.client.done(number)
    events = list(one.client.events(number))
    assert events[0][1] == "snapshot"
    numbered = [event for event in events if event[0]]
    assert [event[0] for event in numbered] == list(range(1, len(numbered) + 1))
    assert '"event":"job","state":"running"' in numbered[0][2] and '"state":"done"' in numbered[-1][2]
    assert [event[0] for event in one.client.events(number, since=len(numbered) - 1) if event[0]] == [len(numbered)]


# -- the program as its client --


def summary(text):
    """What is said at the end, but for how long it took."""
    return [line.split(" in ")[0] for line in text.splitlines()]


def test_submit_jobs_watch(one, dray, fault, world, tmp_path):
    file = tmp_path / "job.yaml"
    file.write_text(f"defaults: {{index-url: '{fault.index}', no-deps: yes}}\njobs:\n"
                    f"- {{name: a, requirements: [demo-0, demo-1], dest: {one.root}/a}}\n"
                    f"- {{name: b, requirements: [demo-2], dest: {one.root}/b}}\n")
    result = succeeded(one.cli("submit", file))
    numbers = result.out.split()
    assert len(numbers) == 2
    watched = succeeded(one.cli("watch", numbers[0]))
    alone = succeeded(dray.download("-i", fault.index, "demo-0", "demo-1", "--no-cache-dir", dest=tmp_path / "other"))
    assert summary(watched.err.replace(f"{one.root}/a", "DEST")) == \
           summary(alone.err.replace(str(tmp_path / "other"), "DEST"))
    one.client.done(numbers[1])
    lines = succeeded(one.cli("jobs")).out.splitlines()
    assert [line.split()[:3] for line in lines] == [[numbers[1], "done", "normal"], [numbers[0], "done", "normal"]]
    failed_with(one.cli("watch", "99"), "there is no job 99")
    failed_with(one.cli("cancel", "99"), "there is no job 99")


def test_a_file_is_taken_whole_or_not_at_all(one, fault, world, tmp_path):
    file = tmp_path / "jobs.yaml"
    file.write_text(f"defaults: {{index-url: '{fault.index}', no-deps: yes, requirements: [demo-0]}}\n"
                    f"jobs:\n- {{name: a, dest: {one.root}/a}}\n- {{name: b, dest: /etc/b}}\n")
    result = one.cli("submit", file)
    assert result.rc == 2 and result.out == "", result
    assert "job b: /etc/b is outside of" in result.err and "the jobs before it in the file were cancelled" in result.err, result
    assert [listed["name"] for listed in one.client.jobs()] == ["a"]
    one.client.reaches(one.client.jobs()[0]["id"], "cancelled", "done")


def test_submit_waits(one, fault, world, tmp_path):
    file = tmp_path / "job.yaml"
    file.write_text(f"{{index-url: '{fault.index}', no-deps: yes, requirements: [demo-0, nothing], dest: {one.root}/a}}\n")
    result = one.cli("submit", "--wait", file)
    assert result.rc == 1 and "nothing" in result.err and result.out.strip() == "1", result


def test_download_by_the_daemon(one, fault, world, tmp_path):
    """Its requirements files go along."""
    (tmp_path / "more.txt").write_text("demo-1\n-c limits.txt\n")
    (tmp_path / "limits.txt").write_text("demo-1<2\n")
    (tmp_path / "r.txt").write_text("demo-0\n-r more.txt\n")
    result = succeeded(one.cli("download", "--daemon", "--no-deps", "-i", fault.index, "-r", tmp_path / "r.txt",
                               "-d", one.root / "out"))
    assert names_in(one.root / "out") == [world["demo-0"].name, world["demo-1"].name]
    assert "Fetched 2 files" in result.err
    assert len(one.client.jobs()) == 1


def test_interrupted_download_cancels_its_job(one, dray, fault, slow):
    path = slow("demo")
    process = dray.start("download", "--daemon", "--no-deps", "-i", fault.index, "demo", "-d", one.root / "out",
                         env=one.environment)
    fault.wait_for(f"/files/{path.name}")
    process.send_signal(signal.SIGINT)
    result = dray.finish(process)
    assert result.rc == 128 + signal.SIGINT, result
    assert [listed["state"] for listed in one.client.jobs()] == ["cancelled"]
    assert names_in(one.root / "out") == []


def test_more_jobs_than_are_listed(one, job):
    """That there are more is said, and not among them."""
    for n in range(1001):
        number = one.client.submit({"requirements": ["-r /nowhere"], "dest": "a"})
    one.client.reaches(number, "failed")
    result = succeeded(one.cli("jobs"))
    assert len(result.out.splitlines()) == 1000 and result.out.split()[0] == str(number)
    assert result.err == "there are older ones: these are the newest 1000\n"
    one.stop()


@pytest.mark.parametrize("words", [("jobs",), ("watch", "1"), ("cancel", "1")])
def test_no_daemon(daemon, words):
    one = daemon()
    result = one.cli(*words)
    failed_with(result, f"there is none at {one.socket}")
    assert "waiting" not in result.err, "there was none that could be back"


# -- cancelling, order --


def test_cancel(daemon, fault, slow, world, job):
    one = daemon("--max-jobs", "1").start()
    path = slow("slow")
    first, second = one.client.submit(job("a", "slow")), one.client.submit(job("b", "demo-0"))
    running(one, fault, first, path)
    assert one.client.job(second)["state"] == "queued"
    assert one.client.cancel(second).json["state"] == "cancelled"
    assert one.client.cancel(first).status in (200, 202)
    one.client.reaches(first, "cancelled")
    ended = one.client.job(first)
    assert (ended["files"], ended["failed"]) == (1, 1), "none of them is there"
    assert re.search(r" 0/1 ", succeeded(one.cli("jobs")).out)
    assert names_in(one.root / "a") == [] and not (one.root / "b").exists()
    assert one.client.cancel(first).json["state"] == "cancelled", "twice is as good as once"
    one.client.done(one.client.submit(job("c", "demo-0")))


def test_cancelled_by_the_program(one, fault, slow, job):
    path = slow("slow")
    number = one.client.submit(job("a", "slow"))
    running(one, fault, number, path)
    succeeded(one.cli("cancel", number))
    one.client.reaches(number, "cancelled")


def test_high_before_low(daemon, fault, slow, world, job):
    one = daemon("--max-jobs", "1").start()
    path = slow("slow")
    first = one.client.submit(job("a", "slow"))
    running(one, fault, first, path)
    numbers = {p: one.client.submit(job(p, "demo-0", priority=p)) for p in ("low", "normal", "high")}
    fault.release()
    for number in numbers.values():
        one.client.done(number)
    began = sorted(numbers, key=lambda p: one.said().index(f"job {numbers[p]} running"))
    assert began == ["high", "normal", "low"]


def test_max_jobs(daemon, fault, slow, job):
    one = daemon("--max-jobs", "2").start()
    paths = [slow(f"slow-{n}") for n in range(4)]
    numbers = [one.client.submit(job(f"{n}", f"slow-{n}")) for n in range(4)]
    running(one, fault, numbers[1], paths[1])
    assert [listed["id"] for listed in one.client.jobs(state="running")] == numbers[1::-1]
    fault.release()
    for number in numbers:
        one.client.done(number)


def test_idempotency(one, world, job):
    wanted = job("a", "demo-0")
    number = one.client.submit(wanted, key="k1")
    again = one.client.post(wanted, key="k1")
    assert again.status == 200 and again.json["id"] == number
    other = one.client.post(job("b", "demo-0"), key="k1")
    assert other.status == 409 and f"job {number}" in other.detail, other
    assert one.client.submit(wanted, key="k2") != number
    one.client.done(number)
    assert one.client.post(wanted, key="k1").json["id"] == number, "still, when it is done"


# -- the configuration --


def test_hangup(daemon, dray, world, job, tmp_path):
    config = dray.home / "config" / "dray" / "dray.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    other = tmp_path / "other"
    other.mkdir()
    one = daemon(has_root=False)
    config.write_text(f"daemon: {{root: [{one.root}]}}\n")
    one.start()
    assert one.client.post(job(other, "demo-0")).status == 422
    config.write_text(f"daemon: {{root: [{other}]}}\n")
    one.signal(signal.SIGHUP)
    one.says("the configuration was read again")
    one.client.done(one.client.submit(job(other, "demo-1")))
    assert names_in(other) == [world["demo-1"].name]
    assert one.client.post(job(one.root / "b", "demo-0")).status == 422
    config.write_text("")
    one.signal(signal.SIGHUP)
    one.says("the configuration stays as it was: say below which directories jobs may write")
    one.client.done(one.client.submit(job(other, "demo-2")))
    config.write_text(f"daemon: {{root: [{other}], socket: /elsewhere/s}}\n")
    one.signal(signal.SIGHUP)
    one.says("holds from the next start on")
    one.stop()


@pytest.mark.parametrize("text", ["daemon: {root: [", "daemon: {max-jobs: 0}"])
def test_hangup_with_a_broken_file(daemon, dray, world, job, text):
    """All stays as it was: for jobs, too."""
    config = dray.home / "config" / "dray" / "dray.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    one = daemon().start()
    config.write_text(f"{text}\n")
    one.signal(signal.SIGHUP)
    one.says("the configuration stays as it was")
    one.client.done(one.client.submit(job("a", "demo-0")))


# -- its end --


def test_term_lets_jobs_finish(one, fault, slow, world, job):
    path = slow("slow")
    number, file = one.client.submit(job("a", "slow")), one.root / "a" / path.name
    running(one, fault, number, path)
    one.signal(signal.SIGTERM)
    one.says("SIGTERM: ending, 1 jobs run")
    assert one.client.ask("GET", "/healthz").status == 503
    refused = one.client.post(job("b", "demo-0"))
    assert refused.status == 503 and refused.headers["Retry-After"], refused
    fault.release()
    assert one.ended() == 0
    assert file.read_bytes() == path.read_bytes()
    one.start()
    assert one.client.job(number)["state"] == "done" and one.client.job(number)["attempt"] == 1


@pytest.mark.parametrize("again", [False, True], ids=["patience is over", "a second signal"])
def test_handed_back(daemon, fault, slow, job, again):
    """The next daemon does it, and the first one's waiting jobs."""
    one = daemon("--stop-timeout", "60" if again else "1", "--max-jobs", "1").start()
    paths = [slow("slow"), slow("later")]
    numbers = [one.client.submit(job("a", path.name.split("-")[0])) for path in paths]
    running(one, fault, numbers[0], paths[0])
    began = time.monotonic()
    one.signal(signal.SIGTERM)
    if again:
        one.says("ending")
        one.signal(signal.SIGTERM)
    assert one.ended(20) == 0
    assert time.monotonic() - began < 15 and names_in(one.root / "a") == []
    one.says("handed back")
    fault.release()
    one.start()
    for number in numbers:
        one.client.done(number)
    assert [one.client.job(number)["attempt"] for number in numbers] == [2, 1]
    assert names_in(one.root / "a") == sorted(path.name for path in paths)
    one.stop()


def test_only_one(one, daemon, tmp_path):
    """The second one says which has it, and harms nothing."""
    second = daemon()
    second.launch()
    assert second.ended() == 1
    said = second.said().splitlines()[-1]
    assert said == f"error: process {one.process.pid} has the queue in {one.state}; stop that one"
    fourth = daemon("--socket", one.socket, "--state-dir", tmp_path / "state2")
    fourth.launch()
    assert fourth.ended() == 1
    said = fourth.said().splitlines()[-1]
    assert f"already listening on {one.socket}" in said, said
    assert one.client.get("/healthz")["status"] == "ok"
    one.stop()


def test_dead_socket_is_replaced(one):
    one.kill()
    assert one.socket.exists()
    one.start().stop()


@pytest.mark.parametrize("words, says", [
    ((), "--root"),
    (("--root", "relative"), "is not absolute"),
    (("--root", "/nowhere/at/all"), "/nowhere/at/all"),
    (("--root", "/tmp", "--listen", "127.0.0.1:0"), "--token-file"),
    (("--root", "/tmp", "--allow-uid", "me"), "--allow-uid"),
    (("--root", "/tmp", "--max-jobs", "0"), "max-jobs: with 0 no job would ever run"),
    (("--root", "/tmp", "thing"), "takes no arguments"),
])
def test_refuses_to_start(daemon, words, says):
    one = daemon(*words, has_root=False)
    one.launch()
    assert one.ended() in (1, 2)
    said = one.said().splitlines()
    assert len(said) == 1 and says in said[0], one.said()


# -- the service manager --

# Becomes the daemon, with a socket at descriptor 3, as systemd would do it.
ACTIVATE = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(8)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="dray.socket")
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_socket_activation(daemon, world, job, tmp_path):
    one = daemon()
    one.socket = tmp_path / "a.sock"
    one.start(prefix=[sys.executable, "-c", ACTIVATE, one.socket])
    assert f"listens on {one.socket}" in one.said()
    assert not (one.folder / "run" / "dray").exists(), "it listens nowhere else"
    one.client.done(one.client.submit(job("a", "demo-0")))
    one.stop()
    assert one.socket.exists(), "it is not the daemon's to remove"


def test_no_socket_where_one_was_promised(daemon):
    one = daemon()
    one.launch(prefix=["sh", "-c", 'exec env LISTEN_PID=$$ LISTEN_FDS=1 "$@" 3>&-', "sh"])
    assert one.ended() == 1
    assert "LISTEN_FDS gives 1 sockets, but descriptor 3" in one.said()


def test_notify(daemon, fault, slow, job, tmp_path):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "n.sock"))
    manager.settimeout(20)
    one = daemon()
    one.launch(env={"NOTIFY_SOCKET": tmp_path / "n.sock", "WATCHDOG_USEC": "400000"})
    with manager:
        assert manager.recv(1000) == b"READY=1"
        assert one.answers(), "READY means ready"
        assert manager.recv(1000) == b"WATCHDOG=1"
        assert manager.recv(1000) == b"WATCHDOG=1"
        one.signal(signal.SIGTERM)
        until(lambda: manager.recv(1000) == b"STOPPING=1", "it stops")
    assert one.ended() == 0


# -- a full disk --


def fill(one):
    """All that is left where the queue is, which only the daemon sees."""
    filler = pathlib.Path(f"/proc/{one.process.pid}/root{one.state}/filler")
    with open(filler, "wb", buffering=0) as out, pytest.raises(OSError, match="No space"):
        while True:
            out.write(bytes(4096))
    return filler


def test_a_full_disk_loses_nothing(daemon, fault, slow, world, job):
    """Where the queue is: a job that ends meanwhile ends on the disk as soon as there is room."""
    path, one = slow("slow"), daemon()
    one.state.mkdir()
    one.start(prefix=mounts.behind(f"mount -t tmpfs -o size=4m none '{one.state}'"))
    first = one.client.submit(job("a", "slow"))
    running(one, fault, first, path)
    filler = fill(one)
    refused = one.client.post(job("b", "demo-0"))
    assert refused.status == 507 and "make room" in refused.detail, refused
    health = one.client.ask("GET", "/healthz")
    assert (health.status, health.json["status"]) == (503, "full"), "it says so whoever asks"
    fault.release()
    one.says("jobs wait until it can be written")
    until(lambda: names_in(one.root / "a") == [path.name], "the file is there")
    one.says(f"job {first} done")
    assert one.client.job(first)["state"] == "running"
    assert one.said().count("jobs wait until") == 1
    filler.unlink()
    assert one.client.get("/healthz")["status"] == "ok", "even before anything else is written"
    one.client.done(first)
    one.says("the queue can be written again")
    events = [event for event in one.client.events(first) if event[0]]
    assert [event[0] for event in events] == list(range(1, len(events) + 1))
    assert '"state":"done"' in events[-1][2]
    one.client.done(one.client.submit(job("b", "demo-0")))
    one.stop()


def test_a_full_disk_holds_up_no_end(daemon, fault, slow, job):
    """What can't be written is done again by the next daemon; this one ends when it is told to."""
    path, one = slow("slow"), daemon()
    one.state.mkdir()
    one.start("--stop-timeout", "1", prefix=mounts.behind(f"mount -t tmpfs -o size=4m none '{one.state}'"))
    number = one.client.submit(job("a", "slow"))
    running(one, fault, number, path)
    fill(one)
    one.stop()
    assert "1 jobs are handed back" in one.said() and "jobs wait until it can be written" in one.said()


# -- what it does not take --


@pytest.mark.parametrize("change, says", [
    ({"dest": None}, "dest: say into which directory the files go"),
    ({"dest": "/"}, "outside of the directories that are open to jobs"),
    ({"dest": "/etc"}, "/etc is outside of the directories that are open to jobs"),
    ({"requirements": None}, "a job needs \"requirements\""),
    ({"requirements": ["a=>1"]}, "= is not an operator"),
    ({"cache-dir": "/tmp/x"}, "cache-dir: a daemon's jobs can't set that"),
    ({"command": "lock", "dest": None}, "a daemon does download and wheel"),
    ({"nonsense": 1}, "nonsense"),
    ({"priority": "highest"}, "expected"),
])
def test_unprocessable(one, job, change, says):
    wanted = {**job("a", "demo-0"), **change}
    reply = one.client.post({key: value for key, value in wanted.items() if value is not None})
    assert reply.status == 422 and says in reply.detail, reply
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    assert one.client.jobs() == []


@pytest.mark.parametrize("body", ["", "{", "[1", "- a\n- b", "a: &x 1\nb: *x\n", "\0", "\xff\xfe"])
def test_no_job_at_all(one, body):
    for kind in ("json", "yaml"):
        reply = one.client.ask("POST", "/v1/jobs", body.encode("latin-1"), {"Content-Type": f"application/{kind}"})
        assert reply.status == 422 and reply.detail, reply
    assert one.client.jobs() == []


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/", 404), ("GET", "/v1/jobs/x", 404), ("GET", "/v1/jobs/1", 404), ("GET", "/v1/jobs/-1/files", 404),
    ("GET", "/v1/jobs/99999999999999999999", 404), ("PUT", "/v1/jobs", 405), ("DELETE", "/healthz", 405),
    ("HEAD", "/v1/jobs/1/events", 405), ("GET", "/v1/jobs?state=asleep", 400), ("GET", "/v1/jobs?limit=x", 400), ("GET", "/v1/jobs?limit=1001", 400),
])
def test_paths(one, method, path, status):
    reply = one.client.ask(method, path)
    assert reply.status == status and (method == "HEAD" or reply.detail), reply


def test_head(one, job):
    one.client.submit(job("a", "demo-0"))
    for path in ("/healthz", "/v1/jobs", "/v1/jobs/1", "/v1/jobs/1/files", "/metrics"):
        whole, head = one.client.ask("GET", path), one.client.ask("HEAD", path)
        assert (head.status, head.body) == (200, b"") and int(head.headers["Content-Length"]) > 0, head
        assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert one.client.ask("HEAD", "/v1/jobs/2").status == 404
    assert one.client.ask("DELETE", "/v1/jobs").headers["Allow"] == "GET, HEAD, POST"
