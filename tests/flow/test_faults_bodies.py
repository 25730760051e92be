"""Bodies that are cut: each byte is sent about once. And what servers say wrongly when asked for the rest: then all of
it is sent again, and what is placed is right."""

import dataclasses
import gzip

import fault_server
import make_index
import pytest
from fault_server import Answer, says, wrong_status
from faulty import VALIDATORS, can_resume, cut_at, ranges_of, reset_at
from program import names_in

MIB = 1 << 20
POWERS = [1 << n for n in range(21)]
HALF = 100_000
SIZE = 2 * HALF


@pytest.fixture
def demo(wheel):
    return wheel("demo", "1.0", payload=SIZE)


# Cut and resumed

@pytest.fixture(scope="module")
def cut(batch):
    """A file for each power of two, cut there, in one run."""
    made = batch("cut")
    for n in POWERS:
        made.add(n, cut_at(n), can_resume, payload=MIB)
    return made.run()


@pytest.mark.parametrize("n", POWERS)
def test_cut_at_a_power_of_two(cut, n):
    cut.holds(n)
    size = cut.made[n].stat().st_size
    assert n < size
    first, second = cut.requests(n)
    assert "range" not in first.headers
    assert cut.sent(n) <= 1.01 * size, "sent again"
    if n > 0.01 * size:
        assert (second.headers["range"], second.headers["if-range"]) == (f"bytes={n}-", VALIDATORS["ETag"])


def test_cut_at_each_power_of_two_leaves_nothing(cut):
    cut.has_nothing_else()


def test_reset_at_each_power_of_two(batch):
    """What a reset drops on its way is lost, and that is little."""
    made = batch("reset")
    for n in POWERS:
        made.add(n, reset_at(n), can_resume, payload=MIB)
    made.run().has_nothing_else()
    assert sum(map(made.sent, POWERS)) < 1.05 * sum(path.stat().st_size for path in made.made.values())


def test_a_stall_is_resumed(fetch, fault, serve, demo):
    path = serve(lambda body: can_resume(body, stall_after=HALF), can_resume)
    fetch.rightly([demo], "demo")
    assert ranges_of(fault.requests(path)) == [None, f"bytes={HALF}-"]


def test_a_chunked_body_is_resumed(fetch, fault, serve, demo):
    path = serve(cut_at(HALF, chunked=True), can_resume)
    fetch.rightly([demo], "demo")
    assert fault.sent(path) == demo.stat().st_size


def test_busy_between_the_parts(fetch, fault, serve, demo):
    """What was got before a 503 is not lost by it."""
    path = serve(cut_at(HALF), lambda _: Answer(b"", 503), can_resume)
    fetch.rightly([demo], "demo")
    assert ranges_of(fault.requests(path)) == [None, f"bytes={HALF}-", f"bytes={HALF}-"]
    assert fault.sent(path) == demo.stat().st_size


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"one"'}], ids=["none", "weak"])
def test_without_a_strong_validator(fetch, fault, serve, demo, headers):
    """The promised digest will tell."""
    path = serve(cut_at(HALF, headers=headers), lambda body: can_resume(body, headers=headers))
    fetch.rightly([demo], "demo")
    first, second = fault.requests(path)
    assert second.headers.get("range") == f"bytes={HALF}-" and "if-range" not in second.headers
    assert fault.sent(path) == demo.stat().st_size


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"one"'}], ids=["none", "weak"])
def test_without_a_strong_validator_and_without_a_digest(fetch, fault, serve, demo, headers):
    """Nothing would tell that the rest is another file's."""
    path = serve(cut_at(HALF, headers=headers), lambda body: can_resume(body, headers=headers), hashes={}, size=None)
    fetch.rightly([demo], "demo")
    assert ranges_of(fault.requests(path)) == [None, None]


def test_with_a_validator_and_without_a_digest(fetch, fault, serve, demo):
    path = serve(cut_at(HALF), can_resume, hashes={}, size=None)
    fetch.rightly([demo], "demo")
    assert fault.sent(path) == demo.stat().st_size


ENDLESS = {
    "no-ranges": False,
    "cut-again": lambda asked, right: Answer(asked.body, cut_after=3 * HALF),
    "another-part": fault_server.shifted,
    "closed": lambda *_: Answer(garbage=b""),
    "403": wrong_status(403),
}


