"""Compares dray's reading of index pages with pip's own (index/collector.py, models/link.py).

    differential_simple.py ORACLE [--cases N] [--seed S]

ORACLE is the program oracle_simple. Prints the first differences and exits 1, or "N cases, equal".
Under pytest the build directory is named by DRAY_BUILD. Joining with the page's URL and quoting,
which the net layer does in dray, is done here for both sides.

Where dray differs on purpose, and what this program does about it:
- a JSON value of a wrong type is taken for missing, where pip raises or keeps it: it is removed
  before pip is asked;
- a digest that can't be one (wrong length, no hex) is only noted; an empty one promises nothing;
- metadata of which only impossible digests are known is not offered;
- pip leaves a relative <base href> as it is and loses the host; callers of dray's join it first;
- where the URL itself ends in no name, pip takes one from the page's URL or the host; dray leaves
  "", "." or "..";
- of several digests of one file that are no digests, the order of the others is not compared.
Not generated, because libxml2 and HTML 5 differ from Python's html.parser: an attribute that is
there twice, entities without ";" or of HTML 5 only, character references to control characters; and
VT and FF, which yajl takes for white space.
"""

import html
import json
import random
import re
import subprocess
import sys
import urllib.parse

from oracle import arguments, program, tell
from pip._internal.index.collector import HTMLLinkParser
from pip._internal.models.link import Link, _absolute_link_url, _ensure_quoted_url

PAGE = "https://index.example.org/simple/some-project/"
DAMAGE = [c for c in range(256) if c not in b"\v\f"]
NO_NAMES = ("", ".", "..")
SIZES = {"sha512": 128, "sha384": 96, "sha256": 64, "sha224": 56, "sha1": 40, "md5": 32}



# --- generating


def pick(r, *choices):
    return r.choice(choices)


def digest_hex(r, alg):
    n = SIZES.get(alg, 64)
    text = "".join(r.choice("0123456789abcdef") for _ in range(n))
    return r.choice([text] * 6 + [text.upper(), text[1:], text + "0", "", "z" + text[1:]])


def algorithm(r):
    return pick(r, *SIZES, "sha256", "sha256", "sha256", "blake2b_256", "SHA256", "")


def filename(r):
    return pick(
        r,
        f"some_project-{r.randrange(9)}.{r.randrange(99)}-py3-none-any.whl",
        f"some-project-{r.randrange(9)}.0.tar.gz",
        "some%20project-1.0%2Blocal.tar.gz",
        "some_project-1.0+local-py3-none-any.whl",
        "a%2Fb%2fc-1.0.zip",
        "%2e%2e",
        "..",
        "a b.zip",
        "projekt-\u00fc-1.0.zip",
        "%C3%BC%zz%4-1.0.zip",
        "a@b-1.0.zip",
        "a;b=c-1.0.zip",
        "x%00y.whl",
        "",
        "a:b.whl",
        "a&sha256=00.zip",
    )


def url(r):
    path = pick(
        r,
        "https://files.example.org/packages/ab/cd/",
        "HTTPS://files.example.org/",
        "http://user:word@files.example.org:8080/x/",
        "../../packages/",
        "/packages/",
        "//files.example.org/p/",
        "https:/one/",
        "https:",
        "",
        "./",
        "https://files.example.org",
        "https://[::1",
        "file:///srv/wheels/",
        "mailto:",
        " https://files.example.org/",
        "\n/packages/",
    )
    text = path + filename(r)
    text += pick(r, *[""] * 8, "/", "//", "%2F", "?a=1&b=2", "?", "\n", "?x=1&md5=00")
    for _ in range(pick(r, 0, 0, 1, 1, 2)):
        alg = algorithm(r)
        text += pick(r, "#", "#", "&", "#egg=x&", "#subdirectory=a&")
        text += f"{alg}={digest_hex(r, alg)}"
    return text + pick(r, *[""] * 9, "#", "#egg=", "&", "#egg=bad..name.", " ")


def anything(r, depth=0):
    choices = [None, True, False, 0, 1, -1, 2.5, 0.0, 10**30, "", "text"]
    choices += ["\u00fc\U0001f600", "a\nb\"\\\0"]
    if depth < 3 and r.random() < 0.3:
        inner = [anything(r, depth + 1) for _ in range(r.randrange(3))]
        return inner if r.random() < 0.5 else {f"k{i}": v for i, v in enumerate(inner)}
    return r.choice(choices)


def hash_map(r):
    algs = [algorithm(r) for _ in range(pick(r, 0, 1, 1, 2, 3))]
    return {alg: digest_hex(r, alg) if r.random() < 0.95 else anything(r) for alg in algs}


