"""qtls-key, asked by hand as a starter and its sessions ask it (qtls/signing.h)."""

import hashlib
import os
import random
import select
import signal
import socket
import struct
import subprocess
import time

import pytest
from certs import openssl
from quoin import ROOT, wait_for

pytestmark = [pytest.mark.programs("qtls-key"), pytest.mark.tools("openssl")]

CONTEXT = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"
TLS13 = CONTEXT + b"h" * 32
TLS12 = b"c" * 32 + b"s" * 32 + b"\x03\x00\x1d\x20" + b"p" * 32
PKCS1, ECDSA, ECDSA384, PSS, ED25519 = 0x0401, 0x0403, 0x0503, 0x0804, 0x0807
BAD_REQUEST, BAD_TEXT, NO_KEY, BAD_SCHEME = b"-\1", b"-\2", b"-\3", b"-\4"


def seqpacket():
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Starter:
    """A connection to qtls-key."""

    def __init__(self, quoin):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.settimeout(10)
        self.s.connect(str(quoin.home / "run/tls-key/sock"))

    def list(self):
        self.s.send(b"L")
        frame = self.s.recv(65536)
        assert frame[:1] == b"L", frame
        (n,) = struct.unpack(">H", frame[1:3])
        assert len(frame) == 3 + 32 * n
        return {frame[i : i + 32].hex() for i in range(3, len(frame), 32)}

    def pair(self):
        """A session's end."""
        ours, theirs = seqpacket()
        ours.settimeout(10)
        socket.send_fds(self.s, [b"S"], [theirs.fileno()])
        theirs.close()
        return ours

    def ask(self, key, scheme, text):
        """The whole answer of qtls-key to one session."""
        with self.pair() as pair:
            return ask(pair, key, scheme, text)

    def close(self):
        self.s.close()


def ask(pair, key, scheme, text):
    pair.send(bytes.fromhex(key) + struct.pack(">H", scheme) + text)
    answer = pair.recv(65536)
    assert answer, "no answer"
    assert pair.recv(1) == b""
    return answer


def is_signed(cert, scheme, text, answer, where):
    """Does openssl verify it?"""
    public, sig, data = where / "public.pem", where / "sig", where / "text"
    public.write_bytes(openssl("x509", "-in", cert.cert, "-noout", "-pubkey"))
    sig.write_bytes(answer[1:])
    data.write_bytes(text)
    words = ["-verify", "-pubin", "-inkey", public, "-rawin", "-in", data, "-sigfile", sig]
    if scheme != ED25519:
        words += ["-digest", {4: "sha256", 5: "sha384", 8: "sha256"}[scheme >> 8]]
    if scheme == PSS:
        words += ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest"]
    return answer[:1] == b"K" and b"Success" in openssl("pkeyutl", *words)


def fds(service):
    """How many it has; only root may see that."""
    return len(os.listdir(f"/proc/{service.pid}/fd")) if ROOT else 0


def test_signs_with_every_kind_of_key(quoin, tmp_path):
    rows = [("ec", ECDSA, TLS13), ("ec", ECDSA384, TLS12), ("p384", ECDSA384, TLS13), ("rsa", PSS, TLS13),
            ("rsa", PSS, TLS12), ("rsa", PKCS1, TLS12), ("ed25519", ED25519, TLS13), ("ed25519", ED25519, TLS12)]  # fmt: skip
    cert = {kind: quoin.certificate(where=f"{kind}.example", kind=kind) for kind, *_ in rows}
    quoin.start("qtls-key")
    s = Starter(quoin)
    assert s.list() == {c.pin for c in cert.values()}
    for kind, scheme, text in rows:
        answer = s.ask(cert[kind].pin, scheme, text)
        assert is_signed(cert[kind], scheme, text, answer, tmp_path), (kind, scheme)
    assert "refuse" not in quoin.log("qtls-key")


