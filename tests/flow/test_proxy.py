"""Through proxies: real ones, squid and microsocks, in front of nginx with and without TLS. The name of the index is one
that only the proxies know, so whatever comes was not looked up by dray."""

import contextlib
import os
import socket
import time

import make_index
import mounts
import own_network
import proxy_servers
import pytest
import tls_servers
from certificates import Authority
from fault_server import Answer
from program import failed_with, names_in, succeeded
from test_names import command_lines, enter  # noqa: F401 (a fixture)
from test_threads import Watch

NAME = "index.example.org"
DENIED = "denied.example.org"
PROXY = "proxy.example.org"
PROJECTS = ["demo", *(f"many-{n}" for n in range(8))]
WHEEL = "demo-1.0-py3-none-any.whl"
USER, PASSWORD = "builder", "open:sesame@5%"
QUOTED = "open%3Asesame%405%25"
SECRETS = ["sesame", "b3Blbj"]  # of the password, as it is and in base64


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("proxy-authority"))


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxy-index")
    made = [make_index.make_wheel(folder / "files", name, "1.0", payload=100) for name in PROJECTS]
    make_index.write_index(folder, [make_index.describe(path) for path in made])
    return folder


@pytest.fixture(scope="session")
def nginx_session(root, tmp_path_factory, authority):
    certificate = authority.server(NAME, "localhost")
    with tls_servers.tls_nginx(root, tmp_path_factory.mktemp("proxy-nginx"), certificate, authority.ca) as server:
        yield server


class Index:
    """The same index, by a name that nobody but the proxies knows."""

    def __init__(self, server):
        self.server = server
        self.http = server.plain.replace("127.0.0.1", NAME)
        self.https = server.tls.replace("localhost", NAME)
        self.unsecured = server.unsecured.replace("localhost", NAME)
        self.place = f"{NAME}:{server.ports['tls']}"


@pytest.fixture
def index(nginx_session):
    nginx_session.forget()
    return Index(nginx_session)


HOSTS = f"127.0.0.1 {NAME} {DENIED}"


def squid_of(authority, **facts):
    certificate = authority.server("localhost") if proxy_servers.has_tls() else None
    return proxy_servers.squid(hosts=HOSTS, certificate=certificate, **facts)


@pytest.fixture(scope="session")
def open_session(authority):
    with squid_of(authority) as server:
        yield server


@pytest.fixture(scope="session")
def closed_session(authority):
    with squid_of(authority, passwords={USER: PASSWORD}) as server:
        yield server


@pytest.fixture
def squid(open_session):
    open_session.forget()
    return open_session


@pytest.fixture
def closed(closed_session):
    """It wants a password."""
    closed_session.forget()
    return closed_session


@pytest.fixture
def fetch(dray, dest, authority):
    """Downloads the demo; the proxy is meant to be in `env` or `args`."""
    def run(index, *args, **more):
        return dray.download("-i", index, "--cert", authority.ca, "--trusted-host", NAME, "demo", *args, dest=dest, **more)

    return run


def through(squid, kind="http"):
    return f"{kind}://127.0.0.1:{squid.port}"


# How it is said

@pytest.mark.parametrize("how", [
    "--proxy", "DRAY_PROXY", "PIP_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "pip.conf",
])
def test_an_http_target(fetch, dest, tmp_path, index, squid, how):
    args, env = [], {how: through(squid)}
    if how == "--proxy":
        args, env = ["--proxy", through(squid)], {}
    elif how == "pip.conf":
        (tmp_path / "pip.conf").write_text(f"[global]\nproxy = {through(squid)}\n")
        env = {"PIP_CONFIG_FILE": tmp_path / "pip.conf"}
    succeeded(fetch(index.http, *args, env=env))
    assert names_in(dest) == [WHEEL]
    lines = squid.log(2)
    assert [line.method for line in lines] == ["GET", "GET"]
    assert lines[0].url == f"{index.http}demo/" and lines[1].url.endswith(WHEEL)


