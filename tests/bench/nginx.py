"""The server that all fetch from, the relay in front of it, and what it was asked for."""

import contextlib
import dataclasses
import json
import pathlib
import subprocess
import sys
import time
import urllib.request

FLOW = pathlib.Path(__file__).resolve().parent.parent / "flow"
sys.path.insert(0, str(FLOW))

import make_index  # noqa: E402
import servers  # noqa: E402
from certificates import Authority  # noqa: E402, F401 (workload's)

MARK_SECONDS = 10

# Caching as the large public indexes have it: a page is good for ten minutes, a file for ever.
CONFIG = """
daemon off;
master_process off;
worker_processes 1;
pid {run}/nginx.pid;
error_log {run}/error.log;
events {{ worker_connections 1024; }}
http {{
    log_format asked '$request_method $uri $status $body_bytes_sent';
    access_log {log};
    sendfile on;
    keepalive_requests 10000000;
    client_body_temp_path {run}/body;
    proxy_temp_path {run}/proxy;
    fastcgi_temp_path {run}/fastcgi;
    uwsgi_temp_path {run}/uwsgi;
    scgi_temp_path {run}/scgi;
    types {{ }}
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port}{tls};
        root {root};
        location /files/ {{ add_header Cache-Control "max-age=365000000, immutable, public"; }}
        location /simple/ {{
            default_type {page_type};
            index index.json;
            add_header Cache-Control "max-age=600, public";
        }}
        location /stale/ {{
            alias {root}/simple/;
            default_type {page_type};
            index index.json;
            add_header Cache-Control "max-age=0, must-revalidate, public";
        }}
        location = /mark {{ return 204; }}
    }}
}}
"""


@contextlib.contextmanager
def serving(root, run, logged, authority=None):
    """Serves `root`; yields the port. `logged`: `run`/access.log says what was asked for.
    `authority`: over TLS, HTTP/2 included, with a certificate of it."""
    run.mkdir()
    port = servers.free_port()
    config = run / "nginx.conf"
    tls = ""
    if authority:
        shown = authority.server("127.0.0.1")
        tls = f" ssl http2; ssl_certificate {shown.chain}; ssl_certificate_key {shown.key}"
    config.write_text(CONFIG.format(run=run, root=root, port=port, page_type=make_index.JSON_TYPE,
                                    tls=tls, log=f"{run}/access.log asked" if logged else "off"))
    command = [servers.find_nginx(), "-p", run, "-c", config, "-e", run / "error.log"]
    # To a plain question a server of TLS answers 400, so it is up.
    with servers.running(command, f"http://127.0.0.1:{port}/simple/", run / "nginx.log"):
        yield port


class Relay:
    """What stands in front of the server, in a process of its own."""

    def __init__(self, process):
        self._process = process
        self.port = int(process.stdout.readline())

    def begin(self, how):
        """What was carried so far; from now on "calm", "connections SEED" or "answers SEED"."""
        self._process.stdin.write(f"{how}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextlib.contextmanager
def relay(port, delay_ms=0.0):
    """The same server, further away; yields a Relay."""
    command = [sys.executable, FLOW / "relay.py", "--to", str(port), "--delay-ms", str(delay_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        try:
            yield Relay(process)
        finally:
            process.terminate()


@dataclasses.dataclass
class Asked:
    """What came to the server in some time; pages of the index are told apart from all else."""

    pages: int = 0
    requests: int = 0
    body_bytes: int = 0
    names: set = dataclasses.field(default_factory=set)  # of wheels; a sidecar counts as its wheel

    def add(self, line):
        _, path, _, body_bytes = line.split()
        if path.startswith(("/simple/", "/stale/")):
            self.pages += 1
            return
        self.requests += 1
        self.body_bytes += int(body_bytes)
        self.names.add(pathlib.PurePosixPath(path).name.removesuffix(".metadata"))


class Log:
    """Reads the server's log piece by piece."""

    def __init__(self, path, base):
        self.path, self.mark = path, f"{base}/mark"
        self.offset = 0

    def since_last(self):
        """What was asked for since this was called last."""
        # Lines are written in the order in which requests end: behind this one stands no older one.
        with urllib.request.urlopen(self.mark, timeout=MARK_SECONDS):
            pass
        until = time.monotonic() + MARK_SECONDS
        while True:
            text = self.path.read_bytes()[self.offset:].decode()
            before, mark, _ = text.partition("GET /mark 204 0\n")
            if mark:
                break
            if time.monotonic() > until:
                raise RuntimeError(f"{self.path} has no line of the last request")
            time.sleep(0.01)
        self.offset += len((before + mark).encode())
        asked = Asked()
        for line in before.splitlines():
            asked.add(line)
        return asked
