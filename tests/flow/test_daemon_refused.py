"""What a daemon refuses, and to whom."""

import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import tempfile
import time

import make_index
import pytest
from daemons import Client, UnixConnection, as_user
from program import names_in
from servers import free_port

TOKEN = "0123456789abcdef0123456789abcdef"
OTHER, STRANGER = 65533, 65532
LIMITS = 256  # connections of one user

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


@pytest.fixture
def demo_job(fault, wheel):
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made))
    return {"index-url": fault.index, "no-deps": True, "requirements": ["demo"], "dest": "a"}


@pytest.fixture
def one(daemon):
    return daemon().start()


# -- places --


@pytest.mark.parametrize("dest, says", [
    ("..", '".." in it'), ("a/../../x", '".." in it'), ("{root}/../x", '".." in it'), ("{root}/a/./b", '"." in it'),
    ("{root}-other/x", "is outside of"), ("/etc/x", "is outside of"), ("{root}//a", "empty name"),
    ("{root}/out/x", "symbolic link"), ("out", "symbolic link"), ("deep/out/x/y", "symbolic link"),
    ("file/x", "not a directory"), ("a/\u0000b", ""), ("n" * 300, "a name is too long"), ("d/" * 5000, "may have"),
])
def test_places(one, demo_job, tmp_path, dest, says):
    outside = tmp_path / "d" / "root-other"
    outside.mkdir()
    (one.root / "deep").mkdir()
    (one.root / "file").write_text("")
    for link in (one.root / "out", one.root / "deep" / "out"):
        link.symlink_to(outside)
    reply = one.client.post({**demo_job, "dest": dest.format(root=one.root)})
    assert reply.status == 422 and says in reply.detail, (reply.status, reply.body)
    assert one.client.jobs() == [] and list(outside.iterdir()) == []
    one.stop()


def test_a_link_that_is_planted_later(daemon, demo_job, fault, tmp_path):
    """Between what was checked and what is done."""
    one = daemon("--max-jobs", "1").start()
    fault.answers["/simple/demo/"][0].wait = 1
    first, second = (one.client.submit({**demo_job, "dest": name}) for name in ("a", "b"))
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (one.root / "b").symlink_to(outside)
    one.client.done(first)
    ended = one.client.reaches(second, "failed")
    assert "symbolic link" in ended["error"]["text"] and names_in(outside) == [], ended
    one.stop()


@pytest.mark.parametrize("name", ["../demo-1.0-py3-none-any.whl", "/tmp/demo-1.0-py3-none-any.whl",
                                  "x/../../demo-1.0-py3-none-any.whl", "..%2fdemo-1.0-py3-none-any.whl"])
def test_names_of_a_listing(one, demo_job, fault, wheel, name):
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made, filename=name))
    number = one.client.submit({**demo_job, "dest": "a/b"})
    one.client.reaches(number, "failed", "done")
    there = [path for path in one.folder.rglob("*.whl")]
    assert [path for path in there if path.parent != one.root / "a" / "b"] == []
    one.stop()


# -- what is there, for who may not read it --


@pytest.mark.parametrize("before", ["", "-r ", "-c ", "--find-links "])
@pytest.mark.parametrize("name", ["FILE", "FOLDER", "FOLDER/nothing", "FOLDER/x.whl", "FILE[extra]", "./FILE", "x.whl",
                                  "file://FILE", "file://FOLDER"])
def test_no_answer_tells_of_files(tcp, tmp_path, before, name):
    """Who may not read them gets one answer, whatever is there."""
    file = tmp_path / "secret"
    file.write_text("x")
    text = before + name.replace("FILE", str(file)).replace("FOLDER", str(tmp_path))
    job = {"requirements": [text, "demo"], "dest": "a", "no-index": True, "target": "3.12:win_amd64"}
    reply = tcp.far.ask("POST", "/v1/jobs", json.dumps(job), {**BEARER, "Content-Type": "application/json"})
    ended = tcp.client.reaches(reply.json["id"], "failed")
    said = ended["error"]["text"] + "".join(found["error"] or "" for found in tcp.client.files(ended["id"]))
    assert "only read for the daemon's own user" in said, ended
    tcp.stop()


def test_no_answer_tells_of_files_by_a_file(tcp, tmp_path):
    """What it brings along may name a directory from its own."""
    said = []
    for name in ("there", "nothing"):
        folder = tmp_path / "there"
        folder.mkdir(exist_ok=True)
        job = {"requirement": [f"{tmp_path}/r.txt"], "dest": "a", "no-index": True, "target": "3.12:win_amd64",
               "files": {f"{tmp_path}/r.txt": f"--find-links {name}\ndemo\n"}}
        reply = tcp.far.ask("POST", "/v1/jobs", json.dumps(job), {**BEARER, "Content-Type": "application/json"})
        assert reply.status == 201, reply
        ended = tcp.client.reaches(reply.json["id"], "failed")
        errors = ended["error"]["text"] + "".join(found["error"] or "" for found in tcp.client.files(ended["id"]))
        said.append(errors.replace(name, "NAME"))
    assert said[0] == said[1] and "only read for" in said[0], said
    tcp.stop()


