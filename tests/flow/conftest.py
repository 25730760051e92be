"""What the flow tests share: the program, wheels, indexes, servers. Nothing here leads dray off loopback;
only pip goes out, once, for the real wheels."""

import fcntl
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import daemons  # noqa: E402
import fault_server  # noqa: E402
import faulty  # noqa: E402
import make_index  # noqa: E402
import program  # noqa: E402
import resolving  # noqa: E402
import servers  # noqa: E402

CACHE = program.ROOT / "tests" / ".cache"
WANTED = pathlib.Path(__file__).parent / "real-wheels.txt"
AT_LEAST = 60


def pytest_sessionstart():
    if not program.PROGRAM.exists():
        pytest.exit(f"{program.PROGRAM} is not there; build it, or say where with DRAY_BUILD", returncode=1)


@pytest.fixture
def dray(tmp_path):
    return program.Program(tmp_path / "home")


@pytest.fixture
def dest(tmp_path):
    """A destination that does not exist yet."""
    return tmp_path / "dest"


@pytest.fixture
def fault():
    server = fault_server.FaultServer()
    yield server
    server.stop()


@pytest.fixture
def fetch(dray, dest, fault):
    """Runs that must end soon: see faulty."""
    return faulty.Fetch(dray, dest, fault.index)


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """Makes a faulty.Batch, once for a module."""
    made = []

    def make(name):
        made.append(faulty.Batch(tmp_path_factory.mktemp(name)))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def daemon(dray, tmp_path):
    """Makes daemons that are not started yet; they end with the test."""
    made = []

    def make(*args, folder=None, **more):
        made.append(daemons.Daemon(dray, folder or tmp_path / "d", *args, **more))
        return made[-1]

    yield make
    for one in made:
        one.leave()


@pytest.fixture
def serve(fault, demo):
    """The answers to the first, second ... request for the body of `demo`, the test file's wheel; `facts` are those
    of its page."""
    def make(*answers, **facts):
        fault.project("demo", fault.wheel(demo, *answers, **facts))
        return f"/files/{demo.name}"

    return make


@pytest.fixture
def wheel(tmp_path):
    """Makes a wheel in a folder of this test: wheel("demo", "1.0", payload=...)."""
    def make(name="demo", version="1.0", **facts):
        return make_index.make_wheel(tmp_path / "made", name, version, **facts)

    return make


@pytest.fixture(scope="session")
def generated_wheels(tmp_path_factory):
    """Sixty wheels that need no network."""
    folder = tmp_path_factory.mktemp("generated") / "files"
    return [make_index.make_wheel(folder, f"made-{n}", f"1.{n}", payload=257 * n * n) for n in range(1, 61)]


@pytest.fixture(scope="session")
def fetched_wheels():
    """The wheels of real-wheels.txt, fetched by pip once and kept; or why there are none."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "wheels.lock", "w") as lock:  # of several that run tests, one fetches
        fcntl.flock(lock, fcntl.LOCK_EX)
        why_not = fetch_wheels(CACHE / "wheels", CACHE / "wheels.done")
    wheels = [] if why_not else sorted((CACHE / "wheels").glob("*.whl"))
    assert why_not or len(wheels) >= AT_LEAST, f"{WANTED} has too few"
    return wheels, why_not


def fetch_wheels(folder, stamp):
    """Says why it can't."""
    if not stamp.exists() or stamp.read_text() != WANTED.read_text():
        folder.mkdir(parents=True, exist_ok=True)
        # With this machine's own configuration: only that knows from where it may fetch.
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-q",
             "--disable-pip-version-check", "-d", folder, "-r", WANTED],
            capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            return f"pip can't fetch them here: {done.stderr.strip().splitlines()[-1][:200]}"
        stamp.write_text(WANTED.read_text())
    return None


@pytest.fixture(scope="session")
def real_wheels(fetched_wheels):
    wheels, why_not = fetched_wheels
    if why_not:
        pytest.skip(why_not)
    return wheels


@pytest.fixture(scope="session")
def corpus(fetched_wheels, generated_wheels):
    """What the real servers serve: real wheels, or generated ones where there are none."""
    return fetched_wheels[0] or generated_wheels


@pytest.fixture(scope="session")
def corpus_root(corpus, tmp_path_factory):
    """A static index of them: files/, simple/."""
    root = tmp_path_factory.mktemp("index")
    (root / "files").mkdir()
    for path in corpus:
        os.link(path, root / "files" / path.name) if same_device(path, root) else copy(path, root / "files")
    make_index.write_index(root, [make_index.describe(path) for path in corpus])
    return root


def same_device(one, other):
    return os.stat(one).st_dev == os.stat(other).st_dev


def copy(path, folder):
    (folder / path.name).write_bytes(path.read_bytes())


@pytest.fixture(scope="session")
def nginx_urls(corpus_root, tmp_path_factory):
    with servers.nginx(corpus_root, tmp_path_factory.mktemp("nginx")) as urls:
        yield urls


@pytest.fixture(scope="session")
def nginx_json(nginx_urls):
    return nginx_urls[0]


@pytest.fixture(scope="session")
def nginx_html(nginx_urls):
    return nginx_urls[1]


@pytest.fixture(scope="session")
def pypiserver(corpus_root, tmp_path_factory):
    with servers.pypiserver(corpus_root / "files", tmp_path_factory.mktemp("pypiserver")) as url:
        yield url


@pytest.fixture(scope="session")
def devpi(corpus, tmp_path_factory):
    with servers.devpi(corpus, tmp_path_factory.mktemp("devpi")) as url:
        yield url


@pytest.fixture
def index(tmp_path):
    """An index for dependencies, written by the test."""
    return resolving.Index(tmp_path / "index")


@pytest.fixture
def index_url(index, tmp_path):
    make_index.write_index(index.root, index.files)
    with servers.nginx(index.root, tmp_path / "nginx") as urls:
        yield urls[0]


@pytest.fixture
def run(index, index_url, dray, dest):
    """dray download, dependencies included, from the index as it is by then."""
    def download(*args, **more):
        make_index.write_index(index.root, index.files)
        return dray.resolve("-i", index_url, *args, dest=dest, **more)

    return download