@pytest.mark.parametrize("ranges", ENDLESS.values(), ids=ENDLESS)
def test_never_the_whole(fetch, fault, wheel, ranges):
    """Always cut at the same place, and the rest can't be had: it ends, and says where."""
    made = wheel("demo", "1.0", payload=4 * HALF)
    fault.project("demo", fault.wheel(made, lambda body: can_resume(body, cut_after=3 * HALF, ranges=ranges)))
    fetch.wrongly("demo", f"/files/{made.name}", " attempts)", words=("--retries", "2", "demo"))
    assert len(fault.requests(f"/files/{made.name}")) <= 6


# Another file meanwhile

@pytest.fixture
def older(wheel, tmp_path):
    """The same length, other bytes, and another validator."""
    path = make_index.make_wheel(tmp_path / "older", "demo", "1.0", payload=SIZE, seed="older")
    return can_resume(path.read_bytes(), cut_after=HALF, headers={"ETag": '"older"'})


@pytest.mark.parametrize("facts", [{}, {"hashes": {}, "size": None}], ids=["digest", "no-digest"])
def test_a_file_that_changed(fetch, fault, serve, demo, older, facts):
    """If-Range says that the rest is not wanted then."""
    path = serve(lambda _: older, can_resume, **facts)
    fetch.rightly([demo], "demo")
    assert fault.requests(path)[1].headers.get("if-range") == '"older"'
    assert len(fault.requests(path)) == 2


@pytest.mark.parametrize("facts", [{}, {"hashes": {}, "size": None}], ids=["digest", "no-digest"])
def test_a_file_that_changed_on_a_server_that_ignores_if_range(fetch, serve, demo, older, facts):
    """Its 206 has another validator; RFC 9110 section 15.3.7.3: parts of different ones are not put together."""
    serve(lambda _: older, lambda body: can_resume(body, ranges=fault_server.heedless), **facts)
    fetch.rightly([demo], "demo")


def test_a_file_that_changed_on_a_server_that_says_nothing_of_it(fetch, serve, demo, older):
    """The digest tells."""
    said = dataclasses.replace(older, headers={})
    serve(lambda _: said, lambda body: can_resume(body, ranges=fault_server.heedless, headers={}))
    fetch.rightly([demo], "demo")


def test_a_file_that_grew(fetch, serve, demo):
    """Its total is another one."""
    serve(lambda body: can_resume(body[:-5], cut_after=HALF), lambda body: can_resume(body, ranges=fault_server.heedless),
          hashes={}, size=None)
    fetch.rightly([demo], "demo")


# Wrong answers to a right question: what has come is given up, or, of an error, kept

WRONG = {
    "another-part": fault_server.shifted,
    "another-part-mislabelled": fault_server.mislabelled,
    "no-content-range": says(None),
    "another-first": says("bytes 0-{last}/{total}"),
    "another-last": says("bytes {first}-{first}/{total}"),
    "another-total": says("bytes {first}-{last}/7"),
    "another-unit": says("items {first}-{last}/{total}"),
    "malformed": says("bytes {first}-"),
    "backwards": says("bytes {last}-{first}/{total}"),
    "too-short": fault_server.too_short,
    "too-long": fault_server.too_long,
    "more-behind": fault_server.more_behind,
    "whole": fault_server.whole_instead,
    "multipart": fault_server.multipart,
    "compressed": fault_server.zipped_part,
    "400": wrong_status(400),
    "403": wrong_status(403),
    "416": wrong_status(416),
    "416-and-the-length": fault_server.not_satisfiable,
    "501": wrong_status(501),
}


@pytest.fixture(scope="module")
def wrong_rests(batch):
    made = batch("rests")
    for key, wrong in WRONG.items():
        made.add(key, cut_at(HALF), lambda body, w=wrong: can_resume(body, ranges=w), payload=SIZE)
    return made.run()


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_answer_to_the_rest(wrong_rests, key):
    """However often it is asked for; without a range the answer is right."""
    wrong_rests.holds(key)
    assert len(wrong_rests.requests(key)) <= 4


def test_wrong_answers_leave_nothing(wrong_rests):
    wrong_rests.has_nothing_else()


def test_a_total_of_star(fetch, fault, serve, demo):
    path = serve(cut_at(HALF), lambda body: can_resume(body, ranges=says("bytes {first}-{last}/*")))
    fetch.rightly([demo], "demo")
    assert fault.sent(path) <= 1.6 * demo.stat().st_size


