"""From samples to what is shown: the median of each contender, ratios, goals, Markdown."""

import dataclasses
import statistics

MIB = 1024 * 1024
PEAK_GOAL_MIB = 40


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
        return (f"| {bench} | {self.what} | {self.value:.2f}{self.unit} | {sign} {self.bound:g}{self.unit} "
                f"| {'PASS' if self.reached else 'MISS'} |")


def row_of(contender, samples, work):
    scale = len(work.entries) / contender.count(work)
    return Row(contender, len(samples), scale * statistics.median(s.wall_s for s in samples),
               scale * statistics.median(s.cpu_s for s in samples), max(s.peak_mib for s in samples), scale)


def ratios(bench, rows):
    """Those of one bench whose contenders were all measured; `rows` by the contender's key."""
    if "dray" not in rows:
        return []
    dray = rows["dray"]
    found = []

    def wall(key):
        return dray.wall_s / rows[key].wall_s

    if bench == "bytes" and "floor" in rows:
        found.append(Ratio("throughput, of the floor's", 1 / wall("floor"), 0.85, at_least=True))
    if bench in ("bytes", "files"):
        if "aria2c" in rows:
            found.append(Ratio("wall time, of aria2c's", wall("aria2c"), 1.0))
        if "curl" in rows:
            found.append(Ratio("wall time, of curl's", wall("curl"), 1.1))
    if bench == "files":
        others = [rows[key] for key in ("curl", "aria2c", "pip") if key in rows]
        if others:
            best = min(row.cpu_s for row in others)
            found.append(Ratio("CPU time, of the best of curl, aria2c and pip", dray.cpu_s / best, 1.0))
    if bench == "latency" and "pip" in rows:
        found.append(Ratio("times as fast as pip", 1 / wall("pip"), 10, at_least=True))
    found.append(Ratio("peak memory", dray.peak_mib, PEAK_GOAL_MIB, unit=" MiB"))
    return found


def bench_markdown(work, rows):
    """The table of one bench."""
    lines = [f"**{work.title}** ({work.bytes / MIB:,.0f} MiB)", "",
             "| | wall s | CPU s | peak MiB | MiB/s | files/s | rounds |",
             "|---|--:|--:|--:|--:|--:|--:|"]
    for row in rows.values():
        about = "≈ " if row.scale > 1 else ""
        note = f" ({row.contender.count(work)} files, times {row.scale:g})" if row.scale > 1 else ""
        lines.append(f"| {row.contender.title}{note} | {about}{row.wall_s:.2f} | {about}{row.cpu_s:.2f} "
                     f"| {row.peak_mib:.1f} | {work.bytes / MIB / row.wall_s:,.0f} "
                     f"| {len(work.entries) / row.wall_s:,.0f} | {row.rounds} |")
    return [*lines, ""]


def markdown(machine, benches, command):
    """All of it; `benches` is a list of (work, rows)."""
    lines = [f"Made by `{command}`. {machine}", ""]
    for work, rows in benches:
        lines += bench_markdown(work, rows)
    goals = [(work.kind.key, ratio) for work, rows in benches for ratio in ratios(work.kind.key, rows)]
    if goals:
        lines += ["| | dray | | goal | |", "|---|---|--:|--:|---|"]
        lines += [ratio.markdown(bench) for bench, ratio in goals]
        lines.append("")
    lines += ["Medians of the rounds, in each of which all take turns; peak: the highest. dray and pip read the "
              "project pages too and check SHA-256, the floor checks SHA-256, the others get bare URLs and check "
              "nothing. ≈: of a sample, extrapolated."]
    return "\n".join(lines) + "\n"
