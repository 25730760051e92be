"""Asks oracle_tags the same questions about file names, tags and targets as `packaging` and pip.

    differential_tags.py ORACLE [--cases N] [--seed S] [--python PATH]...

Prints the first differences and fails, or prints how many answers were equal. Interpreters that are
not at hand are emulated: packaging's view of sys, sysconfig and platform is replaced by made-up
facts, and dray gets the same facts as its probe would have printed them. Each --python (this one by
default) is really probed and compared with what packaging says inside it. Under pytest the oracle is
$DRAY_BUILD/tests/unit/oracle_tags.
"""

import contextlib
import json
import pathlib
import random
import subprocess
import sys
import types

import packaging
import packaging._manylinux
import packaging._musllinux
import packaging.tags
from oracle import arguments, ask, program, tell
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from pip._internal.cli.cmdoptions import _convert_python_version
from pip._internal.index.package_finder import LinkEvaluator, _extract_version_from_fragment
from pip._internal.models.wheel import Wheel
from pip._internal.utils.compatibility_tags import get_supported, version_info_to_nodot
from pip._internal.utils.filetypes import ARCHIVE_EXTENSIONS
from pip._internal.utils.misc import splitext
import pip._vendor.packaging._manylinux
import pip._vendor.packaging._musllinux
import pip._vendor.packaging.tags

CASES = 20000
LONGEST_NAME = 255
MARKERS = ["implementation_name", "implementation_version", "os_name", "platform_machine",
           "platform_python_implementation", "platform_release", "platform_system",
           "platform_version", "python_full_version", "python_version", "sys_platform"]


# -- file names

PROJECTS = ["foo", "Foo", "foo_bar", "foo.bar", "Foo__bar", "foo._bar", "f", "2to3", "_x", "x_",
            "", "foo-bar", "zope.interface", "a_b_c", "é", ".", "..", "x y", "A1"]
VERSIONS = ["1.0", "1", "2024.1.2", "1.0rc1", "1.0.post1", "1!2.0", "1.0+local.1", "1.0_1", "v1.0",
            "01.00", "1.0.dev0", "", "x", "1.0.*", " 1.0 ", "1.0+é", "1.0RC1", "1..0", "1.0a", "0"]
BUILDS = ["1", "2", "10", "010", "1a", "1b", "2_x", "x", "", "0", "00", "1.2", "1 ", "1" * 40,
          "9" * 25 + "z", "²"]
PYTHONS = ["py3", "py2", "cp312", "cp313t", "CP311", "pp310", "py2.py3", "py3.py2", "3", "py3.", "",
           ".", "py 3", "py3!", "_", "None", "py27", "cp38", "pyé", "py3.py3", "cp39.cp310.cp311"]
ABIS = ["none", "cp312", "abi3", "ABI3", "cp313t", "pypy310_pp73", "none.abi3", "", "cp39d", "é", ".",
        "abi3t", "cp37m", "a b"]
PLATFORMS = ["any", "win32", "win_amd64", "linux_x86_64", "manylinux2014_x86_64",
             "manylinux_2_17_x86_64.manylinux2014_x86_64", "macosx_10_9_universal2", "MacOSX_11_0_arm64",
             "musllinux_1_2_aarch64", "any.any", "", "x.", "macosx_11_0_arm64.macosx_10_9_x86_64",
             "manylinux1_i686", "ios_13_0_arm64_iphoneos", "\x7f", "win_arm64"]


def mutated(r, text, alphabet="-._ aZ019\x00+!"):
    out = list(text)
    for _ in range(r.choice([0, 0, 0, 0, 1, 1, 2])):
        at = r.randrange(len(out) + 1)
        how = r.random()
        if how < 0.4:
            out.insert(at, r.choice(alphabet))
        elif how < 0.8 and at < len(out):
            del out[at]
        elif at < len(out):
            out[at] = r.choice(alphabet)
    return "".join(out)


def likely(r, words, good):
    """Mostly one of the first `good`, so that not every case fails at its first part."""
    return r.choice(words[:good] if r.random() < 0.85 else words)


