"""From names to addresses to connections: each test has a network, a hosts file and a name server of its own."""

import os
import pathlib
import signal
import socket
import subprocess
import time

import make_index
import mounts
import own_network
import pytest
from program import failed_with, names_in, succeeded
from test_threads import Watch

NAME = "index.example.org"
INDEX = f"http://{NAME}/simple/"
OURS = "127.0.0.1"
NOBODY = "127.0.0.2"  # nobody listens there: refused at once
RESOLV = "nameserver 127.0.0.1"
MANY = [f"many-{n}" for n in range(8)]
CROWD = [f"crowd-{n}" for n in range(200)]
WHEEL = "demo-1.0-py3-none-any.whl"


@pytest.fixture(scope="session")
def enter():
    """The command that enters private namespaces, with a network."""
    command = mounts.unshare()
    if subprocess.run([*command, "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no private networks: neither root nor user namespaces")
    if not os.path.exists("/etc/resolv.conf"):
        pytest.skip("no /etc/resolv.conf to put another one over")
    return command


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names-index")
    made = [make_index.make_wheel(folder / "files", name, "1.0") for name in ("demo", *MANY, *CROWD)]
    make_index.write_index(folder, [make_index.describe(path) for path in made])
    return folder


class Net:
    """net(...) runs dray in the network that was described; the log says who was asked for what."""

    def __init__(self, dray, dest, folder, enter, root):
        self._dray, self._dest, self._folder, self._enter, self._root = dray, dest, folder, enter, root
        self._log = folder / "network.log"

    def prefix(self, **scenario):
        scenario = {"serve": [OURS], "root": self._root, "log": self._log, **scenario}
        return own_network.prefix(self._folder, self._enter, **scenario)

    def __call__(self, *args, index=INDEX, **scenario):
        return self._dray.download("-i", index, "--trusted-host", NAME, *args, dest=self._dest,
                                   prefix=self.prefix(**scenario))

    def asked(self):
        """The name server: [(name, type, transport)]."""
        return [tuple(words[1:]) for words in self._lines() if words[0] == "dns"]

    def requested(self):
        """The web servers: [(address, path)]."""
        return [tuple(words[1:]) for words in self._lines() if words[0] == "http"]

    def _lines(self):
        return [line.split() for line in self._log.read_text().splitlines()] if self._log.exists() else []


@pytest.fixture
def net(dray, dest, tmp_path, enter, root):
    return Net(dray, dest, tmp_path, enter, root)


def at(address, kind="A"):
    return {f"{NAME} {kind}": [[address]]}


# /etc/hosts

def test_the_hosts_file(net, dest):
    succeeded(net("demo", hosts=f"{OURS} {NAME}", resolv=RESOLV))
    assert names_in(dest) == [WHEEL] and net.asked() == []


def test_the_first_of_two_addresses_refuses(net, dest):
    result = succeeded(net("demo", hosts=f"{NOBODY} {NAME}\n{OURS} {NAME}"))
    assert names_in(dest) == [WHEEL] and result.seconds < 8
    assert {address for address, _ in net.requested()} == {OURS}


def test_all_addresses_refuse(net):
    result = net("demo", hosts=f"{NOBODY} {NAME}\n127.0.0.4 {NAME}")
    failed_with(result, f"{NAME} port 80", "refused")
    assert result.seconds < 8 and net.requested() == []


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_address_of_each_family(net, dest):
    """A server that listens on IPv4 only, behind a name that has both, and the other way round."""
    hosts = f"::1 {NAME}\n{OURS} {NAME}"
    for serve in ([OURS], ["::1"]):
        for name in names_in(dest):
            (dest / name).unlink()
        succeeded(net("demo", hosts=hosts, serve=serve))
        assert names_in(dest) == [WHEEL]
    assert {address for address, _ in net.requested()} == {OURS, "::1"}


# Names that are not there

def test_no_such_name(net):
    """Final: a second question would have the same answer."""
    result = net("demo", "--retries", "3", resolv=RESOLV)
    failed_with(result, f"the name {NAME} has no address")
    assert sorted(kind for _, kind, _ in net.asked()) == ["A", "AAAA"] and result.seconds < 8


def test_a_name_without_addresses(net):
    failed_with(net("demo", "--retries", "3", resolv=RESOLV, dns={f"{NAME} A": ["NODATA"], f"{NAME} AAAA": ["NODATA"]}),
                f"the name {NAME} has no address")
    assert len(net.asked()) == 2


def test_several_projects_ask_once(net):
    result = net("demo", "many-1", "many-2", resolv=RESOLV)
    failed_with(result, NAME, errors=3)
    assert len(net.asked()) == 2


def test_nobody_to_ask(net):
    """Port 53 of that address is closed."""
    result = net("demo", resolv=f"nameserver {NOBODY}")
    failed_with(result, f"the name {NAME} could not be resolved")
    assert result.seconds < 20


def test_a_file_on_a_name_that_is_not_there(net, root, tmp_path):
    """The page comes, the file's own host has no address."""
    other = make_index.describe(root / "files" / WHEEL, f"http://files.example.org/{WHEEL}")
    make_index.write_index(tmp_path / "other", [other])
    result = net("demo", hosts=f"{OURS} {NAME}", resolv=RESOLV, root=tmp_path / "other")
    failed_with(result, "demo", "the name files.example.org has no address")


# DNS

def test_an_answer(net, dest):
    succeeded(net("demo", "many-1", "many-2", resolv=RESOLV, dns=at(OURS)))
    assert len(names_in(dest)) == 3
    assert sorted(net.asked()) == [(NAME, "A", "udp"), (NAME, "AAAA", "udp")]  # kept for the run


@pytest.mark.parametrize("other", ["NXDOMAIN", "NODATA", "SERVFAIL", "REFUSED"])
@pytest.mark.parametrize("kind,address", [("A", OURS), ("AAAA", "::1")])
def test_one_family_only(net, dest, kind, address, other):
    """The question for the other family fails in whatever way: the name has an address."""
    dns = {**at(address, kind), f"{NAME} {'A' if kind == 'AAAA' else 'AAAA'}": [other]}
    result = succeeded(net("demo", resolv=RESOLV, dns=dns, serve=[address]))
    assert names_in(dest) == [WHEEL] and result.seconds < 10


def test_one_family_is_never_answered(net, dest):
    """Some name servers drop what they do not know."""
    result = succeeded(net("demo", resolv=RESOLV, dns={**at(OURS), f"{NAME} AAAA": ["SILENCE"]}))
    assert names_in(dest) == [WHEEL] and result.seconds < 20


def test_both_families(net, dest):
    dns = {f"{NAME} A": [[NOBODY, OURS]], f"{NAME} AAAA": [["::1"]]}
    succeeded(net("demo", resolv=RESOLV, dns=dns))
    assert names_in(dest) == [WHEEL]


def test_many_addresses(net, dest):
    """More than anybody needs; one of the first answers."""
    crowd = [NOBODY, OURS, *(f"127.0.1.{n}" for n in range(1, 25))]
    succeeded(net("demo", resolv=RESOLV, dns={f"{NAME} A": [crowd]}))
    assert names_in(dest) == [WHEEL]


@pytest.mark.parametrize("first", ["SERVFAIL", "SILENCE", "GARBAGE"])
def test_the_second_answer_is_right(net, dest, first):
    dns = {f"{NAME} A": [first, [OURS]], f"{NAME} AAAA": [first, "NODATA"]}
    result = succeeded(net("demo", "--retries", "2", resolv=RESOLV, dns=dns))
    assert names_in(dest) == [WHEEL] and result.seconds < 10
    assert 2 <= sum(kind == "A" for _, kind, _ in net.asked()) <= 4


def test_a_server_that_fails_for_long(net, dest):
    """Longer than the resolver itself tries: the page's own attempts ask anew."""
    dns = {f"{NAME} A": [*["SERVFAIL"] * 5, [OURS]], f"{NAME} AAAA": [*["SERVFAIL"] * 5, "NODATA"]}
    succeeded(net("demo", "--retries", "4", resolv=RESOLV, dns=dns))
    assert names_in(dest) == [WHEEL]


def test_a_server_that_fails_for_ever(net):
    dns = {f"{NAME} {kind}": ["SERVFAIL"] for kind in ("A", "AAAA")}
    failed_with(net("demo", "--retries", "1", resolv=RESOLV, dns=dns), f"the name {NAME} could not be resolved")


def test_the_next_server_is_asked(net, dest):
    succeeded(net("demo", resolv=f"nameserver {NOBODY}\n{RESOLV}", dns=at(OURS)))
    assert names_in(dest) == [WHEEL]


def test_an_answer_too_long_for_udp(net, dest):
    dns = {f"{NAME} A": ["TRUNCATED", [OURS]], f"{NAME} AAAA": ["NODATA"]}
    succeeded(net("demo", resolv=RESOLV, dns=dns))
    assert names_in(dest) == [WHEEL]
    assert (NAME, "A", "tcp") in net.asked()


def test_an_alias(net, dest):
    dns = {f"{NAME} A": ["CNAME real.example.org"], f"{NAME} AAAA": ["NODATA"], "real.example.org A": [[OURS]]}
    succeeded(net("demo", resolv=RESOLV, dns=dns))
    assert names_in(dest) == [WHEEL]


def test_a_search_domain(net, dest):
    resolv = f"{RESOLV}\nsearch example.org"
    succeeded(net("demo", "--trusted-host", "index", index="http://index/simple/", resolv=resolv, dns=at(OURS)))
    assert names_in(dest) == [WHEEL] and NAME in [name for name, _, _ in net.asked()]


def test_localhost_is_never_asked_for(net, dest):
    """RFC 6761 section 6.3."""
    succeeded(net("demo", index="http://localhost/simple/", resolv=RESOLV, dns={"localhost A": [[NOBODY]]}))
    assert names_in(dest) == [WHEEL] and net.asked() == []


@pytest.mark.parametrize("dns", [
    at(OURS), {f"{NAME} A": ["SILENCE", [OURS]], f"{NAME} AAAA": ["NODATA"]},
    {f"{NAME} A": ["TRUNCATED", [OURS]], f"{NAME} AAAA": ["TRUNCATED", "NODATA"]},
], ids=["answer", "silence", "tcp"])
def test_one_thread(dray, dest, net, dns):
    process = dray.start("download", "--no-deps", "-i", INDEX, "--trusted-host", NAME, "demo",
                         *MANY, "-d", dest, prefix=net.prefix(resolv=RESOLV, dns=dns))
    watch = Watch(process.pid)
    result = succeeded(dray.finish(process))
    watch.join()
    assert len(names_in(dest)) == 9, result
    assert len(watch.seen) > 5 and set(watch.seen) == {1}
    assert watch.tasks == {str(process.pid)}


def test_the_servers_go_with_the_program(net, dray, tmp_path):
    """What these tests start must not stay behind."""
    process = dray.start("--version", prefix=net.prefix(resolv=RESOLV))
    assert dray.finish(process).rc == 0
    mine = os.fsencode(tmp_path / "scenario.json")
    until = time.monotonic() + 10
    while any(mine in line for line in command_lines()):
        assert time.monotonic() < until, "own_network.py still runs"
        time.sleep(0.05)


def command_lines():
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            yield (folder / "cmdline").read_bytes()
        except OSError:
            pass


# Who is asked: c-ares, or the system

@pytest.mark.parametrize("lines", ["hosts: dns files", "hosts: dns", "hosts: myhostname"])
def test_the_hosts_file_comes_first(net, dest, lines):
    """Whatever nsswitch.conf says; the name server knows another address."""
    if not os.path.exists("/etc/nsswitch.conf"):
        pytest.skip("no /etc/nsswitch.conf to put another one over")
    succeeded(net("demo", hosts=f"{OURS} {NAME}", resolv=RESOLV, nsswitch=lines, dns=at(NOBODY)))
    assert names_in(dest) == [WHEEL] and net.asked() == []


def test_the_hosts_file_in_any_case(net, dest):
    """Aliases and comments, too."""
    succeeded(net("demo", hosts=f"# {NOBODY} {NAME}\n{OURS}\tother.example.org {NAME.upper()} # more", resolv=RESOLV))
    assert names_in(dest) == [WHEEL] and net.asked() == []


@pytest.fixture
def confused(tmp_path):
    """A hosts file that only c-ares heeds, and that is wrong: who succeeds has not asked c-ares."""
    (tmp_path / "wrong").write_text(f"{NOBODY} {NAME}\n")
    return {"CARES_HOSTS": tmp_path / "wrong"}


@pytest.mark.parametrize("how", ["hosts", "dns"])
def test_the_system_is_asked(dray, dest, net, confused, how):
    prefix = net.prefix(hosts=f"{OURS} {NAME}" if how == "hosts" else "", resolv=RESOLV, dns=at(OURS))
    args = ("-i", INDEX, "--trusted-host", NAME, "demo", *MANY)
    failed_with(dray.download(*args, dest=dest, prefix=prefix, env=confused), "refused", errors=9)
    succeeded(dray.download(*args, "--resolver", "system", dest=dest, prefix=prefix, env=confused))
    assert len(names_in(dest)) == 9
    assert bool(net.asked()) == (how == "dns")


def test_the_system_knows_no_such_name(dray, dest, net):
    """Final, as with c-ares."""
    result = net("demo", "--resolver", "system", "--retries", "3", resolv=RESOLV)
    failed_with(result, f"the name {NAME} has no address")
    assert len(net.asked()) == 2 and result.seconds < 8


def test_the_system_fails(net):
    dns = {f"{NAME} {kind}": ["SERVFAIL"] for kind in ("A", "AAAA")}
    failed_with(net("demo", "--resolver", "system", "--retries", "0", resolv=RESOLV, dns=dns),
                f"the name {NAME} could not be resolved")


def test_an_end_while_the_system_is_asked(dray, dest, net):
    """What hangs in a thread is waited for; nothing is told of it, and nothing leaks."""
    dns = {f"{NAME} {kind}": ["SILENCE"] for kind in ("A", "AAAA")}
    process = dray.start("download", "--no-deps", "-i", INDEX, "--trusted-host", NAME, "demo", "-d", dest, "--resolver",
                         "system", prefix=net.prefix(resolv=f"{RESOLV}\noptions timeout:1 attempts:2", dns=dns))
    until = time.monotonic() + 20
    while not net.asked():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert dray.finish(process).rc == 130
