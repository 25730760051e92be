"""A scripted HTTP/1.1 server: each path answers as the test says, attempt by attempt, and all requests are logged.

It writes to sockets itself, since what it is for, wrong lengths, cut bodies, resets, stalls, no HTTP library
would send.
"""

import dataclasses
import gzip
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
    ranges: object = False   # True: honour Range and If-Range; a function of (Asked, the right Answer): its Answer
    garbage: bytes = None    # instead of everything: sent as it is, then closed
    before: bytes = b""      # ahead of the head
    version: str = "HTTP/1.1"
    then: str = ""           # after all of it, though the head promises otherwise: "close", or "reset"


@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: dict
    at: float
    busy: int = 0  # of its server, this one included, when it came
    sent: int = 0  # bytes of the body that went out


@dataclasses.dataclass
class Asked:
    """What a Range header asks for: bytes [first, end) of the body; nothing of it unless first < end."""

    body: bytes
    is_suffix: bool
    first: int
    end: int


def range_asked(request, body):
    """Of one span, RFC 9110 section 14.1.2; None: the whole file is wanted."""
    span = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if not span or not (span[1] or span[2]):
        return None
    if not span[1]:
        return Asked(body, True, max(len(body) - int(span[2]), 0), len(body))
    return Asked(body, False, int(span[1]), min(int(span[2] or len(body)) + 1, len(body)))


def part(answer, first, end):
    """The 206 with bytes [first, end) of a whole answer, and what else that one says."""
    said = {"Content-Range": f"bytes {first}-{end - 1}/{len(answer.body)}", **answer.headers}
    return dataclasses.replace(answer, body=answer.body[first:end], status=206, headers=said, ranges=False)


def right_range(answer, asked):
    """What RFC 9110 wants to be answered."""
    if asked.first < asked.end:
        return part(answer, asked.first, asked.end)
    return not_satisfiable(asked, None)


# How servers answer a range wrongly: functions of what was asked for and the right answer to it. None heeds If-Range.

def heedless(asked, right):
    """Of whatever file is there now."""
    return right


def wrong_status(status):
    return lambda asked, right: Answer(b"not so\n", status)


def not_satisfiable(asked, right):
    """It can't do that kind, and tells how long the file is."""
    return Answer(b"", 416, headers={"Content-Range": f"bytes */{len(asked.body)}"})


def only_of_suffix(wrong):
    """Spans are answered right."""
    return lambda asked, right: wrong(asked, right) if asked.is_suffix else right


def says(content_range):
    """The right bytes; "{first}", "{last}", "{n}" and "{total}" are of what was asked for. None: says nothing."""
    def wrong(asked, right):
        headers = {name: value for name, value in right.headers.items() if name != "Content-Range"}
        if content_range:
            headers["Content-Range"] = content_range.format(
                first=asked.first, last=asked.end - 1, n=asked.end - asked.first, total=len(asked.body))
        return dataclasses.replace(right, headers=headers)

    return wrong


def whole_instead(asked, right):
    return Answer(asked.body)


def from_the_front(asked, right):
    """bytes=-N read as bytes=0-N."""
    if not asked.is_suffix:
        return right
    return part(Answer(asked.body), 0, min(asked.end - asked.first + 1, len(asked.body)))


def shifted(asked, right):
    """Another part, and it says which."""
    return part(Answer(asked.body), max(asked.first - 100, 0), asked.end - 100)


def mislabelled(asked, right):
    """Another part, and it says that it is the right one."""
    return dataclasses.replace(right, body=asked.body[:len(right.body)])


def too_short(asked, right):
    return dataclasses.replace(right, body=right.body[:-7])


def cut_short(asked, right):
    """Announces all, and always closes before that."""
    return dataclasses.replace(right, cut_after=len(right.body) - 7)


def stalled(asked, right):
    """Begins, and says nothing more until release()."""
    return dataclasses.replace(right, stall_after=5)


def too_long(asked, right):
    return dataclasses.replace(right, body=right.body + b"more of it")


def more_behind(asked, right):
    """Announces what is right, and sends more."""
    return dataclasses.replace(right, extra=b"more of it")


def multipart(asked, right):
    body = (f"--dray\r\nContent-Type: application/octet-stream\r\n"
            f"Content-Range: {right.headers['Content-Range']}\r\n\r\n").encode() + right.body + b"\r\n--dray--\r\n"
    return Answer(body, 206, headers={"Content-Type": "multipart/byteranges; boundary=dray"})


