"""qlocal, driven as qlspawn drives it: dot-files, programs, mailboxes, and what bad
input gets."""
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import pytest

from qlocal_driver import ROOT, UID, Gone, Qlocal, Queued, give, make_home
from quoin import BIN, SANITIZER, Quoin, missing, wait_for

pytestmark = pytest.mark.skipif(bool(missing("qlocal")), reason="qlocal is not built")

MESSAGE = b"From: a@example.org\nSubject: hello\n\nbody\n"


class Place:
    """A home, a configuration, messages, and the qlocals started here."""

    def __init__(self, top):
        self.top = top
        self.home = make_home(top / "home")
        self.conf = top / "conf"
        (self.conf / "control").mkdir(parents=True)
        self.conf.chmod(0o755)
        (self.conf / "bin").symlink_to(BIN)
        self.running = []

    def start(self, **kw):
        self.running.append(Qlocal(kw.pop("home", self.home), kw.pop("conf", self.conf), **kw))
        return self.running[-1]

    def message(self, data=MESSAGE, **kw):
        return Queued(self.top, data, **kw)

    def write(self, name, text, mode=0o600):
        path = self.home / name
        path.write_text(text)
        path.chmod(mode)
        give(path)
        return path

    def control(self, name, text):
        (self.conf / "control" / name).write_text(text)

    def new(self, maildir="Maildir"):
        return [p.read_bytes() for p in sorted((self.home / maildir / "new").iterdir())]

    def out(self, name="out"):
        return (self.home / name).read_text()


@pytest.fixture
def place():
    import tempfile

    top = pathlib.Path(tempfile.mkdtemp(prefix="qlocal-", dir="/tmp"))
    top.chmod(0o755)
    p = Place(top)
    yield p
    for q in p.running:
        q.sock.close()
        try:
            q.proc.wait(30)
        finally:
            if q.proc.poll() is None:
                os.killpg(q.proc.pid, signal.SIGKILL)
        if not q.proc.stderr.closed:
            assert not SANITIZER.search(q.proc.stderr.read().decode(errors="replace"))
            q.proc.stderr.close()
    subprocess.run(["rm", "-rf", str(top)], check=False)


def make_maildir(path):
    for d in (path, path / "tmp", path / "new", path / "cur"):
        d.mkdir(mode=0o700)
        give(d)
    return path


# ---- the default delivery ----


def test_default_delivery(place):
    q = place.start()
    assert q.deliver(place.message()) == ("K", "did 1+0+0")
    assert (place.home / "Maildir").stat().st_mode & 0o7777 == 0o700
    assert place.new() == [b"Return-Path: <a@example.org>\nDelivered-To: user@example.test\n" + MESSAGE]
    (name,) = os.listdir(place.home / "Maildir" / "new")
    size = (place.home / "Maildir" / "new" / name).stat().st_size
    assert f",S={size},W={size + place.new()[0].count(10)}" in name
    assert (place.home / "Maildir" / "new" / name).stat().st_mode & 0o777 == 0o600
    assert q.stop() == 0


def test_return_path_is_ours_alone(place):
    data = b"Return-Path: <forged@x>\nA: b\nreturn-path: <again@x>\n folded\n\nReturn-Path: body\n"
    place.start().deliver(place.message(data), sender="")
    assert place.new() == [b"Return-Path: <>\nDelivered-To: user@example.test\nA: b\n\nReturn-Path: body\n"]


def test_original_recipient_of_a_virtual_domain(place):
    q = place.start()
    q.deliver(place.message(), local="user-info", rcpts=["info@virtual.test"])
    assert place.new()[0].startswith(
        b"Return-Path: <a@example.org>\nDelivered-To: user-info@virtual.test\nX-Original-To: info@virtual.test\n"
    )


def test_empty_dot_file_is_the_default(place):
    place.write(".qmail", "")
    place.write(".qmail-ext", "")
    q = place.start()
    assert q.deliver(place.message())[0] == "K"
    assert q.deliver(place.message(), dash="-", ext="ext", local="user-ext")[0] == "K"
    assert len(place.new()) == 2


def test_control_defaultdelivery(place):
    place.control("defaultdelivery", "# lines of a dot-file\n./Mailbox\n|echo second >> out\n")
    assert place.start().deliver(place.message()) == ("K", "did 1+0+1")
    assert "\nSubject: hello\n" in place.out("Mailbox") and place.out() == "second\n"


