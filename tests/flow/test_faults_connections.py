"""Connections that are refused, reset, cut, silent, slow or damaged, from the handshake on; a host that hangs while
another goes on; names that come and go; proxies that fail. The bytes arrive, or what is said names the cause."""

import json
import socket
import time

import pytest
from certificates import Authority
from fault_server import Answer, FaultServer
from faulty import can_resume
from make_index import JSON_TYPE
from program import failed_with, names_in, succeeded
from relay import DOWN, UP, Fate, Relay
from tls_servers import TlsFaultServer

SIZE = 200_000


@pytest.fixture
def demo(wheel):
    return wheel("demo", "1.0", payload=SIZE)


@pytest.fixture
def relayed(fault, demo):
    """demo's body comes through a relay with these fates of its connections; all else is near."""
    made = []

    def make(*fates, answer=can_resume, server=fault, **more):
        made.append(Relay(server.port, *fates, **more))
        scheme = server.url.split("://")[0]
        # The name has two addresses, so the last failure would be that of the other one.
        host = "localhost" if scheme == "https" else "127.0.0.1"
        facts = server.wheel(demo, answer, listed=f"{scheme}://{host}:{made[-1].port}/files/{demo.name}")
        fault.project("demo", facts)
        return made[-1]

    yield make
    for relay in made:
        relay.stop()


# Before anything was said

def name_of(fate):
    return f"{fate.end}-{fate.way}-{fate.after}"


EARLY = [(fate, times) for times in (1, 2) for fate in (
    Fate("cut"), Fate("reset"), Fate("reset", 1, UP), Fate("cut", 1, UP), Fate("stall"), Fate("reset", 5), Fate("cut", 5),
    Fate("stall", 5), Fate("reset", 80), Fate("cut", 80))]


@pytest.fixture(scope="module")
def early(batch):
    """A file and a relay for each, in one run."""
    made = batch("early")
    for fate, times in EARLY:
        made.add((fate, times), can_resume, payload=SIZE, relay=Relay(made.server.port, *[fate] * times))
    return made.run()


@pytest.mark.parametrize("key", EARLY, ids=lambda key: f"{key[1]}-{name_of(key[0])}")
def test_the_first_connections_end_early(early, key):
    early.holds(key)
    relay = early.relays[key]
    assert relay.resets == key[1] and len(relay.connections) == key[1] + 1


def test_early_ends_leave_nothing(early):
    early.has_nothing_else()


@pytest.mark.parametrize("fate, said", [
    (Fate("cut"), "closed the connection without an answer"), (Fate("reset"), "reset"),
    (Fate("stall"), "sent nothing for 1000 ms"), (Fate("cut", 5), "without an answer"), (Fate("cut", 5000), " of "),
], ids=["cut", "reset", "stall", "cut-5", "cut-5000"])
def test_all_connections_end_early(fetch, relayed, fate, said):
    """The cause is named, the attempts are counted."""
    relay = relayed(*[fate] * 50)
    fetch.wrongly("demo", f":{relay.port}" if " port " not in said else "", said, "3 attempts",
                  words=("--retries", "2", "demo"))
    assert len(relay.connections) <= 6


def retries_of(process, n):
    """Waits until it has told so many on its standard output; returns all that was read."""
    seen, lines = 0, []
    while seen < n:
        line = process.stdout.readline()
        assert line, f"it ended: {process.stderr.read().decode()}"
        lines.append(json.loads(line))
        seen += lines[-1].get("event") == "retry"
    return lines


def test_refused_twice_then_up(fetch, dray, demo, relayed):
    relay = relayed(refuse=True)
    process = fetch.start("--progress", "json", "demo")
    retries_of(process, 2)
    relay.listen()
    succeeded(dray.finish(process, 14))
    fetch.holds(demo)


def test_refused_for_ever(fetch, relayed):
    relay = relayed(refuse=True)
    fetch.wrongly("demo", f"127.0.0.1 port {relay.port}", "refused", "3 attempts", words=("--retries", "2", "demo"))


# In the handshake

@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def secure(authority):
    server = TlsFaultServer(authority.server("localhost"))
    yield server
    server.stop()


HANDSHAKE = [Fate("reset", 1, UP), Fate("reset", 1), Fate("reset", 50), Fate("reset", 700), Fate("cut", 1, UP),
             Fate("cut", 1), Fate("cut", 50), Fate("cut", 700), Fate("stall", 700)]


@pytest.fixture(scope="module")
def handshakes(batch, authority):
    """Twice each, then it is let through."""
    made = batch("handshakes")
    made.server.stop()
    made.server = TlsFaultServer(authority.server("localhost"))
    made.fetch.index = made.server.index
    for fate in HANDSHAKE:
        made.add(fate, can_resume, payload=SIZE, relay=Relay(made.server.port, fate, fate), scheme="https")
    return made.run("--cert", authority.ca)


@pytest.mark.parametrize("fate", HANDSHAKE, ids=name_of)
def test_a_handshake_that_ends_early(handshakes, fate):
    handshakes.holds(fate)
    assert handshakes.relays[fate].resets == 2


@pytest.mark.parametrize("end", ["reset", "cut", "stall"])
def test_no_handshake_ever(fetch, relayed, secure, authority, end):
    relay = relayed(*[Fate(end, 50)] * 20, server=secure)
    fetch.wrongly("demo", f"localhost port {relay.port}", words=("--retries", "1", "--cert", authority.ca, "demo"))


