"""kill -9 at any moment, several processes on one store: nothing is lost but the work in flight."""

import os
import random
import subprocess
import threading
import time

import pytest
from fault_server import Answer
from program import names_in, succeeded
from test_store import objects_of, sha256_of, store_of

KILLS = 200
WORKERS = 4
PROJECTS = 40
ASKED = 12          # in one run
CAP = "1500kB"      # less than all of them: what is evicted is fetched anew
SECONDS = 90


class Worker(threading.Thread):
    """Starts runs into its own directory and kills them, again and again."""

    def __init__(self, dray, index, dest, files, seed, span):
        super().__init__()
        self.dray, self.index, self.dest, self.files = dray, index, dest, files
        self.random = random.Random(seed)
        self.span = span
        self.kills = self.ends = 0
        self.wrong = []
        self.error = None

    def run(self):
        until = time.monotonic() + SECONDS
        try:
            while self.kills < KILLS // WORKERS and time.monotonic() < until:
                self._one()
        except Exception as error:  # told by the test, which is in another thread
            self.error = error

    def _one(self):
        for name in names_in(self.dest):
            if self.random.random() < 0.7:
                (self.dest / name).unlink()
        wanted = self.random.sample(sorted(self.files), ASKED)
        mode = self.random.choice(["auto", "copy"])
        process = self.dray.start("download", "--no-deps", "-i", self.index, "--cache-size", CAP, "--link-mode", mode,
                                  *wanted, "-d", self.dest, stdout=subprocess.DEVNULL)
        try:
            _, err = process.communicate(timeout=self.random.uniform(0, self.span))
            assert process.returncode == 0, err.decode()
            self.ends += 1
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.kills += process.returncode == -9
        self._look()

    def _look(self):
        """Whatever has its final name is whole, at any moment."""
        for path in self.files.values():
            there = self.dest / path.name
            if there.exists() and there.read_bytes() != path.read_bytes():
                self.wrong.append(there)


@pytest.fixture
def files(fault, wheel):
    """name -> wheel, on an index that takes its time."""
    made = {}
    for n in range(PROJECTS):
        name = f"demo-{n}"
        made[name] = wheel(name, "1.0", payload=20000 + 3000 * n)
        fault.project(name, fault.wheel(made[name], lambda body: Answer(body, pace=(20000, 0.005))))
        fault.answers[f"/simple/{name}/"][0].headers.update({"ETag": f'"{n}"', "Cache-Control": f"max-age={n % 3}"})
    return made


def test_two_hundred_kills(dray, dest, fault, files):
    seed = int(os.environ.get("DRAY_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"DRAY_SEED={seed}")  # to have the same again
    root = store_of(dray)
    # One that is left alone tells how long it takes here; with so many at once it is longer.
    span = succeeded(dray.download("-i", fault.index, *sorted(files)[:ASKED], dest=dest / "first")).seconds * 2.5
    workers = [Worker(dray, fault.index, dest / str(n), files, seed + n, span) for n in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(f"{sum(worker.kills for worker in workers)} killed, {sum(worker.ends for worker in workers)} ended before")
    assert [worker.error for worker in workers if worker.error] == []
    assert sum(worker.kills for worker in workers) == KILLS, "it took too long"
    assert [path for worker in workers for path in worker.wrong] == []

    verdict = succeeded(dray("cache", "verify"))
    assert "nothing is wrong" in verdict.out or ": 0 wrong" in verdict.out, verdict
    assert names_in(root / "partial") == [], "the dead ones are cleared by the next"
    assert {digest: sha256_of(path) for digest, path in objects_of(root).items()} == \
           {digest: digest for digest in objects_of(root)}

    for n in range(WORKERS):
        succeeded(dray.download("-i", fault.index, *files, dest=dest / str(n)))
        got = {path.name: path.read_bytes() for path in (dest / str(n)).iterdir() if path.suffix == ".whl"}
        assert got == {path.name: path.read_bytes() for path in files.values()}
    assert names_in(root / "partial") == []
    assert succeeded(dray("cache", "verify")).out.endswith("nothing is wrong.\n")


def test_killed_while_it_is_the_only_one(dray, dest, fault, wheel):
    """What was finished before the kill is not fetched again, though nothing had been written down of it."""
    done, slow = wheel("done", "1.0", payload=50000), wheel("slow", "1.0", payload=300000)
    fault.project("done", fault.wheel(done))
    fault.project("slow", fault.wheel(slow, lambda body: Answer(body, stall_after=200000), Answer))
    process = dray.start("download", "--no-deps", "-i", fault.index, "done", "slow", "-d", dest)
    fault.wait_for(f"/files/{slow.name}")
    until = time.monotonic() + 20
    while done.name not in names_in(dest):
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.communicate()
    (dest / done.name).unlink()
    succeeded(dray.download("-i", fault.index, "done", "slow", dest=dest))
    assert len(fault.requests(f"/files/{done.name}")) == 1
    assert names_in(dest) == [done.name, slow.name]
    assert (dest / slow.name).read_bytes() == slow.read_bytes()
    assert names_in(store_of(dray) / "partial") == []