def zipped_part(asked, right):
    """A part in an encoding: nobody knows of which bytes it is one."""
    return dataclasses.replace(right, body=gzip.compress(right.body),
                               headers={**right.headers, "Content-Encoding": "gzip"})


def zipped_whole(asked, right):
    return Answer(gzip.compress(asked.body), headers={"Content-Encoding": "gzip"})


class FaultServer:
    """`on(path, answer, ...)`: the answers to the first, second, ... request; the last one repeats.

    `busy`: requests being answered now, `busiest`: the most there have been at once. `at_most`: (n, Answer): with
    more than n at once it is that Answer, whatever was asked for; `refused` counts them."""

    def __init__(self):
        self.answers = {}
        self.log = []
        self.busy = self.busiest = self.refused = 0
        self.at_most = None
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

    def sent(self, path):
        """How many bytes of bodies went out for it, in all."""
        return sum(request.sent for request in self.requests(path))

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
                    if not request or not self._serve(connection, request):
                        return
        except OSError:
            pass  # the client went, which is its right
        finally:
            self._connections.discard(connection)

    def _serve(self, connection, request):
        with self._lock:
            self.busy += 1
            request.busy = self.busy
            self.busiest = max(self.busiest, self.busy)
            too_many = self.at_most is not None and self.busy > self.at_most[0]
            self.refused += too_many
        try:
            if not too_many:
                return self._answer(connection, request, self._next_answer(request))
            with self._lock:
                self.log.append(request)
            return self._answer(connection, request, self.at_most[1])
        finally:
            with self._lock:
                self.busy -= 1

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

    def _answer(self, connection, request, answer):
        """True when the connection may be used again."""
        answer = self._of_range(answer, request)
        if answer.wait:
            time.sleep(answer.wait)
        if answer.garbage is not None:
            connection.sendall(answer.garbage)
            return False
        headers = self._head(answer)
        lines = [f"{answer.version} {answer.status} Scripted",
                 *(f"{name}: {value}" for name, value in headers.items())]
        connection.sendall(answer.before + "\r\n".join([*lines, "", ""]).encode("latin-1"))
        if request.method == "HEAD":
            return True
        may_go_on = self._send_body(connection, answer, request)
        if answer.then == "reset":
            self._reset(connection)
        return may_go_on and not answer.then

    @staticmethod
    def _of_range(answer, request):
        """What it is if the request wants a part."""
        asked = range_asked(request, answer.body)
        if not answer.ranges or answer.status != 200:
            return answer
        answer = dataclasses.replace(answer, headers={"Accept-Ranges": "bytes", **answer.headers})
        if not asked:
            return answer
        if callable(answer.ranges):
            return answer.ranges(asked, right_range(answer, asked))
        validators = (None, answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
        same = request.headers.get("if-range") in validators
        return right_range(answer, asked) if same else answer

    @staticmethod
    def _head(answer):
        headers = {"Content-Type": "application/octet-stream"}
        if answer.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif answer.length is None:
            headers["Connection"] = "close"
        else:
            headers["Content-Length"] = len(answer.body) if answer.length is True else answer.length
        return {**headers, **answer.headers}

    @staticmethod
    def _reset(connection):
        # SO_LINGER with 0 seconds: close() sends RST and drops what is still on its way, so a moment first.
        time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _send_body(self, connection, answer, request):
        body = answer.body
        stop = min(n for n in (answer.cut_after, answer.reset_after, answer.stall_after, len(body))
                   if n is not None)
        step, pause = answer.pace or (65536, 0)
        for at in range(0, stop, step):
            piece = body[at:min(at + step, stop)]
            request.sent += len(piece)
            if answer.chunked:
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            connection.sendall(piece)
            if pause and self._release.wait(pause):
                pause = 0
        if answer.stall_after is not None:
            self._release.wait(60)
            return False
        if answer.reset_after is not None:
            self._reset(connection)
            return False
        if answer.cut_after is not None:
            return False
        connection.sendall((b"0\r\n\r\n" if answer.chunked else b"") + answer.extra)
        return answer.length is True and not answer.extra


def page_bytes(name, files):
    """A JSON page as text, for tests that damage it."""
    return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files}).encode()
