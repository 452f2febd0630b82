"""DNS with and without signatures, and Postfix with each kind of certificate, in network namespaces.

QA has a validating unbound and qremote (192.0.2.1), QB has nsd (192.0.2.53) and the hosts.
Zones: signed.test (ldns-signzone; its key is unbound's trust anchor) and plain.test. A
Case is a domain in them; see test_secure.py.
"""

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from certs import Authority, openssl, self_signed
from postfix import Postfix
from quoin import wait_for
from test_dns import NetServer, dnsq, enter, home_with, ip

# The last byte of a host's address.
HOSTS = {"good": 11, "self": 12, "expired": 13, "wrong": 14, "clear": 15, "nul": 16, "rsa": 17, "garbage": 18,
         "mx": 19}  # fmt: skip


def make_certs(where):
    ca = Authority(where)
    mine = "*.signed.test", "*.plain.test"
    return ca, {
        "good": ca.issue(*mine),
        "self": self_signed(where, "nobody.example"),
        "expired": ca.issue(*mine, days=-1),
        "wrong": ca.issue("other.example"),
        "nul": ca.issue(*(f"{prefix}{name}\0.evil.example" for prefix in ("", "nul.") for name in ("plain.test", "signed.test")),
                        common="evil.example"),  # fmt: skip
        "rsa": ca.issue(*mine, kind="rsa"),
        "mx": ca.issue(*(f"h{n}.{zone}" for n in range(1, 120) for zone in ("signed.test", "plain.test"))),
    }


def records(ca, certs):
    """TLSA records by a short word: 311:self, 301:self, 312:self, 211:ca, 201:ca, and no good ones."""
    found = {
        "311:none": "3 1 1 " + "ab" * 32,
        "211:none": "2 1 1 " + "ab" * 32,
        "319": "3 1 9 " + "ab" * 32,
        "391": "3 9 1 " + "ab" * 32,
        "311:short": "3 1 1 " + "ab" * 31,
        "111:good": f"1 1 1 {certs['good'].pin}",
        "011:ca": f"0 1 1 {ca.pin}",
    }
    for name, cert in {**certs, "ca": ca.own}.items():
        usage = 2 if name == "ca" else 3
        der = openssl("x509", "-in", cert.cert, "-outform", "der")
        public = openssl("x509", "-in", cert.cert, "-noout", "-pubkey")
        key = openssl("pkey", "-pubin", "-outform", "der", stdin=public)
        found[f"{usage}11:{name}"] = f"{usage} 1 1 {hashlib.sha256(key).hexdigest()}"
        found[f"{usage}12:{name}"] = f"{usage} 1 2 {hashlib.sha512(key).hexdigest()}"
        found[f"{usage}10:{name}"] = f"{usage} 1 0 {key.hex()}"
        found[f"{usage}01:{name}"] = f"{usage} 0 1 {hashlib.sha256(der).hexdigest()}"
    return found


class Zones:
    """The lines of signed.test and plain.test."""

    def __init__(self, known):
        self.known = known
        self.lines = {"signed.test": [], "plain.test": []}
        self.broken = []  # owners whose TLSA records are damaged behind the signature

    def add(self, name, text):
        self.lines[name.split(".", name.count(".") - 1)[-1]].append(f"{name}. {text}")

    def tlsa(self, host, words):
        for w in words:
            self.add(f"_25._tcp.{host}", f"TLSA {self.known[w]}")

    def address(self, host, server):
        self.add(host, f"A 192.0.2.{HOSTS[server]}")

    def text(self, zone):
        head = (f"$ORIGIN {zone}.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n")
        return head + "\n".join(self.lines[zone]) + "\n"

    def write(self, top):
        for zone in self.lines:
            (top / zone).write_text(self.text(zone))
        keys = []
        for words in (("-k",), ()):
            out = subprocess.run(["ldns-keygen", *words, "-a", "ECDSAP256SHA256", "-r", "/dev/urandom", "signed.test"],
                                 cwd=top, check=True, capture_output=True, text=True)  # fmt: skip
            keys.append(out.stdout.strip())
        subprocess.run(["ldns-signzone", "-f", "signed.out", "signed.test", *keys], cwd=top, check=True)
        (top / "anchor").write_text((top / f"{keys[0]}.key").read_text())
        lines = (top / "signed.out").read_text().splitlines()
        for owner in self.broken:
            n = next(i for i, x in enumerate(lines) if x.startswith(f"{owner}.\t") and "\tTLSA\t" in x)
            lines[n] = lines[n][:-1] + ("0" if lines[n][-1] != "0" else "1")
        (top / "signed.test").write_text("\n".join(lines) + "\n")


def _servers(top, zones, a, b):
    (top / "nsd.conf").write_text(f"""server:
  ip-address: 192.0.2.53@53
  username: ""
  server-count: 1
  pidfile: ""
  zonesdir: "{top}"
  database: ""
  xfrdfile: "{top}/xfrd"
  zonelistfile: "{top}/zonelist"
remote-control:
  control-enable: no
""" + "".join(f"zone:\n  name: {z}\n  zonefile: {z}\n" for z in zones.lines))
    (top / "unbound.conf").write_text(f"""server:
  interface: 127.0.0.1@53
  interface: 192.0.2.1@53
  access-control: 192.0.2.0/24 allow
  username: ""
  chroot: ""
  directory: "{top}"
  pidfile: ""
  do-daemonize: no
  use-syslog: no
  logfile: "{top}/unbound.log"
  do-not-query-localhost: no
  module-config: "validator iterator"
  val-log-level: 2
  trust-anchor-file: "{top}/anchor"
  local-zone: "test." nodefault
  local-zone: "." static
  local-zone: "signed.test." transparent
  local-zone: "plain.test." transparent
remote-control:
  control-enable: no
""" + "".join(f"stub-zone:\n  name: {z}\n  stub-addr: 192.0.2.53@53\n" for z in zones.lines))
    return (["ip", "netns", "exec", b, "nsd", "-d", "-c", top / "nsd.conf"],
            ["ip", "netns", "exec", a, "unbound", "-d", "-c", top / "unbound.conf"])  # fmt: skip


