"""The tail of a wheel by ranges: what servers do wrong, which costs at most one request of a host and never a wrong
answer, and what archives may look like."""

import io
import re
import struct
import zipfile
import zlib

import fault_server
import make_index
import pytest
from fault_server import Answer, only_of_suffix, says, wrong_status
from program import failed_with, succeeded

WHEELS = 5
BIG = 150_000   # of payload: a server that ignores a range sends more than dray reads to its end
SMALL = 9_000   # of payload: the whole wheel is in the first part
REFUSALS = [400, 403, 404, 405, 416, 500, 501]
EMPTY = "bytes 10-9/10"


@pytest.fixture
def served(fault, wheel):
    """So many wheels and their project pages; each body is answered as `answer(body)` says. Without sizes on the
    pages dray has to find out where a file ends."""
    def make(answer, *, sized=True, payload=BIG, prefix="w", n=WHEELS):
        made = [wheel(f"{prefix}{i}", f"1.{i}", payload=payload + 1000 * i, requires_dist=(f"d{i}>={i}",))
                for i in range(n)]
        for path in made:
            entry = fault.wheel(path, answer, **({} if sized else {"size": None}))
            fault.project(make_index.project_of(path.name), entry)
        return made

    return make


def ranges(how=True):
    """A server that can do ranges, or answers them in a way of its own."""
    return lambda body: Answer(body, ranges=how)


def metadata_of(path):
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name).decode()


def bodies(fault):
    return [r for r in fault.requests() if r.path.startswith(("/files/", "/elsewhere/"))]


def suffixes(fault):
    return [r for r in bodies(fault) if r.headers.get("range", "").startswith("bytes=-")]


def read_all(dray, fault, wheels, *options, counted=True):
    """`dray metadata` of all at once. It says of each what stands in the wheel. Returns the rungs that this took and
    the number of requests, which is what dray counted."""
    before = len(bodies(fault))
    names = [make_index.project_of(path.name) for path in wheels]
    retries = () if "--retries" in options else ("--retries", 0)
    result = succeeded(dray("metadata", "--stats", "-i", fault.index, *retries, *options, *names))
    heads = {path: f"==> {path.name} <==\n" if len(wheels) > 1 else "" for path in wheels}
    assert result.out == "\n".join(head + metadata_of(path) for path, head in heads.items())
    stats = re.findall(r"^(\w+) +(\d+) requests?, .*  (\S+\.whl)$", result.err, re.M)
    assert [name for _, _, name in stats] == [path.name for path in wheels], result
    requests = len(bodies(fault)) - before
    assert not counted or sum(int(n) for _, n, _ in stats) == requests
    assert not fault.requests(method="HEAD"), "servers lie in answers to HEAD"
    return [rung for rung, _, _ in stats], requests


def both(dray, fault, served, answer, *, sized, payload=BIG):
    """Two runs for two sets of wheels of one host: the second one has the verdict from the store. Returns rungs and
    requests of both."""
    first = read_all(dray, fault, served(answer, sized=sized, payload=payload))
    return (*first, *read_all(dray, fault, served(answer, sized=sized, payload=payload, prefix="x")))


# What servers do right


@pytest.mark.parametrize("payload", [SMALL, BIG])
@pytest.mark.parametrize("sized", [True, False], ids=["sized", "unsized"])
def test_one_request_a_wheel(dray, fault, served, sized, payload):
    rungs, requests, *_ = both(dray, fault, served, ranges(), sized=sized, payload=payload)
    assert (rungs, requests) == (["tail"] * WHEELS, WHEELS)
    assert all(r.headers["accept-encoding"] == "identity" for r in bodies(fault))
    assert len(suffixes(fault)) == (0 if sized else 2 * WHEELS)


def test_a_total_of_star(dray, fault, served):
    """Legal (RFC 9110 section 14.4); the size is known, or it is what a suffix ends with."""
    for sized in True, False:
        wheels = served(ranges(says("bytes {first}-{last}/*")), sized=sized, prefix=f"s{sized:d}-")
        assert read_all(dray, fault, wheels) == (["tail"] * WHEELS, WHEELS)


