"""sendmail, qinject and qmail-queue against a real qqueue: what stands in the queue
file, who calls them and how, exit codes, and the waiting while the door is shut."""

import contextlib
import email
import os
import pwd
import re
import shutil
import signal
import smtplib
import subprocess
import time

import pytest
from quoin import SOURCE, wait_for

pytestmark = pytest.mark.programs("sendmail", "qinject", "qmail-queue", "qqueue")

USAGE, DATAERR, NOUSER, UNAVAILABLE, CANTCREAT, IOERR, TEMPFAIL = 64, 65, 67, 69, 73, 74, 75
ENV = {k: "" for k in ("QMAILUSER", "MAILUSER", "LOGNAME", "QMAILHOST", "MAILHOST", "QMAILNAME", "MAILNAME", "NAME")}
ENV["USER"] = "joe"


@pytest.fixture
def q(quoin):
    quoin.start_queue()
    return quoin


def queued(q):
    """The one message in the queue, which is then taken out."""
    (name,) = q.queue_ids("new")
    (f,) = q.queue_files("new")
    (q.queue / "new" / name).unlink()
    assert f.message.startswith(b"Received: (quoin " + name.encode() + b" invoked by uid ")
    assert f.uid == os.getuid()
    return f


def parts(f):
    """Header (without Received) as a message object, and the body."""
    head, _, body = f.message.partition(b"\n\n")
    return email.message_from_bytes(head.partition(b"\n")[2] + b"\n\n"), body


def send(q, *args, stdin=b"Subject: hi\n\nbody\n", code=0, prog="sendmail", env=None, **kw):
    r = q.run(prog, *args, stdin=stdin, env={**ENV, **(env or {})}, **kw)
    assert r.returncode == code, r.stderr
    assert not r.stdout or code == 0
    if code:
        assert q.queue_is_empty()
        assert re.fullmatch(rb"[a-z-]+: (fatal|usage): [ -~]+\n", r.stderr), r.stderr
    return r


# -- what becomes of a message -----------------------------------------------------


def test_completed(q):
    send(q, "bob", "Ann B. <ann@else.example>")
    f = queued(q)
    h, body = parts(f)
    assert f.sender == "joe@q.example"
    assert f.recipients == ["bob@q.example", "ann@else.example"]
    assert h.keys() == ["Date", "Message-ID", "From", "Cc", "Subject"]
    assert h["From"] == "joe@q.example" and h["Cc"] == "recipient list not shown: ;"
    assert re.fullmatch(r"<[0-9A-Za-z]{17}@q\.example>", h["Message-ID"])
    when = email.utils.parsedate_to_datetime(h["Date"]).timestamp()
    assert abs(when - time.time()) < 60
    assert body == b"body\n"


def test_control_files(q):
    for name in ("defaulthost", "defaultdomain", "plusdomain", "idhost"):
        q.control(name, {"defaulthost": "dh", "defaultdomain": "dd.example"}.get(name, name + ".example"))
    send(q, "-t", stdin=b"To: a, b@c, d@e+\n\n")
    f = queued(q)
    assert f.recipients == ["a@dh.dd.example", "b@c.dd.example", "d@e.plusdomain.example"]
    assert parts(f)[0]["To"] == ", ".join(f.recipients)
    assert parts(f)[0]["Message-ID"].endswith("@idhost.example>")
    send(q, "x", env={"QMAILDEFAULTHOST": "env.example"})
    assert queued(q).recipients == ["x@env.example"]


def test_time_zone(q):
    send(q, "a", env={"TZ": "EST5"})
    f = queued(q)
    assert parts(f)[0]["Date"].endswith(" -0500")
    assert f.message.partition(b"\n")[0].endswith(b" -0500")


