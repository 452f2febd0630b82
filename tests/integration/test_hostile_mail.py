"""qimapd and qpop3d among hostile people: whoever sends mail, whoever holds a password, and any
other program that writes into the Maildir. (test_imap_basic.py and test_pop3.py have more.)"""

import os
import random
import shutil
import socket
import stat
import time
import zlib

import imapd
import pytest
import quoin

pytestmark = pytest.mark.programs("qimapd", "qpop3d")

MAIL = b"From: a@b.example\nSubject: number %d\nMessage-ID: <%d@b.example>\n\nbody %d\n"
OWN = ("quoin-uids", "quoin-index", "quoin-cache", "quoin-sort", "quoin-lock", "subscriptions", "maildirsize", "dovecot-uidlist",
       "dovecot-keywords", "courierimapuiddb", "courierimapsubscribed", "quoin-rename", "quoin-validity", "quoin-uses")
LINE = b'(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (SUBJECT)])'


@pytest.fixture
def maildir(tmp_path):
    return imapd.make(tmp_path / "Maildir", [("2,S", MAIL % (i, i, i)) for i in range(1, 6)])


def plant(path, kind, secret):
    """Something at path that is no file."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(secret)
    elif kind == "dangling":
        path.symlink_to(secret.parent / "nowhere")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as s:
            here = os.open(path.parent, os.O_RDONLY)
            s.bind(f"/proc/self/fd/{here}/{path.name}")
            os.close(here)
    elif kind == "loop":
        path.symlink_to(path.name)
    else:
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
        except PermissionError:
            pytest.skip("no right to make a device")


KINDS = ("fifo", "directory", "link", "dangling", "socket", "loop", "device")


def ended_well(s):
    code = s.end()
    assert code == 0, (code, s.log)
    assert b"Sanitizer" not in s.log, s.log


# ---- another program of the user -----------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OWN)
def test_something_else_in_the_place_of_a_file(maildir, tmp_path, name, kind):
    """A yes or a no at once; what a link leads to is neither read nor written."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret-inbox\n")
    plant(maildir / name, kind, secret)
    begin = time.monotonic()
    s = imapd.Session.qimapd(maildir)
    for command in ("SELECT INBOX", "FETCH 1:* ENVELOPE", "STORE 1 +FLAGS (\\Deleted new)", "SUBSCRIBE INBOX",
                    'LSUB "" *', 'LIST "" *', "GETQUOTAROOT INBOX", "CREATE x", "COPY 2 x", "EXPUNGE", "CHECK",
                    "STATUS x (MESSAGES)", "DELETE x"):
        answer = s.do(command)
        assert b"secret" not in b"".join(answer.untagged)
    ended_well(s)
    assert time.monotonic() - begin < 20
    assert secret.read_bytes() == b"secret-inbox\n" and not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_something_else_in_the_place_of_a_folder(maildir, tmp_path, kind):
    secret = tmp_path / "secret"
    imapd.make(secret, [("2,", b"Subject: secret\n\n")])
    for name in (".sub", ".ok/cur", ".new/new"):
        (maildir / name).parent.mkdir(exist_ok=True)
        plant(maildir / name, kind, secret)
    with imapd.Session.qimapd(maildir) as s:
        for folder in ("sub", "ok", "new"):
            for command in (f"SELECT {folder}", "FETCH 1:* ENVELOPE", f"STATUS {folder} (MESSAGES SIZE)",
                            f"APPEND {folder} {{3+}}\r\na\r\n", f"RENAME {folder} other", f"DELETE {folder}"):
                assert b"secret" not in b"".join(s.do(command).untagged)
    assert len(list((secret / "cur").iterdir())) == 1


def pop3(maildir, *commands):
    s = Pop(maildir)
    answers = [s.do(c) for c in commands]
    ended_well(s)
    return answers


class Pop(imapd.Session):
    def __init__(self, maildir):
        super().__init__([quoin.BIN / "qpop3d", str(maildir)])

    def do(self, command):
        self.send(command + "\r\n")
        first = self.line()
        lines = [first]
        if first.startswith(b"+OK") and command.split()[0] in ("LIST", "UIDL", "RETR", "TOP") and (
                " " in command or command in ("LIST", "UIDL")):
            while lines[-1] != b".":
                lines.append(self.line())
        return lines