def test_the_rest_is_cut_too(fetch, fault, serve, demo):
    path = serve(cut_at(HALF), lambda body: can_resume(body, ranges=fault_server.cut_short), can_resume)
    fetch.rightly([demo], "demo")
    assert ranges_of(fault.requests(path)) == [None, f"bytes={HALF}-", f"bytes={demo.stat().st_size - 7}-"]


# Lengths and framing

def test_ends_early_without_a_length(fetch, serve, demo):
    serve(lambda body: Answer(body[:HALF], length=None), Answer)
    fetch.rightly([demo], "demo")


def test_ends_early_without_a_length_or_any_promise_but_a_digest(fetch, serve, demo):
    serve(lambda body: Answer(body[:HALF], length=None), Answer, size=None)
    result = fetch("demo")
    # Of such a body nobody knows whether it was cut or is another file: either way nothing wrong is placed.
    if result.rc == 0:
        fetch.holds(demo)
    else:
        assert "sha256" in result.err and names_in(fetch.dest) == [], result


@pytest.mark.parametrize("length", [lambda n: n - 100, lambda n: n + 100, lambda n: 0], ids=["short", "long", "zero"])
def test_a_length_that_is_not_the_promised_one(fetch, serve, demo, length):
    n = demo.stat().st_size
    serve(lambda body: Answer(body, length=length(n), cut_after=n))
    fetch.wrongly("demo", str(length(n)), str(n), words=("--retries", "1", "demo"))


@pytest.mark.parametrize("said", ["x", "-5", "1e5", "99999999999999999999", "12, 13"])
def test_a_length_that_is_none(fetch, serve, demo, said):
    """libcurl refuses or ignores it; nothing wrong is placed, and if the answer is not used it says so."""
    serve(lambda body: Answer(body, headers={"Content-Length": said}, then="close"))
    result = fetch("--retries", "1", "demo")
    if result.rc == 0:
        fetch.holds(demo)
    else:
        assert "Content-Length" in result.err or "error: demo" in result.err, result
        assert names_in(fetch.dest) == []


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FRAMES = {
    "no-number": CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n",
    "negative": CHUNKED + b"-5\r\nabcde\r\n0\r\n\r\n",
    "huge": CHUNKED + b"ffffffffffffffffff\r\nabc",
    "no-line-end": CHUNKED + b"3\r\nabcdef",
    "cut-in-a-number": CHUNKED + b"1",
    "cut-before-the-last": CHUNKED + b"3\r\nabc\r\n",
}


@pytest.fixture(scope="module")
def broken_frames(batch):
    made = batch("frames")
    for key, garbage in FRAMES.items():
        made.add(key, lambda _, g=garbage: Answer(garbage=g), Answer, payload=SIZE)
    return made.run()


@pytest.mark.parametrize("key", FRAMES)
def test_broken_chunks(broken_frames, key):
    broken_frames.holds(key)
    assert len(broken_frames.requests(key)) == 2


def test_broken_chunks_for_ever(fetch, serve):
    serve(lambda _: Answer(garbage=FRAMES["no-number"]))
    fetch.wrongly("demo", "/files/demo-1.0", words=("--retries", "1", "demo"))


def test_garbage_behind_the_body(fetch, fault, wheel):
    """On a connection that is to be used again: whose answer is it?"""
    names = [f"demo-{n}" for n in range(4)]
    made = [wheel(name, "1.0", payload=5000) for name in names]
    for name, path in zip(names, made):
        fault.project(name, fault.wheel(path, lambda body: Answer(body, extra=b"HTTP/1.1 200 OK\r\n")))
    fetch.rightly(made, "--connections", "1", *names)


# Encodings

def test_a_wheel_that_comes_compressed(fetch, serve):
    """It was asked for as it is; pip does not undo that either."""
    serve(lambda body: Answer(gzip.compress(body), headers={"Content-Encoding": "gzip"}))
    fetch.wrongly("demo", "Content-Encoding", words=("--retries", "1", "demo"))


def test_a_wheel_that_is_only_said_to_be_compressed(fetch, serve, demo):
    """Apache says so of whatever ends in .gz."""
    serve(lambda body: Answer(body, headers={"Content-Encoding": "gzip"}))
    fetch.rightly([demo], "demo")
