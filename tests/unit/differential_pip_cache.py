"""Writes caches with pip's own code, asks oracle_pip_cache and pip what is in them, and compares.

    differential_pip_cache.py ORACLE [--cases N] [--seed S]

Where dray finds an answer pip must find the same one. Where only pip does, the record must be of a
kind that pip never writes. Prints the first differences and fails, or prints how many answers were
equal. Under pytest the oracle is $DRAY_BUILD/tests/unit/oracle_pip_cache.
"""

import collections
import io
import os
import pathlib
import random
import re
import sys
import tempfile

import pip._internal.cache
from oracle import arguments, ask, escaped, program, tell
from pip._internal.models.link import Link
from pip._internal.network.cache import SafeFileCache
from pip._internal.utils.appdirs import user_cache_dir
from pip._vendor import msgpack
from pip._vendor.cachecontrol.controller import CacheController
from pip._vendor.cachecontrol.serialize import Serializer
from pip._vendor.requests import Request
from pip._vendor.requests.structures import CaseInsensitiveDict
from pip._vendor.urllib3 import HTTPResponse

CASES = 24000
STORED = 400  # answers that are written to a disk
KEPT = ["Date", "Cache-Control", "Expires", "ETag", "Last-Modified", "Content-Encoding", "Content-Length"]
OTHER = ["Content-Type", "X-Served-By", "Age", "Vary", "Server", "Transfer-Encoding"]
VALUES = [
    "", "0", "12", "Mon, 01 Jan 2024 00:00:00 GMT", '"abc"', 'W/"x"', "max-age=600", "gzip", "identity",
    "max-age=365000000, immutable, public", "no-cache", "text/html", "chunked", "\u00e9", "\U0001f40d", "x" * 40,
    "y" * 300, "1,2", "*",
]
VARY = ["Accept", "Accept-Encoding", "accept-encoding", "Cookie", "*", ""]
FIELDS = {"body", "headers", "status", "version", "reason", "decode_content", "strict"}
ODD = [
    None, True, False, 0, 1, -1, 200, 65536, 2**32, 2**63, -(2**63), 1.5, "", "text", b"", b"bytes", [], {}, [1, [2]],
]
NAMES = ["strict", "more", "status", "ETag", "etag", b"etag", b"status", b"response", "*", 7, None]
DAMAGE = bytes([0x00, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0xA0, 0xBF, *range(0xC0, 0xE0), 0xE0, 0xED, 0xF4, 0xFF])
HASHES = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
SOURCES = ["https://example.org/foo-1.0.tar.gz", "file:///tmp/foo-1.0.zip", "git+https://g.example.org/o/r@0"]
HOSTILE = list("\t\n\r\f\b\x00\x01\x1f\x7f\"\\~ |/") + ["\u00e9", "\u2028", "\uffff", "\U00010000", "\U0010ffff"]


class Asker:
    """A request that sends what the record wants it to have sent."""

    def __init__(self, vary):
        self.headers = vary if isinstance(vary, dict) else {}


def cased(r, text):
    return "".join(r.choice((c.lower(), c.upper())) for c in text) if r.random() < 0.2 else text


def headers(r):
    names = r.sample(KEPT, r.randrange(len(KEPT) + 1)) + r.sample(OTHER, r.randrange(3))
    return {cased(r, name): r.choice(VALUES) for name in names}


def written(r, body=b""):
    """A record as pip writes it, of an answer that a server might have given."""
    found = headers(r)
    if r.random() < 0.3:
        found["Vary"] = ", ".join(r.sample(VARY, r.choice([1, 1, 2])))
    asked = {"Accept-Encoding": r.choice(["identity", "gzip, deflate"]), "Accept": "text/html"}
    # Lengths that contradict each other are refused before anything is kept.
    found = {name: value for name, value in found.items() if name.lower() != "content-length" or "," not in value}
    request = Request("GET", "https://files.example.org/x", headers=asked).prepare()
    response = HTTPResponse(
        body=io.BytesIO(body), headers=found, status=r.choice([200, 200, 200, 203, 300, 301, 308]),
        version=r.choice([10, 11, 20]), reason=r.choice(["OK", "", None, "\u00e9"]), preload_content=False,
        decode_content=r.random() < 0.5)
    return Serializer().dumps(request, response, b"")


