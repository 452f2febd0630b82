"""qsts: policies of MTA-STS, from real DNS packets and web servers, by the real qtls."""

import contextlib
import os
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from quoin import BIN, wait_for
from remote_driver import Qtls, Remote
from secure_world import World as Hosts
from sts import Answer, World, http, policy
from test_secure import Case

pytestmark = pytest.mark.programs("qsts", "qtls")
NONE = Answer("N", None, None, None)
STSQ = BIN.parent / "tests/stsq"
needs_stsq = pytest.mark.skipif(not STSQ.exists(), reason="not built: tests/stsq (make integration)")


@pytest.fixture
def world(quoin):
    with World(quoin) as w:
        yield w


def test_a_policy_is_fetched_once_and_kept(world):
    world.publish("a.test", policy(mx=["mail.A.test", "*.b.test"]), id="20261121T1")
    world.start()
    want = Answer("E", "20261121T1", ["mail.a.test", "*.b.test"], None)
    assert world.ask("a.test") == want
    assert world.ask("a.test") == want
    assert world.web.hits["mta-sts.a.test"] == 1
    assert world.dns.asked["_mta-sts.a.test", "TXT"] == 1
    assert world.kept() == ["a.test"]
    request = world.web.requests[0].decode()
    assert request.startswith("GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.a.test\r\n")
    log = world.q.log("qsts")
    assert "policy domain=a.test result=fetched policyid=20261121T1 mode=enforce" in log


def test_modes_and_domains_without(world):
    world.publish("t.test", policy(mode="testing"))
    world.publish("n.test", policy(mode="none", mx=()))
    world.dns.records["_mta-sts.other.test", "TXT"] = ['"v=spf1 -all"']
    world.publish("two.test", policy())
    world.dns.records["_mta-sts.two.test", "TXT"] = ['"v=STSv1; id=1"', '"v=STSv1; id=2"']
    world.start()
    assert world.ask("t.test").mode == "T"
    for domain in ("n.test", "other.test", "two.test", "nothing.test"):
        assert world.ask(domain) == NONE
    assert world.kept() == ["n.test", "t.test"]


def test_an_old_policy_holds_over_a_restart_and_whatever_fails(world):
    world.publish("a.test", policy())
    world.publish("b.test", policy())
    world.start()
    assert world.ask("a.test").mode == world.ask("b.test").mode == "E"
    world.q.service("qsts").stop()
    # DNS is away for one, the record for the other
    world.dns.broken.add("_mta-sts.a.test")
    del world.dns.records["_mta-sts.b.test", "TXT"]
    world.start_qsts()
    assert world.ask("a.test").mode == world.ask("b.test").mode == "E"
    assert world.web.hits["mta-sts.a.test"] == 1
    world.q.service("qsts").stop()
    # a new id, and a web server that has nothing good to say
    world.dns.broken.clear()
    world.publish("a.test", http(b"", status="404 Not Found"), id="2", certify=False)
    world.start_qsts()
    assert world.ask("a.test") == Answer("E", "1", ["mail.example"], None)
    assert "policy domain=a.test result=kept text=" in world.q.log("qsts")


def test_a_new_id_replaces(world):
    world.publish("a.test", policy())
    world.start()
    assert world.ask("a.test").mode == "E"
    world.q.service("qsts").stop()
    world.start_qsts()
    assert world.ask("a.test").id == "1"  # the same id: nothing is fetched
    assert world.web.hits["mta-sts.a.test"] == 1
    world.q.service("qsts").stop()
    world.publish("a.test", policy(mode="testing", mx=["new.test"]), id="2", certify=False)
    world.start_qsts()
    assert world.ask("a.test") == Answer("T", "2", ["new.test"], None)


