"""Where candidates come from, and which of them wins."""

import make_index
import pytest
from fault_server import Answer, FaultServer
from make_index import describe
from program import failed_with, names_in, succeeded


@pytest.fixture
def second():
    server = FaultServer()
    yield server
    server.stop()


def whl(version, name="demo"):
    return f"{name}-{version}-py3-none-any.whl"


def test_extra_index_the_best_version_of_all_wins(dray, dest, fault, second, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0")))
    second.project("demo", second.wheel(wheel("demo", "2.0")))
    succeeded(dray.download("-i", fault.index, "--extra-index-url", second.index, "demo", dest=dest))
    assert names_in(dest) == [whl("2.0")]


def test_a_project_on_one_of_two_indexes(dray, dest, fault, second, wheel):
    second.project("demo", second.wheel(wheel("demo", "2.0")))
    succeeded(dray.download("-i", fault.index, "--extra-index-url", second.index, "demo", dest=dest))
    assert names_in(dest) == [whl("2.0")]


def test_equal_files_come_from_the_last_index_as_in_pip(dray, dest, fault, second, tmp_path):
    for server, seed in ((fault, "first"), (second, "second")):
        made = make_index.make_wheel(tmp_path / seed, "demo", "1.0", seed=seed)
        server.project("demo", server.wheel(made))
    succeeded(dray.download("-i", fault.index, "--extra-index-url", second.index, "demo", dest=dest))
    assert (dest / whl("1.0")).read_bytes() == (tmp_path / "second" / whl("1.0")).read_bytes()


def test_find_links_directory(dray, dest, wheel):
    folder = wheel("demo", "1.0").parent
    wheel("demo", "1.5")
    wheel("other", "9.0")
    succeeded(dray.download("--no-index", "-f", folder, "demo", dest=dest))
    assert names_in(dest) == [whl("1.5")]


def test_find_links_directory_as_url(dray, dest, wheel):
    folder = wheel("demo", "1.0").parent
    succeeded(dray.download("--no-index", "-f", folder.as_uri(), "demo", dest=dest))
    assert names_in(dest) == [whl("1.0")]


def test_find_links_file(dray, dest, wheel):
    succeeded(dray.download("--no-index", "-f", wheel("demo", "1.0"), "demo", dest=dest))
    assert names_in(dest) == [whl("1.0")]


def test_find_links_page(dray, dest, fault, wheel):
    made = wheel("demo", "1.0")
    fault.wheel(made)
    page = f'<html><body><a href="files/{made.name}">it</a><a href="files/readme.txt">text</a></body></html>'
    fault.on("/links.html", Answer(page.encode(), headers={"Content-Type": "text/html"}))
    succeeded(dray.download("--no-index", "-f", f"{fault.url}/links.html", "demo", dest=dest))
    assert names_in(dest) == [whl("1.0")]


def test_find_links_local_page(dray, dest, wheel):
    made = wheel("demo", "1.0")
    page = made.parent / "page.html"
    page.write_text(f'<a href="{made.name}">it</a>')
    succeeded(dray.download("--no-index", "-f", page, "demo", dest=dest))
    assert names_in(dest) == [whl("1.0")]


def test_find_links_beside_an_index(dray, dest, fault, wheel, tmp_path):
    fault.project("demo", fault.wheel(wheel("demo", "1.0")))
    folder = make_index.make_wheel(tmp_path / "links", "demo", "2.0").parent
    succeeded(dray.download("-i", fault.index, "-f", folder, "demo", dest=dest))
    assert names_in(dest) == [whl("2.0")]


def test_file_index(dray, dest, wheel, tmp_path):
    make_index.write_index(tmp_path, [describe(wheel("demo", "1.0"), f"../../made/{whl('1.0')}")])
    succeeded(dray.download("-i", (tmp_path / "simple").as_uri(), "demo", dest=dest))
    assert names_in(dest) == [whl("1.0")]


def test_no_index_without_links(dray, dest):
    failed_with(dray.download("--no-index", "demo", dest=dest), "--no-index", "-f", code=2)


# Which one wins

def test_newest_that_fits(dray, dest, fault, wheel):
    fault.project("demo", *(fault.wheel(wheel("demo", v)) for v in ("1.9", "1.10", "1.2", "2.0b1")))
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert names_in(dest) == [whl("1.10")]


def test_pre(dray, dest, fault, wheel):
    fault.project("demo", *(fault.wheel(wheel("demo", v)) for v in ("1.0", "2.0b1")))
    succeeded(dray.download("-i", fault.index, "--pre", "demo", dest=dest))
    assert names_in(dest) == [whl("2.0b1")]


def test_build_tags(dray, dest, fault, wheel):
    fault.project("demo", *(fault.wheel(wheel("demo", "1.0", build=b)) for b in ("2", "10", "")))
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert names_in(dest) == ["demo-1.0-10-py3-none-any.whl"]


def test_yanked_is_taken_when_pinned_and_told(dray, dest, fault, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0"), yanked="it eats data"))
    result = succeeded(dray.download("-i", fault.index, "demo==1.0", dest=dest))
    assert names_in(dest) == [whl("1.0")]
    assert "yanked" in result.err and "it eats data" in result.err


def test_yanked_is_passed_over(dray, dest, fault, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "2.0"), yanked=True), fault.wheel(wheel("demo", "1.0")))
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert names_in(dest) == [whl("1.0")]


