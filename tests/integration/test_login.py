"""Logging in to POP3 and IMAP: the login programs, TLS, limits, checkpassword programs."""

import imaplib
import os
import poplib
import re
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
from quoin import BIN, FIRST_USER, ROOT, SANITIZED, SOURCE, free_port, wait_for
from readers import ECHO, LOGIN, Readers, Wire, narrow, number
from test_submission import memory_of
from tree import Tree

pytestmark = pytest.mark.programs("qpop3d-login", "qimapd-login", "qauth", "qcheckpw", "qlisten")

FOREIGN = BIN.parent / "tests/foreign_checkpw"
SERVICES = ["pop3", "imap"]


@pytest.fixture
def readers(quoin):
    return Readers(quoin)


def greeted(port, **kw):
    w = Wire(port, **kw)
    assert re.match(rb"\+OK|\* OK", w.line())
    return w


def log_in(w, service, user="joe", password="secret"):
    """The answer's line."""
    if service == "imap":
        return w.ask(f't1 LOGIN {user} "{password}"')
    assert w.ask(f"USER {user}") == b"+OK"
    return w.ask(f"PASS {password}")


def is_in(line):
    """What the echo of readers.py says first."""
    return line.startswith((b"pop3 ", b"imap "))


def client_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("how", ["clear", "starttls", "tls"])
def test_the_server_gets_the_session_and_all_behind_the_login(readers, service, how):
    port = readers.start(service, tls=how == "tls")
    with greeted(port, tls=how == "tls") as w:
        if how == "starttls":
            w.ask("STLS" if service == "pop3" else "a STARTTLS")
            w.start_tls()
        if service == "pop3":
            w.send(b"USER joe\r\nPASS secret\r\nLIST\r\nQUIT\r\n")
            assert w.line() == b"+OK"
            word = b""
        else:
            w.send(b"x1 LOGIN joe secret\r\nLIST\r\nQUIT\r\n")
            word = b", '--', 'x1'"
        home = str(readers.q.home).encode()
        assert w.line() == service.encode() + b" joe " + home + b"/mail/joe ['-C', '" + home + b"'" + word + b"]"
        assert w.line() == b"echo LIST"
        assert w.line() == b"QUIT"
    # Nothing of the login program is left.
    assert wait_for(lambda: not pids_of(LOGIN[service], port))


def pids_of(name, port):
    """Processes of that name whose arguments or environment have the port."""
    found = []
    for p in Path("/proc").glob("[0-9]*"):
        try:
            if name in (p / "cmdline").read_text() and f"TCPLOCALPORT={port}\0" in (p / "environ").read_text():
                found.append(int(p.name))
        except OSError:
            pass
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_wrong_passwords_cost_time_and_then_the_session(readers, service):
    port = readers.start(service)
    with greeted(port) as w:
        for n in range(3):
            assert re.search(rb"\[AUTH(ENTICATIONFAILED)?\]", log_in(w, service, password=f"wrong {n}"))
        began = time.monotonic()
        log_in(w, service, password="wrong 4")
        assert time.monotonic() - began > 0.9
    log = readers.q.log("qauth")
    assert number(log, f"^qauth: login-failed service={service} client=127.0.0.1 user=joe count=[1-4]$") == 4


@pytest.mark.parametrize("service", SERVICES)
def test_qauth_is_away(readers, service):
    port = readers.start(service)
    readers.q.stop("qauth")
    with greeted(port) as w:
        assert re.search(rb"\[(SYS/TEMP|UNAVAILABLE)\]", log_in(w, service))
        readers.q.start_auth("-S", f"{service}={readers.q.home}/echo")
        assert is_in(log_in(w, service))