def shaped(r):
    """A record of about the right shape, with something in it that is odd."""
    response = {"body": b"", "headers": headers(r), "status": 200, "version": 11, "reason": "OK"}
    response["decode_content"] = False
    whole = {"response": response, "vary": r.choice([{}, {"Accept": None}, {"Accept": "text/html"}])}
    at = r.choice([whole, response, response, response["headers"], response["headers"], whole["vary"]])
    how = r.random()
    if at and how < 0.3:
        del at[r.choice(list(at))]
    elif at and how < 0.7:
        at[r.choice(list(at))] = r.choice(ODD)
    else:
        at[r.choice(NAMES)] = r.choice(ODD)
    return b"cc=4," + msgpack.dumps(whole, use_bin_type=True)


def damaged(r, record):
    record = bytearray(record)
    for _ in range(r.choice([1, 1, 1, 2, 4])):
        at, how = r.randrange(len(record) + 1), r.random()
        if how < 0.35 and at < len(record):
            record[at] ^= 1 << r.randrange(8)
        elif how < 0.55 and at < len(record):
            record[at] = r.choice(DAMAGE)
        elif how < 0.7:
            del record[at:]
        elif how < 0.8:
            del record[at:at + r.choice([1, 2, 5])]
        else:
            record[at:at] = bytes(r.choice(DAMAGE) for _ in range(r.choice([1, 2])))
    return bytes(record)


def a_record(r):
    record = written(r) if r.random() < 0.6 else shaped(r)
    return damaged(r, record) if r.random() < 0.5 else record


def decoded(record):
    """What is in a record, or None."""
    try:
        return msgpack.loads(record[5:], raw=False) if record.startswith(b"cc=4,") else None
    except ValueError:
        return None


def pip_reads(record):
    """What pip makes of it for the request that it was kept for: an answer, "miss", or "fails"."""
    whole = decoded(record)
    try:
        asker = Asker(whole["vary"] if isinstance(whole, dict) and "vary" in whole else {})
        return Serializer().loads(asker, record, io.BytesIO()) or "miss"
    except Exception:  # whatever it is: pip ends with a traceback
        return "fails"


def is_pips(record):
    """Might pip have written this? Then dray must read it."""
    whole = decoded(record)
    try:
        response, found, vary = whole["response"], whole["response"]["headers"], whole.get("vary", {})
        names = [name.lower() for name in found]
        return (
            b"cc=4," + msgpack.dumps(whole, use_bin_type=True) == record
            and set(response) <= FIELDS and type(response["status"]) is int and 100 <= response["status"] <= 999
            and all(type(text) is str for pair in found.items() for text in pair)
            and not any("," in value for name, value in found.items() if name.lower() == "content-length")
            and len(set(names)) == len(names)
            and all(type(name) is str and type(value) in (str, type(None)) for name, value in vary.items())
        )
    except (TypeError, KeyError, AttributeError):
        return False


def shown(answer, whole):
    vary = whole.get("vary", {}).items()
    varies = any(v is not None and (k.lower(), v.lower()) != ("accept-encoding", "identity") for k, v in vary)
    found = CaseInsensitiveDict(answer.headers)
    fields = ["ok", str(answer.status), str(int(varies))]
    return "\t".join(fields + ["+" + escaped(found[n].encode()) if n in found else "-" for n in KEPT])


def judge_record(record, got):
    """Why the oracle's answer is wrong, or None; and the kind of case."""
    want = pip_reads(record)
    if isinstance(want, str):
        return (f"pip: {want}" if got != "no" else None), want
    if got == "no":
        return ("pip reads it" if is_pips(record) else None), "odd"
    expected = shown(want, decoded(record))
    return (f"pip: {expected}" if got != expected else None), "hit"


