"""POP3 behind the login: what a client is told, what becomes of the Maildir, real clients."""

import os
import poplib
import random
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
from quoin import ROOT, wait_for
from readers import Readers, Wire, narrow, number

pytestmark = pytest.mark.programs("qpop3d", "qpop3d-login", "qauth", "qcheckpw", "qlisten")

PLAIN = b"Subject: one\n\nhello\n"


class Pop:
    """A Quoin with joe's Maildir, and POP3 in the clear."""

    def __init__(self, q, tls=False):
        self.q = q
        self.readers = Readers(q, tls=tls, servers=["pop3=qpop3d"])
        self.uid, self.gid, self.home = q.accounts["joe"]
        self.maildir = self.home / "Maildir"
        self.n = 0
        self.port = self.readers.start("pop3")

    def put(self, data=PLAIN, name=None, sub="new"):
        """A file in the Maildir."""
        self.n += 1
        path = self.maildir / sub / (name or f"17000000{self.n:02}.M{self.n}P1.host")
        path.write_bytes(data)
        os.chown(path, self.uid, self.gid)
        return path

    def session(self):
        c = poplib.POP3("127.0.0.1", self.port, timeout=30)
        c.user("joe")
        c.pass_("secret")
        return c

    def names(self):
        """Base names of what is there."""
        return sorted(
            p.name.partition(":")[0].partition(",")[0] for d in ("new", "cur") for p in (self.maildir / d).iterdir()
        )

    def ends(self):
        """The log's lines of sessions that are over."""
        lines = re.findall(r"text=(qpop3d:.x20logout\S*)", self.q.log("qauth"))
        return [line.replace(r"\x20", " ").replace(r"\x3d", "=") for line in lines]


@pytest.fixture
def pop(quoin):
    return Pop(quoin)


def wire(pop):
    w = Wire(pop.port)
    assert w.line().startswith(b"+OK")
    assert w.ask("USER joe") == b"+OK"
    assert w.ask("PASS secret").startswith(b"+OK")
    return w


def block(w, command):
    """A reply of many lines, as bytes, without the dot."""
    w.send(command.encode() + b"\r\n")
    first = w.line()
    assert first.startswith(b"+OK"), first
    lines = []
    while (line := w.line()) != b".":
        lines.append(line + b"\r\n")
    return b"".join(lines)


def crlf(data):
    """The message as POP3 sends it, without doubled dots."""
    lines = re.sub(rb"\r?\n", b"\r\n", data)
    return lines if lines == b"" or lines.endswith(b"\r\n") else lines + b"\r\n"


def undot(data):
    return re.sub(rb"(?m)^\.", b"", data)


MESSAGES = [
    PLAIN,
    PLAIN.replace(b"\n", b"\r\n"),
    b"",
    b"\n",
    b"no line end",
    b"no line end, CRLF before\r\nx",
    b".\n",
    b"..\n.\n...\nx.\n",
    b".",
    b"\r\n.\r\n",
    b"bare \r CR\nand\r\r\nmore\r",
    b"nul \0 and \xff\xfe\n",
    b"x" * 200000 + b"\n",
    (b"." + b"y" * 77 + b"\n") * 3000,
    (b"z" * 65535 + b"\n") * 3,
    (b"z" * 65534 + b"\r\n") * 3,
]