def test_signs_nothing_else(quoin):
    ec = quoin.certificate(where="ec", kind="ec").pin
    rsa = quoin.certificate(where="rsa", kind="rsa").pin
    service = quoin.start("qtls-key")
    s = Starter(quoin)
    rows = [
        (ec, ECDSA, CONTEXT.replace(b"server", b"client") + b"h" * 32, BAD_TEXT),
        (ec, ECDSA, TLS13 + b"x", BAD_TEXT),
        (ec, ECDSA, TLS13[:-1], BAD_TEXT),
        (ec, ECDSA, TLS13[1:], BAD_TEXT),
        (ec, ECDSA, CONTEXT + b"h" * 64, BAD_TEXT),
        (ec, ECDSA, TLS12[:64] + b"\x01" + TLS12[65:], BAD_TEXT),
        (rsa, PKCS1, hashlib.sha256(b"").digest(), BAD_TEXT),
        (rsa, PKCS1, b"\0\1" + b"\xff" * 221 + b"\0" + b"h" * 32, BAD_TEXT),
        (rsa, PSS, b"From: a@example.org\n\nx\n", BAD_TEXT),
        (ec, ECDSA, b"", BAD_REQUEST),
        (ec, ECDSA, TLS13 * 10, BAD_REQUEST),
        (ec, ECDSA384, TLS13, BAD_SCHEME),  # another curve's
        (ec, PSS, TLS13, BAD_SCHEME),
        (ec, ED25519, TLS12, BAD_SCHEME),
        (ec, 0, TLS13, BAD_SCHEME),
        (rsa, PKCS1, TLS13, BAD_SCHEME),  # TLS 1.2 alone
        (rsa, ECDSA, TLS12, BAD_SCHEME),
        (rsa, 0x0201, TLS12, BAD_SCHEME),  # SHA-1
        ("00" * 32, ECDSA, TLS13, NO_KEY),
        (ec[:-2] + "00", ECDSA, TLS13, NO_KEY),
    ]
    s.list()
    before = fds(service)
    for key, scheme, text, want in rows:
        assert s.ask(key, scheme, text) == want, (scheme, text, want)
    lines = [x for x in quoin.log("qtls-key").splitlines() if x.startswith("qtls-key: refuse reason=")]
    assert len(lines) == len(rows)
    assert s.ask(ec, ECDSA, TLS13)[:1] == b"K"
    wait_for(lambda: fds(service) == before)


def test_one_signature_a_session(quoin):
    key = quoin.certificate().pin
    service = quoin.start("qtls-key")
    s = Starter(quoin)
    s.list()
    request = bytes.fromhex(key) + struct.pack(">H", ECDSA) + TLS13
    service.signal(signal.SIGSTOP)  # all three are there before it answers the first
    pair = s.pair()
    for _ in range(3):
        pair.send(request)
    service.signal(signal.SIGCONT)
    got = []
    with pytest.raises((ConnectionResetError, EOFError)):
        while True:
            got.append(pair.recv(65536))
            if not got[-1]:
                raise EOFError
    assert len([g for g in got if g[:1] == b"K"]) <= 1
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        pair.send(request)


def test_the_end_is_not_seen_by_sessions_that_wait(quoin):
    """SIGTERM, as qctl restart sends it: what a starter has sent before counts, each pair gets
    its signature, and then it ends."""
    key = quoin.certificate().pin
    service = quoin.start("qtls-key")
    s = Starter(quoin)
    s.list()
    service.signal(signal.SIGSTOP)
    pairs = [s.pair() for _ in range(30)]
    service.popen.terminate()
    service.signal(signal.SIGCONT)
    for pair in pairs:
        with pair:
            assert ask(pair, key, ECDSA, TLS13)[:1] == b"K"
    assert service.popen.wait(1.9) == 0
    with pytest.raises(BrokenPipeError):
        s.pair()


def test_the_end_does_not_wait_for_ever(quoin):
    quoin.certificate()
    service = quoin.start("qtls-key")
    s = Starter(quoin)
    pair = s.pair()
    began = time.monotonic()
    service.popen.terminate()
    assert service.popen.wait(30) == 0 and time.monotonic() - began < 20
    assert pair.recv(1) == b""


