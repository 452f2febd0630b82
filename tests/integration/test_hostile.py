"""The whole Quoin and people who wish it ill: on this host, at the other end of a
connection, and in the disk. tests/README lists what else is tested where."""

import contextlib
import ctypes
import email
import os
import random
import re
import shutil
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import pytest
from qlocal_driver import Queued, frame, read_report
from quoin import SANITIZED, wait_for
from remote_driver import Server, speaker
from test_qlspawn import Spawner

pytestmark = pytest.mark.programs("qqueue", "qstart", "qsend", "qlspawn", "qlocal", "qlisten", "qsmtpd", "qnewusers")

SERVICES = {"qqueue", "qgetpw", "qstart", "qsend", "qbounce", "qrspawn", "qrcpt", "qlisten", "qsmtpd", "qlspawn", "qlocal"}
SECRETS = {"qtls", "qtls-wait", "qtls-key", "qauth", "qsts"}  # with TLS and passwords
ROOTS = {"qlspawn", "qauth"}
NOBODY = 65534


@pytest.fixture
def house(quoin, monkeypatch):
    """All of it: mail in, through and out."""
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")  # it says so where a sandbox forbids it
    quoin.control("rcpthosts", "q.example")
    quoin.users("alice", "bob")
    quoin.start_queue()
    quoin.start_delivery()
    quoin.start_smtp()
    return quoin


