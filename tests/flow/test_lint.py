"""The lint checks find what they are there for: each is run on a small tree that has one defect."""

import shutil
import subprocess
import sys

import program
import pytest

LINT = program.ROOT / "tests" / "lint"
LONG = "int x;\n" * 601
LONG_FUNCTION = "int f(void)\n{\n" + "    call();\n" * 61 + "}\n"

# check, file, its text, what must be said
DEFECTS = [
    ("check_sizes", "src/util/long.c", LONG, "601 lines"),
    ("check_sizes", "src/util/long.c", LONG_FUNCTION, "long.c:2"),
    ("check_sizes", "include/dray/util/long.h", "int x;\n" * 201, "201 lines"),
    ("check_layers", "src/util/up.c", '#include "dray/py/version.h"\n', "up.c:1"),
    ("check_layers", "src/py/side.c", '#include "dray/net/loop.h"\n', "side.c:1"),
    ("check_layers", "src/net/side.c", '#include "dray/py/version.h"\n', "side.c:1"),
    ("check_layers", "src/store/side.c", '#include "dray/net/loop.h"\n', "side.c:1"),
    ("check_layers", "src/ui/knows.c", '#include "dray/fetch/fetch.h"\n', "knows.c:1"),
    ("check_layers", "include/dray/fetch/up.h", '#include "dray/job/run.h"\n', "up.h:1"),
    ("check_layers", "src/fetch/curl.c", "#include <curl/curl.h>\n", "curl.c:1"),
    ("check_layers", "src/odd/x.c", "#include <stdio.h>\n", "odd"),
    ("check_banned", "src/util/x.c", "void f(void)\n{\n    strcpy(a, b);\n}\n", "x.c:3: strcpy"),
    ("check_banned", "src/util/x.c", "int n = atoi(s);\n", "atoi"),
    ("check_banned", "src/job/x.c", "long n = strtol(s, 0, 10);\n", "strtol"),
    ("check_banned", "src/job/x.c", "void f(void)\n{\n    exit(1);\n}\n", "exit"),
    ("check_banned", "src/net/x.c", "pthread_create(&t, 0, f, 0);\n", "pthread_create"),
    ("check_banned", "src/net/x.c", "uv_fs_open(l, &rq, p, 0,\n    0, on_open);\n", "x.c:1: uv_fs_"),
    ("check_banned", "src/net/x.c", "getaddrinfo(h, p, 0, &r);\n", "getaddrinfo"),
    ("check_banned", "src/util/x.c", "void f(void)\n{\nagain:\n    g();\n    goto again;\n}\n", "goto again"),
    ("check_text", "src/util/x.c", "int x; \n", "x.c:1: blanks"),
    ("check_text", "src/util/x.c", "\tint x;\n", "x.c:1: a tab"),
    ("check_text", "src/util/x.c", "int x;", "the last line has no end"),
]

# What looks like a defect and is none.
FINE = [
    ("check_banned", "src/util/x.c", "/* strcpy(a, b) */ const char *s = \"atoi(\";\n"),
    ("check_banned", "src/cli/x.c", "void f(void)\n{\n    exit(1);\n}\n"),
    ("check_banned", "src/net/x.c", "uv_fs_open(l, &rq, p, 0, 0, NULL);\n"),
    ("check_banned", "src/util/x.c", "int f(void)\n{\n    goto out;\nout:\n    return 0;\n}\n"),
    ("check_layers", "src/ui/x.c", '#include "dray/fetch/event.h"\n#include "dray/job/run.h"\n'),
    ("check_layers", "src/fetch/x.c", '#include "dray/net/loop.h"\n#include "dray/py/version.h"\n'),
    ("check_sizes", "src/util/x.c", "int f(int x)\n{\n    switch (x) {\n" + "    case 1:\n        return 1;\n" * 40
     + "    }\n    return 0;\n}\n"),
]


def lint(tmp_path, check, name, text):
    shutil.copytree(LINT, tmp_path / "tests" / "lint", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    return subprocess.run([sys.executable, tmp_path / "tests" / "lint" / f"{check}.py"], capture_output=True, text=True,
                          check=False, cwd=tmp_path)


@pytest.mark.parametrize("check,name,text,said", DEFECTS, ids=lambda value: value[:30].replace("\n", " "))
def test_a_defect_is_found(tmp_path, check, name, text, said):
    done = lint(tmp_path, check, name, text)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout, done.stdout


@pytest.mark.parametrize("check,name,text", FINE)
def test_what_is_right_passes(tmp_path, check, name, text):
    done = lint(tmp_path, check, name, text)
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_writers_of_the_state(tmp_path):
    done = lint(tmp_path, "check_text", "src/fetch/fetch.c", "f->state = A;\nf->state = B;\n")
    assert done.returncode == 1 and "2 places" in done.stdout


def test_a_registry_is_named(tmp_path):
    from pip._internal.models.index import PyPI

    done = lint(tmp_path, "check_text", "docs/x.md", f"see {PyPI.netloc}\n")
    assert done.returncode == 1 and "registry" in done.stdout


@pytest.mark.parametrize("place", ["doc/dray.1", "completions/dray.bash", "completions/_dray", "completions/dray.fish"])
def test_an_option_is_not_described(tmp_path, place):
    for folder in ("doc", "completions", "src/job"):
        shutil.copytree(program.ROOT / folder, tmp_path / folder)
    text = (tmp_path / place).read_text()
    kept = [line for line in text.replace("--prefer-binary", "").splitlines() if "prefer-binary" not in line]
    (tmp_path / place).write_text("\n".join(kept))
    done = lint(tmp_path, "check_options", "tests/x", "")
    assert done.returncode == 1 and "lacks --prefer-binary" in done.stdout, done.stdout
