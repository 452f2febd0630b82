"""A whole Postfix as the sender: it relays what it takes to Quoin."""

import smtplib

import pytest

from postfix import Postfix
from quoin import wait_for

pytestmark = [
    pytest.mark.root("Postfix becomes its own users"),
    pytest.mark.tools("postfix"),
    pytest.mark.programs("qqueue", "qstart", "qsend", "qlspawn", "qlocal", "qlisten", "qsmtpd"),
]


@pytest.fixture
def pair(quoin):
    """Postfix, and the Quoin that is its relay host."""
    quoin.users("alice", "bob")
    quoin.start_queue()
    quoin.start_delivery()
    port = quoin.start_smtp()
    with Postfix(relayhost=f"[127.0.0.1]:{port}", mynetworks="127.0.0.0/8") as p:
        yield p, quoin


def send(p, rcpts, message, sender="sender@pf.example"):
    with smtplib.SMTP("127.0.0.1", p.port, timeout=20) as s:
        return s.sendmail(sender, rcpts, message)


def test_postfix_relays_to_quoin(pair):
    p, q = pair
    body = b".one\r\n..two\r\n" + "8-bit: äöü\r\n".encode() + b"x" * 900 + b"\r\nthe end\r\n"
    send(p, ["alice@q.example", "bob@q.example"], b"Subject: relayed\r\n\r\n" + body)
    for user in ("alice", "bob"):
        mail = wait_for(lambda u=user: q.maildir(u), 60, p.log()[-2000:])[0]
        assert b"Subject: relayed\n" in mail
        assert mail.endswith(b"\n\n" + body.replace(b"\r\n", b"\n"))
        assert b"\n  by q.example with ESMTP id " in mail
    wait_for(p.queue_is_empty)
    assert p.log().count("status=sent (250 2.0.0 ok, queued as ") == 2


def test_postfix_hears_who_does_not_exist(pair):
    """One transaction, one good recipient and one bad: the bad one bounces at Postfix."""
    p, q = pair
    send(p, ["alice@q.example", "nobody@q.example"], b"Subject: half\r\n\r\nx\r\n", sender="bob@q.example")
    wait_for(lambda: q.maildir("alice"), 60)
    bounce = wait_for(lambda: q.maildir("bob"), 60)[0]
    assert b"<nobody@q.example>" in bounce and b"550 5.1.1" in bounce


def test_postfix_many_over_kept_connections(pair):
    p, q = pair
    with smtplib.SMTP("127.0.0.1", p.port, timeout=20) as s:
        for n in range(100):
            s.sendmail("sender@pf.example", ["alice@q.example"], f"Subject: {n}\r\n\r\nx\r\n".encode())
    wait_for(lambda: len(q.maildir("alice")) == 100, 60)
    subjects = sorted(int(m.partition(b"Subject: ")[2].split()[0]) for m in q.maildir("alice"))
    assert subjects == list(range(100))
