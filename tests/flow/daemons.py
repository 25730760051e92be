"""A daemon of a test's own, what speaks HTTP with it, and what listens to its events."""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import threading
import time

from program import PROGRAM, SANITIZER_EXIT

SECONDS = 30
OVER = ("done", "failed", "cancelled")


def is_sanitized():
    return b"__asan_init" in PROGRAM.read_bytes()


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def until(condition, what, seconds=SECONDS, pause=0.02):
    """Waits for it to be true, and returns what it was."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"{seconds} s, and still not: {what() if callable(what) else what}"
        time.sleep(pause)
    return found


@contextlib.contextmanager
def as_user(uid):
    """What is connected meanwhile is connected by that user; root may do that."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, uid=None, timeout=SECONDS):
        super().__init__("localhost", timeout=timeout)
        self.path, self.uid = str(path), uid

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        with contextlib.nullcontext() if self.uid is None else as_user(self.uid):
            self.sock.connect(self.path)


class Reply:
    def __init__(self, answer):
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        return self.json["detail"]

    def __str__(self):
        return f"{self.status} {self.body[:500]!r}"


class Client:
    """Asks a daemon, on a connection for each question. `connect` makes one."""

    def __init__(self, connect):
        self.connect = connect

    def ask(self, method, path, body=None, headers=None):
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def get(self, path):
        reply = self.ask("GET", path)
        assert reply.status == 200, reply
        return reply.json

    def post(self, job, key=None, **headers):
        """A job: a dict is sent as JSON, text as YAML."""
        kind, body = ("json", json.dumps(job)) if isinstance(job, dict) else ("yaml", job)
        more = {"Idempotency-Key": key} if key else {}
        return self.ask("POST", "/v1/jobs", body, {"Content-Type": f"application/{kind}", **more, **headers})

    def submit(self, job, **more):
        """Its number."""
        reply = self.post(job, **more)
        assert reply.status == 201, reply
        return reply.json["id"]

    def job(self, number):
        return self.get(f"/v1/jobs/{number}")

    def jobs(self, **query):
        words = "&".join(f"{key}={value}" for key, value in {"limit": 1000, **query}.items())
        return self.get(f"/v1/jobs?{words}")["jobs"]

    def cancel(self, number):
        return self.ask("DELETE", f"/v1/jobs/{number}")

    def files(self, number):
        return self.get(f"/v1/jobs/{number}/files")["files"]

    def reaches(self, number, *states, seconds=SECONDS):
        """Waits until the job is in one of them; returns it."""
        def look():
            job = self.job(number)
            assert job["state"] in states or job["state"] not in OVER, job
            return job["state"] in states and job

        return until(look, lambda: f"job {number} is {states}, but {self.job(number)}", seconds)

    def done(self, number, seconds=SECONDS):
        return self.reaches(number, "done", seconds=seconds)

    def events(self, number, since=0, seconds=SECONDS):
        """(number or None, kind, data) of each message, up to the end of the stream."""
        connection = self.connect()
        connection.timeout = seconds
        try:
            connection.request("GET", f"/v1/jobs/{number}/events?since={since}")
            answer = connection.getresponse()
            assert answer.status == 200, Reply(answer)
            yield from messages(answer)
        finally:
            connection.close()


def messages(answer):
    """Of server-sent events."""
    fields = {}
    while line := answer.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif fields:
            number = fields.get("id")
            yield number and int(number), fields.get("event", "message"), fields["data"]
            fields = {}


class Daemon:
    """dray daemon with a root, a socket and a state of its own below `folder`."""

    def __init__(self, dray, folder, *args, has_root=True):
        """Not has_root: the configuration says which."""
        self.dray, self.folder = dray, pathlib.Path(folder)
        self.root = self.folder / "root"
        self.socket = self.folder / "run" / "dray" / "dray.sock"
        self.state = self.folder / "state" / "dray"
        self.log = self.folder / "daemon.log"
        self.process = None
        self.args = ("--root", self.root, *args) if has_root else args
        self.environment = {"XDG_RUNTIME_DIR": self.folder / "run", "XDG_STATE_HOME": self.folder / "state"}
        for part in (self.root, self.folder / "run", self.folder / "state"):
            part.mkdir(parents=True, exist_ok=True)
        self.client = Client(self.connection)

    def connection(self, uid=None):
        return UnixConnection(self.socket, uid)

    def launch(self, *args, env=None, **popen):
        """Starts it without waiting for it."""
        with open(self.log, "ab") as log:
            self.process = self.dray.start("daemon", *self.args, *args, env={**self.environment, **(env or {})},
                                           stdout=log, stderr=log, **popen)
        return self.process

    def start(self, *args, **more):
        self.launch(*args, **more)
        until(self.answers, lambda: f"it answers\n{self.said()}")
        return self

    def answers(self):
        assert self.process.poll() is None, f"it ended with {self.process.returncode}\n{self.said()}"
        try:
            return self.client.ask("GET", "/healthz").status == 200
        except OSError:
            return False

    def said(self):
        return self.log.read_text(errors="replace")

    def says(self, text, seconds=SECONDS):
        until(lambda: text in self.said(), lambda: f"it says {text!r}:\n{self.said()}", seconds)

    def status(self, name):
        """A number of /proc/<pid>/status."""
        text = pathlib.Path("/proc", str(self.process.pid), "status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name}:"))

    def signal(self, number):
        self.process.send_signal(number)

    def ended(self, seconds=SECONDS):
        """Its status, when it has ended; no sanitizer may have found anything."""
        code = self.process.wait(seconds)
        assert code != SANITIZER_EXIT and "runtime error:" not in self.said(), self.said()
        return code

    def stop(self, seconds=SECONDS):
        self.signal(signal.SIGTERM)
        assert self.ended(seconds) == 0, self.said()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def leave(self):
        """Whatever became of it."""
        if self.process and self.process.poll() is None:
            self.kill()

    def cli(self, *args, **more):
        """The program as a client of this daemon."""
        return self.dray(*args, env=self.environment, **more)


class Listener(threading.Thread):
    """Follows a job's events over all ends of the daemon: `seen` is number -> set of texts; `order` as they came."""

    def __init__(self, client, job, seconds=120):
        super().__init__()
        self.client, self.job, self.end = client, job, time.monotonic() + seconds
        self.seen, self.order, self.streams = {}, [], 0
        self.error = None
        self.start()

    def run(self):
        while time.monotonic() < self.end and not self._is_over():
            try:
                self.streams += 1
                for number, kind, data in self.client.events(self.job, since=self.order[-1] if self.order else 0):
                    if kind == "message":
                        self.order.append(number)
                        self.seen.setdefault(number, set()).add(data)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)  # the daemon is gone, and will be back
            except AssertionError as error:  # told by the test, which is in another thread
                self.error = error
                return

    def _is_over(self):
        last = json.loads(next(iter(self.seen[self.order[-1]]))) if self.order else {}
        return last.get("event") == "job" and last["state"] in OVER

    def whole(self):
        """They came once each, in order, without a gap, to the job's end."""
        assert self.error is None and self._is_over(), (self.error, self.order)
        assert self.order == list(range(1, len(self.order) + 1)), f"job {self.job}: {self.order}"
        return {number: next(iter(texts)) for number, texts in self.seen.items()}
