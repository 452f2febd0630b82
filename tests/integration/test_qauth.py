"""qauth: judges at once, in turn and in time; who failed waits; servers run as the user."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from accounts import App, Main
from quoin import BIN, ROOT, SANITIZED, SOURCE, wait_for
from tree import Tree

pytestmark = pytest.mark.programs("qauth", "qauth-enter", "qcheckpw")

# A server that says what it was given, into the session, and then echoes.
SERVER = r"""#!/usr/bin/python3
import json, os, sys, time
def facts(n):
    try:
        return os.readlink(f"/proc/self/fd/{n}").partition(":")[0]
    except OSError:
        return None
mask = [l.split()[1] for l in open("/proc/self/status") if l.startswith("SigBlk")][0]
said = {"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "uid": os.getresuid(),
        "gid": os.getresgid(), "groups": os.getgroups(), "mask": int(mask, 16), "pid": os.getpid(),
        "fds": sorted(int(f) for f in os.listdir("/proc/self/fd"))[:-1], "kinds": [facts(n) for n in (0, 1, 2)]}
os.write(1, json.dumps(said).encode() + b"\n")
os.write(2, b"qauth: login-failed service=imap client=192.0.2.1 user=forged\nsecond\n")
while True:
    line = os.read(0, 1000)
    if not line:
        break
    os.write(1, b"you said " + line)
"""

# A checkpassword program as admins write them: the words of a file.
CHECKER = r"""#!/bin/bash
# checker: USER:PASSWORD:UID:HOME lines of the file named first
file=$1; shift
IFS= read -r -d '' user <&3; IFS= read -r -d '' pass <&3; IFS= read -r -d '' stamp <&3
exec 3<&-
echo "the checker prints" ; echo "the checker complains" >&2
case $user in
hang) sleep 1000 ;;
crash) kill -SEGV $$ ;;
misused) exit 2 ;;
temporary) exit 111 ;;
odd) exit 77 ;;
nothing) exit 0 ;;
asroot) exec "$@" ;;
noise) head -c 300000 /dev/zero | tr '\0' 'n' >&2; yes | head -n 100000 >&2; exit 1 ;;
env) env >&2; exit 1 ;;
esac
while IFS=: read -r u p uid home; do
	[ "$u" = "$user" ] && [ "$p" = "$pass" ] || continue
	cd "$home" || exit 111
	export USER=$u HOME=$home SHELL=/bin/true FROM_CHECKER=yes
	[ "$(id -u)" = 0 ] || exec "$@"
	exec setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
