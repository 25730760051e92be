"""What is wrong outside of dray: one clear message, exit 1 (2 for usage), nothing partial under a final name, no
temporary file left, and whatever else can be had is had."""

import pathlib
import sys
import time
import urllib.parse

import fault_server
import make_index
import mounts
import pytest
from fault_server import Answer
from make_index import HTML_TYPE, JSON_TYPE, describe, json_page
from program import failed_with, names_in

GOOD = "good-1.0-py3-none-any.whl"


@pytest.fixture
def good(fault, wheel):
    """A second project that has nothing wrong: it must always arrive."""
    fault.project("good", fault.wheel(wheel("good", "1.0")))
    return "good"


def others_arrived(dest):
    assert names_in(dest) == [GOOD], "nothing else, hidden or not, may be left"


# Requirements

MALFORMED = [
    ("demo==", "column"),
    ("demo[extra", "column"),
    ("demo >= 1.0 , <", "column"),
    ('demo ; python_version >> "3"', "column"),
    ("demo ?", "column"),
    ("==1.0", "column"),
    ("demo @", "column"),
]


@pytest.mark.parametrize("text,word", MALFORMED)
def test_malformed_requirement_in_a_file(dray, dest, fault, tmp_path, text, word):
    path = tmp_path / "needs.txt"
    path.write_text(f"# a comment\n\n{text}\n")
    result = dray.download("-i", fault.index, "-r", path, dest=dest)
    failed_with(result, "needs.txt", "line 3", word, "expected")
    assert names_in(dest) == [] and fault.requests() == []


@pytest.mark.parametrize("text,word", MALFORMED)
def test_malformed_requirement_on_the_command_line(dray, dest, fault, text, word):
    result = dray.download("-i", fault.index, "--", text, dest=dest)
    assert result.rc in (1, 2), result
    failed_with(result, word, "expected", code=result.rc)
    assert names_in(dest) == [] and fault.requests() == []


def test_no_such_requirements_file(dray, dest, fault, tmp_path):
    failed_with(dray.download("-i", fault.index, "-r", tmp_path / "none.txt", dest=dest), "none.txt")


@pytest.mark.parametrize("args", [["--no-such-option"], ["--timeout", "soon"], ["--progress", "maybe"],
                                  ["--connections", "-1"], ["-d"]])
def test_usage(dray, dest, fault, args):
    result = dray("download", "--no-deps", "-i", fault.index, "demo", "-d", dest, *args)
    assert result.rc == 2, result
    assert args[0] in result.err
    assert names_in(dest) == []


def test_nothing_asked_for(dray, dest):
    result = dray.download(dest=dest)
    assert result.rc == 2, result
    assert "requirement" in result.err


def test_an_unknown_command(dray):
    result = dray("downlaod")
    assert result.rc == 2, result
    assert "downlaod" in result.err


# What there is not

def test_no_such_project(dray, dest, fault, good):
    result = dray.download("-i", fault.index, "no.Such_project", good, dest=dest)
    failed_with(result, "no.Such_project", fault.url)
    others_arrived(dest)
    assert len(fault.requests("/simple/no-such-project/")) == 1, "a 404 is not worth a second attempt"


def test_a_project_without_files(dray, dest, fault, good):
    fault.project("empty")
    failed_with(dray.download("-i", fault.index, "empty", good, dest=dest), "empty")
    others_arrived(dest)


def test_no_version_that_fits_names_the_nearest(dray, dest, fault, good, wheel):
    fault.project("demo", *(fault.wheel(wheel("demo", v)) for v in ("1.0", "1.1", "2.0")))
    result = dray.download("-i", fault.index, "demo==1.5", good, dest=dest)
    failed_with(result, "demo==1.5", "1.1", "2.0")
    others_arrived(dest)


def test_refused_by_tag(dray, dest, fault, good, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0", tag="cp27-cp27m-win_amd64")))
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "demo", "1.0", "cp27-cp27m-win_amd64")
    others_arrived(dest)


