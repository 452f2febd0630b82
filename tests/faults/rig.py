"""A private Quoin under the tracer, scenarios, and what must be true after each.

A scenario sends tagged messages and says who must have them. Whatever happens to a
program on the way, in the end (what died was started anew, what was deferred was hurried)
  - a message that got its yes is in every mailbox that it was sent to, whole;
  - one queue id is in one Maildir once; what is sent once is there once, save where
    ARCHITECTURE.md admits it: those are counted as doubled;
  - a message that got a no is nowhere; one whose sender was cut off may be either;
  - queue/ holds nothing any more.
"""

import contextlib
import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from quoin import BIN, Quoin  # noqa: E402
from certs import self_signed  # noqa: E402
from remote_driver import Server, server_context, speaker  # noqa: E402

TRACER = BIN.parent / "tests/tracer"
FAULTY = BIN.parent / "tests/faulty"
SETTLED = 30  # seconds after which what is not settled hangs
LATE = 8  # seconds after which qsend is woken, as if it had looked by itself, and we say so
HURRY = 0.05  # seconds between two "try all now"
BODY = b"line of the body\n" * 40
TAG = re.compile(rb"^Subject: (tag-\w+)$", re.M)
DIED = re.compile(r"^\S+: bug:.*|.*ended by signal (?!9$)\d+", re.M)


class Fault(Exception):
    pass


class FalseYes(Fault):
    """Something was called done that was not."""


class Tracer:
    """tracer.c, and orders to it."""

    def __init__(self, path, started=False):
        self.path = str(path)
        self.popen = None if started else subprocess.Popen([TRACER, self.path], stdin=subprocess.DEVNULL)
        self.s = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + 10
        while True:
            try:
                self.s.connect(self.path)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)
        if not started:
            os.chmod(self.path, 0o666)
        self.f = self.s.makefile("rw")

    def order(self, *words):
        self.f.write(" ".join(str(w) for w in words) + "\n")
        self.f.flush()
        return self.f.readline().rstrip("\n")

    def state(self):
        """(stops, hits, call, entry or exit, crashes)"""
        stops, hits, _, call, side, crashes = self.order("state").split()
        return int(stops), int(hits), call, side, int(crashes)

    def trace(self):
        self.f.write("trace\n")
        self.f.flush()
        found = []
        while (line := self.f.readline().rstrip("\n")) != ".":
            found.append(tuple(line.split()))
        return found

    def close(self):
        self.f.close()
        self.s.close()
        if self.popen:
            self.popen.kill()
            self.popen.wait()


