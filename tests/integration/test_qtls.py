"""qtls, the server's side: called as qsmtpd calls it (gate.py), with real TLS clients."""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from certs import KEYS, Authority, openssl, self_signed
from gate import ASK, GO, Bridge, Caller, Refused, s_client, server, tcp_pair
from quoin import BIN, ROOT, SANITIZED, wait_for

pytestmark = [pytest.mark.programs("qtls", "qtls-key"), pytest.mark.tools("openssl")]


not_sanitized = pytest.mark.skipif(SANITIZED, reason="AddressSanitizer has its own memory, signals and limits")


def anybody(**kw):
    """A client that believes any certificate."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    for name, value in kw.items():
        setattr(ctx, name, value)
    return ctx


class Session:
    """One session, from the request to the plaintext: .tls is the client, .plain the caller's."""

    def __init__(self, q, ctx=None, name=None, request=None, door="tls-server"):
        self.tcp, peer = tcp_pair()
        caller = Caller(q, door).ask(request or server(), self.tcp).ready().go()
        self.failure = None
        self.tls = (ctx or anybody()).wrap_socket(peer, server_hostname=name, do_handshake_on_connect=False)
        shake = threading.Thread(target=self._shake)
        shake.start()
        try:
            self.facts, self.plain = caller.result()
        except Refused:
            self.tcp.close()
            raise
        finally:
            shake.join(20)
        self.tcp.close()

    def _shake(self):
        try:
            self.tls.do_handshake()
        except OSError as e:
            self.failure = e

    def cert(self):
        return self.tls.getpeercert(binary_form=True)

    def works(self):
        self.tls.sendall(b"to the server")
        assert self.plain.recv(100) == b"to the server"
        self.plain.sendall(b"to the client")
        assert self.tls.recv(100) == b"to the client"
        return self

    def close(self):
        self.plain.close()
        with contextlib.suppress(OSError):
            while self.tls.recv(65536):
                pass
        self.tls.close()


def der(cert):
    return ssl.PEM_cert_to_DER_cert(Path(cert.cert).read_text())


def sessions(starter):
    """The pids of its sessions."""
    return [int(p) for p in Path(f"/proc/{starter.pid}/task/{starter.pid}/children").read_text().split()]


def none_left(starter):
    wait_for(lambda: not sessions(starter), 60, "all sessions end")


@pytest.fixture
def starter(quoin, request):
    """No session may die by a signal: of a fault of ours, or because its sandbox lacks a call."""
    starter = quoin.start_tls()
    yield starter
    if "crash" not in request.node.name:
        assert "was ended by signal" not in starter.text()


# -- versions, keys, names -------------------------------------------------------------


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_versions_and_keys(quoin, kind, version):
    quoin.certificate(kind=kind)
    starter = quoin.start_tls()
    bridge = Bridge(quoin)
    s = Session(quoin, anybody(maximum_version=ssl.TLSVersion.TLSv1_2) if version == "-tls1_2" else None).works()
    assert s.facts.version == {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}[version]
    s.close()
    said = s_client(bridge.port, version, "-brief", stdin=b"hello\n")
    assert {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}[version] in said, said
    bridge.close()
    none_left(starter)


def known_groups():
    """What the library offers if nobody has chosen: of that, what s_client here knows."""
    usual = ["X25519", "P-256", "X448", "P-521", "P-384"]
    new = ssl.OPENSSL_VERSION_INFO >= (3, 5)
    return [*usual, "X25519MLKEM768"] if new else usual


@pytest.mark.parametrize("group", known_groups())
def test_groups_are_the_library_s_own(quoin, starter, group):
    """A new one, as those that quantum computers do not break, comes with the library."""
    bridge = Bridge(quoin)
    said = s_client(bridge.port, "-tls1_3", "-groups", group, stdin=b"hello\n")
    assert "New, TLSv1.3" in said and "Verify" in said, said
    bridge.close()
    none_left(starter)


def test_old_versions_are_refused(quoin, starter):
    bridge = Bridge(quoin)
    said = s_client(bridge.port, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    assert "alert protocol version" in said
    wait_for(lambda: bridge.refused)
    assert bridge.refused[0].letter == "H"
    bridge.close()
    none_left(starter)


@pytest.mark.parametrize("suite", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "ADH-AES128-SHA"])
def test_no_weak_suites(quoin, starter, suite):
    bridge = Bridge(quoin)
    assert "handshake failure" in s_client(bridge.port, "-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0")
    bridge.close()


def test_no_tickets_no_renegotiation_no_resumption(quoin, starter):
    bridge = Bridge(quoin)
    said = s_client(bridge.port, "-tls1_3", "-reconnect")
    assert "New Session Ticket" not in said
    said = s_client(bridge.port, "-tls1_2", "-reconnect")
    assert "Reused" not in said
    assert "TLS session ticket" not in said
    said = s_client(bridge.port, "-tls1_2", stdin=b"R\n")
    assert "no renegotiation" in said.lower(), said
    bridge.close()