def test_refused_by_requires_python(dray, dest, fault, good, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0"), requires_python=">=99"))
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "1.0", ">=99", "Python")
    others_arrived(dest)


def test_refused_because_yanked(dray, dest, fault, good, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0"), yanked="it eats data"))
    failed_with(dray.download("-i", fault.index, "demo>0", good, dest=dest), "1.0", "yanked", "it eats data")
    others_arrived(dest)


def test_refused_because_a_pre_release(dray, dest, fault, good, wheel):
    """A yanked final version is no candidate, yet it counts as final: pre-releases stay out, as in pip."""
    fault.project("demo", fault.wheel(wheel("demo", "1.0"), yanked=True), fault.wheel(wheel("demo", "2.0rc1")))
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "1.0", "yanked", "2.0rc1", "pre-release")
    others_arrived(dest)


# Bytes that are not what was promised

def test_a_hash_that_differs(dray, dest, fault, good, wheel):
    made = wheel("demo", "1.0")
    other = Answer(wheel("demo", "1.0", seed="other").read_bytes())
    listed = describe(made, f"{fault.url}/files/{made.name}")
    fault.on(f"/files/{made.name}", other)
    wrong = dict(listed, hashes={"sha256": "0" * 64})
    fault.project("demo", wrong)
    result = dray.download("-i", fault.index, "demo", good, dest=dest)
    failed_with(result, "demo", "0" * 64)
    others_arrived(dest)


def test_a_truncated_body(dray, dest, fault, good, wheel):
    made = wheel("demo", "1.0", payload=50000)
    fault.project("demo", fault.wheel(made, lambda body: Answer(body, cut_after=20000)))
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "demo")
    others_arrived(dest)


def test_a_truncated_body_without_content_length(dray, dest, fault, good, wheel):
    """Only the size on the page (PEP 700) or the digest can tell."""
    made = wheel("demo", "1.0", payload=50000)
    fault.project("demo", fault.wheel(made, lambda body: Answer(body[:20000], length=None)))
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "demo")
    others_arrived(dest)


def test_a_truncated_body_that_promised_nothing_but_its_length(dray, dest, fault, good, wheel):
    made = wheel("demo", "1.0", payload=50000)
    facts = fault.wheel(made, lambda body: Answer(body, cut_after=20000), hashes={}, size=None)
    fault.project("demo", facts)
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "demo")
    others_arrived(dest)


def test_a_body_longer_than_the_page_promised(dray, dest, fault, good, wheel):
    made = wheel("demo", "1.0", payload=5000)
    fault.project("demo", fault.wheel(made, lambda body: Answer(body + b"x" * 5000)))
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "demo")
    others_arrived(dest)


def test_an_endless_body_is_given_up(dray, dest, fault, good, wheel):
    made = wheel("demo", "1.0", payload=5000)
    long = Answer(b"x" * (64 << 20), chunked=True)
    fault.project("demo", fault.wheel(made, lambda body: long))
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "demo")
    others_arrived(dest)


def test_a_size_that_differs_though_the_rest_is_right(dray, dest, fault, good, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0"), size=17))
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "demo", "17")
    others_arrived(dest)


@pytest.mark.parametrize("answer", [
    Answer(b"no", status=404), Answer(b"no", status=403), Answer(b"no", status=500), Answer(garbage=b"\0\1\2\r\n\r\n"),
    Answer(b"x" * 9000, reset_after=3000), Answer(b"", status=204), Answer(garbage=b""),
    Answer(b"", status=302, headers={"Location": "file:///etc/passwd"}),
    Answer(b"", status=302),
], ids=["404", "403", "500", "garbage", "reset", "204", "closed", "redirect-to-a-file", "redirect-nowhere"])
def test_a_file_that_can_not_be_had(dray, dest, fault, good, wheel, answer):
    fault.project("demo", fault.wheel(wheel("demo", "1.0"), lambda _: answer))
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "demo")
    others_arrived(dest)


