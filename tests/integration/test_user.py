"""qctl user and qcheckpw: accounts, passwords, the checkpassword interface both ways."""

import contextlib
import fcntl
import os
import pty
import re
import resource
import select
import shutil
import signal
import socket
import statistics
import subprocess
import termios
import threading
import time

import pytest
from quoin import BIN, FIRST_USER, ROOT, Quoin, wait_for

pytestmark = pytest.mark.programs("qpasswd", "qcheckpw", "qnewusers")

WORD = re.compile(r"[a-z0-9]{5}(-[a-z0-9]{5}){3}\n")


@pytest.fixture
def q():
    q = Quoin()
    q.users("alice", "bob")
    q.control("locals", "q.example")
    q.control("rcpthosts", "q.example\nv.example\nown.example")
    q.control("virtualdomains", "v.example:v\nown.example:alice-own")
    q.control("passwordcost", "1 1")
    yield q
    q.close()


def user(q, *args, word="", code=0, **kw):
    """qctl user …: (standard output, standard error)."""
    p = subprocess.run(
        [q.bin / "qctl", "-C", q.home, "user", *map(str, args)],
        input=word,
        capture_output=True,
        text=True,
        timeout=30,
        **kw,
    )
    assert p.returncode == code, p.stderr
    return p.stdout, p.stderr


def passwd(q):
    return (q.home / "users/passwd").read_text()


class Asked:
    """What a checkpassword program did."""

    def __init__(self, code, out, err, yes):
        self.code, self.out, self.err, self.yes = code, out, err, yes


