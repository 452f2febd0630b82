"""Mail in under TLS: STARTTLS, submission with real clients, client keys, limits of a login."""

import base64
import contextlib
import functools
import os
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import accounts
import certs
import pytest
from quoin import wait_for, why_not_client

PROGRAMS = ("qqueue", "qlisten", "qsmtpd", "qtls", "qtls-key", "qauth", "qcheckpw", "qnewusers", "qcdb", "qctl")
pytestmark = pytest.mark.programs(*PROGRAMS)

USER, PASSWORD = "joe", "s3cret words"
UNIX = b"Subject: x\nFrom: joe@q.example\nTo: bob@far.example\n\nhello\n.dot\n"
MESSAGE = UNIX.replace(b"\n", b"\r\n")


@pytest.fixture
def house(quoin):
    quoin.control("rcpthosts", "q.example")
    quoin.users("joe", "ann")
    quoin.passwords({"joe": PASSWORD, "ann@v.example": "other"})
    quoin.start("qgetpw")
    quoin.start_queue()
    quoin.start_tls()
    quoin.start_auth()
    return quoin


def context(cert=None):
    c = ssl.create_default_context()
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    if cert:
        c.load_cert_chain(cert.cert, cert.key)
    return c


def client(port, at_once=False, cert=None, timeout=30):
    """smtplib, TLS is on."""
    if at_once:
        return smtplib.SMTP_SSL("127.0.0.1", port, timeout=timeout, context=context(cert))
    s = smtplib.SMTP("127.0.0.1", port, timeout=timeout)
    s.starttls(context=context(cert))
    s.ehlo()
    return s


def run(argv, stdin=b"", env=None):
    p = subprocess.run(argv, input=stdin, capture_output=True, timeout=60, env={**os.environ, **(env or {})})
    assert p.returncode == 0, (argv, p.stdout, p.stderr)
    return p


# ---- clients ----------------------------------------------------------------------------
# Each: (port, is it 465, a directory)


def by_smtplib(port, at_once, _tmp):
    with client(port, at_once) as s:
        s.login(USER, PASSWORD)
        s.sendmail("joe@q.example", ["bob@far.example"], MESSAGE)


def swaks(auth):
    def send(port, at_once, _tmp):
        run(["swaks", "--server", "127.0.0.1", "--port", str(port), "--from", "joe@q.example",
             "--to", "bob@far.example", "--tlsc" if at_once else "--tls", "--auth", auth, "--auth-user", USER,
             "--auth-password", PASSWORD, "--data", UNIX.decode()])  # fmt: skip

    return send


def by_curl(port, at_once, tmp):
    f = tmp / "message"
    f.write_bytes(MESSAGE)
    run(["curl", "-sS", "-k", "--ssl-reqd", "--url", f"smtp{'s' if at_once else ''}://127.0.0.1:{port}",
         "--user", f"{USER}:{PASSWORD}", "--mail-from", "joe@q.example", "--mail-rcpt", "bob@far.example",
         "-T", str(f)])  # fmt: skip


def by_curl_login(port, at_once, tmp):
    f = tmp / "message"
    f.write_bytes(MESSAGE)
    run(["curl", "-sS", "-k", "--ssl-reqd", "--url", f"smtp{'s' if at_once else ''}://127.0.0.1:{port}",
         "--user", f"{USER}:{PASSWORD}", "--login-options", "AUTH=LOGIN", "--mail-from", "joe@q.example",
         "--mail-rcpt", "bob@far.example", "-T", str(f)])  # fmt: skip


def by_msmtp(port, at_once, _tmp):
    run(["msmtp", "-C", "/dev/null", "--host=127.0.0.1", f"--port={port}", "--tls=on",
         f"--tls-starttls={'off' if at_once else 'on'}", "--tls-certcheck=off", "--auth=plain", f"--user={USER}",
         f"--passwordeval=echo '{PASSWORD}'", "--from=joe@q.example", "bob@far.example"], UNIX)  # fmt: skip


def by_s_nail(port, at_once, _tmp):
    word = PASSWORD.replace(" ", "%20")
    run(["s-nail", "-:/", "-Sv15-compat", f"-Smta=smtp{'s' if at_once else ''}://{USER}:{word}@127.0.0.1:{port}",
         "-Ssmtp-auth=plain", "-Ssmtp-use-starttls", "-Stls-verify=ignore", "-Ssendwait", "-r", "joe@q.example",
         "-s", "x", "bob@far.example"], b"hello\n.dot\n")  # fmt: skip


