"""lib/dns and qremote's choice of hosts, by nsd with zones of our own and unbound in front.

As an ordinary user on free ports through control/dnsservers; as root in network
namespaces with the real ports 25 and 53, through resolv.conf.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from quoin import free_port, wait_for
from remote_driver import BIN, Remote, Server, speaker

DNSQ = BIN.parent / "tests" / "dnsq"
ROOT = os.geteuid() == 0
pytestmark = pytest.mark.skipif(
    not DNSQ.exists() or not (BIN / "qremote").exists(), reason="dnsq or qremote is not built")
needs_peers = pytest.mark.skipif(
    not all(shutil.which(p) for p in ("nsd", "unbound", "dig")),
    reason="nsd, unbound or dig is not installed")

CHAIN = "\n".join(f"c{i} CNAME c{i + 1}" for i in range(1, 10)) + "\nc10 A 192.0.2.10\n"
MANY = "\n".join(f"many A 192.0.{i // 250}.{i % 250 + 1}" for i in range(120))
ZONE = f"""$ORIGIN zone.test.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.53
two MX 20 mx2
two MX 10 mx1
equal MX 5 mx1
equal MX 5 mx2
null MX 0 .
addr MX 0 192.0.2.66.
addr MX 10 mx2
self MX 10 dead
self MX 20 q.example.
self MX 30 mx2
selfaddr MX 10 dead
selfaddr MX 20 mine
selfaddr MX 30 mx2
loop MX 10 mine
loop MX 20 mx2
lo MX 10 localhost
lo MX 20 mx2
dead2 MX 10 dead
dead2 MX 20 mx2
half MX 10 half1
half1 A 192.0.2.99
half1 A 192.0.2.12
half1 AAAA 2001:db8:9::99
allbusy MX 10 busy
busy2 MX 10 busy
busy2 MX 20 mx2
gone MX 10 nowhere
broken MX 10 mx.broken.test.
fall MX 10 dead
fall A 192.0.2.12
host A 192.0.2.11
host6 AAAA 2001:db8:9::11
localhost A 127.0.0.1
mine A 192.0.2.1
mx1 A 192.0.2.11
mx1 AAAA 2001:db8:9::11
mx2 A 192.0.2.12
dead A 192.0.2.99
busy A 192.0.2.13
txt TXT "one" "two three"
big TXT "{'x' * 250}" "{'y' * 250}" "{'z' * 250}" "{'u' * 250}" "{'v' * 250}" "{'w' * 250}"
_25._tcp.mx1 TLSA 3 1 1 {'ab' * 32}
alias CNAME two
outside CNAME nothing
*.wild MX 7 mx1
{CHAIN}{MANY}
"""
REVERSE = """$ORIGIN 2.0.192.in-addr.arpa.
$TTL 60
@ SOA ns.zone.test. hostmaster.zone.test. 1 3600 600 86400 60
@ NS ns.zone.test.
11 PTR mx1.zone.test.
12 PTR liar.zone.test.
12 PTR mx2.zone.test.
13 PTR mx1.zone.test.
"""


def dnsq(home, *args, prefix=()):
    out = subprocess.run([*prefix, DNSQ, home, *args], capture_output=True, text=True, timeout=60,
                         env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    assert out.returncode == 0, out.stderr
    lines = out.stdout.splitlines()
    return lines[0], sorted(lines[1:])


@contextlib.contextmanager
def home_with(**control):
    with tempfile.TemporaryDirectory(prefix="dn-", dir="/tmp") as d:
        (Path(d) / "control").mkdir()
        for name, text in control.items():
            (Path(d) / "control" / name).write_text(text + "\n")
        yield d


@contextlib.contextmanager
def nsd_and_unbound(nsd_at, unbound_at, prefix_nsd=(), prefix_unbound=()):
    """nsd_at, unbound_at: (address, port)."""
    top = Path(tempfile.mkdtemp(prefix="ns-", dir="/tmp"))
    top.chmod(0o755)
    (top / "zone").write_text(ZONE)
    (top / "reverse").write_text(REVERSE)
    (top / "nsd.conf").write_text(f"""server:
  ip-address: {nsd_at[0]}@{nsd_at[1]}
  username: ""
  server-count: 1
  pidfile: ""
  zonesdir: "{top}"
  database: ""
  xfrdfile: "{top}/xfrd"
  zonelistfile: "{top}/zonelist"
