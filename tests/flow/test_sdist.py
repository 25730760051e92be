"""Source distributions among the dependencies: what their own PKG-INFO says, else what the machine's pip says."""

import json
import sys
import tarfile
import zipfile

import pytest
from program import failed_with, names_in, succeeded
from test_pip_cache import BACKEND, Builds, make_sdist
from test_store import in_index, store_of

OTHER = ("--target", "3.12:win_amd64")
STATIC = "Metadata-Version: 2.2\nName: {name}\nVersion: {version}\nDynamic: License\n"

# pip asks for the metadata alone, and the backend says what only it knows.
NEEDS = "Version: VERSION\\nRequires-Dist: lib\\nProvides-Extra: more\\nRequires-Dist: extra-lib; extra == 'more'\\n"
ASKED = BACKEND.replace("Version: VERSION\\n", NEEDS) + """
def prepare_metadata_for_build_wheel(directory, config_settings=None):
    with open(os.environ["BUILD_LOG"], "a") as log:
        log.write("asked-NAME\\n")
    info = os.path.join(directory, "NAME-VERSION.dist-info")
    os.mkdir(info)
    with open(os.path.join(info, "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: NAME\\nVersion: VERSION\\nRequires-Dist: lib\\n"
                   "Summary: told by a backend\\nProvides-Extra: more\\n"
                   "Requires-Dist: extra-lib; extra == 'more'\\n\\nText\\nof it.\\n")
    return "NAME-VERSION.dist-info"
"""
FAILING = ASKED.replace("    info = os.path", "    raise Exception('no such compiler: NAME')\n    info = os.path")


@pytest.fixture
def builds(tmp_path):
    return Builds(tmp_path / "builds.log")


@pytest.fixture
def sdist(fault, tmp_path):
    def make(name, version="1.0", backend=BACKEND, info=None):
        path = make_sdist(tmp_path / "made", name, version, backend, info and info.format(name=name, version=version))
        fault.project(name, fault.wheel(path))
        return path

    return make


@pytest.fixture
def lib(fault, wheel):
    made = wheel("lib", "1.0")
    fault.project("lib", fault.wheel(made))
    return made


@pytest.fixture
def run(dray, dest, fault, builds):
    def download(*args, env=()):
        return dray.resolve("-i", fault.index, *args, dest=dest, env={"BUILD_LOG": builds.path, **dict(env)})

    return download


@pytest.mark.parametrize("target", [(), OTHER])
def test_static(run, fault, dest, sdist, lib, builds, target):
    made = sdist("app", info=STATIC + "Requires-Dist: lib\nRequires-Dist: nope; extra == 'x'\n")
    succeeded(run("app", *target))
    assert names_in(dest) == sorted([made.name, lib.name])
    assert builds() == [] and len(fault.requests(f"/files/{made.name}")) == 1


def test_static_without_a_store(run, fault, dest, sdist, lib):
    made = sdist("app", info=STATIC + "Requires-Dist: lib\n")
    succeeded(run("app", "--no-cache-dir"))
    assert names_in(dest) == sorted([made.name, lib.name])
    assert len(fault.requests(f"/files/{made.name}")) == 1


def test_static_is_known_afterwards(run, dray, fault, dest, sdist, lib):
    made = sdist("app", info=STATIC + "Requires-Dist: lib\n")
    succeeded(run("app"))
    fault.log.clear()
    again = dray.resolve("-i", fault.index, "app", "--stats", dest=dest.with_name("again"))
    assert "0 requests and 0 bytes" in succeeded(again).err
    assert fault.requests(f"/files/{made.name}") == []


def test_pip_is_asked(run, fault, dest, sdist, lib, builds):
    made = sdist("app", backend=ASKED)
    succeeded(run("app"))
    assert names_in(dest) == sorted([made.name, lib.name])
    assert builds() == ["asked-app"] and len(fault.requests(f"/files/{made.name}")) == 1


def test_pip_is_asked_for_a_file_that_is_here(run, dest, sdist, lib, builds):
    made = sdist("app", backend=ASKED)
    succeeded(run(made))
    assert names_in(dest) == sorted([made.name, lib.name]) and builds() == ["asked-app"]


def test_what_pip_says_is_in_the_report(run, sdist, lib, tmp_path):
    sdist("app", backend=ASKED)
    succeeded(run("app", "--dry-run", "--report", tmp_path / "report.json"))
    [app] = [item["metadata"] for item in json.loads((tmp_path / "report.json").read_text())["install"]
             if item["metadata"]["name"] == "app"]
    assert app["summary"] == "told by a backend" and app["provides_extra"] == ["more"]
    assert app["requires_dist"] == ["lib", 'extra-lib; extra == "more"'] or \
           app["requires_dist"] == ["lib", "extra-lib; extra == 'more'"]


def test_what_pip_says_is_not_kept_for_others(run, dray, fault, sdist, lib, builds):
    """It is for this Python: another target does not get it."""
    sdist("app", backend=ASKED)
    succeeded(run("app"))
    assert in_index(store_of(dray), "SELECT count(*) FROM record WHERE label LIKE 'app-1.0%' AND kind = 1") == [(0,)]
    failed_with(run("app", *OTHER), "app", "source distribution")
    assert builds() == ["asked-app"]


def test_for_another_target_an_older_wheel(run, fault, dest, sdist, wheel, lib, tmp_path, builds):
    old, new = wheel("app", "0.9"), make_sdist(tmp_path / "made", "app", "1.0", ASKED)
    fault.project("app", fault.wheel(old), fault.wheel(new))
    result = succeeded(run("app", *OTHER))
    assert names_in(dest) == [old.name] and builds() == []
    assert f"{new.name} is passed over" in result.err


