"""Proxies that fail for a while, or for good: what is behind them arrives, or what is said names the cause."""

import pytest
from fault_server import Answer, FaultServer
from faulty import Fetch, can_resume, cut_at, ranges_of
from make_index import JSON_TYPE, describe, json_page
from relay import Fate, Relay

HOST = "http://index.example.org"  # nobody but the proxy knows it
SIZE = 100_000


@pytest.fixture
def proxy():
    """A server that is asked for whole URLs."""
    server = FaultServer()
    yield server
    server.stop()


@pytest.fixture
def demo(wheel):
    return wheel("demo", "1.0", payload=SIZE)


class Behind(Fetch):
    """Runs through a proxy."""

    def __init__(self, dray, dest, proxy):
        super().__init__(dray, dest, f"{HOST}/simple/")
        self.proxy = proxy

    def command(self, *words):
        return super().command("--proxy", self.proxy, "--trusted-host", "index.example.org", *words)


@pytest.fixture
def behind(dray, dest, proxy):
    return Behind(dray, dest, proxy.url)


@pytest.fixture
def serve(proxy, demo):
    """demo's page and the answers to its body, all from the proxy."""
    def make(*answers):
        path = f"{HOST}/files/{demo.name}"
        page = json_page("demo", [describe(demo, path)])
        proxy.on(f"{HOST}/simple/demo/", Answer(page, headers={"Content-Type": JSON_TYPE}))
        proxy.on(path, *(answer(demo.read_bytes()) for answer in answers or [Answer]))
        return path

    return make


def test_a_body_is_resumed(behind, proxy, demo, serve):
    path = serve(cut_at(60_000), can_resume)
    behind.rightly([demo], "demo")
    assert ranges_of(proxy.requests(path)) == [None, "bytes=60000-"]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_its_way_out_comes_back(behind, proxy, demo, serve, status):
    path = serve(lambda _: Answer(b"<html>no route", status), can_resume)
    behind.rightly([demo], "demo")
    assert len(proxy.requests(path)) == 2


def test_it_asks_who_we_are(behind, proxy, serve):
    """Half-way: the page was given to anybody."""
    path = serve(lambda _: Answer(b"", 407, headers={"Proxy-Authenticate": 'Basic realm="tests"'}))
    behind.wrongly("demo", f"the proxy {proxy.url}", "asks for a user and a password")
    assert len(proxy.requests(path)) == 1


@pytest.mark.parametrize("fate", [Fate("cut"), Fate("reset"), Fate("reset", 500), Fate("stall", 500)],
                         ids=lambda fate: f"{fate.end}-{fate.after}")
def test_its_connections_end_early(behind, proxy, demo, serve, fate):
    serve()
    with Relay(proxy.port, fate, fate) as relay:
        behind.proxy = relay.url("")
        behind.rightly([demo], "demo")
        assert relay.resets == 2


def test_its_connections_always_end_early(behind, proxy, serve):
    serve()
    with Relay(proxy.port, *[Fate("cut")] * 20) as relay:
        behind.proxy = relay.url("")
        behind.wrongly("demo", "closed the connection", words=("--retries", "1", "demo"))
        assert len(relay.connections) <= 4


@pytest.mark.parametrize("answer, said", [
    (Answer(b"", 502), "502"), (Answer(b"", 403), "403"), (Answer(garbage=b""), "127.0.0.1"),
    (Answer(garbage=b"HTTP/1.1 200 OK\r\n\r\n"), "index.example.org"), (Answer(garbage=b"what?\r\n\r\n"), "127.0.0.1"),
], ids=["502", "403", "closed", "opened-then-closed", "no-http"])
def test_no_tunnel(behind, proxy, answer, said):
    """For https it is asked to connect through."""
    behind.index = "https://index.example.org/simple/"
    proxy.on("index.example.org:443", answer)
    behind.wrongly("demo", said, words=("--retries", "1", "demo"))
    requests = proxy.requests("index.example.org:443", "CONNECT")
    assert 1 <= len(requests) <= 3
