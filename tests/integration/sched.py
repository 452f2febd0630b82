"""qsend with helpers of the test's own in place of the spawners.

    s = Sched(quoin, local=lambda job, rcpt: ("K", "did it"))
    s.start()
    s.queue("a@example.org", ["bob@q.example"], b"Subject: hi\\n\\nbody\\n")

A policy gets the job and one recipient and says letter and text, and perhaps a pace; None:
the job is not answered (release() does it later). Every job is recorded.
"""

import hashlib
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time

from quoin import BIN, ROOT, wait_for

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(n, width):
    out = ""
    for _ in range(width):
        n, d = divmod(n, 62)
        out = DIGITS[d] + out
    return out


def make_id(ns=None):
    return base62(ns if ns is not None else time.time_ns(), 11) + base62(random.getrandbits(32), 6)


def _sum(data):
    return hashlib.blake2b(data, digest_size=16).digest()


def queue_file(sender, rcpts, message=b"Subject: x\n\nbody\n", uid=0):
    """The bytes of lib/qfile.h."""
    env = b"U%d\0F%s\0" % (uid, sender.encode())
    env += b"".join(b"T%s\0" % r.encode() for r in rcpts)
    head = b"quoin-2\n" + struct.pack(">IIQ", len(env), 0, len(message)) + _sum(message)
    return head + _sum(head + env) + env + message


def record(ident, offset, body):
    """One record of a journal (lib/journal.h) at offset."""
    head = struct.pack(">H", len(body)) + body
    return head + _sum(ident.encode() + struct.pack(">Q", offset) + head)


def journal(ident, bodies, version=b"quoin-s2"):
    out = version
    for body in bodies:
        out += record(ident, len(out), body)
    return out


def read_journal(ident, data):
    """(letter, index, text) of the records that are whole."""
    found = []
    at = 8
    while data[:8] in (b"quoin-s1", b"quoin-s2") and at + 18 <= len(data):
        (n,) = struct.unpack(">H", data[at : at + 2])
        body = data[at + 2 : at + 2 + n]
        if data[at : at + 18 + n] != record(ident, at, body):
            break
        if body[:1] == b"A":
            found.append(("A", body[1], struct.unpack(">Q", body[2:10])[0]))
        elif body[:1] == b"W":
            found.append(("W", struct.unpack(">Q", body[1:9])[0], ""))
        elif body[:1] == b"H":
            found.append(("H", body[1], ""))
        else:
            text = body[5:-1].decode() if body[:1] != b"K" else ""
            found.append((body[:1].decode(), struct.unpack(">I", body[1:5])[0], text))
        at += 18 + n
    return found


class Job:
    def __init__(self, frame, fd):
        self.fd = fd
        (self.slot,) = struct.unpack(">H", frame[:2])
        ident, rest = frame[2:].split(b"\0", 1)
        self.id = ident.decode()
        self.offset, self.length = struct.unpack(">QQ", rest[:16])
        self.sum = rest[16:32]
        self.birth, self.flags = struct.unpack(">QB", rest[32:41])
        self.sender, self.route, self.envid, rest = (
            f.decode("latin-1") if i < 3 else f for i, f in enumerate(rest[41:].split(b"\0", 3)))
        logins, rest = rest[0], rest[1:]
        self.logins = []
        for _ in range(logins):
            *login, rest = rest.split(b"\0", 3)
            self.logins.append(tuple(x.decode() for x in login))
        (n,) = struct.unpack(">H", rest[:2])
        rest = rest[2:]
        self.rcpts, self.notify, self.orcpt = [], [], []
        while rest:
            rcpt, rest = rest.split(b"\0", 1)
            self.rcpts.append(rcpt.decode())
            self.notify.append(rest[0])
            orcpt, rest = rest[1:].split(b"\0", 1)
            self.orcpt.append(orcpt.decode())
        assert len(self.rcpts) == n
        self.at = time.monotonic()

    def message(self):
        return os.pread(self.fd, self.length, self.offset)


class Spawner(threading.Thread):
    def __init__(self, name, sock, policy, journal_of_jobs):
        super().__init__(daemon=True)
        self.sock, self.policy, self.log = sock, policy, journal_of_jobs
        self.channel = name
        self.held = []
        self.pace = b"O"
        self.start()

    def run(self):
        try:
            while True:
                frame, fds, _, _ = socket.recv_fds(self.sock, 65536, 4)
                if not frame:
                    return
                assert len(fds) == 1
                job = Job(frame, fds[0])
                self.log.append((self.channel, job))
                answers = [self.policy(job, r) for r in job.rcpts]
                if None in answers:
                    self.held.append(job)
                else:
                    self.answer(job, answers)
        except OSError:
            pass

    def answer(self, job, answers):
        os.close(job.fd)
        pace = next((a[2].encode() for a in answers if len(a) > 2), self.pace)
        out = struct.pack(">HcH", job.slot, pace, len(answers))
        for letter, text in (a[:2] for a in answers):
            out += letter.encode() + text.encode() + b"\0"
        try:
            self.sock.send(out)
        except OSError:
            pass

    def release(self, letter="K", text="released"):
        held, self.held = self.held, []
        for job in held:
            self.answer(job, [(letter, text)] * len(job.rcpts))


