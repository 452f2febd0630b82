"""`qctl restart` under load: everything is replaced, nobody is refused, nothing is lost."""

import json
import os
import shutil
import smtplib
import socket
import ssl
import subprocess
import threading

import pytest

from quoin import missing, wait_for
from tree import USERS, Tree

CLIENTS = 8
PAUSE = 0.05  # of a client between two messages: the longer the restart, the more there would be


@pytest.fixture
def tree(request):
    need = missing("qctl", "qqueue", "qstart", "qsend", "qlspawn", "qlocal", "qlisten", "qsmtpd")
    if need:
        pytest.skip(f"not built: {' '.join(need)}")
    t = Tree()
    yield t
    if getattr(request.node, "failed", False):
        print(t.report())
    t.close()


class Client(threading.Thread):
    """One message a connection, until it is told to stop."""

    sender = "a@sender.example"

    def __init__(self, tree, name, stop):
        super().__init__(daemon=True)
        self.tree, self.stop, self.tag = tree, stop, name
        self.accepted, self.faults = [], []

    def connect(self):
        return smtplib.SMTP("127.0.0.1", self.tree.port, timeout=60)

    def run(self):
        while not self.stop.is_set():
            tag = f"{self.tag}-{len(self.accepted)}"
            try:
                with self.connect() as s:
                    s.sendmail(self.sender, [f"{USERS[len(self.accepted) % len(USERS)]}@q.example"], f"Subject: {tag}\n\nx\n")
                self.accepted.append(tag)
            except (OSError, smtplib.SMTPException) as e:
                self.faults.append(f"{tag}: {e!r}")
            self.stop.wait(PAUSE)


class Submitter(Client):
    """The same with a password over TLS."""

    sender = "alice@q.example"

    def connect(self):
        context = ssl._create_unverified_context()
        if self.tag.endswith("s"):
            s = smtplib.SMTP_SSL("127.0.0.1", self.tree.submissions, context=context, timeout=60)
        else:
            s = smtplib.SMTP("127.0.0.1", self.tree.submission, timeout=60)
            s.starttls(context=context)
        s.login("alice", "secret")
        return s


def pid_of(tree, name):
    return {p for p, n in tree.pids() if n == name}


def subjects(tree):
    return [line[9:] for user in USERS for m in tree.q.maildir(user)
            for line in m.decode().splitlines() if line.startswith("Subject: ")]


def delivered(tree):
    return sum(len(os.listdir(tree.q.home / "mail" / user / "Maildir/new")) for user in USERS)


def go_on(clients):
    """Each sends one more; or one has failed."""
    counts = [len(c.accepted) for c in clients]
    try:
        wait_for(lambda: any(c.faults for c in clients) or all(len(c.accepted) > n for c, n in zip(clients, counts)),
                 60, "each goes on")
    finally:
        print(*(f"{c.tag}: {len(c.accepted)} accepted {c.faults[:3]}" for c in clients), sep="\n")


def test_restart_under_load(tree):
    stop = threading.Event()
    tree.q.passwords({"alice": "secret"})
    tree.q.control("userlimit", "alice:0:0")  # an hour's worth may be sent in a slow minute
    tree.qctl("restart")
    clients = [Client(tree, f"c{i}", stop) for i in range(CLIENTS)]
    clients += [Submitter(tree, f"t{i}", stop) for i in range(2)] + [Submitter(tree, "ts", stop)]
    before = {n: pid_of(tree, n) for n in ("qqueue", "qsend", "qgetpw", "qrcpt", "qtls-key", "qauth", "qlisten")}
    for c in clients:
        c.start()
    try:
        go_on(clients)
        tree.qctl("restart")
        tree.qctl("restart")
        go_on(clients)
    finally:
        stop.set()
        for c in clients:
            c.join(60)
    assert [f for c in clients for f in c.faults] == []
    sent = [t for c in clients for t in c.accepted]
    wait_for(lambda: delivered(tree) >= len(sent), 60, "all are delivered")
    assert sorted(subjects(tree)) == sorted(sent)
    after = {n: pid_of(tree, n) for n in before}
    assert after["qlisten"] == before["qlisten"]
    assert all(not after[n] & before[n] for n in before if n != "qlisten"), (before, after)


def test_an_open_session_outlives_the_restart_and_is_counted(tree):
    tree.q.control("concurrencyincoming", "3")
    tree.qctl("restart")
    held = [socket.create_connection(("127.0.0.1", tree.port), 20) for _ in range(3)]
    for s in held:
        assert s.recv(100).startswith(b"220")
    tree.qctl("restart")
    fourth = socket.create_connection(("127.0.0.1", tree.port), 20)
    fourth.settimeout(1)
    with pytest.raises(TimeoutError):
        fourth.recv(100)
    held[0].sendall(b"NOOP\r\n")
    assert held[0].recv(100).startswith(b"250")
    held[0].sendall(b"QUIT\r\n")
    fourth.settimeout(20)
    assert fourth.recv(100).startswith(b"220")
    for s in [*held, fourth]:
        s.close()


def test_a_new_port_is_served_after_restart(tree):
    from quoin import free_port

    second = free_port()
    tree.q.control("smtplisten", f"127.0.0.1 {tree.port}\n127.0.0.1 {second}")
    tree.qctl("restart")

    def greets():
        try:
            with socket.create_connection(("127.0.0.1", second), 5) as s:
                return s.recv(100).startswith(b"220")
        except ConnectionRefusedError:
            return False

    wait_for(greets, what="the second port greets")
    assert os.path.exists(tree.q.home)


