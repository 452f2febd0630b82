"""kill -9 of qpop3d at each system call of QUIT, and each call of it failing.

After whatever happened: what was not marked is there, whole, under its name for POP3; what
was marked is there whole or gone; gone, if the client heard +OK; and a new session works.
"""

import errno
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from quoin import BIN, missing  # noqa: E402
from readers import Wire  # noqa: E402
from rig import TRACER, Tracer  # noqa: E402

pytestmark = [
    pytest.mark.root("the user's processes may not be traced by another"),
    pytest.mark.skipif(bool(missing("qpop3d")), reason="not built"),
    pytest.mark.skipif(not TRACER.exists(), reason="not built: tracer"),
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="the tracer replaces calls on x86-64 alone"),
]

USER = 61100
NAMES = [f"1700000000.M{n}P1.host" for n in range(6)]
KEPT, MARKED = NAMES[:3], NAMES[3:]
# Which may be told of: those that touch the disk.
DISK = {"openat", "open", "write", "pwrite64", "fsync", "fdatasync", "unlinkat", "renameat", "renameat2", "flock", "fcntl",
        "getdents64", "fstat", "newfstatat", "ftruncate", "close", "read", "pread64", "mmap", "mkdirat"}  # fmt: skip


def text_of(name):
    return f"Subject: {name}\r\n\r\nhello\r\n".encode()


class House:
    def __init__(self):
        self.home = Path(tempfile.mkdtemp(prefix="quit-", dir="/dev/shm"))
        self.home.chmod(0o755)
        self.tracer = Tracer(self.home / "tracer")
        self.user = self.home / "user"

    def fill(self):
        shutil.rmtree(self.user, ignore_errors=True)
        for d in ("Maildir/new", "Maildir/cur", "Maildir/tmp"):
            (self.user / d).mkdir(parents=True)
        for n, name in enumerate(NAMES):
            sub, flags = (("new", ""), ("cur", ":2,"), ("cur", ":2,F"))[n % 3]
            (self.user / "Maildir" / sub / (name + flags)).write_bytes(text_of(name))
        for p in (self.user, *self.user.rglob("*")):
            os.chown(p, USER, USER)

    def session(self, traced=True):
        ours, theirs = socket.socketpair()
        join = [str(TRACER), "join", self.tracer.path] if traced else []
        p = subprocess.Popen(
            [*join, str(BIN / "qpop3d")],
            stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, cwd=self.user, user=USER, group=USER, extra_groups=[],
        )  # fmt: skip
        theirs.close()
        w = Wire(0, sock=ours, timeout=30)
        assert w.line().startswith(b"+OK")
        return w, p

    def begin(self):
        """A session just before QUIT."""
        self.fill()
        w, p = self.session()
        uidls = self.uidls(w)
        for name, number in uidls.items():
            if name in MARKED:
                assert w.ask(f"DELE {number}") == b"+OK"
            elif name != KEPT[2]:
                assert self.retrieve(w, number) == text_of(name)
        return w, p

    def uidls(self, w):
        w.send(b"UIDL\r\n")
        w.line()
        found = {}
        while (line := w.line()) != b".":
            number, name = line.decode().split()
            found[name] = number
        return found

    def retrieve(self, w, number):
        assert w.ask(f"RETR {number}").startswith(b"+OK")
        lines = []
        while (line := w.line()) != b".":
            lines.append(line + b"\r\n")
        return b"".join(lines)

    def quit(self, w, p):
        """What the client heard."""
        try:
            w.send(b"QUIT\r\n")
            said = w.rest()
        except OSError:
            said = b""
        w.close()
        p.wait(30)
        return said

    def judge(self, said, what):
        w, p = self.session(traced=False)
        there = self.uidls(w)
        assert set(KEPT) <= set(there) <= set(NAMES), (what, there)
        if said.startswith(b"+OK"):
            assert not set(MARKED) & set(there), (what, said, there)
        for name, number in there.items():
            assert self.retrieve(w, number) == text_of(name), (what, name)
        assert w.ask("QUIT").startswith(b"+OK"), what
        w.close()
        assert p.wait(30) == 0
        return len(there)

    def close(self):
        self.tracer.close()
        shutil.rmtree(self.home)


@pytest.fixture(scope="module")
def house():
    h = House()
    yield h
    h.close()


def trace_of(house):
    w, p = house.begin()
    house.tracer.order("arm", "qpop3d")
    assert house.quit(w, p).startswith(b"+OK")
    return house.tracer.trace()


def test_killed_at_each_call_of_quit(house):
    stops = len(trace_of(house))
    assert stops > 20
    left = []
    for stop in range(1, stops + 1):
        w, p = house.begin()
        house.tracer.order("arm", "qpop3d")
        house.tracer.order("kill", stop)
        said = house.quit(w, p)
        house.tracer.order("lift")
        left.append(house.judge(said, ("kill", stop, house.tracer.state())))
    print(f"{stops} kills; messages left: {left}")
    assert left[1] == 6 and left[-1] == 3  # the first may come before the order


@pytest.mark.parametrize("how", ["once", "ever"])
def test_each_call_of_quit_fails(house, how):
    calls = [c for _, c, side in (t[-3:] for t in trace_of(house)) if side == "entry"]
    counts, points = {}, []
    for c in calls:
        counts[c] = counts.get(c, 0) + 1
        if c in DISK:
            points.append((c, counts[c]))
    assert points
    refused = 0
    for call, nth in points:
        for error in (errno.EIO, errno.ENOSPC):
            w, p = house.begin()
            house.tracer.order("arm", "qpop3d")
            house.tracer.order("fail", call, nth, error, how)
            said = house.quit(w, p)
            house.tracer.order("lift")
            refused += said.startswith(b"-ERR")
            house.judge(said, (call, nth, error, how, said))
    print(f"{2 * len(points)} failures, {refused} refused")
    assert refused > 0


