"""qremote over TLS to next hops: what control/tlspolicy demands, logins, and servers that cheat.

What DNS and MTA-STS demand is in test_secure.py.
"""

import base64
import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import warnings
from base64 import b64encode
from pathlib import Path

import pytest
from certs import Authority, self_signed
from postfix import Postfix
from quoin import free_port, wait_for
from remote_driver import Qtls, Remote, Server, server_context, speaker

pytestmark = pytest.mark.programs("qremote", "qrspawn", "qtls")

TLS = r"TLSv1\.3 TLS_AES_\w+"


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certs(ca, tmp_path_factory):
    where = tmp_path_factory.mktemp("certs")
    return {
        "good": ca.issue("localhost"),
        "rsa": ca.issue("localhost", kind="rsa"),
        "wrong": ca.issue("other.example"),
        "expired": ca.issue("localhost", days=-1),
        "nul": ca.issue("localhost\0.evil.example", common="evil.example"),
        "wild": ca.issue("*"),
        "self": self_signed(where, "localhost"),
    }


@pytest.fixture(scope="module")
def qtls(ca):
    with Qtls(ca) as q:
        yield q


class Hop:
    """A Server that speaks TLS, as "localhost": the name that a route has, by a resolver of its own."""

    def __init__(self, cert, **kw):
        self.got = []
        self.context = server_context(cert) if cert else None
        self.server = Server(speaker(self.got, tls=self.context, **kw))
        self.port = self.server.port
        self.route = f"localhost {self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.__exit__()


class Resolver:
    """Says 127.0.0.1 to each question for an address; nothing is validated."""

    def __init__(self):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def line(self):
        return f"127.0.0.1 {self.udp.getsockname()[1]}"

    def answer(self, kind):
        """The data of its records, and is it validated?"""
        return [b"\x7f\0\0\1"] if kind == b"\0\1" else [], False

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                q, peer = self.udp.recvfrom(4096)
                end = q.index(b"\0", 12) + 5
                kind = q[end - 4 : end - 2]
                rdata, ad = self.answer(kind)
                head = q[:2] + (b"\x81\xa0" if ad else b"\x81\x80") + b"\0\1" + len(rdata).to_bytes(2, "big")
                rrs = b"".join(b"\xc0\x0c" + kind + b"\0\1\0\0\0\x3c" + len(d).to_bytes(2, "big") + d for d in rdata)
                self.udp.sendto(head + bytes(4) + q[12:end] + rrs, peer)


class Signed(Resolver):
    """The same, validated, and each name has these TLSA records."""

    def __init__(self, tlsa):
        self.tlsa = tlsa
        super().__init__()

    def answer(self, kind):
        return (self.tlsa if kind == b"\0\x34" else super().answer(kind)[0]), True


@pytest.fixture(scope="module")
def resolver():
    r = Resolver()
    yield r.line()
    r.udp.close()


@pytest.fixture
def send(qtls, resolver):
    """send(route, control..., job=...) -> the report and the log."""

    def one(route, logins=(), qtls=qtls, **control):
        with Remote(qtls=qtls, dnsservers=resolver, **control) as r:
            rep = r.deliver(route=route, logins=logins, timeout=90)
            return rep, r.log()

    return one


# ---- what the admin demands -----------------------------------------------------------


