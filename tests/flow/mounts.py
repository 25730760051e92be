"""Runs dray in a mount namespace of its own: with another /etc/hosts, on a tiny or a read-only file system."""

import os
import shutil
import subprocess

import pytest


def unshare():
    """The command that enters a private mount namespace; skips the test where this user can't."""
    for command in (["unshare", "-m"], ["unshare", "-Urm"]):
        if not shutil.which(command[0]):
            break
        tried = subprocess.run([*command, "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True, check=False)
        if tried.returncode == 0:
            return command
    pytest.skip("no private mounts: neither root nor user namespaces")


def behind(script):
    """A prefix for Program.start(): does `script`, then becomes dray (the process keeps its id)."""
    return [*unshare(), "sh", "-ec", f'{script}\nexec "$@"', "sh"]


def with_hosts(folder, lines):
    """Names of hosts that only dray sees."""
    hosts = folder / "hosts"
    with open("/etc/hosts", encoding="utf-8", errors="replace") as real:
        hosts.write_text(f"{real.read()}\n{lines}\n")
    return behind(f"mount --bind '{hosts}' /etc/hosts")


def copied_back(prefix_script, folder, copy, command):
    """For a destination on a file system that only the namespace sees: runs `command` there, then lists
    the destination into `copy`. Returns the prefix; dray is a child of the shell."""
    script = f'{prefix_script}\nrc=0\n"$@" || rc=$?\nls -A "{folder}" > "{copy}"\nexit $rc'
    return [*unshare(), "sh", "-ec", script, "sh", *command]


def is_root():
    return os.geteuid() == 0
