"""Over TLS: who is trusted, what a refusal says, HTTP/2 for pages, and where credentials and redirects may go."""

import re
import shutil
import subprocess

import make_index
import mounts
import pytest
from certificates import Authority
from fault_server import Answer, FaultServer
from program import failed_with, names_in, succeeded
from test_threads import Watch
from tls_servers import TlsFaultServer, tls_nginx

PROJECTS = 200
MANY = [f"many-{n}" for n in range(PROJECTS)]
OTHER_NAME = "index.example.org"


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def certificate(authority):
    return authority.server("localhost", "127.0.0.1", OTHER_NAME)


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls-index")
    made = [make_index.make_wheel(folder / "files", name, "1.0", payload=100) for name in [*MANY, "demo"]]
    make_index.write_index(folder, [make_index.describe(path) for path in made])
    return folder


def nginx_of(root, folder, certificate, authority, **facts):
    return tls_nginx(root, folder, certificate, authority.ca, **facts)


@pytest.fixture(scope="session")
def nginx_session(root, tmp_path_factory, certificate, authority):
    with nginx_of(root, tmp_path_factory.mktemp("tls-nginx"), certificate, authority) as server:
        yield server


@pytest.fixture
def nginx(nginx_session):
    nginx_session.forget()
    return nginx_session


@pytest.fixture
def tls_fault(certificate):
    """Makes fault servers behind a certificate: tls_fault() or tls_fault(another)."""
    made = []

    def make(shown=certificate, **facts):
        made.append(TlsFaultServer(shown, **facts))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def demo(wheel):
    return wheel("demo", "1.0", payload=200000)


def refused(result, *needles):
    """A certificate was refused: said once, with the way out."""
    return failed_with(result, "demo", *needles)


# Who is trusted

@pytest.mark.parametrize("how", ["--cert", "DRAY_CERT", "PIP_CERT"])
def test_an_authority_is_trusted(dray, dest, nginx, authority, how):
    args, env = (("--cert", authority.ca), {}) if how == "--cert" else ((), {how: authority.ca})
    succeeded(dray.download("-i", nginx.tls, *args, "demo", dest=dest, env=env))
    assert names_in(dest) == ["demo-1.0-py3-none-any.whl"]


VARIABLES = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"]


@pytest.mark.parametrize("how", ["--cert", *VARIABLES, "SSL_CERT_DIR"])
def test_a_directory_of_authorities(dray, dest, tmp_path, nginx, authority, how):
    """By their hashes, as OpenSSL has it; of SSL_CERT_FILE the file."""
    folder = tmp_path / "authorities"
    folder.mkdir()
    shutil.copy(authority.ca, folder / "ca.pem")
    subprocess.run(["openssl", "rehash", folder], check=True)
    value = folder / "ca.pem" if how == "SSL_CERT_FILE" else folder
    args, env = (("--cert", value), {}) if how == "--cert" else ((), {how: value})
    succeeded(dray.download("-i", nginx.tls, *args, "demo", dest=dest, env=env))
    assert names_in(dest) == ["demo-1.0-py3-none-any.whl"]


@pytest.mark.parametrize("how", VARIABLES)
def test_authorities_by_a_variable(dray, dest, tmp_path, nginx, authority, how):
    """pip's order: the option, then requests' variable, then curl's, then OpenSSL's."""
    stranger = Authority(tmp_path / "stranger").ca
    below = {name: stranger for name in VARIABLES[VARIABLES.index(how) + 1:]}
    succeeded(dray.download("-i", nginx.tls, "demo", dest=dest, env={**below, how: authority.ca}))
    refused(dray.download("-i", nginx.tls, "demo", "--cert", stranger, "--no-cache-dir", dest=dest / "other",
                          env={how: authority.ca}), "localhost", "--cert")


def test_authorities_by_a_variable_that_are_not_there(dray, dest, tmp_path, nginx, authority):
    """requests' is an error, OpenSSL's is passed over, which is said."""
    failed_with(dray.download("-i", nginx.tls, "demo", dest=dest, env={"REQUESTS_CA_BUNDLE": tmp_path / "none"}),
                "REQUESTS_CA_BUNDLE", "No such file")
    result = refused(dray.download("-i", nginx.tls, "demo", dest=dest, env={"SSL_CERT_FILE": tmp_path / "none"}))
    assert "SSL_CERT_FILE names nothing that can be read" in result.err, result


