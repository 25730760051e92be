"""What thousands of requirements, unlucky combinations and hostile answers did at one time or another."""

import json
import os
import resource
import shutil
import stat
import time

import make_index
import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded

FEW_DESCRIPTORS = 64


def limit_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW_DESCRIPTORS, FEW_DESCRIPTORS))


@pytest.fixture
def many(tmp_path):
    """Three hundred wheels and a static index of them."""
    root = tmp_path / "many"
    wheels = [make_index.make_wheel(root / "files", f"many-{n}", "1.0", payload=300) for n in range(300)]
    make_index.write_index(root, [make_index.describe(path) for path in wheels])
    return root, wheels


def write_lines(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


# Thousands at once: more local files than there are descriptors

@pytest.mark.parametrize("kind", ["index", "find-links", "urls", "paths"])
def test_more_local_files_than_descriptors(dray, dest, tmp_path, many, kind):
    root, wheels = many
    names = [make_index.project_of(path.name) for path in wheels]
    lines = {"index": names, "find-links": names, "urls": [path.as_uri() for path in wheels], "paths": wheels}[kind]
    where = {"index": ["-i", (root / "simple").as_uri()], "find-links": ["--no-index", "-f", root / "files"]}
    needs = write_lines(tmp_path / "needs.txt", lines)
    options = [*where.get(kind, ["--no-index"]), "-r", needs]
    succeeded(dray.download(*options, dest=dest, preexec_fn=limit_descriptors))
    assert names_in(dest) == sorted(path.name for path in wheels)
    again = succeeded(dray.download(*options, dest=dest, preexec_fn=limit_descriptors))
    # Only an index promises digests; other local files are simply copied again.
    assert "300" in again.err and ("already" in again.err) == (kind == "index")


def test_one_project_said_thousands_of_times(dray, dest, tmp_path, fault, wheel):
    """The specifiers of all lines were joined one by one, each time as a copy."""
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made))
    needs = write_lines(tmp_path / "needs.txt", ["demo==1.0"] * 5000 + [f"demo>=0.{n}" for n in range(3000)])
    succeeded(dray.download("-i", fault.index, "-q", "-r", needs, dest=dest, seconds=30))
    assert names_in(dest) == [made.name]


# One file, asked for in several ways

@pytest.mark.parametrize("lines", [
    ["demo @ {url}", "{url}"], ["{url}", "demo @ {url}"], ["{url}", "demo"], ["demo==1.0", "{url}"],
    ["{url}", "demo", "demo @ {url}"],
])
def test_one_file_in_several_words(dray, dest, fault, tmp_path, lines):
    made = make_index.make_sdist(tmp_path / "made", "demo", "1.0")
    fault.project("demo", fault.wheel(made))
    url = f"{fault.url}/files/{made.name}"
    succeeded(dray.download("-i", fault.index, *(line.format(url=url) for line in lines), dest=dest))
    assert names_in(dest) == [made.name]
    assert (dest / made.name).read_bytes() == made.read_bytes()
    assert len(fault.requests(f"/files/{made.name}")) == 1


def test_two_addresses_of_one_content(dray, dest, fault, tmp_path):
    sdist = make_index.make_sdist(tmp_path / "made", "other", "1.0")
    fault.project("other", fault.wheel(sdist))
    mirror = fault.on(f"/mirror/{sdist.name}", Answer(sdist.read_bytes()))
    promised = make_index.describe(sdist)["hashes"]["sha256"]
    succeeded(dray.download("-i", fault.index, "other", f"{mirror}#sha256={promised}", dest=dest))
    assert names_in(dest) == [sdist.name]


def test_a_url_that_a_constraint_contradicts(dray, dest, fault, tmp_path):
    made = make_index.make_sdist(tmp_path / "made", "demo", "1.0")
    url = fault.on(f"/x/{made.name}", Answer(made.read_bytes()))
    limits = write_lines(tmp_path / "c.txt", ["demo>=2"])
    failed_with(dray.download("--no-index", "-c", limits, f"demo @ {url}", dest=dest), made.name, ">=2")
    assert fault.requests() == [] and names_in(dest) == []


