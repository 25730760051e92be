"""Servers that speak TLS: nginx with HTTP/2 and an access log, and the fault-scripted server behind a certificate."""

import contextlib
import dataclasses
import ssl
import struct
import time

import make_index
import servers
from fault_server import FaultServer

HTTP = """
    log_format protocols '$server_port $connection $server_protocol $status $sent_http_content_encoding $request_uri';
    root {root};
    default_type application/octet-stream;
    ssl_certificate {chain};
    ssl_certificate_key {key};
    gzip_types *;
    gzip_min_length 1;
    index index.json;
    map $uri $below {{ ~^/[^/]+/(?<tail>.*)$ $tail; }}
"""

# One plain server, one with TLS, one that wants a client's certificate too; the same index below each.
SERVERS = """
    server {{
        listen 127.0.0.1:{plain};
        access_log {run}/access.log protocols;
        location /simple/ {{ default_type {json}; }}
        location /secured/ {{ return 302 https://localhost:{tls}/simple/$below; }}
    }}
    server {{
        listen 127.0.0.1:{tls} ssl http2;
        access_log {run}/access.log protocols;
        keepalive_requests {requests};
        location /simple/ {{ default_type {json}; gzip on; }}
        location /unsecured/ {{ return 302 http://127.0.0.1:{plain}/simple/$below; }}
    }}
    server {{
        listen 127.0.0.1:{mutual} ssl http2;
        access_log {run}/access.log protocols;
        ssl_client_certificate {ca};
        ssl_verify_client on;
        location /simple/ {{ default_type {json}; }}
    }}
"""


@dataclasses.dataclass
class Line:
    """Of the access log."""

    port: int
    connection: str
    protocol: str
    status: int
    encoding: str
    path: str


class TlsNginx:
    """Indexes below plain, secured (http), tls, unsecured (https) and mutual."""

    def __init__(self, run, ports):
        self._log = run / "access.log"
        self.ports = ports
        self.plain = f"http://127.0.0.1:{ports['plain']}/simple/"
        self.secured = f"http://127.0.0.1:{ports['plain']}/secured/"
        self.tls = f"https://localhost:{ports['tls']}/simple/"
        self.unsecured = f"https://localhost:{ports['tls']}/unsecured/"
        self.mutual = f"https://localhost:{ports['mutual']}/simple/"
        self._seen = 0

    def forget(self):
        """What is in the log now is of another test."""
        self._seen = len(self._lines())

    def log(self, at_least=0):
        """Since forget(). nginx writes a line only after the answer: waits until there are so many."""
        until = time.monotonic() + 10
        while len(self._lines()) - self._seen < at_least and time.monotonic() < until:
            time.sleep(0.02)
        lines = [line.split() for line in self._lines()[self._seen:]]
        return [Line(int(port), connection, protocol, int(status), encoding, path)
                for port, connection, protocol, status, encoding, path in lines]

    def _lines(self):
        text = self._log.read_text() if self._log.exists() else ""
        return text[:text.rfind("\n") + 1].splitlines()


@contextlib.contextmanager
def tls_nginx(root, run, certificate, ca, requests=1000):
    """Serves root (of make_index); a connection takes so many `requests` before it is given up."""
    run.mkdir(parents=True, exist_ok=True)
    ports = {name: servers.free_port() for name in ("plain", "tls", "mutual")}
    blocks = (HTTP + SERVERS).format(run=run, root=root, chain=certificate.chain, key=certificate.key, ca=ca,
                                     requests=requests, json=make_index.JSON_TYPE, **ports)
    config = run / "nginx.conf"
    config.write_text(servers.NGINX.format(run=run, servers=blocks))
    command = [servers.find_nginx(), "-p", run, "-c", config, "-e", run / "error.log"]
    with servers.running(command, f"http://127.0.0.1:{ports['plain']}/simple/", run / "nginx.log"):
        yield TlsNginx(run, ports)


class TlsFaultServer(FaultServer):
    """A FaultServer behind a certificate. `connections` counts those that came, `shaken` those that got past the
    handshake."""

    def __init__(self, certificate, host="localhost"):
        self._context = certificate.server_context()
        self.connections = 0
        self.shaken = 0
        super().__init__()
        self.url = f"https://{host}:{self.port}"

    def _converse(self, connection):
        self.connections += 1
        try:
            connection = self._context.wrap_socket(connection, server_side=True)
        except (OSError, ssl.SSLError):
            connection.close()
            return
        self.shaken += 1
        self._talk(connection)

    def _talk(self, connection):
        super()._converse(connection)


# RFC 9113 section 4.1: length, type, flags, stream; section 6 for what is in them.
HEADERS, RST_STREAM, SETTINGS, GOAWAY = 1, 3, 4, 7
ACK, END_HEADERS, INTERNAL_ERROR = 1, 4, 2
# RFC 7541: ":status: 200" is entry 8 of the static table, "content-type" 31.
HEAD_OF_PAGE = b"\x88\x0f\x10" + bytes([len(make_index.JSON_TYPE)]) + make_index.JSON_TYPE.encode()


def frame(kind, flags, stream, content):
    return struct.pack("!I", len(content))[1:] + struct.pack("!BBI", kind, flags, stream) + content


# How HTTP/2 may be broken: what is sent when the head of a request has come on `stream`, and if the connection stays.

def resets(stream):
    return frame(RST_STREAM, 0, stream, struct.pack("!I", INTERNAL_ERROR)), True


def goes_away(stream):
    return frame(GOAWAY, 0, 0, struct.pack("!II", 0, INTERNAL_ERROR)), False


def nonsense(stream):
    return frame(SETTINGS, 0, 0, b"odd"), False


def stalls(stream):
    return b"", True


def stalls_in_the_body(stream):
    return frame(HEADERS, END_HEADERS, stream, HEAD_OF_PAGE), True


class BrokenHttp2Server(TlsFaultServer):
    """One that serves HTTP/1.1 well, and HTTP/2 like `breaks`. `streams` counts what was asked for by that."""

    def __init__(self, certificate, breaks):
        self._breaks = breaks
        self.streams = 0
        super().__init__(certificate)
        self._context.set_alpn_protocols(["h2", "http/1.1"])

    def _talk(self, connection):
        if connection.selected_alpn_protocol() != "h2":
            super()._talk(connection)
            return
        self._connections.add(connection)
        try:
            self._break(connection)
        except OSError:
            pass  # the client went
        finally:
            self._connections.discard(connection)

    def _break(self, connection):
        with connection, connection.makefile("rb") as reader:
            reader.read(len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
            connection.sendall(frame(SETTINGS, 0, 0, b""))
            while len(head := reader.read(9)) == 9:
                kind, flags, stream = struct.unpack("!BBI", head[3:])
                reader.read(int.from_bytes(head[:3], "big"))
                if kind == SETTINGS and not flags & ACK:
                    connection.sendall(frame(SETTINGS, ACK, 0, b""))
                if kind != HEADERS:
                    continue
                with self._lock:
                    self.streams += 1
                said, stays = self._breaks(stream)
                connection.sendall(said)
                if not stays:
                    return