def advert(r):
    return pick(r, True, True, False, None, "true", "", 0, 1, hash_map(r), hash_map(r), anything(r))


def json_file(r):
    fields = [
        ("url", 0.97, lambda: url(r) if r.random() < 0.97 else anything(r)),
        ("filename", 0.5, lambda: filename(r)),
        ("hashes", 0.8, lambda: hash_map(r) if r.random() < 0.95 else anything(r)),
        ("requires-python", 0.5, lambda: pick(r, ">=3.8", ">=3.8", "", "<4 , >=2", anything(r))),
        ("yanked", 0.4, lambda: pick(r, False, True, "", "broken", anything(r))),
        ("core-metadata", 0.4, lambda: advert(r)),
        ("dist-info-metadata", 0.4, lambda: advert(r)),
        ("upload-time", 0.3, lambda: pick(r, "2024-01-02T03:04:05.678Z", "", anything(r))),
        ("size", 0.3, lambda: pick(r, 12345, anything(r))),
        ("unknown", 0.3, lambda: anything(r)),
    ]
    pairs = [(name, make()) for name, chance, make in fields if r.random() < chance]
    if r.random() < 0.1:
        pairs += [(name, make()) for name, chance, make in fields if r.random() < 0.2]
    r.shuffle(pairs)
    return pairs


def dump(r, value):
    return json.dumps(value, ensure_ascii=r.random() < 0.5)


def dump_pairs(pairs, r):
    return "{" + ", ".join(f"{dump(r, k)}: {v}" for k, v in pairs) + "}"


def json_page(r):
    files = [
        dump_pairs([(k, dump(r, v)) for k, v in json_file(r)], r)
        if r.random() < 0.97
        else dump(r, anything(r))
        for _ in range(pick(r, 0, 1, 1, 2, 3, 5))
    ]
    version = pick(r, *["1.0"] * 6, "1.4", "1", "01.0", "2.0", "0.9", "x", "10.0", 2, None)
    page = [
        ("files", "[" + ", ".join(files) + "]"),
        ("meta", dump(r, {"api-version": version, "_last-serial": 7})),
        ("name", '"some-project"'),
        ("versions", dump(r, anything(r))),
    ]
    if r.random() < 0.03:
        page.append(("files", dump(r, anything(r))))
    if r.random() < 0.03:
        page.pop(0)
    r.shuffle(page)
    text = dump_pairs(page, r).encode("utf-8", "surrogatepass")
    damage = r.random()
    if damage < 0.03:
        text = text[: r.randrange(len(text))]
    elif damage < 0.06:
        at = r.randrange(len(text))
        text = text[:at] + bytes([r.choice(DAMAGE)]) + text[at + 1 :]
    elif damage < 0.07:
        text = b"\xef\xbb\xbf" + text + b" \n"
    return text


def escape_char(r, c, rate):
    if " " < c < "\x7f" and r.random() < rate:
        return pick(r, "&#%d;", "&#x%x;", "&#X%X;") % ord(c)
    if c in '&"' or c in "<>'" and r.random() < 0.5:
        return html.escape(c)
    return c


def attribute(r, name, value):
    if value is None:
        return f" {name}"
    rate = pick(r, 0, 0, 0, 0.2)
    value = "".join(escape_char(r, c, rate) for c in value)
    quoted = [f'"{value}"']
    if "'" not in value:
        quoted.append(f"'{value}'")
    if value and not re.search(r"[\s\"'=<>`/\0]", value):
        quoted.append(value)
    equals = pick(r, "=", "=", "=", " = ", "\n=")
    name = r.choice([name, name, name, name.upper()])
    return pick(r, " ", " ", "\n   ") + name + equals + r.choice(quoted)


def html_advert(r):
    alg = algorithm(r)
    digest = f"{alg}={digest_hex(r, alg)}"
    return pick(r, "true", "", None, "false", digest, digest, "sha256")


def anchor(r):
    fields = [
        ("href", 0.97, lambda: pick(r, url(r), url(r), url(r), url(r), url(r), url(r), "", None)),
        ("data-requires-python", 0.4, lambda: pick(r, ">=3.8", ">=3.8,<4", "", None)),
        ("data-yanked", 0.3, lambda: pick(r, "", None, "broken & \"bad\" <b>", "r\u00e9ason")),
        ("data-core-metadata", 0.3, lambda: html_advert(r)),
        ("data-dist-info-metadata", 0.3, lambda: html_advert(r)),
        ("data-gpg-sig", 0.1, lambda: "true"),
        ("class", 0.1, lambda: "x"),
    ]
    r.shuffle(fields)
    present = [(name, make) for name, chance, make in fields if r.random() < chance]
    attributes = "".join(attribute(r, name, make()) for name, make in present)
    tag = r.choice(["a", "a", "a", "A"])
    text = r.choice(["file.whl", "a &lt; b", "", "<b>x</b>", "&amp;"])
    end = r.choice([f"</{tag}>"] * 5 + ["", "</b>"])
    return f"<{tag}{attributes}{r.choice(['', '', ' ', chr(10)])}>{text}{end}"


