"""qremote and qrspawn without the rest of the house: this file is their qsend.

Remote: one qremote (or, with spawner=True, a qrspawn) in a home of its own, to which
jobs are sent and from which reports are read, in lib/job.h's frames.
Server: a TCP server in a thread; script(conn, number) is a test's own.
"""

import array
import base64
import contextlib
import hashlib
import ipaddress
import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

BIN = Path(os.environ.get("QUOIN_BIN") or Path(__file__).parents[2] / "build/plain/bin").resolve()
QID = "0QJvD3qwUb41z9a1c"
INSIST = 1  # lib/job.h


def address(text):
    """Of lib/remotejob.h: "ip" (port 25) or "ip port"."""
    ip, _, port = text.partition(" ")
    packed = ipaddress.ip_address(ip if ":" in ip else "::ffff:" + ip).packed
    return packed + struct.pack(">H", int(port or 25))


class Report:
    def __init__(self, frame, spawner=True):
        self.tried = []
        if not spawner:  # lib/remotejob.h
            n = frame[0]
            for i in range(n):
                at = frame[1 + 19 * i : 20 + 19 * i]
                ip = ipaddress.ip_address(at[:16])
                self.tried.append((str(ip.ipv4_mapped or ip), chr(at[18])))
            frame = frame[1 + 19 * n :]
        self.slot, self.pace, count = struct.unpack(">HcH", frame[:5])
        self.pace = self.pace.decode()
        fields = frame[5:].split(b"\0")
        assert len(fields) == count + 1 and fields[-1] == b""
        self.letters = "".join(chr(f[0]) for f in fields[:-1])
        self.texts = [f[1:].decode("ascii") for f in fields[:-1]]
        assert all(t.isprintable() and len(t) <= 400 for t in self.texts)

    def __repr__(self):
        return f"<{self.letters} {self.pace} {self.texts}>"


