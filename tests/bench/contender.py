"""Who is measured: what each takes part in, what a run of it took, whether it did its work."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import command
import daemon
import result
import steady

COMMAND_SECONDS = 180
# A cache of more files than that is gone at once, since the disk may not be large.
CACHE_STAYS_BYTES = 256 * 1024**2
DISTURBED_SEED = 1
LOOP = re.compile(r"^loop: [\d,]+ turns, p99 ([\d.]+) ms", re.M)
Failed = result.Failed

FILES = ("bytes", "files", "latency")
HTTPS = ("https", "https-one")
METADATA = ("metadata", "sidecars", "binary")


@dataclasses.dataclass(frozen=True)
class Contender:
    """`words` gives the command for a command.Job; `check` looks at what came of it."""

    key: str
    title: str
    words: callable
    benches: tuple = FILES
    tool: str = ""  # whose version is told
    check: callable = result.check_files
    part: str = "all"  # of the workload: all, sample, first, last
    max_rounds: int = 0  # 0: as many as asked for
    warm: bool = False  # its cache holds what a run before has left, else nothing
    serves: bool = False  # a daemon runs already, with that cache; what it takes counts, too
    tells_time: bool = False  # it says itself what the part of its run took that counts

    def entries(self, work):
        """What of the workload it is to fetch."""
        return work.parts[self.part]

    def scale(self, work):
        """A sample stands for all."""
        every = work.parts["all"]
        return len(every) / len(self.entries(work)) if self.part == "sample" else 1.0

    def rounds(self, asked):
        return min(self.max_rounds or asked, asked)


@dataclasses.dataclass(frozen=True)
class Sample:
    """What one run took; of requests nothing where the server keeps no log."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    pages: int = 0
    requests: int = 0  # but for pages
    body_bytes: int = 0  # of those
    calm_s: float = 0.0  # wall time of the same where nothing was disturbed
    wire_bytes: int = 0  # that the server sent
    calm_bytes: int = 0  # that it sent where nothing was disturbed
    resets: int = 0


def metadata_of(key, title, words, check, **more):
    return Contender(key, title, words, METADATA, check=check, **more)


def resolvers(bench, check, dray, dray_stale):
    """dray and uv, each with nothing in its cache, with pages that are to be asked for again, and with all."""
    return (Contender(f"{who}-{bench}{key}", f"{title}{how}", words, (bench,), who, check, warm=warm)
            for who, title, cold, stale in (
                ("dray", "dray lock", dray, dray_stale),
                ("uv", "uv pip compile", command.uv_resolve, command.uv_resolve_stale))
            for key, how, words, warm in (
                ("", ", cold", cold, False), ("-stale", ", stale pages", stale, True),
                ("-warm", ", again", cold, True)))