BAD = {
    "moved": (http(b"", head="Location: https://mta-sts.a.test/x", status="302 Found"), "sends us elsewhere"),
    "absent": (http(b"", status="404 Not Found"), "no policy"),
    "html": (http(policy(), head="Content-Type: text/html"), "not text/plain"),
    "endless": (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + policy(), "where it ends"),
    "cut": (http(policy())[:-10], "ends early"),
    "huge": (http(policy() + b"x: y\n" * 20000), "too long"),
    "compressed": (http(policy(), head="Content-Type: text/plain\r\nContent-Encoding: gzip"), "compressed"),
    "nonsense": (http(b"<html>"), "broken"),
    "not http": (b"HTTP is what this is not\r\n\r\n", "not HTTP"),
    "no hosts": (http(policy(mx=())), "no host"),
    "says nothing": (lambda conn: None, "ends early"),
}


def test_what_is_no_policy(world):
    for n, (answer, _) in enumerate(BAD.values()):
        world.publish(f"b{n}.test", answer)
    world.start()
    for n, (_, text) in enumerate(BAD.values()):
        assert world.ask(f"b{n}.test") == NONE
        line = next(x for x in world.q.log("qsts").splitlines() if f"domain=b{n}.test " in x)
        assert "result=failed" in line
        assert text.replace(" ", "\\x20") in line, line
    assert world.kept() == []


def test_chunks(world):
    text = policy()
    body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (text[:7], text[7:])) + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"

    def slowly(conn):
        for byte in head + body:
            conn.send(bytes([byte]))

    world.publish("a.test", slowly)
    world.start()
    assert world.ask("a.test").mode == "E"


def cpu_of(pid):
    words = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def children(pid):
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def test_an_answer_that_drips_costs_no_more_than_its_length(world):
    """Much at once, then a byte at a time: it is not looked at from its front for each."""
    cost = []

    def slowly(conn):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        conn.sendall(b"1\r\nx\r\n" * 20000)
        for byte in b"1\r\n#\r\n" * 900:
            conn.send(bytes([byte]))
            time.sleep(0.0005)
        (half,) = children(world.q.service("qsts").pid)
        (process,) = children(half)
        cost.append(cpu_of(process))

    world.publish("a.test", slowly)
    world.start()
    assert world.ask("a.test") == NONE
    assert cost[0] < 0.3


def test_certificates(world):
    """Of the host's own name, by a CA that we know, and not too old; else nothing is asked."""
    for domain, names, kw in (("other", ("mta-sts.x.test",), {}), ("old", (), {"days": -1}),
                              ("parent", ("parent.test",), {})):  # fmt: skip
        world.publish(f"{domain}.test", policy(), certify=False)
        world.web.certify(f"mta-sts.{domain}.test", *names, **kw)
    world.publish("wild.test", policy(), certify=False)
    world.web.certify("mta-sts.wild.test", "*.wild.test")
    world.start()
    for domain in ("other", "old", "parent"):
        assert world.ask(f"{domain}.test") == NONE
        assert world.web.hits[f"mta-sts.{domain}.test"] == 0
        assert f"policy domain={domain}.test result=failed" in world.q.log("qsts")
    assert world.ask("wild.test").mode == "E"


def test_without_qtls_there_is_no_policy_but_an_old_one_holds(world):
    world.publish("a.test", policy())
    world.publish("b.test", policy())
    world.start()
    assert world.ask("a.test").mode == "E"
    world.q.service("qtls").stop()
    assert world.ask("b.test") == NONE
    assert world.ask("a.test").mode == "E"


def test_a_slow_one_holds_up_no_other_and_callers_share(world):
    release = threading.Event()

    def slow(conn):
        release.wait(30)
        conn.sendall(http(policy()))

    world.publish("slow.test", slow)
    world.publish("a.test", policy())
    world.start()
    got = []
    callers = [threading.Thread(target=lambda: got.append(world.ask("slow.test"))) for _ in range(5)]
    for c in callers:
        c.start()
    wait_for(lambda: world.web.hits["mta-sts.slow.test"] == 1)
    assert world.ask("a.test").mode == "E"
    assert not got
    release.set()
    for c in callers:
        c.join(20)
    assert [a.mode for a in got] == ["E"] * 5
    assert world.web.hits["mta-sts.slow.test"] == 1


