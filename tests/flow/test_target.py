"""For which Python and platform files are chosen: the python3 on PATH, or what the options say."""

import os
import pathlib
import subprocess
import sys

import pytest
from program import failed_with, names_in, succeeded

LINUX_OLD = "manylinux_2_5_x86_64.manylinux1_x86_64"
TAGS = [
    "cp312-cp312-win_amd64", "cp312-cp312-win32", "cp313-cp313-win_amd64", "cp312-cp312-macosx_11_0_arm64",
    "cp312-cp312-macosx_10_13_x86_64", "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp312-cp312-musllinux_1_2_x86_64", f"cp39-abi3-{LINUX_OLD}", "cp313-cp313t-manylinux_2_28_x86_64",
    "pp310-pypy310_pp73-manylinux_2_17_x86_64", "py3-none-any",
]


@pytest.fixture
def index(fault, wheel):
    """One version of one project, for many platforms."""
    fault.project("demo", *(fault.wheel(wheel("demo", "1.0", tag=tag)) for tag in TAGS))
    return fault.index


TARGETS = [
    (["--target", "3.12:win_amd64"], "cp312-cp312-win_amd64"),
    (["--target", "3.13:win_amd64"], "cp313-cp313-win_amd64"),
    (["--target", "3.11:win_amd64"], "py3-none-any"),
    (["--target", "3.12:macosx_14_0_arm64"], "cp312-cp312-macosx_11_0_arm64"),
    (["--target", "3.12:manylinux_2_28_x86_64"], "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64"),
    (["--target", "3.12:musllinux_1_2_x86_64"], "cp312-cp312-musllinux_1_2_x86_64"),
    (["--target", "3.11:manylinux_2_28_x86_64"], f"cp39-abi3-{LINUX_OLD}"),
    (["--target", "cp313t:manylinux_2_28_x86_64"], "cp313-cp313t-manylinux_2_28_x86_64"),
    (["--target", "3.14:manylinux_2_28_aarch64"], "py3-none-any"),
    (["--platform", "win_amd64", "--python-version", "3.12", "--implementation", "cp", "--abi", "cp312"],
     "cp312-cp312-win_amd64"),
    (["--platform", "win32", "--python-version", "312", "--implementation", "cp"], "cp312-cp312-win32"),
    (["--platform", "manylinux2014_x86_64", "--python-version", "3.12"],
     "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64"),
    (["--platform", "macosx_11_0_arm64", "--python-version", "3.12"], "cp312-cp312-macosx_11_0_arm64"),
]


@pytest.mark.parametrize("args,tag", TARGETS, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_the_best_file_for_it(dray, dest, index, args, tag):
    succeeded(dray.download("-i", index, *args, "demo", dest=dest))
    assert names_in(dest) == [f"demo-1.0-{tag}.whl"]


@pytest.mark.parametrize("args", [args for args, _ in TARGETS if args[0] == "--platform"],
                         ids=lambda args: " ".join(args))
def test_as_pip_chooses(dray, dest, tmp_path, index, args):
    env = dray.environment()
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir", "-i", index, *args,
                    "demo", "-d", tmp_path / "pip"], env=env, check=True, capture_output=True)
    succeeded(dray.download("-i", index, *args, "demo", dest=dest))
    assert names_in(dest) == names_in(tmp_path / "pip")