# Secrets

def test_the_password_of_a_requirements_file(dray, dest, fault):
    secret = fault.url.replace("://", "://user:sesame@")
    for name, body in {"bad": b"foo==\n", "loop": b"-r loop.txt\n", "option": b"--frobnicate\n",
                       "latin": b"# \xff\nnothere\n", "none": None}.items():
        if body is not None:
            fault.on(f"/r/{name}.txt", Answer(body))
        for flag in ("-r", "-c"):
            result = dray.download("-i", fault.index, "-vv", flag, f"{secret}/r/{name}.txt", "nothere", dest=dest)
            assert result.rc == 1, result
            assert "sesame" not in result.err + result.out, result


@pytest.mark.parametrize("line", [
    "-e git+https://user:sesame@git.example.org/x.git",
    "a @ https://u:p@files.example.org/a-1.zip @ https://user:sesame@files.example.org/x",
])
def test_the_password_in_a_line_that_is_refused(dray, dest, tmp_path, line):
    needs = write_lines(tmp_path / "needs.txt", [line])
    result = failed_with(dray.download("--no-index", "-r", needs, dest=dest), "line 1")
    assert "sesame" not in result.err


def test_plain_http_from_a_name_like_loopback(dray, dest):
    """Only addresses of 127.0.0.0/8 are this machine."""
    failed_with(dray.download("-i", "http://127.example.org/simple/", "demo", dest=dest), "not encrypted")


# Answers

def test_how_long_a_server_asks_to_wait_is_told(dray, dest, fault, wheel):
    busy = Answer(b"", 503, headers={"Retry-After": "86400"})
    fault.project("demo", fault.wheel(wheel("demo", "1.0"), lambda _: busy))
    failed_with(dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest), "503", "86400 s")


@pytest.mark.parametrize("facts", [{"hashes": {}, "size": None}])
def test_an_empty_body_is_no_distribution(dray, dest, fault, wheel, facts):
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made, lambda _: Answer(b""), Answer, **facts))
    succeeded(dray.download("-i", fault.index, "--retries", "1", "demo", dest=dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()
    fault.project("demo", fault.wheel(made, lambda _: Answer(b""), **facts))
    shutil.rmtree(dest)
    failed_with(dray.download("-i", fault.index, "demo", dest=dest), "empty")
    assert names_in(dest) == []


@pytest.mark.parametrize("status", [201, 204, 206, 304])
def test_a_status_that_is_no_body(dray, dest, fault, wheel, status):
    made = wheel("demo", "1.0")
    empty = status in (204, 304)
    fault.project("demo", fault.wheel(made, lambda body: Answer(b"" if empty else body, status,
                                                               length=None if empty else True)))
    failed_with(dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest), str(status))
    assert names_in(dest) == [] and len(fault.requests(f"/files/{made.name}")) == 1


# The destination

@pytest.mark.parametrize("made_again", [False, True])
def test_the_destination_goes_away(dray, dest, fault, wheel, made_again):
    made = wheel("demo", "1.0", payload=300000)
    fault.project("demo", fault.wheel(made, lambda body: Answer(body, pace=(100000, 0.3))))
    process = dray.start("download", "--no-deps", "-i", fault.index, "demo", "-d", dest)
    fault.wait_for(f"/files/{made.name}")
    time.sleep(0.2)
    shutil.rmtree(dest)
    if made_again:
        dest.mkdir()
    failed_with(dray.finish(process), made.name, str(dest))
    assert names_in(dest) == []


def test_names_that_are_not_utf8(dray, dest, wheel):
    made = wheel("demo", "1.0")
    folder = os.fsencode(made.parent) + b"/\xff\xfe"
    os.mkdir(folder)
    shutil.copy(made, folder + b"/" + os.fsencode(made.name))
    odd = os.fsdecode(os.fsencode(dest) + b"\xe9")
    succeeded(dray("download", "--no-deps", "--no-index", "-f", os.fsdecode(folder), "demo", "-d", odd))
    assert os.listdir(odd) == [made.name]
    succeeded(dray("download", "--no-deps", "--no-index", os.fsdecode(folder) + f"/{made.name}", "-d", dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()


def test_a_dry_run_sees_what_is_here(dray, dest, fault, wheel):
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made))
    result = succeeded(dray.download("-i", fault.index, "--dry-run", "demo", dest=dest))
    assert "Would" in result.err and not dest.exists()
    dest.mkdir()
    shutil.copy(made, dest)
    result = succeeded(dray.download("-i", fault.index, "--dry-run", "demo", dest=dest))
    assert "already" in result.err and "Would" not in result.err
    (dest / made.name).write_bytes(b"other")
    result = succeeded(dray.download("-i", fault.index, "--dry-run", "demo", dest=dest))
    assert "Would" in result.err
    assert (dest / made.name).read_bytes() == b"other" and names_in(dest) == [made.name]
    assert fault.requests(f"/files/{made.name}") == []


# What is written besides

@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_files_that_are_closed(dray, dest, fault, wheel, closed):
    """The next file that is opened must not get their numbers: messages would land in it."""
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made))
    prefix = ["sh", "-c", f'"$@" {closed}', "sh"]
    result = dray.download("-i", fault.index, "-vv", "--progress", "json", "demo", dest=dest, prefix=prefix)
    assert result.rc == 0, result
    assert (dest / made.name).read_bytes() == made.read_bytes()