BODIES = {
    "empty": (b"", b""),
    "nul": (b"a\0b\n", b"a\0b\n"),
    "8-bit": (bytes(range(128, 256)) + b"\n", bytes(range(128, 256)) + b"\n"),
    "CR LF": (b"a\r\nb\r\n", b"a\nb\n"),
    "CR": (b"a\rb\r\r\nc\r", b"a b \nc\n"),
    "no LF at the end": (b"a", b"a\n"),
    "From": (b"From me\n", b"From me\n"),
    "dots": (b"..\n.a\n. \n", b"..\n.a\n. \n"),
    "empty lines": (b"\n\n\n", b"\n\n\n"),
    "long line": (b"x" * 200000 + b"\r\n", b"x" * 200000 + b"\n"),
    "CR at the end of a buffer": (b"x" * 65535 + b"\r\nb\n", b"x" * 65535 + b"\nb\n"),
    "CR at the start of a buffer": (b"x" * 65536 + b"\r\rb\n", b"x" * 65536 + b"  b\n"),
}


@pytest.mark.parametrize("name", BODIES)
def test_body(q, name):
    given, wanted = BODIES[name]
    send(q, "-i", "a", stdin=b"Subject: x\n\n" + given)
    assert parts(queued(q))[1] == wanted


HEADS = {
    "none": (b"hello\nworld\n", b"hello\nworld\n"),
    "empty line first": (b"\nTo: b\n", b"To: b\n"),
    "ends without an empty line": (b"Subject: x\nhello\n", b"hello\n"),
    "mbox": (b"From a Sat Nov 21 00:00:00 2026\nSubject: x\n\nbody\n", b"body\n"),
    "CR LF": (b"Subject: x\r\nX: y\r\n\r\nbody\r\n", b"body\n"),
    "nothing": (b"", b""),
    "header alone": (b"Subject: x", b""),
}


@pytest.mark.parametrize("name", HEADS)
def test_header_end(q, name):
    given, wanted = HEADS[name]
    send(q, "-i", "a", stdin=given)
    h, body = parts(queued(q))
    assert body == wanted and "Date" in h and "\r" not in str(h)


def test_return_path_names_nobody(q):
    for path in (b"<other@x.y>", b"not an address", b"<>"):
        send(q, "a", stdin=b"Return-Path: " + path + b"\nSubject: x\n\n")
        f = queued(q)
        assert f.sender == "joe@q.example" and b"Return-Path" not in f.message


def test_dot_ends(q):
    send(q, "a", stdin=b"Subject: x\n\none\n.\ntwo\n")
    assert parts(queued(q))[1] == b"one\n"
    send(q, "a", stdin=b"Subject: x\r\n\r\none\r\n.\r\ntwo\r\n")
    assert parts(queued(q))[1] == b"one\n"
    send(q, "-oi", "a", stdin=b"Subject: x\n\none\n.\ntwo\n")
    assert parts(queued(q))[1] == b"one\n.\ntwo\n"


def test_huge_body(q, tmp_path):
    """More than is kept in memory: by way of a temporary file, in TMPDIR."""
    body = os.urandom(1 << 20).replace(b"\r", b"x") * 40 + b"\n"
    send(q, "-i", "a", stdin=b"Subject: x\n\n" + body, env={"TMPDIR": str(tmp_path)})
    assert parts(queued(q))[1] == body
    assert list(tmp_path.iterdir()) == []
    send(q, "-i", "a", stdin=b"Subject: x\n\n" + body, env={"TMPDIR": str(tmp_path / "none")}, code=TEMPFAIL)


# -- recipients --------------------------------------------------------------------


def test_from_header(q):
    send(q, "-t", "more@x.y", stdin=b"To: a@b.c (A)\nCc: g: d@e.f, \"h i\"@j.k;\nBcc: l@m.n,\n\to@p.q\n\nbcc: body\n")
    f = queued(q)
    assert f.recipients == ["more@x.y", "a@b.c", "d@e.f", "h i@j.k", "l@m.n", "o@p.q"]
    assert b"l@m.n" not in f.message and b"o@p.q" not in f.message
    assert parts(f)[1] == b"bcc: body\n"


def test_ten_thousand(q):
    def head(n):
        return b"To: " + b",\n ".join(b"user%d@some.where.example" % i for i in range(n)) + b"\n\n"

    send(q, "-t", stdin=head(10000))
    f = queued(q)
    assert len(f.recipients) == 10000 and f.recipients[9999] == "user9999@some.where.example"
    send(q, "-t", stdin=head(10001), code=DATAERR)
    send(q, prog="qinject", stdin=head(10001), code=100)


