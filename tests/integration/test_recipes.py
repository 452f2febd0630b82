"""The recipes of quoin-recipes(7), each with real peers."""

import contextlib
import os
import re
import select
import signal
import smtplib
import socket
import subprocess

import pytest
from postfix import Postfix
from quoin import Quoin, free_port, wait_for
from remote_driver import Server, speaker

pytestmark = pytest.mark.programs("sendmail", "qremote", "qqueue")
DISCARD = {
    "mynetworks": "127.0.0.0/8",
    "default_transport": "discard",
    "relay_transport": "discard",
}
MAIL = b"From: joe@q.example\nTo: x\nSubject: recipe\n\nhello\n"


@contextlib.contextmanager
def started(*names, **kw):
    q = Quoin(**kw)
    try:
        q.users(*names)
        q.start_queue()
        q.start_delivery()
        yield q
    finally:
        q.close()


# ---- null client -----------------------------------------------------------------------


def null_client(quoin, route, **control):
    quoin.control("nullclient", route)
    quoin.control("defaulthost", "corp.example")
    for name, text in control.items():
        quoin.control(name, text)
    return quoin


def hop(s):
    return s.route.replace(" ", ":")


def test_null_client(quoin):
    """No daemon: a bare name gets defaulthost, the answer is the smart host's."""
    got = []
    with Server(speaker(got)) as s:
        null_client(quoin, hop(s))
        r = quoin.sendmail("-v", "-f", "joe@q.example", "root", "b@there.example", stdin=MAIL)
    assert r.returncode == 0, r.stderr
    ((envelope, body),) = got
    assert [x.split()[1] for x in envelope] == [
        b"FROM:<joe@q.example>", b"TO:<root@corp.example>", b"TO:<b@there.example>",
    ]
    assert body.startswith(b"Received: (quoin ") and body.endswith(b"\r\n\r\nhello\r\n")
    assert b"accepted: 250 2.0.0 queued as 4711" in r.stdout
    assert quoin.queue_ids() == []


@pytest.mark.parametrize("prog", ["qinject", "qmail-queue", "sendmail -bs"])
def test_null_client_for_the_other_commands(quoin, prog):
    got = []
    with Server(speaker(got)) as s:
        null_client(quoin, hop(s))
        if prog == "qinject":
            quoin.run("qinject", "-f", "joe@q.example", "b@there.example", stdin=MAIL, check=True)
        elif prog == "qmail-queue":
            mail, envelope = quoin.home / "m", quoin.home / "e"
            mail.write_bytes(MAIL)
            envelope.write_bytes(b"Fjoe@q.example\0Tb@there.example\0\0")
            with open(mail, "rb") as m, open(envelope, "rb") as e:
                argv = [quoin.bin / "qmail-queue", "-C", quoin.home]
                assert subprocess.run(argv, stdin=m, stdout=e, check=False).returncode == 0
        else:
            text = b"EHLO x\r\nMAIL FROM:<joe@q.example>\r\nRCPT TO:<b@there.example>\r\nDATA\r\n"
            r = quoin.sendmail("-bs", stdin=text + MAIL.replace(b"\n", b"\r\n") + b".\r\nQUIT\r\n")
            assert b"250 2.0.0 ok, 127.0.0.1 [127.0.0.1]" in r.stdout, r.stdout
    assert [g[0][1] for g in got] == [b"RCPT TO:<b@there.example>\r\n"]


@pytest.mark.root("nobody may look at a process that is not dumpable")
def test_null_client_gives_qremote_nothing_of_its_caller(quoin):
    """Descriptors: /dev/null twice, the log, the jobs, the message, the connection."""
    seen = []

    def mail(_):
        kid = subprocess.run(["pgrep", "-P", str(p.pid)], capture_output=True, check=True).stdout.decode().strip()
        seen.append(sorted(os.readlink(f"/proc/{kid}/fd/{fd}") for fd in os.listdir(f"/proc/{kid}/fd")))
        return "250 ok"

    with Server(speaker([], answers={"MAIL": mail})) as s, open(quoin.home / "control/me", "rb") as secret:
        null_client(quoin, hop(s))
        p = subprocess.Popen([quoin.bin / "sendmail", f"--home={quoin.home}", "a@x.example"],
                             stdin=subprocess.PIPE, pass_fds=[secret.fileno()])
        p.communicate(MAIL, 20)
        assert p.returncode == 0
    kinds = [re.sub(r"[:/].*", "", x.removeprefix("/dev/")) for x in seen[0]]
    assert sorted(kinds) == ["", "", "null", "null", "socket", "socket"], seen
    assert not any("control" in x for x in seen[0])