def test_a_damaged_handshake(fetch, demo, relayed, secure, authority):
    relay = relayed(Fate(flip=300), server=secure)
    fetch.rightly([demo], "--cert", authority.ca, "demo")
    assert len(relay.connections) == 2


# In the body

@pytest.mark.parametrize("end, after", [("reset", 2000), ("reset", 150_000), ("cut", 150_000), ("stall", 50_000)])
def test_a_body_over_tls_that_ends_early(fetch, demo, relayed, secure, authority, end, after):
    """TLS without its closing words is a cut, whatever came before."""
    relay = relayed(Fate(end, after), server=secure)
    fetch.rightly([demo], "--cert", authority.ca, "demo")
    # At most one record of 16 KiB is lost, and each connection has a handshake.
    assert relay.carried(DOWN) < demo.stat().st_size + 16_384 + 12_000


def test_a_damaged_record(fetch, demo, relayed, secure, authority):
    """Its integrity check fails; what came before it was right."""
    relay = relayed(Fate(flip=100_000), server=secure)
    fetch.rightly([demo], "--cert", authority.ca, "demo")
    assert len(relay.connections) == 2


def test_a_damaged_body(fetch, demo, relayed):
    """Nothing but the digest can tell, and it says so; it is placed by nobody."""
    relay = relayed(*[Fate(flip=100_000)] * 10)
    fetch.wrongly("demo", "sha256", words=("--retries", "1", "demo"))
    assert names_in(fetch.dest) == [] and len(relay.connections) <= 3


def test_a_body_that_is_damaged_before_the_cut(fetch, demo, relayed):
    """What was kept of it is wrong, as the digest of the whole tells: then it is all asked for anew."""
    relay = relayed(Fate("cut", 150_000, flip=100_000))
    fetch.rightly([demo], "demo")
    assert relay.resets == 1


def test_a_trickle(fetch, fault, wheel):
    """Ten bytes a second: slow, but it moves, and a total time is nobody's business."""
    made = wheel("tiny", "1.0")
    made.write_bytes(made.read_bytes()[:25])
    fault.project("tiny", fault.wheel(made, lambda body: Answer(body, pace=(1, 0.1))))
    result = fetch.rightly([made], "--retries", "0", "tiny")
    assert result.seconds > 2.2


def test_a_trickle_with_long_pauses(fetch, fault, demo):
    """Just below the time-out each."""
    fault.project("demo", fault.wheel(demo, lambda body: Answer(body, pace=(SIZE // 3, 0.7))))
    fetch.rightly([demo], "--retries", "0", "demo")


# Hosts

@pytest.fixture
def other():
    server = FaultServer()
    yield server
    server.stop()


def test_one_host_hangs_while_another_goes_on(fetch, dray, fault, other, wheel, demo):
    """It is given up in time, and holds up nobody: the others are there before that."""
    fault.project("demo", other.wheel(demo, lambda body: Answer(body, stall_after=1000)))
    names = [f"good-{n}" for n in range(5)]
    good = [wheel(name, "1.0", payload=40_000) for name in names]
    for name, path in zip(names, good):
        fault.project(name, fault.wheel(path))
    process = fetch.start("--retries", "1", "--timeout", "2", "demo", *names)
    began = time.monotonic()
    until = began + 10
    while names_in(fetch.dest) != sorted(path.name for path in good):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.01)
    assert process.poll() is None, "the slow one is not given up yet"
    failed_with(dray.finish(process, 14), "demo", f"port {other.port} sent nothing for 2000 ms")
    assert names_in(fetch.dest) == sorted(path.name for path in good)


@pytest.mark.parametrize("n, connections", [(6, 6), (3, 1), (12, 4)])
def test_a_whole_host_hangs(fetch, fault, wheel, n, connections):
    """Each says so, and in all it takes no longer than each once for each seat."""
    names = [f"demo-{k}" for k in range(n)]
    for name in names:
        fault.project(name, fault.wheel(wheel(name, "1.0"), lambda body: Answer(body, stall_after=100)))
    result = fetch("--retries", "0", "--connections", connections, *names, seconds=60)
    failed_with(result, "sent nothing for 1000 ms", errors=n)
    assert names_in(fetch.dest) == []
    assert result.seconds < 3 + 1.3 * n / connections, result


def test_a_host_that_is_gone(fetch, fault, wheel):
    """Two hundred time-outs, four at once, would take a minute: after 20 s of silence the rest is not tried."""
    names = [f"demo-{k}" for k in range(200)]
    with socket.create_server(("127.0.0.1", 0), backlog=512) as mute:
        for name in names:
            made = wheel(name, "1.0")
            fault.project(name, fault.wheel(made, listed=f"http://127.0.0.1:{mute.getsockname()[1]}/{made.name}"))
        result = fetch("--retries", "0", "--connections", "4", *names, seconds=60)
    failed_with(result, "sent nothing for 1000 ms", "is given up for now: nothing came from it for", errors=len(names))
    assert 20 < result.seconds < 30, result


def test_an_index_that_hangs(fetch, other):
    other.page("demo", b'{"meta": {}}', JSON_TYPE, stall_after=5)
    fetch.index = other.index
    fetch.wrongly("demo", f"port {other.port} sent nothing", words=("--retries", "1", "demo"))


def test_a_server_that_never_answers(fetch, fault):
    with Relay(fault.port, *[Fate("stall")] * 10) as relay:
        fetch.index = relay.url("/simple/")
        result = fetch.wrongly("demo", f"port {relay.port} sent nothing", words=("--retries", "1", "demo"))
    assert result.seconds < 6 and len(relay.connections) == 2
