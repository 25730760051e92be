"""What is fetched: wheels, their index, and the lists that contenders read."""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import random
import zipfile

import daemon
import huge
import matrix
import nginx
import real
import shape
import universe
from nginx import make_index

KIB, MIB = 1024, 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Kind:
    """One bench, before its files are made."""

    key: str
    count: int
    quick_count: int
    what: str = "{count:,} x {size}"  # its title
    sizes: tuple = (0, 0)  # KiB: from and to, of random content
    shapes: str = ""  # like those real wheels, each as often as any other;
    extremes: bool = False  # or the two, with such a directory, of these sizes
    sidecars: bool = False
    universe: bool = False  # of projects that depend on each other; nothing but metadata is fetched
    real: bool = False  # known projects, of which nothing but metadata is fetched
    matrix: bool = False  # a set of projects for many targets: those are what counts
    jobs: bool = False  # of files that overlap: those are what counts
    logged: bool = False  # requests count
    tls: bool = False  # over HTTPS
    in_memory: bool = False  # all files on a tmpfs, where there is room: disks are not the question
    disturbed: bool = False  # each runs twice: as it is, and with one answer in twenty reset
    connections: int = 20  # that curl and aria2c may open
    delay_ms: float = 0.0  # each way
    sample: int = 0  # files that stand for all where all would take too long

    @property
    def resolves(self):
        return self.universe or self.real or self.matrix

    @property
    def in_all(self):
        """Requests and bytes of the whole run count, not those of one file."""
        return self.resolves or self.jobs

    def title(self, count):
        low, high = (f"{kib // KIB} MiB" if kib >= KIB else f"{kib} KiB" for kib in self.sizes)
        what = self.what.format(count=count, size=low if low == high else f"{low} to {high}")
        far = f", {2 * self.delay_ms:g} ms of round trip" if self.delay_ms else ""
        return f"{self.key}: {what}{far}"


# Where latency decides: as many connections as dray opens unless it is told otherwise.
FAR = {"connections": 40, "delay_ms": 15}

KINDS = {
    kind.key: kind for kind in (
        Kind("bytes", 64, 16, sizes=(16 * KIB, 16 * KIB)),
        Kind("files", 2000, 400, sizes=(50, 50), sample=200),
        Kind("latency", 200, 60, sizes=(20, 200), **FAR),
        Kind("metadata", 500, 83, "of {count:,} wheels without sidecars", shapes="pure",
             logged=True, sample=50, **FAR),
        Kind("sidecars", 500, 83, "metadata of {count:,} wheels", shapes="pure", sidecars=True,
             logged=True, sample=50, **FAR),
        Kind("binary", 102, 34, "metadata of {count:,} wheels for one platform, no sidecars",
             shapes="binary", logged=True, sample=17, **FAR),
        Kind("resolve", 2000, 400, "{count:,} projects of 50 versions", universe=True, logged=True, **FAR),
        Kind("real", 8, 8, "{count:,} known projects and all that they need", real=True, logged=True, **FAR),
        Kind("matrix", 100, 40, f"{{count:,}} packages for {matrix.SHAPE}, wheels of {{size}}",
             sizes=(4, 60), matrix=True, logged=True, sample=2, **FAR),
        Kind("warm", 200, 60, "{count:,} x {size}, a second time", sizes=(20, 200), logged=True),
        Kind("daemon", 2000, 400, f"{{count:,}} files of {{size}}, in jobs of {daemon.EACH}, each file in two",
             sizes=(10, 60), jobs=True, logged=True, sample=10),
        Kind("disturbed", 300, 100, "{count:,} wheels of 20 KiB to 8 MiB, one answer in twenty reset",
             disturbed=True),
        Kind("https", 8, 2, sizes=(256 * KIB, 256 * KIB), tls=True, in_memory=True),
        Kind("https-one", 1, 1, sizes=(2048 * KIB, 2048 * KIB), tls=True, in_memory=True),
        Kind("large", 2, 2, "one wheel of 16 MiB, one of 256 MiB", sizes=(16 * KIB, 256 * KIB),
             shapes="pure", extremes=True, logged=True),
    )
}


