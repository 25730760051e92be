#!/usr/bin/env python3
"""Writes config/job.schema.json, the JSON Schema of a job file, from the table of settings:

    python3 doc/job_schema.py >config/job.schema.json
"""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "src" / "job" / "settings_table.c"
HEADERS = [ROOT / "include" / "dray" / "job" / name for name in ("settings_table.h", "settings.h")]
COMMANDS = ["download", "wheel", "install", "metadata", "lock"]
YES_OR_NO = ["yes", "no", "y", "n", "true", "false", "t", "f", "on", "off", "1", "0"]

# { "index-url", 'i', SETTING_TEXT, AT(index_url), FILES, ALL, 0, "URL", "the package index: ..." },
ROW = re.compile(r"""\{\s*"([a-z0-9-]+)",\s*(?:'.'|0),\s*(SETTING_\w+),\s*AT\(\w+\),\s*([\w |]+?),\s*([\w |]+?),\s*
                 (\w+),\s*(?:"([^"]*)"|NULL),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\}""", re.VERBOSE)
NUMBER = re.compile(r"\b([A-Z_]+) = ([A-Z0-9_ |*]+?)(?=[,\s}]*(?:/\*|,|\n|\}))")


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def numbers():
    """The constants of the enums, by name."""
    known = {}
    for path in [*HEADERS, TABLE]:
        for name, value in NUMBER.findall(without_comments(path.read_text())):
            known[name] = eval(value, {"__builtins__": {}}, known)  # pylint: disable=eval-used
    return known


def rows():
    """name, kind, commands, largest number, words, help; of all that a job may say."""
    known = numbers()
    for name, kind, where, commands, most, words, text in ROW.findall(without_comments(TABLE.read_text())):
        where, commands, most = (eval(word, {"__builtins__": {}}, known)  # pylint: disable=eval-used
                                 for word in (where, commands, most))
        if where & known["SETTING_IN_JOB"]:
            taken = [word for word in COMMANDS if commands & known[f"COMMAND_{word.upper()}"]]
            yield name, kind, taken, most, words, "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))


def ref(name):
    return {"$ref": f"#/$defs/{name}"}


def value(kind, most, words):
    """What a setting of that kind may be."""
    if kind == "SETTING_WORD":
        return {"enum": words.split("|")}
    if kind in ("SETTING_NUMBER", "SETTING_SECONDS"):
        return {"type": "integer" if kind == "SETTING_NUMBER" else "number", "minimum": 0, "maximum": most}
    return {"SETTING_FLAG": ref("flag"), "SETTING_LIST": ref("texts"), "SETTING_FORMAT": ref("texts"),
            "SETTING_BYTES": ref("size"), "SETTING_RATE": ref("size"), "SETTING_PROXY": {"type": "string"}}.get(kind, ref("text"))


def own():
    """The keys that are no settings."""
    lines = {"description": "each a line as in a requirements file, also with --hash", **ref("texts")}
    return {
        "command": {"description": "what the job is (default: download)", "enum": COMMANDS},
        "directory": {"description": "where relative paths begin (default: the directory of the job file)", **ref("text")},
        "requirements": lines,
        "constraints": {**lines, "description": "the same for constraints"},
        "requirement-files": {"description": "another name of requirement", **ref("texts")},
        "constraint-files": {"description": "another name of constraint", **ref("texts")},
        "files": {"description": "what requirements and constraints files of these names hold, in place of the disk",
                  "type": "object", "propertyNames": {"minLength": 1}, "maxProperties": 1000,
                  "additionalProperties": {"type": "string"}},
        "indexes": {"description": "indexes that have names", "type": "array", "items": ref("index")},
        "pip-options": {"description": "of install: what stands behind -- on its command line", **ref("texts")},
    }


def only_of(table, command):
    """Keys that this command does not take are wrong."""
    wrong = [name for name, _, taken, *_ in table if command not in taken]
    wrong += ["pip-options"] if command != "install" else []
    return {"properties": {name: False for name in wrong}}


def definitions(table):
    index = {"name": ref("text"), "url": {"type": "string"}, "packages": {"type": "array", "items": ref("text")}}
    said = {name: {"description": text, **value(kind, most, words)} for name, kind, _, most, words, text in table}
    asked = [{"required": [name]} for name in ("requirements", "requirement", "requirement-files")]
    job = {"type": "object", **ref("settings"),
           "properties": {"name": {"description": "for people (default: the name of the file)", **ref("text")}},
           "allOf": [{"if": {"properties": {"command": {"const": command}}, "required": ["command"]},
                      "then": only_of(table, command)} for command in COMMANDS],
           "unevaluatedProperties": False}
    return {
        "flag": {"anyOf": [{"type": "boolean"}, {"enum": YES_OR_NO}, {"enum": [0, 1]}]},
        "text": {"type": ["string", "number"], "minLength": 1},
        "size": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+ *([kmgtKMGT]([iI]?[bB])?|[bB])?$"}]},
        "texts": {"anyOf": [ref("text"), {"type": "array", "items": ref("text")}]},
        "index": {"type": "object", "properties": index, "required": ["name"], "additionalProperties": False},
        "settings": {"properties": {**own(), **said}},
        "defaults": {"type": ["object", "null"], **ref("settings"), "unevaluatedProperties": False},
        "job": job,
        "single": {**ref("job"), "anyOf": asked,
                   "if": {"not": {"required": ["command"]}}, "then": only_of(table, "download")},
        "several": {"type": "object", "required": ["jobs"], "additionalProperties": False,
                    "properties": {"defaults": ref("defaults"),
                                   "jobs": {"type": "array", "minItems": 1, "maxItems": 1000, "items": ref("job")}}},
    }


def schema():
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dray job file",
        "description": "What command lines of dray download, wheel, install, metadata and lock say; dray run does it.",
        "type": "object",
        "if": {"anyOf": [{"required": ["jobs"]}, {"required": ["defaults"]}]},
        "then": ref("several"),
        "else": ref("single"),
        "$defs": definitions(list(rows())),
    }


def text():
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(text(), end="")
