"""kill -9 at any time: nothing that got its yes is lost.

The counts are printed: pytest -s tests/faults/test_kills.py
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from load import Load, Verdict  # noqa: E402
from quoin import missing, wait_for  # noqa: E402
from tree import USERS, Tree  # noqa: E402

# A short form: the soak kills all of it at once, test_points each program at each call.
KILLS = int(os.environ.get("QUOIN_KILLS", "40"))
SENDMAIL_KILLS = KILLS // 2


@pytest.fixture
def tree():
    needed = missing("qctl", "qqueue", "qstart", "qsend", "qlspawn", "qlocal", "qlisten", "qsmtpd", "sendmail")
    if needed:
        pytest.skip(f"not built: {' '.join(needed)}")
    t = Tree()
    yield t
    t.close()


def some_mail_or_a_while(load, seconds):
    before, end = len(load.accepted), time.monotonic() + seconds
    while len(load.accepted) < before + 5 and time.monotonic() < end:
        time.sleep(0.01)


def test_random_kills_under_load(tree, capsys):
    rng = random.Random(KILLS)
    load = Load(tree.q, USERS, tree.port)
    killed = {}
    load.start()
    deadline = time.monotonic() + 2 * KILLS
    while sum(killed.values()) < KILLS and time.monotonic() < deadline:
        # Between two kills some mail goes through, or the doors were shut for a while.
        some_mail_or_a_while(load, rng.uniform(0.1, 1.5))
        pids = tree.pids()
        if not pids:
            continue
        # A program with many processes is not likelier than the others.
        name = rng.choice(sorted({n for _, n in pids}))
        pid = rng.choice([p for p, n in pids if n == name])
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed[name] = killed.get(name, 0) + 1
    load.stop()
    tree.qctl("start")
    tree.qctl("flush")
    wait_for(tree.q.queue_is_empty, 60, "the queue is empty")
    v = Verdict(tree.q, load)
    with capsys.disabled():
        print(f"\n{KILLS} kills ({' '.join(f'{n} {c}' for n, c in sorted(killed.items()))}): {v}")
    assert sum(killed.values()) == KILLS
    assert v.accepted > 2 * KILLS
    assert not v.lost
    assert not v.torn
    assert not tree.q.queue_ids("bad")


def test_qqueue_killed_under_sendmail(tree, capsys):
    """Kills of qqueue under ten times as many running `sendmail user`: every exit 0 has its
    mail, no exit is 75."""
    procs = {}
    for n in range(10 * SENDMAIL_KILLS):
        tag, user = f"tag-0-{n}", USERS[n % len(USERS)]
        p = subprocess.Popen(
            [str(tree.q.bin / "sendmail"), f"--home={tree.q.home}", user],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
        )
        procs[tag] = (user, p)
    kills = 0
    deadline = time.monotonic() + 120
    feed = iter(procs.items())
    while kills < SENDMAIL_KILLS and time.monotonic() < deadline:
        for tag, (user, p) in [next(feed, (None, (None, None))) for _ in range(10)]:
            if tag:
                p.stdin.write(f"Subject: {tag}\n\n".encode() + tag.encode() * (2000 // len(tag)) + b"\n")
                p.stdin.close()
        for pid, name in tree.pids():
            if name == "qqueue":
                os.kill(pid, signal.SIGKILL)
                kills += 1
        time.sleep(0.02)
    codes = {}
    for tag, (user, p) in procs.items():
        codes[tag] = p.wait(120)
    wait_for(tree.q.queue_is_empty, 60, "the queue is empty")

    class Accepted:  # the shape of Load that Verdict reads
        users, size, refused = USERS, 2000, 0
        accepted = {t: procs[t][0] for t, c in codes.items() if c == 0}

    v = Verdict(tree.q, Accepted)
    with capsys.disabled():
        print(f"\n{kills} kills of qqueue, exits {sorted(set(codes.values()))}: {v}")
    assert kills == SENDMAIL_KILLS
    assert set(codes.values()) == {0}
    assert not v.lost
    assert not v.torn
