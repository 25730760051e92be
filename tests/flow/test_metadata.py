"""dray metadata, rung by rung: what an earlier run read, the file, the index's metadata file, the tail, the whole
file; and what is done when the body turns out to say something else."""

import hashlib
import json
import signal
import subprocess
import sys
import zipfile

import fault_server
import make_index
import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded
from test_progress import Terminal

BIG = 150_000  # of payload: a server that ignores ranges sends more than dray reads to its end


def metadata_of(path):
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def made(wheel):
    return wheel("demo", "1.0", payload=BIG, requires_python=">=3.6", requires_dist=("six>=1", "idna; extra == 'x'"))


@pytest.fixture
def publish(fault, made):
    """Puts `made` on an index: fresh for an hour, with ranges; `sidecar` is served beside it."""
    def put(ranges=True, sidecar=None, **facts):
        entry = fault.wheel(made, lambda body: Answer(body, ranges=ranges), **facts)
        fault.project("demo", entry)
        page = fault.answers["/simple/demo/"][0]
        page.headers["Cache-Control"] = "max-age=3600"
        if sidecar is not None:
            fault.on(f"/files/{made.name}.metadata",
                     sidecar if isinstance(sidecar, Answer) else Answer(sidecar))
        return entry

    return put


@pytest.fixture
def read(dray, fault):
    """`dray metadata demo`: what it says, the rung, the requests; and the warnings."""
    def run(*options, what=("demo",)):
        result = succeeded(dray("metadata", "-i", fault.index, "--retries", 0, "--stats", *options, *what))
        *warnings, stats = [line for line in result.err.splitlines() if not line.startswith("loop: ")]
        return result.out.encode(), stats.split()[0], int(stats.split()[1]), "\n".join(warnings)

    return run


def files(fault):
    return [r for r in fault.requests() if r.path.startswith("/files/")]


# The index's metadata file


@pytest.mark.parametrize("key", ["core_metadata", "dist_info_metadata"])
@pytest.mark.parametrize("hashed", [True, False], ids=["hash", "no-hash"])
def test_sidecar(fault, publish, read, made, key, hashed):
    text = metadata_of(made)
    publish(sidecar=text, **{key: {"sha256": sha256(text)} if hashed else True})
    assert read() == (text, "sidecar", 1, "")
    assert [r.path for r in files(fault)] == [f"/files/{made.name}.metadata"]


@pytest.mark.parametrize("attribute", ["data-core-metadata", "data-dist-info-metadata"])
@pytest.mark.parametrize("hashed", [True, False], ids=["hash", "no-hash"])
def test_sidecar_on_an_html_page(fault, publish, read, made, attribute, hashed):
    text = metadata_of(made)
    publish(sidecar=text)
    value = f"sha256={sha256(text)}" if hashed else "true"
    link = f'<a href="{fault.url}/files/{made.name}" {attribute}="{value}">{made.name}</a>'
    fault.page("demo", f"<!DOCTYPE html><html><body>{link}</body></html>".encode(), make_index.HTML_TYPE)
    assert read() == (text, "sidecar", 1, "")


def test_a_wrong_hash_on_an_html_page_is_heeded(fault, publish, read, made):
    text = metadata_of(made)
    publish(sidecar=text)
    link = f'<a href="{fault.url}/files/{made.name}" data-core-metadata="sha256={"0" * 64}">{made.name}</a>'
    fault.page("demo", f"<!DOCTYPE html><html><body>{link}</body></html>".encode(), make_index.HTML_TYPE)
    out, rung, requests, warnings = read()
    assert (out, rung, requests) == (text, "tail", 2) and "0" * 64 in warnings


def test_a_query_keeps_its_place_in_front_of_the_ending(fault, publish, read, made):
    """As pip has it."""
    text = metadata_of(made)
    publish(listed=f"{fault.url}/files/{made.name}?t=1", core_metadata=True)
    fault.on(f"/files/{made.name}?t=1.metadata", Answer(text))
    assert read()[:3] == (text, "sidecar", 1)


RIGHT = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"


