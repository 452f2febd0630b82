"""qqueue and its clients, well behaved and otherwise."""

import contextlib
import os
import re
import select
import signal
import socket
import stat
import subprocess
import time

import pytest
from quoin import ROOT, wait_for

pytestmark = pytest.mark.programs("qqueue")

STRANGER = 61190 if ROOT else os.getuid()  # nobody trusts this one
ENVELOPE = b"Fa@example.org\0Tb@example\0"
MARK = 20  # digits in qlock


def netstring(b):
    return b"%d:%s," % (len(b), b)


def chunks(message, size=65536):
    return b"".join(netstring(message[i : i + size]) for i in range(0, len(message), size))


class Client:
    """The submission protocol, spoken by hand."""

    def __init__(self, quoin, uid=None, offer=True):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(30)
        self.got = b""
        if uid is not None and ROOT:
            os.seteuid(uid)
        try:
            self.s.connect(str(quoin.home / "run/qqueue/sock"))
        finally:
            if ROOT:
                os.seteuid(0)
        if offer:
            assert self.take(1) == b"1"
            self.offer = self.netstring()

    def take(self, n):
        while len(self.got) < n:
            b = self.s.recv(65536)
            if not b:
                raise EOFError(self.got)
            self.got += b
        r, self.got = self.got[:n], self.got[n:]
        return r

    def netstring(self):
        digits = b""
        while (c := self.take(1)) != b":":
            digits += c
        body = self.take(int(digits) + 1)
        assert body.endswith(b",")
        return body[:-1].decode()

    def send(self, *parts):
        self.s.sendall(b"".join(parts))

    def answer(self):
        """Answer and next offer."""
        a = self.netstring()
        self.offer = self.netstring()
        return a

    def submit(self, message=b"Subject: x\n\nbody\n", envelope=ENVELOPE):
        self.send(netstring(envelope), chunks(message), b"0:,")
        return self.answer()

    def is_cut(self):
        try:
            while self.s.recv(65536):
                pass
            return True
        except ConnectionResetError:
            return True

    def close(self):
        self.s.close()


@pytest.fixture
def q(quoin):
    quoin.start_queue()
    return quoin


def sound(q):
    """Still at work, and nothing half done lies about."""
    assert Client(q).submit()[0] == "K"
    wait_for(lambda: q.queue_ids("tmp") == [], what="tmp is empty")
    q.queue_files()  # each is whole


# ---- what should work ------------------------------------------------------------------


def test_one_message(q):
    c = Client(q)
    offered = c.offer
    assert c.submit(b"Subject: x\n\nhi\n") == "K" + offered[1:]
    assert offered[0] == "I" and re.fullmatch("[0-9A-Za-z]{17}", offered[1:])
    (f,) = q.queue_files()
    assert q.queue_ids() == [offered[1:]]
    assert f.message == b"Subject: x\n\nhi\n"
    assert f.fields == [("U", b"%d" % os.getuid()), ("F", b"a@example.org"), ("T", b"b@example")]
    st = os.stat(q.queue / "new" / offered[1:])
    assert stat.S_IMODE(st.st_mode) == 0o640
    if ROOT:
        assert (st.st_uid, st.st_gid) == (q.ids["quoinq"], q.ids["quoins"])
    assert f"queued id={offered[1:]}" in q.log("qqueue")


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 200000, 3000001])
def test_sizes(q, size):
    message = os.urandom(size)
    assert Client(q).submit(message)[0] == "K"
    assert q.queue_files()[0].message == message


def test_byte_by_byte(q):
    c = Client(q)
    for b in netstring(ENVELOPE) + chunks(b"x\n" * 20, 7) + b"0:,":
        c.send(bytes([b]))
    assert c.answer()[0] == "K"
    assert q.queue_files()[0].message == b"x\n" * 20


def test_many_on_one_connection(q):
    c = Client(q)
    ids = []
    for n in range(50):
        ids.append(c.offer[1:])
        assert c.submit(b"%d\n" % n) == "K" + ids[-1]
    assert ids == sorted(ids) == q.queue_ids()
    assert [f.message for f in q.queue_files()] == [b"%d\n" % n for n in range(50)]