def hostile(r, text):
    for _ in range(r.choice([0, 0, 0, 1, 2])):
        at = r.randrange(len(text) + 1)
        text = text[:at] + r.choice(HOSTILE) + text[at:]
    return text


def a_url(r):
    host = r.choice(["files.example.org", "example.org:8443", "[::1]:80", "xn--e1afmkfd.example.org"])
    path = "".join("/" + r.choice(["a", "B", "foo-1.0.tar.gz", "%20x", "p_q", ""]) for _ in range(r.randrange(4)))
    query = r.choice(["", "", "", "?", "?x=1", "?X=/a?b", f"?n={r.randrange(10**6)}"])
    return r.choice(["https", "http"]) + "://" + host + path + query


def url_variant(r, url):
    scheme, rest = url.split("://", 1)
    host = re.match("[^/?]*", rest).group()
    rest = rest[len(host):]
    return cased(r, scheme) + "://" + cased(r, host) + rest + r.choice(["", "", "#", "#sha256=00", "?", "/", "x"])


def store(r, cache, controller, url):
    """Keeps an answer as pip does; then something may happen to it."""
    body = b"z" * r.choice([0, 1, 12, 5000])
    found = {"ETag": '"x"', "Date": "Mon, 01 Jan 2024 00:00:00 GMT"}
    if r.random() < 0.7:
        found["Content-Length"] = str(len(body))
    status = r.choice([200, 200, 301])
    response = HTTPResponse(body=io.BytesIO(body), headers=found, status=status, preload_content=False)
    request = Request("GET", url).prepare()
    controller.cache_response(request, response, body)
    path = pathlib.Path(cache._get_cache_path(controller.cache_url(request.url)))
    how = r.random()
    if how < 0.1:
        path.unlink()
    elif how < 0.2:
        pathlib.Path(f"{path}.body").unlink()
    elif how < 0.3:
        pathlib.Path(f"{path}.body").write_bytes(body[:-1] if r.random() < 0.5 else body + b"z")
    elif how < 0.5:
        path.write_bytes(damaged(r, path.read_bytes()))
    return request.url


def judge_answer(cache, url, got):
    path = pathlib.Path(cache._get_cache_path(CacheController.cache_url(url)))
    body = pathlib.Path(f"{path}.body")
    record = cache.get(CacheController.cache_url(url))
    if record is None:
        return ("pip: none" if got != "no" else None), "none"
    parts = got.split("\t")
    wrong, kind = judge_record(record, "no" if got == "no" else "\t".join(parts[:-2]))
    if kind != "hit" and kind != "odd":
        return wrong, kind
    told = CaseInsensitiveDict(pip_reads(record).headers).get("Content-Length", "")
    redirect = pip_reads(record).status // 100 == 3
    size = body.stat().st_size
    # pip would hand it out and fail while reading when it is too short.
    if told.isdigit() and int(told) != size and not redirect:
        return (f"the body has {size} bytes" if got != "no" else None), "length"
    if got != "no" and parts[-2:] != [escaped(os.fsencode(body)), str(size)]:
        return f"pip: {body} {size}", kind
    return wrong, kind


def wheel_case(r):
    """A link, and what pip takes of it for the key."""
    url = hostile(r, r.choice(SOURCES))
    parts = []
    if r.random() < 0.6:
        name = r.choice(list(HASHES))
        parts.append(f"{name}=" + "".join(r.choice("0123456789abcdef") for _ in range(HASHES[name])))
    if r.random() < 0.4:
        parts.append("subdirectory=" + hostile(r, r.choice(["", "a", "a/b", "%20"])))
    return Link(url + ("#" + "&".join(parts) if parts else "")), r.choice(["cp", "pp"]), r.choice(["39", "312", "3_13"])


def wheel_question(cache_dir, link, name, version):
    pip._internal.cache.interpreter_name = lambda: name
    pip._internal.cache.interpreter_version = lambda: version
    want = pip._internal.cache.SimpleWheelCache(cache_dir).get_path_for_link(link)
    key = [link.url_without_fragment, link.hash_name or "", link.hash or "", link.subdirectory_fragment or ""]
    key += [name, version]
    return ("wheel", os.fsencode(cache_dir), *(text.encode() for text in key)), escaped(os.fsencode(want))


