"""qremote and qrspawn: mail to another host, by peers that behave and peers that do not."""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from postfix import Postfix
from quoin import SANITIZED, Quoin, wait_for
from remote_driver import BIN, Remote, Server, speaker

pytestmark = pytest.mark.skipif(
    not all((BIN / p).exists() for p in ("qremote", "qrspawn")), reason="qremote is not built"
)
ROOT = os.geteuid() == 0


# ---- a server that behaves -------------------------------------------------------------


def test_delivers_and_says_where():
    got = []
    with Server(speaker(got)) as s, Remote() as r:
        rep = r.deliver(b"Subject: x\n\nhello\n", route=s.route)
    assert rep.letters == "K"
    assert re.fullmatch(
        rf"127\.0\.0\.1 \[127\.0\.0\.1\]:{s.port} accepted: 250 2\.0\.0 queued as 4711 "
        r"\(TLS=none, \d+ ms\)", rep.texts[0])
    assert got == [
        ([b"MAIL FROM:<a@here.example> SIZE=21\r\n", b"RCPT TO:<b@there.example>\r\n"],
         b"Subject: x\r\n\r\nhello\r\n")
    ]
    assert s.conns[0].lines[0] == b"EHLO q.example\r\n"


@pytest.mark.parametrize("caps", [(), ("PIPELINING",), ("8BITMIME",), ("SIZE",)])
def test_uses_what_is_offered_only(caps):
    got = []
    with Server(speaker(got, caps=caps)) as s, Remote() as r:
        assert r.deliver("Subject: ä\n\n".encode(), route=s.route).letters == "K"
        assert r.deliver(b"x\n", route=s.route).letters == "K"
    first, second = (g[0][0] for g in got)
    assert (b" SIZE=" in first) == ("SIZE" in caps)
    assert (b" BODY=8BITMIME" in first) == ("8BITMIME" in caps)
    assert b"BODY" not in second


ALL = {"rcpts": ("b@t.example", "c@t.example", "d@t.example"), "envid": "QQ+2B1", "flags": 4,
       "notify": (2 | 8, 1), "orcpt": ("rfc822;B+2Bx@t.example",)}


@pytest.mark.parametrize("caps", [("DSN",), ("PIPELINING", "DSN")])
def test_passes_on_what_is_asked_of_notifications(caps):
    got = []
    with Server(speaker(got, caps=caps)) as s, Remote() as r:
        assert r.deliver(b"x\n", route=s.route, **ALL).letters == "RKK"
        assert r.deliver(b"x\n", route=s.route, flags=2).letters == "K"
    assert got[0][0] == [
        b"MAIL FROM:<a@here.example> RET=HDRS ENVID=QQ+2B1\r\n",
        b"RCPT TO:<b@t.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;B+2Bx@t.example\r\n",
        b"RCPT TO:<c@t.example> NOTIFY=NEVER\r\n",
        b"RCPT TO:<d@t.example>\r\n",
    ]
    assert got[1][0] == [b"MAIL FROM:<a@here.example> RET=FULL\r\n", b"RCPT TO:<b@there.example>\r\n"]


def test_a_server_without_dsn_is_told_nothing():
    got = []
    with Server(speaker(got, caps=("PIPELINING",))) as s, Remote() as r:
        assert r.deliver(b"x\n", route=s.route, **ALL).letters == "KKK"
    assert not any(b"=" in line for line in got[0][0])


def test_no_parameter_is_slipped_in():
    """qqueue looks at the length of these alone: a submitter may write blanks."""
    got = []
    with Server(speaker(got, caps=("DSN",))) as s, Remote() as r:
        bad = r.deliver(b"x\n", route=s.route, envid="a AUTH=<>", orcpt=("rfc822;b NOTIFY=NEVER",))
        assert bad.letters == "K"
    assert got[0][0] == [b"MAIL FROM:<a@here.example>\r\n", b"RCPT TO:<b@there.example>\r\n"]


