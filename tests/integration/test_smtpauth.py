"""control/smtpauth: who gets which password. qsend gives each job those of its own hops; a
null client's caller takes them himself, or leaves it to the queue.

What qremote does with them is in test_remote_tls.py.
"""

import os
import re
import signal

import pytest
from certs import Authority, pin_of
from quoin import Quoin, wait_for
from remote_driver import Qtls, Server, server_context, speaker

MAIL = b"Subject: x\n\nhello\n"
SMTPAUTH = """smart.example alice s3cret word
[192.0.2.9] bob b
other.example carol c
"""


def tells(s, text):
    wait_for(lambda: text in s.log(), what=text)


# ---- qsend ----------------------------------------------------------------------------


def smtpauth(q, text):
    q.control("smtpauth", text, group="quoins")


@pytest.mark.programs("qsend", "qbounce")
def test_job_has_the_logins_of_its_route(s):
    smtpauth(s.q, SMTPAUTH)
    s.q.control("smtproutes", "a.example:SMART.example:587\nb.example:x.example,[192.0.2.9]/smart.example\n"
                              "c.example:x.example\n:other.example")  # fmt: skip
    s.start()
    s.queue("a@example.org", [f"u@{d}.example" for d in "abc"] + ["u@smart.example", "local@q.example"])
    s.wait_empty()
    got = {j.rcpts[0]: j.logins for _, j in s.jobs}
    alice = ("SMART.example", "alice", "s3cret word")
    assert [(h.lower(), u, p) for h, u, p in got["u@a.example"]] == [(alice[0].lower(), *alice[1:])]
    assert sorted(x[1] for x in got["u@b.example"]) == ["alice", "bob"]
    assert got["u@c.example"] == []
    assert got["u@smart.example"] == [("other.example", "carol", "c")]
    assert got["local@q.example"] == []


@pytest.mark.programs("qsend", "qbounce")
def test_smtpauth_is_read_again_and_never_half(s):
    s.q.control("smtproutes", ":smart.example")
    s.start()

    def logins():
        n = len(s.jobs)
        s.queue("a@example.org", ["u@x.example"])
        wait_for(lambda: len(s.jobs) == n + 1)
        return s.jobs[-1][1].logins

    assert logins() == []
    smtpauth(s.q, "smart.example alice one")
    s.qsend.send_signal(signal.SIGHUP)
    wait_for(lambda: logins() == [("smart.example", "alice", "one")])
    smtpauth(s.q, "smart.example alice two\nsmart.example")
    s.qsend.send_signal(signal.SIGHUP)
    tells(s, "keeping the old logins at other hosts: control/smtpauth: line 2: not HOST USER PASSWORD")
    assert logins() == [("smart.example", "alice", "one")]
    assert "two" not in s.log()


@pytest.mark.root("a file that is not quoins'")
@pytest.mark.programs("qsend", "qbounce")
def test_unreadable_smtpauth_is_no_mail_without_a_password(s):
    """The smart host would refuse it, and it would bounce."""
    s.q.control("smtproutes", ":smart.example")
    smtpauth(s.q, SMTPAUTH)
    os.chown(s.q.home / "control/smtpauth", 0, 0)
    s.start(wait=False)
    assert s.qsend.wait(30) == 111
    assert "control/smtpauth: Permission denied" in s.log()


# ---- a null client --------------------------------------------------------------------


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def hop(ca):
    """A smart host with a password, as 127.0.0.1: by pin, as an address has no name."""
    cert = ca.issue("smart.example")
    got = []
    with Server(speaker(got, tls=server_context(cert), logins={"alice": "s3cret word"})) as server:
        server.got, server.pin = got, cert.pin
        yield server


def null_client(q, hop, qtls, text="127.0.0.1 alice s3cret word"):
    q.control("nullclient", hop.route.replace(" ", ":"))
    q.control("tlspolicy", f"127.0.0.1:pin {hop.pin}")
    smtpauth(q, text)
    door = q.home / "run/tls-client"
    if door.exists():
        door.rmdir()
    door.symlink_to(qtls.door)