def test_a_descriptor_in_a_request(quoin):
    key = quoin.certificate().pin
    service = quoin.start("qtls-key")
    s = Starter(quoin)
    s.list()
    before = fds(service)
    with s.pair() as pair, open("/dev/null", "rb") as f:
        request = bytes.fromhex(key) + struct.pack(">H", ECDSA) + TLS13
        socket.send_fds(pair, [request], [f.fileno()])
        assert pair.recv(100) == BAD_REQUEST
    assert s.ask(key, ECDSA, TLS13)[:1] == b"K"
    wait_for(lambda: fds(service) == before)


def test_the_oldest_pair_goes_first(quoin):
    key = quoin.certificate().pin
    service = quoin.start("qtls-key")
    s = Starter(quoin)
    pairs = [s.pair() for _ in range(1000)]
    wait_for(lambda: fds(service) > 1000 or not ROOT)
    s.list()
    first, second = pairs[0], pairs[1]
    extra = s.pair()
    assert first.recv(1) == b""
    for pair in (extra, second, pairs[-1]):
        assert ask(pair, key, ECDSA, TLS13)[:1] == b"K"
    for pair in pairs:
        pair.close()
    wait_for(lambda: fds(service) < 30)


@pytest.mark.long
def test_a_pair_waits_two_minutes(quoin):
    quoin.certificate()
    quoin.start("qtls-key")
    pair = Starter(quoin).pair()
    pair.settimeout(130)
    begin = time.monotonic()
    assert pair.recv(1) == b""
    assert 118 < time.monotonic() - begin < 125


def test_bad_starters(quoin):
    key = quoin.certificate().pin
    service = quoin.start("qtls-key")
    good = Starter(quoin)
    good.list()
    before = fds(service)
    for frame in (b"S", b"X", b"LL", b"L" * 5000, b"\0", os.urandom(300)):
        bad = Starter(quoin)
        bad.s.send(frame)
        assert bad.s.recv(100) == b"", frame
        bad.close()
    with Starter(quoin).s as bad, open("/dev/null", "rb") as f:
        socket.send_fds(bad, [b"L"], [f.fileno()])
        assert bad.recv(100) == b""
    with Starter(quoin).s as bad, open("/dev/null", "rb") as f:
        socket.send_fds(bad, [b"S"], [f.fileno(), f.fileno()])
        assert bad.recv(100) == b""
    with Starter(quoin).s as odd, open("/dev/null", "rb") as f:  # no socket: that pair ends
        socket.send_fds(odd, [b"S"], [f.fileno()])
    wait_for(lambda: fds(service) == before)
    assert good.ask(key, ECDSA, TLS13)[:1] == b"K"
    assert service.popen.poll() is None


def test_a_starter_that_does_not_read(quoin):
    key = quoin.certificate().pin
    quoin.start("qtls-key")
    good, deaf = Starter(quoin), Starter(quoin)
    deaf.s.settimeout(5)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        while True:
            deaf.s.send(b"L")
    assert good.ask(key, ECDSA, TLS13)[:1] == b"K"


def test_at_most_eight_starters(quoin):
    quoin.certificate()
    quoin.start("qtls-key")
    starters = [Starter(quoin) for _ in range(8)]
    for s in starters:
        assert len(s.list()) == 1
    late = Starter(quoin)
    assert late.s.recv(1) == b""
    starters[3].close()
    wait_for(lambda: _lists(quoin), what="a place is free again")


def _lists(quoin):
    try:
        return len(Starter(quoin).list()) == 1
    except (OSError, AssertionError):
        return False