def test_an_unknown_authority(dray, dest, tls_fault, demo):
    """One sentence that says what to do; and final: the next attempt would see the same certificate."""
    server = tls_fault()
    server.project("demo", server.wheel(demo))
    result = dray.download("-i", server.index, "--retries", "3", "demo", dest=dest)
    refused(result, "localhost", "--cert", "--trusted-host localhost")
    assert (server.connections, server.shaken, server.requests()) == (1, 0, [])
    assert names_in(dest) == []


@pytest.mark.parametrize("facts,said", [
    ({"names": ["elsewhere.example.org"]}, "localhost"),
    ({"names": ["localhost"], "expired": True}, "expired"),
], ids=["wrong-name", "expired"])
def test_a_bad_certificate_of_a_known_authority(dray, dest, tls_fault, authority, demo, facts, said):
    server = tls_fault(authority.server(*facts.pop("names"), **facts))
    server.project("demo", server.wheel(demo))
    result = dray.download("-i", server.index, "--cert", authority.ca, "--retries", "3", "demo", dest=dest)
    refused(result, said, f"localhost port {server.port}", "--trusted-host localhost")
    assert (server.connections, server.requests()) == (1, [])


def test_a_body_from_an_unknown_authority(dray, dest, fault, tls_fault, demo):
    server = tls_fault()
    fault.project("demo", server.wheel(demo))
    result = dray.download("-i", fault.index, "--retries", "3", "demo", dest=dest)
    refused(result, f"localhost port {server.port}", "--trusted-host localhost")
    assert server.connections == 1 and names_in(dest) == []


@pytest.mark.parametrize("shape", ["localhost", "LocalHost", "localhost:{port}"])
def test_a_trusted_host(dray, dest, tls_fault, authority, demo, shape):
    server = tls_fault(authority.server("elsewhere.example.org", expired=True))
    server.project("demo", server.wheel(demo))
    succeeded(dray.download("-i", server.index, "--trusted-host", shape.format(port=server.port), "demo", dest=dest))
    assert (dest / demo.name).read_bytes() == demo.read_bytes()


@pytest.mark.parametrize("shape", ["127.0.0.1", "localhost:1", "host", "localhost.example.org"])
def test_another_host_is_trusted(dray, dest, tls_fault, demo, shape):
    server = tls_fault()
    server.project("demo", server.wheel(demo))
    refused(dray.download("-i", server.index, "--trusted-host", shape, "demo", dest=dest), "localhost")
    assert server.requests() == []


def test_trust_ends_at_the_other_host(dray, dest, tls_fault, demo):
    """A trusted index sends us on to a host that is not trusted."""
    first, second = tls_fault(), tls_fault(host="127.0.0.1")
    second.project("demo", second.wheel(demo))
    first.on("/simple/demo/", Answer(status=302, headers={"Location": f"{second.index}demo/"}))
    refused(dray.download("-i", first.index, "--trusted-host", "localhost", "demo", dest=dest),
            f"127.0.0.1 port {second.port}")
    assert len(first.requests()) == 1 and second.requests() == []


def test_an_address_in_the_certificate(dray, dest, tls_fault, authority, demo):
    server = tls_fault(host="127.0.0.1")
    server.project("demo", server.wheel(demo))
    succeeded(dray.download("-i", server.index, "--cert", authority.ca, "demo", dest=dest))
    assert names_in(dest) == [demo.name]


@pytest.mark.parametrize("text", [None, "", "no certificate\n"], ids=["missing", "empty", "text"])
def test_authorities_that_cannot_be_read(dray, dest, tmp_path, tls_fault, demo, text):
    server = tls_fault()
    server.project("demo", server.wheel(demo))
    bundle = tmp_path / "bundle.pem"
    if text is not None:
        bundle.write_text(text)
    result = dray.download("-i", server.index, "--cert", bundle, "--retries", "3", "demo", dest=dest)
    assert result.rc in (1, 2), result
    assert "bundle.pem" in result.err and len(result.err.strip().splitlines()) <= 3, result
    assert server.connections <= 1