def ask(q, name, word, *command, options=(), service=None, raw=None, uid=None, program="qcheckpw", timeout=30):
    """Run qcheckpw with the name and the password on descriptor 3; without a command, as a
    judge of qauth."""
    text = raw if raw is not None else b"\0".join(x.encode() for x in (name, word, "Y1")) + b"\0"
    r, w = os.pipe()
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def write():
        with contextlib.suppress(BrokenPipeError), os.fdopen(w, "wb") as f:
            f.write(text)

    writer = threading.Thread(target=write)
    env = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"}
    if service:
        env["SERVICE"] = service
    kw = {} if uid is None or not ROOT else {"user": uid, "group": uid, "extra_groups": []}
    argv = [q.bin / program, "-C", q.home, *options, *(command or ("-r", "4"))]
    shell = 'exec "$@" 3<&' + str(r) + " 4<&" + str(its.fileno()) + f" {r}<&- {its.fileno()}<&-"
    p = subprocess.Popen(
        ["bash", "-c", shell, "bash", *map(str, argv)],
        pass_fds=(r, its.fileno()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        text=True,
        **kw,
    )
    os.close(r)
    its.close()
    writer.start()
    try:
        out, err = p.communicate(timeout=timeout)
    finally:
        p.kill()
        writer.join()
    ours.settimeout(1)
    yes = ours.recv(16)
    ours.close()
    return Asked(p.returncode, out, err, yes)


def is_right(q, name, word, service="smtp"):
    a = ask(q, name, word, service=service, uid=q.ids["quoina"])
    assert (a.code, a.yes) in ((0, b"Y"), (1, b"")), (a.code, a.err)
    assert a.err == ""
    return a.code == 0


# ---- accounts -------------------------------------------------------------------------


def test_an_account_of_a_user(q):
    out, err = user(q, "add", "Alice", word="correct horse\n")
    assert out == "" and "mail/alice" in err
    uid, _, home = q.accounts["alice"]
    assert re.fullmatch(rf"alice:\$argon2id\$[^:]+:{uid}:{uid if ROOT else os.getgid()}:{home}\n", passwd(q))
    assert is_right(q, "alice", "correct horse")
    assert is_right(q, "ALICE", "correct horse")
    assert not is_right(q, "alice", "correct horsE")
    assert not is_right(q, "bob", "correct horse")
    # the same by her address, the mail of which she gets
    user(q, "add", "alice@Q.example", word="another word\n")
    assert is_right(q, "alice@q.example", "another word") and not is_right(q, "alice", "another word")
    assert (q.home / "users/assign").read_text().count("qctl user") == 0


def test_modes(q):
    user(q, "add", "alice", word="correct horse\n")
    for name in ("passwd", "passwd.cdb"):
        st = (q.home / "users" / name).stat()
        assert st.st_mode & 0o7777 == 0o640, name
        assert (st.st_uid, st.st_gid) == ((0, q.ids["quoina"]) if ROOT else (os.getuid(), os.getgid()))
    assert sorted(p.name for p in (q.home / "users").iterdir()) == ["assign", "cdb", "lock", "passwd", "passwd.cdb"]


def test_a_mailbox_of_its_own(q):
    word = user(q, "add", "-g", "joe@v.example")[0]
    assert WORD.fullmatch(word)
    assert is_right(q, "joe@v.example", word.strip())
    home = q.home / "homes/joe@v.example"
    uid = q.ids["quoinu"]
    for d in (home, home / "Maildir", home / "Maildir/new"):
        assert d.stat().st_uid == uid and d.stat().st_mode & 0o7777 == 0o700
    lines = (q.home / "users/assign").read_text().splitlines()
    gid = uid if ROOT else os.getgid()
    assert f"=v-joe:joe@v.example:{uid}:{gid}:{home}:::qctl user" in lines
    assert f"+v-joe+:joe@v.example:{uid}:{gid}:{home}:-::qctl user" in lines
    assert lines[-1] == "."
    # a name without a domain as well
    user(q, "add", "-n", "zoe")
    assert (q.home / "homes/zoe/Maildir/new").is_dir() and "\nzoe:*:" in passwd(q)


def test_a_mailbox_in_a_user_s_domain_is_his(q):
    user(q, "add", "-n", "joe@own.example")
    uid, _, home = q.accounts["alice"]
    assert (home / "joe@own.example").stat().st_uid == uid
    assert f":{uid}:" in passwd(q)


def test_mail_and_login_at_once(q):
    """Both work 100 ms after the command; nothing needs to be told."""
    q.start_queue()
    q.start_delivery()
    q.start_smtp()
    for name, box in (("joe@v.example", "homes/joe@v.example"), ("zoe@q.example", "homes/zoe@q.example")):
        began = time.monotonic()
        word = user(q, "add", "-g", name)[0].strip()
        assert is_right(q, name, word)
        with q.smtp() as s:
            s.sendmail("x@example.org", [name, name.replace("@", "+list@")], "Subject: hello\n\nhello\n")
        took = time.monotonic() - began
        wait_for(lambda where=box: len(list((q.home / where / "Maildir/new").iterdir())) == 2)
        assert took < 10  # of it the command, three logins' worth of processes, a session


def test_del(q):
    user(q, "add", "-g", "joe@v.example")
    user(q, "add", "alice", word="correct horse\n")
    user(q, "apppass", "joe@v.example", "phone")
    before = (q.home / "users/assign").read_text()
    assert before.count("qctl user") == 2
    _, err = user(q, "del", "joe@v.example")
    assert "stays" in err and (q.home / "homes/joe@v.example/Maildir").is_dir()
    assert "joe" not in passwd(q) and "alice" in passwd(q)
    assert (q.home / "users/assign").read_text() == "".join(
        line for line in before.splitlines(True) if "qctl user" not in line
    )
    user(q, "del", "alice")
    assert passwd(q) == "" and "=alice:" in (q.home / "users/assign").read_text()
    assert not is_right(q, "alice", "correct horse")
    user(q, "del", "alice", code=100)
    # what was there before is said
    assert "was there already" in user(q, "add", "-n", "joe@v.example")[1]


def test_del_of_one_name_of_a_mailbox(q):
    """Two accounts read one mailbox: it stays until both are gone."""
    user(q, "add", "-n", "joe@v.example")
    user(q, "add", "-n", "v-joe")  # the same local part
    user(q, "del", "v-joe")
    assert (q.home / "users/assign").read_text().count("qctl user") == 2
    user(q, "del", "joe@v.example")
    assert (q.home / "users/assign").read_text().count("qctl user") == 0


def test_an_address_of_a_dot_file_is_somebody_s(q):
    for name, path in (("Post.Master", "alias/.qmail-post:master"), ("bob@own.example", "mail/alice/.qmail-own-bob")):
        (q.home / path).write_text("&alice\n")
        assert path in user(q, "add", "-n", name, code=100)[1]
        (q.home / path).unlink()
        user(q, "add", "-n", name)


def test_another_judge_is_said(q):
    q.control("checkpassword", "qcheckpw -s")
    assert "is not asked" in user(q, "add", "-n", "alice")[1]


def test_passwd(q):
    user(q, "add", "alice", word="first word\n")
    phone = user(q, "apppass", "alice", "phone")[0].strip()
    user(q, "passwd", "alice", word="second word")  # no LF
    assert is_right(q, "alice", "second word") and not is_right(q, "alice", "first word")
    assert is_right(q, "alice", phone)
    word = user(q, "passwd", "-g", "alice")[0]
    assert WORD.fullmatch(word) and is_right(q, "alice", word.strip())
    user(q, "passwd", "-n", "alice")
    assert not is_right(q, "alice", word.strip()) and not is_right(q, "alice", "*")
    assert is_right(q, "alice", phone)


def test_application_passwords(q):
    user(q, "add", "alice", word="main word\n")
    phone = user(q, "apppass", "-s", "imap,smtp", "alice", "my phone")[0].strip()
    pop = user(q, "apppass", "-s", "pop3", "-e", "2", "alice", "old laptop")[0].strip()
    assert [is_right(q, "alice", phone, s) for s in ("smtp", "imap", "pop3", None)] == [True, True, False, False]
    assert [is_right(q, "alice", pop, s) for s in ("smtp", "pop3")] == [False, True]
    assert user(q, "list", "alice")[0].splitlines()[1:] == [
        "app\talice\tmy phone\timap,smtp\tnever",
        "app\talice\told laptop\tpop3\t" + time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * 86400)),
    ]
    # over: as if it were two days later
    text = re.sub(r"(old laptop:pop3:)\d+", rf"\g<1>{int(time.time())}", passwd(q))
    (q.home / "users/passwd").write_text(text)
    user(q, "cdb")
    assert not is_right(q, "alice", pop, "pop3")
    assert "(over)" in user(q, "list")[0]
    user(q, "apppass", "alice", "my phone", code=100)
    user(q, "apppass", "-r", "alice", "my phone")
    assert not is_right(q, "alice", phone)
    user(q, "apppass", "-r", "alice", "my phone", code=100)
    assert is_right(q, "alice", "main word")


