"""config/job.schema.json says of job files what dray says of them, setting by setting."""

import json
import sys

import jsonschema
import program
import pytest
from ruamel.yaml import YAML

sys.path.insert(0, str(program.ROOT / "doc"))
import job_schema  # noqa: E402

SCHEMA = json.loads((program.ROOT / "config" / "job.schema.json").read_text())
ROWS = list(job_schema.rows())
SAMPLES = {"SETTING_FLAG": [True, False, "yes", "off"], "SETTING_NUMBER": [7], "SETTING_SECONDS": [7, 2.5],
           "SETTING_LIST": [["x.txt"], "x.txt", []], "SETTING_FORMAT": [["a", "b"], ":all:"],
           "SETTING_BYTES": ["10GiB", "500 mb", 1000000], "SETTING_RATE": ["500K", 0], "SETTING_DATE": ["2024-03-01"],
           "SETTING_PROXY": ["", "http://proxy.example.org:3128"], "SETTING_PATH": ["x.txt"], "SETTING_TEXT": ["3"]}
WRONG = {"SETTING_FLAG": ["maybe", 2, [True]], "SETTING_NUMBER": [-1, "many", 100000, 1.5], "SETTING_SECONDS": ["soon", -1],
         "SETTING_BYTES": ["much", -1], "SETTING_RATE": ["fast"], "SETTING_WORD": ["frob", ""]}
BEARER = ["h=VARIABLE"]

GOOD = [
    {"requirements": ["a"]},
    {"requirements": "a"},
    {"requirement-files": ["r.txt"], "files": {"r.txt": "a\n"}},
    {"requirement": "r.txt", "files": {"r.txt": ""}, "constraint-files": "r.txt", "constraints": ["a<2"]},
    {"name": "n", "command": "install", "requirements": ["a"], "pip-options": ["--user"]},
    {"command": "wheel", "requirements": ["a"], "wheel-dir": "w"},
    {"command": "lock", "requirements": ["a"], "output": "o"},
    {"requirements": ["a"], "indexes": [{"name": "c", "url": "https://c.example.org/", "packages": ["a-*"]}]},
    {"requirements": ["a"], "directory": "x"},
    {"defaults": {"dest": "d", "format": "json", "pip-options": "-q"}, "jobs": [{"requirements": ["a"]}]},
    {"defaults": None, "jobs": [{"requirements": ["a"]}, {"name": "x", "requirements": ["b"], "command": "lock"}]},
]
BAD = [
    [], "a", {}, {"dest": "d"}, {"jobs": []}, {"jobs": {}}, {"jobs": ["a"]}, {"defaults": {}},
    {"requirements": {"a": "b"}}, {"requirements": [["a"]]}, {"requirements": [""]}, {"requirements": ["a"], "frob": 1},
    {"requirements": ["a"], "command": "frob"}, {"requirements": ["a"], "command": "cache"},
    {"requirements": ["a"], "wheel-dir": "w"}, {"requirements": ["a"], "command": "lock", "dest": "d"},
    {"requirements": ["a"], "pip-options": ["-q"]}, {"requirements": ["a"], "files": ["x"]},
    {"requirements": ["a"], "files": {"x": ["y"]}}, {"requirements": ["a"], "files": {"": "y"}},
    {"requirements": ["a"], "indexes": {"name": "c"}}, {"requirements": ["a"], "indexes": [{"url": "https://c.example.org/"}]},
    {"requirements": ["a"], "indexes": [{"name": "c", "url": "https://c.example.org/", "frob": 1}]},
    {"requirements": ["a"], "index": "c=https://c.example.org/"}, {"requirements": ["a"], "name": ""},
    {"requirements": ["a"], "name": ["x"]}, {"requirements": ["a"], "directory": ""}, {"requirements": ["a"], "command": None},
    {"jobs": [{"requirements": ["a"]}], "dest": "d"}, {"jobs": [{"requirements": ["a"]}], "defaults": {"name": "x"}},
    {"jobs": [{"requirements": ["a"]}], "defaults": []}, {"jobs": [{"requirements": ["a"], "jobs": []}]},
    *({"requirements": ["a"], name: "1"} for name in ("quiet", "verbose", "progress", "config", "isolated", "check", "priority")),
]


def by_setting():
    """(job, whether it is right), for each setting with right and wrong values, and in commands that don't take it."""
    for name, kind, commands, _, words, _ in ROWS:
        job = {"command": commands[0], "requirements": ["a"]}
        right = words.split("|") if kind == "SETTING_WORD" else SAMPLES[kind]
        right = [BEARER] if name == "bearer-token" else right
        yield from (({**job, name: value}, True) for value in right)
        wrong = [*WRONG.get(kind, []), {"a": "b"}, None, [["a"]]]
        yield from (({**job, name: value}, False) for value in wrong)
        for command in set(job_schema.COMMANDS) - set(commands):
            yield {"command": command, "requirements": ["a"], name: right[0]}, False


def verdicts(dray, folder, jobs):
    """What dray run --check says of each: all in one go."""
    folder.mkdir()
    (folder / "x.txt").write_text("a\n")
    paths = [folder / f"{n}.json" for n in range(len(jobs))]
    for path, job in zip(paths, jobs):
        path.write_text(json.dumps(job))
    result = dray("run", "--check", *paths)
    fine = set(result.out.splitlines())
    return [f"{path}: {len(job['jobs']) if 'jobs' in job else 1} job" in {line.split(",")[0].rstrip("s") for line in fine}
            for path, job in zip(paths, jobs)], result


def test_is_that_of_the_table():
    assert (program.ROOT / "config" / "job.schema.json").read_text() == job_schema.text(), \
        "python3 doc/job_schema.py >config/job.schema.json"
    assert len(ROWS) > 50


def test_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("what", ["good", "bad", "settings"])
def test_same_verdict(dray, tmp_path, what):
    cases = {"good": [(job, True) for job in GOOD], "bad": [(job, False) for job in BAD],
             "settings": list(by_setting())}[what]
    validator = jsonschema.Draft202012Validator(SCHEMA)
    told, result = verdicts(dray, tmp_path / "jobs", [job for job, _ in cases])
    lines = result.err.splitlines()
    for n, ((job, right), says) in enumerate(zip(cases, told)):
        why = [line for line in lines if f"/{n}.json" in line]
        assert says == right, f"dray: {job}: {why}"
        assert validator.is_valid(job) == right, f"schema: {job}: {[e.message for e in validator.iter_errors(job)]}"


def test_each_setting_of_the_program_is_in_it(dray):
    """As dray config has them: nothing is left out but what is up to who runs a job."""
    told = set()
    for command in job_schema.COMMANDS:
        told |= set(json.loads(program.succeeded(dray("config", command, "--json")).out)["settings"])
    assert told - {name for name, *_ in ROWS} == \
        {"config", "daemon", "index", "isolated", "progress", "quiet", "socket", "verbose"}
    assert {name for name, *_ in ROWS} <= told


def test_example():
    """The annotated file."""
    example = YAML(typ="safe").load((program.ROOT / "config" / "job-example.yaml").read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(example)
