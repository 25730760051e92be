"""Hundreds of jobs and of those who listen, some of whom never read."""

import hashlib
import random
import threading
import time

import make_index
import pytest
import servers
from daemons import UnixConnection, is_sanitized, until

JOBS, FILES, PROJECTS = 500, 20, 400
LISTENERS, DEAF = 200, 20
PEAK_MIB, IDLE_MIB = 128, 20
SECONDS = 180


class Pulse(threading.Thread):
    """Asks how it is every 20 ms, on one connection, and keeps how long that took, in seconds."""

    def __init__(self, one):
        super().__init__()
        self.one, self.took, self.threads, self.ends = one, [], set(), threading.Event()
        self.start()

    def run(self):
        connection = UnixConnection(self.one.socket)
        while not self.ends.wait(0.02):
            began = time.monotonic()
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            self.took.append(time.monotonic() - began)
            self.threads.add(self.one.status("Threads"))
            assert answer.status == 200
        connection.close()

    def end(self):
        self.ends.set()
        self.join()
        return sorted(self.took)


class Ear(threading.Thread):
    """Reads a job's events as bytes, up to their end."""

    def __init__(self, connection):
        super().__init__()
        self.connection, self.heard = connection, b""
        self.answer = connection.getresponse()
        self.start()

    def run(self):
        self.heard = self.answer.read()
        self.connection.close()


@pytest.fixture
def counting(tmp_path):
    """nginx that writes down what it was asked for: its index, the names of the wheels, and the log."""
    root, log = tmp_path / "index", tmp_path / "access.log"
    made = [make_index.make_wheel(root / "files", f"demo-{n}", "1.0", payload=4000 + 10 * n) for n in range(PROJECTS)]
    make_index.write_index(root, [make_index.describe(path) for path in made])
    with servers.nginx(root, tmp_path / "nginx", access_log=log) as urls:
        yield urls[0], {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made}, log


def listen(one, number):
    connection = UnixConnection(one.socket, timeout=SECONDS)
    connection.request("GET", f"/v1/jobs/{number}/events?since=0")
    return connection


def test_load(daemon, counting):
    index, digests, log = counting
    chance = random.Random(1)
    one = daemon("--max-jobs", "16").start()
    pulse = Pulse(one)
    began = time.monotonic()
    heard = set(chance.sample(range(JOBS), LISTENERS))
    numbers, ears, deaf = [], [], []
    for n in range(JOBS):
        names = chance.sample(range(PROJECTS), FILES)
        numbers.append(one.client.submit({"index-url": index, "no-deps": True, "dest": f"{n}",
                                          "requirements": [f"demo-{name}" for name in names]}))
        if n in heard:
            connection = listen(one, numbers[-1])
            if len(deaf) < DEAF:
                deaf.append(connection)
            else:
                ears.append(Ear(connection))
    until(lambda: not one.client.jobs(state="queued,running"), lambda: one.client.jobs()[:3], SECONDS, pause=0.2)
    seconds = time.monotonic() - began
    took, peak_kib, resident_kib = pulse.end(), one.status("VmHWM"), one.status("VmRSS")
    p99 = took[len(took) * 99 // 100]
    print(f"{JOBS} jobs in {seconds:.1f} s; healthz: {len(took)} times, p50 {took[len(took) // 2] * 1000:.1f} ms, "
          f"p99 {p99 * 1000:.1f} ms, longest {took[-1] * 1000:.1f} ms; peak {peak_kib // 1024} MiB, then {resident_kib // 1024} MiB")
    for ear in ears:
        ear.join(SECONDS)
        assert b'"event":"job","state":"done"' in ear.heard
    for connection in deaf:
        connection.close()
    assert [job["state"] for job in one.client.jobs()] == ["done"] * JOBS
    for n in range(JOBS):
        there = list((one.root / str(n)).iterdir())
        assert len(there) == FILES
        assert all(hashlib.sha256(path.read_bytes()).hexdigest() == digests[path.name] for path in there)
    asked = [line.split()[1] for line in log.read_text().splitlines()]
    files = [path for path in asked if path.startswith("/files/") and path.endswith(".whl")]
    assert len(files) == len(set(files)), f"{len(files)} requests for {len(set(files))} files"
    assert pulse.threads == {1}
    assert len(took) > 10 and p99 < (1 if is_sanitized() else 0.25)
    if is_sanitized():
        one.stop(60)
        pytest.skip(f"all is well; but {peak_kib // 1024} MiB are with a sanitizer's own: measure a build without")
    assert peak_kib < PEAK_MIB * 1024
    until(lambda: one.status("VmRSS") < IDLE_MIB * 1024, lambda: one.status("VmRSS"), 10)
    one.stop(60)