def by_mutt(port, at_once, tmp):
    scheme = "smtps" if at_once else "smtp"
    rc = tmp / "muttrc"
    rc.write_text(
        f"set smtp_url='{scheme}://{USER}@127.0.0.1:{port}/'\n"
        f"set smtp_pass='{PASSWORD}'\nset smtp_authenticators='plain'\nset ssl_force_tls=yes\n"
        "set ssl_verify_dates=no ssl_verify_host=no\nset from='joe@q.example'\nset envelope_from_address='joe@q.example'\n"
        f"set use_envelope_from=yes\nset copy=no\nset certificate_file='{tmp}/known'\n"
    )
    # mutt trusts what it has seen; nobody can be asked here
    (tmp / "known").write_bytes(certificate_of(port, at_once))
    run(["mutt", "-F", str(rc), "-n", "-s", "x", "bob@far.example"], b"hello\n.dot\n",
        env={"HOME": str(tmp), "TERM": "dumb"})  # fmt: skip


def certificate_of(port, at_once):
    """The server's, in PEM."""
    argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-showcerts"]
    p = run(argv if at_once else [*argv, "-starttls", "smtp"], b"QUIT\r\n")
    return re.search(rb"-----BEGIN.*?END CERTIFICATE-----\n", p.stdout, re.S).group(0)


NODE = """
const t = require("nodemailer").createTransport({host: "127.0.0.1", port: %d, secure: %s, requireTLS: true,
	tls: {rejectUnauthorized: false}, auth: {user: "%s", pass: "%s"}});
t.sendMail({from: "joe@q.example", to: "bob@far.example", subject: "x", text: "hello\\n.dot\\n"})
	.then(() => process.exit(0), e => { console.error(e); process.exit(1); });
"""


def by_nodemailer(port, at_once, tmp):
    try:
        run(["node", "-e", 'require("nodemailer")'], env={"NODE_PATH": "/usr/share/nodejs"})
    except AssertionError:
        pytest.skip("not installed: nodemailer")
    script = tmp / "send.js"
    script.write_text(NODE % (port, "true" if at_once else "false", USER, PASSWORD))
    run(["node", str(script)], env={"NODE_PATH": "/usr/share/nodejs"})


CLIENTS = {
    "smtplib": (by_smtplib, None),
    "swaks-plain": (swaks("PLAIN"), "swaks"),
    "swaks-login": (swaks("LOGIN"), "swaks"),
    "curl": (by_curl, "curl"),
    "curl-login": (by_curl_login, "curl"),
    "msmtp": (by_msmtp, "msmtp"),
    "s-nail": (by_s_nail, "s-nail"),
    "mutt": (by_mutt, "mutt"),
    "nodemailer": (by_nodemailer, "node"),
}


@pytest.mark.parametrize("at_once", [False, True], ids=["587", "465"])
@pytest.mark.parametrize("name", CLIENTS)
def test_client(house, tmp_path, name, at_once):
    send, tool = CLIENTS[name]
    if why_not_client(tool):
        pytest.skip(why_not_client(tool))
    send(house.start_submission(tls=at_once), at_once, tmp_path)
    (f,) = house.queue_files()
    assert (f.sender, f.recipients, f.login) == ("joe@q.example", ["bob@far.example"], "joe")
    header, _, body = f.message.partition(b"\n\n")
    assert re.search(rb"by q\.example with ESMTPSA \(TLSv1\.[23] [A-Z0-9_-]+\)\n", header)
    for name in (b"Date", b"Message-ID", b"From"):
        assert len(re.findall(rb"^" + name + rb":", header, re.M | re.I)) == 1
    assert body.startswith(b"hello\n.dot\n") and b"\r" not in f.message
    assert f"login=joe tls=TLSv1." in house.log("qlisten")


def test_a_large_message_is_whole(house):
    """16 MB of lines of all lengths through the relay, both ways busy."""
    port = house.start_submission()
    body = b"".join(bytes([33 + n % 90]) * (n % 990) + b"\r\n" for n in range(33000))
    with client(port, timeout=120) as s:
        s.login(USER, PASSWORD)
        s.sendmail("joe@q.example", ["bob@far.example"], b"From: a\r\nDate: b\r\nMessage-ID: c\r\n\r\n" + body)
    (f,) = house.queue_files()
    assert f.message.partition(b"\n\n")[2] == body.replace(b"\r\n", b"\n")


