"""From samples to what is shown: the median of each contender, ratios, goals, Markdown."""

import dataclasses
import statistics

MIB = 1024 * 1024
PEAK_GOAL_MIB = 40
RESOLVE_PEAK_GOAL_MIB = 64
IDLE_GOAL_MIB = 20
LOOP_GOAL_MS = 10

NOTE = ("Medians of the rounds, in each of which all take turns; peak: the highest. dray, pip and "
        "uv read a page of the index for each file first, all others are given the URLs. dray, pip "
        "and the floor check SHA-256, curl and aria2c nothing. ≈: of a sample, extrapolated. "
        "Requests and bytes are counted by the server, those for pages apart. Wheels for "
        "`metadata`, `sidecars` and `binary` have the sizes, directories and METADATA of real "
        "ones, each as often as any other: 83 in pure Python, and in `binary` 17 for one platform. "
        "uv, which opens 50 connections unless it is told otherwise, and what is called `with its "
        "store` begin with an empty cache. In `matrix` pip and uv run once for each target, one "
        "after the other; dray and uv begin with an empty cache, pip has none, or what another "
        "target has left. pip evaluates markers for its own Python; uv, which has no command that "
        "only downloads, installs. In `disturbed` a relay resets one answer in twenty, pages "
        "included, at a random byte of its body, and counts what it carries; each runs undisturbed, "
        "too, and pip is given URLs, since a page that is reset ends it with a traceback. "
        "In `daemon` each job shares half of its files with the one before and half with the one "
        "after it; a daemon that has just been started does all that `dray submit --wait` hands "
        "it, and its CPU time and peak count; dray and pip run once a job, with a cache that is "
        "empty at first. Idle is the daemon that has done all of them. "
        "`https` is from memory to memory; uv unpacks there. Turns of the loop are of one more run "
        "of dray, with --stats. `solver alone` is told all facts from memory, and its peak is "
        "that of all of them.")


@dataclasses.dataclass(frozen=True)
class Row:
    """One contender in one bench: medians, and the highest peak."""

    contender: object
    rounds: int
    wall_s: float
    cpu_s: float
    peak_mib: float
    scale: float = 1.0  # over 1: of a sample, extrapolated by it
    pages: float = 0.0  # of the index, in all
    requests: float = 0.0  # beside those, of each file
    kib: float = 0.0  # of their bodies, of each file
    calm_s: float = 0.0  # where nothing was disturbed
    wire: float = 1.0  # what the server sent, over what it sent where nothing was disturbed
    resets: float = 0.0
    loop_ms: float = None  # the turn of its loop at p99, if it tells
    idle_mib: float = None  # of a daemon that has done its work,
    idle_calls: float = None  # and the system calls that it makes meanwhile
    sent: float = 0.0  # bytes of files, over those of all the files there are

    @property
    def wall_ms(self):
        return 1000 * self.wall_s

    def totals(self, count):
        """Requests and KiB of `count` files, or what stands for so many, and pages."""
        return self.scale * self.requests * count, self.scale * self.kib * count, self.pages


@dataclasses.dataclass(frozen=True)
class Ratio:
    """A number with a bound, and what it says."""

    what: str
    value: float
    bound: float
    at_least: bool = False
    unit: str = ""

    @property
    def reached(self):
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def markdown(self, bench):
        sign = "≥" if self.at_least else "≤"
        verdict = "PASS" if self.reached else "MISS"
        return (f"| {bench} | {self.what} | {self.value:.2f}{self.unit} "
                f"| {sign} {self.bound:g}{self.unit} | {verdict} |")


def row_of(contender, samples, work):
    scale, count = contender.scale(work), len(contender.entries(work))

    def median(of):
        return statistics.median(getattr(sample, of) for sample in samples)

    return Row(contender, len(samples), scale * median("wall_s"), scale * median("cpu_s"),
               max(s.peak_mib for s in samples), scale, scale * median("pages"),
               median("requests") / count, median("body_bytes") / 1024 / count, median("calm_s"),
               median("wire_bytes") / max(median("calm_bytes"), 1), median("resets"),
               sent=median("body_bytes") / work.bytes if work.bytes else 0.0)


