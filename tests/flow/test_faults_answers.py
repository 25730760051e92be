"""Answers that are none, not yet, or of another kind than HTTP/1.1 has them; heads that are too long or too slow;
redirects that lead nowhere. And pages, sidecars, connections that are kept."""

import dataclasses
import email.utils
import hashlib
import json
import time
import zipfile

import pytest
from fault_server import Answer, FaultServer, part
from make_index import HTML_TYPE, JSON_TYPE, html_page, json_page
from program import succeeded
from relay import Fate, Relay

SIZE = 20_000


@pytest.fixture
def demo(wheel):
    return wheel("demo", "1.0", payload=SIZE)


def waits(requests):
    times = [request.at for request in requests]
    return [after - before for before, after in zip(times, times[1:])]


# Not now, never

@pytest.mark.parametrize("status", [425, 504, 520, 599])
def test_worth_another_attempt(fetch, fault, serve, demo, status):
    path = serve(lambda _: Answer(b"no", status), Answer)
    fetch.rightly([demo], "demo")
    assert len(fault.requests(path)) == 2


@pytest.mark.parametrize("status", [402, 405, 406, 407, 409, 411, 418, 451, 499])
def test_final(fetch, fault, serve, status):
    path = serve(lambda _: Answer(b"no", status))
    fetch.wrongly("demo", f"answered {status}", path)
    assert len(fault.requests(path)) == 1


@pytest.mark.parametrize("status", [201, 202, 203, 204, 206, 300, 304, 999])
def test_no_success_though_it_looks_like_one(fetch, fault, serve, status):
    """Whatever came with it is not the file: nobody asked for a part, or for what changed since."""
    path = serve(lambda body: Answer(body, status))
    fetch.wrongly("demo", path, words=("--retries", "0", "demo"))


def test_busy_then_gone(fetch, fault, serve):
    path = serve(lambda _: Answer(b"", 503), lambda _: Answer(b"", 404))
    fetch.wrongly("demo", "answered 404", "2 attempts")
    assert len(fault.requests(path)) == 2


def test_all_that_can_be_waited_for(fetch, fault, serve, demo):
    answers = [lambda _, s=status: Answer(b"", s) for status in (500, 502, 503, 504)]
    path = serve(*answers, Answer)
    fetch.rightly([demo], "demo")
    assert len(fault.requests(path)) == 5


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("value, least", [
    (lambda: "1", 1), (lambda: email.utils.formatdate(time.time() + 2, usegmt=True), 1),
], ids=["seconds", "date"])
def test_retry_after(fetch, fault, serve, demo, status, value, least):
    path = serve(lambda _: Answer(b"", status, headers={"Retry-After": value()}), Answer)
    fetch.rightly([demo], "demo")
    waited, = waits(fault.requests(path))
    # A date has whole seconds: two from now are more than one.
    assert least <= waited < 4


@pytest.mark.parametrize("value", ["soon", "-1", "", "0", "1.5", "Thu, 01 Jan 1970 00:00:00 GMT", "99999999999999999999x"])
def test_a_retry_after_that_says_nothing(fetch, fault, serve, demo, value):
    path = serve(lambda _: Answer(b"", 503, headers={"Retry-After": value}), Answer)
    fetch.rightly([demo], "demo")
    assert waits(fault.requests(path))[0] < 1.5


# Heads

INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "103": b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nContent-Length: 7\r\nETag: \"other\"\r\n\r\n",
    "many": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 200,
}


@pytest.mark.parametrize("before", INTERIM.values(), ids=INTERIM)
def test_interim_answers(fetch, serve, demo, before):
    serve(lambda body: Answer(body, before=before))
    fetch.rightly([demo], "demo")


def test_interim_answers_without_end(fetch, serve):
    serve(lambda body: Answer(body, before=INTERIM["103"] * 5000))
    fetch.wrongly("demo", "headers", words=("--retries", "1", "demo"))


@pytest.mark.parametrize("facts", [
    {"version": "HTTP/1.0", "then": "close"}, {"version": "HTTP/1.0", "length": None, "then": "close"},
    {"version": "HTTP/1.0", "headers": {"Connection": "keep-alive"}},
], ids=["length", "no-length", "keep-alive"])
def test_http_1_0(fetch, fault, serve, demo, facts):
    serve(lambda body: Answer(body, **facts))
    page = fault.answers["/simple/demo/"][0]
    page.version, page.then = "HTTP/1.0", "close"
    fetch.rightly([demo], "demo")


@pytest.mark.parametrize("version", ["HTTP/3.7", "HTTQ/1.1", "ICY", "SSH-2.0-Open"])
def test_no_http(fetch, serve, version):
    serve(lambda body: Answer(body, version=version, then="close"))
    fetch.wrongly("demo", "/files/demo-1.0", words=("--retries", "1", "demo"))


HEADS = {
    "one-line": "X-Padding: " + "x" * 300 * 1024,
    "many-lines": "\r\n".join(f"X-{n}: {'x' * 1000}" for n in range(300)),
}