class Remote:
    def __init__(self, spawner=False, netns=None, wrap=(), qtls=None, qsts=None, **control):
        self.home = Path(tempfile.mkdtemp(prefix="qr-", dir="/tmp"))
        (self.home / "control").mkdir()
        (self.home / "bin").mkdir()
        (self.home / "run").mkdir()
        if qtls:
            (self.home / "run/tls-client").symlink_to(qtls.door)
        if qsts:
            (self.home / "run/qsts").symlink_to(qsts)
        for prog in ("qremote", "qrspawn"):
            (self.home / "bin" / prog).symlink_to(BIN / prog)
        self.control("me", "q.example")
        self.control("dnsservers", "127.0.0.1 1")  # nobody: a test that asks says whom
        for name, text in control.items():
            self.control(name, text)
        self.next_slot = 0
        self.popen = None
        self.spawner = spawner
        self.prefix = (["ip", "netns", "exec", netns] if netns else []) + list(wrap)

    def control(self, name, text):
        (self.home / "control" / name).write_text(text + "\n")

    def start(self):
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        life, self.lifeline = os.pipe()
        argv = [str(self.home / "bin" / ("qrspawn" if self.spawner else "qremote"))]
        argv += ["-C", str(self.home), "-q", str(theirs.fileno())]
        argv += ["-l", str(life)] if self.spawner else []
        self.err = open(self.home / "log", "ab")
        self.popen = subprocess.Popen(
            self.prefix + argv,
            pass_fds=[theirs.fileno(), life],
            stderr=self.err,
            # a jailed process cannot look for its leaks
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
        )
        theirs.close()
        os.close(life)
        return self

    def send(self, message, rcpts=("b@there.example",), sender="a@here.example", route="",
             damage=None, checksum=None, dead=(), flags=0,
             envid="", notify=(), orcpt=(), logins=()):
        """Send one job, its slot is the result. notify, orcpt: of each recipient. damage: bytes to write over the file; dead:
        addresses to leave alone; logins: (host, user, password)."""
        envelope = b"F" + b"x" * 20
        path = self.home / "message"
        path.write_bytes(b"h" * 56 + envelope + (message if damage is None else damage))
        fd = os.open(path, os.O_RDONLY)
        path.unlink()
        checksum = checksum or hashlib.blake2b(message, digest_size=16).digest()
        slot = self.next_slot
        self.next_slot += 1

        def z(s):
            return (s if isinstance(s, bytes) else s.encode()) + b"\0"

        frame = struct.pack(">H", slot) + z(QID)
        frame += struct.pack(">QQ", 56 + len(envelope), len(message)) + checksum
        frame += struct.pack(">QB", int(time.time()), flags) + z(sender) + z(route) + z(envid)
        frame += bytes([len(logins)]) + b"".join(z(x) for login in logins for x in login)
        notify = [*notify, *[0] * (len(rcpts) - len(notify))]
        orcpt = [*orcpt, *[""] * (len(rcpts) - len(orcpt))]
        frame += struct.pack(">H", len(rcpts))
        frame += b"".join(z(r) + bytes([n]) + z(o) for r, n, o in zip(rcpts, notify, orcpt))
        if not self.spawner:
            frame = struct.pack(">H", len(dead)) + b"".join(map(address, dead)) + frame
        self.sock.sendmsg(
            [frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        )
        os.close(fd)
        return slot

    def report(self, timeout=20):
        self.sock.settimeout(timeout)
        frame = self.sock.recv(65536)
        assert frame, "it hung up: " + self.log()
        return Report(frame, self.spawner)

    def deliver(self, message=b"Subject: x\n\nhello\n", timeout=20, **kw):
        if self.popen is None:
            self.start()
        slot = self.send(message, **kw)
        r = self.report(timeout)
        assert r.slot == slot
        return r

    def log(self):
        return (self.home / "log").read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.popen is not None:
            self.sock.close()
            os.close(self.lifeline)
            try:
                self.popen.wait(30)
            finally:
                self.popen.kill()
                self.popen.wait()
            self.err.close()
            log = self.log()
            assert "Sanitizer" not in log and "runtime error" not in log, log
        shutil.rmtree(self.home)


class Qtls:
    """A qtls for clients that trusts one CA. Remote(qtls=...) asks it."""

    def __init__(self, ca, **control):
        self.home = Path(tempfile.mkdtemp(prefix="qt-", dir="/tmp"))
        for name in ("control", "run/tls-client"):
            (self.home / name).mkdir(parents=True)
        for name, text in control.items():
            (self.home / "control" / name).write_text(text + "\n")
        self.door = self.home / "run/tls-client"
        self.ca = ca

    def __enter__(self):
        ready, theirs = os.pipe()
        with open(self.home / "log", "ab") as err:
            self.popen = subprocess.Popen(
                [BIN / "qtls", "-c", "-C", self.home, "-d", str(theirs), "tls-client"],
                stderr=err, pass_fds=[theirs],
                env={**os.environ, "SSL_CERT_FILE": str(self.ca.cert), "ASAN_OPTIONS": "detect_leaks=0"})
        os.close(theirs)
        assert os.read(ready, 1) == b"\n", self.log()
        os.close(ready)
        return self

    def log(self):
        return (self.home / "log").read_text()

    def __exit__(self, *_):
        self.popen.terminate()
        self.popen.wait(30)
        shutil.rmtree(self.home)


class Server:
    """Calls script(conn, number) in a thread for each connection; conn has readline(),
    send(); what a script raises on a closed connection is its own business."""

    def __init__(self, script, listener=None):
        self.listener = listener or socket.create_server(("127.0.0.1", 0))
        address, self.port = self.listener.getsockname()[:2]
        self.route = f"{address} {self.port}"
        self.script = script
        self.connections = 0
        self.conns = []
        self.failures = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                s, peer = self.listener.accept()
            except OSError:
                return
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conn = Conn(s, peer)
            self.conns.append(conn)
            number = self.connections
            self.connections += 1
            threading.Thread(target=self._run, args=(conn, number), daemon=True).start()

    def _run(self, conn, number):
        try:
            self.script(conn, number)
        except (OSError, ValueError):  # closed, by the peer or by us
            pass
        except AssertionError as e:
            self.failures.append(e)
        finally:
            conn.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self.listener.close()
        for c in self.conns:
            c.close()
        assert not self.failures, self.failures


class Conn:
    def __init__(self, s, peer):
        self.s = s
        self.peer = peer
        self.file = s.makefile("rb")
        self.lines = []

    def readline(self):
        line = self.file.readline()
        if line:
            self.lines.append(line)
            assert line.endswith(b"\r\n") and b"\n" not in line[:-1], line
        return line

    def send(self, text):
        self.s.sendall(text if isinstance(text, bytes) else text.encode())

    def wrap(self, context):
        """TLS from here on."""
        self.s = context.wrap_socket(self.s, server_side=True)
        self.file = self.s.makefile("rb")
        self.sni = getattr(context, "sni", None)

    def close(self):
        try:
            self.s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.file.close()
        self.s.close()


def server_context(cert):
    """For a Server with a certificate of certs.py; .sni is the last name that was asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert.chain, cert.key)
    context.sni = None

    def note(_socket, name, _context):
        context.sni = name

    context.sni_callback = note
    return context


def speaker(messages, caps=("PIPELINING", "SIZE 1000000", "8BITMIME"), answers=None, greeting="220 sink.test ESMTP",
            tls=None, implicit=False, logins=None, mechanisms="PLAIN LOGIN"):
    """A well-behaved server. messages gets (envelope lines, raw body without the dot);
    answers: {verb or b"." : reply or function of the line giving one}. tls: a server_context(),
    for STARTTLS, or (implicit) for TLS at once; logins: {user: password}, which are then needed."""
    answers = answers or {}

    def reply(conn, key, line, default):
        a = answers.get(key, default)
        a = a(line) if callable(a) else a
        if a is None:
            conn.close()
            raise OSError("closed on purpose")
        conn.send(a + "\r\n")
        return a

    def secret(conn):
        conn.send("334 \r\n")
        return base64.b64decode(conn.readline().strip()).decode()

    def login(conn, line):
        """The user, or None."""
        words = line.split()
        if words[1].upper() == b"PLAIN":
            said = base64.b64decode(words[2]).decode() if words[2:] else secret(conn)
            assert said[0] == "\0"
            user, password = said[1:].split("\0")
        else:
            user, password = secret(conn), secret(conn)
        return user if logins.get(user) == password else None

    def offered(conn):
        under = conn.context is not None
        return [*caps, *(["STARTTLS"] if tls and not under else []),
                *([f"AUTH {mechanisms}"] if logins and under else [])]

    def script(conn, number):
        conn.context = conn.user = None
        if implicit:
            conn.wrap(tls)
            conn.context = tls
        conn.send(greeting + "\r\n")
        envelope = []
        while line := conn.readline():
            verb = line.split()[0].split(b":")[0].upper().decode()
            if verb == "EHLO":
                lines = ["sink.test", *offered(conn)]
                reply(conn, "EHLO", line, "\r\n".join(
                    f"250{' ' if i == len(lines) - 1 else '-'}{x}" for i, x in enumerate(lines)))
            elif verb in ("HELO", "RSET"):
                reply(conn, verb, line, "250 ok")
            elif verb == "STARTTLS" and tls:
                if reply(conn, "STARTTLS", line, "220 go ahead")[:3] == "220":
                    conn.wrap(tls)
                    conn.context = tls
            elif verb == "AUTH" and logins:
                conn.user = login(conn, line)
                conn.send("235 2.7.0 welcome\r\n" if conn.user else "535 5.7.8 no\r\n")
            elif verb == "MAIL" and logins and not conn.user:
                conn.send("530 5.7.0 who are you\r\n")
            elif verb == "MAIL":
                envelope = [line]
                reply(conn, "MAIL", line, "250 2.1.0 ok")
            elif verb == "RCPT":
                if reply(conn, "RCPT", line, "250 2.1.5 ok")[0] == "2":
                    envelope.append(line)
            elif verb == "DATA":
                if len(envelope) < 2:
                    conn.send("503 no recipients\r\n")
                    continue
                if reply(conn, "DATA", line, "354 go on")[:3] != "354":
                    continue
                body = b""
                while (line := conn.readline()) not in (b".\r\n", b""):
                    body += line
                if not line:
                    messages.append((envelope, body, "cut"))
                    return
                messages.append((envelope, body))
                reply(conn, ".", b".", "250 2.0.0 queued as 4711")
            elif verb == "QUIT":
                conn.send("221 bye\r\n")
                return
            else:
                conn.send("500 what\r\n")

    return script