def test_new_keys_in_mid_session(quoin, starter):
    """RFC 8446 4.6.3: the client's new key, and a request for ours."""
    bridge = Bridge(quoin)
    client = subprocess.Popen(
        ["openssl", "s_client", "-tls1_3", "-connect", f"127.0.0.1:{bridge.port}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    for line, answer in [("one", "one"), ("K", "KEYUPDATE"), ("two", "two"), ("k", "KEYUPDATE"), ("three", "three")]:
        client.stdin.write(line.encode() + b"\n")
        client.stdin.flush()
        while client.stdout.readline().strip() != answer.encode():
            assert client.poll() is None
    client.stdin.close()
    client.wait(20)
    bridge.close()
    none_left(starter)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_by_name(quoin, version):
    quoin.certificate("q.example")
    ca = Authority(quoin.certs_dir())
    one = quoin.certificate(where="one.example", cert=ca.issue("one.example"))
    two = quoin.certificate(where="two.example", cert=ca.issue("two.example", kind="rsa"))
    quoin.start_tls()
    default = None
    for name, want, fact in [
        ("one.example", der(one), "one.example"),
        ("TWO.example", der(two), "two.example"),
        ("three.example", None, "three.example"),
        (None, None, ""),
        ("one.example.", None, "one.example."),
    ]:
        s = Session(quoin, anybody(maximum_version=version), name=name).works()
        if want is None:
            default = default or s.cert()
            want = default
            assert want not in (der(one), der(two))
        assert s.cert() == want, name
        assert s.facts.name == fact
        s.close()
    # The chain is sent along.
    bridge = Bridge(quoin)
    said = s_client(bridge.port, "-servername", "one.example", "-CAfile", ca.cert, "-verify_return_error")
    assert "Verify return code: 0 (ok)" in said
    bridge.close()


@pytest.mark.parametrize("name", ["../default", "a b", ".hidden", "é.example", "a\\b"])
def test_names_that_are_none(quoin, starter, name):
    """A foreign name is looked up in a table, and never becomes a path or a log line."""
    bridge = Bridge(quoin)
    s_client(bridge.port, "-servername", name)
    wait_for(lambda: bridge.facts or bridge.refused)
    for f in bridge.facts:
        assert f.name == ""
    bridge.close()
    Session(quoin).works().close()


def test_without_default_the_first_is_served(quoin):
    quoin.certificate("b.example", where="b.example")
    a = quoin.certificate("a.example", where="a.example")
    quoin.start("qtls-key")
    starter = quoin.start("qtls", "-s", f"tls-server:{quoin.ids['quoind']}")
    assert "there is no control/tls/default" in starter.text()
    s = Session(quoin, name="c.example").works()
    assert s.cert() == der(a)
    s.close()


def test_protocols(quoin, starter):
    """RFC 7301: none or ours is fine, others alone are refused."""
    for offered, want, chosen in [((), "smtp", None), (("http/1.1", "smtp"), "smtp", "smtp"), (("h2",), "", None)]:
        ctx = anybody()
        if offered:
            ctx.set_alpn_protocols(list(offered))
        s = Session(quoin, ctx, request=server(alpn=want)).works()
        assert s.tls.selected_alpn_protocol() == chosen
        s.close()
    ctx = anybody()
    ctx.set_alpn_protocols(["h2", "http/1.1"])
    with pytest.raises(Refused) as refused:
        Session(quoin, ctx, request=server(alpn="smtp"))
    assert refused.value.letter == "H"


@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_client_certificates_are_reported(quoin, starter, kind, version):
    mine = self_signed(quoin.certs_dir(), "client.example", kind=kind, days=-1)
    ctx = anybody(maximum_version=version)
    ctx.load_cert_chain(mine.cert, mine.key)
    for request, key in [(server(ASK), mine.pin), (server(), "")]:
        s = Session(quoin, ctx, request=request).works()
        assert s.facts.key == key
        assert not s.facts.verified
        s.close()
    s = Session(quoin, request=server(ASK)).works()  # who has none is welcome too
    assert s.facts.key == ""
    s.close()


def test_a_client_certificate_without_its_key(quoin, starter):
    """The handshake proves that the client has the key; a forged proof fails."""
    mine = self_signed(quoin.certs_dir(), "client.example")
    ctx = anybody()
    ctx.load_cert_chain(mine.cert, mine.key)
    s = Session(quoin, ctx, request=server(ASK))
    assert s.facts.key == mine.pin
    s.close()


# -- the hand-over (tls-notes, 5) ----------------------------------------------------------


def handed_over(q, first, behind=b"", after_220=b"", tls=True):
    """STARTTLS as a client does it that sends `first` before the 220 (as bytes that the
    caller has not read) and `after_220` behind it."""
    mine, peer = tcp_pair()
    if first:
        peer.sendall(first)
        wait_for(lambda: mine.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    caller = Caller(q, "tls-server").ask(server(timeout=3000), mine).ready()
    mine.sendall(b"220 go\r\n")
    caller.go()
    assert peer.recv(100) == b"220 go\r\n"
    if after_220:
        peer.sendall(after_220)
    t = None
    if tls:
        t = threading.Thread(target=_shake, args=(peer,))
        t.start()
    try:
        return caller.result()
    finally:
        if t:
            mine.close()
            t.join(20)


def _shake(peer):
    with contextlib.suppress(OSError):
        anybody().wrap_socket(peer)


def test_waits_for_220(quoin, starter):
    facts, plain = handed_over(quoin, b"")
    assert facts.version == "TLSv1.3"
    plain.close()


@pytest.mark.parametrize("when", ["first", "after_220"])
@pytest.mark.parametrize("what", [b"RSET\r\n", b"\r\n", b"\0", b"\x80\x2e\x01", b"\x15\x03\x01"])
def test_plaintext_is_never_passed_on(quoin, starter, when, what):
    with pytest.raises(Refused) as refused:
        handed_over(quoin, **{"first": b"", when: what}, tls=False)
    assert refused.value.letter == "P"
    wait_for(lambda: "result=plaintext" in starter.text())
    none_left(starter)


def test_an_eager_client_is_no_attack(quoin, starter):
    """Its ClientHello comes before the 220: TLS begins at the byte where the caller stopped."""
    mine, peer = tcp_pair()
    ctx = anybody()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ctx.wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    peer.sendall(outgoing.read())
    caller = Caller(quoin, "tls-server").ask(server(), mine).ready()
    mine.sendall(b"220 go\r\n")
    caller.go()
    got = b""
    while not got.startswith(b"220 go\r\n"):
        got += peer.recv(100)
    incoming.write(got[8:])
    for _ in range(20):
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            incoming.write(peer.recv(65536))
    peer.sendall(outgoing.read())
    facts, plain = caller.result()
    assert facts.version == "TLSv1.3"
    plain.close()


def test_nothing_is_answered_before_go(quoin, starter):
    mine, peer = tcp_pair()
    caller = Caller(quoin, "tls-server").ask(server(), mine).ready()
    peer.sendall(b"\x16\x03\x01\x00\x05hello")
    peer.settimeout(0.5)
    with pytest.raises(TimeoutError):
        peer.recv(1)
    caller.close()
    wait_for(lambda: "result=left" in starter.text())
    none_left(starter)


@pytest.mark.parametrize(
    "first, letter",
    [
        (b"", "T"),
        (b"\x16", "T"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "T"),
        (b"\x16" + b"\xff" * 100, "H"),
        (b"\x16\x03\x01\xff\xff" + b"\1" * 70000, "H"),
        (b"\x16\x03\x01\x00\x00", "T"),
        (b"\x16\x03\x01\x00\x04\x01\xff\xff\xff", "H"),
    ],
    ids=["nothing", "byte", "half", "garbage", "oversized", "empty", "endless"],
)
def test_half_and_broken_handshakes(quoin, starter, first, letter):
    with pytest.raises(Refused) as refused:
        mine, peer = tcp_pair()
        caller = Caller(quoin, "tls-server").ask(server(GO, timeout=400), mine)
        with contextlib.suppress(OSError):
            peer.sendall(first)
        caller.result()
    assert refused.value.letter == letter, refused.value
    none_left(starter)
    Session(quoin).works().close()


def test_leaves_in_the_handshake(quoin, starter):
    mine, peer = tcp_pair()
    caller = Caller(quoin, "tls-server").ask(server(GO), mine)
    peer.sendall(b"\x16\x03\x01")
    peer.close()
    with pytest.raises(Refused) as refused:
        caller.result()
    assert refused.value.letter == "L"


def test_does_not_believe_our_certificate(quoin, starter):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(Refused) as refused:
        Session(quoin, ctx, name="q.example").works()
    assert (refused.value.letter, "unknown ca" in refused.value.text) == ("H", True)


def test_drips(quoin, starter):
    """A byte now and then does not make the handshake's time longer."""
    mine, peer = tcp_pair()
    caller = Caller(quoin, "tls-server").ask(server(GO, timeout=1000), mine)
    began = time.monotonic()
    stop = threading.Event()

    def drip():
        with contextlib.suppress(OSError):
            for b in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200):
                peer.sendall(bytes([b]))
                if stop.wait(0.05):
                    return

    t = threading.Thread(target=drip)
    t.start()
    with pytest.raises(Refused) as refused:
        caller.result()
    stop.set()
    t.join()
    assert refused.value.letter == "T"
    assert time.monotonic() - began < 8


# -- callers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        b"X",
        b"S",
        server() + b"x",
        server()[:-1],
        server(flags=0x80),
        server(alpn="x" * 33),
        b"C" + server()[1:],
        b"S" * 60000,
    ],
)
def test_bad_requests_cost_their_own_session(quoin, starter, frame):
    mine, _peer = tcp_pair()
    caller = Caller(quoin, "tls-server").ask(frame, mine)
    assert caller.s.recv(100) == b""
    none_left(starter)
    Session(quoin).works().close()