done <"$file"
exit 1
"""


class Door:
    """A request of lib/authask.h, as its callers make it."""

    def __init__(self, q, door="qauth-smtp", timeout=100):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.settimeout(timeout)
        self.s.connect(str(q.home / f"run/{door}/sock"))

    def ask(self, user, password, client="192.0.2.1", service="smtp", word="", session=None):
        fields = [service, client, user, password, word]
        frame = b"".join((f if isinstance(f, bytes) else f.encode()) + b"\0" for f in fields)
        self.raw(frame, [session.fileno()] if session else [])

    def raw(self, frame, fds=()):
        socket.send_fds(self.s, [frame], list(fds))

    def answer(self):
        got = self.s.recv(1000)
        if not got:
            return None, None
        assert got.endswith(b"\0") and got.count(b"\0") == 1, got
        return chr(got[0]), got[1:-1].decode()

    def close(self):
        self.s.close()


def ask(q, user, password, **kw):
    d = Door(q)
    try:
        d.ask(user, password, **kw)
        return d.answer()
    finally:
        d.close()


def log_in(q, user, password, service="imap", word="", client="192.0.2.1"):
    """The answer, and our end of the session (a file)."""
    ours, theirs = socket.socketpair()
    d = Door(q, "qauth-login")
    with contextlib.closing(d), theirs:
        d.ask(user, password, service=service, word=word, session=theirs, client=client)
        answer = d.answer()
    ours.settimeout(20)
    return answer, ours.makefile("rwb", buffering=0)


WRONG = "The name or the password is wrong."


@pytest.fixture
def q(quoin):
    quoin.users("alice", "bob")
    quoin.passwords({"alice": "secret", "bob": "word", "bob@q.example": "other"})
    server = quoin.home / "server"
    server.write_text(SERVER)
    server.chmod(0o755)
    quoin.server = f"imap={server}"
    return quoin


@pytest.fixture
def checked(q):
    """control/checkpassword with the script above."""
    script = q.home / "checker"
    script.write_text(CHECKER)
    script.chmod(0o755)
    uid, gid, home = q.accounts["alice"]
    words = q.home / "words"
    words.write_text(f"alice:secret:{uid}:{home}\nroot:secret:0:/\nspace man:secret:{uid}:{home}\n")
    q.control("checkpassword", f"{script} {words}")
    return q


def test_built_in(q):
    q.start_auth()
    assert ask(q, "alice", "secret") == ("+", "alice")
    assert ask(q, "Alice", "secret") == ("+", "alice")
    assert ask(q, "Bob@Q.example", "other") == ("+", "bob@q.example")
    for n, (user, password) in enumerate(
        [("alice", "Secret"), ("alice", "word"), ("nobody", "secret"), ("root", "x"), ("bob@q.example", "word")]
    ):
        assert ask(q, user, password, client=f"192.0.2.{n + 10}") == ("-", WRONG)
    assert re.search(
        r"^qauth: login-failed service=smtp client=192.0.2.10 user=alice count=1$", q.log("qauth"), re.M
    )
    assert re.search(r"^qauth: login service=smtp client=192.0.2.1 user=Alice$", q.log("qauth"), re.M)
    assert "secret" not in q.log("qauth") and "Secret" not in q.log("qauth")


def test_odd_bytes(q):
    q.passwords({"alice": "\x01\xff:\n\t =" + "x" * 1000})
    q.start_auth()
    assert ask(q, "alice", "\x01\xff:\n\t =" + "x" * 1000) == ("+", "alice")
    long_name = "n" * 255
    names = ("alice\n", "al ice", "a:b", "\x1b[2J", long_name, "\xe9\xff", "x\nqauth: login-failed client=192.0.2.9")
    for n, user in enumerate(names):
        assert ask(q, user, "secret", client=f"2001:db8:0:{n}::1") == ("-", WRONG)
    assert "\n".join(l for l in q.log("qauth").splitlines() if not l.startswith("qauth: ")) == ""
    assert "client=192.0.2.9" not in q.log("qauth")


@pytest.mark.parametrize(
    "frame",
    [b"", b"x", b"smtp\0", b"smtp\0c\0u\0p\0w", b"smtp\0c\0u\0p\0w\0x", b"smtp\0c\0u\0p\0w\0x\0", b"\0c\0u\0p\0\0",
     b"smtp\0c\0\0p\0\0", b"smtp\0c\0u\0\0\0", b"SMTP\0c\0u\0p\0\0", b"s" * 17 + b"\0c\0u\0p\0\0",
     b"smtp\0" + b"c" * 65 + b"\0u\0p\0\0", b"smtp\0c\0" + b"u" * 256 + b"\0p\0\0",
     b"smtp\0c\0u\0" + b"p" * 1025 + b"\0\0", b"smtp\0c\0u\0p\0" + b"w" * 257 + b"\0", b"smtp\0" * 600,
     b"imap\0c\0alice\0secret\0\0"],
)  # fmt: skip
def test_no_request(q, frame):
    q.start_auth("-S", q.server)
    for door in ("qauth-smtp", "qauth-login"):
        d = Door(q, door)
        d.raw(frame)
        assert d.answer() == (None, None)
        d.close()
    assert ask(q, "alice", "secret") == ("+", "alice")


@pytest.mark.root("to see the descriptors of a process that is not dumpable")
def test_doors_and_descriptors(q):
    """A descriptor at the door of SMTP, none at the other, a second request, a descriptor flood."""
    auth = q.start_auth("-S", q.server)
    count = lambda: len(os.listdir(f"/proc/{auth.pid}/fd"))
    assert ask(q, "alice", "secret")[0] == "+"  # from now on there is what forks judges
    before = wait_for(lambda: spare(auth) and count())
    request = b"smtp\0" + b"192.0.2.1\0alice\0secret\0\0"
    r, w = os.pipe()
    for door, frame, fds in (
        ("qauth-smtp", request, [r]),
        ("qauth-login", request, []),
        ("qauth-login", request.replace(b"smtp", b"imap"), []),
        ("qauth-login", request, [r, w]),
        ("qauth-smtp", b"", [r]),
    ):
        d = Door(q, door)
        d.raw(frame, fds)
        assert d.answer() == (None, None), (door, frame)
        d.close()
    d = Door(q)
    d.raw(request)
    with contextlib.suppress(BrokenPipeError):  # the first may be answered by now
        d.raw(request)
    assert d.answer()[0] in (None, "+")
    d.close()
    d = Door(q, "qauth-login")
    d.raw(request.replace(b"smtp", b"pop3"), [r])
    assert d.answer() == ("Z", "The server cannot be started now.")
    d.close()
    os.close(r)
    os.close(w)
    wait_for(lambda: spare(auth) and count() == before, what="descriptors are given back")


def test_without_passwords_or_judge(q):
    """No table: wrong; a broken one, or no judge: later."""
    q.start_auth("-S", q.server)
    (q.home / "users/passwd.cdb").unlink()
    assert ask(q, "alice", "secret") == ("-", WRONG)
    (q.home / "users/passwd.cdb").write_bytes(b"no table")
    assert ask(q, "alice", "secret") == ("Z", "Passwords cannot be judged now.")


def children(auth):
    """The oldest first."""
    return [int(p) for p in Path(f"/proc/{auth.pid}/task/{auth.pid}/children").read_text(encoding="ascii").split()]


def forker(auth):
    """The qcheckpw that forks judges."""
    first = children(auth)[0]
    assert Path(f"/proc/{first}/cmdline").read_bytes().endswith(b"\0-f\x003\0")
    return first


def judges(auth):
    return children(auth)[1:]


def spare(auth):
    """The judge that waits for the next password: it is alone, and stays."""
    found = judges(auth)
    time.sleep(0.2)
    return found[0] if len(found) == 1 and judges(auth) == found else None


def at_work(auth):
    """A judge with the memory of its hash."""
    sizes = {p: re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{p}/status").read_text("ascii")) for p in judges(auth)}
    return [p for p, kb in sizes.items() if kb and int(kb[1]) > 16 << 10]


def test_one_qcheckpw_forks_the_judges(q):
    """It stays, is replaced when it or a judge of it was ended by a signal, and sees new passwords."""
    auth = q.start_auth()
    assert not children(auth)
    assert ask(q, "alice", "secret") == ("+", "alice")
    first = forker(auth)
    assert ask(q, "alice", "wrong")[0] == "-" and forker(auth) == first
    q.passwords({"alice": "other"}, memory=128 << 20)
    assert ask(q, "alice", "other") == ("+", "alice") and forker(auth) == first
    os.kill(first, 9)
    wait_for(lambda: not children(auth))
    assert ask(q, "alice", "other") == ("+", "alice")
    second = forker(auth)
    d = Door(q)
    d.ask("alice", "other")
    os.kill(wait_for(lambda: at_work(auth))[0], 11)
    assert d.answer() == ("Z", "Passwords cannot be judged now.")
    d.close()
    wait_for(lambda: not children(auth))
    assert ask(q, "alice", "other") == ("+", "alice") and forker(auth) != second


def test_nobody_waits_for_long(q):
    """Template and judge are half a megabyte; to begin anew costs a millisecond."""
    auth = q.start_auth()
    assert ask(q, "alice", "secret") == ("+", "alice")
    wait_for(lambda: spare(auth))
    wait_for(lambda: not children(auth), 60)
    assert ask(q, "alice", "secret") == ("+", "alice")


def test_a_judge_waits_for_the_next_password(q):
    """It takes it, and nobody misses it: neither killed, nor with tables that are newer than it."""
    auth = q.start_auth()
    assert ask(q, "alice", "secret") == ("+", "alice")
    first = wait_for(lambda: spare(auth))
    assert ask(q, "alice", "secret") == ("+", "alice")
    assert wait_for(lambda: spare(auth)) != first
    q.passwords({"alice": "other"})
    assert ask(q, "alice", "secret") == ("-", WRONG)
    wait_for(lambda: spare(auth))
    assert ask(q, "alice", "other") == ("+", "alice")
    os.kill(wait_for(lambda: spare(auth)), 11)
    wait_for(lambda: not children(auth))
    assert ask(q, "alice", "other") == ("+", "alice")


def without_judge(q):
    link = q.bin
    if link.is_symlink():
        link.unlink()
        link.mkdir()
        for p in BIN.iterdir():
            if p.name != "qcheckpw":
                (link / p.name).symlink_to(p)
    else:
        (link / "qcheckpw").unlink()
    return link / "qcheckpw"


# Says of each judge that it has forked another process: whose number is in a file.
LIAR = r"""#!/usr/bin/python3
import os, socket, struct, sys
if "-f" not in sys.argv:
    os.execv("REAL", sys.argv)