def test_maildir_of_a_dot_file_is_not_made(place):
    place.write(".qmail", "./Maildir/\n")
    letter, text = place.start().deliver(place.message())
    assert letter == "Z" and "Maildir" in text and not (place.home / "Maildir").exists()


def test_many_messages_by_one_child(place):
    q = place.start()
    for _ in range(50):
        assert q.deliver(place.message())[0] == "K"
    assert len(place.new()) == 50


def test_several_recipients_in_one_job(place):
    q = place.start()
    q.send(place.message(), rcpts=["user@a.test", "user@b.test"])
    assert [a[0] for a in q.recv()] == ["K", "K"]
    assert len(place.new()) == 2


# ---- once ----


def test_repeated_job_does_not_double(place):
    msg = place.message()
    for _ in range(3):
        q = place.start()
        assert q.deliver(msg)[0] == "K"
        q.stop()
    assert len(place.new()) == 1 and not os.listdir(place.home / "Maildir" / "tmp")


def test_reader_moved_the_message_meanwhile(place):
    q = place.start()
    msg = place.message()
    q.deliver(msg)
    (name,) = os.listdir(place.home / "Maildir" / "new")
    (place.home / "Maildir" / "new" / name).rename(place.home / "Maildir" / "cur" / (name + ":2,RSTab"))
    assert q.deliver(msg)[0] == "K"
    assert place.new() == []
    other = place.message()
    assert q.deliver(other)[0] == "K" and len(place.new()) == 1


def test_failure_of_a_later_line_does_not_repeat_the_first(place):
    make_maildir(place.home / "Maildir")
    place.write(".qmail", "./Maildir/\n|test -f ok\n")
    q = place.start()
    msg = place.message()
    assert q.deliver(msg)[0] == "Z"
    place.write("ok", "")
    assert q.deliver(msg) == ("K", "delivered before, did 1+0+1")
    assert len(place.new()) == 1


def test_owner_replaces_the_maildir(place):
    q = place.start()
    q.deliver(place.message())
    (place.home / "Maildir").rename(place.home / "old")
    assert q.deliver(place.message())[0] == "K"
    assert len(place.new()) == 1 and len(place.new("old")) == 1
    shutil.rmtree(place.home / "Maildir")
    assert q.deliver(place.message())[0] == "K"
    assert len(place.new()) == 1


def threads(q):
    """Processes of a qlocal: itself and its program half."""
    return 1 + len(pathlib.Path(f"/proc/{q.proc.pid}/task/{q.proc.pid}/children").read_text().split())


def test_a_program_half_only_for_who_needs_it(place):
    """What a lonely process cannot do goes back, once, and the other serves both kinds."""
    q = place.start()
    assert q.deliver(place.message())[0] == "K" and threads(q) == 1
    place.write(".qmail-x", "|echo x >> out\n")
    assert q.deliver(place.message(), dash="-", ext="x", local="user-x") == ("K", "did 0+0+1")
    assert q.went_back == 1 and threads(q) == 2
    assert q.deliver(place.message())[0] == "K"
    assert q.deliver(place.message(), dash="-", ext="x", local="user-x")[0] == "K"
    assert q.went_back == 1 and place.out() == "x\nx\n" and len(place.new()) == 2


def test_a_dot_file_that_comes_before_the_first_message(place):
    place.write(".qmail", "|echo here > out\n")
    q = place.start()
    assert q.deliver(place.message()) == ("K", "did 0+0+1") and q.went_back == 0


def test_dot_file_is_read_for_each_message(place):
    q = place.start()
    q.deliver(place.message())
    place.write(".qmail", "|echo here > out\n")
    assert q.deliver(place.message())[1] == "did 0+0+1"
    (place.home / ".qmail").unlink()
    assert q.deliver(place.message())[1] == "did 1+0+0"
    assert len(place.new()) == 2 and place.out() == "here\n"


# ---- which dot-file ----