def test_no_connection_or_a_wrong_one(quoin, starter):
    a, _b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with open("/dev/null", "rb") as file:
        for thing in (None, a, file):
            caller = Caller(quoin, "tls-server").ask(server(), thing)
            assert caller.s.recv(100) == b""
    none_left(starter)
    assert starter.text().count("result=refused") == 3


def test_several_descriptors(quoin, starter):
    mine, peer = tcp_pair()
    caller = Caller(quoin, "tls-server")
    socket.send_fds(caller.s, [server()], [mine.fileno(), peer.fileno()])
    assert caller.s.recv(100) == b""
    none_left(starter)


def test_a_caller_that_says_nothing(quoin, starter):
    began = time.monotonic()
    caller = Caller(quoin, "tls-server")
    assert caller.s.recv(100) == b""
    assert 5 < time.monotonic() - began < 30
    none_left(starter)


@pytest.mark.root("needs uids of their own")
def test_only_the_named_uids(quoin, starter):
    for door, who in [("tls-server", "quoini"), ("tls-login", "quoind")]:
        (quoin.home / "run" / door / "sock").chmod(0o666)
        (quoin.home / "run" / door).chmod(0o755)
        with pytest.raises((Refused, AssertionError)):
            Caller(quoin, door, uid=quoin.ids[who]).ask(server(), tcp_pair()[0]).ready()
    assert "may not call here" in starter.text()
    Session(quoin, door="tls-login").works().close()


