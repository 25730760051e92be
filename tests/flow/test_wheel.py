"""dray wheel: wheels as they are, source distributions built by the machine's pip."""

import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import zipfile

import mounts
import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded
from test_pip_cache import BACKEND, Builds, make_sdist
from test_store import flip, in_index, objects_of, sha256_of, store_of

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SECRET = "pa55-of-the-index"

BROKEN = BACKEND.replace("    info =", """
    print('looking for it')
    raise Exception('no such compiler: NAME')
    info =""")

# Says who it is and what it started, and stays.
HANGING = BACKEND.replace("    info =", """
    import subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    half = os.environ["BUILD_LOG"] + ".half"
    with open(half, "w") as file:
        file.write(f"{os.getpid()} {child.pid} {os.environ['TMPDIR']}")
    os.rename(half, os.environ["BUILD_LOG"] + ".pids")
    time.sleep(300)
    info =""")

# Goes on when another build is under way, too.
MEETING = BACKEND.replace("    info =", """
    import time
    until = time.monotonic() + 30
    while len(set(open(os.environ["BUILD_LOG"]).read().split())) < 2:
        if time.monotonic() > until:
            raise Exception("nobody else came")
        time.sleep(0.01)
    info =""")

# A python that writes down how it was called, and what it was called with.
STAND_IN = """#!{python}
import json, os, sys, time
with open({log!r}, "a") as log:
    log.write(json.dumps({{"argv": sys.argv, "env": dict(os.environ), "pid": os.getpid()}}) + "\\n")
{more}
os.execv({python!r}, [{python!r}, *sys.argv[1:]])
"""