s = socket.socket(fileno=3)
while True:
    frame, reports, _, _ = socket.recv_fds(s, 20000, 4)
    if not frame:
        break
    s.send(b"P" + struct.pack(">I", int(open("NUMBER").read())))
"""


def test_the_stem_is_not_believed(q):
    """A forker of judges that somebody has taken over: what it names is neither waited for nor killed."""
    number = q.home / "number"
    number.write_text(str(2**31 - 1))  # nobody's
    liar = without_judge(q)
    liar.write_text(LIAR.replace("REAL", str(BIN / "qcheckpw")).replace("NUMBER", str(number)))
    liar.chmod(0o755)
    q.control("checkertimeout", "1")
    q.start_auth("-S", q.server)
    answer, session = log_in(q, "bob", "word")
    assert answer[0] == "+"
    server = json.loads(session.readline())["pid"]
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as other:
        for pid in (other.pid, server):
            number.write_text(str(pid))
            assert ask(q, "alice", "secret") == ("+", "alice")
            assert ask(q, "alice", "wrong") == ("-", WRONG)
        time.sleep(1.5)
        assert other.poll() is None
        other.kill()
    session.write(b"hello\n")
    assert session.readline() == b"you said hello\n"
    session.close()


def test_a_stem_that_hangs_holds_nobody_up(q):
    auth = q.start_auth()
    assert ask(q, "alice", "secret") == ("+", "alice")
    wait_for(lambda: spare(auth))
    stem = forker(auth)
    os.kill(stem, signal.SIGSTOP)
    begin = time.monotonic()
    for _ in range(3):
        assert ask(q, "alice", "secret") == ("+", "alice")
    assert time.monotonic() - begin < 8
    wait_for(lambda: stem not in children(auth))


def test_a_child_that_nobody_knows_hides_none(q):
    """What the starter of qauth has left it ends in the moment in which a judge does."""
    script = q.home / "checker"
    script.write_text("#!/bin/sh\nexec sleep 1000\n")
    script.chmod(0o755)
    q.control("checkpassword", str(script))
    auth = q.start_auth(wrap=("sh", "-c", 'sleep 1000 & exec "$0" "$@"'))
    d = Door(q)
    d.ask("alice", "secret")
    both = wait_for(lambda: len(children(auth)) == 2 and children(auth))
    os.kill(auth.pid, signal.SIGSTOP)
    for pid in both:
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z")
    os.kill(auth.pid, signal.SIGCONT)
    begin = time.monotonic()
    assert d.answer() == ("Z", "Passwords cannot be judged now.")
    assert time.monotonic() - begin < 10
    d.close()


def test_no_judge(q):
    without_judge(q)
    q.start_auth()
    assert ask(q, "alice", "secret") == ("Z", "Passwords cannot be judged now.")
    assert re.search(r"user=alice .*qcheckpw:.*No.such.file", q.log("qauth").replace("\\x20", " "))


# ---- servers ----


def test_server(q):
    q.start_auth("-S", q.server)
    answer, session = log_in(q, "Alice", "secret", word="-C a1")
    assert answer == ("+", "alice")
    said = json.loads(session.readline())
    uid, gid, home = q.accounts["alice"]
    assert said["uid"] == [uid] * 3 and said["gid"] == [gid] * 3
    assert said["groups"] in ([gid], os.getgroups())
    assert said["cwd"] == str(home)
    assert said["argv"] == ["-C", str(q.home), "--", "-C a1"]
    env = {k: v for k, v in said["env"].items() if k != "LC_CTYPE"}
    assert env == {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "PROTO": "TCP", "SERVICE": "imap", "TCPREMOTEIP": "192.0.2.1",
        "USER": "alice", "HOME": str(home), "SHELL": "/bin/sh",
    }  # fmt: skip
    assert said["fds"] == [0, 1, 2] and said["kinds"] == ["socket", "socket", "pipe"]
    assert said["mask"] == 0
    session.write(b"hello\n")
    assert session.readline() == b"you said hello\n"
    log = lambda: q.log("qauth")
    line = rf"^qauth: login service=imap client=192.0.2.1 user=Alice pid={said['pid']}$"
    wait_for(lambda: re.search(line, log(), re.M))
    child = rf"^qauth: child user=alice pid={said['pid']} text=second$"
    wait_for(lambda: re.search(child, log(), re.M))
    assert not re.search("^qauth: login-failed", log(), re.M)
    session.close()
    wait_for(lambda: not Path(f"/proc/{said['pid']}").exists())


def test_no_word(q):
    q.start_auth("-S", q.server)
    _, session = log_in(q, "alice", "secret")
    assert json.loads(session.readline())["argv"] == ["-C", str(q.home)]
    session.close()


def test_server_cannot_start(q):
    """No home, no program, wrong password: the session stays the caller's."""
    q.start_auth("-S", q.server, "-S", "pop3=/nowhere")
    later = ("Z", "The server cannot be started now.")
    assert log_in(q, "alice", "secret", "pop3")[0] == later
    home = q.accounts["alice"][2]
    home.rename(home.with_name("away"))
    answer, session = log_in(q, "alice", "secret")
    assert answer == later
    session.close()
    assert log_in(q, "alice", "wrong")[0] == ("-", WRONG)
    assert re.search(r"reason=start$", q.log("qauth"), re.M)