# Who we are

def test_a_client_certificate(dray, dest, nginx, authority):
    shown = authority.client("builder")
    succeeded(dray.download("-i", nginx.mutual, "--cert", authority.ca, "--client-cert", shown.both, "demo", dest=dest))
    assert {line.port for line in nginx.log(2)} == {nginx.ports["mutual"]}


def test_no_client_certificate(dray, dest, nginx, authority):
    result = dray.download("-i", nginx.mutual, "--cert", authority.ca, "--retries", "3", "demo", dest=dest)
    failed_with(result, "demo", "400")
    assert [line.status for line in nginx.log(1)] == [400]


def test_a_client_certificate_of_a_stranger(dray, dest, nginx, authority, tmp_path):
    stranger = Authority(tmp_path / "stranger").client("builder")
    result = dray.download("-i", nginx.mutual, "--cert", authority.ca, "--client-cert", stranger.both, "--retries", "3",
                           "demo", dest=dest)
    failed_with(result, "demo", "400")
    assert [line.status for line in nginx.log(1)] == [400]


@pytest.mark.parametrize("which", ["missing", "chain"])
def test_a_client_certificate_that_cannot_be_used(dray, dest, nginx, authority, tmp_path, which):
    """Not there, or without its key."""
    shown = tmp_path / "client.pem"
    if which == "chain":
        shutil.copy(authority.client("keyless").chain, shown)
    result = dray.download("-i", nginx.mutual, "--cert", authority.ca, "--client-cert", shown, "--retries", "3", "demo",
                           dest=dest)
    assert result.rc in (1, 2), result
    assert "client.pem" in result.err and nginx.log() == [], result


# Redirects

def test_from_https_to_http_is_refused(dray, dest, nginx, authority):
    result = dray.download("-i", nginx.unsecured, "--cert", authority.ca, "--retries", "3", "demo", dest=dest)
    failed_with(result, "demo", "https to http")
    assert [line.port for line in nginx.log(1)] == [nginx.ports["tls"]]


def test_a_body_from_https_to_http_is_refused(dray, dest, fault, tls_fault, authority, demo):
    server = tls_fault()
    fault.wheel(demo)
    hop = Answer(status=302, headers={"Location": f"{fault.url}/files/{demo.name}"})
    server.project("demo", server.wheel(demo, lambda _: hop))
    failed_with(dray.download("-i", server.index, "--cert", authority.ca, "demo", dest=dest), "demo", "https to http")
    assert fault.requests() == [] and names_in(dest) == []


def test_from_http_to_https_is_followed(dray, dest, nginx, authority):
    succeeded(dray.download("-i", nginx.secured, "--cert", authority.ca, "demo", dest=dest))
    assert names_in(dest) == ["demo-1.0-py3-none-any.whl"]
    ports = [line.port for line in nginx.log(3)]
    assert ports[0] == nginx.ports["plain"] and set(ports[1:]) == {nginx.ports["tls"]}


# Credentials

def basic(requests):
    return [r.headers.get("authorization") is not None for r in requests]


@pytest.fixture
def closed(tls_fault):
    """A server that is asked with name and password; returns it and its index."""
    server = tls_fault()
    return server, server.index.replace("https://", "https://builder:secret@")


@pytest.fixture
def second(tls_fault):
    return tls_fault()


def download(dray, dest, authority, index):
    result = succeeded(dray.download("-i", index, "--cert", authority.ca, "-vv", "demo", dest=dest))
    assert "secret" not in result.err + result.out
    return result


def test_credentials_go_to_their_origin(dray, dest, closed, authority, demo):
    server, index = closed
    server.project("demo", server.wheel(demo))
    download(dray, dest, authority, index)
    assert basic(server.requests()) == [True, True]


def test_a_page_redirected_to_another_origin(dray, dest, closed, second, authority, demo):
    server, index = closed
    second.project("demo", second.wheel(demo))
    server.on("/simple/demo/", Answer(status=302, headers={"Location": f"{second.index}demo/"}))
    download(dray, dest, authority, index)
    assert basic(server.requests()) == [True]
    assert basic(second.requests()) == [False, False]


