"""config/openapi.yaml says what a daemon answers: each path is asked, of jobs that end in each way, and status, type and
body are compared with the description."""

import collections
import http.client
import json
import pathlib
import re
import select
import signal
import socket
import tempfile
import time

import jsonschema
import make_index
import openapi_spec_validator
import program
import pytest
from ruamel.yaml import YAML

DESCRIPTION = YAML(typ="safe").load((program.ROOT / "config" / "openapi.yaml").read_text())
TOKEN = "0123456789abcdef0123456789abcdef"
SECONDS = 30
# Described, and not brought about here: the daemon would have to be about to end.
UNSEEN = {("get", "/healthz", "503")}

Answer = collections.namedtuple("Answer", "status type headers body")

pytestmark = pytest.mark.skipif(
    "#define DRAY_DAEMON" not in (program.BUILD / "dray_config.h").read_text(), reason="built without the daemon")


class Local(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=SECONDS)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self.path)


class Daemon:
    """One that can be asked; `seen` is what it was asked and answered, as (method, template, status)."""

    def __init__(self, dray, folder, root):
        (folder / "token").write_text(TOKEN)
        self.socket = f"{folder}/s"
        self.seen = set()
        self.process = dray.start("daemon", "--socket", self.socket, "--state-dir", folder / "state", "--root", root,
                                  "--listen", "127.0.0.1:0", "--token-file", folder / "token", "--max-jobs", "1",
                                  "--retries", "0", "--no-index", bufsize=0)

    def read_addresses(self):
        """Each on a line, the Unix socket's first."""
        lines = b""
        while lines.count(b"\n") < 2:
            ready, _, _ = select.select([self.process.stderr], [], [], SECONDS)
            more = self.process.stderr.read(4096) if ready else b""
            assert more, f"the daemon is not ready: {lines}"
            lines += more
        self.tcp = lines.decode().split()[-1]

    def send(self, method, target, body=None, headers=None, by_tcp=False):
        connection = http.client.HTTPConnection(self.tcp, timeout=SECONDS) if by_tcp else Local(self.socket)
        connection.request(method.upper(), target, body, headers or {})
        got = connection.getresponse()
        answer = Answer(got.status, got.headers.get_content_type(), got.headers, got.read().decode())
        connection.close()
        return answer

    def ask(self, method, template, expected, *, id=None, query="", **more):
        """One that is described: what comes is as described, and has the expected status."""
        answer = self.send(method, template.replace("{id}", str(id)) + query, **more)
        assert answer.status == expected, answer
        conforms(method, template, answer)
        self.seen.add((method, template, str(answer.status)))
        return json.loads(answer.body) if answer.type.endswith("json") else answer.body

    def submit(self, job, expected=201, **headers):
        headers = {"Content-Type": "application/json", **headers}
        return self.ask("post", "/v1/jobs", expected, body=json.dumps(job), headers=headers)

    def wait_for(self, id, state):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            job = self.ask("get", "/v1/jobs/{id}", 200, id=id)
            if job["state"] == state:
                return job
            assert job["state"] in ("queued", "running"), job
            select.select([], [], [], 0.02)
        raise AssertionError(f"not {state}: {job}")


def validate(data, schema):
    jsonschema.Draft202012Validator({**schema, "components": DESCRIPTION["components"]}).validate(data)


def named(name):
    return {"$ref": f"#/components/schemas/{name}"}


def conforms(method, template, answer):
    responses = DESCRIPTION["paths"][template][method]["responses"]
    response = responses.get(str(answer.status), responses["default"])
    if "$ref" in response:
        response = DESCRIPTION["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    assert answer.type in response["content"], answer
    for name in response.get("headers", ()):
        assert name in answer.headers, answer
    is_json = answer.type.endswith("json")
    validate(json.loads(answer.body) if is_json else answer.body, response["content"][answer.type]["schema"])
    if answer.status >= 400 and answer.type == "application/problem+json":
        assert json.loads(answer.body)["status"] == answer.status


def events_of(stream):
    """(name or None, number or None, data) of each."""
    assert stream.endswith("\n\n")
    for text in stream[:-2].split("\n\n"):
        fields = dict(line.split(": ", 1) for line in text.split("\n"))
        assert set(fields) <= {"id", "event", "data"}, fields
        yield fields.get("event"), int(fields["id"]) if "id" in fields else None, json.loads(fields["data"])


@pytest.fixture
def silent():
    """An index that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def daemon(dray, tmp_path):
    (tmp_path / "root").mkdir()
    with tempfile.TemporaryDirectory(prefix="dray-") as short:  # a socket's path has 107 bytes at most
        one = Daemon(dray, pathlib.Path(short), tmp_path / "root")
        try:
            one.read_addresses()
            yield one
        finally:
            one.process.send_signal(signal.SIGTERM)
            ended = dray.finish(one.process)
        program.succeeded(ended)


def test_is_openapi():
    openapi_spec_validator.validate(DESCRIPTION)


def test_has_each_path():
    """Those of the table in the source, with their methods."""
    routes = re.findall(r'\{ "([A-Z]+)", "(/[^"]*)", api_', (program.ROOT / "src" / "daemon" / "api.c").read_text())
    described = {(method.upper(), path.replace("{id}", "*")) for path, item in DESCRIPTION["paths"].items()
                 for method in item if method != "parameters"}
    assert described == set(routes)


def check_good(daemon, wheel):
    job = daemon.submit({"requirements": [str(wheel)], "target": "3.12:win_amd64", "dest": "good", "no-deps": True})
    daemon.wait_for(job["id"], "done")
    files = daemon.ask("get", "/v1/jobs/{id}/files", 200, id=job["id"])["files"]
    assert [file["file"] for file in files] == [wheel.name]
    page = daemon.ask("get", "/v1/jobs/{id}/files", 200, id=job["id"], query="?limit=1")
    assert page["next"] == 1
    check_events(daemon, job["id"], "done")
    assert "Name: demo" in daemon.ask("get", "/v1/metadata", 200, query=f"?url={wheel}")
    daemon.ask("delete", "/v1/jobs/{id}", 200, id=job["id"])


def check_events(daemon, id, state):
    stream = list(events_of(daemon.ask("get", "/v1/jobs/{id}/events", 200, id=id, query="?since=0")))
    assert stream[0][0] == "snapshot"
    validate(stream[0][2], named("OneJob"))
    numbered = [(number, data) for name, number, data in stream if name is None]
    assert [number for number, _ in numbered] == list(range(1, len(numbered) + 1))
    assert numbered[-1][1]["state"] == state
    for name, _, data in stream[1:]:
        assert name in (None, "progress")
        validate(data, named("Event"))


def nowhere():
    """A wheel on a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}/demo-1.0-py3-none-any.whl"


