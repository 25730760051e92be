"""pip's rules on hashes."""

import hashlib

import pytest
from fault_server import Answer
from program import failed_with, names_in, succeeded


def sha(path, kind="sha256"):
    return hashlib.new(kind, path.read_bytes()).hexdigest()


@pytest.fixture
def made(fault, wheel):
    path = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(path))
    return path


@pytest.fixture
def needs(tmp_path):
    def write(text):
        path = tmp_path / "needs.txt"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("kind", ["sha256", "sha384", "sha512"])
def test_right(dray, dest, fault, made, needs, kind):
    path = needs(f"demo==1.0 --hash={kind}:{sha(made, kind)}\n")
    succeeded(dray.download("-i", fault.index, "-r", path, dest=dest))
    assert names_in(dest) == [made.name]


def test_any_of_several(dray, dest, fault, made, needs):
    path = needs(f"demo==1.0 \\\n  --hash=sha256:{'0' * 64} \\\n  --hash=sha256:{sha(made)}\n")
    succeeded(dray.download("-i", fault.index, "-r", path, dest=dest))
    assert names_in(dest) == [made.name]


def test_upper_case(dray, dest, fault, made, needs):
    succeeded(dray.download("-i", fault.index, "-r", needs(f"demo==1.0 --hash=sha256:{sha(made).upper()}\n"), dest=dest))


def test_wrong(dray, dest, fault, made, needs):
    path = needs(f"demo==1.0 --hash=sha256:{'0' * 64}\n")
    failed_with(dray.download("-i", fault.index, "-r", path, dest=dest), "demo==1.0", "0" * 64, sha(made))
    assert names_in(dest) == []


def test_all_wrong_ones_in_one_message(dray, dest, fault, wheel, needs):
    lines = ""
    for n in range(3):
        path = wheel(f"demo-{n}", "1.0")
        fault.project(f"demo-{n}", fault.wheel(path, hashes={}))
        lines += f"demo-{n}==1.0 --hash=sha256:{str(n) * 64}\n"
    result = failed_with(dray.download("-i", fault.index, "-r", needs(lines), dest=dest))
    for n in range(3):
        assert str(n) * 64 in result.err, result
    assert result.err.index("demo-0") < result.err.index("demo-1") < result.err.index("demo-2")
    assert names_in(dest) == []


def test_one_hash_means_hashes_for_all(dray, dest, fault, made, wheel, needs):
    other = wheel("other", "2.0")
    fault.project("other", fault.wheel(other))
    path = needs(f"demo==1.0 --hash=sha256:{sha(made)}\nother==2.0\n")
    failed_with(dray.download("-i", fault.index, "-r", path, dest=dest), "other", f"--hash=sha256:{sha(other)}")
    assert other.name not in names_in(dest)


def test_required_and_missing_tells_the_line_to_add(dray, dest, fault, made):
    result = dray.download("--require-hashes", "-i", fault.index, "demo==1.0", dest=dest)
    failed_with(result, "demo==1.0", f"--hash=sha256:{sha(made)}")
    assert names_in(dest) == []


def test_the_line_to_add_is_right_where_the_index_has_no_hash(dray, dest, fault, wheel):
    path = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(path, hashes={}))
    failed_with(dray.download("--require-hashes", "-i", fault.index, "demo==1.0", dest=dest),
                f"--hash=sha256:{sha(path)}")
    assert names_in(dest) == []


def test_required_and_not_pinned(dray, dest, fault, made, needs):
    path = needs(f"demo>=1.0 --hash=sha256:{sha(made)}\n")
    failed_with(dray.download("-i", fault.index, "-r", path, dest=dest), "demo>=1.0", "==")
    assert names_in(dest) == []


def test_no_require_hashes(dray, dest, fault, made, wheel, needs):
    other = wheel("other", "2.0")
    fault.project("other", fault.wheel(other))
    path = needs(f"demo==1.0 --hash=sha256:{sha(made)}\nother\n")
    succeeded(dray.download("--no-require-hashes", "-i", fault.index, "-r", path, dest=dest))
    assert names_in(dest) == [made.name, other.name]


