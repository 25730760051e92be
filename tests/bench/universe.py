"""Universes of projects that depend on each other: pages and metadata files, without any wheels."""

import hashlib
import json
import random

from nginx import make_index

VERSIONS = 50
REACHED = 300  # of all projects so many may be needed
DIRECT = [f"p{number:04}" for number in range(12)]
PADDING = "A line of a description, as they are in most metadata files.\n" * 50


def needs_of(number, version):
    """Five versions in a row need the same; mostly what is newest, sometimes not."""
    rng = random.Random(f"{number} {version // 5}")
    needs = []
    for _ in range(rng.randint(1, 4)):
        other = number + rng.randint(1, 12)
        if number >= REACHED or other >= REACHED:
            continue
        low = rng.randint(0, 30)
        high = rng.choice(["", f",<{low // 10 + rng.randint(2, 6)}"])
        needs.append(f"p{other:04}>={low // 10}.{low % 10}{high}")
    return needs


def versions_of(number):
    """Each with what it needs."""
    return [(f"{v // 10}.{v % 10}", needs_of(number, v)) for v in range(VERSIONS)]


def write_release(root, name, version, needs):
    """Its metadata file; returns what its page says of it."""
    filename = f"{name}-{version}-py3-none-any.whl"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", "Requires-Python: >=3.8"]
    metadata = "\n".join([*lines, *(f"Requires-Dist: {need}" for need in needs), "", PADDING]).encode()
    (root / "files" / f"{filename}.metadata").write_bytes(metadata)
    return {"filename": filename, "url": f"../../files/{filename}", "size": 100000, "requires-python": ">=3.8",
            "hashes": {"sha256": hashlib.sha256(filename.encode()).hexdigest()},
            "core-metadata": {"sha256": hashlib.sha256(metadata).hexdigest()},
            "upload-time": "2024-01-01T00:00:00.000000Z", "yanked": False}


def make(root, count):
    """`count` projects and one, "root", that needs some directly; returns an entry for each project."""
    (root / "files").mkdir(parents=True)
    entries = []
    for number in range(count):
        name = f"p{number:04}"
        files = [write_release(root, name, version, needs) for version, needs in versions_of(number)]
        write_page(root, name, files)
        entries.append(files[-1])
    wanted = [write_release(root, "root", "1.0", DIRECT)]
    write_page(root, "root", wanted)
    return [*wanted, *entries]


def write_facts(path, count):
    """The same projects, as tests/unit/universe.h reads them."""
    lines = ["require root", "project root", "1.0", *(f"needs {need}" for need in DIRECT)]
    for number in range(count):
        lines.append(f"project p{number:04}")
        for version, needs in versions_of(number):
            lines += [version, "needs-python >=3.8", *(f"needs {need}" for need in needs)]
    path.write_text("\n".join([*lines, ""]))


def write_page(root, name, files):
    folder = root / "simple" / name
    folder.mkdir(parents=True)
    folder.joinpath("index.json").write_bytes(make_index.json_page(name, files))
    root.joinpath("simple", "index.json").write_text(json.dumps({"meta": {"api-version": "1.1"}, "projects": []}))
