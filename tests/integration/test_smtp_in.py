"""Mail in by SMTP: real clients, and clients that no server likes."""

import contextlib
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import threading
import time

import pytest
from quoin import SANITIZED, SOURCE, free_port, missing, table_of, wait_for, why_not_client

pytestmark = pytest.mark.programs("qqueue", "qlisten", "qsmtpd")

MESSAGE = b"Subject: x\r\nFrom: a@b.example\r\nTo: alice@q.example\r\n\r\nhello\r\n.dot\r\n"


@pytest.fixture
def house(quoin):
    """qqueue, and who answers at RCPT if it is built."""
    quoin.control("rcpthosts", "q.example")
    if not missing("qnewusers"):
        quoin.users("alice", "bob")
    if not missing("qgetpw"):
        quoin.start("qgetpw")
    quoin.start_queue()
    return quoin


class Raw:
    """SMTP by hand."""

    def __init__(self, port, host="127.0.0.1", window=None):
        self.s = socket.socket()
        if window:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.s.settimeout(30)
        self.s.connect((host, port))
        self.f = self.s.makefile("rb")

    def reply(self):
        while True:
            line = self.f.readline()
            if not line:
                raise EOFError
            if line[3:4] != b"-":
                return line.decode().strip()

    def send(self, line):
        self.s.sendall(line.encode() + b"\r\n")

    def say(self, line, want):
        self.send(line)
        got = self.reply()
        assert got.startswith(str(want)), f"{line}: {got}"
        return got

    def begin(self, *lines):
        assert self.reply().startswith("220")
        self.say("EHLO client.example", 250)
        for line in lines:
            self.say(line, 354 if line == "DATA" else 250)
        return self

    def close(self):
        self.f.close()
        self.s.close()


TRANSACTION = ("MAIL FROM:<a@b.example>", "RCPT TO:<alice@q.example>", "DATA")


# ---- clients ----------------------------------------------------------------------------


def by_smtplib(port, _tmp):
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as s:
        s.sendmail("a@b.example", ["alice@q.example"], MESSAGE, mail_options=["BODY=8BITMIME"])


def run(argv, stdin=b""):
    p = subprocess.run(argv, input=stdin, capture_output=True, timeout=40)
    assert p.returncode == 0, (p.stdout, p.stderr)


def by_swaks(port, _tmp):
    run(["swaks", "--server", "127.0.0.1", "--port", str(port), "--from", "a@b.example", "--to", "alice@q.example",
         "--body", "hello\n.dot\n", "--header", "Subject: x"])


def by_swaks_pipelining(port, _tmp):
    run(["swaks", "--server", "127.0.0.1", "--port", str(port), "--from", "a@b.example", "--to", "alice@q.example",
         "--pipeline", "--body", "hello\n.dot\n", "--header", "Subject: x"])


def by_curl(port, tmp):
    f = tmp / "message"
    f.write_bytes(MESSAGE)
    run(["curl", "-sS", "--url", f"smtp://127.0.0.1:{port}", "--mail-from", "a@b.example",
         "--mail-rcpt", "alice@q.example", "-T", str(f)])


def by_msmtp(port, _tmp):
    run(["msmtp", "-C", "/dev/null", "--host=127.0.0.1", f"--port={port}", "--tls=off", "--auth=off",
         "--from=a@b.example", "alice@q.example"], MESSAGE.replace(b"\r\n", b"\n"))


def by_s_nail(port, _tmp):
    run(["s-nail", "-n", "-Sv15-compat", f"-Smta=smtp://127.0.0.1:{port}", "-Ssmtp-auth=none", "-Ssmtp-config=-all",
         "-r", "a@b.example", "-s", "x", "alice@q.example"], b"hello\n.dot\n")