REFUSED = {
    "no recipients": ([], b"", USAGE),
    "no recipients in the header": (["-t"], b"Subject: x\n\n", DATAERR),
    "empty group": (["-t"], b"To: g:;\n\n", DATAERR),
    "two words": (["-t"], b"To: John Public\n\n", DATAERR),
    "bad domain": (["-t"], b"To: a@b_-.c-\n\n", DATAERR),
    "recipient in words": (["a b"], b"", NOUSER),
    "recipient too long": (["a" * 1000], b"", NOUSER),
    "recipient without a name": (["@b"], b"", NOUSER),
    "line feed in a recipient": (["a\nb"], b"", USAGE),
    "line feed in -f": (["-f", "a\nBcc: b", "c"], b"", USAGE),
    "line feed in -F": (["-F", "a\nBcc: b", "c"], b"", USAGE),
    "CR in -F": (["-F", "a\rb", "c"], b"", USAGE),
    "bad sender": (["-f", "a b", "c"], b"", NOUSER),
    "NUL in the header": (["a"], b"Subject: a\0b\n\n", DATAERR),
    "header too large": (["a"], b"X: " + b"x" * (11 << 20), DATAERR),
    "too many fields": (["a"], b"X: x\n" * 20001, DATAERR),
    "daemon": (["-bd"], b"", USAGE),
    "option behind": (["a", "-t"], b"", USAGE),
    "argument missing": (["-f"], b"", USAGE),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(q, name):
    args, stdin, code = REFUSED[name]
    send(q, *args, stdin=stdin, code=code)


def test_injection_by_environment(q):
    for name in ("USER", "QMAILNAME", "QMAILHOST", "QMAILDEFAULTHOST"):
        assert q.sendmail("a", env={**ENV, name: "x\nBcc: y"}).returncode != 0
    assert q.queue_is_empty()


def test_stdin_closed(q):
    sh = f"exec 0<&- '{q.bin}/sendmail' --home='{q.home}' a"
    assert subprocess.run(["sh", "-c", sh], stderr=subprocess.DEVNULL).returncode == IOERR
    sh = f"exec 1>&- 2>&-; echo x | '{q.bin}/sendmail' --home='{q.home}' a"
    assert subprocess.run(["sh", "-c", sh]).returncode == 0
    assert parts(queued(q))[1] == b"x\n"


# -- those who call it -------------------------------------------------------------


def test_cron(q):
    msg = b"From: root (Cron Daemon)\nTo: joe\nSubject: Cron <joe@host> true\nX-Cron-Env: <SHELL=/bin/sh>\n\nout\n.\nmore\n"
    send(q, "-i", "-FCronDaemon", "-B8BITMIME", "-oem", "joe", stdin=msg)
    f = queued(q)
    h, body = parts(f)
    assert f.recipients == ["joe@q.example"] and body == b"out\n.\nmore\n"
    assert h["From"] == "root@q.example (Cron Daemon)" and h["To"] == "joe@q.example"


def test_php(q):
    msg = b"To: a@b.c\r\nSubject: =?UTF-8?B?w6Q=?=\r\nX-PHP-Originating-Script: 0:x.php\r\nFrom: web@q.example\r\n\r\nline\r\n"
    send(q, "-t", "-i", "-fbounce@q.example", stdin=msg)
    f = queued(q)
    assert f.sender == "bounce@q.example" and f.recipients == ["a@b.c"]
    assert b"\r" not in f.message and parts(f)[0]["From"] == "web@q.example"


def has_passwd_entry():
    try:
        return bool(pwd.getpwuid(os.getuid()))
    except KeyError:
        return False


mail_reader = pytest.mark.skipif(not has_passwd_entry(), reason="it needs a passwd entry of ours")


def wrapper(q, tmp_path):
    """A command of the name sendmail, for programs that take only a path."""
    p = tmp_path / "sendmail"
    p.write_text(f"#!/bin/sh\nexec '{q.bin}/sendmail' --home='{q.home}' \"$@\"\n")
    p.chmod(0o755)
    return p


@mail_reader
@pytest.mark.tools("mutt")
def test_mutt(q, tmp_path):
    argv = ["mutt", "-F", "/dev/null", "-n", "-e", f"set sendmail='{wrapper(q, tmp_path)} -oem -oi'"]
    argv += ["-e", "set from=me@q.example; set use_envelope_from=yes; set copy=no"]
    argv += ["-s", "s\xfcbject", "-b", "blind@x.y", "--", "a@b.c"]
    subprocess.run(argv, input="b\xf6dy\n.\nmore\n".encode(), check=True, timeout=60, env={**os.environ, "HOME": str(tmp_path)})
    f = wait_for(lambda: q.queue_ids() and queued(q))
    assert f.sender == "me@q.example" and f.recipients == ["a@b.c", "blind@x.y"]
    assert b"blind" not in f.message and f.message.endswith(b"\n.\nmore\n")


@mail_reader
@pytest.mark.tools("s-nail")
def test_s_nail(q, tmp_path):
    argv = ["s-nail", "-:/", "-Sv15-compat", f"-Smta={wrapper(q, tmp_path)}", "-Ssendwait"]
    argv += ["-r", "me@q.example", "-s", "subject", "-b", "blind@x.y", "a@b.c"]
    subprocess.run(argv, input=b"body\n", check=True, timeout=60, env={**os.environ, "HOME": str(tmp_path)})
    f = queued(q)
    assert f.sender == "me@q.example" and sorted(f.recipients) == ["a@b.c", "blind@x.y"]
    assert b"blind" not in f.message and parts(f)[1] == b"body\n"


def test_python(q):
    m = email.message.EmailMessage()
    m["From"], m["To"], m["Bcc"] = "J\xf6rg <me@q.example>", "a@b.c", "blind@x.y"
    m.set_content("gr\xfc\xdfe\n")
    send(q, "-t", "-oi", stdin=m.as_bytes())
    f = queued(q)
    assert f.recipients == ["a@b.c", "blind@x.y"] and b"blind" not in f.message


def test_names(q, tmp_path):
    """mailq and newaliases are sendmail by other names; they run programs in bin."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    for prog, code in (("qctl-queue", 3), ("qnewaliases", 4)):
        (bin_dir / prog).write_text(f'#!/bin/sh\necho "$0 $*"\nexit {code}\n')
        (bin_dir / prog).chmod(0o755)
    for name in ("mailq", "newaliases"):
        (tmp_path / name).symlink_to(q.bin / "sendmail")

    def run(*argv):
        r = subprocess.run(argv, capture_output=True, text=True)
        return r.returncode, r.stdout.strip(), r.stderr.strip()

    home = f"--home={tmp_path}"
    listed = (3, f"{bin_dir}/qctl-queue -C {tmp_path} list", "")
    assert run(tmp_path / "mailq", home) == listed
    assert run(q.bin / "sendmail", home, "-bp") == listed
    compiled = (0, f"{bin_dir}/qnewaliases -C {tmp_path}", "sendmail: warning: the aliases were not compiled")
    assert run(tmp_path / "newaliases", home) == compiled
    assert run(q.bin / "sendmail", home, "-bi") == compiled
    shutil.rmtree(bin_dir)
    assert run(tmp_path / "mailq", home)[0] == UNAVAILABLE
    assert run(tmp_path / "newaliases", home)[0] == 0


def test_queue_run(q):
    assert send(q, "-q").stderr == b""
    assert send(q, "-q30m").stderr == b""
    assert q.queue_is_empty()


# -- sendmail -bs ------------------------------------------------------------------


class Pipe(smtplib.SMTP):
    """smtplib speaks to a program's standard descriptors."""

    def __init__(self, argv, **kw):
        super().__init__(**kw)
        self.popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **ENV})
        self.file = self.popen.stdout
        self.sock = self
        assert self.getreply()[0] == 220

    def sendall(self, data):
        self.popen.stdin.write(data)
        self.popen.stdin.flush()

    def close(self):
        pass


