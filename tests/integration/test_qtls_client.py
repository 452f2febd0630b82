"""qtls, the client's side: called as qremote and qsts call it, against TLS servers."""

import contextlib
import hashlib
import shutil
import signal
import ssl
import threading
import time
from pathlib import Path

import pytest
from certs import Authority, Cert, openssl, self_signed
from gate import GO, STRICT, Caller, Refused, client, tcp_pair
from quoin import BIN, Quoin, wait_for

pytestmark = [pytest.mark.programs("qtls"), pytest.mark.tools("openssl")]


class Net:
    """A CA that the starter trusts, certificates by it and others, and the starter."""

    def __init__(self, q, start=None):
        self.q, self.dir = q, q.certs_dir()
        self.dir.chmod(0o755)
        self.ca = Authority(self.dir)
        self.ca.cert.chmod(0o644)
        self.starter = (start or Quoin.start_tls_client)(q, env={"SSL_CERT_FILE": str(self.ca.cert)})

    def connect(self, cert, request, door="tls-client", **settings):
        """(facts, plain, server's TLS socket); the server has cert."""
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.set_ciphers(settings.pop("ciphers", "DEFAULT"))
        ctx.load_cert_chain(cert.chain, cert.key)
        self.asked = []
        ctx.sni_callback = lambda _sock, name, _ctx: self.asked.append(name)
        alpn = settings.pop("alpn", None)
        if alpn:
            ctx.set_alpn_protocols(alpn)
        for name, value in settings.items():
            setattr(ctx, name, value)
        mine, peer = tcp_pair()
        served = []

        def serve():
            with contextlib.suppress(OSError):
                served.append(ctx.wrap_socket(peer, server_side=True))

        t = threading.Thread(target=serve)
        t.start()
        caller = Caller(self.q, door).ask(request, mine)
        try:
            facts, plain = caller.result()
        finally:
            mine.close()
            t.join(20)
        tls = served[0]
        plain.sendall(b"to the server")
        assert tls.recv(100) == b"to the server"
        tls.sendall(b"to the client")
        assert plain.recv(100) == b"to the client"
        plain.close()
        tls.close()
        return facts


@pytest.fixture
def net(quoin):
    net = Net(quoin)
    yield net
    assert "was ended by signal" not in net.starter.text()


def tlsa(cert, selector=1, mtype=1):
    """The data of a TLSA record of a certificate file, hex."""
    if selector:
        public = openssl("x509", "-in", cert, "-noout", "-pubkey")
        data = openssl("pkey", "-pubin", "-outform", "der", stdin=public)
    else:
        data = openssl("x509", "-in", cert, "-outform", "der")
    return {0: data.hex(), 1: hashlib.sha256(data).hexdigest(), 2: hashlib.sha512(data).hexdigest()}[mtype]


def by_name(*names, flags=GO):
    return client(flags=flags, verify="N", names=names, sni=names[0])


# -- a name ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519", "p384"])
def test_verified_by_name(net, kind):
    facts = net.connect(net.ca.issue("mx.example", kind=kind), by_name("mx.example"))
    assert (facts.verified, facts.why, facts.name) == (True, "", "mx.example")
    assert net.asked == ["mx.example"]


WRONG = [
    (("other.example",), {}, "hostname mismatch"),
    (("mx.example.",), {}, "hostname mismatch"),
    (("*.mx.example",), {}, "hostname mismatch"),
    (("m*.example",), {}, "hostname mismatch"),
    (("mx.example\0.evil.example",), {}, "hostname mismatch"),
    (("evil.example\0mx.example",), {}, "hostname mismatch"),
    (("mx.example",), {"days": -1}, "certificate has expired"),
]


@pytest.mark.parametrize("names, more, why", WRONG)
def test_not_verified(net, names, more, why):
    """The wrong name, one with a NUL, an expired one: told, and with STRICT ended."""
    cert = net.ca.issue(*names, common="x", **more)
    facts = net.connect(cert, by_name("mx.example"))
    assert not facts.verified
    assert facts.name == ""
    assert why in facts.why.lower()
    with pytest.raises(Refused) as refused:
        net.connect(cert, by_name("mx.example", flags=GO | STRICT))
    assert refused.value.letter == "V"
    assert why in refused.value.text.lower()


def test_the_common_name_is_no_name(net):
    """RFC 9525 2; and name constraints do not bind it. For DANE it is one (RFC 7672 3.2.3)."""
    cert = net.ca.issue(common="mx.example")
    facts = net.connect(cert, by_name("mx.example"))
    assert (facts.verified, facts.name) == (False, "") and "mismatch" in facts.why.lower()
    assert net.connect(cert, dane((2, 1, 1, tlsa(net.ca.cert)))).verified


