#!/usr/bin/env python3
"""Asks dray's solver and pip's own resolver about the same made-up universes of projects.

pip's Resolver, Factory, PackageFinder and PipProvider run as they are; only the listing and the metadata
come from memory. Every answer of dray is also checked by rules that are written here on `packaging` alone.

dray must find a solution exactly when pip does. In one case of a thousand it may be otherwise: where a version is
only for who asks for it (a pre-release, a yanked file) pip looks at who asked so far, some of whom it then drops,
and dray at who asks in the end; and pip's walk may be too deep for Python. What dray finds is valid by the rules
here in any case. Where pip neither rejected a candidate nor pinned a project anew, the versions are the same.
"""

import collections
import dataclasses
import logging
import pathlib
import random
import subprocess
import sys

import oracle
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from pip._internal.exceptions import InstallationError
from pip._internal.index.package_finder import PackageFinder
from pip._internal.metadata.importlib._dists import Distribution, WheelDistribution
from pip._internal.models.candidate import InstallationCandidate
from pip._internal.models.link import Link
from pip._internal.models.release_control import ReleaseControl
from pip._internal.models.selection_prefs import SelectionPreferences
from pip._internal.models.target_python import TargetPython
from pip._internal.req.constructors import install_req_from_line, install_req_from_req_string
from pip._internal.resolution.resolvelib import resolver as pip_resolver

CASES = 6000
ENV = default_environment()  # pip's markers are those of the Python that runs it
PYTHON = ENV["python_full_version"]
MINOR = sys.version_info.minor
VARIABLES = ("sys_platform", "os_name", "implementation_name", "platform_python_implementation", "platform_system",
             "platform_machine")


@dataclasses.dataclass
class Release:
    needs: list
    python: str = ""
    yanked: bool = False


@dataclasses.dataclass
class Universe:
    projects: dict  # name -> {version text: Release}
    requires: list
    constrains: list
    pre: bool = False

    def text(self):
        lines = [f"python {PYTHON}"] + [f"env {name} {ENV[name]}" for name in VARIABLES]
        lines += ["rules pre"] if self.pre else []
        lines += [f"require {r}" for r in self.requires] + [f"constrain {c}" for c in self.constrains]
        for name, releases in self.projects.items():
            lines.append(f"project {name}")
            for version, release in releases.items():
                lines.append(version + (" yanked" if release.yanked else ""))
                lines += [f"needs {n}" for n in release.needs]
                lines += [f"needs-python {release.python}"] if release.python else []
        return "\n".join([*lines, "solve", ""])


# -- universes --

MARKERS = ["python_version >= '3.8'", "sys_platform == 'win32'", f"python_version < '3.{MINOR}'", "os_name == 'posix'"]
PYTHONS = ["", "", "", "", "", "", ">=3.8", f">=3.{MINOR + 1}", f"<3.{MINOR}"]


def some_version(rng, odd):
    text = f"{rng.randint(0, 4)}.{rng.randint(0, 3)}"
    if rng.random() < odd:
        text += rng.choice(["rc1", "b2", "a1", ".dev1", ".post1", "+local", "rc2"])
    return text


def some_specifier(rng, versions, odd):
    """Mostly what some version satisfies."""
    picked = rng.choice(versions) if versions and rng.random() < 0.93 else some_version(rng, odd)
    public = picked.split("+")[0]
    base = ".".join(public.split(".")[:2]).rstrip("abcdev")
    op = rng.choices([">=", "<", "<=", "==", "!=", "~=", ">", "==*", ""], [36, 10, 10, 6, 6, 6, 3, 5, 18])[0]
    if op == "":
        return ""
    if op == "==*":
        return f"=={Version(base.split('rc')[0].split('b')[0].split('a')[0]).major}.*"
    return op + (picked if op in ("==", "!=") else public)


def some_need(rng, universe, names, odd, extras=True):
    name = rng.choice(names)
    extra = rng.choice(["[x]", "[y]", "[x,y]"]) if extras and rng.random() < 0.2 else ""
    versions = list(universe.get(name, {}))
    text = some_specifier(rng, versions, odd)
    if text and rng.random() < 0.15:
        more = some_specifier(rng, versions, odd)
        text += f",{more}" if more else ""
    return f"{name}{extra}{text}"


