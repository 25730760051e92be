"""What was built is what was asked for, and stays that whatever happens on the way into the destination."""

import hashlib
import json
import os
import shutil
import tempfile
import zipfile

import mounts
import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded
from test_install import frozen, install, venv  # noqa: F401
from test_pip_cache import BACKEND, KEPT, TRUSTED, make_sdist, pip, pip_download  # noqa: F401
from test_wheel import StandIn, build, builds, sdist, wheel_name  # noqa: F401

LARGE = BACKEND.replace('"built = True\\n"', "repr(os.urandom(200000))")
SMALL_FILES = ["bash", "-c", 'ulimit -f 300; exec "$@"', "bash"]  # KiB: an archive fits, its wheel does not


@pytest.fixture
def built_by_pip(pip, fault, sdist, tmp_path):
    """Its wheel is in pip's cache, and too large to be placed."""
    path = sdist("tiny", backend=LARGE)
    pip("wheel", "--no-deps", "-i", fault.index, *TRUSTED, "-w", tmp_path / "by-pip", "tiny")
    return path


def test_an_archive_never_gets_the_name_of_a_wheel(build, dest, built_by_pip, builds):
    """pip's wheel can't be copied, so the archive is fetched; it is to be built again."""
    failed_with(build("tiny", prefix=SMALL_FILES), "tiny")
    assert names_in(dest) == []


def test_offline_it_is_not_asked_for(build, dray, dest, fault, built_by_pip):
    succeeded(dray.download("--dry-run", "-i", fault.index, "tiny", dest=dest))
    before = len(fault.requests())
    failed_with(build("--offline", "tiny", prefix=SMALL_FILES), "tiny", "File too large")
    assert len(fault.requests()) == before and names_in(dest) == []


@pytest.mark.parametrize("options", [[], ["--no-cache-dir"]], ids=["store", "no-store"])
def test_one_archive_in_two_words_is_built_once(build, dest, fault, sdist, builds, tmp_path, options):
    path = sdist("tiny")
    report = tmp_path / "report.json"
    result = succeeded(build("tiny", f"{fault.url}/files/{path.name}", "--report", report, *options))
    assert builds() == ["tiny"] and names_in(dest) == [wheel_name("tiny")]
    assert {item["dray"]["path"] for item in json.loads(report.read_text())["install"]} == \
           {str(dest / wheel_name("tiny"))}
    assert "Replaced" not in result.err


def test_a_built_wheel_replaces_none_of_this_run(build, dest, fault, wheel, tmp_path):
    made = wheel("tiny", "1.0")
    fault.project("tiny", fault.wheel(made))
    other = make_sdist(tmp_path / "mine", "tiny", "1.0")
    failed_with(build("tiny", other), made.name, "another directory")
    assert (dest / made.name).read_bytes() == made.read_bytes()


def test_a_wheel_of_another_version(build, dest, sdist):
    sdist("tiny", backend=BACKEND.replace("VERSION", "2.0"))
    failed_with(build("tiny==1.0"), "tiny-2.0-py3-none-any.whl")
    assert names_in(dest) == []


def test_an_archive_that_was_given_may_say_another_version(install, venv, builds, tmp_path):
    path = make_sdist(tmp_path / "made", "given", "1.0", BACKEND.replace("VERSION", "2.0"))
    succeeded(install(venv, path, env={"BUILD_LOG": builds.path}))
    assert "given==2.0" in frozen(venv)


def test_hashes_of_an_archive_that_was_built_before(build, dest, sdist, tmp_path):
    """The index promises an archive that this machine knows; the user another one."""
    path = sdist("tiny")
    succeeded(build("tiny"))
    shutil.rmtree(dest)
    needs = tmp_path / "needs.txt"
    needs.write_text(f"tiny==1.0 --hash=sha512:{hashlib.sha512(b'another').hexdigest()}\n")
    failed_with(build("--require-hashes", "-r", needs), "sha512")
    assert names_in(dest) == []
    needs.write_text(f"tiny==1.0 --hash=sha512:{hashlib.sha512(path.read_bytes()).hexdigest()}\n")
    succeeded(build("--require-hashes", "-r", needs))
    assert names_in(dest) == [wheel_name("tiny")]


def test_an_archive_whose_name_tells_nothing(install, venv, builds, tmp_path):
    path = make_sdist(tmp_path / "made", "nameless", "1.0")
    path = path.rename(path.with_name("main.tar.gz"))
    succeeded(install(venv, path, env={"BUILD_LOG": builds.path}))
    assert "nameless==1.0" in frozen(venv)


def test_archives_on_another_file_system_than_the_store(build, dest, sdist):
    """--link-mode is about the destination."""
    if not os.access("/dev/shm", os.W_OK) or os.stat("/dev/shm").st_dev == os.stat(dest.parent).st_dev:
        pytest.skip("needs /dev/shm beside the file system of the tests")
    sdist("tiny")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        succeeded(build("--link-mode", "hardlink", "tiny", env={"TMPDIR": folder}))
    assert names_in(dest) == [wheel_name("tiny")]


def test_a_store_too_full_for_what_was_built(build, dray, dest, sdist, tmp_path):
    sdist("tiny", backend=BACKEND.replace('"built = True\\n"', '"#" * 3000000'))
    cache = dray.home / "cache" / "dray"
    cache.mkdir()
    prefix = mounts.copied_back(f"mount -t tmpfs -o size=1m none '{cache}'", cache, tmp_path / "listing", ())
    succeeded(build("tiny", prefix=prefix))
    with zipfile.ZipFile(dest / wheel_name("tiny")) as archive:
        assert archive.testzip() is None


def test_built_of_what_pip_had_fetched(build, dest, fault, pip, builds, tmp_path):
    """Once, like any other."""
    path = make_sdist(tmp_path / "made", "tiny", "1.0")
    fault.project("tiny", fault.wheel(path, lambda body: Answer(body, headers=KEPT)))
    pip_download(pip, fault, tmp_path, "--no-build-isolation", "tiny")
    builds.path.write_text("")
    for _ in range(2):
        succeeded(build("tiny"))
        shutil.rmtree(dest)
    assert builds() == ["tiny"] and len(fault.requests(f"/files/{path.name}")) == 1


def test_find_links_with_a_blank(build, fault, tmp_path):
    """pip takes that variable apart at blanks."""
    make_sdist(tmp_path / "my own", "tiny", "1.0")
    python = StandIn(tmp_path / "stand-in")
    succeeded(build("--python", python.path, "--no-index", "-f", tmp_path / "my own", "tiny", index=False))
    call, = python.calls("-m", "pip", "wheel")
    assert call["env"]["PIP_FIND_LINKS"] == (tmp_path / "my own").as_uri()


@pytest.mark.parametrize("options", [[], ["--no-cache-dir"]], ids=["store", "no-store"])
def test_a_dry_run_reports_an_archive(build, sdist, wheel, fault, options):
    sdist("tiny")
    result = succeeded(build("--dry-run", "--report", "-", "tiny", *options))
    item, = json.loads(result.out)["install"]
    assert item["metadata"] == {"name": "tiny", "version": "1.0"}


def test_an_offline_dry_run_says_what_is_missing(dray, dest, fault, wheel):
    """As the run itself would."""
    fault.project("demo", fault.wheel(wheel("demo", "1.0")))
    command = ["-i", fault.index, "--dry-run", "demo"]
    succeeded(dray.download(*command, dest=dest))
    failed_with(dray.download("--offline", *command, dest=dest), "demo-1.0-py3-none-any.whl", "--offline")