@pytest.mark.parametrize("kind", KINDS)
def test_pop3_and_something_else(maildir, tmp_path, kind):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret\n")
    for name in (*OWN[1:4], "new/1700000100.x", "cur/1700000101.y:2,"):
        plant(maildir / name, kind, secret)
    answers = pop3(maildir, "STAT", "LIST", "UIDL", "RETR 1", "DELE 1", "QUIT")
    assert answers[0][0].startswith(b"+OK 5 ") and b"secret" not in b"".join(sum(answers, []))
    assert secret.read_bytes() == b"secret\n"
    assert len([p for p in (maildir / "cur").iterdir() if "P1" in p.name]) == 4


def look(maildir):
    """All that a client asks for, or None: it was refused in clear words."""
    s = imapd.Session.qimapd(maildir)
    a = s.do("SELECT INBOX")
    if a.status != b"OK":
        ended_well(s)
        return None
    validity = [x for x in a.untagged if b"UIDVALIDITY" in x]
    told = s.ok(b"UID FETCH 1:* " + LINE).untagged
    found = [s.ok(f"UID SEARCH SUBJECT {i}").search() for i in (1, 37, 200)]
    found.append(s.ok("UID SORT (SUBJECT) UTF-8 ALL").search())
    ended_well(s)
    return validity, told, found


def damage(data, rnd):
    """Bytes other than they were: bits, a hole, an end too early, a piece of elsewhere, rubbish behind."""
    data = bytearray(data)
    how = rnd.randrange(6)
    at = rnd.randrange(len(data))
    if how < 2:
        for _ in range(rnd.choice((1, 1, 3, 30))):
            data[rnd.randrange(len(data))] ^= 1 << rnd.randrange(8)
    elif how == 2:
        del data[at:]
    elif how == 3:
        data[at : at + rnd.randrange(4096)] = bytes(min(rnd.randrange(4096), len(data) - at))
    elif how == 4:
        n = rnd.randrange(1, 200)
        start = rnd.randrange(len(data))
        data[at : at + n] = data[start : start + n]
    else:
        data += rnd.randbytes(rnd.randrange(1, 5000))
    return bytes(data)


TURNS = int(os.environ.get("DAMAGES", "60"))
SEED = os.environ.get("QUOIN_SEED", "")  # other damages


@pytest.mark.parametrize("name", ["quoin-index", "quoin-cache", "quoin-sort", "quoin-uids"])
def test_random_damage(tmp_path, name):
    """Of index and cache nobody notices; of the durable file: the same answers, other uids, or a no."""
    good = imapd.make(tmp_path / "good", [("2," + "S" * (i % 2), MAIL % (i, i, i)) for i in range(1, 301)])
    with imapd.Session.qimapd(good) as s:
        s.ok("SELECT INBOX")
        s.ok("STORE 5 FLAGS (word)")
        s.ok("STORE 7,9 FLAGS.SILENT (\\Deleted)")
        s.ok("EXPUNGE")
    wanted = look(good)
    rnd = random.Random(name + SEED)
    for turn in range(TURNS):
        box = tmp_path / "box"
        shutil.rmtree(box, ignore_errors=True)
        shutil.copytree(good, box, copy_function=shutil.copy2)
        for d in ("cur", "new"):
            shutil.copystat(good / d, box / d)
        (box / name).write_bytes(damage((good / name).read_bytes(), rnd))
        got = look(box)
        if name != "quoin-uids":
            assert got == wanted, turn
        elif got is not None and got[0] == wanted[0]:
            same_uids(wanted, got, turn)
        assert look(box) in (got, wanted) or name == "quoin-uids"


def by_uid(look_):
    out = {}
    for line in look_[1]:
        items = imapd.parse(line.split(b" ", 3)[3])[0]
        items = dict(zip(items[::2], items[1::2]))
        out[int(items[b"UID"])] = items[b"ENVELOPE"]
    return out


def same_uids(wanted, got, turn):
    """UIDVALIDITY stands: no uid is another message's than it was."""
    before, after = by_uid(wanted), by_uid(got)
    for uid, envelope in after.items():
        assert uid not in before or before[uid] == envelope, (turn, uid)


# ---- senders ------------------------------------------------------------------------------


NASTY = (b'") UID 99 (FLAGS ("', b"\r\n * 1 EXPUNGE\r\n ", b"\\", b'"', b"{3}\r\n ", b"\0", b"\x80\xff", b"(((", b")", b"]",
         b"\x1b[2J", b"=?utf-8?q?=22=29=0D=0A?=", b"%s%n", b";;", b"<", b">", b"@", b",", b"\t", b"=?x?b?!?=", b":;")
