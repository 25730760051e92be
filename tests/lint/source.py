"""What the lint checks share: which files there are, and C without its comments and literals."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

_TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)"""
    r"""|(?P<literal>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""",
    re.DOTALL,
)


def project_files():
    """All files of the project: tracked ones and new ones that are not ignored."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
        return sorted({ROOT / name for name in names if (ROOT / name).is_file()})
    # An unpacked release has no git: everything but what builds and tests leave behind.
    left_behind = re.compile(r"^(build[^/]*|\.venv|tests/\.cache)/|__pycache__|\.pytest_cache")
    names = (path for path in ROOT.rglob("*") if path.is_file())
    return sorted(p for p in names if not left_behind.search(str(p.relative_to(ROOT))))


def c_files(*folders):
    """The .c and .h files below these folders."""
    tops = tuple(ROOT / folder for folder in folders)
    return [
        path for path in project_files()
        if path.suffix in (".c", ".h") and any(top in path.parents for top in tops)
    ]


def without_comments(text, literals=False):
    """The same text, line for line, with comments (and literals, if asked) blanked out."""
    def blank(match):
        if match.lastgroup == "literal" and not literals:
            return match.group()
        return re.sub(r"[^\n]", " ", match.group())

    return _TOKEN.sub(blank, text)


def shown(path):
    """A path as a person at the root of the checkout would write it."""
    return path.relative_to(ROOT).as_posix()


def finish(name, problems, looked_at):
    """Prints the problems and the verdict; returns the exit code. Looking at nothing is a failure."""
    for problem in problems:
        print(problem)
    if not looked_at:
        print(f"{name}: found nothing to look at")
        return 1
    verdict = f"{len(problems)} problems" if problems else "ok"
    print(f"{name}: {verdict} ({looked_at} looked at)")
    return 1 if problems else 0


def main(name, check):
    """Runs `check`, which returns (problems, how many things it looked at)."""
    problems, looked_at = check()
    sys.exit(finish(name, problems, looked_at))