def test_longest_parameters():
    got = []
    long = f"{'x' * 630}@{'y' * 63}.{'z' * 63}.example"
    with Server(speaker(got, caps=("DSN", "SIZE"))) as s, Remote() as r:
        rep = r.deliver(b"x\n", route=s.route, rcpts=(long,), sender=long, envid="e" * 100,
                        notify=(2 | 4 | 8,), orcpt=("rfc822;" + "o" * 493,), flags=2)
        assert rep.letters == "R"
    assert b"o" * 493 in got[0][0][1]


def test_pipelines_when_offered():
    """MAIL, RCPT and DATA come in one piece, and only then."""
    for caps in ((), ("PIPELINING",)):
        ahead = []

        def script(conn, number, caps=caps, ahead=ahead):
            conn.send("220 x\r\n")
            conn.readline()
            conn.send("250-x\r\n250 " + (caps[0] if caps else "HELP") + "\r\n")
            assert conn.readline().startswith(b"MAIL")
            conn.s.settimeout(0.3)
            try:
                ahead.append(conn.readline()[:4])
                ahead.append(conn.readline()[:4])
            except TimeoutError:
                pass

        with Server(script) as s, Remote() as r:
            assert r.deliver(route=s.route).letters == "Z"
        assert ahead == ([b"RCPT", b"DATA"] if caps else [])


def test_falls_back_to_helo():
    got = []
    with Server(speaker(got, answers={"EHLO": "502 no"})) as s, Remote() as r:
        assert r.deliver(route=s.route).letters == "K"
    assert [x.split()[0] for x in s.conns[0].lines[:3]] == [b"EHLO", b"HELO", b"MAIL"]


def test_null_sender_and_quoted_recipient():
    got = []
    with Server(speaker(got)) as s, Remote(helohost="mail.q.example") as r:
        assert r.deliver(route=s.route, sender="", rcpts=["two words@x.example"]).letters == "K"
    assert got[0][0][0].startswith(b"MAIL FROM:<> ")
    assert got[0][0][1] == b'RCPT TO:<"two words"@x.example>\r\n'
    assert s.conns[0].lines[0] == b"EHLO mail.q.example\r\n"


def test_message_arrives_byte_for_byte():
    rnd = random.Random(7)
    lines = [b"." * rnd.randrange(3) + bytes(rnd.choices(range(32, 256), k=rnd.randrange(70)))
             for _ in range(40000)]
    message = b"\n".join(lines) + b"\n"
    assert len(message) > 1_000_000
    got = []
    with Server(speaker(got)) as s, Remote() as r:
        assert r.deliver(message, route=s.route, timeout=60).letters == "K"
    raw = got[0][1]
    undotted = b"\r\n".join(x[1:] if x[:1] == b"." else x for x in raw.split(b"\r\n"))
    assert undotted == message.replace(b"\n", b"\r\n")
    assert f"SIZE={len(message) + len(lines)}".encode() in got[0][0][0]


def test_each_recipient_has_its_own_answer():
    def answer(line):
        for word, reply in ((b"no@", "550 5.1.1 no such user"), (b"slow@", "450 4.2.1 later"),
                            (b"many@", "552 too many"), (b"odd@", "399 odd")):
            if word in line:
                return reply
        return "250 ok"

    for caps in ((), ("PIPELINING",)):
        got = []
        with Server(speaker(got, caps=caps, answers={"RCPT": answer})) as s, Remote() as r:
            rep = r.deliver(route=s.route, rcpts=[f"{u}@x.example" for u in
                                                  ("a", "no", "b", "slow", "many", "odd")])
        assert rep.letters == "KDKZZZ"
        assert re.fullmatch(rf"127\.0\.0\.1 \[127\.0\.0\.1\]:{s.port} said: 550 5\.1\.1 no such user",
                            rep.texts[1])
        assert len(got) == 1 and len(got[0][0]) == 3


@pytest.mark.parametrize("caps", [(), ("PIPELINING",)])
def test_all_recipients_refused(caps):
    """Even if such a server wants DATA it gets no message."""
    got = []

    def script(conn, number):
        conn.send("220 x\r\n")
        for line in iter(conn.readline, b""):
            verb = line[:4]
            conn.send({b"EHLO": "250-x\r\n250 " + (caps[0] if caps else "HELP"), b"MAIL": "250 ok",
                       b"RCPT": "550 no", b"DATA": "354 go"}.get(verb, "500 x") + "\r\n")
            got.append(verb)

    with Server(script) as s, Remote() as r:
        assert r.deliver(route=s.route, rcpts=["a@x", "b@x"]).letters == "DD"
        wait_for(lambda: len(got) >= (5 if caps else 4))
    assert got[:4] == [b"EHLO", b"MAIL", b"RCPT", b"RCPT"]
    assert b"DATA" not in got if not caps else got[4:] == [b"DATA"]