@pytest.mark.parametrize("sidecar, listed, reason", [
    (Answer(b"", 404), True, "404"),
    (Answer(b"", 403), True, "403"),
    (Answer(b"", 500), True, "500"),
    (Answer(RIGHT, cut_after=10), True, "closed before the end"),
    (RIGHT, {"sha256": "0" * 64}, "0" * 64),
    (RIGHT.replace(b"demo", b"other"), True, "other"),
    (RIGHT.replace(b"1.0", b"1.1"), True, "1.1"),
    (b"<html><body>sign in first</body></html>", True, ""),
    (b"", True, ""),
    (b"\x00\xff" * 5000, True, ""),
    (b"Name: demo\nVersion: 1.0\n" + b"x" * (17 << 20), True, "16777216"),
], ids=["404", "403", "500", "cut", "hash", "name", "version", "html", "empty", "noise", "endless"])
def test_a_sidecar_of_no_use_is_a_warning(fault, publish, read, made, sidecar, listed, reason):
    """Then the tail is read."""
    publish(sidecar=sidecar, core_metadata=listed)
    out, rung, requests, warnings = read()
    assert (out, rung, requests) == (metadata_of(made), "tail", 2)
    assert warnings.count("warning") == 1 and made.name in warnings and reason in warnings


def test_both_hashes_are_named(publish, read):
    publish(sidecar=RIGHT, core_metadata={"sha256": "1" * 64})
    warnings = read()[3]
    assert "1" * 64 in warnings and sha256(RIGHT) in warnings


def test_an_index_whose_sidecars_are_all_missing_is_not_asked_for_more(dray, fault, wheel):
    """Those whose pages come once three were missed in vain go on to the tail at once."""
    def serve(name, **how):
        made = wheel(name, "1.0")
        fault.project(name, fault.wheel(made, lambda body: Answer(body, ranges=True), core_metadata=True), **how)
        return f"/files/{made.name}"

    early = [serve(f"early{n}") for n in range(3)]
    late = [serve(f"late{n}", pace=(5, 60)) for n in range(3)]
    names = [f"{when}{n}" for when in ("early", "late") for n in range(3)]
    process = dray.start("metadata", "-i", fault.index, "--retries", 0, *names)
    for path in early:
        fault.wait_for(path)
    fault.release()
    succeeded(dray.finish(process))
    assert sorted(r.path for r in files(fault)) == sorted([*early, *(f"{p}.metadata" for p in early), *late])


# The tail


def test_tail_with_a_size(fault, publish, read, made):
    """PEP 700: one range from its first to its last byte."""
    publish()
    assert read() == (metadata_of(made), "tail", 1, "")
    size = made.stat().st_size
    (request,) = files(fault)
    first, last = request.headers["range"].removeprefix("bytes=").split("-")
    assert 0 < int(first) < int(last) == size - 1


def test_tail_without_a_size(fault, publish, read, made):
    publish(size=None)
    assert read() == (metadata_of(made), "tail", 1, "")
    (request,) = files(fault)
    assert request.headers["range"].startswith("bytes=-")


# The whole file


@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no-cache"])
def test_whole(fault, publish, read, made, cache):
    """Of a server without ranges; asked for once in vain, until that is known."""
    publish(ranges=False)
    out, rung, requests, _ = read(*(() if cache else ("--no-cache-dir",)))
    assert (out, rung) == (metadata_of(made), "whole") and requests == 2


def test_whole_is_kept_as_the_body(dray, dest, fault, publish, read, made):
    publish(ranges=False)
    assert read()[1] == "whole"
    before = len(fault.requests())
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert len(fault.requests()) == before


def test_whole_by_url_is_kept_too(dray, dest, fault, publish, read, made):
    """Nobody promised what it is; the answer may be kept."""
    publish(ranges=False)
    fault.answers[f"/files/{made.name}"][0].headers["Cache-Control"] = "max-age=3600"
    url = f"{fault.url}/files/{made.name}"
    assert read(what=(url,))[1] == "whole"
    before = len(fault.requests())
    succeeded(dray.download("-i", fault.index, url, dest=dest))
    assert len(fault.requests()) == before and names_in(dest) == [made.name]


def test_a_whole_file_with_a_wrong_hash_is_no_metadata(dray, fault, publish):
    publish(ranges=False, hashes={"sha256": "0" * 64})
    result = failed_with(dray("metadata", "-i", fault.index, "demo"), "0" * 64)
    assert result.out == ""


