#!/usr/bin/env python3
"""Makes wheels and the pages of a package index, the same bytes every time, and serves them.

make_index.py DIR                  makes DIR/files, DIR/simple/<project>/index.{json,html}, DIR/requirements.txt
make_index.py --serve DIR          serves DIR on loopback until it is killed; prints the URL

Both ./quickstart --demo and the flow tests use it; it needs nothing but Python.
"""

import argparse
import base64
import gzip
import hashlib
import html
import http.server
import io
import json
import pathlib
import random
import re
import tarfile
import zipfile

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "text/html"

# name, version, KiB of payload: enough to see the small ones overtake the large ones
DEMO = [
    ("amber-lantern", "1.4.0", 12), ("basalt", "0.9.2", 640), ("cedar.tools", "2.0.1", 48),
    ("delta-river", "3.11.0", 96), ("ember", "1.0.post2", 8), ("fern_frond", "0.4.7", 20),
    ("granite-core", "5.2.0", 1024), ("harbor", "1.8.3", 64), ("iris-bloom", "2024.6.1", 32),
    ("juniper", "0.1.0", 4), ("kelp", "7.0.0", 256), ("lichen-map", "1.2.3", 16), ("moraine", "0.33.0", 128),
    ("nettle", "4.5.6", 24), ("obsidian-io", "1.1.1", 384), ("pine-resin", "0.7.0", 40),
    ("quartz.clock", "6.0.2", 512), ("reed-flute", "1.9.9", 28), ("saltmarsh", "2.3.0", 72),
    ("tundra", "10.0.0", 160),
]


def canonical(name):
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def escaped(name):
    """The name as it stands in a file name (binary distribution format)."""
    return re.sub(r"[-_.]+", "_", name).lower()


def payload_of(seed, size):
    """Bytes that do not compress, always the same for one seed."""
    return random.Random(seed).randbytes(size)


