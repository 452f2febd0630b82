"""What security a delivery demands: each cell of the table in ARCHITECTURE.md, by real DNSSEC
(nsd, a validating unbound) and a Postfix with each kind of certificate.

qsts is a stand-in here (secure_world.py); the real one has tests of its own.
"""

import re
import shutil

import pytest
from remote_driver import Qtls, Remote
from secure_world import Qsts, World, policy

pytestmark = [
    pytest.mark.root("network namespaces, port 25"),
    pytest.mark.programs("qremote", "qtls"),
    pytest.mark.tools("ip", "nsd", "unbound", "ldns-signzone", "postfix"),
]

TLS = r"TLS=TLSv1\.3 TLS_AES_\w+"
DANE = TLS + " dane,"
NAME = TLS + " name,"
UNVERIFIED = TLS + " unverified,"
CLEAR = "TLS=none"
NOT_OFFERED = r"does not offer STARTTLS, which {} demands \(#4\.7\.4\)"
NO_TLSA = r"left out: its TLSA records cannot be looked up \(#4\.7\.5\)"


class Case:
    """server: who answers; where: which parts are signed; tlsa: words of secure_world.records();
    sts: (mode, patterns...), where MX stands for the host's name; wants: (letter, regex)."""

    count = 0

    def __init__(self, server, where, tlsa, wants, sts=None, log=None):
        Case.count += 1
        self.n, self.server, self.where, self.tlsa = Case.count, server, where, tlsa.split()
        self.wants, self.sts, self.log = wants, sts, log
        zone = "signed.test" if where not in ("plain", "mx-plain", "plain-no-mx") else "plain.test"
        self.domain = f"c{self.n}.{zone}"
        if where in ("no-mx", "plain-no-mx"):
            self.host = self.domain
        else:
            self.host = f"h{self.n}." + ("plain.test" if where in ("plain", "host-plain") else "signed.test")
        self.target = f"t{self.n}." + ("plain.test" if where == "alias-out" else "signed.test")

    def lines(self, zones):
        if self.host != self.domain:
            zones.add(self.domain, f"MX 10 {self.host}.")
        if self.where.startswith("alias"):
            zones.add(self.host, f"CNAME {self.target}.")
            zones.address(self.target, self.server)
            zones.tlsa(self.target if self.where == "alias" else self.host, self.tlsa)
            return
        zones.address(self.host, self.server)
        zones.tlsa(self.host, self.tlsa)
        if self.where in ("broken", "broken-first"):
            zones.broken.append(f"_25._tcp.{self.host}")
        if self.where == "broken-first":
            zones.add(self.domain, f"MX 20 {self.target}.")
            zones.address(self.target, "self")
            zones.tlsa(self.target, ["311:self"])

    def answer(self):
        return policy(self.sts[0], *(m.replace("MX", self.host) for m in self.sts[1:])) if self.sts else b"N"

    def __repr__(self):
        said = self.wants[1].rsplit(" ", 1)[-1].strip(",")[:12]
        parts = [self.server, self.where, *self.tlsa, *(self.sts or ()), self.wants[0] + said]
        return "-".join(re.sub(r"[^\w.:*]", "", p) for p in parts)


