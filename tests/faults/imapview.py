"""A client that keeps account of what an IMAP server told it, and notices when that cannot be true.

Truth is shared by all clients of one mailbox: a uid is one message for ever; a uid with a modseq has one
set of flags.
"""

import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from imapd import parse  # noqa: E402


class Difference(AssertionError):
    pass


class Truth:
    """What all clients have been told, together."""

    def __init__(self):
        self.lock = threading.Lock()
        self.token = {}  # uid: the message
        self.state = {}  # (uid, modseq): flags
        self.gone = set()  # uids told as expunged
        self.may_go = set()  # tokens that somebody has marked, moved or removed
        self.uidvalidity = None

    def told_token(self, uid, token):
        with self.lock:
            if self.token.setdefault(uid, token) != token:
                raise Difference(f"uid {uid} is {token} and {self.token[uid]}")

    def told_state(self, uid, modseq, flags):
        with self.lock:
            if self.state.setdefault((uid, modseq), flags) != flags:
                raise Difference(f"uid {uid} modseq {modseq}: {sorted(flags)} and {sorted(self.state[uid, modseq])}")


class Message:
    __slots__ = ("uid", "flags", "modseq")

    def __init__(self):
        self.uid = self.flags = None
        self.modseq = 0


def uid_set(text):
    for part in text.split(b","):
        lo, _, hi = part.partition(b":")
        yield from range(int(lo), int(hi or lo) + 1)


