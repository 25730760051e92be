"""Runs the program under test with an environment in which nothing of this machine counts."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("DRAY_BUILD", ROOT / "build")).resolve()
PROGRAM = BUILD / "dray"

# A finding of a sanitizer must not pass for the exit code that a test waits for.
SANITIZER_EXIT = 99


@dataclasses.dataclass
class Result:
    rc: int
    out: str
    err: str
    seconds: float

    def __str__(self):
        return f"exit {self.rc}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Program:
    """One test's dray: `dray("download", ...)` runs it; home, cache and temporary files are below `home`."""

    def __init__(self, home):
        self.home = home
        self.temporary = home / "tmp"
        self.cwd = home / "work"
        for folder in (self.temporary, self.cwd, home / "cache", home / "config"):
            folder.mkdir(parents=True)

    def environment(self, **more):
        """`more` adds variables; None removes one."""
        env = {
            "PATH": os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_CONFIG_DIRS": str(self.home / "config-global"),
            "TMPDIR": str(self.temporary),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "PIP_CONFIG_FILE": "/dev/null",
            "ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', 'detect_leaks=1')}:exitcode={SANITIZER_EXIT}",
            "UBSAN_OPTIONS": f"halt_on_error=1:print_stacktrace=1:exitcode={SANITIZER_EXIT}",
        }
        for name in ("LSAN_OPTIONS", "ASAN_SYMBOLIZER_PATH"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update(more)
        return {name: str(value) for name, value in env.items() if value is not None}

    def start(self, *args, env=None, prefix=(), **popen):
        """Starts it and returns the process; `prefix` is a command that runs it."""
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("cwd", self.cwd)
        command = [*prefix, str(PROGRAM), *map(str, args)]
        return subprocess.Popen(command, env=self.environment(**(env or {})), **popen)

    def finish(self, process, seconds=60, check_temporary=True):
        began = time.monotonic()
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            # SIGABRT: a core or a sanitizer's report says where it hung.
            process.send_signal(signal.SIGABRT)
            out, err = process.communicate(timeout=30)
            raise AssertionError(f"still running after {seconds} s\n{out}\n{err}") from None
        result = Result(process.returncode, (out or b"").decode(errors="replace"),
                        (err or b"").decode(errors="replace"), time.monotonic() - began)
        assert process.returncode != SANITIZER_EXIT, f"a sanitizer found something\n{result}"
        assert "runtime error:" not in result.err, result
        assert process.returncode >= 0, f"ended by a signal\n{result}"
        if check_temporary:
            assert sorted(self.temporary.iterdir()) == [], f"left in TMPDIR\n{result}"
        return result

    def __call__(self, *args, env=None, prefix=(), seconds=60, **popen):
        return self.finish(self.start(*args, env=env, prefix=prefix, **popen), seconds)

    def download(self, *args, dest, **more):
        """The command nearly all tests are about; --retries 0 unless said otherwise keeps failures quick."""
        retries = () if "--retries" in args else ("--retries", "0")
        return self("download", "--no-deps", *retries, "-d", dest, *args, **more)

    def resolve(self, *args, dest, **more):
        """The same with dependencies."""
        return self("download", "--retries", "0", "-d", dest, *args, **more)


def names_in(folder):
    """All that is in a destination, hidden files too."""
    folder = pathlib.Path(folder)
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def succeeded(result):
    assert result.rc == 0, result
    return result


def failed_with(result, *needles, code=1, errors=1):
    """It failed as it should, with so many messages, and they say each of `needles`."""
    assert result.rc == code, result
    said = [line for line in result.err.splitlines() if line.startswith(("error:", "dray: "))]
    assert len(said) == errors, f"{len(said)} messages instead of {errors}\n{result}"
    for needle in needles:
        assert needle in result.err, f"nothing says {needle!r}\n{result}"
    assert "assert" not in result.err.lower(), result
    return result