def test_hundreds_side_by_side(q):
    clients = [Client(q) for _ in range(400)]
    for c in clients:
        c.send(netstring(ENVELOPE), netstring(b"first\n"))
    for c in clients:
        c.send(netstring(c.offer.encode()))
    for c in reversed(clients):
        c.send(b"0:,")
    for c in clients:
        id_ = c.offer[1:]
        assert c.answer() == "K" + id_
    assert len(q.queue_ids()) == 400
    for name, f in zip(q.queue_ids(), q.queue_files()):
        assert f.message == b"first\nI" + name.encode()


def test_client_leaves_without_the_answer(q):
    c = Client(q)
    id_ = c.offer[1:]
    c.send(netstring(ENVELOPE), netstring(b"x\n"), b"0:,")
    c.close()
    wait_for(lambda: q.queue_ids() == [id_])
    sound(q)


def test_wakes_qsend(q):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        path = q.home / "run/qsend-wake/sock"
        s.bind(str(path))
        path.chmod(0o666)
        s.settimeout(5)
        assert Client(q).submit()[0] == "K"
        assert len(s.recv(10)) == 1
        s.setblocking(False)
        # Nobody reads: qqueue does not wait.
        c = Client(q)
        for _ in range(600):
            assert c.submit(b"")[0] == "K"
    assert Client(q).submit()[0] == "K"


# ---- limits ----------------------------------------------------------------------------


@pytest.mark.parametrize("n, letter", [(10000, "K"), (10001, "D")])
def test_recipients(q, n, letter):
    env = b"Fa@example.org\0" + b"".join(b"Tuser%d@example\0" % i for i in range(n))
    assert Client(q).submit(envelope=env)[0] == letter
    assert len(q.queue_ids()) == (letter == "K")
    sound(q)


@pytest.mark.parametrize("claim", [b"C192.0.2.1\0", b"Lalice\0"])
@pytest.mark.parametrize("trusted", [True, False])
def test_claims(quoin, claim, trusted):
    quoin.start("qqueue", *(["-t", str(STRANGER)] if trusted else []))
    if not ROOT and not trusted:
        assert Client(quoin).submit(envelope=claim + ENVELOPE)[0] == "D"
        return
    a = Client(quoin, uid=STRANGER).submit(envelope=claim + ENVELOPE)
    assert a[0] == ("K" if trusted else "D")
    assert [(f.client, f.login, f.uid) for f in quoin.queue_files()] == (
        [("192.0.2.1" if claim[:1] == b"C" else None, "alice" if claim[:1] == b"L" else None, STRANGER)]
        if trusted
        else []
    )


@pytest.mark.parametrize(
    "env",
    [
        b"",
        b"F\0",
        b"Tb@example\0",
        b"U0\0Fa@b\0Tb@example\0",
        b"Fa@b\0Tb@example",
        b"Fa@b\0Tb@example\0Xy\0",
        b"Fa@b\0Fa@b\0Tb@example\0",
        b"Fa@b\0Tb\nc@example\0",
        b"F" + b"a" * 901 + b"\0Tb@example\0",
        os.urandom(3000),
    ],
)
def test_bad_envelope(q, env):
    c = Client(q)
    assert c.submit(envelope=env)[0] == "Z"
    assert c.submit(b"the next one\n")[0] == "K"  # on the same connection
    assert [f.message for f in q.queue_files()] == [b"the next one\n"]
    sound(q)


@pytest.mark.parametrize(
    "bytes_",
    [
        b"hello\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b":,",
        b"00:,",
        b"-1:,",
        b" 5:hello,",
        b"8388609:",
        b"99999999999999999999999999:",
        netstring(ENVELOPE)[:-1] + b";",
        netstring(ENVELOPE) + b"65537:",
        netstring(ENVELOPE) + b"5:hello;",
        netstring(ENVELOPE) + b"05:hello,",
        netstring(ENVELOPE) + b"0:," + netstring(ENVELOPE),  # did not wait for the offer
        bytes(range(256)) * 100,
    ],
)
def test_garbage(q, bytes_):
    c = Client(q)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        c.send(bytes_)
    assert c.is_cut()
    wait_for(lambda: "cut uid=" in q.log("qqueue"))
    assert q.queue_ids() == []
    sound(q)