# The store


@pytest.mark.parametrize("how", ["sidecar", "tail", "whole"])
def test_a_second_run_sends_no_request_at_all(fault, publish, read, made, how):
    text = metadata_of(made)
    publish(ranges=how == "tail", **({"sidecar": text, "core_metadata": True} if how == "sidecar" else {}))
    assert read()[:2] == (text, how)
    before = len(fault.requests())
    assert read() == (text, "store", 0, "")
    assert read("--offline") == (text, "store", 0, "")
    assert len(fault.requests()) == before


def test_under_its_hash_it_is_known_from_wherever_it_comes(fault, publish, read, made):
    """Once the whole file was seen to have it."""
    publish(ranges=False)
    assert read()[1] == "whole"
    before = len(fault.requests())
    url = f"http://127.0.0.1:1/mirror/{made.name}#sha256={sha256(made.read_bytes())}"
    assert read(what=(url,)) == (metadata_of(made), "store", 0, "")
    assert len(fault.requests()) == before


def test_what_one_server_says_of_a_hash_is_not_believed_of_another(dray, fault, publish, read, made, wheel, tmp_path):
    """An index that lists the real hash and serves another tail lies about its own file only."""
    liar = fault_server.FaultServer()
    try:
        forged = make_index.make_wheel(tmp_path / "forged", "demo", "1.0", payload=BIG, requires_dist=("evil",))
        liar.project("demo", liar.wheel(forged, lambda body: Answer(body, ranges=True),
                                        hashes={"sha256": sha256(made.read_bytes())}))
        result = succeeded(dray("metadata", "-i", liar.index, "demo"))
        assert "Requires-Dist: evil" in result.out
    finally:
        liar.stop()
    publish()
    assert read()[:2] == (metadata_of(made), "tail")


@pytest.mark.parametrize("how", ["sidecar", "tail"])
@pytest.mark.parametrize("headers, requests", [
    ({"Cache-Control": "max-age=3600"}, 0), ({"Cache-Control": "no-store"}, 1), ({"ETag": '"one"'}, 1),
], ids=["fresh", "no-store", "stale"])
def test_without_a_hash_it_is_known_by_its_url_while_that_is_fresh(fault, publish, read, made, how, headers, requests):
    text = metadata_of(made)
    publish(hashes={}, **({"sidecar": text, "core_metadata": True} if how == "sidecar" else {}))
    path = f"/files/{made.name}" + (".metadata" if how == "sidecar" else "")
    fault.answers[path][0].headers.update(headers)
    assert read()[:3] == (text, how, 1)
    assert read()[1:3] == (("store", 0) if not requests else (how, 1))
    assert len(fault.requests(path)) == 1 + requests


def test_a_body_without_a_hash_is_compared_with_what_was_read_by_url(dray, dest, fault, publish, read, made):
    text = metadata_of(made).replace(b"six>=1", b"six>=2")
    publish(sidecar=Answer(text, headers={"Cache-Control": "max-age=3600"}), core_metadata=True, hashes={})
    assert read()[:2] == (text, "sidecar")
    failed_with(dray.download("-i", fault.index, "demo", dest=dest), "six>=1", "six>=2")
    assert names_in(dest) == []
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))


def test_without_a_store_nothing_is_kept(dray, publish, read, fault):
    publish()
    for _ in range(2):
        assert read("--no-cache-dir")[1:3] == ("tail", 1)
    assert len(files(fault)) == 2
    assert names_in(dray.home / "cache") == []


def test_what_the_store_has_must_be_of_the_project(dray, fault, wheel, publish, read, made):
    """The same hash under another name: two pages can't both be right."""
    entry = publish()
    read()
    other = "other-1.0-py3-none-any.whl"
    fault.project("other", {**entry, "filename": other, "url": f"{fault.url}/files/{other}"})
    fault.on(f"/files/{other}", Answer(made.read_bytes(), ranges=True))
    failed_with(dray("metadata", "-i", fault.index, "other"), "other")


# The file