# -- TCP --


@pytest.fixture
def tcp(daemon, tmp_path):
    token, port = tmp_path / "token", free_port()
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o600)
    one = daemon("--listen", f"127.0.0.1:{port}", "--token-file", token).start()
    one.port = port
    one.far = Client(lambda: http.client.HTTPConnection("127.0.0.1", port, timeout=30))
    return one


BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_a_token_for_everybody(daemon, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    for mode, warns in ((0o640, False), (0o644, True)):
        token.chmod(mode)
        one = daemon("--listen", f"127.0.0.1:{free_port()}", "--token-file", token).start()
        assert (f"warning: {token} may be read by everybody" in one.said()) == warns, one.said()
        one.stop()


def test_the_token(tcp):
    assert tcp.far.ask("GET", "/v1/jobs", headers=BEARER).status == 200
    assert tcp.far.ask("GET", "/v1/jobs", headers={**BEARER, "Host": f"localhost:{tcp.port}"}).status == 200
    for header in (None, TOKEN, "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer \xe4"):
        reply = tcp.far.ask("GET", "/v1/jobs", headers={"Authorization": header} if header else {})
        assert reply.status == 401 and reply.headers["WWW-Authenticate"] == "Bearer", reply
        assert TOKEN not in reply.detail
    tcp.stop()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.2:{port}", "localhost:1",
                                  "127.0.0.1:{port}.evil.example", ""])
def test_a_name_that_was_bound_anew(tcp, host):
    reply = tcp.far.ask("GET", "/v1/jobs", headers={**BEARER, "Host": host.format(port=tcp.port)})
    assert reply.status in ((421,) if host else (400, 421)), reply
    tcp.stop()


def test_pages_may_not_ask(tcp):
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{tcp.port}"):
        assert tcp.far.ask("GET", "/v1/jobs", headers={**BEARER, "Origin": origin}).status == 403
        assert tcp.client.ask("GET", "/v1/jobs", headers={"Origin": origin}).status == 403
    tcp.stop()


# -- bodies and time --


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", None])
def test_forms(one, demo_job, kind):
    reply = one.client.ask("POST", "/v1/jobs", "{}", {"Content-Type": kind} if kind else {})
    assert reply.status == 415 and one.client.jobs() == [], reply
    one.stop()


def raw(one, *pieces, seconds=30):
    """What it answers to these bytes, up to its end of the connection."""
    connection = UnixConnection(one.socket, timeout=seconds)
    connection.connect()
    got = b""
    try:
        for piece in pieces:
            connection.sock.sendall(piece)
        while more := connection.sock.recv(65536):
            got += more
    except ConnectionError:
        pass
    finally:
        connection.close()
    return got