@dataclasses.dataclass
class Workload:
    """Files on a server that runs, and the lists that name them."""

    kind: Kind
    title: str
    lists: pathlib.Path
    root: pathlib.Path
    base: str  # URL before "/files/..." and "/simple/"
    port: int
    entries: list  # as the index has them: filename, size, hashes
    log: object = None  # nginx.Log, if requests count
    relay: object = None  # nginx.Relay, if there is one
    ca: pathlib.Path = None  # of the authority, with TLS

    canonical = staticmethod(make_index.canonical)

    @staticmethod
    def project_of(entry):
        return make_index.project_of(entry["filename"])

    @property
    def bytes(self):
        return sum(entry["size"] for entry in self.entries)

    @property
    def parts(self):
        """Entries, or of a matrix targets, or jobs: all of them, or some that a contender is to fetch."""
        every = matrix.TARGETS if self.kind.matrix else self.entries
        if self.kind.jobs:
            every = daemon.split(self.entries)
        return {"all": every, "sample": every[:self.kind.sample or None],
                "first": every[:1], "last": every[-1:]}

    def write_lists(self):
        """The same files for each: requirements, curl's config, aria2's input, the floor's list."""
        urls, curl, aria2, floor = [], [], [], []
        for entry in self.entries:
            name = entry["filename"]
            url, sha256 = f"{self.base}/files/{name}", entry["hashes"]["sha256"]
            urls.append(f"{self.project_of(entry)} @ {url}#sha256={sha256}\n")
            curl.append(f'url = "{url}"\noutput = "{name}"\n')
            aria2.append(f"{url}\n  out={name}\n")
            floor.append(f"/files/{name} {sha256} {name}\n")
        self.lists.mkdir()
        (self.lists / "root.txt").write_text(real.needs() if self.kind.real else "root\n")
        if self.kind.jobs:
            daemon.write_pins(self.lists, self.entries)
        elif not self.kind.matrix:
            self.write_pins()
        (self.lists / "urls.txt").write_text("".join(urls))
        (self.lists / "urls.curl").write_text("".join(curl))
        (self.lists / "urls.aria2").write_text("".join(aria2))
        (self.lists / "urls.floor").write_text("".join(floor))
        if self.kind.universe:
            universe.write_facts(self.lists / "facts.txt", len(self.entries) - 1)
        if self.kind.shapes:
            parts = map(self.curl_metadata, self.entries)
            (self.lists / "metadata.curl").write_text("next\n".join(parts))

    def write_pins(self):
        for part, entries in self.parts.items():
            pins = (f"{self.project_of(entry)}=={make_index.version_of(entry['filename'])}\n"
                    for entry in entries)
            (self.lists / f"pinned-{part}.txt").write_text("".join(pins))

    def curl_metadata(self, entry):
        """For one who knew beforehand where METADATA begins, and needs the directory, too."""
        name = entry["filename"]
        url = f"{self.base}/files/{name}"
        if self.kind.sidecars:
            return f'url = "{url}.metadata"\noutput = "{{out}}/{name}"\nfail\nsilent\n'
        with zipfile.ZipFile(self.root / "files" / name) as archive:
            first = next(info.header_offset for info in archive.infolist()
                         if info.filename.endswith(".dist-info/METADATA"))
        return f'url = "{url}"\noutput = "{{out}}/{name}"\nrange = "{first}-"\nfail\nsilent\n'


def sizes_of(kind, count):
    """Of payloads, in bytes."""
    if kind.disturbed:
        return [size * KIB for size in make_index.mixed_sizes(count)]
    chance = random.Random(kind.key)
    return [chance.randint(kind.sizes[0] * KIB, kind.sizes[1] * KIB) for _ in range(count)]


def make_huge(kind, count, folder):
    """Wheels that are not to be held in memory."""
    for number, payload in enumerate(sizes_of(kind, count)):
        yield huge.make_wheel(folder, f"bench_{number:04}", payload)


def make_random(kind, count, folder):
    """Wheels of random content."""
    for number, payload in enumerate(sizes_of(kind, count)):
        yield make_index.describe(make_index.make_wheel(folder, f"bench-{number:04}", "1.0",
                                                        payload=payload, seed=kind.key))


def make_alike(kind, count, folder):
    """Wheels with the shapes of real ones."""
    folder.mkdir(parents=True)
    shapes = shape.read_shapes(kind.shapes)
    if kind.extremes:
        middle = sorted(shapes, key=lambda one: one.file)[len(shapes) // 2]
        drawn = [dataclasses.replace(middle, file=size * KIB) for size in kind.sizes]
    else:
        drawn = shape.draw(shapes, count, kind.key)
    for number, one in enumerate(drawn):
        path, metadata = shape.make_wheel(folder, f"bench_{number:04}", one)
        more = {}
        if kind.sidecars:
            path.with_name(f"{path.name}.metadata").write_bytes(metadata)
            more["core_metadata"] = {"sha256": hashlib.sha256(metadata).hexdigest()}
        yield make_index.describe(path, **more)


def make_files(kind, count, root):
    """The wheels and their index below `root`; returns the index's entries."""
    if kind.universe:
        entries = universe.make(root, count)
    elif kind.real:
        entries = real.make(root)
    elif kind.matrix:
        entries = matrix.make(root, count, [KIB * size for size in kind.sizes])
    else:
        make = make_alike if kind.shapes else make_huge if kind.in_memory else make_random
        entries = list(make(kind, count, root / "files"))
        make_index.write_index(root, entries)
    # Just written, so in the page cache; on the disk too before anybody's time is taken.
    os.sync()
    return entries


@contextlib.contextmanager
def ready(kind, count, folder):
    """A Workload in `folder` whose server is up as long as the context."""
    root = folder / "root"
    entries = make_files(kind, count, root)
    with contextlib.ExitStack() as stack:
        authority = nginx.Authority(folder / "authority") if kind.tls else None
        port = stack.enter_context(nginx.serving(root, folder / "nginx", kind.logged, authority))
        relay = None
        if kind.delay_ms or kind.disturbed:
            relay = stack.enter_context(nginx.relay(port, kind.delay_ms))
            port = relay.port
        scheme = "https" if kind.tls else "http"
        work = Workload(kind, kind.title(count), folder / "lists", root,
                        f"{scheme}://127.0.0.1:{port}", port, entries, relay=relay,
                        ca=authority.ca if authority else None)
        work.write_lists()
        if kind.logged:
            work.log = nginx.Log(folder / "nginx" / "access.log", work.base)
            work.log.since_last()
        yield work
