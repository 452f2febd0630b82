"""Who is tried when: destinations of their own pace, what the keeper holds, and that
nobody waits for somebody else (qsend with the spawners of sched.py)."""

import os
import signal
import socket
import time

import pytest

from quoin import wait_for
from sched import Sched, later, make_id, queue_file, yes

pytestmark = pytest.mark.programs("qsend", "qbounce", "qqueue")

INSIST = 1


def door(s, request):
    """One request at the keeper's door: the first frame of the answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as c:
        c.connect(str(s.q.home / "run/qsend-ctl/sock"))
        c.send(request)
        return c.recv(65536)


def keep(s, letter, *idents):
    return door(s, letter.encode() + b"".join(i.encode() + b"\0" for i in idents)).decode().strip("\0")[1:]


def domain(rcpt):
    return rcpt.rsplit("@", 1)[1]


def jobs_to(s, dom):
    return [j for _, j in list(s.jobs) if domain(j.rcpts[0]) == dom]


def put_many(s, rcpts):
    """One message each, at once."""
    for r in rcpts:
        s.put(queue_file("a@example.org", [r]))
    s.wake()


def by_domain(**answers):
    """A policy by the first label of the domain; others say yes."""
    return lambda job, rcpt: answers.get(domain(rcpt).split(".")[0], yes)(job, rcpt)


def hold(job, rcpt):
    return None


def dead(job, rcpt):
    return "Z", "no host answers", "U"


def slow(job, rcpt):
    return "Z", "421 4.7.0 too much", "S"


def pass_at_full_speed(s, n=200, limit=30):
    """Single messages to other places, while all that is."""
    began = time.monotonic()
    put_many(s, [f"u{i}@other{i % 40}.example" for i in range(n)])
    wait_for(lambda: s.log().count("result=K") >= n, limit)
    took = time.monotonic() - began
    began = time.monotonic()
    s.queue("a@example.org", ["one@single.example"])
    wait_for(lambda: s.tried("one@single.example"))
    print(f"{n} others took {took:.2f} s, a single one {(time.monotonic() - began) * 1000:.0f} ms")
    assert time.monotonic() - began < 5


# ---- destinations -----------------------------------------------------------------


def test_concurrency_of_a_destination(s):
    s.q.control("destconcurrency", ["slow.example:2", ".wide.example:12", "relay.example:3", ":4"])
    s.q.control("smtproutes", ["one.example:relay.example:26", "two.example:relay.example:26"])
    s.policy["remote"] = by_domain(slow=hold, a=hold, one=hold, two=hold, open=hold)
    s.q.control("concurrencyremote", "100")
    s.start()
    put_many(s, [f"u{i}@{d}" for i in range(20) for d in ("slow.example", "a.wide.example", "one.example", "two.example", "open.example")])

    def held():
        n = {}
        for j in list(s.remote.held):
            n[domain(j.rcpts[0])] = n.get(domain(j.rcpts[0]), 0) + 1
        return n

    # a window begins at five
    want = {"slow.example": 2, "a.wide.example": 5, "open.example": 4}
    wait_for(lambda: all(held().get(d) == n for d, n in want.items()))
    wait_for(lambda: held().get("one.example", 0) + held().get("two.example", 0) == 3)
    time.sleep(0.2)
    assert sum(held().values()) == 14
    s.q.control("destconcurrency", "slow.example:4")
    s.qsend.send_signal(signal.SIGHUP)
    wait_for(lambda: s.remote.release() or s.is_empty())
    s.q.control("destconcurrency", "slow.example:0")
    s.qsend.send_signal(signal.SIGHUP)
    wait_for(lambda: "keeping the old settings: control/destconcurrency: line 1" in s.log())


def test_a_window_opens_with_success(s):
    s.q.control("concurrencyremote", "100")
    s.start()
    put_many(s, [f"u{i}@y.example" for i in range(250)])
    s.wait_empty()
    s.remote.policy = hold
    put_many(s, [f"v{i}@y.example" for i in range(60)])
    wait_for(lambda: len(s.remote.held) == 20)
    time.sleep(0.2)
    assert len(s.remote.held) == 20
    wait_for(lambda: s.remote.release() or s.is_empty())


def test_a_full_destination_holds_up_nobody(s):
    """More messages than places in memory, and none of them can go."""
    s.policy["remote"] = by_domain(full=hold)
    s.start()
    put_many(s, [f"u{i}@full.example" for i in range(2000)])
    wait_for(lambda: len(s.remote.held) == 5)
    pass_at_full_speed(s)
    assert len(jobs_to(s, "full.example")) == 5
    s.remote.policy = yes
    s.remote.release()
    wait_for(s.is_empty, 60)


def test_a_slow_rate_holds_up_nobody(s):
    s.q.control("destrate", "rate.example:1")
    s.start()
    put_many(s, [f"u{i}@rate.example" for i in range(2000)])
    wait_for(lambda: len(jobs_to(s, "rate.example")) == 1)
    pass_at_full_speed(s)
    assert len(jobs_to(s, "rate.example")) == 1


def test_the_rate_is_kept(s):
    s.q.control("destrate", ["rate.example:300"])
    s.start()
    began = time.monotonic()
    put_many(s, [f"u{i}@rate.example" for i in range(11)])
    s.wait_empty()
    assert 1.9 < time.monotonic() - began < 8


def test_who_asks_for_less_gets_it(s):
    """421: a rest, then one after the other."""
    s.policy["remote"] = by_domain(busy=slow)
    s.start()
    began = time.monotonic()
    s.queue("a@example.org", ["first@busy.example"])
    wait_for(lambda: "rest host=busy.example why=slow seconds=5" in s.log())
    s.remote.policy = yes
    put_many(s, [f"u{i}@busy.example" for i in range(3)])
    pass_at_full_speed(s, 50)
    assert len(jobs_to(s, "busy.example")) == 1
    wait_for(lambda: len(jobs_to(s, "busy.example")) == 4)
    assert 4.5 < jobs_to(s, "busy.example")[1].at - began < 15
    at = [j.at for j in jobs_to(s, "busy.example")[1:]]
    assert all(b - a > 0.5 for a, b in zip(at, at[1:]))


def test_a_dead_destination_holds_up_nobody(s):
    """A few show that it is dead; the others are put off untried, and say why."""
    s.policy["remote"] = by_domain(dead=dead)
    s.start()
    put_many(s, [f"u{i}@dead.example" for i in range(2000)])
    wait_for(lambda: "rest host=dead.example why=dead seconds=300" in s.log())
    pass_at_full_speed(s)
    wait_for(lambda: len(os.listdir(s.q.queue / "state")) == 2000, 60)
    assert 1 <= len(jobs_to(s, "dead.example")) <= 5
    tried = {j.id for j in jobs_to(s, "dead.example")}
    ident = next(p for p in os.listdir(s.q.queue / "state") if p not in tried)
    records = s.records(ident)
    assert records[0][:2] == ("Z", 0) and "did not answer a while ago" in records[0][2]


def test_back_again(s):
    """One that gets through by the keeper's wish frees all that wait for the place."""
    s.policy["remote"] = by_domain(dead=dead)
    s.start()
    first = s.queue("a@example.org", ["first@dead.example"])
    wait_for(lambda: "why=dead" in s.log())
    put_many(s, [f"u{i}@dead.example" for i in range(100)])
    wait_for(lambda: len(os.listdir(s.q.queue / "state")) == 101)
    assert len(jobs_to(s, "dead.example")) == 1
    s.remote.policy = yes
    assert keep(s, "r", first) == "K"
    wait_for(lambda: "back host=dead.example" in s.log())
    s.wait_empty()
    jobs = jobs_to(s, "dead.example")
    assert [bool(j.flags & INSIST) for j in jobs] == [False, True] + [False] * 100