def test_nobody_waits_for_an_acknowledgement(house):
    """A client that keeps Nagle's rule, as most do: its first command behind the handshake is not
    held back for the 40 ms of a delayed ACK. The best of many is what the machine's load leaves."""
    port = house.start_submission()

    def first_command():
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as s:
            s.starttls(context=context())
            start = time.monotonic()
            s.ehlo()
            return time.monotonic() - start

    assert any(first_command() < 0.03 for _ in range(50))


# ---- keys of clients --------------------------------------------------------------------


def relays(port, cert):
    with client(port, cert=cert) as s:
        s.mail("any@where.example")
        return s.rcpt("bob@far.example")[0] == 250


def test_relay_by_key(house, tmp_path):
    known, other = (certs.self_signed(tmp_path, "printer.example") for _ in range(2))
    old = certs.self_signed(tmp_path, "printer.example", days=-1)  # the key counts, not the dates
    house.control("relaykeys", f"{known.pin.upper()}:printer\n{old.pin}:old printer")
    port = house.start_smtp()
    assert not relays(port, known)  # not compiled
    house.run("qctl", "cdb", check=True)
    assert relays(port, known)
    assert relays(port, old)
    assert not relays(port, other)
    assert not relays(port, None)
    with client(port, cert=known) as s:
        s.sendmail("any@where.example", ["bob@far.example"], MESSAGE)
    (f,) = house.queue_files()
    assert f.login is None and ("S", b"1") in f.fields
    assert "key=printer" in house.log("qlisten")
    # On 587 a key is a proof, too, and no sender is asked for.
    with client(house.start_submission(), cert=known) as s:
        s.sendmail("any@where.example", ["bob@far.example"], MESSAGE)
    with client(house.start_submission(), cert=other) as s:
        assert s.mail("any@where.example")[0] == 530


def test_no_certificate_is_asked_for_without_relaykeys(house, tmp_path):
    asked = []
    c = context()
    c._msg_callback = lambda conn, way, version, kind, what, data: asked.append(str(what))
    with smtplib.SMTP("127.0.0.1", house.start_smtp(), timeout=20) as s:
        s.starttls(context=c)
        s.ehlo()
    assert asked and not any("CERTIFICATE_REQUEST" in w for w in asked)


# ---- senders ----------------------------------------------------------------------------


def test_senders(house):
    house.control("senders", "joe:sales@far.example @lists.example\nann@v.example:*")
    house.run("qctl", "cdb", check=True)
    port = house.start_submission()
    want = {"joe@q.example": 250, "Sales@far.example": 250, "x@lists.example": 250, "": 250,
            "ann@v.example": 553, "joe@far.example": 553, "x@sub.lists.example": 553}  # fmt: skip
    with client(port) as s:
        s.login("JOE", PASSWORD)
        for sender, code in want.items():
            assert s.mail(sender)[0] == code, sender
            s.rset()
    with client(port) as s:
        s.login("Ann@V.example", "other")
        assert s.mail("who@ever.example")[0] == 250
    # Nobody is taken for somebody while that cannot be told.
    (house.home / "control/senders.cdb").write_bytes(b"garbage")
    with pytest.raises(smtplib.SMTPConnectError) as e:
        client(port)
    assert e.value.smtp_code == 421
    wait_for(lambda: "fatal: senders.cdb" in house.log("qlisten"))


# ---- limits of a login ------------------------------------------------------------------


def send(s, sender, *rcpts):
    """Code of the reply to the message."""
    s.mail(sender)
    for r in rcpts:
        s.rcpt(r)
    return s.data(MESSAGE)[0]


def test_limit_of_a_login(house):
    house.stop("qqueue")
    house.control("userlimit", ":2:100\nann@v.example:100:3")
    house.start_queue()
    port = house.start_submission()
    with client(port) as joe, client(port) as ann:
        joe.login("joe", PASSWORD)
        ann.login("ann@v.example", "other")
        assert [send(joe, "joe@q.example", "bob@far.example") for _ in range(4)] == [250, 250, 451, 451]
        assert send(ann, "ann@v.example", "a@far.example", "b@far.example") == 250
        assert send(ann, "ann@v.example", "a@far.example", "b@far.example") == 451
        assert send(ann, "ann@v.example", "a@far.example") == 250
    alarms = re.findall(r"qqueue: alarm id=\w{17} login=(\S+) messages=(\d+) rcpts=(\d+) ", house.log("qqueue"))
    assert alarms == [("joe", "2", "2"), ("ann@v.example", "1", "2")]
    # Mail that has no login is not counted.
    with smtplib.SMTP("127.0.0.1", house.start_smtp(), timeout=20) as s:
        s.ehlo()
        assert [send(s, "x@y.example", "joe@q.example") for _ in range(5)] == [250] * 5
    assert len(house.queue_ids()) == 4 + 5