def test_limit_of_a_uid(quoin):
    quoin.control("tlssessions", "3")
    starter = quoin.start_tls()
    several = [Session(quoin) for _ in range(3)]
    with pytest.raises(Refused) as refused:
        Session(quoin)
    assert refused.value.letter == "B"
    assert "has too many sessions" in starter.text()
    if ROOT:
        Session(quoin, door="tls-login").works().close()
    several.pop().close()
    wait_for(lambda: len(sessions(starter)) < 3)
    several.append(Session(quoin).works())
    for s in several:
        s.close()


def test_bad_control_file(quoin):
    quoin.control("tlssessions", "many")
    quoin.certificate()
    quoin.start("qtls-key")
    with pytest.raises(AssertionError, match="control/tlssessions: line 1"):
        quoin.start("qtls", "-s", "tls-server")


# -- the relay ----------------------------------------------------------------------------------

BIG = os.urandom(3_000_000)


def everything(sock):
    got = bytearray()
    while data := sock.recv(65536):
        got += data
    return bytes(got)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_half_close_by_the_client(quoin, starter, version):
    """Its close_notify is the end of file; the other way goes on."""
    mine, peer = tcp_pair()
    caller = Caller(quoin, "tls-server").ask(server(GO), mine)
    ctx = anybody(maximum_version=version)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ctx.wrap_bio(incoming, outgoing)

    def pump(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                peer.sendall(outgoing.read())
                data = peer.recv(65536)
                incoming.write(data) if data else incoming.write_eof()

    pump(tls.do_handshake)
    tls.write(b"all I say")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.unwrap()
    peer.sendall(outgoing.read())
    _facts, plain = caller.result()
    assert everything(plain) == b"all I say"
    t = threading.Thread(target=lambda: (plain.sendall(BIG), plain.close()))
    t.start()
    raw = bytearray()
    mine.close()
    while data := peer.recv(65536):
        raw += data
    t.join()
    # Python's object reads no more after its own close_notify: the records tell.
    assert len(raw) > len(BIG)
    wait_for(lambda: f"out={len(BIG)}" in starter.text())
    assert "result=closed" in starter.text()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_half_close_by_the_caller(quoin, starter, version):
    s = Session(quoin, anybody(maximum_version=version))
    s.plain.sendall(b"all I say")
    s.plain.shutdown(socket.SHUT_WR)
    assert everything(s.tls) == b"all I say"
    t = threading.Thread(target=lambda: s.tls.sendall(BIG))
    t.start()
    got = bytearray()
    while len(got) < len(BIG):
        got += s.plain.recv(65536)
    t.join()
    assert got == BIG
    s.close()
    none_left(starter)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_ways_at_once(quoin, starter, version):
    """Bytes arrive unchanged and in order, whoever is faster."""
    s = Session(quoin, anybody(maximum_version=version))
    got = {}
    done = threading.Event()

    def caller_reads():
        got["in"] = read_n(s.plain, len(BIG))

    def caller_writes():
        s.plain.sendall(BIG)
        done.wait(20)

    threads = [threading.Thread(target=t) for t in (caller_reads, caller_writes)]
    for t in threads:
        t.start()
    # One thread at the client: an SSL object is not for two.
    s.tls.settimeout(0)
    sent, back = 0, bytearray()
    end = time.monotonic() + 30
    while (sent < len(BIG) or len(back) < len(BIG)) and time.monotonic() < end:
        if sent < len(BIG):
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                sent += s.tls.send(BIG[sent : sent + 16000])
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            back += s.tls.recv(65536)
    done.set()
    for t in threads:
        t.join(20)
    assert back == BIG
    assert got["in"] == BIG
    s.close()


def read_n(sock, n):
    got = bytearray()
    while len(got) < n:
        data = sock.recv(65536)
        if not data:
            break
        got += data
    return bytes(got)


def test_a_bare_end_is_a_lost_connection(quoin, starter):
    """No close_notify: the caller sees the end of file, the log says lost."""
    s = Session(quoin)
    s.tls.sendall(b"QUIT\r\n")
    socket.socket.shutdown(s.tls, socket.SHUT_WR)
    assert everything(s.plain) == b"QUIT\r\n"
    s.plain.close()
    wait_for(lambda: "result=lost" in starter.text())
    none_left(starter)


def test_a_reset_connection(quoin, starter):
    s = Session(quoin)
    s.tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    socket.socket(fileno=s.tls.detach()).close()
    assert everything(s.plain) == b""
    s.plain.close()
    none_left(starter)


@pytest.mark.parametrize("unread", [b"", b"x" * 100000])
def test_caller_killed_in_mid_relay(quoin, starter, unread):
    """What it wrote still arrives; what it did not read is no reason to hang."""
    s = Session(quoin)
    s.tls.sendall(unread)
    s.plain.sendall(b"the last")
    s.plain.close()
    assert everything(s.tls) == b"the last"
    s.tls.close()
    none_left(starter)


def test_what_a_gone_caller_wrote_arrives(quoin, starter):
    s = Session(quoin)
    s.plain.settimeout(0.5)
    sent = 0
    with pytest.raises(TimeoutError):
        while True:
            sent += s.plain.send(BIG[:65536])
    s.plain.close()
    assert len(everything(s.tls)) == sent
    s.tls.close()
    none_left(starter)


def cpu(pid):
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))


