"""One user's Maildir, its servers, a client that keeps account, and what must be true of both.

A scenario's commands each say what they change (Change). Whatever happens on the way, judge() then asks
new sessions and the files:
  lost      each message is in a folder where it may be, as often as it may, whole; nobody else is
  undone    what got its tagged OK is as it was told: placement, flags, folders
  uids      a uid that was told still is that message, or gone; none is used twice; UIDVALIDITY stays,
            UIDNEXT and HIGHESTMODSEQ never go back; uid and modseq stand for one set of flags
  hung      who comes next can write within seconds
"""

import contextlib
import copy
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from quoin import BIN  # noqa: E402
from imapview import Difference, Truth, View, uid_set  # noqa: E402

FAULTY = BIN.parent / "tests/faulty"
TRACER = BIN.parent / "tests/tracer"
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
USER = 61101
WAIT = 20  # seconds after which a session hangs; locks are waited for 30 s
ALL = "(UID FLAGS MODSEQ BODY.PEEK[] BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"
LETTERS = {"D": rb"\Draft", "F": rb"\Flagged", "R": rb"\Answered", "S": rb"\Seen", "T": rb"\Deleted"}


class Gone(Exception):
    """The server hung up."""


class Refused(Gone):
    """The rest of a scenario needs what was answered by NO."""


def text_of(token):
    n = 40 if token.startswith("big") else 4000 if token.startswith("huge") else 1
    return f"Message-ID: <{token}@example.org>\nSubject: {token}\n\n".encode() + f"This is {token}.\n".encode() * n


def wire_of(token):
    return text_of(token).replace(b"\n", b"\r\n")


class Told(Truth):
    """What was told of one folder."""

    def __init__(self):
        super().__init__()
        self.lock = contextlib.nullcontext()
        self.uidnext = self.highest = 0
        self.above = 0  # UIDVALIDITY of the folder that had the name before

    def told_state(self, uid, modseq, flags):
        super().told_state(uid, modseq, flags)
        self.highest = max(self.highest, modseq)


class Change:
    """What a command does: {token: folders}, {(token, folder): flags}, {folder: whether it is}, the tokens
    that APPENDUID or COPYUID will name in folder dest. moves: may be in both places on the way. partly: NO may
    come when some of it is done (RFC 9051 6.4.6 of STORE; what is unlinked does not come back)."""

    def __init__(self, places=(), flags=(), folders=(), dest=None, tokens=(), moves=False, partly=False):
        self.places, self.flags, self.folders = dict(places), dict(flags), dict(folders)
        self.dest, self.tokens, self.moves, self.partly = dest, list(tokens), moves, partly


class Account:
    """What may be: a list of possibilities for each thing; one, if no command is under way."""

    def __init__(self):
        self.told = {}
        self.places, self.flags, self.folders = {}, {}, {}
        self.change = Change()
        self.kept = {}
        self.unsure = set()  # judge(): tokens that may come back with another uid

    def of(self, folder):
        return self.told.setdefault(folder, Told())

    def begin(self, change):
        self.change = change
        self.kept = {}
        for name in ("places", "flags", "folders"):
            now, then = getattr(self, name), getattr(change, name)
            self.kept[name] = {k: now.get(k) for k in then}
            for key, after in then.items():
                before = now.get(key, [()] if name == "places" else [after] if name == "flags" else [False])
                now[key] = [*before, after, *self._between(name, before[0], after)]

    def _between(self, name, before, after):
        """Flags are the file's name, keywords a record."""
        if name == "places" and self.change.moves:
            return [tuple(sorted({*before, *after}))]
        if name == "flags":
            known = set(LETTERS.values())
            return [(after & known) | (before - known), (before & known) | (after - known), after & known]
        return []

    def end(self, ok):
        for name in ("places", "flags", "folders"):
            now, then = getattr(self, name), getattr(self.change, name)
            for key, after in then.items():
                before = self.kept[name][key]
                if ok:
                    now[key] = [after]
                elif self.change.partly:
                    continue
                elif before is None and name != "places":
                    now.pop(key)
                else:
                    now[key] = before or [()]
        self.change = Change()

    # -- as it is when nothing is under way --

    def tokens(self, folder):
        return sorted(t for t, options in self.places.items() if folder in options[0])

    def uid(self, folder, token):
        told = self.of(folder)
        known = [u for u, t in told.token.items() if t == token and u not in told.gone]
        if not known:
            raise Refused
        return known[0]

    def uids(self, folder, tokens):
        return ",".join(str(u) for u in sorted(self.uid(folder, t) for t in tokens))

    def flags_of(self, token, folder):
        return self.flags.get((token, folder), [frozenset()])[0]

    def moved(self, tokens, source, dest, keep):
        """The Change of COPY (keep) and MOVE."""
        places, flags = {}, {}
        for t in tokens:
            now = list(self.places[t][0])
            if not keep:
                now.remove(source)
            places[t] = tuple(sorted([*now, dest]))
            flags[t, dest] = self.flags_of(t, source)
        return Change(places, flags, dest=dest, tokens=tokens, moves=not keep)

    def without(self, tokens, folder):
        places = {t: tuple(f for f in self.places[t][0] if f != folder) for t in tokens}
        return Change(places, partly=True)


