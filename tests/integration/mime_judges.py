"""What lib/mime says of messages (mimeshow), and what Dovecot's imap says, on a socket pair."""

import itertools
import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

DOVECOT_IMAP = Path("/usr/lib/dovecot/imap")
NOBODY = 65534


class Reply:
    """Values of an answer of IMAP: lists, strings (bytes), None for NIL, atoms (str)."""

    BLANKS = re.compile(rb" *")
    QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S)
    LITERAL = re.compile(rb"\{(\d+)\}\r\n")
    ATOM = re.compile(rb"[^ ()\r\n\[]+(\[[^\]]*\])?")

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def _take(self, what):
        m = what.match(self.data, self.at)
        assert m, self.data[self.at : self.at + 60]
        self.at = m.end()
        return m

    def value(self):
        self._take(self.BLANKS)
        first = self.data[self.at : self.at + 1]
        if first == b"(":
            return self._list()
        if first == b'"':
            return re.sub(rb"\\(.)", rb"\1", self._take(self.QUOTED)[1], flags=re.S)
        if first == b"{":
            n = int(self._take(self.LITERAL)[1])
            self.at += n
            return self.data[self.at - n : self.at]
        atom = self._take(self.ATOM)[0]
        return None if atom == b"NIL" else atom.decode("ascii")

    def _list(self):
        self.at += 1
        items = []
        while self._take(self.BLANKS) and self.data[self.at : self.at + 1] != b")":
            items.append(self.value())
        self.at += 1
        return items


class Dovecot:
    """Its imap, without a login, as nobody where we are root; each message has the number of its place."""

    def __init__(self, messages):
        self.home = Path(tempfile.mkdtemp(prefix="quoin-dovecot-"))
        box = self.home / "Maildir"
        for folder in ("cur", "new", "tmp"):
            (box / folder).mkdir(parents=True)
        self.paths = [box / "cur" / f"{1000000 + i}.x:2," for i in range(len(messages))]
        for path, message in zip(self.paths, messages):
            path.write_bytes(message)
        conf = self.home / "conf"
        conf.write_text(
            f"base_dir = {self.home}/run\nlog_path = {self.home}/log\nssl = no\nprotocols = imap\n"
            f"mail_location = maildir:{box}\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n"
        )
        become = {}
        if os.geteuid() == 0:
            become = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
        self.sock, theirs = socket.socketpair()
        env = {"HOME": str(self.home), "USER": "nobody", "PATH": os.environ["PATH"]}
        self.proc = subprocess.Popen([DOVECOT_IMAP, "-c", conf], stdin=theirs, stdout=theirs, env=env,
                                     stderr=subprocess.DEVNULL, **become)
        theirs.close()
        self.sock.settimeout(60)
        self.file = self.sock.makefile("rb")
        self.count = 0
        self.command(b"SELECT INBOX")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.file.close()
        self.sock.close()
        self.proc.wait(20)
        shutil.rmtree(self.home)

    def _line(self):
        line = self.file.readline()
        assert line, (self.home / "log").read_text()
        while literal := re.search(rb"\{(\d+)\}\r\n$", line):
            line += self.file.read(int(literal[1])) + self.file.readline()
        return line

    def command(self, words):
        self.count += 1
        tag = b"t%d " % self.count
        self.sock.sendall(tag + words + b"\r\n")
        lines = []
        while not (line := self._line()).startswith(tag):
            lines.append(line)
        assert line.startswith(tag + b"OK"), line
        return lines

    def fetch(self, n, items):
        head = b"* %d FETCH " % n
        line = next(x for x in self.command(b"FETCH %d (%s)" % (n, items)) if x.startswith(head))
        values = Reply(line, len(head)).value()
        return dict(zip(values[::2], values[1::2]))

    def sections(self, n, specs):
        """Of each that this message may be asked for; the others are left out."""
        found = {}
        for spec in specs:
            answer = self.fetch(n, b"BODY.PEEK[%s]" % spec.encode())
            found[spec] = answer[f"BODY[{spec}]"] or b""
        return found


class Ours:
    def __init__(self, program):
        self.proc = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.stdin.close()
        assert self.proc.wait(20) == 0
        self.proc.stdout.close()

    def _ask(self, *words):
        self.proc.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self.proc.stdin.flush()

    def _answer(self):
        n = int(self.proc.stdout.readline())
        return None if n == -1 else self.proc.stdout.read(n + 1)[:n]

    def digest(self, path):
        self._ask("D", path)
        texts = {what: Reply(self._answer()).value() for what in ("ENVELOPE", "BODYSTRUCTURE", "BODY")}
        return {**texts, "RFC822.SIZE": self._answer().decode()}

    def section(self, path, spec):
        """None: there is no such part."""
        self._ask("S", path, spec)
        return self._answer()


def part_numbers(structure):
    """The numbers of all parts of a BODYSTRUCTURE, and which of them are messages."""
    found, todo = {}, [(structure, "", True)]
    while todo:
        part, number, is_root = todo.pop()
        if not isinstance(part[0], list):
            number = (number + ".1").lstrip(".") if is_root else number
            is_message = part[0].lower() == b"message" and len(part) > 8 and isinstance(part[8], list)
            found[number] = is_message
            if is_message:
                todo.append((part[8], number, True))
            continue
        if number:
            found.setdefault(number, False)
        children = itertools.takewhile(lambda p: isinstance(p, list), part)
        todo += [(p, f"{number}.{i}".lstrip("."), False) for i, p in enumerate(children, 1)]
    return found


def all_sections(structure, most=60):
    specs = ["", "HEADER", "TEXT"]
    for number, is_message in list(part_numbers(structure).items())[:most]:
        specs += [number, f"{number}.MIME"]
        if is_message:
            specs += [f"{number}.HEADER", f"{number}.TEXT"]
    return specs


def differences(ours, theirs, where=""):
    """Places where two values are not the same."""
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [d for i, pair in enumerate(zip(ours, theirs)) for d in differences(*pair, f"{where}/{i}")]
    return [] if ours == theirs else [where]