def wheel_filename(r):
    parts = [likely(r, PROJECTS, 4), likely(r, VERSIONS, 11)]
    if r.random() < 0.3:
        parts.append(likely(r, BUILDS, 8))
    parts += [likely(r, PYTHONS, 8), likely(r, ABIS, 7), likely(r, PLATFORMS, 10)]
    name = "-".join(parts) + r.choice([".whl"] * 20 + [".WHL", "", ".zip", ".whl.whl"])
    return mutated(r, name) + ("x" * r.choice([180, 200, 255]) + ".whl" if r.random() < 0.005 else "")


def split_wheel(name):
    """What packaging says, and dray's two stated differences: ASCII where it matters, and a cap."""
    if len(name.encode()) > LONGEST_NAME:
        return None
    try:
        project, version, build, tags = parse_wheel_filename(name)
    except InvalidWheelFilename:
        return None
    parts = name.split("-")
    return (project, version, build, tags) if (parts[0] + parts[-3]).isascii() else None


def case_wheel(r):
    name = wheel_filename(r)
    wheel = split_wheel(name)
    if wheel is None:
        return f"wheel\t{name}", "no"
    project, version, build, tags = wheel
    build = f"{build[0]}|{build[1]}" if build else ""
    tags = " ".join(sorted(map(str, tags)))
    return f"wheel\t{name}", f"ok\t{project}\t{version}\t{build}\t{tags}"


def case_build(r):
    names = [f"foo-1.0{'-' + r.choice(BUILDS[:13]) if r.random() < 0.9 else ''}-py3-none-any.whl"
             for _ in range(2)]
    x, y = map(split_wheel, names)
    line = "build\t" + "\t".join(names)
    return line, "no" if x is None or y is None else str((x[2] > y[2]) - (x[2] < y[2]))


ENDINGS = [".tar.gz", ".zip", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tlz", ".tar.lz",
           ".tar.lzma", ".TAR.GZ", ".Zip", ".gz", ".whl", ".tar.zip", ".tar.tar", "", ".", ".egg", ".exe",
           ".tar.tgz", ".bz2", ".tar.", "..tar.gz", ".lzma"]
PY_SUFFIXES = ["", "", "", "", "", "-py2.7", "-py3", "-py27", "-py3.", "-py3.12", "-py4", "-py2.7-py3",
               "-PY2.7", "-py312", "-py"]


SDIST_VERSIONS = ["1.0-2", "1.0-beta-2", "1-0"] + VERSIONS


def sdist_project(r):
    return canonicalize_name(r.choice(["foo", "foo-bar", "Foo.Bar", "zope.interface", "a-1", "foo-1-0", "x"]))


def sdist_filename(r, project):
    if r.random() < 0.2:
        project = sdist_project(r)
    name = "".join(r.choice("-_.") if c == "-" else r.choice((c, c, c.upper())) for c in project)
    if r.random() < 0.1:
        name = name.replace("-", r.choice(["--", "__", "._-"]))
    return mutated(r, name + "-" + likely(r, SDIST_VERSIONS, 14) + r.choice(PY_SUFFIXES)
                   + likely(r, ENDINGS, 11))


def sdist_ending(name):
    ending = splitext(name)[1]
    return ending if ending.lower() in ARCHIVE_EXTENSIONS and ending.lower() != ".whl" else None


def case_sdist(r):
    project = sdist_project(r)
    name = sdist_filename(r, project)
    line = f"sdist\t{name}\t{project}"
    version = _extract_version_from_fragment(splitext(name)[0], project)
    if sdist_ending(name) is None or version is None:
        return line, "no"
    match = LinkEvaluator._py_version_re.search(version)
    if match:
        version = version[: match.start()]
    try:
        return line, f"ok\t{Version(version)}\t{match.group(1) if match else ''}"
    except InvalidVersion:
        return line, "no"


def case_ending(r):
    name = mutated(r, r.choice(["foo-1.0", "", ".", "..", "x", "foo", ".foo"]) + r.choice(ENDINGS), "._tarzip.gz")
    return f"ending\t{name}", sdist_ending(name) or "no"


# -- interpreters

