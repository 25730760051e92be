"""From samples to what is shown: the median of each contender, ratios, goals, Markdown."""

import dataclasses
import statistics

MIB = 1024 * 1024
PEAK_GOAL_MIB = 40

NOTE = ("Medians of the rounds, in each of which all take turns; peak: the highest. dray and pip "
        "read a page of the index for each file first, all others are given the URLs. dray, pip "
        "and the floor check SHA-256, curl and aria2c nothing. ≈: of a sample, extrapolated.")


@dataclasses.dataclass(frozen=True)
class Row:
    """One contender in one bench: medians, and the highest peak."""

    contender: object
    rounds: int
    wall_s: float
    cpu_s: float
    peak_mib: float
    scale: float = 1.0  # over 1: of a sample, extrapolated by it


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
    scale = len(work.entries) / contender.count(work)
    return Row(contender, len(samples), scale * statistics.median(s.wall_s for s in samples),
               scale * statistics.median(s.cpu_s for s in samples),
               max(s.peak_mib for s in samples), scale)


def ratios(bench, rows):
    """Those of one bench whose contenders were all measured; `rows` by the contender's key."""
    found = []

    def add(what, key, than, bound, at_least=False, of="wall_s"):
        if key in rows and than in rows:
            value = getattr(rows[key], of) / getattr(rows[than], of)
            found.append(Ratio(what, 1 / value if at_least else value, bound, at_least))

    if bench == "bytes":
        add("throughput, of the floor's", "dray", "floor", 0.85, at_least=True)
    if bench in ("bytes", "files"):
        add("wall time, of aria2c's", "dray", "aria2c", 1.0)
        add("wall time, of curl's", "dray", "curl", 1.1)
    if bench == "files":
        add("wall time, given URLs, of curl's", "dray-urls", "curl", 1.1)
        others = [key for key in ("curl", "aria2c", "pip") if key in rows]
        best = min(others, key=lambda key: rows[key].cpu_s, default=None)
        add(f"CPU time, of the best other's ({best})", "dray", best, 1.0, of="cpu_s")
    if bench == "latency":
        add("times as fast as pip", "dray", "pip", 10, at_least=True)
    if "dray" in rows:
        found.append(Ratio("peak memory", rows["dray"].peak_mib, PEAK_GOAL_MIB, unit=" MiB"))
    return found


def bench_markdown(work, rows):
    """The table of one bench."""
    lines = [f"**{work.title}** ({work.bytes / MIB:,.0f} MiB)", "",
             "| | wall s | CPU s | peak MiB | MiB/s | files/s | rounds |",
             "|---|--:|--:|--:|--:|--:|--:|"]
    for row in rows.values():
        about = "≈ " if row.scale > 1 else ""
        note = f" ({row.contender.count(work)} files, times {row.scale:g})" if about else ""
        lines.append(f"| {row.contender.title}{note} | {about}{row.wall_s:.2f} "
                     f"| {about}{row.cpu_s:.2f} | {row.peak_mib:.1f} "
                     f"| {work.bytes / MIB / row.wall_s:,.0f} "
                     f"| {len(work.entries) / row.wall_s:,.0f} | {row.rounds} |")
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
