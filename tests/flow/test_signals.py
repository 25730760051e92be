"""Interrupted in the middle: it ends at once, what is finished stays, nothing else does."""

import signal
import time

import pytest
from fault_server import Answer
from make_index import JSON_TYPE
from program import names_in

DONE = "done-1.0-py3-none-any.whl"
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture(autouse=True)
def no_nohup():
    """What runs the tests may ignore SIGHUP, which dray would inherit, and then ignore too."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(params=CODES, ids=lambda s: s.name)
def number(request):
    return request.param


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def interrupt(dray, process, number):
    began = time.monotonic()
    process.send_signal(number)
    result = dray.finish(process, 20)
    assert result.rc == CODES[number], result
    assert time.monotonic() - began < 5, "it ends at once"
    return result


def test_in_the_middle_of_a_body(dray, dest, fault, wheel, number):
    fault.project("done", fault.wheel(wheel("done", "1.0")))
    for n in range(3):
        made = wheel(f"slow-{n}", "1.0", payload=1 << 20)
        fault.project(f"slow-{n}", fault.wheel(made, lambda body: Answer(body, stall_after=700000)))
    process = dray.start("download", "--no-deps", "-i", fault.index, "done", "slow-0", "slow-1", "slow-2", "-d", dest)
    until(lambda: DONE in names_in(dest) and all(fault.requests(f"/files/slow_{n}-1.0-py3-none-any.whl")
                                                  for n in range(3)))
    time.sleep(0.3)
    result = interrupt(dray, process, number)
    assert names_in(dest) == [DONE]
    assert result.err.count("error:") == 0, "what was cut short by the user is no failure of its own"


def test_while_a_page_is_on_its_way(dray, dest, fault, number):
    fault.page("slow", b"{" + b" " * 100000, JSON_TYPE, stall_after=50000)
    process = dray.start("download", "--no-deps", "-i", fault.index, "slow", "-d", dest)
    fault.wait_for("/simple/slow/")
    interrupt(dray, process, number)
    assert names_in(dest) == []


def test_between_two_attempts(dray, dest, fault, wheel, number):
    made = wheel("demo", "1.0")
    busy = Answer(b"", 503, headers={"Retry-After": "60"})
    fault.project("demo", fault.wheel(made, lambda _: busy))
    process = dray.start("download", "--no-deps", "-i", fault.index, "--retries", "3", "demo", "-d", dest)
    fault.wait_for(f"/files/{made.name}")
    time.sleep(0.3)
    interrupt(dray, process, number)
    assert names_in(dest) == []


def test_a_wrong_file_that_was_there_stays(dray, dest, fault, wheel, number):
    made = wheel("demo", "1.0", payload=1 << 20)
    dest.mkdir()
    (dest / made.name).write_bytes(b"old")
    fault.project("demo", fault.wheel(made, lambda body: Answer(body, stall_after=700000)))
    process = dray.start("download", "--no-deps", "-i", fault.index, "demo", "-d", dest)
    fault.wait_for(f"/files/{made.name}")
    time.sleep(0.3)
    interrupt(dray, process, number)
    assert names_in(dest) == [made.name]
    assert (dest / made.name).read_bytes() == b"old"


def test_a_second_run_finishes_the_rest(dray, dest, fault, wheel):
    made = wheel("demo", "1.0", payload=1 << 20)
    fault.project("demo", fault.wheel(made, lambda body: Answer(body, stall_after=700000), Answer))
    process = dray.start("download", "--no-deps", "-i", fault.index, "demo", "-d", dest)
    fault.wait_for(f"/files/{made.name}")
    interrupt(dray, process, signal.SIGINT)
    result = dray.download("-i", fault.index, "demo", dest=dest)
    assert result.rc == 0, result
    assert (dest / made.name).read_bytes() == made.read_bytes()


def test_its_reader_goes_away(dray, dest, fault, wheel):
    """`dray ... --progress json | head -1`: the files still arrive, or it fails; no signal kills it half-way."""
    import os

    made = wheel("demo", "1.0", payload=50000)
    fault.project("demo", fault.wheel(made, lambda body: Answer(body, pace=(5000, 0.05))))
    reading, writing = os.pipe()
    process = dray.start("download", "--no-deps", "--progress", "json", "-i", fault.index, "demo", "-d", dest,
                         stdout=writing)
    os.close(writing)
    fault.wait_for(f"/files/{made.name}")
    os.close(reading)
    result = dray.finish(process)
    assert result.rc in (0, 1), result
    assert [name for name in names_in(dest) if name != made.name] == []
