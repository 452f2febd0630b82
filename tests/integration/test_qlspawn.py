"""qlspawn: becomes the recipient, with a qlocal that says what it was given."""

import json
import os
import socket
import struct
import subprocess
import time

import pytest
from quoin import BIN, ROOT, Quoin, missing, wait_for

pytestmark = pytest.mark.programs("qlspawn", "qnewusers")

FAKE = r'''#!/usr/bin/python3
import json, os, socket, struct, sys, time
s = socket.socket(fileno=3)
served = 0
while True:
    frame, fds, flags, addr = socket.recv_fds(s, 70000, 2)
    if not frame:
        sys.exit(0)
    dash, ext, alias, job = frame.split(b"\0", 3)
    slot = job[:2]
    count = 1
    ext = ext.decode()
    served += 1
    def report(letter, text):
        s.send(slot + b"O" + struct.pack(">H", count) + letter + text.encode()[:390] + b"\0")
    if ext == "die":
        os._exit(0)
    if ext == "hang":
        time.sleep(1000)
    if ext == "slow":
        time.sleep(0.5)
    if ext == "bad":
        report(b"K", "x"); report(b"K", "twice"); time.sleep(1000)
    if ext == "never" or ext == "fresh" and served > 1:
        s.send(b"H")
        continue
    if ext == "wrong":
        s.send(b"\0\0\0\7" + b"Kx\0" * 7); time.sleep(1000)
    if ext == "noise":
        os.write(2, b"qlspawn: fatal: I am not qlspawn\x1b[2J user=root\n" + b"line\n" * 500 + b"y" * 5000)
    if ext == "leave":
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(1)
    fdlist = sorted(int(f) for f in os.listdir("/proc/self/fd"))
    body = os.pread(fds[0], 100, 0).decode() if fds else None
    for f in fds:
        os.close(f)
    if ext == "env":
        text = json.dumps({"env": dict(os.environ), "cwd": os.getcwd()})
    elif ext == "argv":
        text = json.dumps(sys.argv[1:])
    else:
        text = json.dumps({"uid": os.getresuid(), "gid": os.getresgid(), "groups": os.getgroups(),
            "pid": os.getpid(), "pgid": os.getpgid(0), "served": served, "fds": len(fdlist), "body": body,
            "ext": ext, "dash": dash.decode(), "alias": alias.decode()})
    report(b"K", text)
'''