@contextlib.contextmanager
def emulated(module, manylinux, musllinux, facts):
    """packaging as it would be inside the interpreter that has these facts."""
    denied = facts["manylinux_denied"]
    site = types.SimpleNamespace(
        manylinux_compatible=lambda major, minor, arch: f"{major}_{minor}_{arch}" not in denied and None)
    config = {"Py_DEBUG": int(facts["debug_build"]), "Py_GIL_DISABLED": int(facts["free_threaded"]),
              "WITH_PYMALLOC": int(not facts["no_pymalloc"]), "EXT_SUFFIX": facts["ext_suffix"],
              "py_version_nodot": f"{facts['python_major']}{facts['python_minor']}"}
    mac_version = f"{facts['macos_major']}.{facts['macos_minor']}.1"
    libc = (facts["glibc_major"], facts["glibc_minor"]) if facts["glibc_major"] else (-1, -1)
    musl = (facts["musl_major"], facts["musl_minor"])
    patches = [
        (module, "sys", types.SimpleNamespace(
            version_info=(facts["python_major"], facts["python_minor"], 0),
            implementation=types.SimpleNamespace(name=facts["implementation_name"]),
            executable="python", maxunicode=0x10FFFF)),
        (module, "sysconfig", types.SimpleNamespace(
            get_config_var=config.get, get_platform=lambda: facts["platform"])),
        (module, "platform", types.SimpleNamespace(
            system=lambda: facts["platform_system"],
            mac_ver=lambda: (mac_version, ("", "", ""), facts["macos_machine"]),
            android_ver=lambda: types.SimpleNamespace(api_level=facts["android_api"]))),
        (module, "EXTENSION_SUFFIXES", []),
        (module._linux_platforms, "__defaults__", (facts["is_32bit"],)),
        (module._mac_arch, "__defaults__", (facts["is_32bit"],)),
        (manylinux, "_is_linux_armhf", lambda executable: facts["elf_abi"] == "armhf"),
        (manylinux, "_is_linux_i686", lambda executable: facts["elf_abi"] == "i686"),
        (manylinux, "_get_glibc_version", lambda: manylinux._GLibCVersion(*libc)),
        (manylinux, "_get_manylinux_module", lambda: site if denied else None),
        (musllinux, "_get_musl_version",
         lambda executable: musllinux._MuslVersion(*musl) if musl[0] else None),
    ]
    saved = [(thing, name, getattr(thing, name)) for thing, name, _ in patches]
    for thing, name, value in patches:
        setattr(thing, name, value)
    try:
        yield
    finally:
        for thing, name, value in saved:
            setattr(thing, name, value)


def emulated_packaging(facts):
    return emulated(packaging.tags, packaging._manylinux, packaging._musllinux, facts)


def emulated_pip(facts):
    vendored = pip._vendor.packaging
    return emulated(vendored.tags, vendored._manylinux, vendored._musllinux, facts)


LINUX = ["linux-x86_64"] * 4 + ["linux-aarch64"] * 2 + [
    "linux-armv7l", "linux-armv8l", "linux-i686", "linux-ppc64le", "linux-s390x", "linux-riscv64",
    "linux-loongarch64", "linux-ppc64", "linux-armv6l", "linux-mips64", "linux-armv5.tel", "cygwin-3"]
WINDOWS = ["win-amd64", "win32", "win-arm64"]
OTHERS = [("FreeBSD", "freebsd-14.0-RELEASE-amd64"), ("SunOS", "solaris-2.11-i86pc.64bit"),
          ("AIX", "aix-7203-1441 32"), ("Java", "java")]
IMPLEMENTATIONS = ["cpython"] * 12 + ["pypy"] * 4 + ["graalpy", "ironpython", "jython", "python", "rustpython"]


def ext_suffix(r, name, nodot, flags):
    if r.random() < 0.1:
        return r.choice([None, "", ".", "..so", ".pyd", "so", ".abc.so", ".cpython.so", ".cpython-.so",
                         ".a-b.c d.so", ".cp", ".pypy38.so", ".graalpy-38.x"])
    if name == "cpython":
        return r.choice([f".cpython-{nodot}{flags}-x86_64-linux-gnu.so", f".cp{nodot}{flags}-win_amd64.pyd",
                         f".cpython-{nodot}{flags}-darwin.so"])
    if name == "pypy":
        return f".pypy{nodot}-pp73-x86_64-linux-gnu.so"
    if name == "graalpy":
        return f".graalpy-{nodot}-native-x86_64-darwin.dylib"
    return f".{name}-{nodot}.so"


