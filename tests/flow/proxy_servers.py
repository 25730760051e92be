"""Real proxies on loopback: squid for HTTP, with or without TLS and passwords, and microsocks for SOCKS 5; and one that
only writes down what it is told. Each is a context manager."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import pytest
import servers

HELPERS = [pathlib.Path(folder, "basic_ncsa_auth") for folder in
           ("/usr/lib/squid", "/usr/lib64/squid", "/usr/libexec", "/usr/libexec/squid", "/opt/homebrew/opt/squid/libexec",
            "/usr/local/opt/squid/libexec")]

# pinger: it would need rights that a test has not.
CONFIG = """
http_port 127.0.0.1:{port}
{more}
pid_filename {run}/pid
cache_log {run}/cache.log
access_log stdio:{run}/access.log
hosts_file {run}/hosts
dns_nameservers 127.0.0.1
coredump_dir {run}
visible_hostname localhost
cache deny all
cache_mem 1 MB
pinger_enable off
shutdown_lifetime 0 seconds
acl denied dstdomain denied.example.org
http_access deny denied
http_access allow {who}
http_access deny all
"""

AUTH = """
auth_param basic program {helper} {run}/passwords
auth_param basic realm tests
acl known proxy_auth REQUIRED
"""


def find(program):
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")


@dataclasses.dataclass
class Line:
    """Of squid's access log."""

    status: int
    method: str
    url: str
    user: str


class Squid:
    """`port` and, where it has TLS, `tls_port`; `hosts` is what it knows names by, and nobody else."""

    def __init__(self, run):
        self.run = run
        self.port = servers.free_port()
        self.tls_port = servers.free_port()
        self.config = run / "squid.conf"
        self._seen = 0

    @property
    def command(self):
        return [find("squid"), "-N", "-f", str(self.config)]

    def forget(self):
        """What is in the log now is of another test."""
        self._seen = len(self._lines())

    def log(self, at_least=0):
        """Since forget(). A tunnel is logged when it is closed: waits until there are so many lines."""
        until = time.monotonic() + 10
        while len(self._lines()) - self._seen < at_least and time.monotonic() < until:
            time.sleep(0.02)
        return self._lines()[self._seen:]

    def _lines(self):
        path = self.run / "access.log"
        text = path.read_text() if path.exists() else ""
        words = (line.split() for line in text[:text.rfind("\n") + 1].splitlines())
        # "/" is who looked whether it is up.
        return [Line(int(w[3].split("/")[1]), w[5], w[6], w[7]) for w in words if w[6] != "/" and "error:" not in w[6]]


@contextlib.contextmanager
def squid_files(hosts="", certificate=None, passwords=None):
    """What a squid needs, below /tmp: as root it becomes another user, who can't look into pytest's folders."""
    if not find("squid"):
        pytest.skip("no squid here")
    with tempfile.TemporaryDirectory(prefix="dray-squid-") as folder:
        run = pathlib.Path(folder)
        run.chmod(0o777)
        squid = Squid(run)
        more = ""
        if certificate:
            more += f"https_port 127.0.0.1:{squid.tls_port} tls-cert={certificate.chain} tls-key={certificate.key}\n"
        if passwords:
            more += AUTH.format(helper=helper(), run=run)
            lines = (f"{user}:{hashed(password)}\n" for user, password in passwords.items())
            (run / "passwords").write_text("".join(lines))
        (run / "hosts").write_text(f"127.0.0.1 localhost\n{hosts}\n")
        squid.config.write_text(CONFIG.format(port=squid.port, run=run, more=more, who="known" if passwords else "all"))
        yield squid


@contextlib.contextmanager
def squid(**facts):
    with squid_files(**facts) as made:
        with servers.running(made.command, f"http://127.0.0.1:{made.port}/", made.run / "squid.log"):
            made.forget()
            yield made


def has_tls():
    said = subprocess.run([find("squid") or "false", "-v"], capture_output=True, text=True, check=False).stdout
    return "--with-openssl" in said or "--with-gnutls" in said


def helper():
    for path in HELPERS:
        if path.exists():
            return path
    pytest.skip("squid's basic_ncsa_auth is not where it is looked for")


def hashed(password):
    return subprocess.run(["openssl", "passwd", "-apr1", password], capture_output=True, text=True,
                          check=True).stdout.strip()


@contextlib.contextmanager
def microsocks(user=None, password=None, prefix=()):
    """Yields its port."""
    if not find("microsocks"):
        pytest.skip("no microsocks here")
    port = servers.free_port()
    login = ["-u", user, "-P", password] if user else []
    process = subprocess.Popen([*prefix, find("microsocks"), "-i", "127.0.0.1", "-p", str(port), *login],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_open(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


def wait_until_open(port, process, seconds=20):
    until = time.monotonic() + seconds
    while True:
        assert process.poll() is None and time.monotonic() < until, f"{process.args} did not come up"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.02)


class Scribe:
    """Says the same to everybody and keeps what they asked: the lines of each head."""

    def __init__(self, answer):
        self.answer, self.heads = answer, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection):
        with connection, connection.makefile("rb") as reader:
            if self.answer is None:  # says nothing until the other goes
                reader.read()
                return
            head = []
            while (line := reader.readline()) not in (b"", b"\r\n"):
                head.append(line.decode().strip())
            self.heads.append(head)
            connection.sendall(self.answer)

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