class Client(View):
    """mark(what, tag) is called before each command and behind its answer."""

    def __init__(self, connect, account, number=0, mark=lambda *_: None):
        self.account, self.mark = account, mark
        self.folder = None
        self.refused = 0
        super().__init__(connect, Told(), f"session {number}")
        self.sock.settimeout(WAIT)
        self.tags = 1000 * number

    def _line(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise Gone
        while m := re.search(rb"\{(\d+)\}\r\n$", line):
            body = self.file.read(int(m[1]))
            more = self.file.readline()
            if not more.endswith(b"\r\n"):
                raise Gone
            line += body + more
        return line[:-2]

    def _code(self, line):
        super()._code(line)
        if b"UIDVALIDITY" in self.code:
            self._is_later(self.truth)
        if m := re.match(rb"UIDNEXT (\d+)", self.code):
            self._rises("uidnext", int(m[1]))
        if m := re.match(rb"HIGHESTMODSEQ (\d+)", self.code):
            self._rises("highest", int(m[1]))
        if m := re.match(rb"(APPENDUID|COPYUID) (\d+) (\S+)(?: (\S+))?", self.code):
            self._named(m)

    def _is_later(self, told):
        if told.uidvalidity <= told.above:
            self.fail(f"UIDVALIDITY {told.uidvalidity}, and {told.above} of the folder before")

    def _rises(self, name, value):
        if value < getattr(self.truth, name):
            self.fail(f"{name} went back from {getattr(self.truth, name)} to {value} in {self.folder}")
        setattr(self.truth, name, value)

    def _named(self, m):
        change = self.account.change
        dest = self.account.of(change.dest)
        if dest.uidvalidity not in (None, int(m[2])):
            self.fail("another UIDVALIDITY of the target")
        dest.uidvalidity = int(m[2])
        self._is_later(dest)
        if m[1] == b"APPENDUID":
            tokens, uids = change.tokens, list(uid_set(m[3]))
        else:
            tokens = [self.truth.token[u] for u in uid_set(m[3])]
            uids = list(uid_set(m[4]))
        if sorted(tokens) != sorted(change.tokens) or len(uids) != len(tokens):
            self.fail(f"{m[0]} of {change.tokens}")
        for uid, token in zip(uids, tokens):
            if uid < dest.uidnext:
                self.fail(f"uid {uid} below the told UIDNEXT {dest.uidnext}")
            dest.told_token(uid, token)
        dest.uidnext = max([dest.uidnext, *(u + 1 for u in uids)])

    def _fetch(self, number, pairs):
        super()._fetch(number, pairs)
        got = dict(zip(pairs[::2], pairs[1::2]))
        m = self.list[number - 1]
        if b"BODY[]" in got and m.uid in self.truth.token and got[b"BODY[]"] != wire_of(self.truth.token[m.uid]):
            self.fail(f"uid {m.uid} is not whole: {got[b'BODY[]'][:80]!r}")
        if m.uid is not None:
            if m.uid in self.truth.gone:
                self.fail(f"uid {m.uid} was told as expunged")
            self.truth.uidnext = max(self.truth.uidnext, m.uid + 1)

    def do(self, text, change=None):
        """True: OK; False: NO."""
        self.account.begin(change or Change())
        self.mark("asked", self.tags + 1)
        ok = self.command(text).startswith(b"OK")
        self.account.end(ok)
        self.refused += not ok
        self.mark("told", self.tags)
        return ok

    def must(self, text, change=None):
        if not self.do(text, change):
            self.fail("NO")

    def select(self, folder):
        self.folder = folder
        self.truth = self.account.of(folder)
        self.list = []
        if self.do(f'SELECT "{folder}"'):
            return True
        self.folder = None
        raise Refused

    def begin(self, folder="INBOX"):
        if not (self.do("ENABLE QRESYNC") and self.select(folder) and self.look()):
            raise Refused

    def look(self, what=ALL):
        return self.do(f"UID FETCH 1:* {what}")

    def append(self, folder, tokens, flags=(), words=""):
        body = " ".join(
            f"({' '.join(f.decode() for f in flags)}) {words}{{{len(wire_of(t))}+}}\r\n{wire_of(t).decode()}" for t in tokens
        )
        change = Change(
            {t: tuple(sorted([*self.account.places.get(t, [()])[0], folder])) for t in tokens},
            {(t, folder): frozenset(flags) for t in tokens},
            dest=folder,
            tokens=tokens,
        )
        return self.do(f'APPEND "{folder}" {body}', change)

    def store(self, tokens, sign, flags):
        a, folder, after = self.account, self.folder, {}
        flags = frozenset(flags)
        for t in tokens:
            now = a.flags_of(t, folder)
            after[t, folder] = now | flags if sign == "+" else now - flags if sign == "-" else flags
        words = " ".join(f.decode() for f in sorted(flags))
        if not self.do(f"UID STORE {a.uids(folder, tokens)} {sign}FLAGS ({words})", Change(flags=after, partly=True)):
            raise Refused
        return True

    def copy(self, tokens, dest, move=False):
        change = self.account.moved(tokens, self.folder, dest, not move)
        uids = self.account.uids(self.folder, tokens)
        return self.do(f'UID {"MOVE" if move else "COPY"} {uids} "{dest}"', change)

    def expunge(self, tokens=None):
        a = self.account
        dead = [t for t in a.tokens(self.folder) if rb"\Deleted" in a.flags_of(t, self.folder)]
        dead = [t for t in dead if tokens is None or t in tokens]
        text = "EXPUNGE" if tokens is None else f"UID EXPUNGE {a.uids(self.folder, tokens)}"
        return self.do(text, a.without(dead, self.folder))

    def rename(self, pairs, old, new):
        """pairs: what becomes what, with all that lies below."""
        a, places, flags, folders = self.account, {}, {}, {}
        names = dict(pairs)
        for t, (now, *_) in a.places.items():
            if set(now) & names.keys():
                places[t] = tuple(sorted(names.get(f, f) for f in now))
                flags |= {(t, names[f]): a.flags_of(t, f) for f in now if f in names}
        for f, g in pairs:
            if f != "INBOX":
                folders |= {f: False}
                a.told[g] = a.of(f)
            folders[g] = True
        return self.do(f'RENAME "{old}" "{new}"', Change(places, flags, folders, moves=old == "INBOX"))

    def create(self, name):
        return self.do(f'CREATE "{name}"', Change(folders={name: True}))

    def delete(self, name):
        tokens = self.account.tokens(name)
        change = self.account.without(tokens, name)
        change.folders[name] = False
        if not self.do(f'DELETE "{name}"', change):
            return False
        old = self.account.told.pop(name, Told())
        self.account.of(name).above = max(old.above, old.uidvalidity or 0)
        self.mark("told", self.tags)
        return True

    def folders(self):
        """A name that is none stands in the list if one below it is (RFC 3501 6.3.4)."""
        self.listed, self.bare = [], []
        self.must('LIST "" "*"')
        for name in self.bare:
            if not any(f.startswith(f"{name}.") for f in self.listed):
                self.fail(f"{name} is no folder, nothing is below it, and it is listed")
        return self.listed

    def _untagged(self, line):
        if m := re.match(rb'\* LIST \(([^)]*)\) "." "?([^"]*)"?$', line):
            (self.bare if rb"\Noselect" in m[1] else self.listed).append(m[2].decode())
        super()._untagged(line)

    def leave(self):
        with contextlib.suppress(Gone, OSError):
            self.command("LOGOUT")
        self.close()

    def close(self):
        try:
            super().close()
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Difference(f"{self.name}: does not end") from None


class House:
    """A home in memory, a Maildir in it, servers that are started by hand."""

    def __init__(self, tracer=None, faulty=False, top=None, programs=()):
        self.home = Path(top or tempfile.mkdtemp(prefix="box-", dir=MEMORY))
        self.home.chmod(0o755)
        self.maildir = self.home / "user/Maildir"
        self.log = open(self.home / "log", "ab")  # noqa: SIM115 - of the house
        self.tracer, self.faulty = tracer, faulty
        self.programs = dict(programs)
        self.sessions = 0
        self.templates = {}

    def wipe(self):
        shutil.rmtree(self.home / "user", ignore_errors=True)
        (self.home / "user").mkdir()
        os.chown(self.home / "user", USER, USER)
        os.truncate(self.home / "log", 0)

    def fill(self):
        """An Account of what was put there, and no server has seen."""
        self.wipe()
        a = Account()
        mail = {"INBOX": 8, "Other": 2, "A": 1, "A.B": 1, "Y": 2}
        for folder, n in mail.items():
            top = self.maildir if folder == "INBOX" else self.maildir / f".{folder}"
            for d in ("new", "cur", "tmp"):
                (top / d).mkdir(parents=True)
            for k in range(n):
                token = f"{'m' if folder == 'INBOX' else folder.replace('.', '').lower()}{k + 1}"
                sub, letters = (("new", ""), ("cur", ":2,"), ("cur", ":2,FS"), ("cur", ":2,S"))[k % 4]
                (top / sub / f"170000000{k}.M{k}P1.host{letters}").write_bytes(text_of(token))
                a.places[token] = [(folder,)]
                a.flags[token, folder] = [frozenset(LETTERS[c] for c in letters[3:])]
            a.folders[folder] = [True]
        self.own()
        return a

    def own(self):
        for p in (self.maildir, *self.maildir.rglob("*")):
            os.chown(p, USER, USER, follow_symlinks=False)

    def program(self, name, traced):
        path = self.programs.get(name) or (FAULTY if self.faulty and traced else BIN) / name
        return [*([TRACER, "join", self.tracer.path] if traced else []), path]

    def start(self, name, *args, traced=False):
        ours, theirs = socket.socketpair()
        p = subprocess.Popen(
            [*self.program(name, traced), *args],
            stdin=theirs,
            stdout=theirs,
            stderr=self.log,
            cwd=self.home / "user",
            user=USER,
            group=USER,
            extra_groups=[],
        )
        theirs.close()
        ours.settimeout(WAIT)
        return ours, p

    def client(self, account, traced=False, mark=lambda *_: None):
        self.sessions += 1
        return Client(
            lambda: self.start("qimapd", "-p", "-d", str(self.maildir), traced=traced), account, self.sessions, mark
        )

    def settled(self, scenario):
        """fill(), and a first session has given uids, unless the scenario wants none; a copy of what that
        gives each time."""
        key = scenario.template
        if key not in self.templates:
            account = self.fill()
            key.prepare(self, account)
            kept = self.home / f"template{len(self.templates)}"
            shutil.copytree(self.home / "user", kept)
            self.templates[key] = kept, account
        kept, account = self.templates[key]
        self.wipe()
        shutil.copytree(kept, self.home / "user", dirs_exist_ok=True)
        self.own()
        return copy.deepcopy(account)

    def text(self):
        return (self.home / "log").read_text(errors="replace")

    def close(self):
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)