@pytest.mark.parametrize("service", SERVICES)
def test_qtls_is_away(quoin, service):
    """STARTTLS is not offered, and refused; a password from afar is refused too."""
    readers = Readers(quoin, tls=False)
    port = readers.start(service, env={"TCPREMOTEIP": "192.0.2.7"}, args=())
    with greeted(port) as w:
        w.send(b"CAPA\r\n" if service == "pop3" else b"a CAPABILITY\r\n")
        lines = [w.line()]
        while not re.match(rb"\.|a OK", lines[-1]):
            lines.append(w.line())
        assert not [line for line in lines if b"STLS" in line or b"STARTTLS" in line]
        assert re.match(rb"-ERR|a BAD", w.ask("STLS" if service == "pop3" else "a STARTTLS"))


@pytest.mark.parametrize("service", SERVICES)
def test_plaintext_where_tls_should_be(readers, service):
    port = readers.start(service)
    with greeted(port) as w:
        w.ask("STLS" if service == "pop3" else "a STARTTLS")
        w.send(b"USER joe\r\nPASS secret\r\n" if service == "pop3" else b"b LOGIN joe secret\r\n")
        assert w.rest() == b""
    assert not re.search("qauth: login ", readers.q.log("qauth"))
    assert wait_for(lambda: re.search("result=plaintext", readers.q.log("qtls")))


@pytest.mark.parametrize("service", SERVICES)
def test_alpn(readers, service):
    """A browser's protocol is refused, our own one is taken."""
    port = readers.start(service, tls=True)
    for offered, good in ((["h2", "http/1.1"], False), ([service], True)):
        context = client_context()
        context.set_alpn_protocols(offered)
        sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        try:
            with context.wrap_socket(sock) as tls:
                assert good and tls.selected_alpn_protocol() == service
                assert re.match(rb"\+OK|\* OK", tls.recv(1000))
        except ssl.SSLError:
            assert not good


@pytest.mark.parametrize("service", SERVICES)
def test_a_login_has_its_time(readers, service):
    """However busy the client is."""
    readers.q.control("logintimeout", "10")
    port = readers.start(service)
    with greeted(port) as w:
        began = time.monotonic()
        with pytest.raises((AssertionError, ConnectionError)) as end:
            while time.monotonic() < began + 30:
                w.send(b"CAPA\r\n" if service == "pop3" else b"a NOOP\r\n")
                assert (w.line() if service == "pop3" else w.tagged("NOOP")[-1])[:5] != b"* BYE"
                time.sleep(0.2)
        assert 8 < time.monotonic() - began < 25, end


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_that_waits_or_drips_is_cut(readers, service):
    readers.q.control("logintimeout", "10")
    port = readers.start(service)
    with greeted(port) as idle, greeted(port) as slow:
        began = time.monotonic()
        ended = threading.Event()

        def drip():
            try:
                while not ended.is_set():
                    slow.send(b"x")
                    time.sleep(0.3)
            except OSError:
                pass

        t = threading.Thread(target=drip)
        t.start()
        assert idle.rest() == (b"* BYE Login takes too long.\r\n" if service == "imap" else b"")
        assert slow.rest() == (b"* BYE Login takes too long.\r\n" if service == "imap" else b"")
        assert 8 < time.monotonic() - began < 25
        ended.set()
        t.join()


@pytest.mark.parametrize("service", SERVICES)
def test_sessions_of_one_account_are_limited(readers, service):
    q = readers.q
    q.control("usersessions", "2")
    q.service("qauth").popen.send_signal(1)
    port = readers.start(service)
    open_ = [greeted(port) for _ in range(2)]
    for w in open_:
        assert is_in(log_in(w, service))
    with greeted(port) as w:
        assert b"Too many sessions of this account" in log_in(w, service)
        assert is_in(log_in(w, service, "ann@v.example", "two words"))  # another one's are his
    assert wait_for(lambda: number(q.log("qauth"), "login-later .*user=joe reason=usersessions") == 1)
    open_[0].close()
    with greeted(port) as w:
        assert wait_for(lambda: is_in(log_in(w, service)))
    open_[1].close()


def test_sessions_of_all_are_limited(readers):
    q = readers.q
    q.control("sessions", "1")
    q.service("qauth").popen.send_signal(1)
    port = readers.start("imap")
    with greeted(port) as a, greeted(port) as b:
        assert is_in(log_in(a, "imap"))
        assert b"[UNAVAILABLE]" in log_in(b, "imap", "ann@v.example", "two words")


