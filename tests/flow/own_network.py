#!/usr/bin/env python3
"""A small internet for one program: loopback, a hosts file, name servers and web servers that nobody else sees.

own_network.py SCENARIO COMMAND...

To be run in network and mount namespaces of its own (see prefix()). It sets them up as the JSON file SCENARIO says,
leaves the servers to a child and becomes COMMAND; the child ends when COMMAND has. Keys, all optional:

  hosts   lines for /etc/hosts
  resolv  lines for /etc/resolv.conf
  nsswitch  lines for /etc/nsswitch.conf
  run     [[port, command...], ...]: servers, which are up when COMMAND starts
  serve   addresses on whose port 80 `root` (of make_index) is served
  tls     [chain, key]: served over TLS
  full    addresses on whose port 80 somebody listens who never answers: a connection times out
  mute    the same, but one can connect: nobody answers
  rude    addresses on whose port 80 each connection is closed at once
  dns     {"NAME TYPE": [answer, ...]}: to the first, second ... question; the last one repeats. An answer is a list
          of addresses, "CNAME NAME", or one of NXDOMAIN, SERVFAIL, REFUSED, NODATA, SILENCE, TRUNCATED (over UDP: come
          by TCP), GARBAGE. What is not there is NXDOMAIN.
  log     file: a line for each question, "dns NAME TYPE udp", and each request, "http ADDRESS PATH"
"""

import fcntl
import http.server
import json
import os
import pathlib
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import make_index  # noqa: E402

DNS_ADDRESS = ("127.0.0.1", 53)
TYPES = {1: "A", 5: "CNAME", 28: "AAAA"}
CODES = {"NOERROR": 0, "SERVFAIL": 2, "NXDOMAIN": 3, "REFUSED": 5}
SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 0x41
BACKLOG_FILLERS = 4


def prefix(folder, unshare, **scenario):
    """What to put before a command; `unshare` as of mounts.unshare()."""
    path = folder / "scenario.json"
    path.write_text(json.dumps(scenario, default=str))
    return [*unshare, "-n", sys.executable, __file__, str(path)]


class Log:
    def __init__(self, path):
        self._file = open(path or os.devnull, "a", buffering=1)
        self._lock = threading.Lock()

    def __call__(self, *words):
        with self._lock:
            self._file.write(" ".join(map(str, words)) + "\n")


class Names:
    """Answers questions, RFC 1035 section 4."""

    def __init__(self, scenario, log):
        self._answers = {key: list(answers) for key, answers in scenario.items()}
        self._log = log
        self._lock = threading.Lock()

    def _next(self, key):
        with self._lock:
            answers = self._answers.get(key, ["NXDOMAIN"])
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def answer(self, query, transport):
        """The bytes to send back, or None."""
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12:at + 5]
        kind = TYPES.get(struct.unpack_from("!H", query, at + 1)[0], "other")
        # Newer resolvers ask in random case, to make forging harder; the question goes back as it came.
        name = ".".join(labels).lower()
        self._log("dns", name, kind, transport)
        said = self._next(f"{name} {kind}")
        if said == "TRUNCATED" and transport == "tcp":
            said = self._next(f"{name} {kind}")
        if said == "SILENCE":
            return None
        if said == "GARBAGE":
            return query[:2] + b"\xff" * 20
        records = self._records(said, kind)
        flags = 0x8180 | CODES.get(said if isinstance(said, str) else "NOERROR", 0) | 0x0200 * (said == "TRUNCATED")
        return query[:2] + struct.pack("!5H", flags, 1, len(records), 0, 0) + question + b"".join(records)

    def _records(self, said, kind):
        owner = b"\xc0\x0c"  # the question's name
        if isinstance(said, str) and said.startswith("CNAME "):
            target = said.split()[1]
            encoded = b"".join(bytes([len(part)]) + part.encode() for part in target.split(".")) + b"\0"
            further = self._records(self._next(f"{target} {kind}"), kind)
            return [self._record(owner, 5, encoded), *(encoded + record[2:] for record in further)]
        if isinstance(said, str):
            return []
        family = socket.AF_INET6 if kind == "AAAA" else socket.AF_INET
        return [self._record(owner, 28 if kind == "AAAA" else 1, socket.inet_pton(family, text)) for text in said]

    @staticmethod
    def _record(owner, kind, data):
        return owner + struct.pack("!HHIH", kind, 1, 60, len(data)) + data

    def serve_udp(self, listener):
        while True:
            query, who = listener.recvfrom(4096)
            answer = self.answer(query, "udp")
            if answer:
                listener.sendto(answer, who)

    def serve_tcp(self, listener):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection):
        """Several questions may come on one connection."""
        with connection, connection.makefile("rb") as reader:
            while len(head := reader.read(2)) == 2:
                answer = self.answer(reader.read(struct.unpack("!H", head)[0]), "tcp")
                if answer:
                    connection.sendall(struct.pack("!H", len(answer)) + answer)