def test_a_body_in_the_store(dray, dest, fault, publish, read, made):
    publish()
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    before = len(fault.requests())
    assert read() == (metadata_of(made), "file", 0, "")
    assert len(fault.requests()) == before


def test_a_file_in_the_destination(dray, dest, fault, publish, made, tmp_path):
    publish()
    dest.mkdir()
    (dest / made.name).write_bytes(made.read_bytes())
    report = tmp_path / "report.json"
    succeeded(dray.download("--dry-run", "--no-cache-dir", "-i", fault.index, "--report", report, "demo", dest=dest))
    (entry,) = json.loads(report.read_text())["install"]
    assert entry["metadata"]["requires_dist"] == ["six>=1", "idna; extra == 'x'"]
    assert files(fault) == []


def test_a_wrong_file_in_the_destination_is_not_read(dray, dest, fault, wheel, publish, made, tmp_path):
    other = make_index.make_wheel(tmp_path / "other", "demo", "1.0", requires_dist=("wrong",))
    publish()
    dest.mkdir()
    (dest / made.name).write_bytes(other.read_bytes())
    report = tmp_path / "report.json"
    succeeded(dray.download("--dry-run", "-i", fault.index, "--report", report, "demo", dest=dest))
    (entry,) = json.loads(report.read_text())["install"]
    assert entry["metadata"]["requires_dist"] == ["six>=1", "idna; extra == 'x'"]


@pytest.mark.parametrize("spell", [str, lambda path: path.as_uri(), lambda path: f"demo @ {path.as_uri()}"],
                         ids=["path", "url", "requirement"])
def test_a_local_file(read, fault, made, spell):
    assert read(what=(spell(made),)) == (metadata_of(made), "file", 0, "")
    assert fault.requests() == []


def test_a_local_file_needs_no_index_and_no_net(dray, made):
    assert succeeded(dray("metadata", "--no-index", "--offline", made)).out.encode() == metadata_of(made)


# What it prints


def test_several_in_their_order(dray, fault, wheel):
    wheels = [wheel(name, "1.0", payload=size) for name, size in (("big", 400_000), ("small", 10), ("middle", 90_000))]
    for path in wheels:
        fault.project(make_index.project_of(path.name), fault.wheel(path, lambda body: Answer(body, ranges=True)))
    fault.answers["/simple/big/"][0].wait = 0.3
    result = succeeded(dray("metadata", "-i", fault.index, "big", "small", "middle"))
    assert result.out == "\n".join(f"==> {p.name} <==\n{metadata_of(p).decode()}" for p in wheels)


def pip_json(path):
    """pip's own conversion."""
    script = ("import json, sys\n"
              "from pip._internal.metadata import FilesystemWheel, get_wheel_distribution\n"
              "print(json.dumps(get_wheel_distribution(FilesystemWheel(sys.argv[1]), 'demo').metadata_dict))\n")
    return json.loads(subprocess.run([sys.executable, "-c", script, path], check=True, capture_output=True).stdout)


def rich_wheel(folder):
    text = ("Metadata-Version: 2.4\nName: demo\nVersion: 1.0\nSummary: für Tests\nKeywords: one,two, three\n"
            "Author-email: A <a@example.org>\nLicense-Expression: MIT\nClassifier: A :: B\nClassifier: C\n"
            "Project-URL: Home, https://example.org\nRequires-Python: >=3.8\nProvides-Extra: x\n"
            "Requires-Dist: six>=1\nRequires-Dist: idna; extra == \"x\"\nDynamic: Platform\nX-Unknown: kept back\n"
            "Description-Content-Type: text/markdown\n\n# Title\n\n\"Text\" \\ with\ttabs\n")
    path = folder / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("demo-1.0.dist-info/METADATA", text)
        archive.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    return path


def test_json_is_pips(dray, tmp_path):
    path = rich_wheel(tmp_path)
    (entry,) = json.loads(succeeded(dray("metadata", "--json", path)).out)
    assert entry["metadata"] == pip_json(path)
    assert entry["filename"] == path.name and entry["url"] == path.as_uri()
    assert "rung" not in entry


