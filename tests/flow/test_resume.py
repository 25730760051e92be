"""A body that is cut goes on where it was cut: in the run, and in the next one."""

import json
import os
import signal

import pytest

from fault_server import Answer, heedless, says, shifted, whole_instead
from program import succeeded

SIZE = 3 * 1024 * 1024
TAGGED = {"ETag": '"v1"'}


@pytest.fixture
def big(wheel):
    return wheel("demo", "1.0", payload=SIZE)


def ranges_of(fault, path):
    return [r.headers.get("range") for r in fault.requests(f"/files/{path.name}")]


def stop_when_it_has(dray, dest, fault, how, n):
    """Starts a run whose server stalls after `n` bytes, and ends it when these have come."""
    process = dray.start("download", "--no-deps", "-i", fault.index, "--progress", "json", "-d", dest, "demo")
    for line in process.stdout:
        if json.loads(line).get("got", 0) >= n:
            break
    process.send_signal(how)
    process.wait(20)
    process.stdout.close()
    process.stderr.close()


def nothing_left(dray, dest):
    left = [p for p in (dray.home / "cache").rglob("*") if p.name.endswith((".part", ".note"))]
    assert not left
    assert not [p for p in dest.iterdir() if p.suffix != ".whl"]


@pytest.mark.parametrize("headers", [
    TAGGED, {"Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT", "Date": "Sun, 06 Nov 1994 08:50:37 GMT"}, {}])
def test_in_the_run(dray, dest, fault, big, headers):
    """By a strong validator; a promised digest does without."""
    fault.project("demo", fault.wheel(
        big, lambda body: Answer(body, headers=headers, ranges=True, cut_after=1000000),
        lambda body: Answer(body, headers=headers, ranges=True, cut_after=500000),
        lambda body: Answer(body, headers=headers, ranges=True)))
    done = succeeded(dray.download("-i", fault.index, "-v", "--retries", "3", "demo", dest=dest))
    assert (dest / big.name).read_bytes() == big.read_bytes()
    assert ranges_of(fault, big) == [None, "bytes=1000000-", "bytes=1500000-"]
    asked = {r.headers.get("if-range") for r in fault.requests(f"/files/{big.name}")[1:]}
    assert asked == {headers.get("ETag", headers.get("Last-Modified"))}
    assert done.err.count("Resumed") == 2
    nothing_left(dray, dest)


@pytest.mark.parametrize("wrong", [shifted, says(None), says("bytes {first}-{last}/{last}"), says("bytes 0-{last}/{total}")])
def test_a_wrong_part_is_not_taken(dray, dest, fault, big, wrong):
    fault.project("demo", fault.wheel(
        big, lambda body: Answer(body, headers=TAGGED, ranges=True, cut_after=1000000),
        lambda body: Answer(body, headers=TAGGED, ranges=wrong)))
    succeeded(dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest))
    assert (dest / big.name).read_bytes() == big.read_bytes()
    assert ranges_of(fault, big) == [None, "bytes=1000000-", None]


def test_the_whole_instead(dray, dest, fault, big):
    fault.project("demo", fault.wheel(
        big, lambda body: Answer(body, headers=TAGGED, ranges=True, cut_after=1000000),
        lambda body: Answer(body, headers=TAGGED, ranges=whole_instead)))
    succeeded(dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest))
    assert (dest / big.name).read_bytes() == big.read_bytes()
    assert ranges_of(fault, big) == [None, "bytes=1000000-"]


def test_a_change_that_the_server_does_not_tell(dray, dest, fault, big):
    """It heeds no If-Range: the digest shows that the parts don't fit, and all of it is fetched once more."""
    other = bytes(SIZE)
    fault.project("demo", fault.wheel(
        big, lambda body: Answer(other[:len(body)].ljust(len(body), b"x"), headers=TAGGED, ranges=True, cut_after=1000000),
        lambda body: Answer(body, ranges=heedless)))
    succeeded(dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest))
    assert (dest / big.name).read_bytes() == big.read_bytes()
    assert ranges_of(fault, big) == [None, "bytes=1000000-", None]


def test_without_anything_to_compare_it_begins_again(dray, dest, fault, big):
    """No validator, no digest: nobody knows of what the rest would be."""
    url = fault.on(f"/files/{big.name}", Answer(big.read_bytes(), ranges=True, cut_after=1000000),
                   Answer(big.read_bytes(), ranges=True))
    succeeded(dray.download("--retries", "3", url, dest=dest))
    assert (dest / big.name).read_bytes() == big.read_bytes()
    assert ranges_of(fault, big) == [None, None]


