"""qremote: what a server's answers say about its destination, and which host is next."""

import itertools
import re
import socket
import time

import pytest
from postfix import Postfix
from quoin import free_port
from remote_driver import INSIST, Remote, Server, speaker

pytestmark = pytest.mark.programs("qremote", "qrspawn")

PIPE = ("PIPELINING", "SIZE 1000000")


# ---- pace ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answers, greeting, letters, pace",
    [
        ({}, "421 4.7.0 too many connections", "Z", "S"),
        ({}, "450 4.7.1 slow down", "Z", "S"),
        ({}, "450 4.3.2 not now", "Z", "U"),
        ({}, "554 5.7.1 go away", "D", "O"),
        ({"EHLO": "421 4.3.2 too many"}, None, "Z", "S"),
        ({"MAIL": "451 4.7.1 slow down"}, None, "Z", "S"),
        ({"MAIL": "421 4.4.5 busy"}, None, "Z", "S"),
        ({"MAIL": "451 4.3.0 sick"}, None, "Z", "O"),
        ({"RCPT": "450 4.7.1 greylisted"}, None, "Z", "O"),
        ({"RCPT": "451 4.7.0 also about this one"}, None, "Z", "O"),
        ({"RCPT": "421 4.7.0 enough"}, None, "Z", "S"),
        ({"DATA": "451 4.7.28 rate"}, None, "Z", "S"),
        ({".": "451 4.7.28 rate"}, None, "Z", "S"),
        ({".": "451 4.7.1 greylisted"}, None, "Z", "O"),
        ({".": "421 4.3.0 shutting down"}, None, "Z", "S"),
        ({".": "452 4.3.1 full"}, None, "Z", "O"),
        ({}, None, "K", "O"),
    ],
)
def test_pace(answers, greeting, letters, pace):
    kw = {"greeting": greeting} if greeting else {}
    with Server(speaker([], caps=PIPE, answers=answers, **kw)) as s, Remote() as r:
        rep = r.deliver(route=s.route)
    assert (rep.letters, rep.pace) == (letters, pace)


def test_pace_without_a_host():
    with Remote() as r:
        rep = r.deliver(route=f"127.0.0.1 {free_port()}")
        assert (rep.letters, rep.pace, rep.tried) == ("Z", "U", [("127.0.0.1", "R")])
    with Remote() as r:  # its resolver is nobody
        rep = r.deliver()
        assert (rep.letters, rep.pace, rep.tried) == ("Z", "N", [])


def test_pace_says_nothing_when_a_later_host_takes_it():
    with Server(speaker([], greeting="421 busy")) as a, Server(speaker([])) as b, Remote() as r:
        rep = r.deliver(route=f"{a.route},{b.route}")
    assert (rep.letters, rep.pace) == ("K", "O")
    assert rep.tried == [("127.0.0.1", "C")] * 2


@pytest.mark.root("Postfix becomes its own users")
@pytest.mark.tools("postfix")
def test_postfix_that_limits_connections_asks_for_less():
    kw = {"smtpd_client_connection_rate_limit": 1, "smtpd_client_event_limit_exceptions": "", "mynetworks": "127.0.0.0/8"}
    with Postfix(**kw) as p:
        for _ in range(2):  # the greeting that start() waited for was the one it allows
            with Remote() as r:
                rep = r.deliver(route=f"127.0.0.1 {p.port}")
        assert (rep.letters, rep.pace) == ("Z", "S"), rep
        assert "421 4.7.0" in rep.texts[0]


def test_pace_of_a_kept_connection_says_nothing():
    """421 to the second message on a connection; a new one takes it, or is greylisted."""
    said = iter(["250 ok", "421 4.7.0 idle too long", "250 ok"])
    answers = {"MAIL": lambda _: next(said), "RCPT": lambda line: "450 4.7.1 grey" if b"<grey" in line else "250 ok"}
    with Server(speaker([], caps=PIPE, answers=answers)) as s, Remote() as r:
        assert r.deliver(route=s.route).letters == "K"
        rep = r.deliver(route=s.route, rcpts=["grey@x.example"])
        assert (rep.letters, rep.pace, s.connections) == ("Z", "O", 2)


def test_connection_carries_a_hundred_messages():
    with Server(speaker([], caps=PIPE)) as s, Remote(spawner=True) as r:
        for _ in range(101):
            assert r.deliver(route=s.route).letters == "K"
        assert [sum(x.startswith(b"MAIL") for x in c.lines) for c in s.conns] == [100, 1]


# ---- addresses that do not answer ------------------------------------------------------


def test_leaves_alone_whom_it_is_told():
    got = []
    with Server(speaker(got)) as s, Remote() as r:
        rep = r.deliver(route=s.route, dead=["192.0.2.1", s.route])
        assert (rep.letters, rep.pace, rep.tried) == ("Z", "U", [])
        assert "did not answer lately" in rep.texts[0] and "(#4.4.1)" in rep.texts[0]
        rep = r.deliver(route=s.route, dead=[s.route], flags=INSIST)
        assert rep.letters == "K"
        assert s.connections == 1