@pytest.mark.parametrize("how", ["counted", "named", "wrong"])
def test_messages_are_sent_to_the_byte(pop, how):
    """LIST, STAT and RETR agree, whatever the name of a file says."""
    for n, data in enumerate(MESSAGES):
        wire_size = len(re.sub(rb"(?<!\r)\n", b"\r\n", data))
        fields = {"counted": "", "named": f",S={len(data)},W={wire_size}", "wrong": ",S=999999,W=2"}[how]
        pop.put(data, f"17000000{n:02}.M{n}P1.host{fields}", "cur" if n % 2 else "new")
    w = wire(pop)
    sizes = {int(n): int(size) for n, size in re.findall(rb"(\d+) (\d+)\r\n", block(w, "LIST"))}
    assert len(sizes) == len(MESSAGES)
    assert w.ask("STAT") == b"+OK %d %d" % (len(sizes), sum(sizes.values()))
    for n, data in enumerate(MESSAGES, 1):
        got = undot(block(w, f"RETR {n}"))
        assert got == crlf(data), n
        open_end = how == "named" and not data.endswith(b"\n") and data != b""
        assert sizes[n] == len(got) - (2 if open_end else 0), n
        assert w.ask(f"LIST {n}") == b"+OK %d %d" % (n, len(got)), n  # now it is known
    w.close()


def test_random_messages_are_sent_to_the_byte(pop):
    r = random.Random(7)
    messages = []
    for _ in range(60):
        parts = [r.choice([b"\n", b"\r\n", b".", b"..", b"\r", b"text", b"x" * r.randrange(70000)]) for _ in range(r.randrange(40))]
        messages.append(b"".join(parts))
        pop.put(messages[-1])
    w = wire(pop)
    for n, data in enumerate(messages, 1):
        got = undot(block(w, f"RETR {n}"))
        assert got == crlf(data)
        assert w.ask(f"LIST {n}") == b"+OK %d %d" % (n, len(got))
    w.close()


def test_top(pop):
    body = b"".join(b"line %d\n" % n for n in range(100))
    pop.put(b"A: b\nC: d\n\n" + body)
    pop.put(b"A: b\r\n\r\n.dot\r\nx\r\n")
    pop.put(b"header alone\n")
    w = wire(pop)
    assert block(w, "TOP 1 0") == b"A: b\r\nC: d\r\n\r\n"
    assert block(w, "TOP 1 2") == b"A: b\r\nC: d\r\n\r\nline 0\r\nline 1\r\n"
    assert block(w, "TOP 1 4294967295") == block(w, "RETR 1")
    assert block(w, "TOP 2 1") == b"A: b\r\n\r\n..dot\r\n"
    assert block(w, "TOP 3 5") == b"header alone\r\n"
    w.send(b"QUIT\r\n")
    assert w.line().startswith(b"+OK")
    wait_for(pop.ends)
    assert [p.name[-4:] for p in (pop.maildir / "cur").iterdir() if p.name.endswith("S")] == [":2,S"]  # RETR alone


def test_uidl(pop):
    """The base of a name; a hash where that is too long or no word."""
    names = ["1700000001.M1P1.host", "b" * 70, "c" * 71, "a b", "1700000002.\xe9"]
    for n in names:
        pop.put(name=n + ",S=20:2,S", sub="cur")
    w = wire(pop)
    uidls = re.findall(rb"(\d+) ([\x21-\x7e]{1,70})\r\n", block(w, "UIDL"))
    told = [u.decode() for _, u in uidls]
    assert len(set(told)) == 5
    assert {"1700000001.M1P1.host", "b" * 70} <= set(told)
    assert len([u for u in told if re.fullmatch("[0-9a-f]{32}", u)]) == 3
    assert w.ask("UIDL 2") == b"+OK 2 " + uidls[1][1]
    w.close()
    # For ever: flags and the place change, this does not.
    for p in list((pop.maildir / "cur").iterdir()):
        p.rename(str(p) + "R")
    w = wire(pop)
    assert sorted(u for _, u in re.findall(rb"(\d+) (\S+)\r\n", block(w, "UIDL"))) == sorted(u for _, u in uidls)
    w.close()