def test_json_with_stats(dray, fault, publish):
    publish()
    (entry,) = json.loads(succeeded(dray("metadata", "--json", "--stats", "-i", fault.index, "demo")).out)
    (request,) = files(fault)
    first, last = request.headers["range"].removeprefix("bytes=").split("-")
    assert (entry["rung"], entry["requests"], entry["bytes"]) == ("tail", 1, int(last) - int(first) + 1)
    assert entry["requirement"] == "demo"


def test_json_of_nothing_that_could_be_read(dray, fault):
    result = failed_with(dray("metadata", "--json", "-i", fault.index, "none"), "none")
    assert json.loads(result.out) == []


def test_a_password_is_not_shown(dray, fault, made, publish):
    publish()
    url = f"http://me:geheim@127.0.0.1:{fault.port}/files/{made.name}"
    result = succeeded(dray("metadata", "--json", "--stats", "-v", url))
    assert "geheim" not in result.out + result.err
    assert files(fault)[0].headers["authorization"].startswith("Basic ")


EVIL = RIGHT.replace(b"\n", b"\r\n") + "Summary: \x1b]0;title\x07 \u202eturned \u009b31m\r\n\r\n\tcaf\u00e9\r\n".encode()


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["plain", "json"])
def test_what_strangers_wrote_on_a_terminal(dray, fault, publish, options):
    """Nothing of it moves the cursor or sets a title there, and a pipe gets every byte of it."""
    publish(sidecar=EVIL, core_metadata=True)
    words = ["metadata", "-i", fault.index, *options, "demo"]
    terminal = Terminal(dray, 80, 24, *words)
    for _ in terminal.watch():
        pass
    shown = terminal.raw.replace(b"\r\n", b"\n").decode()
    assert terminal.process.returncode == 0 and "title" in shown and "caf\u00e9" in shown
    assert not set(shown) & set("\x1b\x07\r\u202e\u009b"), shown
    assert r"\u202eturned" in shown, "the others are spelled out"
    if options:
        assert json.loads(shown)[0]["metadata"]["summary"] == json.loads(dray(*words).out)[0]["metadata"]["summary"]
    else:
        assert "\n\tcaf" in shown and succeeded(dray(*words)).out.encode() == EVIL


# What can't be read


def test_the_others_are_shown_nonetheless(dray, fault, made, publish):
    publish()
    result = failed_with(dray("metadata", "-i", fault.index, "demo", "none"), "none")
    assert result.out == f"==> {made.name} <==\n{metadata_of(made).decode()}"


def test_a_source_distribution(dray, fault, tmp_path):
    sdist = make_index.make_sdist(tmp_path, "demo", "1.0")
    fault.project("demo", fault.wheel(sdist))
    target = ("--target", "3.12:win_amd64")
    failed_with(dray("metadata", *target, "-i", fault.index, "demo"), "source distribution", "PEP 643", sdist.name)
    failed_with(dray("metadata", *target, sdist), "source distribution", "PEP 643", sdist.name)


def test_a_source_distribution_with_a_sidecar(dray, fault, tmp_path):
    """Then the index has built it."""
    sdist = make_index.make_sdist(tmp_path, "demo", "1.0")
    fault.project("demo", fault.wheel(sdist, core_metadata={"sha256": sha256(RIGHT)}))
    fault.on(f"/files/{sdist.name}.metadata", Answer(RIGHT))
    assert succeeded(dray("metadata", "-i", fault.index, "demo")).out.encode() == RIGHT


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
def test_a_url_with_a_hash(dray, fault, publish, made, right):
    """The hash is of the whole file: the tail alone does not prove it, and is shown; a whole file does."""
    publish(ranges=False)
    digest = sha256(made.read_bytes()) if right else "0" * 64
    result = dray("metadata", f"{fault.url}/files/{made.name}#sha256={digest}")
    if right:
        assert succeeded(result).out.encode() == metadata_of(made)
    else:
        assert failed_with(result, "0" * 64).out == ""


def test_of_another_project_than_asked_for(dray, fault, wheel, made):
    """The page's name counts, not what the file claims."""
    other = wheel("other", "1.0", payload=BIG)
    fault.on(f"/files/{made.name}", Answer(other.read_bytes(), ranges=True))
    result = failed_with(dray("metadata", f"{fault.url}/files/{made.name}"), made.name, "other")
    assert result.out == ""