def test_retry_of_all_forgets_who_was_dead(s):
    s.policy["remote"] = by_domain(dead=dead)
    s.start()
    s.queue("a@example.org", ["first@dead.example"])
    wait_for(lambda: "why=dead" in s.log())
    s.remote.policy = yes
    s.send(signal.SIGALRM)
    wait_for(lambda: len(jobs_to(s, "dead.example")) == 2)
    assert jobs_to(s, "dead.example")[1].flags & INSIST
    s.wait_empty()
    s.queue("a@example.org", ["second@dead.example"])
    s.wait_empty()


def test_without_a_network_nobody_is_dead(s):
    s.policy["remote"] = lambda job, rcpt: ("Z", "4.3.0 no route", "N")
    s.start()
    put_many(s, [f"u{i}@y.example" for i in range(50)])
    wait_for(lambda: s.log().count("result=Z") == 50)
    assert "rest host" not in s.log()


def test_the_last_attempt_insists(s):
    """Also when its destination is dead: it is tried, and then given up."""
    s.q.control("queuelifetime", "3")
    s.policy["remote"] = by_domain(dead=dead)
    s.q.start_queue()
    s.start()
    s.queue("a@example.org", ["first@dead.example"])
    wait_for(lambda: "why=dead" in s.log())
    ident = s.queue("b@example.org", ["second@dead.example"])
    wait_for(lambda: (s.q.queue / "state" / ident).exists())
    assert s.tried("second@dead.example") == 0
    wait_for(lambda: s.tried("second@dead.example") == 1)
    assert next(j for _, j in s.jobs if j.id == ident).flags & INSIST
    wait_for(lambda: s.tried("b@example.org"))
    wait_for(s.is_empty)
    assert f"bounce id={ident}" in s.log()