def test_commands_and_numbers(pop):
    pop.put()
    pop.put()
    w = wire(pop)
    for text in ("RETR", "RETR 0", "RETR 3", "RETR -1", "RETR 1x", "RETR 18446744073709551617", "RETR 4294967297",
                 "RETR 1 2", "TOP 1", "TOP 1 -1", "TOP 1 99999999999", "DELE", "DELE 0", "LIST 3", "LIST x", "UIDL 99",
                 "LIST 1 1", "STAT 1", "NOOP x", "QUIT now", "USER joe", "STLS", "XYZZY", "", "LANG en en"):  # fmt: skip
        assert w.ask(text).startswith(b"-ERR"), text
    assert w.ask("noop") == b"+OK" and w.ask("  retr   1  ").startswith(b"+OK")
    while w.line() != b".":
        pass
    assert w.ask("DELE 1") == b"+OK"
    for text in ("DELE 1", "RETR 1", "LIST 1", "UIDL 1", "TOP 1 0"):
        assert w.ask(text).startswith(b"-ERR"), text
    assert w.ask("STAT") == b"+OK 1 %d" % len(crlf(PLAIN))
    assert block(w, "LIST").startswith(b"2 ")  # numbers stay
    assert w.ask("RSET") == b"+OK"
    assert w.ask("STAT") == b"+OK 2 %d" % (2 * len(crlf(PLAIN)))
    w.close()


def test_pipelining(pop):
    for _ in range(20):
        pop.put()
    w = wire(pop)
    w.send(b"STAT\r\n" + b"".join(b"RETR %d\r\n" % n for n in range(1, 21)) + b"NOOP\r\nQUIT\r\n")
    said = w.rest()
    assert said.count(b"\r\nhello\r\n.\r\n") == 20 and said.endswith(b"+OK\r\n+OK good bye\r\n")


def test_a_hundred_errors_or_a_long_line_end_it(pop):
    with wire(pop) as w:
        w.send(b"X\r\n" * 200)
        assert w.rest().count(b"-ERR") == 100
    with wire(pop) as w:
        w.send(b"NOOP " + b"x" * 9000)
        assert w.rest() == b""
    assert wait_for(lambda: len(pop.ends()) == 2)


def test_nul_and_lines_at_their_limit(pop):
    """Nothing is done of a command with a NUL in it; how long a line may be does not hang on packets."""
    pop.put()
    with wire(pop) as w:
        assert w.ask(b"DELE 1\0") == b"-ERR A command has no NUL."
        assert w.ask(b"\0").startswith(b"-ERR") and w.ask(b"QUIT\0 1").startswith(b"-ERR")
        assert w.ask("STAT").startswith(b"+OK 1 ")
        assert w.ask(b"NOOP" + b" " * 506) == b"+OK"
        w.send(b"RETR " + b"0" * 506)
        time.sleep(0.1)
        w.send(b"1\n")
        assert w.rest() == b""
    with wire(pop) as w:
        w.send(b"RETR " + b"0" * 507 + b"1\r\nNOOP\r\n")
        assert w.rest() == b""
    assert wait_for(lambda: len([e for e in pop.ends() if "result=long" in e]) == 2)


@pytest.mark.parametrize("end", ["errors", "quit", "line"])
def test_last_words_to_who_says_all_and_then_reads(pop, end):
    """With megabytes behind what ended the session; the replies do not fit in its window."""
    pop.put(b"x" * 100_000 + b"\n")
    talk, last = {
        "errors": (b"X\r\n" * 100, b"-ERR There is no such command.\r\n"),
        "quit": (b"QUIT\r\n", b"+OK good bye\r\n"),
        "line": (b"", b"\r\n.\r\n"),
    }[end]
    with Wire(0, sock=narrow(pop.port), timeout=60) as w:
        w.line()
        assert w.ask("USER joe") == b"+OK" and w.ask("PASS secret").startswith(b"+OK")
        w.send(b"RETR 1\r\n" + talk + b"x" * 8_000_000)
        said = w.rest()
    assert len(said) > 100_000 and said.endswith(last)