@pytest.mark.programs("sendmail", "qremote", "qtls")
def test_null_client_with_a_login(quoin, hop, ca):
    """Whoever can read smtpauth, and call qtls: root, or the one user of a router."""
    with Qtls(ca) as q:
        null_client(quoin, hop, q)
        r = quoin.sendmail("-v", "-f", "joe@q.example", "b@there.example", stdin=MAIL)
        assert r.returncode == 0 and re.search(rb"TLS=TLSv1\.3 \w+ pin", r.stdout), r
    assert len(hop.got) == 1 and quoin.queue_ids() == []


@pytest.mark.programs("sendmail", "qremote", "qqueue", "qtls")
@pytest.mark.root("another user's file")
def test_null_client_whose_login_is_not_the_callers(quoin, hop, ca):
    """His mail goes by the queue, and nothing is said to the smart host without a password."""
    with Qtls(ca) as q:
        null_client(quoin, hop, q)
        quoin.control("sendmailwait", "1")
        r = quoin.sendmail("b@there.example", stdin=MAIL, user=61999)
        assert r.returncode == 75, r
        quoin.start_queue()
        r = quoin.sendmail("b@there.example", stdin=MAIL, user=61999)
        assert r.returncode == 0 and len(quoin.queue_ids()) == 1, r
    assert hop.connections == 0


@pytest.mark.programs("sendmail", "qremote", "qqueue", "qtls")
@pytest.mark.root("a directory that is not the caller's")
def test_null_client_that_may_not_call_qtls(quoin, ca):
    """Without a rule as ever, in clear; with one the queue has it."""
    got = []
    with Qtls(ca) as q, Server(speaker(got, tls=server_context(ca.issue("x")))) as server:
        q.home.chmod(0o700)
        quoin.control("sendmailwait", "1")
        quoin.control("nullclient", server.route.replace(" ", ":"))
        (quoin.home / "run/tls-client").rmdir()
        (quoin.home / "run/tls-client").symlink_to(q.door)
        r = quoin.sendmail("-v", "b@there.example", stdin=MAIL, user=61999)
        assert r.returncode == 0 and b"TLS=none" in r.stdout and len(got) == 1, r
        quoin.control("tlspolicy", ":encrypt")
        quoin.start_queue()
        r = quoin.sendmail("b@there.example", stdin=MAIL, user=61999)
        assert r.returncode == 0 and len(quoin.queue_ids()) == 1 and len(got) == 1, r


@pytest.mark.programs("sendmail", "qremote")
def test_null_client_with_a_broken_smtpauth(quoin, hop, ca):
    with Qtls(ca) as q:
        null_client(quoin, hop, q, "127.0.0.1 alice")
        r = quoin.sendmail("b@there.example", stdin=MAIL)
    assert r.returncode == 75 and b"control/smtpauth: line 1" in r.stderr, r


# ---- all of it, with a Quoin as the smart host ----------------------------------------


@pytest.mark.root("users of their own")
@pytest.mark.programs("qsend", "qremote", "qtls", "qtls-key", "qauth", "qcheckpw", "qsmtpd", "qlisten")
def test_another_quoin_is_the_smart_host(quoin, ca):
    """From sendmail here to a Maildir there, by a password over TLS."""
    smart = Quoin()
    try:
        smart.users("alice", "bob")
        smart.control("me", "q.example")
        smart.control("locals", "q.example")
        smart.certificate(cert=ca.issue("localhost"))
        smart.start_queue()
        smart.start_delivery()
        smart.passwords({"alice": "s3cret word"})
        smart.start_tls()
        smart.start_auth()
        port = smart.start_submission()
        quoin.users("joe")
        quoin.control("locals", "here.example")
        quoin.control("smtproutes", f"q.example:127.0.0.1:{port}")
        quoin.control("tlspolicy", f"127.0.0.1:pin {pin_of(smart.home / 'control/tls/default/cert.pem')}")
        smtpauth(quoin, "127.0.0.1 alice s3cret word")
        quoin.start_tls_client(env={"SSL_CERT_FILE": str(ca.cert)})
        quoin.start_queue()
        quoin.start_delivery()
        r = quoin.sendmail("-f", "alice@q.example", "bob@q.example", stdin=MAIL)
        assert r.returncode == 0, r
        (text,) = wait_for(lambda: smart.maildir("bob"), 60, quoin.all_logs)
        assert b"with ESMTPSA" in text
    finally:
        smart.close()

