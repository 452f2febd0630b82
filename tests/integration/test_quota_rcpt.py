"""A full mailbox is told at RCPT, where control/overquota says with which code: qrcpt asks
qlspawn, and that the user's own process."""
import os
import signal
import socket
import time

import pytest
from quoin import wait_for
from test_qlspawn import Spawner, q  # noqa: F401 # pylint: disable=unused-import
from test_smtp_in import Raw

pytestmark = pytest.mark.programs("qqueue", "qgetpw", "qstart", "qsend", "qlspawn", "qlocal", "qlisten", "qsmtpd", "qrcpt", "qnewusers")


def set_quota(house, name, text):
    uid, gid, home = house.accounts[name]
    path = home / "Maildir/maildirsize"
    path.write_text(text)
    os.chown(path, uid, gid)
    return path


def begin(house, control):
    house.control("rcpthosts", "q.example")
    if control:
        house.control("overquota", control)
    house.users("alice", "bob", "carol", extra=())
    set_quota(house, "alice", "1000S\n1000 3\n")
    set_quota(house, "bob", "1000S\n500 3\n")
    house.start_queue()
    house.start_delivery()
    return Raw(house.start_smtp()).begin("MAIL FROM:<a@b.example>")


@pytest.mark.parametrize("code, reply", [("4.2.2", "452 4.2.2"), ("5.2.2", "552 5.2.2")])
def test_full(quoin, code, reply):
    c = begin(quoin, code)
    c.say("RCPT TO:<alice@q.example>", reply)
    c.say("RCPT TO:<ALICE@q.example>", reply)
    c.say("RCPT TO:<bob@q.example>", "250")
    c.say("RCPT TO:<carol@q.example>", "250")  # no quota
    c.say("RCPT TO:<alice-list@q.example>", "250")  # goes where her dot-file says
    c.say("RCPT TO:<nobody-here@q.example>", "550 5.1.1")


def test_not_asked(quoin):
    """Without the control file: one look fewer, and delivery says it."""
    c = begin(quoin, None)
    c.say("RCPT TO:<alice@q.example>", "250")


def test_dot_file(quoin):
    c = begin(quoin, "5.2.2")
    uid, gid, home = quoin.accounts["alice"]
    (home / ".qmail").write_text("&bob@q.example\n")
    os.chown(home / ".qmail", uid, gid)
    c.say("RCPT TO:<alice@q.example>", "250")


def test_answer_is_kept_and_then_forgotten(quoin):
    c = begin(quoin, "5.2.2")
    c.say("RCPT TO:<alice@q.example>", "552")
    set_quota(quoin, "alice", "1000S\n0 0\n")
    c.say("RCPT TO:<alice@q.example>", "552")  # for a minute
    c.say("RCPT TO:<bob@q.example>", "250")


def test_sighup(quoin):
    c = begin(quoin, None)
    c.say("RCPT TO:<alice@q.example>", "250")
    quoin.control("overquota", "5.2.2")
    quoin.kill("qrcpt", signal.SIGHUP)
    wait_for(lambda: probe(quoin) == "552")
    quoin.control("overquota", "garbage")
    quoin.kill("qrcpt", signal.SIGHUP)
    time.sleep(0.2)
    assert probe(quoin) == "552"
    c.say("RCPT TO:<alice@q.example>", "552")


def probe(house):
    r = Raw(house.smtp_port).begin("MAIL FROM:<a@b.example>")
    r.send("RCPT TO:<alice@q.example>")
    code = r.reply()[:3]
    r.close()
    return code


@pytest.fixture
def hanging(q):  # noqa: F811
    """qlspawn with a qlocal that says nothing, as over a dead home."""
    (q.bin / "qlocal").write_text("#!/bin/sh\nsleep 100\n")
    s = Spawner(q)
    yield s
    s.close()


def test_process_that_hangs(hanging):
    """It holds nobody for longer than two seconds, is killed with what it started, and there
    are eight of them at most."""
    q = hanging.q
    wait_for((q.home / "run/qlspawn/sock").exists)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(10)
        s.connect(str(q.home / "run/qlspawn/sock"))
        begun = time.monotonic()
        s.send(b"alice\0")
        s.send(b"alice\0")
        assert s.recv(2000) == b"+alice\0" and 1.5 < time.monotonic() - begun < 9
        assert hanging.children() == []
        q.users(*[f"u{i}" for i in range(9)])
        begun = time.monotonic()
        for i in range(9):
            s.send(f"u{i}".encode() + b"\0")
        assert s.recv(2000) == b"+u8\0" and time.monotonic() - begun < 1.5
        assert len(hanging.children()) == 8
        assert {s.recv(2000) for _ in range(8)} == {f"+u{i}".encode() + b"\0" for i in range(8)}
    assert hanging.children() == []
    assert hanging.p.poll() is None


def test_without_delivery(quoin):
    """Nobody serves run/qlspawn: delivery will say it."""
    quoin.control("rcpthosts", "q.example")
    quoin.control("overquota", "5.2.2")
    quoin.users("alice")
    set_quota(quoin, "alice", "1000S\n1000 3\n")
    quoin.start_queue()
    quoin.start("qgetpw")
    c = Raw(quoin.start_smtp()).begin("MAIL FROM:<a@b.example>")
    c.say("RCPT TO:<alice@q.example>", "250")


def test_wrong_callers(quoin):
    """What is no question ends the connection, and harms no other."""
    c = begin(quoin, "5.2.2")
    for junk in (b"alice", b"\0", b"alice\0x\0", b"x" * 900 + b"\0", b"x" * 2000, b"a\0b"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(10)
            s.connect(str(quoin.home / "run/qlspawn/sock"))
            s.send(junk)
            got = s.recv(2000)
            assert got == b"" or got == b"+" + junk, got
    for name in (b"root", b"alice", b"alias", b"../../etc", b"nobody-here"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(10)
            s.connect(str(quoin.home / "run/qlspawn/sock"))
            s.send(name + b"\0")
            assert s.recv(2000) == (b"-" if name == b"alice" else b"+") + name + b"\0"
    c.say("RCPT TO:<alice@q.example>", "552")