def test_self_signed_and_a_foreign_authority(net):
    stranger = Authority(net.dir, "Somebody else")
    for cert in (self_signed(net.dir, "mx.example"), stranger.issue("mx.example")):
        facts = net.connect(cert, by_name("mx.example"))
        assert not facts.verified
        assert facts.why
        assert facts.key == cert.pin


def test_one_of_several_names(net):
    cert = net.ca.issue("*.mail.example")
    facts = net.connect(cert, client(verify="N", names=["a.b.example", "mx.mail.example"], sni="mx.mail.example"))
    assert facts.verified
    assert facts.name == "*.mail.example"


def test_nothing_asked(net):
    cert = self_signed(net.dir, "whoever", days=-1)
    facts = net.connect(cert, client())
    assert (facts.verified, facts.usage, facts.usable, facts.key) == (False, 255, 0, cert.pin)
    assert facts.version == "TLSv1.3"
    assert net.asked == [None]
    facts = net.connect(cert, client(), maximum_version=ssl.TLSVersion.TLSv1_2)
    assert facts.version == "TLSv1.2"


def test_weak_keys_are_better_than_clear_text(net):
    key, crt = net.dir / "weak.key", net.dir / "weak.pem"
    openssl("req", "-x509", "-newkey", "rsa:1024", "-sha1", "-nodes", "-keyout", key, "-out", crt, "-subj", "/CN=w")
    weak = Cert(crt, key)
    facts = net.connect(weak, client(), ciphers="DEFAULT@SECLEVEL=0")
    assert facts.key == weak.pin
    assert not net.connect(weak, by_name("w"), ciphers="DEFAULT@SECLEVEL=0").verified


def test_pins(net):
    cert, other = self_signed(net.dir, "whoever", days=-1), self_signed(net.dir, "other")
    assert net.connect(cert, client(verify="P", pins=[other.pin, cert.pin])).verified
    facts = net.connect(cert, client(verify="P", pins=[other.pin]))
    assert (facts.verified, facts.why) == (False, "the key is none of the pinned ones")
    with pytest.raises(Refused) as refused:
        net.connect(cert, client(flags=GO | STRICT, verify="P", pins=[other.pin]))
    assert refused.value.letter == "V"


# -- DANE (RFC 7672, tls-notes 6) -----------------------------------------------------------------


def dane(*records, names=("mx.example", "example"), flags=GO):
    return client(flags=flags, verify="D", names=names, sni=names[0], records=records)


def test_usage_3(net):
    """The key or the certificate itself: name and date do not matter."""
    cert = self_signed(net.dir, "another.name", days=-1)
    wrong = (3, 1, 1, "00" * 32)
    for selector in (0, 1):
        for mtype in (0, 1, 2):
            right = (3, selector, mtype, tlsa(cert.cert, selector, mtype))
            facts = net.connect(cert, dane(right))
            assert (facts.verified, facts.usage, facts.usable) == (True, 3, 1), (selector, mtype, facts)
            assert net.asked == ["mx.example"]
            facts = net.connect(cert, dane(wrong, right))
            assert (facts.verified, facts.usable) == (True, 2)
    facts = net.connect(cert, dane(wrong))
    assert (facts.verified, facts.usage, facts.usable) == (False, 255, 1)
    assert "no matching dane" in facts.why.lower()
    with pytest.raises(Refused) as refused:
        net.connect(cert, dane(wrong, flags=GO | STRICT))
    assert refused.value.letter == "V"


def test_usage_2(net):
    """The authority: one of the names must be right, and the date."""
    own = Authority(net.dir, "Own CA")
    record = (2, 1, 1, tlsa(own.cert))
    for names, days, want, why in [
        (["mx.example"], 30, True, ""),
        (["example"], 30, True, ""),  # the next hop's own name
        (["other.example"], 30, False, "mismatch"),
        (["mx.example"], -1, False, "expired"),
    ]:
        facts = net.connect(own.issue(*names, common="x", days=days), dane(record))
        assert facts.verified is want, (names, facts)
        assert why in facts.why.lower()
        assert facts.usage == (2 if want else 255)
    facts = net.connect(net.ca.issue("mx.example"), dane(record))  # not that authority's
    assert not facts.verified


UNUSABLE = [(0, 1, 1, "00" * 32), (1, 1, 1, "00" * 32), (3, 1, 9, "00" * 32), (3, 9, 1, "00" * 32),
            (4, 1, 1, "00" * 32), (3, 1, 1, "00"), (3, 1, 1, ""), (3, 0, 0, "00")]  # fmt: skip