CASES = [
    # MX and address secure, usable records: DANE
    Case("self", "signed", "311:self", ("K", DANE)),  # no name, no CA: RFC 7672 3.1.1
    Case("self", "signed", "301:self", ("K", DANE)),
    Case("self", "signed", "312:self", ("K", DANE)),
    Case("self", "signed", "310:self", ("K", DANE)),
    Case("rsa", "signed", "311:rsa", ("K", DANE)),
    Case("wrong", "signed", "311:wrong", ("K", DANE)),
    Case("expired", "signed", "311:expired", ("K", DANE)),  # no date either
    Case("nul", "signed", "311:nul", ("K", DANE)),
    Case("self", "signed", "311:none 311:self", ("K", DANE)),
    Case("self", "signed", "319 111:good 311:self", ("K", DANE)),
    Case("self", "signed", "311:none", ("Z", r"not good enough for its TLSA records: .*\(#4\.7\.5\)")),
    Case("good", "signed", "311:self", ("Z", r"#4\.7\.5")),  # the CAs do not count
    Case("good", "signed", "211:ca", ("K", DANE)),
    Case("good", "signed", "201:ca", ("K", DANE)),
    Case("rsa", "signed", "211:none 211:ca", ("K", DANE)),
    Case("good", "signed", "211:none", ("Z", r"#4\.7\.5")),
    Case("wrong", "signed", "211:ca", ("Z", r"mismatch \(#4\.7\.5\)")),  # usage 2 looks at names
    Case("expired", "signed", "211:ca", ("Z", r"expired \(#4\.7\.5\)")),  # and dates
    Case("nul", "signed", "211:ca", ("Z", r"#4\.7\.5")),
    Case("clear", "signed", "311:self", ("Z", NOT_OFFERED.format("its TLSA records"))),
    Case("garbage", "signed", "311:self", ("Z", r"no TLS session: .*\(#4\.7\.5\)")),
    Case("self", "no-mx", "311:self", ("K", DANE)),
    Case("self", "no-mx", "311:none", ("Z", r"#4\.7\.5")),
    Case("self", "alias", "311:self", ("K", DANE)),  # behind the alias first,
    Case("self", "alias-original", "311:self", ("K", DANE)),  # then as the MX says
    Case("self", "alias-out", "311:self", ("K", DANE)),  # of an alias to what is not secure
    Case("self", "alias-out", "311:none", ("Z", r"#4\.7\.5")),
    Case("clear", "alias-out", "311:self", ("Z", NOT_OFFERED.format("its TLSA records"))),
    Case("clear", "alias-out", "", ("K", CLEAR)),
    Case("self", "alias", "311:none", ("Z", r"#4\.7\.5")),
    Case("good", "alias", "211:ca", ("K", DANE)),
    # secure, but none usable: encrypted, whoever it is
    Case("self", "signed", "319", ("K", UNVERIFIED)),
    Case("self", "signed", "391", ("K", UNVERIFIED)),
    Case("self", "signed", "311:short", ("K", UNVERIFIED)),
    Case("self", "signed", "011:ca 111:good", ("K", UNVERIFIED)),
    Case("clear", "signed", "319", ("Z", NOT_OFFERED.format("its TLSA records"))),
    Case("garbage", "signed", "319", ("Z", r"no TLS session: .*\(#4\.7\.5\)")),
    # the look-up fails: not this host
    Case("self", "broken", "311:self", ("Z", NO_TLSA)),
    Case("clear", "broken", "311:self", ("Z", NO_TLSA)),
    Case("good", "broken-first", "311:good", ("K", DANE)),
    # secure and none, or something is not secure: as if there were no DANE
    Case("self", "signed", "", ("K", UNVERIFIED)),
    Case("clear", "signed", "", ("K", CLEAR)),
    Case("self", "mx-plain", "311:none", ("K", UNVERIFIED)),
    Case("clear", "mx-plain", "311:none", ("K", CLEAR)),
    Case("self", "host-plain", "311:none", ("K", UNVERIFIED)),
    Case("clear", "host-plain", "311:none", ("K", CLEAR)),
    Case("clear", "plain", "311:none", ("K", CLEAR)),
    Case("clear", "plain-no-mx", "311:none", ("K", CLEAR)),
    # opportunistic
    Case("good", "plain", "", ("K", UNVERIFIED)),
    Case("self", "plain", "", ("K", UNVERIFIED)),
    Case("expired", "plain", "", ("K", UNVERIFIED)),
    Case("nul", "plain", "", ("K", UNVERIFIED)),
    Case("garbage", "plain", "", ("K", CLEAR), log="tls=none tlswhy="),
    Case("mx", "plain", "", ("K", UNVERIFIED)),
    Case("mx", "signed", "", ("K", UNVERIFIED)),
    # MTA-STS enforced
    Case("good", "plain", "", ("K", NAME), ("E", "MX")),
    Case("rsa", "plain", "", ("K", NAME), ("E", "other.example", "MX")),
    Case("good", "plain", "", ("K", NAME), ("E", "*.plain.test")),
    Case("good", "signed", "", ("K", NAME), ("E", "MX")),
    Case("good", "mx-plain", "311:none", ("K", NAME), ("E", "MX")),
    Case("good", "plain-no-mx", "", ("K", NAME), ("E", "MX")),
    Case("self", "plain", "", ("Z", r"not good enough for the domain's MTA-STS policy: self-signed .*\(#4\.7\.5\)"),
         ("E", "MX")),
    Case("wrong", "plain", "", ("Z", r"mismatch \(#4\.7\.5\)"), ("E", "MX")),
    Case("expired", "plain", "", ("Z", r"expired \(#4\.7\.5\)"), ("E", "MX")),
    Case("nul", "plain", "", ("Z", r"#4\.7\.5"), ("E", "MX")),
    Case("clear", "plain", "", ("Z", NOT_OFFERED.format("the domain's MTA-STS policy")), ("E", "MX")),
    Case("garbage", "plain", "", ("Z", r"no TLS session: .*\(#4\.7\.5\)"), ("E", "MX")),
    Case("good", "plain", "", ("Z", r"left out: the domain's MTA-STS policy does not list it \(#4\.7\.5\)"),
         ("E", "other.example")),
    Case("good", "plain", "", ("Z", "does not list it"), ("E", "*.x.plain.test", "plain.test")),
    # testing: as with none, and a line
    Case("good", "plain", "", ("K", NAME), ("T", "MX"), log="sts-testing .*reason=ok"),
    Case("self", "plain", "", ("K", UNVERIFIED), ("T", "MX"), log=r"sts-testing .*reason=self-signed"),
    Case("wrong", "plain", "", ("K", UNVERIFIED), ("T", "MX"), log=r"sts-testing .*reason=\S*mismatch"),
    Case("clear", "plain", "", ("K", CLEAR), ("T", "MX"), log=r"sts-testing .*reason=no\\x20STARTTLS"),
    Case("garbage", "plain", "", ("K", CLEAR), ("T", "MX"), log="sts-testing .*reason="),
    Case("good", "plain", "", ("K", TLS), ("T", "other.example"), log=r"sts-testing .*reason=not\\x20listed"),
    # DANE stands before it
    Case("self", "signed", "311:self", ("K", DANE), ("E", "other.example")),
    Case("good", "signed", "311:none", ("Z", r"TLSA records: .*#4\.7\.5"), ("E", "MX")),
    Case("self", "signed", "319", ("K", UNVERIFIED), ("E", "MX")),
    Case("good", "broken", "311:good", ("Z", NO_TLSA), ("E", "MX")),
]