class Goals:
    """Gathers ratios of one bench, of contenders that were measured; `rows` by contender's key."""

    def __init__(self, rows):
        self.rows, self.found = rows, []

    def against(self, what, key, than, bound, at_least=False, of="wall_s"):
        """The one's number over the other's."""
        if key in self.rows and than in self.rows:
            value = getattr(self.rows[key], of) / getattr(self.rows[than], of)
            self.found.append(Ratio(what, 1 / value if at_least else value, bound, at_least))

    def below(self, what, key, of, bound, unit=""):
        if key in self.rows and getattr(self.rows[key], of) is not None:
            self.found.append(Ratio(what, getattr(self.rows[key], of), bound, unit=unit))


def bytes_goals(goals):
    goals.against("throughput, of the floor's", "dray", "floor", 0.85, at_least=True)
    goals.against("wall time, of aria2c's", "dray", "aria2c", 1.0)
    goals.against("wall time, of curl's", "dray", "curl", 1.1)


def files_goals(goals):
    goals.against("wall time, of aria2c's", "dray", "aria2c", 1.0)
    goals.against("wall time, of curl's", "dray", "curl", 1.1)
    goals.against("wall time, given URLs, of curl's", "dray-urls", "curl", 1.1)
    others = [key for key in ("curl", "aria2c", "pip") if key in goals.rows]
    best = min(others, key=lambda key: goals.rows[key].cpu_s, default=None)
    goals.against(f"CPU time, of the best other's ({best})", "dray", best, 1.0, of="cpu_s")


def latency_goals(goals):
    goals.against("times as fast as pip", "dray", "pip", 10, at_least=True)


def metadata_goals(goals):
    goals.below("requests a wheel", "dray-metadata", "requests", 1.1)
    goals.below("bodies, a wheel", "dray-metadata", "kib", 20, " KiB")
    uv_goals(goals)


def sidecars_goals(goals):
    goals.below("requests a wheel", "dray-metadata", "requests", 1)
    uv_goals(goals)


def uv_goals(goals):
    goals.against("wall time, of uv's", "dray-metadata", "uv-metadata", 1.0)
    goals.against("wall time, of uv's with as many connections", "dray-metadata",
                  "uv-metadata-alike", 1.0)


def resolver_goals(goals, bench):
    for key, how in (("", "cold"), ("-stale", "stale pages"), ("-warm", "again")):
        goals.against(f"{how}: wall time, of uv's", f"dray-{bench}{key}", f"uv-{bench}{key}", 1.0)
    goals.below("peak memory", f"dray-{bench}", "peak_mib", RESOLVE_PEAK_GOAL_MIB, " MiB")


def resolve_goals(goals):
    resolver_goals(goals, "resolve")
    goals.below("solver alone", "solver", "wall_ms", 50, " ms")


def real_goals(goals):
    resolver_goals(goals, "real")


def matrix_goals(goals):
    goals.against("times as fast as pip", "dray-matrix", "pip-matrix", 100, at_least=True)
    goals.against("times as fast as pip with its cache", "dray-matrix", "pip-matrix-kept", 100,
                  at_least=True)
    goals.against("wall time, of uv's", "dray-matrix", "uv-matrix", 1.0)
    goals.below("peak memory", "dray-matrix", "peak_mib", RESOLVE_PEAK_GOAL_MIB, " MiB")


def warm_goals(goals):
    for key, how in (("dray-warm", ""), ("dray-warm-copy", ", copying")):
        goals.below(f"pages asked for{how}", key, "pages", 0)
        goals.below(f"requests for files{how}", key, "requests", 0)
        goals.against(f"times as fast as pip's second run{how}", key, "pip-warm", 20,
                      at_least=True)


def daemon_goals(goals):
    goals.below("bytes sent, of those of all files", "dray-daemon", "sent", 1.02)
    goals.against("wall time, of the command line's", "dray-daemon", "dray-one-by-one", 0.5)
    goals.against("times as fast as pip", "dray-daemon", "pip-one-by-one", 10, at_least=True)
    goals.below("peak memory", "dray-daemon", "peak_mib", PEAK_GOAL_MIB, " MiB")
    goals.below("idle afterwards: memory", "dray-daemon", "idle_mib", IDLE_GOAL_MIB, " MiB")
    goals.below("idle afterwards: system calls in 10 s", "dray-daemon", "idle_calls", 0)


