"""quickstart on systems that this one is not: their package managers are stand-ins that log what they are asked
for, and install by putting further stand-ins on PATH."""

import os
import pty
import shutil
import subprocess

import program
import pytest

SYSTEMS = {
    "debian": ("ID=debian\n", "apt-get", "apt-get install"),
    "ubuntu": ("ID=ubuntu\nID_LIKE=debian\n", "apt-get", "apt-get install"),
    "mint": ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "apt-get", "apt-get install"),
    "fedora": ("ID=fedora\n", "dnf", "dnf install"),
    "alma": ('ID="almalinux"\nID_LIKE="rhel centos fedora"\n', "dnf", "dnf install"),
    "arch": ("ID=arch\n", "pacman", "pacman -Syu"),
    "manjaro": ("ID=manjaro\nID_LIKE=arch\n", "pacman", "pacman -Syu"),
    "alpine": ("ID=alpine\n", "apk", "apk add"),
    "macos": ("", "brew", "brew install"),
}

PACKAGES = {
    "apt-get": {"libuv1-dev", "libcurl4-openssl-dev", "libc-ares-dev", "libssl-dev", "libyajl-dev", "libyaml-dev", "libxml2-dev",
                "zlib1g-dev", "libsqlite3-dev", "libmicrohttpd-dev", "meson", "ninja-build"},
    "dnf": {"libuv-devel", "libcurl-devel", "c-ares-devel", "openssl-devel", "yajl-devel", "libyaml-devel", "libxml2-devel",
            "zlib-devel", "sqlite-devel", "libmicrohttpd-devel", "meson", "ninja-build"},
    "pacman": {"libuv", "curl", "c-ares", "openssl", "yajl", "libyaml", "libxml2", "zlib", "sqlite", "libmicrohttpd", "meson", "ninja"},
    "apk": {"libuv-dev", "curl-dev", "c-ares-dev", "openssl-dev", "yajl-dev", "yaml-dev", "libxml2-dev", "zlib-dev",
            "sqlite-dev", "libmicrohttpd-dev", "meson", "samurai"},
    "brew": {"libuv", "curl", "c-ares", "openssl@3", "yajl", "libyaml", "libxml2", "zlib", "sqlite", "libmicrohttpd", "meson", "ninja"},
}

PROGRAMS = ["cc", "meson", "ninja", "pkg-config", "python3"]
TOOLS = ["sh", "dirname", "grep", "sed", "tr", "sort", "cut", "env", "cat", "cp"]

# Installs whatever there is to install; "broken" installs nothing.
MANAGER = """#!/bin/sh
echo "${{0##*/}} $*" >> "{log}"
case "$*" in
*install*|*-Syu*|*add*) [ -e "{root}/broken" ] || cp "{root}"/later/* "{root}/bin" ;;
esac
exit 0
"""
IS_THERE = "#!/bin/sh\nexit 0\n"


class Machine:
    """A PATH with nothing but stand-ins and a few plain tools."""

    def __init__(self, root, system):
        self.root, self.bin, self.later, self.log = root, root / "bin", root / "later", root / "log"
        release, manager, self.install = SYSTEMS[system]
        self.bin.mkdir(parents=True)
        self.later.mkdir()
        self.log.write_text("")
        (root / "os-release").write_text(release)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.script(manager, MANAGER)
        self.script("uname", "#!/bin/sh\necho " + ("Darwin" if system == "macos" else "Linux") + "\n")
        self.script("id", "#!/bin/sh\necho 0\n")
        self.has("apt-cache", *(["cc"] if system == "macos" else []))

    def script(self, name, text, folder=None):
        path = (folder or self.bin) / name
        path.write_text(text.format(log=self.log, root=self.root) if "{" in text else text)
        path.chmod(0o755)

    def has(self, *names):
        for name in names:
            self.script(name, IS_THERE)

    def can_install(self, *names):
        """Libraries and Python modules are asked of pkg-config and python3: they come with those."""
        for name in names:
            self.script(name, IS_THERE, self.later)

    def run(self, *args, **popen):
        env = {"PATH": str(self.bin), "OS_RELEASE": str(self.root / "os-release"), "HOME": str(self.root)}
        popen.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([shutil.which("sh"), str(program.ROOT / "quickstart"), "--deps-only", *args], env=env,
                              capture_output=True, text=True, check=False, timeout=60, **popen)

    def asked(self):
        return self.log.read_text().splitlines()


@pytest.fixture(params=SYSTEMS)
def system(request):
    return request.param


