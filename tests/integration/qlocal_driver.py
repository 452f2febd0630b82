"""Drives the real qlocal as qlspawn does (lib/localjob.h), for tests and measurements."""
import array
import hashlib
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

from quoin import BIN, FIRST_USER, ROOT

UID = FIRST_USER + 90 if ROOT else os.getuid()  # whom qlocal delivers to
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def qid(ns, random):
    """lib/qid.h"""
    out = ""
    for value, width in ((ns, 11), (random, 6)):
        part = ""
        for _ in range(width):
            value, d = divmod(value, 62)
            part = DIGITS[d] + part
        out += part
    return out


def new_id():
    return qid(time.time_ns(), int.from_bytes(os.urandom(4), "big"))


class Queued:
    """A queue file as far as qlocal sees it: bytes before the message, the message."""

    def __init__(self, directory, message, envelope=b"quoin-1\nhead Fsecret\0Tenvelope\0"):
        self.id = new_id()
        self.path = pathlib.Path(directory) / self.id
        self.path.write_bytes(envelope + message)
        self.offset, self.len = len(envelope), len(message)
        self.sum = hashlib.blake2b(message, digest_size=16).digest()


def z(text):
    return (text if isinstance(text, bytes) else text.encode()) + b"\0"


def frame(slot, msg, dash, ext, alias, sender, local, rcpts):
    job = struct.pack(">H", slot) + z(msg.id) + struct.pack(">QQ", msg.offset, msg.len)
    job += msg.sum + struct.pack(">QB", int(time.time()), 0) + z(sender) + z(local) + z("")
    job += struct.pack(">BH", 0, len(rcpts)) + b"".join(z(r) + b"\0\0" for r in rcpts)
    return z(dash) + z(ext) + z(alias) + job


def read_report(data):
    slot, _pace, count = struct.unpack(">HcH", data[:5])
    parts = data[5:].split(b"\0")
    assert len(parts) == count + 1 and parts[-1] == b""
    return slot, [(p[:1].decode(), p[1:].decode()) for p in parts[:-1]]


class Gone(Exception):
    """qlocal ended without a report."""


class Qlocal:
    def __init__(self, home, conf, user="user", before=(), env=None):
        self.how, self.slot, self.went_back = (home, conf, user, before, env), 0, 0
        self.begin()

    def begin(self):
        home, conf, user, before, env = self.how
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fd = theirs.fileno()
        self.proc = subprocess.Popen(
            [*before, str(BIN / "qlocal"), "-C", str(conf), "-q", str(fd),
             "-u", user, "-h", str(home)],
            pass_fds=[fd], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, cwd="/", start_new_session=True,
            env=env or {"PATH": "/usr/bin:/bin"}, **self.whose())
        theirs.close()

    @staticmethod
    def whose():
        return {"user": UID, "group": UID, "extra_groups": []} if ROOT else {}

    def send(self, msg, sender="a@example.org", local="user", dash="", ext="", alias="",
             rcpts=None):
        self.slot += 1
        data = frame(self.slot, msg, dash, ext, alias, sender, local,
                     rcpts or [f"{local}@example.test"])
        self.job = data, msg.path
        self.send_job()

    def send_job(self):
        data, path = self.job
        fd = os.open(path, os.O_RDONLY)
        try:
            self.sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                        array.array("i", [fd]))])
        finally:
            os.close(fd)

    def start_another(self):
        """The job came back: another process gets it, as from qlspawn."""
        self.went_back += 1
        self.sock.close()
        assert self.proc.communicate(timeout=20)[1] == b"" and self.proc.returncode == 0
        self.begin()
        self.send_job()

    def recv(self, timeout=20):
        self.sock.settimeout(timeout)
        data = self.sock.recv(65536)
        if data == b"H":
            self.start_another()
            data = self.sock.recv(65536)
            assert data != b"H"
        if not data:
            raise Gone(self.stderr())
        slot, answers = read_report(data)
        assert slot == self.slot
        return answers

    def deliver(self, msg, timeout=20, **kw):
        """(letter, text) of the one recipient."""
        self.send(msg, **kw)
        return self.recv(timeout)[0]

    def stderr(self):
        self.sock.close()
        return self.proc.communicate(timeout=20)[1].decode()

    def stop(self):
        self.sock.close()
        try:
            self.proc.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.proc.pid, signal.SIGKILL)
            raise
        return self.proc.returncode


def make_home(path, mode=0o700):
    """A home of that user."""
    path.mkdir(parents=True)
    path.chmod(mode)
    give(path)
    return path


def give(*paths):
    for p in paths:
        if ROOT:
            os.chown(p, UID, UID, follow_symlinks=False)
