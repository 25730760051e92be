"""Which of a host's addresses is connected to: a race of them (RFC 8305), whose winner the whole run keeps to."""

import json
import socket

import pytest
from certificates import Authority
from program import failed_with, names_in, succeeded
from test_names import CROWD, INDEX, MANY, NAME, NOBODY, OURS, WHEEL, enter, net, root  # noqa: F401
from test_threads import Watch

HOLE = "127.0.0.3"    # somebody listens, whose backlog is full: a black hole
HOLE_2 = "127.0.0.5"
NO_V6 = pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")


def hosts(*addresses):
    return "\n".join(f"{address} {NAME}" for address in addresses)


def page_took(trace):
    """Seconds, from being asked for until it was there: name, race, request and all."""
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    return max(event["took"] for event in events if event["event"] == "page")


# before the good one, seconds that it costs
COSTS = [
    ([HOLE], 0.25), ([HOLE, HOLE_2], 0.5), ([NOBODY], 0), ([NOBODY, "127.0.0.7"], 0), ([NOBODY, HOLE], 0.25),
    ([], 0),
]


@pytest.mark.parametrize("before,costs", COSTS)
def test_what_comes_before_the_good_one(net, dest, tmp_path, before, costs):  # noqa: F811
    trace = tmp_path / "trace"
    full = [address for address in before if address in (HOLE, HOLE_2)]
    succeeded(net("demo", "--trace", trace, hosts=hosts(*before, OURS, "127.0.0.9"), full=full))
    assert names_in(dest) == [WHEEL]
    assert costs - 0.01 <= page_took(trace) < costs + 0.25
    assert {address for address, _ in net.requested()} == {OURS}


@NO_V6
@pytest.mark.parametrize("hole,good", [("::1", OURS), (OURS, "::1")])
def test_one_family_is_a_black_hole(net, dest, tmp_path, hole, good):  # noqa: F811
    """Of several addresses of that family only the first is waited for."""
    trace = tmp_path / "trace"
    known = hosts(hole, *([HOLE, HOLE_2] if hole == OURS else []), good)
    succeeded(net("demo", "--trace", trace, hosts=known, full=[hole, HOLE, HOLE_2], serve=[good]))
    assert names_in(dest) == [WHEEL]
    assert page_took(trace) < 0.5


def test_the_run_keeps_to_the_winner(dray, dest, net):  # noqa: F811
    """Hundreds of requests, one race, one thread."""
    process = dray.start("download", "--no-deps", "-i", INDEX, "--trusted-host", NAME, *CROWD, "-d", dest,
                         prefix=net.prefix(hosts=hosts(HOLE, OURS), full=[HOLE]))
    watch = Watch(process.pid)
    result = dray.finish(process)
    watch.join()
    succeeded(result)
    assert len(names_in(dest)) == len(CROWD)
    assert result.seconds < 8, result  # one connection to the black hole would take 10
    assert set(watch.seen) == {1}


@pytest.mark.parametrize("connections", [1, 3, 40])
def test_before_tls(net, dest, tmp_path, connections):  # noqa: F811
    """The same where pages wait for the first connection, since it may take them all by HTTP/2."""
    authority = Authority(tmp_path / "authority")
    shown = authority.server(NAME)
    result = succeeded(net("--timeout", "8", "--connections", connections, "--cert", authority.ca, *MANY, full=[HOLE],
                           index=f"https://{NAME}:80/simple/", tls=[shown.chain, shown.key], hosts=hosts(HOLE, OURS)))
    assert len(names_in(dest)) == len(MANY)
    assert result.seconds < 7, result


@pytest.fixture
def tls(tmp_path):
    """What own_network serves TLS by, and what dray is told of it."""
    authority = Authority(tmp_path / "authority")
    shown = authority.server(NAME)
    return {"index": f"https://{NAME}:80/simple/", "tls": [shown.chain, shown.key]}, ("--cert", authority.ca)


@pytest.mark.parametrize("connections", [1, 40])
def test_the_winner_cuts_the_handshake(net, dest, tls, connections):  # noqa: F811
    serving, args = tls
    result = succeeded(net(*args, "--connections", connections, *MANY, hosts=hosts(HOLE, OURS), rude=[HOLE], **serving))
    assert len(names_in(dest)) == len(MANY) and result.seconds < 5, result


@pytest.mark.parametrize("connections", [1, 3, 40])
def test_the_winner_never_shakes_hands(net, dest, tls, connections):  # noqa: F811
    """One time-out for all who wait for that connection; what was found dead is tried last from then on."""
    serving, args = tls
    result = succeeded(net(*args, "--timeout", "3", "--connections", connections, *MANY, hosts=hosts(HOLE, OURS),
                           mute=[HOLE], **serving))
    assert len(names_in(dest)) == len(MANY)
    assert 2.9 < result.seconds < 5.9, result


def test_all_cut_the_handshake(net, tls):  # noqa: F811
    """Each is tried once."""
    serving, args = tls
    result = net(*args, "demo", hosts=hosts(HOLE, HOLE_2), rude=[HOLE, HOLE_2], serve=[], **serving)
    failed_with(result, f"connecting to {NAME} port 80")
    assert result.seconds < 5, result


@pytest.mark.parametrize("addresses", [[HOLE], [HOLE, HOLE_2], ["::1", HOLE]])
def test_nothing_but_black_holes(net, addresses):  # noqa: F811
    """One time-out for each attempt, whatever the number of addresses is."""
    if "::1" in addresses and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    result = net("demo", "--timeout", "1", "--retries", "1", hosts=hosts(*addresses), full=addresses)
    failed_with(result, f"connecting to {NAME} port 80: no connection in time")
    assert 1.9 < result.seconds < 6


def test_the_first_cause_is_told(net):  # noqa: F811
    result = net("demo", "--timeout", "1", hosts=hosts(NOBODY, HOLE), full=[HOLE])
    failed_with(result, f"connecting to {NAME} port 80: Connection refused")