def test_offline_says_what_is_missing(dray, fault, publish, made):
    publish()
    failed_with(dray("metadata", "--offline", "-i", fault.index, "demo"), "demo", "--offline")
    failed_with(dray("metadata", "--offline", f"{fault.url}/files/{made.name}"), made.name, "--offline")
    assert fault.requests() == []


@pytest.mark.parametrize("words", [(), ("--stats",), ("demo", "--no-such"), ("demo", "-d", "x")])
def test_wrong_usage(dray, words):
    assert dray("metadata", *words).rc == 2


@pytest.mark.parametrize("where", ["page", "sidecar", "tail", "whole"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(dray, fault, publish, made, where, number):
    """On whichever rung; nothing is left, and the store is as good as before."""
    text = metadata_of(made)
    publish(sidecar=Answer(text, stall_after=5 if where == "sidecar" else None), core_metadata=where == "sidecar",
            ranges=fault_server.stalled if where == "tail" else False)
    path = f"/files/{made.name}"
    if where == "page":
        fault.answers["/simple/demo/"][0].stall_after = 5
    if where == "whole":
        fault.answers[path][0].stall_after = 100_000
    process = dray.start("metadata", "-i", fault.index, "demo")
    fault.wait_for({"page": "/simple/demo/", "sidecar": f"{path}.metadata"}.get(where, path))
    process.send_signal(number)
    result = dray.finish(process)
    assert result.rc == 128 + number and result.out == "", result
    left = [p.name for p in dray.home.rglob("*") if p.is_file() and p.suffix in (".whl", ".part", ".tmp")]
    assert left == []
    publish(sidecar=text)
    assert succeeded(dray("metadata", "-i", fault.index, "demo")).out.encode() == text


# The body says something else


def conflicting(folder, **facts):
    return make_index.make_wheel(folder, "demo", "1.0", payload=BIG, **facts)


def fails_loudly(dray, dest, fault, *values):
    failed_with(dray.download("-i", fault.index, "demo", dest=dest), "demo", *values)
    assert names_in(dest) == []


@pytest.mark.parametrize("claimed, field, values", [
    ({"requires_dist": ("liar>=1",)}, "Requires-Dist", ("liar>=1", "six>=1")),
    ({"requires_python": ">=2.7"}, "Requires-Python", (">=2.7", ">=3.6")),
], ids=["requires-dist", "requires-python"])
def test_a_body_that_differs_from_its_sidecar(dray, dest, fault, publish, read, made, tmp_path, claimed, field, values):
    facts = {"requires_dist": ("six>=1", "idna; extra == 'x'"), "requires_python": ">=3.6", **claimed}
    text = metadata_of(conflicting(tmp_path / "claimed", **facts))
    publish(sidecar=text, core_metadata={"sha256": sha256(text)})
    assert read() == (text, "sidecar", 1, "")
    fails_loudly(dray, dest, fault, field, *values)
    assert read()[1] != "store", "what was found wrong is asked for again"


def test_a_body_that_differs_from_its_tail(dray, dest, fault, publish, read, made, tmp_path):
    """A server that answers ranges from another file of the same size."""
    other = conflicting(tmp_path / "other", requires_dist=("six>=2", "idna; extra == 'x'"), requires_python=">=3.6")
    assert other.stat().st_size == made.stat().st_size
    publish(ranges=lambda asked, right: fault_server.part(Answer(other.read_bytes()), asked.first, asked.end))
    assert read() == (metadata_of(other), "tail", 1, "")
    fails_loudly(dray, dest, fault, "Requires-Dist", "six>=2", "six>=1")
    assert read()[1] != "store"


def test_a_body_that_only_looks_different(dray, dest, fault, publish, read, made):
    """What is compared is what it means: order, blanks and other fields are free."""
    text = (b"Metadata-Version: 2.3\nName: Demo\nVersion: 1.0.0\nRequires-Dist: idna ; extra == \"x\"\n"
            b"Requires-Dist: six >= 1\nRequires-Python: >= 3.6\nLicense: MIT\n")
    publish(sidecar=text, core_metadata=True)
    assert read()[:2] == (text, "sidecar")
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert names_in(dest) == [made.name]