def test_another_port_of_it_is_another_address():
    """Else a stranger whose MX is our relay, where 25 is shut, would shut the relay's 587."""
    with Server(speaker([])) as s, Remote() as r:
        assert r.deliver(route=s.route, dead=["127.0.0.1", f"127.0.0.1 {s.port + 1}"]).letters == "K"


def test_dead_one_does_not_make_the_others_final():
    """5xx from the one that answers is no word of the one that is left alone."""
    with Server(speaker([], greeting="554 no")) as s, Remote() as r:
        rep = r.deliver(route=f"[::1] {s.port},{s.route}", dead=[f"::1 {s.port}"])
    assert rep.letters == "Z"


@pytest.mark.long
def test_spawner_remembers_who_refuses():
    """Two failures, two minutes apart."""
    route = f"127.0.0.1 {free_port()}"
    with Remote(spawner=True) as r:
        assert "refused" in r.deliver(route=route).texts[0]
        time.sleep(121)
        assert "refused" in r.deliver(route=route).texts[0]
        rep = r.deliver(route=route)
        assert "did not answer lately" in rep.texts[0] and rep.pace == "U"
        slot = r.send(b"x\n", route=route, flags=INSIST)
        rep = r.report()
        assert rep.slot == slot and "refused" in rep.texts[0]


# ---- several next hops -----------------------------------------------------------------


def test_next_hops_in_order():
    first, second = [], []
    with Server(speaker(first)) as a, Server(speaker(second)) as b:
        with Remote() as r:
            assert r.deliver(route=f"{a.route},{b.route}").letters == "K"
            a.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            a.listener.close()
            for c in a.conns:
                c.close()
            rep = r.deliver(route=f"{a.route},{b.route}")
    assert (len(first), len(second), rep.letters) == (1, 1, "K")
    assert f":{b.port} accepted" in rep.texts[0]


@pytest.mark.parametrize("key", ["greeting", "EHLO", "MAIL"])
def test_next_hop_after_a_refusal_for_now(key):
    got = []
    bad = {"greeting": "450 no"} if key == "greeting" else {"answers": {key: "451 no"}}
    with Server(speaker([], **bad)) as a, Server(speaker(got)) as b, Remote() as r:
        assert r.deliver(route=f"{a.route},{b.route}").letters == "K"
    assert len(got) == 1


def test_next_hops_at_random():
    first, second = [], []
    with Server(speaker(first)) as a, Server(speaker(second)) as b:
        for _ in range(30):
            with Remote() as r:
                assert r.deliver(route=f"{a.route}/{b.route}").letters == "K"
    assert len(first) + len(second) == 30 and len(first) > 3 and len(second) > 3


@pytest.mark.long
@pytest.mark.root("Postfix becomes its own users")
@pytest.mark.tools("postfix")
def test_second_postfix_when_the_first_is_stopped():
    kw = {"mynetworks": "127.0.0.0/8", "default_transport": "discard", "relay_transport": "discard"}
    with Postfix(**kw) as a, Postfix(**kw) as b, Remote() as r:
        route = f"127.0.0.1 {a.port},127.0.0.1 {b.port}"
        assert f":{a.port} accepted" in r.deliver(route=route).texts[0]
        a.stop()
        a.master = None
        rep = r.deliver(route=route, timeout=40)
        assert f":{b.port} accepted" in rep.texts[0], rep


def test_refusal_by_route():
    with Remote() as r:
        rep = r.deliver(route="error:5.4.1 This host delivers to its own users only.")
    assert (rep.letters, rep.texts) == ("D", ["5.4.1 This host delivers to its own users only."])


# ---- too many recipients ---------------------------------------------------------------


@pytest.mark.parametrize("caps", [(), PIPE])
@pytest.mark.parametrize("reply", ["452 4.5.3 too many", "452 enough", "552 too many", "552 5.5.3 x"])
def test_too_many_recipients_get_further_transactions_at_once(caps, reply):
    got, here = [], [0]

    def rcpt(_):
        here[0] += 1
        return "250 ok" if here[0] <= 20 else reply

    def mail(_):
        here[0] = 0
        return "250 ok"

    rcpts = [f"u{i}@x.example" for i in range(50)]
    with Server(speaker(got, caps=caps, answers={"RCPT": rcpt, "MAIL": mail})) as s, Remote() as r:
        rep = r.deliver(route=s.route, rcpts=rcpts)
    assert rep.letters == "K" * 50 and s.connections == 1
    assert [len(envelope) - 1 for envelope, _ in got] == [20, 20, 10]
    assert [x for envelope, _ in got for x in envelope if x.startswith(b"RCPT")] == [
        f"RCPT TO:<{x}>\r\n".encode() for x in rcpts
    ]