@pytest.mark.parametrize(
    "files,ext,want",
    [
        ([], "foo", None),
        ([".qmail", ".qmail-bar"], "foo", None),
        ([".qmail-foo", ".qmail-default"], "FOO", ".qmail-foo"),
        ([".qmail-foo-default", ".qmail-default"], "foo-bar", ".qmail-foo-default"),
        ([".qmail-default"], "foo-bar", ".qmail-default"),
        ([".qmail-a:b"], "a.b", ".qmail-a:b"),
        ([".qmail-default"], "../../etc/passwd", None),
    ],
)
def test_search(place, files, ext, want):
    for name in files:
        place.write(name, f"|echo {name} $DEFAULT > out\n")
    letter, text = place.start().deliver(place.message(), dash="-", ext=ext, local="user-" + ext)
    if want is None:
        assert letter == "D" and "#5.1.1" in text
        return
    default = ext[len(want) - len(".qmail-default"):] if want.endswith("default") else ""
    assert letter == "K" and place.out() == f"{want} {default}".rstrip() + "\n"


def test_comment_only_throws_away(place):
    place.write(".qmail-null", "#\n")
    assert place.start().deliver(place.message(), dash="-", ext="null") == ("K", "did 0+0+0")


@pytest.mark.parametrize("text", ["\n./Maildir/\n", "~/mail\n", "+list\n|true\n", "\\user\n", "&\n"])
def test_not_understood_is_temporary_and_nothing_is_done(place, text):
    place.write(".qmail", text)
    assert place.start().deliver(place.message())[0] == "Z"
    make_maildir(place.home / "M")
    place.write(".qmail", "./M/\n|touch out\n~bad\n")
    assert place.start().deliver(place.message())[0] == "Z"
    assert place.new("M") == [] and not (place.home / "out").exists()


def test_xbit_means_forwards_only(place):
    place.write(".qmail", "|touch out\n", 0o700)
    assert place.start().deliver(place.message())[0] == "Z"
    assert not (place.home / "out").exists()


@pytest.mark.parametrize("mode", [0o602, 0o666])
def test_world_writable_dot_file(place, mode):
    place.write(".qmail", "|touch out\n", mode)
    letter, text = place.start().deliver(place.message())
    assert letter == "Z" and ".qmail" in text and not (place.home / "out").exists()


@pytest.mark.parametrize("kind", ["link", "dangling", "fifo", "directory"])
def test_dot_file_that_is_no_plain_file(place, kind):
    path = place.home / ".qmail"
    if kind == "link":
        path.symlink_to(place.write("real", "|touch out\n"))
    elif kind == "dangling":
        path.symlink_to("/nonexistent")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert place.start().deliver(place.message(), timeout=5)[0] == "Z"
    assert not (place.home / "out").exists() and not (place.home / "Maildir").exists()


@pytest.mark.skipif(not ROOT, reason="only root can give a file away")
def test_dot_file_of_somebody_else(place):
    path = place.write(".qmail", "|touch out\n")
    path.chmod(0o644)
    os.chown(path, UID + 1, UID + 1)
    assert place.start().deliver(place.message())[0] == "Z"
    os.chown(path, 0, 0)
    assert place.start().deliver(place.message())[0] == "K"


# ---- the home ----


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o1700])
def test_home_that_is_not_fit(place, mode):
    place.home.chmod(mode)
    q = place.start()
    assert q.deliver(place.message())[0] == "Z"
    place.home.chmod(0o755)
    assert q.deliver(place.message())[0] == "K"


def test_missing_home(place):
    q = place.start(home=place.top / "nowhere")
    letter, text = q.deliver(place.message())
    assert letter == "Z" and "nowhere" in text


def test_home_goes_away_and_is_replaced(place):
    q = place.start()
    q.deliver(place.message())
    place.home.rename(place.top / "moved")
    assert q.deliver(place.message())[0] == "Z"
    make_home(place.home)
    with pytest.raises((Gone, ConnectionResetError)):
        q.deliver(place.message())


@pytest.mark.skipif(not ROOT, reason="only root can start it as root")
def test_refuses_to_be_root(place, monkeypatch):
    monkeypatch.setattr(Qlocal, "whose", staticmethod(dict))
    q = place.start()
    assert q.proc.wait(30) == 111 and b"root" in q.proc.stderr.read()


# ---- mailboxes that are traps ----