def test_nothing_missing_leaves_the_package_manager_alone(tmp_path, system):
    machine = Machine(tmp_path, system)
    machine.has(*PROGRAMS)
    done = machine.run("-y")
    assert done.returncode == 0, done.stderr
    assert [line for line in machine.asked() if "--prefix" not in line] == []


def test_missing_packages_are_installed(tmp_path, system):
    machine = Machine(tmp_path, system)
    machine.can_install(*PROGRAMS)
    done = machine.run("-y")
    assert done.returncode == 0, done.stdout + done.stderr
    manager = SYSTEMS[system][1]
    installs = [line for line in machine.asked() if line.startswith(machine.install)]
    assert len(installs) == 1, machine.asked()
    assert PACKAGES[manager] <= set(installs[0].split()), installs
    assert not {"-", "", "nginx", "clang"} & set(installs[0].split())


def test_what_the_tests_need_too(tmp_path, system):
    machine = Machine(tmp_path, system)
    machine.can_install(*PROGRAMS, "clang", "clang-tidy", "gcc", "bash", "git", "curl")
    done = machine.run("-y", "--with-tests")
    install = next(line for line in machine.asked() if line.startswith(machine.install))
    assert {"aria2", "cmocka"} <= {word.replace("lib", "").split("-")[0] for word in install.split()}, install
    # This system can't install aria2c, and that is said.
    assert done.returncode == 1 and "aria2c" in done.stderr, done.stderr


def test_not_without_being_asked(tmp_path):
    machine = Machine(tmp_path, "debian")
    machine.can_install(*PROGRAMS)
    done = machine.run()
    assert done.returncode == 1
    assert "-y" in done.stderr
    assert [line for line in machine.asked() if "install" in line] == []


@pytest.mark.parametrize("answer,installs", [("y\n", True), ("n\n", False), ("\n", False)])
def test_asks_on_a_terminal(tmp_path, answer, installs):
    machine = Machine(tmp_path, "fedora")
    machine.can_install(*PROGRAMS)
    primary, secondary = pty.openpty()
    os.write(primary, answer.encode())
    done = machine.run(stdin=secondary)
    os.close(primary)
    os.close(secondary)
    assert "[y/N]" in done.stdout
    assert any("install" in line for line in machine.asked()) == installs
    assert done.returncode == (0 if installs else 1), done.stderr


def test_an_installation_that_did_not_help_is_told(tmp_path, system):
    machine = Machine(tmp_path, system)
    machine.can_install(*PROGRAMS)
    (tmp_path / "broken").touch()
    done = machine.run("-y")
    assert done.returncode == 1
    assert "libuv" in done.stderr


def test_an_unknown_system(tmp_path):
    machine = Machine(tmp_path, "debian")
    machine.can_install(*PROGRAMS)
    (tmp_path / "os-release").write_text("ID=plan9\n")
    done = machine.run("-y")
    assert done.returncode == 1
    assert "libuv" in done.stdout and "by hand" in done.stderr


def test_not_root_and_no_sudo(tmp_path):
    machine = Machine(tmp_path, "alpine")
    machine.can_install(*PROGRAMS)
    machine.script("id", "#!/bin/sh\necho 1000\n")
    done = machine.run("-y")
    assert done.returncode == 1
    assert "apk add" in done.stderr and "sudo" in done.stderr


def test_sudo_when_not_root(tmp_path):
    machine = Machine(tmp_path, "alpine")
    machine.can_install(*PROGRAMS)
    machine.script("id", "#!/bin/sh\necho 1000\n")
    machine.script("sudo", '#!/bin/sh\necho "sudo $*" >> "{log}"\nexec "$@"\n')
    done = machine.run("-y")
    assert done.returncode == 0, done.stderr
    assert any(line.startswith("sudo apk add") for line in machine.asked())


def test_brew_is_never_run_as_root(tmp_path):
    machine = Machine(tmp_path, "macos")
    machine.can_install(*PROGRAMS)
    machine.script("sudo", '#!/bin/sh\necho "sudo $*" >> "{log}"\nexec "$@"\n')
    machine.script("id", "#!/bin/sh\necho 501\n")
    assert machine.run("-y").returncode == 0
    assert not [line for line in machine.asked() if line.startswith("sudo")]


def test_an_unknown_option(tmp_path):
    done = Machine(tmp_path, "debian").run("--frobnicate")
    assert done.returncode == 2 and "--frobnicate" in done.stderr


def test_macos_without_a_compiler(tmp_path):
    machine = Machine(tmp_path, "macos")
    (machine.bin / "cc").unlink()
    machine.can_install(*PROGRAMS)
    done = machine.run("-y")
    assert done.returncode == 1 and "xcode-select --install" in done.stderr
