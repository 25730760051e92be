"""Real sets of requirements on an index of real wheels: the same choice as pip and uv make."""

import json
import pathlib
import subprocess
import sys

import pytest
import real_sets
import servers
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from program import succeeded
from real_sets import SETS, TARGETS

ALL = SETS["all"]
each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
each_set = pytest.mark.parametrize("needs", SETS.values(), ids=SETS)


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    """Of the index of all wheels as JSON, with metadata beside each, and as HTML, without."""
    try:
        wheels = real_sets.fetch()
    except real_sets.CantFetch as why:
        pytest.skip(str(why))
    root = tmp_path_factory.mktemp("real")
    real_sets.make_root(root, wheels)
    with servers.nginx(root, tmp_path_factory.mktemp("nginx")) as both:
        yield both


@pytest.fixture
def url(urls):
    return urls[0]


def choice_of_dray(told):
    """Versions and files by project, of one target of a lock in JSON."""
    versions = {package["name"]: package["version"] for package in told["packages"]}
    files = {package["name"]: file["filename"] for package in told["packages"] for file in package["files"]
             if file["chosen"]}
    return versions, files


def ask_dray(dray, index_url, needs, *targets):
    """A choice for each target, in one run."""
    words = [word for target in targets for word in target.for_dray()]
    result = succeeded(dray("lock", "--format", "json", "--no-cache-dir", "--retries", "0", "-i", index_url, *words,
                            *needs))
    return [choice_of_dray(told) for told in json.loads(result.out)["targets"]]


def ask_pip(env, folder, index_url, needs, target):
    """The same."""
    report = folder / "report.json"
    elsewhere = [] if target.own else ["--target", folder / "nowhere"]
    done = real_sets.run_pip(target, "install", *real_sets.PIP, "--no-cache-dir", "-i", index_url, "--dry-run",
                             "--ignore-installed", "--report", report, *elsewhere, *target.for_pip(), *needs, env=env)
    assert done.returncode == 0, done.stderr
    installed = json.loads(report.read_text())["install"]
    by_name = {canonicalize_name(item["metadata"]["name"]): item for item in installed}
    return ({name: item["metadata"]["version"] for name, item in by_name.items()},
            {name: item["download_info"]["url"].rpartition("/")[2] for name, item in by_name.items()})


def ask_uv(env, index_url, needs, target):
    """Versions by project."""
    uv = pathlib.Path(sys.executable).parent / "uv"
    done = subprocess.run([uv, "pip", "compile", "-q", "--no-config", "--no-cache", "--no-header", "--no-annotate",
                           "--no-python-downloads", "--python", sys.executable, "--default-index", index_url,
                           *target.for_uv(), "-"], input="\n".join(needs), capture_output=True, text=True,
                          check=False, env={**env, **dict(target.uv_env)})
    assert done.returncode == 0, done.stderr
    pins = map(Requirement, done.stdout.splitlines())
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


@each_target
@each_set
def test_as_pip_and_uv(dray, tmp_path, url, needs, target):
    [(versions, files)] = ask_dray(dray, url, needs, target)
    assert (versions, files) == ask_pip(dray.environment(), tmp_path, url, needs, target)
    assert versions == ask_uv(dray.environment(), url, needs, target)


def test_all_targets_at_once(dray, url):
    """Each gets what it gets alone, and no two the same."""
    targets = [real_sets.in_words(target) for target in TARGETS.values()]
    alone = [ask_dray(dray, url, ALL, target)[0] for target in targets]
    assert ask_dray(dray, url, ALL, *targets) == alone
    assert alone[0] == ask_dray(dray, url, ALL, TARGETS["this"])[0]
    assert len({str(choice) for choice in alone}) == len(targets)


def test_metadata_out_of_the_wheels(dray, urls):
    """The HTML page names no metadata files: it is read from the ends of the wheels."""
    by_json, by_html = (ask_dray(dray, url, ALL, TARGETS["arm"]) for url in urls)
    assert by_html == by_json


@each_target
def test_the_newest_of_all_would_not_do(dray, url, target):
    """Or the other tests would say little."""
    [(held, _)] = ask_dray(dray, url, SETS["held"], target)
    newest = real_sets.newest_versions(real_sets.fetch())
    held_back = [name for name, version in held.items() if Version(version) < newest[name]]
    assert {"boto3", "fastapi", "numpy", "urllib3"} <= set(held_back)