# ---- what must be true --------------------------------------------------------------------


def end_with_parent():
    """At SIGTERM, which comes too when who started us dies, nothing is left."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(111))
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG


def own_mounts():
    """From here on this process and its children have mounts of their own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x20000) == -1 or libc.mount(b"none", b"/", None, 16384 | 1 << 18, None) == -1:  # MS_REC | MS_PRIVATE
        sys.exit(f"no mounts of our own: {os.strerror(ctypes.get_errno())}")
    return libc


def judge_files(house, account):
    """As another program sees the Maildir: all is whole, nothing is there that may not be."""
    for top in (house.maildir, *house.maildir.glob(".*")):
        for d in ("new", "cur"):
            for p in (top / d).iterdir() if (top / d).is_dir() else ():
                data = p.read_bytes()
                m = re.match(rb"Message-ID: <(\w+)@", data)
                if not m or data != text_of(m[1].decode()):
                    raise Difference(f"torn: {p} {data[:80]!r}")
                if m[1].decode() not in account.places:
                    raise Difference(f"from nowhere: {p}")


def judge_folder(c, account, folder):
    """What one folder shows: {token: how often}."""
    c.select(folder)
    if c.list:
        if not c.look():
            c.fail("no FETCH")
        if any(m.uid is None for m in c.list):
            c.fail("does not show all")
    told = c.truth
    shown = {m.uid: told.token[m.uid] for m in c.list}
    found = {}
    for m in c.list:
        token = shown[m.uid]
        found[token] = found.get(token, 0) + 1
        may = account.flags.get((token, folder))
        if may is not None and token in account.unsure:  # if it is back with another uid, it has no keywords
            may = may + [f & frozenset(LETTERS.values()) for f in may]
        if may is not None and m.flags not in may:
            raise Difference(f"undone: {token} in {folder} has {sorted(m.flags)}, may: {[sorted(x) for x in may]}")
    for uid, token in told.token.items():
        if uid not in shown and uid not in told.gone and token in found and token not in account.unsure:
            raise Difference(f"uid {uid} was {token} in {folder}, which has others now: {shown}")
    return found