def test_chance(quoin):
    """Anything at all on a pair: an answer or an end, and life goes on."""
    key = quoin.certificate().pin
    quoin.start("qtls-key")
    s = Starter(quoin)
    chance = random.Random(1)
    good = bytes.fromhex(key) + struct.pack(">H", ECDSA) + TLS13
    for _ in range(500):
        frame = bytearray(good[: chance.randrange(1, len(good) + 1)] + chance.randbytes(chance.choice((0, 0, 1, 40))))
        for _ in range(chance.randrange(3)):
            frame[chance.randrange(len(frame))] = chance.randrange(256)
        with s.pair() as pair:
            pair.send(frame)
            answer = pair.recv(65536)
            hash_only = bytes(frame[: 34 + len(CONTEXT)]) == good[: 34 + len(CONTEXT)] and len(frame) in (164, 180)
            assert (answer[:1] == b"K") == hash_only, frame
    assert s.ask(key, ECDSA, TLS13)[:1] == b"K"


# ---- the keys ----


def lines_about(quoin, name):
    return [x for x in quoin.log("qtls-key").splitlines() if f"control/tls/{name}" in x]


def broken(quoin, name, kind="ec"):
    """A directory that is right, to be broken: its real path."""
    quoin.certificate(where=name, kind=kind)
    return (quoin.home / "control/tls" / name).resolve()