def test_deletes_at_quit_alone(pop):
    kept, gone = pop.put(), pop.put()
    w = wire(pop)
    assert w.ask("DELE 2") == b"+OK"
    w.close()
    wait_for(pop.ends)
    assert pop.names() == [kept.name, gone.name]
    c = pop.session()
    c.dele(2)
    c.retr(1)
    late = pop.put()  # was not there when the session began
    c.quit()
    assert pop.names() == sorted([kept.name, late.name])
    assert [p.name for p in (pop.maildir / "cur").iterdir()] == [kept.name + ":2,S"]
    assert wait_for(lambda: re.search("result=quit messages=2 sent=1 deleted=1 bytes=23 ", pop.ends()[-1]))


def test_deletes_give_room_in_a_quota(pop):
    pop.put(name="2.x,S=100")
    path = pop.maildir / "maildirsize"
    path.write_text("1000S,10C\n500 5\n")
    os.chown(path, pop.uid, pop.gid)
    c = pop.session()
    c.dele(1)
    c.quit()
    assert pop.names() == [] and path.read_text() == "1000S,10C\n500 5\n-100 -1\n"


def test_two_sessions_at_once(pop):
    names = [pop.put(b"Subject: %d\n\nx\n" % n).name for n in range(4)]
    a, b = pop.session(), pop.session()
    assert a.stat() == b.stat()
    a.dele(1)
    a.dele(2)
    b.dele(2)
    b.dele(3)
    a.quit()
    with pytest.raises(poplib.error_proto, match=r"-ERR \[SYS/TEMP\]"):
        b.retr(1)
    assert b.retr(4)[1][0] == b"Subject: 3"  # numbers stay
    b.quit()  # what is gone already is no failure
    assert pop.names() == [names[3]]


def test_another_program_moves_and_marks(pop):
    """mutt at the same time: a renamed file is found."""
    path = pop.put(name="1700000001.M1P1.host:2,", sub="cur")
    other = pop.put(name="1700000002.M2P1.host:2,", sub="cur")
    c = pop.session()
    path.rename(str(path) + "FRS")
    other.rename(str(other) + "T")
    assert c.retr(1)[1][-1] == b"hello"
    c.dele(2)
    c.quit()
    assert [p.name for p in (pop.maildir / "cur").iterdir()] == ["1700000001.M1P1.host:2,FRS"]


def test_what_is_no_message(pop):
    """A FIFO, links, a directory: passed over, or refused, never opened."""
    good = pop.put()
    secret = pop.home / "secret"
    secret.write_text("not mail\n")
    for sub in ("new", "cur"):
        d = pop.maildir / sub
        os.mkfifo(d / f"17{sub}.fifo")
        (d / f"17{sub}.link").symlink_to(secret)
        (d / f"17{sub}.dead").symlink_to("/nowhere")
        (d / f"17{sub}.dir").mkdir()
        (d / ".hidden").write_text("x")
    w = wire(pop)
    count = int(w.ask("STAT").split()[1])
    read = []
    for n in range(1, count + 1):
        w.send(b"RETR %d\r\n" % n)
        if w.line().startswith(b"+OK"):
            read.append(b"")
            while (line := w.line()) != b".":
                read[-1] += line
    assert read == [b"Subject: onehello"]
    assert w.ask("QUIT").startswith(b"+OK")
    assert secret.exists() and good.name in pop.names()


def test_what_becomes_no_message_meanwhile(pop):
    """A FIFO, a link, a directory, a socket in the place of a message: refused, at once."""
    paths = [pop.put(name=f"1700000001.M{n}P1.host,S=20,W=23:2,", sub="cur") for n in range(5)]
    w = wire(pop)
    for p in paths[1:]:
        p.unlink()
    os.mkfifo(paths[1])
    paths[2].symlink_to(paths[0])
    paths[3].mkdir()
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(paths[4]))
    for n in range(2, 6):
        assert w.ask(f"RETR {n}") == b"-ERR [SYS/TEMP] The message cannot be read now.", n
        assert w.ask(f"TOP {n} 0") == b"-ERR [SYS/TEMP] The message cannot be read now.", n
    assert undot(block(w, "RETR 1")) == crlf(PLAIN)
    w.close()


