"""A caller of qtls: a second writer and reader of lib/tlsgate.h, and TLS peers.

    caller = Caller(q, "tls-server")
    caller.ask(server(), tcp); caller.ready(); caller.go(); facts, plain = caller.result()
"""

import contextlib
import os
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass

from quoin import ROOT

GO, ASK, STRICT = 1, 2, 4


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
    """Sockets are connected as uid: that is what the other side sees."""
    if ROOT and uid is not None:
        os.seteuid(uid)
    try:
        yield
    finally:
        if ROOT and uid is not None:
            os.seteuid(0)


class Caller:
    def __init__(self, q, door, uid=None, timeout=20):
        owners = {"tls-server": "quoind", "tls-login": "quoini", "tls-client": "quoinr", "tls-fetch": "quoinm"}
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.settimeout(timeout)
        uid = q.ids[owners[door]] if uid is None else uid
        gid = os.getegid()
        if ROOT:
            os.setegid(uid)
        try:
            with as_user(uid):
                self.s.connect(str(q.home / "run" / door / "sock"))
        finally:
            if ROOT:
                os.setegid(gid)

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


class Openssl:
    """openssl s_client or s_server on one end of a TCP connection that we relay to it."""

    def __init__(self, *args):
        self.p = subprocess.Popen(
            ["openssl", *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def end(self, timeout=20):
        out, _ = self.p.communicate(timeout=timeout)
        return out.decode(errors="replace")


if __name__ == "__main__":
    sys.exit("a module of tests")