def test_full_mailbox_is_not_too_many():
    def rcpt(line):
        return {b"b": "452 4.2.2 full", b"c": "552 5.2.2 full"}.get(line[9:10], "250 ok")

    got = []
    with Server(speaker(got, answers={"RCPT": rcpt})) as s, Remote() as r:
        rep = r.deliver(route=s.route, rcpts=[f"{c}@x.example" for c in "abc"])
    assert rep.letters == "KZD" and len(got) == 1


@pytest.mark.root("Postfix becomes its own users")
@pytest.mark.tools("postfix")
def test_postfix_that_takes_ten_recipients():
    kw = {"mynetworks": "127.0.0.0/8", "default_transport": "discard", "smtpd_recipient_limit": 10,
          "smtpd_recipient_overshoot_limit": 1000}
    with Postfix(**kw) as p, Remote() as r:
        rep = r.deliver(route=f"127.0.0.1 {p.port}", rcpts=[f"u{i}@x.example" for i in range(35)])
        assert rep.letters == "K" * 35, rep
    said = [re.search(r"queued as (\w+)", t)[1] for t in rep.texts]
    assert [len(list(of)) for _, of in itertools.groupby(said)] == [10, 10, 10, 5], rep


# ---- source address and name -----------------------------------------------------------


def test_helo_by_family():
    def listen(host, family):
        return Server(speaker([]), socket.create_server((host, 0), family=family))

    with listen("127.0.0.1", socket.AF_INET) as four, listen("::1", socket.AF_INET6) as six:
        for text in ("127.0.0.9 four.example\n::1\tsix.example", "127.0.0.9", "::1 six.example"):
            with Remote(outgoingip=text, helohost="any.example") as r:
                assert r.deliver(route=f"[127.0.0.1] {four.port}").letters == "K"
            with Remote(outgoingip=text, helohost="any.example") as r:
                assert r.deliver(route=f"[::1] {six.port}").letters == "K"
        names = [[c.lines[0] for c in s.conns] for s in (four, six)]
        assert [c.peer[0] for c in four.conns] == ["127.0.0.9", "127.0.0.9", "127.0.0.1"]
    assert names[0] == [b"EHLO four.example\r\n", b"EHLO any.example\r\n", b"EHLO any.example\r\n"]
    assert names[1] == [b"EHLO six.example\r\n", b"EHLO any.example\r\n", b"EHLO six.example\r\n"]


@pytest.mark.parametrize("text", ["x", "127.0.0.1 a b", "127.0.0.1\n127.0.0.2", "::1 a\n::1"])
def test_bad_outgoingip(text):
    with Remote(outgoingip=text).start() as r:
        assert r.popen.wait(30) == 100
        assert "control/outgoingip: line" in r.log()


def test_ipv4only():
    with Server(speaker([])) as s:
        with Remote(ipv4only="1") as r:
            rep = r.deliver(route=f"[::1] {s.port},{s.route}")
            assert rep.letters == "K" and rep.tried == [("127.0.0.1", "C")]
        with Remote(ipv4only="0") as r:
            assert r.deliver(route=f"[::1] {s.port},{s.route}").tried[0] == ("::1", "R")


# ---- what is logged --------------------------------------------------------------------


def test_deliver_line():
    with Server(speaker([])) as s, Remote() as r:
        r.deliver(route=s.route)
        log = r.log()
    assert re.fullmatch(
        rf"qremote: deliver id=\w+ host=127\.0\.0\.1 ip=127\.0\.0\.1 port={s.port} tls=none decided=1 "
        r"of=1 code=250 reply=250\\x202\.0\.0\\x20queued\\x20as\\x204711 ms=\d+\n", log), log


@pytest.mark.parametrize("caps", [(), PIPE])
def test_transcript_of_a_failed_session(caps):
    answers = {"RCPT": "550 5.1.1 \033[2Jno\tsuch user", ".": "554 5.6.0 no"}
    with Server(speaker([], caps=caps, answers=answers)) as s, Remote() as r:
        r.deliver(b"Subject: secret\n\nsecret\n", route=s.route)
        lines = re.findall(r"transcript id=\w+ host=\S+ ip=\S+ line=(\d+) (\w+)=(\S+)", r.log())
        assert "secret" not in r.log()
    said = [(who, text.replace("\\x20", " ")) for _, who, text in lines]
    assert said[0] == ("server", "220 sink.test ESMTP")
    assert said[1] == ("client", "EHLO q.example")
    assert said[2][1].startswith("250 sink.test")
    assert ("server", "550 5.1.1 \\x1b[2Jno\\x09such user") in said
    assert [int(n) for n, _, _ in lines] == list(range(1, len(lines) + 1))


def test_transcript_is_bounded():
    with Server(speaker([], answers={"RCPT": "550 " + "x" * 1000})) as s, Remote() as r:
        r.deliver(route=s.route, rcpts=[f"u{i}@x.example" for i in range(50)])
        lines = [x for x in r.log().splitlines() if "transcript" in x]
    assert len(lines) == 16 and max(map(len, lines)) < 400