def html_between(r):
    return r.choice(
        ["<br/>\n"] * 6
        + ["\n", "", "<br>", "<p>", "</p>", "<!-- <a href=no> -->", "</div>", "<div class='x'>"]
        + ["<script>x = '<a href=no>';</script>", "<hr >", "text > text", "</body></html>"]
        + ["<html>", "<h1>Links</h1>", "<ul><li>", "</ul>", "<table><tr><td>", "</table>"]
        + ["<style>a > b {}</style>", "<pre>", "<span title='>'>", "a &amp; b &copy; c"]
    )


def html_page(r):
    parts = [pick(r, "<!DOCTYPE html>\n", "<!doctype html>", "", '<?xml version="1.0"?>\n', "\n ")]
    parts.append(pick(r, "<html><head>", "<html>", "", "<html lang=en><head><title>Links</title>"))
    other = '<meta http-equiv="Content-Type" content="text/html; charset=utf-16">'
    parts.append(pick(r, "", "", '<meta charset="latin-1">', other))
    version = pick(r, None, None, None, "1.0", "1.9", "2.0")
    if version:
        parts.append(f'<meta name="pypi:repository-version" content="{version}">')
    for _ in range(pick(r, 0, 0, 0, 1, 2)):
        base = pick(r, "https://cdn.example.org/x/", "https://cdn.example.org/y/z", "", None)
        parts.append("<base" + attribute(r, "href", base) + ">")
    parts.append(pick(r, "</head><body>", "<body>", ""))
    for _ in range(pick(r, 0, 1, 2, 3, 6)):
        parts += [anchor(r), html_between(r)]
    parts.append(pick(r, "</body></html>", "</body>\n</html>\n", "", "<!--SERIAL 5-->"))
    text = "".join(parts)
    # In half a tag, html.parser takes a "=" behind a blank for a name.
    if r.random() < 0.1 and not re.search(r"\s=", text):
        text = text[: r.randrange(len(text) + 1)]
    if r.random() < 0.02:  # beyond one block of the reader
        text = "<p>" + "words " * r.randrange(2000, 6000) + text
    charset = pick(r, "", "", "utf-8", '"UTF-8"', "latin-1", "ISO-8859-1", "windows-1252", "utf-16")
    content_type = "text/html" + (f"; charset={charset}" if charset else "")
    codec = charset.strip('"') or "utf-8"
    return text.encode(codec, "replace"), content_type, codec


# --- asking pip


def well_formed(alg, value):
    return len(value) == SIZES[alg] and re.fullmatch("[0-9a-fA-F]*", value) is not None


def clean_digests(value):
    return {k: v for k, v in value.items() if isinstance(v, str)}


def clean_entry(entry):
    """Without values of wrong types."""
    wanted = {"url": str, "requires-python": str, "hashes": dict, "upload-time": str,
              "yanked": (bool, int, float, str), "core-metadata": (bool, int, float, str, dict),
              "dist-info-metadata": (bool, int, float, str, dict)}
    out = {k: v for k, v in entry.items() if k in wanted and isinstance(v, wanted[k])}
    for key in ("hashes", "core-metadata", "dist-info-metadata"):
        if isinstance(out.get(key), dict):
            out[key] = clean_digests(out[key])
    return out


def pip_metadata(link):
    if link.metadata_file_data is None:
        return None
    hashes = link.metadata_file_data.hashes or {}
    good = [[a, hashes[a].lower()] for a in SIZES if a in hashes and well_formed(a, hashes[a])]
    if good:
        return good[0]
    return None if any(hashes.values()) else []


def pip_digests(link, promised):
    """The known ones in order, and whether some can't be."""
    found = dict(link._hashes)
    for alg, value in promised.items():
        found[alg] = found.get(alg) or value  # an empty one in the URL promises nothing
    known = [(alg, value) for alg, value in found.items() if alg in SIZES and value]
    good = [[alg, value.lower()] for alg, value in known if well_formed(alg, value)]
    return good, len(good) != len(known)


def pip_link(make):
    try:
        return make()
    except Exception:  # whatever a page can provoke: bad port, bad egg, bad time
        return None