def made_up_facts(r):
    name = r.choice(IMPLEMENTATIONS)
    minor = r.choice([0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 12, 13, 13, 14, 15, 16, 30])
    debug, threaded = r.random() < 0.1, r.random() < 0.2
    facts = {key: "" for key in MARKERS}
    facts.update({
        "implementation_name": name, "python_major": r.choice([3] * 19 + [2, 4]), "python_minor": minor,
        "debug_build": debug, "free_threaded": threaded, "is_32bit": r.random() < 0.2,
        "no_pymalloc": r.random() < 0.1, "soabi": None, "glibc_major": 0, "glibc_minor": 0,
        "musl_major": 0, "musl_minor": 0, "macos_major": 0, "macos_minor": 0, "macos_machine": None,
        "elf_abi": None, "android_api": 0, "manylinux_denied": [], "executable": "/usr/bin/python3"})
    facts["python_full_version"] = (f"{facts['python_major']}.{minor}.{r.randrange(20)}"
                                    + r.choice(["", "", "", "rc1", "+", "a3+"]))
    facts["ext_suffix"] = ext_suffix(r, name, f"{facts['python_major']}{minor}", "t" if threaded else "")
    r.choice([linux_facts, linux_facts, linux_facts, macos_facts, windows_facts, other_facts])(r, facts)
    return facts


def linux_facts(r, facts):
    facts["platform_system"], facts["platform"] = "Linux", r.choice(LINUX)
    facts["elf_abi"] = r.choice([None, "armhf", "i686"])
    if r.random() < 0.8:
        facts["glibc_major"] = r.choice([2] * 30 + [3, 4])
        facts["glibc_minor"] = r.choice([0, 4, 5, 11, 12, 16, 17, 18, 28, 36, 41])
    if r.random() < 0.25:
        facts["musl_major"], facts["musl_minor"] = r.choice([1, 1, 1, 2]), r.choice([0, 1, 2, 5])
    if r.random() < 0.1:
        facts["manylinux_denied"] = [f"2_{minor}_{r.choice(['x86_64', 'aarch64', 'armv7l'])}"
                                     for minor in r.sample(range(37), 20)]


def macos_facts(r, facts):
    facts["platform_system"], facts["platform"] = "Darwin", "macosx-14.0-arm64"
    facts["macos_machine"] = r.choice(["arm64", "x86_64", "arm64", "x86_64", "i386", "ppc", "ppc64"])
    facts["macos_major"], facts["macos_minor"] = r.choice(
        [(10, r.randrange(16)), (11, 0), (12, 3), (14, 5), (15, 1), (26, 0), (9, 2)])


def windows_facts(r, facts):
    facts["platform_system"], facts["platform"] = "Windows", r.choice(WINDOWS)


def other_facts(r, facts):
    if r.random() < 0.4:
        facts["platform_system"] = "Android"
        facts["platform"] = r.choice(["android-24-arm64_v8a", "android-21-x86_64", "android-30-armeabi-v7a"])
        facts["android_api"] = r.choice([15, 16, 21, 24, 35])
    else:
        facts["platform_system"], facts["platform"] = r.choice(OTHERS)


def ordered(tags):
    return " ".join(dict.fromkeys(map(str, tags)))


def case_facts(r):
    facts = made_up_facts(r)
    try:
        with emulated_packaging(facts):
            answer = ordered(packaging.tags.sys_tags())
    except SystemError:
        answer = "no"
    return "facts\t" + json.dumps(facts), answer


def case_env(r):
    facts = made_up_facts(r)
    facts["ext_suffix"] = ".cpython-312-x86_64-linux-gnu.so"
    for key in MARKERS:
        if not facts[key]:
            facts[key] = r.choice(["x", "posix", "6.1.0-9 #1 \"SMP\" \\", "", "é"])
    python = Version(facts["python_full_version"].rstrip("+")).base_version
    return "env\t" + json.dumps(facts), "\t".join([facts[key] for key in MARKERS] + [python])


# -- pip's words