def test_uid_of_root_is_not_read(q):
    """A table that says uid 0 starts nothing."""
    uid, gid, home = q.accounts["alice"]
    q.accounts["alice"] = (0, gid, home)
    q.passwords({"alice": "secret"})
    q.start_auth("-S", q.server)
    assert log_in(q, "alice", "secret")[0][0] in "-Z"


def test_servers_outlive_qauth(q):
    auth = q.start_auth("-S", q.server)
    _, session = log_in(q, "alice", "secret")
    assert json.loads(session.readline())
    wait_for(lambda: "text=second" in q.log("qauth"))
    auth.popen.terminate()
    assert auth.popen.wait(30) == 0
    session.write(b"still here\n")
    assert session.readline() == b"you said still here\n"
    session.close()
    q.start_auth("-S", q.server)
    assert ask(q, "alice", "secret") == ("+", "alice")


def test_a_server_that_dies(q):
    auth = q.start_auth("-S", q.server)
    _, session = log_in(q, "alice", "secret")
    os.kill(json.loads(session.readline())["pid"], 9)
    assert session.readline() == b""
    wait_for(lambda: re.search(r"the server of alice \(pid \d+\) ends by signal 9", q.log("qauth")))
    assert auth.popen.poll() is None


# ---- other checkpassword programs ----


def test_checker(checked):
    q = checked
    q.start_auth("-S", q.server)
    assert ask(q, "alice", "secret") == ("+", "alice")
    assert ask(q, "alice", "wrong") == ("-", WRONG)
    answer, session = log_in(q, "alice", "secret", word="tag")
    assert answer == ("+", "alice")
    said = json.loads(session.readline())
    uid, gid, home = q.accounts["alice"]
    assert said["uid"] == [uid] * 3 and said["cwd"] == str(home)
    assert said["argv"] == ["-C", str(q.home), "--", "tag"]
    assert said["env"]["FROM_CHECKER"] == "yes" and said["env"]["USER"] == "alice"
    assert said["fds"] == [0, 1, 2] and said["kinds"] == ["socket", "socket", "pipe"]
    session.write(b"hello\n")
    assert session.readline() == b"you said hello\n"
    session.close()
    assert "the\\x20checker\\x20complains" in q.log("qauth")
    assert "the\\x20checker\\x20prints" not in q.log("qauth")


@pytest.mark.skipif(not (BIN.parent / "tests/foreign_checkpw").exists(), reason="not built: foreign_checkpw")
def test_compiled_checker(q):
    """One that knows nothing of Quoin: the oldest form of the interface."""
    uid, gid, home = q.accounts["bob"]
    q.control("checkpassword", f"{BIN.parent / 'tests/foreign_checkpw'} bob pass {uid} {home}")
    q.start_auth("-S", q.server)
    assert ask(q, "bob", "pass") == ("+", "bob")
    assert ask(q, "bob", "word") == ("-", WRONG)
    assert ask(q, "bob", "p" * 600) == ("-", WRONG)
    answer, session = log_in(q, "bob", "pass")
    assert answer == ("+", "bob")
    said = json.loads(session.readline())
    assert said["uid"] == [uid] * 3 and said["cwd"] == str(home) and said["env"]["HOME"] == str(home)
    session.close()