def test_redirects_in_a_circle(dray, dest, fault, good, wheel):
    made = wheel("demo", "1.0")
    circle = Answer(b"", status=302, headers={"Location": f"/files/{made.name}"})
    fault.project("demo", fault.wheel(made, lambda _: circle))
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "demo", "redirect")
    others_arrived(dest)


def test_a_stalled_body_is_given_up(dray, dest, fault, good, wheel):
    made = wheel("demo", "1.0", payload=50000)
    fault.project("demo", fault.wheel(made, lambda body: Answer(body, stall_after=10000)))
    result = dray.download("-i", fault.index, "--timeout", "1", "demo", good, dest=dest)
    failed_with(result, "demo")
    assert result.seconds < 20
    others_arrived(dest)


def test_a_server_that_is_not_there(dray, dest, fault, good):
    result = dray.download("-i", "http://127.0.0.1:9/simple/", "demo", dest=dest)
    failed_with(result, "127.0.0.1:9")
    assert names_in(dest) == []


def test_a_host_that_does_not_exist(dray, dest):
    result = dray.download("-i", "https://no-such-host.invalid/simple/", "--timeout", "5", "demo", dest=dest)
    failed_with(result, "no-such-host.invalid")


# Pages

@pytest.mark.parametrize("body,content_type", [
    (b"%PDF-1.4 nothing like it", "application/pdf"),
    (b'{"meta": {"api-version": "2.0"}, "files": []}', JSON_TYPE),
    (b'{"meta": {"api-version": "1.0"}}', JSON_TYPE),
    (b"[1, 2, 3]", JSON_TYPE),
    (b"not json at all", JSON_TYPE),
    (b"", JSON_TYPE),
], ids=["pdf", "version-2", "no-files", "a-list", "no-json", "empty"])
def test_a_page_that_is_no_index(dray, dest, fault, good, body, content_type):
    fault.page("demo", body, content_type)
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "demo", f"{fault.url}/simple/demo/")
    others_arrived(dest)


def test_an_html_page_without_links(dray, dest, fault, good):
    fault.page("demo", b"<html><body><h1>Welcome to our proxy</h1></body></html>", HTML_TYPE)
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), "demo")
    others_arrived(dest)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_a_json_page_cut_in_the_middle(dray, dest, fault, good, wheel, part):
    page = json_page("demo", [fault.wheel(wheel("demo", f"1.{n}")) for n in range(20)])
    # With the right length for what is sent: the transfer is whole, the page is not.
    fault.page("demo", page[:int(len(page) * part)], JSON_TYPE)
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), f"{fault.url}/simple/demo/")
    others_arrived(dest)


def test_a_page_whose_transfer_was_cut(dray, dest, fault, good, wheel):
    page = json_page("demo", [fault.wheel(wheel("demo", f"1.{n}")) for n in range(20)])
    fault.page("demo", page, JSON_TYPE, cut_after=len(page) - 100)
    failed_with(dray.download("-i", fault.index, "demo", good, dest=dest), f"{fault.url}/simple/demo/")
    others_arrived(dest)


# A child's peak counts what its parent was at the fork, and this process holds the page: so one that is small is
# between.
PEAK_OF = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:], check=False).returncode
with open(sys.argv[1], "w") as out:
    out.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


@pytest.mark.parametrize("content_type", [JSON_TYPE, HTML_TYPE])
def test_a_page_of_200_mb(dray, dest, fault, good, content_type, tmp_path):
    """Refused at the cap of limits.h, and never held in memory."""
    filler = b" " * (200 << 20)
    body = b'{"meta": {"api-version": "1.0"}, "files": [' + filler if content_type == JSON_TYPE \
        else b"<html><body>" + filler
    fault.page("demo", body, content_type, chunked=True)
    peak = tmp_path / "peak"
    result = dray.download("-i", fault.index, "demo", good, dest=dest, prefix=[sys.executable, "-c", PEAK_OF, peak])
    failed_with(result, f"{fault.url}/simple/demo/")
    others_arrived(dest)
    assert int(peak.read_text()) < 450 * 1024, "KiB; under ASan a quarantine of 256 MiB comes on top"


