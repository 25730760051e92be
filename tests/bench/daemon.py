"""Many jobs whose files overlap, and the daemon that does them all at once."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from nginx import make_index

EACH = 20  # files of a job; the second half of them is the first half of the next one's
STEP = EACH // 2
READY_SECONDS, END_SECONDS = 10, 20
IDLE_SECONDS = 10
# After the last job: strace comes, which interrupts what the daemon waits in, and what was put off is done:
# the store's index is written, and the watch over stalled transfers (an eighth of --timeout) has a last look.
SETTLE_SECONDS = 3
TARGET = "3.12:linux_x86_64"
TURN = re.compile(r'^dray_loop_turn_seconds\{quantile="0.99"\} ([\d.]+)', re.M)
CALL = re.compile(r"^\d+\s+(\d+\.\d+) \w+\(", re.M)


@dataclasses.dataclass(frozen=True)
class Files:
    """One job."""

    name: str
    entries: list


def split(entries):
    """Each file is wanted by two of the jobs: the last one shares with the first."""
    around = [*entries, *entries[:EACH - STEP]]
    return [Files(f"job-{start // STEP:03}", around[start:start + EACH])
            for start in range(0, len(entries), STEP)]


def pin(entry):
    name = entry["filename"]
    return f"{make_index.project_of(name)}=={make_index.version_of(name)}"


def write_pins(lists, entries):
    for one in split(entries):
        (lists / f"{one.name}.txt").write_text("".join(f"{pin(e)}\n" for e in one.entries))


def write_jobs(path, job):
    """The job file of what is wanted, each job with a directory of its own."""
    jobs = [{"name": one.name, "requirements": [pin(entry) for entry in one.entries],
             "dest": str(job.out / one.name)} for one in job.wanted]
    defaults = {"no-deps": True, "index-url": job.index, "target": [TARGET]}
    path.write_text(json.dumps({"defaults": defaults, "jobs": jobs}))
    return path


class Daemon:
    """One that runs."""

    def __init__(self, process, path):
        self.process, self.path = process, path

    def ask(self, what):
        with socket.socket(socket.AF_UNIX) as way:
            way.settimeout(READY_SECONDS)
            way.connect(str(self.path))
            way.sendall(f"GET {what} HTTP/1.0\r\n\r\n".encode())
            return b"".join(iter(lambda: way.recv(1 << 16), b"")).decode()

    def status(self, key):
        text = pathlib.Path("/proc", str(self.process.pid), "status").read_text()
        return next(line.split()[1] for line in text.splitlines() if line.startswith(f"{key}:"))

    def cpu_s(self):
        text = pathlib.Path("/proc", str(self.process.pid), "stat").read_text()
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def peak_mib(self):
        return int(self.status("VmHWM")) / 1024

    def resident_mib(self):
        return int(self.status("VmRSS")) / 1024

    def loop_ms(self):
        return 1000 * float(TURN.search(self.ask("/metrics"))[1])

    def idle_calls(self, folder):
        """System calls in IDLE_SECONDS in which nobody asks for anything; None without strace."""
        if not shutil.which("strace"):
            return None
        log = folder / "idle.strace"
        subprocess.run(["timeout", "-s", "INT", str(SETTLE_SECONDS + IDLE_SECONDS), "strace", "-f",
                        "-ttt", "-o", log, "-p", str(self.process.pid)], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        calls = [float(at) for at in CALL.findall(log.read_text())] if log.exists() else []
        if not calls:
            return None  # one may not trace here: there is at least the call that it waits in
        return sum(at > calls[0] + SETTLE_SECONDS for at in calls)


@contextlib.contextmanager
def running(job, env):
    """A daemon that has just been started, with a store and a queue of its own."""
    # The path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="dray-") as folder:
        path = pathlib.Path(folder, "sock")
        log = job.out.parent / "daemon.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [job.tools.dray, "daemon", "--socket", path, "--root", job.out, "--cache-dir",
                 job.cache, "--state-dir", pathlib.Path(folder, "state")],
                env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_until_up(process, path, log)
            yield Daemon(process, path)
        finally:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_up(process, path, log):
    until = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as way:
            way.connect(str(path))
            return
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the daemon does not come up: {log.read_text()[-1000:]}")
        time.sleep(0.01)