@pytest.mark.parametrize("service", SERVICES)
def test_a_connection_on_its_way_has_a_seat_and_a_session_has_none(readers, service):
    """-c counts who has not logged in yet."""
    port = readers.start(service, args=("-c", "1"))
    with greeted(port) as first:
        with Wire(port, timeout=1) as second:
            with pytest.raises(TimeoutError):
                second.line()
        assert is_in(log_in(first, service))
        with greeted(port):
            pass


# What ends a session, and the last reply then.
LAST = {
    ("pop3", "errors"): (b"X\r\n" * 10, b"-ERR There is no such command before a login.\r\n"),
    ("pop3", "line"): (b"X" * 9000, b"\r\n.\r\n"),
    ("pop3", "quit"): (b"QUIT\r\n", b"+OK good bye\r\n"),
    ("imap", "errors"): (b"a X\r\n" * 10, b"* BYE Too many errors.\r\n"),
    ("imap", "line"): (b"X" * 9000, b"* BYE The line is too long.\r\n"),
    ("imap", "quit"): (b"a LOGOUT\r\n", b"a OK done\r\n"),
}


@pytest.mark.parametrize("service,end", LAST)
def test_last_words_to_who_says_all_and_then_reads(readers, service, end):
    """With megabytes behind what ended the session; the replies do not fit in its window."""
    talk, last = LAST[service, end]
    ask = b"CAPA\r\n" if service == "pop3" else b"a CAPABILITY\r\n"
    with Wire(0, sock=narrow(readers.start(service)), timeout=60) as w:
        w.send(ask * 200 + talk + b"x" * 8_000_000)
        said = w.rest()
    assert said.count(b"+OK\r\nUSER" if service == "pop3" else b"* CAPABILITY") == 200
    assert said.endswith(last)


@pytest.mark.programs("qimapd")
def test_last_words_of_qimapd(quoin):
    """The same behind the login (of qpop3d: test_pop3.py)."""
    world = Readers(quoin, tls=False, servers=["imap=qimapd"])
    with Wire(0, sock=narrow(world.start("imap")), timeout=60) as w:
        assert w.line().startswith(b"* OK") and b" OK " in log_in(w, "imap")
        w.send(b"a CAPABILITY\r\n" * 200 + b"a X\r\n" * 100 + b"x" * 12_000_000)
        said = w.rest()
    assert said.count(b"* CAPABILITY") == 200
    assert re.search(rb"\r\n\* BYE Too many commands that are none\.\r\n$", said)


@pytest.mark.programs("qimapd")
def test_last_words_of_qimapd_to_who_may_not_come_in(quoin):
    world = Readers(quoin, tls=False, servers=["imap=qimapd"])
    maildir = quoin.accounts["joe"][2] / "Maildir"
    maildir.rename(maildir.parent / "elsewhere")
    maildir.write_text("a file\n")
    with Wire(0, sock=narrow(world.start("imap")), timeout=60) as w:
        w.send(b"a CAPABILITY\r\n" * 200 + b"b LOGIN joe secret\r\n" + b"x" * 12_000_000)
        said = w.rest()
    no = rb"\r\nb NO \[UNAVAILABLE\] (The mailbox cannot be opened now\.\r\n)\* BYE \1$"
    assert re.search(no, said)


def test_a_pipe_is_no_session(quoin):
    p = quoin.run("qpop3d-login", stdin=b"USER joe\r\n")
    assert p.returncode == 100 and b"descriptor 0 is no socket" in p.stderr