def test_requires_python(dray, dest, fault, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "2.0"), requires_python=">=99"), fault.wheel(wheel("demo", "1.0")))
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert names_in(dest) == [whl("1.0")]


@pytest.fixture
def both(fault, wheel, tmp_path):
    """A wheel of 1.0 and a source distribution of 2.0."""
    sdist = make_index.make_sdist(tmp_path / "made", "demo", "2.0")
    fault.project("demo", fault.wheel(wheel("demo", "1.0")), fault.wheel(sdist))
    return fault.index


@pytest.mark.parametrize("args,name", [
    ([], "demo-2.0.tar.gz"),
    (["--only-binary", ":all:"], whl("1.0")),
    (["--only-binary", "demo"], whl("1.0")),
    (["--only-binary", "other"], "demo-2.0.tar.gz"),
    (["--prefer-binary"], whl("1.0")),
    (["--no-binary", ":all:"], "demo-2.0.tar.gz"),
    (["--no-binary", ":all:", "--only-binary", "demo"], whl("1.0")),
])
def test_formats(dray, dest, both, args, name):
    succeeded(dray.download("-i", both, *args, "demo", dest=dest))
    assert names_in(dest) == [name]


# Which index is asked

def config(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def served(server, wheel, version):
    server.project("demo", server.wheel(wheel("demo", version)))
    return server.index


def test_pip_index_url(dray, dest, fault, wheel):
    env = {"PIP_INDEX_URL": served(fault, wheel, "1.0")}
    succeeded(dray.download("demo", dest=dest, env=env))
    assert names_in(dest) == [whl("1.0")]


def test_dray_index_url_is_above_pips(dray, dest, fault, second, wheel):
    env = {"PIP_INDEX_URL": served(second, wheel, "2.0"), "DRAY_INDEX_URL": served(fault, wheel, "1.0")}
    succeeded(dray.download("demo", dest=dest, env=env))
    assert names_in(dest) == [whl("1.0")] and second.requests() == []


def test_a_flag_is_above_all(dray, dest, fault, second, wheel):
    env = {"PIP_INDEX_URL": served(second, wheel, "2.0"), "DRAY_INDEX_URL": second.index}
    succeeded(dray.download("-i", served(fault, wheel, "1.0"), "demo", dest=dest, env=env))
    assert names_in(dest) == [whl("1.0")] and second.requests() == []


@pytest.mark.parametrize("where", ["PIP_CONFIG_FILE", "config/pip/pip.conf", ".pip/pip.conf", "config-global/pip/pip.conf"])
def test_pip_conf(dray, dest, fault, wheel, where):
    text = f"[global]\nindex-url = {served(fault, wheel, '1.0')}\n"
    if where == "PIP_CONFIG_FILE":
        env = {where: config(dray.home / "own.conf", text)}
    else:
        config(dray.home / where, text)
        env = {"PIP_CONFIG_FILE": None}
    succeeded(dray.download("demo", dest=dest, env=env))
    assert names_in(dest) == [whl("1.0")]


def test_pip_conf_of_the_command_is_above_global(dray, dest, fault, second, wheel):
    path = config(dray.home / "own.conf", f"[global]\nindex-url = {served(second, wheel, '2.0')}\n"
                                          f"[download]\nindex-url: {served(fault, wheel, '1.0')}\n")
    succeeded(dray.download("demo", dest=dest, env={"PIP_CONFIG_FILE": path}))
    assert names_in(dest) == [whl("1.0")]


def test_a_pip_variable_is_above_pip_conf(dray, dest, fault, second, wheel):
    path = config(dray.home / "own.conf", f"[global]\nindex-url = {served(second, wheel, '2.0')}\n")
    env = {"PIP_CONFIG_FILE": path, "PIP_INDEX_URL": served(fault, wheel, "1.0")}
    succeeded(dray.download("demo", dest=dest, env=env))
    assert names_in(dest) == [whl("1.0")] and second.requests() == []


def test_pip_variables_with_several_values(dray, dest, fault, second, wheel):
    env = {"PIP_INDEX_URL": served(fault, wheel, "1.0"),
           "PIP_EXTRA_INDEX_URL": f"{fault.url}/none/simple/ {served(second, wheel, '2.0')}"}
    succeeded(dray.download("demo", dest=dest, env=env))
    assert names_in(dest) == [whl("2.0")]


def test_no_index_in_pip_conf(dray, dest, fault, wheel):
    made = wheel("demo", "1.0")
    path = config(dray.home / "own.conf", f"[global]\nno-index = true\nfind-links =\n    {made.parent}\n    /none\n")
    succeeded(dray.download("demo", dest=dest, env={"PIP_CONFIG_FILE": path}))
    assert names_in(dest) == [made.name] and fault.requests() == []


def test_a_pip_conf_that_is_no_ini_file(dray, dest):
    path = config(dray.home / "own.conf", "index-url = before any section\n")
    result = dray.download("demo", dest=dest, env={"PIP_CONFIG_FILE": path})
    assert result.rc in (1, 2), result
    failed_with(result, "own.conf", "line 1", code=result.rc)


def test_an_unknown_variable_of_ours(dray, dest):
    result = dray.download("demo", dest=dest, env={"DRAY_INDEX_ULR": "http://127.0.0.1:9/"})
    assert result.rc == 2, result
    assert "DRAY_INDEX_ULR" in result.err and "DRAY_INDEX_URL" in result.err


# How it is asked

def test_pages_are_asked_for_once(dray, dest, fault, wheel, tmp_path):
    fault.project("demo", *(fault.wheel(wheel("demo", v)) for v in ("1.0", "2.0")))
    needs = tmp_path / "n.txt"
    needs.write_text("demo>=1\ndemo<3\nDemo\n")
    succeeded(dray.download("-i", fault.index, "-r", needs, dest=dest))
    assert len(fault.requests("/simple/demo/")) == 1


def test_names_are_normalised(dray, dest, fault, wheel):
    fault.project("some-thing-else", fault.wheel(wheel("Some.Thing_Else", "1.0")))
    succeeded(dray.download("-i", fault.index, "Some__Thing.ELSE", dest=dest))
    assert names_in(dest) == ["some_thing_else-1.0-py3-none-any.whl"]


def test_redirects_of_pages_and_files(dray, dest, fault, wheel):
    made = wheel("demo", "1.0")
    fault.wheel(made)
    fault.on(f"/old/{made.name}", Answer(b"", 301, headers={"Location": f"../files/{made.name}"}))
    page = make_index.json_page("demo", [describe(made, f"../../old/{made.name}")])
    fault.on("/simple/demo/", Answer(b"", 302, headers={"Location": f"{fault.url}/moved/simple/demo/"}))
    fault.on("/moved/simple/demo/", Answer(b"", 307, headers={"Location": "/deep/a/b/"}))
    fault.on("/deep/a/b/", Answer(page, headers={"Content-Type": make_index.JSON_TYPE}))
    fault.on(f"/deep/old/{made.name}", Answer(b"", 308, headers={"Location": f"/old/{made.name}"}))
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert (dest / made.name).read_bytes() == made.read_bytes()


def test_accept_and_encoding(dray, dest, fault, wheel):
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made))
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    page, body = fault.requests("/simple/demo/")[0], fault.requests(f"/files/{made.name}")[0]
    assert make_index.JSON_TYPE in page.headers["accept"] and "text/html" in page.headers["accept"]
    # A file is hashed as it is: nobody may encode it on the way.
    assert body.headers.get("accept-encoding", "identity") == "identity"
    assert "dray" in page.headers["user-agent"]