@pytest.mark.parametrize("how", ["--proxy", "https_proxy", "HTTPS_PROXY", "all_proxy"])
def test_an_https_target(fetch, dest, index, squid, how):
    args, env = (["--proxy", through(squid)], {}) if how == "--proxy" else ([], {how: through(squid)})
    succeeded(fetch(index.https, *args, env=env))
    assert names_in(dest) == [WHEEL]
    assert {(line.method, line.url) for line in squid.log(1)} == {("CONNECT", index.place)}
    assert {line.protocol for line in index.server.log(2)} == {"HTTP/1.1"}  # curl #11746


def test_a_proxy_without_a_scheme(fetch, dest, index, squid):
    succeeded(fetch(index.https, "--proxy", f"localhost:{squid.port}"))
    assert names_in(dest) == [WHEEL] and squid.log(1)


def test_each_scheme_has_its_own(fetch, index, squid):
    """The http one is not for https."""
    failed_with(fetch(index.https, env={"http_proxy": through(squid)}), f"the name {NAME} has no address")
    assert squid.log() == []


DEAD = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}


@pytest.mark.parametrize("args,env", [
    (["--proxy", ""], {}), (["--no-proxy-env"], {}), ([], {"DRAY_NO_PROXY_ENV": "1"}), ([], {"PIP_NO_PROXY_ENV": "yes"}),
    ([], {"no_proxy": "localhost"}), ([], {"NO_PROXY": "example.org, .localhost"}), ([], {"no_proxy": "*"}),
    ([], {"no_proxy": "localhost:{port}"}),
], ids=["empty", "flag", "dray", "pip", "no_proxy", "NO_PROXY", "star", "port"])
def test_directly(fetch, dest, index, args, env):
    env = {name: value.format(port=index.server.ports["tls"]) for name, value in env.items()}
    succeeded(fetch(index.server.tls, *args, env={**DEAD, **env}))
    assert names_in(dest) == [WHEEL]


def test_an_address_directly(fetch, dest, index):
    succeeded(fetch(index.server.plain, env={**DEAD, "no_proxy": "127.0.0.0/8"}))
    assert names_in(dest) == [WHEEL]


def test_this_machine_is_no_exception(fetch, dest, index, squid):
    """As with pip: only no_proxy exempts."""
    succeeded(fetch(index.server.plain, env={"http_proxy": through(squid)}))
    assert names_in(dest) == [WHEEL] and len(squid.log(2)) == 2


def test_the_option_before_the_environment(fetch, dest, index, squid):
    """no_proxy is of the environment too."""
    succeeded(fetch(index.https, "--proxy", through(squid), env={**DEAD, "no_proxy": "*"}))
    assert names_in(dest) == [WHEEL] and squid.log(1)


@pytest.mark.parametrize("args,env,said", [
    (["--proxy", "socks://me:secret@127.0.0.1"], {}, "--proxy: "),
    ([], {"https_proxy": "http://me:secret@:3128"}, "https_proxy: "),
    ([], {"ALL_PROXY": "ftp://me:secret@127.0.0.1"}, "ALL_PROXY: "),
    ([], {"PIP_PROXY": "ftp://me:secret@127.0.0.1"}, "PIP_PROXY: "),
])
def test_a_proxy_that_is_none(fetch, index, args, env, said):
    result = failed_with(fetch(index.https, *args, env=env), said, "is not the URL of a proxy", "me:****@", code=2)
    assert "secret" not in result.err


# Proxies behind TLS

@pytest.fixture
def secure(squid):
    if not proxy_servers.has_tls():
        pytest.skip("this squid has no TLS")
    return f"https://localhost:{squid.tls_port}"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_behind_tls(fetch, dest, index, squid, secure, scheme):
    succeeded(fetch(getattr(index, scheme), "--proxy", secure))
    assert names_in(dest) == [WHEEL]
    assert {line.method for line in squid.log(1)} == {"GET" if scheme == "http" else "CONNECT"}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_of_an_unknown_authority(dray, dest, index, secure, scheme):
    result = dray.download("-i", getattr(index, scheme), "--trusted-host", NAME, "--retries", "2", "--proxy", secure,
                           "demo", dest=dest)
    failed_with(result, f"connecting to the proxy {secure}: SSL certificate problem", "--cert",
                "--trusted-host localhost")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_trusted_proxy_and_a_trusted_host(dray, dest, index, secure, scheme):
    succeeded(dray.download("-i", getattr(index, scheme), "--trusted-host", NAME, "--trusted-host", "localhost",
                            "--proxy", secure, "demo", dest=dest))
    assert names_in(dest) == [WHEEL]