def test_at_most_32_passwords(q):
    user(q, "add", "-n", "alice")
    for n in range(31):
        word = user(q, "apppass", "alice", n)[0].strip()
    assert is_right(q, "alice", word)
    user(q, "apppass", "alice", "one more", code=100)


@pytest.mark.parametrize(
    "args, word, why",
    [
        (("add", "x@elsewhere.example"), "w", "does not come here"),
        (("add", "alice-list"), "w", "alice's already"),
        (("add", "info"), "w", "is an alias"),
        (("add", "a/b"), "w", "simpler name"),
        (("add", "a/b@v.example"), "w", "simpler name"),
        (("add", ".."), "w", "simpler name"),
        (("add", "a" * 65), "w", "simpler name"),
        (("add", "+x"), "w", "no name"),
        (("add", "#x"), "w", "no name"),
        (("add", "a:b"), "w", "no name"),
        (("add", "a b"), "w", "no name"),
        (("add", "a\nb"), "w", "no name"),
        (("add", ""), "w", "no name"),
        (("add", "a" * 256), "w", "no name"),
        (("add", "root"), "w", None),
        (("add", "alice"), "", "-g makes one"),
        (("add", "alice"), "\n", "-g makes one"),
        (("add", "alice"), "a\0b\n", "NUL"),
        (("add", "alice"), "a" * 1025 + "\n", "1024"),
        (("add", "-g", "-n", "alice"), "", "usage"),
        (("add",), "", "usage"),
        (("add", "alice", "word"), "", "usage"),
        (("del", "-g", "alice"), "", "usage"),
        (("frobnicate", "alice"), "", "usage"),
        (("passwd", "nobody"), "w", "no account"),
        (("apppass", "nobody", "x"), "", "no account"),
        (("apppass", "bob", ""), "", "label"),
        (("apppass", "bob", "a:b"), "", "label"),
        (("apppass", "bob", "a\nb"), "", "label"),
        (("apppass", "bob", "a" * 65), "", "label"),
        (("apppass", "-s", "ftp", "bob", "x"), "", "scopes"),
        (("apppass", "-s", "imap,", "bob", "x"), "", "scopes"),
        (("apppass", "-e", "0", "bob", "x"), "", "usage"),
        (("apppass", "-r", "-s", "imap", "bob", "x"), "", "usage"),
        (("list", "nobody"), "", "no account"),
    ],
)
def test_refused(q, args, word, why):
    q.control("aliases", "info: alice")
    q.run("qnewaliases", check=True)
    user(q, "add", "-n", "bob")
    before = passwd(q), (q.home / "users/assign").read_text()
    if why is None:  # root is uid 0 of the system, or nobody's name in a Quoin that has "+:"
        p = subprocess.run([q.bin / "qctl", "-C", q.home, "user", *args], input=word, capture_output=True, text=True)
        assert not re.search(r"^root:[^:]*:0:", passwd(q), re.M)
        return
    _, err = user(q, *args, word=word, code=100)
    assert why in err, err
    assert (passwd(q), (q.home / "users/assign").read_text()) == before