def test_peer_that_never_reads_does_not_spin(quoin, starter):
    s = Session(quoin)
    s.plain.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            s.plain.send(BIG[:65536])
    (pid,) = sessions(starter)
    before = cpu(pid)
    time.sleep(1)
    assert cpu(pid) - before <= 5
    s.tls.sendall(b"but it talks")
    assert s.plain.recv(100) == b"but it talks"
    s.plain.close()
    before = cpu(pid)
    time.sleep(1)
    assert cpu(pid) - before <= 5
    s.tls.close()
    none_left(starter)


def test_caller_that_never_reads_does_not_spin(quoin, starter):
    s = Session(quoin)
    s.tls.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            s.tls.send(BIG[:16000])
    (pid,) = sessions(starter)
    socket.socket(fileno=os.dup(s.tls.fileno())).shutdown(socket.SHUT_RDWR)
    before = cpu(pid)
    time.sleep(1)
    assert cpu(pid) - before <= 5
    s.close()
    none_left(starter)


def test_a_peer_that_does_not_close_is_left(quoin, starter):
    s = Session(quoin)
    s.plain.close()
    assert everything(s.tls) == b""
    began = time.monotonic()
    wait_for(lambda: not sessions(starter))
    assert time.monotonic() - began < 20
    assert "result=closed" in starter.text()
    s.tls.close()


@pytest.mark.parametrize("seed", range(3))
def test_chance(quoin, starter, seed):
    """Random sizes, pauses and ends of both sides: what arrives is what was sent, from its
    start; all of it where the end was in order; and no process is left."""
    rnd = random.Random(seed)

    def one(n, version, how):
        s = Session(quoin, anybody(maximum_version=version))
        sent = {"in": 0, "out": 0}

        def write(sock, way):
            chance = random.Random(n)
            with contextlib.suppress(OSError, ValueError):
                for _ in range(chance.randrange(1, 30)):
                    size = chance.choice([1, 10, 1000, 16383, 16384, 16385, 60000])
                    sock.sendall(BIG[sent[way] : sent[way] + size])
                    sent[way] += size
                    if chance.random() < 0.1:
                        time.sleep(0.01)

        def read(sock, out):
            with contextlib.suppress(OSError, ValueError):
                while data := sock.recv(70000):
                    out += data
            return out

        got = bytearray()
        if how == "to the caller":
            t = threading.Thread(target=lambda: (write(s.tls, "in"), s.tls.unwrap()))
            t.start()
            read(s.plain, got)
            s.plain.close()
            t.join(20)
            assert got == BIG[: sent["in"]]
        elif how == "to the peer":
            t = threading.Thread(target=lambda: (write(s.plain, "out"), s.plain.close()))
            t.start()
            read(s.tls, got)
            t.join(20)
            assert got == BIG[: sent["out"]]
        else:  # an end out of order
            t = threading.Thread(target=write, args=(s.plain, "out"))
            t.start()
            got += s.tls.recv(1)
            if how == "peer resets":
                s.tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            else:
                s.plain.shutdown(socket.SHUT_RDWR)
                read(s.tls, got)
            s.tls.close()
            t.join(20)
            assert got == BIG[: len(got)]
        s.plain.close()
        s.tls.close()

    ways = ["to the caller", "to the peer", "peer resets", "caller ends"]
    work = [(i, rnd.choice([ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]), rnd.choice(ways)) for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(one, *w) for w in work]:
            done.result(60)
    none_left(starter)
    assert "signal" not in starter.text()