def test_unusable_records(net):
    """They count as none: no name, no CA makes up for them."""
    cert = net.ca.issue("mx.example")
    for record in UNUSABLE:
        facts = net.connect(cert, dane(record))
        assert (facts.verified, facts.usable) == (False, 0), record
        assert facts.why == "no usable TLSA record"
    right = (3, 1, 1, tlsa(cert.cert))
    facts = net.connect(cert, dane(*UNUSABLE, right))
    assert (facts.verified, facts.usable, facts.usage) == (True, 1, 3)


def test_pkix_usages_are_not_for_smtp(net):
    cert = net.ca.issue("mx.example")
    facts = net.connect(cert, dane((1, 1, 1, tlsa(cert.cert)), (0, 1, 1, tlsa(net.ca.cert))))
    assert (facts.verified, facts.usable) == (False, 0)


def test_large_records(net):
    """Sixteen whole certificates."""
    cert = net.ca.issue("mx.example", kind="rsa")
    whole = (3, 0, 0, tlsa(cert.cert, 0, 0))
    facts = net.connect(cert, dane(*[whole] * 16))
    assert (facts.verified, facts.usable) == (True, 16)


# -- protocols, faults -----------------------------------------------------------------------------


def test_protocol(net):
    cert = net.ca.issue("sts.example")
    request = client(verify="N", names=["sts.example"], sni="sts.example", alpn="http/1.1", flags=GO | STRICT)
    assert net.connect(cert, request, door="tls-fetch", alpn=["http/1.1"]).verified
    assert net.connect(cert, request, door="tls-fetch").verified


