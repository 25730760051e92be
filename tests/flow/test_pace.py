"""Hosts that say, or show, that they are asked too much at once."""

import pytest
from fault_server import Answer
from program import names_in, succeeded

N = 60


@pytest.fixture
def crowd(fault, wheel):
    """Many projects, whose files take a moment each."""
    def make(n=N, **answer):
        for i in range(n):
            made = wheel(f"crowd-{i}", "1.0", payload=2000)
            fault.project(f"crowd-{i}", fault.wheel(made, lambda body: Answer(body, wait=0.02, **answer)))
        return [f"crowd-{i}" for i in range(n)]

    return make


def notes(result):
    return [line for line in result.err.splitlines() if line.startswith("Note ")]


@pytest.mark.parametrize("answer", [Answer(b"", 429), Answer(b"", 503), Answer(garbage=b"")],
                         ids=["429", "503", "closed"])
def test_a_host_that_takes_only_a_few_at_once(dray, dest, fault, crowd, answer):
    names = crowd()
    fault.at_most = (4, answer)
    result = succeeded(dray.download("-i", fault.index, "--retries", "5", "-vv", *names, dest=dest))
    assert len(names_in(dest)) == N
    # Halved from 50 to 3, then one more for each eight good answers, and again: not all over again each time.
    assert fault.refused < 50 + 25 + 12 + 6 + N / 4, fault.refused
    assert 3 <= len(notes(result)) <= 20, result
    assert all("at once for now" in line for line in notes(result)), result


def test_a_host_that_takes_one_at_a_time(dray, dest, fault, crowd):
    names = crowd(20)
    fault.at_most = (1, Answer(b"", 429))
    succeeded(dray.download("-i", fault.index, "--retries", "8", *names, dest=dest))
    assert len(names_in(dest)) == 20


def test_a_host_without_trouble_gets_all_at_once(dray, dest, fault, crowd):
    names = crowd()
    for name in names:
        fault.answers[f"/simple/{name}/"][0].wait = 0.3
    result = succeeded(dray.download("-i", fault.index, "-vv", "--connections", "30", *names, dest=dest))
    assert fault.busiest == 30 and notes(result) == []


def test_it_recovers(dray, dest, fault, crowd):
    """One bad moment is forgotten again."""
    names = crowd(200)
    fault.answers["/simple/crowd-0/"].insert(0, Answer(b"", 503))
    result = succeeded(dray.download("-i", fault.index, "--retries", "1", "-vv", "--connections", "16", *names,
                                     dest=dest))
    (note,) = notes(result)
    assert "answered 503: at most 8 requests at once" in note
    files = [request for request in fault.requests() if request.path.startswith("/files/")]
    assert max(request.busy for request in files[100:]) > 10


def test_too_many_requests_are_for_all(dray, dest, fault, crowd):
    """429 with Retry-After: nobody asks that host before; another host is asked meanwhile."""
    names = crowd(30)
    fault.answers["/simple/crowd-3/"].insert(0, Answer(b"", 429, headers={"Retry-After": "2"}))
    result = succeeded(dray.download("-i", fault.index, "--retries", "1", "-vv", "--connections", "4", *names,
                                     dest=dest))
    refused, again = fault.requests("/simple/crowd-3/")
    assert again.at - refused.at >= 2
    # Those under way at that moment may still come: they and no more.
    between = [r for r in fault.requests() if refused.at + 0.2 < r.at < refused.at + 1.9]
    assert between == []
    assert any("asks to be left alone for 2 s" in line for line in notes(result)), result


def test_a_rest_without_end_is_not_kept_to(dray, dest, fault, crowd):
    """The one that was told so fails at once; the others are tried."""
    names = crowd(10)
    fault.answers["/simple/crowd-3/"].insert(0, Answer(b"", 429, headers={"Retry-After": "86400"}))
    result = dray.download("-i", fault.index, "--retries", "1", "--connections", "2", *names, dest=dest)
    assert result.rc == 1 and "too long for a retry" in result.err
    assert len(names_in(dest)) == 9 and result.seconds < 10


def test_other_hosts_go_on(dray, dest, fault, wheel):
    """Files are elsewhere: the index's bad moment does not hold them up."""
    made = wheel("far", "1.0")
    facts = fault.wheel(made)
    facts["url"] = facts["url"].replace("127.0.0.1", "localhost")
    fault.project("far", facts, wait=0.4)
    near = wheel("near", "1.0")
    fault.project("near", fault.wheel(near))
    page = fault.answers["/simple/near/"][0]
    fault.on("/simple/near/", Answer(b"", 429, headers={"Retry-After": "2"}), page)
    succeeded(dray.download("-i", fault.index, "--retries", "1", "--connections", "2", "far", "near", dest=dest))
    refused = fault.requests("/simple/near/")[0]
    fetched = fault.requests(f"/files/{made.name}")[0]
    assert 0.2 < fetched.at - refused.at < 1.5