def judge_round(house, account):
    c = house.client(account)
    try:
        c.must("ENABLE QRESYNC")
        listed = c.folders()
        for folder, may in account.folders.items():
            if (folder in listed) not in may:
                raise Difference(f"folder {folder} is {'' if folder in listed else 'not '}there")
        if odd := [f for f in listed if f not in account.folders]:
            raise Difference(f"folders from nowhere: {odd}")
        where = {t: [] for t in account.places}
        for folder in listed:
            for token, n in judge_folder(c, account, folder).items():
                where.setdefault(token, []).extend([folder] * n)
        for token, folders in where.items():
            if tuple(sorted(folders)) not in account.places.get(token, ()):
                raise Difference(f"lost or undone: {token} is in {folders}, may be in {account.places.get(token)}")
        return where
    finally:
        c.close()


def judge_writing(house, account):
    """The locks of the dead are free."""
    c = house.client(account)
    try:
        c.begin()
        token = f"after{time.monotonic_ns()}"
        if not c.append("INBOX", [token]):
            c.fail("no APPEND afterwards")
        if not c.look() or not c.store([token], "+", [rb"\Answered", b"Later"]):
            c.fail("no STORE afterwards")
    finally:
        c.leave()


def judge(house, account):
    try:
        account = copy.deepcopy(account)
        account.unsure = {t for t, may in account.places.items() if len(may) > 1}
        where = judge_round(house, account)
        account.places = {t: [tuple(sorted(f))] for t, f in where.items()}
        judge_files(house, account)
        judge_writing(house, account)
        judge_round(house, account)
    except Refused:
        raise Difference(f"no SELECT: {house.text()[-300:]}") from None
    except Gone:
        raise Difference(f"a session ended: {house.text()[-300:]}") from None
    except TimeoutError:
        raise Difference("hung: a session afterwards") from None