@pytest.mark.parametrize("answer", [b"220 hello\r\n", b"HTTP/1.1 400 Bad\r\n\r\n", b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00", b"\0" * 50])
def test_servers_that_speak_no_tls(net, answer):
    mine, peer = tcp_pair()
    caller = Caller(net.q, "tls-client").ask(client(), mine)
    peer.recv(1000)
    peer.sendall(answer)
    with pytest.raises(Refused) as refused:
        caller.result()
    assert refused.value.letter == "H"


def test_server_that_closes_or_says_nothing(net):
    mine, peer = tcp_pair()
    caller = Caller(net.q, "tls-client").ask(client(), mine)
    peer.recv(1000)
    peer.close()
    with pytest.raises(Refused) as refused:
        caller.result()
    assert refused.value.letter == "L"
    mine, peer = tcp_pair()
    with pytest.raises(Refused) as refused:
        Caller(net.q, "tls-client").ask(client(timeout=300), mine).result()
    assert refused.value.letter == "T"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_server(net):
    cert = net.ca.issue("mx.example", kind="rsa")
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    ctx.set_ciphers("DEFAULT@SECLEVEL=0")
    ctx.load_cert_chain(cert.chain, cert.key)
    mine, peer = tcp_pair()

    def serve():
        with contextlib.suppress(OSError):
            ctx.wrap_socket(peer, server_side=True)

    t = threading.Thread(target=serve)
    t.start()
    with pytest.raises(Refused) as refused:
        Caller(net.q, "tls-client").ask(client(), mine).result()
    t.join()
    assert refused.value.letter == "H"


def test_go_waits(net):
    """Without GO nothing is said to the server before it."""
    mine, peer = tcp_pair()
    caller = Caller(net.q, "tls-client").ask(client(flags=0), mine).ready()
    peer.settimeout(0.3)
    with pytest.raises(TimeoutError):
        peer.recv(1)
    peer.settimeout(20)
    caller.go()
    assert peer.recv(1) == b"\x16"
    caller.close()


@pytest.mark.parametrize(
    "frame",
    [
        client(verify="N"),
        client(verify="P"),
        client(verify="D"),
        client(verify="X"),
        client(names=[""]),
        client() + b"\0",
        client()[:-1],
        client(names=["x" * 256]),
        b"S" + client()[1:],
    ],
    ids=["no-name", "no-pin", "no-record", "no-way", "empty-name", "long", "short", "long-name", "server"],
)
def test_bad_requests(net, frame):
    """Whoever names nothing would be verified by nothing."""
    mine, _peer = tcp_pair()
    caller = Caller(net.q, "tls-client").ask(frame, mine)
    assert caller.s.recv(100) == b""


def test_authorities_anew(net):
    """SIGHUP: the file of CAs is read again."""
    other = Authority(net.dir, "Other CA")
    cert = other.issue("mx.example")
    assert not net.connect(cert, by_name("mx.example")).verified
    net.ca.cert.write_bytes(net.ca.cert.read_bytes() + other.cert.read_bytes())
    net.starter.popen.send_signal(signal.SIGHUP)
    wait_for(lambda: net.connect(cert, by_name("mx.example")).verified)


def test_without_authorities(quoin):
    starter = quoin.start_tls_client(env={"SSL_CERT_FILE": "/nowhere"})
    assert "unable to read the CAs of /nowhere" in starter.text()


# ---- a starter that nobody needs ---------------------------------------------------------


def runs(service):
    return Path(f"/proc/{service.pid}/comm").read_text("ascii").rstrip("\n")


@pytest.fixture
def waiting(quoin):
    net = Net(quoin, lambda q, **kw: q.start_tls_waiting("-w", "1", **kw))
    yield net
    assert "warning" not in net.starter.text()


@pytest.mark.programs("qtls-wait")
def test_it_becomes_qtls_when_somebody_calls(waiting):
    cert = waiting.ca.issue("mx.example")
    for _ in range(2):
        assert runs(waiting.starter) == "qtls-wait"
        assert waiting.connect(cert, by_name("mx.example")).verified
        assert runs(waiting.starter) == "qtls"
        wait_for(lambda: runs(waiting.starter) == "qtls-wait")
    assert waiting.starter.stop() == 0


@pytest.mark.programs("qtls-wait")
@pytest.mark.root("maps of a process that is not dumpable")
def test_nothing_of_tls_is_loaded_while_it_waits(waiting):
    maps = Path(f"/proc/{waiting.starter.pid}/maps").read_text()
    assert "libssl" not in maps and "libcrypto" not in maps


@pytest.mark.programs("qtls-wait")
def test_it_stays_qtls_while_a_session_lives(waiting):
    mine, peer = tcp_pair()
    caller = Caller(waiting.q, "tls-client").ask(by_name("mx.example"), mine)
    wait_for(lambda: runs(waiting.starter) == "qtls")
    began = time.monotonic()
    while time.monotonic() < began + 2:  # twice as long as it is idle
        assert runs(waiting.starter) == "qtls"
        time.sleep(0.05)
    for s in (mine, peer, caller.s):
        s.close()
    wait_for(lambda: runs(waiting.starter) == "qtls-wait")


@pytest.mark.programs("qtls-wait")
def test_all_who_call_at_once_are_served(waiting):
    """By either door, and also those who come while one takes the other's place."""
    cert = waiting.ca.issue("mx.example")
    facts = []

    def call(n):
        time.sleep(n * 0.05)
        net = Net.__new__(Net)
        net.q = waiting.q
        facts.append(net.connect(cert, by_name("mx.example"), door=("tls-client", "tls-fetch")[n % 2]))

    threads = [threading.Thread(target=call, args=(n,)) for n in range(40)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert [f.verified for f in facts] == [True] * 40


@pytest.mark.programs("qtls-wait")
def test_signals_while_it_waits(waiting):
    waiting.starter.popen.send_signal(signal.SIGHUP)
    cert = waiting.ca.issue("mx.example")
    assert waiting.connect(cert, by_name("mx.example")).verified
    wait_for(lambda: runs(waiting.starter) == "qtls-wait")
    waiting.starter.popen.send_signal(signal.SIGTERM)
    assert waiting.starter.popen.wait(10) == 0
    with pytest.raises(ConnectionRefusedError):
        Caller(waiting.q, "tls-client")


@pytest.mark.programs("qtls-wait")
@pytest.mark.root("only root may be another uid")
def test_the_uids_of_a_door_hold_for_who_woke_it(quoin):
    starter = quoin.start_tls_waiting()
    caller = Caller(quoin, "tls-client", uid=0)  # whom no directory keeps out
    assert caller.s.recv(100) == b""
    assert "uid 0 may not call here" in starter.text()


@pytest.mark.programs("qtls-wait")
def test_a_qtls_that_is_not_there(quoin):
    """An upgrade is under way: callers wait for it."""
    own = quoin.bin
    own.unlink()
    own.mkdir(mode=0o755)
    shutil.copy2(BIN / "qtls-wait", own)
    net = Net(quoin, Quoin.start_tls_waiting)
    mine, peer = tcp_pair()
    caller = Caller(quoin, "tls-client").ask(by_name("mx.example"), mine)
    wait_for(lambda: "unable to run" in net.starter.text())
    shutil.copy2(BIN / "qtls", own)
    peer.close()
    with pytest.raises(Refused):
        caller.result()
    assert net.connect(net.ca.issue("mx.example"), by_name("mx.example")).verified
    mine.close()


def test_log(net):
    net.connect(net.ca.issue("mx.example"), by_name("mx.example"))
    wait_for(lambda: "qtls: session role=client" in net.starter.text())
    assert "verified=yes name=mx.example" in net.starter.text()