class Rig(Quoin):
    def __init__(self, faulty=False):
        self.faulty = faulty
        self.top = tempfile.mkdtemp(prefix="faults-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp")
        os.chmod(self.top, 0o755)
        super().__init__(parent=self.top)
        self.tracer = Tracer(self.home / "tracer")
        self.users("alice", "bob", "carol", "dave", "erin")
        self.control("concurrencyremote", "20")
        self.received = []  # of other hosts: (envelope, body)
        self.go = False  # whether what was deferred may pass
        self.other = Server(speaker(self.received, answers={"RCPT": self._rcpt}))
        self.control("smtproutes", f"remote.example:127.0.0.1:{self.other.port}")
        self.doors = True  # whether what ended is started anew
        self.kept = ["qqueue", "qgetpw", "qstart"]
        self.tried = 0
        self.number = 0
        self.last = ""  # what the tracer did
        self.died = []
        self.late = 0  # how often something settled only after LATE

    def _make_bin(self, p):
        if not self.faulty:
            return super()._make_bin(p)
        p.mkdir()
        for f in BIN.iterdir():
            own = FAULTY / f.name
            (p / f.name).symlink_to(own if own.exists() else f)
        return None

    def _rcpt(self, line):
        if b"bad" in line:
            return "550 5.1.1 nobody here"
        if b"later" in line:
            self.tried += 1
            return "250 2.1.5 ok" if self.go else "451 4.2.0 later"
        return "250 2.1.5 ok"

    # -- services, as a supervisor keeps them ---------------------------------

    def joined(self):
        return (str(TRACER), "join", self.tracer.path)

    def launch(self, name):
        """Start it, and wait until it is ready or has ended."""
        with contextlib.suppress(AssertionError):
            if name == "qqueue":
                self.start_queue("-w", "2", wrap=self.joined())
            elif name == "qgetpw":
                self.start("qgetpw", wrap=self.joined())
            elif name == "qtls":
                self.start_tls_client(wrap=self.joined())
            elif name == "qstart":
                self.start("qstart", "-s", self.owner("quoins"), "-r", self.owner("quoinr"), wrap=self.joined())

    def runs(self, name):
        return any(s.name == name and s.popen.poll() is None for s in self.services)

    def keep(self):
        """Start what has ended: True if there was something."""
        ended = [s for s in self.services if s.popen.poll() is not None]
        for s in ended:
            self.services.remove(s)
            self.died += DIED.findall(s.text())
        for name in self.kept:
            if not self.runs(name):
                self.launch(name)
        return bool(ended)

    def crashes(self):
        """Who ended by a signal but SIGKILL, or has found a bug of its own."""
        found = self.died + ["ended by a signal"] * self.tracer.state()[4]
        for s in self.services:
            found += DIED.findall(s.text())
        self.died = []
        return found

    def ready(self, scenario):
        """All runs, and no child lingers."""
        self.keep()
        self.tracer.order("end", "qlocal")
        self.tracer.order("end", "qremote")
        scenario.before(self)

    def down(self, *names):
        for s in [s for s in self.services if s.name in names]:
            s.stop()
            self.services.remove(s)

    def hurry(self):
        for s in self.services:
            if s.name == "qstart":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(s.pid, 14)

    def until(self, condition, seconds=SETTLED, hurry=True):
        """Poll, keep the services running, hurry what waits. False: not within that time."""
        start = hurried = time.monotonic()
        late = False
        while not condition():
            now = time.monotonic()
            if now > start + seconds:
                return False
            self.keep()
            if now > start + LATE:
                self.late += not late
                late = True
                self.wake()
            if hurry and now > hurried + HURRY:
                self.hurry()
                hurried = now
            time.sleep(0.002)
        return True

    def wake(self):
        """qsend would look into new/ by itself, but only after a minute."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"n", str(self.home / "run/qsend-wake/sock"))

    def is_settled(self, dirs=("tmp", "new", "cur", "state")):
        return not any(True for d in dirs for _ in os.scandir(self.queue / d))

    def end_all(self):
        """Also those whose qstart was killed: the locks tell when they are gone."""
        for name in ("qsend", "qqueue", "qbounce", "qlspawn", "qlocal", "qrspawn", "qremote"):
            self.tracer.order("end", name)
        for name in ("lock", "qlock"):
            with open(self.queue / name, "rb") as f:
                fcntl.flock(f, fcntl.LOCK_EX)

    def settle(self):
        """Until the queue is empty. What only a start clears away, journals without a message
        and the unfinished, gets one."""
        if self.until(lambda: self.is_settled(("new", "cur"))) and self.until(self.is_settled, LATE):
            return True
        if self.is_settled(("new", "cur")):
            self.late += 1
            self.down("qstart", "qqueue")
            self.keep()
        return self.until(self.is_settled, LATE)

    # -- messages ---------------------------------------------------------------

    def new_tag(self):
        self.number += 1
        return f"tag-{os.getpid()}x{self.number}"

    def submit(self, tag, rcpts, sender="carol@q.example", body=BODY):
        """The letter of the answer, or None if there was none."""
        message = b"Subject: " + tag.encode() + b"\n\n" + body
        envelope = b"".join(f.encode() + b"\0" for f in ("F" + sender, *("T" + r for r in rcpts)))
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(SETTLED)
                s.connect(str(self.home / "run/qqueue/sock"))
                f = s.makefile("rb")
                if f.read(1) != b"1":
                    return None
                offer = netstring(f)
                if offer[:1] != b"I":
                    return offer[:1].decode() or None
                self.last_id = offer[1:].decode()
                parts = [envelope, *(message[i : i + 65536] for i in range(0, len(message), 65536)), b""]
                s.sendall(b"".join(b"%d:%s," % (len(p), p) for p in parts))
                return netstring(f)[:1].decode() or None
        except TimeoutError:
            raise Fault("a client waits in vain") from None
        except OSError:
            return None

    def mail(self, user):
        """[(name, bytes)] of a user's Maildir."""
        box = self.accounts[user][2] / "Maildir"
        return [(p.name, Path(p.path).read_bytes()) for d in ("new", "cur") for p in os.scandir(box / d)]

    def sweep(self):
        """Forget all mail."""
        for user, (_, _, home) in self.accounts.items():
            for d in ("new", "cur", "tmp"):
                for p in os.scandir(home / "Maildir" / d):
                    os.unlink(p.path)
            for name in ("mbox", "program", "tried", "go"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(home / name)
        self.received.clear()
        self.go = False
        self.tried = 0

    def close(self):
        try:
            super().close()
        finally:
            self.tracer.close()
            shutil.rmtree(self.top, ignore_errors=True)
            self.other.__exit__()


def netstring(f):
    digits = b""
    while (c := f.read(1)) != b":":
        if not c.isdigit():
            raise ConnectionError
        digits += c
    body = f.read(int(digits) + 1)
    if not body.endswith(b","):
        raise ConnectionError
    return body[:-1]


# ---- scenarios ------------------------------------------------------------------------


class Message:
    """What was sent, what its sender was told, and who must have it how often.

    wanted: {place: how often, or (least, most)}; a place is a user's Maildir, user/mbox,
    user/program, another host's address, or notice/USER. More than that is a double that
    ARCHITECTURE.md admits, unless the place is in `once`."""

    def __init__(self, tag, answer, wanted, once=()):
        self.tag = tag
        self.answer = answer
        self.wanted = wanted
        self.once = once


class Scenario:
    """programs: those that have a part in it."""

    name = ""
    programs = ()

    def prepare(self, rig):
        """Once for each rig, while nothing runs."""

    def before(self, rig):
        """Before each point, while everything runs and is idle."""

    def act(self, rig):
        """[Message]"""
        raise NotImplementedError


LOCAL = ("qqueue", "qsend", "qlspawn", "qlocal")
REMOTE = ("qqueue", "qsend", "qrspawn", "qremote")


class Maildir(Scenario):
    """Default delivery: a small message, and then one that qqueue writes in pieces to the
    child of the first."""

    name = "maildir"
    programs = LOCAL

    def act(self, rig):
        sent = []
        for body in (BODY, BODY * 200):
            tag = rig.new_tag()
            answer = rig.submit(tag, ["alice@q.example"], body=body)
            sent.append(Message(tag, answer, {"alice": 1}, once=("alice",)))
            rig.until(rig.is_settled)
        return sent


class DotFile(Scenario):
    """A program, a Maildir and a forward. The program and the forward may be repeated."""

    name = "dotfile"
    programs = LOCAL

    def prepare(self, rig):
        rig.write_home("bob", ".qmail", "|cat >> program\n./Maildir/\n&alice@q.example\n")

    def act(self, rig):
        tag = rig.new_tag()
        return [
            Message(
                tag,
                rig.submit(tag, ["bob@q.example"]),
                {"bob": 1, "bob/program": 1, "alice": 1},
                once=("bob",),
            )
        ]


class Mbox(Scenario):
    name = "mbox"
    programs = ("qlocal",)

    def prepare(self, rig):
        rig.write_home("dave", ".qmail", "./mbox\n")

    def act(self, rig):
        tag = rig.new_tag()
        return [Message(tag, rig.submit(tag, ["dave@q.example"]), {"dave/mbox": 1})]


class Moved(Scenario):
    """A reader takes each message from new/ at once: a repeated job finds it in cur/."""

    name = "moved"
    programs = ("qsend", "qlspawn", "qlocal")

    def act(self, rig):
        tag = rig.new_tag()
        box = rig.accounts["alice"][2] / "Maildir"
        answer = rig.submit(tag, ["alice@q.example"])

        def read_mail():
            for p in os.scandir(box / "new"):
                os.rename(p.path, box / "cur" / f"{p.name}:2,S")
            return rig.is_settled()

        rig.until(read_mail)
        return [Message(tag, answer, {"alice": 1}, once=("alice",))]


class Remote(Scenario):
    """Two recipients of one host; a second message on the connection of the first."""

    name = "remote"
    programs = REMOTE

    def act(self, rig):
        sent = []
        for rcpts in (["one@remote.example", "two@remote.example"], ["one@remote.example"]):
            tag = rig.new_tag()
            sent.append(Message(tag, rig.submit(tag, rcpts), dict.fromkeys(rcpts, 1)))
            rig.until(rig.is_settled)
        return sent


class RemoteTls(Remote):
    """The same to a host that is told a password, because of its key."""

    name = "remote-tls"
    programs = (*REMOTE, "qtls")

    def prepare(self, rig):
        cert = self_signed(rig.top, "other.example")
        rig.other.__exit__()
        rig.other = Server(speaker(rig.received, tls=server_context(cert), logins={"alice": "secret"}))
        rig.control("smtproutes", f"remote.example:127.0.0.1:{rig.other.port}")
        rig.control("tlspolicy", f":pin {cert.pin}")
        rig.control("smtpauth", "127.0.0.1 alice secret", group="quoins")
        rig.kept.insert(0, "qtls")


class Deferral(Scenario):
    """One has it at once, two at the second attempt."""

    name = "deferral"
    programs = ("qqueue", "qsend", "qlspawn", "qlocal", "qrspawn", "qremote")

    def prepare(self, rig):
        rig.write_home("erin", ".qmail", "|test -e go || { echo >> tried; exit 111; }\n./Maildir/\n")

    def act(self, rig):
        tag = rig.new_tag()
        home = rig.accounts["erin"][2]
        answer = rig.submit(tag, ["alice@q.example", "erin@q.example", "later@remote.example"])
        if answer == "K":
            rig.until(lambda: (home / "tried").exists() and rig.tried > 0, 5)
        (home / "go").touch()
        rig.go = True
        return [
            Message(tag, answer, {"alice": 1, "erin": 1, "later@remote.example": 1}, once=("alice", "erin"))
        ]


class Bounce(Scenario):
    """One has it, two fail for good: one notification."""

    name = "bounce"
    programs = ("qqueue", "qsend", "qlspawn", "qrspawn", "qremote", "qbounce")

    def act(self, rig):
        tag = rig.new_tag()
        answer = rig.submit(tag, ["alice@q.example", "alias-nobody@q.example", "bad@remote.example"])
        return [Message(tag, answer, {"alice": 1, "notice/carol": 1}, once=("alice",))]


class Success(Scenario):
    """The sender wants to hear of the good end, too."""

    name = "success"
    programs = ("qsend", "qbounce")

    def act(self, rig):
        tag = rig.new_tag()
        answer = rig.submit(tag, ["alice@q.example\0NSF", "one@remote.example\0NS"])
        return [
            Message(tag, answer, {"alice": 1, "one@remote.example": 1, "notice/carol": 1}, once=("alice",))
        ]


class Warning(Scenario):
    """A message waits until its sender is told so, and is delivered later. A crash may cost
    the warning."""

    name = "warning"
    programs = ("qsend", "qbounce")

    def prepare(self, rig):
        Deferral().prepare(rig)
        rig.control("delaywarn", "1")

    def act(self, rig):
        tag = rig.new_tag()
        answer = rig.submit(tag, ["erin@q.example"])
        rig.until(lambda: rig.mail("carol"), 4)
        (rig.accounts["erin"][2] / "go").touch()
        rig.go = True
        return [Message(tag, answer, {"erin": 1, "notice/carol": (0, 1)}, once=("erin",))]


class Start(Scenario):
    """All starts anew, with a queue that has a history."""

    name = "start"
    programs = ("qqueue", "qstart", "qsend", "qbounce", "qlspawn", "qlocal", "qrspawn", "qremote")

    def __init__(self):
        self.history = None

    def prepare(self, rig):
        Deferral().prepare(rig)

    def _make_history(self, rig):
        """A message for whom nobody has looked, one with K, Z, A in its journal, one with D,
        an orphan and something torn."""
        self.tags = [rig.new_tag() for _ in range(3)]
        rig.keep()
        assert rig.submit(self.tags[0], ["alice@q.example", "erin@q.example", "later@remote.example"]) == "K"
        assert rig.submit(self.tags[1], ["alias-nobody@q.example", "erin@q.example"]) == "K"
        assert rig.until(lambda: len(rig.mail("alice")) == 1 and rig.tried and len(list((rig.queue / "state").iterdir())) == 2)
        tried = rig.accounts["erin"][2] / "tried"
        assert rig.until(lambda: tried.exists() and tried.read_bytes().count(b"\n") >= 2, hurry=False)
        time.sleep(0.3)  # until it is recorded
        rig.down("qstart")
        assert rig.submit(self.tags[2], ["bob@q.example", "one@remote.example"]) == "K"
        rig.down("qqueue")
        (rig.queue / "tmp" / "torn").write_bytes(b"quoin-2\nxx")
        first = next((rig.queue / "state").iterdir())
        orphan = rig.queue / "state" / ("0" + first.name[1:])
        orphan.write_bytes(first.read_bytes())
        self.history = []
        for d in ("tmp", "new", "cur", "state"):
            for p in (rig.queue / d).iterdir():
                st = p.stat()
                owner = (st.st_uid, st.st_gid) if p != orphan else (first.stat().st_uid, first.stat().st_gid)
                self.history.append((p, p.read_bytes(), owner, st.st_mode & 0o777))
                p.unlink()
        rig.write_home("bob", ".qmail", "./Maildir/\n")

    def before(self, rig):
        if self.history is None:
            self._make_history(rig)
        rig.down("qstart", "qqueue")
        rig.end_all()
        for p in rig.queue.glob("*/*"):
            p.unlink()
        rig.sweep()
        for p, data, owner, mode in self.history:
            p.write_bytes(data)
            os.chown(p, *owner)
            p.chmod(mode)
        rig.go = True
        (rig.accounts["erin"][2] / "go").touch()

    def act(self, rig):
        rig.keep()
        one, two, three = self.tags
        return [
            Message(one, "K", {"alice": 0, "erin": 1, "later@remote.example": 1}, once=("erin",)),
            Message(two, "K", {"erin": 1, "notice/carol": 1}, once=("erin",)),
            Message(three, "K", {"bob": 1, "one@remote.example": 1}, once=("bob",)),
        ]


class Sendmail(Scenario):
    """sendmail, as a user calls it."""

    name = "sendmail"
    programs = ("sendmail",)

    def act(self, rig):
        tag = rig.new_tag()
        argv = [rig.bin / "sendmail", f"--home={rig.home}", "alice@q.example"]
        p = subprocess.Popen(
            [*rig.joined(), *argv], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
        )
        try:
            p.communicate(b"Subject: " + tag.encode() + b"\n\n" + BODY, SETTLED)
        except subprocess.TimeoutExpired:
            p.kill()
            raise Fault("sendmail does not end") from None
        return [Message(tag, {0: "K", -9: None}.get(p.returncode, "Z"), {"alice": 1}, once=("alice",))]


SCENARIOS = {
    s.name: s
    for s in (Maildir, DotFile, Moved, Mbox, Remote, RemoteTls, Deferral, Bounce, Success, Warning, Start, Sendmail)
}


# ---- the judgement --------------------------------------------------------------------


class Finding:
    """lost, torn, twice, left: faults. doubled: what may happen."""

    def __init__(self):
        self.lost, self.torn, self.twice, self.left, self.doubled = [], [], [], [], []


def whole(data):
    """The tag of a whole message, else None."""
    m = TAG.search(data)
    body = data.partition(b"\n\n")[2].rstrip(b"\n") + b"\n"
    return m[1].decode() if m and body and body == BODY * (len(body) // len(BODY)) else None


def count_all(rig, found):
    """{(place, tag): how often}"""
    seen = {}

    def add(place, tag):
        seen[place, tag] = seen.get((place, tag), 0) + 1

    for user, (_, _, home) in rig.accounts.items():
        ids = set()
        for name, data in rig.mail(user):
            tag = whole(data)
            notice = b"multipart/report" in data and TAG.search(data)
            if notice:
                add("notice/" + user, notice[1].decode())
            elif tag:
                add(user, tag)
            else:
                found.torn.append(f"{user}/{name}")
            key = (name.split("-")[0], name.split("-")[1].split(".")[0])
            if key in ids:
                found.twice.append(f"{user}/{name}")
            ids.add(key)
        for name in ("mbox", "program"):
            p = home / name
            data = p.read_bytes() if p.exists() else b""
            # Each copy begins with its Subject, the fields in front of it end the one before.
            for part in re.split(rb"(?=^Subject: tag-)", data, flags=re.M):
                tag = whole(re.sub(rb"\n(From |Return-Path: )[^\0]*\Z", b"", part))
                if tag:
                    add(f"{user}/{name}", tag)
    for got in rig.received:
        if len(got) == 2:  # else it was cut before the final dot
            data = got[1].replace(b"\r\n", b"\n")
            tag = whole(data)
            if not tag:
                found.torn.append("remote")
            for line in got[0]:
                m = re.match(rb"RCPT TO:<(.*?)>", line)
                if m and tag:
                    add(m[1].decode(), tag)
    return seen


def judge(rig, messages):
    found = Finding()
    seen = count_all(rig, found)
    for m in messages:
        for place, n in m.wanted.items():
            least, most = n if isinstance(n, tuple) else (n, n)
            count = seen.pop((place, m.tag), 0)
            where = f"{m.tag} at {place}: {count}, answer {m.answer}"
            if count < least and m.answer == "K":
                found.lost.append(where)
            elif count > most and (place in m.once or m.answer not in ("K", None)):
                found.twice.append(where)
            elif count > 0 and m.answer not in ("K", None):
                found.twice.append("a false no: " + where)
            elif count > most:
                found.doubled.append(where)
    found.left += [p.name for p in (rig.queue / "bad").iterdir()]
    found.twice += [f"unasked: {place} {tag}" for place, tag in seen]
    return found