@pytest.fixture(scope="module")
def world():
    if not shutil.which("ip"):
        pytest.skip("no network namespaces here")
    w = World(CASES)
    yield w
    w.close()


@pytest.fixture(scope="module")
def qtls(world):
    with Qtls(world.ca) as q:
        yield q


@pytest.fixture(scope="module")
def qsts(world):
    q = Qsts({c.domain: c.answer() for c in CASES})
    yield q
    q.close()


@pytest.fixture
def send(world, qtls, qsts):
    def one(domain, route="", logins=(), door=qsts.door, **control):
        with Remote(netns=world.a, qtls=qtls, qsts=door, **{"dnsservers": "127.0.0.1 53", **control}) as r:
            rep = r.deliver(rcpts=[f"b@{domain}"], route=route, logins=logins, timeout=90)
            return rep, r.log()

    return one


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_cell(send, case):
    rep, log = send(case.domain)
    letter, said = case.wants
    assert rep.letters == letter and re.search(said, rep.texts[0]), (rep, log)
    assert case.log is None or re.search(case.log, log), log
    assert ("sts-testing" in log) == bool(case.sts and case.sts[0] == "T")


def case_of(server, where, tlsa="", sts=None):
    return next(c for c in CASES if (c.server, c.where, c.tlsa, c.sts) == (server, where, tlsa.split(), sts))