def post_head(**headers):
    lines = {"Host": "x", "Content-Type": "application/json", **headers}
    return ("POST /v1/jobs HTTP/1.1\r\n" + "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in lines.items()) + "\r\n").encode()


def test_too_large(one):
    assert b" 413 " in raw(one, post_head(Content_Length=64 * 1024 * 1024 + 1)).split(b"\r\n")[0]
    assert b" 413 " in raw(one, post_head(Content_Length=2**63)).split(b"\r\n")[0]
    assert raw(one, post_head(X=("y" * 20000))).split(b"\r\n")[0].split()[1] in (b"431", b"400")
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    assert b" 413 " in raw(one, post_head(Transfer_Encoding="chunked", Connection="close"), *[chunk] * 65, b"0\r\n\r\n")[:20]
    assert one.answers()
    one.stop()


def drips(one, head, seconds):
    """How long a connection lives that brings a byte in a while."""
    connection = UnixConnection(one.socket)
    connection.connect()
    began = time.monotonic()
    try:
        connection.sock.sendall(head)
        connection.sock.settimeout(0.5)
        while time.monotonic() < began + seconds:
            connection.sock.sendall(b"x")
            try:
                if not connection.sock.recv(1000):
                    break
            except TimeoutError:
                pass
    except ConnectionError:
        pass
    finally:
        connection.close()
    return time.monotonic() - began


def test_slow_head(one):
    assert 8 < drips(one, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ", 30) < 14
    one.stop()


@pytest.mark.skipif(not os.environ.get("DRAY_LONG"), reason="takes a minute: set DRAY_LONG=1")
def test_slow_body(one):
    assert 55 < drips(one, post_head(Content_Length=100000), 90) < 70
    one.stop()


def test_too_many_connections(one):
    """Those that are there go on; one more is told, and there is room again when they end."""
    held = []
    for _ in range(LIMITS):
        held.append(UnixConnection(one.socket))
        held[-1].connect()
    reply = one.client.ask("GET", "/healthz")
    assert reply.status == 503 and "256 connections" in reply.detail and reply.headers["Retry-After"], reply
    held[0].request("GET", "/healthz")
    assert held[0].getresponse().status == 200
    for connection in held:
        connection.close()
    deadline = time.monotonic() + 20
    while one.client.ask("GET", "/healthz").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    one.stop()


# -- other users --


@pytest.fixture
def shared(daemon):
    """A daemon that OTHER may use, where others can get at its socket."""
    folder = pathlib.Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    run = folder / "run"
    run.mkdir(mode=0o755)
    one = daemon("--socket", run / "s", "--allow-uid", OTHER, folder=folder)
    one.socket = run / "s"
    one.start()
    one.other = Client(lambda: UnixConnection(one.socket, OTHER))
    yield one
    one.leave()
    shutil.rmtree(folder)


@root_only
def test_a_stranger(shared, demo_job):
    number = shared.client.submit(demo_job)
    stranger = Client(lambda: UnixConnection(shared.socket, STRANGER))
    for method, path in (("GET", "/healthz"), ("GET", "/v1/jobs"), ("GET", f"/v1/jobs/{number}/events"),
                         ("DELETE", f"/v1/jobs/{number}"), ("GET", "/metrics")):
        reply = stranger.ask(method, path)
        assert reply.status == 403 and f"uid {STRANGER}" in reply.detail, reply
    shared.stop()


@root_only
def test_the_socket_itself(one):
    """As it is made, nobody else gets so far as to be refused."""
    with pytest.raises(PermissionError), as_user(STRANGER), socket.socket(socket.AF_UNIX) as other:
        other.connect(str(one.socket))
    one.stop()


@root_only
def test_jobs_of_others_are_hidden(shared, demo_job):
    mine = shared.client.submit(demo_job, key="k")
    theirs = shared.other.submit({**demo_job, "dest": "b"}, key="k")
    assert mine != theirs, "keys are a user's own"
    assert [job["id"] for job in shared.other.jobs()] == [theirs]
    for method, path in (("GET", ""), ("GET", "/files"), ("GET", "/events"), ("DELETE", "")):
        assert shared.other.ask(method, f"/v1/jobs/{mine}{path}").status == 404
    shared.client.done(mine)
    shared.other.done(theirs)
    shared.stop()


LOCAL = {
    "a file of requirements": {"requirement": ["/etc/hostname"]},
    "a file of constraints": {"constraint": ["/etc/hostname"]},
    "one by URL": {"requirement": ["file:///etc/hostname"]},
    "a file that names one": {"requirement": ["r.txt"], "files": {"r.txt": "demo\n-r /etc/hostname\n"}},
    "a directory of links": {"find-links": ["{local}"], "no-index": True, "index-url": None},
    "one by its URL": {"find-links": ["file://{local}"], "no-index": True, "index-url": None},
    "a wheel's URL": {"requirements": ["demo @ file://{local}/demo-1.0-py3-none-any.whl"]},
    "a wheel's path": {"requirements": ["{local}/demo-1.0-py3-none-any.whl"]},
    "a relative path": {"requirements": ["./demo-1.0-py3-none-any.whl"], "directory": "{local}", "dest": "{root}/a"},
    "an index": {"index-url": "file://{local}/simple/"},
    "an index's path": {"index-url": "{local}/simple/"},
    "another index": {"index-url": "file://{local}/simple/", "extra-index-url": ["file://{local}/simple/"]},
    "targets": {"target-file": ["/etc/hostname"]},
    "a certificate": {"client-cert": "/etc/hostname"},
    "an interpreter": {"python": "/usr/bin/python3"},
    "building": {"command": "wheel"},
}


# With which the owner gets the file that is there: it is the user that makes the difference.
OWNERS = ("a directory of links", "one by its URL", "a wheel's URL", "a wheel's path", "a relative path", "an index",
          "another index", "building")


@root_only
@pytest.mark.parametrize("what", LOCAL)
def test_local_files_are_the_owners(shared, demo_job, wheel, what):
    """A job of somebody else reads none of them, and runs nothing."""
    local = shared.folder / "local"
    made = wheel("demo", "1.0", seed="local")
    (local / "simple" / "demo").mkdir(parents=True)
    shutil.copy(made, local)
    (local / "simple" / "demo" / "index.html").write_bytes(
        make_index.html_page("demo", [make_index.describe(made, f"file://{local}/{made.name}")]))

    def filled(value):
        if isinstance(value, str):
            return value.replace("{local}", str(local)).replace("{root}", str(shared.root))
        return [filled(item) for item in value] if isinstance(value, list) else value

    wanted = {key: filled(value) for key, value in {**demo_job, **LOCAL[what]}.items() if value is not None}
    if what == "building":
        wanted["wheel-dir"] = wanted.pop("dest")
    reply = shared.other.post(wanted)
    if reply.status == 201:
        number = reply.json["id"]
        ended = shared.other.reaches(number, "failed", "done")
        assert ended["state"] == "failed", ended
        hostname = re.escape(pathlib.Path("/etc/hostname").read_text().strip())
        assert not re.search(rf"\b{hostname}\b", ended["error"]["text"]), ended
    else:
        assert reply.status == 422, reply
    assert names_in(shared.root / "a") == []
    if what in OWNERS:
        shared.client.done(shared.client.submit(wanted))
        assert names_in(shared.root / "a") == [made.name]
    shared.stop()