def test_null_client_refused(quoin):
    """What is refused for good is the caller's to know; the others have got it."""
    got = []
    answers = {"RCPT": lambda line: "550 5.1.1 nobody" if b"<no" in line else "250 ok"}
    with Server(speaker(got, answers=answers)) as s:
        null_client(quoin, hop(s))
        r = quoin.sendmail("no@x.example", "no2@x.example", "yes@x.example", stdin=MAIL)
        assert r.returncode == 69 and quoin.run("qinject", "no@x.example", stdin=MAIL).returncode == 100
    assert b"no@x.example: 127.0.0.1 [127.0.0.1]" in r.stderr
    assert b"said: 550 5.1.1 nobody (and 1 more)" in r.stderr
    assert len(got) == 1


def test_null_client_later(quoin):
    """Only those that are left are tried again, with pauses, and then it is 75."""
    got, asked = [], []

    def rcpt(line):
        asked.append(line)
        return "450 4.2.1 not now" if b"<later" in line else "250 ok"

    with Server(speaker(got, answers={"RCPT": rcpt})) as s:
        null_client(quoin, hop(s), sendmailwait="1")
        r = quoin.sendmail("yes@x.example", "later@x.example", stdin=MAIL)
    assert r.returncode == 75 and b"said: 450 4.2.1 not now" in r.stderr, r.stderr
    assert len(got) == 1 and sum(b"yes" in x for x in asked) == 1 < sum(b"later" in x for x in asked)


def test_null_client_whose_smart_host_comes_back(quoin):
    """Nobody listens; then somebody does. In a build with ASan: no try leaves memory behind."""
    got = []
    port = free_port()
    null_client(quoin, f"127.0.0.1:{port}", sendmailwait="30")
    p = subprocess.Popen([quoin.bin / "sendmail", f"--home={quoin.home}", "a@x.example"],
                         stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                         env={**os.environ, "ASAN_OPTIONS": "detect_leaks=1"})
    p.stdin.write(MAIL + 10000 * b"one more line\n")
    p.stdin.close()
    assert not select.select([p.stderr], [], [], 1)[0]  # it tries more than once
    with Server(speaker(got), socket.create_server(("127.0.0.1", port))):
        assert p.wait(30) == 0, p.stderr.read()
    p.stderr.close()
    assert len(got) == 1


def test_null_client_queues_on_failure_only(quoin):
    got = []
    port = free_port()
    null_client(quoin, f"127.0.0.1:{port}")
    quoin.start_queue()
    r = quoin.sendmail("-v", "a@x.example", stdin=MAIL)
    assert r.returncode == 0 and r.stdout.startswith(b"queued as ")
    (f,) = quoin.queue_files()
    assert f.recipients == ["a@x.example"]
    with Server(speaker(got)) as s:
        null_client(quoin, hop(s))
        assert quoin.sendmail("a@x.example", stdin=MAIL).returncode == 0
    assert len(got) == 1 and len(quoin.queue_ids()) == 1


def test_null_client_with_many_recipients_and_bytes(quoin):
    got = []
    big = MAIL + (b"x" * 900 + b"\n") * 1300  # more than is kept in memory
    rcpts = [f"u{i}@x.example" for i in range(120)]
    with Server(speaker(got, caps=("PIPELINING",))) as s:
        null_client(quoin, hop(s))
        assert quoin.sendmail(*rcpts, stdin=big).returncode == 0
        assert s.connections == 1
    assert [len(e) - 1 for e, _ in got] == [50, 50, 20]
    assert all(body.endswith(b"\r\n" + (b"x" * 900 + b"\r\n") * 1300) for _, body in got)


def test_null_client_that_is_misconfigured(quoin):
    null_client(quoin, "a b c")
    r = quoin.sendmail("a@x.example", stdin=MAIL)
    assert r.returncode == 75 and b"control/nullclient" in r.stderr
    null_client(quoin, "127.0.0.1:1", timeoutconnect="x", sendmailwait="1")
    r = quoin.sendmail("a@x.example", stdin=MAIL)
    assert r.returncode == 75 and b"control/timeoutconnect" in r.stderr