def test_one_message_many_destinations(s):
    """Who can be reached is, at once; who is dead is put off; who is full waits."""
    s.q.control("destconcurrency", "full.example:1")
    s.policy["remote"] = by_domain(full=hold, dead=dead)
    s.start()
    put_many(s, ["first@dead.example", "first@full.example"])
    wait_for(lambda: "why=dead" in s.log() and s.remote.held)
    rcpts = [f"u@other{i}.example" for i in range(30)] + ["u@dead.example", "u@full.example"]
    ident = s.queue("a@example.org", rcpts)
    wait_for(lambda: sum(s.tried(r) for r in rcpts) == 30)
    wait_for(lambda: [(w, i) for w, i, _ in s.records(ident) if w == "Z"] == [("Z", 30)])
    assert s.tried("u@dead.example") == s.tried("u@full.example") == 0
    s.remote.release()
    wait_for(lambda: s.tried("u@full.example") == 1)
    s.remote.release()
    wait_for(lambda: f"id={ident} rcpt=31" in "".join(x for x in s.log().splitlines() if "result=K" in x))


def test_messages_that_only_wait_give_their_places_up(s):
    """All places are taken by messages for two full destinations each."""
    s.q.control("destconcurrency", ["full1.example:1", "full2.example:1"])
    s.policy["remote"] = by_domain(full1=hold, full2=hold)
    s.start()
    for i in range(700):
        s.put(queue_file("a@example.org", [f"u{i}@full1.example", f"u{i}@full2.example"]))
    s.wake()
    wait_for(lambda: len(s.remote.held) == 2)
    s.queue("a@example.org", ["one@single.example"])
    wait_for(lambda: s.tried("one@single.example"))
    assert len(s.jobs) == 3


def test_a_slow_destination_leaves_jobs_to_others(s):
    """It may never hold all of the channel's jobs."""
    s.q.control("destconcurrency", ":100")
    s.start()
    put_many(s, [f"u{i}@tar.example" for i in range(800)])  # the window opens
    wait_for(s.is_empty, 60)
    s.remote.policy = by_domain(tar=hold)
    put_many(s, [f"v{i}@tar.example" for i in range(100)])
    wait_for(lambda: len(s.remote.held) == 16)
    pass_at_full_speed(s, 100)
    assert len(s.remote.held) == 16


def test_a_list_and_single_messages_at_one_destination(s):
    """10,000 recipients of one host, and single messages to it: these take turns."""
    s.q.control("destconcurrency", ":2")
    s.policy["remote"] = lambda job, rcpt: time.sleep(0.0002) or ("K", "ok")
    s.start()
    s.queue("a@example.org", [f"list{i}@y.example" for i in range(10_000)])
    wait_for(lambda: len(s.jobs) > 3)
    put_many(s, [f"single{i}@y.example" for i in range(20)])
    wait_for(lambda: all(s.tried(f"single{i}@y.example") for i in range(20)), 60)
    order = [j.rcpts[0][:4] for _, j in s.jobs]
    first, last = order.index("sing"), len(order) - order[::-1].index("sing")
    print(f"20 single messages came within {last - first} jobs of 200")
    assert last - first < 60
    wait_for(s.is_empty, 60)


def test_verp(s):
    s.start()
    rcpts = ["joe@y.example", "ann@y.example", "bob-x@q.example"]
    s.queue("list-owner-@example.org-@[]", rcpts)
    s.wait_empty()
    assert {j.rcpts[0]: j.sender for _, j in s.jobs} == {
        "joe@y.example": "list-owner-joe=y.example@example.org",
        "ann@y.example": "list-owner-ann=y.example@example.org",
        "bob-x@q.example": "list-owner-bob-x=q.example@example.org",
    }
    assert len(s.jobs) == 3


# ---- what the keeper does -----------------------------------------------------------