remote-control:
  control-enable: no
zone:
  name: zone.test
  zonefile: zone
zone:
  name: 2.0.192.in-addr.arpa
  zonefile: reverse
zone:
  name: broken.test
  zonefile: missing
""")
    stubs = "".join(f"""stub-zone:
  name: {z}
  stub-addr: {nsd_at[0]}@{nsd_at[1]}
""" for z in ("zone.test", "2.0.192.in-addr.arpa", "broken.test"))
    (top / "unbound.conf").write_text(f"""server:
  interface: {unbound_at[0]}@{unbound_at[1]}
  username: ""
  chroot: ""
  directory: "{top}"
  pidfile: ""
  do-daemonize: no
  use-syslog: no
  logfile: "{top}/unbound.log"
  do-not-query-localhost: no
  module-config: "iterator"
  local-zone: "test." nodefault
  local-zone: "2.0.192.in-addr.arpa." nodefault
  local-zone: "." static
  local-zone: "zone.test." transparent
  local-zone: "broken.test." transparent
  local-zone: "2.0.192.in-addr.arpa." transparent
  local-data: "q.example. A 192.0.2.1"
remote-control:
  control-enable: no
{stubs}""")
    log = open(top / "log", "wb")
    running = [
        subprocess.Popen([*prefix_nsd, "nsd", "-d", "-c", top / "nsd.conf"], stdout=log, stderr=log),
        subprocess.Popen([*prefix_unbound, "unbound", "-d", "-c", top / "unbound.conf"], stdout=log,
                         stderr=log),
    ]
    try:
        with home_with(dnsservers=f"{unbound_at[0]} {unbound_at[1]}") as home:
            try:
                wait_for(lambda: dnsq(home, "host.zone.test", "A", prefix=prefix_unbound)[0] == "found",
                         40)
            except AssertionError:
                log.flush()
                pytest.fail((top / "log").read_text()[-2000:])
            yield top
    finally:
        for p in running:
            p.terminate()
        for p in running:
            p.wait(30)
        log.close()
        shutil.rmtree(top)


# ---- against dig -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def resolver():
    ports = free_port(), free_port()
    with nsd_and_unbound(("127.0.0.1", ports[0]), ("127.0.0.1", ports[1])):
        with home_with(dnsservers=f"127.0.0.1 {ports[1]}") as home:
            yield home, ports


def dig(port, name, kind):
    out = subprocess.run(
        ["dig", "@127.0.0.1", "-p", str(port), "+noall", "+answer", "+comments", name, kind],
        capture_output=True, text=True, timeout=30).stdout
    status = out.split("status: ")[1].split(",")[0]
    rows = [x.split(None, 4) for x in out.splitlines() if x and not x.startswith(";")]
    values = sorted(r[4] for r in rows if r[3] == kind)
    if kind == "TXT":
        values = [v.replace('" "', "") for v in values]
    if kind == "TLSA":
        values = [" ".join(v.split()[:3]) + " " + "".join(v.split()[3:]) for v in values]
    return status, values


@needs_peers
@pytest.mark.parametrize(
    ("name", "kind", "want"),
    [(n, k, w) for w, pairs in {
        "found": ["two MX", "equal MX", "null MX", "addr MX", "mx1 A", "mx1 AAAA", "host6 AAAA",
                  "txt TXT", "big TXT", "_25._tcp.mx1 TLSA", "alias MX", "alias CNAME", "c2 A",
                  "x.wild MX", "MX1 A", "c9 CNAME"],
        "nodata": ["two A", "host MX", "host AAAA", "wild A"],
        "nxdomain": ["no MX", "no A", "outside MX", "a.no A"],
    }.items() for n, k in (p.split() for p in pairs)])
def test_same_as_dig(resolver, name, kind, want):
    home, (_, port) = resolver
    name += ".zone.test"
    status, values = dig(port, name, kind)
    assert dnsq(home, name, kind) == (want, values)
    assert status == ("NXDOMAIN" if want == "nxdomain" else "NOERROR")


@needs_peers
def test_limits(resolver):
    home, (_, port) = resolver
    assert dnsq(home, "c1.zone.test", "A")[0].startswith("later: ")  # nine aliases
    found, values = dnsq(home, "many.zone.test", "A")
    assert found == "found" and len(values) == 100
    assert set(values) < set(dig(port, "many.zone.test", "A")[1])
    assert dnsq(home, "mx.broken.test", "A")[0] == (
        f"later: DNS server 127.0.0.1 {port} answered SERVFAIL")
    for name in ("a..test", "x" * 64 + ".test", "ä.test", ".".join(["x" * 60] * 5)):
        assert dnsq(home, name, "A")[0] == "invalid"


@needs_peers
def test_names_of_addresses(resolver):
    home, _ = resolver
    assert dnsq(home, "-x", "192.0.2.11") == ("found", ["mx1.zone.test."])
    assert dnsq(home, "-x", "192.0.2.12") == ("found", ["mx2.zone.test."])  # the second leads back
    assert dnsq(home, "-x", "192.0.2.13")[0] != "found"
    assert dnsq(home, "-x", "192.0.2.14")[0] == "nxdomain"


# ---- resolvers that are silent, truncate or lie ---------------------------------------------------


class Resolver:
    """answer(query, tcp) gives a list of packets to send back."""

    def __init__(self, answer, tcp=True, make=None):
        """make: gives the UDP socket; there is no TCP then."""
        tcp = tcp and make is None
        while True:  # one port, both protocols
            self.udp = make() if make else self._loopback(socket.SOCK_DGRAM, 0)
            self.port = self.udp.getsockname()[1]
            try:
                self.tcp = self._loopback(socket.SOCK_STREAM, self.port) if tcp else None
                break
            except OSError:
                self.udp.close()
        self.answer = answer
        self.asked = []
        self.threads = [threading.Thread(target=t, daemon=True) for t in (self._udp, self._tcp)[: 1 + tcp]]
        for t in self.threads:
            t.start()

    @staticmethod
    def _loopback(kind, port):
        s = socket.socket(socket.AF_INET, kind)
        s.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            s.listen()
        return s

    def _udp(self):
        with contextlib.suppress(OSError):
            while True:
                q, peer = self.udp.recvfrom(65536)
                if not q:
                    return
                self.asked.append((q, peer))
                for packet in self.answer(q, False):
                    self.udp.sendto(packet, peer)

    def _tcp(self):
        with contextlib.suppress(OSError):
            while True:
                s, peer = self.tcp.accept()
                with s:
                    n = struct.unpack(">H", s.recv(2))[0]
                    q = s.recv(n)
                    self.asked.append((q, peer))
                    for packet in self.answer(q, True):
                        s.sendall(struct.pack(">H", len(packet)) + packet)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """The threads end first: a call that is restarted would read from who has the number then."""
        both = [s for s in (self.udp, self.tcp) if s]
        for s in both:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
        for t in self.threads:
            t.join(5)
        for s in both:
            s.close()


def question(q):
    end = q.index(b"\0", 12) + 5
    return q[12:end]


def answer(q, rcode=0, addresses=("192.0.2.1",), flags=0x8180, ident=None, name=None, extra=b""):
    rrs = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(a)
                   for a in addresses)
    return ((ident or q[:2]) + struct.pack(">HHHHH", flags | rcode, 1, len(addresses), 0, 0)
            + (name or question(q)) + rrs + extra)


def liar(q, tcp):
    """Before the true answer: other ids, another name, noise."""
    other = bytes([q[0] ^ 1]) + q[1:2]
    fake = ("6.6.6.6",)
    return [answer(q, addresses=fake, ident=other),
            answer(q, addresses=fake, name=b"\3bad\4test\0\0\1\0\1"),
            answer(q, addresses=fake, flags=0x0100), b"", b"x" * 500, q, answer(q)]


def in_pieces(*links, flags=(0x8180, 0x8180)):
    """A resolver that leaves it to the client to follow aliases: the first of links is one of the second ..."""
    wire = [b"\1" + x.encode() + b"\4test\0" for x in links]

    def act(q, tcp):
        name = question(q)[:-4]
        at = wire.index(name) if name in wire[:-1] else -1
        if at == -1:
            return [answer(q, flags=flags[1])]
        to = wire[at + 1]
        rr = b"\xc0\x0c\0\5\0\1\0\0\0\1" + struct.pack(">H", len(to)) + to
        return [q[:2] + struct.pack(">HHHHH", flags[0], 1, 1, 0, 0) + question(q) + rr]

    return act


LIARS = {
    "follows no alias": (in_pieces(*"abc"), "found", ["192.0.2.1"]),
    "knows an alias alone, as its own": (in_pieces(*"ab", flags=(0x8500, 0x8180)), "found", ["192.0.2.1"]),
    "an alias that is not validated": (in_pieces(*"ab", flags=(0x8180, 0x81A0)), "found", ["192.0.2.1"]),
    "what it leads to is not validated": (in_pieces(*"ab", flags=(0x81A0, 0x8180)), "found", ["192.0.2.1"]),
    "both are": (in_pieces(*"ab", flags=(0x81A0, 0x81A0)), "found ad", ["192.0.2.1"]),
    "aliases in a circle": (in_pieces(*"aba"), "later", None),
    "as many aliases as are followed": (in_pieces(*"abcdefghi"), "found", ["192.0.2.1"]),
    "one more": (in_pieces(*"abcdefghij"), "later", None),
    "plain": (lambda q, tcp: [answer(q)], "found", ["192.0.2.1"]),
    "lies first": (liar, "found", ["192.0.2.1"]),
    "validated, from loopback": (lambda q, tcp: [answer(q, flags=0x81A0)], "found ad", ["192.0.2.1"]),
    "truncates": (lambda q, tcp: [answer(q)] if tcp else [answer(q, flags=0x8380, addresses=())],
                  "found", ["192.0.2.1"]),
    "truncates TCP too": (lambda q, tcp: [answer(q, flags=0x8380)], "later", None),
    "SERVFAIL": (lambda q, tcp: [answer(q, 2, ())], "later", None),
    "REFUSED": (lambda q, tcp: [answer(q, 5, ())], "later", None),
    "FORMERR without a question": (
        lambda q, tcp: [q[:2] + b"\x81\x81" + bytes(8)] if q[11] else [answer(q)], "found",
        ["192.0.2.1"]),
    "NOTIMP for EDNS": (lambda q, tcp: [answer(q, 4, ())] if q[11] else [answer(q)], "found",
                        ["192.0.2.1"]),
    "FORMERR for ever": (lambda q, tcp: [answer(q, 1, ())], "later", None),
    "a referral": (lambda q, tcp: [answer(q, flags=0x8100, addresses=())], "later", None),
    "trailing bytes": (lambda q, tcp: [answer(q, extra=b"\0")], "later", None),
    "half an answer": (lambda q, tcp: [answer(q)[:-2]], "later", None),
    "alias of itself": (
        lambda q, tcp: [q[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question(q)
                        + b"\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x0c"], "later", None),
    "pointer loop": (
        lambda q, tcp: [q[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question(q)
                        + b"\xc0" + bytes([12 + len(question(q))]) + b"\0\1\0\1\0\0\0\1\0\4\1\2\3\4"],
        "later", None),
    "an address too long": (
        lambda q, tcp: [q[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question(q)
                        + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\5\1\2\3\4\5"], "found", []),
    "NXDOMAIN": (lambda q, tcp: [answer(q, 3, ())], "nxdomain", []),
}


@pytest.mark.parametrize("name", LIARS)
def test_resolver_that_lies(name):
    act, want, values = LIARS[name]
    with Resolver(act) as r, home_with(dnsservers=f"127.0.0.1 {r.port}") as home:
        started = time.monotonic()
        status, got = dnsq(home, "a.test", "A")
        assert time.monotonic() - started < 5
    assert status.split(":")[0] == want
    if values is not None:
        assert got == values


def test_ids_and_ports_differ():
    with Resolver(lambda q, tcp: [answer(q)]) as r, home_with(
            dnsservers=f"127.0.0.1 {r.port}") as home:
        for _ in range(20):
            assert dnsq(home, "a.test", "A")[0] == "found"
        assert len({q[:2] for q, _ in r.asked}) > 15
        assert len({peer[1] for _, peer in r.asked}) > 15
        assert all(q[10:12] == b"\0\1" and q.endswith(b"\0\0\x29\x04\xd0\0\0\x80\0\0\0")
                   for q, _ in r.asked)


@pytest.mark.parametrize("first", ["silent", "refusing", "SERVFAIL"])
def test_second_server_answers(first):
    def act(q, tcp):
        return [answer(q, 2, ())] if first == "SERVFAIL" else []

    with Resolver(act) as one, Resolver(lambda q, tcp: [answer(q)]) as two:
        if first == "refusing":
            one.udp.close()
        with home_with(dnsservers=f"127.0.0.1 {one.port}\n127.0.0.1 {two.port}") as home:
            assert dnsq(home, "a.test", "A") == ("found", ["192.0.2.1"])


def test_nobody_serves():
    with Resolver(lambda q, tcp: []) as r:
        pass
    with home_with(dnsservers=f"127.0.0.1 {r.port}") as home:
        started = time.monotonic()
        assert dnsq(home, "a.test", "A")[0].startswith("later: ")
        assert time.monotonic() - started < 5


def test_truncates_and_has_no_tcp():
    with Resolver(lambda q, tcp: [answer(q, flags=0x8380)], tcp=False) as r, home_with(
            dnsservers=f"127.0.0.1 {r.port}") as home:
        assert dnsq(home, "a.test", "A")[0].startswith("later: ")


@pytest.mark.long
def test_silent_resolver_is_asked_for_thirty_seconds():
    """And mail for such a domain waits: it never bounces."""
    with Resolver(lambda q, tcp: []) as r:
        with Remote(dnsservers=f"127.0.0.1 {r.port}") as remote:
            started = time.monotonic()
            rep = remote.deliver(timeout=60)
            took = time.monotonic() - started
        assert rep.letters == "Z" and "does not answer (#4.4.3)" in rep.texts[0]
        assert 29 < took < 32
        assert len(r.asked) == 4


def test_flood_of_guesses_ends():
    def act(q, tcp):
        return [answer(q, ident=b"xx")] * 300

    with Resolver(act) as r, home_with(dnsservers=f"127.0.0.1 {r.port}") as home:
        started = time.monotonic()
        assert dnsq(home, "a.test", "A")[0].startswith("later: ")
        assert time.monotonic() - started < 5


def test_bad_configuration():
    for text, why in (("127.0.0.1 99999", "line 1"), ("# x\nlocalhost", "line 2")):
        with home_with(dnsservers=text) as home:
            out = subprocess.run([DNSQ, home, "a.test", "A"], capture_output=True, text=True)
            assert out.returncode == 100 and f"control/dnsservers: {why}" in out.stderr


# ---- real ports, in network namespaces ---------------------------------------------------------------


def enter(netns):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(f"/run/netns/{netns}", os.O_RDONLY)
    try:
        if libc.setns(fd, 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(fd)


def listen_in(netns, address, port=25):
    """A listening socket of that namespace."""
    result = []

    def work():
        enter(netns)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        result.append(socket.create_server((address, port), family=family))

    t = threading.Thread(target=work)
    t.start()
    t.join()
    return result[0]


class NetServer(Server):
    def __init__(self, script, netns, address):
        self.address = address
        made = listen_in(netns, address)
        super().__init__(script, listener=made)


def ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True)


@pytest.fixture(scope="module")
def net():
    """QA has the resolver and Quoin (192.0.2.1), QB everybody else."""
    if not ROOT:
        pytest.skip("network namespaces need root")
    if not all(shutil.which(p) for p in ("ip", "nsd", "unbound")):
        pytest.skip("ip, nsd or unbound is not installed")
    a, b = (f"qn{x}{os.getpid()}" for x in "ab")
    try:
        ip("netns", "add", a)
        ip("netns", "exec", a, "true")  # fails in a chroot that is no mount point
    except subprocess.CalledProcessError as e:
        subprocess.run(["ip", "netns", "del", a], capture_output=True)
        pytest.skip(f"no network namespaces here: {e.stderr}")
    etc = Path("/etc/netns") / a
    try:
        ip("netns", "add", b)
        ip("link", "add", "qv", "netns", a, "type", "veth", "peer", "name", "qv", "netns", b)
        for ns, four, six in ((a, "192.0.2.1/24", "2001:db8:9::1/64"),
                              (b, "192.0.2.53/24", "2001:db8:9::53/64")):
            for link in ("lo", "qv"):
                ip("-n", ns, "link", "set", link, "up")
            ip("-n", ns, "addr", "add", four, "dev", "qv")
            ip("-n", ns, "addr", "add", six, "dev", "qv", "nodad")
        for n in (11, 12, 13, 99):
            ip("-n", b, "addr", "add", f"192.0.2.{n}/24", "dev", "qv")
        for n in (11, 99):
            ip("-n", b, "addr", "add", f"2001:db8:9::{n}/64", "dev", "qv", "nodad")
        etc.mkdir(parents=True)
        (etc / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        with nsd_and_unbound(("192.0.2.53", 53), ("127.0.0.1", 53),
                             ["ip", "netns", "exec", b], ["ip", "netns", "exec", a]):
            yield a, b
    finally:
        for ns in (a, b):
            subprocess.run(["ip", "netns", "del", ns], capture_output=True)
        shutil.rmtree(etc, ignore_errors=True)
        with contextlib.suppress(OSError):
            etc.parent.rmdir()


class World:
    """mx1 (IPv4 and IPv6) and mx2 accept, busy says 421; dead has no server."""

    def __init__(self, net):
        self.a, self.b = net
        self.got = {"mx1": [], "mx1-6": [], "mx2": [], "busy": []}
        self.servers = [
            NetServer(speaker(self.got["mx1"]), self.b, "192.0.2.11"),
            NetServer(speaker(self.got["mx1-6"]), self.b, "2001:db8:9::11"),
            NetServer(speaker(self.got["mx2"]), self.b, "192.0.2.12"),
            NetServer(speaker(self.got["busy"], greeting="421 busy"), self.b, "192.0.2.13"),
        ]

    def deliver(self, domain, **control):
        with Remote(netns=self.a, **control) as r:
            (r.home / "control" / "dnsservers").unlink()  # resolv.conf, then
            rep = r.deliver(rcpts=[f"b@{domain}"], timeout=60)
        where = [k for k, v in self.got.items() if v]
        for v in self.got.values():
            v.clear()
        return rep.letters, rep.texts[0], where


@pytest.fixture
def world(net):
    w = World(net)
    yield w
    for s in w.servers:
        s.__exit__()


@pytest.mark.parametrize(
    ("domain", "letter", "where", "text"),
    [
        ("two.zone.test", "K", ["mx1-6"], "mx1.zone.test [2001:db8:9::11]:25 accepted: 250 2.0.0"),
        ("x.wild.zone.test", "K", ["mx1-6"], "accepted"),
        ("alias.zone.test", "K", ["mx1-6"], "accepted"),
        ("addr.zone.test", "K", ["mx2"], "mx2.zone.test [192.0.2.12]:25 accepted"),
        ("dead2.zone.test", "K", ["mx2"], "mx2.zone.test"),
        ("half.zone.test", "K", ["mx2"], "half1.zone.test [192.0.2.12]:25 accepted"),
        ("busy2.zone.test", "K", ["mx2"], "mx2.zone.test"),
        ("host.zone.test", "K", ["mx1"], "host.zone.test [192.0.2.11]:25 accepted"),
        ("host6.zone.test", "K", ["mx1-6"], "host6.zone.test [2001:db8:9::11]:25 accepted"),
        ("[192.0.2.12]", "K", ["mx2"], "[192.0.2.12] [192.0.2.12]:25 accepted"),
        ("[IPv6:2001:db8:9::11]", "K", ["mx1-6"], "accepted"),
        ("[127.0.0.1]", "D", [], "5.1.2"),
        ("[192.0.2.1]", "D", [], "5.1.2"),
        ("null.zone.test", "D", [], "null MX (#5.1.10)"),
        ("no.zone.test", "D", [], "there is no domain no.zone.test (#5.1.2)"),
        ("txt.zone.test", "D", [], "has neither MX nor address (#5.1.2)"),
        ("gone.zone.test", "D", [], "no mail exchanger of gone.zone.test has a usable address"),
        ("broken.zone.test", "Z", [], "answered SERVFAIL"),
        ("mx.broken.test", "Z", [], "unable to look up mx.broken.test: DNS server 127.0.0.1 answered "
                                    "SERVFAIL (#4.4.0)"),
        ("loop.zone.test", "D", [], "loops back to me: mine.zone.test is this host (#5.4.6)"),
        ("lo.zone.test", "D", [], "loops back to me"),
        ("self.zone.test", "Z", [], "dead.zone.test [192.0.2.99]: unable to connect"),
        ("selfaddr.zone.test", "Z", [], "dead.zone.test [192.0.2.99]: unable to connect"),
        ("allbusy.zone.test", "Z", [], "busy.zone.test [192.0.2.13] said: 421 busy"),
        ("fall.zone.test", "Z", [], "dead.zone.test [192.0.2.99]: unable to connect"),
    ],
)
def test_where_mail_goes(world, domain, letter, where, text):
    got = world.deliver(domain)
    assert (got[0], got[2]) == (letter, where)
    assert text in got[1]


def test_both_of_equal_preference_are_used(world):
    seen = {world.deliver("equal.zone.test")[2][0] for _ in range(40)}
    assert seen == {"mx1-6", "mx2"}


def test_fallback_to_the_domain_itself_only_when_listed(world):
    assert world.deliver("fall.zone.test", mxfallback="other.test\nFALL.zone.test")[2] == ["mx2"]


def test_ipv4_first_where_it_is_listed(world):
    for domains, first in (("other.test", "mx1-6"), ("TWO.zone.test", "mx1"), ("*", "mx1")):
        assert world.deliver("two.zone.test", ipv4first=domains)[2][0] == first


def test_address_behind_a_router(world):
    """192.0.2.11 is ours, says the admin: two.zone.test ends here."""
    letter, text, where = world.deliver("host.zone.test", myaddresses="192.0.2.11")
    assert (letter, where) == ("D", []) and "loops back" in text


def test_all_hosts_that_were_tried_are_named(world):
    world.servers.pop(2).__exit__()
    letter, text, _ = world.deliver("busy2.zone.test")
    assert letter == "Z"
    assert text == ("busy.zone.test [192.0.2.13] said: 421 busy; "
                    "mx2.zone.test [192.0.2.12]: unable to connect: Connection refused")


def test_validated_answers_are_believed_from_trusted_servers_only(net):
    a, b = net
    with Resolver(lambda q, tcp: [answer(q, flags=0x81A0)], make=lambda: udp_in(b)) as r:
        at = f"192.0.2.53 {r.port}"
        with home_with(dnsservers=at) as home:
            assert dnsq(home, "a.test", "A", prefix=["ip", "netns", "exec", a])[0] == "found"
        with home_with(dnsservers=at, dnstrusted="192.0.2.53") as home:
            assert dnsq(home, "a.test", "A", prefix=["ip", "netns", "exec", a])[0] == "found ad"


@pytest.mark.parametrize("first", ["SERVFAIL", "broken", pytest.param("silent", marks=pytest.mark.long)])
def test_failure_of_a_trusted_server_is_not_mended_by_another(net, first):
    """Else who damages a signed answer has it looked at by one that does not validate."""
    a, b = net
    said = {"SERVFAIL": lambda q: [answer(q, 2, ())], "silent": lambda q: [], "broken": lambda q: [answer(q)[:-2]]}
    with (
        Resolver(lambda q, tcp: said[first](q), make=lambda: udp_in(a, "127.0.0.1")) as one,
        Resolver(lambda q, tcp: [answer(q, flags=0x81A0)], make=lambda: udp_in(b)) as two,
    ):
        nobody = 1
        for port, want in ((one.port, "later"), (nobody, "found")):
            with home_with(dnsservers=f"127.0.0.1 {port}\n192.0.2.53 {two.port}") as home:
                status = dnsq(home, "a.test", "A", prefix=["ip", "netns", "exec", a])[0]
            assert status.split(":")[0] == want


def udp_in(netns, address="192.0.2.53"):
    result = []

    def work():
        enter(netns)
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((address, 0))
        result.append(s)

    t = threading.Thread(target=work)
    t.start()
    t.join()
    return result[0]