FIELDS = (b"Subject", b"From", b"To", b"Sender", b"Reply-To", b"Cc", b"Bcc", b"Message-ID", b"In-Reply-To", b"Date",
          b"References", b"Content-Type", b"Content-Disposition", b"Content-ID", b"Content-Description",
          b"Content-Transfer-Encoding", b"Content-Language", b"Content-Location", b"Content-MD5")
STARTS = {b"Content-Type": (b"multipart/mixed; boundary=x; a=", b'text/plain; charset="', b"message/rfc822; x=", b"text/"),
          b"Content-Disposition": (b'attachment; filename="', b"inline; filename*0*=utf-8''", b"attachment; f*1="),
          b"Content-Transfer-Encoding": (b"base64", b"quoted-printable", b"x-uuencode", b"")}


def nasty(rnd):
    """A message whose fields and parts try to end an answer, or to be one."""
    out = b""
    for _ in range(rnd.randrange(1, 25)):
        field = rnd.choice(FIELDS)
        out += field + b": " + rnd.choice(STARTS.get(field, (b"",)))
        out += b"".join(rnd.choices(NASTY + (b"word", b" ", b"a@b"), k=rnd.randrange(12)))
        out += rnd.choice((b"\n", b"\r\n"))
        if rnd.random() < 0.2:
            out += rnd.choice((b"\n--x\n", b"\n--x--\n", b"\n", b"--x\r\n"))
    return out


ALL = (b"(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE BODY.PEEK[HEADER] BODY.PEEK[1] BODY.PEEK[1.MIME] "
       b"BODY.PEEK[TEXT] BODY.PEEK[HEADER.FIELDS (Subject {5}\r\nX] (Y)] BODY.PEEK[2.1.HEADER] BODY.PEEK[]<3.50>)")


def test_no_field_of_a_message_is_an_answer(tmp_path):
    """Thousands of them: each FETCH is one line of good grammar, and nothing else is told."""
    rnd = random.Random(7)
    box = imapd.make(tmp_path / "Maildir", [("2,", nasty(rnd)) for _ in range(1500)])
    s = imapd.Session.qimapd(box)
    s.ok("SELECT INBOX")
    for items in (ALL.replace(b" {5}\r\nX] (Y", b""), b"(BODY.PEEK[]<0.100> ENVELOPE)"):
        lines = s.ok(b"FETCH 1:* " + items).untagged
        assert len(lines) == 1500
        for n, line in enumerate(lines, 1):
            assert line.startswith(b"* %d FETCH (" % n)
            words = imapd.parse(line.split(b" ", 3)[3])
            assert len(words) == 1 and len(words[0]) % 2 == 0
    for key in ("SUBJECT {2+}\r\nx\"", "HEADER Content-Type {1+}\r\n\"", "TEXT expunge", "BODY word", "SENTSINCE 1-Jan-1990"):
        assert len(s.ok("SEARCH " + key).untagged) == 1
    for command in ("SORT (SUBJECT FROM TO CC DATE SIZE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL",
                    "THREAD ORDEREDSUBJECT UTF-8 ALL"):
        assert len(s.ok(command).untagged) == 1
    ended_well(s)