def test_what_a_login_sent_outlives_qqueue(house):
    counts = house.queue / "sending/counts"
    house.stop("qqueue")
    house.control("userlimit", ":4:100")
    house.start_queue()
    port = house.start_submission()

    def sends(n):
        with client(port) as s:
            s.login("joe", PASSWORD)
            return [send(s, "joe@q.example", "bob@far.example") for _ in range(n)]

    # The first is written down at once, the second not before a minute is over: it is at the end.
    assert sends(1) == [250]
    wait_for(counts.exists)
    first = counts.read_bytes()
    assert sends(1) == [250]
    assert house.stop("qqueue") == 0
    assert counts.read_bytes() != first
    house.start_queue()
    assert sends(1) == [250]
    wait_for(lambda: b"\0\0\0\3" in counts.read_bytes())
    house.kill("qqueue")
    house.start_queue()
    assert sends(2) == [250, 451]
    assert "messages=4" in house.log("qqueue").split("alarm", 1)[1]
    house.stop("qqueue")
    assert counts.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in counts.parent.iterdir()] == ["counts"]


@pytest.mark.parametrize("damage", ["garbled", "empty", "a directory", "a link", "no place"])
def test_damaged_counts_keep_no_mail_out(house, damage):
    counts = house.queue / "sending/counts"
    house.stop("qqueue")
    if damage == "a directory":
        counts.mkdir()
    elif damage == "a link":
        counts.symlink_to("/dev/zero")
    elif damage == "no place":
        counts.parent.rmdir()
    else:
        counts.write_bytes(b"quoin-c1 what?" * 9 if damage == "garbled" else b"")
    house.start_queue()
    assert "warning: " in house.log("qqueue") and "queue/sending" in house.log("qqueue")
    with client(house.start_submission()) as s:
        s.login("joe", PASSWORD)
        assert send(s, "joe@q.example", "bob@far.example") == 250
    assert house.stop("qqueue") == 0
    # What can be mended is, by the next one written.
    assert counts.is_file() == (damage not in ("a directory", "no place"))
    if counts.is_file():
        house.start_queue()
        assert house.log("qqueue").count("what logins sent is counted anew") == 1


def test_counts_that_cannot_be_written_keep_no_mail_out(house):
    """Said once, not at each attempt, and tried again at the end."""
    (house.queue / "sending/counts.new").mkdir()
    port = house.start_submission()
    with client(port) as s:
        s.login("joe", PASSWORD)
        assert send(s, "joe@q.example", "bob@far.example") == 250
        wait_for(lambda: "warning: unable to write queue/sending/counts: Is a directory" in house.log("qqueue"))
        assert send(s, "joe@q.example", "bob@far.example") == 250
    (house.queue / "sending/counts.new").rmdir()
    assert house.stop("qqueue") == 0
    assert house.log("qqueue").count("warning") == 1
    assert b"joe\0" in (house.queue / "sending/counts").read_bytes()


@pytest.mark.parametrize("what", ["a fifo", "a link", "another name of a file", "another's"])
def test_what_lies_where_counts_are_written_holds_nobody_up(house, what):
    """It is taken away, and what it leads to stays as it is."""
    fresh, other = house.queue / "sending/counts.new", house.home / "other"
    house.stop("qqueue")
    other.write_text("mine")
    if what == "a fifo":
        os.mkfifo(fresh)
    elif what == "a link":
        fresh.symlink_to(other)
    elif what == "another name of a file":
        other.chmod(0o666)
        os.link(other, fresh)
    else:
        fresh.write_text("theirs")
        fresh.chmod(0)
    house.start_queue()
    with client(house.start_submission()) as s:
        s.login("joe", PASSWORD)
        assert send(s, "joe@q.example", "bob@far.example") == 250
    assert house.stop("qqueue") == 0
    assert "warning" not in house.log("qqueue")
    assert b"joe\0" in (house.queue / "sending/counts").read_bytes()
    assert not fresh.exists() and other.read_text() == "mine"


def test_a_bad_userlimit_names_file_and_line(quoin):
    quoin.control("userlimit", "joe:1")
    with pytest.raises(AssertionError, match="userlimit: line 1"):
        quoin.start_queue()