@pytest.mark.parametrize(
    "rule, cert, letter, said",
    [
        ("none", "good", "K", r"\(TLS=none, \d+ ms\)"),
        ("may", "good", "K", rf"\(TLS={TLS} unverified, \d+ ms\)"),
        ("may", "self", "K", rf"TLS={TLS} unverified"),
        ("may", "expired", "K", rf"TLS={TLS} unverified"),
        ("may", None, "K", "TLS=none"),
        ("encrypt", "self", "K", rf"TLS={TLS} unverified"),
        ("encrypt", None, "Z", r"does not offer STARTTLS, which control/tlspolicy demands \(#4\.7\.4\)"),
        ("verify", "good", "K", rf"TLS={TLS} name"),
        ("verify", "rsa", "K", rf"TLS={TLS} name"),
        ("verify", "self", "Z", r"its certificate is not good enough for control/tlspolicy: self-signed certificate \(#4\.7\.5\)"),
        ("verify", "expired", "Z", r"certificate has expired \(#4\.7\.5\)"),
        ("verify", "wrong", "Z", r"\w+ mismatch \(#4\.7\.5\)"),
        ("verify", "nul", "Z", r"\(#4\.7\.5\)"),
        ("verify", "wild", "Z", r"\(#4\.7\.5\)"),
        ("verify", None, "Z", r"#4\.7\.4"),
        ("verify other.example", "wrong", "K", rf"TLS={TLS} name"),
        ("verify other.example", "good", "Z", r"\(#4\.7\.5\)"),
        ("verify a.example other.example", "wrong", "K", rf"TLS={TLS} name"),
        ("verify .example", "wrong", "K", rf"TLS={TLS} name"),
        ("pin {self}", "self", "K", rf"TLS={TLS} pin"),
        ("pin {good} {self}", "self", "K", rf"TLS={TLS} pin"),
        ("pin {wrong}", "wrong", "K", rf"TLS={TLS} pin"),
        ("pin {good}", "self", "Z", r"the key is none of the pinned ones \(#4\.7\.5\)"),
        ("pin {good}", None, "Z", r"#4\.7\.4"),
    ],
)
def test_rule(send, certs, rule, cert, letter, said):
    rule = rule.format(**{k: c.pin for k, c in certs.items()})
    with Hop(certs[cert] if cert else None) as hop:
        rep, log = send(hop.route, tlspolicy=f"localhost:{rule}")
    assert rep.letters == letter and re.search(said, rep.texts[0]), (rep, log)
    assert len(hop.got) == (letter == "K")
    if letter == "Z":  # not a byte of the mail
        assert not any(x.startswith((b"MAIL", b"RCPT")) for c in hop.server.conns for x in c.lines)


def test_whose_rule_counts(send, certs):
    """A route's rule is that of the hop, not that of the recipients' domain."""
    with Hop(certs["self"]) as hop:
        assert send(hop.route, tlspolicy="there.example:verify\n:encrypt")[0].letters == "K"
        assert send(hop.route, tlspolicy="there.example:none\n:verify")[0].letters == "Z"
        for host in ("LocalHost", "localhost."):  # the same
            assert send(f"{host} {hop.port}", tlspolicy="localhost:verify")[0].letters == "Z"
    with Hop(certs["good"]) as hop:
        assert send(f"localhost. {hop.port}", tlspolicy="localhost:verify")[0].letters == "K"
        assert hop.context.sni == "localhost"


def test_without_a_rule(send, certs):
    with Hop(certs["self"]) as hop:
        rep, log = send(hop.route)
    assert rep.letters == "K"
    assert re.search(rf"port={hop.port} tls=TLSv1\.3 cipher=TLS_\w+ verified=no decided=1 of=1 code=250", log), log
    assert hop.context.sni == "localhost"
    # everything before TLS is forgotten: EHLO twice, and STARTTLS is not offered again
    words = [x.strip().partition(b" ")[0] for x in hop.server.conns[0].lines]
    assert words[:3] == [b"EHLO", b"STARTTLS", b"EHLO"]


def test_large_message_and_kept_connection(qtls, resolver, certs):
    message = b"Subject: x\n\n" + b"0123456789abcdef" * 4 * 50000
    with Hop(certs["good"]) as hop, Remote(spawner=True, qtls=qtls, dnsservers=resolver,
                                           tlspolicy="localhost:verify") as r:
        for _ in range(3):
            rep = r.deliver(message, route=hop.route)
            assert rep.letters == "K" and re.search(rf"TLS={TLS} name", rep.texts[0])
        assert hop.server.connections == 1
    assert all(len(m[1]) > len(message) for m in hop.got)


def test_next_hop_of_several(send, certs):
    """The one that is not good enough is passed over; the next one takes it."""
    with Hop(certs["self"]) as bad, Hop(certs["good"]) as good:
        rep, _ = send(f"{bad.route},{good.route}", tlspolicy=":verify")
        assert rep.letters == "K" and not bad.got and good.got
        rep, _ = send(f"{bad.route},{bad.route}", tlspolicy=":verify")
        assert rep.letters == "Z" and rep.texts[0].count("4.7.5") == 2


# ---- TLSA records (the table is test_secure.py's) --------------------------------------