def make_wheel(folder, name, version, *, tag="py3-none-any", build="", requires_python=None,
               requires_dist=(), extras=(), payload=2048, seed=""):
    """A valid wheel, METADATA and RECORD included. `seed` makes other bytes under the same name."""
    package = escaped(name)
    stem = "-".join(part for part in (package, version, build, tag) if part)
    info = f"{package}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: made for tests\n"
    if requires_python:
        metadata += f"Requires-Python: {requires_python}\n"
    metadata += "".join(f"Requires-Dist: {requirement}\n" for requirement in requires_dist)
    metadata += "".join(f"Provides-Extra: {extra}\n" for extra in extras)
    python, abi, platforms = tag.split("-")
    tags = "".join(f"Tag: {p}-{a}-{f}\n" for p in python.split(".") for a in abi.split(".")
                   for f in platforms.split("."))
    members = {
        f"{package}/__init__.py": f'__version__ = "{version}"\n'.encode(),
        f"{package}/data.bin": payload_of(f"{stem}{seed}", payload),
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: make_index\nRoot-Is-Purelib: true\n{tags}".encode(),
    }
    record = ""
    for member, data in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{member},sha256={digest},{len(data)}\n"
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    path = pathlib.Path(folder) / f"{stem}.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for member, data in members.items():
            entry = zipfile.ZipInfo(member, (2020, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return path


def mixed_sizes(count):
    """KiB of payload of so many wheels: most are small, of any thirty three have 1 MiB, one or less 4 or 8 MiB."""
    chance = random.Random(count)
    sizes = [size for size, one_in in ((8192, 75), (4096, 38), (1024, 10)) for _ in range(count // one_in)]
    sizes += [chance.randint(20, 400) for _ in range(count - len(sizes))]
    chance.shuffle(sizes)
    return sizes


def make_sdist(folder, name, version, *, payload=1024):
    """A source distribution: enough of one to be chosen and fetched."""
    stem = f"{escaped(name)}-{version}"
    members = {
        f"{stem}/PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{stem}/pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "none"\n',
        f"{stem}/data.bin": payload_of(stem, payload),
    }
    path = pathlib.Path(folder) / f"{stem}.tar.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, data in members.items():
            entry = tarfile.TarInfo(member)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    path.write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    return path


def describe(path, url=None, **more):
    """One file of a project page (PEP 691). `more` adds or replaces keys: yanked, requires-python, hashes.
    A value of None leaves the key out."""
    data = pathlib.Path(path).read_bytes()
    name = pathlib.Path(path).name
    entry = {
        "filename": name,
        "url": url or f"../../files/{name}",
        "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
        "size": len(data),
    }
    entry.update({key.replace("_", "-"): value for key, value in more.items()})
    return {key: value for key, value in entry.items() if value is not None}


def json_page(project, files):
    """PEP 691, with the sizes and versions of PEP 700."""
    versions = sorted({version_of(entry["filename"]) for entry in files})
    page = {"meta": {"api-version": "1.1"}, "name": project, "versions": versions, "files": files}
    return json.dumps(page, indent=1).encode()


def html_page(project, files):
    """PEP 503, with the attributes of PEP 592 and requires-python."""
    lines = [f"<!DOCTYPE html><html><head><title>{project}</title></head><body><h1>{project}</h1>"]
    for entry in files:
        fragment = "".join(f"#{kind}={value}" for kind, value in list(entry.get("hashes", {}).items())[:1])
        attributes = ""
        if entry.get("requires-python"):
            attributes += f' data-requires-python="{html.escape(entry["requires-python"])}"'
        if entry.get("yanked"):
            reason = entry["yanked"] if isinstance(entry["yanked"], str) else ""
            attributes += f' data-yanked="{html.escape(reason)}"'
        lines.append(f'<a href="{html.escape(entry["url"] + fragment)}"{attributes}>{entry["filename"]}</a><br>')
    return "\n".join([*lines, "</body></html>\n"]).encode()


def version_of(filename):
    return re.sub(r"\.tar\.gz$|\.zip$", "", filename).split("-")[1]


def project_of(filename):
    return canonical(filename.split("-")[0])


def write_index(root, files):
    """Pages for `files` (of describe()), by project, below root/simple."""
    projects = {}
    for entry in files:
        projects.setdefault(project_of(entry["filename"]), []).append(entry)
    simple = pathlib.Path(root) / "simple"
    for project, entries in projects.items():
        folder = simple / project
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.json").write_bytes(json_page(project, entries))
        (folder / "index.html").write_bytes(html_page(project, entries))
    root_page = {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in sorted(projects)]}
    (simple / "index.json").write_text(json.dumps(root_page))
    links = "".join(f'<a href="{name}/">{name}</a>\n' for name in sorted(projects))
    (simple / "index.html").write_text(f"<!DOCTYPE html><html><body>\n{links}</body></html>\n")


def requirement_line(path):
    """The file pinned, with its hash."""
    name = pathlib.Path(path).name
    digest = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    return f"{project_of(name)}=={version_of(name)} \\\n    --hash=sha256:{digest}\n"


def make_demo(root):
    """The whole demonstration index; returns the wheels' paths."""
    root = pathlib.Path(root)
    wheels = [make_wheel(root / "files", name, version, payload=kib * 1024) for name, version, kib in DEMO]
    write_index(root, [describe(path) for path in wheels])
    (root / "requirements.txt").write_text("".join(map(requirement_line, wheels)))
    return wheels


class Handler(http.server.SimpleHTTPRequestHandler):
    """Static files; a project page as JSON or HTML, as the client prefers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/simple/") and self.path.endswith("/"):
            as_json = JSON_TYPE in self.headers.get("Accept", "")
            self.path += "index.json" if as_json else "index.html"
        super().do_GET()

    def guess_type(self, path):
        if str(path).endswith("index.json"):
            return JSON_TYPE
        return HTML_TYPE if str(path).endswith(".html") else "application/octet-stream"

    def log_message(self, *_):
        pass


def serve(root, url_file):
    def handler(*args):
        Handler(*args, directory=str(root))

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128  # with the usual 5, clients that open many connections wait for the kernel

    with Server(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        print(url, flush=True)
        if url_file:
            # Whoever waits for the file must never see half of it.
            half = pathlib.Path(f"{url_file}.new")
            half.write_text(f"{url}\n")
            half.rename(url_file)
        server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--url-file", type=pathlib.Path)
    args = parser.parse_args()
    if args.serve:
        serve(args.root, args.url_file)
    else:
        make_demo(args.root)


if __name__ == "__main__":
    main()