DIALOGS = sorted((SOURCE / "tests/dialog/sendmail-bs").glob("*.txt"))


def unescape(text):
    end = "" if text.endswith("\\c") else "\r\n"
    return (text.removesuffix("\\c").encode().decode("unicode_escape") + end).encode("latin-1")


@pytest.mark.parametrize("path", DIALOGS, ids=lambda p: p.stem)
def test_bs_dialog(q, path):
    argv = [q.bin / "sendmail", f"--home={q.home}", "-bs"]
    p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env={**os.environ, **ENV})
    answers = os.fdopen(os.dup(p.stdout.fileno()), "rb")
    messages = 0
    for number, line in enumerate(path.read_text().splitlines(), 1):
        where = f"{path.name}:{number}: {line}"
        if line.startswith("c -> "):
            p.stdin.write(unescape(line[5:]))
        elif line.startswith(("c <- ", "c <~ ")):
            got = answers.readline().decode()
            wanted = line[5:]
            assert got.endswith("\r\n"), where
            assert got[:-2] == wanted if line[3] == "-" else got.startswith(wanted), (where, got)
        elif line.startswith("queue "):
            messages = int(line[6:])
        else:
            assert line.startswith("#"), where
    p.stdin.close()
    assert answers.read() == b""
    answers.close()
    p.stdout.close()
    assert p.wait(30) == 0
    assert len(q.queue_ids()) == messages


