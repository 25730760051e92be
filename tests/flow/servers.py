"""Real servers on loopback: nginx, pypiserver, devpi-server. Each is a context manager that yields its index URL."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import make_index

SCRIPTS = pathlib.Path(sys.executable).parent


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def find_nginx():
    # Debian puts it where only root's PATH looks.
    return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


def wait_until_up(url, process, log, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{process.args[0]} did not come up:\n{pathlib.Path(log).read_text()[-3000:]}")


@contextlib.contextmanager
def running(command, url, log, **popen):
    """A server process, up when this yields, gone afterwards."""
    with open(log, "ab") as out:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, **popen)
    try:
        wait_until_up(url, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


NGINX = """
daemon off;
master_process off;
pid {run}/nginx.pid;
error_log {run}/error.log;
events {{ worker_connections 1024; }}
http {{
    log_format asked '$request';
    access_log off;
    sendfile on;
    keepalive_requests 100000;
    client_body_temp_path {run}/body;
    proxy_temp_path {run}/proxy;
    fastcgi_temp_path {run}/fastcgi;
    uwsgi_temp_path {run}/uwsgi;
    scgi_temp_path {run}/scgi;
    types {{ }}
    {servers}
}}
"""

NGINX_SERVER = """
    server {{
        access_log {log};
        listen 127.0.0.1:{port};
        root {root};
        default_type application/octet-stream;
        location /simple/ {{ default_type {type}; index {index}; }}
    }}
"""


@contextlib.contextmanager
def nginx(root, run, access_log=None):
    """Serves root (of make_index) twice: yields the URLs of the JSON index and of the HTML index. `access_log`: a
    line for each request goes there, as it came."""
    run.mkdir(parents=True, exist_ok=True)
    ports = free_port(), free_port()
    kinds = (make_index.JSON_TYPE, "index.json"), (make_index.HTML_TYPE, "index.html")
    log = f"{access_log} asked" if access_log else "off"
    servers = "".join(NGINX_SERVER.format(port=port, root=root, type=kind, index=index, log=log)
                      for port, (kind, index) in zip(ports, kinds))
    config = run / "nginx.conf"
    config.write_text(NGINX.format(run=run, servers=servers))
    command = [find_nginx(), "-p", run, "-c", config, "-e", run / "error.log"]
    urls = [f"http://127.0.0.1:{port}/simple/" for port in ports]
    with running(command, urls[0], run / "nginx.log"):
        yield urls


@contextlib.contextmanager
def pypiserver(folder, run):
    """Serves the distributions in `folder`."""
    run.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [SCRIPTS / "pypi-server", "run", "-p", port, "-i", "127.0.0.1", "--disable-fallback", folder]
    url = f"http://127.0.0.1:{port}/simple/"
    with running(command, url, run / "pypiserver.log"):
        yield url


class DevpiClient:
    """What of devpi's HTTP interface an upload needs."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers = {"Accept": "application/json"}
        answer = self.ask("POST", "/+login", {"user": "root", "password": ""})
        token = base64.b64encode(f"root:{answer['result']['password']}".encode()).decode()
        self.headers["X-Devpi-Auth"] = token

    def ask(self, method, path, body):
        data = json.dumps(body).encode()
        self.connection.request(method, path, data, {**self.headers, "Content-Type": "application/json"})
        return self._read(f"{method} {path}")

    def _read(self, what):
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{what}: {answer.status} {data[:300]!r}")
        return json.loads(data) if data.startswith(b"{") else {}

    def upload(self, index, path):
        """As twine does."""
        fields = {
            ":action": "file_upload", "protocol_version": "1", "filetype": "bdist_wheel", "pyversion": "py3",
            "metadata_version": "2.1", "name": make_index.project_of(path.name),
            "version": make_index.version_of(path.name),
        }
        boundary = "dray-test-boundary"
        parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
                 for name, value in fields.items()]
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="content"; filename="{path.name}"\r\n'
                     "Content-Type: application/octet-stream\r\n\r\n".encode())
        data = b"".join([*parts, path.read_bytes(), f"\r\n--{boundary}--\r\n".encode()])
        content_type = f"multipart/form-data; boundary={boundary}"
        self.connection.request("POST", index, data, {**self.headers, "Content-Type": content_type})
        self._read(f"upload of {path.name}")


@contextlib.contextmanager
def devpi(wheels, run):
    """A devpi-server with one index of its own, no mirror, filled over HTTP."""
    run.mkdir(parents=True, exist_ok=True)
    state, port = run / "state", free_port()
    subprocess.run([SCRIPTS / "devpi-init", "--serverdir", state, "--no-root-pypi"], check=True,
                   capture_output=True)
    command = [SCRIPTS / "devpi-server", "--serverdir", state, "--host", "127.0.0.1", "--port", port,
               "--offline-mode"]
    base = f"http://127.0.0.1:{port}"
    with running(command, f"{base}/+api", run / "devpi.log"):
        client = DevpiClient(port)
        client.ask("PUT", "/root/flow", {"type": "stage", "bases": [], "volatile": True})
        for path in wheels:
            client.upload("/root/flow/", path)
        yield f"{base}/root/flow/+simple/"