def test_a_line_that_breaks_all_the_time(dray, dest, fault, big):
    """What brings the body forward does not count as one of the attempts."""
    fault.project("demo", fault.wheel(big, lambda body: Answer(body, headers=TAGGED, ranges=True, cut_after=300000)))
    succeeded(dray.download("-i", fault.index, "--retries", "1", "demo", dest=dest))
    assert (dest / big.name).read_bytes() == big.read_bytes()
    assert len(ranges_of(fault, big)) == -(-len(big.read_bytes()) // 300000)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_in_the_next_run(dray, dest, fault, big, how):
    fault.project("demo", fault.wheel(
        big, lambda body: Answer(body, headers=TAGGED, ranges=True, stall_after=1000000),
        lambda body: Answer(body, headers=TAGGED, ranges=True)))
    stop_when_it_has(dray, dest, fault, how, 1000000)
    assert not list(dest.iterdir())
    done = succeeded(dray.download("-i", fault.index, "-v", "--retries", "3", "demo", dest=dest))
    assert (dest / big.name).read_bytes() == big.read_bytes()
    assert ranges_of(fault, big) == [None, "bytes=1000000-"]
    assert "Resumed" in done.err
    nothing_left(dray, dest)


def test_after_a_kill(dray, dest, fault, wheel):
    """Large ones outlive it, but for what was not written yet."""
    size = 9 * 1024 * 1024
    large = wheel("demo", "1.0", payload=size)
    fault.project("demo", fault.wheel(
        large, lambda body: Answer(body, headers=TAGGED, ranges=True, stall_after=5000000),
        lambda body: Answer(body, headers=TAGGED, ranges=True)))
    stop_when_it_has(dray, dest, fault, signal.SIGKILL, 5000000)
    succeeded(dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest))
    assert (dest / large.name).read_bytes() == large.read_bytes()
    first, second = ranges_of(fault, large)
    assert first is None and 4500000 < int(second.removeprefix("bytes=").removesuffix("-")) <= 5000000
    nothing_left(dray, dest)


def test_after_a_failure(dray, dest, fault, big):
    answers = [lambda body: Answer(body, headers=TAGGED, ranges=True, cut_after=1000000),
               lambda body: Answer(b"", 503), lambda body: Answer(body, headers=TAGGED, ranges=True)]
    fault.project("demo", fault.wheel(big, *answers))
    failed = dray.download("-i", fault.index, "--retries", "1", "demo", dest=dest)
    assert failed.rc == 1 and "503" in failed.err
    succeeded(dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest))
    assert (dest / big.name).read_bytes() == big.read_bytes()
    assert ranges_of(fault, big) == [None, "bytes=1000000-", "bytes=1000000-"]


def test_changed_between_two_runs(dray, dest, fault, big):
    old = bytes(len(big.read_bytes()))
    fault.project("demo", fault.wheel(
        big, lambda body: Answer(old, headers={"ETag": '"v0"'}, ranges=True, stall_after=1000000),
        lambda body: Answer(body, headers=TAGGED, ranges=True)))
    stop_when_it_has(dray, dest, fault, signal.SIGINT, 1000000)
    succeeded(dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest))
    assert (dest / big.name).read_bytes() == big.read_bytes()
    assert ranges_of(fault, big) == [None, "bytes=1000000-"]


def test_what_is_damaged_is_fetched_anew(dray, dest, fault, big):
    fault.project("demo", fault.wheel(
        big, lambda body: Answer(body, headers=TAGGED, ranges=True, stall_after=1000000),
        lambda body: Answer(body, headers=TAGGED, ranges=True)))
    stop_when_it_has(dray, dest, fault, signal.SIGINT, 1000000)
    (part,) = (dray.home / "cache").rglob("*.part")
    os.chmod(part, 0o600)
    part.write_bytes(b"\0" * part.stat().st_size)
    succeeded(dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest))
    assert (dest / big.name).read_bytes() == big.read_bytes()
    assert ranges_of(fault, big) == [None, "bytes=1000000-", None]


def test_many_that_wait(dray, dest, fault, wheel):
    """An open file each, while they wait: only so many are kept, the others begin again."""
    made = [wheel(f"demo-{n}", "1.0", payload=20000) for n in range(200)]
    for n, path in enumerate(made):
        fault.project(f"demo-{n}", fault.wheel(
            path, lambda body: Answer(body[:5000], 200, headers={"Content-Length": str(len(body)), "Retry-After": "1"},
                                      length=None, ranges=True),
            lambda body: Answer(body, headers=TAGGED, ranges=True)))
    limited = ["sh", "-c", 'ulimit -n 130; exec "$@"', "sh"]
    succeeded(dray.download("-i", fault.index, "--retries", "1", "--connections", "8",
                            *(f"demo-{n}" for n in range(200)), dest=dest, prefix=limited))
    assert all((dest / path.name).read_bytes() == path.read_bytes() for path in made)
    asked = [r.headers.get("range") for path in made for r in fault.requests(f"/files/{path.name}")]
    assert asked.count("bytes=5000-") >= 64 and len(asked) == 400


@pytest.mark.parametrize("bad", [
    *(lambda asked, right, status=status: Answer(b"no", status) for status in (304, 404, 410, 412, 500, 503)),
    lambda asked, right: Answer(garbage=b"what?\r\n\r\n"), lambda asked, right: Answer(garbage=b"")],
    ids=["304", "404", "410", "412", "500", "503", "garbage", "nothing"])
def test_what_was_kept_does_not_stand_in_the_way(dray, dest, fault, big, bad):
    """A server that breaks over ranges, but has the whole."""
    fault.project("demo", fault.wheel(
        big, lambda body: Answer(body, headers=TAGGED, ranges=True, stall_after=1000000),
        lambda body: Answer(body, headers=TAGGED, ranges=bad)))
    stop_when_it_has(dray, dest, fault, signal.SIGINT, 1000000)
    succeeded(dray.download("-i", fault.index, "--retries", "2", "demo", dest=dest))
    assert (dest / big.name).read_bytes() == big.read_bytes()
    assert ranges_of(fault, big)[-1] is None