WORD_PLATFORMS = [
    "any", "win32", "win_amd64", "linux_x86_64", "manylinux1_x86_64", "manylinux2010_i686",
    "manylinux2010_x86_64", "manylinux2014_x86_64", "manylinux2014_aarch64", "manylinux2014_i686",
    "manylinux_2_28_x86_64", "musllinux_1_2_aarch64", "macosx_10_9_x86_64", "macosx_11_0_arm64",
    "macosx_14_3_x86_64", "macosx_10_12_universal2", "macosx_12_0_universal2", "macosx_10_6_intel",
    "macosx_10_5_ppc64", "macosx_9_0_x86_64", "macosxcustom_10_9_x86_64", "macosx_10_9_8_x86_64",
    "macosx", "macosx_11_arm64", "macosx_10_16_arm64", "ios_13_0_arm64_iphoneos", "ios_12_3_x86_64-iphonesimulator",
    "ios_11_0_arm64_iphoneos", "iosx_14_9_a", "ios", "android_21_arm64_v8a", "android_15_x86", "android",
    "android_x_y", "android_24_armeabi-v7a", "manylinux2014", "manylinux2010", "Linux_X86_64", "freebsd_14_amd64",
    "macosx_011_0_arm64", "manylinux2014_", "android_21_", "macosx_1_2_3_4_x"]
WORD_VERSIONS = ["", "", "3", "3.12", "312", "3.12.4", "3.7", "37", "3.8", "27", "2.7", "2", "3.1", "3.0", "310",
                 "3.13", "313", "3.15", "10.2", "3.08", "4.1", "3.12.0", "x", "3.", ".3", "3.1.2.3", "3.x", "0", "1"]
WORD_IMPLEMENTATIONS = ["", "", "", "cp", "cp", "pp", "py", "ip", "jy", "graalpy", "Cp"]
WORD_ABIS = ["cp312", "abi3", "none", "cp313t", "cp37m", "abi3t", "pypy310_pp73", "cp313td", "CP311", "cp", "cpt",
             "abi3", "none", "xcp3t"]


def words(r):
    platforms = [r.choice(WORD_PLATFORMS) for _ in range(r.choice([0, 1, 1, 1, 2, 3, 5]))]
    abis = [r.choice(WORD_ABIS) for _ in range(r.choice([0, 0, 1, 1, 2, 4]))]
    return platforms, r.choice(WORD_VERSIONS), r.choice(WORD_IMPLEMENTATIONS), abis


def without_base_is_enough(platforms, version, implementation, abis):
    if not (platforms and version and implementation and (abis or implementation == "cp")):
        return False
    expand = sys.modules["pip._internal.utils.compatibility_tags"]._expand_allowed_platforms
    return bool(expand(platforms))


PLAIN_CPYTHON = {"manylinux_denied": [], "debug_build": False, "free_threaded": False, "no_pymalloc": False,
                 "ext_suffix": ".cpython-312-x.so", "python_major": 3, "python_minor": 12, "macos_major": 0,
                 "macos_minor": 0, "macos_machine": "", "glibc_major": 0, "glibc_minor": 0, "musl_major": 0,
                 "musl_minor": 0, "implementation_name": "cpython", "platform": "win32", "is_32bit": False,
                 "platform_system": "Windows", "elf_abi": None, "android_api": 0}


def base_is_good(facts):
    """dray makes a whole target of the base first: packaging must be able to as well."""
    try:
        with emulated_packaging(facts):
            return bool(list(packaging.tags.sys_tags()))
    except SystemError:
        return False


def case_words(r):
    platforms, version, implementation, abis = words(r)
    base = made_up_facts(r) if r.random() < 0.8 else None
    line = "\t".join(["words", "".join(p + "," for p in platforms), version, implementation,
                      "".join(a + "," for a in abis)] + ([json.dumps(base)] if base else []))
    info, bad = _convert_python_version(version)
    if bad or (base and not base_is_good(base)):
        return line, "no"
    if not base and not without_base_is_enough(platforms, version, implementation, abis):
        return line, "no"
    try:
        with emulated_pip(base or PLAIN_CPYTHON):
            return line, ordered(get_supported(
                version=version_info_to_nodot(info) if info else None, platforms=platforms or None,
                impl=implementation or None, abis=abis or None))
    except SystemError:
        return line, "no"


