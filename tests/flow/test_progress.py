"""What one sees: on a terminal of any width, off one, for a program."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import termios
import time

import pyte
import pytest
from fault_server import Answer
from program import names_in, succeeded


class Terminal:
    """dray on a terminal of ours; `screen` is what a person would see."""

    def __init__(self, dray, columns, rows, *args, env=None):
        self.primary, secondary = pty.openpty()
        self.screen = pyte.HistoryScreen(columns, rows, history=2000)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.reads = []
        self._size(columns, rows)
        self.process = dray.start(*args, env=env, stdin=secondary, stdout=secondary, stderr=secondary)
        os.close(secondary)

    def _size(self, columns, rows):
        fcntl.ioctl(self.primary, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        """As a terminal does: the window first, then SIGWINCH to whoever reads it."""
        import signal

        self._size(columns, rows)
        self.screen.resize(rows, columns)
        self.process.send_signal(signal.SIGWINCH)

    def watch(self, seconds=None):
        """Reads for so long, or until dray ends; yields after each piece."""
        until = time.monotonic() + (seconds or 60)
        while time.monotonic() < until:
            ready, _, _ = select.select([self.primary], [], [], 0.05)
            if ready:
                try:
                    piece = os.read(self.primary, 65536)
                except OSError:
                    piece = b""
                if not piece:
                    self.process.wait(10)
                    return
                self.raw += piece
                self.reads.append(time.monotonic())
                self.stream.feed(piece)
                yield
            elif self.process.poll() is not None:
                return

    def lines(self):
        """The whole text, what scrolled away first."""
        gone = ["".join(line[x].data for x in range(self.screen.columns)).rstrip() for line in self.screen.history.top]
        return gone + [line.rstrip() for line in self.screen.display if line.strip()]


@pytest.fixture
def slow(fault, wheel):
    """Three projects with long names whose files take about two seconds."""
    names = []
    for n in range(3):
        name = f"a-project-with-quite-a-long-name-{n}"
        made = wheel(name, "1.0", payload=200000)
        fault.project(name, fault.wheel(made, lambda body: Answer(body, pace=(10000, 0.1))))
        names.append(name)
    return names


def arguments(fault, names, dest, *more):
    return ["download", "--no-deps", "-i", fault.index, *names, "-d", dest, *more]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_bars(dray, dest, fault, slow, columns):
    terminal = Terminal(dray, columns, 24, *arguments(fault, slow, dest))
    most_bars = 0
    for _ in terminal.watch():
        shown = [line.rstrip() for line in terminal.screen.display if line.strip()]
        bars = [line for line in shown if re.search(r"\d%", line)]
        most_bars = max(most_bars, len(bars))
        assert len(bars) <= 3, "an old frame was left:\n" + "\n".join(shown)
        assert all(len(line) < columns for line in bars), "in the last column the next character wraps"
    assert terminal.process.returncode == 0, terminal.lines()
    assert most_bars == 3, "one line for each file that moves"
    # Lines that stay may wrap; a terminal joins them when they are copied.
    text = "".join(line.ljust(columns) for line in terminal.lines())
    assert text.count("Saved") == 3 and "%" not in text, text
    assert re.search(r"3 files, \d+ kB in \d.*B/s", text), text
    assert sorted(names_in(dest)) == sorted(f"{n.replace('-', '_')}-1.0-py3-none-any.whl" for n in slow)


def test_a_total_with_rate_and_time_left(dray, dest, fault, slow):
    terminal = Terminal(dray, 120, 24, *arguments(fault, slow, dest))
    totals = set()
    for _ in terminal.watch():
        totals.update(line for line in terminal.screen.display if re.search(r"B/s", line) and re.search(r"\d:\d\d", line))
    assert totals, terminal.lines()


def test_at_most_ten_frames_a_second(dray, dest, fault, slow):
    terminal = Terminal(dray, 80, 24, *arguments(fault, slow, dest))
    for _ in terminal.watch():
        pass
    seconds = terminal.reads[-1] - terminal.reads[0]
    assert seconds > 1
    # One write a frame, and some lines that are said besides.
    assert len(terminal.reads) <= 10 * seconds + 10


@pytest.mark.parametrize("before,after", [(120, 50), (50, 120)])
def test_a_resize(dray, dest, fault, slow, before, after):
    terminal = Terminal(dray, before, 24, *arguments(fault, slow, dest))
    for _ in terminal.watch(1.2):
        pass
    terminal.resize(after, 24)
    began, widest = time.monotonic(), 0
    for _ in terminal.watch():
        if time.monotonic() - began > 0.5:
            shown = [line.rstrip() for line in terminal.screen.display]
            widest = max([widest, *map(len, shown)])
    assert terminal.process.returncode == 0
    assert widest <= after
    if after > before:
        assert widest > before, "the new width is used"


def test_many_more_files_than_lines(dray, dest, fault, wheel):
    names = []
    for n in range(30):
        made = wheel(f"many-{n}", "1.0", payload=30000)
        fault.project(f"many-{n}", fault.wheel(made, lambda body: Answer(body, pace=(5000, 0.1))))
        names.append(f"many-{n}")
    terminal = Terminal(dray, 80, 10, *arguments(fault, names, dest))
    for _ in terminal.watch():
        pass
    assert terminal.process.returncode == 0
    text = "\n".join(terminal.lines())
    assert text.count("Saved") == 30, "each line stands once, none was eaten by a frame:\n" + text


def test_a_dumb_terminal_gets_lines(dray, dest, fault, slow):
    terminal = Terminal(dray, 80, 24, *arguments(fault, slow, dest), env={"TERM": "dumb"})
    for _ in terminal.watch():
        pass
    assert b"\x1b" not in terminal.raw
    assert terminal.raw.count(b"Saved") == 3


def test_no_color(dray, dest, fault, slow):
    terminal = Terminal(dray, 80, 24, *arguments(fault, slow[:1], dest), env={"NO_COLOR": "1"})
    for _ in terminal.watch():
        pass
    assert not re.search(rb"\x1b\[[0-9;]*m", terminal.raw)


def test_colour_without_no_color(dray, dest, fault, slow):
    """The test above can fail."""
    terminal = Terminal(dray, 80, 24, *arguments(fault, slow[:1], dest))
    for _ in terminal.watch():
        pass
    assert re.search(rb"\x1b\[[0-9;]*m", terminal.raw)


def test_the_cursor_comes_back_after_an_interrupt(dray, dest, fault, slow):
    import signal

    terminal = Terminal(dray, 80, 24, *arguments(fault, slow, dest))
    for _ in terminal.watch(1.2):
        pass
    terminal.process.send_signal(signal.SIGINT)
    for _ in terminal.watch():
        pass
    assert terminal.process.returncode == 130
    assert not terminal.screen.cursor.hidden
    assert terminal.screen.cursor.x == 0


# Off a terminal

def test_one_line_a_file(dray, dest, fault, slow):
    result = succeeded(dray.download("-i", fault.index, *slow, dest=dest))
    assert "\x1b" not in result.err and "\r" not in result.err
    for name in slow:
        assert len([line for line in result.err.splitlines() if name.replace("-", "_") in line]) == 1, result
    assert result.out == ""


def test_the_closing_line(dray, dest, fault, slow):
    result = succeeded(dray.download("-i", fault.index, *slow, dest=dest))
    last = result.err.splitlines()[-1]
    for what in (r"3 files", r"\d (kB|MB)", r"\d m?s\b", r"B/s"):
        assert re.search(what, last), last
    (dest / names_in(dest)[0]).unlink()
    last = succeeded(dray.download("-i", fault.index, *slow, dest=dest)).err.splitlines()[-1]
    assert "1 came from a cache" in last and "2 were there already" in last, last
    (dest / names_in(dest)[0]).unlink()
    again = dray.download("--no-cache-dir", "-i", fault.index, *slow, dest=dest)
    last = succeeded(again).err.splitlines()[-1]
    assert "1 file" in last and "2 were there already" in last, last


def test_quiet(dray, dest, fault, slow):
    result = succeeded(dray.download("-q", "-i", fault.index, *slow[:1], dest=dest))
    assert (result.out, result.err) == ("", "")


def test_quiet_still_tells_errors(dray, dest, fault):
    result = dray.download("-q", "-i", fault.index, "nothing", dest=dest)
    assert result.rc == 1 and "nothing" in result.err


def test_verbose(dray, dest, fault, slow):
    plain = succeeded(dray.download("-i", fault.index, slow[0], dest=dest)).err
    (dest / names_in(dest)[0]).unlink()
    loud = succeeded(dray.download("-v", "-i", fault.index, slow[0], dest=dest)).err
    assert f"{fault.url}/simple/{slow[0]}/" in loud and f"{fault.url}/simple/{slow[0]}/" not in plain
    (dest / names_in(dest)[0]).unlink()
    very = succeeded(dray.download("-vv", "--no-cache-dir", "-i", fault.index, slow[0], dest=dest)).err
    states = [line for line in very.splitlines() if "->" in line]
    assert any("header -> body" in line for line in states) and any("place -> done" in line for line in states), very


# For programs

def events(text):
    return [json.loads(line) for line in text.splitlines()]


def test_json(dray, dest, fault, slow):
    result = succeeded(dray.download("--progress", "json", "-i", fault.index, *slow, dest=dest))
    told = events(result.out)
    assert told[0]["event"] == "start" and told[-1]["event"] == "end" and told[-1]["code"] == "ok"
    assert [e["t"] for e in told] == sorted(e["t"] for e in told)
    added = [e for e in told if e["event"] == "added"]
    assert [e["requirement"] for e in added] == slow
    for order in range(3):
        mine = [e for e in told if e.get("order") == order]
        path = [e["to"] for e in mine if e["event"] == "state"]
        assert path[-1] == "done" and path.index("header") < path.index("body") < path.index("hash") < path.index("place")
        size = next(e["size"] for e in mine if e["event"] == "bytes")
        assert sum(e["n"] for e in mine if e["event"] == "bytes") == size


def test_json_of_failures_and_retries(dray, dest, fault, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0"), lambda _: Answer(b"", 503)))
    result = dray.download("--progress", "json", "--retries", "1", "-i", fault.index, "demo", dest=dest)
    assert result.rc == 1
    told = events(result.out)
    assert len([e for e in told if e["event"] == "retry"]) == 1
    failed = [e for e in told if e.get("to") == "failed"]
    assert len(failed) == 1 and failed[0]["code"] == "status" and "503" in failed[0]["text"]
    assert told[-1]["event"] == "end" and told[-1]["code"] != "ok"


def test_trace(dray, dest, fault, wheel, tmp_path):
    fault.project("demo", fault.wheel(wheel("demo", "1.0")))
    succeeded(dray.download("--trace", tmp_path / "trace", "-i", fault.index, "demo", dest=dest))
    told = events((tmp_path / "trace").read_text())
    assert told[0]["event"] == "start" and told[-1]["event"] == "end"
    assert [e["text"] for e in told if e["event"] == "page"] == [f"{fault.url}/simple/demo/"]


def test_evil_text_of_a_server_does_not_reach_the_terminal(dray, dest, fault, wheel):
    fault.project("demo", fault.wheel(wheel("demo", "1.0"), yanked="\x1b]0;title\x07 \x1b[31m red \u202e turned"))
    result = succeeded(dray.download("-i", fault.index, "demo==1.0", dest=dest))
    assert "yanked" in result.err
    assert "\x1b" not in result.err and "\x07" not in result.err and "\u202e" not in result.err