@pytest.mark.parametrize("size", [{}, {"size": None}], ids=["sized", "unsized"])
def test_more_behind_the_part_than_announced(dray, fault, wheel, size):
    """HTTP ends where it said."""
    made = wheel("demo", "1.0", payload=BIG)
    fault.project("demo", fault.wheel(made, ranges(fault_server.more_behind), **size))
    assert read_all(dray, fault, [made]) == (["tail"], 1)


def test_more_behind_the_part_before_the_next_answer(dray, fault, served):
    """What follows on the connection is no answer to the next request: that goes to a new one."""
    wheels = served(ranges(fault_server.more_behind), n=40)
    rungs, _ = read_all(dray, fault, wheels, counted=False)
    assert rungs == ["tail"] * len(wheels)


@pytest.mark.parametrize("sized", [True, False], ids=["sized", "unsized"])
def test_each_request_is_sent_elsewhere(dray, fault, served, sized):
    """As from an index to its file servers: each part is asked for at the address that the page has."""
    wheels = served(ranges(), sized=sized)
    for path in wheels:
        fault.on(f"/elsewhere/{path.name}", *fault.answers[f"/files/{path.name}"])
        fault.on(f"/files/{path.name}", Answer(b"", 302, headers={"Location": f"/elsewhere/{path.name}"}))
    names = [make_index.project_of(path.name) for path in wheels]
    result = succeeded(dray("metadata", "--stats", "-i", fault.index, *names))
    assert result.err.count("tail ") == WHEELS, result
    assert len(bodies(fault)) == 2 * WHEELS
    assert all("range" in r.headers for r in bodies(fault))


# What they do wrong. A wheel costs at least one request; where neither the size is known nor suffixes can be used, two:
# one from the front, which tells the size, and the tail.


def is_learned(dray, fault, served, answer, *, sized, rung, first, later, payload=BIG):
    rungs, requests, rungs_later, requests_later = both(dray, fault, served, answer, sized=sized, payload=payload)
    assert rungs == rungs_later == [rung] * WHEELS
    assert requests <= first, [(r.path, r.headers.get("range")) for r in bodies(fault)]
    assert requests_later <= later, [(r.path, r.headers.get("range")) for r in bodies(fault)[requests:]]


@pytest.mark.parametrize("status", REFUSALS)
def test_suffixes_are_refused(dray, fault, served, status):
    is_learned(dray, fault, served, ranges(only_of_suffix(wrong_status(status))), sized=False, rung="tail",
               first=2 * WHEELS + 1, later=2 * WHEELS)
    assert len(suffixes(fault)) == 1


def test_suffixes_are_refused_and_the_length_is_told(dray, fault, served):
    """The refused request then stands in for the one from the front."""
    is_learned(dray, fault, served, ranges(only_of_suffix(fault_server.not_satisfiable)), sized=False, rung="tail",
               first=2 * WHEELS, later=2 * WHEELS)
    assert len(suffixes(fault)) == 1


@pytest.mark.parametrize("wrong", [
    fault_server.from_the_front, fault_server.shifted, fault_server.too_short,
    fault_server.too_long, fault_server.multipart, fault_server.zipped_part, says("bytes -{n}/{total}"),
    says("bytes -10"), says(EMPTY), says(None),
], ids=["from-front", "shifted", "short", "long", "multipart", "zipped", "bogus", "bogus-without-total",
        "empty", "unsaid"])
def test_suffixes_are_answered_wrongly(dray, fault, served, wrong):
    is_learned(dray, fault, served, ranges(only_of_suffix(wrong)), sized=False, rung="tail",
               first=2 * WHEELS + 1, later=2 * WHEELS)
    assert len(suffixes(fault)) == 1


def test_small_wheels_without_suffixes(dray, fault, served):
    """What was asked for from the front is all of them."""
    is_learned(dray, fault, served, ranges(only_of_suffix(wrong_status(501))), sized=False, rung="tail",
               first=WHEELS + 1, later=WHEELS, payload=SMALL)