def test_ours_in_the_place_of_another(q):
    """qcheckpw by control/checkpassword becomes the user itself, and SERVICE says what for."""
    q.passwords({"alice": "secret", "bob": [Main("word"), App("phone", "imap word", scopes="imap")]})
    q.control("checkpassword", "qcheckpw")
    q.start_auth("-S", q.server)
    assert ask(q, "alice", "secret") == ("+", "alice")
    assert ask(q, "bob", "imap word") == ("-", WRONG)
    answer, session = log_in(q, "bob", "imap word")
    assert answer == ("+", "bob")
    said = json.loads(session.readline())
    uid, gid, home = q.accounts["bob"]
    assert said["uid"] == [uid] * 3 and said["cwd"] == str(home) and said["env"]["USER"] == "bob"
    assert said["fds"] == [0, 1, 2]
    session.close()


def test_scopes(q):
    q.passwords({"bob": [Main("word"), App("phone", "imap word", scopes="imap"), App("old", "was", expires="1000")]})
    q.start_auth("-S", q.server)
    assert ask(q, "bob", "imap word") == ("-", WRONG)
    assert ask(q, "bob", "was") == ("-", WRONG)
    answer, session = log_in(q, "bob", "imap word")
    assert answer == ("+", "bob")
    session.close()


def test_checker_environment(checked):
    q = checked
    q.start_auth()
    ask(q, "env", "x", client="2001:db8::5")
    wait_for(lambda: "SERVICE" in q.log("qauth"))
    log = q.log("qauth")
    assert "TCPREMOTEIP\\x3d2001:db8::5" in log and "SERVICE\\x3dsmtp" in log
    ask(q, "env", "x", client="$(evil)\n")
    wait_for(lambda: "TCPREMOTEIP\\x3dunknown" in q.log("qauth"))
    assert "evil" not in q.log("qauth")


@pytest.mark.parametrize("name", ["crash", "misused", "temporary", "odd", "nothing"])
def test_checker_that_fails(checked, name):
    """Neither a yes nor a no: later, and nobody's password was wrong."""
    q = checked
    q.start_auth()
    assert ask(q, name, "secret") == ("Z", "Passwords cannot be judged now.")
    assert "login-failed" not in q.log("qauth")
    assert ask(q, "alice", "secret") == ("+", "alice")


def test_checker_that_prints(checked):
    q = checked
    q.start_auth()
    assert ask(q, "noise", "x") == ("-", WRONG)
    assert ask(q, "alice", "secret") == ("+", "alice")
    assert len(q.log("qauth")) < 30000


# One that becomes the user more or less.
CARELESS = r"""#!/usr/bin/python3
import os, sys
user = os.read(3, 2000).split(b"\0")[0]
os.close(3)
secret = os.open("/dev/null", os.O_RDWR)  # of root
if user == b"leaky":
    os.dup2(secret, 7, inheritable=True)
elif user == b"closed":
    os.close(0), os.close(1)
if os.getuid() == 0:
    user == b"nogid" or os.setgid(UID)
    os.setuid(UID)
os.chdir("/")
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("name", ["leaky", "closed", pytest.param("nogid", marks=pytest.mark.root("group 0"))])
def test_checker_that_is_careless(q, name):
    """Nothing of root's is left to the server: no descriptor, no group."""
    script = q.home / "careless"
    uid = q.accounts["alice"][0]
    script.write_text(CARELESS.replace("UID", str(uid)))
    script.chmod(0o755)
    q.control("checkpassword", str(script))
    before = os.getgroups()
    try:
        if ROOT:
            os.setgroups([0, 4])
        q.start_auth("-S", q.server)
    finally:
        if ROOT:
            os.setgroups(before)
    answer, session = log_in(q, name, "x")
    if name == "nogid":
        assert answer[0] == "Z"
        assert "did\\x20not\\x20become\\x20a\\x20user" in q.log("qauth")
        return
    said = json.loads(session.readline())
    assert said["fds"] == [0, 1, 2] and said["kinds"] == ["socket", "socket", "pipe"]
    assert said["groups"] == ([] if ROOT else before)
    session.write(b"hello\n")
    assert session.readline() == b"you said hello\n"
    session.close()


@pytest.mark.root("a checker that stays root")
def test_root_never_logs_in(checked):
    """Neither by a checker that becomes nobody else, nor by name."""
    q = checked
    q.start_auth("-S", q.server)
    assert ask(q, "asroot", "x")[0] == "Z"
    wait_for(lambda: "did\\x20not\\x20become\\x20a\\x20user" in q.log("qauth"))
    assert log_in(q, "asroot", "x")[0][0] == "Z"
    words = q.home / "words"
    uid, _, home = q.accounts["alice"]
    words.write_text(f"root:secret:{uid}:{home}\n")
    assert ask(q, "root", "secret") == ("-", WRONG)
    assert log_in(q, "ROOT", "secret")[0][0] in "-"


def test_a_name_that_no_account_can_have(checked):
    q = checked
    q.start_auth()
    assert ask(q, "space man", "secret") == ("-", WRONG)


def test_hanging_checkers(checked):
    """They hold up nobody, and end by their time limit; when all places are taken, others wait."""
    q = checked
    q.control("checkers", "2")
    q.control("checkertimeout", "5")
    q.start_auth()
    hanging = [Door(q) for _ in range(3)]
    hanging[0].ask("hang", "x")
    begin = time.monotonic()
    assert ask(q, "alice", "secret") == ("+", "alice")
    assert time.monotonic() - begin < 5
    hanging[1].ask("hang", "x")
    hanging[2].ask("hang", "x")
    assert ask(q, "alice", "secret") == ("+", "alice")
    for d in hanging:
        assert d.answer() == ("Z", "Passwords cannot be judged now.")
        d.close()
    assert time.monotonic() - begin < 25
    assert "login-failed" not in q.log("qauth")
    log = q.log("qauth")
    assert log.count("takes too long") == 3
    out = subprocess.run(["pgrep", "-f", "checker " + str(q.home)], capture_output=True, check=False).stdout
    assert out == b""