def pip_json(body):
    """None when the page is none, else (base, [(link or None, entry)])."""
    try:
        data = json.loads(body)
    except ValueError:
        return None
    if not isinstance(data, dict) or not isinstance(data.get("files"), list):
        return None
    meta = data.get("meta")
    version = meta.get("api-version") if isinstance(meta, dict) else None
    if isinstance(version, str) and refused(version):
        return None
    entries = [clean_entry(f) for f in data["files"] if isinstance(f, dict)]
    entries = [f for f in entries if "url" in f]
    return PAGE, [(pip_link(lambda f=f: Link.from_json(f, PAGE)), f) for f in entries]


def refused(version):
    match = re.fullmatch(r"0*([0-9]+)(\..*)?", version, re.S)
    return match is not None and match[1] != "1"


class VersionParser(HTMLLinkParser):
    version = ""

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "meta" and found.get("name") == "pypi:repository-version":
            self.version = found.get("content") or ""
        super().handle_starttag(tag, attrs)


def pip_html(body, charset):
    parser = VersionParser(PAGE)
    parser.feed(body.decode(charset, "replace"))
    if refused(parser.version):
        return None
    base = parser.base_url or PAGE
    anchors = [a for a in parser.anchors if a.get("href")]
    return base, [(pip_link(lambda a=a: Link.from_element(a, PAGE, base)), {}) for a in anchors]


# --- comparing


def one_mark(text):
    """One U+FFFD for a run of wrong bytes, whatever each side makes of it; and DEL is NUL."""
    return re.sub("\ufffd+", "\ufffd", text).replace("\x7f", "\0")


def file_differences(ours, link, entry, base):
    if link is None or "&" in link.netloc:  # pip looks for digests there, too
        return []
    problems = []

    def check(what, got, want):
        if got != want:
            problems.append(f"{what}: dray {got!r}, pip {want!r}")

    joined = Link(_ensure_quoted_url(_absolute_link_url(base, ours["url"]))).url_without_fragment
    check("url", one_mark(joined), one_mark(link.url_without_fragment))
    path = urllib.parse.unquote(urllib.parse.urlsplit(ours["url"]).path)
    last = path.rstrip("/").rpartition("/")[2]
    want = last if last in NO_NAMES else str(link.filename)
    check("filename", one_mark(ours["filename"]), one_mark(want))
    check("requires-python", ours["requires_python"], link.requires_python)
    check("yanked", ours["yanked_reason"], link.yanked_reason)
    digests, broken = pip_digests(link, entry.get("hashes", {}))
    promised = entry.get("hashes", {})
    order = list if all(well_formed(k, v) for k, v in promised.items() if k in SIZES) else sorted
    check("digests", order(ours["digests"]), order(digests))
    check("broken", ours["broken"], broken)
    check("metadata", ours["metadata"], pip_metadata(link))
    if entry:
        check("upload-time", ours["upload_time"], entry.get("upload-time") or None)
    return problems


def differences(ours, theirs):
    if theirs is None:
        return ["dray accepts the page"] if ours["ok"] else []
    if not ours["ok"]:
        return [f"dray refuses the page: {ours['error']}"]
    base, links = theirs
    if len(ours["files"]) != len(links):
        return [f"dray has {len(ours['files'])} files, pip {len(links)}"]
    problems = []
    if (ours["base"] or PAGE) != base:
        problems.append(f"base: dray {ours['base']!r}, pip {base!r}")
    for i, (file, (link, entry)) in enumerate(zip(ours["files"], links)):
        problems += [f"file {i}: {text}" for text in file_differences(file, link, entry, base)]
    return problems


def run(oracle, cases, seed):
    """How many pages were compared, how many files, and the first few differences."""
    r = random.Random(seed)
    child = subprocess.Popen([oracle], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    found, files = [], 0
    for number in range(cases):
        if number % 2:
            body, content_type, charset = html_page(r)
            kind, theirs = "html", pip_html(body, charset)
        else:
            body, content_type = json_page(r), "application/vnd.pypi.simple.v1+json"
            kind, theirs = "json", pip_json(body)
        head = f"{kind} {len(content_type)} {len(body)}\n".encode()
        child.stdin.write(head + content_type.encode() + body)
        child.stdin.flush()
        ours = json.loads(child.stdout.readline())
        files += len(theirs[1]) if theirs else 0
        problems = differences(ours, theirs)
        if problems:
            found.append("\n    ".join([f"page {number} ({kind}, {content_type}): {body!r}", *problems]))
            if len(found) >= 5:
                break
    child.stdin.close()
    if child.wait():
        found.append(f"the oracle exited with {child.returncode}")
    return files, found


def test_differential():
    files, found = run(program("simple"), 20000, 1)
    assert files > 20000
    assert found == []


def main():
    options = arguments(__doc__, 20000).parse_args()
    _, found = run(options.oracle, options.cases, options.seed)
    return tell(options, options.cases, found)


if __name__ == "__main__":
    sys.exit(main())