WRONG = {
    **{f"{status}": wrong_status(status) for status in REFUSALS},
    "416-with-length": fault_server.not_satisfiable,
    "no-content-range": says(None),
    "bogus-content-range": says("bytes -{n}/{total}"),
    "other-unit": says("lines {first}-{last}/{total}"),
    "other-total": says("bytes {first}-{last}/99999999"),
    "empty-selection": says(EMPTY),
    "shifted": fault_server.shifted,
    "short": fault_server.too_short,
    "long": fault_server.too_long,
    "cut": fault_server.cut_short,
    "multipart": fault_server.multipart,
    "zipped-part": fault_server.zipped_part,
    "zipped-whole": fault_server.zipped_whole,
    "whole": fault_server.whole_instead,
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_no_range_will_do(dray, fault, served, wrong):
    is_learned(dray, fault, served, ranges(wrong), sized=True, rung="whole", first=WHEELS + 1, later=WHEELS)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_no_range_will_do_without_a_size(dray, fault, served, wrong):
    """Two requests to learn it: many servers can do only one of the two kinds."""
    is_learned(dray, fault, served, ranges(wrong), sized=False, rung="whole", first=WHEELS + 2, later=WHEELS)


@pytest.mark.parametrize("sized", [True, False], ids=["sized", "unsized"])
@pytest.mark.parametrize("wrong", [fault_server.mislabelled, only_of_suffix(fault_server.mislabelled)],
                         ids=["all", "suffixes"])
def test_a_part_that_is_not_the_one_it_says(dray, fault, served, sized, wrong):
    """Two requests to learn it: without an end record the bytes might be a long comment."""
    rung, first = ("tail", WHEELS) if sized and wrong is not fault_server.mislabelled else ("whole", WHEELS + 2)
    is_learned(dray, fault, served, ranges(wrong), sized=sized, rung=rung, first=first, later=WHEELS)


def test_a_server_that_never_heard_of_ranges(dray, fault, served):
    is_learned(dray, fault, served, Answer, sized=True, rung="whole", first=WHEELS + 1, later=WHEELS)


@pytest.mark.parametrize("sized", [True, False], ids=["sized", "unsized"])
def test_a_whole_small_wheel_is_as_good_as_its_tail(dray, fault, served, sized):
    """Nothing is wasted: it is all there."""
    *_, requests, _, later = both(dray, fault, served, Answer, sized=sized, payload=SMALL)
    assert requests == later == WHEELS


# What happens to be wrong


@pytest.mark.parametrize("sized", [True, False], ids=["sized", "unsized"])
def test_a_busy_server_is_waited_for(dray, fault, served, sized):
    """And nothing is held against it."""
    wheels = served(ranges(), sized=sized)
    path = f"/files/{wheels[0].name}"
    fault.on(path, Answer(b"busy", 503, headers={"Retry-After": "1"}), *fault.answers[path])
    assert read_all(dray, fault, wheels, "--retries", 1) == (["tail"] * WHEELS, WHEELS + 1)
    first, second = fault.requests(path)
    assert second.at - first.at >= 1


@pytest.mark.parametrize("sized", [True, False], ids=["sized", "unsized"])
def test_a_cut_part_is_asked_for_again(dray, fault, served, sized):
    wheels = served(ranges(), sized=sized)
    path = f"/files/{wheels[0].name}"
    right = fault.answers[path][0]
    fault.on(path, Answer(right.body, ranges=fault_server.cut_short), right)
    assert read_all(dray, fault, wheels, "--retries", 1) == (["tail"] * WHEELS, WHEELS + 1)


def test_parts_that_are_always_cut(dray, fault, served):
    """After one retry, since it might have been the line, the host is known not to do it."""
    for prefix, most in ("w", WHEELS + 2), ("x", WHEELS):
        wheels = served(ranges(fault_server.cut_short), sized=False, prefix=prefix)
        rungs, requests = read_all(dray, fault, wheels, "--retries", 1)
        assert rungs == ["whole"] * WHEELS and requests <= most


def test_a_missing_wheel_is_told_and_is_not_the_hosts_fault(dray, fault, served):
    wheels = served(ranges())
    fault.on(f"/files/{wheels[0].name}", Answer(b"gone\n", 404))
    failed_with(dray("metadata", "-i", fault.index, "w0", "--retries", 0), wheels[0].name, "404")
    assert read_all(dray, fault, wheels[1:])[0] == ["tail"] * (WHEELS - 1)


# A file that changes


def make_archive(path, members, *, stored=False, out=None):
    """A wheel of these members, in their order."""
    path.parent.mkdir(exist_ok=True)
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(out or path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, method)
    return path


def members(text="", filler=200_000):
    """METADATA comes first: of so large a wheel that takes two ranges."""
    return {
        "demo-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n{text}",
        "demo-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\n",
        "demo/data.bin": make_index.payload_of("demo", filler),
    }


@pytest.fixture
def odd(tmp_path):
    """Makes demo-1.0, laid out as said."""
    def make(contents, folder="odd", **how):
        return make_archive(tmp_path / folder / "demo-1.0-py3-none-any.whl", contents, **how)

    return make


def direct(dray, fault, path, *options):
    """By URL: nobody promises what it is, or its size."""
    return dray("metadata", f"{fault.url}/files/{path.name}", "--stats", "--retries", 0, *options)


@pytest.mark.parametrize("before, after, more, how", [
    ({"ETag": '"one"'}, {"ETag": '"two"'}, 0, True),
    ({"ETag": '"one"'}, {"ETag": '"two"'}, 0, fault_server.heedless),
    ({"ETag": 'W/"one"'}, {"ETag": 'W/"two"'}, 0, True),
    ({"Last-Modified": "Mon, 06 Jan 2020 00:00:00 GMT"}, {"Last-Modified": "Mon, 06 Jan 2020 00:00:05 GMT"}, 0, True),
    ({}, {}, 1, True),
], ids=["if-range", "etag", "weak-etag", "date", "total"])
def test_a_file_that_changes_between_two_ranges(dray, fault, odd, before, after, more, how):
    """What is shown is of one file, the one that is there now."""
    old = odd(members("Requires-Dist: old\n"), "old")
    new = odd(members("Requires-Dist: new\n", 200_000 + more), "new")
    path = f"/files/{old.name}"
    fault.on(path, Answer(old.read_bytes(), headers=before, ranges=how),
             Answer(new.read_bytes(), headers=after, ranges=how))
    result = succeeded(direct(dray, fault, new))
    assert result.out == metadata_of(new)
    first, second, third = fault.requests(path)
    strong = before.get("ETag") if before.get("ETag", "W/").startswith('"') else None
    assert second.headers.get("if-range") == strong
    assert "range" in first.headers and "range" not in third.headers
    assert result.err.startswith("whole ")


def test_a_file_that_stays(dray, fault, odd):
    """The guards of the test before do not hold up what is right."""
    made = odd(members())
    fault.on(f"/files/{made.name}", Answer(made.read_bytes(), headers={"ETag": '"one"'}, ranges=True))
    result = succeeded(direct(dray, fault, made))
    assert result.out == metadata_of(made) and result.err.startswith("tail ")
    assert [r.headers.get("if-range") for r in bodies(fault)] == [None, '"one"']


# Archives


def with_comment(path, n):
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"c" * n


def with_descriptors(path, contents):
    """Sizes stand behind the data when the writer can't go back."""
    class Stream(io.RawIOBase):
        def __init__(self, out):
            self.out = out

        def writable(self):
            return True

        def write(self, data):
            return self.out.write(data)

    with open(path, "wb") as out:
        make_archive(path, contents, out=Stream(out))


def with_zip64(path):
    """The end records of an archive that is too large for the old one."""
    data = path.read_bytes()
    at = data.rindex(b"PK\5\6")
    entries, size, offset = struct.unpack("<HII", data[at + 10:at + 20])
    record = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, at, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0)
    path.write_bytes(data[:at] + record + locator + end)