# -- dray's own targets

SPEC_ARCHS = ["x86_64", "x86_64", "aarch64", "i686", "armv7l", "ppc64le", "s390x", "riscv64", "armv8l"]
SPEC_WINDOWS = ["win32", "win_amd64", "win_arm64"]


def linux_archs(arch):
    return ["armv8l", "armv7l"] if arch == "armv8l" else [arch]


def libc_tags(arch, glibc=(0, 0), musl=(0, 0)):
    facts = dict(PLAIN_CPYTHON, glibc_major=glibc[0], glibc_minor=glibc[1], musl_major=musl[0], musl_minor=musl[1],
                 elf_abi={"armv7l": "armhf", "armv8l": "armhf", "i686": "i686"}.get(arch))
    with emulated_packaging(facts):
        module = packaging._manylinux if glibc[0] else packaging._musllinux
        return list(module.platform_tags(linux_archs(arch)))


def spec_platform(r):
    """One platform of a target, and the platform tags that it stands for."""
    kind = r.randrange(8)
    arch = r.choice(SPEC_ARCHS)
    native = [f"linux_{a}" for a in linux_archs(arch)]
    if kind == 0:
        return (name := r.choice(SPEC_WINDOWS)), [name]
    if kind == 1:
        name = f"linux_{arch}"
        return name, [name]
    if kind in (2, 3):
        old = {"manylinux2014": 17, "manylinux2010": 12, "manylinux1": 5}
        minor = r.choice([17, 24, 28, 35, 39, 12, 5])
        if arch not in ("x86_64", "i686"):
            minor = max(minor, 17)
        names = [f"manylinux_2_{minor}_{arch}"] * 2 + [f"{k}_{arch}" for k, v in old.items() if v == minor]
        return r.choice(names), libc_tags(arch, glibc=(2, minor)) + native
    if kind == 4:
        minor = r.choice([0, 1, 2])
        return f"musllinux_1_{minor}_{arch}", libc_tags(arch, musl=(1, minor)) + native
    if kind in (5, 6):
        version = r.choice([(10, r.randrange(9, 17)), (11, 0), (12, 3), (14, 0), (26, 0)])
        machine = r.choice(["arm64", "x86_64", "universal2"])
        return (f"macosx_{version[0]}_{version[1]}_{machine}",
                list(packaging.tags.mac_platforms(version, machine)))
    if r.random() < 0.5:
        return "any", []
    if r.random() < 0.5:
        return "ios_14_2_arm64_iphoneos", list(packaging.tags.ios_platforms((14, 2), "arm64_iphoneos"))
    return "android_24_arm64_v8a", list(packaging.tags.android_platforms(24, "arm64_v8a"))


def spec_python(r):
    """The Python of a target: text, minor version, ABIs; an ABI of PyPy makes it one."""
    minor = r.choice([7, 8, 9, 10, 11, 12, 13, 14, 15, 2])
    if r.random() < 0.2:
        return f"pp3{r.choice(['', '.'])}{minor}", minor, [f"pypy3{minor}_pp73"]
    flags = "t" if minor >= 13 and r.random() < 0.4 else ""
    debug = "d" if r.random() < 0.1 else ""
    m = {2: "mu", 7: "m"}.get(minor, "")
    abis = [f"cp3{minor}{flags}{debug}{m}"] + ([f"cp3{minor}{flags}"] if debug and minor >= 8 else [])
    text = r.choice([f"3.{minor}", f"3{minor}", f"cp3{minor}", f"cp3.{minor}.4", f"3.{minor}.11"])
    return text + flags + debug, minor, abis


def spec(r):
    python, minor, abis = spec_python(r)
    chosen = [spec_platform(r) for _ in range(r.choice([1, 1, 1, 2, 3]))]
    text = python + ":" + "+".join(name for name, _ in chosen)
    platforms = list(dict.fromkeys(tag for _, tags in chosen for tag in tags))
    pypy = abis[0].startswith("pypy")
    tags, any_interpreter = [], "pp3" if pypy else f"cp3{minor}"
    if not platforms:
        tags = [packaging.tags.Tag(any_interpreter, "none", "any"), *packaging.tags.pure_python_tags((3, minor))]
    elif pypy:
        tags = [*packaging.tags.generic_tags(f"pp3{minor}", abis, platforms)]
    else:
        tags = [*packaging.tags.cpython_tags((3, minor), abis, platforms)]
    if platforms:
        tags += packaging.tags.compatible_tags((3, minor), any_interpreter, platforms)
    return text, list(dict.fromkeys(tags))