def test_waiting_too_long(checked):
    """Who finds no judge in 10 s is told so."""
    q = checked
    q.control("checkers", "1")
    q.start_auth()
    d = Door(q)
    d.ask("hang", "x")
    begin = time.monotonic()
    assert ask(q, "alice", "secret") == ("Z", "Too many log in at once; try again in a while.")
    assert 9 < time.monotonic() - begin < 25
    d.close()


def test_reload(checked):
    """SIGHUP: another checker; a broken file leaves the old one."""
    q = checked
    auth = q.start_auth()
    assert ask(q, "alice", "secret") == ("+", "alice")
    q.control("checkertimeout", "soon")
    auth.popen.send_signal(1)
    wait_for(lambda: "the old control files stay" in q.log("qauth").replace("\\x20", " "))
    assert ask(q, "alice", "secret") == ("+", "alice")
    q.control("checkertimeout", None)
    q.control("checkpassword", None)
    q.passwords({"alice": "built in"})
    auth.popen.send_signal(1)
    wait_for(lambda: ask(q, "alice", "built in") == ("+", "alice"))


@pytest.mark.tools("s6-svscan")
@pytest.mark.programs("qqueue", "qstart", "qlisten", "qtls", "qctl")
def test_under_s6():
    """The service as it is installed; qctl reload; killed, it is back."""
    tree = Tree()
    q = tree.q
    try:
        q.passwords({"alice": "secret"})
        door = q.home / "run/qauth-smtp/sock"
        wait_for(door.exists)
        assert ask(q, "alice", "secret") == ("+", "alice")
        q.control("checkpassword", "/bin/false")
        tree.qctl("reload")
        wait_for(lambda: ask(q, "alice", "secret", client="192.0.2.2") == ("-", WRONG))
        q.control("checkpassword", None)
        tree.qctl("reload")
        wait_for(lambda: ask(q, "alice", "secret", client="192.0.2.3") == ("+", "alice"))
        for pid, name in tree.pids():
            if name == "qauth":
                os.kill(pid, 9)

        def is_back():
            with contextlib.suppress(OSError):
                return ask(q, "alice", "secret", client="192.0.2.4") == ("+", "alice")

        wait_for(is_back)
    finally:
        tree.close()


def test_a_caller_that_leaves(checked):
    """Its session is not served; a wrong password counts all the same."""
    q = checked
    slow = q.home / "slow"
    slow.write_text("#!/bin/sh\nsleep 0.5\nexec " + str(q.home / "checker") + ' "$@"\n')
    slow.chmod(0o755)
    q.control("checkpassword", f"{slow} {q.home / 'words'}")
    q.start_auth("-S", q.server)
    ours, theirs = socket.socketpair()
    d = Door(q, "qauth-login")
    d.ask("alice", "secret", service="imap", session=theirs)
    theirs.close()
    time.sleep(0.1)
    d.close()
    ours.settimeout(20)
    assert ours.recv(10) == b""
    d = Door(q)
    d.ask("alice", "wrong")
    time.sleep(0.1)
    d.close()
    wait_for(lambda: "login-failed" in q.log("qauth"))


# ---- floods ----


def test_at_most_as_many_judges_as_said(checked):
    """50 at once with two judges: never more than two processes, and all are answered."""
    q = checked
    slow = q.home / "slow"
    slow.write_text("#!/bin/sh\nsleep 0.1\nexec " + str(q.home / "checker") + ' "$@"\n')
    slow.chmod(0o755)
    q.control("checkpassword", f"{slow} {q.home / 'words'}")
    q.control("checkers", "2")
    auth = q.start_auth()
    doors = [Door(q) for _ in range(50)]
    most = 0
    for d in doors:
        d.ask("alice", "secret")
    done = threading.Event()

    def watch():
        nonlocal most
        while not done.is_set():
            text = Path(f"/proc/{auth.pid}/task/{auth.pid}/children").read_text(encoding="ascii")
            most = max(most, len(text.split()))

    t = threading.Thread(target=watch)
    t.start()
    answers = [d.answer() for d in doors]
    done.set()
    t.join()
    for d in doors:
        d.close()
    assert set(answers) == {("+", "alice")}
    assert most == 2


def test_who_failed_least_goes_first(checked):
    q = checked
    slow = q.home / "slow"
    go = q.home / "go"
    go.touch()
    slow.write_text(f'#!/bin/sh\nuntil [ -e {go} ]; do sleep 0.05; done\nexec {q.home / "checker"} "$@"\n')
    slow.chmod(0o755)
    q.control("checkpassword", f"{slow} {q.home / 'words'}")
    q.control("checkers", "1")
    q.start_auth()
    for n in range(2):
        assert ask(q, "alice", f"wrong{n}", client="192.0.2.66")[0] == "-"
    go.unlink()
    doors = [Door(q) for _ in range(3)]
    for d, client in zip(doors, ("192.0.2.9", "192.0.2.66", "192.0.2.7")):
        d.ask("alice", "secret", client=client)
        time.sleep(0.3)  # it is read
    go.touch()
    assert {d.answer() for d in doors} == {("+", "alice")}
    for d in doors:
        d.close()
    assert re.findall(r"login service=smtp client=192.0.2.(\d+)", q.log("qauth")) == ["9", "7", "66"]