def last(contents):
    """METADATA as the last member."""
    first = next(iter(contents))
    return {**{name: data for name, data in contents.items() if name != first}, first: contents[first]}


def test_metadata_at_the_front_takes_two_requests(dray, fault, odd):
    made = odd(members())
    for sized in True, False:
        fault.project("demo", fault.wheel(made, ranges(), **({} if sized else {"size": None})))
        before = len(bodies(fault))
        result = succeeded(dray("metadata", "--no-cache-dir", "-i", fault.index, "--stats", "demo"))
        assert result.out == metadata_of(made)
        assert len(bodies(fault)) - before == 2 and result.err.startswith("tail ")


@pytest.mark.parametrize("order", [lambda contents: contents, last], ids=["first", "last"])
@pytest.mark.parametrize("change, requests", [
    (lambda path, contents: with_comment(path, 60_000), 3),
    (with_descriptors, 2),
    (lambda path, contents: path.write_bytes(b"#!/bin/sh\n" * 500 + path.read_bytes()), 2),
    (lambda path, contents: with_zip64(path), 2),
], ids=["comment", "descriptors", "bytes-before", "zip64"])
def test_odd_but_right(dray, fault, odd, order, change, requests):
    contents = order(members())
    made = odd(contents)
    change(made, contents)
    want = metadata_of(made)  # Python's zipfile reads it, so it is not broken
    fault.on(f"/files/{made.name}", Answer(made.read_bytes(), ranges=True))
    result = succeeded(direct(dray, fault, made))
    assert result.out == want and result.err.startswith("tail ")
    assert 1 <= len(bodies(fault)) <= requests
    assert succeeded(dray("metadata", made)).out == want