def dialog(sock, line):
    sock.sendall(line + b"\r\n")
    return sock.recv(500)


def test_what_was_begun_is_finished(tree):
    """A client in the middle of its message is served to the end; others wait for it."""
    slow = socket.create_connection(("127.0.0.1", tree.port), 60)
    assert slow.recv(500).startswith(b"220")
    assert dialog(slow, b"HELO a").startswith(b"250")
    assert dialog(slow, b"MAIL FROM:<a@b.example>").startswith(b"250")
    assert dialog(slow, b"RCPT TO:<alice@q.example>").startswith(b"250")
    assert dialog(slow, b"DATA").startswith(b"354")
    slow.sendall(b"Subject: slow\r\n\r\n" + b"x" * 70 + b"\r\n")
    restart = threading.Thread(target=tree.qctl, args=["restart"])
    qqueue = pid_of(tree, "qqueue")
    restart.start()
    stop = threading.Event()
    other = Client(tree, "other", stop)
    try:
        # that the door is shut is seen from outside
        wait_for(lambda: not _connects(tree), what="the door is shut")
        other.start()
        slow.sendall(b"y" * 70 + b"\r\n")
        assert dialog(slow, b".").startswith(b"250")
        wait_for(lambda: other.accepted, 40, "the other one is served")
    finally:
        stop.set()
        restart.join(60)
        slow.close()
    other.join(60)
    assert other.faults == [] and not pid_of(tree, "qqueue") & qqueue
    wait_for(lambda: {"slow", *other.accepted} <= set(subjects(tree)), 60, "delivered")


def _connects(tree):
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(str(tree.q.home / "run/qqueue/sock")) == 0


def state(tree, service):
    return next(s["state"] for s in json.loads(tree.q.run("qctl", "stat", "--json").stdout) if s["service"] == service)


def test_a_door_that_is_off(tree):
    """`-` alone in its control file closes it; it is off after a boot as well."""
    tree.q.control("smtplisten", "-")
    tree.qctl("restart")
    assert (state(tree, "qsmtpd"), tree.q.run("qctl", "stat").returncode) == ("off", 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", tree.port))
    tree.qctl("start")
    tree.qctl("down")
    tree.svscan.wait(30)
    tree.boot()
    assert state(tree, "qsmtpd") == "off"
    tree.q.control("smtplisten", f"127.0.0.1 {tree.port}")
    tree.qctl("start")
    assert state(tree, "qsmtpd") == "up"
    socket.create_connection(("127.0.0.1", tree.port)).close()


def test_an_upgrade_brings_services_and_scripts(tree):
    """A tree that was booted by a version which had neither, brought up to date by restart."""
    service = tree.q.home / "run/service"
    subprocess.run(["s6-svc", "-wD", "-T", "10000", "-d", service / "qrcpt"], check=True)
    shutil.rmtree(service / "qrcpt", ignore_errors=True)
    subprocess.run(["s6-svscanctl", "-an", service], check=True)
    wait_for(lambda: not [n for _, n in tree.pids() if n == "qrcpt"])
    shutil.rmtree(service / "qrcpt", ignore_errors=True)
    (service / "qgetpw/run").write_text("#!/bin/sh\nexit 100\n")
    tree.qctl("restart")
    tree.qctl("start")
    assert (state(tree, "qrcpt"), state(tree, "qgetpw")) == ("up", "up")


@pytest.mark.long
def test_who_is_not_ready_is_named(tree):
    tree.q.control("concurrencylocal", "many")
    failed = tree.q.run("qctl", "restart", timeout=150)
    assert failed.returncode == 111 and b"warning: qsend is not ready" in failed.stderr
    failed = tree.q.run("qctl", "start", timeout=150)
    assert failed.returncode == 111 and b"not ready after 60 s: qsend; see" in failed.stderr
    tree.q.control("concurrencylocal", "4")
    tree.qctl("start")


@pytest.mark.root("programs show their files to root alone")
def test_restart_runs_what_is_installed_now(tree):
    """Every service, those that execute themselves too. The tree's bin is a link to the build;
    after the upgrade it is a directory of its own."""
    build = tree.q.bin.resolve()
    shutil.copytree(build, tree.q.home / "bin2", symlinks=True)
    tree.q.bin.unlink()
    (tree.q.home / "bin2").rename(tree.q.bin)
    tree.qctl("restart")

    def old():
        exes = {n: os.readlink(f"/proc/{p}/exe") for p, n in tree.pids() if n != "s6-log"}
        return [n for n, exe in exes.items() if exe.startswith(str(build))]

    wait_for(lambda: not old(), 60, "the old programs are gone")


def test_reload_serves_a_new_certificate(tree):
    """No process ends, and no session."""
    before = {n: pid_of(tree, n) for n in ("qtls-key", "qauth", "qsend", "qlisten")}
    context = ssl._create_unverified_context()
    with smtplib.SMTP_SSL("127.0.0.1", tree.submissions, context=context, timeout=30) as old:
        new = tree.q.certificate("new.example", kind="rsa")
        tree.qctl("reload")

        def served():
            with smtplib.SMTP_SSL("127.0.0.1", tree.submissions, context=context, timeout=30) as s:
                return s.sock.getpeercert(True)

        wanted = ssl.PEM_cert_to_DER_cert(new.cert.read_text())
        wait_for(lambda: served() == wanted, what="the new certificate")
        assert old.noop()[0] == 250
    assert {n: pid_of(tree, n) for n in before} == before
