"""Chance: messages, reports with any letter and pace, the keeper's verbs, routes that change,
restarts (qsend with the spawners of sched.py). Each recipient is delivered at most once,
each message ends exactly once.

    QUEUE_SEED=7 QUEUE_TURNS=2000 pytest test_queue_chance.py
"""

import os
import random
import re
import signal
import socket
import struct
import time
from collections import Counter

import pytest

from quoin import wait_for

pytestmark = pytest.mark.programs("qsend", "qbounce", "qqueue")

SEED = int(os.environ.get("QUEUE_SEED", 1))
TURNS = int(os.environ.get("QUEUE_TURNS", 250))

PLACES = ["q.example", "flip.example", "flop.example"] + [f"d{n}.example" for n in range(8)]
SENDERS = ["#@[]", "#@[]", "a@back.example", "", "list-@back.example-@[]"]


class Keeper:
    def __init__(self, s):
        self.s, self.c = s, None

    def ask(self, request):
        if self.c is None:
            self.c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.c.settimeout(20)
            self.c.connect(str(self.s.q.home / "run/qsend-ctl/sock"))
        self.c.send(request)
        answer = self.c.recv(65536)
        if not answer:
            self.leave()
        return answer

    def verb(self, letter, idents=()):
        return self.ask(letter + b"".join(i.encode() + b"\0" for i in idents)).decode("latin-1").strip("\0")[1:]

    def leave(self):
        if self.c is not None:
            self.c.close()
            self.c = None


def answers(rng):
    def policy(job, rcpt):
        n = rng.random()
        if rcpt.endswith("@back.example") or rcpt.startswith("postmaster"):
            return "K", "a notification"
        if n < 0.55:
            return "K", "ok"
        if n < 0.65:
            return "D", "550 5.1.1 nobody"
        if n < 0.80:
            return None
        return "Z", rng.choice(["451 4.3.0 later", "421 4.7.0 slow", "no host"]), rng.choice("OOOOSUN")
    return policy


def routes(s, rng):
    s.q.control("locals", ["q.example"] + [d for d in ("flip.example", "flop.example") if rng.random() < 0.5])
    s.q.control("smtproutes", [f"d{n}.example:relay{rng.randrange(2)}.example" for n in range(3)])
    s.q.control("destconcurrency", [f"d{n}.example:{rng.choice([1, 2, 20])}" for n in range(2, 8)])
    s.q.control("concurrencylocal", str(rng.choice([0, 1, 10, 50])))
    s.q.control("concurrencyremote", str(rng.choice([0, 1, 10, 50])))


def one_turn(s, k, rng, ids):
    n = rng.random()
    some = rng.sample(ids, min(len(ids), rng.choice([1, 1, 1, 5, 30])))
    if n < 0.45 or not ids:
        count = rng.choice([1, 1, 1, 2, 3, 8, 70])
        rcpts = [f"u{i}@{rng.choice(PLACES)}" for i in range(count)]
        ids.append(s.queue(rng.choice(SENDERS), rcpts, wake=rng.random() < 0.7))
    elif n < 0.65:
        for spawner in (s.local, s.remote):
            spawner.release(rng.choice("KKZ"), "released")
    elif n < 0.71:
        k.verb(b"r")
    elif n < 0.76:
        k.verb(b"r", some)
    elif n < 0.82:
        k.verb(b"h", some)
    elif n < 0.88:
        k.verb(b"u", some)
    elif n < 0.895:
        k.verb(b"d", some[:2])
    elif n < 0.91:
        k.verb(rng.choice([b"t", b"m"]), [])
        k.verb(b"t", some)
    elif n < 0.95:
        routes(s, rng)
        s.qsend.send_signal(signal.SIGHUP)
    elif n < 0.98:
        k.ask(rng.choice([b"p", b"c"]) + bytes([rng.randrange(2)]))
    elif n < 0.985:
        restart(s, k)
    else:
        time.sleep(0.05)


def restart(s, k):
    """As qctl restart does: what is under way ends first."""
    k.leave()
    s.qsend.send_signal(signal.SIGTERM)
    wait_for(lambda: s.local.release() or s.remote.release() or s.qsend.poll() is not None, 60, "qsend stopped")
    assert s.qsend.returncode == 0
    s.close()
    policy = s.policy
    s.start()
    s.local.policy, s.remote.policy = policy["local"], policy["remote"]


def finish(s, k):
    s.policy["local"] = s.policy["remote"] = s.local.policy = s.remote.policy = lambda job, rcpt: ("K", "at last")
    for name in ("concurrencylocal", "concurrencyremote"):
        s.q.control(name, "50")
    s.qsend.send_signal(signal.SIGHUP)
    k.ask(b"c\0")
    k.ask(b"c\1")

    def is_done():
        s.wake()
        s.local.release()
        s.remote.release()
        left = s.q.queue_ids("cur")
        for i in range(0, len(left), 1000):
            k.verb(b"u", left[i : i + 1000])
        k.verb(b"r")
        return s.is_empty()

    wait_for(is_done, 60, "the queue empty")


def judge(s, ids):
    log = s.log()
    assert "AddressSanitizer" not in log and "runtime error" not in log and " gone " not in log
    good = Counter(re.findall(r"qsend: delivery .* id=(\w+) rcpt=(\d+) .* result=K", log))
    bad = Counter(re.findall(r"qsend: delivery .* id=(\w+) rcpt=(\d+) .* result=D", log))
    assert [x for x, n in (good + bad).items() if n > 1] == []
    ends = Counter(re.findall(r"qsend: (?:end|delete|bad) id=(\w+)", log))
    assert {i: ends[i] for i in ids if ends[i] != 1} == {}
    deleted = set(re.findall(r"qsend: (?:delete|move) id=(\w+)", log))
    rcpts = {i: int(n) for i, n in re.findall(r"qsend: new id=(\w+) .* rcpts=(\d+)", log)}
    for i in set(ids) - deleted:
        if i in rcpts:
            assert len({r for j, r in good + bad if j == i}) == rcpts[i], i


@pytest.mark.parametrize("seed", [SEED])
def test_each_message_ends_once(s, seed):
    rng = random.Random(seed)
    print("seed", seed)
    s.policy = {"local": answers(random.Random(rng.random())), "remote": answers(random.Random(rng.random()))}
    routes(s, rng)
    s.q.start_queue()
    s.start()
    k, ids = Keeper(s), []
    for _ in range(TURNS):
        one_turn(s, k, rng, ids)
    finish(s, k)
    stat = k.ask(b"s")
    assert stat[9:17] == bytes(8), stat
    fields = struct.unpack(">QQQIIIQQQ", stat[1:61])
    assert fields[1:6] == (0, 0, 0, 0, fields[5]), fields
    judge(s, ids)