def test_a_directory_larger_than_the_first_part(dray, fault, odd):
    made = odd({**members(), **{f"demo/module_{n:04}.py": "" for n in range(2000)}})
    fault.on(f"/files/{made.name}", Answer(made.read_bytes(), ranges=True))
    result = succeeded(direct(dray, fault, made))
    assert result.out == metadata_of(made) and result.err.startswith("tail ")
    assert len(bodies(fault)) <= 3


def small_bomb(path):
    """Says 100 bytes, inflates to 8 MiB."""
    text = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
    contents = {"demo/data.bin": b"x", "demo-1.0.dist-info/METADATA": text + b"x" * (8 << 20)}
    make_archive(path, contents)
    data = path.read_bytes()
    for mark, sizes in (b"PK\3\4", 22), (b"PK\1\2", 24):
        at = data.rindex(mark)
        data = data[:at + sizes] + struct.pack("<I", 100) + data[at + sizes + 4:]
    path.write_bytes(data)


def honest_bomb(path):
    text = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n\n"
    make_archive(path, {"demo/data.bin": b"x", "demo-1.0.dist-info/METADATA": text + b"x" * (100 << 20)})


def wrong_crc(path):
    text = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
    data = path.read_bytes()
    crc = struct.pack("<I", zlib.crc32(text))
    assert data.count(crc) == 2
    path.write_bytes(data.replace(crc, b"\0\0\0\0"))


@pytest.mark.parametrize("change, reason", [
    (lambda path: make_archive(path, {**members(), "other-2.0.dist-info/METADATA": "Name: other\n"}),
     "several .dist-info directories"),
    (lambda path: make_archive(path, {"demo/__init__.py": ""}), "no .dist-info directory"),
    (lambda path: make_archive(path, {"demo-1.0.dist-info/WHEEL": ""}), "has no METADATA"),
    (lambda path: make_archive(path, {"other-1.0.dist-info/METADATA": "Name: other\n"}), "is not of \"demo\""),
    (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "no zip end record"),
    (lambda path: path.write_bytes(path.read_bytes()[:-1]), "zip end record"),
    (lambda path: path.write_bytes(make_index.payload_of("none", 200_000)), "no zip end record"),
    (lambda path: path.write_bytes(b"<html>sign in first</html>" * 10), "no zip end record"),
    (lambda path: path.write_bytes(b"PK"), "is no zip archive"),
    (small_bomb, "does not inflate to the size"),
    (honest_bomb, "more than 16777216 are not read"),
    (wrong_crc, "its CRC is another"),
], ids=["several-dist-infos", "no-dist-info", "no-metadata", "of-another", "truncated", "one-byte-short", "noise",
        "html", "two-bytes", "small-bomb", "honest-bomb", "wrong-crc"])
def test_refused_with_a_reason(dray, fault, odd, change, reason):
    """The ranges might have lied, so the whole file is asked, once; then it is said what is wrong with it. So it is of
    a local file."""
    made = odd(members())
    change(made)
    fault.on(f"/files/{made.name}", Answer(made.read_bytes(), ranges=True))
    result = failed_with(direct(dray, fault, made), made.name, reason)
    assert result.out == "" and result.seconds < 10
    assert sum("range" not in r.headers for r in bodies(fault)) == 1 and len(bodies(fault)) <= 4
    failed_with(dray("metadata", made), made.name, reason)
    fine = odd(members(), "fine")
    fault.on(f"/files/{fine.name}", Answer(fine.read_bytes(), ranges=True))
    before = len(bodies(fault))
    assert succeeded(direct(dray, fault, fine)).err.startswith("tail ")
    assert len(bodies(fault)) - before <= 2, "the host was blamed"

