"""What every differential_*.py does alike: it asks its oracle (oracle.h) and tells what differs."""

import argparse
import os
import pathlib
import subprocess
import tempfile


def program(noun):
    """The oracle of the build that is tested, for pytest."""
    found = pathlib.Path(os.environ["DRAY_BUILD"], "tests", "unit", f"oracle_{noun}")
    assert found.exists(), f"{found} is not built"
    return str(found)


def escaped(data):
    """A field, as case.h reads it and oracle.h writes it."""
    data = data.encode() if isinstance(data, str) else data
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}" for byte in data)


def ask(oracle, questions):
    """The answers to questions of a name and fields, one by one; kept in a file, since they may take hundreds of
    megabytes."""
    lines = ["\t".join([name, *map(escaped, fields)]) + "\n" for name, *fields in questions]
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as answers:
        asked.writelines(line.encode() for line in lines)
        asked.seek(0)
        subprocess.run([oracle], stdin=asked, stdout=answers, check=True)
        answers.seek(0)
        given = sum(1 for _ in answers)
        assert given == len(lines), f"{len(lines)} questions, {given} answers"
        answers.seek(0)
        for line in answers:
            yield line[:-1].decode(errors="replace")


def batches(cases, size=100):
    """So many at a time, since each is kept in a file while it is asked about."""
    batch = []
    for case in cases:
        batch.append(case)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def arguments(description, cases):
    """What each takes when it is run by hand."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("oracle", help="the program that answers")
    parser.add_argument("--cases", type=int, default=cases)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def tell(options, cases, differences, kinds=None):
    """The counts of kinds, then the first differences, or how many cases were equal. What to exit with."""
    for kind, n in sorted((kinds or {}).items()):
        print(f"{n:8} {' '.join(kind)}")
    if differences:
        print(f"{len(differences)} differences, seed {options.seed}", *differences[:20], sep="\n")
    else:
        print(f"{cases} cases, equal")
    return bool(differences)