@pytest.mark.long
def test_more_that_hang_than_are_looked_up_at_once(world):
    """They have a minute each. What is kept needs no look-up; what is not waits its turn."""
    world.publish("kept.test", policy())
    world.publish("fresh.test", policy())
    silent, hanging = socket.create_server(("127.0.0.2", world.web.port), backlog=64), []
    for n in range(64):
        world.publish(f"h{n}.test", policy(), certify=False)
        world.dns.records[f"mta-sts.h{n}.test", "A"] = ["127.0.0.2"]
    world.start()
    assert world.ask("kept.test").mode == "E"
    world.q.service("qsts").stop()
    world.start_qsts()
    got = {}
    callers = [threading.Thread(target=lambda n=n: got.update({n: world.ask(f"h{n}.test")})) for n in range(64)]
    for c in callers:
        c.start()
    silent.settimeout(50)
    while len(hanging) < 64:
        hanging.append(silent.accept()[0])
    began = time.monotonic()
    assert world.ask("kept.test").mode == "E"
    assert time.monotonic() - began < 15
    assert world.ask("fresh.test").mode == "E"
    for c in callers:
        c.join(30)
    assert list(got.values()) == [NONE] * 64
    for s in (silent, *hanging):
        s.close()


def test_broken_file_is_later_until_it_is_fetched_anew(world):
    world.publish("a.test", policy())
    world.start()
    assert world.ask("a.test").mode == "E"
    world.q.service("qsts").stop()
    path = world.q.home / "sts/a.test"
    path.write_bytes(path.read_bytes()[:20])
    world.dns.broken.add("_mta-sts.a.test")
    world.start_qsts()
    assert world.ask("a.test").mode == "Z"
    world.q.service("qsts").stop()
    world.dns.broken.clear()
    world.start_qsts()
    assert world.ask("a.test").mode == "E"
    assert world.web.hits["mta-sts.a.test"] == 2


def test_killed_at_any_moment_what_was_told_holds(world):
    domains = [f"k{n}.test" for n in range(40)]
    for d in domains:
        world.publish(d, policy(mx=[f"mx.{d}"]), certify=False)
    names = [f"mta-sts.{d}" for d in domains]
    world.web.certify(names[0], *names)
    for n in names:
        world.web.contexts[n] = world.web.contexts[names[0]]
    world.start()
    told = set()

    def ask(d):
        with contextlib.suppress(OSError, IndexError):  # it was killed
            if world.ask(d).mode == "E":
                told.add(d)

    for turn in range(8):
        callers = [threading.Thread(target=ask, args=(d,)) for d in domains[5 * turn : 5 * turn + 5]]
        for c in callers:
            c.start()
        time.sleep(0.012 * turn)
        if turn == 7:
            wait_for(lambda: told)  # some are, however slow this machine is
        world.q.kill("qsts")
        for c in callers:
            c.join(20)
        world.start_qsts()
    world.q.service("qsts").stop()
    world.dns.records.clear()  # what is not kept is not found any more
    world.start_qsts()
    answers = {d: world.ask(d) for d in domains}
    assert all(answers[d].mode == "E" for d in told)
    assert all(a in (NONE, Answer("E", "1", [f"mx.{d}"], None)) for d, a in answers.items())


def rewrite(world, domain, seconds):
    """As if it had been fetched so long ago."""
    path = world.q.home / "sts" / domain
    lines = [f"fetched {int(time.time()) - seconds}" if x.startswith("fetched ") else x
             for x in path.read_text().splitlines()]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")


def test_the_round_fetches_what_is_a_day_old_and_removes_what_is_over(world):
    world.publish("day.test", policy())
    world.publish("young.test", policy())
    world.publish("half.test", policy(max_age=86400))  # else over before it is a day old
    world.publish("over.test", policy(max_age=1000))
    world.start()
    for name in ("day", "young", "half", "over"):
        assert world.ask(f"{name}.test").mode == "E"
    world.q.service("qsts").stop()
    rewrite(world, "day.test", 90000)
    rewrite(world, "young.test", 80000)
    rewrite(world, "half.test", 50000)
    rewrite(world, "over.test", 1001)
    world.start_qsts()
    wait_for(lambda: world.web.hits["mta-sts.day.test"] == world.web.hits["mta-sts.half.test"] == 2)
    wait_for(lambda: world.kept() == ["day.test", "half.test", "young.test"])
    day = world.q.home / "sts/day.test"
    wait_for(lambda: int(re.search(r"fetched (\d+)", day.read_text())[1]) > time.time() - 1000)
    assert world.web.hits["mta-sts.young.test"] == 1