def as_user(uid, script, *args):
    p = subprocess.run([sys.executable, "-c", script, *map(str, args)], user=uid, group=uid, extra_groups=[],
                       capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, p.stderr
    return p.stdout.split("\n")[:-1]


# ---- other users of this host -----------------------------------------------------------

DOORS = """
import os, socket, sys
for door in os.listdir(f"{sys.argv[1]}/run"):
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
        try:
            socket.socket(socket.AF_UNIX, kind).connect(f"{sys.argv[1]}/run/{door}/sock")
            print(door)
        except PermissionError:
            pass
        except OSError as e:
            assert e.errno == 91 or door == "service", e  # the other kind of socket
"""

FILES = """
import os, sys
for top, dirs, files in os.walk(sys.argv[1]):
    for name in dirs + files:
        p = os.path.join(top, name)
        if os.access(p, os.W_OK) and not os.path.islink(p):
            print("W", os.path.relpath(p, sys.argv[1]))
        if "/queue/" in p and os.access(p, os.R_OK):
            print("R", os.path.relpath(p, sys.argv[1]))
for d in "tmp", "new", "cur", "state", "bad":
    for name in sys.argv[2:]:
        if os.path.lexists(f"{sys.argv[1]}/queue/{d}/{name}"):
            print("S", d)
"""

SIGNALS = """
import os, sys
for pid in sys.argv[1:]:
    try:
        os.kill(int(pid), 0)
        print(pid)
    except OSError:
        pass
"""


def our_processes(q):
    """{pid: (name, fields of status)} of everything that runs for q."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if str(q.home) in open(f"/proc/{pid}/cmdline").read():
                fields = dict(x.split(":\t", 1) for x in open(f"/proc/{pid}/status") if ":\t" in x)
                found[int(pid)] = fields["Name"].strip(), {k: v.strip() for k, v in fields.items()}
    return found


@pytest.mark.root("users are told apart")
def test_what_another_user_can_reach(house):
    """Two doors, no file, no process."""
    assert sorted(as_user(NOBODY, DOORS, house.home)) == ["qqueue", "qsend-list"]
    house.stop("qstart")
    with house.smtp() as s:
        s.sendmail("a@b.example", ["alice@q.example"], "Subject: x\n\nsecret\n")
    ids = house.queue_ids()
    assert len(ids) == 1
    assert sorted(as_user(NOBODY, FILES, house.home, *ids)) == ["W run/qqueue/sock", "W run/qsend-list/sock"]
    services = our_processes(house)
    assert len(services) >= 4
    assert as_user(NOBODY, SIGNALS, *services) == []


@pytest.mark.root("users are told apart")
def test_a_user_cannot_harm_a_service_through_his_own_delivery(house):
    """A |program runs as the user: qlocal's two halves are his, nothing else is."""
    house.write_home("alice", "who", SIGNALS.replace("print(pid)", 'print(open(f"/proc/{pid}/comm").read().strip())'))
    house.write_home("alice", ".qmail", "|cd /proc; python3 ~/who $(ls | grep '^[0-9]*$') 2>&1 > ~/out; sync; kill -9 -1\n")
    house.sendmail("alice@q.example", stdin=b"Subject: x\n\n")
    out = house.accounts["alice"][2] / "out"
    wait_for(lambda: "result=Z" in house.log("qstart"), 60)
    assert {"qlocal", "sh"} <= set(out.read_text().split()) <= {"qlocal", "sh", "python3"}
    with house.smtp() as s:
        s.sendmail("a@b.example", ["bob@q.example"], "Subject: x\n\n")
    wait_for(lambda: house.maildir("bob"))
    assert house.service("qstart").popen.poll() is None


@pytest.mark.root("each service has a uid of its own")
@pytest.mark.programs(*SECRETS)
def test_who_runs_with_what(house):
    """Groups, capabilities and sandboxes of every process, and its descriptors."""
    house.passwords({"alice": "secret"})
    house.start_tls()
    house.start_tls_waiting()
    house.start_auth()
    house.start("qsts")
    c = smtplib.SMTP("127.0.0.1", house.smtp_port)
    c.starttls(context=ssl._create_unverified_context())
    house.write_home("alice", ".qmail", "|sleep 5\n")
    house.sendmail("alice@q.example", stdin=b"Subject: x\n\n")
    wait_for(lambda: any(name == "qlocal" for name, _ in our_processes(house).values()))
    seen = set()
    starters = {s.pid for s in house.services if s.name in ("qtls", "qtls-wait")}
    assert {p for p, (name, _) in our_processes(house).items() if name in ("qtls", "qtls-wait")} > starters
    for pid, (name, st) in our_processes(house).items():
        if name not in SERVICES | SECRETS:
            continue
        seen.add(name)
        uid = int(st["Uid"].split()[0])
        assert len(set(st["Uid"].split())) == len(set(st["Gid"].split())) == 1
        assert st["Groups"].split() in ([], [str(uid)]), (name, st["Groups"])
        if name in ROOTS:
            assert uid == 0
            continue
        assert uid != 0 and int(st["CapEff"], 16) == int(st["CapPrm"], 16) == 0, name
        if name not in ("qstart", "qlocal"):  # the program half of qlocal has none
            assert st["NoNewPrivs"] == "1", name
        # A starter has no filter, since its sessions would inherit it.
        is_starter = pid in starters
        if name not in ("qstart", "qlocal", "qlisten", "qrspawn") and not is_starter and not SANITIZED:
            assert st["Seccomp"] == "2", name
        held = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        if name not in ("qqueue", "qsend", "qlocal"):
            assert not any(f"{house.home}/queue" in path for path in held), (name, held)
    assert seen == SERVICES | SECRETS
    c.close()


def test_nobody_writes_a_line_of_a_log(house):
    """Through HELO, addresses, a subject, a program's words, and those of sendmail."""
    forged = "\nqsend: fatal: forged\r\nqqueue: queued id=forged \x1b[2J"
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", house.smtp_port), 10) as c:
        c.recv(200)
        for line in (b"EHLO x\x1b[2J=y z\r\n", b'MAIL FROM:<"a id=1 \xe9"@b.example>\r\n', b'MAIL FROM:<"a id=1 b"@b.example>\r\n',
                     b'RCPT TO:<"x\\\x0b y"@q.example>\r\n', b'RCPT TO:<"no id=forged"@far.example>\r\n', b"RCPT TO:<alice@q.example>\r\n"):
            c.sendall(line)
            c.recv(200)
        c.sendall(b"DATA\r\n")
        c.recv(200)
        c.sendall(b"Subject: " + forged.replace("\r", "").replace("\n", "\r\n").encode() + b"\r\n\r\n.\r\n")
        assert c.recv(200).startswith(b"250")
    house.write_home("bob", ".qmail", f"|printf '%b' {forged.encode('unicode_escape').decode().join(chr(39) * 2)} | tee /dev/stderr; exit 100\n")
    house.sendmail("-f", "", "bob@q.example", stdin=b"Subject: x\n\n")
    house.sendmail("-F", forged, "bob@q.example", stdin=b"Subject: x\n\n")
    house.sendmail("-f", f"x{forged}@y", "bob@q.example", stdin=b"Subject: x\n\n")
    house.sendmail("bob@q.example\nqsend: x", stdin=b"Subject: x\n\n")
    wait_for(lambda: "result=D" in house.log("qstart") and house.maildir("alice"))
    wait_for(house.queue_is_empty, 60)
    for path in house.logs.glob("*.log"):
        for line in path.read_text().splitlines():
            assert re.match(r"(\w+): (\w+ [a-z]+=|warning: |\w+$)", line), line
            assert line.split(":")[0] in SERVICES and line.isascii() and line.isprintable()
            assert " id=forged" not in line and "fatal: forged" not in line


# ---- what other hosts say ------------------------------------------------------------------


@pytest.mark.programs("qrspawn", "qremote", "qbounce")
def test_a_reply_full_of_tricks_in_a_notification(quoin):
    """Escape sequences, line ends, fields, a boundary: one line of clean text."""
    evil = "550-5.1.1 \x1b]0;pwned\x07\x9b2J\r\n550-\tFrom: <root@q.example>\r\n550--- --=_0\r\n550 Bcc: bob@q.example"
    quoin.control("locals", "q.example")
    quoin.users("alice", "bob")
    with Server(speaker([], answers={"RCPT": lambda line: evil})) as s:
        quoin.control("smtproutes", f":[127.0.0.1]:{s.port}")
        quoin.start_queue()
        quoin.start_delivery()
        quoin.sendmail("-f", "alice@q.example", "x@far.example", stdin=b"Subject: mine\n\n", check=True)
        raw = wait_for(lambda: quoin.maildir("alice"), 60)[0]
    wait_for(quoin.queue_is_empty)
    assert re.fullmatch(rb"[\t\n -~]*", raw)
    m = email.message_from_bytes(raw)
    assert m.get_all("From") == ["MAILER-DAEMON@q.example"] and m["Bcc"] is None
    words, status, copy = m.get_payload()
    fields = status.get_payload()
    assert len(fields) == 2 and fields[1]["Status"] == "5.1.1"
    assert fields[1].keys() == ["Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code"]
    assert "pwned" in words.get_payload() and copy.get_payload(0)["Subject"] == "mine"
    assert quoin.maildir("bob") == []


@pytest.mark.programs("qrspawn", "qremote", "qbounce", "qrcpt")
def test_no_backscatter(house):
    """Who does not exist is refused at RCPT. Two names always exist: what nobody claimed
    of them lies in the Maildir of alias."""
    with house.smtp() as s:
        s.ehlo()
        s.mail("victim@far.example")
        for name in ("nobody", "abuse-x", "al%ice", "alice!x", '"al ice"'):
            assert s.rcpt(f"{name}@q.example")[0] == 550, name
        for name in ("abuse", "Postmaster"):
            assert s.rcpt(f"{name}@q.example")[0] == 250, name
        assert s.data(b"Subject: role\r\n\r\nhello\r\n")[0] == 250
    alias = house.home / "alias/Maildir/new"
    wait_for(lambda: alias.exists() and len(list(alias.iterdir())) == 2, what="both copies with alias")


# ---- the disk --------------------------------------------------------------------------------


def test_random_bit_flips_end_to_end(house):
    """Whole or in bad/, and mail goes on."""
    rng = random.Random(os.getpid())
    house.stop("qstart")
    house.stop("qgetpw")
    bodies = [f"message {n}\n" + "x" * rng.randrange(9000) + "\n" for n in range(60)]
    for body in bodies:
        house.sendmail("alice@q.example", stdin=f"Subject: x\n\n{body}".encode(), check=True)
    ids = house.queue_ids()
    broken = set(rng.sample(ids, 40))
    for qid in broken:
        with open(house.queue / "new" / qid, "r+b") as f:
            size = os.fstat(f.fileno()).st_size
            at = rng.choice([rng.randrange(56), rng.randrange(56, 200), rng.randrange(size)]) % size
            f.seek(at)
            byte = f.read(1)[0] ^ 1 << rng.randrange(8)
            f.seek(at)
            f.write(bytes([byte]))
    house.start_delivery()
    house.sendmail("bob@q.example", stdin=b"Subject: and on\n\n", check=True)
    wait_for(house.queue_is_empty, 60)
    assert {p.name for p in (house.queue / "bad").iterdir() if len(p.name) == 17} == broken
    assert len(house.maildir("bob")) == 1
    got = [m.split(b"\n\n", 1)[1].decode() for m in house.maildir("alice")]
    assert len(got) == 20 and set(got) <= set(bodies)
    for qid in broken:
        assert f"bad id={qid} reason=" in house.log("qstart")


# ---- programs that cannot be run ---------------------------------------------------------------


@pytest.mark.parametrize("why", ["missing", "no x bit", "being written", "no interpreter", "not a program"])
def test_exec_fails(house, why):
    """Of a user's program and of qlocal itself: later, never a bounce."""
    program = house.write_home("alice", "program", "#!/bin/sh\nexit 0\n", 0o755)
    busy = None
    if why == "missing":
        program.unlink()
    elif why == "no x bit":
        program.chmod(0o644)
    elif why == "being written":
        shutil.copy("/bin/true", program)
        busy = open(program, "ab")
    elif why == "no interpreter":
        program.write_text("#!/nonexistent/sh\n")
    else:
        program.write_bytes(b"\x7fELF\0\0\0\0")
    house.write_home("alice", ".qmail", "|exec ./program\n")
    house.sendmail("alice@q.example", stdin=b"Subject: x\n\n", check=True)
    wait_for(lambda: "result=Z" in house.log("qstart"))
    if busy:
        busy.close()
    assert len(house.queue_ids("cur")) == 1 and "bounce" not in house.log("qstart")


CRLF = {
    "me": "q.example",
    "locals": "q.example\nother.example",
    "rcpthosts": "q.example\nother.example\nv.example",
    "virtualdomains": "v.example:alice-v",
    "badmailfrom": "@bad.example",
    "databytes": "5000",
    "maxrcpt": "2",
    "concurrencylocal": "3",
    "defaultdelivery": "./Maildir/",
    "aliases": "info: bob\nboth: alice,\n bob",
}


@pytest.mark.programs("qnewaliases", "qrcpt")
def test_every_control_file_with_crlf(quoin):
    """As an editor of another system leaves them: they mean what they say."""
    for name, text in CRLF.items():
        quoin.control(name, text.replace("\n", "\r\n") + "\r\n")
    quoin.run("qnewaliases", check=True)
    quoin.users("alice", "bob")
    assign = quoin.home / "users/assign"
    assign.write_bytes(assign.read_bytes().replace(b"\n", b"\r\n"))
    quoin.run("qnewusers", check=True)
    quoin.write_home("alice", ".qmail-v-x", "./Maildir/\r\n")
    quoin.start_queue()
    quoin.start_delivery()
    quoin.start_smtp()
    with quoin.smtp() as s:
        assert s.ehlo()[0] == 250 and s.esmtp_features["size"] == "5000" and s.ehlo_resp.startswith(b"q.example\n")
        assert s.mail("x@bad.example")[0] == 250 and s.rcpt("alice@q.example")[0] == 553
        s.rset()
        for to in ("alice@other.example", "x@v.example", "info@q.example", "both@q.example"):
            s.sendmail("a@b.example", [to], "Subject: x\n\n")
    wait_for(quoin.queue_is_empty)
    assert len(quoin.maildir("alice")) == 3 and len(quoin.maildir("bob")) == 2, quoin.all_logs()


# ---- a home whose file server is dead ------------------------------------------------------


class DeadFileSystem:
    """FUSE without answers: whoever looks into it hangs, and not even SIGKILL helps."""

    def __init__(self, path):
        self.path = path
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.fd},rootmode=40000,user_id=0,group_id=0,allow_other"
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"dead", os.fsencode(path), b"fuse", 6, options.encode()) == -1:
            os.close(self.fd)
            pytest.skip(f"no FUSE here: {os.strerror(ctypes.get_errno())}")
        request = os.read(self.fd, 1 << 17)
        unique = struct.unpack("<Q", request[8:16])[0]
        init = struct.pack("<IIIIHHIIHHI7I", 7, 31, 0, 0, 16, 12, 1 << 16, 1, 0, 0, 0, *[0] * 7)
        os.write(self.fd, struct.pack("<IiQ", 16 + len(init), 0, unique) + init)
        self.taken = 0
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        with contextlib.suppress(OSError):
            while os.read(self.fd, 1 << 17):
                self.taken += 1

    def end(self):
        """The server is back: everybody who waits gets an error."""
        subprocess.run(["umount", "-f", "-l", str(self.path)], check=False)