# As they stand in the URL of a listing; as in pip a file's name is the last part of its URL, decoded once.
EVIL = {
    "nul": "evil-1.0-py3-none-any.whl%00.whl",
    "newline": "evil-1.0%0A-py3-none-any.whl",
    "escape": "evil-1.0%1B[2J-py3-none-any.whl",
    "delete": "evil-1.0%7F-py3-none-any.whl",
    "backslash": "..%5Cevil-1.0-py3-none-any.whl",
    "dots": "..",
    "encoded-dots": "%2E%2E",
    "encoded-twice": "..%252Fevil-1.0-py3-none-any.whl",
    "too-long": f"evil-1.0{'.0' * 150}-py3-none-any.whl",
}
PATHS = {
    "up": "..%2Fevil-1.0-py3-none-any.whl",
    "up-up": "..%2F..%2Fevil-1.0-py3-none-any.whl",
    "absolute": "%2Fetc%2Fevil-1.0-py3-none-any.whl",
    "below": "a%2Fevil-1.0-py3-none-any.whl",
}


@pytest.fixture(params=[JSON_TYPE, HTML_TYPE], ids=["json", "html"])
def evil_listing(request, fault, wheel):
    """Lists one file of the project "evil" at such a URL, which has a body: only refusing the name is right."""
    made = wheel("evil", "1.0")

    def listed(quoted, filename="evil-1.0-py3-none-any.whl"):
        url = fault.on(f"/files/{quoted}", Answer(made.read_bytes()))
        if request.param == JSON_TYPE:
            page = fault_server.page_bytes("evil", [dict(describe(made, url), filename=filename)])
        else:
            page = f'<a href="{url}">{filename}</a>'.encode()
        fault.page("evil", page, request.param)

    return listed


@pytest.mark.parametrize("quoted", EVIL.values(), ids=EVIL)
def test_an_evil_file_name_in_a_listing(dray, dest, fault, good, evil_listing, quoted):
    """Such a file is no candidate; nothing is written, nothing moves the terminal."""
    evil_listing(quoted)
    result = failed_with(dray.download("-i", fault.index, "evil", good, dest=dest), "evil")
    assert not set("\x1b\0\x7f") & set(result.err)
    others_arrived(dest)


@pytest.mark.parametrize("quoted", PATHS.values(), ids=PATHS)
def test_a_path_for_a_file_name(dray, dest, fault, good, evil_listing, quoted):
    """pip takes what is behind the last slash; never anything outside of the destination."""
    evil_listing(quoted, filename=urllib.parse.unquote(quoted))
    before = sorted(dest.parent.rglob("evil*"))
    dray.download("-i", fault.index, "evil", good, dest=dest)
    assert [name for name in names_in(dest) if name not in (GOOD, "evil-1.0-py3-none-any.whl")] == []
    new = set(dest.parent.rglob("evil*")) - set(before)
    assert all(path.parent == dest for path in new)
    assert not (pathlib.Path("/etc") / "evil-1.0-py3-none-any.whl").exists()


@pytest.mark.parametrize("quoted", [*EVIL.values(), *PATHS.values()], ids=[*EVIL, *PATHS])
def test_an_evil_file_name_in_a_url(dray, dest, fault, good, wheel, quoted):
    """The same from the command line."""
    url = fault.on(f"/files/{quoted}", Answer(wheel("evil", "1.0").read_bytes()))
    dray.download("-i", fault.index, f"evil @ {url}", good, dest=dest)
    assert [name for name in names_in(dest) if name not in (GOOD, "evil-1.0-py3-none-any.whl")] == []
    assert [path for path in dest.parent.glob("evil*")] == []


# The destination

def test_a_destination_that_is_a_file(dray, tmp_path, fault, good):
    path = tmp_path / "occupied"
    path.write_text("mine")
    failed_with(dray.download("-i", fault.index, good, dest=path), str(path))
    assert path.read_text() == "mine"


def test_a_destination_below_a_file(dray, tmp_path, fault, good):
    (tmp_path / "occupied").write_text("mine")
    failed_with(dray.download("-i", fault.index, good, dest=tmp_path / "occupied" / "sub"), "occupied")


