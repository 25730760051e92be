"""One thread from start to end, with host names in the URLs: resolving a name is where others start threads."""

import os
import pathlib
import threading

import mounts
import pytest
from fault_server import Answer
from program import names_in, succeeded


class Watch:
    """Looks again and again at how many threads a process has."""

    def __init__(self, pid):
        self.pid = pid
        self.seen = []
        self.tasks = set()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self):
        folder = pathlib.Path("/proc", str(self.pid))
        while True:
            try:
                status = (folder / "status").read_text()
                self.tasks.update(os.listdir(folder / "task"))
            except OSError:
                return
            lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
            # Before its exec the process is still unshare or sh; a zombie has no threads to count.
            if lines["State"].split()[0] in "ZX":
                return
            if lines["Name"].strip() == "dray":
                self.seen.append(int(lines["Threads"]))

    def join(self):
        self._thread.join()


@pytest.fixture
def slow_project(fault, wheel):
    """Pages and bodies that take long enough to be looked at."""
    names = []
    for n in range(6):
        made = wheel(f"slow-{n}", "1.0", payload=60000)
        facts = fault.wheel(made, lambda body: Answer(body, pace=(6000, 0.05)))
        facts["url"] = facts["url"].replace("127.0.0.1", f"files-{n % 3}.example.org")
        fault.project(f"slow-{n}", facts, wait=0.1)
        names.append(f"slow-{n}")
    return names


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="no /proc here")
@pytest.mark.parametrize("more", [[], ["-vv"], ["--progress", "json"]], ids=["plain", "loud", "json"])
def test_one_thread_through_a_whole_run(dray, dest, tmp_path, fault, slow_project, more):
    hosts = "\n".join(f"127.0.0.1 {name}.example.org" for name in ("index", "files-0", "files-1", "files-2"))
    prefix = mounts.with_hosts(tmp_path, hosts)
    index = fault.index.replace("127.0.0.1", "index.example.org")
    process = dray.start("download", "--no-deps", "-i", index, "--trusted-host", "index.example.org", *more,
                         *slow_project, "-d", dest, prefix=prefix)
    watch = Watch(process.pid)
    result = succeeded(dray.finish(process))
    watch.join()
    assert len(names_in(dest)) == len(slow_project), result
    assert len(watch.seen) > 20, f"looked only {len(watch.seen)} times"
    assert set(watch.seen) == {1}
    assert watch.tasks == {str(process.pid)}


def test_names_were_resolved(dray, dest, tmp_path, fault, slow_project):
    """The same names without the hosts file do not exist: the test above really resolved them."""
    index = fault.index.replace("127.0.0.1", "index.example.invalid")
    result = dray.download("-i", index, "--trusted-host", "index.example.invalid", "--timeout", "5", "slow-0",
                           dest=dest)
    assert result.rc == 1, result
    assert "index.example.invalid" in result.err
    assert fault.requests() == []