def bomb(kind, n):
    """A message of about n bytes that costs much whoever is not careful."""
    if kind == "addresses":
        return b"To: " + b"a@b.example,\n " * (n // 14) + b"x@y\n\nbody\n"
    if kind == "groups":
        return b"To: " + b"g:" * (n // 2) + b"\n\n"
    if kind == "comments":
        return b"From: " + b"(" * n + b"\n\n"
    if kind == "quotes":
        return b'From: ' + b'"\\' * (n // 2) + b"\n\n"
    if kind == "one line":
        return b"Subject: " + b"x" * n + b"\n\nbody\n"
    if kind == "fields":
        return b"X: y\n" * (n // 5) + b"\n"
    if kind == "folds":
        return b"Subject: x\n" + b" \n" * (n // 2) + b"\n"
    if kind == "words":
        return b"Subject: " + b"=?utf-8?q?=41?=\n " * (n // 17) + b"\n\n"
    if kind == "half words":
        return b"Subject: " + b"=?" * (n // 2) + b"\n\n"
    if kind == "references":
        return b"References: " + b"".join(b"<%d@x>\n " % i for i in range(n // 12)) + b"\n\n"
    if kind == "parameters":
        return b"Content-Type: text/plain" + b"".join(b"; a%d=b" % i for i in range(n // 10)) + b"\n\n"
    if kind == "pieces":
        return b"Content-Type: text/plain" + b"".join(b"; a*%d*=%%41" % i for i in range(n // 14)) + b"\n\n"
    if kind == "languages":
        return b"Content-Language: " + b"a," * (n // 2) + b"\n\n"
    if kind == "parts":
        return b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * (n // 7) + b"--a--\n"
    if kind == "deep":
        return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(n // 55))
    if kind == "one boundary":
        return b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" * (n // 47)
    if kind == "messages":
        return b"Content-Type: message/rfc822\n\n" * (n // 30)
    if kind == "boundaries":
        long = b"-" * 70
        deep = b"".join(b"Content-Type: multipart/mixed; boundary=\"%s%d\"\n\n--%s%d\n" % (long, i, long, i)
                        for i in range(99))
        return deep + b"\n" + (b"--" + long + b"\n") * (n // 73)
    assert kind == "dashes"
    return b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--\n" * (n // 3)


BOMBS = ("addresses", "groups", "comments", "quotes", "one line", "fields", "folds", "words", "half words", "references",
         "parameters", "pieces", "languages", "parts", "deep", "one boundary", "messages", "boundaries", "dashes")
ASKED = ("ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[HEADER.FIELDS (To Subject)]", "BODY.PEEK[1.1.1.MIME]",
         "BINARY.SIZE[1]")


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_linear(tmp_path, kind):
    """Four times the bytes are not sixteen times the work."""
    spent = []
    for n in (1_000_000, 4_000_000):
        box = imapd.make(tmp_path / str(n), [("2,", bomb(kind, n))])
        s = imapd.Session.qimapd(box)
        s.ok("SELECT INBOX")
        for item in ASKED:
            s.do(f"FETCH 1 {item}")
        for key in ("SUBJECT q", "TO q", "TEXT qqq", "HEADER X-None q", "SENTSINCE 1-Jan-1990"):
            s.ok(f"SEARCH {key}")
        s.ok("SORT (SUBJECT FROM) UTF-8 ALL")
        s.ok("THREAD REFERENCES UTF-8 ALL")
        fields = open(f"/proc/{s.program.pid}/stat").read().rpartition(")")[2].split()
        spent.append((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
        status = open(f"/proc/{s.program.pid}/status").read()
        peak = int(status.partition("VmHWM:")[2].split()[0])
        ended_well(s)
        if not quoin.SANITIZED:
            assert peak < 100_000, (kind, n, peak)
    assert spent[1] < 8 * max(spent[0], 0.05), (kind, spent)


# ---- holders of a password ----------------------------------------------------------------


def cpu(s):
    fields = open(f"/proc/{s.program.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_patterns_are_linear(maildir):
    for i in range(200):
        imapd.make(maildir / ("." + f"{'a' * 180}.{i}"), [])
    s = imapd.Session.qimapd(maildir)
    for pattern in ("*%" * 500 + "b", "%*a" * 300, "a*" * 180 + "b", "*a" * 90 + "%.%.%.x"):
        s.ok(f'LIST "" "{pattern}"')
        s.ok(f'LIST (SUBSCRIBED RECURSIVEMATCH) "" ({pattern} {pattern}) RETURN (CHILDREN)')
    assert cpu(s) < 5 * (1 + 9 * quoin.SANITIZED)
    ended_well(s)


def test_many_patterns_of_many_folders(maildir):
    """Of 20,000 folders it is ten times that."""
    for i in range(2000):
        (maildir / f".{'a' * 48}.{'a' * 195}{i:05}").mkdir()
    s = imapd.Session.qimapd(maildir)
    began = cpu(s)
    for pattern in ("%.%" + "a%" * 195 + "b", "*" + "a%" * 195 + "b"):
        s.ok('LIST "" (' + " ".join(pattern + str(k) for k in range(50)) + ")")
    assert cpu(s) - began < 2 * (1 + 9 * quoin.SANITIZED)
    ended_well(s)


@pytest.mark.parametrize("key", ["(" * 30000 + "ALL" + ")" * 30000, "NOT " * 15000 + "ALL", "OR ALL " * 9000 + "ALL",
                                 "ALL " * 16000 + "ALL", "1:*," * 16000 + "1", "(" * 60000, "OR " * 20000,
                                 " ".join(f"HEADER X{i} y" for i in range(4000)),
                                 " ".join(f"BODY q{i}" for i in range(6000)),
                                 ",".join(str(i) for i in range(9000, 1, -2))],
                         ids=["parentheses", "not", "or", "and", "set", "open", "open or", "headers", "bodies", "down"])
def test_search_keys_without_an_end(maildir, key):
    s = imapd.Session.qimapd(maildir)
    s.ok("SELECT INBOX")
    a = s.do("SEARCH " + key)
    assert a.status in (b"OK", b"NO", b"BAD")
    s.ok("NOOP")
    assert cpu(s) < 3
    ended_well(s)


def test_threads_as_deep_as_they_come(tmp_path):
    """A chain of 20,000, told from both ends, and a ring."""
    chain = [b"Subject: x\nMessage-ID: <%d@x>\nReferences: <%d@x>\n\n" % (i, i - 1) for i in range(20000)]
    ring = [b"Subject: y\nMessage-ID: <r%d@x>\nReferences: <r%d@x> <r%d@x>\n\n" % (i, (i + 1) % 50, (i + 2) % 50)
            for i in range(50)]
    for texts in (chain + ring, list(reversed(chain))):
        box = imapd.make(tmp_path / str(len(texts)), [("2,S", x) for x in texts])
        s = imapd.Session.qimapd(box)
        s.ok("SELECT INBOX")
        for how in ("REFERENCES", "ORDEREDSUBJECT"):
            line = s.ok(f"THREAD {how} UTF-8 ALL").untagged[-1]
            assert sorted(int(x) for x in line.replace(b"(", b" ").replace(b")", b" ").split()[2:]) == list(
                range(1, len(texts) + 1))
        assert cpu(s) < 20
        ended_well(s)


@pytest.mark.parametrize("text", [b"x" * 70000, b"a NOOP\r\n" * 100_000, b"DONE x\r\n" * 50],
                         ids=["a long line", "commands", "lines"])
def test_floods_while_idle(maildir, text):
    s = imapd.Session.qimapd(maildir)
    s.ok("SELECT INBOX")
    s.send("a IDLE\r\n")
    assert s.line().startswith(b"+ ")
    try:
        s.sock.settimeout(10)
        s.send(text)
        s.sock.shutdown(socket.SHUT_WR)
        while s.sock.recv(65536):
            pass
    except OSError:
        pass
    ended_well(s)


def test_a_flood_of_changes_while_it_idles(maildir):
    """Thousands of deliveries and removals: told in the end, with work that is bounded."""
    s = imapd.Session.qimapd(maildir)
    s.ok("ENABLE QRESYNC")
    s.ok("SELECT INBOX")
    s.ok("NOTIFY SET STATUS (SELECTED (MessageNew MessageExpunge FlagChange)) (PERSONAL (MessageNew MessageExpunge))")
    s.send("a IDLE\r\n")
    assert s.line().startswith(b"+ ")
    for i in range(5000):
        (maildir / "new" / f"18000000{i:05}.x").write_bytes(b"a: b\n\n")
    for i in range(4990):
        (maildir / "new" / f"18000000{i:05}.x").unlink(missing_ok=True)
    for p in (maildir / "cur").iterdir():
        if p.name.startswith("18") and int(p.name[8:13]) < 4990:
            p.unlink()
    time.sleep(1)
    s.send("DONE\r\n")
    exists = [x for x in s.finish(b"a").untagged if x.endswith(b" EXISTS")]
    s.ok("NOOP")
    assert exists and s.ok("SEARCH ALL").search() is not None
    assert cpu(s) < 10
    ended_well(s)


@pytest.mark.parametrize("how", ["renamed", "replaced", "no cur", "cur a link", "mode"])
def test_the_folder_goes_while_it_is_selected(maildir, tmp_path, how):
    """Errors in clear words, no crash, nothing of another folder, nothing written where a link leads. (Who holds
    one that is gone is sent away: test_imap_rules.)"""
    s = imapd.Session.qimapd(maildir)
    s.ok("CREATE box")
    s.ok("COPY 1 box") if s.do("SELECT INBOX").status == b"NO" else s.ok("COPY 1:3 box")
    s.ok("SELECT box")
    box, elsewhere = maildir / ".box", tmp_path / "elsewhere"
    imapd.make(elsewhere, [("2,", b"Subject: secret\n\n")])
    if how == "renamed":
        with imapd.Session.qimapd(maildir) as other:
            other.ok("RENAME box other")
    elif how == "replaced":
        box.rename(tmp_path / "old")
        elsewhere.rename(box)
    elif how == "mode":
        (box / "cur").chmod(0)
    else:
        (box / "cur").rename(tmp_path / "old")
        if how == "cur a link":
            (box / "cur").symlink_to(elsewhere / "cur")
    for command in ("FETCH 1:* (FLAGS ENVELOPE)", "NOOP", "STORE 1 +FLAGS \\Deleted", "FETCH 1:* BODY.PEEK[]", "EXPUNGE",
                    "APPEND box {3+}\r\nx\r\n", "UID FETCH 1:* FLAGS", "STATUS box (MESSAGES)", "COPY 1 INBOX", "CHECK",
                    "SEARCH TEXT x", "MOVE 1 INBOX", "CLOSE"):
        a = s.do(command)
        if how != "replaced" and how != "mode":
            assert b"secret" not in b"".join(a.untagged), command
    s.ok("SELECT INBOX")
    ended_well(s)
    if how == "cur a link":
        assert len(list((elsewhere / "cur").iterdir())) == 1


def test_expunged_under_a_fetch(maildir):
    """One session reads without end, another takes away: a message is whole, NIL or refused."""
    text = b"Subject: big\n\n" + b"0123456789abcdef\n" * 60_000
    box = imapd.make(maildir.parent / "big", [("2,", text)] * 40)
    with imapd.Session.qimapd(box) as s, imapd.Session.qimapd(box) as other:
        s.ok("SELECT INBOX")
        other.ok("SELECT INBOX")
        tag = s.start("FETCH 1:* (UID BODY.PEEK[])")
        other.ok("STORE 1:39 +FLAGS.SILENT \\Deleted")
        other.ok("EXPUNGE")
        for line in s.finish(tag).untagged:
            if b"BODY[]" in line:
                items = imapd.parse(line.split(b" ", 3)[3])[0]
                body = dict(zip(items[::2], items[1::2]))[b"BODY[]"]
                assert body is None or body == text.replace(b"\n", b"\r\n")
        s.ok("NOOP")
        assert len(s.ok("SEARCH ALL").search()) == 1


@pytest.mark.parametrize("data", [b"a APPEND INBOX {1000}\r\nabc", b"a SELECT {5}\r\nIN", b"a SEARCH TEXT {10}\r\nab", b"a SEL",
                                  b"a IDLE\r\n", b"a SELECT {3+}\r\n", b"a APPEND INBOX {5+}\r\nabcde {"], ids=range(7))
def test_stops_in_the_middle(maildir, data):
    s = imapd.Session.qimapd(maildir)
    s.send(data)
    s.sock.shutdown(socket.SHUT_WR)
    while s.sock.recv(65536):
        pass
    ended_well(s)
    assert os.listdir(maildir / "tmp") == [] and len(os.listdir(maildir / "cur")) == 5


def test_a_command_that_drips(maildir):
    """Byte by byte, literals and all, is a command like any other, and costs no spinning."""
    s = imapd.Session.qimapd(maildir)
    for b in b"a SELECT {5+}\r\nINBOX\r\n":
        s.send(bytes([b]))
        time.sleep(0.002)
    assert s.finish(b"a").status == b"OK"
    assert cpu(s) < 1
    ended_well(s)


def test_small_answers_inflate_to_no_more(maildir):
    """A bomb of good commands: each is answered, and memory stays."""
    s = imapd.Session.qimapd(maildir)
    s.ok("COMPRESS DEFLATE")
    z = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = z.compress(b"a NOOP\r\n" * 200_000) + z.flush(zlib.Z_SYNC_FLUSH)
    s.send(packed)
    plain, back = 0, zlib.decompressobj(-15)
    while plain < 200_000:
        plain += back.decompress(s.sock.recv(65536)).count(b"a OK")
    status = open(f"/proc/{s.program.pid}/status").read()
    if not quoin.SANITIZED:
        assert int(status.partition("VmHWM:")[2].split()[0]) < 20_000
    ended_well(s)