def in_netns(netns, do):
    result = []

    def work():
        enter(netns)
        with contextlib.suppress(OSError):
            result.append(do())

    t = threading.Thread(target=work)
    t.start()
    t.join()
    return result[0] if result else None


class Peers(Postfix):
    """A smtpd on each address, each with its own certificate."""

    def __init__(self, netns, certs):
        self.netns = netns
        lines = ""
        for name, last in HOSTS.items():
            if name == "garbage":
                continue
            lines += f"192.0.2.{last}:25 inet n - n - - smtpd\n"
            if name in certs:
                chain = f"{certs[name].key},{certs[name].chain}"
                lines += f"  -o smtpd_tls_chain_files={chain} -o smtpd_tls_security_level=may\n"
        super().__init__(prefix=["ip", "netns", "exec", netns], smtpd=lines, inet_interfaces="all",
                         mynetworks="192.0.2.0/24", default_transport="discard:taken", smtpd_tls_loglevel="1")

    def _greets(self):
        def greets():
            with socket.create_connection((f"192.0.2.{HOSTS['clear']}", 25), 2) as c:
                return c.recv(3) == b"220"

        return in_netns(self.netns, greets)


def garbage(conn, number):
    """Offers STARTTLS and cannot do it; in clear it takes mail."""
    conn.send("220 x\r\n")
    while line := conn.readline():
        if line.startswith(b"EHLO"):
            conn.send("250-x\r\n250 STARTTLS\r\n")
        elif line.startswith(b"STARTTLS"):
            conn.send("220 go\r\n")
            conn.s.recv(1)
            conn.send(b"HTTP/1.0 400 what\r\n")
            return
        elif line.startswith(b"DATA"):
            conn.send("354 go\r\n")
            while conn.readline() not in (b".\r\n", b""):
                pass
            conn.send("250 taken\r\n")
        else:
            conn.send("250 ok\r\n")


class World:
    """cases: objects whose lines(zones) adds what they need."""

    def __init__(self, cases):
        self.stack = contextlib.ExitStack()
        self.a, self.b = (f"qs{x}{os.getpid()}" for x in "ab")
        self.top = Path(tempfile.mkdtemp(prefix="sw-", dir="/tmp"))
        self.top.chmod(0o755)
        self.stack.callback(shutil.rmtree, self.top, ignore_errors=True)
        self.ca, self.certs = make_certs(self.top)
        self.zones = Zones(records(self.ca, self.certs))
        self.zones.address("ready.signed.test", "good")
        for c in cases:
            c.lines(self.zones)
        try:
            self._open()
        except BaseException:
            self.stack.close()
            raise

    def _netns(self, name):
        ip("netns", "add", name)
        self.stack.callback(subprocess.run, ["ip", "netns", "del", name], capture_output=True)

    def _open(self):
        try:
            self._netns(self.a)
            self._netns(self.b)
            ip("netns", "exec", self.a, "true")  # fails in a chroot that is no mount point
        except subprocess.CalledProcessError as e:
            pytest.skip(f"no network namespaces here: {e.stderr}")
        ip("link", "add", "qv", "netns", self.a, "type", "veth", "peer", "name", "qv", "netns", self.b)
        for ns, four in ((self.a, "192.0.2.1/24"), (self.b, "192.0.2.53/24")):
            for link in ("lo", "qv"):
                ip("-n", ns, "link", "set", link, "up")
            ip("-n", ns, "addr", "add", four, "dev", "qv")
        for n in HOSTS.values():
            ip("-n", self.b, "addr", "add", f"192.0.2.{n}/24", "dev", "qv")
        self.zones.write(self.top)
        log = self.stack.enter_context(open(self.top / "log", "wb"))
        for argv in _servers(self.top, self.zones, self.a, self.b):
            p = subprocess.Popen(argv, stdout=log, stderr=log)
            self.stack.callback(p.wait, 10)
            self.stack.callback(p.terminate)
        self.stack.enter_context(NetServer(garbage, self.b, f"192.0.2.{HOSTS['garbage']}"))
        self.postfix = self.stack.enter_context(Peers(self.b, self.certs))
        with home_with(dnsservers="127.0.0.1 53") as home:
            wait_for(lambda: dnsq(home, "ready.signed.test", "A", prefix=["ip", "netns", "exec", self.a])[0] == "found ad",
                     40, "unbound vouches for signed.test")  # fmt: skip

    def close(self):
        self.stack.close()


class Qsts:
    """run/qsts with answers of a test's own: {domain: frame of lib/stsask.h}; others have no policy."""

    def __init__(self, answers):
        self.door = Path(tempfile.mkdtemp(prefix="qsts-", dir="/tmp"))
        self.answers, self.asked = answers, []
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.bind(str(self.door / "sock"))
        self.s.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                c, _ = self.s.accept()
                with c:
                    domain = c.recv(300)[:-1].decode()
                    self.asked.append(domain)
                    c.send(self.answers.get(domain, b"N"))

    def stop(self):
        with contextlib.suppress(OSError):
            self.s.shutdown(socket.SHUT_RDWR)
        self.s.close()

    def close(self):
        self.stop()
        shutil.rmtree(self.door)


def policy(mode, *mx):
    return mode.encode() + b"20261121\0" + bytes([len(mx)]) + b"".join(m.encode() + b"\0" for m in mx)