def test_this_python_as_pip_chooses(dray, dest, tmp_path, fault, wheel):
    """Of all tags that packaging names for this interpreter, each version has one; the best one wins."""
    from packaging.tags import sys_tags

    tags = [str(tag) for tag in sys_tags()]
    chosen = tags[len(tags) // 3]
    fault.project("demo", *(fault.wheel(wheel("demo", "1.0", tag=tag)) for tag in {chosen, tags[-1]}))
    succeeded(dray.download("-i", fault.index, "demo", dest=dest))
    assert names_in(dest) == [f"demo-1.0-{chosen}.whl"]


def test_another_python_by_path(dray, dest, fault, wheel, tmp_path):
    """--python runs that program: here one that only says it is 3.7 for this machine's platform."""
    fault.project("demo", fault.wheel(wheel("demo", "1.0"), requires_python="<3"),
                  fault.wheel(wheel("demo", "0.9")))
    succeeded(dray.download("-i", fault.index, "--python", sys.executable, "demo", dest=dest))
    assert names_in(dest) == ["demo-0.9-py3-none-any.whl"]
    assert tmp_path


def test_no_python_at_all(dray, dest, fault, wheel, tmp_path):
    """The default target needs one; a target in words needs none."""
    fault.project("demo", fault.wheel(wheel("demo", "1.0")))
    nowhere = tmp_path / "bin"
    nowhere.mkdir()
    env = {"PATH": str(nowhere)}
    failed_with(dray.download("-i", fault.index, "demo", dest=dest, env=env), "python3")
    succeeded(dray.download("-i", fault.index, "--target", "3.12:win_amd64", "demo", dest=dest, env=env))
    assert names_in(dest) == ["demo-1.0-py3-none-any.whl"]


@pytest.mark.parametrize("command", ["download", "metadata", "wheel"])
def test_python_beside_a_target(dray, dest, index, command):
    """Said where nobody asks it; wheel builds with its pip."""
    words = {"download": ["-d", dest, "--no-deps"], "wheel": ["-w", dest, "--no-deps"], "metadata": []}[command]
    result = succeeded(dray(command, *words, "-i", index, "--target", "3.12:win_amd64", "--python", sys.executable,
                            "demo"))
    warnings = [line for line in result.err.splitlines() if line.startswith("warning:")]
    assert len(warnings) == (command != "wheel") and all(f"--python {sys.executable}" in line for line in warnings)


def test_a_python_that_fails(dray, dest, fault, tmp_path):
    broken = tmp_path / "broken-python"
    broken.write_text("#!/bin/sh\necho 'it is broken' >&2\nexit 3\n")
    broken.chmod(0o755)
    result = dray.download("-i", fault.index, "--python", broken, "demo", dest=dest)
    failed_with(result, "broken-python")


def test_the_interpreter_is_asked_once(dray, dest, fault, wheel, tmp_path):
    """The answer is kept until the binary changes. A copy of it tells when it was run only by its access to us,
    so what is looked at is what is kept."""
    fault.project("demo", fault.wheel(wheel("demo", "1.0")))
    for _ in range(2):
        succeeded(dray.download("-i", fault.index, "--python", os.path.realpath(sys.executable), "demo", dest=dest))
    kept = [path for path in (dray.home / "cache" / "dray" / "interpreters").rglob("*") if path.is_file()]
    assert len(kept) == 1, kept
    before = kept[0].stat().st_mtime_ns
    succeeded(dray.download("-i", fault.index, "--python", os.path.realpath(sys.executable), "demo", dest=dest))
    assert kept[0].stat().st_mtime_ns == before
    succeeded(dray.download("-i", fault.index, "--no-cache-dir", "demo", dest=dest))


def test_markers_follow_the_target(dray, dest, fault, wheel, tmp_path):
    for name in ("win", "lin", "old"):
        fault.project(name, fault.wheel(wheel(name, "1.0")))
    needs = tmp_path / "needs.txt"
    needs.write_text('win ; sys_platform == "win32"\nlin ; sys_platform == "linux"\nold ; python_version < "3.9"\n')
    succeeded(dray.download("-i", fault.index, "--target", "3.12:win_amd64", "-r", needs, dest=dest))
    assert names_in(dest) == ["win-1.0-py3-none-any.whl"]
    succeeded(dray.download("-i", fault.index, "--target", "3.8:manylinux_2_17_x86_64", "-r", needs, dest=dest))
    assert names_in(dest) == ["lin-1.0-py3-none-any.whl", "old-1.0-py3-none-any.whl", "win-1.0-py3-none-any.whl"]


@pytest.mark.parametrize("spec", ["3.12", "win_amd64", ":", "3.12:", "three:win_amd64", "3.12:win amd64"])
def test_a_target_that_is_none(dray, dest, fault, spec):
    result = dray.download("-i", fault.index, "--target", spec, "demo", dest=dest)
    assert result.rc == 2, result
    assert "target" in result.err


def test_uv_installs_what_was_fetched(dray, dest, index, tmp_path):
    """Another tool takes the directory as its only source."""
    succeeded(dray.download("-i", index, "demo", dest=dest))
    uv = pathlib.Path(sys.executable).parent / "uv"
    subprocess.run([uv, "pip", "install", "--no-index", "--find-links", dest, "--target", tmp_path / "site", "demo",
                    "--python", sys.executable], env=dray.environment(), check=True, capture_output=True)
    assert (tmp_path / "site" / "demo" / "__init__.py").exists()