def test_a_failing_build(run, dest, sdist, lib):
    made = sdist("app", backend=FAILING)
    failed_with(run("app"), f"asking pip for the metadata of {made.name} failed", "no such compiler: app")
    assert names_in(dest) == []


def test_what_it_says_of_another(run, sdist, lib):
    made = sdist("app", backend=ASKED.replace("Name: NAME", "Name: other"))
    failed_with(run("app"), made.name, "other")


def test_offline_nothing_is_built(run, fault, sdist, lib, builds):
    sdist("app", backend=ASKED)
    succeeded(run("--no-deps", "app"))
    failed_with(run("--offline", "app"), "app", "source distribution")
    assert builds() == []


def test_metadata(dray, fault, sdist, builds):
    static = sdist("app", info=STATIC + "Summary: said by itself\n")
    asked = sdist("tiny", backend=ASKED)
    env = {"BUILD_LOG": builds.path}
    result = succeeded(dray("metadata", "--json", "--stats", "-i", fault.index, "app", static, "tiny", asked, env=env))
    told = [(item["metadata"]["summary"], item["rung"]) for item in json.loads(result.out)]
    assert told == [("said by itself", "whole"), ("said by itself", "file"),
                    ("told by a backend", "pip"), ("told by a backend", "pip")]


def test_wheels_of_a_resolved_set(dray, fault, dest, sdist, lib, builds):
    """`dray wheel` asks for the metadata first, and builds what was chosen."""
    sdist("app", backend=ASKED)
    succeeded(dray("wheel", "--python", sys.executable, "-i", fault.index, "-w", dest, "app",
                   env={"BUILD_LOG": builds.path}))
    assert names_in(dest) == ["app-1.0-py3-none-any.whl", lib.name]
    assert builds() == ["asked-app", "asked-app", "app"] or builds() == ["asked-app", "app"]


def test_of_another_kind_pip_is_asked(run, fault, dest, tmp_path, lib, builds):
    """A .zip, as some were before PEP 625: dray does not look into it."""
    path = make_sdist(tmp_path / "made", "app", "1.0", ASKED)
    with tarfile.open(path) as archive, zipfile.ZipFile(path.with_name("app-1.0.zip"), "w") as packed:
        for member in archive:
            packed.writestr(member.name, archive.extractfile(member).read())
    fault.project("app", fault.wheel(path.with_name("app-1.0.zip")))
    succeeded(run("app"))
    assert names_in(dest) == sorted(["app-1.0.zip", lib.name]) and builds() == ["asked-app"]


WRONG = "1" * 64


def hashed(name, digest=WRONG):
    return f"{name} --hash=sha256:{digest}\n"


@pytest.mark.parametrize("how", ["hash", "constraint", "fragment", "named fragment", "path", "page"])
def test_nothing_runs_of_an_archive_with_another_hash(run, fault, sdist, lib, builds, tmp_path, how):
    made = sdist("app", backend=ASKED)
    listed = tmp_path / "list.txt"
    url = f"{fault.index.removesuffix('/simple/')}/files/{made.name}#sha256={WRONG}"
    if how == "page":
        fault.project("app", fault.wheel(made, hashes={"sha256": WRONG}))
    listed.write_text({"hash": hashed("app==1.0"), "constraint": hashed("app==1.0"), "fragment": url,
                       "named fragment": f"app @ {url}", "path": hashed(str(made)), "page": "app"}[how])
    words = ["-c", listed, "app"] if how == "constraint" else ["-r", listed]
    result = run("--dry-run", *words)
    failed_with(result, WRONG)
    assert builds() == []


def test_a_wrong_hash_is_no_reason_for_an_older_version(run, fault, dest, wheel, tmp_path):
    """As in pip: it is an error."""
    new = make_sdist(tmp_path / "made", "app", "2.0", info=STATIC.format(name="app", version="2.0"))
    fault.project("app", fault.wheel(wheel("app", "1.0")), fault.wheel(new, hashes={"sha256": WRONG}))
    failed_with(run("app", *OTHER), new.name, WRONG)
    assert names_in(dest) == []


def test_pip_is_asked_without_a_store(run, fault, dest, sdist, lib, builds):
    made = sdist("app", backend=ASKED)
    succeeded(run("app", "--no-cache-dir"))
    assert names_in(dest) == sorted([made.name, lib.name])
    assert builds() == ["asked-app"] and len(fault.requests(f"/files/{made.name}")) == 1


@pytest.mark.parametrize("info", ["", "Metadata-Version: 1.0\nName: app\nVersion: 0.0.0\n",
                                  "Metadata-Version: 1.0\nName: UNKNOWN\nVersion: 1.0\n"])
def test_what_is_not_final_is_not_held_against_it(run, dest, sdist, lib, info):
    made = sdist("app", backend=ASKED, info=info or "nothing\n")
    succeeded(run("app"))
    assert names_in(dest) == sorted([made.name, lib.name])


def test_a_python_that_only_the_build_tells(run, fault, dest, wheel, tmp_path):
    old = wheel("app", "0.9")
    new = make_sdist(tmp_path / "made", "app", "1.0", ASKED.replace("Summary:", "Requires-Python: >=3.99\\nSummary:"))
    fault.project("app", fault.wheel(old), fault.wheel(new))
    succeeded(run("app"))
    assert names_in(dest) == [old.name]


def test_what_pip_conf_says_of_installing(run, dest, sdist, lib, tmp_path):
    """--user is not for a build, and fails in a virtual environment."""
    made = sdist("app", backend=ASKED)
    (tmp_path / "pip.conf").write_text("[install]\nuser = true\n")
    succeeded(run("app", env={"PIP_CONFIG_FILE": tmp_path / "pip.conf"}))
    assert names_in(dest) == sorted([made.name, lib.name])
