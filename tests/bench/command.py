"""What each contender is told: one function a command, given a Job."""

import dataclasses
import pathlib
import shlex
import shutil
import sys

import daemon

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@dataclasses.dataclass(frozen=True)
class Tools:
    """Where the programs are."""

    dray: pathlib.Path
    floor: pathlib.Path
    measure: pathlib.Path
    solver: pathlib.Path

    @staticmethod
    def python():
        """The Python whose pip is measured."""
        own = ROOT / ".venv" / "bin" / "python"
        return own if own.exists() else pathlib.Path(shutil.which("python3") or sys.executable)

    @staticmethod
    def uv():
        own = ROOT / ".venv" / "bin" / "uv"
        return own if own.exists() else shutil.which("uv")


@dataclasses.dataclass(frozen=True)
class Job:
    """One run of one contender."""

    tools: Tools
    work: object           # workload.Workload
    wanted: list           # what it is to fetch: entries, or of a matrix targets, or jobs
    pins: pathlib.Path     # those entries as requirements, pinned
    out: pathlib.Path      # empty; gone afterwards
    cache: pathlib.Path    # of this contender; empty unless it is a warm run
    socket: pathlib.Path = None  # of the daemon, if one runs

    @property
    def index(self):
        return f"{self.work.base}/simple/"


def of_dray(job, command, *more, targets=("3.12:linux_x86_64",)):
    # With a target no Python is asked for its tags.
    return [job.tools.dray, command, "--progress", "off", "-q",
            *(word for target in targets for word in ("--target", target)),
            "--index-url", job.index, *(("--cert", job.work.ca) if job.work.ca else ()), *more]


def dray(job, *more):
    cache = more or ("--no-cache-dir",)
    return of_dray(job, "download", "--no-deps", "-r", job.pins, "-d", job.out, *cache)


def dray_submitted(job):
    return [job.tools.dray, "submit", "--wait", "--progress", "off", "-q", "--socket", job.socket,
            daemon.write_jobs(job.out.parent / "jobs.json", job)]


def each_job(job, words):
    """`words` for one job after another, of which "{}" is the name."""
    line = shlex.join(map(str, words)).replace("{}", "'$job'")
    names = " ".join(one.name for one in job.wanted)
    return ["sh", "-c", f"for job in {names}; do {line} || exit; done"]


def dray_one_by_one(job):
    one = dataclasses.replace(job, pins=job.work.lists / "{}.txt", out=job.out / "{}")
    return each_job(job, dray(one, "--cache-dir", job.cache))


def pip_one_by_one(job):
    one = dataclasses.replace(job, pins=job.work.lists / "{}.txt", out=job.out / "{}")
    return each_job(job, pip_kept(one))


def dray_urls(job):
    return of_dray(job, "download", "--no-deps", "--no-cache-dir", "-d", job.out,
                   "-r", job.work.lists / "urls.txt")


def dray_kept(job):
    return dray(job, "--cache-dir", job.cache)


def dray_copied(job):
    return dray(job, "--cache-dir", job.cache, "--link-mode", "copy")


def dray_metadata(job, *more):
    cache = more or ("--no-cache-dir",)
    return of_dray(job, "metadata", "--json", "--stats", "-r", job.pins, *cache)


def dray_metadata_kept(job):
    return dray_metadata(job, "--cache-dir", job.cache)


def dray_resolve(job, *more):
    cache = more or ("--cache-dir", job.cache)
    return of_dray(job, "lock", "--no-require-hashes", "-o", job.out / "lock.txt", *cache, "root")


def dray_resolve_stale(job):
    return dray_resolve(job, "--cache-dir", job.cache, "--index-url", f"{job.work.base}/stale/")


def of_pip(job, command, *more):
    return [job.tools.python(), "-m", "pip", command, "--no-deps", "--no-input", "-q",
            "--disable-pip-version-check", "--index-url", job.index, "-r", job.pins, *more]


def pip(job):
    return of_pip(job, "download", "--no-cache-dir", "-d", job.out)


def pip_kept(job):
    # What came by http: it keeps for trusted hosts only.
    return of_pip(job, "download", "--cache-dir", job.cache, "--trusted-host", "127.0.0.1",
                  "-d", job.out)


def pip_metadata(job):
    return of_pip(job, "install", "--no-cache-dir", "--dry-run", "--ignore-installed",
                  "--use-feature=fast-deps", "--report", job.out / "report.json")


def uv_metadata(job, *before):
    # Not with --no-deps: it would read no metadata at all. There are no dependencies.
    return [*before, job.tools.uv(), "pip", "compile", "-q", "--no-header", "--no-config",
            "--no-annotate", "--no-python-downloads", "--python", job.tools.python(),
            "--python-platform", "linux",
            "--default-index", job.index, "--cache-dir", job.cache, job.pins]