def test_a_destination_that_is_not_writable(dray, dest, fault, good):
    dest.mkdir()
    # A read-only file system, since file modes do not hold root.
    prefix = mounts.behind(f"mount -t tmpfs none '{dest}'\nmount -o remount,ro '{dest}'")
    result = dray.download("-i", fault.index, good, dest=dest, prefix=prefix)
    failed_with(result, str(dest))
    assert names_in(dest) == []


def test_a_destination_that_is_full(dray, dest, tmp_path, fault, good, wheel):
    dest.mkdir()
    fault.project("big", fault.wheel(wheel("big", "1.0", payload=3 << 20)))
    prefix = mounts.copied_back(f"mount -t tmpfs -o size=1m none '{dest}'", dest, tmp_path / "listing", ())
    # One after the other: while the large one fills it, there is no room for the small one either.
    result = dray.download("-i", fault.index, "--connections", "1", "big", good, dest=dest, prefix=prefix)
    failed_with(result, "big", str(dest))
    assert (tmp_path / "listing").read_text().split() == [GOOD]


def test_a_file_name_that_is_taken_by_a_directory(dray, dest, fault, good, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0")))
    (dest / "demo-1.0-py3-none-any.whl" / "kept").mkdir(parents=True)
    result = dray.download("-i", fault.index, "demo", good, dest=dest)
    failed_with(result, "demo")
    assert names_in(dest) == ["demo-1.0-py3-none-any.whl", GOOD]
    assert (dest / "demo-1.0-py3-none-any.whl" / "kept").is_dir()


def test_one_file_name_with_two_contents(dray, dest, fault, good, tmp_path):
    one = make_index.make_wheel(tmp_path / "one", "demo", "1.0", seed="one")
    two = make_index.make_wheel(tmp_path / "two", "demo", "1.0", seed="two")
    urls = [fault.on(f"/{path.parent.name}/{path.name}", Answer(path.read_bytes())) for path in (one, two)]
    result = dray.download("-i", fault.index, *urls, good, dest=dest)
    assert result.rc == 1, result
    assert "demo" in result.err
    left = names_in(dest)
    assert [name for name in left if name not in (one.name, GOOD)] == []
    if one.name in left:
        assert (dest / one.name).read_bytes() in (one.read_bytes(), two.read_bytes())


def test_a_local_file_that_is_not_there(dray, dest, fault, good, tmp_path):
    missing = tmp_path / "none-1.0-py3-none-any.whl"
    failed_with(dray.download("-i", fault.index, missing, good, dest=dest), "none-1.0")
    others_arrived(dest)


def test_messages_come_in_the_order_of_the_requirements(dray, dest, fault, wheel):
    """The last fails first; told is still the first first."""
    for n, wait in (("a", 0.6), ("b", 0.3), ("c", 0)):
        fault.project(f"demo-{n}", fault.wheel(wheel(f"demo-{n}", "1.0"), lambda _, w=wait: Answer(b"", 404, wait=w)))
    result = dray.download("-i", fault.index, "demo-a", "demo-b", "demo-c", dest=dest)
    failed_with(result, "demo-a", errors=3)
    errors = [line for line in result.err.splitlines() if line.startswith("error:")]
    assert [f"demo-{n}" in line for n, line in zip("abc", errors)] == [True] * 3, result


def test_a_password_is_never_shown(dray, dest, fault, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0"), lambda _: Answer(b"", 500)))
    secret = fault.index.replace("://", "://user:sesame@")
    for flags in ([], ["-v"], ["-vv"]):
        result = dray.download("-i", secret, *flags, "demo", "none", dest=dest)
        assert result.rc == 1
        assert "sesame" not in result.err + result.out, result


def test_failures_are_quick(dray, dest, fault):
    began = time.monotonic()
    failed_with(dray.download("-i", fault.index, "--retries", "5", "nothing", dest=dest), "nothing")
    assert time.monotonic() - began < 5, "a 404 is final"
