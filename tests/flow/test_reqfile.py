"""Requirements files as pip reads them, on real input."""

import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded


@pytest.fixture
def index(fault, wheel):
    for name in ("alpha", "beta", "gamma", "delta"):
        fault.project(name, *(fault.wheel(wheel(name, v)) for v in ("1.0", "2.0", "3.0")))
    return fault.index


def whl(name, version):
    return f"{name}-{version}-py3-none-any.whl"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_comments_continuations_and_blanks(dray, dest, tmp_path, index):
    needs = write(tmp_path / "n.txt", """
# first
alpha == \\
    1.0   # the old one
   beta>=1,<3\\

gamma # newest
""")
    succeeded(dray.download("-i", index, "-r", needs, dest=dest))
    assert names_in(dest) == [whl("alpha", "1.0"), whl("beta", "2.0"), whl("gamma", "3.0")]


def test_nested_files_are_relative_to_the_one_that_names_them(dray, dest, tmp_path, index):
    write(tmp_path / "sub" / "inner.txt", "beta==1.0\n-r deeper/last.txt\n")
    write(tmp_path / "sub" / "deeper" / "last.txt", "gamma==2.0\n")
    needs = write(tmp_path / "n.txt", "alpha==1.0\n-r sub/inner.txt\n")
    succeeded(dray.download("-i", index, "-r", needs, dest=dest))
    assert names_in(dest) == [whl("alpha", "1.0"), whl("beta", "1.0"), whl("gamma", "2.0")]


def test_constraints_only_hold_what_is_asked_for(dray, dest, tmp_path, index):
    limits = write(tmp_path / "c.txt", "alpha<3\nbeta<2\n")
    needs = write(tmp_path / "n.txt", f"-c {limits}\nalpha\n")
    succeeded(dray.download("-i", index, "-r", needs, "-c", limits, "gamma", dest=dest))
    assert names_in(dest) == [whl("alpha", "2.0"), whl("gamma", "3.0")]


def test_variables(dray, dest, tmp_path, index):
    needs = write(tmp_path / "n.txt", "alpha==${WANTED_VERSION}\nbeta==2.0 # ${UNSET}\n")
    succeeded(dray.download("-i", index, "-r", needs, dest=dest, env={"WANTED_VERSION": "2.0"}))
    assert names_in(dest) == [whl("alpha", "2.0"), whl("beta", "2.0")]


@pytest.mark.parametrize("spelling", ["-i {}", "--index-url {}", "--index-url={}", "-i{}", "--index-url  {}"])
def test_index_options(dray, dest, tmp_path, index, spelling):
    needs = write(tmp_path / "n.txt", f"{spelling.format(index)}\nalpha\n")
    succeeded(dray.download("-r", needs, dest=dest))
    assert names_in(dest) == [whl("alpha", "3.0")]


def test_find_links_relative_to_the_file(dray, dest, tmp_path, wheel):
    made = wheel("demo", "4.0")
    needs = write(made.parent / "n.txt", "--no-index\n-f .\ndemo\n")
    succeeded(dray.download("-r", needs, dest=dest))
    assert names_in(dest) == [made.name]


@pytest.mark.parametrize("encoded", [
    "alpha==1.0  # \u00e9\n".encode("utf-8-sig"), "alpha==1.0\n".encode("utf-16"),
    "# -*- coding: latin-1 -*-\n# \u00e9\nalpha==1.0\n".encode("latin-1"), b"alpha==1.0\r\n# dos\r\n",
    b"alpha==1.0",
], ids=["utf8-bom", "utf16", "latin1", "crlf", "no-end"])
def test_encodings(dray, dest, tmp_path, index, encoded):
    needs = tmp_path / "n.txt"
    needs.write_bytes(encoded)
    succeeded(dray.download("-i", index, "-r", needs, dest=dest))
    assert names_in(dest) == [whl("alpha", "1.0")]