def disturbed_goals(goals):
    goals.below("bytes sent, of those undisturbed", "dray-disturbed", "wire", 1.1)
    goals.against("wall time, of curl's", "dray-disturbed", "curl-disturbed", 1.0)


def https_goals(goals):
    for key, who in (("curl", "curl's"), ("aria2c", "aria2c's"), ("uv-urls", "uv's")):
        goals.against(f"wall time, of {who}", "dray", key, 1.0 if who != "curl's" else 1.1)


def large_goals(goals):
    for key, how in (("dray-metadata", "metadata"), ("dray", "download")):
        goals.against(f"peak memory of {how}, large over small", f"{key}-last", f"{key}-first",
                      1.05, of="peak_mib")
        goals.below(f"peak memory of {how}", f"{key}-last", "peak_mib", PEAK_GOAL_MIB, " MiB")


GOALS = {
    "bytes": bytes_goals, "files": files_goals, "latency": latency_goals, "warm": warm_goals,
    "metadata": metadata_goals, "sidecars": sidecars_goals, "binary": uv_goals,
    "large": large_goals, "disturbed": disturbed_goals, "https": https_goals,
    "https-one": https_goals, "resolve": resolve_goals, "real": real_goals, "matrix": matrix_goals,
    "daemon": daemon_goals,
}


def ratios(bench, rows):
    """Those of one bench."""
    goals = Goals(rows)
    GOALS[bench](goals)
    for key in ("dray", "dray-metadata", "dray-warm"):
        goals.below("peak memory", key, "peak_mib", PEAK_GOAL_MIB, " MiB")
    for key in rows:
        goals.below("turns of the loop, p99", key, "loop_ms", LOOP_GOAL_MS, " ms")
    return goals.found


def bench_markdown(work, rows):
    """The table of one bench: throughput, or what the server was asked for."""
    lines = [f"**{work.title}** ({work.bytes / MIB:,.0f} MiB)", ""]
    if work.kind.universe or work.kind.real:
        lines = [f"**{work.title}**", ""]
    if work.kind.in_all:
        lines += ["| | wall s | CPU s | peak MiB | requests | KiB | pages | rounds |"]
    elif work.log:
        lines += ["| | wall s | CPU s | peak MiB | requests/wheel | KiB/wheel | pages | rounds |"]
    elif work.kind.disturbed:
        lines += ["| | wall s | CPU s | peak MiB | undisturbed s | resets "
                  "| sent, of undisturbed | rounds |"]
    else:
        lines += ["| | wall s | CPU s | peak MiB | MiB/s | files/s | rounds |"]
    lines += [f"|---{'|--:' * (lines[-1].count('|') - 2)}|"]
    for row in rows.values():
        about = "≈ " if row.scale > 1 else ""
        count = len(row.contender.entries(work))
        things = "targets" if work.kind.matrix else "jobs" if work.kind.jobs else "files"
        note = f" ({count} {things}, times {row.scale:g})" if about else ""
        if work.kind.in_all:
            cells = " | ".join(f"{about}{number:,.0f}" for number in row.totals(count))
        elif work.log:
            cells = f"{row.requests:.2f} | {row.kib:,.1f} | {about}{row.pages:,.0f}"
        elif work.kind.disturbed:
            cells = f"{row.calm_s:.2f} | {row.resets:.0f} | {row.wire:.3f}"
        else:
            cells = (f"{work.bytes / MIB / row.wall_s:,.0f} "
                     f"| {len(work.entries) / row.wall_s:,.0f}")
        lines.append(f"| {row.contender.title}{note} | {about}{row.wall_s:.2f} "
                     f"| {about}{row.cpu_s:.2f} | {row.peak_mib:.1f} | {cells} | {row.rounds} |")
    return [*lines, ""]


def markdown(machine, benches, command):
    """All of it; `benches` is a list of (work, rows)."""
    lines = [f"Made by `{command}`. {machine}", ""]
    for work, rows in benches:
        lines += bench_markdown(work, rows)
    goals = [(work.kind.key, ratio) for work, rows in benches
             for ratio in ratios(work.kind.key, rows)]
    if goals:
        lines += ["| | dray | | goal | |", "|---|---|--:|--:|---|"]
        lines += [ratio.markdown(bench) for bench, ratio in goals]
        lines.append("")
    return "\n".join([*lines, NOTE]) + "\n"