@pytest.mark.parametrize(
    ("key", "reply", "letter", "text"),
    [
        ("MAIL", "550 5.7.1 not you", "D", "said: 550 5.7.1 not you"),
        ("MAIL", "451 busy", "Z", "said: 451 busy"),
        ("DATA", "554 5.7.1 no", "D", "said: 554 5.7.1 no"),
        ("DATA", "451 no", "Z", "said: 451 no"),
        (".", "554 5.6.0 spam", "D", "said: 554 5.6.0 spam"),
        (".", "452 4.3.1 full", "Z", "said: 452 4.3.1 full"),
        (".", "354 again", "Z", "said: 354 again"),
        (".", "421 down", "Z", "said: 421 down"),
        (".", None, "Z", "closed the connection at the end of the message"),
        ("MAIL", None, "Z", "closed the connection at MAIL"),
        ("RCPT", None, "Z", "closed the connection at RCPT"),
        ("DATA", None, "Z", "closed the connection at DATA"),
        ("EHLO", None, "Z", "closed the connection at EHLO"),
        ("EHLO", "421 later", "Z", "said: 421 later"),
        ("RCPT", "421 later", "Z", "said: 421 later"),
    ],
)
def test_what_replies_mean(key, reply, letter, text):
    with Server(speaker([], answers={key: reply})) as s, Remote() as r:
        rep = r.deliver(route=s.route)
    assert rep.letters == letter
    assert text in rep.texts[0]


@pytest.mark.parametrize(
    ("greeting", "letter"), [("554 go away", "D"), ("521 no mail here", "D"), ("421 busy", "Z"),
                             ("450 busy", "Z")])
def test_greeting_that_refuses(greeting, letter):
    with Server(speaker([], greeting=greeting)) as s, Remote() as r:
        rep = r.deliver(route=s.route)
    assert rep.letters == letter and f"said: {greeting}" in rep.texts[0]


# ---- the message must be the one that was accepted ----------------------------------------


def test_corrupt_queue_file_gets_no_final_dot():
    for damage in (b"Subject: y\n\nhello\n", b"Subj"):
        got = []
        with Server(speaker(got)) as s, Remote() as r:
            rep = r.deliver(b"Subject: x\n\nhello\n", route=s.route, damage=damage)
            assert rep.letters == "B"
            # and the process goes on
            assert r.deliver(route=s.route).letters == "K"
        assert [len(g) for g in got].count(2) == 1  # a connection that was cut may be noted last


def test_bare_cr_is_never_sent():
    got = []
    with Server(speaker(got)) as s, Remote() as r:
        for message in (b"a\rb\n", b"a\r\nb\n", b"a\n\r.\r\nMAIL FROM:<>\n", b"x" * 70000 + b"\r"):
            rep = r.deliver(message, route=s.route)
            assert rep.letters == "D" and "5.6.0" in rep.texts[0]
    assert got == [] and s.connections == 0


def test_no_final_dot_when_the_parent_is_gone():
    stop = threading.Event()
    seen = []

    def script(conn, number):
        conn.send("220 x\r\n")
        for reply in ("250 x", "250 ok", "250 ok", "354 go"):
            conn.readline()
            conn.send(reply + "\r\n")
        stop.wait(20)
        data = []
        while part := conn.s.recv(65536):
            data.append(part)
        seen.append(b"".join(data))

    with Server(script) as s:
        with Remote() as r:
            r.start()
            r.send(b"x" * 70 + b"\n" + b"y\n" * 8_000_000, route=s.route)
            wait_for(lambda: s.conns and len(s.conns[0].lines) == 4)
            r.sock.close()
            stop.set()
            r.popen.wait(20)
        wait_for(lambda: seen)
    assert len(seen[0]) > 1_000_000 and not seen[0].endswith(b"\r\n.\r\n")