def test_bs_smtplib(q):
    s = Pipe([str(q.bin / "sendmail"), f"--home={q.home}", "-bs"])
    body = "From: me@q.example\nTo: a@b.c\nBcc: c@d.e\n\n.dot\n..two\n.\nend\n"
    assert s.sendmail("me", ["a@b.c", "d"], body) == {}
    assert s.sendmail("", ["e"], "Subject: two\n\nx") == {}
    assert s.quit()[0] == 221
    assert s.popen.wait(30) == 0
    first, second = q.queue_files()
    assert first.sender == "me@q.example" and first.recipients == ["a@b.c", "d@q.example"]
    assert parts(first)[1] == b".dot\n..two\n.\nend\n" and b"c@d.e" not in first.message
    assert second.sender == "" and second.recipients == ["e@q.example"]


def test_bs_breaks_off(q):
    r = q.sendmail("-bs", stdin=b"MAIL FROM:<a>\nRCPT TO:<b>\nDATA\nSubject: x\n\nhalf")
    assert r.returncode == IOERR and q.queue_is_empty()
    r = q.sendmail("-bs", stdin=b"NOOP\n")
    assert r.returncode == 0 and r.stdout.count(b"\r\n") == 2


def test_bs_ten_thousand(q):
    rcpts = b"".join(b"RCPT TO:<u%d@b.c>\r\n" % i for i in range(10001))
    r = q.sendmail("-bs", stdin=b"MAIL FROM:<a>\r\n" + rcpts + b"DATA\r\n\r\n.\r\nQUIT\r\n")
    assert r.returncode == 0
    assert r.stdout.count(b"250 2.1.5") == 10000 and r.stdout.count(b"452 4.5.3") == 1
    assert len(queued(q).recipients) == 10000


# -- qinject -----------------------------------------------------------------------


def test_qinject_recipients(q):
    head = b"To: h@h.h\n\n"
    for args, wanted in {
        (): ["h@h.h"],
        ("-A", "a@a.a"): ["a@a.a"],
        ("-a", "a@a.a"): ["a@a.a"],
        ("-h", "a@a.a"): ["h@h.h"],
        ("-H", "a@a.a"): ["a@a.a", "h@h.h"],
        ("a@a.a, b@b.b",): ["a@a.a", "b@b.b"],
    }.items():
        send(q, *args, prog="qinject", stdin=head)
        assert queued(q).recipients == wanted, args
    send(q, "-a", prog="qinject", stdin=head, code=100)
    send(q, "-Q", prog="qinject", stdin=head, code=100)