def test_a_trusted_proxy_and_another_host(dray, dest, index, secure):
    """Trust in the proxy is none in who is behind it."""
    result = dray.download("-i", index.https, "--trusted-host", "localhost", "--proxy", secure, "demo", dest=dest)
    failed_with(result, f"through the proxy {secure}: connecting to {NAME} port", f"--trusted-host {NAME}")


def test_a_proxy_without_tls_that_is_said_to_have_it(fetch, index, squid):
    url = f"https://127.0.0.1:{squid.port}"
    failed_with(fetch(index.https, "--proxy", url), f"connecting to the proxy {url}: ")


# Credentials

@pytest.fixture(params=["http", "https"])
def scheme(request):
    return request.param


def silent(dray, result, *files):
    said = result.out + result.err + "".join(path.read_text() for path in files)
    assert not [secret for secret in SECRETS if secret in said], said


def test_credentials(dray, fetch, dest, tmp_path, index, closed, scheme):
    trace = tmp_path / "trace.jsonl"
    env = {f"{scheme}_proxy": f"http://{USER}:{QUOTED}@127.0.0.1:{closed.port}"}
    result = succeeded(fetch(getattr(index, scheme), "-vv", "--trace", trace, env=env))
    assert names_in(dest) == [WHEEL]
    assert {line.user for line in closed.log(1)} == {USER}
    assert 407 not in {line.status for line in closed.log()}  # at once: no round trip to be asked for them
    silent(dray, result, trace)


def test_no_credentials(fetch, index, closed, scheme):
    url = through(closed)
    result = fetch(getattr(index, scheme), "--retries", "2", "--proxy", url)
    failed_with(result, f"the proxy {url} asks for a user and a password",
                f"--proxy http://USER:PASSWORD@127.0.0.1:{closed.port}")
    assert [line.status for line in closed.log(1)] == [407]


def test_wrong_credentials(dray, fetch, tmp_path, index, closed, scheme):
    trace = tmp_path / "trace.jsonl"
    env = {f"{scheme}_proxy": f"http://stranger:{QUOTED}@127.0.0.1:{closed.port}"}
    result = fetch(getattr(index, scheme), "--retries", "2", "-vv", "--trace", trace, env=env)
    failed_with(result, f"the proxy http://stranger:****@127.0.0.1:{closed.port} refuses the user and password")
    assert [line.status for line in closed.log(1)] == [407]
    silent(dray, result, trace)


