"""Who is measured: how each is told what to fetch, what it took, whether the files are right."""

import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

COMMAND_SECONDS = 180


class Failed(Exception):
    """A contender did not do its work."""


@dataclasses.dataclass(frozen=True)
class Tools:
    """Where the programs are."""

    dray: pathlib.Path
    floor: pathlib.Path
    measure: pathlib.Path

    @staticmethod
    def python():
        """The Python whose pip is measured."""
        own = ROOT / ".venv" / "bin" / "python"
        return own if own.exists() else pathlib.Path(shutil.which("python3") or sys.executable)


@dataclasses.dataclass(frozen=True)
class Contender:
    """`words` gives the command for (tools, workload, destination)."""

    key: str
    title: str
    words: callable
    benches: tuple = ("bytes", "files", "latency")
    max_rounds: int = 0  # 0: as many as asked for
    may_sample: bool = False

    def count(self, work):
        """How many of the workload's files it fetches."""
        return min(self.may_sample and work.kind.sample or len(work.entries), len(work.entries))

    def rounds(self, asked):
        return min(self.max_rounds or asked, asked)


@dataclasses.dataclass(frozen=True)
class Sample:
    """What one run took."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def dray_words(tools, work, out, requirements="pinned.txt"):
    # With a target no Python is asked for its tags.
    return [tools.dray, "download", "--no-deps", "--no-cache-dir", "--progress", "off", "-q",
            "--target", "3.12:linux_x86_64", "--index-url", f"{work.base}/simple/",
            "-r", work.lists / requirements, "-d", out]


def dray_urls_words(tools, work, out):
    return dray_words(tools, work, out, "urls.txt")


def pip_words(tools, work, out):
    return [tools.python(), "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--no-input",
            "-q", "--disable-pip-version-check", "--index-url", f"{work.base}/simple/",
            "-r", work.lists / "pinned-sample.txt", "-d", out]


def floor_words(tools, work, out):
    return [tools.floor, str(work.port), work.lists / "urls.floor", out]


def curl_words(_, work, out):
    return ["curl", "-q", "--fail", "--no-progress-meter", "--parallel",
            "--parallel-max", str(work.kind.connections), "--output-dir", out,
            "--config", work.lists / "urls.curl"]


def aria2_words(_, work, out):
    # It has each file's control file synced to the disk, and no option against that.
    return ["aria2c", "--no-conf", "--quiet", "-j", str(work.kind.connections), "-x", "1",
            "--allow-overwrite=true", "--auto-file-renaming=false", "--file-allocation=none",
            "-d", out, "-i", work.lists / "urls.aria2"]


CONTENDERS = {
    contender.key: contender for contender in (
        Contender("dray", "dray", dray_words),
        Contender("dray-urls", "dray, given URLs", dray_urls_words, ("files",)),
        Contender("floor", "floor: one blocking connection", floor_words, ("bytes", "files")),
        Contender("curl", "curl --parallel", curl_words),
        Contender("aria2c", "aria2c", aria2_words, ("bytes", "files")),
        Contender("pip", "pip download", pip_words, max_rounds=1, may_sample=True),
    )
}


def environment(folder):
    """Nothing of this machine counts: no proxies, no configuration of pip, dray, curl, aria2c."""
    home, temporary = folder / "home", folder / "tmp"
    for path in (home, temporary):
        path.mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(temporary),
            "XDG_CACHE_HOME": str(home), "XDG_CONFIG_HOME": str(home), "LANG": "C.UTF-8",
            "PIP_CONFIG_FILE": os.devnull}


def run(contender, tools, work, folder, check):
    """Runs it once into a new directory, which is gone afterwards. Raises Failed."""
    out = pathlib.Path(tempfile.mkdtemp(prefix="out-", dir=folder))
    try:
        sample = measure(contender.words(tools, work, out), tools, folder)
        if check:
            check_files(out, work.sha256_of(contender.count(work)))
        return sample
    except Failed as why:
        raise Failed(f"{contender.title}, {work.title}: {why}") from None
    finally:
        shutil.rmtree(out)
        # What one has left to write is not the next one's trouble.
        os.sync()


def measure(words, tools, folder):
    result, log = folder / "measured.json", folder / "output.log"
    result.unlink(missing_ok=True)
    with open(log, "wb") as output:
        process = subprocess.Popen([str(word) for word in (tools.measure, result, *words)],
                                   cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = process.wait(COMMAND_SECONDS)
        except BaseException as why:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(why, subprocess.TimeoutExpired):
                raise Failed(f"still running after {COMMAND_SECONDS} s") from None
            raise
    if code:
        said = log.read_text(errors="replace").strip()[-2000:]
        raise Failed(f"exit {code}\n{said}")
    took = json.loads(result.read_text())
    return Sample(took["wall_s"], took["user_s"] + took["system_s"], took["peak_kib"] / 1024)


def check_files(out, wanted):
    """Exactly the wanted files, byte for byte."""
    found = {path.name: path for path in out.iterdir()}
    if found.keys() != wanted.keys():
        raise Failed(f"{len(found)} files, expected {len(wanted)}; "
                     f"wrong or missing: {sorted(found.keys() ^ wanted.keys())[:3]}")
    for name, digest in wanted.items():
        if hashlib.sha256(found[name].read_bytes()).hexdigest() != digest:
            raise Failed(f"{name} has other bytes than the server's")