def uv_resolve(job, index=None):
    return [job.tools.uv(), "pip", "compile", "-q", "--no-header", "--no-config", "--no-annotate",
            "--no-python-downloads", "--python", job.tools.python(), "--default-index",
            index or job.index, "--cache-dir", job.cache, "-o", job.out / "lock.txt",
            job.work.lists / "root.txt"]


def uv_resolve_stale(job):
    return uv_resolve(job, f"{job.work.base}/stale/")


def pip_resolve(job, *needs):
    return [job.tools.python(), "-m", "pip", "install", "--no-input", "-q", "--no-cache-dir",
            "--disable-pip-version-check", "--index-url", job.index, "--dry-run",
            "--ignore-installed", "--report", job.out / "report.json", *(needs or ("root",))]


def dray_real(job, *more):
    # Asks Python for its tags, as uv does.
    return of_dray(job, "lock", "--python", job.tools.python(), "--no-require-hashes",
                   "-o", job.out / "lock.txt", "--cache-dir", job.cache,
                   "-r", job.work.lists / "root.txt", *more, targets=())


def dray_real_stale(job):
    return dray_real(job, "--index-url", f"{job.work.base}/stale/")


def pip_real(job):
    return pip_resolve(job, "-r", job.work.lists / "root.txt")


def dray_matrix(job):
    return of_dray(job, "download", "--layout", "target", "-d", job.out, "--cache-dir", job.cache,
                   "root", targets=[target.name for target in job.wanted])


def one_by_one(commands):
    return ["sh", "-c", " && ".join(shlex.join(map(str, words)) for words in commands)]


def pip_matrix(job, *more, targets=None):
    cache = more or ("--no-cache-dir",)
    return one_by_one(
        [job.tools.python(), "-m", "pip", "download", "--no-input", "-q", *cache,
         "--disable-pip-version-check", "--index-url", job.index, "--only-binary", ":all:",
         "--python-version", target.python, "--platform", target.platform.name,
         "-d", job.out / target.folder, "root"] for target in targets or job.wanted)


def pip_matrix_kept(job):
    # What it begins with is another target's.
    first = None if any(job.cache.iterdir()) else job.work.parts["last"]
    return pip_matrix(job, "--cache-dir", job.cache, "--trusted-host", "127.0.0.1", targets=first)


def uv_matrix(job):
    return one_by_one(
        [job.tools.uv(), "pip", "install", "-q", "--no-config", "--no-python-downloads", "--python",
         job.tools.python(), "--default-index", job.index, "--cache-dir", job.cache,
         "--only-binary", ":all:", "--python-version", target.python,
         "--python-platform", target.platform.uv, "--target", job.out / target.folder, "root"]
        for target in job.wanted)


def solver(job):
    return [job.tools.solver, job.work.lists / "facts.txt"]


def uv_metadata_alike(job):
    return uv_metadata(job, "env", f"UV_CONCURRENT_DOWNLOADS={job.work.kind.connections}")


def floor(job):
    return [job.tools.floor, str(job.work.port), job.work.lists / "urls.floor", job.out]


def of_curl(job, config, *more):
    return ["curl", "-q", "--fail", "--no-progress-meter", "--parallel", "--parallel-max",
            str(job.work.kind.connections), *more, "--config", config]


def curl(job, *more):
    trust = ("--cacert", job.work.ca) if job.work.ca else ()
    return of_curl(job, job.work.lists / "urls.curl", "--output-dir", job.out, *trust, *more)


def curl_again(job):
    # Not with -C -: whatever was there before, it would be taken for a beginning.
    return curl(job, "--retry", "10", "--retry-all-errors")


def pip_again(job):
    # Given URLs: it ends with a traceback when a page is reset half-way. Resuming is its default.
    return [job.tools.python(), "-m", "pip", "download", "--no-deps", "--no-input", "-q",
            "--disable-pip-version-check", "--no-index", "-r", job.work.lists / "urls.txt",
            "--no-cache-dir", "--retries", "10", "-d", job.out]


def uv_urls(job):
    """It has no command that only downloads."""
    return ["env", f"SSL_CERT_FILE={job.work.ca}", job.tools.uv(), "pip", "install", "-q", "--no-config",
            "--no-deps", "--no-index", "--no-python-downloads", "--python", job.tools.python(),
            "--cache-dir", job.cache, "--target", job.out, "-r", job.work.lists / "urls.txt"]


def curl_metadata(job):
    # Each with a range of its own needs `next`, and behind that all options again.
    config = job.work.lists / "metadata.curl"
    here = config.with_name("metadata-here.curl")
    here.write_text(config.read_text().replace("{out}", str(job.out)))
    return of_curl(job, here)


def aria2(job):
    # It has each file's control file synced to the disk, and no option against that.
    return ["aria2c", "--no-conf", "--quiet", "-j", str(job.work.kind.connections), "-x", "1",
            *((f"--ca-certificate={job.work.ca}",) if job.work.ca else ()),
            "--allow-overwrite=true", "--auto-file-renaming=false", "--file-allocation=none",
            "-d", job.out, "-i", job.work.lists / "urls.aria2"]