@pytest.mark.parametrize("size", [0, 1, 19, 21, 65516, 65536, 65537, 200000])
def test_a_message_that_changes_meanwhile(pop, size):
    """Its name says something else then: it is sent as it is, and LIST knows."""
    data = b"x" * (size - 1) + b"\n" if size else b""
    path = pop.put(name="1700000001.M1P1.host,S=20,W=23:2,", sub="cur")
    other = pop.put(name="1700000002.M2P1.host,S=20,W=23:2,", sub="cur")
    w = wire(pop)
    assert w.ask("LIST 1") == b"+OK 1 23"
    path.write_bytes(data)  # in place
    other.unlink()
    pop.put(data, name=other.name, sub="cur")  # another file
    for n in (1, 2):
        assert block(w, f"RETR {n}") == crlf(data)
        assert w.ask(f"LIST {n}") == b"+OK %d %d" % (n, len(crlf(data)))
    w.close()


def test_nobody_has_a_maildir_yet(pop):
    for d in ("new", "cur", "tmp"):
        (pop.maildir / d).rmdir()
    pop.maildir.rmdir()
    c = pop.session()
    assert c.stat() == (0, 0) and c.list()[1] == []
    c.quit()
    assert (pop.maildir / "new").is_dir() and pop.maildir.stat().st_uid == pop.uid


def test_a_mailbox_that_cannot_be_opened(pop):
    pop.maildir.rename(pop.home / "elsewhere")
    pop.maildir.write_text("a file\n")
    with pytest.raises(poplib.error_proto, match=r"-ERR \[SYS/TEMP\]"):
        pop.session()


def test_last_words_to_who_may_not_come_in(pop):
    pop.maildir.rename(pop.home / "elsewhere")
    pop.maildir.write_text("a file\n")
    with Wire(0, sock=narrow(pop.port), timeout=60) as w:
        w.send(b"CAPA\r\n" * 200 + b"USER joe\r\nPASS secret\r\n" + b"x" * 8_000_000)
        said = w.rest()
    assert said.endswith(b"+OK\r\n-ERR [SYS/TEMP] The mailbox cannot be opened now.\r\n")


@pytest.mark.root("a directory of root's")
def test_what_cannot_be_deleted_is_said(pop):
    names = [pop.put().name, pop.put().name]
    c = pop.session()
    c.dele(1)
    # Sticky, and another's: the user may not remove what is not his.
    for d in ("new", "cur"):
        os.chown(pop.maildir / d, 0, 0)
        (pop.maildir / d).chmod(0o1777)
        for p in (pop.maildir / d).iterdir():
            os.chown(p, 0, 0)
            p.chmod(0o644)
    with pytest.raises(poplib.error_proto, match=r"-ERR \[SYS/TEMP\]"):
        c.quit()
    assert pop.names() == names


def test_a_client_that_reads_nothing_and_a_signal(pop):
    """SIGTERM to the server deletes nothing."""
    pop.put(b"x" * 20_000_000)
    w = wire(pop)
    w.send(b"DELE 1\r\nRSET\r\nRETR 1\r\n")
    time.sleep(0.3)
    pid = int(re.findall(r"qauth: login service=pop3 .*pid=(\d+)", pop.q.log("qauth"))[-1])
    os.kill(pid, signal.SIGTERM)
    assert not w.rest().endswith(b"\r\n.\r\n")
    assert len(pop.names()) == 1