@pytest.mark.parametrize("headers", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("what", ["page", "body"])
def test_a_head_of_300_kib(fetch, fault, serve, headers, what):
    """Refused at the cap, and final: the next one is as long."""
    serve()
    path = "/simple/demo/" if what == "page" else "/files/demo-1.0-py3-none-any.whl"
    name, _, value = headers.partition(": ")
    fault.answers[path][0].headers[name] = value
    fetch.wrongly("demo", "head", path)
    assert len(fault.requests(path)) == 1


def test_a_line_that_ends_where_none_should(fetch, serve, demo):
    """Bare line feeds: RFC 9112 section 2.2 lets a client take them."""
    serve(lambda body: Answer(garbage=b"HTTP/1.1 200 OK\nContent-Length: %d\n\n" % len(body) + body))
    fetch.rightly([demo], "demo")


def test_a_slow_head(fetch, fault, serve, demo):
    """Byte by byte, and slower than the time-out in all: it moves."""
    with Relay(fault.port, Fate(rate=60, slow_to=90)) as relay:
        serve(listed=relay.url(f"/files/{demo.name}"))
        result = fetch.rightly([demo], "--retries", "0", "demo")
    assert result.seconds > 1.5 and len(relay.connections) == 1


def test_a_head_that_never_ends(fetch, serve):
    """It sends a little now and then, and never a whole one: each line moves, until the cap."""
    serve(lambda _: Answer(garbage=b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 40_000))
    fetch.wrongly("demo", "headers", words=("--retries", "0", "demo"))


def test_a_head_that_stalls(fetch, fault, serve, demo):
    with Relay(fault.port, Fate("stall", 20), Fate("stall", 20)) as relay:
        serve(listed=relay.url(f"/files/{demo.name}"))
        fetch.wrongly("demo", f"port {relay.port} sent nothing", words=("--retries", "1", "demo"))


# Redirects

def moved(to, status=302):
    return Answer(b"moved", status, headers={"Location": to})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_each_redirect(fetch, fault, serve, demo, status):
    path = serve()
    fault.on("/there", *fault.answers[path])
    fault.on(path, moved("/there", status))
    fetch.rightly([demo], "demo")


def test_a_circle_of_three(fetch, fault, serve):
    path = serve(lambda _: moved("/a"))
    fault.on("/a", moved("/b"))
    fault.on("/b", moved(path))
    fetch.wrongly("demo", "redirect")
    assert len(fault.requests()) < 30


def test_a_circle_over_two_hosts(fetch, fault, serve):
    other = FaultServer()
    try:
        path = serve(lambda _: moved(f"{other.url}/a"))
        other.on("/a", moved(f"{fault.url}{path}"))
        fetch.wrongly("demo", "redirect")
    finally:
        other.stop()


@pytest.mark.parametrize("hops, arrives", [(20, True), (21, False)])
def test_so_many_hops(fetch, fault, serve, demo, hops, arrives):
    path = serve()
    body = fault.answers[path]
    fault.on(path, moved("/hop/1"))
    for n in range(1, hops):
        fault.on(f"/hop/{n}", moved(f"/hop/{n + 1}"))
    fault.on(f"/hop/{hops}", *body)
    if arrives:
        fetch.rightly([demo], "demo")
    else:
        fetch.wrongly("demo", "redirect too many")


def test_busy_behind_a_redirect(fetch, fault, serve, demo):
    """Signed links end: the next attempt begins where the first did."""
    path = serve()
    body = fault.answers[path]
    fault.on(path, moved("/signed?one"), moved("/signed?two"))
    fault.on("/signed?one", Answer(b"", 503))
    fault.on("/signed?two", *body)
    fetch.rightly([demo], "demo")
    assert len(fault.requests(path)) == 2


def test_credentials_do_not_follow_a_body_elsewhere(dray, dest, fault, demo):
    other = FaultServer()
    try:
        other.on("/there", Answer(demo.read_bytes()))
        fault.project("demo", fault.wheel(demo, lambda _: moved(f"{other.url}/there")))
        index = fault.index.replace("://", "://user:sesame@")
        succeeded(dray.download("-i", index, "demo", dest=dest))
        assert all("authorization" in request.headers for request in fault.requests())
        request, = other.requests()
        assert "authorization" not in request.headers
    finally:
        other.stop()


# Kept connections

@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("connections", [1, 4])
def test_a_server_that_ends_each_connection(fetch, fault, wheel, then, connections):
    """Though it says that it keeps it. The request that was on its way is sent again, which is no retry."""
    names = [f"demo-{n}" for n in range(12)]
    made = [wheel(name, "1.0", payload=3000 * n) for n, name in enumerate(names)]
    for name, path in zip(names, made):
        fault.project(name, fault.wheel(path, lambda body: Answer(body, then=then)), then=then)
    fetch.rightly(made, "--connections", connections, "--retries", "0", *names)
    assert all(len(fault.requests(f"/files/{path.name}")) == 1 for path in made)


def test_a_server_that_ends_it_when_asked_again(fetch, fault, serve, demo):
    """Nothing of that request was answered: it is sent again, which is no retry."""
    path = serve(lambda _: Answer(garbage=b""), Answer)
    fetch.rightly([demo], "--connections", "1", "--retries", "0", "demo")
    assert len(fault.requests(path)) == 2


# Pages

PAGES = {
    "json": lambda files: (json_page("demo", files), JSON_TYPE),
    "html": lambda files: (html_page("demo", files), HTML_TYPE),
}


@pytest.fixture(params=PAGES)
def page(request, fault, demo):
    """A right page of some length, as Answer; its files are there."""
    listed = fault.wheel(demo)
    files = [dict(listed, filename=f"demo-0.{n}-py3-none-any.whl", url=f"{fault.url}/none/{n}") for n in range(200)]
    body, kind = PAGES[request.param]([*files, listed])
    return Answer(body, headers={"Content-Type": kind})


def spoilt(answer, **facts):
    return dataclasses.replace(answer, **facts)


@pytest.mark.parametrize("spoil", [
    {"cut_after": 0}, {"cut_after": 1}, {"cut_after": 9000}, {"reset_after": 9000}, {"stall_after": 9000},
    {"chunked": True, "cut_after": 9000}, {"status": 429}, {"status": 504}, {"garbage": b""},
    {"garbage": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"},
], ids=["cut-0", "cut-1", "cut", "reset", "stall", "cut-chunked", "429", "504", "closed", "broken-chunks"])
def test_a_page_is_asked_for_again(fetch, fault, demo, page, spoil):
    """And nothing of what came first is in the way."""
    fault.on("/simple/demo/", spoilt(page, **spoil), page)
    fetch.rightly([demo], "demo")
    assert len(fault.requests("/simple/demo/")) == 2


def test_a_page_that_is_reset_twice(fetch, fault, demo, page):
    fault.on("/simple/demo/", spoilt(page, reset_after=5000), spoilt(page, reset_after=15000), page)
    fetch.rightly([demo], "demo")


def test_a_page_that_is_always_cut(fetch, fault, page):
    fault.on("/simple/demo/", spoilt(page, cut_after=5000))
    fetch.wrongly("/simple/demo/", f"(5000 of {len(page.body)} bytes)", words=("--retries", "1", "demo"))


def test_a_page_as_a_part(fetch, fault, page):
    """A 206 that nobody asked for."""
    fault.on("/simple/demo/", part(page, 0, 9000))
    fetch.wrongly("/simple/demo/", "206", words=("--retries", "1", "demo"))


# Sidecars

@pytest.fixture
def sidecar(fault, demo):
    """demo's METADATA as a file beside it; `answers` are functions of it."""
    with zipfile.ZipFile(demo) as archive:
        metadata = archive.read("demo-1.0.dist-info/METADATA")

    def make(*answers):
        entry = fault.wheel(demo, lambda body: Answer(body, ranges=True),
                            core_metadata={"sha256": hashlib.sha256(metadata).hexdigest()})
        fault.project("demo", entry)
        fault.on(f"/files/{demo.name}.metadata", *(make(metadata) for make in answers))
        return metadata.decode()

    return make


@pytest.mark.parametrize("spoil", [
    {"cut_after": 20}, {"reset_after": 20}, {"stall_after": 20}, {"chunked": True, "cut_after": 20}, {"status": 503},
], ids=["cut", "reset", "stall", "cut-chunked", "503"])
def test_a_sidecar_is_asked_for_again(dray, fault, demo, sidecar, spoil):
    text = sidecar(lambda body: Answer(body, **spoil), Answer)
    result = succeeded(dray("metadata", "--stats", "-i", fault.index, "--timeout", "1", "--retries", "2", "demo",
                            seconds=14))
    assert result.out == text and "sidecar" in result.err
    assert len(fault.requests(f"/files/{demo.name}.metadata")) == 2 and not fault.requests(f"/files/{demo.name}")


def test_a_sidecar_that_is_always_cut(dray, fault, demo, sidecar):
    """Then the end of the wheel itself says it."""
    text = sidecar(lambda body: Answer(body, cut_after=20))
    result = succeeded(dray("metadata", "--stats", "-i", fault.index, "--timeout", "1", "--retries", "1", "demo",
                            seconds=14))
    assert result.out == text and "tail" in result.err
    assert all("range" in request.headers for request in fault.requests(f"/files/{demo.name}"))


@pytest.mark.parametrize("end", ["cut", "reset", "stall"])
def test_a_tail_whose_connection_ends(dray, fault, demo, end):
    with Relay(fault.port, Fate(end, 300)) as relay:
        entry = fault.wheel(demo, lambda body: Answer(body, ranges=True), listed=relay.url(f"/files/{demo.name}"))
        fault.project("demo", entry)
        result = succeeded(dray("metadata", "--json", "--stats", "-i", fault.index, "--timeout", "1", "--retries", "2",
                                "demo", seconds=14))
    assert json.loads(result.out)[0]["metadata"]["name"] == "demo"
    assert [request.headers.get("range") is not None for request in fault.requests(f"/files/{demo.name}")] == [True] * 2