class Local(Spawner):
    """qlspawn with the real qlocal."""

    def give(self, slot, user, message):
        data = frame(slot, message, "", "", "", "s@q.example", user, [f"{user}@q.example"])[3:]
        fd = os.open(message.path, os.O_RDONLY)
        socket.send_fds(self.qsend, [data], [fd])
        os.close(fd)

    def answer(self):
        slot, ((letter, text),) = read_report(self.qsend.recv(70000))
        return slot, letter, text


@pytest.mark.root("mounts a file system that hangs")
def test_home_on_a_dead_file_server(quoin):
    quoin.users("alice", "bob")
    message = Queued(quoin.home, b"Subject: x\n\nbody\n")
    dead = DeadFileSystem(quoin.accounts["alice"][2])
    spawner = Local(quoin, "-t", "3")
    try:
        start = time.monotonic()
        for slot in (1, 2):
            spawner.give(slot, "alice", message)
        for slot in range(10, 20):
            spawner.give(slot, "bob", message)
        got = [spawner.answer() for _ in range(10)]
        assert {a[0] for a in got} == set(range(10, 20)), "bob waited for alice"
        assert {a[1] for a in got} == {"K"}
        wait_for(lambda: dead.taken > 0)
        got = [spawner.answer() for _ in range(2)]
        assert [(a[0], a[1]) for a in sorted(got)] == [(1, "Z"), (2, "Z")]
        assert time.monotonic() - start < 20
        # They cannot even be killed; there are never more of them.
        spawner.give(3, "alice", message)
        spawner.give(20, "bob", message)
        assert spawner.answer()[:2] == (20, "K")
        assert len(spawner.children()) <= 3
        dead.end()
        assert spawner.answer()[:2] in ((3, "K"), (3, "Z"))
        wait_for(lambda: not spawner.children())
        spawner.give(4, "alice", message)
        assert spawner.answer()[:2] == (4, "K")
    finally:
        dead.end()
        spawner.close()
        os.close(dead.fd)
    assert len(quoin.maildir("bob")) == 1  # the same id each time


@pytest.mark.root("users are told apart")
def test_children_that_a_user_stops_are_ended(quoin):
    """kill -STOP of an idle qlocal: it cannot see that it is to end."""
    quoin.users("alice")
    stop = "|j=$(ps -o ppid= -p $PPID); (sleep 0.3; kill -STOP $j $PPID) > /dev/null 2>&1 & exit 0\n"
    quoin.write_home("alice", ".qmail", stop)
    message = Queued(quoin.home, b"Subject: x\n\nbody\n")
    spawner = Local(quoin)
    try:
        for slot in (1, 2):
            spawner.give(slot, "alice", message)
        assert [spawner.answer()[1] for _ in range(2)] == ["K", "K"]
        wait_for(lambda: not spawner.children(), 60, "they are gone")
        quoin.write_home("alice", ".qmail", "./Maildir/\n")
        spawner.give(3, "alice", message)
        assert spawner.answer()[:2] == (3, "K")
    finally:
        for pid in spawner.children():
            os.kill(pid, signal.SIGKILL)
        spawner.close()
