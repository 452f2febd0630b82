"""A queue that an earlier release has left is read, and goes on where it was."""

import os
import shutil
from pathlib import Path

import pytest

from quoin import ROOT, missing, wait_for

DATA = Path(__file__).resolve().parents[1] / "data"
OWNER = {"new": "quoinq", "cur": "quoins", "state": "quoins"}


def take_over(q, queue):
    for part, owner in OWNER.items():
        for f in (DATA / queue / part).iterdir():
            to = q.queue / part / f.name
            shutil.copy(f, to)
            to.chmod(0o600 if part == "state" else 0o640)
            if ROOT:
                os.chown(to, q.ids[owner], q._gid("quoins"))


def test_queue_1(quoin):
    if need := missing("qqueue", "qstart", "qsend", "qlspawn", "qlocal"):
        pytest.skip(f"not built: {' '.join(need)}")
    quoin.users("alice", "bob", "carol", "dave", "sender")
    take_over(quoin, "queue-1")
    quoin.start_queue()
    quoin.start_delivery()
    # what was tried waits for its time, which depends on today's date
    wait_for(lambda: quoin.maildir("alice"), what="what was new is delivered")
    quoin.run("qctl-queue", "retry", check=True)
    wait_for(lambda: quoin.maildir("dave") and quoin.maildir("sender"), 60, "the rest is done")
    wait_for(lambda: not [f for part in OWNER for f in (quoin.queue / part).iterdir()], 60, "the queue is empty")
    assert b"nobody has looked at it" in quoin.maildir("alice")[0]
    assert [b"some have it" in m for m in quoin.maildir("dave")] == [True]
    (notice,) = quoin.maildir("sender")
    assert b"carol has left" in notice
    for user in ("bob", "carol"):  # the one has it, the other never gets it
        assert not (quoin.accounts[user][2] / "Maildir" / "new").exists() or quoin.maildir(user) == []