def test_a_body_redirected_to_another_origin_and_back(dray, dest, closed, second, authority, demo):
    """Three hops: ours, theirs, ours. Theirs sees nothing."""
    server, index = closed
    server.project("demo", server.wheel(demo, lambda _: Answer(status=307, headers={"Location": f"{second.url}/hop"})))
    second.on("/hop", Answer(status=302, headers={"Location": f"{server.url}/home"}))
    server.on("/home", demo.read_bytes())
    download(dray, dest, authority, index)
    assert basic(server.requests()) == [True, True, True]
    assert basic(second.requests()) == [False]


def test_files_on_another_origin(dray, dest, closed, second, authority, demo):
    server, index = closed
    server.project("demo", second.wheel(demo))
    download(dray, dest, authority, index)
    assert basic(second.requests()) == [False]


def test_the_same_port_without_tls_is_another_origin(dray, dest, fault, closed, authority, demo):
    """The password of an https index must not go out over http."""
    server, index = closed
    server.project("demo", fault.wheel(demo))
    download(dray, dest, authority, index)
    assert basic(fault.requests()) == [False]


# HTTP/2

def test_pages_by_http2_and_bodies_by_http1(dray, dest, nginx, authority):
    succeeded(dray.download("-i", nginx.tls, "--cert", authority.ca, "demo", *MANY[:20], dest=dest))
    log = nginx.log(42)
    pages = [line for line in log if line.path.startswith("/simple/")]
    bodies = [line for line in log if line.path.startswith("/files/")]
    assert {line.protocol for line in pages} == {"HTTP/2.0"} and len(pages) == 21
    assert {line.protocol for line in bodies} == {"HTTP/1.1"} and len(bodies) == 21
    assert {line.connection for line in pages}.isdisjoint(line.connection for line in bodies)


def test_pages_come_compressed_and_bodies_never(dray, dest, nginx, authority):
    succeeded(dray.download("-i", nginx.tls, "--cert", authority.ca, "demo", dest=dest))
    encodings = {line.path: line.encoding for line in nginx.log(2)}
    assert encodings == {"/simple/demo/": "gzip", "/files/demo-1.0-py3-none-any.whl": "-"}


def test_two_hundred_pages_on_one_connection(dray, dest, nginx, authority, root):
    succeeded(dray.download("-i", nginx.tls, "--cert", authority.ca, *MANY, dest=dest, seconds=120))
    assert len(names_in(dest)) == PROJECTS
    assert all((dest / f.name).read_bytes() == f.read_bytes() for f in (root / "files").glob("many_*"))
    pages = [line for line in nginx.log(2 * PROJECTS) if line.path.startswith("/simple/")]
    assert len(pages) == PROJECTS and {line.status for line in pages} == {200}
    assert len({line.connection for line in pages}) == 1


def test_a_connection_that_is_given_up_again_and_again(dray, dest, tmp_path, root, certificate, authority):
    """The server says GOAWAY after 7 streams, and closes kept connections of HTTP/1.1 after 7 requests. (A page may
    then take a kept HTTP/1.1 connection that a body left behind.)"""
    with nginx_of(root, tmp_path / "nginx", certificate, authority, requests=7) as server:
        succeeded(dray.download("-i", server.tls, "--cert", authority.ca, "--retries", "5", *MANY[:100], dest=dest))
        pages = [line for line in server.log(200) if line.path.startswith("/simple/")]
    assert len(names_in(dest)) == 100
    assert [line.protocol for line in pages].count("HTTP/2.0") > 50
    assert len({line.connection for line in pages}) >= 100 // 7


# Cut connections

@pytest.mark.parametrize("spoil", [
    lambda body: Answer(body, cut_after=30000), lambda body: Answer(body, reset_after=30000),
    lambda body: Answer(body, chunked=True, cut_after=30000), lambda body: Answer(garbage=b""),
    lambda body: Answer(body, length=None, cut_after=30000),
], ids=["cut", "reset", "cut-chunked", "closed", "cut-without-length"])
def test_a_body_that_is_cut(dray, dest, tls_fault, authority, demo, spoil):
    server = tls_fault()
    server.project("demo", server.wheel(demo, spoil, Answer))
    succeeded(dray.download("-i", server.index, "--cert", authority.ca, "--retries", "2", "demo", dest=dest))
    assert (dest / demo.name).read_bytes() == demo.read_bytes()
    assert len(server.requests(f"/files/{demo.name}")) == 2