CONTENDERS = {
    contender.key: contender for contender in (
        Contender("dray", "dray", command.dray, (*FILES, *HTTPS), "dray"),
        Contender("dray-kept", "dray, with its store", command.dray_kept, ("bytes", "files"),
                  "dray"),
        Contender("dray-urls", "dray, given URLs", command.dray_urls, ("files",), "dray"),
        Contender("floor", "floor: one blocking connection", command.floor, ("bytes", "files")),
        Contender("curl", "curl --parallel", command.curl, (*FILES, *HTTPS), "curl"),
        Contender("aria2c", "aria2c", command.aria2, ("bytes", "files", *HTTPS), "aria2c"),
        Contender("uv-urls", "uv pip install --target, which unpacks", command.uv_urls, HTTPS, "uv",
                  result.check_unpacked_all),
        Contender("pip", "pip download", command.pip, tool="pip", part="sample", max_rounds=1),

        Contender("dray-disturbed", "dray", command.dray, ("disturbed",), "dray"),
        Contender("dray-disturbed-kept", "dray, with its store", command.dray_kept, ("disturbed",),
                  "dray"),
        Contender("curl-disturbed", "curl --parallel --retry 10 --retry-all-errors",
                  command.curl_again, ("disturbed",), "curl"),
        Contender("pip-disturbed", "pip download --retries 10, given URLs", command.pip_again, ("disturbed",),
                  "pip", max_rounds=1),

        metadata_of("dray-metadata", "dray metadata", command.dray_metadata, result.check_dray,
                    tool="dray"),
        metadata_of("dray-metadata-kept", "dray metadata, with its store",
                    command.dray_metadata_kept, result.check_dray, tool="dray"),
        metadata_of("uv-metadata", "uv pip compile", command.uv_metadata, result.check_uv,
                    tool="uv"),
        metadata_of("uv-metadata-alike", "uv pip compile, connections as dray",
                    command.uv_metadata_alike, result.check_uv, tool="uv"),
        metadata_of("curl-metadata", "floor: curl --parallel, knowing where",
                    command.curl_metadata, result.check_curl, tool="curl"),
        metadata_of("pip-metadata", "pip install --dry-run, fast-deps", command.pip_metadata,
                    result.check_pip, tool="pip", part="sample", max_rounds=1),

        *resolvers("resolve", result.check_lock, command.dray_resolve, command.dray_resolve_stale),
        Contender("pip-resolve", "pip install --dry-run", command.pip_resolve, ("resolve",), "pip",
                  result.check_pip_lock, max_rounds=1),

        Contender("solver", "solver alone, told all", command.solver, ("resolve",),
                  check=result.check_solver, tells_time=True),

        *resolvers("real", result.check_real, command.dray_real, command.dray_real_stale),
        Contender("pip-real", "pip install --dry-run", command.pip_real, ("real",), "pip",
                  result.check_pip_real, max_rounds=1),

        Contender("dray-matrix", "dray download, once", command.dray_matrix, ("matrix",), "dray",
                  result.check_matrix),
        Contender("uv-matrix", "uv pip install --target", command.uv_matrix, ("matrix",), "uv",
                  result.check_uv_matrix, max_rounds=1),
        Contender("pip-matrix", "pip download", command.pip_matrix, ("matrix",), "pip",
                  result.check_pip_matrix, part="sample", max_rounds=1),
        Contender("pip-matrix-kept", "pip download, its cache filled", command.pip_matrix_kept,
                  ("matrix",), "pip", result.check_pip_matrix, part="sample", max_rounds=1,
                  warm=True),

        Contender("dray-warm", "dray, again", command.dray_kept, ("warm",), "dray", warm=True),
        Contender("dray-warm-copy", "dray --link-mode copy, again", command.dray_copied, ("warm",),
                  "dray", warm=True),
        Contender("pip-warm", "pip download, again", command.pip_kept, ("warm",), "pip", warm=True),

        Contender("dray-daemon", "dray daemon, all at once", command.dray_submitted, ("daemon",),
                  "dray", result.check_jobs, serves=True),
        Contender("dray-one-by-one", "dray download, one after another", command.dray_one_by_one,
                  ("daemon",), "dray", result.check_jobs),
        Contender("pip-one-by-one", "pip download, one after another", command.pip_one_by_one,
                  ("daemon",), "pip", result.check_jobs, part="sample", max_rounds=1),

        *(Contender(f"{key}-{part}", f"{title} of {size}", words, ("large",), "dray", check, part)
          for key, title, words, check in (
              ("dray-metadata", "dray metadata", command.dray_metadata, result.check_dray),
              ("dray", "dray", command.dray, result.check_files))
          for part, size in (("first", "the small one"), ("last", "the large one"))),
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
    try:
        if work.kind.disturbed:
            return run_disturbed(contender, tools, work, folder, check)
        if not contender.warm:
            cache = new_cache(folder)
        else:
            cache = folder / f"cache-{contender.key}"
            if not cache.exists():
                cache.mkdir()
                run_into(contender, tools, work, folder, cache, False)
        sample = run_into(contender, tools, work, folder, cache, check)
        if work.bytes > CACHE_STAYS_BYTES and not contender.warm:
            shutil.rmtree(cache)
        return sample
    except Failed as why:
        raise Failed(f"{contender.title}, {work.title}: {why}") from None
    finally:
        # What one has left to write is not the next one's trouble.
        os.sync()


def run_disturbed(contender, tools, work, folder, check):
    """Twice: as it is, and with one answer in twenty reset."""
    work.relay.begin("calm")
    calm = run_into(contender, tools, work, folder, new_cache(folder), check)
    sent = work.relay.begin(f"answers {DISTURBED_SEED}")
    sample = run_into(contender, tools, work, folder, new_cache(folder), check)
    disturbed = work.relay.begin("calm")
    return dataclasses.replace(sample, calm_s=calm.wall_s, calm_bytes=sent["down"],
                               wire_bytes=disturbed["down"], resets=disturbed["resets"])


def new_cache(folder):
    """It stays there until the bench is over: see steady.spread_directories()."""
    cache = pathlib.Path(tempfile.mkdtemp(prefix="cache-", dir=folder))
    steady.spread_directories(cache)
    return cache


def run_loop(contender, tools, work, folder):
    """One more run of dray, unmeasured: how many milliseconds the longest turn in a hundred of its
    loop takes; None where it does not say."""
    out, cache = (pathlib.Path(tempfile.mkdtemp(prefix="loop-", dir=folder)) for _ in range(2))
    try:
        words = contender.words(job_of(contender, tools, work, out, cache))
        _, said = measure([*(word for word in words if word != "-q"), "--stats"], tools, folder)
        return next((float(found[1]) for found in [LOOP.search(said)] if found), None)
    finally:
        shutil.rmtree(out)
        shutil.rmtree(cache)


def run_idle(contender, tools, work, folder):
    """One more run of a daemon, unmeasured, and a look at it when all is done: fields of a row."""
    out, cache = (pathlib.Path(tempfile.mkdtemp(prefix="idle-", dir=folder)) for _ in range(2))
    try:
        job = job_of(contender, tools, work, out, cache)
        with daemon.running(job, environment(folder)) as one:
            measure(contender.words(dataclasses.replace(job, socket=one.path)), tools, folder)
            return {"loop_ms": one.loop_ms(), "idle_calls": one.idle_calls(folder),
                    "idle_mib": one.resident_mib()}
    finally:
        shutil.rmtree(out)
        shutil.rmtree(cache)


def measure_served(contender, job, tools, folder):
    """As measure(), with what the daemon took in that time."""
    with daemon.running(job, environment(folder)) as one:
        before_s = one.cpu_s()
        sample, said = measure(contender.words(dataclasses.replace(job, socket=one.path)), tools,
                               folder)
        return dataclasses.replace(sample, cpu_s=sample.cpu_s + one.cpu_s() - before_s,
                                   peak_mib=max(sample.peak_mib, one.peak_mib())), said


def job_of(contender, tools, work, out, cache):
    return command.Job(tools, work, contender.entries(work),
                       work.lists / f"pinned-{contender.part}.txt", out, cache)


def run_into(contender, tools, work, folder, cache, check):
    out = pathlib.Path(tempfile.mkdtemp(prefix="out-", dir=folder))
    try:
        job = job_of(contender, tools, work, out, cache)
        if contender.serves:
            sample, said = measure_served(contender, job, tools, folder)
        else:
            sample, said = measure(contender.words(job), tools, folder)
        asked = work.log.since_last() if work.log else None
        if check:
            contender.check(result.Result(work, contender.entries(work), out, said, asked))
    finally:
        shutil.rmtree(out)
    if contender.tells_time:
        told = json.loads(said)
        sample = dataclasses.replace(sample, wall_s=told["wall_s"], cpu_s=told["cpu_s"])
    if asked:
        sample = dataclasses.replace(sample, pages=asked.pages, requests=asked.requests,
                                     body_bytes=asked.body_bytes)
    return sample


def measure(words, tools, folder):
    """Returns a Sample and what was said on both outputs."""
    took, log = folder / "measured.json", folder / "output.log"
    took.unlink(missing_ok=True)
    with open(log, "wb") as output:
        process = subprocess.Popen([str(word) for word in (tools.measure, took, *words)],
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
    said = log.read_text(errors="replace")
    if code:
        raise Failed(f"exit {code}\n{said.strip()[-2000:]}")
    took = json.loads(took.read_text())
    return Sample(took["wall_s"], took["user_s"] + took["system_s"], took["peak_kib"] / 1024), said
