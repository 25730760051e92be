"""A daemon that nobody asks anything does nothing, and is small."""

import shutil
import subprocess
import time

import pytest
from daemons import is_sanitized
from fault_server import Answer

CALM_SECONDS = 12  # whatever was limited in time is over by then
SECONDS = 10
RESIDENT_MIB = 20


@pytest.fixture
def used(daemon, fault, wheel):
    """One that has done a job, and has nothing left to do."""
    made = wheel("demo", "1.0")
    fault.project("demo", fault.wheel(made, lambda body: Answer(body, headers={"Connection": "close"})))
    one = daemon().start()
    one.client.done(one.client.submit(
        {"index-url": fault.index, "no-deps": True, "requirements": ["demo"], "dest": "a"}))
    fault.stop()  # connections that it keeps would come to their end meanwhile
    return one


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.skipif(is_sanitized(), reason="LeakSanitizer can't be traced")
@pytest.mark.parametrize("before", ["nothing", "a job"])
def test_no_system_call(daemon, request, tmp_path, before):
    one = daemon().start() if before == "nothing" else request.getfixturevalue("used")
    time.sleep(CALM_SECONDS)
    calls = tmp_path / "calls"
    tracer = subprocess.Popen(["strace", "-f", "-tt", "-o", calls, "-p", str(one.process.pid)], stderr=subprocess.PIPE)
    assert b"attached" in tracer.stderr.readline()
    # Time itself is what is tested: nothing may happen in it.
    time.sleep(SECONDS)
    tracer.terminate()
    tracer.wait(20)
    tracer.stderr.close()
    made = calls.read_text().splitlines()
    assert len(made) == 1 and "epoll" in made[0] and made[0].endswith("<detached ...>"), made
    one.stop()


@pytest.mark.skipif(is_sanitized(), reason="measured only without sanitizers")
def test_small(daemon):
    one = daemon().start()
    resident_kib = one.status("VmRSS")
    print(f"{resident_kib} KiB")
    assert resident_kib < RESIDENT_MIB * 1024
    one.stop()