def test_both_flags(dray, dest, fault):
    result = dray.download("--require-hashes", "--no-require-hashes", "-i", fault.index, "demo", dest=dest)
    assert result.rc == 2, result
    assert "--no-require-hashes" in result.err


@pytest.mark.parametrize("kind", ["sha256", "sha512", "sha1", "md5"])
def test_fragment_of_a_url(dray, dest, fault, wheel, kind):
    made = wheel("demo", "1.0")
    url = fault.on(f"/x/{made.name}", Answer(made.read_bytes()))
    succeeded(dray.download("--no-index", f"{url}#{kind}={sha(made, kind)}", dest=dest))
    assert names_in(dest) == [made.name]


def test_wrong_fragment_of_a_url(dray, dest, fault, wheel):
    made = wheel("demo", "1.0")
    url = fault.on(f"/x/{made.name}", Answer(made.read_bytes()))
    failed_with(dray.download("--no-index", f"demo @ {url}#sha256={'1' * 64}", dest=dest), "1" * 64, sha(made))
    assert names_in(dest) == []


def test_a_fragment_satisfies_require_hashes(dray, dest, fault, wheel):
    made = wheel("demo", "1.0")
    url = fault.on(f"/x/{made.name}", Answer(made.read_bytes()))
    succeeded(dray.download("--require-hashes", "--no-index", f"demo @ {url}#sha256={sha(made)}", dest=dest))
    assert names_in(dest) == [made.name]


def test_the_index_contradicts_the_user(dray, dest, fault, made, needs):
    """Told without fetching: no body could be right for both."""
    path = needs(f"demo==1.0 --hash=sha256:{'2' * 64}\n")
    failed_with(dray.download("-i", fault.index, "-r", path, dest=dest), "2" * 64)
    assert fault.requests(f"/files/{made.name}") == []


def test_the_file_with_an_allowed_hash_is_preferred(dray, dest, fault, wheel, needs):
    """pip: among files of one version, hashes choose."""
    plain, built = wheel("demo", "1.0"), wheel("demo", "1.0", build="7")
    fault.project("demo", fault.wheel(plain), fault.wheel(built))
    path = needs(f"demo==1.0 --hash=sha256:{sha(plain)}\n")
    succeeded(dray.download("-i", fault.index, "-r", path, dest=dest))
    assert names_in(dest) == [plain.name]


def test_hashes_of_constraints(dray, dest, fault, made, tmp_path):
    limits = tmp_path / "c.txt"
    limits.write_text(f"demo==1.0 --hash=sha256:{sha(made)}\n")
    succeeded(dray.download("--require-hashes", "-i", fault.index, "-c", limits, "demo==1.0", dest=dest))
    assert names_in(dest) == [made.name]


def test_constraint_and_requirement_have_no_hash_in_common(dray, dest, fault, made, needs, tmp_path):
    limits = tmp_path / "c.txt"
    limits.write_text(f"demo==1.0 --hash=sha256:{'3' * 64}\n")
    path = needs(f"demo==1.0 --hash=sha256:{sha(made)}\n")
    result = dray.download("-i", fault.index, "-c", limits, "-r", path, dest=dest)
    assert result.rc == 1, result
    assert "demo" in result.err and names_in(dest) == []


def test_local_files_are_hashed_too(dray, dest, tmp_path, wheel, needs):
    made = wheel("demo", "1.0")
    right = needs(f"{made} --hash=sha256:{sha(made)}\n")
    succeeded(dray.download("--no-index", "-r", right, dest=dest))
    wrong = needs(f"{made} --hash=sha256:{'4' * 64}\n")
    failed_with(dray.download("--no-index", "-r", wrong, dest=tmp_path / "other"), "4" * 64)
    assert names_in(tmp_path / "other") == []
