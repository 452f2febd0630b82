"""One IMAP session over a socket pair: qimapd as behind a login, or Dovecot's imap for a comparison.

    with Session.qimapd(maildir) as s:
        s.ok("SELECT INBOX")
        for line in s.ok("FETCH 1 (FLAGS)").untagged: ...

An untagged answer is its bytes, literals included, without the last CRLF; parse() makes lists, bytes
and None of its words.
"""

import os
import shutil
import socket
import subprocess

import quoin

TIMEOUT = 60


class Answer:
    def __init__(self, tagged, untagged):
        self.tagged, self.untagged = tagged, untagged
        self.status, _, self.text = tagged.partition(b" ")

    def code(self):
        """What stands in brackets, or None."""
        if not self.text.startswith(b"["):
            return None
        return self.text[1 : self.text.index(b"]")].decode()

    def fetched(self):
        """{number: {b"ITEM": value}} of all FETCH answers, lines of one message joined."""
        out = {}
        for line in self.untagged:
            word = line.split(b" ", 3)
            if len(word) > 3 and word[2] == b"FETCH":
                items = parse(word[3])[0]
                out.setdefault(int(word[1]), {}).update(zip(items[::2], items[1::2]))
        return out

    def search(self):
        """Numbers of "* SEARCH", or None if there is no such line."""
        for line in self.untagged:
            if line == b"* SEARCH" or line.startswith((b"* SEARCH ", b"* SORT")):
                return [int(n) for n in line.split(b"(")[0].split()[2:]]
        return None


def word_end(data, at):
    depth = 0
    while at < len(data) and (depth > 0 or data[at : at + 1] not in (b" ", b")", b"(")):
        depth += (data[at : at + 1] == b"[") - (data[at : at + 1] == b"]")
        at += 1
    return at


def parse(data):
    """All words of an answer, as nested lists."""
    stack, at = [[]], 0
    while at < len(data):
        c = data[at : at + 1]
        if c == b"(":
            stack.append([])
            at += 1
        elif c == b")":
            done = stack.pop()
            stack[-1].append(done)
            at += 1
        elif c in (b" ", b"\r", b"\n"):
            at += 1
        elif c == b'"':
            text = b""
            at += 1
            while data[at : at + 1] != b'"':
                at += data[at : at + 1] == b"\\"
                text += data[at : at + 1]
                at += 1
            stack[-1].append(text)
            at += 1
        elif c == b"{" or data[at : at + 2] == b"~{":
            end = data.index(b"}", at)
            n = int(data[data.index(b"{", at) + 1 : end])
            stack[-1].append(data[end + 3 : end + 3 + n])
            assert len(stack[-1][-1]) == n
            at = end + 3 + n
        else:
            end = word_end(data, at)
            assert end > at, data[at : at + 40]
            word = data[at:end]
            stack[-1].append(None if word == b"NIL" else word)
            at = end
    assert len(stack) == 1, data[:200]
    return stack[0]


class Session:
    def __init__(self, argv, env=None, cwd=None, preexec=None):
        self.sock, far = socket.socketpair()
        self.sock.settimeout(TIMEOUT)
        self.program = subprocess.Popen(argv, stdin=far, stdout=far, stderr=subprocess.PIPE, env=env, cwd=cwd,
                                        preexec_fn=preexec)
        far.close()
        self.file = self.sock.makefile("rb")
        self.tags = 0
        self.greeting = self.line()

    @classmethod
    def qimapd(cls, maildir, **more):
        return cls([quoin.BIN / "qimapd", "-p", str(maildir)], **more)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.end()

    def end(self):
        self.file.close()
        self.sock.close()
        self.log = self.program.communicate(timeout=TIMEOUT)[1]
        return self.program.returncode

    def line(self):
        """One answer, with what its literals hold."""
        out = b""
        while True:
            line = self.file.readline()
            if not line.endswith(b"\r\n"):
                raise EOFError(out + line)
            out += line
            begin = line.rfind(b"{")
            if not line.endswith(b"}\r\n") or begin == -1 or not line[begin + 1 : -3].isdigit():
                return out[:-2]
            literal = self.file.read(int(line[begin + 1 : -3]))
            if len(literal) < int(line[begin + 1 : -3]):
                raise EOFError(out)
            out += literal

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def start(self, command):
        """Sends a command; literals go as {n+}. Its tag."""
        self.tags += 1
        tag = b"t%d" % self.tags
        command = command if isinstance(command, bytes) else command.encode()
        self.send(tag + b" " + command + b"\r\n")
        return tag

    def finish(self, tag):
        untagged = []
        while True:
            line = self.line()
            if line.startswith(tag + b" "):
                return Answer(line[len(tag) + 1 :], untagged)
            untagged.append(line)

    def do(self, command):
        return self.finish(self.start(command))

    def ok(self, command):
        a = self.do(command)
        assert a.status == b"OK", (command, a.tagged)
        return a

    def no(self, command):
        a = self.do(command)
        assert a.status == b"NO", (command, a.tagged)
        return a

    def bad(self, command):
        a = self.do(command)
        assert a.status == b"BAD", (command, a.tagged)
        return a


def make(maildir, messages):
    """A Maildir; messages: (info, bytes) each. Names sort in this order; dates are days apart."""
    for d in ("cur", "new", "tmp"):
        os.makedirs(maildir / d, exist_ok=True)
    for i, (info, text) in enumerate(messages):
        path = maildir / "cur" / f"{1700000000 + i}.M{i}P1.h:{info}"
        path.write_bytes(text)
        os.utime(path, (1600000000 + i * 86400,) * 2)
    return maildir


# ---- Dovecot's imap, alone and without a login ------------------------------------

DOVECOT = "/usr/lib/dovecot/imap"
CONF = """protocols = imap
base_dir = {0}/run
state_dir = {0}/state
log_path = {0}/log
mail_location = maildir:{0}/Maildir
default_internal_user = nobody
default_login_user = nobody
default_internal_group = nogroup
first_valid_uid = 1
ssl = no
mail_fsync = never
"""


def have_dovecot():
    return os.path.exists(DOVECOT)


def give_away(base):
    """As root: the tree becomes nobody's, and what a session calls to run as nobody. None otherwise."""
    if os.getuid() != 0:
        return None
    for path in [base, *base.rglob("*")]:
        os.chown(path, 65534, 65534)
    for path in base.parents:
        if len(path.parts) > 2:
            path.chmod(path.stat().st_mode | 0o011)

    def become_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    return become_nobody


def dovecot(base, maildir):
    """A session of Dovecot over a copy of a Maildir; never as root."""
    base.mkdir()
    (base / "run").mkdir()
    (base / "conf").write_text(CONF.format(base))
    shutil.copytree(maildir, base / "Maildir", copy_function=shutil.copy2)
    for own in ("quoin-uids", "quoin-index", "quoin-cache", "quoin-sort", "quoin-lock"):
        (base / "Maildir" / own).unlink(missing_ok=True)
    env = {"HOME": str(base), "USER": "nobody", "CONFIG_FILE": str(base / "conf"), "PATH": "/usr/bin:/bin"}
    return Session([DOVECOT, "-c", str(base / "conf")], env=env, cwd=str(base), preexec=give_away(base))