def test_two_hundred_logins_at_once(q):
    """A password of 32 MB each: no more memory than of two, and everybody gets an answer."""
    q.passwords({"alice": "secret"}, memory=32 << 20)
    q.control("passwordcost", "32 1")
    auth = q.start_auth("-j", "2")
    doors = [Door(q) for _ in range(200)]
    for n, d in enumerate(doors):
        d.ask("alice" if n % 3 else "nobody", "secret", client=f"192.0.2.{n}")
    done = threading.Event()
    most = {"judges": 0, "kb": 0}

    def watch():
        while not done.is_set():
            kb = []
            for pid in Path(f"/proc/{auth.pid}/task/{auth.pid}/children").read_text(encoding="ascii").split():
                with contextlib.suppress(OSError):
                    rss = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text("ascii"))
                    kb.append(int(rss[1]) if rss else 0)
            most["judges"] = max(most["judges"], len(kb))
            most["kb"] = max(most["kb"], sum(kb))

    t = threading.Thread(target=watch)
    t.start()
    answers = [d.answer() for d in doors]
    done.set()
    t.join()
    for d in doors:
        d.close()
    letters = [a for a, _ in answers]
    assert letters.count("+") + letters.count("-") + letters.count("Z") == 200
    assert letters.count("+") > 20
    assert all(a in "-Z" for n, a in enumerate(letters) if n % 3 == 0)
    assert most["judges"] <= 2 + 2  # and what forks them, and one for the next
    assert 32 << 10 < most["kb"] < 90 << 10


def test_failures_wait_and_are_cut(q):
    """The delay grows for the address, not for others; the same password again counts once."""
    q.start_auth()
    for _ in range(6):
        assert ask(q, "alice", "same")[0] == "-"
    begin = time.monotonic()
    for n in range(4):
        assert ask(q, "alice", f"wrong{n}") == ("-", WRONG)
    assert 3 <= time.monotonic() - begin < 9  # 1 + 2
    begin = time.monotonic()
    assert ask(q, "alice", "secret", client="192.0.2.2") == ("+", "alice")
    assert time.monotonic() - begin < 4
    counts = re.findall(r"login-failed .* count=(\d+)", q.log("qauth"))
    assert counts == ["1"] * 6 + ["2", "3", "4", "5"]


@pytest.mark.long
def test_the_tenth_failure_cuts(q):
    q.start_auth()
    letters = [ask(q, "alice", f"wrong{n}")[0] for n in range(11)]
    assert letters == ["-"] * 9 + ["C"] * 2


def test_many_at_once_of_one_address(q):
    """Parallel connections do not get around the delay: they are told later at once."""
    q.start_auth()
    for n in range(4):
        ask(q, "alice", f"wrong{n}")
    doors = [Door(q) for _ in range(50)]
    for n, d in enumerate(doors):
        d.ask("alice", f"more{n}")
    begin = time.monotonic()
    first = [d.answer()[0] for d in doors[10:]]
    assert set(first) == {"Z"} and time.monotonic() - begin < 15
    for d in doors:
        d.close()


def test_many_at_once_of_a_fresh_address(q):
    """Nor does it help to ask them all before the first one is judged."""
    q.start_auth("-j", "2")
    doors = [Door(q) for _ in range(100)]
    begin = time.monotonic()
    for n, d in enumerate(doors):
        d.ask("alice", f"guess{n}")
    wait_for(lambda: q.log("qauth").count("login-later") > 70)
    assert q.log("qauth").count("login-failed") <= 6 and time.monotonic() - begin < 15
    assert ask(q, "alice", "secret", client="192.0.2.2") == ("+", "alice")
    for d in doors:
        d.close()


def test_this_host_is_many(q):
    """A webmail of this host: names are counted, not its address."""
    q.start_auth()
    for n in range(4):
        ask(q, "alice", f"wrong{n}", client="127.0.0.1")
    begin = time.monotonic()
    assert ask(q, "bob", "word", client="127.0.0.1") == ("+", "bob")
    assert time.monotonic() - begin < 4


def test_ten_thousand_wrong_passwords(checked):
    """Of 10,000 addresses: memory stays, others are served meanwhile."""
    q = checked
    fast = q.home / "fast"
    fast.write_text("#!/bin/sh\nread -r x <&3\ncase $x in alice*) exec setpriv --reuid 1 --regid 1 --clear-groups \"$@\";; esac\nexit 1\n"
                    if ROOT else "#!/bin/sh\nread -r x <&3\ncase $x in alice*) exec \"$@\";; esac\nexit 1\n")  # fmt: skip
    fast.chmod(0o755)
    q.control("checkpassword", str(fast))
    auth = q.start_auth()
    rss = lambda: int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{auth.pid}/status").read_text("ascii"))[1])
    before = rss()
    slowest, letters = 0, set()
    numbers = iter(range(10000))
    lock = threading.Lock()

    def work():
        for n in numbers_of():
            got = ask(q, f"user{n}", "wrong", client=f"198.{18 + n % 2}.{n // 2 % 256}.{n // 512}")[0]
            with lock:
                letters.add(got)

    def numbers_of():
        while True:
            with lock:
                n = next(numbers, None)
            if n is None:
                return
            yield n

    threads = [threading.Thread(target=work) for _ in range(20)]
    for t in threads:
        t.start()
    while any(t.is_alive() for t in threads):
        begin = time.monotonic()
        assert ask(q, "alice", "secret", client="192.0.2.77") == ("+", "alice")
        slowest = max(slowest, time.monotonic() - begin)
        time.sleep(0.2)
    for t in threads:
        t.join()
    assert letters == {"-"}
    assert slowest < 8
    if not SANITIZED:
        assert rss() - before < 1500
    assert auth.popen.poll() is None
    assert len(re.findall("^qauth: login-failed", q.log("qauth"), re.M)) == 10000


