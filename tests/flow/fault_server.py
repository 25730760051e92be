"""A scripted HTTP/1.1 server: each path answers as the test says, attempt by attempt, and all requests are logged.

It writes to sockets itself, since what it is for, wrong lengths, cut bodies, resets, stalls, no HTTP library
would send.
"""

import dataclasses
import json
import re
import socket
import struct
import threading
import time

import make_index


@dataclasses.dataclass
class Answer:
    """One answer. Without further words a correct one."""

    body: bytes = b""
    status: int = 200
    headers: dict = dataclasses.field(default_factory=dict)
    length: object = True    # True: right; a number: that instead; None: no Content-Length, ends by closing
    chunked: bool = False
    cut_after: int = None    # close after so many bytes of the body
    reset_after: int = None  # the same with a TCP reset
    stall_after: int = None  # send so many bytes, then nothing, until the client goes or release() is called
    extra: bytes = b""       # after the body
    pace: tuple = None       # (bytes, seconds): so many at a time, a pause after each
    wait: float = 0          # seconds before the head
    ranges: bool = False     # honour Range
    garbage: bytes = None    # instead of everything: sent as it is, then closed


@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: dict
    at: float


class FaultServer:
    """`on(path, answer, ...)`: the answers to the first, second, ... request; the last one repeats."""

    def __init__(self):
        self.answers = {}
        self.log = []
        self._lock = threading.Lock()
        self._release = threading.Event()
        self._stopping = False
        self._connections = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    # What tests say

    @property
    def index(self):
        return f"{self.url}/simple/"

    def on(self, path, *answers):
        made = [Answer(body=a) if isinstance(a, bytes) else a for a in answers]
        self.answers[path] = made
        return f"{self.url}{path}"

    def project(self, name, *files, **answer):
        """A JSON project page of describe()d files."""
        page = make_index.json_page(name, list(files))
        return self.page(name, page, make_index.JSON_TYPE, **answer)

    def page(self, name, body, content_type, **answer):
        return self.on(f"/simple/{name}/", Answer(body, headers={"Content-Type": content_type}, **answer))

    def wheel(self, path, *answers, listed=None, **wheel_facts):
        """Serves a wheel file below /files/ and returns what its project page says of it. `answers` are
        functions of the body, `wheel_facts` go to describe()."""
        body = path.read_bytes()
        self.on(f"/files/{path.name}", *([make(body) for make in answers] or [Answer(body)]))
        return make_index.describe(path, listed or f"{self.url}/files/{path.name}", **wheel_facts)

    def requests(self, path=None, method=None):
        """The log, of one path if said."""
        with self._lock:
            return [r for r in self.log if path in (None, r.path) and method in (None, r.method)]

    def wait_for(self, path, seconds=20):
        """Until that path was asked for."""
        until = time.monotonic() + seconds
        while not self.requests(path):
            assert time.monotonic() < until, f"nobody asked for {path}: {self.requests()}"
            time.sleep(0.01)

    def release(self):
        """Ends all stalls."""
        self._release.set()

    def stop(self):
        self._stopping = True
        self._release.set()
        # A listener blocked in accept() is woken by a connection only.
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            pass
        self._listener.close()
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    # How it serves

    def _accept(self):
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection):
        self._connections.add(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection, connection.makefile("rb") as reader:
                while not self._stopping:
                    request = self._read(reader)
                    if not request or not self._answer(connection, request):
                        return
        except OSError:
            pass  # the client went, which is its right
        finally:
            self._connections.discard(connection)

    @staticmethod
    def _read(reader):
        first = reader.readline(65536).decode("latin-1").split()
        if len(first) < 3:
            return None
        headers = {}
        while (line := reader.readline(65536).decode("latin-1").strip()):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return Request(first[0], first[1], headers, time.monotonic())

    def _next_answer(self, request):
        with self._lock:
            self.log.append(request)
            answers = self.answers.get(request.path)
            if not answers:
                return Answer(b"not here\n", status=404)
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def _answer(self, connection, request):
        """True when the connection may be used again."""
        answer = self._next_answer(request)
        if answer.wait:
            time.sleep(answer.wait)
        if answer.garbage is not None:
            connection.sendall(answer.garbage)
            return False
        status, headers, body = self._head(answer, request)
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        if request.method == "HEAD":
            return True
        return self._send_body(connection, answer, body)

    @staticmethod
    def _head(answer, request):
        status, body = answer.status, answer.body
        headers = {"Content-Type": "application/octet-stream"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if answer.ranges:
            headers["Accept-Ranges"] = "bytes"
            if asked and int(asked[1]) < len(body):
                end = min(int(asked[2] or len(body) - 1), len(body) - 1)
                headers["Content-Range"] = f"bytes {asked[1]}-{end}/{len(body)}"
                status, body = 206, body[int(asked[1]):end + 1]
        if answer.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif answer.length is None:
            headers["Connection"] = "close"
        else:
            headers["Content-Length"] = len(body) if answer.length is True else answer.length
        headers.update(answer.headers)
        return status, headers, body

    def _send_body(self, connection, answer, body):
        stop = min(n for n in (answer.cut_after, answer.reset_after, answer.stall_after, len(body))
                   if n is not None)
        step, pause = answer.pace or (65536, 0)
        for at in range(0, stop, step):
            piece = body[at:min(at + step, stop)]
            if answer.chunked:
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            connection.sendall(piece)
            if pause and self._release.wait(pause):
                pause = 0
        if answer.stall_after is not None:
            self._release.wait(60)
            return False
        if answer.reset_after is not None:
            # SO_LINGER with 0 seconds: close() sends RST and drops what is still on its way, so a moment first.
            time.sleep(0.05)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if answer.cut_after is not None:
            return False
        connection.sendall((b"0\r\n\r\n" if answer.chunked else b"") + answer.extra)
        return answer.length is True and not answer.extra


def page_bytes(name, files):
    """A JSON page as text, for tests that damage it."""
    return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files}).encode()
