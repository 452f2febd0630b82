"""qqueue when its system calls fail, one after another (strace), and when it is killed
at them.

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

# A call that fails is replaced by gettid, which the sandbox allows. Counts are those of
# each thread; there is one worker, so that they are the same every time. close() is not
# here: on Linux it frees the descriptor even when it fails, which strace cannot do.
ERRORS = [
    *[("openat", e, 1) for e in ("ENOSPC", "EMFILE", "ENFILE", "ENOMEM", "EACCES", "EEXIST")],
    ("openat", "EDQUOT", 2),
    *[("write", e, 1) for e in ("ENOSPC", "EIO", "EDQUOT", "EFBIG")],
    *[("pwrite64", e, n) for e in ("ENOSPC", "EIO") for n in (1, 2)],
    *[("fsync", e, n) for e in ("EIO", "ENOSPC") for n in (1, 2, 3)],
    *[("renameat", e, n) for e in ("ENOSPC", "EIO") for n in (1, 2)],
    ("renameat2", "ENOSPC", 1),
    ("fdatasync", "EIO", 1),
    ("fstatfs", "EIO", 2),
    ("recvfrom", "ENOMEM", 2),
    ("sendto", "ENOBUFS", 2),
    ("accept4", "EMFILE", 1),
    ("accept4", "ENFILE", 2),
    ("getsockopt", "EINVAL", 1),
    ("epoll_ctl", "ENOSPC", 1),
    *[("mmap,brk,mremap", "ENOMEM", n) for n in (1, 2, 3)],
]
# Not every libc calls it, or not that often; or nobody but us notices.
GOT_OVER = ("accept4", "recvfrom", "mmap,brk,mremap", "openat", "pwrite64", "renameat2", "fdatasync", "fstatfs")
KILLED_AT = ["openat", "write", "pwrite64", "fsync", "close", "renameat", "sendto"]


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
@pytest.mark.parametrize("call, error, when", ERRORS)
def test_error(q, call, error, when, message):
    if call not in ("pwrite64", "fdatasync"):
        # The mark of the ids is written and synced now, not while we count.
        assert Client(q).submit()[0] == "K"
    with injected(q.service("qqueue").pid, f"{call}:error={error}:when={when}:syscall=gettid"):
        results = [attempt(q, message) for _ in range(4)]
    if call in GOT_OVER:
        results.append((None, None))
    check(q, results, message)
    assert any(r == "K" for r, _ in results), "it does not go on"
    wait_for(lambda: q.queue_ids("tmp") == [])


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


def test_every_sync_fails(q):
    with injected(q.service("qqueue").pid, "fsync:error=EIO:syscall=gettid"):
        results = [attempt(q, SMALL) for _ in range(5)]
    assert [r for r, _ in results] == ["Z"] * 5
    assert q.queue_ids("tmp") == q.queue_ids() == []


@pytest.mark.parametrize("message", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("when", [1, 2])
@pytest.mark.parametrize("call", KILLED_AT)
def test_killed(q, call, when, message):
    with injected(q.service("qqueue").pid, f"{call}:signal=KILL:when={when}"):
        results = [attempt(q, message)]
        while results[-1][0] == "K" and len(results) < 5:
            results.append(attempt(q, message))
    q.kill("qqueue")
    check(q, [*results, (None, None)], message)
    q.start_queue()
    assert q.queue_ids("tmp") == []
    check(q, [*results, (None, None)], message)