def test_hold_and_release(s):
    s.policy = {"local": later, "remote": hold}
    s.start()
    waits = s.queue("a@example.org", ["bob@q.example"])
    wait_for(lambda: "result=Z" in s.log())
    runs = s.queue("a@example.org", ["bob@q.example", "c@y.example"])
    wait_for(lambda: s.remote.held and s.log().count("result=Z") == 2)
    assert keep(s, "h", waits, runs, make_id()) == "KWN"
    s.send(signal.SIGALRM)
    s.remote.release("Z", "later")
    wait_for(lambda: s.log().count("result=Z") == 3)
    s.send(signal.SIGALRM)
    assert keep(s, "r", waits, runs) == "HH"
    time.sleep(0.1)
    assert len(s.jobs) == 3
    s.kill()
    s.start()  # it is remembered
    s.send(signal.SIGALRM)
    time.sleep(0.2)
    assert keep(s, "r", waits, runs) == "HH" and len(s.jobs) == 3
    s.local.policy = s.remote.policy = yes
    assert keep(s, "u", runs, waits) == "KK"
    s.wait_empty()
    assert len(s.jobs) == 6


def test_a_new_message_held_and_released(s):
    """Held before it was looked at: its journal counts."""
    s.q.control("concurrencyremote", "0")
    s.start()
    door(s, b"p\1")
    ident = s.queue("a@example.org", ["c@y.example"])
    wait_for(lambda: keep(s, "h", ident) in "KW")
    assert keep(s, "u", ident) == "K" and keep(s, "h", ident) in "KW"
    wait_for(lambda: keep(s, "r", ident) == "H")
    s.q.control("concurrencyremote", "20")
    s.send(signal.SIGHUP)
    door(s, b"c\1")
    time.sleep(0.1)
    assert not s.jobs
    assert keep(s, "u", ident) == "K"
    s.wait_empty()


def test_delete(s):
    s.policy = {"local": later, "remote": hold}
    s.start()
    waits = s.queue("a@example.org", ["bob@q.example"])
    held = s.queue("a@example.org", ["bob@q.example"])
    runs = s.queue("a@example.org", ["bob@q.example", "c@y.example"])
    wait_for(lambda: s.remote.held and s.log().count("result=Z") == 3)
    assert keep(s, "h", held) == "K"
    assert keep(s, "d", waits, held, runs, waits) == "KKWK"
    assert os.listdir(s.q.queue / "cur") == [runs]
    s.remote.release()
    s.wait_empty()
    for ident in (waits, held, runs):
        lines = [x for x in s.log().splitlines() if ident in x]
        assert lines[-1].startswith(f"qsend: delete id={ident} by=") and "end id" not in "".join(lines)
    assert keep(s, "d", waits) == "N"
    assert s.log().count("result=K") == 1


@pytest.mark.long
def test_thousands_at_once(s):
    """Ids of a thousand among 20,000: no request takes long."""
    s.policy["local"] = later
    s.start()
    idents = [s.put(queue_file("a@example.org", ["bob@q.example"])) for _ in range(20_000)]
    s.wake()
    wait_for(lambda: s.log().count("result=Z") == 20_000, 200)
    for letter, answer in (("h", "K"), ("r", "H"), ("u", "K"), ("d", "K")):
        began = time.monotonic()
        for i in range(0, 20_000, 1000):
            got = keep(s, letter, *idents[i : i + 1000])
            assert set(got) <= {answer, "W"}, got
        print(f"{letter} of 20,000: {time.monotonic() - began:.2f} s")
        assert time.monotonic() - began < 20
    s.wait_empty()


@pytest.mark.long
def test_a_second_scheduler_gives_up(s, quoin):
    s.start()
    other = Sched(quoin)
    began = time.monotonic()
    other.start(wait=False)
    assert other.qsend.wait(40) == 111
    assert 29 < time.monotonic() - began < 35
    assert "another qsend holds queue/lock" in s.log()
    other.close()
    s.queue("a@example.org", ["bob@q.example"])
    s.wait_empty()


@pytest.mark.long
def test_term_waits_thirty_seconds(s):
    s.policy["local"] = hold
    s.start()
    s.queue("a@example.org", ["bob@q.example"])
    wait_for(lambda: s.local.held)
    began = time.monotonic()
    s.qsend.send_signal(signal.SIGTERM)
    assert s.qsend.wait(40) == 0
    assert 29 < time.monotonic() - began < 33
    assert not s.is_empty()
