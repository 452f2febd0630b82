"""What is done to the systems under test: each load returns when the load itself has ended."""

import os
import resource
import socket
import ssl
import struct
import subprocess

SENDER = "sender@client.example"
PATIENCE = 120  # seconds, for a load of SMTP
MESSAGE = b"Subject: bench\n\n" + b"x" * 72 + b"\n" + (b"y" * 71 + b"\n") * 55


def smtp_source(system, users, each, domain, size=4096, reuse=False):
    """A smtp-source for each of the users, all at once; how many messages were sent."""
    return _all_at_once(
        ["smtp-source", *(["-d"] if reuse else []), "-s", "1", "-m", str(each), "-l", str(size),
         "-f", SENDER, "-t", f"{u}@{domain}", f"127.0.0.1:{system.port}"]
        for u in users
    ) * each  # fmt: skip


def tls_load(system, users, each, domain, program, size=4096):
    """The same behind STARTTLS, by tests/bench/tls_load.c."""
    return _all_at_once(
        [program, "-m", str(each), "-l", str(size), "-f", SENDER, "-t", f"{u}@{domain}", f"127.0.0.1:{system.port}"]
        for u in users
    ) * each


def _all_at_once(commands):
    """How many there were; all of them have ended well."""
    sources = [subprocess.Popen(c, stderr=subprocess.PIPE) for c in commands]
    try:
        for s in sources:
            if s.wait(PATIENCE) != 0:
                raise RuntimeError(s.stderr.read().decode())
    finally:
        for s in sources:
            s.kill()
            s.wait()
    return len(sources)


def list_message(system, users, domain):
    """One message to all of the users, pipelined where that is offered."""
    with socket.create_connection(("127.0.0.1", system.port), 120) as s:
        f = s.makefile("rb")

        def reply():
            lines = [f.readline()]
            while lines[-1][3:4] == b"-":
                lines.append(f.readline())
            if lines[-1][:1] not in (b"2", b"3"):
                raise RuntimeError(lines[-1])
            return b"".join(lines)

        reply()
        s.sendall(b"EHLO bench.client.example\r\n")
        group = len(users) + 2 if b"PIPELINING" in reply() else 1
        commands = [f"MAIL FROM:<{SENDER}>", *(f"RCPT TO:<{u}@{domain}>" for u in users), "DATA"]
        for at in range(0, len(commands), group):
            s.sendall("".join(c + "\r\n" for c in commands[at : at + group]).encode())
            for _ in commands[at : at + group]:
                reply()
        s.sendall(MESSAGE.replace(b"\n", b"\r\n") + b".\r\n")
        reply()
        s.sendall(b"QUIT\r\n")
        reply()
    return len(users)


def _sendmails(system, users, count):
    def one(n):
        p = subprocess.Popen(system.sendmail(users[n % len(users)]), stdin=subprocess.PIPE)
        p.stdin.write(MESSAGE)
        p.stdin.close()
        return p

    running = [one(0), one(1)]
    for n in range(2, count + 2):
        p = running.pop(0)
        if p.wait() != 0:
            raise RuntimeError("sendmail failed")
        if n < count:
            running.append(one(n))


def sendmail(system, users, count):
    """Runs of sendmail, two at a time, in the system's own root: their CPU, in seconds."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            system.enter_root()
            _sendmails(system, users, count)
            r = resource.getrusage(resource.RUSAGE_CHILDREN)
            os.write(write, struct.pack("d", r.ru_utime + r.ru_stime))
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    if os.waitpid(pid, 0)[1] != 0:
        raise RuntimeError("sendmail failed")
    (cpu,) = struct.unpack("d", os.read(read, 8))
    os.close(read)
    return cpu


def idle_sessions(system, count):
    """That many sockets, each greeted."""
    held = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", system.port))
        s.recv(100)
        s.sendall(b"EHLO bench.example\r\n")
        s.recv(500)
        held.append(s)
    return held


def idle_tls_sessions(system, count):
    """The same behind STARTTLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    held = []
    for s in idle_sessions(system, count):
        s.sendall(b"STARTTLS\r\n")
        s.recv(100)
        s = context.wrap_socket(s)
        s.sendall(b"EHLO bench.example\r\n")
        s.recv(500)
        held.append(s)
    return held