@pytest.mark.root("reads the memory of who may not be dumped")
@pytest.mark.parametrize("service", SERVICES)
def test_memory_and_time_of_logins(readers, service):
    """A client that says nothing costs little."""
    if SANITIZED:
        pytest.skip("a sanitizer takes memory")
    port = readers.start(service)
    idle = [greeted(port) for _ in range(10)]
    pids = pids_of(LOGIN[service], port)
    assert len(pids) == 10
    pss = [sum(map(int, re.findall(r"^Pss:\s+(\d+)", Path(f"/proc/{p}/smaps_rollup").read_text(), re.M))) for p in pids]
    print(f"{LOGIN[service]}: PSS {min(pss)} to {max(pss)} KB")
    assert max(pss) < 120
    for w in idle:
        w.close()


# ---- clients ----------------------------------------------------------------------------


def test_imaplib(readers):
    """The login of Python's client, by each way; what the echo says behind it is no IMAP."""
    port = readers.start("imap")
    c = imaplib.IMAP4("127.0.0.1", port, timeout=20)
    assert {"IMAP4REV1", "STARTTLS", "SASL-IR", "AUTH=PLAIN"} <= set(c.capabilities)
    c.starttls(client_context())
    assert "STARTTLS" not in c.capabilities
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        c.login("joe", "wr\\ong\"")
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        c.authenticate("PLAIN", lambda _: b"\0joe\0no")
    c.logout()


def test_poplib(readers):
    port = readers.start("pop3")
    c = poplib.POP3("127.0.0.1", port, timeout=20)
    assert c.capa()["SASL"] == ["PLAIN", "LOGIN"] and c.capa()["IMPLEMENTATION"] == ["Quoin"]
    c.stls(client_context())
    assert "STLS" not in c.capa() and c.utf8() == b"+OK"
    c.user("joe")
    with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"):
        c.pass_("wrong")
    c.quit()


# ---- the classical way ------------------------------------------------------------------

# A checkpassword program without a server of ours behind it.
LATER = "#!/bin/sh\nexit 111\n"


def checker(q, name, text):
    path = q.home / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def foreign(q):
    """NAME PASSWORD UID HOME of joe."""
    return [FOREIGN, "joe", "two words", FIRST_USER if ROOT else os.getuid(), q.accounts["joe"][2]]


def tcpserver(q, service, *words):
    """Debian's ucspi-tcp, as root if we are."""
    port = free_port()
    log = open(q.logs / f"tcpserver-{port}.log", "wb")
    p = subprocess.Popen(
        ["tcpserver", "-v", "-HRl", "q.example", "127.0.0.1", str(port), q.bin / LOGIN[service], "-C", q.home, *map(str, words)],
        stdin=subprocess.DEVNULL,
        stderr=log,
    )
    wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    return port, p


@pytest.fixture
def classical(quoin):
    quoin.users("joe")
    checker(quoin, "echo", ECHO)
    started = []

    def start(service, *words):
        port, p = tcpserver(quoin, service, *words)
        started.append(p)
        return port

    start.q = quoin
    yield start
    for p in started:
        p.terminate()
        p.wait()


@pytest.mark.tools("tcpserver")
@pytest.mark.skipif(not FOREIGN.exists(), reason="not built: foreign_checkpw")
@pytest.mark.parametrize("service", SERVICES)
def test_tcpserver_and_a_checkpassword_program(classical, service):
    q = classical.q
    drop = ("-u", "65534:65534") if ROOT else ()
    port = classical(service, *drop, *foreign(q), q.home / "echo", "Maildir")
    with greeted(port) as w:
        assert re.search(rb"\[AUTH(ENTICATIONFAILED)?\]", log_in(w, service, password="wrong"))
        word = b", '--', 't1'" if service == "imap" else b""
        home = str(q.accounts["joe"][2]).encode()
        assert log_in(w, service, password="two words") == service.encode() + b" joe " + home + b" ['Maildir'" + word + b"]"
        assert w.ask("hello") == b"echo hello"
        if ROOT:  # who reads the client is nobody, who runs the checker is root
            uids = {os.stat(f"/proc/{p}").st_uid for p in pids_of(LOGIN[service], port)}
            assert uids == {0, 65534}
    assert wait_for(lambda: not pids_of(LOGIN[service], port))
    text = "".join(p.read_text(errors="replace") for p in q.logs.glob("tcpserver*"))
    assert number(text, f"^{LOGIN[service]}: login-failed service={service} client=127.0.0.1 user=joe count=1$") == 1


