"""Somebody runs his own code in qsmtpd: what its uid, its descriptors and its sandbox leave him
(SECURITY.md), tried by takeover.c in qsmtpd's place."""

import os
import socket
import subprocess
import sys

import pytest
from quoin import BIN, ROOT, SANITIZED, free_port

TAKEOVER = BIN.parent / "tests/takeover"

pytestmark = [
    pytest.mark.programs("qqueue", "qstart", "qlisten", "qsmtpd", "qtls", "qtls-key", "qauth"),
    pytest.mark.skipif(not TAKEOVER.exists(), reason="not built: takeover"),
]

# Doors that qsmtpd has business at. All others are shut to its uid alone.
OPEN = {"qqueue", "qrcpt", "tls-server", "qauth-smtp"}


@pytest.fixture
def house(quoin):
    """All services, an account, mail in the queue and in a mailbox, somebody logged in."""
    quoin.users("alice")
    quoin.passwords({"alice": "secret"})
    quoin.control("smtpauth", "relay.example user word", group="quoins")
    quoin.start_queue()
    quoin.start_tls()
    quoin.start_tls_client()
    quoin.start_auth()
    quoin.start_delivery()
    quoin.start_smtp()
    quoin.write_home("alice", "Maildir/new/secret", "hers\n", mode=0o600)
    yield quoin


def takeover(q, deeds):
    """{("jail" or "bare", deed, argument): done?}; run by a qlisten as its qsmtpd would be."""
    port = free_port()
    drop = ("-u", q.owner("quoind")) if ROOT else ()
    words = [str(w) for deed in deeds for w in deed]
    q.start("qlisten", *drop, "127.0.0.1", str(port), "--", TAKEOVER, "-C", q.home, *words)
    with socket.create_connection(("127.0.0.1", port), 30) as c, c.makefile() as f:
        lines = f.read().splitlines()
    assert lines and lines.pop() == "end", (lines, q.log("qlisten"))
    found = {}
    for line in lines:
        where, deed, argument, result = line.split(" ")
        assert result in ("yes", "no"), line
        found[where, deed, argument] = result == "yes"
    assert len(found) == 2 * len(deeds)
    return found


def pids_of(q, *names):
    """{pid: name} of the running services of q."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
                words = f.read().split("\0")
            with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
                name = f.read().strip()
        except OSError:
            continue
        if str(q.home) in words and name in names:
            found[int(pid)] = name
    return found


def files_of(q):
    home = q.accounts["alice"][2]
    users = q.home / "users"
    yield from (q.home / "control/tls/default/key.pem", q.home / "control/smtpauth")
    yield from (users / "passwd", users / "passwd.cdb", home / "Maildir/new/secret")
    yield from (p for d in ("new", "cur", "state", "tmp", "bad") for p in (q.queue / d).iterdir())


@pytest.mark.root("services have uids of their own")
def test_a_taken_over_qsmtpd_reaches_no_secret(house):
    house.stop("qstart")  # the message stays in new/
    with house.smtp() as s:
        s.sendmail("a@b.example", ["alice@q.example"], "Subject: x\n\nsecret\n")
    files = list(files_of(house))
    assert len(files) >= 6, files
    dirs = [house.queue / d for d in ("new", "cur", "state", "tmp", "bad")] + [house.accounts["alice"][2] / "Maildir/new"]
    deeds = [(deed, f) for f in files for deed in ("read", "write")]
    deeds += [("list", d) for d in dirs] + [("make", d) for d in (*dirs, house.home / "control", house.home / "users")]
    found = takeover(house, deeds)
    assert [k for k, done in found.items() if done] == []


@pytest.mark.root("services have uids of their own")
def test_a_taken_over_qsmtpd_knocks_at_its_own_doors_alone(house):
    doors = [p for p in (house.home / "run").iterdir() if (p / "sock").exists()]
    assert OPEN < {p.name for p in doors}
    found = takeover(house, [("connect", p / "sock") for p in doors])
    for p in doors:
        assert found["bare", "connect", str(p / "sock")] == (p.name in OPEN), p.name
        assert found["jail", "connect", str(p / "sock")] <= (p.name in OPEN), p.name


@pytest.mark.root("services have uids of their own")
def test_a_taken_over_qsmtpd_touches_no_other_process(house):
    """Neither services, nor who is before a login or behind one; of its own kind, nothing
    is read."""
    before_login = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, user=house.ids["quoini"],
                                    group=house._gid("quoini"), extra_groups=[])  # fmt: skip
    behind_login = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE,
                                    user=house.accounts["alice"][0], extra_groups=[])  # fmt: skip
    try:
        with house.smtp() as other:
            other.ehlo()
            services = pids_of(house, "qqueue", "qsend", "qlspawn", "qrspawn", "qgetpw", "qrcpt", "qtls", "qtls-key", "qauth")
            assert set(services.values()) > {"qqueue", "qsend", "qtls", "qtls-key", "qauth"}
            siblings = pids_of(house, "qsmtpd")
            assert siblings
            targets = [*services, before_login.pid, behind_login.pid]
            deeds = [(deed, pid) for pid in targets for deed in ("signal", "memory", "fds")]
            deeds += [(deed, pid) for pid in siblings for deed in ("memory", "fds")]
            found = takeover(house, deeds)
            assert [k for k, done in found.items() if done] == []
    finally:
        for p in (before_login, behind_login):
            p.communicate(b"\n")


@pytest.mark.skipif(SANITIZED, reason="a build with sanitizers has no seccomp")
def test_the_sandbox_alone_leaves_nothing(house):
    """As one ordinary user it is the only wall: no file, no process, no network."""
    deeds = [(deed, f) for f in files_of(house) for deed in ("read", "write")]
    deeds += [("signal", os.getpid()), ("run", "/bin/true"), ("inet", "-"), ("list", house.home / "control")]
    deeds += [("make", house.home / "control"), ("read", "/etc/passwd")]
    found = takeover(house, deeds)
    assert [k for k, done in found.items() if done and k[0] == "jail"] == []
    assert found["bare", "run", "/bin/true"] and found["bare", "inet", "-"]  # the deeds do work