@pytest.mark.parametrize(
    "others, right, letter, said",
    [
        (0, True, "K", "dane"),
        (63, True, "K", "dane"),  # an authority has many keys in turn, a host many authorities
        (0, False, "Z", "#4.7.5"),
        ("large", False, "Z", "#4.7.5"),  # one that would be usable, were there room for it
        ("large", True, "K", "dane"),
    ],
)
def test_tlsa_records(qtls, certs, others, right, letter, said):
    wrong = b"\3\0\0" + bytes(5000) if others == "large" else b"\3\1\1" + bytes(32)
    records = [wrong] * (1 if others == "large" or not right else others)
    records += [b"\3\1\1" + bytes.fromhex(certs["self"].pin)] if right else []
    signed = Signed(records)
    with Hop(certs["self"]) as hop, Remote(qtls=qtls, dnsservers=signed.line()) as r:
        rep = r.deliver(route=hop.route)
        assert rep.letters == letter and said in rep.texts[0], (rep, r.log())
    signed.udp.close()


# ---- servers that fail or cheat -------------------------------------------------------


def starttls(after):
    """A server that says yes to STARTTLS, and then after(conn); a second connection is good."""

    def script(conn, number):
        conn.send("220 x\r\n")
        while line := conn.readline():
            if line.startswith(b"EHLO"):
                conn.send("250-x\r\n250 STARTTLS\r\n")
            elif line.startswith(b"STARTTLS"):
                after(conn)
                return
            elif line.startswith(b"DATA"):
                conn.send("354 go\r\n")
                while conn.readline() not in (b".\r\n", b""):
                    pass
                conn.send("250 taken in clear\r\n")
            else:
                conn.send("250 ok\r\n")

    return script


