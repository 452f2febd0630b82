"""qqueue when two of its system calls fail (strace); `errors` does one after another.

A client hears K only for a message that is in new/, whole. It hears Z or sees the end
of file for the others, and nothing of these is left in tmp/, at the latest after the
next start. The server goes on.
"""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from quoin import Quoin, missing, wait_for  # noqa: E402
from test_qqueue import ENVELOPE, Client, chunks, netstring  # noqa: E402

pytestmark = [
    pytest.mark.skipif(bool(missing("qqueue")), reason="not built: qqueue"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: strace of a process that is not dumpable"),
]

SMALL = b"Subject: small\n\nhi\n"  # written by a worker, in one piece
LARGE = b"Subject: large\n\n" + b"x" * 300000  # begun by the loop


@contextlib.contextmanager
def injected(pid, *expressions):
    words = [w for e in expressions for w in ("-e", "inject=" + e)]
    p = subprocess.Popen(
        ["strace", "-f", "-o", "/dev/null", *words, "-p", str(pid)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    tasks = Path(f"/proc/{pid}/task")
    try:
        wait_for(
            lambda: all(f"TracerPid:\t{p.pid}\n" in (t / "status").read_text() for t in tasks.iterdir()),
            what="all threads are traced",
        )
        yield
    finally:
        p.send_signal(signal.SIGINT)
        try:
            p.wait(2)
        except subprocess.TimeoutExpired:  # strace may miss the end of a killed process
            p.kill()
            p.wait()


def attempt(q, message):
    """(outcome, id): K, Z, D or None for a connection that ended."""
    id_ = None
    try:
        c = Client(q)
        if c.offer[0] == "Z":
            return "Z", None
        id_ = c.offer[1:]
        c.send(netstring(ENVELOPE), chunks(message), b"0:,")
        return c.netstring()[0], id_
    except (EOFError, ConnectionError):
        return None, id_


def check(q, results, message):
    assert any(r != "K" for r, _ in results), "nothing was injected"
    files = dict(zip(q.queue_ids(), q.queue_files()))  # each is whole, or it raises
    for outcome, id_ in results:
        assert outcome != "D"
        if outcome == "K":
            assert files[id_].message == message
        elif outcome == "Z":
            assert id_ not in files


@pytest.fixture
def q():
    q = Quoin()
    q.start_queue("-w", "1")
    try:
        yield q
        assert Client(q).submit()[0] == "K"
    finally:
        q.close()


@pytest.mark.parametrize("message", [SMALL, LARGE], ids=["small", "large"])
def test_nothing_can_be_removed(q, message):
    """A failed sync and a failed unlink: the next start cleans up."""
    with injected(
        q.service("qqueue").pid,
        "fsync:error=EIO:when=1:syscall=gettid",
        "unlinkat:error=EIO:when=1:syscall=gettid",
    ):
        results = [attempt(q, message) for _ in range(2)]
    check(q, results, message)
    assert [r for r, _ in results] == ["Z", "K"]
    assert len(q.queue_ids("tmp")) == 1
    q.stop("qqueue")
    q.start_queue()
    assert q.queue_ids("tmp") == []