def test_a_policy_that_is_over_is_looked_for_at_once(world):
    """Not behind the five minutes in which nobody looks again: that would be a downgrade."""
    world.publish("short.test", policy(max_age=1))
    world.publish("ends.test", policy(max_age=1000))
    world.start()
    assert world.ask("short.test").mode == world.ask("ends.test").mode == "E"
    time.sleep(2.2)
    assert world.ask("short.test").mode == "E" and world.web.hits["mta-sts.short.test"] == 2
    # one that is kept, as it cannot be fetched again
    world.q.service("qsts").stop()
    rewrite(world, "ends.test", 997)
    world.publish("ends.test", http(b"", status="404 Not Found"), certify=False)
    world.start_qsts()
    assert world.ask("ends.test").mode == "E"
    world.publish("ends.test", policy(max_age=1000), certify=False)
    time.sleep(4.2)
    assert world.ask("ends.test").mode == "E"


def test_strangers_frames_end_their_connection_alone(world):
    world.publish("a.test", policy())
    world.start()
    for frame in (b"\0", b"a.test", b"A.test\0", b"../passwd\0", b"a..test\0", b"a.test\0x", b"x" * 5000):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(10)
            s.connect(str(world.q.home / "run/qsts/sock"))
            s.send(frame)
            assert s.recv(100) == b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:  # many on one connection
        s.settimeout(20)
        s.connect(str(world.q.home / "run/qsts/sock"))
        for _ in range(3):
            s.send(b"a.test\0")
            assert world.read(s).mode == "E"


def test_ends_with_its_other_half(world):
    service = world.start()
    children = [int(c) for c in open(f"/proc/{service.pid}/task/{service.pid}/children").read().split()]
    assert len(children) == 1
    os.kill(children[0], 9)
    assert service.popen.wait(30) == 111
    assert "has ended" in service.text()


@pytest.mark.root("services have uids of their own")
def test_who_may_reach_what(world):
    world.publish("a.test", policy())
    service = world.start()
    world.ask("a.test")
    ids = world.q.ids
    path = world.q.home / "sts"
    assert (path.stat().st_uid, path.stat().st_mode & 0o7777) == (ids["quoinm"], 0o700)
    assert (path / "a.test").stat().st_mode & 0o7777 == 0o600
    child = int(open(f"/proc/{service.pid}/task/{service.pid}/children").read())
    for pid in (service.pid, child):
        status = open(f"/proc/{pid}/status").read()
        assert f"Uid:\t{ids['quoinm']}\t{ids['quoinm']}\t{ids['quoinm']}" in status
        assert "NoNewPrivs:\t1" in status
    # the half that faces the network has no file open but its log and /dev/null
    names = {os.readlink(f"/proc/{child}/fd/{fd}") for fd in os.listdir(f"/proc/{child}/fd")}
    assert not [n for n in names if n.startswith(str(path)) or "/run/" in n], names


@pytest.mark.root("the directory becomes somebody else's")
def test_what_cannot_be_kept_still_counts(world):
    world.publish("a.test", policy())
    path = world.q.home / "sts"
    os.chown(path, 0, 0)
    path.chmod(0o755)
    world.start()
    for _ in range(2):  # each time anew
        assert world.ask("a.test").mode == "E"
    assert world.web.hits["mta-sts.a.test"] == 2
    assert "warning: unable to keep the policy of a.test: Permission denied" in world.q.log("qsts")


def test_no_directory_is_a_clear_line(quoin):
    (quoin.home / "sts").rmdir()
    quoin.control("dnsservers", "127.0.0.1 1")
    s = quoin.start("qsts", ready=False)
    assert s.popen.wait(30) == 111
    assert "fatal: unable to open the directory sts" in s.text()




