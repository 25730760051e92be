"""Whether a run did its work: the right files, or the metadata of every wheel, really read."""

import dataclasses
import json
import pathlib
import zipfile
import zlib

import huge
import matrix

PINS_LEAST = 200
REAL_PINS_LEAST = 100
LOCAL_BYTES = 30  # of a zip: what stands before an entry's name


class Failed(Exception):
    """A contender did not do its work."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of one run."""

    work: object   # workload.Workload
    entries: list  # that it was to fetch; of a matrix targets, or jobs
    out: pathlib.Path
    said: str      # on both outputs
    asked: object  # nginx.Asked, or None


def check_files(run):
    """Exactly the wanted files, byte for byte."""
    check_folder(run.out, run.entries)


def check_folder(folder, entries):
    wanted = {entry["filename"]: entry["hashes"]["sha256"] for entry in entries}
    found = {path.name: path for path in folder.iterdir()}
    check_same(found, wanted, "files")
    for name, digest in wanted.items():
        if huge.sha256_of(found[name]) != digest:
            raise Failed(f"{name} has other bytes than the server's")


def check_same(found, wanted, what):
    """The names of both."""
    if set(found) != set(wanted):
        raise Failed(f"{len(found)} {what}, expected {len(wanted)}; "
                     f"wrong or missing: {sorted(set(found) ^ set(wanted))[:3]}")


def folders_of(run):
    """Each target with its directory; there are no others."""
    check_same([path.name for path in run.out.iterdir()],
               [target.folder for target in run.entries], "targets")
    return [(target, run.out / target.folder) for target in run.entries]


def check_matrix(run):
    for target, folder in folders_of(run):
        check_folder(folder, matrix.wanted(run.work.entries, target).values())


def check_pip_matrix(run):
    """What each target needs, but that pip evaluates markers for the Python that it runs in."""
    for target, folder in folders_of(run):
        names = {path.name for path in folder.iterdir()}
        check_folder(folder, [entry for entry in run.work.entries
                              if matrix.is_for(entry, target) and
                              (entry["filename"] in names or not matrix.is_sometimes(entry))])


def check_jobs(run):
    """Each job's files in its directory."""
    check_same([path.name for path in run.out.iterdir()], [job.name for job in run.entries],
               "jobs")
    for job in run.entries:
        check_folder(run.out / job.name, job.entries)


def check_uv_matrix(run):
    """Each package, from the wheel for this target, with all that the wheel holds."""
    for target, folder in folders_of(run):
        wanted = matrix.wanted(run.work.entries, target)
        found = {run.work.canonical(path.name.split("-")[0]): path
                 for path in folder.glob("*.dist-info")}
        check_same(found, wanted, f"packages for {target.name}")
        for name, entry in wanted.items():
            check_unpacked(run.work.root / "files" / entry["filename"], found[name])


def check_unpacked_all(run):
    """What all the wheels hold, in one directory."""
    wanted = {run.work.project_of(entry): entry for entry in run.entries}
    found = {run.work.canonical(path.name.split("-")[0]): path
             for path in run.out.glob("*.dist-info")}
    check_same(found, wanted, "packages")
    for name, entry in wanted.items():
        check_unpacked(run.work.root / "files" / entry["filename"], found[name])


def check_unpacked(wheel, info):
    """`info`: its dist-info, in which RECORD is the installer's."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            path = info.parent / member
            same = path.is_file() and (path.name == "RECORD" or huge.is_member(archive, member, path))
            if not same:
                raise Failed(f"{path} is missing or not as in {wheel.name}")


def check_read(run, found):
    """`found`: the names of the projects whose metadata it has; each wheel was read for that."""
    wanted = {run.work.project_of(entry): entry["filename"] for entry in run.entries}
    if sorted(found) != sorted(wanted):
        raise Failed(f"metadata of {len(found)} wheels, expected {len(wanted)}; "
                     f"wrong or missing: {sorted(set(found) ^ wanted.keys())[:3]}")
    unread = set(wanted.values()) - run.asked.names
    if unread:
        raise Failed(f"never asked the server for {len(unread)} of {len(wanted)} wheels")


def pins_of(run):
    return [line.split("==")[0] for line in (run.out / "lock.txt").read_text().splitlines()
            if "==" in line]


def check_lock(run):
    """Pins, "root" among them, of which there are enough to be a solution."""
    pins = pins_of(run)
    if "root" not in pins or len(pins) < PINS_LEAST or len(set(pins)) != len(pins):
        raise Failed(f"{len(pins)} pins, expected at least {PINS_LEAST} and root")


def check_solver(run):
    told = json.loads(run.said)
    if told["pins"] < PINS_LEAST:
        raise Failed(f"{told['pins']} pins, expected at least {PINS_LEAST}")


def check_pip_lock(run):
    found = json.loads((run.out / "report.json").read_text())["install"]
    if len(found) < PINS_LEAST:
        raise Failed(f"{len(found)} pins, expected at least {PINS_LEAST}")


def check_real(run):
    """tests/flow/test_real_sets.py says that the versions are right; here that all was done."""
    check_needed(run, [pin.split("[")[0] for pin in pins_of(run)])


def check_pip_real(run):
    found = json.loads((run.out / "report.json").read_text())["install"]
    check_needed(run, [run.work.canonical(item["metadata"]["name"]) for item in found])


def check_needed(run, pins):
    needs = (run.work.lists / "root.txt").read_text().split()
    missing = {need.split("[")[0] for need in needs} - set(pins)
    if missing or len(pins) < REAL_PINS_LEAST:
        raise Failed(f"{len(pins)} pins, expected at least {REAL_PINS_LEAST}; "
                     f"missing: {sorted(missing)}")


def check_dray(run):
    told = json.loads(run.said.rpartition("\nloop: ")[0])
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