def test_addresses_that_need_smtputf8():
    with Server(speaker([])) as s, Remote() as r:
        rep = r.deliver(route=s.route, rcpts=["b@x.example", "jörg@x.example"])
        assert rep.letters == "KD" and "5.6.7" in rep.texts[1]
        rep = r.deliver(route=s.route, sender="jörg@x.example")
        assert rep.letters == "D" and "5.6.7" in rep.texts[0]


# ---- servers that do not behave --------------------------------------------------------------


def flood(piece, first=b"", pause=0):
    """Sends piece for ever, until the other side hangs up."""

    def script(conn, number):
        conn.send(first)
        while True:
            conn.send(piece)
            if pause:
                time.sleep(pause)

    return script


def after(commands, then):
    """Well-behaved for some commands, then something else."""
    replies = ["220 x", "250 x", "250 ok", "250 ok", "354 go"]

    def script(conn, number):
        conn.send(replies[0] + "\r\n")
        for i in range(commands):
            conn.readline()
            conn.send(replies[i + 1] + "\r\n")
        if commands < 4:
            conn.readline()
        else:
            while conn.readline() not in (b".\r\n", b""):
                pass
        then(conn)

    return script


def gigabyte(conn):
    block = b"2" * 65536
    for _ in range(16384):
        conn.send(block)