def test_what_is_broken_is_named_and_the_rest_goes_on(quoin, tmp_path):
    good = quoin.certificate()
    tls = quoin.home / "control/tls"
    (broken(quoin, "nokey") / "key.pem").unlink()
    (broken(quoin, "nocert") / "cert.pem").unlink()
    (broken(quoin, "otherkey") / "key.pem").write_bytes((broken(quoin, "fine") / "key.pem").read_bytes())
    (broken(quoin, "garbage") / "key.pem").write_bytes(os.urandom(1000))
    (broken(quoin, "empty") / "cert.pem").write_bytes(b"")
    (broken(quoin, "huge") / "cert.pem").write_bytes(b"x" * 70000)
    p = broken(quoin, "encrypted") / "key.pem"
    p.write_bytes(openssl("pkey", "-in", p, "-aes128", "-passout", "pass:x"))
    p = broken(quoin, "torn") / "key.pem"
    p.write_bytes(p.read_bytes()[:-40])
    p = broken(quoin, "fifo") / "key.pem"
    p.unlink()
    os.mkfifo(p)
    (tls / "dangling").symlink_to("nowhere")
    (tls / "outside").symlink_to(tmp_path)
    (tls / "file").write_text("x")
    for name, words in (("short", ("-newkey", "rsa:1024")), ("curve", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1")),
                        ("secp256k1", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1")), ("ed448", ("-newkey", "ed448"))):  # fmt: skip
        d = tls / name
        d.mkdir()
        openssl("req", "-x509", *words, "-nodes", "-keyout", d / "key.pem", "-out", d / "cert.pem", "-subj", "/CN=x")
        os.chmod(d / "key.pem", 0o644)
    (tls / ".halfway").mkdir()
    names = {
        "nokey": "No such file", "nocert": "No such file", "otherkey": "not of the key", "garbage": "no private key",
        "empty": "no certificate", "huge": "File too large", "encrypted": "encrypted", "torn": "no private key",
        "fifo": "Invalid argument", "dangling": "No such file", "outside": "", "file": "Not a directory",
        "short": "too short", "curve": "curve", "secp256k1": "curve", "ed448": "neither",
    }  # fmt: skip
    if ROOT:
        p = broken(quoin, "unreadable") / "key.pem"
        p.chmod(0o600)
        names["unreadable"] = "Permission denied"
    quoin.start("qtls-key")
    for name, word in names.items():
        about = [x for x in lines_about(quoin, name) if "no TLS with this certificate" in x]
        assert len(about) == 1 and word in about[0], (name, about)
    assert not lines_about(quoin, ".halfway")
    assert "\nqtls-key: keys keys=2\n" in "\n" + quoin.log("qtls-key")
    s = Starter(quoin)
    assert good.pin in s.list() and len(s.list()) == 2
    assert s.ask(good.pin, ECDSA, TLS13)[:1] == b"K"


def test_a_key_that_everybody_reads_is_warned_of(quoin):
    (broken(quoin, "open") / "key.pem").chmod(0o644)
    quoin.start("qtls-key")
    assert any("everybody can read it" in x for x in lines_about(quoin, "open"))
    assert len(Starter(quoin).list()) == 1


def test_an_expired_certificate_has_a_key(quoin):
    quoin.certificate(days=-1)
    quoin.start("qtls-key")
    assert len(Starter(quoin).list()) == 1


@pytest.mark.parametrize("there", [True, False])
def test_no_key_at_all(quoin, there):
    if not there:
        (quoin.home / "control/tls").rmdir()
    service = quoin.start("qtls-key")
    s = Starter(quoin)
    assert s.list() == set()
    assert s.ask("00" * 32, ECDSA, TLS13) == NO_KEY
    (quoin.home / "control/tls").mkdir(exist_ok=True)
    pin = quoin.certificate().pin
    service.popen.send_signal(signal.SIGHUP)
    assert s.list() == {pin}
    assert s.ask(pin, ECDSA, TLS13)[:1] == b"K"


def test_reload_keeps_the_old_key_for_those_who_began_with_it(quoin):
    old = quoin.certificate().pin
    service = quoin.start("qtls-key")
    before = Starter(quoin)
    assert before.list() == {old}
    waiting = before.pair()
    new = quoin.certificate().pin
    service.popen.send_signal(signal.SIGHUP)
    after = Starter(quoin)
    assert after.list() == {new}
    assert after.ask(new, ECDSA, TLS13)[:1] == b"K"
    assert after.ask(old, ECDSA, TLS13) == NO_KEY
    # whoever began before has both, and so have those whom it starts
    assert before.ask(old, ECDSA, TLS13)[:1] == b"K"
    assert before.ask(new, ECDSA, TLS13)[:1] == b"K"
    late = before.pair()
    before.close()
    for pair in (waiting, late):
        assert ask(pair, old, ECDSA, TLS13)[:1] == b"K"
    # nobody is left who began before
    late = Starter(quoin)
    assert late.list() == {new}
    assert late.ask(old, ECDSA, TLS13) == NO_KEY


def test_old_keys_go(quoin):
    """After each of many renewals somebody is there; their keys do not pile up."""
    pins = [quoin.certificate().pin]
    service = quoin.start("qtls-key")
    keeper = Starter(quoin)
    assert keeper.list() == {pins[0]}
    for _ in range(5):
        pins.append(quoin.certificate().pin)
        service.popen.send_signal(signal.SIGHUP)
        assert Starter(quoin).list() == {pins[-1]}
    for pin in pins:
        assert keeper.ask(pin, ECDSA, TLS13)[:1] == b"K"
    assert keeper.list() == {pins[-1]}
    assert keeper.ask(pins[0], ECDSA, TLS13)[:1] == b"K"  # to ask anew is not to begin anew
    keeper.close()
    for pin in pins[:-1]:
        assert Starter(quoin).ask(pin, ECDSA, TLS13) == NO_KEY


def scalar(cert):
    """The secret number of an EC key, as its bytes."""
    der = openssl("pkey", "-in", cert.key, "-outform", "der")
    at = der.index(b"\x02\x01\x01\x04\x20") + 5  # RFC 5915: version 1, privateKey
    return der[at : at + 32]


def copies(service, secret):
    """How often it is in the memory of a process, in either order of bytes."""
    found = 0
    with open(f"/proc/{service.pid}/maps", encoding="ascii") as maps, open(f"/proc/{service.pid}/mem", "rb") as mem:
        for line in maps:
            area, rights, *_ = line.split()
            if rights[0] != "r" or "[v" in line:
                continue
            begin, end = (int(x, 16) for x in area.split("-"))
            if end - begin > 1 << 28:  # a sanitizer's own
                continue
            mem.seek(begin)
            data = mem.read(end - begin)
            found += data.count(secret) + data.count(secret[::-1])
    return found


@pytest.mark.root("another process' memory")
def test_an_old_key_leaves_memory(quoin):
    old = quoin.certificate()
    secret = scalar(old)
    service = quoin.start("qtls-key")
    s = Starter(quoin)
    assert s.ask(old.pin, ECDSA, TLS13)[:1] == b"K"
    assert copies(service, secret) > 0
    quoin.certificate()
    service.popen.send_signal(signal.SIGHUP)
    after = Starter(quoin)
    assert old.pin not in after.list()
    assert copies(service, secret) > 0  # for s
    s.close()
    after.list()
    wait_for(lambda: copies(service, secret) == 0)


def test_a_broken_renewal_and_its_repair(quoin):
    old = quoin.certificate()
    service = quoin.start("qtls-key")
    key = (quoin.home / "control/tls/default").resolve() / "key.pem"
    text = key.read_bytes()
    s = Starter(quoin)
    assert s.list() == {old.pin}
    pair = s.pair()
    key.write_bytes(b"")
    service.popen.send_signal(signal.SIGHUP)
    assert s.list() == set()
    assert ask(pair, old.pin, ECDSA, TLS13)[:1] == b"K"
    key.write_bytes(text)
    service.popen.send_signal(signal.SIGHUP)
    assert s.list() == {old.pin}
    assert s.ask(old.pin, ECDSA, TLS13)[:1] == b"K"


def test_more_keys_than_are_read(quoin):
    pin = quoin.certificate(where="n0").pin
    real = (quoin.home / "control/tls/n0").resolve()
    for n in range(1, 502):
        (quoin.home / f"control/tls/n{n}").symlink_to(real.name)
    quoin.start("qtls-key")
    assert "more than 500 keys" in quoin.log("qtls-key")
    s = Starter(quoin)
    assert s.list() == {pin}
    assert s.ask(pin, ECDSA, TLS13)[:1] == b"K"


# ---- the process ----


def test_nobody_of_its_user_looks_into_it(quoin):
    service = quoin.start("qtls-key")
    assert os.stat(f"/proc/{service.pid}/mem").st_uid == 0  # not dumpable
    if ROOT:
        uid = quoin.ids["quoink"]
        p = subprocess.run(["dd", f"if=/proc/{service.pid}/mem", "bs=1", "count=1", "of=/dev/null"],
                           user=uid, group=uid, extra_groups=[], capture_output=True)  # fmt: skip
        assert p.returncode != 0


def test_only_the_starters_group_connects(quoin):
    if not ROOT:
        pytest.skip("needs root: other uids")
    quoin.start("qtls-key")
    for name, may in (("quoint", True), ("quoind", False), ("quoini", False), ("quoinr", False)):
        code = f"import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect('{quoin.home}/run/tls-key/sock')"
        p = subprocess.run(["python3", "-c", code], user=quoin.ids[name], group=quoin.ids[name], extra_groups=[],
                           capture_output=True, cwd="/")  # fmt: skip
        assert (p.returncode == 0) == may, (name, p.stderr)


def test_two_do_not_serve_one_directory(quoin):
    quoin.start("qtls-key")
    p = quoin.run("qtls-key", user="quoink")
    assert p.returncode == 111 and b"listen at run/tls-key" in p.stderr


def test_many_sessions_side_by_side(quoin):
    """200 sessions that all ask at once, while one starter keeps listing."""
    key = quoin.certificate().pin
    service = quoin.start("qtls-key")
    s, lister = Starter(quoin), Starter(quoin)
    pairs = [s.pair() for _ in range(200)]
    request = bytes.fromhex(key) + struct.pack(">H", ECDSA) + TLS13
    for pair in pairs:
        pair.send(request)
    for _ in range(20):
        assert lister.list() == {key}
    left = set(pairs)
    while left:
        poll = select.poll()
        for pair in left:
            poll.register(pair, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(10000)}
        assert ready
        for pair in [p for p in left if p.fileno() in ready]:
            assert pair.recv(65536)[:1] == b"K"
            pair.close()
            left.discard(pair)
    wait_for(lambda: fds(service) < 20)