def some_universe(rng):
    odd = rng.choice([0, 0, 0.1, 0.3])
    names = [f"p{i}" for i in range(rng.randint(3, 14))]
    tight = rng.choice([0.5, 1, 2])
    projects = {}
    for name in names:
        if rng.random() < 0.01:
            continue
        releases = {}
        for _ in range(rng.randint(1, 8)):
            releases.setdefault(str(Version(some_version(rng, odd))), Release([]))
        projects[name] = releases
    for i, name in enumerate(names):
        # Mostly downward, so that not all hangs together with all.
        others = names[i + 1:] if i + 1 < len(names) and rng.random() < 0.85 else names
        for release in projects.get(name, {}).values():
            for _ in range(min(4, int(rng.expovariate(1 / tight)))):
                need = some_need(rng, projects, others, odd)
                if rng.random() < 0.2:
                    need += f"; extra == '{rng.choice('xy')}'"
                elif rng.random() < 0.1:
                    need += f"; {rng.choice(MARKERS)}"
                release.needs.append(need)
            release.python = rng.choice(PYTHONS)
            release.yanked = odd > 0 and rng.random() < 0.08
    wanted = rng.sample(names, min(len(names), rng.randint(1, 4)))
    requires = [some_need(rng, projects, [n], odd) for n in wanted]
    constrains = [some_need(rng, projects, names, odd, extras=False) for _ in range(rng.choice([0, 0, 0, 1, 2]))]
    return Universe(projects, requires, constrains, rng.random() < 0.05)


# -- pip --

class Reporter(pip_resolver.PipReporter):
    """Whether pip went back on anything."""

    last = None

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        Reporter.last = self
        self.pinned = collections.Counter()
        self.rejected = 0

    def rejecting_candidate(self, criterion, candidate):
        self.rejected += 1

    def resolving_conflicts(self, causes):
        self.rejected += 1

    def pinning(self, candidate):
        self.pinned[candidate.name] += 1


class Preparer:
    """Metadata from memory."""

    require_hashes = False

    def __init__(self, universe):
        self.universe = universe

    def prepare_linked_requirement(self, req, parallel_builds=False):
        name, version = req.link.filename.split("-")[:2]
        release = self.universe.projects[name][version]
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Python: {release.python}"] if release.python else []
        lines += [f"Requires-Dist: {n}" for n in release.needs]
        lines += ["Provides-Extra: x", "Provides-Extra: y", "", ""]
        info = pathlib.PurePosixPath(f"{name}-{version}.dist-info")
        files = {pathlib.PurePosixPath("METADATA"): "\n".join(lines).encode()}
        return Distribution(WheelDistribution(files, info), info, pathlib.PurePosixPath("."))


def pip_finder(universe):
    target = TargetPython(py_version_info=tuple(int(n) for n in PYTHON.split(".")))
    preferences = SelectionPreferences(
        allow_yanked=True, release_control=ReleaseControl(all_releases={":all:"}) if universe.pre else None)
    finder = PackageFinder.create(link_collector=None, selection_prefs=preferences, target_python=target)

    def find_all_candidates(name):
        return [InstallationCandidate(name, version,
                                      Link(f"http://127.0.0.1/{name}-{version}-py3-none-any.whl",
                                           yanked_reason="bad" if release.yanked else None))
                for version, release in universe.projects.get(name, {}).items()]

    finder.find_all_candidates = find_all_candidates
    return finder


def ask_pip(universe):
    """{name: version} or None, and whether pip went back on something."""
    asked = pip_resolver.Resolver(
        preparer=Preparer(universe), finder=pip_finder(universe), wheel_cache=None,
        make_install_req=install_req_from_req_string, use_user_site=False, ignore_dependencies=False,
        only_dependencies=False, ignore_installed=True, ignore_requires_python=False, force_reinstall=False,
        upgrade_strategy="to-satisfy-only", py_version_info=tuple(int(n) for n in PYTHON.split(".")))
    roots = [install_req_from_line(r, user_supplied=True) for r in universe.requires]
    roots += [install_req_from_line(c, constraint=True) for c in universe.constrains]
    try:
        asked.resolve(roots, check_supported_wheels=False)
    except InstallationError:
        return None, Reporter.last
    return {k: str(c.version) for k, c in asked._result.mapping.items() if "[" not in k and k[0] != "<"}, Reporter.last


# -- dray --

def ask_dray(program, universes):
    said = subprocess.run([program], input="".join(u.text() for u in universes), capture_output=True, text=True,
                          check=True).stdout.splitlines()
    assert len(said) == len(universes)
    for line in said:
        if line == "nothing":
            yield None
            continue
        pins = {}
        for pin in line.split(", "):
            name, _, version = pin.rpartition(" ")
            pins[name.partition("[")[0]] = version
        yield pins