def test_stops_and_leaves_in_the_middle(q):
    stuck = Client(q)
    stuck.send(netstring(ENVELOPE), chunks(b"x" * 300000), b"100:half")
    wait_for(lambda: len(q.queue_ids("tmp")) == 1, what="the long one is begun")
    assert Client(q).submit()[0] == "K"
    early = Client(q)
    early.send(netstring(ENVELOPE)[:10])
    early.close()
    stuck.close()
    wait_for(lambda: q.queue_ids("tmp") == [])
    assert len(q.queue_ids()) == 1
    wait_for(lambda: q.log("qqueue").count("reason=client-left") >= 2)


def test_never_reads_its_answers(q):
    """It gets its answers when it likes; the others do not wait for it."""
    lazy = Client(q)
    lazy.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    for n in range(30):
        lazy.send(netstring(ENVELOPE), chunks(b"lazy\n"), b"0:,")
        wait_for(lambda: len(q.queue_ids()) == n + 1)
    assert Client(q).submit()[0] == "K"
    assert [lazy.answer()[0] for _ in range(30)] == ["K"] * 30


def test_connections_of_a_user(quoin):
    quoin.control("queueconns", "5")
    quoin.start("qqueue")
    if not ROOT:
        clients = [Client(quoin) for _ in range(6)]
    else:
        clients = [Client(quoin, uid=STRANGER) for _ in range(6)]
        assert Client(quoin).submit()[0] == "K"  # root is not limited
    assert [c.offer[0] for c in clients] == ["I"] * 5 + ["Z"]
    assert clients[5].is_cut()
    clients[0].close()
    wait_for(lambda: Client(quoin, uid=STRANGER).offer[0] == "I")


def test_bytes_of_a_user(quoin):
    quoin.control("queuebytes", "1000000")
    quoin.start("qqueue")
    a, b = Client(quoin, uid=STRANGER), Client(quoin, uid=STRANGER)
    a.send(netstring(ENVELOPE), chunks(b"x" * 900000))
    wait_for(lambda: quoin.queue_ids("tmp"))
    wait_for(lambda: b.submit(b"y" * 500000)[0] == "Z")
    a.send(b"0:,")
    assert a.answer()[0] == "K"
    assert b.submit(b"y" * 500000)[0] == "K"
    assert a.submit(b"y" * 1000001)[0] == "Z"
    sound(quoin)


