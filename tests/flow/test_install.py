"""dray install: everything is fetched first, then the machine's pip installs it, then nothing is left of it."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded
from test_pip_cache import BACKEND, Builds, make_sdist
from test_store import objects_of, sha256_of, store_of
from test_wheel import CODES, StandIn, is_running, until

# Writes down what it finds in the wheelhouse, and stays.
STAYS = """
if "install" in sys.argv:
    house = sys.argv[sys.argv.index("--find-links") + 1]
    with open({seen!r} + ".half", "w") as file:
        json.dump({{"pid": os.getpid(), "house": house, "files": sorted(os.listdir(house))}}, file)
    os.rename({seen!r} + ".half", {seen!r})
    time.sleep(300)
"""


@pytest.fixture(scope="module")
def venv(tmp_path_factory):
    """A virtual environment that the tests of this file share; its python."""
    folder = tmp_path_factory.mktemp("venv") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin" / "python"


@pytest.fixture
def project(fault, wheel):
    """Makes a wheel on the index: project("demo", ...)."""
    def make(name, *answers, payload=2000):
        path = wheel(name, "1.0", payload=payload)
        fault.project(name, fault.wheel(path, *answers))
        return path

    return make


@pytest.fixture
def install(dray, fault):
    def run(python, *args, start=False, env=None, **more):
        command = ["install", "--no-deps", "--retries", "0", "-i", fault.index, "--python", python, *args]
        return (dray.start if start else dray)(*command, env=env, **more)

    return run


def ask(python, *args):
    done = subprocess.run([python, *args], capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull})
    return done.returncode, done.stdout


def frozen(python):
    return ask(python, "-m", "pip", "freeze")[1].splitlines()


def site_of(python):
    return pathlib.Path(ask(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")[1].strip())


def test_into_a_virtual_environment(install, dray, venv, project):
    made = project("installed-one")
    project("installed-two")
    result = succeeded(install(venv, "installed-one", "installed-two>=1"))
    assert f"Fetched {made.name}" in result.err and "wheelhouse" not in result.err, "no path that is gone"
    assert ask(venv, "-c", "import installed_one, installed_two; print(installed_one.__version__)") == (0, "1.0\n")
    assert {"installed-one==1.0", "installed-two==1.0"} <= set(frozen(venv)), "by version, not by path"
    assert list(site_of(venv).glob("installed_*/direct_url.json")) == []
    assert sha256_of(made) in objects_of(store_of(dray)), "for the next time"


def test_from_the_store(install, venv, project, fault, dray, tmp_path):
    made = project("stored")
    succeeded(dray.download("-i", fault.index, "stored", dest=tmp_path / "before"))
    succeeded(install(venv, "stored"))
    assert "stored==1.0" in frozen(venv)
    assert len(fault.requests(f"/files/{made.name}")) == 1
    assert objects_of(store_of(dray))[sha256_of(made)].read_bytes() == made.read_bytes()


def test_a_source_distribution(install, venv, fault, tmp_path):
    builds = Builds(tmp_path / "builds.log")
    fault.project("tinybuilt", fault.wheel(make_sdist(tmp_path / "made", "tinybuilt", "1.0", BACKEND)))
    succeeded(install(venv, "tinybuilt", env={"BUILD_LOG": builds.path}))
    assert "tinybuilt==1.0" in frozen(venv) and builds() == ["tinybuilt"]


def test_from_a_requirements_file_with_hashes(install, venv, project, tmp_path):
    made = project("hashed")
    needs = tmp_path / "needs.txt"
    needs.write_text(f"hashed==1.0 --hash=sha256:{sha256_of(made)}\n")
    succeeded(install(venv, "--require-hashes", "-r", needs))
    assert "hashed==1.0" in frozen(venv)


def test_options_for_pip(install, venv, project, tmp_path):
    project("passed-on")
    target = tmp_path / "target"
    succeeded(install(venv, "passed-on", "--", "--target", target))
    assert (target / "passed_on" / "__init__.py").exists()
    assert "passed-on==1.0" not in frozen(venv)


def test_pips_dry_run(install, venv, project):
    project("not-really")
    result = succeeded(install(venv, "not-really", "--", "--dry-run"))
    assert "Would install not-really-1.0" in result.out
    assert "not-really==1.0" not in frozen(venv)


def test_own_dry_run(install, project, fault, tmp_path):
    """pip is not run, nothing is fetched."""
    made = project("not-at-all")
    python = StandIn(tmp_path / "stand-in")
    result = succeeded(install(python.path, "--dry-run", "not-at-all"))
    assert made.name in result.out + result.err
    assert python.calls("-m", "pip") == [] and fault.requests(f"/files/{made.name}") == []


def test_what_pip_sees(install, dray, project, tmp_path):
    """All of it, before it starts; no index, no name that could lead anywhere else."""
    made = [project(f"seen-{n}", lambda body: Answer(body, pace=(500, 0.02))) for n in range(4)]
    seen = tmp_path / "seen"
    python = StandIn(tmp_path / "stand-in", more=STAYS.format(seen=str(seen)))
    process = install(python.path, *(f"seen-{n}" for n in range(4)), start=True,
                      env={"PIP_FIND_LINKS": tmp_path, "PIP_CONFIG_FILE": None})
    until(seen.exists)
    facts = json.loads(seen.read_text())
    assert facts["files"] == sorted(path.name for path in made)
    call, = python.calls("-m", "pip", "install")
    assert "--no-index" in call["argv"] and "--no-deps" in call["argv"]
    assert [word for word in call["argv"] if "127.0.0.1" in word] == []
    assert call["env"]["PIP_FIND_LINKS"].strip() == ""
    process.send_signal(signal.SIGTERM)
    dray.finish(process, 20)


def test_when_one_requirement_fails_pip_is_not_run(install, dray, project, fault, tmp_path):
    made = project("good")
    project("bad", lambda _: Answer(status=500))
    python = StandIn(tmp_path / "stand-in")
    failed_with(install(python.path, "good", "bad"), "bad", "500")
    assert python.calls("-m", "pip") == []
    assert sha256_of(made) in objects_of(store_of(dray)), "what was verified is kept"


def test_when_a_build_fails_pip_installs_nothing(install, project, fault, tmp_path):
    broken = BACKEND.replace("    info =", "    raise Exception('no such compiler')\n    info =")
    fault.project("unbuilt", fault.wheel(make_sdist(tmp_path / "made", "unbuilt", "1.0", broken)))
    project("good")
    python = StandIn(tmp_path / "stand-in")
    builds = Builds(tmp_path / "builds.log")
    failed_with(install(python.path, "good", "unbuilt", env={"BUILD_LOG": builds.path}), "no such compiler")
    assert python.calls("-m", "pip", "install") == []


def test_when_pip_fails(install, dray, venv, project, fault):
    """finish() looks that the wheelhouse is gone."""
    made = project("refused")
    failed_with(install(venv, "refused", "--", "--no-such-option"), "pip install ended with status 2")
    assert "refused==1.0" not in frozen(venv)
    assert sha256_of(made) in objects_of(store_of(dray))
    succeeded(install(venv, "refused"))
    assert len(fault.requests(f"/files/{made.name}")) == 1


def test_a_python_that_is_not_there(install, project, tmp_path):
    project("demo")
    result = install(tmp_path / "none" / "python", "demo")
    assert result.rc in (1, 2), result
    assert str(tmp_path / "none" / "python") in result.err and result.err.count("error:") == 1, result


def test_nothing_to_install(dray, fault):
    failed_with(dray("install", "--no-deps", "-i", fault.index), "nothing to install", code=2)


def test_with_what_it_needs(dray, venv, fault, wheel):
    for name, needs in (("needy", ["needed>=1"]), ("needed", [])):
        path = wheel(name, "1.0", requires_dist=needs)
        fault.project(name, fault.wheel(path))
    succeeded(dray("install", "-i", fault.index, "--python", venv, "needy"))
    assert ask(venv, "-c", "import needy, needed; print(needed.__version__)") == (0, "1.0\n")



def test_all_are_ignored(install, project, tmp_path):
    """Nothing is left to install by their markers: that is no failure, and pip is not needed."""
    project("demo")
    python = StandIn(tmp_path / "stand-in")
    succeeded(install(python.path, "demo; python_version < '3'"))
    assert python.calls("-m", "pip") == []


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_interrupted_while_it_fetches(install, dray, project, fault, tmp_path, number):
    project("first")
    slow = project("slow", lambda body: Answer(body, stall_after=1000), payload=300000)
    python = StandIn(tmp_path / "stand-in")
    process = install(python.path, "first", "slow", start=True)
    fault.wait_for(f"/files/{slow.name}")
    assert [path.name for path in dray.temporary.iterdir()] != [], "the wheelhouse is there"
    process.send_signal(number)
    result = dray.finish(process, 20)
    assert result.rc == CODES[number], result
    assert python.calls("-m", "pip") == []
    assert names_in(dray.temporary) == []


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_interrupted_while_pip_installs(install, dray, project, tmp_path, number):
    made = project("demo")
    seen = tmp_path / "seen"
    python = StandIn(tmp_path / "stand-in", more=STAYS.format(seen=str(seen)))
    process = install(python.path, "demo", start=True)
    until(seen.exists)
    facts = json.loads(seen.read_text())
    assert is_running(facts["pid"]) and pathlib.Path(facts["house"]).is_relative_to(dray.temporary)
    process.send_signal(number)
    result = dray.finish(process, 20)
    assert result.rc == CODES[number], result
    assert not is_running(facts["pid"])
    assert not pathlib.Path(facts["house"]).exists() and names_in(dray.temporary) == []
    assert sha256_of(made) in objects_of(store_of(dray))


def test_without_a_store(install, dray, venv, project):
    project("unstored")
    succeeded(install(venv, "--no-cache-dir", "unstored"))
    assert "unstored==1.0" in frozen(venv)
    assert not store_of(dray).exists()