@pytest.mark.root("Postfix becomes its own users")
@pytest.mark.tools("postfix")
def test_null_client_of_a_postfix(quoin):
    """Ordered: the first is down. As an ordinary user without an account."""
    with Postfix(**DISCARD) as p:
        null_client(quoin, f"127.0.0.1:{free_port()},127.0.0.1:{p.port}")
        r = quoin.sendmail("-v", "a@x.example", stdin=MAIL, user=61999)
        assert r.returncode == 0 and re.search(rb"accepted: 250 2\.0\.0 Ok: queued as", r.stdout), r
        wait_for(lambda: "to=<a@x.example>" in p.log(), 60)


# ---- the others: a Quoin each ----------------------------------------------------------


def route(q, address):
    return q.run("qctl-route", address, check=True).stdout.decode()


def addresses(*hosts):
    """Next hops, as they stand in smtproutes."""
    return ",".join(f"[127.0.0.1]:{h.port if isinstance(h, (Postfix, Server)) else h}" for h in hosts)


def to_whom(mail):
    return re.findall(rb"^Delivered-To: (\S+)", mail, re.M)


@pytest.fixture
def whole(quoin):
    """Users joe, sam and postmaster's alias; everything but SMTP runs."""
    quoin.users("joe", "sam")
    quoin.start_queue()
    quoin.start_delivery()
    return quoin


SERVICES = pytest.mark.programs("qqueue", "qstart", "qsend", "qrspawn", "qlspawn", "qlocal", "qbounce", "qctl-route")


@SERVICES
@pytest.mark.root("Postfix becomes its own users")
@pytest.mark.tools("postfix")
def test_smart_hosts_in_order(whole):
    """The first one is there and says "later"."""
    busy = {"smtpd_delay_reject": "no", "smtpd_sender_restrictions": "defer"}
    with Postfix(**DISCARD, **busy) as a, Postfix(**DISCARD) as b:
        whole.control("smtproutes", f":{addresses(a, b)}")
        hup(whole)
        assert f"remote: to [127.0.0.1] {a.port},[127.0.0.1] {b.port}" in route(whole, "x@far.example")
        whole.sendmail("-f", "joe@q.example", "one@far.example", stdin=MAIL, check=True)
        wait_for(lambda: "to=<one@far.example>" in b.log(), 60, whole.log("qstart"))
        wait_for(whole.queue_is_empty)
        assert "Sender\\x20address\\x20rejected" in whole.log("qstart")


@SERVICES
def test_smart_hosts_balanced(whole):
    got = [], []
    with Server(speaker(got[0])) as a, Server(speaker(got[1])) as b:
        whole.control("smtproutes", f":{addresses(a).replace(',', '/')}/{addresses(b)}")
        hup(whole)
        for i in range(24):  # a destination has one connection, so each lot is one choice
            whole.sendmail("-f", "joe@q.example", *(f"u{n}@d{i}.example" for n in range(3)), stdin=MAIL, check=True)
            wait_for(lambda i=i: len(got[0]) + len(got[1]) > i, 60)
            if got[0] and got[1]:
                break
            kill_idle(whole)
        assert got[0] and got[1]


def hup(q):
    """qsend reads smtproutes again."""
    os.kill(pid_of(q, "qsend"), signal.SIGHUP)


def pid_of(q, name):
    out = subprocess.run(["pgrep", "-P", str(q.service("qstart").pid), "-x", name], capture_output=True, check=True)
    return int(out.stdout.split()[0])


def kill_idle(q):
    """A qremote that lingers, so that the next message has a new one."""
    subprocess.run(["pkill", "-P", str(pid_of(q, "qrspawn")), "-x", "qremote"], check=False)


@SERVICES
@pytest.mark.root("Postfix becomes its own users")
@pytest.mark.tools("postfix")
def test_mail_hub():
    """A Postfix as a client's neighbour; the client's users have their mail at the hub."""
    with started("joe", me="hub.example") as hub:
        hub.control("locals", ["corp.example", "pc1.example"])
        hub.control("rcpthosts", ["corp.example", "pc1.example"])
        hup(hub)
        port = hub.start_smtp()
        with started("joe", me="pc1.example") as client:
            client.control("locals", "# nobody")
            client.control("defaulthost", "corp.example")
            client.control("smtproutes", f":{addresses(port)}")
            hup(client)
            for address in ("joe", "joe@pc1.example"):
                client.sendmail("-f", "joe@corp.example", address, stdin=MAIL, check=True)
            mails = wait_for(lambda: len(hub.maildir("joe")) == 2 and hub.maildir("joe"), 60, client.all_logs())
            assert sorted(x for m in mails for x in to_whom(m)) == [b"joe@corp.example", b"joe@pc1.example"]
            assert client.maildir("joe") == []
        with Postfix(relayhost=f"[127.0.0.1]:{port}", mynetworks="127.0.0.0/8") as p:
            with smtplib.SMTP("127.0.0.1", p.port, timeout=20) as s:
                s.sendmail("x@pf.example", ["joe@pc1.example"], MAIL)
            wait_for(lambda: len(hub.maildir("joe")) == 3, 60, p.log())


