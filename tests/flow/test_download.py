"""Whole indexes on real servers: the files are byte for byte those that pip gets from the same place."""

import os
import subprocess
import sys

import make_index
import pytest
from program import names_in, succeeded

SERVERS = ["nginx_json", "nginx_html", "pypiserver", "devpi"]


@pytest.fixture(params=SERVERS)
def index(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def pip_got(tmp_path_factory):
    """What `pip download --no-deps` puts into a folder; each index is asked once."""
    known = {}

    def get(index, requirements):
        if index not in known:
            home = tmp_path_factory.mktemp("pip")
            folder = home / "got"
            env = {"PATH": os.environ["PATH"], "HOME": str(home), "PIP_CONFIG_FILE": os.devnull}
            done = subprocess.run(
                [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "--disable-pip-version-check",
                 "--no-cache-dir", "-i", index, "-r", requirements, "-d", folder],
                env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            known[index] = {path.name: path.read_bytes() for path in folder.iterdir()}
        return known[index]

    return get


@pytest.fixture(scope="session")
def pinned(corpus, tmp_path_factory):
    """A requirements file with everything on the index, pinned."""
    path = tmp_path_factory.mktemp("pinned") / "requirements.txt"
    lines = [f"{make_index.project_of(p.name)}=={make_index.version_of(p.name)}\n" for p in corpus]
    path.write_text("".join(lines))
    return path


@pytest.fixture(scope="session")
def hashed(corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("hashed") / "requirements.txt"
    path.write_text("".join(map(make_index.requirement_line, corpus)))
    return path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_servers_serve_real_wheels(real_wheels, corpus):
    assert corpus == real_wheels and len(corpus) >= 60


def test_same_bytes_as_pip(dray, dest, index, pinned, pip_got):
    succeeded(dray.download("-i", index, "-r", pinned, dest=dest))
    assert contents(dest) == pip_got(index, pinned)


def test_same_bytes_with_names_only(dray, dest, nginx_json, corpus):
    names = [make_index.project_of(path.name) for path in corpus]
    succeeded(dray.download("-i", nginx_json, *names, dest=dest))
    assert contents(dest) == {path.name: path.read_bytes() for path in corpus}


def test_with_hashes(dray, dest, index, hashed, corpus):
    succeeded(dray.download("--require-hashes", "-i", index, "-r", hashed, dest=dest))
    assert contents(dest) == {path.name: path.read_bytes() for path in corpus}


def test_index_url_without_slash(dray, dest, nginx_json, corpus):
    name = make_index.project_of(corpus[0].name)
    succeeded(dray.download("-i", nginx_json.rstrip("/"), name, dest=dest))
    assert names_in(dest) == [corpus[0].name]


def test_urls_as_requirements(dray, dest, nginx_json, corpus):
    base = nginx_json.replace("/simple/", "/files/")
    named = f"{make_index.project_of(corpus[1].name)} @ {base}{corpus[1].name}"
    succeeded(dray.download("--no-index", f"{base}{corpus[0].name}", named, dest=dest))
    assert names_in(dest) == sorted([corpus[0].name, corpus[1].name])


def test_local_paths_as_requirements(dray, dest, corpus):
    succeeded(dray.download("--no-index", corpus[0], corpus[1].as_uri(), dest=dest))
    assert contents(dest) == {path.name: path.read_bytes() for path in corpus[:2]}


def test_destination_is_here_by_default(dray, nginx_json, corpus):
    name = make_index.project_of(corpus[0].name)
    succeeded(dray("download", "--no-deps", "-i", nginx_json, name))
    assert corpus[0].name in names_in(dray.cwd)


def test_destination_is_made_with_its_parents(dray, tmp_path, nginx_json, corpus):
    deep = tmp_path / "a" / "b" / "c"
    succeeded(dray.download("-i", nginx_json, make_index.project_of(corpus[0].name), dest=deep))
    assert names_in(deep) == [corpus[0].name]


def test_dry_run_fetches_nothing(dray, dest, nginx_json, corpus):
    name = make_index.project_of(corpus[0].name)
    result = succeeded(dray.download("--dry-run", "-i", nginx_json, name, dest=dest))
    assert corpus[0].name in result.out + result.err
    assert names_in(dest) == []


def test_many_files_at_once(dray, dest, tmp_path, fault):
    """A hundred requests are under way, none starves, and each file has its own bytes."""
    wheels = [make_index.make_wheel(tmp_path / "many", f"many-{n}", "1.0", payload=n * 1009) for n in range(100)]
    for path in wheels:
        fault.project(make_index.project_of(path.name), fault.wheel(path))
    names = [make_index.project_of(path.name) for path in wheels]
    succeeded(dray.download("-i", fault.index, *names, dest=dest))
    assert contents(dest) == {path.name: path.read_bytes() for path in wheels}
    assert len(fault.requests()) == 200


def test_largest_first(dray, dest, tmp_path, fault):
    """With one connection the order of requests is the order of work."""
    sizes = {"small": 1000, "large": 90000, "middle": 30000}
    for name, size in sizes.items():
        path = make_index.make_wheel(tmp_path / "sizes", name, "1.0", payload=size)
        fault.project(name, fault.wheel(path))
    succeeded(dray.download("-i", fault.index, "--connections", "1", *sizes, dest=dest))
    asked = [r.path for r in fault.requests() if r.path.startswith("/files/")]
    assert [path.split("/")[2].split("-")[0] for path in asked] == ["large", "middle", "small"]