# -- certificates anew, crashes, the key process ----------------------------------------------------


def test_a_renewed_certificate_serves_the_next(quoin, starter):
    old = Session(quoin).works()
    new = quoin.certificate(kind="rsa")
    under_way = Caller(quoin, "tls-server").ask(server(), (tcp := tcp_pair())[0]).ready()
    quoin.reload_tls()
    wait_for(lambda: Session(quoin).works().cert() == der(new))
    old.works()
    # It had its certificate before; its key signs still.
    under_way.go()
    tls = anybody().wrap_socket(tcp[1])
    facts, plain = under_way.result()
    assert tls.getpeercert(binary_form=True) == old.cert()
    plain.close()
    old.works().close()
    assert starter.popen.poll() is None


def test_reloads_lose_nobody(quoin, starter):
    """Callers who come in the moment of the change wait."""
    stop = threading.Event()
    failed, served = [], []

    def callers():
        while not stop.is_set():
            try:
                Session(quoin).works().close()
                served.append(1)
            except (Refused, OSError, AssertionError) as e:
                failed.append(e)

    t = threading.Thread(target=callers)
    t.start()
    for i in range(8):
        quoin.certificate(kind=("ec", "rsa")[i % 2])
        quoin.reload_tls()
        time.sleep(0.15)
    stop.set()
    t.join(30)
    assert not failed
    assert len(served) > 8


def test_hundreds_of_names(quoin, monkeypatch):
    """Of one certificate: its key, a long one, is tried once, and who calls meanwhile waits."""
    monkeypatch.setitem(KEYS, "rsa4096", ("-newkey", "rsa:4096"))
    quoin.certificate(kind="rsa4096")
    for i in range(480):
        (quoin.home / f"control/tls/n{i}.example").symlink_to("default")
    starter = quoin.start_tls()
    for _ in range(2):
        quoin.reload_tls()
        assert Session(quoin, name="n479.example").works().facts.name == "n479.example"
    assert "warning" not in starter.text()


def layout(pid):
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if "libssl" in line:
            return line.split("-")[0]
    return None


@pytest.mark.root("maps of a process that is not dumpable")
@not_sanitized
def test_a_crash_makes_it_begin_anew(quoin, starter):
    time.sleep(1)  # the pause after its start
    other, victim = Session(quoin).works(), Session(quoin).works()
    before = layout(starter.pid)
    pid = max(sessions(starter))
    os.kill(pid, signal.SIGSEGV)
    wait_for(lambda: layout(starter.pid) not in (None, before))
    assert f"session {pid} was ended by signal 11" in starter.text()
    other.works().close()
    Session(quoin).works().close()
    victim.close()
    none_left(starter)


def test_crashes_are_limited_in_rate(quoin, starter):
    """Each costs the attacker a second, and the others wait, but are served."""
    began = time.monotonic()
    for _ in range(4):
        s = Session(quoin)
        (pid,) = sessions(starter)
        os.kill(pid, signal.SIGABRT)
        assert everything(s.plain) == b""
        s.close()
        wait_for(lambda: not sessions(starter))
    Session(quoin).works().close()
    assert time.monotonic() - began > 3


def test_counts_survive(quoin):
    quoin.control("tlssessions", "2")
    starter = quoin.start_tls()
    several = [Session(quoin), Session(quoin)]
    starter.popen.send_signal(signal.SIGHUP)
    with pytest.raises(Refused):
        Session(quoin)
    several.pop().close()
    wait_for(lambda: len(sessions(starter)) == 1)
    several.append(Session(quoin).works())
    for s in several:
        s.close()


def test_doors_stay_locked_after_an_exec(quoin, starter):
    starter.popen.send_signal(signal.SIGHUP)
    Session(quoin).works().close()
    with pytest.raises(AssertionError, match="unable to listen"):
        quoin.start("qtls", "-s", f"tls-server:{quoin.ids['quoind']}")