# -- what a solution is --

def holds(marker, extra):
    return marker is None or marker.evaluate({**ENV, "extra": extra})


def is_rare(universe, pins):
    return any(Version(v).is_prerelease or universe.projects[p][v].yanked for p, v in pins.items())


def may_be_taken(universe, name, version, asking):
    """Pre-releases (PEP 440) and yanked files (PEP 592)."""
    whole = SpecifierSet(",".join(str(s) for s in asking if str(s)))
    fit = list(whole.filter(universe.projects[name], prereleases=True if universe.pre else None))
    pinned = any(s.operator == "===" or (s.operator == "==" and not s.version.endswith(".*")) for s in whole)
    if not (pinned and all(universe.projects[name][v].yanked for v in fit)):
        fit = [v for v in fit if not universe.projects[name][v].yanked]
    return version in fit


def problem_with(universe, pins):
    """What is wrong with a solution, or None; all that is in it must be needed, too."""
    open_ = [(Requirement(r), "") for r in universe.requires]
    constraints = [Requirement(c) for c in universe.constrains]
    seen, reached, asking = set(), set(), collections.defaultdict(list)
    while open_:
        need, by = open_.pop()
        name = canonicalize_name(need.name)
        if name not in pins:
            return f"{need} of {by} is missing"
        if not need.specifier.contains(pins[name], prereleases=True):
            return f"{name} {pins[name]} is not in {need} of {by}"
        asking[name].append(need.specifier)
        for extra in ["", *need.extras]:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            reached.add(name)
            release = universe.projects[name][pins[name]]
            if release.python and PYTHON not in SpecifierSet(release.python):
                return f"{name} {pins[name]} is for another Python"
            open_ += [(r, name) for r in map(Requirement, release.needs) if holds(r.marker, extra)]
    for constraint in constraints:
        name = canonicalize_name(constraint.name)
        if name in reached:
            asking[name].append(constraint.specifier)
            if not constraint.specifier.contains(pins[name], prereleases=True):
                return f"{name} {pins[name]} is not in the constraint {constraint}"
    if reached != set(pins):
        return f"nobody needs {sorted(set(pins) - reached)}"
    return next((f"{n} {pins[n]} is not for all" for n in pins if not may_be_taken(universe, n, pins[n], asking[n])), None)


# -- both --

class Comparing:
    def __init__(self, program):
        self.program = program
        self.kinds = collections.Counter()
        self.wrong = []

    def one(self, universe, dray):
        try:
            pip, went = ask_pip(universe)
        except RecursionError:  # pip's walk is too deep for Python
            self.kinds["crashed", "pip lost"] += 1
            return
        kind = "none" if pip is None else "rejected" if went.rejected else \
            "repinned" if max(went.pinned.values()) > 1 else "straight"
        same = "same" if pip == dray else "pip lost" if pip is None else "dray lost" if dray is None else "other"
        self.kinds[kind, same] += 1
        if pip is not None and dray is None and not is_rare(universe, pip):
            self.wrong.append(f"pip found {pip}\n{universe.text()}")
        elif dray is not None and (problem := problem_with(universe, dray)):
            self.wrong.append(f"{problem}: {dray}\n{universe.text()}")
        elif kind == "straight" and same == "other":
            self.wrong.append(f"pip went straight to {pip}, dray: {dray}\n{universe.text()}")

    def all(self, universes):
        pip_resolver.PipReporter = Reporter
        logging.disable()
        universes = list(universes)
        for universe, dray in zip(universes, ask_dray(self.program, universes)):
            self.one(universe, dray)


def universes(seed, n):
    rng = random.Random(seed)
    return (some_universe(rng) for _ in range(n))


def main(argv):
    options = oracle.arguments(__doc__, CASES).parse_args(argv)
    comparing = Comparing(options.oracle)
    comparing.all(universes(options.seed, options.cases))
    return oracle.tell(options, options.cases, comparing.wrong, comparing.kinds)


def test_differential():
    comparing = Comparing(oracle.program("solve"))
    comparing.all(universes(0, CASES))
    assert not comparing.wrong, "\n".join(comparing.wrong[:5])
    assert sum(n for (_, same), n in comparing.kinds.items() if "lost" in same) <= CASES // 1000
    for kind in ("none", "rejected", "straight"):
        assert comparing.kinds[kind, "same"] >= CASES // 50, comparing.kinds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