def listen(address, **more):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, 80), family=family, **more)


class WebServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def __init__(self, listener, root, log, tls):
        def handler(*args):
            Handler(*args, directory=str(root))

        class Handler(make_index.Handler):
            def log_request(self, *_):
                log("http", self.connection.getsockname()[0], self.path)

        super().__init__(listener.getsockname()[:2], handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            # The handshake in the connection's own thread: who connects and says nothing holds up nobody.
            self.socket = context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)


def fill(listener):
    """Connections until its backlog is full; from then on the kernel drops whoever comes."""
    made = []
    for _ in range(BACKLOG_FILLERS):
        one = socket.socket(listener.family)
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
        made.append(one)
    return made


def set_up(scenario, folder):
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_RUNNING))
    files = {"hosts": "/etc/hosts", "resolv": "/etc/resolv.conf"}
    if "nsswitch" in scenario:
        files["nsswitch"] = "/etc/nsswitch.conf"
    for name, path in files.items():
        ours = folder / f"{name}.txt"
        ours.write_text(scenario.get(name, "") + "\n")
        subprocess.run(["mount", "--bind", ours, path], check=True)


def run(command, port, log):
    """A server of its own, which listens when this returns it."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    while True:
        assert process.poll() is None, f"{command[0]} ended"
        try:
            socket.create_connection((DNS_ADDRESS[0], port)).close()
            return process
        except ConnectionRefusedError:
            time.sleep(0.02)


def turn_away(listener):
    while True:
        listener.accept()[0].close()


def serve(scenario, listeners, alive):
    """In the child, until the other end of `alive` closes, which COMMAND has inherited."""
    log = Log(scenario.get("log"))
    names = Names(scenario.get("dns", {}), log)
    jobs = [(names.serve_udp, listeners["udp"]), (names.serve_tcp, listeners["tcp"])]
    jobs += [(WebServer(listener, scenario["root"], log, scenario.get("tls")).serve_forever, 0.1)
             for listener in listeners["web"]]
    jobs += [(turn_away, listener) for listener in listeners["rude"]]
    for work, argument in jobs:
        threading.Thread(target=work, args=(argument,), daemon=True).start()
    with open(listeners["folder"] / "own_network.log", "ab") as out:
        started = [run(command, port, out) for port, *command in scenario.get("run", [])]
    os.write(listeners["ready"], b"r")
    os.read(alive, 1)
    for process in started:
        process.kill()
        process.wait()
    os._exit(0)


def main():
    path = pathlib.Path(sys.argv[1])
    scenario = json.loads(path.read_text())
    set_up(scenario, path.parent)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(DNS_ADDRESS)
    listeners = {"udp": udp, "tcp": socket.create_server(DNS_ADDRESS),
                 **{kind: [listen(address, backlog=64) for address in scenario.get(key, [])]
                    for kind, key in (("web", "serve"), ("rude", "rude"), ("mute", "mute"))}}
    full = [listen(address, backlog=0) for address in scenario.get("full", [])]
    kept = [fill(listener) for listener in full]
    alive, held = os.pipe()
    wait, ready = os.pipe()
    listeners |= {"folder": path.parent, "ready": ready}
    if os.fork() == 0:
        os.close(held)
        os.close(wait)
        with open(path.parent / "own_network.log", "ab") as out:
            for standard in (1, 2):
                os.dup2(out.fileno(), standard)
        serve(scenario, listeners, alive)
    os.close(ready)
    assert os.read(wait, 1) == b"r", "a server did not start: see own_network.log"
    # Python's sockets close by themselves at exec; this one must not.
    os.set_inheritable(held, True)
    assert len(kept) == len(full)
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