def test_a_program_that_is_gone(quoin):
    """It cannot execute itself anew: it serves on as it is."""
    own = quoin.bin
    own.unlink()  # a link to what was built
    own.mkdir(mode=0o755)
    for name in ("qtls", "qtls-key"):
        shutil.copy2(BIN / name, own)
    starter = quoin.start_tls()
    (own / "qtls").unlink()
    starter.popen.send_signal(signal.SIGHUP)
    wait_for(lambda: "warning: unable to run" in starter.text())
    Session(quoin).works().close()
    shutil.copy2(BIN / "qtls", own)
    new = quoin.certificate()
    quoin.reload_tls()
    wait_for(lambda: Session(quoin).works().cert() == der(new))


def test_sessions_outlive_the_starter(quoin, starter):
    s = Session(quoin)
    quoin.kill("qtls", signal.SIGTERM)
    s.works().close()


def test_the_key_process_ends_and_comes_back(quoin, starter):
    s = Session(quoin).works()
    quoin.kill("qtls-key")
    t = threading.Timer(1.0, lambda: quoin.start("qtls-key"))
    t.start()
    Session(quoin).works().close()  # waits for it
    t.join()
    s.works().close()


def test_the_key_process_stays_away(quoin, starter):
    quoin.kill("qtls-key")
    with pytest.raises(Refused) as refused:
        Session(quoin)
    assert refused.value.letter == "B"
    quoin.start("qtls-key")
    wait_for(lambda: try_session(quoin))


def try_session(q):
    try:
        Session(q).works().close()
    except Refused:
        return False
    return True


def test_starts_without_a_certificate(quoin):
    (quoin.home / "control/tls").mkdir(exist_ok=True)
    quoin.start("qtls-key")
    starter = quoin.start("qtls", "-s", f"tls-server:{quoin.ids['quoind']}")
    assert "there is no certificate" in starter.text()
    with pytest.raises(Refused) as refused:
        Session(quoin)
    assert refused.value.letter == "B"
    quoin.certificate()
    quoin.reload_tls()
    wait_for(lambda: try_session(quoin))


def test_bad_certificates_are_named(quoin):
    quoin.certificate()
    for name, text in [("empty.example", ""), ("text.example", "hello\n"), ("UPPER.example", "x")]:
        d = quoin.home / "control/tls" / name
        d.mkdir()
        (d / "cert.pem").write_text(text)
    (quoin.home / "control/tls/gone.example").symlink_to("nowhere")
    alone = quoin.home / "control/tls/alone.example"
    alone.mkdir()
    (alone / "cert.pem").write_bytes(self_signed(quoin.certs_dir(), "alone.example").cert.read_bytes())
    for name, make in (("pipe.example", os.mkfifo), ("dir.example", os.mkdir), ("zero.example", lambda p: p.symlink_to("/dev/zero"))):
        (quoin.home / "control/tls" / name).mkdir()
        make(quoin.home / "control/tls" / name / "cert.pem")
    (quoin.home / "control/tls/file.example").write_text("x")
    starter = quoin.start_tls()
    text = starter.text()
    for name in ("empty.example", "text.example", "UPPER.example", "gone.example", "alone.example", "pipe.example",
                 "dir.example", "zero.example", "file.example"):  # fmt: skip
        assert re.search(rf"warning: .*{re.escape(name)}", text), (name, text)
    Session(quoin).works().close()


def test_a_key_that_comes_later(quoin):
    """qtls hears of a certificate before qtls-key does: it looks again."""
    starter = quoin.start_tls()
    new = quoin.certificate("late.example", where="late.example")
    starter.popen.send_signal(signal.SIGHUP)
    wait_for(lambda: "has no key for it" in starter.text())
    quoin.service("qtls-key").popen.send_signal(signal.SIGHUP)
    wait_for(lambda: Session(quoin, name="late.example").works().cert() == der(new))


# -- what a taken-over one has ------------------------------------------------------------------------


def numbers(path):
    text = openssl("pkey", "-in", path, "-noout", "-text").decode()
    for field in re.findall(r"^(?:priv|prime1|prime2|privateExponent):\n((?:\s+[0-9a-f:]+\n)+)", text, re.M):
        yield bytes.fromhex(re.sub(r"[^0-9a-f]", "", field)).lstrip(b"\0")


def memory(pid):
    with open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, mode = line.split()[:2]
            start, end = (int(x, 16) for x in span.split("-"))
            if mode[0] != "r" or "[v" in line:
                continue
            with contextlib.suppress(OSError):
                mem.seek(start)
                yield mem.read(end - start)


def has_any(pid, needles):
    return [n for block in memory(pid) for n in needles if n in block]


@pytest.mark.root("memory of a process that is not dumpable")
@not_sanitized
@pytest.mark.parametrize("kind", KEYS)
def test_no_key_in_memory(quoin, kind):
    """Neither starter nor session ever had it; qtls-key has, so the search finds keys."""
    cert = quoin.certificate(kind=kind)
    starter = quoin.start_tls()
    s = Session(quoin).works()
    (pid,) = sessions(starter)
    lines = Path(cert.key).read_text().splitlines()
    needles = [bits for n in numbers(cert.key) for bits in (n, n[::-1])] + [lines[1].encode()]
    assert len(needles) > 2
    assert len(has_any(quoin.service("qtls-key").pid, needles)) > 0
    assert has_any(starter.pid, needles) == []
    assert has_any(pid, needles) == []
    s.works().close()