def test_qsts_does_not_know(send, qsts):
    """A policy that may exist: mail waits. Where it is not asked, it does not matter."""
    plain, signed = case_of("good", "plain"), case_of("self", "signed", "311:self")
    q = Qsts({c.domain: b"Zcannot read it\0" for c in CASES})
    try:
        rep, _ = send(plain.domain, door=q.door)
        assert rep.letters == "Z" and "MTA-STS policy is not known now (#4.7.5)" in rep.texts[0]
        assert send(signed.domain, door=q.door)[0].letters == "K"
        assert q.asked == [plain.domain]
        assert send(plain.domain, door=q.door, tlspolicy=":may")[0].letters == "K"
        q.stop()
        rep, _ = send(plain.domain, door=q.door)
        assert rep.letters == "Z" and "is not known now" in rep.texts[0]
    finally:
        q.close()
    assert send(plain.domain, door=None)[0].letters == "K"  # this host has no qsts


def test_unknown_is_not_taken_for_none_when_the_answer_is_garbled(send):
    c = case_of("good", "plain")
    q = Qsts({c.domain: b"E\xff\0\1x\0"})
    try:
        assert send(c.domain, door=q.door)[0].letters == "Z"
    finally:
        q.close()


@pytest.mark.parametrize(
    "server, where, tlsa, rule, letter, said",
    [
        ("self", "signed", "311:none", "none", "K", CLEAR),
        ("self", "signed", "311:none", "may", "K", UNVERIFIED),
        ("clear", "signed", "311:self", "may", "K", CLEAR),
        ("self", "signed", "311:none", "encrypt", "K", UNVERIFIED),
        ("clear", "plain", "311:none", "encrypt", "Z", r"#4\.7\.4"),
        ("self", "signed", "311:self", "verify", "Z", r"#4\.7\.5"),
        ("mx", "signed", "", "verify", "K", NAME),  # a MX that DNS vouches for
        ("mx", "plain", "", "verify", "Z", r"mismatch \(#4\.7\.5\)"),  # one that it does not
        ("good", "plain", "", "verify", "K", NAME),  # the domain's own name
        ("good", "plain", "", "verify .plain.test", "K", NAME),
        ("self", "signed", "311:none", "pin {self}", "K", TLS + " pin,"),
        ("good", "signed", "211:ca", "pin {self}", "Z", r"none of the pinned ones \(#4\.7\.5\)"),
    ],
)
def test_admin_stands_above_dns(send, world, server, where, tlsa, rule, letter, said):
    c = case_of(server, where, tlsa)
    rule = rule.format(**{k: x.pin for k, x in world.certs.items()})
    rep, log = send(c.domain, tlspolicy=f"{c.domain.upper()}:{rule}")
    assert rep.letters == letter and re.search(said, rep.texts[0]), (rep, log)


def test_admin_stands_above_mta_sts(send):
    c = case_of("self", "plain", sts=("E", "MX"))
    assert send(c.domain, tlspolicy=f".{c.domain.partition('.')[2]}:encrypt")[0].letters == "K"


def test_next_hops_have_dane_too(send):
    """A route's name is the admin's word: its records count when its address is secure."""
    for server, tlsa, letter in (("self", "311:self", "K"), ("self", "311:none", "Z"), ("clear", "311:self", "Z")):
        c = case_of(server, "signed", tlsa)
        rep, log = send("any.example", route=c.host)
        assert rep.letters == letter, (rep, log)
        assert letter == "Z" or re.search(DANE, rep.texts[0])


def test_answers_that_are_not_vouched_for_do_not_count(send):
    """The same resolver at an address that is not loopback's, unless it is in dnstrusted."""
    c = case_of("clear", "signed", "311:self")
    assert send(c.domain)[0].letters == "Z"
    assert send(c.domain, dnsservers="192.0.2.1 53")[0].letters == "K"
    assert send(c.domain, dnsservers="192.0.2.1 53", dnstrusted="192.0.2.1")[0].letters == "Z"


def test_what_postfix_says_of_it(world, send):
    """TLS came about with the peer, as it says itself."""
    c = case_of("self", "signed", "311:self")
    assert send(c.domain)[0].letters == "K"
    assert "TLS connection established from unknown[192.0.2.1]: TLSv1.3" in world.postfix.log()