def dir_question(r):
    """pip's option wins, then the environment. Not asked: "~" with an empty HOME, which Python takes for
    "/" there, and for nothing a line later."""
    home = r.choice([None, "/home/me", "/home/me/", "/", "/h\u00e9", ""])
    xdg = r.choice([None, "", "/xdg", " /xdg\t", "xdg", "/xdg/"])
    said = r.choice([None, "/said", "said", "./said"] + (["~", "~/", "~/x", "~//x"] if home else []))
    for variable, value in (("HOME", home), ("XDG_CACHE_HOME", xdg)):
        os.environ.pop(variable, None)
        if value is not None:
            os.environ[variable] = value
    want = os.path.expanduser(said) if said else user_cache_dir("pip")
    asked = [b"-" if value is None else b"+" + value.encode() for value in (home, xdg, said)]
    return ("dir", *asked), os.path.normpath(want)


def unescaped(text):
    return re.sub(r"\\x(..)", lambda match: chr(int(match[1], 16)), text).encode("latin-1").decode()


def compare_records(oracle, r, cases, note):
    records = [a_record(r) for _ in range(cases)]
    for record, got in zip(records, ask(oracle, [("record", record) for record in records])):
        note("record", record, got, *judge_record(record, got))


def compare_answers(oracle, r, note):
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        cache = SafeFileCache(os.path.join(folder, "http-v2"))
        controller = CacheController(cache)
        stored = [store(r, cache, controller, a_url(r)) for _ in range(STORED)]
        asked = stored + [url_variant(r, r.choice(stored)) for _ in range(STORED * 4)]
        answers = ask(oracle, [("answer", folder.encode(), url.encode()) for url in asked])
        for url, got in zip(asked, answers):
            note("answer", url, got, *judge_answer(cache, url, got))


def compare_equal(oracle, questions, note, same):
    for (question, want), got in zip(questions, ask(oracle, [question for question, _ in questions])):
        note(question[0], question[1:], got, None if same(got) == want else f"pip: {want}", "equal")


def compare(oracle, seed, cases):
    """Lines that tell the differences, and the cases counted by their kind."""
    r = random.Random(seed)
    differences, kinds = [], collections.Counter()

    def note(what, case, got, wrong, kind):
        kinds[what, kind] += 1
        if wrong:
            differences.append(f"{what} {case!r}: {wrong}, dray: {got!a}")

    before = dict(os.environ)
    try:
        compare_answers(oracle, r, note)
        wheels = [wheel_question("/cache", *wheel_case(r)) for _ in range(cases // 6)]
        compare_equal(oracle, wheels, note, lambda got: got)
        dirs = [dir_question(r) for _ in range(500)]
        compare_equal(oracle, dirs, note, lambda got: os.path.normpath(unescaped(got)))
    finally:
        os.environ.clear()
        os.environ.update(before)
    compare_records(oracle, r, cases - sum(kinds.values()), note)
    return differences, kinds


def main():
    parser = arguments(__doc__, CASES)
    parser.add_argument("--verbose", action="store_true", help="also count the cases")
    options = parser.parse_args()
    differences, kinds = compare(options.oracle, options.seed, options.cases)
    return tell(options, sum(kinds.values()), differences, kinds if options.verbose else None)


def test_differential():
    differences, kinds = compare(program("pip_cache"), 0, CASES)
    assert not differences, "\n".join(differences[:20])
    for kind in ["record hit", "record miss", "record fails", "record odd", "wheel equal"]:
        assert kinds[tuple(kind.split())] >= CASES // 200, f"there are few cases of {kind}"
    for kind in ["answer hit", "answer none", "answer length", "dir equal"]:
        assert kinds[tuple(kind.split())] >= 20, f"there are few cases of {kind}"


if __name__ == "__main__":
    sys.exit(main())