def test_many_messages(pop):
    for n in range(3000):
        pop.put(b"Subject: %d\n\nx\n" % n, f"1700000000.M{n:05}P1.host,S=15,W=18:2,", "cur")
    began = time.monotonic()
    w = wire(pop)
    first = time.monotonic() - began
    assert block(w, "LIST").count(b"\r\n") == 3000
    assert w.ask("STAT").startswith(b"+OK 3000 ")
    subjects = set()
    for n in range(1, 3001):
        w.send(b"RETR %d\r\n" % n)
    for _ in range(3000):
        w.line()
        subjects.add(w.line())
        while w.line() != b".":
            pass
    assert len(subjects) == 3000
    for n in range(1, 3001, 2):
        w.send(b"DELE %d\r\n" % n)
    for n in range(1, 3001, 2):
        assert w.line() == b"+OK"
    assert w.ask("QUIT").startswith(b"+OK")
    assert len(pop.names()) == 1500
    print(f"opened in {1000 * first:.0f} ms, all in {1000 * (time.monotonic() - began):.0f} ms")


def test_four_sessions_and_deliveries(pop):
    """Each message is retrieved by somebody, and only what was retrieved is gone."""
    seen, lock = set(), threading.Lock()
    stop = threading.Event()
    ends = []

    def take():
        while not stop.is_set():
            c = pop.session()
            for n in range(1, c.stat()[0] + 1):
                try:
                    text = c.retr(n)[1][0]
                except poplib.error_proto:
                    continue
                with lock:
                    seen.add(text)
                c.dele(n)
            c.quit()
        ends.append("well")

    threads = [threading.Thread(target=take) for _ in range(4)]
    for t in threads:
        t.start()
    for n in range(200):
        tmp = pop.put(b"Subject: %d\n\nx\n" % n, f"x{n}", "tmp")
        tmp.rename(pop.maildir / "new" / f"1700000000.M{n}P1.host")
        time.sleep(0.005)
    wait_for(lambda: not pop.names(), 60)
    stop.set()
    for t in threads:
        t.join()
    assert ends == ["well"] * 4
    assert seen == {b"Subject: %d" % n for n in range(200)}


def test_logs(pop):
    pop.put()
    c = pop.session()
    c.retr(1)
    c.quit()
    wait_for(pop.ends)
    assert number(pop.q.log("qauth"), "^qauth: login service=pop3 client=127.0.0.1 user=joe pid=[0-9]+$") == 1
    assert re.fullmatch(r"qpop3d: logout result=quit messages=1 sent=1 deleted=0 bytes=23 ms=\d+", pop.ends()[0])


# ---- clients ----------------------------------------------------------------------------
# Each: (port, a directory) and returns what it fetched, as bytes. TLS first.


def run(argv, ok=(0,), **kw):
    p = subprocess.run(argv, capture_output=True, timeout=60, **kw)
    assert p.returncode in ok, (argv, p.stdout, p.stderr)
    return p.stdout


def by_poplib(port, _tmp):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    c = poplib.POP3_SSL("127.0.0.1", port, context=context, timeout=20)
    c.user("joe")
    c.pass_("secret")
    lines = c.retr(1)[1]
    c.quit()
    return b"\n".join(lines) + b"\n"


def by_curl(port, _tmp):
    return run(["curl", "-sS", "-k", "--user", "joe:secret", f"pop3s://127.0.0.1:{port}/1"])


def by_curl_list(port, tmp):
    assert run(["curl", "-sS", "-k", "--user", "joe:secret", f"pop3s://127.0.0.1:{port}/"]).startswith(b"1 ")
    return by_curl(port, tmp)


def by_fetchmail(port, tmp):
    rc, out = tmp / "rc", tmp / "out"
    rc.write_text(
        f'poll 127.0.0.1 service {port} protocol pop3 user joe password secret ssl no sslcertck keep no rewrite mda "cat >> {out}"\n'
    )
    rc.chmod(0o600)
    run(["fetchmail", "-f", rc, "--pidfile", tmp / "pid", "-i", tmp / "ids"], env={**os.environ, "HOME": str(tmp)})
    return out.read_bytes()