@pytest.mark.tools("tcpserver")
@pytest.mark.skipif(not FOREIGN.exists(), reason="not built: foreign_checkpw")
@pytest.mark.programs("qpop3d", "qimapd")
def test_the_servers_the_classical_way(classical):
    """qpop3d and qimapd, behind a checkpassword program of others, in a Maildir of another name."""
    q = classical.q
    uid, gid, home = q.accounts["joe"]
    (home / "Maildir").rename(home / "Post")
    path = home / "Post/new/1700000000.M1P1.host"
    path.write_text("Subject: x\n\nhello\n")
    os.chown(path, uid, gid)
    drop = ("-u", "65534:65534") if ROOT else ()
    c = poplib.POP3("127.0.0.1", classical("pop3", *drop, *foreign(q), q.bin / "qpop3d", "Post"), timeout=20)
    c.user("joe")
    c.pass_("two words")
    assert c.retr(1)[1] == [b"Subject: x", b"", b"hello"]
    c.quit()
    m = imaplib.IMAP4("127.0.0.1", classical("imap", *drop, *foreign(q), q.bin / "qimapd", "Post"), timeout=20)
    m.login("joe", "two words")
    assert m.select() == ("OK", [b"1"])
    assert b"hello" in m.fetch("1", "BODY[TEXT]")[1][0][1]
    m.logout()


@pytest.mark.tools("tcpserver")
@pytest.mark.skipif(not FOREIGN.exists(), reason="not built: foreign_checkpw")
@pytest.mark.parametrize("service", SERVICES)
def test_starttls_the_classical_way(classical, service):
    q = classical.q
    q.start_tls()
    if ROOT:  # the door is for quoini
        drop = ("-u", q.owner("quoini"))
    else:
        drop = ()
    port = classical(service, *drop, *foreign(q), q.home / "echo")
    with greeted(port) as w:
        w.ask("STLS" if service == "pop3" else "a STARTTLS")
        w.start_tls()
        assert is_in(log_in(w, service, password="two words"))
        assert w.ask("hello") == b"echo hello"


@pytest.mark.tools("tcpserver")
def test_a_checker_that_fails_is_no_wrong_password(classical):
    q = classical.q
    port = classical("pop3", checker(q, "later", LATER), "true")
    with greeted(port) as w:
        assert log_in(w, "pop3").startswith(b"-ERR [SYS/TEMP]")
    port = classical("pop3", q.home / "nothing-there", "true")
    with greeted(port) as w:
        assert log_in(w, "pop3").startswith(b"-ERR [SYS/TEMP]")


@pytest.mark.tools("tcpserver")
def test_three_wrong_passwords_the_classical_way(classical):
    q = classical.q
    port = classical("imap", checker(q, "no", "#!/bin/sh\nexit 1\n"), "true")
    with greeted(port) as w:
        began = time.monotonic()
        log_in(w, "imap")
        log_in(w, "imap")
        assert b"NO [AUTHENTICATIONFAILED]" in log_in(w, "imap")
        assert w.rest() == b"* BYE Too many wrong passwords.\r\n"
        assert time.monotonic() - began > 10


@pytest.mark.tools("tcpserver")
@pytest.mark.root("reads another process")
@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
def test_no_password_stays_with_the_half_that_waits(classical):
    """It is root, and lives as long as the session."""
    q = classical.q
    q.passwords({"joe": "a hunted word"})
    port = classical("pop3", "-u", "65534:65534", q.bin / "qcheckpw", "-C", q.home, q.home / "echo")
    with greeted(port) as w:
        assert is_in(log_in(w, "pop3", password="a hunted word"))
        (pid,) = (p for p in pids_of(LOGIN["pop3"], port) if os.stat(f"/proc/{p}").st_uid == 0)
        memory = memory_of(pid)
        assert b"pop3" in memory and b"hunted" not in memory