@pytest.mark.parametrize("part", ["", "tmp", "new"])
@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_maildir_part_is_a_trap(place, part, kind):
    target = make_maildir(place.home / "elsewhere")
    maildir = make_maildir(place.home / "Maildir")
    trap = maildir / part if part else maildir
    shutil.rmtree(trap)
    if kind == "link":
        trap.symlink_to(target / part if part else target)
    else:
        os.mkfifo(trap)
    assert place.start().deliver(place.message(), timeout=5)[0] == "Z"
    assert not any(os.listdir(target / d) for d in ("tmp", "new", "cur"))


@pytest.mark.parametrize("kind", ["link", "fifo", "directory"])
def test_mbox_is_a_trap(place, kind):
    place.write(".qmail", "./mbox\n")
    path = place.home / "mbox"
    if kind == "link":
        path.symlink_to(place.write("elsewhere", "untouched"))
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert place.start().deliver(place.message(), timeout=5)[0] == "Z"
    if kind == "link":
        assert place.out("elsewhere") == "untouched"


# ---- mbox ----


def test_mbox(place):
    place.write(".qmail", "./mbox\n")
    q = place.start()
    q.deliver(place.message(b"Subject: x\n\nFrom here\n>From there\nto end"), sender="a b@example.org")
    q.deliver(place.message(), sender="")
    lines = place.out("mbox").split("\n")
    assert lines[0].startswith("From a-b@example.org ")
    assert lines[1] == 'Return-Path: <"a b"@example.org>'
    assert lines[5:8] == [">From here", ">>From there", "to end"] and lines[8] == ""
    assert lines[9].startswith("From MAILER-DAEMON ") and place.out("mbox").endswith("body\n\n")
    import mailbox

    box = mailbox.mbox(place.home / "mbox")
    assert [m["Subject"] for m in box] == ["x", "hello"]


@pytest.mark.parametrize("torn", ["", "From x\n\nwhole\n\n", "From x\n\ncut o", "From x\n\ncut\n", "x", "\n"])
def test_mbox_after_a_crash(place, torn):
    place.write(".qmail", "./mbox\n")
    place.write("mbox", torn)
    assert place.start().deliver(place.message())[0] == "K"
    before, after = place.out("mbox").split("From a@example.org ")
    assert before.startswith(torn) and (before == "" or before.endswith("\n\n") or before == "\n")