def test_the_longest_password(q):
    for word in ("a" * 1024, "ä €  \t x"):
        user(q, "passwd" if passwd(q) else "add", "alice", word=word + "\n")
        assert is_right(q, "alice", word)
        assert not is_right(q, "alice", word[:-1])


def test_comments_and_order_are_kept(q):
    user(q, "add", "-n", "bob")
    text = "# made by hand\n\n" + passwd(q) + "# behind bob\n"
    (q.home / "users/passwd").write_text(text)
    user(q, "add", "alice", word="a long word\n")
    assert passwd(q).startswith(text)
    user(q, "apppass", "bob", "phone")
    lines = passwd(q).splitlines()
    assert lines[:2] == ["# made by hand", ""] and lines[3].startswith("+bob:") and lines[4] == "# behind bob"
    user(q, "del", "bob")
    assert passwd(q).splitlines()[:3] == ["# made by hand", "", "# behind bob"]
    assigned = (q.home / "users/assign").read_text()
    (q.home / "users/assign").write_text("# who is who\n" + assigned)
    user(q, "add", "-n", "zoe")
    user(q, "del", "zoe")
    assert (q.home / "users/assign").read_text() == "# who is who\n" + assigned


@pytest.mark.parametrize(
    "line, why",
    [
        ("x:*:0:0:/h", "uid"),
        ("x:plain:1:1:/h", "hash"),
        ("+x:*:phone::", "does not stand behind its account"),
        ("alice:*:1:1:/h", "twice"),
        ("x", "five fields"),
        ("x:*:1:1:/h\r", "control byte"),
    ],
)
def test_a_broken_line_is_named_and_nothing_changes(q, line, why):
    user(q, "add", "alice", word="a long word\n")
    with open(q.home / "users/passwd", "a") as f:
        f.write("# comment\n" + line + "\n")
    before = passwd(q)
    _, err = user(q, "add", "-n", "bob", code=100)
    assert why in err and "nothing was changed" in err
    if why != "twice":
        assert "line 3" in err
    assert passwd(q) == before and is_right(q, "alice", "a long word")


def test_two_at_once(q):
    """Neither loses what the other wrote."""
    names = [f"u{n}" for n in range(12)]
    ps = [
        subprocess.Popen([q.bin / "qctl", "-C", q.home, "user", "add", "-n", n], stderr=subprocess.DEVNULL)
        for n in names
    ]
    assert [p.wait(60) for p in ps] == [0] * len(ps)
    assert sorted(re.findall(r"^(u\d+):", passwd(q), re.M)) == sorted(names)
    assert (q.home / "users/assign").read_text().count(":qctl user") == 2 * len(names)


