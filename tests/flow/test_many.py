"""Ten thousand requirements in one run: with few descriptors, within the memory that was promised."""

import hashlib
import os
import pathlib
import resource
import threading
import time

import make_index
import pytest
import servers
from program import PROGRAM, names_in, succeeded

COUNT = 10_000
CONNECTIONS = 50
DESCRIPTORS = 256
# Of connections, with those that are kept, of files that are written, and of the process itself.
MOST_OPEN = 200
PEAK_MIB = 72  # of a build without sanitizers; the goal is 64
SECONDS = 120


class Watch(threading.Thread):
    """The most descriptors that a process has open, and the most memory."""

    def __init__(self, pid):
        super().__init__()
        self._folder = pathlib.Path("/proc", str(pid))
        self.looks = self.open = self.peak_kib = 0
        self.start()

    def run(self):
        while True:
            try:
                self.open = max(self.open, len(os.listdir(self._folder / "fd")))
                status = (self._folder / "status").read_text()
            except OSError:
                return
            peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
            if not peak:  # a zombie
                return
            self.peak_kib = int(peak[0])
            self.looks += 1
            time.sleep(0.005)  # so that there is a processor left for what is watched


@pytest.fixture
def many(tmp_path):
    """An index of so many tiny files, under whose digests anything will do; half of them are asked for by name, half
    by URL: makes the requirements file."""
    folder, entries = tmp_path / "index" / "files", []
    folder.mkdir(parents=True)
    for n in range(COUNT):
        name, body = f"w{n}-1.0-py3-none-any.whl", b"%d\n" % n * 20
        (folder / name).write_bytes(body)
        entries.append({"filename": name, "url": f"../../files/{name}", "size": len(body),
                        "hashes": {"sha256": hashlib.sha256(body).hexdigest()}})
    make_index.write_index(folder.parent, entries[:COUNT // 2])
    with servers.nginx(folder.parent, tmp_path / "nginx") as urls:
        base = urls[0].removesuffix("/simple/")
        lines = [f"w{n}==1.0" if n < COUNT // 2 else
                 f"w{n} @ {base}/files/{entry['filename']}#sha256={entry['hashes']['sha256']}"
                 for n, entry in enumerate(entries)]
        needs = tmp_path / "needs.txt"
        needs.write_text("\n".join(lines) + "\n")
        yield urls[0], needs, {entry["filename"]: entry["hashes"]["sha256"] for entry in entries}


def is_sanitized():
    return b"__asan_init" in PROGRAM.read_bytes()


@pytest.mark.skipif(not pathlib.Path("/proc/self/fd").exists(), reason="no /proc here")
def test_ten_thousand_requirements(dray, dest, many):
    index, needs, wanted = many

    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))

    process = dray.start("download", "--no-deps", "-q", "-i", index, "--connections", CONNECTIONS, "-r", needs, "-d",
                         dest, preexec_fn=few)
    watch = Watch(process.pid)
    result = succeeded(dray.finish(process, SECONDS))
    watch.join()
    assert len(names_in(dest)) == COUNT
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dest.iterdir()} == wanted
    print(f"{result.seconds:.1f} s, at most {watch.open} descriptors, {watch.peak_kib / 1024:.1f} MiB, "
          f"{watch.looks} looks")
    assert watch.looks > 20
    assert CONNECTIONS / 5 < watch.open <= MOST_OPEN
    if not is_sanitized():
        assert watch.peak_kib <= PEAK_MIB * 1024