def test_mbox_waits_for_a_lock(place):
    import fcntl

    place.write(".qmail", "./mbox\n")
    path = place.write("mbox", "")
    with open(path, "r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        q = place.start()
        q.send(place.message())
        time.sleep(0.3)
        assert path.stat().st_size == 0
    assert q.recv()[0][0] == "K" and path.stat().st_size > 0


def test_corrupt_message_leaves_the_mbox_as_it_was(place):
    place.write(".qmail", "./mbox\n")
    place.write("mbox", "From x\n\nold\n\n")
    msg = place.message()
    msg.sum = bytes(16)
    assert place.start().deliver(msg)[0] == "B"
    assert place.out("mbox") == "From x\n\nold\n\n"


# ---- outside the home ----


def test_files_outside_the_home(place):
    make_maildir(place.top / "list")
    box = place.top / "boxes"
    box.mkdir()
    give(box)
    place.write(".qmail", f"{place.top}/list/\n{box}/mbox\n{place.home}/inside\n")
    assert place.start().deliver(place.message()) == ("K", "did 3+0+0")
    assert len(os.listdir(place.top / "list" / "new")) == 1
    assert "Subject: hello" in (box / "mbox").read_text() and "Subject: hello" in place.out("inside")


def test_maildir_outside_that_is_missing(place):
    place.write(".qmail", f"{place.top}/none/\n")
    assert place.start().deliver(place.message())[0] == "Z"
    assert not (place.top / "none").exists()


# ---- the message ----


def test_corrupt_message(place):
    q = place.start()
    for wrong in ("bytes", "short"):
        msg = place.message()
        if wrong == "bytes":
            data = bytearray(msg.path.read_bytes())
            data[-3] ^= 4
            msg.path.write_bytes(data)
        else:
            msg.path.write_bytes(msg.path.read_bytes()[:-5])
        assert q.deliver(msg)[0] == "B"
    assert place.new() == [] and not os.listdir(place.home / "Maildir" / "tmp")
    place.write(".qmail", "|touch out\n")
    assert q.deliver(msg)[0] == "B" and not (place.home / "out").exists()


@pytest.mark.parametrize("dot", [None, "|touch out\n"])
def test_loop(place, dot):
    if dot:
        place.write(".qmail", dot)
    data = b"Received: x\nDelivered-To: User@Example.TEST\n\n"
    letter, text = place.start().deliver(place.message(data))
    assert letter == "D" and "loop" in text and not (place.home / "out").exists()


def test_large_message_with_a_long_header(place):
    data = b"X: " + b"y" * 200000 + b"\nReturn-Path: " + b"z" * 70000 + b"\nS: t\n\n" + os.urandom(3000000).replace(b"\r", b"")
    assert place.start().deliver(place.message(data))[0] == "K"
    (got,) = place.new()
    assert got.endswith(data[data.index(b"S: t"):]) and b"zzz" not in got[:300000]


def test_fifty_readers_of_one_message(place):
    msg = place.message(MESSAGE + b"z" * 100000 + b"\n")
    place.write(".qmail", "|cksum\n")
    answers = []

    def one(n):
        q = Qlocal(place.home, place.conf)
        answers.append(q.deliver(msg, dash="", local=f"user{n}", rcpts=[f"user{n}@example.test"], timeout=60)[1])
        q.stop()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(answers) == 50 and len(set(answers)) == 1 and "did 0+0+1" in answers[0]


# ---- programs ----


def test_program_sees_the_message_alone(place):
    place.write(
        ".qmail",
        """|python3 -c 'import os,sys; a=os.read(0,9999); os.lseek(0,0,0); b=os.read(0,9999); open("out","wb").write(a); sys.exit(a!=b)'\n"""
        "|head -c 3 >/dev/null\n|cat > out2\n|python3 -c 'import os; os.write(0,b\"x\")' 2>/dev/null; true\n|cat > out3\n",
    )
    assert place.start().deliver(place.message()) == ("K", "did 0+0+5")
    for name in ("out", "out2", "out3"):
        assert place.out(name) == MESSAGE.decode()


def test_program_environment(place):
    place.write(".qmail-default", "|env > out; pwd >> out; umask >> out; ls -l /proc/self/fd >> out; cat /proc/self/status >> out\n")
    q = place.start(env={"PATH": "/usr/bin:/bin", "SECRET": "x", "LD_PRELOAD": ""})
    assert q.deliver(place.message(), dash="-", ext="A-b", local="user-A-b", sender="s@x")[0] == "K"
    out = place.out()
    for line in ("SENDER=s@x", "NEWSENDER=s@x", "RECIPIENT=user-A-b@example.test", "USER=user", f"HOME={place.home}",
                 "HOST=example.test", "HOST2=example", "LOCAL=user-A-b", "EXT=A-b", "EXT2=b", "DEFAULT=A-b",
                 "DTLINE=Delivered-To: user-A-b@example.test", "RPLINE=Return-Path: <s@x>", str(place.home)):
        assert line + "\n" in out
    assert "SECRET" not in out and "LD_PRELOAD" not in out
    fds = [line.split(" -> ")[0].split()[-1] for line in out.split("\n") if " -> " in line]
    assert sorted(fds)[:3] == ["0", "1", "2"] and len(fds) == 4  # ls has one of its own
    assert "NoNewPrivs:\t0" in out and "Seccomp:\t0" in out
    assert "SigBlk:\t0000000000000000" in out and "SigIgn:\t0000000000000000" in out


STEAL = """import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
found = []
for pid in sys.argv[1:]:
    try:
        found += os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        pass
    p = os.pidfd_open(int(pid))
    for fd in range(64):
        if libc.syscall(438, p, fd, 0) >= 0:  # pidfd_getfd
            found.append(fd)
open("out", "w").write(repr(found))
"""


@pytest.mark.skipif(not ROOT, reason="needs an uid of its own")
def test_program_cannot_take_the_queue_file_from_qlocal(place):
    """It holds the envelope, and so the blind copies."""
    place.write("steal", STEAL)
    place.write(".qmail", "|python3 steal $PPID $(ps -o ppid= -p $PPID)\n")
    assert place.start().deliver(place.message())[0] == "K"
    assert place.out() == "[]"


def test_shell_functions_in_addresses_are_dropped(place):
    place.write(".qmail", "|env > out\n")
    assert place.start().deliver(place.message(), sender="() { :;}; touch /tmp/x@y")[0] == "K"
    assert "\nSENDER=" not in "\n" + place.out()


@pytest.mark.parametrize(
    "command,letter",
    [("exit 0", "K"), ("exit 99", "K"), ("exit 100", "D"), ("exit 111", "Z"), ("exit 64", "D"), ("exit 75", "Z"),
     ("exit 77", "D"), ("exit 112", "D"), ("exit 1", "Z"), ("kill -9 $$", "Z"), ("kill -SEGV $$", "Z"),
     ("/nonexistent/program", "Z"), ("exec /etc/passwd", "Z")],
)
def test_program_exits(place, command, letter):
    place.write(".qmail", f"|{command}\n|touch second\n")
    assert place.start().deliver(place.message())[0] == letter
    assert (place.home / "second").exists() == (command == "exit 0")


def test_programs_output_is_the_reports_text(place):
    place.write(".qmail", "|echo no such box; echo 'because\033[2J'; exit 100\n")
    assert place.start().deliver(place.message()) == ("D", "no such box because?[2J")


def test_output_flood(place):
    place.write(".qmail", "|yes flood | head -c 50000000\n")
    letter, text = place.start().deliver(place.message(), timeout=60)
    assert letter == "K" and len(text) <= 400 and text.startswith("flood flood")


def test_background_process_is_not_waited_for(place):
    place.write(".qmail", "|sleep 20 & exit 0\n")
    start = time.monotonic()
    assert place.start().deliver(place.message())[0] == "K"
    assert time.monotonic() - start < 18


def test_time_limit_ends_the_process_group(place):
    place.control("programtimeout", "1\n")
    place.write(".qmail", "|(sleep 300; touch late) & echo $! > child; echo $$ >> child; wait\n")
    letter, text = place.start().deliver(place.message())
    assert letter == "Z" and "too long" in text

    def gone():
        return not any(pathlib.Path("/proc", pid).exists() for pid in place.out("child").split())

    wait_for(gone)


def test_programs_end_with_qlspawn(place):
    place.write(".qmail", "|echo $$ > child; exec sleep 300\n")
    q = place.start()
    q.send(place.message())
    wait_for(lambda: (place.home / "child").exists() and place.out("child").strip())
    q.sock.close()
    assert q.proc.wait(30) == 111
    wait_for(lambda: not pathlib.Path("/proc", place.out("child").strip()).exists())


def test_jailed_half_dies(place):
    """The program half and its programs do not outlive it."""
    place.write(".qmail", "|echo $PPID $$ > child; exec sleep 300\n")
    q = place.start()
    q.send(place.message())
    wait_for(lambda: (place.home / "child").exists() and place.out("child").strip())
    q.proc.kill()
    wait_for(lambda: not any(pathlib.Path("/proc", p).exists() for p in place.out("child").split()))


def test_program_half_dies(place):
    place.write(".qmail", "|kill -9 $PPID; sleep 300\n")
    q = place.start()
    with pytest.raises((Gone, ConnectionResetError)):
        q.deliver(place.message())


@pytest.mark.skipif(shutil.which("sudo") is None, reason="sudo is not installed")
@pytest.mark.skipif(not ROOT, reason="only root can allow a user to use sudo")
def test_sudo(place, monkeypatch):
    """In a mount namespace where the user has a name and may use sudo."""
    added = {
        "passwd": pathlib.Path("/etc/passwd").read_text() + f"quointest:x:{UID}:{UID}::{place.home}:/bin/sh\n",
        "shadow": pathlib.Path("/etc/shadow").read_text() + "quointest:*:19000:0:99999:7:::\n",
        "sudoers": "quointest ALL=(ALL) NOPASSWD: ALL\n",
    }
    script = ""
    for name, text in added.items():
        (place.top / name).write_text(text)
        (place.top / name).chmod(0o644 if name == "passwd" else 0o440)
        script += f"mount --bind {place.top}/{name} /etc/{name} && "
    script += f'exec setpriv --reuid {UID} --regid {UID} --clear-groups "$@"'
    probe = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", "sudo", "-n", "true"], check=False)
    if probe.returncode:
        pytest.skip("sudo does not work here outside of Quoin either")
    monkeypatch.setattr(Qlocal, "whose", staticmethod(dict))
    place.write(".qmail", "|sudo -n true && sudo -n id -u > out\n")
    q = place.start(before=["unshare", "-m", "sh", "-c", script, "sh"])
    assert q.deliver(place.message()) == ("K", "did 0+0+1")
    assert place.out() == "0\n"


@pytest.mark.skipif(not ROOT, reason="only root can make a setgid program of another group")
def test_setgid_helper(place):
    helper = place.top / "helper"
    shutil.copy("/usr/bin/id", helper)
    os.chown(helper, 0, 12345)
    helper.chmod(0o2755)
    if os.statvfs(place.top).f_flag & os.ST_NOSUID:
        pytest.skip("/tmp is mounted nosuid")
    place.write(".qmail", f"|{helper} > out\n")
    assert place.start().deliver(place.message())[0] == "K"
    assert "egid=12345" in place.out()


@pytest.mark.skipif(shutil.which("procmail") is None, reason="procmail is not installed")
@pytest.mark.skipif(bool(missing("preline")), reason="preline is not built")
def test_procmail(place):
    place.write(".procmailrc", f"MAILDIR={place.home}\n:0\n* ^Subject: hello\nfound\n")
    place.write(".qmail", f"|preline procmail -m {place.home}/.procmailrc\n")
    assert place.start().deliver(place.message())[0] == "K"
    assert "Return-Path: <a@example.org>\nDelivered-To: user@example.test\n" in place.out("found")


# ---- forwards ----


@pytest.fixture
def queue(place):
    if missing("qqueue"):
        pytest.skip("qqueue is not built")
    q = Quoin()
    place.conf = q.home
    yield q
    q.close()


def test_forwards_are_one_submission_at_the_end(place, queue):
    queue.start_queue()
    place.write(".qmail", "&one@x.test\ntwo@y.test\n|touch out\n&three\n")
    letter, text = place.start().deliver(place.message(b"Return-Path: <f>\n" + MESSAGE))
    assert letter == "K" and text.endswith("did 0+3+1") and text.startswith("qp ")
    (f,) = queue.queue_files()
    assert f.sender == "a@example.org" and f.recipients == ["one@x.test", "two@y.test", "three"]
    lines = f.message.decode().split("\n")
    assert lines[0].startswith("Received: ") and queue.queue_ids()[0] in lines[0]
    assert "Delivered-To: user@example.test" in lines and "Return-Path" not in f.message.decode()
    assert f.message.endswith(MESSAGE)


def test_exit_99_keeps_earlier_forwards(place, queue):
    queue.start_queue()
    place.write(".qmail", "&one@x.test\n|exit 99\n&two@x.test\n|touch out\n")
    assert place.start().deliver(place.message())[0] == "K"
    assert queue.queue_files()[0].recipients == ["one@x.test"] and not (place.home / "out").exists()


def test_failure_forwards_nothing(place, queue):
    queue.start_queue()
    place.write(".qmail", "&one@x.test\n|exit 111\n")
    assert place.start().deliver(place.message())[0] == "Z"
    assert queue.queue_ids() == []


@pytest.mark.parametrize(
    "sender,owners,want",
    [
        ("a@b", [], "a@b"),
        ("a@b", ["-owner"], "user-list-owner@example.test"),
        ("a@b", ["-owner", "-owner-default"], "user-list-owner-@example.test-@[]"),
        ("a@b", ["-owner-default"], "a@b"),
        ("", ["-owner", "-owner-default"], ""),
        ("#@[]", ["-owner"], "#@[]"),
    ],
)
def test_owner(place, queue, sender, owners, want):
    queue.start_queue()
    place.write(".qmail-list", '&x@y.test\n|echo "$NEWSENDER" > out\n')
    for o in owners:
        place.write(".qmail-list" + o, "#\n")
    letter, text = place.start().deliver(place.message(), dash="-", ext="list", local="user-list", sender=sender)
    assert letter == "K", text
    assert queue.queue_files()[0].sender == want and place.out() == want + "\n"


def test_ten_thousand_forwards(place, queue):
    queue.start_queue()
    want = [f"subscriber-number-{n}@list.example.test" for n in range(10000)]
    place.write(".qmail-list", "".join(f"&{a}\n" for a in want), 0o700)
    letter, text = place.start().deliver(place.message(), dash="-", ext="list", timeout=60)
    assert letter == "K", text
    assert queue.queue_files()[0].recipients == want


def test_door_is_shut(place, queue):
    place.write(".qmail", "&one@x.test\n")
    q = place.start()
    start = time.monotonic()
    assert q.deliver(place.message())[0] == "Z"
    assert 4 < time.monotonic() - start < 30
    q.send(place.message())
    time.sleep(0.5)
    queue.start_queue()
    assert q.recv()[0][0] == "K"


def test_corrupt_message_is_not_forwarded(place, queue):
    queue.start_queue()
    place.write(".qmail", "&one@x.test\n")
    msg = place.message()
    msg.sum = bytes(16)
    assert place.start().deliver(msg)[0] == "B"
    assert queue.queue_ids() == [] and queue.queue_ids("tmp") == []


# ---- aliases ----


@pytest.fixture
def aliases(place):
    if missing("qnewaliases"):
        pytest.skip("qnewaliases is not built")

    def make(text):
        (place.conf / "control" / "aliases").write_text(text)
        subprocess.run([BIN / "qnewaliases", "-C", place.conf], check=True)

    return make


def test_alias_kinds(place, aliases):
    box = place.top / "box"
    box.mkdir()
    give(box)
    aliases(f"both: {box}/mbox, \"|cat > out\"\nnothing: /dev/null\n")
    q = place.start()
    assert q.deliver(place.message(), alias="both", dash="-", ext="both") == ("K", "did 1+0+1")
    assert "Subject: hello" in (box / "mbox").read_text() and "Subject: hello" in place.out()
    assert q.deliver(place.message(), alias="nothing")[0] == "K"
    assert q.deliver(place.message(), alias="absent")[0] == "Z"
    assert "discard" in q.stderr()


# ---- no room ----


@pytest.mark.skipif(not ROOT, reason="only root can mount a small file system")
@pytest.mark.parametrize("dot", [None, "./mbox\n"])
def test_full_disk(place, dot):
    mount = place.top / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", mount], check=False).returncode:
        pytest.skip("mount is not allowed here")
    try:
        place.home = make_home(mount / "home")
        if dot:
            place.write(".qmail", dot)
        q = place.start()
        assert q.deliver(place.message())[0] == "K"
        before = place.out("mbox") if dot else None
        letter, text = q.deliver(place.message(MESSAGE + b"x" * 400000))
        assert letter == "Z" and "space" in text
        if dot:
            assert place.out("mbox") == before
        else:
            assert not os.listdir(place.home / "Maildir" / "tmp") and len(place.new()) == 1
        assert q.deliver(place.message())[0] == "K"
        q.stop()
    finally:
        subprocess.run(["umount", mount], check=True)


# ---- frames ----


@pytest.mark.parametrize(
    "data",
    [b"x", b"\0\0\0", b"-\0ext\0\0" + bytes(100), bytes(60000)],
    ids=["byte", "strings", "no job", "long"],
)
def test_a_frame_that_is_not_understood_ends_it(place, data):
    q = place.start()
    q.sock.send(data)
    assert q.proc.wait(30) == 111


def test_control_bytes_in_addresses(place):
    q = place.start()
    q.send(place.message(), sender="a\nX: y@b")
    assert q.proc.wait(30) == 111
    assert not (place.home / "Maildir").exists() or place.new() == []


# ---- a dry run ----


def run_dry(place, *args):
    return subprocess.run([BIN / "qlocal", "-C", place.conf, "-n", *args], capture_output=True, text=True, check=False,
                          **Qlocal.whose())


def test_dry_run(place):
    place.write(".qmail-list-default", "./Maildir/\n|prog x\n&a@b\n./box\n")
    place.write(".qmail-list-x-owner", "#\n")
    home = str(place.home)
    r = run_dry(place, "user", home, "user-list-x", "-", "list-x", "h.test", "s@x", "")
    assert r.returncode == 0
    assert r.stdout.split("\n")[1:6] == ["maildir ./Maildir/", "program prog x", "forward a@b", "mbox ./box",
                                         "newsender user-list-x-owner@h.test"]
    r = run_dry(place, "user", home, "user", "", "", "", "", "./Maildir/")
    assert r.returncode == 0 and "maildir ./Maildir/\n" in r.stdout
    r = run_dry(place, "user", home, "user-no", "-", "no", "h", "", "")
    assert r.returncode == 100 and "5.1.1" in r.stderr
    assert not (place.home / "Maildir").exists()