class Spawner:
    """A qlspawn, and the side of qsend."""

    def __init__(self, q, *args):
        self.q = q
        self.qsend, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.qsend.settimeout(20)
        r, self.lifeline = os.pipe()
        # quoin.start() passes no descriptors of ours: they get there over exec
        os.set_inheritable(r, True)
        theirs.set_inheritable(True)
        self.log = q.logs / "qlspawn.log"
        with open(self.log, "ab") as err:
            self.p = subprocess.Popen(
                [q.bin / "qlspawn", "-C", q.home, "-l", str(r), "-q", str(theirs.fileno()), *args],
                pass_fds=(r, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=err,
                stderr=err,
                cwd="/",
            )
        os.close(r)
        theirs.close()

    def job(self, slot, local, body="body", rcpts=("x@q.example",)):
        path = self.q.home / "body"
        path.write_text(body)
        fd = os.open(path, os.O_RDONLY)
        z = lambda s: s.encode() + b"\0"
        frame = struct.pack(">H", slot) + z("0QJvD3qwUb40z9a1c") + struct.pack(">QQ", 56, 4)
        frame += b"\0" * 16 + struct.pack(">QB", 1700000000, 0) + z("s@q.example") + z(local) + z("")
        frame += struct.pack(">BH", 0, len(rcpts)) + b"".join(z(x) + b"\0\0" for x in rcpts)
        socket.send_fds(self.qsend, [frame], [fd])
        os.close(fd)

    def report(self):
        frame = self.qsend.recv(70000)
        assert frame, self.log.read_text()
        slot, _pace, count = struct.unpack(">HcH", frame[:5])
        fields = frame[5:].split(b"\0")[:-1]
        assert len(fields) == count
        return slot, fields[0][:1].decode(), fields[0][1:].decode()

    def one(self, local, slot=7):
        self.job(slot, local)
        got, letter, text = self.report()
        assert got == slot
        return letter, text

    def logged(self):
        return self.log.read_text().replace("\\x20", " ")

    def children(self):
        with open(f"/proc/{self.p.pid}/task/{self.p.pid}/children", encoding="ascii") as f:
            return [int(p) for p in f.read().split()]

    def close(self):
        self.qsend.close()
        os.close(self.lifeline)
        self.p.wait(30)


@pytest.fixture
def q():
    q = Quoin()
    link = q.bin
    link.unlink() if link.is_symlink() else None
    link.mkdir(exist_ok=True)
    for p in BIN.iterdir():
        if p.name != "qlocal" and not (link / p.name).exists():
            (link / p.name).symlink_to(p)
    (link / "qlocal").unlink(missing_ok=True)
    (link / "qlocal").write_text(FAKE)
    (link / "qlocal").chmod(0o755)
    q.users("alice", "bob")
    yield q
    q.close()


@pytest.fixture
def spawner(q):
    s = Spawner(q, "-t", "2")
    yield s
    s.close()


def test_becomes_the_user(q, spawner):
    letter, text = spawner.one("alice-Foo.Bar")
    said = json.loads(text)
    uid, gid, home = q.accounts["alice"]
    assert letter == "K"
    assert said["uid"] == [uid] * 3 and said["gid"] == [gid] * 3
    if ROOT:
        assert said["groups"] == [gid]
    assert said["pgid"] == said["pid"]
    assert said["ext"] == "Foo.Bar" and said["dash"] == "-" and said["alias"] == ""
    assert said["body"] == "body"


def test_gives_the_child_nothing_else(q, spawner):
    # 0 to 3, the job's descriptor, the one that lists them
    assert json.loads(spawner.one("alice")[1])["fds"] == 6
    said = json.loads(spawner.one("alice-env")[1])
    assert said["env"].keys() - {"LC_CTYPE"} == {"PATH"} and said["cwd"] == "/"
    argv = json.loads(spawner.one("alice-argv")[1])
    home = q.accounts["alice"][2]
    assert argv == ["-C", str(q.home), "-q", "3", "-u", "alice", "-h", str(home)]


def test_a_child_lingers_and_serves_one_user(spawner):
    first = json.loads(spawner.one("alice")[1])
    again = json.loads(spawner.one("alice")[1])
    other = json.loads(spawner.one("bob")[1])
    assert again["pid"] == first["pid"] and again["served"] == 2
    assert other["pid"] != first["pid"] and other["served"] == 1
    wait_for(lambda: not spawner.children(), what="idle children end")
    assert json.loads(spawner.one("alice")[1])["pid"] != first["pid"]


def test_at_most_two_children_a_user(spawner):
    for slot in range(8):
        spawner.job(slot, "alice-slow")
    spawner.job(100, "bob")
    pids = set()
    seen = 0
    for n in range(9):
        slot, letter, text = spawner.report()
        assert letter == "K"
        if slot == 100:
            assert n < 8, "bob waited for alice"
        else:
            pids.add(json.loads(text)["pid"])
        seen = max(seen, len(spawner.children()))
    assert len(pids) == 2 and seen <= 3


def test_a_hanging_home_gives_its_slot_back(spawner):
    start = time.monotonic()
    spawner.job(1, "alice-hang")
    spawner.job(2, "alice-hang")
    assert json.loads(spawner.one("bob")[1])["ext"] == ""
    answers = {spawner.report()[:2] for _ in range(2)}
    assert answers == {(1, "Z"), (2, "Z")}
    assert time.monotonic() - start < 20
    assert spawner.one("alice")[0] == "K"
    assert "took too long" in spawner.logged()


@pytest.mark.parametrize("ext", ["die", "wrong", "leave"])
def test_no_result_is_later(spawner, ext):
    assert spawner.one(f"alice-{ext}")[0] == "Z"
    assert spawner.one("alice")[0] == "K"


def test_a_second_report_ends_the_child(spawner):
    assert spawner.one("alice-bad") == ("K", "x")
    wait_for(lambda: "not a report" in spawner.logged())
    assert spawner.one("alice")[0] == "K"


def test_a_job_that_comes_back_goes_to_another(spawner):
    first = json.loads(spawner.one("alice")[1])
    fresh = json.loads(spawner.one("alice-fresh")[1])
    assert fresh["pid"] != first["pid"] and fresh["body"] == "body"
    assert json.loads(spawner.one("alice")[1])["pid"] == fresh["pid"]


def test_a_job_comes_back_once(spawner):
    assert spawner.one("alice-never")[0] == "Z"
    assert spawner.one("alice")[0] == "K"


def test_nothing_to_run_is_later(q, spawner):
    (q.bin / "qlocal").unlink()
    assert spawner.one("alice")[0] == "Z"
    wait_for(lambda: "unable to run" in spawner.logged())


def test_nobody_forges_a_log_line(spawner):
    assert spawner.one("alice-noise")[0] == "K"
    wait_for(lambda: "dropped=" in spawner.log.read_text() or not spawner.children())
    lines = spawner.log.read_text().splitlines()
    assert 5 < len(lines) < 60
    assert all(line.startswith("qlspawn: child user=alice pid=") for line in lines)
    assert "\x1b" not in "".join(lines)
    assert any("fatal:\\x20I\\x20am\\x20not" in line for line in lines)


def test_a_changed_user_gets_a_new_child(q, spawner):
    first = json.loads(spawner.one("alice")[1])
    uid, gid, home = q.accounts["alice"]
    moved = home.with_name("moved")
    home.rename(moved)
    q.accounts["alice"] = (uid, gid, moved)
    q.users()
    again = json.loads(spawner.one("alice")[1])
    assert again["pid"] != first["pid"]
    assert json.loads(spawner.one("alice-argv")[1])[-1] == str(moved)


def test_an_alias_is_carried_out_by_alias(q, spawner):
    if missing("qnewaliases"):
        pytest.skip("qnewaliases is not built")
    q.control("aliases", "Info: alice, bob\n")
    q.run("qnewaliases", check=True)
    said = json.loads(spawner.one("INFO")[1])
    assert said["alias"] == "info"
    if ROOT:
        assert said["uid"][0] == q.ids["alias"]
    said = json.loads(spawner.one("nobody-here")[1])
    assert said["alias"] == "" and said["ext"] == "nobody-here" and said["dash"] == "-"


def test_root_has_no_mailbox(q, spawner):
    # qnewusers refuses uid 0; a table of another maker may have it
    text = b"+5,19:!zed\0->zed\0000\0000\0/home/zed\0\0\n+0,0:->\n\n"
    subprocess.run(["cdb", "-c", q.home / "users/cdb"], input=text, check=True)
    letter, text = spawner.one("zed")
    assert letter == "D" and "root has no mailbox" in text


@pytest.mark.parametrize("broken", ["users/cdb", "control/aliases.cdb"])
def test_a_broken_table_is_later(q, spawner, broken):
    (q.home / broken).write_bytes(b"\xff" * 3000)
    letter, text = spawner.one("nobody-here")
    assert letter == "Z" and broken in text


def test_all_ends_with_the_lifeline(q):
    s = Spawner(q)
    s.one("alice")
    s.job(1, "alice-slow")
    pids = wait_for(s.children)
    os.close(s.lifeline)
    s.lifeline = os.open("/dev/null", os.O_RDONLY)
    assert s.p.wait(30) == 0
    wait_for(lambda: not any(os.path.exists(f"/proc/{p}/cwd") for p in pids))
    s.close()


def test_ends_with_qsend(q):
    s = Spawner(q)
    s.one("alice")
    s.qsend.close()
    assert s.p.wait(30) == 0
    os.close(s.lifeline)


class SlowGetpw:
    """A qgetpw that is asked, and answers when told."""

    def __init__(self, q):
        path = q.home / "run/qgetpw/sock"
        path.unlink(missing_ok=True)
        self.l = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.l.bind(str(path))
        self.l.listen()
        self.l.settimeout(10)
        self.s = None

    def asked(self):
        if self.s is None:
            self.s, _ = self.l.accept()
            self.s.settimeout(10)
        return self.s.recv(100)[:-1].decode()

    def found(self, name, uid, gid, home):
        self.s.send(name.encode() + b"\0+" + struct.pack(">II", uid, gid) + home.encode() + b"\0/bin/sh\0")

    def say(self, name, letter):
        self.s.send(name.encode() + b"\0" + letter)


@pytest.fixture
def getpw(q):
    # without the wildcard of everybody, which would come before the user database
    assign = q.home / "users/assign"
    assign.write_text("".join(x for x in assign.read_text().splitlines(True) if not x.startswith("+:")))
    q.run("qnewusers", check=True)
    return SlowGetpw(q)


def test_a_slow_user_database_stops_nobody_else(q, spawner, getpw):
    uid, gid, home = q.accounts["bob"]
    spawner.job(1, "carol-x-y")
    assert getpw.asked() == "carol-x-y"
    assert spawner.one("bob")[0] == "K"
    getpw.say("carol-x-y", b"-")
    assert getpw.asked() == "carol-x"
    getpw.say("carol-x", b"-")
    assert getpw.asked() == "carol"
    getpw.found("carol", uid, gid, str(home))
    slot, letter, text = spawner.report()
    assert (slot, letter) == (1, "K") and json.loads(text)["ext"] == "x-y"
    # kept for a moment, and then asked again; unknown names are not kept
    spawner.job(2, "carol")
    assert spawner.report()[:2] == (2, "K")
    spawner.job(3, "carol-x")
    assert getpw.asked() == "carol-x"
    getpw.say("carol-x", b"-")
    assert spawner.report()[:2] == (3, "K")


def test_user_database_later(q, spawner, getpw):
    spawner.job(1, "carol")
    assert getpw.asked() == "carol"
    getpw.say("carol", b"Z")
    assert spawner.report()[:2] == (1, "Z")
    spawner.job(2, "carol")
    spawner.job(3, "carol")  # asked for once
    assert getpw.asked() == "carol"
    assert spawner.one("bob", 9)[0] == "K"  # so the jobs before it were read
    getpw.s.close()
    getpw.s = None
    assert getpw.asked() == "carol"  # again: it may have been a restart
    getpw.say("carol", b"Z")
    assert {spawner.report()[:2], spawner.report()[:2]} == {(2, "Z"), (3, "Z")}
    spawner.job(4, "carol")
    assert getpw.asked() == "carol"
    getpw.s.send(b"carol\0+nonsense")
    getpw.s = None
    assert getpw.asked() == "carol"
    getpw.say("carol", b"Z")
    assert spawner.report()[:2] == (4, "Z")


def test_no_user_database_is_later(q, spawner, getpw):
    getpw.l.close()
    (q.home / "run/qgetpw/sock").unlink()
    assert spawner.one("carol")[0] == "Z"
    assert spawner.one("alice")[0] == "K"


def test_root_of_the_user_database_goes_to_alias(spawner, getpw):
    spawner.job(1, "root")
    assert getpw.asked() == "root"
    getpw.found("root", 0, 0, "/root")
    slot, letter, text = spawner.report()
    assert letter == "K" and json.loads(text)["ext"] == "root"