def test_from_a_url(dray, dest, fault, index):
    fault.on("/lists/needs.txt", Answer(b"alpha==1.0\n-r more.txt\n"))
    fault.on("/lists/more.txt", Answer(b"beta==1.0\n"))
    succeeded(dray.download("-i", index, "-r", f"{fault.url}/lists/needs.txt", dest=dest))
    assert names_in(dest) == [whl("alpha", "1.0"), whl("beta", "1.0")]


def test_markers_leave_out(dray, dest, tmp_path, index):
    needs = write(tmp_path / "n.txt", 'alpha==1.0 ; python_version >= "3"\nbeta==1.0 ; python_version < "3"\n')
    succeeded(dray.download("-i", index, "-r", needs, dest=dest))
    assert names_in(dest) == [whl("alpha", "1.0")]


def test_extras_do_not_matter_without_dependencies(dray, dest, index):
    succeeded(dray.download("-i", index, "alpha[some,more]==1.0", dest=dest))
    assert names_in(dest) == [whl("alpha", "1.0")]


def test_direct_references(dray, dest, tmp_path, fault, index, wheel):
    made = wheel("direct", "1.0")
    url = fault.on(f"/elsewhere/{made.name}", Answer(made.read_bytes()))
    other = wheel("local", "1.0")
    needs = write(tmp_path / "made" / "n.txt", f"direct @ {url}\n./{other.name}\n")
    succeeded(dray.download("-i", index, "-r", needs, dest=dest, cwd=other.parent))
    assert names_in(dest) == [made.name, other.name]


def test_a_direct_reference_with_another_name(dray, dest, fault, wheel):
    made = wheel("direct", "1.0")
    url = fault.on(f"/elsewhere/{made.name}", Answer(made.read_bytes()))
    failed_with(dray.download("--no-index", f"other @ {url}", dest=dest), "other", "direct")
    assert names_in(dest) == []


def test_files_that_name_each_other(dray, dest, tmp_path, index):
    write(tmp_path / "a.txt", "-r b.txt\n")
    write(tmp_path / "b.txt", "-r a.txt\n")
    failed_with(dray.download("-i", index, "-r", tmp_path / "a.txt", dest=dest), "a.txt")


@pytest.mark.parametrize("line,word", [("--no-such-option", "--no-such-option"), ("-r", "-r"),
                                       ("alpha --hash=sha256:zz", "sha256"), ("alpha --hash=md5:00", "md5")])
def test_lines_that_are_wrong(dray, dest, tmp_path, index, line, word):
    needs = write(tmp_path / "wrong.txt", f"beta==1.0\n{line}\n")
    failed_with(dray.download("-i", index, "-r", needs, dest=dest), "wrong.txt", "line 2", word)
    assert names_in(dest) == []


def test_the_same_requirement_twice(dray, dest, tmp_path, index):
    needs = write(tmp_path / "n.txt", "alpha==1.0\nalpha==1.0\n")
    succeeded(dray.download("-i", index, "-r", needs, dest=dest))
    assert names_in(dest) == [whl("alpha", "1.0")]


def test_two_demands_on_one_project(dray, dest, tmp_path, index):
    needs = write(tmp_path / "n.txt", "alpha>1.0\nbeta\nalpha<3.0\n")
    succeeded(dray.download("-i", index, "-r", needs, dest=dest))
    assert names_in(dest) == [whl("alpha", "2.0"), whl("beta", "3.0")]


def test_two_demands_that_can_not_both_hold(dray, dest, tmp_path, index):
    needs = write(tmp_path / "n.txt", "alpha==1.0\nalpha==2.0\n")
    result = dray.download("-i", index, "-r", needs, dest=dest)
    assert result.rc == 1, result
    assert "alpha==1.0" in result.err and "alpha==2.0" in result.err, result
    assert names_in(dest) == []


def test_ten_thousand_lines(dray, dest, tmp_path, index):
    """Markers that do not hold cost no request."""
    lines = "".join(f'unwanted-{n}==1.{n} ; python_version < "3"\n' for n in range(10000))
    needs = write(tmp_path / "n.txt", f"{lines}alpha==1.0\n")
    result = succeeded(dray.download("-i", index, "-r", needs, dest=dest))
    assert names_in(dest) == [whl("alpha", "1.0")]
    assert result.seconds < 20