CLIENTS = {
    "smtplib": (by_smtplib, None),
    "swaks": (by_swaks, "swaks"),
    "swaks-pipelining": (by_swaks_pipelining, "swaks"),
    "curl": (by_curl, "curl"),
    "msmtp": (by_msmtp, "msmtp"),
    "s-nail": (by_s_nail, "s-nail"),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_client(house, tmp_path, name):
    send, tool = CLIENTS[name]
    if why_not_client(tool):
        pytest.skip(why_not_client(tool))
    send(house.start_smtp(), tmp_path)
    (f,) = house.queue_files()
    assert (f.sender, f.recipients, f.client) == ("a@b.example", ["alice@q.example"], "127.0.0.1")
    assert re.search(rb"\n\nhello\n\.dot\n", f.message)
    assert b"\r" not in f.message
    # One id in the queue, in Received and in both logs.
    (qid,) = house.queue_ids()
    assert f" id {qid}".encode() in f.message.split(b"\n\n")[0]
    assert f"accept id={qid} " in house.log("qlisten")
    assert f"id={qid} " in house.log("qqueue")


@pytest.mark.tools("smtp-source")
def test_smtp_source(house):
    port = house.start_smtp()
    run(["smtp-source", "-s", "5", "-m", "100", "-l", "4000", "-f", "a@b.example", "-t", "alice@q.example",
         f"inet:127.0.0.1:{port}"])
    assert len(house.queue_ids()) == 100


@pytest.mark.tools("tcpserver")
def test_under_tcpserver(house, tmp_path):
    port = free_port()
    server = subprocess.Popen(
        ["tcpserver", "-RHl", "q.example", "127.0.0.1", str(port), str(house.bin / "qsmtpd"), "-C", str(house.home)],
        user=house.ids["quoind"], group=house.ids["quoind"], extra_groups=[],
    ) if house.ids["quoind"] != house.ids["root"] else subprocess.Popen(
        ["tcpserver", "-RHl", "q.example", "127.0.0.1", str(port), str(house.bin / "qsmtpd"), "-C", str(house.home)])
    if not missing("qrcpt"):
        house.start("qrcpt")
    try:
        wait_for(lambda: connects(port), what="tcpserver")
        by_smtplib(port, tmp_path)
    finally:
        server.terminate()
        server.wait(30)
    (f,) = house.queue_files()
    assert f.client == "127.0.0.1"


def connects(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as s:
        return s.recv(3) == b"220"
    return False


def test_ipv6(house):
    port = house.start_smtp(ip="::1")
    with smtplib.SMTP("::1", port, timeout=20) as s:
        s.sendmail("a@b.example", ["alice@q.example"], MESSAGE)
    (f,) = house.queue_files()
    assert f.client == "::1"
    assert b"[IPv6:::1]" in f.message


# ---- recipients ---------------------------------------------------------------------------


@pytest.mark.programs("qrcpt", "qnewusers", "qgetpw")
def test_unknown_user(house):
    """B22: the real qrcpt."""
    c = Raw(house.start_smtp()).begin("MAIL FROM:<a@b.example>")
    c.say("RCPT TO:<nobody-of-that-name@q.example>", "550 5.1.1")
    c.say("RCPT TO:<alice@q.example>", "250 2.1.5")
    c.say("RCPT TO:<ALICE@Q.EXAMPLE>", "250 2.1.5")


@pytest.mark.programs("qrcpt")
def test_qrcpt_down(house):
    port = house.start_smtp()
    house.kill("qrcpt", signal.SIGKILL)
    a, b = [Raw(port).begin("MAIL FROM:<a@b.example>") for _ in range(2)]
    a.send("RCPT TO:<alice@q.example>")
    b.send("RCPT TO:<postmaster@q.example>")  # both wait ten seconds for a restart
    assert a.reply().startswith("451 4.3.0")
    assert b.reply().startswith("250")


def forget_qrcpt(house):
    for _ in [s for s in house.services if s.name == "qrcpt"]:
        house.stop("qrcpt")
    shutil.rmtree(house.home / "run/qrcpt")


def test_without_qrcpt(house):
    """A host that has no such service takes all names of its domains."""
    port = house.start_smtp()
    forget_qrcpt(house)
    Raw(port).begin("MAIL FROM:<a@b.example>").say("RCPT TO:<anyone@q.example>", 250)


def relays(port, host, source):
    with smtplib.SMTP(host, port, timeout=20, source_address=(source, 0)) as s:
        s.ehlo()
        s.mail("a@b.example")
        code, _ = s.rcpt("x@far.example")
        assert s.rcpt("alice@q.example")[0] == 250
        return {250: True, 550: False}[code]


@pytest.mark.programs("qtcprules")
@pytest.mark.parametrize("template", [True, False])
def test_relay_by_address_range(house, template):
    """Who is in a range may write to everybody, his neighbour may not; a change is obeyed at once."""
    table = house.home / "control/rules.cdb"

    def rules(text):
        assert house.run("qtcprules", table, "-", stdin=text.encode()).returncode == 0

    rules('127.0.8.0/21:allow,RELAYCLIENT=""\n::/126:allow,RELAYCLIENT=""\n:allow\n')
    v4 = house.start_smtp("-r", table, template=template)
    found = [relays(v4, "127.0.0.1", f"127.0.{n}") for n in ("7.255", "8.0", "15.255", "16.0", "0.1")]
    assert found == [False, True, True, False, False]
    v6 = house.start_smtp("-r", table, ip="::1", template=template)
    assert relays(v6, "::1", "::1")
    rules('127.0.0.1:allow,RELAYCLIENT=""\n2001:db8::/32:allow,RELAYCLIENT=""\n')
    assert relays(v4, "127.0.0.1", "127.0.0.1") and not relays(v4, "127.0.0.1", "127.0.8.0")
    assert not relays(v6, "::1", "::1")


def test_ten_thousand_recipients(house):
    port = house.start_smtp(env={"RELAYCLIENT": ""})
    c = Raw(port).begin("MAIL FROM:<a@b.example>")
    replies = []

    def read():
        replies.extend(c.reply()[:9] for _ in range(10000))

    reader = threading.Thread(target=read)
    reader.start()
    c.s.sendall(b"".join(b"RCPT TO:<u%d@far.example>\r\n" % i for i in range(10000)))
    reader.join(60)
    assert replies == ["250 2.1.5"] * 1000 + ["452 4.5.3"] * 9000
    c.say("DATA", 354)
    c.say("x\r\n.", 250)
    (f,) = house.queue_files()
    assert f.recipients == [f"u{i}@far.example" for i in range(1000)]


def recipients_without_an_end(c):
    def flood():
        with contextlib.suppress(OSError):
            for _ in range(100):
                c.s.sendall(b"RCPT TO:<u@far.example>\r\n" * 1000)

    c.begin("MAIL FROM:<a@b.example>")
    sender = threading.Thread(target=flood)
    sender.start()
    return sender


def test_recipients_without_an_end(house):
    """452 is no fault of the client, but not 100,000 times."""
    c = Raw(house.start_smtp(env={"RELAYCLIENT": ""}))
    sender = recipients_without_an_end(c)
    assert ended_within(90, c).startswith("421 4.7.0")
    sender.join()


def test_last_words_to_who_says_all_and_then_reads(house):
    """With megabytes behind what ended the session; the replies do not fit in its window."""
    c = Raw(house.start_smtp(env={"RELAYCLIENT": ""}), window=4096)
    recipients_without_an_end(c).join(60)
    assert ended_within(90, c).startswith("421 4.7.0")


# ---- the queue ------------------------------------------------------------------------------


def test_queue_comes_back(quoin):
    """A restart of qqueue costs a client some moments."""
    quoin.control("rcpthosts", "q.example")
    port = quoin.start_smtp()
    forget_qrcpt(quoin)
    c = Raw(port)
    assert c.reply().startswith("220")
    c.say("EHLO x", 250)
    c.s.sendall(b"MAIL FROM:<a@b.example>\r\n")
    time.sleep(0.5)  # it is knocking
    quoin.start_queue()
    assert c.reply().startswith("250")
    c.say("RCPT TO:<alice@q.example>", 250)
    quoin.kill("qqueue")
    quoin.start_queue()
    c.say("DATA", 354)
    c.say("x\r\n.", 250)
    (qid,) = quoin.queue_ids()
    (f,) = quoin.queue_files()
    assert qid.encode() in f.message


def test_queue_comes_back_behind_354(house):
    """Nothing had begun for qqueue yet: the message gets another id, the client hears nothing."""
    c = Raw(house.start_smtp()).begin(*TRANSACTION)
    house.kill("qqueue")
    house.start_queue()
    reply = c.say("Subject: x\r\n\r\nx\r\n.", 250)
    (qid,) = house.queue_ids()
    (f,) = house.queue_files()
    assert qid in reply and qid.encode() in f.message


@pytest.mark.long
def test_queue_stays_away(quoin):
    quoin.control("rcpthosts", "q.example")
    c = Raw(quoin.start_smtp())
    c.s.settimeout(60)
    assert c.reply().startswith("220")
    c.say("EHLO x", 250)
    start = time.monotonic()
    c.say("MAIL FROM:<a@b.example>", "451 4.3.0")
    assert 25 < time.monotonic() - start < 50
    c.say("QUIT", 221)


def test_queue_dies_during_data(house):
    c = Raw(house.start_smtp()).begin(*TRANSACTION)
    c.s.sendall(b"Subject: x\r\n\r\n")
    house.kill("qqueue")
    c.s.sendall(b"x" * 200000 + b"\r\n")
    c.say(".", "451 4.3.0")
    assert house.queue_files() == []


def test_no_room(house):
    """The floor of free space: told at MAIL, before anything is sent."""
    house.control("queuefree", str(2**50))
    house.stop("qqueue")
    house.start_queue()
    c = Raw(house.start_smtp()).begin()
    c.say("MAIL FROM:<a@b.example>", "452 4.3.1")
    c.say("QUIT", 221)


def make_queue(house):
    """The queue's directories and files anew, by package/modes."""
    for path, owner, mode in table_of("modes"):
        if path.startswith("queue/") and path != "queue/":
            p = house.home / path
            p.mkdir() if path.endswith("/") else p.touch()
            os.chown(p, *(house.ids[n] for n in owner.split(":")))
            p.chmod(int(mode, 8))


@pytest.mark.root("it mounts a file system")
def test_disk_full(house):
    """In the middle of DATA: try later, and nothing left behind."""
    house.control("queuefree", "0")
    house.stop("qqueue")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0711", "none", house.queue], check=True)
    try:
        make_queue(house)
        house.start_queue()
        port = house.start_smtp()
        c = Raw(port).begin(*TRANSACTION)
        c.s.sendall((b"x" * 78 + b"\r\n") * 50000)
        assert c.say(".", 45)[:9] in ("451 4.3.0", "452 4.3.1")
        wait_for(house.queue_is_empty, what="queue empty")
        c.say("MAIL FROM:<a@b.example>", 250)
        c.say("RCPT TO:<alice@q.example>", 250)
        c.say("DATA", 354)
        c.say("small\r\n.", 250)
        c.close()
    finally:
        house.stop("qqueue")
        subprocess.run(["umount", house.queue], check=True)


# ---- clients that stop, drip, flood ------------------------------------------------------------


def ended_within(seconds, c):
    """The server closes; what it said last."""
    c.s.settimeout(seconds)
    last = ""
    with contextlib.suppress(ConnectionResetError):
        while line := c.f.readline():
            last = line.decode()
    return last


@pytest.mark.parametrize("where", ["greeting", "command", "data"])
def test_client_stops(house, where):
    house.control("timeoutsmtpd", "1")
    c = Raw(house.start_smtp())
    if where == "greeting":
        c.reply()
    elif where == "command":
        c.begin("MAIL FROM:<a@b.example>")
        c.s.sendall(b"RCPT TO:")
    else:
        c.begin(*TRANSACTION)
        c.s.sendall(b"half a mess")
    assert ended_within(5, c).startswith("421 4.4.2")
    assert house.queue_files() == []


@pytest.mark.parametrize("where", ["command", "data"])
def test_client_drips(house, where):
    """Always before the idle time is over, but too slowly all the same."""
    house.control("timeoutsmtpd", "1")
    c = Raw(house.start_smtp()).begin(*(TRANSACTION if where == "data" else ()))
    stop = threading.Event()

    def drip():
        while not stop.wait(0.2):
            try:
                c.s.sendall(b"x")
            except OSError:
                return

    dripper = threading.Thread(target=drip)
    dripper.start()
    try:
        assert ended_within(6, c).startswith("421 4.4.2")
    finally:
        stop.set()
        dripper.join()


def test_unread_replies(house):
    """A client that never reads: its session ends, and nobody else waits."""
    house.control("timeoutsmtpd", "2")
    port = house.start_smtp()
    c = Raw(port)
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    c.begin("MAIL FROM:<a@b.example>", *["RCPT TO:<alice@q.example>"] * 3)
    c.s.settimeout(10)
    with contextlib.suppress(OSError):
        while True:
            c.s.sendall(b"RCPT TO:<alice@q.example>\r\n" * 1000)
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as s:
        s.sendmail("a@b.example", ["alice@q.example"], MESSAGE)


def test_three_gigabytes_announced(house):
    c = Raw(house.start_smtp()).begin()
    c.say(f"MAIL FROM:<a@b.example> SIZE={3 << 30}", "552 5.3.4")
    house.control("databytes", "1000000")
    c = Raw(house.smtp_port).begin()
    c.say(f"MAIL FROM:<a@b.example> SIZE={3 << 30}", "552 5.3.4")


def test_three_gigabytes_streamed(house):
    """Not announced: some of it is read so that the client hears why, not all."""
    house.control("databytes", "100000")
    c = Raw(house.start_smtp()).begin(*TRANSACTION)
    block = (b"x" * 1022 + b"\r\n") * 1024
    sent = 0
    with contextlib.suppress(OSError):
        while sent < 3 << 30:
            c.s.sendall(block)
            sent += len(block)
    assert sent < 200 << 20
    assert ended_within(10, c).startswith("552 5.3.4")
    wait_for(house.queue_is_empty)


def test_memory_does_not_grow(house):
    """A message of 100 MB through a sandbox of 64 MB."""
    c = Raw(house.start_smtp()).begin(*TRANSACTION)
    block = (b"x" * 1022 + b"\r\n") * 1024
    for _ in range(100):
        c.s.sendall(block)
    c.say(".", 250)
    (f,) = house.queue_files()
    assert len(f.message) > 100 * 1023 * 1024


def test_broken_configuration(house):
    """The client hears "later", the log says what and where."""
    port = house.start_smtp()
    house.control("databytes", "many")
    c = Raw(port)
    assert c.reply().startswith("421 4.3.0")
    wait_for(lambda: "control/databytes: line 1: not a number" in house.log("qlisten"))


# ---- how small it is ---------------------------------------------------------------------------


def test_few_system_calls_are_allowed():
    table = (SOURCE / "qsmtpd/qsmtpd.jail").read_text()
    assert len(re.findall(r"^call ", table, re.M)) <= 25
    assert "path none" in table


@pytest.mark.tools("gcc")
def test_lines_before_login():
    """What a stranger's bytes meet, without lib/, comments and blank lines."""
    said = subprocess.run([SOURCE / "package/before-login"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^\| ([0-9, ]+) \| [0-9]+ \| ([0-9]+) \|$", said, re.M)
    assert [port for port, _ in rows] == ["25", "587, 465"]
    assert all(1000 < int(code) < 2000 for _, code in rows)


@pytest.mark.tools("strace")
def test_system_calls_of_a_message(house, tmp_path):
    if SANITIZED:
        pytest.skip("the sanitizers make calls of their own")
    trace = house.home / "trace"
    trace.touch()
    trace.chmod(0o666)
    port = house.start_smtp()
    house.stop("qlisten")
    drop = ("-u", house.owner("quoind")) if house.ids["quoind"] != house.ids["root"] else ()
    house.start("qlisten", *drop, "127.0.0.1", str(port), "--", "strace", "-o", trace, house.bin / "qsmtpd", "-C", house.home)
    by_smtplib(port, tmp_path)
    wait_for(lambda: "exited with" in trace.read_text())
    assert len(trace.read_text().splitlines()) < 100


# ---- EXPN ------------------------------------------------------------------------------------


@pytest.mark.parametrize("relay, allowed", [(True, True), (True, False), (False, True)])
def test_expn_is_for_those_who_may_relay(quoin, relay, allowed):
    quoin.users("alice")
    quoin.control("aliases", "staff: alice, bob@else.example, |true\nlist: :include:/tmp/none\n")
    quoin.run("qnewaliases", check=True)
    quoin.control("expn", "yes" if allowed else None)
    quoin.start_queue()
    quoin.start_smtp(env={"RELAYCLIENT": ""} if relay else None)
    with quoin.smtp() as s:
        s.ehlo()
        if not (relay and allowed):
            assert s.docmd("EXPN", "staff")[0] == 502
            return
        code, text = s.docmd("EXPN", "<Staff@q.example>")
        assert code == 250 and text.split(b"\n") == [
            b"2.1.0 <alice>", b"2.1.0 <bob@else.example>", b"2.1.0 a program"]
        assert s.docmd("EXPN", "list") == (250, b"2.1.0 a list")
        assert s.docmd("EXPN", "nobody")[0] == 550
        assert s.docmd("EXPN")[0] == 501
