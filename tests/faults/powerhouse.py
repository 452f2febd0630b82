"""The Quoin whose power is cut (powercut): its users, the mail of its scenes, what each
recipient must get, and how it is started on what the cut has left.
"""

import os
import re
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from quoin import BIN, QueueFile, Quoin, wait_for  # noqa: E402
from test_qqueue import Client, netstring  # noqa: E402

TREES = ("queue", "mail")
DOMAIN = "q.example"
FAR = "far.example"  # delivered by qremote to a Peer
USERS = ("alice", "bob", "carol", "dave")
BOX = "Mail/Inbox"  # of everybody: where qlocal makes a Maildir itself, and not in the home
DOTS = {
    ("bob", "two"): f"./{BOX}/\n./Second/\n",
    ("bob", "fwd"): f"&alice@{DOMAIN}\n",
    ("bob", "no"): "|exit 100\n",
    ("bob", "mbox"): "./mbox\n",
    ("carol", "default"): f"./{BOX}/\n",
}
# Where a recipient's copy must be, in full; the others get a notification.
PLACES = {
    "alice": [f"alice/{BOX}"],
    "bob": [f"bob/{BOX}"],
    "bob-two": [f"bob/{BOX}", "bob/Second"],
    "bob-fwd": [f"alice/{BOX}"],
    "bob-mbox": ["bob/mbox"],
    "dave": [f"dave/{BOX}"],
    "far-1": ["peer/box"],
    "far-2": ["peer/box"],
    **{f"carol-{n}": [f"carol/{BOX}"] for n in ("later", "slow", "told", *range(30))},
}


def make_bin(q, programs):
    """bin/ with other builds of some programs: {name: path}."""
    if not programs:
        return
    q.bin.unlink() if q.bin.is_symlink() else shutil.rmtree(q.bin)
    q.bin.mkdir()
    for p in BIN.iterdir():
        (q.bin / p.name).symlink_to(programs.get(p.name, p))


def address(rcpt):
    return f"{rcpt}@{FAR if rcpt.startswith('far-') else DOMAIN}"


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        rcpts = []
        self.say("220 far.example ESMTP")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"RCPT":
                rcpts.append(line.split(b"<", 1)[1].split(b">", 1)[0])
            if word == b"DATA":
                self.say("354 go ahead")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                if b"" in lines:
                    return
                self.server.take(rcpts, b"".join(lines).replace(b"\r\n", b"\n"))
            if word in (b"DATA", b"MAIL", b"RSET"):
                rcpts = []
            self.say("250-far.example\r\n250 PIPELINING" if word == b"EHLO" else "250 2.0.0 ok")
            if word == b"QUIT":
                return