# ---- services that are away -------------------------------------------------------------


def test_without_qauth(house):
    port = house.start_submission()
    house.stop("qauth")
    with client(port) as s:
        code, _ = s.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0joe\0{PASSWORD}".encode()).decode())
        assert code == 454
        assert s.mail("joe@q.example")[0] == 530
        house.start_auth()
        s.login("joe", PASSWORD)
        assert s.mail("joe@q.example")[0] == 250


def test_qauth_is_replaced_while_it_judges(house, monkeypatch):
    """qctl restart does so: the question is asked again."""
    monkeypatch.setattr(accounts, "hashed", functools.partial(accounts.hashed, rounds=40))
    house.passwords({"joe": PASSWORD}, memory=32 << 20)
    port = house.start_submission()
    qauth = house.service("qauth")
    judges = Path(f"/proc/{qauth.pid}/task/{qauth.pid}/children")
    answers = []
    with client(port) as s:
        login = threading.Thread(target=lambda: answers.append(s.login("joe", PASSWORD)[0]))
        login.start()
        wait_for(judges.read_text, what="a judge")
        house.stop("qauth")
        house.start_auth()
        login.join(60)
        assert answers == [235]


def test_without_qtls(house):
    """454, and the connection goes on; when qtls is back, so is TLS."""
    port = house.start_submission()
    mx = house.start_smtp()
    house.stop("qtls")
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as s:
        s.ehlo()
        assert s.docmd("STARTTLS")[0] == 454
        assert s.mail("joe@q.example")[0] == 530
        house.start("qtls", "-s", *house._doors(("tls-server", "quoind"), ("tls-login", "quoini")))
        s.starttls(context=context())
        s.login("joe", PASSWORD)
    with smtplib.SMTP("127.0.0.1", mx, timeout=30) as s:
        s.ehlo()
        assert s.has_extn("starttls")


def test_without_a_certificate(house):
    """Mail in clear is still taken on port 25, and nothing on 587."""
    shutil.rmtree(house.home / "control/tls")
    (house.home / "control/tls").mkdir()
    house.reload_tls()
    port, mx = house.start_submission(), house.start_smtp()

    def refused():
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as s:
            s.ehlo()
            return s.docmd("STARTTLS")[0] == 454 and s.mail("joe@q.example")[0] == 530

    wait_for(refused, 20)
    with smtplib.SMTP("127.0.0.1", mx, timeout=30) as s:
        s.ehlo()
        assert s.docmd("STARTTLS")[0] == 454
        s.sendmail("a@b.example", ["joe@q.example"], MESSAGE)
    assert len(house.queue_ids()) == 1


@pytest.mark.long
def test_wrong_passwords_are_cut(house):
    """They take longer and longer; the tenth ends the session. Others are served meanwhile."""
    port = house.start_submission(tls=True)
    with client(port, at_once=True, timeout=120) as s:
        s.ehlo()
        codes = []
        for n in range(10):
            coded = base64.b64encode(f"\0joe\0wrong {n}".encode()).decode()
            codes.append(s.docmd("AUTH", f"PLAIN {coded}")[0])
            with client(port, at_once=True) as other:
                other.login("ann@v.example", "other")
        assert codes == [535] * 9 + [421]
        with pytest.raises(smtplib.SMTPServerDisconnected):
            s.noop()
    assert house.log("qauth").count("login-failed") == 10


# ---- what a session has -----------------------------------------------------------------


def is_template(pid):
    """A session has a second filter (but with sanitizers, where none is a template's)."""
    return "\nSeccomp_filters:\t1\n" in Path(f"/proc/{pid}/status").read_text()