@pytest.mark.tools("tcpserver")
def test_qcheckpw_the_classical_way(classical):
    """Quoin's own judge under somebody else's server."""
    q = classical.q
    q.passwords({"joe": "two words"})
    if not ROOT:
        pytest.skip("needs root: qcheckpw becomes the user")
    q.control("passwordcost", "8 1")
    port = classical("imap", "-u", "65534:65534", q.bin / "qcheckpw", "-C", q.home, q.home / "echo")
    with greeted(port) as w:
        assert b"NO [AUTHENTICATIONFAILED]" in log_in(w, "imap")
        assert is_in(log_in(w, "imap", password="two words"))


# ---- the services -----------------------------------------------------------------------


@pytest.mark.tools("s6-svscan")
@pytest.mark.programs("qtls", "qpop3d", "qctl", "qpasswd")
def test_the_services():
    """As installed: one listener a protocol, TLS at its port; restart, and off by a line."""
    imap, imaps, pop3s = free_port(), free_port(), free_port()
    tree = Tree({"imaplisten": f"127.0.0.1 {imap}", "imapslisten": f"127.0.0.1 {imaps}", "pop3slisten": f"127.0.0.1 {pop3s}"})
    try:
        tree.q.passwords({"alice": "secret"})
        stat = tree.qctl("stat").stdout.decode()
        assert re.search(r"^qimapd +up", stat, re.M) and re.search(r"^qpop3d +up", stat, re.M)
        for _ in range(2):
            with greeted(imap) as w:
                assert b"AUTHENTICATIONFAILED" in log_in(w, "imap", "alice", "wrong")
            with greeted(imaps, tls=True) as w:
                assert w.tagged("NOOP") == [b"a OK done"]
            with greeted(pop3s, tls=True) as w:
                assert log_in(w, "pop3", "alice", "secret").startswith(b"+OK")
                assert w.ask("STAT") == b"+OK 0 0"
                tree.qctl("restart")
                assert w.ask("NOOP") == b"+OK"  # its session goes on
        tree.q.control("imaplisten", "-")
        tree.q.control("pop3slisten", "-")
        tree.qctl("restart")
        assert re.search(r"^qpop3d +off", tree.qctl("stat").stdout.decode(), re.M)
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", imap)) != 0)
        assert socket.socket().connect_ex(("127.0.0.1", pop3s)) != 0
        with greeted(imaps, tls=True):
            pass
    finally:
        tree.close()


# ---- fail2ban, lines --------------------------------------------------------------------


@pytest.mark.tools("fail2ban-regex")
def test_fail2ban_knows_the_line_of_the_classical_way(tmp_path):
    log = tmp_path / "log"
    log.write_text(
        "".join(
            f"@4000000069207c5d{n:08x} {who}: login-failed service=imap client=192.0.2.{n} user=joe count=1\n"
            for n, who in enumerate(("qauth", "qimapd-login", "qpop3d-login", "forged"))
        )
    )
    p = subprocess.run(
        ["fail2ban-regex", "--datepattern", "{^LN-BEG}TAI64N", log, SOURCE / "package/fail2ban/quoin.conf"],
        capture_output=True,
        text=True,
    )
    assert "Lines: 4 lines, 0 ignored, 3 matched, 1 missed" in p.stdout, p.stdout


def test_lines_before_a_login():
    text = subprocess.run([SOURCE / "package/before-login"], capture_output=True, text=True, check=True).stdout
    lines = dict(re.findall(r"^\| (POP3|IMAP)[^|]* \| \d+ \| (\d+) \|", text, re.M))
    assert int(lines["POP3"]) < 700 and int(lines["IMAP"]) < 1500, text


@pytest.mark.parametrize("service", SERVICES)
def test_few_system_calls(service):
    folder = SOURCE / ("qpop3d" if service == "pop3" else "qimapd")
    calls = re.findall(r"^call ", (folder / f"{LOGIN[service]}.jail").read_text(), re.M)
    assert len(calls) <= 20