class Peer(socketserver.ThreadingTCPServer):
    """Another mail host, whose yes is durable."""

    daemon_threads = True

    def __init__(self, box):
        super().__init__(("127.0.0.1", 0), Session)
        self.box = box
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # qremote was killed

    def take(self, rcpts, data):
        name = f"{time.time_ns()}.{threading.get_ident()}"
        tmp, new = self.box / "tmp" / name, self.box / "new" / name
        with open(tmp, "xb", buffering=0) as f:
            f.write(b"".join(b"Delivered-To: %s\n" % r for r in rcpts) + data)
            os.fsync(f.fileno())
        os.rename(tmp, new)
        d = os.open(new.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(d)
        os.close(d)


class House:
    """q with users and dot-files. deferring: carol-later and carol-slow are not delivered."""

    def __init__(self, programs=(), parent="/tmp"):
        self.q = Quoin(parent=parent)
        self.programs = dict(programs)
        make_bin(self.q, self.programs)
        self.q.control("doublebounceto", "alice")
        self.q.control("bouncefrom", "MAILER-DAEMON")
        self.q.users(*USERS)
        for (user, ext), text in DOTS.items():
            self.q.write_home(user, f".qmail-{ext}", text)
        self.q.control("defaultdelivery", f"./{BOX}/")
        for user, (_, _, home) in self.q.accounts.items():
            shutil.rmtree(home / "Maildir")
            self.own(user, home / "Mail", 0o700)
            if user != "dave":  # his is made by qlocal
                self.maildir(user, BOX)
        self.maildir("bob", "Second")
        self.q.control("locals", DOMAIN)
        box = self.q.home / "mail/peer/box"
        for d in "tmp", "new":
            (box / d).mkdir(parents=True)
        self.peer = Peer(box)
        self.q.control("smtproutes", f"{FAR}:127.0.0.1:{self.peer.server_address[1]}")
        self.defer(False)
        self.procs = []

    def own(self, user, path, mode):
        uid, gid, _ = self.q.accounts[user]
        path.mkdir(exist_ok=True)
        path.chmod(mode)
        os.chown(path, uid, gid)

    def maildir(self, user, name):
        top = self.q.accounts[user][2] / name
        for p in (top, top / "tmp", top / "new", top / "cur"):
            self.own(user, p, 0o700)

    def defer(self, on):
        for ext in ("later", "slow"):
            self.q.write_home("carol", f".qmail-{ext}", "|exit 111\n" if on else f"./{BOX}/\n")

    # -- its programs, without the patience of a test's fixture -----------------------

    def _start(self, name, *args, user):
        r, w = os.pipe()
        q = self.q
        log = open(q.logs / f"{name}.log", "ab")
        kw = {} if user == "root" else {"user": q.ids[user], "group": q._gid(user), "extra_groups": []}
        p = subprocess.Popen(
            [q.bin / name, "-C", q.home, "-d", str(w), *args],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(w,),
            start_new_session=True,
            cwd="/",
            **kw,
        )
        os.close(w)
        log.close()
        try:
            if os.read(r, 1) != b"\n":
                raise AssertionError(f"{name} did not start: {self.log(name)}")
        finally:
            os.close(r)
        self.procs.append(p)
        return p

    def start_qqueue(self):
        return self._start("qqueue", "-t", str(self.q.ids["quoind"]), user="quoinq")

    def start_qstart(self):
        q = self.q
        return self._start("qstart", "-s", q.owner("quoins"), "-r", q.owner("quoinr"), user="root")

    def start(self):
        self.start_qqueue()
        self.qstart = self.start_qstart()

    def retry(self):
        self.qstart.send_signal(signal.SIGALRM)

    def keeper(self, verb, ids):
        if ids:
            self.q.run("qctl-queue", verb, *ids)

    def log(self, name):
        p = self.q.logs / f"{name}.log"
        return p.read_text(errors="replace") if p.exists() else ""

    def stop(self, sig=signal.SIGKILL):
        for p in reversed(self.procs):
            p.send_signal(sig)
            p.wait(40)
        self.procs = []

    def is_empty(self, *names):
        return not any(any((self.q.queue / d).iterdir()) for d in names or ("new", "cur", "tmp", "state"))

    def close(self):
        self.stop()
        self.peer.shutdown()
        self.q.close()


# ---- the scenes: what is recorded -------------------------------------------------------


def message(tag, size):
    line = f"{tag} says the same on every line, over and over\n".encode()
    body = line * (size // len(line) + 1)
    return f"From: alice@{DOMAIN}\nSubject: {tag}\n\n".encode() + body[: size - 1] + b"\n"


def wants_to_know(rcpt):
    """NOTIFY=SUCCESS,FAILURE"""
    return rcpt == "carol-told"


def envelope(rcpts, sender):
    who = f"{sender}@{DOMAIN}" if sender else ""
    env = f"F{who}\0"
    for r in rcpts:
        env += f"T{address(r)}\0" + ("NSF\0" if wants_to_know(r) else "")
    return env.encode()


KINDS = [  # recipients, size, sender
    (["alice"], 300, "alice"),
    (["bob-two"], 500, "alice"),
    (["carol-later"], 300, "alice"),
    (["nobody"], 400, "alice"),
    (["alice", "carol-slow", "bob-no"], 300, "alice"),
    (["bob-fwd"], 300, "alice"),
    (["dave"], 300, "alice"),
    (["alice"], 70000, "alice"),  # more than qqueue keeps in memory
    ([f"carol-{i}" for i in range(12)], 200, "alice"),
    (["bob", "alice", "bob-mbox"], 300, "alice"),
    (["nobody"], 200, "ghost"),  # to whom no notification can be delivered either
    (["carol-later", "carol-slow"], 300, ""),
    (["carol-told", "bob-no"], 300, "alice"),
    (["carol-told"], 300, "alice"),
    (["far-1"], 300, "alice"),
    (["far-1", "alice", "far-2", "carol-slow", "bob-no"], 400, "alice"),
]


def submit(q, tag, rcpts, size, sender):
    m = message(tag, size)
    c = Client(q)
    c.send(netstring(envelope(rcpts, sender)))
    for at in range(0, len(m), 60000):
        c.send(netstring(m[at : at + 60000]))
    c.send(b"0:,")
    if c.answer()[0] != "K":
        raise AssertionError("not taken")
    c.close()


def send_all(h, mail, abreast):
    with ThreadPoolExecutor(abreast) as clients:
        sent = [clients.submit(submit, h.q, tag, *m) for tag, m in mail]
    for s in sent:
        s.result()


def play(h, rng, n, abreast):
    """What strace watches: n messages from several sides, of each kind as far as n
    reaches; some deferred, some failing; both services killed or ended in the middle and
    started anew; the deferred tried again."""
    kinds = [KINDS[i % len(KINDS)] for i in range(n)]
    rng.shuffle(kinds)
    mail = [(f"tag-{k}", m) for k, m in enumerate(kinds)]
    h.defer(True)
    h.start()
    send_all(h, mail[: 2 * n // 3], abreast)
    if rng.random() < 0.5:
        wait_for(lambda: h.is_empty("new"), 60, "all is known to qsend")
    h.stop(rng.choice((signal.SIGTERM, signal.SIGKILL)))
    h.start()
    h.retry()  # what was decided and not told would wait for its next turn
    send_all(h, mail[2 * n // 3 :], abreast)
    late = sum("carol-later" in rcpts or "carol-slow" in rcpts for _, (rcpts, *_) in mail)
    wait_for(lambda: h.is_empty("new", "tmp") and len(h.q.queue_ids("cur")) <= late, 60, "the rest has ended")
    h.defer(False)
    held = h.q.queue_ids("cur")[-2:]
    h.keeper("hold", held)
    h.retry()
    h.keeper("release", held)

    def empty():
        h.retry()
        return h.is_empty()

    wait_for(empty, 60, "the queue is empty")
    h.stop(signal.SIGTERM)


# ---- what must be true after a cut ------------------------------------------------------


class Message:
    """One that was in new/, whole."""

    def __init__(self, data):
        f = QueueFile(data)
        self.rcpts = [r.partition("@")[0] for r in f.recipients]
        self.bytes = f.message
        m = re.search(rb"^Subject: (tag-\d+)$", f.message, re.M)
        self.tag = m[1] if m else None


NEW = re.compile(r"^mail/\w+/.*/new/[^/]+$")


def torn(tree, known):
    """Files in a Maildir's new/ that are no whole message."""
    ends = {}
    for m in known:
        ends.setdefault(len(m.bytes), set()).add(m.bytes)
    bad = []
    for p, data in tree.items():
        if NEW.match(p) and not any(len(data) >= n and data[len(data) - n :] in s for n, s in ends.items()):
            bad.append(p)
    return bad


class Mailboxes:
    def __init__(self, home):
        self.home = Path(home)
        self.cache = {}

    def copies(self, place):
        if place not in self.cache:
            p = self.home / "mail" / place
            if place.endswith("mbox"):
                self.cache[place] = [p.read_bytes()] if p.exists() else []
            else:
                self.cache[place] = [f.read_bytes() for d in ("new", "cur") if (p / d).exists() for f in (p / d).iterdir()]
        return self.cache[place]

    def has(self, place, rcpt, m):
        whom = f"Delivered-To: {address(rcpt)}\n".encode()
        if place.endswith("mbox"):
            return any(m.bytes in c for c in self.copies(place))
        n = sum(c.endswith(m.bytes) and whom in c for c in self.copies(place))
        # who forwards again gives it another id; no peer knows that it had it
        if n > 1 and rcpt not in ("bob-fwd", "far-1", "far-2"):
            raise AssertionError(f"{rcpt} has {n} copies of {m.tag}")
        return n > 0

    def has_notice(self, rcpt, m):
        whom = f"Final-Recipient: rfc822; {rcpt}@{DOMAIN}".encode()
        return any(b"multipart/report" in c and whom in c and m.tag in c for c in self.copies(f"alice/{BOX}"))


def missing_copies(home, promised):
    """(id, recipient) of what was promised and is nowhere."""
    boxes = Mailboxes(home)
    lost = []
    for ident, m in promised.items():
        for r in m.rcpts:
            if r in PLACES:
                ok = all(boxes.has(p, r, m) for p in PLACES[r])
                ok = ok and (not wants_to_know(r) or boxes.has_notice(r, m))
            else:
                ok = m.tag is None or boxes.has_notice(r, m)
            if not ok:
                lost.append((ident, r))
    return lost


class Trial(House):
    """A house that is set to one state after another."""

    def __init__(self, programs=()):
        super().__init__(programs, parent="/dev/shm" if os.path.isdir("/dev/shm") else "/tmp")
        self.skeleton = {p for t in TREES for p in (self.q.home / t).rglob("*")}
        self.skeleton |= {self.q.home / t for t in TREES}

    def _give(self, path, rel):
        q = self.q
        if rel.startswith("mail/peer/"):
            return
        if rel.startswith("mail/"):
            uid, gid, _ = q.accounts[rel.split("/")[1]]
        elif rel.startswith(("queue/tmp/", "queue/new/", "queue/sending/", "queue/qlock")):
            uid, gid = q.ids["quoinq"], q._gid("quoins")
        elif rel.startswith("queue/cur/"):
            uid, gid = q.ids["quoinq"], q._gid("quoins")
        else:
            uid, gid = q.ids["quoins"], q._gid("quoins")
        os.chown(path, uid, gid)

    def _clear(self):
        for t in TREES:
            for top, dirs, files in os.walk(self.q.home / t, topdown=False):
                for f in files:
                    p = Path(top, f)
                    if p not in self.skeleton:
                        p.unlink()
                if Path(top) not in self.skeleton:
                    os.rmdir(top)

    def set_to(self, tree, dirs):
        self._clear()
        home = self.q.home
        for d in sorted(dirs):
            p = home / d
            if p not in self.skeleton:
                p.mkdir()
                self._give(p, d)
                p.chmod(0o700)
        for rel, data in tree.items():
            p = home / rel
            p.write_bytes(data)
            if p not in self.skeleton:
                p.chmod(0o640 if rel.startswith("queue/") else 0o600)
                self._give(p, rel)
        for log in self.q.logs.glob("*.log"):
            log.unlink()

    def drain(self, deadline):
        """Deliver the rest. False if something stays."""
        began = again = time.monotonic()
        end = began + deadline
        while not self.is_empty():
            now = time.monotonic()
            if now > end:
                return False
            if now >= again:
                if again != began:
                    self.keeper("release", self.q.queue_ids("cur"))
                self.retry()
                again = now + 0.3
            time.sleep(0.002)
        return True

    def judge(self, tree, dirs, promised, known):
        """None, or what is wrong."""
        half = torn(tree, known)
        if half:
            return f"torn in new/: {half}"
        self.set_to(tree, dirs)
        try:
            self.start()
            drained = self.drain(10)
            self.stop()
            wait_children()
            lost = missing_copies(self.q.home, promised)
        except AssertionError as e:
            self.stop()
            wait_children()
            return str(e)
        if lost:
            return f"lost: {lost}"
        if self.q.queue_ids("bad"):
            return f"set aside: {self.q.queue_ids('bad')}"
        if re.search(r"bug:|crashed|ended by signal", self.log("qqueue") + self.log("qstart")):
            return "a program has failed: " + self.log("qqueue") + self.log("qstart")
        left = {d: self.q.queue_ids(d) for d in ("tmp", "new", "cur", "state") if self.q.queue_ids(d)}
        return None if drained else f"the queue does not drain: {left}"


def wait_children():
    """Those of killed parents are ours (a subreaper's)."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.001)
        except ChildProcessError:
            return