BROKEN = {
    "noise": lambda c: c.send(b"220 go\r\n") or time.sleep(0.3) or c.send(b"\x01\x02garbage" * 10),
    "plaintext": lambda c: c.send(b"220 go\r\n") or time.sleep(0.3) or c.send(b"250 still here\r\n"),
    "hangs up": lambda c: c.send(b"220 go\r\n"),
    "alert": lambda c: c.send(b"220 go\r\n") or c.s.recv(1) and c.send(b"\x15\3\1\0\2\2\x28"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_broken_tls_is_clear_text_only_where_it_may(send, how):
    with Server(starttls(BROKEN[how])) as s:
        route = f"localhost {s.port}"
        rep, log = send(route)
        assert rep.letters == "K" and "TLS=none" in rep.texts[0]
        assert s.connections == 2 and re.search(r"tls=none tlswhy=\S+ decided=1", log), log
        for rule in ("encrypt", "verify", "pin " + "ab" * 32):
            rep, log = send(route, tlspolicy=f":{rule}")
            assert rep.letters == "Z" and re.search(r"no TLS session: .*\(#4\.7\.5\)", rep.texts[0]), rep
        assert s.connections == 5


@pytest.mark.parametrize("version, letters, said", [("TLSv1_2", "KKK", "TLSv1.2"), ("TLSv1_1", "KZZ", "none"), ("TLSv1", "KZZ", "none")])
def test_old_versions(send, certs, version, letters, said):
    """What is older than 1.2 is no TLS: in clear where that may be."""
    with Hop(certs["good"]) as hop:
        hop.context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            hop.context.minimum_version = hop.context.maximum_version = ssl.TLSVersion[version]
        for rule, letter in zip(("may", "encrypt", "verify"), letters):
            rep, log = send(hop.route, tlspolicy=f":{rule}")
            assert rep.letters == letter, (rep, log)
            assert letter == "Z" or f"(TLS={said}" in rep.texts[0], (rep, log)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_server_that_refuses_behind_our_handshake(send, certs, version):
    """One that wants a certificate of ours: with TLS 1.3 it says so when our half is done."""
    with Hop(certs["good"]) as hop:
        hop.context.minimum_version = hop.context.maximum_version = ssl.TLSVersion[version]
        hop.context.verify_mode = ssl.CERT_REQUIRED
        rep, log = send(hop.route)
        assert rep.letters == "K" and "TLS=none" in rep.texts[0], (rep, log)
        assert re.search(r"tls=none tlswhy=\S+ decided=1", log), log
        for rule in ("encrypt", "verify"):
            rep, log = send(hop.route, tlspolicy=f":{rule}")
            assert rep.letters == "Z", (rep, log)


def test_a_reply_behind_the_handshake_is_the_host_s_own(send, certs):
    """Whoever speaks TLS with us and says no is not asked again in clear."""
    answers = {"EHLO": lambda _: "421 4.3.2 not now" if hop.server.conns[-1].context else "250-x\r\n250 STARTTLS"}
    with Hop(certs["good"], answers=answers) as hop:
        rep, _ = send(hop.route)
        assert rep.letters == "Z" and "not now" in rep.texts[0] and hop.server.connections == 1


@pytest.mark.parametrize("injected", [b"250-x\r\n250 injected\r\n", b"2", b"\x16\x03\x01"])
@pytest.mark.parametrize("rule", ["may", "verify"])
def test_reply_behind_starttls_was_injected(send, injected, rule):
    """RFC 3207 6 leaves it open; whoever put it there wants it to be taken for TLS's. No fall-back."""
    with Server(starttls(lambda c: c.send(b"220 go\r\n" + injected) or c.readline())) as s:
        rep, _ = send(f"localhost {s.port}", tlspolicy=f":{rule}")
        assert rep.letters == "Z" and "something stands behind its answer to STARTTLS (#4.7.5)" in rep.texts[0]
        assert s.connections == 1


@pytest.mark.parametrize("answer, letter", [("454 4.3.0 not now", "K"), ("500 what", "K"), ("421 bye", "Z")])
def test_starttls_is_refused(send, answer, letter):
    with Hop(None) as hop:
        hop.server.script = refusing(answer, hop.got)
        rep, log = send(hop.route)
        assert rep.letters == letter, (rep, log)
        if letter == "K":
            assert "TLS=none" in rep.texts[0] and "tlswhy=" in log and hop.server.connections == 1
        rep, _ = send(hop.route, tlspolicy=":encrypt")
        assert rep.letters == "Z"


def refusing(answer, got):
    """A speaker() that offers STARTTLS and then answers that."""
    inner = speaker(got, caps=("STARTTLS",))

    def script(conn, number):
        readline = conn.readline

        def filtered():
            line = readline()
            while line.startswith(b"STARTTLS"):
                conn.send(answer + "\r\n")
                if answer.startswith("421"):
                    return b""
                line = readline()
            return line

        conn.readline = filtered
        inner(conn, number)

    return script


@pytest.mark.parametrize("verb", ["greeting", "EHLO"])
def test_refusal_in_clear_is_nobodys_word_where_tls_is_demanded(send, certs, verb):
    """Whoever stands between us could bounce mail with it; behind TLS it is the host's own."""
    answers = {"EHLO": "554 5.7.1 go away", "HELO": "554 5.7.1 go away"} if verb == "EHLO" else {}
    greeting = "554 5.7.1 go away" if verb == "greeting" else "220 x"
    with Hop(certs["good"], answers=answers, greeting=greeting) as hop:
        for rule, letter in (("may", "D"), ("encrypt", "Z"), ("verify", "Z")):
            rep, _ = send(hop.route, tlspolicy=f":{rule}")
            assert rep.letters == letter and "go away" in rep.texts[0], (rule, rep)
    inside = {verb: lambda _: "554 5.7.1 go away" if hop.server.conns[-1].context else "250-x\r\n250 STARTTLS"
              for verb in ("EHLO", "HELO")}  # fmt: skip
    with Hop(certs["good"], answers=inside) as hop:
        assert send(hop.route, tlspolicy=":verify")[0].letters == "D"


def test_handshake_that_never_ends(send, certs):
    """It is waited for no longer than timeoutremote."""
    with Server(starttls(lambda c: c.send(b"220 go\r\n") or c.s.recv(4096) and time.sleep(20))) as s:
        started = time.monotonic()
        rep, _ = send(f"localhost {s.port}", tlspolicy=":encrypt", timeoutremote="2")
        assert rep.letters == "Z" and time.monotonic() - started < 18


# ---- port 465 -------------------------------------------------------------------------


def in_clear(conn, number):
    conn.send("220 x\r\n")
    for line in iter(conn.file.readline, b""):
        if line.startswith(b"DATA"):
            conn.send("354 go\r\n")
            while conn.file.readline() not in (b".\r\n", b""):
                pass
        conn.send("250 ok\r\n")


@pytest.mark.root("port 465")
@pytest.mark.parametrize("rule, cert, letter", [
    (None, "self", "K"), ("verify", "good", "K"), ("verify", "self", "Z"), ("pin {self}", "self", "K"),
    ("may", "self", "K"), ("encrypt", None, "Z"), (None, None, "Z"), ("none", None, "K"),
])  # fmt: skip
def test_tls_from_the_first_byte(send, certs, rule, cert, letter):
    """cert None: the server there speaks in clear."""
    got = []
    context = server_context(certs[cert]) if cert else None
    listener = socket.create_server(("127.0.0.1", 465))
    script = speaker(got, tls=context, implicit=True) if cert else in_clear
    with Server(script, listener=listener):
        rule = rule.format(**{k: c.pin for k, c in certs.items()}) if rule else rule
        control = {"tlspolicy": f":{rule}"} if rule else {}
        rep, log = send("localhost 465", timeoutremote="5", **control)
    assert rep.letters == letter, (rep, log)
    if rule != "none" and letter == "K":
        assert re.search(rf"TLS={TLS}", rep.texts[0])


# ---- qtls itself ----------------------------------------------------------------------


def test_no_qtls_on_this_host(send, certs):
    """It never was set up: as before it was there. Away for a moment: mail waits."""
    with Hop(certs["good"]) as hop:
        rep, log = send(hop.route, qtls=None)
        assert rep.letters == "K" and "TLS=none" in rep.texts[0] and "no\\x20qtls" in log
        rep, _ = send(hop.route, qtls=None, tlspolicy=":encrypt")
        assert rep.letters == "Z" and "(#4.3.0)" in rep.texts[0]


def test_qtls_is_being_started(ca, resolver, certs):
    """As at a boot: the directory is there, the socket not yet. No message goes in clear for that."""
    with Hop(certs["good"]) as hop, Qtls(ca) as q:
        (q.door / "sock").rename(q.door / "later")
        with Remote(qtls=q, dnsservers=resolver) as r:
            r.start()
            slot = r.send(b"x\n", route=hop.route)
            time.sleep(1)
            (q.door / "later").rename(q.door / "sock")
            rep = r.report()
            assert rep.slot == slot and rep.letters == "K" and re.search(TLS, rep.texts[0]), rep


def test_qtls_was_never_started(ca, resolver, certs):
    """Waited for once, and then in clear, where that may be."""
    with Hop(certs["good"]) as hop, Qtls(ca) as q:
        (q.door / "sock").unlink()
        with Remote(qtls=q, dnsservers=resolver) as r:
            began = time.monotonic()
            assert "TLS=none" in r.deliver(route=hop.route).texts[0]
            took = time.monotonic() - began
            hop.server.conns[0].close()
            assert "TLS=none" in r.deliver(route=hop.route).texts[0]
            assert 4 < took < 20 and time.monotonic() - began < took + 4 and hop.server.connections == 2


def test_qtls_is_away(ca, resolver, certs):
    with Hop(certs["good"]) as hop, Qtls(ca) as q:
        q.popen.terminate()
        q.popen.wait(30)
        with Remote(qtls=q, dnsservers=resolver) as r:
            rep = r.deliver(route=hop.route)
        assert rep.letters == "Z" and "unable to speak TLS" in rep.texts[0] and not hop.got


def test_qtls_is_busy(ca, resolver, certs):
    with Hop(certs["good"]) as hop, Qtls(ca, tlssessions="1") as q:
        held = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        held.connect(str(q.door / "sock"))
        time.sleep(0.2)
        with held, Remote(qtls=q, dnsservers=resolver) as r:
            rep = r.deliver(route=hop.route)
            assert rep.letters == "Z" and "unable to speak TLS" in rep.texts[0] and not hop.got


@pytest.mark.parametrize("when", ["in the message", "behind the dot"])
def test_session_that_dies_makes_nothing_delivered(ca, resolver, certs, when):
    """qtls ends between us and a server: whatever that has, we have no word of it. And the
    starter, which then runs itself anew, serves the next one."""
    at_the_dot, go_on = threading.Event(), threading.Event()

    def dot(_line):
        at_the_dot.set()
        go_on.wait(20)
        return "250 taken"

    message = b"x" * 70 + b"\n"
    with (
        Qtls(ca) as q,
        Hop(certs["good"], answers={".": dot}) as hop,
        Remote(qtls=q, dnsservers=resolver) as r,
    ):
        r.start()
        if when == "in the message":
            hop.server.script = stops_reading(hop.context, at_the_dot, go_on)
            message *= 500000
        r.send(message, route=hop.route)
        assert at_the_dot.wait(20)
        (session,) = children(q.popen.pid)
        os.kill(session, signal.SIGKILL)
        rep = r.report(30)
        go_on.set()
        assert rep.letters == "Z", rep
        hop.server.script = speaker(hop.got, tls=hop.context)
        assert r.deliver(route=hop.route).letters == "K"


def stops_reading(context, reached, go_on):
    inner = speaker([], tls=context)

    def script(conn, number):
        readline = conn.readline

        def slow():
            line = readline()
            if line.startswith(b"DATA"):
                conn.send("354 go on\r\n")
                conn.file.read(100000)
                reached.set()
                go_on.wait(20)
                raise OSError("enough")
            return line

        conn.readline = slow
        inner(conn, number)

    return script


def memory_of(pid):
    """All that a process may write to."""
    found = b""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            where, mode = line.split()[:2]
            first, end = (int(x, 16) for x in where.split("-"))
            if end - first > 1 << 30:
                pytest.skip("a sanitizer's memory")
            if mode.startswith("rw"):
                mem.seek(first)
                found += mem.read(end - first)
    return found


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(x) for x in f.read().split()]


# ---- logins ---------------------------------------------------------------------------

LOGIN = ("localhost", "alice", "correct horse \x7f battery")


def login_of(hop):
    return [(c.lines, c.user) for c in hop.server.conns if getattr(c, "user", None)]


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN", "CRAM-MD5 plain", "XOAUTH2 login"])
@pytest.mark.parametrize("password", [LOGIN[2], "x" * 1000])
def test_login(send, certs, mechanisms, password):
    with Hop(certs["good"], logins={"alice": password}, mechanisms=mechanisms) as hop:
        rep, log = send(hop.route, [("localhost", "alice", password)])
        assert rep.letters == "K", (rep, log)
        assert re.search(rf"TLS={TLS} name", rep.texts[0]) and "login=alice" in log
        assert login_of(hop)


def test_login_wants_a_verified_host(send, certs):
    """No word of it to anybody else: not in clear, not to a stranger, whatever tlspolicy allows."""
    for cert in (None, "self", "wrong", "expired"):
        with Hop(certs[cert] if cert else None, logins={"alice": LOGIN[2]}) as hop:
            for rule in ("", ":may", ":encrypt", ":verify", ":none"):
                rep, _ = send(hop.route, [LOGIN], **({"tlspolicy": rule} if rule else {}))
                assert rep.letters == "Z" and re.search(r"#4\.7\.[45]", rep.texts[0]), (rep, cert, rule)
            assert not any(b"AUTH" in x for c in hop.server.conns for x in c.lines)


def test_login_by_pin(send, certs):
    with Hop(certs["self"], logins={"alice": LOGIN[2]}) as hop:
        rep, _ = send(hop.route, [LOGIN], tlspolicy=f":pin {certs['self'].pin}")
        assert rep.letters == "K" and rep.texts[0].count(" pin,") == 1


def test_wrong_login_waits_and_says_so(send, certs):
    with Hop(certs["good"], logins={"alice": "other"}) as hop:
        rep, log = send(hop.route, [LOGIN])
    assert rep.letters == "Z" and "does not accept the login of control/smtpauth: 535 5.7.8 no (#4.7.8)" in rep.texts[0]
    assert "transcript" in log and "AUTH\\x20PLAIN\\x20..." in log


def test_login_is_offered_in_clear_alone(send, certs):
    """What was said before TLS counts for nothing behind it."""

    def ehlo(_line):
        under = hop.server.conns[-1].context
        return "250 x" if under else "250-x\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS"

    with Hop(certs["good"], answers={"EHLO": ehlo}) as hop:
        rep, _ = send(hop.route, [LOGIN])
        assert rep.letters == "Z" and "offers neither AUTH PLAIN nor AUTH LOGIN (#4.7.4)" in rep.texts[0]
        assert not any(b"AUTH" in x for c in hop.server.conns for x in c.lines)


@pytest.mark.parametrize(
    "mechanism, answers",
    [
        ("LOGIN", ["235 welcome"]),
        ("LOGIN", ["334-a\r\n334 b", "235 welcome"]),
        ("LOGIN", ["334 \xff\x00", "454 4.7.0 not now"]),
        ("LOGIN", ["334 x", "334 y", "334 more"]),
        ("LOGIN", ["334 x\r\n334 y\r\n235 ok"]),
        ("PLAIN", ["334 "]),
        ("PLAIN", ["454 4.7.0 not now"]),
        ("PLAIN", ["250 ok"]),
        ("PLAIN", ["23"]),
    ],
)
def test_login_that_goes_oddly(send, certs, mechanism, answers):
    """No mail, and no bounce."""

    def script(conn, number):
        left = list(answers)
        conn.send("220 x\r\n")
        while line := conn.readline():
            if line.startswith(b"EHLO"):
                conn.send(f"250-x\r\n250 AUTH {mechanism}\r\n" if conn.context else "250-x\r\n250 STARTTLS\r\n")
            elif line.startswith(b"STARTTLS"):
                conn.send("220 go\r\n")
                conn.wrap(hop.context)
                conn.context = hop.context
            elif left:
                conn.send(left.pop(0).encode("latin-1") + b"\r\n")
            else:
                conn.send("250 taken\r\n")

    def fresh(conn, number):
        conn.context = None
        script(conn, number)

    with Hop(certs["good"]) as hop:
        hop.server.script = fresh
        rep, log = send(hop.route, [LOGIN])
        assert rep.letters == "Z", (rep, log)
        assert not any(x.startswith(b"MAIL") for c in hop.server.conns for x in c.lines)


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("how", ["coded", "plain"])
def test_server_that_repeats_the_login(qtls, resolver, certs, mechanisms, how):
    """As one that does not know AUTH may; what it says is read by others than the admin."""

    def script(conn, number):
        inner = speaker([], tls=hop.context, logins={"alice": "x"}, mechanisms=mechanisms)
        readline = conn.readline

        def repeating():
            line = readline()
            word = line.split()[-1] if line.split() else b""
            if secret_in(word):
                said = word if how == "coded" else base64.b64decode(word).replace(b"\0", b" ")
                conn.send(b"500 5.5.1 what is this: " + said + b"\r\n")
                return b""
            return line

        conn.readline = repeating
        inner(conn, number)

    def secret_in(word):
        try:
            return LOGIN[2].encode() in base64.b64decode(word, validate=True)
        except ValueError:
            return False

    with Hop(certs["good"]) as hop, Remote(qtls=qtls, dnsservers=resolver) as r:
        hop.server.script = script
        rep = r.deliver(route=hop.route, logins=[LOGIN])
        assert rep.letters == "Z" and "does not accept the login of control/smtpauth: 500" in rep.texts[0]
        for text in (rep.texts[0], r.log()):
            assert "correct" not in text and "Y29ycmVjdC" not in text
            for shift in range(3):  # of the bytes before it in what was coded
                coded = b64encode(b"x" * shift + LOGIN[2].encode())[4:-4].decode()
                assert coded not in text


def test_no_login_is_offered(send, certs):
    with Hop(certs["good"]) as hop:
        rep, _ = send(hop.route, [LOGIN])
    assert rep.letters == "Z" and "offers neither AUTH PLAIN nor AUTH LOGIN (#4.7.4)" in rep.texts[0]


def test_login_goes_to_its_own_host_alone(send, certs):
    """Two hops with a login each, and one that has none: each hears its own."""
    with (
        Hop(certs["good"], logins={"bob": "b"}) as wants_bob,
        Hop(certs["good"]) as wants_none,
    ):
        rep, _ = send(f"localhost {wants_bob.port},127.0.0.1 {wants_none.port}", [("localhost", "alice", "a")])
        assert rep.letters == "K" and wants_none.got
        assert not any(b"AUTH" in x for c in wants_none.server.conns for x in c.lines)


def test_connection_is_kept_only_as_who_we_are(qtls, resolver, certs):
    with Hop(certs["good"], logins={"alice": LOGIN[2], "bob": "b"}) as hop, Remote(
            qtls=qtls, dnsservers=resolver) as r:
        assert r.deliver(route=hop.route, logins=[LOGIN]).letters == "K"
        assert r.deliver(route=hop.route, logins=[LOGIN]).letters == "K"
        assert hop.server.connections == 1
        assert r.deliver(route=hop.route, logins=[("localhost", "bob", "b")]).letters == "K"
        assert hop.server.connections == 2


@pytest.mark.root("the memory of an undumpable process")
def test_password_is_in_no_log_and_does_not_stay(qtls, resolver, certs):
    secret = "Tr0ubadour-and-3-more"
    with Hop(certs["good"], logins={"alice": secret}, answers={"MAIL": "451 no"}) as hop, Remote(
            spawner=True, qtls=qtls, dnsservers=resolver) as r:
        assert r.deliver(route=hop.route, logins=[("localhost", "alice", secret)]).letters == "Z"
        assert secret not in r.log()
        pids = [r.popen.pid, *children(r.popen.pid)]
        assert len(pids) == 2
        known = secret.encode(), b64encode(f"\0alice\0{secret}".encode())
        for pid in pids:
            # qremote wipes the job behind its report.
            wait_for(lambda pid=pid: not any(s in memory_of(pid) for s in known))
            memory = memory_of(pid)
            assert b"alice" not in memory if pid == r.popen.pid else hop.route.encode() in memory


# ---- a Postfix that wants a login -----------------------------------------------------


@contextlib.contextmanager
def dovecot(mechanisms):
    """Its auth service alone, for Postfix: the path of its socket."""
    where = Path(tempfile.mkdtemp(prefix="dc-", dir="/tmp"))
    where.chmod(0o755)
    (where / "users").write_text("alice:{PLAIN}" + LOGIN[2] + "\n")
    (where / "users").chmod(0o644)
    (where / "conf").write_text(f"""base_dir = {where}/run
log_path = {where}/log
protocols =
ssl = no
auth_failure_delay = 0
auth_mechanisms = {mechanisms}
passdb {{
  driver = passwd-file
  args = {where}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home=/
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener {where}/postfix {{
    mode = 0666
  }}
}}
""")
    p = subprocess.Popen(["dovecot", "-F", "-c", where / "conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for((where / "postfix").exists, what="dovecot")
        yield where / "postfix"
    finally:
        p.terminate()
        p.wait(30)
        shutil.rmtree(where)


@pytest.mark.root("Postfix becomes its own users, port 465")
@pytest.mark.tools("postfix", "dovecot")
@pytest.mark.parametrize("mechanisms", ["plain login", "login"])
def test_postfix_as_smart_host(send, certs, mechanisms):
    tls = f"-o smtpd_tls_chain_files={certs['good'].key},{certs['good'].chain} -o smtpd_tls_security_level=may"
    port = free_port()
    smtpd = (f"127.0.0.1:{port} inet n - n - - smtpd\n  {tls}\n"
             f"127.0.0.1:465 inet n - n - - smtpd\n  {tls} -o smtpd_tls_wrappermode=yes\n")  # fmt: skip
    with dovecot(mechanisms) as path, Postfix(
            smtpd=smtpd, smtpd_sasl_auth_enable="yes", smtpd_sasl_type="dovecot", smtpd_sasl_path=path,
            smtpd_tls_auth_only="yes", smtpd_recipient_restrictions="permit_sasl_authenticated,reject",
            mynetworks="", default_transport="discard:", port=port) as p:
        for route in (f"localhost {port}", "localhost 465"):
            rep, log = send(route, [LOGIN])
            assert rep.letters == "K" and re.search(rf"TLS={TLS} name", rep.texts[0]), (rep, log)
            rep, log = send(route, [(*LOGIN[:2], "wrong")])
            assert rep.letters == "Z" and "(#4.7.8)" in rep.texts[0], (rep, log)
            rep, log = send(route)
            assert rep.letters == "Z" and "Relay access denied" in rep.texts[0], (rep, log)
        assert len(set(re.findall(r"(\w+): client=.*sasl_username=alice$", p.log(), re.M))) == 2, p.log()