def test_qinject_sender(q):
    def sender(*args, head=b"", **env):
        send(q, *args, "x", prog="qinject", stdin=head + b"Subject: s\n\n", env=env)
        return queued(q).sender

    assert sender("-f", "f@g.h") == "f@g.h"
    assert sender("-f", "") == ""
    assert sender(QMAILSUSER="s", QMAILSHOST="t.u") == "s@t.u"
    assert sender(QMAILUSER="u", QMAILHOST="v.w") == "u@v.w"
    assert sender(head=b"Return-Path: <r@p.q>\n") == "r@p.q"
    assert sender("-f", "f@g.h", head=b"Return-Path: <r@p.q>\n") == "f@g.h"
    assert sender(head=b"Return-Path: <r@p.q>\n", QMAILINJECT="s") == "joe@q.example"
    assert sender(QMAILINJECT="r") == "joe-@q.example-@[]"
    assert re.fullmatch(r"joe-\d+\.\d+@q\.example", sender(QMAILINJECT="m"))


def test_qinject_prints(q):
    r = send(q, "-n", prog="qinject", stdin=b"From: a\nMessage-ID: <x@y>\nDate: d\n\nbody\0\n", env={"QMAILINJECT": "ci", "NAME": "Joe"})
    assert re.fullmatch(rb"Message-ID: <\w+@q\.example>\nCc: recipient list not shown: ;\nFrom: a@q\.example\nDate: d\n\nbody\0\n", r.stdout)
    r = send(q, "-n", prog="qinject", stdin=b"From: a\n\n", env={"QMAILINJECT": "cf", "NAME": "Joe"})
    assert b"From: joe@q.example (Joe)\n" in r.stdout and b"From: a" not in r.stdout
    assert q.queue_is_empty()


# -- qmail-queue -------------------------------------------------------------------


def qmail_queue(q, message, envelope, **kw):
    """With the message on descriptor 0 and the envelope on 1."""
    r, w = os.pipe()
    try:
        p = subprocess.Popen(
            [q.bin / "qmail-queue", "-C", q.home],
            stdin=subprocess.PIPE,
            stdout=r,
            stderr=subprocess.PIPE,
            env={**os.environ, **kw.pop("env", {})},
            **kw,
        )
        os.close(r)
        with os.fdopen(w, "wb") as f:
            w = -1
            with contextlib.suppress(BrokenPipeError):
                p.stdin.write(message)
                p.stdin.close()
                f.write(envelope)
                f.flush()
    finally:
        if w != -1:
            os.close(w)
    err = p.stderr.read()
    p.stderr.close()
    return p.wait(60), err


def test_qmail_queue(q):
    code, err = qmail_queue(q, b"No-To: x\nBcc: stays@a.b\n\nbody\r\nlast", b"Fs@t.u\0Ta@b.c\0Td\0\0")
    assert (code, err) == (0, b"")
    f = queued(q)
    assert f.sender == "s@t.u" and f.recipients == ["a@b.c", "d"]
    assert f.message.partition(b"\n")[2] == b"No-To: x\nBcc: stays@a.b\n\nbody\nlast\n"
    assert qmail_queue(q, b"\n", b"F\0Ta@b.c\0\0")[0] == 0
    assert queued(q).sender == ""
    assert qmail_queue(q, b"\n", b"F#@[]\0Ta@b.c\0\0")[0] == 0
    assert queued(q).sender == "#@[]"