class View:
    """One connection; list: what the client believes to be in the mailbox."""

    def __init__(self, connect, truth, name):
        self.truth, self.name = truth, name
        self.sock, self.process = connect()
        self.sock.settimeout(60)
        self.file = self.sock.makefile("rb")
        self.tags = 0
        self.list = []
        self.highest = 0
        self.code = b""
        self.searched = None
        self.current = ""
        self._until(lambda line: line.startswith((b"* PREAUTH", b"* OK", b"t OK")))

    def fail(self, why):
        raise Difference(f"{self.name}: {self.current}: {why}")

    # -- lines --

    def _line(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            self.fail("the server hung up")
        while m := re.search(rb"\{(\d+)\}\r\n$", line):
            line += self.file.read(int(m[1])) + self.file.readline()
        return line[:-2]

    def _until(self, done):
        while True:
            line = self._line()
            if done(line):
                return line
            self._untagged(line)

    def command(self, text, literal=None):
        """The tagged answer; anything but OK and NO is a difference."""
        self.tags += 1
        tag = b"a%d " % self.tags
        self.current = text
        self.searched = None
        self.sock.sendall(tag + text.encode() + b"\r\n")
        if literal is not None:
            self._until(lambda line: line.startswith(b"+"))
            self.sock.sendall(literal + b"\r\n")
        answer = self._until(lambda line: line.startswith(tag))[len(tag) :]
        self._code(answer)
        if not answer.startswith((b"OK", b"NO")):
            self.fail(answer)
        return answer

    def idle(self, seconds):
        self.tags += 1
        tag = b"a%d " % self.tags
        self.current = "IDLE"
        self.sock.sendall(tag + b"IDLE\r\n")
        self._until(lambda line: line.startswith(b"+"))
        threading.Event().wait(seconds)
        self.sock.sendall(b"DONE\r\n")
        self._until(lambda line: line.startswith(tag))

    def _code(self, line):
        m = re.match(rb"\w+ \[([^\]]*)\]", line)
        self.code = m[1] if m else b""
        if m := re.match(rb"HIGHESTMODSEQ (\d+)", self.code):
            self.highest = max(self.highest, int(m[1]))
        if m := re.match(rb"UIDVALIDITY (\d+)", self.code):
            with self.truth.lock:
                if self.truth.uidvalidity not in (None, int(m[1])):
                    self.fail("another UIDVALIDITY")
                self.truth.uidvalidity = int(m[1])

    # -- untagged answers --

    def _untagged(self, line):
        words = line.split(b" ", 3)
        if len(words) > 2 and words[1].isdigit():
            number, what = int(words[1]), words[2]
            if what == b"EXISTS":
                self._exists(number)
            elif what == b"EXPUNGE":
                self._expunge(number)
            elif what == b"FETCH":
                self._fetch(number, parse(words[3])[0])
        elif words[1] == b"VANISHED":
            self._vanished(line)
        elif words[1] in (b"SEARCH", b"ESEARCH"):
            self.searched = line
        elif words[1] in (b"OK", b"NO", b"BYE"):
            self._code(line[2:])

    def _exists(self, number):
        if number < len(self.list):
            self.fail(f"EXISTS {number} after {len(self.list)}")
        self.list += [Message() for _ in range(number - len(self.list))]

    def _expunge(self, number):
        if self.current.split()[0] in ("FETCH", "STORE", "SEARCH"):
            self.fail("EXPUNGE where none may be told")
        if not 1 <= number <= len(self.list):
            self.fail(f"EXPUNGE {number} of {len(self.list)}")
        self._gone(self.list.pop(number - 1))

    def _gone(self, m):
        if m.uid is not None:
            with self.truth.lock:
                self.truth.gone.add(m.uid)

    def _vanished(self, line):
        uids = set(uid_set(line.rsplit(b" ", 1)[1]))
        kept = []
        for m in self.list:
            if m.uid in uids:
                uids.discard(m.uid)
                self._gone(m)
            else:
                kept.append(m)
        if b"(EARLIER)" not in line:  # of those that were told by EXISTS alone, any is as good as another
            for uid in uids:
                at = next((i for i, m in enumerate(kept) if m.uid is not None and m.uid > uid), len(kept)) - 1
                if at < 0 or kept[at].uid is not None:
                    self.fail(f"VANISHED of {uid}, which it has not")
                kept.pop(at)
        self.list = kept

    def _fetch(self, number, pairs):
        if not 1 <= number <= len(self.list):
            self.fail(f"FETCH {number} of {len(self.list)}")
        m = self.list[number - 1]
        got = dict(zip(pairs[::2], pairs[1::2]))
        if b"UID" in got:
            self._uid(number - 1, int(got[b"UID"]))
        if b"FLAGS" in got:
            m.flags = frozenset(got[b"FLAGS"]) - {b"\\Recent"}
        if b"MODSEQ" in got:
            modseq = int(got[b"MODSEQ"][0])
            if modseq < m.modseq:
                self.fail(f"modseq of uid {m.uid} went back from {m.modseq} to {modseq}")
            m.modseq = modseq
            if m.uid is not None and b"FLAGS" in got:
                self.truth.told_state(m.uid, modseq, m.flags)
        for key, value in got.items():
            if key.startswith(b"BODY[HEADER.FIELDS") and m.uid is not None:
                if value is None:  # it has just gone
                    continue
                token = re.search(rb"<([^@>]+)@", value)
                if token:
                    self.truth.told_token(m.uid, token[1].decode())
                else:
                    self.fail(f"uid {m.uid} has no name: {value!r}")

    def _uid(self, at, uid):
        m = self.list[at]
        if m.uid not in (None, uid):
            self.fail(f"number {at + 1} was uid {m.uid} and is {uid}")
        before = [x.uid for x in self.list[:at] if x.uid is not None][-1:]
        after = next((x.uid for x in self.list[at + 1 :] if x.uid is not None), None)
        if (before and before[0] >= uid) or (after is not None and after <= uid):
            self.fail(f"uid {uid} stands between {before} and {after}")
        m.uid = uid

    def close(self):
        try:
            self.sock.close()
        finally:
            self.file.close()
            if self.process is not None:
                self.process.wait(30)


def by_program(program, maildir, log):
    """How to connect: a server of one's own, without a login."""

    def connect():
        ours, theirs = socket.socketpair()
        p = subprocess.Popen([program, "-p", "-d", str(maildir)], stdin=theirs, stdout=theirs, stderr=log)
        theirs.close()
        return ours, p

    return connect


def by_login(port, user, password):
    def connect():
        s = socket.create_connection(("127.0.0.1", port), 30)
        s.sendall(f"t LOGIN {user} {password}\r\n".encode())
        f = s.makefile("rb", 0)
        f.readline()
        return s, None

    return connect
