"""What a scheduler may get wrong between two things that happen at once (qsend with the
spawners of sched.py): the keeper's orders while jobs run, routes that change while messages
wait, no place for what has a seat."""

import os
import signal
import socket
import struct
import time

import pytest

from quoin import wait_for
from sched import journal, later, make_id, queue_file, yes
from test_schedule import by_domain, door, hold, jobs_to, keep

pytestmark = pytest.mark.programs("qsend", "qbounce", "qqueue")


def logged(s, text, times=1):
    wait_for(lambda: s.log().count(text) >= times, what=f"in qsend's log: {text}")


def hup(s):
    s.qsend.send_signal(signal.SIGHUP)


# ---- the keeper, while a half of a message is under way ------------------------------


@pytest.mark.parametrize("verb", ["u", "m", "t"])
def test_half_of_a_message_is_under_way(s, verb):
    """No verb makes the running job start a second time, or forgets the half that waits."""
    s.policy = {"local": later, "remote": hold}
    s.start()
    ident = s.queue("a@example.org", ["x@far.example", "bob@q.example"])
    wait_for(lambda: s.remote.held)
    logged(s, "result=Z")
    assert keep(s, verb, ident) in ("W", "Z", "N")
    s.local.policy = yes
    wait_for(lambda: keep(s, "r", ident) and "result=K" in s.log(), what="the half that waits")
    assert s.tried("x@far.example") == 1
    s.remote.release()
    s.wait_empty()
    assert s.tried("x@far.example") == 1 and " gone " not in s.log()
    assert door(s, b"s")[9:17] == bytes(8)


# ---- routes that change ---------------------------------------------------------------


def test_routes_change_while_messages_wait(s):
    """Who is of the other channel now is tried there, also when none is left in the old one."""
    s.q.control("locals", ["q.example", "other.example"])
    s.policy = {"local": later, "remote": yes}
    s.start()
    s.queue("a@example.org", ["bob@other.example"])
    s.queue("a@example.org", ["eve@q.example", "eve@other.example"])
    logged(s, "result=Z", 3)
    s.q.control("locals", ["q.example"])
    hup(s)
    door(s, b"r")
    wait_for(lambda: sorted(r for c, j in s.jobs if c == "remote" for r in j.rcpts)
             == ["bob@other.example", "eve@other.example"], 10, "the remote ones")
    s.local.policy = yes
    wait_for(lambda: door(s, b"r") and s.is_empty())
    assert s.tried("eve@other.example") == 2 and " gone " not in s.log()


def test_a_recipient_joins_those_that_wait_elsewhere(s):
    """Its new channel's half waits with a destination: one entry is enough."""
    s.q.control("locals", ["q.example", "other.example"])
    s.q.control("destconcurrency", "busy.example:1")
    s.q.control("concurrencylocal", "0")
    s.policy["remote"] = by_domain(busy=hold)
    s.start()
    s.queue("a@example.org", ["w@busy.example"])
    wait_for(lambda: s.remote.held)
    s.queue("a@example.org", ["x@busy.example", "bob@other.example"])
    wait_for(lambda: not any((s.q.queue / "new").iterdir()))
    wait_for(lambda: b"\x00\x00\x00\x01" in door(s, b"s"))
    s.q.control("locals", ["q.example"])
    s.q.control("concurrencylocal", "5")
    hup(s)
    wait_for(lambda: s.tried("bob@other.example"))
    s.remote.policy = yes
    s.remote.release()
    s.wait_empty()
    s.queue("a@example.org", ["y@busy.example"])
    s.wait_empty()
    assert " gone " not in s.log()
    assert door(s, b"s")[9:17] == bytes(8)


# ---- places and seats -----------------------------------------------------------------


def cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_free_seat_and_no_place(s):
    """Lists have all the places for lists; one more has a seat at its destination. It costs
    no processor time to wait."""
    s.q.control("destconcurrency", ":1")
    s.q.control("concurrencyremote", "100")
    s.policy["remote"] = hold
    s.start()
    s.queue("a@example.org", ["w@full.example"])
    wait_for(lambda: s.remote.held)
    s.queue("a@example.org", [f"u{i}@full.example" for i in range(60)])
    wait_for(lambda: not any((s.q.queue / "new").iterdir()))
    for n in range(16):
        s.queue("a@example.org", [f"u{i}@d{n}.example" for i in range(60)])
    wait_for(lambda: len(s.remote.held) == 17)
    first = [j for j in s.remote.held if j.rcpts == ["w@full.example"]]
    s.remote.held = [j for j in s.remote.held if j not in first]
    s.remote.answer(first[0], [("K", "ok")])
    logged(s, "result=K")

    def spent():
        before = cpu(s.qsend.pid)
        time.sleep(1)
        return cpu(s.qsend.pid) - before

    # what it had still to do, on a busy machine, is done once; who spins does so each second
    assert any(spent() < 0.06 for _ in range(3))
    assert not [j for j in jobs_to(s, "full.example") if len(j.rcpts) > 1]
    s.remote.policy = yes
    wait_for(lambda: s.remote.release() or s.is_empty())


def test_who_waits_for_a_seat_is_overdue(s):
    s.q.control("destconcurrency", ":1")
    s.policy["remote"] = hold
    s.start()
    s.queue("a@example.org", ["w@full.example"])
    wait_for(lambda: s.remote.held)
    s.queue("a@example.org", ["x@full.example"])
    wait_for(lambda: struct.unpack(">Q", door(s, b"s")[45:53])[0] > 0, what="overdue")


# ---- a crash between a failure and its notification ------------------------------------


def test_a_failure_noted_before_the_crash_is_told_soon(s):
    """Of messages whose journals were written last; what is not decided keeps its schedule."""
    ident = {}
    for name, what in (("failed", b"D" + bytes(4) + b"550 5.1.1 nobody\0"), ("deferred", b"Z" + bytes(4) + b"451 later\0")):
        i = ident[name] = make_id(time.time_ns() - 3 * 86400 * 10**9)
        s.put(queue_file("a@far.example", [f"{name}@q.example"]), i, "cur")
        s.put_state(i, journal(i, [what]))
    s.q.start_queue()
    s.start()
    logged(s, f"bounce id={ident['failed']}")
    wait_for(lambda: s.q.queue_ids("cur") == [ident["deferred"]])
    assert s.tried("deferred@q.example") == 0 and s.tried("failed@q.example") == 0
    assert door(s, b"s")[9:17] == b"\0\0\0\0\0\0\0\1"


def test_what_cannot_be_set_aside_is_not_forgotten(s):
    bad = s.q.queue / "bad"
    bad.chmod(0o500)
    try:
        s.start()
        ident = s.put(b"not a queue file")
        s.wake()
        logged(s, f"move to queue/bad: {ident}")
    finally:
        bad.chmod(0o700)
    wait_for(lambda: door(s, b"r") and s.q.queue_ids("bad") == [ident])
    assert door(s, b"s")[9:17] == bytes(8)


# ---- the door --------------------------------------------------------------------------


@pytest.mark.root("to be several users")
def test_strangers_do_not_shut_the_keeper_out(s):
    """They keep each connection that they get, and get it anew when it is dropped."""
    s.start()
    open_ones = []
    try:
        for uid in range(40001, 40005):
            for _ in range(3):
                c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                open_ones.append(c)
                os.seteuid(uid)
                try:
                    c.connect(str(s.q.home / "run/qsend-list/sock"))
                finally:
                    os.seteuid(0)
        time.sleep(0.1)
        assert door(s, b"s")[:1] == b"S"
    finally:
        for c in open_ones:
            c.close()