ENVELOPES = {
    "nothing": (b"", 91),
    "no sender": (b"Ta\0\0", 91),
    "no recipient": (b"Fa\0\0", 91),
    "wrong letter": (b"Fa\0Xb\0\0", 91),
    "cut": (b"Fa\0Tb", 91),
    "no end": (b"Fa\0Tb\0", 91),
    "bytes behind": (b"Fa\0Tb\0\0x", 91),
    "sender twice": (b"Fa\0Fb\0Tc\0\0", 91),
    "long sender": (b"F" + b"a" * 901 + b"\0Tb\0\0", 11),
    "long recipient": (b"Fa\0T" + b"b" * 901 + b"\0\0", 11),
    "control character": (b"Fa\0Tb\nc\0\0", 31),
    "too many": (b"Fa\0" + b"".join(b"Tu%d\0" % i for i in range(10001)) + b"\0", 31),
    "too large": (b"Fa\0" + b"".join(b"T%0800d\0" % i for i in range(10490)) + b"\0", 31),
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_qmail_queue_envelope(q, name):
    envelope, wanted = ENVELOPES[name]
    code, err = qmail_queue(q, b"\n", envelope)
    assert code == wanted, err
    assert q.queue_is_empty()


def test_qmail_queue_faults(quoin, tmp_path):
    q = quoin
    good = b"Fa\0Tb\0\0"
    big = b"x\n" * (1 << 20)
    assert qmail_queue(q, b"\n", good)[0] == 73  # nobody serves
    q.start_queue()
    assert qmail_queue(q, big, good, env={"TMPDIR": str(tmp_path / "none")})[0] == 53
    argv = [q.bin / "qmail-queue", "-C", q.home]
    with open(os.devnull, "wb") as write_only:
        assert subprocess.run(argv, stdin=write_only, stderr=subprocess.DEVNULL).returncode == 54
    assert subprocess.run([*argv, "x"], stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL).returncode == 81
    q.control("queuefree", "9999999999999")
    q.stop("qqueue")
    q.start_queue()
    assert qmail_queue(q, b"\n", good)[0] == 71
    assert q.queue_is_empty()


# -- the door ----------------------------------------------------------------------


def start_sendmail(q, *args, stdin=b"Subject: x\n\nbody\n", env=None):
    p = subprocess.Popen(
        [str(q.bin / "sendmail"), f"--home={q.home}", *args],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **ENV, **(env or {})},
        start_new_session=True,
    )
    p.stdin.write(stdin)
    p.stdin.close()
    return p


def test_waits_for_the_door(quoin):
    quoin.control("sendmailwait", "60")
    p = start_sendmail(quoin, "a")
    time.sleep(0.5)
    assert p.poll() is None
    quoin.start_queue()
    assert p.wait(30) == 0
    assert queued(quoin).recipients == ["a@q.example"]


def test_gives_up(quoin):
    quoin.control("sendmailwait", "1")
    start = time.monotonic()
    r = quoin.sendmail("a", stdin=b"x\n")
    assert r.returncode == TEMPFAIL and b"qqueue does not run" in r.stderr
    assert 0.9 < time.monotonic() - start < 20
    r = quoin.run("qinject", "a", stdin=b"x\n")
    assert r.returncode == 111


def test_waits_when_told_not_now(quoin):
    quoin.control("sendmailwait", "60")
    quoin.control("queuefree", "9999999999999")
    quoin.start_queue()
    p = start_sendmail(quoin, "a")
    time.sleep(0.5)
    assert p.poll() is None
    quoin.control("queuefree", None)
    quoin.stop("qqueue")
    quoin.start_queue()
    assert p.wait(30) == 0
    assert queued(quoin).recipients == ["a@q.example"]


class AtATerminal:
    """A sendmail whose standard error is a terminal; it waits ten seconds for qqueue."""

    def __init__(self, q, home, *args, stdin):
        import pty

        try:
            self.main, self.terminal = pty.openpty()
        except OSError as e:
            pytest.skip(f"no terminals here: {e}")
        self.start = time.monotonic()
        self.p = subprocess.Popen(
            [str(q.bin / "sendmail"), f"--home={q.home}", *args],
            stdin=subprocess.PIPE,
            stderr=self.terminal,
            env={**os.environ, **ENV, "HOME": str(home)},
        )
        self.p.stdin.write(stdin)
        self.p.stdin.close()

    def end(self):
        """Its exit code, the seconds it took, what it said."""
        code = self.p.wait(30)
        took = time.monotonic() - self.start
        os.write(self.terminal, b"\n")  # never nothing to read
        said = os.read(self.main, 4096)
        os.close(self.terminal)
        os.close(self.main)
        return code, took, said


def test_dead_letter(quoin, tmp_path):
    """At a terminal a person waits ten seconds, and finds the message at home, unless a link
    is in its place."""
    other = tmp_path / "other"
    other.mkdir()
    target = tmp_path / "target"
    target.write_bytes(b"")
    (other / "dead.letter").symlink_to(target)
    msg = b"Subject: lost\nTo: a\nBcc: b\n\nFrom here\nbody\n"
    plain = AtATerminal(quoin, tmp_path, "-N", "never", "-t", stdin=msg)
    linked = AtATerminal(quoin, other, "a", stdin=b"x\n")
    code, took, said = plain.end()
    letter = tmp_path / "dead.letter"
    assert code == TEMPFAIL and 9 < took < 30
    assert str(letter).encode() in said
    assert letter.stat().st_mode & 0o777 == 0o600
    text = letter.read_bytes()
    assert text.startswith(b"From dead.letter ") and text.endswith(b"\n>From here\nbody\n\n")
    assert b"Bcc: a@q.example,\n  b@q.example\n" in text
    assert linked.end()[0] == CANTCREAT and target.read_bytes() == b""
    # What lies there can be sent as it was meant.
    quoin.start_queue()
    assert quoin.sendmail("-t", stdin=text).returncode == 0
    assert queued(quoin).recipients == ["a@q.example", "b@q.example"]