@pytest.mark.parametrize("options", [["--report", "-"], ["--trace", "-"], ["--progress", "json"]])
def test_a_full_standard_output_is_told(dray, dest, fault, wheel, options):
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made))
    with open("/dev/full", "wb") as full:
        result = dray.download("-i", fault.index, *options, "demo", dest=dest, stdout=full)
    assert result.rc == 1, result
    assert result.err.count("can't write") == 1, result
    assert names_in(dest) == [made.name]


def test_a_report_into_a_pipe_leaves_it_a_pipe(dray, dest, fault, wheel, tmp_path):
    """A file was renamed over it, and over /dev/null as well."""
    fault.project("demo", fault.wheel(wheel("demo", "1.0")))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    succeeded(dray.download("-i", fault.index, "--report", pipe, "demo", dest=dest))
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert json.loads(os.read(reader, 1 << 16))["version"] == "1"
    os.close(reader)


# What a newcomer found

def test_the_largest_goes_first_on_one_connection(dray, dest, fault, wheel):
    """Bulk has seats of its own, which must not cost it its place."""
    sizes = {"small-a": 1_000, "small-b": 300_000, "large": 2_000_000, "small-c": 50_000}
    for name, size in sizes.items():
        made = wheel(name, "1.0", payload=size)
        fault.project(name, fault.wheel(made))
    succeeded(dray.download("-i", fault.index, "--connections", "1", *sizes, dest=dest))
    asked = [r.path for r in fault.log if r.path.startswith("/files/")]
    assert [p.split("/")[-1].split("-")[0] for p in asked] == ["large", "small_b", "small_c", "small_a"]


def test_a_local_file_replaces_another_of_its_name(dray, dest, wheel):
    made = wheel("demo", "1.0")
    dest.mkdir()
    (dest / made.name).write_text("junk")
    succeeded(dray.download(made, dest=dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()


def test_a_missing_hash_is_no_accusation(dray, dest, fault, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0")))
    result = dray.download("-i", fault.index, "--require-hashes", "demo", dest=dest)
    assert result.rc == 1 and "pinned" in result.err and "tampered" not in result.err, result