class StandIn:
    """`path` acts as the python that `--python` names; calls("pip") are those of its pip."""

    def __init__(self, folder, python=sys.executable, more=""):
        folder.mkdir()
        self.path = folder / "python"
        self._log = folder / "calls"
        self._log.touch()
        self.path.write_text(STAND_IN.format(python=str(python), log=str(self._log), more=more))
        self.path.chmod(0o755)

    def calls(self, *words):
        """Those whose arguments have these words one after the other."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        n = len(words)
        return [line for line in lines
                if not n or any(tuple(line["argv"][at:at + n]) == words for at in range(len(line["argv"])))]


def is_running(pid):
    try:
        return pathlib.Path("/proc", str(pid), "stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def builds(tmp_path):
    return Builds(tmp_path / "builds.log")


@pytest.fixture
def sdist(fault, tmp_path):
    """Makes a source distribution on the index: sdist("tiny", backend=...)."""
    def make(name, version="1.0", backend=BACKEND, **facts):
        path = make_sdist(tmp_path / "made", name, version, backend)
        fault.project(name, fault.wheel(path, **facts))
        return path

    return make


@pytest.fixture
def build(dray, fault, dest, builds):
    """dray wheel; start=True leaves it running."""
    def run(*args, start=False, env=(), index=True, deps=False, **more):
        env = {"BUILD_LOG": builds.path, **dict(env)}
        where = ["-i", fault.index] if index else []
        command = ["wheel", *([] if deps else ["--no-deps"]), "--retries", "0", *where, "-w", dest, *args]
        return (dray.start if start else dray)(*command, env=env, **more)

    return run


def wheel_name(name, version="1.0"):
    return f"{name}-{version}-py3-none-any.whl"


def test_wheels_and_source_distributions(build, dest, fault, wheel, sdist, builds):
    made = wheel("ready", "1.0")
    fault.project("ready", fault.wheel(made))
    sdist("tiny")
    sdist("small")
    result = succeeded(build("ready", "tiny", "small"))
    assert names_in(dest) == sorted([made.name, wheel_name("tiny"), wheel_name("small")]), result
    assert sorted(builds()) == ["small", "tiny"]
    assert (dest / made.name).read_bytes() == made.read_bytes()
    with zipfile.ZipFile(dest / wheel_name("tiny")) as archive:
        assert "tiny.py" in archive.namelist()


def test_several_at_once(build, dest, sdist):
    """Each waits for the other."""
    if os.cpu_count() < 2:
        pytest.skip("one processor: one build at a time")
    for name in ("one", "two"):
        sdist(name, backend=MEETING)
    succeeded(build("one", "two"))
    assert names_in(dest) == [wheel_name("one"), wheel_name("two")]


def test_a_failing_build_shows_its_output(build, dest, sdist):
    sdist("broken", backend=BROKEN)
    sdist("tiny")
    result = build("broken", "tiny")
    failed_with(result, "broken", "no such compiler: broken", "looking for it", "broken-1.0.tar.gz")
    assert names_in(dest) == [wheel_name("tiny")]


def test_a_build_that_works_says_nothing(build, sdist):
    sdist("loud", backend=BACKEND.replace("    info =", "    print('looking for it')\n    info ="))
    result = succeeded(build("loud"))
    assert "looking for it" not in result.out + result.err


def test_a_failing_build_is_tried_again(build, dest, sdist, builds):
    sdist("broken", backend=BROKEN)
    for _ in range(2):
        failed_with(build("broken"), "no such compiler")
    assert builds() == ["broken", "broken"] and names_in(dest) == []


def test_the_second_run_builds_nothing(build, dray, dest, fault, sdist, builds, tmp_path):
    path = sdist("tiny")
    succeeded(build("tiny"))
    first = (dest / wheel_name("tiny")).read_bytes()
    assert sha256_of(dest / wheel_name("tiny")) in objects_of(store_of(dray))
    (dest / wheel_name("tiny")).unlink()
    result = succeeded(build("tiny", "--pip-cache-dir", tmp_path / "none"))
    assert (dest / wheel_name("tiny")).read_bytes() == first
    assert builds() == ["tiny"] and len(fault.requests(f"/files/{path.name}")) == 1
    assert "1 came from a cache" in result.err


def test_another_file_under_the_same_name_is_built(build, dest, sdist, builds):
    sdist("tiny")
    succeeded(build("tiny"))
    sdist("tiny", backend=BACKEND.replace("built = True", "built = 'anew'"))
    succeeded(build("tiny"))
    assert builds() == ["tiny", "tiny"]
    with zipfile.ZipFile(dest / wheel_name("tiny")) as archive:
        assert b"anew" in archive.read("tiny.py")


def test_the_second_run_after_another_boot_builds_nothing(build, dray, dest, sdist, builds, tmp_path):
    sdist("tiny")
    succeeded(build("tiny"))
    (dest / wheel_name("tiny")).unlink()
    in_index(store_of(dray), "UPDATE object SET boot = 'another'")
    succeeded(build("tiny", "--pip-cache-dir", tmp_path / "none"))
    assert builds() == ["tiny"]


def test_a_damaged_built_wheel_of_another_boot(build, dray, sdist, builds, dest):
    """Whatever becomes of the stored one, what is placed is right."""
    sdist("tiny")
    succeeded(build("tiny"))
    right = (dest / wheel_name("tiny")).read_bytes()
    path = objects_of(store_of(dray))[sha256_of(dest / wheel_name("tiny"))]
    (dest / wheel_name("tiny")).unlink()
    in_index(store_of(dray), "UPDATE object SET boot = 'another'")
    flip(path, at=100)
    succeeded(build("tiny"))
    with zipfile.ZipFile(dest / wheel_name("tiny")) as archive:
        assert archive.testzip() is None
    assert len((dest / wheel_name("tiny")).read_bytes()) == len(right)


def test_without_a_store(build, dray, dest, sdist, builds):
    sdist("tiny")
    for _ in range(2):
        succeeded(build("--no-cache-dir", "tiny"))
    assert builds() == ["tiny", "tiny"] and names_in(dest) == [wheel_name("tiny")]
    assert not store_of(dray).exists()


def test_a_local_archive(build, dest, tmp_path, builds):
    path = make_sdist(tmp_path / "mine", "tiny", "1.0")
    succeeded(build("--no-index", path, index=False))
    assert names_in(dest) == [wheel_name("tiny")] and builds() == ["tiny"]


def test_dry_run_builds_nothing(build, dest, sdist, builds):
    path = sdist("tiny")
    result = succeeded(build("--dry-run", "tiny"))
    assert path.name in result.out + result.err
    assert builds() == [] and names_in(dest) == []


def test_only_binary(build, dest, sdist, builds):
    sdist("tiny")
    failed_with(build("--only-binary", ":all:", "tiny"), "tiny")
    assert builds() == [] and names_in(dest) == []


def test_with_its_hash(build, dest, sdist, builds, tmp_path):
    path = sdist("tiny")
    needs = tmp_path / "needs.txt"
    needs.write_text(f"tiny==1.0 --hash=sha256:{sha256_of(path)}\n")
    for _ in range(2):
        succeeded(build("--require-hashes", "-r", needs))
    assert names_in(dest) == [wheel_name("tiny")]


def test_with_a_wrong_hash(build, dest, sdist, builds, tmp_path):
    """Nothing of it is run."""
    sdist("tiny", hashes={})
    needs = tmp_path / "needs.txt"
    needs.write_text(f"tiny==1.0 --hash=sha256:{hashlib.sha256(b'another').hexdigest()}\n")
    failed_with(build("--require-hashes", "-r", needs), "tiny")
    assert builds() == [] and names_in(dest) == []


def test_an_archive_that_the_index_promised_otherwise(build, dest, sdist, builds):
    sdist("tiny", hashes={"sha256": hashlib.sha256(b"another").hexdigest()})
    failed_with(build("tiny"), "tiny")
    assert builds() == [] and names_in(dest) == []


def test_a_python_without_pip(build, dest, sdist, tmp_path):
    sdist("tiny")
    no_pip = StandIn(tmp_path / "stand-in", more="if 'pip' in sys.argv: sys.exit('No module named pip')")
    failed_with(build("--python", no_pip.path, "tiny"), "tiny", "No module named pip")
    assert names_in(dest) == []


def everybody():
    """The argument lists of all processes."""
    lists = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lists.append(path.read_bytes())
        except OSError:
            pass
    return lists


def test_credentials_are_in_no_argument(build, dray, fault, sdist, builds, tmp_path):
    """Every user of the machine can read those. A build finds the index in its environment."""
    sdist("hanging", backend=HANGING)
    python = StandIn(tmp_path / "stand-in")
    index = fault.index.replace("//", f"//alice:{SECRET}@")
    process = build("--python", python.path, "hanging", start=True, index=False, env={"DRAY_INDEX_URL": index})
    until(lambda: pathlib.Path(f"{builds.path}.pids").exists())
    lists = everybody()
    assert any(b"pip\0wheel\0" in arguments for arguments in lists), "looked while it ran"
    process.send_signal(signal.SIGTERM)
    result = dray.finish(process)
    assert [arguments for arguments in lists if SECRET.encode() in arguments] == []
    call, = python.calls("-m", "pip", "wheel")
    assert call["env"]["PIP_INDEX_URL"] == index
    assert [seen["argv"] for seen in python.calls() if SECRET in " ".join(seen["argv"])] == []
    assert SECRET not in result.out + result.err


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_interrupted_while_it_builds(build, dray, dest, sdist, builds, fault, wheel, number):
    """pip is gone with all that it started, and so is what they wrote (finish() looks into TMPDIR)."""
    sdist("hanging", backend=HANGING)
    made = wheel("ready", "1.0")
    fault.project("ready", fault.wheel(made))
    process = build("hanging", "ready", start=True)
    pids = pathlib.Path(f"{builds.path}.pids")
    until(lambda: pids.exists() and made.name in names_in(dest))
    backend, child, temporary = pids.read_text().split()
    assert is_running(backend) and is_running(child)
    assert pathlib.Path(temporary).is_relative_to(dray.temporary)
    process.send_signal(number)
    result = dray.finish(process, 20)
    assert result.rc == CODES[number], result
    assert not is_running(backend) and not is_running(child)
    assert names_in(dest) == [made.name]


def test_interrupted_while_an_archive_comes(build, dray, dest, fault, sdist):
    path = sdist("tiny")
    fault.on(f"/files/{path.name}", Answer(path.read_bytes(), stall_after=100))
    process = build("tiny", start=True)
    fault.wait_for(f"/files/{path.name}")
    process.send_signal(signal.SIGINT)
    assert dray.finish(process, 20).rc == 130
    assert names_in(dest) == []


def test_a_full_destination(build, dray, dest, sdist, tmp_path):
    sdist("tiny", backend=BACKEND.replace('"built = True\\n"', '"#" * 3000000'))
    dest.mkdir()
    prefix = mounts.copied_back(f"mount -t tmpfs -o size=1m none '{dest}'", dest, tmp_path / "listing", ())
    failed_with(build("tiny", prefix=prefix), "tiny", "space")
    assert (tmp_path / "listing").read_text() == ""


def test_what_it_made_can_be_installed(build, dest, sdist, tmp_path):
    sdist("tiny")
    succeeded(build("tiny"))
    target = tmp_path / "target"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", target,
                    dest / wheel_name("tiny")], check=True, env={**os.environ, "PIP_CONFIG_FILE": os.devnull})
    assert (target / "tiny.py").read_text() == "built = True\n"


@pytest.mark.parametrize("store", [(), ("--no-cache-dir",)])
def test_a_built_wheel_that_needs_other_things_than_were_resolved(build, dest, fault, sdist, wheel, store):
    """The index says of a source distribution what its build does not."""
    path = sdist("odd", core_metadata=True)
    fault.on(f"/files/{path.name}.metadata", b"Metadata-Version: 2.1\nName: odd\nVersion: 1.0\nRequires-Dist: lib\n")
    fault.project("lib", fault.wheel(wheel("lib", "1.0")))
    failed_with(build("odd", *store, deps=True), "odd-1.0-py3-none-any.whl, which was built", "Requires-Dist")
    assert names_in(dest) == ["lib-1.0-py3-none-any.whl"]