def sessions(q):
    """pids of qsmtpd below this house that have a client."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            words = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
            if words[0].endswith(b"/qsmtpd") and str(q.home).encode() in words and not is_template(pid):
                found.append(int(pid))
    return found


def tls_session(q):
    """The newest child of qtls."""
    qtls = q.service("qtls").pid
    return int(Path(f"/proc/{qtls}/task/{qtls}/children").read_text("ascii").split()[-1])


@pytest.mark.root("reads another process")
def test_what_is_in_a_session(house):
    """After a login: no password in the memory, of qtls's half and qauth neither; no TCP socket
    among the descriptors, and what a wrong login left is gone as well."""
    port = house.start_submission()
    with client(port) as s:
        assert s.docmd("AUTH", "LOGIN")[0] == 334
        assert s.docmd(base64.b64encode(b"joe").decode())[0] == 334
        assert s.docmd(base64.b64encode(b"n0t the word").decode())[0] == 535
        assert s.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0joe\0{PASSWORD}".encode()).decode())[0] == 235
        (pid,) = sessions(house)
        holders = [pid, tls_session(house), house.service("qauth").pid]
        for holder in holders:
            memory = memory_of(holder)
            for word in ("n0t the word", PASSWORD):
                for shift in range(3):  # base64 at each place of a group
                    coded = base64.b64encode(b"\0" * shift + word.encode())[4 if shift else 0 : -4]
                    assert coded not in memory, (word, shift, holders.index(holder))
                assert word.encode() not in memory, (word, holders.index(holder))
            assert holder != pid or b"joe" in memory
        kinds = {os.readlink(f"/proc/{pid}/fd/{n}").partition(":")[0] for n in os.listdir(f"/proc/{pid}/fd")}
        assert "socket" in kinds
        inodes = {m for n in os.listdir(f"/proc/{pid}/fd")
                  for m in re.findall(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{n}"))}  # fmt: skip
        tcp = set()
        for name in ("tcp", "tcp6"):
            tcp |= {line.split()[9] for line in open(f"/proc/net/{name}").readlines()[1:]}
        assert not inodes & tcp


def memory_of(pid):
    out = b""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            where, mode = line.split()[:2]
            if mode.startswith("rw"):
                start, end = (int(x, 16) for x in where.split("-"))
                mem.seek(start)
                with contextlib.suppress(OSError):
                    out += mem.read(end - start)
    return out


# ---- clients that no server likes -------------------------------------------------------


def raw(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=30)
    f = s.makefile("rb")
    assert f.readline().startswith(b"220")
    s.sendall(b"EHLO x\r\n")
    while not f.readline().startswith(b"250 "):
        pass
    return s, f


@pytest.mark.parametrize("second", [b"RSET\r\n", b"\x16\x03\x01"], ids=["command", "handshake"])
def test_what_follows_starttls_in_its_packet(house, second):
    s, f = raw(house.start_submission())
    with s, f:
        s.sendall(b"STARTTLS\r\n" + second)
        assert f.readline().startswith(b"503")
        assert f.read() == b""


def test_a_command_behind_starttls(house):
    """In a packet of its own: it is read as a handshake, and that is the end."""
    s, f = raw(house.start_submission())
    with s, f:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(b"STARTTLS\r\n")
        assert f.readline().startswith(b"220")
        s.sendall(b"MAIL FROM:<joe@q.example>\r\nRCPT TO:<ann@q.example>\r\nDATA\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"250" not in f.read()
    assert house.queue_is_empty()


def test_an_abandoned_handshake_ends_the_session(house):
    port = house.start_submission()
    s, f = raw(port)
    s.sendall(b"STARTTLS\r\n")
    assert f.readline().startswith(b"220")
    s.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
    s.close()
    f.close()
    wait_for(lambda: not sessions(house), 20, "the session is over")


def test_who_does_not_close_is_still_counted(house):
    """By qlisten: else one address could have all sessions of qtls, 50 at a time."""

    def tls_sessions():
        pid = house.service("qtls").pid
        return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    port = house.start_submission(tls=True)
    kept = [client(port, at_once=True) for _ in range(3)]
    for s in kept:
        s.docmd("QUIT")
    until = time.monotonic() + 30
    while held := tls_sessions():
        assert len(sessions(house)) >= tls_sessions(), held
        assert time.monotonic() < until
        time.sleep(0.2)
    wait_for(lambda: not sessions(house))
    for s in kept:
        s.close()


@pytest.mark.parametrize("at_once", [True, False])
def test_browsers_are_refused(house, at_once):
    """What a page has a browser send to us, its cookies in it, gets no session (ALPACA)."""
    port = house.start_submission(tls=at_once)
    for offered, good in (["h2", "http/1.1"], False), (["imap", "smtp"], True):
        c = context()
        c.set_alpn_protocols(offered)
        if at_once:
            s = socket.create_connection(("127.0.0.1", port), 20)
        else:
            s, f = raw(port)
            s.sendall(b"STARTTLS\r\n")
            assert f.readline().startswith(b"220")
        if good:
            with c.wrap_socket(s) as t:
                assert t.selected_alpn_protocol() == "smtp"
        else:
            with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
                c.wrap_socket(s)
        s.close()
