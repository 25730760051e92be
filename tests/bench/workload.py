"""What is fetched: wheels of random content, their index, and the lists that contenders read."""

import contextlib
import dataclasses
import os
import pathlib
import random
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "flow"))

import make_index  # noqa: E402
import servers  # noqa: E402

KIB, MIB = 1024, 1024 * 1024

NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {run}/nginx.pid;
error_log {run}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
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
        listen 127.0.0.1:{port};
        root {root};
        location /simple/ {{ default_type {page_type}; index index.json; }}
    }}
}}
"""


@dataclasses.dataclass(frozen=True)
class Kind:
    """One bench, before its files are made."""

    key: str
    count: int
    sizes: tuple  # KiB, from and to
    quick_count: int
    connections: int = 20  # that curl and aria2c may open
    delay_ms: float = 0.0  # each way
    sample: int = 0  # files that stand for all where all would take too long

    def title(self, count):
        low, high = (f"{kib // KIB} MiB" if kib >= KIB else f"{kib} KiB" for kib in self.sizes)
        size = low if low == high else f"{low} to {high}"
        far = f", {2 * self.delay_ms:g} ms of round trip" if self.delay_ms else ""
        return f"{self.key}: {count:,} x {size}{far}"


KINDS = {
    kind.key: kind for kind in (
        Kind("bytes", 64, (16 * KIB, 16 * KIB), 16),
        Kind("files", 2000, (50, 50), 400, sample=200),
        # Here they decide: as many as dray opens unless it is told otherwise.
        Kind("latency", 200, (20, 200), 60, connections=40, delay_ms=15),
    )
}


@dataclasses.dataclass
class Workload:
    """Files on a server that runs, and the lists that name them."""

    kind: Kind
    title: str
    lists: pathlib.Path
    base: str  # URL before "/files/..." and "/simple/"
    port: int
    entries: list  # as the index has them: filename, size, hashes

    @property
    def bytes(self):
        return sum(entry["size"] for entry in self.entries)

    def sha256_of(self, count=None):
        """name -> digest of the first `count` files, all without it."""
        return {entry["filename"]: entry["hashes"]["sha256"] for entry in self.entries[:count]}

    def write_lists(self):
        """The same files for each: requirements, curl's config, aria2's input, the floor's list."""
        pins, urls, curl, aria2, floor = [], [], [], [], []
        for entry in self.entries:
            name = entry["filename"]
            url = f"{self.base}/files/{name}"
            project, sha256 = make_index.project_of(name), entry["hashes"]["sha256"]
            pins.append(f"{project}=={make_index.version_of(name)}\n")
            urls.append(f"{project} @ {url}#sha256={sha256}\n")
            curl.append(f'url = "{url}"\noutput = "{name}"\n')
            aria2.append(f"{url}\n  out={name}\n")
            floor.append(f"/files/{name} {sha256} {name}\n")
        self.lists.mkdir()
        (self.lists / "pinned.txt").write_text("".join(pins))
        (self.lists / "pinned-sample.txt").write_text("".join(pins[:self.kind.sample or None]))
        (self.lists / "urls.txt").write_text("".join(urls))
        (self.lists / "urls.curl").write_text("".join(curl))
        (self.lists / "urls.aria2").write_text("".join(aria2))
        (self.lists / "urls.floor").write_text("".join(floor))


def make_files(kind, count, root):
    """The wheels and their index below `root`; returns the index's entries."""
    sizes = random.Random(kind.key)
    entries = []
    for number in range(count):
        payload = sizes.randint(kind.sizes[0] * KIB, kind.sizes[1] * KIB)
        wheel = make_index.make_wheel(root / "files", f"bench-{number:04}", "1.0",
                                      payload=payload, seed=kind.key)
        entries.append(make_index.describe(wheel))
    make_index.write_index(root, entries)
    # Just written, so in the page cache; on the disk too before anybody's time is taken.
    os.sync()
    return entries


@contextlib.contextmanager
def nginx(root, run):
    """Serves `root`; yields the port."""
    run.mkdir()
    port = servers.free_port()
    config = run / "nginx.conf"
    config.write_text(NGINX.format(run=run, root=root, port=port, page_type=make_index.JSON_TYPE))
    command = [servers.find_nginx(), "-p", run, "-c", config, "-e", run / "error.log"]
    with servers.running(command, f"http://127.0.0.1:{port}/simple/", run / "nginx.log"):
        yield port


@contextlib.contextmanager
def relay(port, delay_ms):
    """The same server further away; yields the port to go to."""
    command = [sys.executable, HERE / "relay.py", "--to", str(port), "--delay-ms", str(delay_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@contextlib.contextmanager
def ready(kind, count, folder):
    """A Workload in `folder` whose server is up as long as the context."""
    entries = make_files(kind, count, folder / "root")
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(nginx(folder / "root", folder / "nginx"))
        if kind.delay_ms:
            port = stack.enter_context(relay(port, kind.delay_ms))
        work = Workload(kind, kind.title(count), folder / "lists", f"http://127.0.0.1:{port}",
                        port, entries)
        work.write_lists()
        yield work
