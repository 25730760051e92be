"""A body that one run began and the next one ends: killed, interrupted or out of attempts in between, with what is on
the disk or on the server changed meanwhile, and with somebody else at it at the same time."""

import dataclasses
import json
import signal
import time

import faulty
import make_index
import pytest
from faulty import LIMIT_S, can_resume, ranges_of
from program import names_in
from test_store import flip, store_of

MIB = 1 << 20
SIZE = 9 * MIB  # what is smaller does not outlive a kill
HELD = 6 * MIB
LOST = MIB // 2  # what was not written yet when the process was killed


@pytest.fixture
def demo(wheel):
    return wheel("demo", "1.0", payload=SIZE)


def stalling(body, **facts):
    return can_resume(body, stall_after=HELD, **facts)


def kept(dray):
    """The files of which interrupted bodies are kept."""
    return [path for path in (store_of(dray) / "partial").rglob("*") if path.is_file()]


def start(fetch, *words):
    """A run that has got all that its server sends before it stalls."""
    process = fetch.start("--progress", "json", *words, "demo")
    for line in process.stdout:
        if json.loads(line).get("got", 0) >= HELD:
            return process
    raise AssertionError(process.stderr.read().decode())


def interrupted(fetch, how=signal.SIGKILL):
    """One that was ended then; --timeout is long, so that nothing else ends it."""
    process = start(fetch, "--timeout", "60")
    process.send_signal(how)
    process.communicate(timeout=LIMIT_S)
    assert process.returncode in (-how, 128 + how)
    assert names_in(fetch.dest) == []


def resumed_at(request):
    """Where it went on, which is where the first run was, but for what was not written yet."""
    begin = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
    assert HELD - LOST <= begin <= HELD
    return begin


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_the_next_run_fetches_no_more_than_the_rest(fetch, fault, demo, serve, how):
    path = serve(stalling, can_resume)
    interrupted(fetch, how)
    fetch.rightly([demo], "demo")
    _, second = fault.requests(path)
    assert second.sent == demo.stat().st_size - resumed_at(second)
    assert second.headers["if-range"] == '"one"'


def test_interrupted_twice(fetch, fault, demo, serve):
    path = serve(stalling, lambda body: can_resume(body, ranges=lambda asked, right: stall(right)), can_resume)
    interrupted(fetch)
    process = fetch.start("--timeout", "60", "demo")
    until = time.monotonic() + LIMIT_S
    while len(fault.requests(path)) < 2 or fault.requests(path)[1].sent == 0:
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.communicate()
    fetch.rightly([demo], "demo")
    resumed_at(fault.requests(path)[2])


def stall(right):
    """A few more bytes, then nothing."""
    return dataclasses.replace(right, stall_after=10)


def test_elsewhere_under_its_digest(fetch, fault, demo, serve):
    """Another mirror has the same file: what came from the first is as good."""
    serve(stalling)
    interrupted(fetch)
    fault.project("demo", make_index.describe(demo, fault.on(f"/mirror/{demo.name}", can_resume(demo.read_bytes()))))
    fetch.rightly([demo], "demo")
    request, = fault.requests(f"/mirror/{demo.name}")
    resumed_at(request)


# Meanwhile

@pytest.fixture
def other(tmp_path):
    """Another file of that name."""
    return make_index.make_wheel(tmp_path / "other", "demo", "1.0", payload=SIZE, seed="other")


def test_the_page_promises_another_file(fetch, fault, serve, other):
    """What was got of the old one stays its own, for whoever asks for that; nothing of it is asked for here."""
    path = serve(stalling)
    interrupted(fetch)
    fault.project("demo", fault.wheel(other, can_resume))
    assert fetch("demo").rc == 0
    assert (fetch.dest / other.name).read_bytes() == other.read_bytes()
    assert "range" not in fault.requests(path)[1].headers and len(kept(fetch.dray)) == 2


def test_the_file_changed(fetch, fault, serve, other):
    """Nothing is promised but by the validator."""
    facts = {"hashes": {}, "size": None}
    path = serve(stalling, **facts)
    interrupted(fetch)
    fault.project("demo", fault.wheel(other, lambda body: can_resume(body, headers={"ETag": '"two"'}), **facts))
    fetch.rightly([other], "demo")
    assert fault.requests(path)[1].headers["if-range"] == '"one"'


def test_the_file_changed_and_nobody_says_so(fetch, fault, serve, other):
    """The same validator, the same promise of the page's: the digest is wrong then, and that is said."""
    path = serve(stalling)
    interrupted(fetch)
    fault.on(path, can_resume(other.read_bytes()))
    fetch.wrongly("demo", "sha256", words=("--retries", "1", "demo"))


@pytest.mark.parametrize("spoil", [
    lambda path: flip(path, 7), lambda path: path.write_bytes(path.read_bytes()[:1000]),
    lambda path: path.write_bytes(b""), lambda path: path.write_bytes(path.read_bytes() * 3),
    lambda path: path.unlink(),
], ids=["flipped", "truncated", "emptied", "too-long", "removed"])
def test_what_was_kept_is_damaged(fetch, demo, serve, spoil):
    """Each file that was kept, whatever stands in it: at worst all is fetched again."""
    serve(stalling, can_resume)
    interrupted(fetch)
    assert kept(fetch.dray)
    for path in kept(fetch.dray):
        if path.stat().st_size > 7:
            spoil(path)
    fetch.rightly([demo], "demo")


def test_somebody_else_is_at_it(fetch, dray, fault, demo, serve, tmp_path):
    """Two runs at once: neither takes what the other is writing, both end well."""
    path = serve(stalling, can_resume, can_resume)
    process = start(fetch, "--timeout", "4", "--retries", "2")
    second = faulty.Fetch(dray, tmp_path / "second", fetch.index)
    result = second("demo")
    assert result.rc == 0, result
    assert (second.dest / demo.name).read_bytes() == demo.read_bytes()
    fault.release()
    dray.finish(process, LIMIT_S)
    fetch.rightly([demo], "demo")
    assert "range" not in fault.requests(path)[1].headers


def test_without_a_store(fetch, fault, demo, serve):
    """Nothing is kept, and nothing is left."""
    path = serve(stalling, can_resume)
    process = fetch.start("--no-cache-dir", "--timeout", "60", "demo")
    until = time.monotonic() + LIMIT_S
    while not fault.requests(path) or fault.requests(path)[0].sent < HELD:
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    fetch.dray.finish(process, LIMIT_S)
    assert names_in(fetch.dest) == [] and kept(fetch.dray) == []
    fetch("--no-cache-dir", "demo")
    assert ranges_of(fault.requests(path)) == [None, None]
    assert (fetch.dest / demo.name).read_bytes() == demo.read_bytes()