def yes(job, rcpt):
    return "K", "ok"


def no(job, rcpt):
    return "D", f"550 5.1.1 no {rcpt} here"


def later(job, rcpt):
    return "Z", "451 4.3.0 not now"


class Sched:
    """One qsend, as qstart would start it, and its helpers."""

    def __init__(self, q, local=yes, remote=yes):
        self.q = q
        self.policy = {"local": local, "remote": remote}
        self.jobs = []
        self.procs = []
        self.logfile = q.logs / "qsend.log"
        q.logs.mkdir(exist_ok=True)

    def _popen(self, argv, fds, err, wrap=()):
        kw = {}
        if ROOT:
            kw = {"user": self.q.ids["quoins"], "group": self.q._gid("quoins"), "extra_groups": []}
        p = subprocess.Popen(
            [*wrap, *map(str, argv)],
            pass_fds=fds,
            stdin=subprocess.DEVNULL,
            stdout=err,
            stderr=err,
            cwd="/",
            # LeakSanitizer cannot look into a process that is not dumpable
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
            **kw,
        )
        self.procs.append(p)
        return p

    def start(self, bounce=True, wait=True, wrap=(), deadline=20):
        pairs = {n: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for n in "LRB"}
        life_r, self.life = os.pipe()
        ready_r, ready_w = os.pipe()
        theirs = {n: p[0].fileno() for n, p in pairs.items()}
        began = time.monotonic()
        with open(self.logfile, "ab") as err:
            argv = [BIN / "qsend", "-C", self.q.home, "-l", life_r, "-d", ready_w]
            for n, fd in theirs.items():
                argv += [f"-{n}", fd]
            self.qsend = self._popen(argv, [life_r, ready_w, *theirs.values()], err, wrap)
            if bounce:
                fd = pairs["B"][1].fileno()
                argv = [BIN / "qbounce", "-C", self.q.home, "-l", life_r, "-q", fd]
                self.qbounce = self._popen(argv, [life_r, fd], err)
        os.close(ready_w)
        os.close(life_r)
        for p in pairs.values():
            p[0].close()
        if bounce:
            pairs["B"][1].close()
        else:
            self.bounce_sock = pairs["B"][1]
        self.local = Spawner("local", pairs["L"][1], self.policy["local"], self.jobs)
        self.remote = Spawner("remote", pairs["R"][1], self.policy["remote"], self.jobs)
        self.ready_fd = ready_r
        self.wrapped = bool(wrap)
        if wait:
            os.set_blocking(ready_r, False)

            def is_ready():
                try:
                    got = os.read(ready_r, 1)
                except BlockingIOError:
                    return False
                assert got == b"\n", self.log()
                return True

            wait_for(is_ready, deadline, "qsend ready")
        self.start_took = time.monotonic() - began
        return self

    def send(self, sig):
        """To qsend itself, also when something is wrapped around it."""
        pid = self.qsend.pid
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            os.kill(int(f.read().split()[0]) if self.wrapped else pid, sig)

    def log(self):
        return self.logfile.read_text(errors="replace")

    def kill(self, sig=signal.SIGKILL):
        self.qsend.send_signal(sig)
        code = self.qsend.wait(40)
        self.close()
        return code

    def close(self):
        if self.life is not None:
            os.close(self.life)
            os.close(self.ready_fd)
            self.life = None
        for s in (self.local, self.remote):
            try:
                s.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.join(5)
            s.sock.close()
        for p in self.procs:
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.procs = []

    # -- the queue ------------------------------------------------------------

    def put(self, data, ident=None, where="new"):
        """A queue file, put there by rename as qqueue does."""
        ident = ident or make_id()
        tmp = self.q.queue / "tmp" / ident
        tmp.write_bytes(data)
        if ROOT:
            os.chown(tmp, self.q.ids["quoinq"], self.q._gid("quoins"))
            if where != "new":
                os.chown(tmp, self.q.ids["quoins"], self.q._gid("quoins"))
        tmp.chmod(0o640)
        tmp.rename(self.q.queue / where / ident)
        return ident

    def put_state(self, ident, data):
        p = self.q.queue / "state" / ident
        p.write_bytes(data)
        if ROOT:
            os.chown(p, self.q.ids["quoins"], self.q._gid("quoins"))
        p.chmod(0o600)

    def records(self, ident):
        """Of a message's journal, (letter, index, text); none while there is no journal."""
        try:
            return read_journal(ident, (self.q.queue / "state" / ident).read_bytes())
        except FileNotFoundError:
            return []

    def wake(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"x", str(self.q.home / "run/qsend-wake/sock"))

    def queue(self, sender, rcpts, message=b"Subject: x\n\nbody\n", uid=0, ident=None, wake=True):
        ident = self.put(queue_file(sender, rcpts, message, uid), ident)
        if wake:
            self.wake()
        return ident

    def is_empty(self):
        return not any(any((self.q.queue / d).iterdir()) for d in ("new", "cur", "state"))

    def wait_empty(self, deadline=60):
        wait_for(self.is_empty, deadline, "queue empty")

    def tried(self, rcpt):
        return sum(j.rcpts.count(rcpt) for _, j in self.jobs)