def by_mpop(port, tmp):
    box = tmp / "box"
    for d in ("", "new", "cur", "tmp"):
        (box / d).mkdir()
    run(["mpop", "-C", "/dev/null", "--host=127.0.0.1", f"--port={port}", "--tls=on", "--tls-starttls=off",
         "--tls-certcheck=off", "--user=joe", "--passwordeval=echo secret", "--keep=on", f"--delivery=maildir,{box}",
         f"--uidls-file={tmp}/uidls"])  # fmt: skip
    (message,) = (box / "new").iterdir()
    return message.read_bytes()


def by_getmail(port, tmp):
    box = tmp / "box"
    for d in ("", "new", "cur", "tmp"):
        (box / d).mkdir()
    rc = tmp / "rc"
    rc.write_text(
        f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = 127.0.0.1\nport = {port}\nusername = joe\npassword = secret\n"
        f"[destination]\ntype = Maildir\npath = {box}/\n[options]\nread_all = true\ndelete = false\nverbose = 0\n"
        "delivered_to = false\nreceived = false\n"
    )
    user = {}
    if ROOT:  # it does not deliver as root
        for p in (tmp, *tmp.rglob("*")):
            os.chown(p, 65534, 65534)
        user = {"user": 65534, "group": 65534, "extra_groups": []}
        for p in tmp.parents:
            if p != Path("/") and p != Path("/tmp"):
                p.chmod(p.stat().st_mode | 0o011)
    run(["getmail", f"--getmaildir={tmp}", f"--rcfile={rc}"], env={**os.environ, "HOME": str(tmp)}, **user)
    (message,) = (box / "new").iterdir()
    return message.read_bytes()


def by_mutt(port, tmp):
    rc, out, certificate = tmp / "muttrc", tmp / "out", tmp / "known"
    p = run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-showcerts"], input=b"QUIT\r\n")
    certificate.write_bytes(re.search(rb"-----BEGIN.*?END CERTIFICATE-----\n", p, re.S).group(0))
    rc.write_text(
        f"set certificate_file={certificate}\nset ssl_verify_dates=no ssl_verify_host=no\nset pop_pass=secret\nset folder={tmp}\n"
        "set confirmappend=no confirmcreate=no pop_delete=no move=no\n"
        f'push "T~A<enter>;C{out}<enter><quit>"\n'
    )
    run(["script", "-qec", f"env TERM=vt100 HOME={tmp} mutt -F {rc} -n -R -f pops://joe@127.0.0.1:{port}", "/dev/null"])
    return out.read_bytes()


CLIENTS = {
    "poplib": (by_poplib, "python3"),
    "curl": (by_curl, "curl"),
    "curl-list": (by_curl_list, "curl"),
    "fetchmail": (by_fetchmail, "fetchmail"),
    "mpop": (by_mpop, "mpop"),
    "getmail": (by_getmail, "getmail"),
    "mutt": (by_mutt, "mutt"),
}


@pytest.fixture(scope="module")
def tls_pop():
    from quoin import Quoin

    q = Quoin()
    try:
        pop = Pop(q, tls=True)
        pop.tls_port = pop.readers.start("pop3", tls=True)
        pop.put(b"From: a@b.example\nTo: joe@q.example\nSubject: gr\xc3\xbc\xc3\x9fe\nMessage-ID: <1@b.example>\n"
                b"Date: Sat, 21 Nov 2026 12:00:00 +0000\n\nhello\n.dot\n..\nend\n")  # fmt: skip
        yield pop
    finally:
        q.close()


@pytest.mark.parametrize("name", CLIENTS)
def test_clients(tls_pop, name, tmp_path):
    fetch, tool = CLIENTS[name]
    from quoin import why_not_client

    why = why_not_client(tool)
    if why:
        pytest.skip(why)
    got = fetch(tls_pop.tls_port, tmp_path).replace(b"\r\n", b"\n")
    assert b"Subject: gr\xc3\xbc\xc3\x9fe\n" in got
    assert b"\n\nhello\n.dot\n..\nend\n" in got