def test_waits_for_the_lock_and_gives_up(q):
    with open(q.home / "users/lock", "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        p = subprocess.Popen([q.bin / "qctl", "-C", q.home, "user", "add", "-n", "alice"], stderr=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            p.wait(0.5)
        assert user(q, "list") == ("", "")  # reading does not wait
        fcntl.flock(f, fcntl.LOCK_UN)
        assert p.wait(30) == 0
        p.stderr.close()


def test_nobody_waits_while_a_password_is_typed(q):
    user(q, "add", "-n", "alice")
    ps = [subprocess.Popen([q.bin / "qctl", "-C", q.home, "user", *words], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
          for words in (("passwd", "alice"), ("add", "bob"), ("add", "carl"))]  # fmt: skip
    time.sleep(0.5)
    user(q, "add", "-n", "bob")
    user(q, "apppass", "alice", "phone")
    for p in ps:
        p.communicate(b"a long word\n", timeout=30)
    assert [p.returncode for p in ps] == [0, 100, 0]
    assert is_right(q, "alice", "a long word") and is_right(q, "carl", "a long word")
    assert not is_right(q, "bob", "a long word")
    assert "\tphone\t" in user(q, "list", "alice")[0]


def test_killed_at_any_moment(q):
    """Text and table are whole, whatever moment it was; and the next command goes on."""
    user(q, "add", "alice", word="a long word\n")
    for n in range(30):
        p = subprocess.Popen([q.bin / "qctl", "-C", q.home, "user", "add", "-n", f"u{n}"], stderr=subprocess.DEVNULL)
        time.sleep(0.002 * n)
        p.send_signal(signal.SIGKILL)
        p.wait()
        assert is_right(q, "alice", "a long word")
        user(q, "list")
    user(q, "add", "-n", "last")
    assert not list((q.home / "users").glob("*.new"))


@pytest.mark.tools("strace")
@pytest.mark.parametrize("call", ["openat", "write", "fsync", "rename", "fchmod", "mkdirat", "execve"])
def test_each_call_fails(q, call, tmp_path):
    """Nothing is half done: what the text, the tables and the answer say is the same; else the
    answer says what mends it."""
    user(q, "add", "alice", word="a long word\n")
    for n in range(1, 50):
        name, trace = f"u{n}@v.example", tmp_path / "trace"
        inject = ["-e", f"trace={call}", "-e", f"inject={call}:error=ENOSPC:when={n}"]
        command = [q.bin / "qpasswd", "-C", q.home, "add", "-n", name]
        p = subprocess.run(["strace", "-f", "-qq", "-o", trace, *inject, *command], capture_output=True, text=True)
        assert p.returncode in (0, 1, 100, 111, 127), (n, p.returncode, p.stderr)
        assert is_right(q, "alice", "a long word"), n
        q.run("qnewusers", check=True)
        there = name in user(q, "list")[0]
        if p.returncode == 0:
            assert there, n
        elif there:
            assert "qctl user cdb" in p.stderr or "sync" in p.stderr, (n, p.stderr)
        if "INJECTED" not in trace.read_text():
            break
    else:
        raise AssertionError("it never ended")
    user(q, "cdb")
    user(q, "add", "-n", "last@v.example")


@pytest.mark.tools("strace")
@pytest.mark.parametrize("verb", ["add", "passwd", "del"])
def test_killed_and_said_again(q, verb, tmp_path):
    """Whenever it was killed, the same command once more does what it says."""
    name, trace = "joe@v.example", tmp_path / "trace"
    for n in range(1, 20):
        if verb != "add":
            user(q, "add", name, word="the first word\n")
        inject = ["-e", "trace=rename", "-e", f"inject=rename:signal=KILL:when={n}"]
        command = [q.bin / "qpasswd", "-C", q.home, verb, name]
        subprocess.run(["strace", "-f", "-qq", "-o", trace, *inject, *command], input=b"a long word\n")
        p = q.run("qctl", "user", verb, name, stdin=b"a long word\n")
        assert p.returncode == 0 or b"there already" in p.stderr or b"no account" in p.stderr, (n, p.stderr)
        assert is_right(q, name, "a long word") == (verb != "del"), n
        assert not is_right(q, name, "the first word"), n
        if verb == "del":
            assert name not in (q.home / "users/assign").read_text(), n
        else:
            user(q, "del", name)
        if "INJECTED" not in trace.read_text() and "KILL" not in trace.read_text():
            break
    else:
        raise AssertionError("it never ended")


def test_from_a_terminal(q):
    """Asked twice, not shown, and the terminal is as it was."""

    def talk(*words):
        main, other = pty.openpty()
        p = subprocess.Popen(
            [q.bin / "qctl", "-C", q.home, "user", "passwd", "alice"], stdin=other, stdout=other, stderr=other
        )
        seen = b""
        for word in words:
            end = time.monotonic() + 10
            while not seen.rstrip().endswith(b":") and time.monotonic() < end:
                if select.select([main], [], [], 0.1)[0]:
                    seen += os.read(main, 1024)
            os.write(main, word)
            seen += b"|"
        code = p.wait(30)
        while select.select([main], [], [], 0.1)[0]:
            seen += os.read(main, 1024)
        assert termios.tcgetattr(other)[3] & termios.ECHO
        os.close(main)
        os.close(other)
        return code, seen.decode()

    user(q, "add", "-n", "alice")
    code, seen = talk(b"typed word\n", b"typed word\n")
    assert code == 0 and "typed" not in seen and seen.count(":") == 2
    assert is_right(q, "alice", "typed word")
    assert talk(b"one thing\n", b"another\n")[0] == 100
    assert talk(b"\x03\n")[0] == 100
    assert is_right(q, "alice", "typed word")


def test_no_secret_is_printed(q):
    """Neither in the arguments of any process, nor in what is printed."""
    word = "very secret word"
    out = "".join(user(q, "add", "alice", word=word + "\n")) + "".join(user(q, "list"))
    assert word not in out and "argon2" not in out


@pytest.mark.root("owners are different")
def test_no_link_leads_root_elsewhere(q):
    """quoinu may put anything into homes/: it only harms himself."""
    homes = q.home / "homes"
    prey = q.home / "prey"
    prey.mkdir()
    (homes / "joe@v.example").symlink_to(prey)
    user(q, "add", "-n", "joe@v.example", code=111)
    (homes / "zoe@v.example").mkdir()  # somebody else's
    user(q, "add", "-n", "zoe@v.example", code=100)
    assert not list(prey.iterdir()) and prey.stat().st_uid == 0
    assert passwd(q) == "" and "qctl user" not in (q.home / "users/assign").read_text()


@pytest.mark.root("without root there is one user")
def test_an_ordinary_user_may_not(q):
    user(q, "add", "alice", word="a long word\n")
    for args in (("list",), ("passwd", "-g", "alice"), ("add", "-g", "bob")):
        _, err = user(q, *args, code=111, user=FIRST_USER, group=FIRST_USER, extra_groups=[])
        assert "Permission denied" in err


# ---- the checkpassword interface --------------------------------------------------------


def test_as_a_checkpassword_program(q):
    user(q, "add", "alice", word="a long word\n")
    a = ask(q, "Alice", "a long word", "sh", "-c", 'id -u; id -G; pwd; echo "$USER $HOME $SHELL"; ls /proc/self/fd')
    uid, gid, home = q.accounts["alice"]
    lines = a.out.splitlines()
    assert a.code == 0 and lines[0] == str(uid)
    if ROOT:
        assert lines[1] == str(gid)
    assert lines[2] == str(home) and lines[3] == f"alice {home} /bin/sh"
    # 3 is the directory that ls reads, and 4 ours
    assert lines[4:] == ["0", "1", "2", "3", "4"], "descriptor 3 is closed, and nothing is left open"
    assert ask(q, "alice", "a long word", "sh", "-c", "exit 17").code == 17
    a = ask(q, "alice", "a wrong word", "echo", "ran")
    assert (a.code, a.out, a.err) == (1, "", "")
    assert ask(q, "nobody", "a long word", "echo", "ran").code == 1


def test_the_judge_has_no_descriptor_of_the_caller(q):
    """What the program gets, a session perhaps, is not the judge's; nor does it fill his table."""
    user(q, "add", "alice", word="a long word\n")
    trace = q.home / "trace"
    many = "".join(f" {n}</dev/null" for n in range(10, 40))
    command = (
        f'printf "alice\\0a long word\\0" | strace -f -qq -o {trace} -e trace=close_range,read,dup2,execve '
        f'"{q.bin}/qcheckpw" -C "{q.home}" sh -c "ls /proc/self/fd" 3<&0{many}'
    )
    p = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    if not shutil.which("strace"):
        pytest.skip("not installed: strace")
    assert p.returncode == 0, p.stderr
    assert set(map(str, range(10, 40))) <= set(p.stdout.split()), "the program has them"
    calls = trace.read_text()
    assert re.search(r"close_range\(4, 4294967295, 0\) += 0\n\d+ .*read\(3, ", calls.replace("\n\n", "\n"), re.S), calls
    # closed ones are no way in, either
    for closed in ("0<&-", "1<&-", "0<&- 1<&-", "0<&- 1<&- 2<&-"):
        command = f'"{q.bin}/qcheckpw" -C "{q.home}" sh -c "exit 17" 3< <(printf "alice\\0a long word\\0") {closed}'
        assert subprocess.run(["bash", "-c", command], capture_output=True).returncode == 17, closed


def test_misuse(q):
    user(q, "add", "alice", word="a long word\n")
    for raw in (b"", b"alice", b"alice\0", b"alice\0a long word"):
        a = ask(q, "", "", "echo", "ran", raw=raw)
        assert (a.code, a.out) == (2, ""), raw
        assert ask(q, "", "", raw=raw).code == 2
    assert ask(q, "", "", "echo", "ran", raw=b"alice\0" + b"w" * 5000).code == 1
    assert subprocess.run([q.bin / "qcheckpw", "-C", q.home], capture_output=True).returncode == 2
    # descriptor 3 is not open at all
    p = subprocess.run(["sh", "-c", 'exec "$0" -C "$1" true 3<&-', q.bin / "qcheckpw", q.home], capture_output=True)
    assert p.returncode == 2


def test_a_broken_table_is_later(q):
    user(q, "add", "alice", word="a long word\n")
    table = q.home / "users/passwd.cdb"
    good = table.read_bytes()
    no_home = good.replace(b"/alice\0", b"/ali\0\0\0")
    no_hash = good.replace(b"$argon2id$v=", b"$argon2id$w=")
    for bad in (good[:2000], no_home, no_hash, b""):
        table.write_bytes(bad)
        a = ask(q, "alice", "a long word")
        assert (a.code, a.yes) == (111, b"") and "fatal" in a.err
        assert ask(q, "alice", "a long word", "echo", "ran").code == 111
    table.write_bytes(good)
    assert is_right(q, "alice", "a long word")
    table.unlink()
    assert not is_right(q, "alice", "a long word")


@pytest.mark.root("it becomes somebody")
def test_a_table_that_says_root(q):
    """uid 0 is refused wherever it might come from."""
    import accounts

    fields = ["0", "0", "/root", accounts.hashed("a long word"), "", "", ""]
    value = "".join(f + "\0" for f in fields).encode()
    (q.home / "users/passwd.cdb").write_bytes(accounts.cdb([(b"root", value), (b"alice", value)]))
    for name in ("root", "alice"):
        assert ask(q, name, "a long word", "id").code == 111
        assert ask(q, name, "a long word").code == 111


def test_no_memory_is_later(q):
    user(q, "add", "alice", word="a long word\n")
    q.control("passwordcost", "256 1")
    user(q, "add", "bob", word="a long word\n")
    limited = ["sh", "-c", 'ulimit -v 200000; exec "$@" 3<&0', "sh", q.bin / "qcheckpw", "-C", q.home, "true"]
    for name, code in (("alice", 0), ("bob", 111), ("nobody", 111)):
        p = subprocess.run(limited, input=f"{name}\0a long word\0".encode(), capture_output=True, timeout=30)
        if b"AddressSanitizer" in p.stderr:
            pytest.skip("AddressSanitizer wants memory of its own")
        if name == "alice" and not ROOT or code:
            assert p.returncode == code, (name, p.stderr)


def test_a_bad_cost_is_the_usual_one(q):
    user(q, "add", "alice", word="a long word\n")
    q.control("passwordcost", "much")
    assert "passwordcost" in user(q, "add", "-g", "bob", code=100)[1]
    a = ask(q, "alice", "a long word")
    assert a.code == 0 and "passwordcost" in a.err


def test_unknown_users_take_as_long(q):
    """The same work: by CPU time, which is steadier than the clock."""
    q.control("passwordcost", None)
    user(q, "add", "alice", word="a long word\n")
    user(q, "add", "-n", "bob")
    for n in range(10):
        user(q, "apppass", "-e" if n % 2 else "-s", "1" if n % 2 else "imap", "alice", n)

    def cost(name):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert not is_right(q, name, "a wrong word")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    seen = {name: [] for name in ("alice", "bob", "nobody", "no name at all")}
    for _ in range(15):
        for name, times in seen.items():
            times.append(cost(name))
    medians = {name: statistics.median(times) for name, times in seen.items()}
    low, high = min(medians.values()), max(medians.values())
    assert high < low * 1.35 + 0.005, medians


# ---- the system's accounts ----------------------------------------------------------------


@pytest.fixture
def person():
    """A user of the system."""
    name = f"qtest{os.getpid()}"
    if not ROOT or not shutil.which("useradd"):
        pytest.skip("needs a user of the system")
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", name], check=True)
    subprocess.run(["chpasswd"], input=f"{name}:a long word\n", text=True, check=True)
    yield name
    subprocess.run(["userdel", "--remove", name], check=True, capture_output=True)


@pytest.mark.root("reads shadow")
def test_accounts_of_the_system(q, person):
    def run(name, word):
        return ask(q, name, word, "sh", "-c", 'echo "$(id -un) $USER $HOME $SHELL $PWD"', options=("-s",))

    a = run(person, "a long word")
    assert (a.code, a.out) == (0, f"{person} {person} /home/{person} /bin/sh /home/{person}\n")
    assert run(person, "a wrong word").code == 1
    assert run("nobody-here", "a long word").code == 1
    assert run("root", "a long word").code == 1
    assert run("daemon", "").code == 1  # locked
    for change in (["usermod", "-L"], ["usermod", "-U", "-e", "1"], ["passwd", "-d"]):
        subprocess.run([*change, person], check=True, capture_output=True)
        assert run(person, "a long word").code == 1 and run(person, "").code == 1, change


@pytest.mark.root("reads shadow")
def test_a_password_of_root_is_no_login(q, tmp_path):
    """Even where shadow has one, as another file system's shadow may."""
    mine = tmp_path / "shadow"
    hashed = subprocess.run(["openssl", "passwd", "-6", "a long word"], capture_output=True, text=True).stdout.strip()
    if not hashed:
        pytest.skip("no openssl")
    mine.write_text(f"root:{hashed}:19000:0:99999:7:::\n")
    command = (
        f"mount --bind {mine} /etc/shadow && printf 'root\\0a long word\\0' | "
        f"{{ {q.bin}/qcheckpw -C {q.home} -s id 3<&0; echo $?; }}"
    )
    p = subprocess.run(["unshare", "-m", "sh", "-c", command], capture_output=True, text=True)
    if "mount" in p.stderr or "unshare" in p.stderr:
        pytest.skip("no name spaces here")
    assert p.stdout == "1\n"


# ---- checks ------------------------------------------------------------------------------


def test_check_knows_a_stale_table(q):
    def found():
        p = subprocess.run([q.bin / "qctl", "-C", q.home, "check"], capture_output=True, text=True)
        return [line for line in p.stdout.splitlines() if "passwd" in line]

    if not (BIN / "qctl-check").exists():
        pytest.skip("not built: qctl-check")
    assert found() == []  # an empty text is no fault
    user(q, "add", "alice", word="a long word\n")
    assert found() == []
    with open(q.home / "users/passwd", "a") as f:
        f.write("# changed\n")
    assert any("was not made of" in line for line in found())
    subprocess.run([q.bin / "qctl", "-C", q.home, "user", "cdb"], check=True)
    assert found() == []
    (q.home / "users/passwd.cdb").unlink()
    assert any("not compiled" in line for line in found())


def test_check_knows_a_checker_that_others_can_change(q):
    script = q.home / "checker"
    q.control("checkpassword", f"{script} an argument")
    said = lambda: q.run("qctl", "check").stdout.decode()
    assert f"there is no {script}" in said()
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    assert "as root" in said() and "! " + str(script) not in said()
    script.chmod(0o775)
    assert f"! {script} runs as root and can be changed by others" in said()


def test_qctl_cdb_sees_a_text_from_a_backup(q):
    """Its time is older than the table's, but it came later."""
    user(q, "add", "alice", word="a long word\n")
    text = q.home / "users/passwd"
    old = text.read_bytes()
    user(q, "passwd", "alice", word="another word\n")
    text.write_bytes(old)
    os.utime(text, (1000000000, 1000000000))
    q.run("qctl", "cdb", check=True)
    assert is_right(q, "alice", "a long word") and not is_right(q, "alice", "another word")


def test_check_knows_homes_and_costs(q):
    def found():
        p = subprocess.run([q.bin / "qctl", "-C", q.home, "check"], capture_output=True, text=True)
        return [line for line in p.stdout.splitlines() if "account" in line or "passwordcost" in line]

    if not (BIN / "qctl-check").exists():
        pytest.skip("not built: qctl-check")
    user(q, "add", "-n", "alice")
    user(q, "add", "-n", "zoe")
    user(q, "apppass", "zoe", "phone")
    assert found() == []
    shutil.rmtree(q.home / "homes/zoe")
    assert any("account zoe" in line and "homes/zoe" in line for line in found())
    user(q, "del", "zoe")
    q.control("passwordcost", "much")
    assert any("passwordcost: not" in line for line in found())
    q.control("passwordcost", "256 1")
    assert len(found()) <= 1  # where there is little memory
    text = passwd(q).replace(":" + str(q.accounts["alice"][0]) + ":", ":4711:", 1)
    (q.home / "users/passwd").write_text(text)
    assert any("account alice has uid 4711" in line for line in found())
