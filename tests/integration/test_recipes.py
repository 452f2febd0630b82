"""The recipes of quoin-recipes(7), each with real peers."""

import contextlib
import re
import smtplib
import socket
import subprocess
import time

import pytest
from postfix import Postfix
from quoin import Quoin, free_port, wait_for
from remote_driver import Server, speaker

pytestmark = pytest.mark.programs("sendmail", "qremote", "qqueue")
PEER = [
    pytest.mark.root("Postfix becomes its own users"),
    pytest.mark.tools("postfix"),
]
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
    """Nobody listens; then somebody does."""
    got = []
    port = free_port()
    null_client(quoin, f"127.0.0.1:{port}", sendmailwait="30")
    p = subprocess.Popen([quoin.bin / "sendmail", f"--home={quoin.home}", "a@x.example"],
                         stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdin.write(MAIL)
    p.stdin.close()
    time.sleep(0.2)  # not a wait: it may try before or after
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
        wait_for(lambda: "to=<a@x.example>" in p.log(), 20)