def test_a_compressed_page(dray, dest, fault, wheel):
    import gzip

    made = wheel("demo", "1.0")
    page = gzip.compress(make_index.json_page("demo", [fault.wheel(made)]))
    headers = {"Content-Type": make_index.JSON_TYPE, "Content-Encoding": "gzip"}
    fault.on("/simple/demo/", Answer(page, headers=headers))
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert names_in(dest) == [made.name]


def test_an_unencrypted_index_elsewhere_is_refused(dray, dest):
    result = dray.download("-i", "http://index.example.org/simple/", "demo", dest=dest)
    assert result.rc in (1, 2), result
    assert "index.example.org" in result.err and "trusted-host" in result.err


def test_credentials_in_the_url(dray, dest, fault, wheel):
    import base64

    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made))
    url = fault.index.replace("://", "://user:p%40ss@")
    succeeded(dray.download("-i", url, "demo", dest=dest))
    want = "Basic " + base64.b64encode(b"user:p@ss").decode()
    assert fault.requests("/simple/demo/")[0].headers["authorization"] == want
    # pip sends them to the files of the same host too.
    assert fault.requests(f"/files/{made.name}")[0].headers["authorization"] == want


def test_credentials_do_not_follow_a_redirect_elsewhere(dray, dest, fault, second, wheel):
    made = wheel("demo", "1.0")
    moved = Answer(b"", 302, headers={"Location": f"{second.url}/files/{made.name}"})
    fault.project("demo", fault.wheel(made, lambda _: moved))
    second.wheel(made)
    succeeded(dray.download("-i", fault.index.replace("://", "://user:sesame@"), "demo", dest=dest))
    assert "authorization" not in second.requests()[0].headers