def test_a_page_that_is_cut(dray, dest, tls_fault, authority, demo):
    server = tls_fault()
    server.project("demo", server.wheel(demo))
    whole = server.answers["/simple/demo/"][0]
    server.on("/simple/demo/", Answer(whole.body, headers=whole.headers, cut_after=100), whole)
    succeeded(dray.download("-i", server.index, "--cert", authority.ca, "--retries", "2", "demo", dest=dest))
    assert names_in(dest) == [demo.name]


def test_a_server_without_tls(dray, dest, nginx):
    """https to a port where plain HTTP is spoken."""
    port = nginx.ports["plain"]
    result = dray.download("-i", f"https://localhost:{port}/simple/", "demo", dest=dest)
    failed_with(result, f"localhost port {port}")
    assert "--trusted-host" not in result.err  # that would not help


def test_tls_where_none_is_expected(dray, dest, tls_fault, demo):
    server = tls_fault()
    server.project("demo", server.wheel(demo))
    failed_with(dray.download("-i", server.index.replace("https", "http"), "demo", dest=dest), "demo")
    assert server.requests() == []


# Plain http, and names

def test_plain_http_from_another_host(dray, dest, tmp_path, fault, demo):
    """Refused by the name, not by where it leads: this one leads to this very machine."""
    fault.project("demo", fault.wheel(demo))
    prefix = mounts.with_hosts(tmp_path, f"127.0.0.1 {OTHER_NAME}")
    index = fault.index.replace("127.0.0.1", OTHER_NAME)
    result = dray.download("-i", index, "demo", dest=dest, prefix=prefix)
    assert result.rc in (1, 2) and f"--trusted-host {OTHER_NAME}" in result.err, result
    assert fault.requests() == []
    for trusted in (OTHER_NAME, f"{OTHER_NAME}:{fault.port}", OTHER_NAME.upper()):
        shutil.rmtree(dest, ignore_errors=True)
        succeeded(dray.download("-i", index, "--trusted-host", trusted, "demo", dest=dest, prefix=prefix))
        assert names_in(dest) == [demo.name]


@pytest.mark.parametrize("host", ["127.0.0.1.example.org", "127.example.org", "localhost.example.org", "2001:db8::1"])
def test_a_name_that_only_looks_like_this_machine(dray, dest, host):
    index = f"http://[{host}]/simple/" if ":" in host else f"http://{host}/simple/"
    result = dray.download("-i", index, "--timeout", "2", "demo", dest=dest)
    assert result.rc in (1, 2), result
    assert f"--trusted-host {host}" in result.err, result


@pytest.mark.parametrize("shape", ["[::2]", "::2", "[::2]:{port}"])
def test_a_trusted_literal_address(dray, dest, shape):
    """Not refused any more; that nobody is there is another story."""
    result = dray.download("-i", "http://[::2]:81/simple/", "--trusted-host", shape.format(port=81), "--timeout", "2",
                           "demo", dest=dest)
    failed_with(result, "::2")
    assert "--trusted-host" not in result.err, result


def test_one_thread_through_a_whole_run_over_tls(dray, dest, tmp_path, certificate, authority, root):
    with nginx_of(root, tmp_path / "nginx", certificate, authority) as server:
        prefix = mounts.with_hosts(tmp_path, f"127.0.0.1 {OTHER_NAME}")
        process = dray.start("download", "--no-deps", "-i", server.tls.replace("localhost", OTHER_NAME), "--cert",
                             authority.ca, *MANY, "-d", dest, prefix=prefix)
        watch = Watch(process.pid)
        result = succeeded(dray.finish(process))
        watch.join()
    assert len(names_in(dest)) == PROJECTS, result
    assert len(watch.seen) > 20 and set(watch.seen) == {1}, result
    assert watch.tasks == {str(process.pid)}
