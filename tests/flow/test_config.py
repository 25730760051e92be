"""dray.yaml among the other places of settings, dray config, indexes with names, --isolated."""

import contextlib
import json

import make_index
import pytest
import servers
from program import failed_with, names_in, succeeded
from test_pip_cache import BACKEND, make_sdist
from test_wheel import StandIn


class Places:
    """The files of one home; `config` runs dray config --json with them."""

    def __init__(self, dray):
        self.dray = dray
        self.user = dray.home / "config" / "dray" / "dray.yaml"
        self.system = dray.home / "config-global" / "dray" / "dray.yaml"
        self.pip = dray.home / "config" / "pip" / "pip.conf"

    def write(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def config(self, *args, **env):
        """The settings, by name: (value, origin)."""
        result = succeeded(self.dray("config", *args, "--json", env={"PIP_CONFIG_FILE": None, **env}))
        return {name: (said["value"], said["origin"]) for name, said in json.loads(result.out)["settings"].items()}


@pytest.fixture
def places(dray):
    return Places(dray)


def test_order_of_places(places):
    """One more place each time, each over all before."""
    assert places.config()["retries"] == (5, "default")
    places.write(places.pip, "[global]\nretries = 1\n[download]\ntimeout = 31\n")
    assert places.config()["retries"] == (1, f"{places.pip}, line 2")
    assert places.config(PIP_RETRIES="2")["retries"] == (2, "PIP_RETRIES")
    places.write(places.system, "# system\nretries: 3\n")
    assert places.config(PIP_RETRIES="2")["retries"] == (3, f"{places.system}, line 2")
    places.write(places.user, "retries: 4\n")
    assert places.config(PIP_RETRIES="2")["retries"] == (4, f"{places.user}, line 1")
    places.write(places.system, "download:\n  retries: 3\n")
    assert places.config()["retries"] == (4, f"{places.user}, line 1")
    places.write(places.user, "download: {retries: 6}\nretries: 4\n")
    assert places.config()["retries"] == (6, f"{places.user}, line 1")
    assert places.config("lock")["retries"] == (4, f"{places.user}, line 2")
    assert places.config(DRAY_RETRIES="7")["retries"] == (7, "DRAY_RETRIES")
    assert places.config("--retries", "8", DRAY_RETRIES="7")["retries"] == (8, "--retries")
    assert places.config()["timeout"] == (31, f"{places.pip}, line 4")


def test_named_file_is_the_only_one(places, tmp_path):
    named = tmp_path / "named.yaml"
    named.write_text("timeout: 9\n")
    places.write(places.user, "retries: 4\n")
    for args, env in ((["--config", named], {}), ([], {"DRAY_CONFIG": named}),
                      (["--config", named], {"DRAY_CONFIG": tmp_path / "other.yaml"})):
        told = places.config(*args, **env)
        assert told["timeout"] == (9, f"{named}, line 1")
        assert told["retries"] == (5, "default")
    assert places.config(DRAY_CONFIG="/dev/null")["retries"] == (5, "default")
    assert places.config("--config", "/dev/null")["retries"] == (5, "default")
    failed_with(places.dray("config", "--config", tmp_path / "no"), f"--config: {tmp_path}/no does not exist", code=2)
    failed_with(places.dray("config", env={"DRAY_CONFIG": tmp_path / "no"}), "DRAY_CONFIG: ", "does not exist", code=2)


def test_lists(places):
    """A file's take the place of what is below; options add to them."""
    places.write(places.pip, "[global]\nextra-index-url = https://a.example.org/ https://b.example.org/\n")
    assert places.config()["extra-index-url"][0] == ["https://a.example.org/", "https://b.example.org/"]
    places.write(places.user, "extra-index-url:\n  - https://c.example.org/\n")
    assert places.config()["extra-index-url"] == (["https://c.example.org/"], f"{places.user}, line 2")
    told = places.config("--extra-index-url", "https://d.example.org/")["extra-index-url"]
    assert told == (["https://c.example.org/", "https://d.example.org/"],
                    f"{places.user}, line 2; --extra-index-url")


def test_isolated(places):
    places.write(places.pip, "[global]\nretries = 1\n")
    places.write(places.user, "timeout: 2\n")
    places.write(places.system, "connections: 3\n")
    env = {"DRAY_RETRIES": "4", "PIP_TIMEOUT": "5", "DRAY_CONFIG": "/nowhere"}
    told = places.config("--isolated", **env)
    assert [told[name] for name in ("retries", "timeout", "connections")] == [
        (5, "default"), (15, "default"), (3, f"{places.system}, line 1")]
    result = places.dray("config", "--isolated", "-v", env={"PIP_CONFIG_FILE": None})
    assert str(places.user) not in result.out and str(places.pip) not in result.out
    assert f"read       {places.system}" in result.out


def test_text(places):
    """One setting a line, and the files on demand; nothing secret."""
    places.write(places.user, "index-url: https://me:hush@i.example.org/simple/\n"
                              "find-links: [https://h.example.org/?token=hush]\n"
                              "indexes: [{name: corp, url: 'https://you:hush@c.example.org/', packages: [a-*]}]\n")
    for args in ([], ["--json"]):
        result = succeeded(places.dray("config", *args, env={"DRAY_EXTRA_INDEX_URL": "https://x:hush@e.example.org"}))
        assert "hush" not in result.out + result.err
        assert "https://me:****@i.example.org/simple/" in result.out
    lines = succeeded(places.dray("config", "-v", "--timeout", "3")).out.splitlines()
    assert lines[0] == "Files, the lowest first:"
    assert f"  read       {places.user}" in lines
    assert f"  not there  {places.system}" in lines
    told = [line.split() for line in lines if " = " in line]
    assert ["timeout", "=", "3", "--timeout"] in told
    assert ["retries", "=", "5", "default"] in told
    assert ["cache-dir", "=", str(places.dray.home / "cache" / "dray"), "default"] in told
    assert ["index", "=", "corp=https://you:****@c.example.org/", "for", "a-*", f"{places.user},", "line", "3"] in told


def test_each_command_has_its_own(places):
    places.write(places.user, "wheel: {wheel-dir: w}\nlock: {format: json}\n")
    assert places.config("wheel")["wheel-dir"] == ("w", f"{places.user}, line 1")
    assert places.config("lock")["format"] == ("json", f"{places.user}, line 2")
    assert "format" not in places.config() and "wheel-dir" not in places.config("lock")
    assert "dest" not in places.config("metadata")


@pytest.mark.parametrize("text, says", [
    ("retries: 1\ntimeuot: 3\n", 'line 2, column 1: unknown key "timeuot"; did you mean "timeout"?'),
    ("timeout: soon\n", "line 1, column 10, timeout: expected a number of seconds"),
    ("lock: {timeout: soon}\n", "line 1, column 17, timeout: expected a number of seconds"),
    ("a: [\n", "line 2, column 1: "),
    ("a: &x 1\n", "line 1, column 4: anchors (&name) are not taken here"),
    ("requirement: x\n", '"requirement" can\'t be set in a file'),
    ("#" + "x" * (1024 * 1024), "more than 1048576"),
], ids=lambda text: text[:20])
def test_bad_file(places, dest, text, says):
    """Nothing is begun with a configuration that is not understood, by no command."""
    places.write(places.user, text)
    for command in (["config"], ["download", "-d", dest, "x"], ["cache", "dir"], ["lock", "x"]):
        failed_with(places.dray(*command), str(places.user), says, code=2)
    assert not dest.exists()
    assert succeeded(places.dray("config", "--isolated")).out


@pytest.mark.parametrize("content", [b"index-url = x\n", b"[global]\nx\n", b"[global]\n# \xff\n"])
def test_bad_pip_file(places, content):
    places.pip.parent.mkdir(parents=True)
    places.pip.write_bytes(content)
    failed_with(places.dray("config", env={"PIP_CONFIG_FILE": None}), f"{places.pip}: line ", code=2)


@pytest.mark.parametrize("args, says", [
    (["config", "frob"], '"frob" is none of the commands that have settings'),
    (["config", "--timeout", "3", "lock"], "name the command first: dray config lock"),
    (["config", "--dest"], "--dest needs a value"),
    (["config", "lock", "--dest", "x"], "--dest is not an option of this command"),
    (["config", "--config"], "--config needs a value"),
    (["config", "--timeout", "0"], "--timeout: expected at least one second"),
])
def test_usage(dray, args, says):
    failed_with(dray(*args), says, code=2)


def test_help(dray):
    result = succeeded(dray("config", "lock", "--help"))
    assert "Usage: dray config" in result.out and "--only-target" in result.out and "--json" in result.out


def test_cache_uses_the_same_store(places, tmp_path, wheel, dest):
    """What download keeps and what cache looks after is one directory."""
    store = tmp_path / "store"
    places.write(places.user, f"cache-dir: {store}\nno-index: yes\n")
    assert succeeded(places.dray("cache", "dir")).out == f"{store}\n"
    succeeded(places.dray.download(wheel("demo", "1.0"), dest=dest))
    assert succeeded(places.dray("cache", "dir", "--config", "/dev/null")).out != f"{store}\n"
    assert store.exists()


# -- indexes with names --


@pytest.fixture
def two(tmp_path):
    """Starts indexes: two("corp", ("demo", "1.0"), ...) is the URL of one."""
    with contextlib.ExitStack() as stack:
        def make(name, *projects):
            root = tmp_path / name
            files = [make_index.describe(make_index.make_wheel(root / "files", project, version,
                                                               requires_dist=list(needs)))
                     for project, version, *needs in projects]
            make_index.write_index(root, files)
            return stack.enter_context(servers.nginx(root, tmp_path / f"nginx-{name}"))[0]

        yield make


@pytest.fixture
def confused(places, two):
    """What is wanted is at `corp`; somebody has put newer ones of the same names into the open index."""
    corp = two("corp", ("corp-lib", "1.0"), ("corp-gui", "1.0", "corp-lib", "open-lib"))
    opened = two("open", ("corp-lib", "9.0"), ("corp-gui", "9.0"), ("open-lib", "2.0", "corp-lib"))
    places.write(places.user, f"index-url: {opened}\nindexes:\n  - name: corp\n    url: {corp}\n"
                              "    packages: [Corp_*]\n")
    return places


def test_dependency_confusion(confused, dest):
    """Named, as a dependency, and as a dependency of what is not held to it."""
    result = succeeded(confused.dray.resolve("-vv", "corp-gui", dest=dest))
    assert names_in(dest) == ["corp_gui-1.0-py3-none-any.whl", "corp_lib-1.0-py3-none-any.whl",
                              "open_lib-2.0-py3-none-any.whl"]
    pages = [line for line in result.err.splitlines() if line.startswith("Read ")]
    assert len(pages) == 3, result
    for line in pages:
        assert ("  of index corp  " in line) == ("/corp-" in line), result


def test_without_the_pin_it_is_confused(confused, dest):
    """So the other test can fail."""
    confused.write(confused.user, confused.user.read_text().replace("    packages: [Corp_*]\n", ""))
    succeeded(confused.dray.resolve("corp-gui", dest=dest))
    assert names_in(dest) == ["corp_gui-9.0-py3-none-any.whl"]


def test_only_what_it_serves(confused, dest, two):
    """An index for some packages is asked for no other, and what it lacks is nowhere else."""
    confused.write(confused.user, confused.user.read_text().replace("Corp_*", "corp-*, open-lib"))
    failed_with(confused.dray.download("open-lib", dest=dest), 'no files of a project named "open-lib"',
                "/simple/ (index corp), and nowhere else: the configuration holds it to that index")
    assert names_in(dest) == []


def test_index_option(confused, dest, two):
    """Another URL for the same packages; and an index without any, which is one more."""
    other = two("other", ("corp-lib", "3.0"), ("extra", "1.0"))
    succeeded(confused.dray.download("--index", f"corp={other}", "corp-lib", dest=dest))
    assert names_in(dest) == ["corp_lib-3.0-py3-none-any.whl"]
    succeeded(confused.dray.download("--index", f"more={other}", "extra", "corp-lib", dest=dest))
    assert names_in(dest) == ["corp_lib-1.0-py3-none-any.whl", "corp_lib-3.0-py3-none-any.whl",
                              "extra-1.0-py3-none-any.whl"]
    told = confused.config("--index", f"corp={other}")["index"]
    origin = f"{confused.user}, line 3; --index"
    assert told == ([{"name": "corp", "url": other, "packages": ["corp-*"], "origin": origin}], origin)


def test_no_index_is_for_all_of_them(confused, dest, wheel):
    made = wheel("corp-lib", "0.5")
    succeeded(confused.dray.download("--no-index", "-f", made.parent, "corp-lib", dest=dest))
    assert names_in(dest) == [made.name]


def test_index_is_down(confused, dest):
    """Not the newer one of the other index."""
    text = confused.user.read_text()
    corp, = [line.split()[1] for line in text.splitlines() if "url:" in line and "index-url" not in line]
    port = servers.free_port()
    confused.write(confused.user, text.replace(corp, f"http://127.0.0.1:{port}/simple/"))
    failed_with(confused.dray.download("corp-lib", dest=dest), "index corp: ", f"port {port}")
    assert names_in(dest) == []


# -- pip as a child --


@pytest.fixture
def built(confused, tmp_path, dest):
    """Runs dray wheel of a source distribution, by a python that notes how its pip is called."""
    archive = make_sdist(tmp_path / "made", "tiny", "1.0", BACKEND)

    def run(*args, **env):
        python = StandIn(tmp_path / f"stand-in-{len(list(tmp_path.glob('stand-in-*')))}")
        result = succeeded(confused.dray("wheel", "--no-deps", "--python", python.path, *args, "-w", dest, archive,
                                         env={"BUILD_LOG": tmp_path / "builds.log", **env}))
        call, = python.calls("-m", "pip", "wheel")
        return result, call["env"]

    return run


def test_pip_gets_all_indexes_and_it_is_told(built, confused):
    result, env = built()
    told = confused.config()
    assert env["PIP_INDEX_URL"] == told["index-url"][0]
    assert env["PIP_EXTRA_INDEX_URL"] == told["index"][0][0]["url"]
    assert result.err.count("warning: pip is run for a source distribution: it asks all indexes") == 1, result


def test_no_such_warning_without_need(built, confused, dest):
    """Nothing is built; there is no index; nothing is held to one."""
    assert "warning:" not in succeeded(confused.dray.download("corp-lib", dest=dest)).err
    result, env = built("--no-index", "-f", dest)
    assert "warning:" not in result.err and env["PIP_NO_INDEX"] == "1"
    confused.write(confused.user, confused.user.read_text().replace("    packages: [Corp_*]\n", ""))
    result, _ = built("--no-cache-dir")
    assert "warning:" not in result.err


def test_isolated_pip(built, confused):
    """What would change a build is taken away from pip, too."""
    variables = {"PIP_CONSTRAINT": "nowhere.txt", "PIP_CONFIG_FILE": None, "PIP_CONFIG_SETTINGS": "a=b"}
    _, env = built("--isolated", "--no-index", "-f", ".", **variables)
    assert env["PIP_CONFIG_FILE"] == "/dev/null"
    assert "PIP_CONSTRAINT" not in env and "PIP_CONFIG_SETTINGS" not in env
    assert env["PIP_NO_INDEX"] == "1"


@pytest.mark.parametrize("text, said", [
    ("connections: 0", "expected at least 1"), ("timeout: 0", "expected at least one second"),
    ("bearer-token: h", "expected HOST=VARIABLE")])
def test_what_no_setting_can_be_says_where(places, text, said):
    places.write(places.user, f"# first\n{text}\n")
    failed_with(places.dray("config"), f"{places.user}, line 2", said, code=2)


def test_a_slip_shows_no_password(places):
    """The section's header was forgotten."""
    places.write(places.pip, "index-url = https://me:geheim@h/\n")
    result = failed_with(places.dray("config", env={"PIP_CONFIG_FILE": None}), "line ", code=2)
    assert "geheim" not in result.err