def test_idle(quoin):
    quoin.control("queueidle", "1")
    quoin.start("qqueue")
    silent, stuck = Client(quoin, uid=STRANGER), Client(quoin, uid=STRANGER)
    stuck.send(netstring(ENVELOPE)[:7])
    assert silent.is_cut() and stuck.is_cut()
    assert Client(quoin, uid=STRANGER).submit()[0] == "K"


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(") ")[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.tools("prlimit")
def test_no_descriptors(quoin):
    service = quoin.start_queue(wrap=["prlimit", "--nofile=70"])
    places = (70 - 24 - 16) // 2
    if ROOT:
        clients = [Client(quoin) for _ in range(places)]
        late = Client(quoin, offer=False)
        assert not select.select([late.s], [], [], 0.5)[0]
        before = cpu_seconds(service.pid)
        time.sleep(1)
        assert cpu_seconds(service.pid) - before < 0.2  # it does not spin
        for c in clients[1:]:
            assert c.submit(b"x" * 100000)[0] == "K"  # a file each
        clients[0].close()
        assert late.take(1) == b"1" and late.netstring()[0] == "I"
    else:
        clients = [Client(quoin) for _ in range(places)]
        assert all(c.submit(b"x" * 100000)[0] == "K" for c in clients)
    for c in clients:
        c.close()
    sound(quoin)


def test_strangers_leave_room_for_the_trusted(quoin):
    if not ROOT:
        pytest.skip("needs root: two uids")
    quoin.start_queue(wrap=["prlimit", "--nofile=70"])
    strangers = [Client(quoin, uid=STRANGER) for _ in range(14)]
    assert [c.offer[0] for c in strangers] == ["I"] * 12 + ["Z"] * 2  # three quarters of 15
    assert Client(quoin).submit()[0] == "K"


# ---- disk ------------------------------------------------------------------------------


@pytest.fixture
def small_disk(quoin):
    """The queue on a file system of 2 MB."""
    queue = quoin.queue
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=711", "none", queue], check=True)
    for name, mode in ("tmp", 0o2700), ("new", 0o2770):
        (queue / name).mkdir()
        os.chown(queue / name, quoin.ids["quoinq"], quoin.ids["quoins"])
        (queue / name).chmod(mode)
    (queue / "qlock").touch()
    os.chown(queue / "qlock", quoin.ids["quoinq"], quoin.ids["quoinq"])
    yield quoin
    for s in list(quoin.services):
        s.stop()
    subprocess.run(["umount", queue], check=True)


@pytest.mark.root("mounts a small file system")
def test_disk_full(small_disk):
    small_disk.control("queuefree", "0")
    small_disk.start_queue()
    c = Client(small_disk)
    answer = c.submit(b"x" * 3000000)
    assert answer[0] == "Z" and "full" in answer or "space" in answer
    assert small_disk.queue_ids("tmp") == small_disk.queue_ids("new") == []
    with contextlib.suppress(OSError), open(small_disk.queue / "fill", "wb") as f:
        while True:
            f.write(b"x" * 4096)
            f.flush()
    # No byte is left: either the offer says so or the answer.
    c = Client(small_disk)
    assert c.offer[0] == "Z" or c.submit()[0] == "Z"
    (small_disk.queue / "fill").unlink()
    sound(small_disk)


@pytest.mark.root("mounts a small file system")
def test_free_floor(small_disk):
    small_disk.control("queuefree", "1000000")
    small_disk.start_queue()
    c = Client(small_disk)
    assert c.submit(b"x" * 1500000)[0] == "Z"  # over the floor while it grows
    assert small_disk.queue_ids("tmp") == []
    assert c.submit(b"x" * 500000)[0] == "K"
    assert c.submit(b"x" * 400000)[0] == "K"
    for _ in range(10):
        if c.offer[0] == "I":
            assert c.submit(b"x" * 60000)[0] == "K"  # not seen while it grows
    late = Client(small_disk)
    assert late.offer[0] == "Z" and "full" in late.offer
    assert late.is_cut()


@pytest.mark.root("mounts a small file system")
def test_no_inodes(small_disk):
    subprocess.run(["mount", "-o", "remount,nr_inodes=40", small_disk.queue], check=True)
    small_disk.control("queuefree", "0")
    small_disk.start_queue()
    answers = []
    for _ in range(60):
        c = Client(small_disk)
        answers.append(c.submit()[0] if c.offer[0] == "I" else "Z")
        c.close()
    assert answers[0] == "K" and answers[-1] == "Z"
    assert small_disk.queue_ids("tmp") == []
    assert len(small_disk.queue_ids()) == answers.count("K")


# ---- beginning and ending ----------------------------------------------------------------


def test_kill_in_the_middle(q):
    c = Client(q)
    c.send(netstring(ENVELOPE), chunks(b"x" * 300000))
    wait_for(lambda: q.queue_ids("tmp"))
    done = Client(q)
    id_ = done.offer[1:]
    assert done.submit()[0] == "K"
    q.kill("qqueue")
    assert c.is_cut()
    assert len(q.queue_ids("tmp")) == 1 and q.queue_ids() == [id_]
    q.start_queue()
    assert q.queue_ids("tmp") == [] and q.queue_ids() == [id_]
    later = Client(q)
    assert later.offer[1:] > id_
    sound(q)


def test_two_instances(q):
    (q.queue / "tmp" / "of-the-first").touch()
    r = q.run("qqueue", user="quoinq")
    assert r.returncode == 111
    assert b"another qqueue holds" in r.stderr
    assert q.queue_ids("tmp") == ["of-the-first"]  # not the second one's to remove
    (q.queue / "tmp" / "of-the-first").unlink()
    sound(q)


def test_sigterm(q):
    idle, busy = Client(q), Client(q)
    busy.send(netstring(ENVELOPE), netstring(b"half"))
    time.sleep(0.05)
    s = q.service("qqueue")
    s.popen.send_signal(signal.SIGTERM)
    assert idle.is_cut()
    with pytest.raises(OSError):
        Client(q)
    assert s.popen.poll() is None
    busy.send(netstring(b" and half\n"), b"0:,")
    assert busy.netstring()[0] == "K"
    assert busy.netstring()[0] == "Z"  # no further one
    assert s.popen.wait(30) == 0
    assert q.queue_files()[0].message == b"half and half\n"


def test_sigterm_in_a_large_message(q):
    """What has begun is finished, however much of it goes to the disk afterwards."""
    idle, busy = Client(q), Client(q)
    half = chunks(b"a" * 99999 + b"\n")
    busy.send(netstring(ENVELOPE), half)
    wait_for(lambda: q.queue_ids("tmp"), what="some of it is on the disk")
    s = q.service("qqueue")
    s.popen.send_signal(signal.SIGTERM)
    assert idle.is_cut()
    busy.send(half, half, b"0:,")
    assert busy.netstring() == "K" + busy.offer[1:]
    assert s.popen.wait(30) == 0
    assert len(q.queue_files()[0].message) == 300000


def test_second_sigterm_ends_at_once(q):
    busy = Client(q)
    busy.send(netstring(ENVELOPE), chunks(b"x" * 100000))
    wait_for(lambda: q.queue_ids("tmp"))
    s = q.service("qqueue")
    s.popen.send_signal(signal.SIGTERM)
    wait_for(lambda: not connects(q))
    s.popen.send_signal(signal.SIGTERM)
    assert s.popen.wait(30) == 0
    assert q.queue_ids() == []


def connects(q):
    try:
        Client(q, offer=False).close()
        return True
    except OSError:
        return False


def test_ids_rise_over_a_clock_step(quoin):
    """The mark says that ids of an hour ahead were given: the clock was set back."""
    ahead = time.time_ns() + 3600 * 10**9
    (quoin.queue / "qlock").write_text(f"{ahead:0{MARK}d}\n")
    quoin.start_queue()
    first = Client(quoin).offer[1:]
    quoin.kill("qqueue")
    quoin.start_queue()
    second = Client(quoin).offer[1:]
    assert first[:11] > base62(ahead)
    assert second[:11] > first[:11]
    # Crashes do not carry ids away into the future.
    assert base62(ahead + 10**9) > second[:11]
    assert quoin.stop("qqueue") == 0
    assert int((quoin.queue / "qlock").read_text()) > ahead


def base62(n):
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    s = ""
    for _ in range(11):
        n, r = divmod(n, 62)
        s = digits[r] + s
    return s


def test_garbled_mark(quoin):
    (quoin.queue / "qlock").write_text("what?\n")
    quoin.start_queue()
    assert "garbled" in quoin.log("qqueue")
    sound(quoin)


@pytest.mark.parametrize("name", ["queuefree", "queueidle", "queueconns", "queuebytes"])
def test_bad_control_file(quoin, name):
    quoin.control(name, "many")
    r = quoin.run("qqueue", user="quoinq")
    assert r.returncode == 111
    assert f"control/{name}: line 1: not a number".encode() in r.stderr


@pytest.mark.parametrize("args", [["-x"], ["extra"], ["-w", "0"], ["-t", "root"]])
def test_usage(quoin, args):
    r = quoin.run("qqueue", *args)
    assert r.returncode == 100 and b"usage: qqueue" in r.stderr
