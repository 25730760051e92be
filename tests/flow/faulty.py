"""What the tests of faults share: a run that must end well before any default time-out, and what may be there then."""

import program
from fault_server import Answer, FaultServer
from make_index import make_wheel
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


class Batch:
    """Many projects with a fault each, fetched by one run, since each waits for its next attempt; the tests look at
    one each. The run itself may fail: what each of them came to is theirs to say."""

    def __init__(self, folder):
        self.server = FaultServer()
        self.folder, self.made, self.relays, self._paths = folder, {}, {}, {}
        self.fetch = Fetch(program.Program(folder / "home"), folder / "dest", self.server.index)

    def add(self, key, *answers, payload, relay=None, **facts):
        """A project for `key`, with the answers to its file; `relay`: that stands in front of them."""
        name = f"demo-{len(self.made)}"
        self.made[key] = path = make_wheel(self.folder / "made", name, "1.0", payload=payload)
        self._paths[key] = f"/files/{path.name}"
        if relay:
            self.relays[key] = relay
            facts["listed"] = f"{facts.get('scheme', 'http')}://localhost:{relay.port}{self._paths[key]}"
        facts.pop("scheme", None)
        self.server.project(name, self.server.wheel(path, *answers, **facts))

    def run(self, *words, seconds=40):
        names = [f"demo-{n}" for n in range(len(self.made))]
        self.result = self.fetch(*words, *names, seconds=seconds)
        return self

    def holds(self, key):
        path = self.made[key]
        there = self.fetch.dest / path.name
        assert there.exists() and there.read_bytes() == path.read_bytes(), self.result

    def has_nothing_else(self):
        """Of the whole run: all succeeded, so there is nothing half-way."""
        succeeded(self.result)
        self.fetch.holds(*self.made.values())

    def requests(self, key):
        return self.server.requests(self._paths[key])

    def sent(self, key):
        return self.server.sent(self._paths[key])

    def stop(self):
        for relay in self.relays.values():
            relay.stop()
        self.server.stop()


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
