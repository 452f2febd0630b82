"""Postfix, which demands security of whom it sends to, sends to Quoin: by the CAs and a name,
and by DANE with real signed zones. And messages that are cut."""

import contextlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
from pathlib import Path

import pytest
from postfix import Postfix
from quoin import wait_for
from secure_world import World

pytestmark = [
    pytest.mark.root("network namespaces, port 25"),
    pytest.mark.programs("qqueue", "qlisten", "qsmtpd", "qtls", "qtls-key"),
    pytest.mark.tools("ip", "nsd", "unbound", "ldns-signzone", "postfix"),
]


class Domain:
    """NAME.signed.test is taken by hNAME.signed.test, which is Quoin, and has that record."""

    def __init__(self, name, tlsa=None):
        self.name, self.tlsa = name, tlsa

    def lines(self, zones):
        host = f"h{self.name}.signed.test"
        zones.add(f"{self.name}.signed.test", f"MX 10 {host}.")
        zones.add(host, "A 192.0.2.1")
        if self.tlsa:
            zones.tlsa(host, [self.tlsa])


@pytest.fixture(scope="module")
def world():
    w = World([Domain("ee", "311:self"), Domain("ta", "211:ca"), Domain("no", "311:none"), Domain("plain")])
    etc = Path("/etc/netns") / w.a
    etc.mkdir(parents=True)
    (etc / "resolv.conf").write_text("nameserver 127.0.0.1\noptions trust-ad\n")
    yield w
    shutil.rmtree(etc)
    w.close()


class Sender(Postfix):
    """In the same namespace; level: what it demands."""

    def __init__(self, world, level):
        self.world = world
        super().__init__(prefix=["ip", "netns", "exec", world.a], disable_dns_lookups="no", smtp_host_lookup="dns",
                         smtp_dns_support_level="dnssec", smtp_tls_security_level=level, smtp_tls_loglevel="1",
                         smtp_tls_CAfile=world.ca.cert, smtp_tls_verify_cert_match="hostname")  # fmt: skip

    def _greets(self):
        return "daemon started" in self.log()

    def send(self, domain):
        """The status of one message to that domain."""
        to = f"alice@{domain}.signed.test"
        subprocess.run([*self.prefix, *self.sendmail_argv("-f", "s@pf.example", to)], input=b"Subject: x\n\nx\n", check=True)
        line = rf"to=<{to}>.* status=(\w+) (.*)"
        return wait_for(lambda: re.search(line, self.log()), 60, self.log()[-1500:]).groups()


@pytest.fixture
def house(quoin, world):
    quoin.control("rcpthosts", ".signed.test")
    quoin.start_queue()
    quoin.certificate(cert=world.certs["self"])
    quoin.start_tls()
    quoin.start_smtp(ip="192.0.2.1", port=25, wrap=("ip", "netns", "exec", world.a))
    return quoin


def test_dane(house, world):
    with Sender(world, "dane-only") as p:
        assert p.send("ee")[0] == "sent"
        status, why = p.send("no")
        assert status == "deferred" and "not verified" in why
        assert p.send("ta")[0] == "deferred"  # the record is of the other certificate
        assert len(house.queue_ids()) == 1
        assert "Verified TLS connection established to hee.signed.test" in p.log()
        house.certificate(cert=world.certs["good"])
        house.reload_tls()
        wait_for(lambda: house.log("qtls-key").count("keys=") >= 2, what=house.log("qtls-key"))
    with Sender(world, "dane-only") as p:
        assert p.send("ta")[0] == "sent"
        assert p.send("ee")[0] == "deferred"
    (f, g) = house.queue_files()
    for m in (f, g):
        assert re.search(rb"with ESMTPS \(TLSv1\.3 TLS_\w+\)\n", m.message)


def test_verified_by_name(house, world):
    with Sender(world, "verify") as p:
        assert p.send("plain")[0] == "deferred"
        assert house.queue_is_empty()
    house.certificate(cert=world.certs["good"])
    house.reload_tls()
    wait_for(lambda: house.log("qtls-key").count("keys=") >= 2, what=house.log("qtls-key"))
    with Sender(world, "verify") as p:
        assert p.send("plain")[0] == "sent"
        assert "Verified TLS connection established to hplain.signed.test" in p.log()


CUTS = {
    "in a line": b"Subject: x\r\n\r\nhalf a li",
    "behind a line": b"Subject: x\r\n\r\na line\r\n",
    "behind a dot": b"Subject: x\r\n\r\na line\r\n.",
    "behind CR": b"Subject: x\r\n\r\na line\r\n.\r",
}


@pytest.mark.parametrize("end", ["FIN", "reset", "close_notify"])
@pytest.mark.parametrize("where", CUTS)
def test_a_message_that_is_cut_is_none(quoin, where, end):
    """Whoever is between can end a connection, and that must look like no message's end."""
    quoin.control("rcpthosts", "there.example")
    quoin.start_queue()
    quoin.start_tls()
    quoin.start_smtp()
    any_cert = ssl.create_default_context()
    any_cert.check_hostname, any_cert.verify_mode = False, ssl.CERT_NONE
    with quoin.smtp() as c:
        c.starttls(context=any_cert)
        c.ehlo()
        assert (c.mail("a@x.example")[0], c.rcpt("b@there.example")[0], c.docmd("DATA")[0]) == (250, 250, 354)
        c.sock.sendall(CUTS[where])
        if end == "close_notify":
            c.sock.settimeout(5)
            with contextlib.suppress(OSError):
                c.sock.unwrap()
        if end == "reset":
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        bare = socket.socket(fileno=c.sock.detach())
        bare.close()
        c.close()
    wait_for(lambda: "reason=client-left" in quoin.log("qqueue"))
    assert quoin.queue_is_empty(), quoin.all_logs()
