"""The path of a yes, where clients, signals and restarts meet it: the edges that
ARCHITECTURE.md's table names and no other file tests."""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

import pytest
from qlocal_driver import Qlocal, Queued, make_home
from quoin import ROOT, wait_for
from test_qqueue import ENVELOPE, Client, chunks, netstring

pytestmark = [pytest.mark.programs("qqueue")]
SLOW = 1000  # ms that a slow sync takes
slow_disk = [pytest.mark.tools("strace"), pytest.mark.root("strace of a process that is not dumpable")]


def marked(f):
    for m in slow_disk:
        f = m(f)
    return f


@contextlib.contextmanager
def slow_syncs(pid, threads):
    """Each fsync of so many of the workers takes long."""
    tasks = sorted(int(t.name) for t in Path(f"/proc/{pid}/task").iterdir())[1 : 1 + threads]
    assert len(tasks) == threads
    words = [w for t in tasks for w in ("-p", str(t))]
    p = subprocess.Popen(
        ["strace", "-o", "/dev/null", "-e", f"inject=fsync:delay_enter={SLOW}ms", *words],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(
            lambda: all(f"TracerPid:\t{p.pid}\n" in Path(f"/proc/{pid}/task/{t}/status").read_text() for t in tasks),
            what="the workers are traced",
        )
        yield
    finally:
        p.send_signal(signal.SIGINT)
        p.wait(30)


def send_whole(c, message=b"Subject: x\n\nbody\n"):
    c.send(netstring(ENVELOPE), chunks(message), b"0:,")


def heard(clients, timeout):
    """Those that hear their K within so many seconds."""
    end = time.monotonic() + timeout
    got = []
    for c in clients:
        c.s.settimeout(max(0.01, end - time.monotonic()))
        try:
            assert c.netstring() == "K" + c.offer[1:]
            got.append(c)
        except TimeoutError:
            pass
    return got


@marked
def test_a_slow_sync_holds_up_nobody_else(quoin):
    """One worker of four waits for the disk: the other submissions get their K."""
    q = quoin
    s = q.start_queue("-w", "4")
    with slow_syncs(s.pid, 1):
        clients = [Client(q) for _ in range(24)]
        for c in clients:
            send_whole(c)
        quick = heard(clients, SLOW / 1000 * 0.8)
        late = [c for c in clients if c not in quick]
        assert len(quick) >= len(clients) - 1
        # It is not promised, and nobody was told so: it lies in tmp/ or its name in new/
        # may not be durable.
        for c in late:
            assert c.offer[1:] in q.queue_ids("tmp") + q.queue_ids("new")
        assert heard(late, 30) == late
    assert q.queue_ids("tmp") == [] and len(q.queue_ids()) == 24


@marked
def test_sigterm_while_it_syncs(quoin):
    """What has begun is finished, with its K; nobody may begin."""
    q = quoin
    s = q.start_queue("-w", "1")
    with slow_syncs(s.pid, 1):
        c, other = Client(q), Client(q)
        send_whole(c)
        wait_for(lambda: q.queue_ids("tmp"), what="the sync is under way")
        s.popen.send_signal(signal.SIGTERM)
        assert other.is_cut()  # it had not begun
        assert s.popen.poll() is None
        assert c.netstring() == "K" + c.offer[1:]
        assert c.netstring()[0] == "Z"
    assert s.popen.wait(30) == 0
    assert q.queue_ids() == [c.offer[1:]] and q.queue_ids("tmp") == []


@marked
def test_client_leaves_while_it_syncs_and_sigterm(quoin):
    """Behind the end a submission is qqueue's: it is finished though nobody listens."""
    q = quoin
    s = q.start_queue("-w", "1")
    with slow_syncs(s.pid, 1):
        c = Client(q)
        send_whole(c)
        wait_for(lambda: q.queue_ids("tmp"), what="the sync is under way")
        c.close()
        s.popen.send_signal(signal.SIGTERM)
        assert s.popen.wait(30) == 0
    assert q.queue_ids() == [c.offer[1:]] and q.queue_ids("tmp") == []
    assert f"queued id={c.offer[1:]}" in q.log("qqueue")


@marked
def test_killed_while_it_syncs(quoin):
    """The client sees the end of file: nothing was submitted, and nothing is left."""
    q = quoin
    s = q.start_queue("-w", "1")
    with slow_syncs(s.pid, 1):
        c = Client(q)
        send_whole(c)
        wait_for(lambda: q.queue_ids("tmp"), what="the sync is under way")
        q.kill("qqueue")
        assert c.is_cut()
    assert q.queue_ids("tmp") == [c.offer[1:]]
    q.start_queue()
    assert q.queue_ids("tmp") == q.queue_ids() == []


def test_leaves_one_byte_before_the_end(quoin):
    q = quoin
    q.start_queue()
    c = Client(q)
    c.send(netstring(ENVELOPE), chunks(b"x" * 100000), b"0:")
    wait_for(lambda: q.queue_ids("tmp"))
    c.close()
    wait_for(lambda: not q.queue_ids("tmp"))
    assert q.queue_ids() == []


# ---- the wake-up ---------------------------------------------------------------------------


@pytest.fixture
def both(quoin):
    quoin.users("alice")
    quoin.start_queue()
    quoin.start_delivery()
    return quoin


def start_qstart(q):
    q.start("qstart", "-s", q.owner("quoins"), "-r", q.owner("quoinr"))


ALICE = b"Fa@example.org\0Talice@q.example\0"


def arrived(q, n):
    return lambda: len(q.maildir("alice")) == n


@pytest.mark.programs("qqueue", "qstart", "qsend", "qlspawn", "qlocal", "qgetpw")
def test_the_socket_of_the_wake_up_is_gone(both):
    """K all the same. The next one that wakes qsend brings both; so does its restart."""
    wake = both.home / "run/qsend-wake/sock"
    away = wake.with_name("away")
    wake.rename(away)
    assert Client(both).submit(envelope=ALICE)[0] == "K"
    away.rename(wake)
    assert Client(both).submit(envelope=ALICE)[0] == "K"
    wait_for(arrived(both, 2), what="the second wake-up")
    wake.rename(away)
    assert Client(both).submit(envelope=ALICE)[0] == "K"
    both.stop("qstart")
    start_qstart(both)
    wait_for(arrived(both, 3), what="a restart")


@pytest.mark.long
@pytest.mark.programs("qqueue", "qstart", "qsend", "qlspawn", "qlocal", "qgetpw")
def test_a_lost_wake_up_costs_a_minute(both):
    (both.home / "run/qsend-wake/sock").unlink()
    assert Client(both).submit(envelope=ALICE)[0] == "K"
    assert both.maildir("alice") == []
    wait_for(arrived(both, 1), 70, "it looks once a minute")


@pytest.mark.programs("qqueue", "qstart", "qsend", "qlspawn", "qlocal", "qgetpw")
def test_either_side_alone(both):
    """Mail is taken while qsend is away, and delivered while qqueue is."""
    both.stop("qstart")
    assert Client(both).submit(envelope=ALICE)[0] == "K"
    both.kill("qqueue")
    start_qstart(both)
    wait_for(arrived(both, 1))
    with pytest.raises(OSError):
        Client(both)
    both.start_queue()
    assert Client(both).submit(envelope=ALICE)[0] == "K"
    wait_for(arrived(both, 2))


# ---- a job that is repeated ------------------------------------------------------------------


@pytest.fixture
def place(tmp_path):
    if ROOT:
        for p in (tmp_path, *list(tmp_path.parents)[:3]):
            p.chmod(p.stat().st_mode | 0o011)
    home = make_home(tmp_path / "home")
    (tmp_path / "conf/control").mkdir(parents=True)
    return tmp_path, home


@pytest.mark.programs("qlocal")
def test_a_reader_who_deletes_gets_it_again(place):
    """Nothing says any more that it was there: better twice than not at all."""
    top, home = place
    msg = Queued(top, b"Subject: x\n\nbody\n")
    q = Qlocal(home, top / "conf")
    try:
        assert q.deliver(msg)[0] == "K"
        (first,) = (home / "Maildir/new").iterdir()
        first.unlink()
        assert q.deliver(msg)[0] == "K"
        assert [p.name for p in (home / "Maildir/new").iterdir()] == [first.name]
        assert list((home / "Maildir/tmp").iterdir()) == []
    finally:
        q.stop()


@pytest.mark.programs("qlocal")
def test_two_recipients_of_one_mailbox_are_two_names(place):
    """Each finds its own work, and not the other's."""
    top, home = place
    msg = Queued(top, b"Subject: x\n\nbody\n")
    q = Qlocal(home, top / "conf")
    try:
        for _ in range(2):
            for rcpt in "user@one.example", "user@two.example":
                assert q.deliver(msg, rcpts=[rcpt])[0] == "K"
        assert len(list((home / "Maildir/new").iterdir())) == 2
    finally:
        q.stop()