# ---- the caller's side (lib/stsask) -------------------------------------------------------------


def stsq(q, domain, *ms):
    """What lib/stsask says, and the seconds that it took."""
    began = time.monotonic()
    out = subprocess.run([STSQ, q.home, domain, *map(str, ms)], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out.stderr
    return out.stdout.strip(), time.monotonic() - began


@contextlib.contextmanager
def false_qsts(q, answer):
    """answer(conn) serves each caller."""
    path = q.home / "run/qsts/sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.bind(str(path))
        s.listen()

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    conn, _ = s.accept()
                    with conn:
                        answer(conn)

        threading.Thread(target=serve, daemon=True).start()
        yield
        s.shutdown(socket.SHUT_RDWR)


@needs_stsq
def test_callers_hear_what_qsts_says(world):
    world.publish("a.test", policy(mx=["mail.a.test", "*.b.test"]), id="7")
    assert stsq(world.q, "a.test")[0] == "N"  # no qsts on this host
    service = world.start()
    assert stsq(world.q, "A.Test.")[0] == "E 7 mail.a.test *.b.test"
    assert stsq(world.q, "nothing.test")[0] == "N"
    # a restart: callers wait for the next one, as long as that is soon there
    service.stop()
    got = []
    caller = threading.Thread(target=lambda: got.append(stsq(world.q, "a.test")))
    caller.start()
    time.sleep(0.3)
    world.start_qsts()
    caller.join(20)
    assert got[0][0] == "E 7 mail.a.test *.b.test"


@needs_stsq
def test_callers_of_one_that_is_away_or_mad(quoin):
    with false_qsts(quoin, lambda conn: conn.recv(1000)):
        pass  # its socket stays
    text, seconds = stsq(quoin, "a.test")
    assert text == "away Connection refused" and 4 < seconds < 20
    with false_qsts(quoin, lambda conn: time.sleep(20)):
        text, seconds = stsq(quoin, "a.test", 300)
        assert text == "away Connection timed out" and seconds < 18
    for frame in (b"X", b"E1\0\0", b"N" * 20000, b"Eid\0\1../x\0", b"Z\x1b[2J\0"):
        with false_qsts(quoin, lambda conn, frame=frame: (conn.recv(1000), conn.send(frame))):
            text, _ = stsq(quoin, "a.test")
            assert text in ("away Bad message", "away Message too long"), (frame, text)


# ---- from the TXT record to the delivery --------------------------------------------------------


@pytest.mark.root("network namespaces, port 25")
@pytest.mark.programs("qremote")
@pytest.mark.tools("ip", "nsd", "unbound", "ldns-signzone", "postfix")
def test_qremote_obeys_and_goes_on_obeying(world):
    """A host of the policy with a certificate gets mail, one without does not, and neither does one that
    is not listed; nor later, when DNS and the web server are somebody else's."""
    cases = [Case(server, "plain", "", None) for server in ("good", "self", "good", "self")]
    listed, selfsigned, unlisted, none = cases
    hosts = Hosts(cases)
    try:
        for case, mx in ((listed, listed.host), (selfsigned, "*.plain.test"), (unlisted, "other.plain.test")):
            world.publish(case.domain, policy(mx=[mx]))
        world.start()
        with Qtls(hosts.ca) as qtls:

            def said(case):
                with Remote(netns=hosts.a, qtls=qtls, qsts=world.q.home / "run/qsts", dnsservers="127.0.0.1 53") as r:
                    rep = r.deliver(rcpts=[f"b@{case.domain}"], timeout=90)
                return f"{rep.letters} {rep.texts[0]}"

            for _ in range(2):
                assert re.match(r"K .*TLS=TLSv1.3 \S+ name", said(listed))
                assert re.match(r"Z .*MTA-STS policy: self-signed", said(selfsigned))
                assert re.match(r"Z .*MTA-STS policy does not list it", said(unlisted))
                assert re.match(r"K .*TLS=TLSv1.3 \S+ unverified", said(none))
                world.q.service("qsts").stop()
                world.dns.records.clear()
                world.web.answers.clear()
                world.start_qsts()
    finally:
        hosts.close()