def check_failing(daemon):
    job = daemon.submit({"name": "nothing", "requirements": [f"demo @ {nowhere()}"], "target": "3.12:win_amd64",
                         "dest": "bad", "no-deps": True})
    assert daemon.wait_for(job["id"], "failed")["error"]
    assert daemon.ask("get", "/v1/jobs/{id}/files", 200, id=job["id"])["files"][0]["error"]
    check_events(daemon, job["id"], "failed")


def check_cancelled(daemon, silent):
    hangs = {"requirements": [f"demo @ {silent}/demo-1.0-py3-none-any.whl"], "target": "3.12:win_amd64", "dest": "never"}
    running, waiting = daemon.submit(hangs)["id"], daemon.submit(hangs)["id"]
    daemon.wait_for(running, "running")
    assert daemon.ask("delete", "/v1/jobs/{id}", 200, id=waiting)["state"] == "cancelled"
    daemon.ask("delete", "/v1/jobs/{id}", 202, id=running)
    daemon.wait_for(running, "cancelled")
    for id in (running, waiting):
        check_events(daemon, id, "cancelled")


def check_submitting(daemon):
    job = {"requirements": ["nothing-of-this-name"], "target": "3.12:win_amd64", "dest": "twice"}
    first = daemon.submit(job, **{"Idempotency-Key": "one"})
    assert daemon.submit(job, 200, **{"Idempotency-Key": "one"})["id"] == first["id"]
    daemon.submit({**job, "dest": "other"}, 409, **{"Idempotency-Key": "one"})
    daemon.submit(job, 400, **{"Idempotency-Key": "x" * 300})
    daemon.submit({**job, "dest": "/elsewhere"}, 422)
    daemon.submit(job, 415, **{"Content-Type": "text/plain"})
    daemon.wait_for(first["id"], "failed")


def check_lists(daemon, wheel):
    everything = daemon.ask("get", "/v1/jobs", 200)
    assert {job["state"] for job in everything["jobs"]} == {"done", "failed", "cancelled"}
    page = daemon.ask("get", "/v1/jobs", 200, query="?state=done,failed&limit=1")
    assert len(page["jobs"]) == 1 and page["next"] == page["jobs"][0]["id"]
    daemon.ask("get", "/v1/jobs", 400, query="?state=frob")
    for method, path in (("get", ""), ("delete", ""), ("get", "/files"), ("get", "/events")):
        daemon.ask(method, "/v1/jobs/{id}" + path, 404, id=1000)
    last = everything["jobs"][0]["id"]
    daemon.ask("get", "/v1/jobs/{id}/files", 400, id=last, query="?limit=many")
    daemon.ask("get", "/v1/jobs/{id}/events", 400, id=last, query="?since=many")
    daemon.ask("get", "/v1/metadata", 400)
    daemon.ask("get", "/v1/metadata", 404, query=f"?url={wheel}.not.whl")


def check_others(daemon):
    daemon.ask("get", "/v1/metadata", 502, query=f"?url={nowhere()}")
    assert daemon.ask("get", "/healthz", 200)["status"] == "ok"
    assert 'dray_jobs{state="done"} 1' in daemon.ask("get", "/metrics", 200)


def check_refused(daemon):
    """By `default` of any path."""
    token = {"Authorization": f"Bearer {TOKEN}"}
    for status, headers in ((200, token), (401, {}), (421, {**token, "Host": "evil.example"}),
                            (403, {**token, "Origin": "http://evil.example"})):
        daemon.ask("get", "/healthz", status, headers=headers, by_tcp=True)
    for method, path, status in (("PUT", "/v1/jobs", 405), ("GET", "/v1/frob", 404)):
        answer = daemon.send(method, path)
        assert (answer.status, answer.type) == (status, "application/problem+json")
        validate(json.loads(answer.body), named("Problem"))


def test_answers_are_as_described(daemon, silent, tmp_path):
    wheel = make_index.make_wheel(tmp_path / "made", "demo", "1.0")
    check_good(daemon, wheel)
    check_failing(daemon)
    check_cancelled(daemon, silent)
    check_submitting(daemon)
    check_lists(daemon, wheel)
    check_others(daemon)
    check_refused(daemon)
    described = {(method, path, status) for path, item in DESCRIPTION["paths"].items() for method, operation in item.items()
                 if method != "parameters" for status in operation["responses"] if status != "default"}
    assert described - daemon.seen == UNSEEN