def case_spec(r):
    text, tags = spec(r)
    return f"spec\t{text}", ordered(tags)


def case_rank(r):
    text, tags = spec(r)
    parts = [r.choice(PYTHONS[:8] + ["py3", "cp312.cp39", "py311"]), r.choice(ABIS[:5] + ["abi3", "none"]),
             r.choice(PLATFORMS[:10] + ["any"])]
    if r.random() < 0.6:
        some = r.choice(tags)
        parts = [r.choice([part, f"{part}.{own}", f"{own}.{part}.{own}", own.upper()])
                 for part, own in zip(parts, (some.interpreter, some.abi, some.platform))]
    name = "foo-1.0-" + "-".join(parts) + ".whl"
    wheel = Wheel(name)
    vendored = [pip._vendor.packaging.tags.Tag(t.interpreter, t.abi, t.platform) for t in tags]
    try:
        return f"rank\t{text}\t{name}", str(wheel.support_index_min(vendored))
    except ValueError:
        return f"rank\t{text}\t{name}", "none"


# -- real interpreters

INSIDE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from packaging.markers import default_environment
from packaging.tags import sys_tags
print(json.dumps([" ".join(dict.fromkeys(map(str, sys_tags()))), default_environment(), sys.version_info[:3]]))
"""


def real_cases(oracle, pythons):
    """Each interpreter answers the probe; packaging inside it says what dray should make of that."""
    script = json.loads(next(ask(oracle, [("probe",)])))
    site = str(pathlib.Path(packaging.__file__).parent.parent)
    for python in pythons:
        facts = subprocess.run([python, "-I", "-c", script], stdout=subprocess.PIPE, text=True, check=True).stdout
        out = subprocess.run([python, "-I", "-c", INSIDE, site], stdout=subprocess.PIPE, text=True, check=True).stdout
        tags, env, version = json.loads(out)
        yield f"facts\t{facts.strip()}", tags
        yield f"env\t{facts.strip()}", "\t".join([env[key] for key in MARKERS] + [".".join(map(str, version))])


# -- asking

WEIGHTS = {case_wheel: 42, case_build: 4, case_sdist: 25, case_ending: 5, case_facts: 6, case_env: 2, case_words: 8,
           case_spec: 4, case_rank: 4}


def cases(oracle, count, seed, pythons):
    r = random.Random(seed)
    yield from real_cases(oracle, pythons)
    for make in r.choices(list(WEIGHTS), WEIGHTS.values(), k=count):
        yield make(r)


def difference(question, expected, got):
    if len(expected) + len(got) < 2000:
        return f"{question!r}\n  expected {expected!r}\n  got      {got!r}"
    want, have = expected.split(), got.split()
    at = next((i for i, (x, y) in enumerate(zip(want, have)) if x != y), min(len(want), len(have)))
    return (f"{question!r}\n  {len(want)} tags expected, {len(have)} got; the first other one is number {at}:"
            f"\n  expected {want[at:at + 3]}\n  got      {have[at:at + 3]}")


def compare(oracle, count, seed, pythons):
    """Returns how many were compared, and the differences."""
    questions, expected = zip(*cases(oracle, count, seed, pythons))
    answers = ask(oracle, (question.split("\t") for question in questions))
    differences = [difference(question, want, got)
                   for question, want, got in zip(questions, expected, answers) if want != got]
    return len(questions), differences


def test_differential():
    assert compare(program("tags"), CASES, 1, [sys.executable])[1] == []


def main():
    parser = arguments(__doc__, CASES)
    parser.add_argument("--python", action="append", help="an interpreter to probe and compare with")
    options = parser.parse_args()
    count, differences = compare(options.oracle, options.cases, options.seed, options.python or [sys.executable])
    return tell(options, count, differences)


if __name__ == "__main__":
    sys.exit(main())
