"""A caller of qtls: a second writer and reader of lib/tlsgate.h, and TLS peers.

    caller = Caller(q, "tls-server")
    caller.ask(server(), tcp); caller.ready(); caller.go(); facts, plain = caller.result()
"""

import contextlib
import ctypes
import platform
import socket
import struct
import subprocess
import threading
from dataclasses import dataclass

from quoin import ROOT

GO, ASK, STRICT = 1, 2, 4
LIBC = ctypes.CDLL(None, use_errno=True)
SETRESUID, SETRESGID = (117, 119) if platform.machine() == "x86_64" else (147, 149)


def _z(*words):
    return b"".join(w.encode("latin-1") + b"\0" for w in words)


def server(flags=0, timeout=10000, alpn=""):
    return b"S" + struct.pack(">BI", flags, timeout) + _z(alpn)


def client(flags=GO, timeout=10000, alpn="", sni="", verify="O", names=(), pins=(), records=()):
    """pins: hex. records: (usage, selector, mtype, hex)."""
    out = b"C" + struct.pack(">BI", flags, timeout) + _z(alpn, sni) + verify.encode()
    out += bytes([len(names)]) + _z(*names)
    out += bytes([len(pins)]) + b"".join(bytes.fromhex(p) for p in pins)
    out += bytes([len(records)])
    for usage, selector, mtype, data in records:
        out += struct.pack(">BBBH", usage, selector, mtype, len(data) // 2) + bytes.fromhex(data)
    return out


@dataclass
class Facts:
    version: str
    cipher: str
    verified: bool
    why: str
    usable: int
    usage: int
    key: str
    name: str


class Refused(Exception):
    """A "-": letter and text."""

    def __init__(self, letter, text):
        super().__init__(f"{letter} {text}")
        self.letter, self.text = letter, text


def _facts(frame):
    def word():
        nonlocal frame
        w, nul, frame = frame.partition(b"\0")
        assert nul
        return w.decode("ascii")

    def byte():
        nonlocal frame
        b, frame = frame[0], frame[1:]
        return b

    f = Facts(word(), word(), bool(byte()), word(), byte(), byte(), word(), word())
    assert frame == b""
    return f


@contextlib.contextmanager
def as_user(uid):
    """Sockets are connected as uid: that is what the other side sees. The thread alone
    changes, by the bare call."""

    def become(u):
        for number, who in (SETRESGID, u), (SETRESUID, u):
            assert LIBC.syscall(number, -1, who, -1) == 0

    if not ROOT:
        yield
        return
    become(uid)
    try:
        yield
    finally:
        LIBC.syscall(SETRESUID, -1, 0, -1)
        LIBC.syscall(SETRESGID, -1, 0, -1)


class Caller:
    def __init__(self, q, door, uid=None, timeout=20):
        owners = {"tls-server": "quoind", "tls-login": "quoini", "tls-client": "quoinr", "tls-fetch": "quoinm"}
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.settimeout(timeout)
        with as_user(q.ids[owners[door]] if uid is None else uid):
            self.s.connect(str(q.home / "run" / door / "sock"))

    def ask(self, request, tcp):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self.s, [request], [tcp.fileno()] if tcp is not None else [])
        return self

    def _frame(self):
        for _ in range(2):  # what was said before a reset is there the second time
            try:
                return socket.recv_fds(self.s, 4096, 1)[:2]
            except ConnectionResetError:
                pass
        return b"", []

    def ready(self):
        frame, fds = self._frame()
        assert not fds
        if frame[:1] == b"-":
            raise Refused(frame[1:2].decode(), frame[2:-1].decode())
        assert frame == b"R", frame
        return self

    def go(self):
        self.s.send(b"G")
        return self

    def result(self):
        """(facts, the plaintext socket)."""
        frame, fds = self._frame()
        if frame[:1] == b"-":
            assert not fds
            raise Refused(frame[1:2].decode(), frame[2:-1].decode())
        assert frame[:1] == b"+", frame
        plain = socket.socket(fileno=fds[0])
        plain.settimeout(20)
        self.s.close()
        return _facts(frame[1:]), plain

    def close(self):
        self.s.close()


def tcp_pair():
    """A TCP connection over loopback: (caller's end, peer's end)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        mine, _ = listener.accept()
    peer.settimeout(20)
    return mine, peer


class Bridge:
    """A TCP port whose connections get TLS at once (as on port 465) and are answered by
    serve(facts, plain); what was refused is in .refused."""

    def __init__(self, q, request=None, serve=None, door="tls-server"):
        self.q, self.door = q, door
        self.request = request or server(GO)
        self.serve = serve or echo
        self.facts, self.refused = [], []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                tcp, _ = self.listener.accept()
            except OSError:
                return
            caller = Caller(self.q, self.door).ask(self.request, tcp)
            threading.Thread(target=self._serve, args=(caller, tcp), daemon=True).start()

    def _serve(self, caller, tcp):
        with tcp, contextlib.suppress(OSError):
            try:
                facts, plain = caller.result()
            except Refused as r:
                self.refused.append(r)
                return
            self.facts.append(facts)
            with plain:
                self.serve(facts, plain)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def echo(_facts, plain):
    while data := plain.recv(65536):
        plain.sendall(data)


def s_client(port, *args, stdin=b"", timeout=20):
    """openssl s_client's output; stdin is sent, then its end."""
    p = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *map(str, args)],
        input=stdin,
        capture_output=True,
        timeout=timeout,
    )
    return (p.stdout + p.stderr).decode(errors="replace")
