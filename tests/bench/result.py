"""Whether a run did its work: the right files, or the metadata of every wheel, really read."""

import dataclasses
import hashlib
import json
import pathlib
import zlib

PINS_LEAST = 200
LOCAL_BYTES = 30  # of a zip: what stands before an entry's name


class Failed(Exception):
    """A contender did not do its work."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of one run."""

    work: object   # workload.Workload
    entries: list  # that it was to fetch
    out: pathlib.Path
    said: str      # on both outputs
    asked: object  # nginx.Asked, or None


def check_files(run):
    """Exactly the wanted files, byte for byte."""
    wanted = {entry["filename"]: entry["hashes"]["sha256"] for entry in run.entries}
    found = {path.name: path for path in run.out.iterdir()}
    if found.keys() != wanted.keys():
        raise Failed(f"{len(found)} files, expected {len(wanted)}; "
                     f"wrong or missing: {sorted(found.keys() ^ wanted.keys())[:3]}")
    for name, digest in wanted.items():
        if hashlib.sha256(found[name].read_bytes()).hexdigest() != digest:
            raise Failed(f"{name} has other bytes than the server's")


def check_read(run, found):
    """`found`: the names of the projects whose metadata it has; each wheel was read for that."""
    wanted = {run.work.project_of(entry): entry["filename"] for entry in run.entries}
    if sorted(found) != sorted(wanted):
        raise Failed(f"metadata of {len(found)} wheels, expected {len(wanted)}; "
                     f"wrong or missing: {sorted(set(found) ^ wanted.keys())[:3]}")
    unread = set(wanted.values()) - run.asked.names
    if unread:
        raise Failed(f"never asked the server for {len(unread)} of {len(wanted)} wheels")


def check_lock(run):
    """Pins, "root" among them, of which there are enough to be a solution."""
    pins = [line.split("==")[0] for line in (run.out / "lock.txt").read_text().splitlines()
            if "==" in line]
    if "root" not in pins or len(pins) < PINS_LEAST or len(set(pins)) != len(pins):
        raise Failed(f"{len(pins)} pins, expected at least {PINS_LEAST} and root")


def check_pip_lock(run):
    found = json.loads((run.out / "report.json").read_text())["install"]
    if len(found) < PINS_LEAST:
        raise Failed(f"{len(found)} pins, expected at least {PINS_LEAST}")


def check_dray(run):
    told = json.loads(run.said)
    check_read(run, [run.work.canonical(item["metadata"]["name"]) for item in told])
    # What it says that it took is what the server saw.
    requests = sum(item["requests"] for item in told)
    body_bytes = sum(item["bytes"] for item in told)
    if (requests, body_bytes) != (run.asked.requests, run.asked.body_bytes):
        raise Failed(f"says it took {requests} requests and {body_bytes} bytes, the server saw "
                     f"{run.asked.requests} and {run.asked.body_bytes}")


def check_uv(run):
    check_read(run, [line.partition("==")[0] for line in run.said.splitlines() if "==" in line])


def check_pip(run):
    report = json.loads((run.out / "report.json").read_text())
    check_read(run, [run.work.canonical(item["metadata"]["name"]) for item in report["install"]])


def check_curl(run):
    texts = [path.read_bytes() for path in run.out.iterdir()]
    check_read(run, [run.work.canonical(name_in(text)) for text in texts])


def name_in(data):
    """The Name of METADATA, which is as it stands or at the beginning of a piece of a wheel."""
    if data.startswith(b"PK\3\4"):
        skip = LOCAL_BYTES + int.from_bytes(data[26:28], "little")
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[skip:])
    return next(line.partition(b": ")[2].decode() for line in data.splitlines()
                if line.startswith(b"Name: "))