HOSTILE = {
    "endless banner": (flood(b"220-hello\r\n"), "Z", "no SMTP reply"),
    "endless banner without lines": (flood(b"2" * 4096), "Z", "no SMTP reply"),
    "one byte at a time": (flood(b"2", pause=0.2), "Z", "timed out"),
    "a line at a time": (flood(b"220-x\r\n", pause=0.2), "Z", "timed out"),
    "NULs": (flood(b"\0" * 512), "Z", "no SMTP reply"),
    "silence": (lambda conn, n: conn.s.recv(1), "Z", "timed out at the greeting"),
    "hang up": (lambda conn, n: None, "Z", "closed the connection"),
    "HTTP": (flood(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "Z", "no SMTP reply"),
    "gigabyte at EHLO": (after(0, gigabyte), "Z", "no SMTP reply"),
    "gigabyte at RCPT": (after(2, gigabyte), "Z", "no SMTP reply"),
    "gigabyte at the dot": (after(4, gigabyte), "Z", "no SMTP reply"),
    "endless continuation at the dot": (
        after(4, lambda c: [c.send("250-x\r\n") for _ in range(100000)]), "Z", "no SMTP reply"),
    "other code in a continuation": (
        after(4, lambda c: c.send("250-x\r\n550 y\r\n")), "Z", "no SMTP reply"),
    "silence at the dot": (after(4, lambda c: time.sleep(5)), "Z",
                           "timed out at the end of the message"),
    "drip at the dot": (after(4, lambda c: [(c.send("2"), time.sleep(0.2)) for _ in range(40)]),
                        "Z", "timed out at the end of the message"),
    "answers before it is asked": (
        flood(b"", first=b"220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n250 accepted\r\n", pause=0.1),
        "Z", "spoke before it was asked"),
    "two replies to EHLO": (after(0, lambda c: (c.send("250 x\r\n250 ok\r\n"), time.sleep(5))), "Z",
                            "spoke before it was asked"),
    "the dot's answer with DATA's": (
        after(3, lambda c: (c.send("354 go\r\n250 accepted\r\n"), time.sleep(5))), "Z",
        "answered before the end"),
    "a refusal with DATA's": (
        after(3, lambda c: (c.send("354 go\r\n552 5.3.4 too big\r\n"), time.sleep(5))), "D",
        "said: 552 5.3.4 too big"),
    "escapes": (after(4, lambda c: c.send(b"550 \x1b[2J\x07\x9b31m\0 pipe|`x` \xff\n")), "D",
                "said: 550 ?[2J??31m? pipe|`x` ?"),
    "escapes in the middle": (
        after(2, lambda c: c.send(b"550-a\r550 b\x0b\r\n550 From: me\r\n")), "D",
        "said: 550 a 550 b? From: me"),
    "close in a reply": (after(4, lambda c: c.send("25")), "Z", "closed the connection"),
    "250 cut before its end": (after(4, lambda c: c.send("250 ok\r")), "Z", "closed the connection"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_server(name):
    script, letter, text = HOSTILE[name]
    with Server(script) as s, Remote(timeoutremote="2") as r:
        started = time.monotonic()
        rep = r.deliver(route=s.route)
        assert time.monotonic() - started < 8
        assert rep.letters == letter
        assert text in rep.texts[0]
        peak = (Path("/proc") / str(r.popen.pid) / "status").read_text()
        if not SANITIZED:  # its shadow memory is no message
            assert int(re.search(r"VmHWM:\s+(\d+) kB", peak)[1]) < 80_000


def test_250_then_close_counts_and_the_next_message_connects_anew():
    with Server(after(4, lambda c: c.send("250 ok\r\n"))) as s, Remote() as r:
        assert [r.deliver(route=s.route).letters for _ in range(2)] == ["K", "K"]
        assert s.connections == 2


def test_server_that_stops_reading():
    def script(conn, number):
        conn.send("220 x\r\n")
        for reply in ("250 x", "250 ok", "250 ok", "354 go"):
            conn.readline()
            conn.send(reply + "\r\n")
        time.sleep(10)

    with Server(script) as s, Remote(timeoutremote="2") as r:
        rep = r.deliver(b"y\n" * 8_000_000, route=s.route)
        assert rep.letters == "Z" and "connection lost in the message" in rep.texts[0]


def test_server_that_refuses_in_the_middle_of_the_message():
    def script(conn, number):
        conn.send("220 x\r\n")
        for reply in ("250 x", "250 ok", "250 ok", "354 go"):
            conn.readline()
            conn.send(reply + "\r\n")
        conn.s.recv(1000)
        conn.send("552 5.3.4 message too big\r\n")
        while conn.s.recv(65536):
            pass

    with Server(script) as s, Remote() as r:
        rep = r.deliver(b"y\n" * 8_000_000, route=s.route)
        assert rep.letters == "D" and "552 5.3.4 message too big" in rep.texts[0]


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with Remote() as r:
        rep = r.deliver(route=f"127.0.0.1 {port}")
    assert rep.letters == "Z"
    assert rep.texts[0] == f"127.0.0.1 [127.0.0.1]:{port}: unable to connect: Connection refused"


def test_connect_that_is_never_answered():
    """A full backlog: the kernel drops the SYN."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fill = [socket.socket() for _ in range(4)]
        for f in fill:
            f.setblocking(False)
            f.connect_ex(address)
        with Remote(timeoutconnect="1") as r:
            rep = r.deliver(route=f"127.0.0.1 {address[1]}")
        for f in fill:
            f.close()
    assert rep.letters == "Z" and "unable to connect" in rep.texts[0]


def test_source_address():
    with Server(speaker([])) as s, Remote(outgoingip="127.0.0.77\n::1") as r:
        assert r.deliver(route=s.route).letters == "K"
        assert s.conns[0].peer[0] == "127.0.0.77"


def test_bad_control_file_names_file_and_line():
    with Remote(outgoingip="# ours\nnonsense") as r:
        r.start()
        assert r.popen.wait(30) == 100
        assert "control/outgoingip: line 2: not an address" in r.log()


def test_recipients_of_two_domains_are_refused():
    with Remote() as r:
        rep = r.deliver(rcpts=["a@one.example", "b@two.example"])
        assert rep.letters == "DD" and "5.1.3" in rep.texts[0]


# ---- qrspawn ------------------------------------------------------------------------------------


def children(pid):
    return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_child_and_connection_are_kept_for_a_moment():
    got = []
    with Server(speaker(got)) as s, Remote(spawner=True) as r:
        assert r.deliver(route=s.route).letters == "K"
        first = children(r.popen.pid)
        assert r.deliver(route=s.route, rcpts=["c@other.example"]).letters == "K"
        assert children(r.popen.pid) == first and len(first) == 1
        assert s.connections == 1
        wait_for(lambda: not children(r.popen.pid))
        wait_for(lambda: s.conns[0].lines[-1:] == [b"QUIT\r\n"])
        assert r.deliver(route=s.route).letters == "K"
        assert s.connections == 2


def test_destinations_do_not_share_a_child():
    with Server(speaker([])) as one, Server(speaker([])) as two, Remote(spawner=True) as r:
        assert r.deliver(route=one.route).letters == "K"
        assert r.deliver(route=two.route).letters == "K"
        assert len(children(r.popen.pid)) == 2
        assert (one.connections, two.connections) == (1, 1)


def test_jobs_side_by_side():
    """Twenty at once, to a server that answers only when it has all of them."""
    gate = threading.Barrier(20, timeout=20)
    got = []

    def data(line):
        gate.wait()
        return "354 go"

    with Server(speaker(got, answers={"DATA": data})) as s, Remote(spawner=True) as r:
        r.start()
        slots = {r.send(b"x\n", route=s.route) for _ in range(20)}
        reports = [r.report() for _ in slots]
        assert {x.slot for x in reports} == slots
        assert all(x.letters == "K" for x in reports)
        assert len(got) == 20


def test_more_jobs_than_children_can_be():
    """420 to a server that keeps them waiting: those above 400 come back, none is lost."""
    gate = threading.Event()

    def ehlo(line):
        gate.wait(60)
        return "250 x"

    with Server(speaker([], answers={"EHLO": ehlo})) as s, Remote(spawner=True) as r:
        s.listener.listen(1000)
        r.start()
        for _ in range(420):
            r.send(b"x\n", route=s.route)
        early = [r.report(60) for _ in range(20)]
        assert all(x.letters == "Z" and "unable to start a delivery now" in x.texts[0]
                   for x in early)
        gate.set()
        assert {r.report(60).letters for _ in range(400)} == {"K"}


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM])
def test_child_that_dies_answers_later(sig):
    with Server(after(3, lambda c: time.sleep(20))) as s, Remote(spawner=True) as r:
        r.start()
        r.send(b"x\n", route=s.route, rcpts=["a@x", "b@x"])
        wait_for(lambda: s.conns and len(s.conns[0].lines) == 4)
        os.kill(children(r.popen.pid)[0], sig)
        rep = r.report()
        assert rep.letters == "ZZ" and "qremote stopped" in rep.texts[0]
        wait_for(lambda: not children(r.popen.pid))


def test_program_that_cannot_be_run_answers_later():
    with Remote(spawner=True) as r:
        r.start()
        (r.home / "bin" / "qremote").unlink()
        assert r.deliver(route="127.0.0.1 1").letters == "Z"
        assert "unable to run" in r.log()


@pytest.mark.parametrize("how", ["lifeline", "qsend", "kill"])
def test_everybody_ends_together(how):
    seen = []

    def at_data(conn):
        conn.send("354 go\r\n")
        time.sleep(1)
        while part := conn.s.recv(65536):
            seen.append(part)

    with Server(after(3, at_data)) as s, Remote(spawner=True) as r:
        r.start()
        r.send(b"y\n" * 8_000_000, route=s.route)
        wait_for(lambda: s.conns and len(s.conns[0].lines) == 4)
        child = children(r.popen.pid)[0]
        if how == "lifeline":
            os.close(r.lifeline)
            r.lifeline = os.open("/dev/null", os.O_RDONLY)
        elif how == "qsend":
            r.sock.shutdown(socket.SHUT_RDWR)
        else:
            r.popen.kill()
        r.popen.wait(30)
        wait_for(lambda: not alive(child))
    assert not b"".join(seen).endswith(b"\r\n.\r\n")


def test_parent_that_is_slow_to_take_reports():
    """Reports wait in their children, and none is lost."""
    with Server(speaker([])) as s, Remote(spawner=True) as r:
        r.start()
        r.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        n = 0
        for _ in range(300):
            r.send(b"x\n", route=s.route, rcpts=[f"u{i}@x" for i in range(50)])
            n += 1
            if n >= 20:  # qsend's concurrency
                assert r.report().letters == "K" * 50
                n -= 1
        for _ in range(n):
            assert r.report().letters == "K" * 50


# ---- real peers ------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("smtp-sink"), reason="smtp-sink (postfix) is not installed")
def test_smtp_sink(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    user = ["-u", "nobody"] if ROOT else []
    sink = subprocess.Popen(["smtp-sink", *user, "-c", f"127.0.0.1:{port}", "50"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        def connects():
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except OSError:
                return False

        wait_for(connects)
        with Remote(spawner=True) as r:
            r.start()
            sent = 0
            for i in range(200):
                r.send(b"Subject: %d\n\n.dot\n" % i, route=f"127.0.0.1 {port}")
                sent += 1
                if sent == 10:
                    assert r.report().letters == "K"
                    sent -= 1
            for _ in range(sent):
                assert r.report().letters == "K"
    finally:
        sink.terminate()
        sink.wait()


@pytest.fixture
def postfix():
    """A Postfix that delivers to b and c, and the directory where it does."""
    if os.geteuid() != 0:
        pytest.skip("a whole Postfix needs root")
    if not shutil.which("postfix"):
        pytest.skip("postfix is not installed")
    p = Postfix(
        virtual_mailbox_domains="there.example",
        virtual_mailbox_base="$queue_directory/../box",
        virtual_mailbox_maps="inline:{ b@there.example=b/, c@there.example=c/ }",
        virtual_uid_maps="static:65534",
        virtual_gid_maps="static:65534",
        smtpd_relay_restrictions="reject_unauth_destination",
        message_size_limit="100000",
    )
    box = p.top / "box"
    box.mkdir()
    shutil.chown(box, "nobody")
    with p:
        yield p.port, box


def test_whole_postfix_as_the_next_host(postfix):
    port, box = postfix
    message = b"Subject: x\nFrom: a@here.example\n\n.one\n..two\n\nthe end\n"
    with Remote(spawner=True) as r:
        rep = r.deliver(message, route=f"127.0.0.1 {port}",
                        rcpts=["b@there.example", "nobody@there.example", "c@there.example"])
        assert rep.letters == "KDK"
        assert "said: 550 5.1.1" in rep.texts[1]
        assert re.search(r"accepted: 250 2\.0\.0 Ok: queued as \w+ \(TLS=none", rep.texts[0])
        rep = r.deliver(b"x\n" * 60000, route=f"127.0.0.1 {port}", rcpts=["b@there.example"])
        assert rep.letters == "D" and "552 5.3.4" in rep.texts[0]
        rep = r.deliver(message, route=f"127.0.0.1 {port}", rcpts=["b@elsewhere.example"])
        assert rep.letters == "D" and "554 5.7.1" in rep.texts[0]
    mail = wait_for(lambda: list((box / "b" / "new").glob("*")))
    assert mail[0].read_bytes().endswith(b"\n\n.one\n..two\n\nthe end\n")
    wait_for(lambda: list((box / "c" / "new").glob("*")))


# ---- the whole chain ---------------------------------------------------------------------------------


@pytest.mark.skipif(
    not all((BIN / p).exists() for p in ("qqueue", "qstart", "qsend", "qlspawn", "qlocal", "sendmail")),
    reason="the whole chain is not built")
def test_sendmail_to_another_host_and_the_bounce_back():
    q = Quoin()

    def answer(line):
        return "550 5.1.1 no such user" if b"gone@" in line else "250 ok"

    got = []
    with Server(speaker(got, answers={"RCPT": answer})) as s, contextlib.closing(q):
        q.control("smtproutes", f":[127.0.0.1]:{s.port}\n")
        q.control("dnsservers", "127.0.0.1 1\n")
        q.users("alice")
        q.start_queue()
        q.start_delivery()
        out = q.sendmail("-f", "alice@q.example", "b@there.example", "gone@there.example",
                         stdin=b"Subject: on its way\n\n.hello\n")
        assert out.returncode == 0, out.stderr
        wait_for(lambda: got, 60)
        assert [x.split()[1] for x in got[0][0]][1:] == [b"TO:<b@there.example>"]
        assert got[0][1].endswith(b"\r\n\r\n..hello\r\n")
        text = wait_for(lambda: q.maildir("alice"), 60)[0].decode()
        assert "gone@there.example" in text and "550 5.1.1 no such user" in text
        assert "Status: 5.1.1" in text, text
        wait_for(q.queue_is_empty)
