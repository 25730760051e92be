"""dray on a terminal of its own, and the person who sits there: reads what it shows and types."""

import os
import pty
import select
import termios
import time


class Person:
    """`output`: all that the terminal has shown."""

    def __init__(self, dray, *args, env=None, **popen):
        self.primary, self.secondary = pty.openpty()
        name = os.ttyname(self.secondary)

        def take_terminal():
            os.setsid()
            os.close(os.open(name, os.O_RDWR))  # the first terminal that a session's leader opens is its own

        popen = {"stdin": self.secondary, "stdout": self.secondary, "stderr": self.secondary, **popen}
        self.output = ""
        self.process = dray.start(*args, env=env, preexec_fn=take_terminal, **popen)

    def echoes(self):
        """What is typed is shown."""
        return bool(termios.tcgetattr(self.secondary)[3] & termios.ECHO)

    def _read(self):
        if select.select([self.primary], [], [], 0.05)[0]:
            self.output += os.read(self.primary, 65536).decode(errors="replace")
            return True
        return False

    def sees(self, text, seconds=30):
        """Reads until it has been shown, and forgets what came up to there."""
        until = time.monotonic() + seconds
        while text not in self.output:
            if not self._read():
                assert self.process.poll() is None or self._read(), f"it ended without {text!r}:\n{self.output}"
            assert time.monotonic() < until, f"nobody said {text!r}:\n{self.output}"
        before, self.output = self.output.split(text, 1)
        return before

    def types(self, text):
        os.write(self.primary, text.encode())

    def until(self, condition, seconds=30):
        """Reads meanwhile."""
        end = time.monotonic() + seconds
        while not condition():
            self._read()
            assert time.monotonic() < end, self.output
        return True

    def ends(self, seconds=60):
        """Its status, when it has ended; `output` is what was shown since."""
        until = time.monotonic() + seconds
        while self.process.poll() is None:
            self._read()
            assert time.monotonic() < until, f"still running:\n{self.output}"
        while self._read():
            pass
        return self.process.returncode

    def leaves(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.primary)
        os.close(self.secondary)