def test_what_the_proxy_is_told(fetch, index):
    """Nothing that is meant for the server, nor the other way round."""
    scribe = proxy_servers.Scribe(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
    closed = index.https.replace("https://", "https://me:mine@")
    fetch(closed, "--proxy", f"http://127.0.0.1:{scribe.port}")
    fetch(closed.replace("https:", "http:"), "--proxy", f"http://{USER}:{QUOTED}@127.0.0.1:{scribe.port}")
    scribe.stop()
    (connect, *first), (get, *second) = scribe.heads
    assert connect == f"CONNECT {index.place} HTTP/1.1"
    assert {line.split(":")[0] for line in first} <= {"Host", "User-Agent", "Proxy-Connection"}
    assert get == f"GET {index.https.replace('https:', 'http:')}demo/ HTTP/1.1"
    assert {"Authorization", "Proxy-Authorization", "Accept"} <= {line.split(":")[0] for line in second}


# What proxies refuse

def test_a_refused_tunnel(fetch, index, squid):
    result = fetch(index.https.replace(NAME, DENIED), "--retries", "2", "--proxy", through(squid))
    failed_with(result, f"the proxy {through(squid)} refuses to connect to {DENIED} port", "403 Forbidden")
    assert [line.status for line in squid.log(1)] == [403]


def test_a_refused_page(fetch, index, squid):
    """It might be the server who says so: both are named."""
    result = fetch(index.http.replace(NAME, DENIED), "--trusted-host", DENIED, "--proxy", through(squid))
    failed_with(result, "403 Forbidden", f"by way of the proxy {through(squid)}")


def test_nobody_behind_the_proxy(fetch, index, squid):
    """It may pass: tried again."""
    result = fetch("https://127.0.0.1:9/simple/", "--retries", "1", "--proxy", through(squid))
    failed_with(result, f"the proxy {through(squid)} could not connect to 127.0.0.1 port 9", "503")
    assert [line.status for line in squid.log(2)] == [503, 503]


def test_a_proxy_that_closes(fetch, index):
    scribe = proxy_servers.Scribe(b"")
    result = fetch(index.https, "--retries", "1", "--proxy", f"http://127.0.0.1:{scribe.port}")
    scribe.stop()
    failed_with(result, f"the proxy http://127.0.0.1:{scribe.port}")
    assert len(scribe.heads) >= 2


@pytest.mark.parametrize("kind", ["http", "https", "socks5h", "socks4a"])
def test_a_proxy_that_says_nothing(fetch, index, kind):
    scribe = proxy_servers.Scribe(None)
    url = f"{kind}://127.0.0.1:{scribe.port}"
    result = fetch(index.https, "--timeout", "1", "--proxy", url)
    scribe.stop()
    failed_with(result, f"the proxy {url}", "in time")
    assert result.seconds < 8


def test_a_bad_certificate_behind_the_proxy(dray, dest, index, squid):
    result = dray.download("-i", index.https, "--retries", "2", "--proxy", through(squid), "demo", dest=dest)
    failed_with(result, f"through the proxy {through(squid)}: connecting to {NAME} port", "SSL certificate problem",
                f"--trusted-host {NAME}")


def test_a_trusted_host_behind_the_proxy(dray, dest, index, squid):
    succeeded(dray.download("-i", index.https, "--trusted-host", NAME, "--proxy", through(squid), "demo", dest=dest))
    assert names_in(dest) == [WHEEL]


def test_from_https_to_http_is_refused_behind_it_too(fetch, index, squid):
    failed_with(fetch(index.unsecured, "--proxy", through(squid)), "https to http")


@pytest.mark.parametrize("where", ["index", "find-links"])
def test_a_page_by_plain_http_behind_it(dray, dest, index, squid, where):
    """A proxy makes nothing secure."""
    args = ["-i", index.http] if where == "index" else ["--no-index", "-f", f"{index.http}demo/"]
    failed_with(dray.download(*args, "--proxy", through(squid), "demo", dest=dest), "is not encrypted")
    assert squid.log() == []


# SOCKS

@pytest.fixture(scope="session")
def socks(tmp_path_factory):
    """It knows the name of the index."""
    with proxy_servers.microsocks(prefix=mounts.with_hosts(tmp_path_factory.mktemp("socks"), HOSTS)) as port:
        yield port


@pytest.fixture(scope="session")
def closed_socks():
    with proxy_servers.microsocks(USER, PASSWORD) as port:
        yield port


def test_socks5h(fetch, dest, index, socks, scheme):
    succeeded(fetch(getattr(index, scheme), env={"all_proxy": f"socks5h://127.0.0.1:{socks}"}))
    assert names_in(dest) == [WHEEL]


def test_socks5_takes_no_names(fetch, index, socks):
    """dray looks them up, and does not know this one."""
    failed_with(fetch(index.https, "--proxy", f"socks5://127.0.0.1:{socks}"), f"the name {NAME} has no address")


def test_socks5(fetch, dest, tmp_path, index, closed_socks, scheme):
    """The proxy knows no names here, dray does. It has a dead address to begin with."""
    prefix = mounts.with_hosts(tmp_path, f"127.0.0.2 {NAME}\n127.0.0.1 {NAME}")
    url = f"socks5://{USER}:{QUOTED}@127.0.0.1:{closed_socks}"
    result = succeeded(fetch(getattr(index, scheme), "-vv", env={"all_proxy": url}, prefix=prefix))
    assert names_in(dest) == [WHEEL]
    silent(None, result)


@pytest.mark.parametrize("login,said", [("", "asks for a user and a password"), (f"stranger:{QUOTED}@", "refuses the user")])
def test_socks5_with_wrong_credentials(fetch, index, closed_socks, login, said):
    result = fetch(index.https, "--retries", "2", "--proxy", f"socks5h://{login}127.0.0.1:{closed_socks}")
    failed_with(result, said)
    assert "sesame" not in result.err
    assert result.seconds < 5


def test_nobody_behind_socks5(fetch, index, socks):
    url = f"socks5://127.0.0.1:{socks}"
    failed_with(fetch("https://127.0.0.1:9/simple/", "--proxy", url),
                f"the proxy {url} could not connect to 127.0.0.1 port 9: connection refused")


def test_socks5_that_is_http(fetch, index, squid):
    url = f"socks5://127.0.0.1:{squid.port}"
    failed_with(fetch("https://127.0.0.1:9/simple/", "--timeout", "2", "--proxy", url), f"the proxy {url}")


@pytest.mark.parametrize("answer,said", [
    (b"\0\x5b\0\0\0\0\0\0", "could not connect to 127.0.0.1 port 9"), (b"HTTP/1.1 400 X\r\n\r\n", "does not answer as a SOCKS"),
])
def test_socks4_says_no(fetch, answer, said):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        if os.fork() == 0:
            connection, _ = listener.accept()
            connection.recv(100)
            connection.sendall(answer)
            os._exit(0)
        url = f"socks4://127.0.0.1:{port}"
        failed_with(fetch("https://127.0.0.1:9/simple/", "--proxy", url), f"the proxy {url} {said}")
        os.wait()


def test_socks4_and_ipv6(fetch, tmp_path, index, socks):
    prefix = mounts.with_hosts(tmp_path, f"::1 {NAME}")
    failed_with(fetch(index.https, "--proxy", f"socks4://127.0.0.1:{socks}", prefix=prefix),
                f"the name {NAME} has no IPv4 address")


# The proxy's own name and addresses

def test_a_dead_proxy(fetch, index):
    failed_with(fetch(index.https, env=DEAD), "connecting to the proxy http://127.0.0.1:9: Connection refused")


def test_a_proxy_without_an_address(fetch, index):
    failed_with(fetch(index.https, "--proxy", "http://me:secret@nowhere.example.org:3128"),
                "the proxy http://me:****@nowhere.example.org:3128: the name nowhere.example.org has no address")


@contextlib.contextmanager
def black_hole(address, port):
    """Somebody listens there whose backlog is full: a connection times out."""
    with contextlib.closing(socket.create_server((address, port), backlog=0)) as listener:
        kept = own_network.fill(listener)
        yield
        for one in kept:
            one.close()


@pytest.mark.parametrize("dead", ["refused", "black hole"])
def test_the_first_of_two_addresses_is_dead(fetch, dest, tmp_path, index, squid, scheme, dead):
    prefix = mounts.with_hosts(tmp_path, f"127.0.0.2 {PROXY}\n127.0.0.1 {PROXY}")
    with black_hole("127.0.0.2", squid.port) if dead == "black hole" else contextlib.nullcontext():
        result = succeeded(fetch(getattr(index, scheme), "--timeout", "2", *PROJECTS[1:], prefix=prefix,
                                 env={f"{scheme}_proxy": f"http://{PROXY}:{squid.port}"}))
    assert len(names_in(dest)) == len(PROJECTS)
    assert result.seconds < 3.9, result


def test_a_dead_address_is_paid_for_once(fetch, dest, tmp_path, index, squid):
    """Each host takes a tunnel of its own, one after the other: what was found dead is tried last from then on."""
    prefix = mounts.with_hosts(tmp_path, f"127.0.0.2 {PROXY}\n127.0.0.1 {PROXY}")
    other = index.server.tls.replace("simple/", "files/many_1-1.0-py3-none-any.whl")
    with black_hole("127.0.0.2", squid.port):
        result = succeeded(fetch(index.https, "--timeout", "2", "--connections", "1", other, prefix=prefix,
                                 env={"https_proxy": f"http://{PROXY}:{squid.port}"}))
    assert len(names_in(dest)) == 2 and result.seconds < 3.9, result
    assert len({line.url for line in squid.log(2)}) == 2


def test_all_addresses_are_dead(fetch, tmp_path, index):
    prefix = mounts.with_hosts(tmp_path, f"127.0.0.2 {PROXY}\n127.0.0.1 {PROXY}")
    failed_with(fetch(index.https, "--proxy", f"http://{PROXY}:9", prefix=prefix),
                f"connecting to the proxy http://{PROXY}:9: Connection refused")


@pytest.mark.parametrize("kind", ["http", "https", "socks5", "socks5h"])
def test_one_thread(dray, dest, tmp_path, authority, index, squid, socks, scheme, kind):
    """With a proxy that has a name, and where dray has to look it up a target that has one."""
    known = f"\n127.0.0.1 {NAME}" if kind == "socks5" else ""
    port = {"http": squid.port, "https": squid.tls_port}.get(kind, socks)
    if kind == "https" and not proxy_servers.has_tls():
        pytest.skip("this squid has no TLS")
    process = dray.start("download", "--no-deps", "-i", getattr(index, scheme), "--cert", authority.ca, "--trusted-host",
                         NAME, "--trusted-host", PROXY, *PROJECTS, "-d", dest, "--retries", "0",
                         env={"all_proxy": f"{kind}://{PROXY}:{port}"},
                         prefix=mounts.with_hosts(tmp_path, f"127.0.0.1 {PROXY}{known}"))
    watch = Watch(process.pid)
    result = succeeded(dray.finish(process))
    watch.join()
    assert len(names_in(dest)) == len(PROJECTS), result
    assert len(watch.seen) > 5 and set(watch.seen) == {1}
    assert watch.tasks == {str(process.pid)}


def test_only_the_proxy_is_looked_up(dray, dest, tmp_path, enter, root):  # noqa: F811
    """A network of its own, in which the name server knows the proxy alone."""
    log = tmp_path / "network.log"
    with proxy_servers.squid_files(hosts=HOSTS) as made:
        mine = os.fsencode(made.config)
        prefix = own_network.prefix(
            tmp_path, enter, serve=["127.0.0.1"], root=root, log=log, resolv="nameserver 127.0.0.1",
            dns={f"{PROXY} A": [["127.0.0.2", "127.0.0.1"]], f"{PROXY} AAAA": ["NODATA"]}, run=[[made.port, *made.command]])
        succeeded(dray.download("-i", f"http://{NAME}/simple/", "--trusted-host", NAME, *PROJECTS, "--proxy",
                                f"http://{PROXY}:{made.port}", dest=dest, prefix=prefix))
    assert len(names_in(dest)) == len(PROJECTS)
    asked = [tuple(line.split()[1:3]) for line in log.read_text().splitlines() if line.startswith("dns")]
    until = time.monotonic() + 10
    while any(mine in line for line in command_lines()):
        assert time.monotonic() < until, "squid still runs"
        time.sleep(0.05)
    # squid asks for other names, of this machine.
    assert [question for question in sorted(asked) if "example.org" in question[0]] == [(PROXY, "A"), (PROXY, "AAAA")]


def test_credentials_are_in_no_command_line(dray, dest, wheel, index, closed, fault):
    """Neither dray's nor those of what it runs."""
    env = {"http_proxy": f"http://{USER}:{QUOTED}@127.0.0.1:{closed.port}"}
    fault.project("slow", fault.wheel(wheel("slow", "1.0", payload=30000), lambda body: Answer(body, pace=(6000, 0.1))))
    process = dray.start("install", "--no-deps", "-i", fault.index, "slow", "--", "--dry-run", "--no-cache-dir",
                         env={**env, "DRAY_PROXY": env["http_proxy"]})
    lines = set()
    while process.poll() is None:
        for folder in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if folder.isdigit() and int(folder) >= process.pid:
                    with open(f"/proc/{folder}/cmdline", "rb") as file:
                        lines.add(file.read())
    result = succeeded(dray.finish(process, check_temporary=False))
    assert any(b"pip" in line for line in lines), result
    assert not [line for line in lines if b"sesame" in line]
    silent(dray, result)
