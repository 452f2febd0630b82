"""Mail clients that read: a Quoin with the login programs of POP3 and IMAP, and wires to them.

    world = Readers(quoin)              # joe "secret", ann@v.example "two words"
    port = world.start("pop3")          # tls=True: TLS first
    w = Wire(port); w.line(); w.say("USER joe")
"""

import re
import socket
import ssl

from quoin import ROOT, free_port

# A server that says what it was given, and then echoes.
ECHO = r"""#!/usr/bin/python3
import os, sys
os.write(1, f"{os.environ['SERVICE']} {os.environ['USER']} {os.getcwd()} {sys.argv[1:]}\r\n".encode())
while line := os.read(0, 1000):
    os.write(1, b"echo " + line)
"""

def narrow(port):
    """A connection that takes little before its owner reads, so that the rest waits at the server."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(60)
    sock.connect(("127.0.0.1", port))
    return sock


LOGIN = {"pop3": "qpop3d-login", "imap": "qimapd-login"}


class Wire:
    """A connection, line by line."""

    def __init__(self, port, tls=False, sock=None, timeout=20):
        self.sock = sock or socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.sock.settimeout(timeout)
        self.file = None
        if tls:
            self.start_tls()
        else:
            self.file = self.sock.makefile("rb")

    def start_tls(self, alpn=()):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if self.file:
            self.file.close()
        self.sock = context.wrap_socket(self.sock, server_hostname="q.example")
        self.file = self.sock.makefile("rb")

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        line = self.file.readline()
        assert line.endswith(b"\r\n"), line
        return line[:-2]

    def ask(self, text):
        """One line, and the one that answers."""
        self.send((text if isinstance(text, bytes) else text.encode()) + b"\r\n")
        return self.line()

    def tagged(self, text, tag=b"a"):
        """A command of IMAP: the lines up to the tagged one."""
        self.send(tag + b" " + (text if isinstance(text, bytes) else text.encode()) + b"\r\n")
        lines = [self.line()]
        while not lines[-1].startswith(tag + b" "):
            lines.append(self.line())
        return lines

    def rest(self):
        """What comes before the end."""
        try:
            return self.file.read()
        except (ConnectionResetError, ssl.SSLError):
            return b""

    def close(self):
        self.file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Readers:
    def __init__(self, q, tls=True, servers=None):
        """servers: SERVICE=PROGRAM words; without, an echo."""
        self.q = q
        q.users("joe", "ann")
        q.passwords({"joe": "secret", "ann@v.example": "two words"})
        echo = q.home / "echo"
        echo.write_text(ECHO)
        echo.chmod(0o755)
        if tls:
            q.start_tls()
        words = servers or [f"imap={echo}", f"pop3={echo}"]
        q.start_auth(*(w for s in words for w in ("-S", s)))

    def start(self, service, *words, tls=False, env=None, args=(), ip="127.0.0.1"):
        """qlisten with the login program behind it; args are qlisten's."""
        q, port = self.q, free_port()
        drop = ("-u", q.owner("quoini")) if ROOT else ()
        program = (q.bin / LOGIN[service], "-C", q.home, *(("-T", str(port)) if tls else ()), *words)
        q.start("qlisten", *drop, *args, ip, str(port), "--", *program, env=env)
        return port


def number(log, pattern):
    return len(re.findall(pattern, log, re.M))