FAULTS = {
    "read": "EIO",
    "pwrite64,write,writev": "ENOSPC",
    "open,openat": "EMFILE",
    "mmap,mremap": "ENOMEM",  # brk never fails with an error number
    "socket": "EMFILE",
    "connect": "EACCES",
    "sendmsg,sendto": "EPIPE",
    "poll,ppoll": "EINTR",
    "pread64": "EIO",
}


@pytest.mark.tools("strace")
@pytest.mark.parametrize("calls", FAULTS)
def test_failing_calls(quoin, calls, tmp_path):
    """Each call of a kind fails once, one run after another: sendmail says 0 only if
    the message is in the queue, whole, and else gives a reason of sysexits."""
    q = quoin
    if b"/ld-linux" in (q.bin / "sendmail").read_bytes():
        pytest.skip("not a static program: the faults would hit its loader and sanitizer")
    q.control("sendmailwait", "0")
    q.start_queue()
    body = b"x" * 70 + b"\n"
    stdin = tmp_path / "message"
    stdin.write_bytes(b"Subject: x\nTo: a\n\n" + body * 20000)
    k = runs = 0
    while True:
        k += 1
        trace = tmp_path / "trace"
        inject = f"inject={calls}:error={FAULTS[calls]}:when={k}"
        argv = ["strace", "-o", trace, "-e", f"trace={calls}", "-e", inject, q.bin / "sendmail"]
        with open(stdin, "rb") as f:
            r = subprocess.run([*argv, f"--home={q.home}", "-i", "-t"], stdin=f, capture_output=True, env={**os.environ, **ENV})
        if "INJECTED" not in trace.read_text():
            break
        runs += 1
        if calls == "read" and k > 8:
            k += 5  # a message is read in many pieces, one like the other
        there = q.queue_files()
        if r.returncode < 0 and k <= 2 and calls.startswith("mmap"):
            pass  # static glibc needs memory before main
        elif r.returncode == 0:
            assert len(there) == 1 and there[0].message.endswith(b"\n\n" + body * 20000), k
        else:
            assert r.returncode in (IOERR, TEMPFAIL), (k, r.returncode, r.stderr)
        for i in q.queue_ids():
            (q.queue / "new" / i).unlink()
    assert runs > 0 and r.returncode == 0


def test_killed_queue(quoin):
    """qqueue is killed again and again under 500 runs of sendmail: each that says 0
    has its message in the queue, and none gives up."""
    quoin.control("sendmailwait", "300")
    quoin.start_queue()
    waiting, todo, codes = {}, list(range(500)), {}
    kills = 0
    end = time.monotonic() + 120
    while todo or waiting:
        assert time.monotonic() < end, (len(todo), len(waiting))
        for _ in range(10):
            if todo:
                n = todo.pop()
                waiting[n] = start_sendmail(quoin, f"user{n}")
        if kills < 50:
            quoin.kill("qqueue", signal.SIGKILL)
            quoin.services.remove(quoin.service("qqueue"))
            quoin.start_queue()
            kills += 1
        for n in [n for n, p in waiting.items() if p.poll() is not None]:
            p = waiting.pop(n)
            codes[n] = p.returncode
            p.stderr.close()
    there = [f.recipients[0] for f in quoin.queue_files("new")]
    print(f"{kills} kills, {len(there)} messages, {len(there) - len(set(there))} twice")
    assert kills == 50
    assert set(codes.values()) == {0}
    assert set(there) == {f"user{n}@q.example" for n in codes}