@SERVICES
def test_some_users_stay_local_on_a_client_of_a_hub():
    got = []
    with Server(speaker(got)) as hub, started("sam", me="pc1.example") as q:
        uid, gid, home = q.accounts["sam"]
        q.control("smtproutes", f":{addresses(hub)}")
        q.users(extra=[f"=root:sam:{uid}:{gid}:{home}:::"])
        (q.home / "alias/.qmail-default").write_text(
            f'|{q.bin}/forward -C {q.home} "$DEFAULT@corp.example"\n')
        hup(q)
        for name in ("sam", "root", "joe", "volper"):
            q.sendmail("-f", "x@pc1.example", name, stdin=MAIL, check=True)
        wait_for(lambda: len(got) == 2 and len(q.maildir("sam")) == 2, 60, q.all_logs())
        assert sorted(e[1] for e, _ in got) == [b"RCPT TO:<joe@corp.example>\r\n", b"RCPT TO:<volper@corp.example>\r\n"]


@SERVICES
def test_local_mail_only(whole):
    whole.control("smtproutes", ":error:5.4.1 This host sends no mail to others.")
    hup(whole)
    assert "refused: 5.4.1 This host sends no mail" in route(whole, "x@far.example")
    whole.sendmail("-f", "joe@q.example", "sam", "x@far.example", stdin=MAIL, check=True)
    wait_for(lambda: whole.maildir("sam") and whole.maildir("joe"), 60, whole.all_logs())
    (bounce,) = whole.maildir("joe")
    assert b"This host sends no mail to others." in bounce and b"Status: 5.4.1" in bounce
    wait_for(whole.queue_is_empty)


@SERVICES
@pytest.mark.root("Postfix becomes its own users")
@pytest.mark.tools("postfix")
def test_hosts_for_incoming_outgoing_and_mailboxes():
    """The world is a Postfix that knows two hosts for the domain, and one that takes what
    goes out."""
    with contextlib.ExitStack() as stack:
        world = stack.enter_context(Postfix(**DISCARD))
        out = stack.enter_context(started(me="out.example"))
        out.control("smtproutes", [f":{addresses(world)}"])
        hup(out)
        out_port = out.start_smtp(env={"RELAYCLIENT": ""})
        store = stack.enter_context(started("joe", me="store.example"))
        store.control("locals", "corp.example")
        store.control("rcpthosts", "corp.example")
        store.control("smtproutes", f":{addresses(out_port)}")
        hup(store)
        store_port = store.start_smtp()
        ports = []
        ins = [stack.enter_context(started(me=f"in{n}.example")) for n in (1, 2)]
        for q in ins:
            q.control("rcpthosts", "corp.example")
            q.control("smtproutes", f"corp.example:{addresses(store_port)}")
            hup(q)
            ports.append(q.start_smtp())
        sender = stack.enter_context(Postfix(
            relayhost=f"[127.0.0.1]:{ports[0]}", smtp_fallback_relay=f"[127.0.0.1]:{ports[1]}",
            mynetworks="127.0.0.0/8"))

        def send(n):
            with smtplib.SMTP("127.0.0.1", sender.port, timeout=20) as s:
                s.sendmail("x@pf.example", ["joe@corp.example"], MAIL)
            wait_for(lambda: len(store.maildir("joe")) == n, 60, sender.log())

        send(1)
        ins[0].stop("qlisten")
        send(2)
        assert all(b"by in2.example" in m for m in store.maildir("joe")[1:])
        store.sendmail("-f", "joe@corp.example", "friend@far.example", stdin=MAIL, check=True)
        wait_for(lambda: "to=<friend@far.example>" in world.log(), 60, store.all_logs())
