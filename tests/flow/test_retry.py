"""What is worth a second attempt, how long it is waited for, and what is final."""

import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded


@pytest.fixture
def project(fault, wheel):
    """A project whose file answers as said, attempt by attempt; returns the path of the file."""
    def make(*answers, **facts):
        made = wheel("demo", "1.0", payload=80000)
        fault.project("demo", fault.wheel(made, *answers, **facts))
        return made

    return make


def attempts(fault, made):
    return fault.requests(f"/files/{made.name}")


@pytest.mark.parametrize("spoil", [
    lambda body: Answer(b"busy", 503), lambda body: Answer(b"", 500), lambda body: Answer(b"", 502),
    lambda body: Answer(b"", 429), lambda body: Answer(b"", 408), lambda body: Answer(garbage=b""),
    lambda body: Answer(body, cut_after=30000), lambda body: Answer(body, reset_after=30000),
    lambda body: Answer(body, chunked=True, cut_after=30000),
], ids=["503", "500", "502", "429", "408", "closed", "cut", "reset", "cut-chunked"])
def test_worth_another_attempt(dray, dest, fault, project, spoil):
    made = project(spoil, Answer)
    succeeded(dray.download("-i", fault.index, "--retries", "2", "demo", dest=dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert len(attempts(fault, made)) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_final(dray, dest, fault, project, status):
    made = project(lambda _: Answer(b"", status))
    failed_with(dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest), "demo", str(status))
    assert len(attempts(fault, made)) == 1


def test_a_wrong_hash_is_final(dray, dest, fault, project):
    made = project(lambda body: Answer(body[:-1] + b"?"))
    failed_with(dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest), "demo")
    assert len(attempts(fault, made)) <= 2 and names_in(dest) == []


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_so_many_times_and_no_more(dray, dest, fault, project, retries):
    made = project(lambda _: Answer(b"", 503))
    failed_with(dray.download("-i", fault.index, "--retries", retries, "demo", dest=dest), "demo", "503")
    assert len(attempts(fault, made)) == retries + 1


def test_retry_after_is_kept_to(dray, dest, fault, project):
    made = project(lambda _: Answer(b"", 503, headers={"Retry-After": "2"}), Answer)
    succeeded(dray.download("-i", fault.index, "--retries", "1", "demo", dest=dest))
    first, second = attempts(fault, made)
    assert 2 <= second.at - first.at < 8


def test_a_retry_after_without_end_is_told_not_waited_for(dray, dest, fault, project):
    project(lambda _: Answer(b"", 503, headers={"Retry-After": "86400"}), Answer)
    result = dray.download("-i", fault.index, "--retries", "1", "demo", dest=dest)
    failed_with(result, "demo", "503")
    assert result.seconds < 20


def test_waits_grow(dray, dest, fault, project):
    """Full jitter: each wait is somewhere below its bound, and the bounds double."""
    made = project(lambda _: Answer(b"", 503))
    result = dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest)
    assert result.rc == 1
    times = [r.at for r in attempts(fault, made)]
    waits = [after - before for before, after in zip(times, times[1:])]
    assert len(waits) == 3
    assert all(wait < bound + 0.5 for wait, bound in zip(waits, (0.5, 1, 2))), waits


def test_pages_are_tried_again_too(dray, dest, fault, wheel):
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made))
    page = fault.answers["/simple/demo/"][0]
    fault.on("/simple/demo/", Answer(b"", 503), page)
    succeeded(dray.download("-i", fault.index, "--retries", "2", "demo", dest=dest))
    assert names_in(dest) == [made.name]


def test_a_stall_is_tried_again(dray, dest, fault, project):
    made = project(lambda body: Answer(body, stall_after=30000), Answer)
    succeeded(dray.download("-i", fault.index, "--timeout", "1", "--retries", "1", "demo", dest=dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()


def test_slow_is_not_stalled(dray, dest, fault, project):
    """A total timeout would end what merely is slow."""
    made = project(lambda body: Answer(body, pace=(8000, 0.3)))
    succeeded(dray.download("-i", fault.index, "--timeout", "1", "demo", dest=dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()


def test_the_others_do_not_wait(dray, dest, fault, wheel):
    """One that waits for its second attempt holds up nobody."""
    slow = wheel("slow", "1.0")
    fault.project("slow", fault.wheel(slow, lambda _: Answer(b"", 503, headers={"Retry-After": "3"}), Answer))
    for n in range(5):
        fault.project(f"fast-{n}", fault.wheel(wheel(f"fast-{n}", "1.0")))
    succeeded(dray.download("-i", fault.index, "--connections", "1", "--retries", "1", "slow",
                            *(f"fast-{n}" for n in range(5)), dest=dest))
    log = [r for r in fault.requests() if r.path.startswith("/files/")]
    assert log[-1].path == f"/files/{slow.name}"
    # Only the second attempt of the slow one comes after the wait.
    assert log[-2].at - log[0].at < 2