@pytest.mark.tools("prlimit")
def test_a_full_house(q):
    """250 who say nothing hold a door; they go, and the other door is open meanwhile."""
    auth = q.start_auth("-S", q.server, wrap=("prlimit", "--nofile=300:"))
    idle = [Door(q) for _ in range(300)]
    answer, session = log_in(q, "alice", "secret")
    assert answer == ("+", "alice")
    limits = Path(f"/proc/{json.loads(session.readline())['pid']}/limits").read_text("ascii")
    assert int(re.search(r"open files\s+(\d+)", limits)[1]) == 300
    session.close()
    begin = time.monotonic()
    assert ask(q, "alice", "secret") == ("+", "alice")
    assert time.monotonic() - begin < 8
    for d in idle:
        d.close()
    assert auth.popen.poll() is None


@pytest.mark.tools("prlimit")
def test_no_descriptors(q):
    """With 40 descriptors and 100 callers: those wait, nothing spins, and it goes on."""
    auth = q.start_auth("-S", q.server, wrap=("prlimit", "--nofile=40:40"))
    idle = [Door(q) for _ in range(100)]
    spent = lambda: sum(map(int, Path(f"/proc/{auth.pid}/stat").read_text("ascii").rpartition(")")[2].split()[11:13]))
    wait_for(lambda: "unable to take a caller" in q.log("qauth").replace("\\x20", " "))
    before = spent()
    time.sleep(1)
    assert spent() - before < 30  # of 100 ticks
    for d in idle:
        d.close()
    wait_for(lambda: ask(q, "alice", "secret") == ("+", "alice"))
    answer, session = log_in(q, "alice", "secret")
    assert answer == ("+", "alice")
    session.close()


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's own calls fail too")
@pytest.mark.tools("strace")
@pytest.mark.parametrize(
    "call", ["pipe2", "socketpair", "fork,vfork,clone,clone3", "fcntl", "openat,open", "accept4", "recvmsg", "sendmsg", "write", "mmap,brk"]
)  # fmt: skip
def test_calls_that_fail(q, call):
    """Every third one: later, or a connection that ends; never a wrong answer, never its end."""
    trace = q.home / "trace"
    q.start_auth("-S", q.server, wrap=("strace", "-o", trace, "-e", f"inject={call}:error=ENOMEM:when=30+3"))
    got = []
    for n in range(40):
        with contextlib.suppress(ConnectionError):
            got.append(ask(q, "alice", "secret", client=f"192.0.2.{n}")[0])
        with contextlib.suppress(ConnectionError):
            answer, session = log_in(q, "alice", "secret", client=f"192.0.2.{n}")
            got.append(answer[0])
            session.close()
    strace = q.service("qauth").popen
    assert strace.poll() is None
    for pid in Path(f"/proc/{strace.pid}/task/{strace.pid}/children").read_text("ascii").split():
        os.kill(int(pid), 15)
    assert strace.wait(30) == 0
    assert set(got) <= {"+", "Z", None} and "+" in got
    if "brk" not in call:  # it asks for little
        assert "INJECTED" in trace.read_text(errors="replace")
    assert "--- SIGSEGV" not in trace.read_text(errors="replace")


# ---- who may, and what is written ----


@pytest.mark.root("other users")
def test_doors_are_for_their_groups(q):
    q.start_auth("-S", q.server)

    def may(user, door):
        code = (
            "import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n"
            f"s.connect({str(q.home / 'run' / door / 'sock')!r})"
        )
        p = subprocess.run(["/usr/bin/python3", "-c", code], user=q.ids[user], group=q.ids[user], extra_groups=[],
                           capture_output=True, check=False)  # fmt: skip
        return p.returncode == 0

    assert may("quoind", "qauth-smtp") and not may("quoind", "qauth-login")
    assert may("quoini", "qauth-login") and not may("quoini", "qauth-smtp")
    for user in ("quoinq", "quoint", "quoina"):
        assert not may(user, "qauth-smtp") and not may(user, "qauth-login")


@pytest.mark.tools("fail2ban-regex")
def test_fail2ban(q):
    """The filter that we ship finds the failures, and no line that a client or a user wrote."""
    q.start_auth("-S", q.server)
    _, session = log_in(q, "alice", "secret")  # its server writes a forged line
    session.readline()
    session.close()
    ask(q, "alice", "wrong", client="203.0.113.5")
    ask(q, "x client=203.0.113.66 user=y", "wrong", client="2001:db8::7")
    ask(q, "bob", "word", client="203.0.113.9")
    wait_for(lambda: "second" in q.log("qauth"))
    log = q.home / "fail2ban.log"
    stamp = "@4000000069200000" + "12345678"  # s6-log's
    log.write_text("".join(f"{stamp} {l}\n" for l in q.log("qauth").splitlines()))
    p = subprocess.run(
        ["fail2ban-regex", "--out", "ip", str(log), str(SOURCE / "package/fail2ban/quoin.conf")],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert p.stdout.split() == ["203.0.113.5", "2001:db8::7"], p.stdout + p.stderr