def descriptors(pid):
    return {int(fd): os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0] for fd in os.listdir(f"/proc/{pid}/fd")}


@pytest.mark.root("descriptors of a process that is not dumpable")
@not_sanitized
def test_what_a_session_has(quoin, starter):
    s = Session(quoin).works()
    (pid,) = sessions(starter)
    fds = descriptors(pid)
    del fds[2]
    assert list(fds.values()) == ["socket", "socket"]
    status = Path(f"/proc/{pid}/status").read_text()
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M)
    assert re.search(r"^Uid:\t(\d+)\t\1\t\1\t\1$", status, re.M).group(1) == str(quoin.ids["quoint"])
    if Path("/proc/sys/kernel/seccomp").exists():
        assert re.search(r"^Seccomp:\t2$", status, re.M)
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"Max processes +0 ", limits)
    assert re.search(r"Max core file size +0 ", limits)
    for who in (pid, starter.pid):  # not dumpable: its own uid cannot look into it
        assert os.stat(f"/proc/{who}/mem").st_uid == 0
    s.close()


@pytest.mark.root("as the uid of the sessions")
def test_siblings_cannot_look_at_each_other(quoin, starter):
    s = Session(quoin).works()
    (pid,) = sessions(starter)
    for who in (pid, starter.pid):
        code = f"open('/proc/{who}/mem', 'rb')"
        p = subprocess.run(["python3", "-c", code], user=quoin.ids["quoint"], capture_output=True, check=False)
        assert b"PermissionError" in p.stderr
    s.close()


def kilobytes(pid, field):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{field}: +(\d+) kB", text, re.M).group(1))


def each_kilobytes(pids):
    """With page tables: of libraries and of the starter's pages a share."""
    pss = sum(kilobytes(p, "Pss") for p in pids)
    tables = sum(int(re.search(r"VmPTE:\s+(\d+)", Path(f"/proc/{p}/status").read_text()).group(1)) for p in pids)
    print(f"each {(pss + tables) / len(pids):.0f} KiB: page tables {tables / len(pids):.0f}")
    return (pss + tables) / len(pids)


@pytest.mark.root("memory of a process that is not dumpable")
@not_sanitized
def test_two_hundred_sessions(quoin, starter):
    """0.35 MiB each, page tables included, when they are idle; and none is left."""
    quoin.control("tlssessions", "200")
    starter.popen.send_signal(signal.SIGHUP)
    several = [Session(quoin) for _ in range(200)]
    with pytest.raises(Refused):
        Session(quoin)
    pids = sessions(starter)
    assert len(pids) == 200
    # The youngest have their buffers of records still.
    wait_for(lambda: each_kilobytes(pids) < 0.35 * 1024)
    assert len(descriptors(starter.pid)) < 16
    for s in several[::7]:
        s.works()
    for s in several:
        s.close()
    none_left(starter)


def test_one_line_a_session(quoin, starter):
    s = Session(quoin, name="q.example").works()
    s.close()
    none_left(starter)
    (line,) = [x for x in starter.text().splitlines() if x.startswith("qtls: session ")]
    assert re.fullmatch(
        r"qtls: session role=server uid=\d+ tls=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384"
        r" name=q.example result=closed in=13 out=13 ms=\d+",
        line,
    )


@pytest.mark.long
@pytest.mark.tools("testssl")
def test_testssl(quoin, tmp_path):
    """What testssl.sh finds: nothing above LOW but what a self-signed certificate is blamed for."""
    ca = Authority(quoin.certs_dir())
    quoin.certificate(cert=ca.issue("localhost", kind="ec"))
    quoin.start_tls()
    bridge = Bridge(quoin)
    report = tmp_path / "report.csv"
    subprocess.run(
        ["testssl", "--quiet", "--color", "0", "--csvfile", report, "--add-ca", ca.cert, "--severity", "LOW",
         "--nodns", "none", "--ip", "127.0.0.1", f"localhost:{bridge.port}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=900, check=False,
    )  # fmt: skip
    bridge.close()
    rows = [line.split('","') for line in report.read_text().splitlines()[1:]]
    bad = [r for r in rows if r[3] in ("MEDIUM", "HIGH", "CRITICAL") and not r[0].strip('"').startswith("cert")]
    assert bad == []


def test_go_at_once(quoin, starter):
    bridge = Bridge(quoin, server(GO))
    with socket.create_connection(("127.0.0.1", bridge.port)) as tcp, anybody().wrap_socket(tcp) as tls:
        tls.sendall(b"hello")
        assert tls.recv(100) == b"hello"
    bridge.close()
