"""What the tests of faults share: a run that must end well before any default time-out, and what may be there then."""

import program
from fault_server import Answer
from program import names_in, succeeded
from test_store import store_of

TIMEOUT_S = 1     # that dray is given: when nothing moves
LIMIT_S = 14      # for the whole of a run; the default of --timeout alone is more
RETRIES = 4
VALIDATORS = {"ETag": '"one"'}


class Fetch:
    """fetch("demo") runs dray download for projects of a fault server's index, or of another one."""

    def __init__(self, dray, dest, index):
        self.dray, self.dest, self.index = dray, dest, index

    def command(self, *words):
        return ["download", "--no-deps", "-i", self.index, "--timeout", TIMEOUT_S, "-d", self.dest,
                *(() if "--retries" in words else ("--retries", RETRIES)), *words]

    def start(self, *words, **more):
        return self.dray.start(*self.command(*words), **more)

    def __call__(self, *words, seconds=LIMIT_S, **more):
        return self.dray(*self.command(*words), seconds=seconds, **more)

    def rightly(self, made, *words, **more):
        """It succeeds, and there are these files and nothing else, here or half-way."""
        result = succeeded(self(*words, **more))
        self.holds(*made)
        return result

    def holds(self, *made):
        assert names_in(self.dest) == sorted(path.name for path in made)
        for path in made:
            assert (self.dest / path.name).read_bytes() == path.read_bytes(), f"{path.name} has other bytes"
        assert names_in(store_of(self.dray) / "partial") == []

    def wrongly(self, *needles, words=("demo",), **more):
        """It fails, says why, and nothing is there."""
        result = program.failed_with(self(*words, **more), *needles)
        assert names_in(self.dest) == []
        return result


def can_resume(body, **facts):
    """A file of a server that knows ranges and has a strong validator."""
    return Answer(body, **{"ranges": True, "headers": VALIDATORS, **facts})


def cut_at(n, **facts):
    """Such a file, of which only so much comes."""
    return lambda body: can_resume(body, cut_after=n, **facts)


def reset_at(n, **facts):
    return lambda body: can_resume(body, reset_after=n, **facts)


def ranges_of(requests):
    return [request.headers.get("range") for request in requests]


def partials(dray):
    return names_in(store_of(dray) / "partial")
