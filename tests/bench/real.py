"""The real wheels of the flow tests, which choose them by the Python whose pip and uv are measured."""

import json
import subprocess

import command

FLOW = command.ROOT / "tests" / "flow"


def ask(*words):
    # In the Python that they are for.
    return subprocess.run([command.Tools.python(), FLOW / "real_sets.py", *words], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def needs():
    """As requirements, a line each."""
    return ask("needs")


def fetch():
    """Once and for all."""
    ask("fetch")


def make(root):
    """The index; returns its entries."""
    return json.loads(ask("index", root))
