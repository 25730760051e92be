#!/usr/bin/env python3
"""Through which proxy: dray's answers against those of pip's requests, over generated variables and URLs.

    differential_proxies.py build/tests/unit/oracle_proxies [--cases N] [--seed S]

Prints the first differences and exits 1, or says how many cases were equal. From pytest, DRAY_BUILD names the
build directory.

What differs on purpose, and is therefore not generated: a port in no_proxy also fits a URL that has it without naming
it (so each URL names its own here); NO_PROXY counts as no_proxy does when that is empty; no other spelling of no_proxy
counts; blanks other than spaces go from all entries alike; a dot alone exempts nobody.
"""
import os
import random
import sys
from unittest import mock
from urllib.parse import urlsplit

from oracle import arguments, ask, program, tell
from pip._vendor.requests import Session
from pip._vendor.requests.utils import prepend_scheme_if_needed, select_proxy
from pip._vendor.urllib3.poolmanager import proxy_from_url

CASES = 20000
HOSTS = [
    "example.org", "www.example.org", "a.b.example.org", "example.com", "notexample.org", "org", "localhost", "x",
    "127.0.0.1", "10.0.0.1", "10.1.2.3", "192.168.0.77", "192.168.100.1", "[::1]", "[2001:db8::1]", "10.example.org",
]
PORTS = [80, 443, 8080, 3128, 1]
PROXIES = [
    "http://p1.example:3128", "p2.example:8080", "http://u:p@p3.example", "https://p4.example/", "https://p5.example:8443",
    "HTTP://p6.example:99", "http://10.9.8.7:3128", "http://[::1]:3128", "http://me%40x:p%2Fq@p7.example:1/ignored",
    "socks5://p8.example:1081", "socks5h://p9.example", "socks4://p10.example", "socks4a://u@p11.example:9",
]
ENTRIES = [
    "example.org", ".example.org", "..example.org", "www.example.org", "org", "rg", "xample.org", "Example.ORG", "*.example.org",
    "example.org:8080", ".example.org:443", "org:80", "EXAMPLE.org:80", "localhost", "127.0.0.1", "127.0.0.1:8080", "10.0.0.0/8",
    "10.0.0.0/16", "10.1.2.3/32", "10.1.2.2/31", "192.168.0.0/255", "192.168.0.0/0", "192.168.0.0/33", "192.168.0.77/1",
    "10/8", "10.1/16", "192.168.0.77/", "/8", "10.0.0.0/8/8", "2.3", "0.1", "::1", "[::1]", "::1:8080", "2001:db8::1", "db8::1",
    "2001:db8::/32", "*", "", " ", "exam ple.org", " example.com", "example.com ", "x", "x:1", "0.0.0.0/1", "-", "10.0.0.1 ",
]
NAMES = {kind: [f"{kind}_proxy", f"{kind}_proxy", f"{kind.upper()}_PROXY", f"{kind.upper()}_proxy", f"{kind.title()}_Proxy"]
         for kind in ("http", "https", "all", "ftp")}


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def bypass(self):
        r = self.r
        if r.random() < 0.1:
            return r.choice(["*", "* ", "*,", ""])
        text = ",".join(r.choice(ENTRIES) for _ in range(r.choice([1, 1, 2, 3, 6])))
        return text if r.random() < 0.7 else text + "," + self.near()

    def near(self):
        """What has to do with the hosts above, but slightly wrong or right."""
        r = self.r
        host = r.choice(HOSTS).strip("[]")
        end = host[r.randrange(len(host)):]
        return r.choice(["", ".", ".."]) + end.strip(".:") + r.choice(["", "", f":{r.choice(PORTS)}", f"/{r.randint(0, 40)}"])

    def variables(self):
        r = self.r
        made = []
        for kind, spellings in NAMES.items():
            for _ in range(r.choice([0, 1, 1, 2])):
                made.append((r.choice(spellings), r.choice([*PROXIES, *PROXIES, *PROXIES, ""])))
        lower, upper = self.bypass(), self.bypass()
        which = r.choice(["", "l", "l", "l", "u", "u", "lu"])
        if which == "lu":
            lower = lower or "-"
        if "l" in which:
            made.append(("no_proxy", lower))
        if "u" in which:
            made.append(("NO_PROXY", upper))
        if r.random() < 0.1:
            made.append(("REQUEST_METHOD", r.choice(["GET", ""])))
        r.shuffle(made)
        # The last of a name counts, in its first place: as in any environment there is but one.
        return dict(made)

    def case(self):
        r = self.r
        return f"{r.choice(['http', 'https'])}://{r.choice(HOSTS)}:{r.choice(PORTS)}/simple/", self.variables()


def answer(url, variables):
    with mock.patch.dict(os.environ, variables, clear=True):
        settings = Session().merge_environment_settings(url, {}, None, None, None)
    chosen = select_proxy(url, settings["proxies"])
    if not chosen:
        return "-"
    chosen = prepend_scheme_if_needed(chosen, "http")
    if chosen.startswith("socks"):
        parts = urlsplit(chosen)
        return f"{parts.scheme}://{parts.hostname}:{parts.port or 1080}"  # PySocks' DEFAULT_PORTS
    proxy = proxy_from_url(chosen).proxy
    return f"{proxy.scheme}://{proxy.host}:{proxy.port}"


def compare(oracle, n, seed):
    generator = Generator(seed)
    cases = [generator.case() for _ in range(n)]
    questions = (["find", url, *(f"{name}={value}" for name, value in variables.items())] for url, variables in cases)
    kinds, different = {}, []
    for (url, variables), got in zip(cases, ask(oracle, questions)):
        want = answer(url, variables)
        kind = (want.split(":")[0],)
        kinds[kind] = kinds.get(kind, 0) + 1
        if want != got:
            different.append(f"{url} {variables}\n    pip  {want}\n    dray {got}")
    return different, kinds


def test_differential():
    for seed in (1, 2):
        different, kinds = compare(program("proxies"), CASES, seed)
        assert not different, "\n".join(different[:20])
        assert len(kinds) == 7 and min(kinds.values()) > 200, kinds


def main():
    options = arguments(__doc__, CASES).parse_args()
    different, kinds = compare(options.oracle, options.cases, options.seed)
    return tell(options, options.cases, different, kinds)


if __name__ == "__main__":
    sys.exit(main())
