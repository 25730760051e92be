"""Names and passwords: from where they come, in which order, where they go, and where they never go."""

import contextlib
import os
import pathlib
import signal
import stat
import subprocess
import sys

import make_index
import program
import pytest
import servers
from closed_server import ClosedServer, basic
from fault_server import Answer, FaultServer
from person import Person
from program import failed_with, names_in, succeeded

SECRET = "Correct-Horse-9"
ME = basic("builder", SECRET)
KEYRING = pathlib.Path(sys.executable).parent / "keyring"
FILE_BACKEND = {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring"}
PYTHON_SKIPS = {"DRAY_KEYRING_PROVIDER": "disabled"}


@pytest.fixture
def made():
    """Servers that end with the test."""
    servers_made = []
    yield servers_made
    for server in servers_made:
        server.stop()


@pytest.fixture
def closed(made):
    made.append(ClosedServer(ME))
    return made[-1]


@pytest.fixture
def other(made):
    """On another port: another origin."""
    made.append(ClosedServer(ME))
    return made[-1]


@pytest.fixture
def demo(wheel):
    return wheel("demo", "1.0", payload=2000)


@pytest.fixture
def private(closed, demo):
    """The closed server with the project demo."""
    closed.project("demo", closed.wheel(demo))
    return closed


@pytest.fixture
def person(dray):
    """Starts dray on a terminal."""
    there = []

    def sit_down(*args, **more):
        there.append(Person(dray, *args, **more))
        return there[-1]

    yield sit_down
    for one in there:
        one.leaves()


def with_user(url, userinfo):
    return url.replace("://", f"://{userinfo}@")


def arguments(server, dest, *more, names=("demo",)):
    return ["download", "--no-deps", "--retries", "0", "-i", server.index, "-d", dest, *more, *names]


def write_netrc(dray, text, name=".netrc"):
    (dray.home / name).write_text(text)


def silent(result):
    """The password is nowhere in what was said."""
    assert SECRET not in result.out + result.err, result
    return result


# From the URL, the index URL, netrc

def test_those_of_the_url(dray, dest, private, demo):
    url = with_user(f"{private.url}/files/{demo.name}", f"builder:{SECRET}")
    silent(succeeded(dray.download("--no-input", url, dest=dest)))
    assert private.shown() == [ME]


def test_those_of_the_url_are_percent_decoded(dray, dest, made, demo):
    made.append(ClosedServer(basic("me@corp", "a/b:c")))
    made[-1].project("demo", made[-1].wheel(demo))
    succeeded(dray.download("--no-input", "-i", with_user(made[-1].index, "me%40corp:a%2Fb%3Ac"), "demo", dest=dest))


def test_those_of_the_index_are_for_files_too(dray, dest, private):
    silent(succeeded(dray.download("--no-input", "-i", with_user(private.index, f"builder:{SECRET}"), "demo", dest=dest)))
    assert private.shown() == [ME, ME], "at once, not after a 401"


def test_those_of_the_index_are_for_a_url_of_its_host(dray, dest, private, demo):
    index = with_user(private.index, f"builder:{SECRET}")
    succeeded(dray.download("--no-input", "-i", index, f"{private.url}/files/{demo.name}", dest=dest))
    assert private.shown() == [ME]


def test_netrc(dray, dest, private):
    write_netrc(dray, f"machine 127.0.0.1\n  login builder\n  password {SECRET}\n")
    silent(succeeded(dray(*arguments(private, dest, "--no-input", "-vv"))))
    assert private.shown() == [ME, ME]


@pytest.mark.parametrize("text", ["default login builder password {}", 'machine 127.0.0.1 account builder password "{}"'])
def test_netrc_shapes(dray, dest, private, text, tmp_path):
    elsewhere = tmp_path / "netrc"
    elsewhere.write_text(text.format(SECRET))
    succeeded(dray(*arguments(private, dest, "--no-input"), env={"NETRC": elsewhere}))


def test_a_damaged_netrc_is_warned_of(dray, dest, fault, demo):
    fault.project("demo", fault.wheel(demo))
    write_netrc(dray, f"machine h login builder\npassword {SECRET}\noops {SECRET}\n")
    result = silent(succeeded(dray(*arguments(fault, dest))))
    assert result.err.count("warning") == 1 and "line 3" in result.err, result
    assert "oops" not in result.err


def test_the_index_goes_before_netrc(dray, dest, private):
    write_netrc(dray, "machine 127.0.0.1 login someone password wrong")
    index = with_user(private.index, f"builder:{SECRET}")
    succeeded(dray.download("--no-input", "-i", index, "demo", dest=dest))
    assert private.shown() == [ME, ME]


def test_a_requirements_file_from_a_private_host(dray, dest, private, tmp_path):
    """By its own URL, and one that it names by the index that it names."""
    private.on("/first.txt", f"-i {with_user(private.index, 'builder:' + SECRET)}\n-r {private.url}/second.txt\n".encode())
    private.on("/second.txt", b"demo\n")
    url = with_user(f"{private.url}/first.txt", f"builder:{SECRET}")
    silent(succeeded(dray.download("--no-input", "-r", url, dest=dest)))
    assert set(private.shown()) == {ME}


# nginx

NGINX_CLOSED = """
    server {{
        listen 127.0.0.1:{port};
        access_log {run}/access.log;
        root {root};
        default_type application/octet-stream;
        location /one/ {{ alias {root}/; auth_basic one; auth_basic_user_file {run}/one; index index.json;
            location ~ /one/(simple/.*)$ {{ alias {root}/$1; default_type {type}; }} }}
        location /two/ {{ alias {root}/; auth_basic two; auth_basic_user_file {run}/two; index index.json;
            location ~ /two/(simple/.*)$ {{ alias {root}/$1; default_type {type}; }} }}
    }}
"""

NGINX_BEFORE = """
    server {{
        listen 127.0.0.1:{port};
        location / {{
            auth_basic devpi;
            auth_basic_user_file {run}/users;
            proxy_set_header Authorization "";
            proxy_set_header X-Outside-Url http://127.0.0.1:{port};
            proxy_pass {behind};
        }}
    }}
"""


def htpasswd(path, user, password):
    made = subprocess.run(["openssl", "passwd", "-apr1", "-stdin"], input=password, text=True, capture_output=True,
                          check=True)
    path.write_text(f"{user}:{made.stdout}")


@contextlib.contextmanager
def running_nginx(site, port, run):
    (run / "nginx.conf").write_text(servers.NGINX.format(run=run, servers=site))
    command = [servers.find_nginx(), "-p", run, "-c", run / "nginx.conf", "-e", run / "error.log"]
    with servers.running(command, f"http://127.0.0.1:{port}/", run / "nginx.log"):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def closed_nginx(root, run):
    """Below /one/ and /two/ the same index, for users of their own."""
    run.mkdir()
    port = servers.free_port()
    for name in ("one", "two"):
        htpasswd(run / name, f"user-{name}", f"{SECRET}-{name}")
    site = NGINX_CLOSED.format(port=port, root=root, run=run, type=make_index.JSON_TYPE)
    with running_nginx(site, port, run) as url:
        yield url


@contextlib.contextmanager
def nginx_before(url, run):
    """Asks for a name and a password, which the server behind it never sees."""
    run.mkdir()
    port, behind = servers.free_port(), "/".join(url.split("/")[:3])
    htpasswd(run / "users", "builder", SECRET)
    site = NGINX_BEFORE.format(port=port, run=run, behind=behind)
    with running_nginx(site, port, run) as front:
        yield url.replace(behind, front)


@pytest.fixture
def nginx(tmp_path, wheel):
    root = tmp_path / "root"
    made = [make_index.make_wheel(root / "files", name, "1.0") for name in ("demo", "extra")]
    make_index.write_index(root, [make_index.describe(path) for path in made])
    with closed_nginx(root, tmp_path / "nginx") as url:
        yield url


def test_each_index_has_its_own(dray, dest, nginx):
    """Two of one host, told apart by their paths, segment by segment; their files are below them."""
    one, two = (with_user(f"{nginx}/{name}/simple", f"user-{name}:{SECRET}-{name}") for name in ("one", "two"))
    silent(succeeded(dray.download("--no-input", "-i", one, "--extra-index-url", two, "demo", "extra", dest=dest)))
    assert len(names_in(dest)) == 2


def test_a_file_below_the_second_index(dray, dest, nginx):
    one, two = (with_user(f"{nginx}/{name}/simple", f"user-{name}:{SECRET}-{name}") for name in ("one", "two"))
    url = f"{nginx}/two/files/demo-1.0-py3-none-any.whl"
    succeeded(dray.download("--no-input", "-i", one, "--extra-index-url", two, url, dest=dest))


def test_a_wrong_password(dray, dest, nginx):
    result = dray.download("--no-input", "-i", with_user(f"{nginx}/one/simple", f"user-one:{SECRET}"), "demo", dest=dest)
    silent(failed_with(result, "the server refuses these credentials (401)", "index URL"))


# A 401

def test_wrong_ones_are_tried_once(dray, dest, private):
    index = with_user(private.index, f"builder:x{SECRET}")
    result = dray.download("-i", index, "demo", dest=dest, env=PYTHON_SKIPS, start_new_session=True)
    silent(failed_with(result, "refuses these credentials (401)", "the index URL"))
    assert len(private.requests()) == 1, "the same once more would be refused once more"


def test_none_at_all(dray, dest, private):
    result = dray(*arguments(private, dest, "--no-input"))
    failed_with(result, "the server wants credentials (401), and there are none", "netrc")
    assert len(private.requests()) == 1


def test_without_a_terminal_nobody_is_asked(dray, dest, private):
    failed_with(dray(*arguments(private, dest), env=PYTHON_SKIPS, start_new_session=True), "there are none")


def test_a_403_asks_nobody(dray, dest, fault, person):
    fault.on("/simple/demo/", Answer(b"", 403))
    there = person(*arguments(fault, dest), env=PYTHON_SKIPS)
    assert there.ends() == 1
    assert "User for" not in there.output and len(fault.requests()) == 1


def test_what_netrc_says_is_wrong(dray, dest, private):
    write_netrc(dray, f"machine 127.0.0.1 login builder password x{SECRET}")
    result = silent(dray(*arguments(private, dest, "--no-input")))
    failed_with(result, "refuses these credentials (401)", "the netrc file")


@pytest.mark.parametrize("challenge", ["Negotiate", 'Digest realm="x", nonce="y"'])
def test_a_challenge_that_cannot_be_met(dray, dest, private, person, challenge):
    private.challenge = challenge
    there = person(*arguments(private, dest))
    assert there.ends() == 1
    assert challenge.split()[0] in there.output and "User for" not in there.output
    index = with_user(private.index, f"builder:x{SECRET}")
    silent(failed_with(dray.download("-i", index, "demo", dest=dest), challenge.split()[0], "refuses"))


# Redirects

def test_a_redirect_takes_nothing_to_another_origin(dray, dest, closed, other, demo):
    """Neither of the first, which are of the index, nor what was found for it in netrc by another name."""
    other.accepted.add(None)
    file = closed.wheel(demo, lambda _: Answer(status=302, headers={"Location": f"{other.url}/there"}))
    closed.project("demo", file)
    other.on("/there", demo.read_bytes())
    succeeded(dray.download("--no-input", "-i", with_user(closed.index, f"builder:{SECRET}"), "demo", dest=dest))
    assert closed.shown() == [ME, ME] and other.shown() == [None]


def test_what_is_known_of_the_new_origin_is_used(dray, dest, closed, other, demo):
    other.accepted = {basic("elsewhere", "it")}
    closed.project("demo", closed.wheel(demo, lambda _: Answer(status=302, headers={"Location": f"{other.url}/there"})))
    other.on("/there", demo.read_bytes())
    succeeded(dray.download("--no-input", "-i", with_user(closed.index, f"builder:{SECRET}"), "--extra-index-url",
                            with_user(f"{other.url}/simple", "elsewhere:it"), "demo", dest=dest))
    assert other.shown("/there") == [basic("elsewhere", "it")]


def test_those_of_a_location_are_heeded(dray, dest, closed, other, demo):
    other.accepted = {basic("guest", "key")}
    there = with_user(f"{other.url}/there", "guest:key")
    closed.project("demo", closed.wheel(demo, lambda _: Answer(status=302, headers={"Location": there})))
    other.on("/there", demo.read_bytes())
    succeeded(dray.download("--no-input", "-i", with_user(closed.index, f"builder:{SECRET}"), "demo", dest=dest))
    assert other.shown() == [basic("guest", "key")]


# The keyring

def keyring_env(dray):
    return {**FILE_BACKEND, "XDG_DATA_HOME": str(dray.home / "data")}


def keyring_set(dray, service, user=None):
    subprocess.run([KEYRING, "set", service, user or "builder"], input=f"{SECRET}\n", text=True, check=True,
                   env=dray.environment(**keyring_env(dray)))


def keyring_get(dray, service, user="builder"):
    done = subprocess.run([KEYRING, "get", service, user], text=True, capture_output=True, check=False,
                          env=dray.environment(**keyring_env(dray)))
    return done.stdout.strip()


@pytest.mark.parametrize("service", ["{index}", "127.0.0.1:{port}"])
@pytest.mark.parametrize("provider", ["auto", "subprocess", "import"])
def test_the_keyring(dray, dest, private, service, provider):
    """A file back end knows a password by its user only, so that is in the URL."""
    keyring_set(dray, service.format(index=private.index, port=private.port))
    index = with_user(private.index, "builder")
    result = dray.download("-i", index, "--keyring-provider", provider, "-vv", "demo", dest=dest, env=keyring_env(dray),
                           start_new_session=True)
    silent(succeeded(result))
    assert private.shown() == [basic("builder", ""), ME, ME], "after a 401, once for the page and its file"


@pytest.mark.parametrize("args,asks", [
    (["--no-input"], False), (["--keyring-provider", "disabled"], False),
    (["--no-input", "--keyring-provider", "subprocess"], True), (["--no-input", "--keyring-provider", "import"], True),
])
def test_when_the_keyring_is_asked(dray, dest, private, args, asks):
    keyring_set(dray, private.index)
    result = dray.download("-i", with_user(private.index, "builder"), *args, "demo", dest=dest, env=keyring_env(dray),
                           start_new_session=True)
    assert (result.rc == 0) == asks, result


def stand_in(dray, script):
    """A program named keyring, found first; writes its arguments into home/asked."""
    folder = dray.home / "bin"
    folder.mkdir()
    path = folder / "keyring"
    path.write_text(f"#!/bin/sh\necho \"$*\" >>{dray.home}/asked\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"PATH": os.pathsep.join([str(folder), os.environ["PATH"]])}


def asked(dray):
    path = dray.home / "asked"
    return path.read_text().splitlines() if path.exists() else []


def answering(user, password):
    return f"""echo '{{"username": "{user}", "password": "{password}"}}'"""


def test_the_keyring_is_asked_once_for_many(dray, dest, closed, wheel):
    """Forty files of one host whose requests all come back with 401."""
    names = [f"many-{n}" for n in range(40)]
    for name in names:
        closed.project(name, closed.wheel(wheel(name, "1.0")))
    env = stand_in(dray, answering("builder", SECRET))
    silent(succeeded(dray(*arguments(closed, dest, names=names), env=env, start_new_session=True)))
    assert asked(dray) == [f"--mode=creds --output=json get {closed.index}"]
    assert closed.shown("/files/many_7-1.0-py3-none-any.whl") == [ME]


def test_the_keyring_is_wrong(dray, dest, private):
    env = stand_in(dray, answering("builder", f"x{SECRET}"))
    result = silent(dray(*arguments(private, dest), env=env, start_new_session=True))
    failed_with(result, "refuses these credentials (401)", "the keyring")
    assert len(private.requests()) == 2 and len(asked(dray)) == 1


def test_an_old_keyring(dray, dest, private):
    env = stand_in(dray, "echo 'keyring: error: unrecognized arguments: --mode=creds --output=json' >&2; exit 2")
    result = failed_with(dray(*arguments(private, dest), env=env, start_new_session=True), "25.2.1", "there are none")
    assert result.err.count("25.2.1") == 1 and len(asked(dray)) == 1


def test_each_index_has_a_keyring_entry_of_its_own(dray, dest, nginx):
    script = f"""case "$*" in
        *get*/one/simple/) {answering("user-one", SECRET + "-one")} ;;
        *get*/two/simple/) {answering("user-two", SECRET + "-two")} ;;
        *) exit 1 ;;
    esac"""
    env = stand_in(dray, script)
    silent(succeeded(dray.download("-i", f"{nginx}/one/simple", "--extra-index-url", f"{nginx}/two/simple", "demo", "extra",
                                   dest=dest, env=env, start_new_session=True)))
    assert len(asked(dray)) == 2


def test_a_locked_keyring_asks_for_itself(dray, dest, private, person):
    """It has the terminal as well, and what it says there is its own."""
    script = f"""printf 'Unlock: ' >/dev/tty; read word </dev/tty; [ "$word" = open ] || exit 1; {answering('builder', SECRET)}"""
    there = person(*arguments(private, dest), env=stand_in(dray, script), stdin=subprocess.DEVNULL)
    there.sees("Unlock: ")
    there.types("open\n")
    assert there.ends() == 0, there.output
    assert "User for" not in there.output and len(asked(dray)) == 1


# The prompt

def test_a_person_is_asked(dray, dest, private, person):
    there = person(*arguments(private, dest, "-vv"), env=PYTHON_SKIPS)
    there.sees(f"User for 127.0.0.1:{private.port}: ")
    assert there.echoes()
    there.types("builder\n")
    there.sees("Password: ")
    assert not there.echoes()
    there.types(f"{SECRET}\n")
    assert there.ends() == 0, there.output
    assert there.echoes() and SECRET not in there.output and "Saved" in there.output
    assert private.shown() == [None, ME, ME]


def test_asked_on_the_terminal_whatever_stdin_is(dray, dest, private, person):
    there = person(*arguments(private, dest), env=PYTHON_SKIPS, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    there.sees("User for ")
    there.types("builder\n")
    there.sees("Password: ")
    there.types(f"{SECRET}\n")
    assert there.ends() == 0, there.output


def test_a_wrong_answer(dray, dest, closed, wheel, person):
    """Said of each file, and nobody is asked again."""
    names = [f"many-{n}" for n in range(5)]
    for name in names:
        closed.project(name, closed.wheel(wheel(name, "1.0")))
    there = person(*arguments(closed, dest, names=names), env=PYTHON_SKIPS)
    there.sees("User for ")
    there.types("builder\n")
    there.sees("Password: ")
    there.types(f"x{SECRET}\n")
    assert there.ends() == 1
    assert "User for" not in there.output and SECRET not in there.output
    assert there.output.count("refuses these credentials (401): those of the prompt") == 5
    assert closed.shown().count(None) == 5


def test_no_user(dray, dest, private, person):
    """pip: an empty line asks for a try with nothing."""
    there = person(*arguments(private, dest), env=PYTHON_SKIPS)
    there.sees("User for ")
    there.types("\n")
    assert there.ends() == 1
    assert "Password" not in there.output
    assert private.shown() == [None, basic("", "")]


def test_end_of_file_at_the_prompt(dray, dest, private, person):
    there = person(*arguments(private, dest), env=PYTHON_SKIPS)
    there.sees("User for ")
    there.types("\x04")
    assert there.ends() == 1
    assert "there are none for it" in there.output
    assert private.shown() == [None]


def test_no_input(dray, dest, private, person):
    there = person(*arguments(private, dest, "--no-input"))
    assert there.ends() == 1
    assert "User for" not in there.output


def test_pip_no_input(dray, dest, private, person):
    there = person(*arguments(private, dest), env={"PIP_NO_INPUT": "1"})
    assert there.ends() == 1
    assert "User for" not in there.output


@pytest.mark.parametrize("at", ["User for ", "Password: "])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_at_the_prompt(dray, dest, private, person, at, number):
    there = person(*arguments(private, dest), env=PYTHON_SKIPS)
    there.sees("User for ")
    if at != "User for ":
        there.types("builder\n")
        there.sees(at)
    if number == signal.SIGINT:
        there.types("\x03")
    else:
        there.process.send_signal(number)
    assert there.ends() == 128 + number, there.output
    assert there.echoes()
    assert names_in(dest) == [] and len(private.requests()) == 1


def test_stopped_at_the_prompt(dray, dest, private, person):
    """The shell gets a terminal that echoes; the question is there again afterwards."""
    there = person(*arguments(private, dest), env=PYTHON_SKIPS)
    there.sees("User for ")
    there.types("builder\n")
    there.sees("Password: ")
    there.until(lambda: not there.echoes())
    there.process.send_signal(signal.SIGTSTP)
    os.waitid(os.P_PID, there.process.pid, os.WSTOPPED | os.WNOWAIT)
    assert there.echoes()
    there.process.send_signal(signal.SIGCONT)
    there.sees("Password: ")
    there.until(lambda: not there.echoes())
    there.types(f"{SECRET}\n")
    assert there.ends() == 0, there.output
    assert there.echoes()


def test_one_prompt_while_another_host_goes_on(dray, dest, closed, fault, wheel, person, tmp_path):
    """Forty private files wait for one answer; meanwhile the public ones are all fetched, and nothing is drawn over
    the prompt: of the public files each takes more than a second."""
    private_names, public_names = [f"private-{n}" for n in range(40)], [f"public-{n}" for n in range(10)]
    lines = []
    for name in private_names:
        path = wheel(name, "1.0")
        closed.on(f"/files/{path.name}", path.read_bytes())
        lines.append(f"{closed.url}/files/{path.name}")
    for name in public_names:
        path = wheel(name, "1.0", payload=5000)
        fault.on(f"/files/{path.name}", Answer(path.read_bytes(), pace=(1000, 0.2)))
        lines.append(f"{fault.url}/files/{path.name}")
    (tmp_path / "all.txt").write_text("\n".join(lines))
    there = person("download", "--no-deps", "-r", tmp_path / "all.txt", "-d", dest, env=PYTHON_SKIPS)
    there.sees(f"User for 127.0.0.1:{closed.port}: ")
    there.until(lambda: len([name for name in names_in(dest) if name.startswith("public")]) == 10)
    there.types("builder\n")
    assert there.sees("Password: ") == "builder\r\n", "nothing is drawn over it"
    asked_before = len(closed.requests())
    there.types(f"{SECRET}\n")
    assert there.ends() == 0, there.output
    assert "User for" not in there.output and len(names_in(dest)) == 50
    shown = closed.shown()
    assert set(shown[:asked_before]) == {None} and set(shown[asked_before:]) == {ME}
    assert len(shown) == asked_before + 40
    assert max(r.at for r in fault.requests()) < min(r.at for r in closed.requests()[asked_before:])


def test_what_is_not_sent_yet_waits(dray, dest, closed, fault, wheel, person):
    """With two requests at a time two come back with 401; all others wait for the answer. They would have had their
    turn: meanwhile a file of another host arrives, which takes more than a second."""
    slow = wheel("slow", "1.0", payload=5000)
    urls = [fault.on(f"/files/{slow.name}", Answer(slow.read_bytes(), pace=(1000, 0.2)))]
    for n in range(20):
        path = wheel(f"many-{n}", "1.0")
        urls.append(closed.on(f"/files/{path.name}", path.read_bytes()))
    there = person("download", "--no-deps", "--connections", "2", "-d", dest, *urls, env=PYTHON_SKIPS)
    there.sees("User for ")
    there.until(lambda: slow.name in names_in(dest))
    there.types("builder\n")
    there.sees("Password: ")
    there.types(f"{SECRET}\n")
    assert there.ends() == 0, there.output
    assert closed.shown().count(None) <= 2 and closed.shown().count(ME) == 20


@pytest.mark.parametrize("answer", ["y", "n", ""])
def test_saved_in_the_keyring(dray, dest, private, person, answer):
    there = person(*arguments(private, dest), env=keyring_env(dray))
    there.sees("User for ")
    there.types("builder\n")
    there.sees("Password: ")
    there.types(f"{SECRET}\n")
    there.sees("Save credentials to keyring [y/N]: ")
    there.types(f"{answer}\n")
    assert there.ends() == 0, there.output
    assert SECRET not in there.output
    assert keyring_get(dray, f"127.0.0.1:{private.port}") == (SECRET if answer == "y" else "")


@pytest.mark.parametrize("password,kept", [(SECRET, SECRET), (f"x{SECRET}", "")])
def test_saved_when_told_so_and_right(dray, dest, private, person, password, kept):
    there = person(*arguments(private, dest, "--save-credentials"), env=keyring_env(dray))
    there.sees("User for ")
    there.types("builder\n")
    there.sees("Password: ")
    there.types(f"{password}\n")
    assert there.ends() == (not kept), there.output
    assert "Save credentials" not in there.output
    assert keyring_get(dray, f"127.0.0.1:{private.port}") == kept


def test_the_keyring_knows_the_one_who_typed_a_name(dray, dest, private, person):
    keyring_set(dray, f"127.0.0.1:{private.port}")
    there = person(*arguments(private, dest), env=keyring_env(dray))
    there.sees("User for ")
    there.types("builder\n")
    assert there.ends() == 0, there.output
    assert "Password" not in there.output


# Tokens

def test_a_bearer_token(dray, dest, made, demo):
    made.append(ClosedServer("Bearer abc.def", challenge="Bearer"))
    made[-1].project("demo", made[-1].wheel(demo))
    result = dray(*arguments(made[-1], dest, "--bearer-token", f"127.0.0.1:{made[-1].port}=MY_TOKEN", "-vv"),
                  env={"MY_TOKEN": "abc.def"})
    succeeded(result)
    assert "abc.def" not in result.err + result.out


def test_a_bearer_token_stays_with_its_host(dray, dest, made, other, demo):
    made.append(ClosedServer("Bearer abc.def"))
    closed = made[-1]
    other.accepted.add(None)
    closed.project("demo", closed.wheel(demo, lambda _: Answer(status=302, headers={"Location": f"{other.url}/there"})))
    other.on("/there", demo.read_bytes())
    succeeded(dray(*arguments(closed, dest, "--bearer-token", f"127.0.0.1:{closed.port}=MY_TOKEN"),
                   env={"MY_TOKEN": "abc.def"}))
    assert other.shown() == [None]


def test_a_bearer_token_that_is_refused(dray, dest, private):
    result = dray(*arguments(private, dest, "--bearer-token", "127.0.0.1=MY_TOKEN"), env={"MY_TOKEN": "abc.def"})
    failed_with(result, "refuses the token of --bearer-token")
    assert "abc.def" not in result.err and len(private.requests()) == 1


@pytest.mark.parametrize("value,env", [
    ("h.example.org", {}), ("h.example.org=", {}), ("=MY_TOKEN", {}), ("h.example.org=NOT_THERE", {}),
    ("h.example.org:port=MY_TOKEN", {"MY_TOKEN": "x"}), ("h.example.org=MY_TOKEN", {"MY_TOKEN": ""}),
    ("h.example.org=MY_TOKEN", {"MY_TOKEN": f"{SECRET}\nX: y"}),
])
def test_a_bearer_token_that_is_none(dray, dest, fault, value, env):
    result = silent(dray(*arguments(fault, dest, "--bearer-token", value), env=env))
    failed_with(result, "--bearer-token", code=2)


# What is never to be seen

def command_lines(pid):
    """Of a process and all below it."""
    folder = pathlib.Path("/proc", str(pid))
    text = (folder / "cmdline").read_bytes()
    for child in (folder / "task" / str(pid) / "children").read_text().split():
        text += command_lines(int(child))
    return text


@pytest.mark.skipif(not pathlib.Path("/proc/self/task").exists(), reason="no /proc")
def test_no_secret_is_told(dray, dest, closed, demo, person, tmp_path):
    """In no line, trace, report or store, and in no argument list while the keyring is being told."""
    closed.project("demo", closed.wheel(demo, lambda body: Answer(body, headers={"Cache-Control": "max-age=99"})))
    go = dray.home / "go"
    env = stand_in(dray, f"case \"$*\" in *set*) while [ ! -e {go} ]; do sleep 0.05; done; cat >>{dray.home}/saved ;; "
                         "*) exit 1 ;; esac")
    report, trace = tmp_path / "report", tmp_path / "trace"
    there = person(*arguments(closed, dest, "-vv", "--report", report, "--trace", trace, "--save-credentials"), env=env)
    there.sees("User for ")
    there.types("builder\n")
    there.sees("Password: ")
    there.types(f"{SECRET}\n")
    there.until(lambda: any(line.startswith("set ") for line in asked(dray)))
    lines = command_lines(there.process.pid)
    assert b"builder" in lines and SECRET.encode() not in lines
    go.touch()
    assert there.ends() == 0, there.output
    assert (dray.home / "saved").read_text() == f"{SECRET}\n", "it waited until it was saved"
    told = there.output.encode() + report.read_bytes() + trace.read_bytes()
    for path in (dray.home / "cache").rglob("*"):
        told += path.read_bytes() if path.is_file() else b""
    assert SECRET.encode() not in told and ME.split()[1].encode() not in told
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in dest.iterdir())


# devpi

def test_a_private_index_of_devpi(dray, dest, tmp_path, wheel):
    """devpi-server lets everybody read; where it should not, nginx stands before it."""
    made, run = [wheel("demo", "1.0"), wheel("extra", "1.0")], tmp_path / "nginx"
    with servers.devpi(made, tmp_path / "devpi") as devpi, nginx_before(devpi, run) as url:
        failed_with(dray.download("--no-input", "-i", url, "demo", dest=dest), "there are none for it")
        silent(succeeded(dray.download("--no-input", "-i", with_user(url, f"builder:{SECRET}"), "demo", dest=dest)))
        write_netrc(dray, f"machine 127.0.0.1 login builder password {SECRET}")
        silent(succeeded(dray.download("--no-input", "-i", url, "extra", dest=dest)))
    assert len(names_in(dest)) == 2
