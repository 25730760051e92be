"""--limit-rate and --connections-per-host, measured by the servers."""

import gzip
import time

import make_index
import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded

KIB = 1024
RATE = 1024 * KIB


def serve(fault, wheel, sizes, **answer):
    """Projects with files of these sizes; their names, and the bytes of all pages and files."""
    names, total = [], 0
    for i, size in enumerate(sizes):
        made = wheel(f"rated-{i}", "1.0", payload=size)
        fault.project(f"rated-{i}", fault.wheel(made, lambda body: Answer(body, **answer)))
        names.append(f"rated-{i}")
        total += made.stat().st_size + len(fault.answers[f"/simple/rated-{i}/"][0].body)
    return names, total


def assert_rate(total, seconds, rate=RATE):
    """The first tenth of a second's worth may come at once; a start of the program takes a moment."""
    assert total <= 1.3 * rate * seconds, f"{total / seconds / KIB:.0f} KiB/s"
    assert total >= rate * (seconds - 1) / 2, f"{total / seconds / KIB:.0f} KiB/s"


@pytest.mark.parametrize("sizes", [[3000 * KIB], [600 * KIB] * 5, [2000 * KIB] + [20 * KIB] * 50, [15 * KIB] * 200],
                         ids=["one", "five", "mixed", "many"])
@pytest.mark.parametrize("shape", [{}, {"chunked": True}, {"length": None}], ids=["length", "chunked", "until-close"])
def test_a_rate_is_kept_to(dray, dest, fault, wheel, sizes, shape):
    names, total = serve(fault, wheel, sizes, **shape)
    began = time.monotonic()
    succeeded(dray.download("-i", fault.index, "--limit-rate", "1M", *names, dest=dest, seconds=60))
    assert len(names_in(dest)) == len(sizes)
    assert_rate(total, time.monotonic() - began)


def test_without_a_rate(dray, dest, fault, wheel):
    names, _ = serve(fault, wheel, [6000 * KIB])
    result = succeeded(dray.download("-i", fault.index, "--limit-rate", "0", *names, dest=dest))
    assert result.seconds < 6000 * KIB / RATE / 2


def test_our_own_waits_are_no_stall(dray, dest, fault, wheel):
    """At 500 bytes a second each read is followed by a pause that is longer than a host may be silent."""
    names, total = serve(fault, wheel, [1 * KIB])
    result = succeeded(dray.download("-i", fault.index, "--limit-rate", "500", "--timeout", "1", *names, dest=dest))
    assert_rate(total, result.seconds, 500)


def test_a_stall_is_one_all_the_same(dray, dest, fault, wheel):
    made = wheel("still", "1.0", payload=200 * KIB)
    fault.project("still", fault.wheel(made, lambda body: Answer(body, stall_after=100 * KIB)))
    failed_with(dray.download("-i", fault.index, "--limit-rate", "200K", "--timeout", "1", "still", dest=dest),
                "sent nothing for 1000 ms")


def test_pages_that_are_compressed(dray, dest, fault, wheel):
    """What counts is what came over the wire, a twentieth of it; and each arrives whole."""
    total = 0
    for i in range(4):
        files = [fault.wheel(wheel(f"paged-{i}", "1.0"))]
        old = [{**files[0], "filename": f"paged_{i}-0.{n}-py3-none-any.whl"} for n in range(8000)]
        page = gzip.compress(make_index.json_page(f"paged-{i}", [*old, *files]))
        total += len(page)
        fault.page(f"paged-{i}", page, make_index.JSON_TYPE)
        fault.answers[f"/simple/paged-{i}/"][0].headers["Content-Encoding"] = "gzip"
    result = succeeded(dray.download("-i", fault.index, "--limit-rate", "50K", *(f"paged-{i}" for i in range(4)),
                                     dest=dest))
    assert len(names_in(dest)) == 4 and total > 100 * KIB
    assert_rate(total, result.seconds, 50 * KIB)


def test_connections_per_host(dray, dest, fault, wheel):
    names, _ = serve(fault, wheel, [1 * KIB] * 20, wait=0.05)
    succeeded(dray.download("-i", fault.index, "--connections-per-host", "3", *names, dest=dest))
    assert fault.busiest == 3


def test_two_hosts_have_connections_of_their_own(dray, dest, fault, wheel):
    names = []
    for i in range(20):
        facts = fault.wheel(wheel(f"near-{i}", "1.0"), lambda body: Answer(body, wait=0.2))
        facts["url"] = facts["url"].replace("127.0.0.1", ["127.0.0.1", "localhost"][i % 2])
        fault.project(f"near-{i}", facts)
        names.append(f"near-{i}")
    succeeded(dray.download("-i", fault.index, "--connections-per-host", "2", *names, dest=dest))
    assert fault.busiest == 4


@pytest.mark.parametrize("args,said", [
    (["--connections-per-host", "0"], "at least 1"), (["--limit-rate", "fast"], "bytes a second such as 500K"),
])
def test_wrong_values(dray, dest, args, said):
    failed_with(dray.download(*args, "demo", dest=dest), said, code=2)
