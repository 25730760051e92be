"""HTTP/2 that servers break: HTTP/1.1 serves for the rest of the run."""

import pytest
import tls_servers
from certificates import Authority
from program import failed_with, names_in, succeeded
from tls_servers import goes_away, nonsense, resets, stalls, stalls_in_the_body

N = 40


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("http2") / "authority")


@pytest.fixture
def broken(authority, wheel):
    """A server of N projects whose HTTP/2 is broken as said."""
    made = []

    def make(breaks):
        server = tls_servers.BrokenHttp2Server(authority.server("localhost"), breaks)
        made.append(server)
        for i in range(N):
            server.project(f"many-{i}", server.wheel(wheel(f"many-{i}", "1.0")))
        return server

    yield make
    for server in made:
        server.stop()


MANY = [f"many-{i}" for i in range(N)]


def notes(result):
    return [line for line in result.err.splitlines() if line.startswith("Note ") and "HTTP/2" in line]


@pytest.mark.parametrize("breaks", [resets, goes_away, nonsense])
def test_it_is_given_up(dray, dest, broken, authority, breaks):
    server = broken(breaks)
    result = succeeded(dray.download("-i", server.index, "--cert", authority.ca, "--retries", "3", "-v", *MANY,
                                     dest=dest))
    assert len(names_in(dest)) == N
    (note,) = notes(result)
    assert note == f"Note   localhost port {server.port} fails where HTTP/2 is offered: HTTP/1.1 from now on"
    assert 0 < server.streams <= 3 * N


@pytest.mark.parametrize("breaks", [stalls, stalls_in_the_body])
def test_stalls_are_such_too(dray, dest, broken, authority, breaks):
    server = broken(breaks)
    result = succeeded(dray.download("-i", server.index, "--cert", authority.ca, "--retries", "3", "--timeout", "1",
                                     "-v", *MANY[:5], dest=dest))
    assert len(names_in(dest)) == 5 and len(notes(result)) == 1 and server.streams


def test_without_retries(dray, dest, broken, authority):
    """Once broken does not count; the second time has another attempt of its own, over HTTP/1.1."""
    server = broken(resets)
    result = dray.download("-i", server.index, "--cert", authority.ca, "--retries", "0", "--connections", "1",
                           "-v", *MANY[:3], dest=dest)
    failed_with(result, "many-")
    assert len(names_in(dest)) == 2 and server.streams == 2 and len(notes(result)) == 1


@pytest.mark.parametrize("how", ["--no-http2", "--http1.1", "DRAY_NO_HTTP2"])
def test_never(dray, dest, broken, authority, how):
    server = broken(resets)
    args, env = ((how,), {}) if how.startswith("--") else ((), {how: "1"})
    result = succeeded(dray.download("-i", server.index, "--cert", authority.ca, "-v", *args, "many-1", dest=dest,
                                     env=env))
    assert server.streams == 0 and notes(result) == []


def test_it_is_spoken_otherwise(dray, dest, broken, authority):
    """The other test, that --no-http2 has an effect."""
    server = broken(resets)
    dray.download("-i", server.index, "--cert", authority.ca, "--retries", "1", "many-1", dest=dest)
    assert server.streams > 0
