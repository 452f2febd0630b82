#!/usr/bin/python3
"""Runs text dialogs with a server on a socket: what the client says, what it hears.

    dialog.py [-v] FILE.dlg ...      -v: what is heard; the last line counts

A dialog is a text file, one step a line:

    # comment
    set control NAME VALUE      a control file; lines divided by \\n, nothing: no such file
    set env NAME=VALUE          for the server
    set early bytes             what the client sends before there is a server
    set args -s                 options of the server
    set house tls               (first) a host that has qtls and qauth, with joe's password
                                "secret" and ann@v.example's "two words"
    set mail cur/NAME:2,S bytes a file in joe's Maildir (all but smtp)
    c -> EHLO x                 the client sends a line; CR LF is added
    c -| bytes                  the client sends just these bytes
    c -* 1000 bytes             the same bytes that often
    c <~ 250                    a whole reply (all its lines, without CR), a regular
                                expression from its start
    c <+ a1 OK                  whatever comes until such a reply
    c <|                        the server closes, without another byte
    c tls                       the client begins TLS, whoever the server is
    q = 1                       so many messages are in the queue at the end
    q ~ regex                   and the last of them matches (search, LF line ends)
    q T alice@q.example         its recipients, with blanks between them
    q F bob@b.example           its sender; nothing: the null sender
    q E C192.0.2.7 Fa@b.example its envelope's fields but U, with blanks between them
    log ~ regex                 the server's log matches

\\xNN, \\r, \\n, \\t, \\\\ stand for bytes. Before the first step of c the server is started
(`qsmtpd -C HOME`), with a real qqueue, and a stand-in of qrcpt, which knows everybody but
nobody@... and cannot tell about later@...

The folder says which server: smtp is qsmtpd; imap-login is qimapd-login, whose server is an
echo that says its last argument first; pop3 is qpop3d-login with qpop3d; imap is qimapd on joe's
Maildir, whose first word is PREAUTH. All but smtp have the house tls, the environment of a
client on this host, and replies of one line.
"""

import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")  # it says so where a sandbox forbids it
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from quoin import ROOT, Quoin  # noqa: E402

CONTROL = {
    "me": "q.example",
    "rcpthosts": "q.example\n.sub.example",
    "timeoutsmtpd": "20",
}
# A process that cannot be dumped cannot be searched for leaks.
ENV = {
    "ASAN_OPTIONS": "detect_leaks=0",
    "PROTO": "TCP",
    "TCPREMOTEIP": "192.0.2.7",
    "TCPREMOTEPORT": "4321",
    "TCPLOCALIP": "192.0.2.25",
    "TCPLOCALPORT": "25",
}


SERVERS = {"smtp": "qsmtpd", "imap-login": "qimapd-login", "imap": "qimapd", "pop3": "qpop3d-login"}

ECHO = r"""#!/usr/bin/python3
import os, sys
os.write(1, f"{sys.argv[-1]} OK {os.environ['USER']} is in\r\n".encode())
while line := os.read(0, 1000):
    os.write(1, b"echo " + line)
"""


class Failed(Exception):
    pass


def unescape(text):
    def one(m):
        c = m.group(1)
        if c[0] == "x":
            return chr(int(c[1:], 16))
        return {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}[c]

    return re.sub(r"\\(x[0-9a-fA-F]{2}|[rnt\\])", one, text).encode("latin-1")


class FakeRcpt(threading.Thread):
    """Answers like qrcpt: - for nobody@, Z for later@, + for the rest."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = run / "qrcpt/sock"
        path.unlink(missing_ok=True)
        (run / "qrcpt").chmod(0o755)
        self.listener.bind(str(path))
        path.chmod(0o666)
        self.listener.listen(100)
        self.start()

    def run(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    @staticmethod
    def serve(conn):
        with conn:
            while rcpt := conn.recv(2000):
                answer = {b"nobody@": b"-", b"later@": b"Z"}.get(rcpt[: rcpt.find(b"@") + 1], b"+")
                conn.send(answer + b"reason\0")


class House:
    """One Quoin for many dialogs."""

    tls = False

    def __init__(self):
        self.q = Quoin(me="q.example")
        self.q.start_queue()
        self.rcpt = FakeRcpt(self.q.home / "run")

    def close(self):
        self.rcpt.listener.close()
        self.q.close()

    def reset(self):
        for p in (self.q.home / "control").iterdir():
            if not p.is_dir():
                p.unlink()
        for name, text in CONTROL.items():
            self.q.control(name, text)
        for p in (self.q.queue / "new").iterdir():
            p.unlink()


class TlsHouse(House):
    tls = True

    def reset(self):
        super().reset()
        uid, gid, home = self.q.accounts["joe"]
        self.maildir = home / "Maildir"
        # The session before may be at its last words still: it keeps its directory.
        old = self.maildir.rename(tempfile.mkdtemp(prefix="old-", dir=home))
        shutil.rmtree(old, ignore_errors=True)
        for d in (self.maildir, *(self.maildir / d for d in ("cur", "new", "tmp"))):
            d.mkdir()
            os.chown(d, uid, gid)

    def mail(self, name, data):
        """A file in joe's Maildir; it is joe's when it appears, as a server may move it at once."""
        fresh = self.maildir / "tmp/fresh"
        fresh.write_bytes(data)
        os.chown(fresh, *self.q.accounts["joe"][:2])
        fresh.rename(self.maildir / name)

    def servers(self):
        echo = self.q.home / "echo"
        echo.write_text(ECHO)
        echo.chmod(0o755)
        return "-S", f"imap={echo}", "-S", "pop3=qpop3d"

    def __init__(self):
        super().__init__()
        try:
            self.q.users("joe", "ann")
            self.q.passwords({"joe": "secret", "ann@v.example": "two words"})
            self.q.start_tls()
            self.q.start_auth(*self.servers())
        except BaseException:
            self.close()
            raise


def tcp_pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        return ours, listener.accept()[0]


class Client:
    def __init__(self, house, server, env, early, args):
        self.is_smtp = server == "qsmtpd"
        self.sock, theirs = tcp_pair() if house.tls else socket.socketpair()
        self.sock.settimeout(15)
        self.send(early)
        self.log = tempfile.TemporaryFile()
        user = {}
        if ROOT:
            uid = house.q.ids["quoind" if self.is_smtp else "quoini"]
            user = {"user": uid, "group": uid, "extra_groups": []}
        argv = [str(house.q.bin / server), "-C", str(house.q.home), *args]
        if server == "qimapd":
            argv += ["-p", str(house.maildir)]
            if ROOT:
                uid, gid, _ = house.q.accounts["joe"]
                user.update(user=uid, group=gid)
        self.server = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=self.log, env=env, **user)
        theirs.close()
        self.file = self.sock.makefile("rb")

    def start_tls(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.file.close()
        self.sock = context.wrap_socket(self.sock, server_hostname="q.example")
        self.file = self.sock.makefile("rb")

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what it said before it closed is what counts

    def reply(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line.endswith(b"\r\n"):
                raise Failed(f"no reply, but {b''.join(lines) + line!r}")
            lines.append(line[:-2])
            if not self.is_smtp or not re.match(rb"[0-9]{3}-", line):
                return b"\n".join(lines).decode("latin-1")

    def expect_close(self):
        try:
            rest = self.file.read()
        except ConnectionResetError:
            rest = b""
        if rest:
            raise Failed(f"not closed, but {rest[:200]!r}")

    def close(self):
        self.file.close()
        self.sock.close()
        code = self.server.wait(15)
        self.log.seek(0)
        return code, self.log.read().decode(errors="replace")


class Dialog:
    def __init__(self, houses, path, verbose=False):
        self.houses = houses
        self.server = SERVERS[path.resolve().parent.name]
        self.house = houses[House]
        self.path = path
        self.verbose = verbose
        self.env = dict(ENV)
        if self.server != "qsmtpd":
            self.env.update(TCPREMOTEIP="127.0.0.1", TCPLOCALHOST="q.example")
            self.use_tls_house()
        self.early = b""
        self.args = []
        self.client = None
        self.server_log = ""

    def run(self):
        self.house.reset()
        try:
            for number, line in enumerate(self.path.read_text().splitlines(), 1):
                if line.strip() and not line.startswith("#"):
                    self.step(number, line)
            self.finish()
        finally:
            if self.client:
                self.client.server.kill()
                self.client.server.wait()

    def use_tls_house(self):
        if TlsHouse not in self.houses:
            self.houses[TlsHouse] = TlsHouse()
        self.house = self.houses[TlsHouse]

    def step(self, number, line):
        who, how, text = (line.split(" ", 2) + ["", ""])[:3]
        try:
            getattr(self, {"set": "do_set", "c": "do_client", "q": "do_queue", "log": "do_log"}[who])(how, text)
        except (Failed, OSError, KeyError) as e:
            raise Failed(f"{self.path.name}:{number}: {line}: {e}") from None

    def do_set(self, how, text):
        if how == "control":
            name, _, value = text.partition(" ")
            self.house.q.control(name, unescape(value) if value else None)
        elif how == "env":
            name, _, value = text.partition("=")
            self.env[name] = unescape(value).decode("latin-1")
        elif how == "early":
            self.early = unescape(text)
        elif how == "args":
            self.args = text.split()
        elif how == "house" and text == "tls":
            self.use_tls_house()
            self.house.reset()
        elif how == "mail":
            name, _, value = text.partition(" ")
            self.house.mail(name, unescape(value))
        else:
            raise Failed("set what?")

    def do_client(self, how, text):
        if self.client is None:
            self.client = Client(self.house, self.server, self.env, self.early, self.args)
        if how == "->":
            self.client.send(unescape(text) + b"\r\n")
        elif how == "-|":
            self.client.send(unescape(text))
        elif how == "-*":
            count, _, what = text.partition(" ")
            self.client.send(unescape(what) * int(count))
        elif how == "<~":
            reply = self.client.reply()
            if self.verbose:
                print(f"    {reply}")
            if not re.match(text, reply, re.S):
                raise Failed(f"heard {reply!r}")
        elif how == "<+":
            while not re.match(text, reply := self.client.reply(), re.S):
                if self.verbose:
                    print(f"    {reply}")
        elif how == "<|":
            self.client.expect_close()
        elif how == "tls":
            self.client.start_tls()
        else:
            raise Failed("what does the client do?")

    def do_queue(self, how, text):
        self.finish()
        files = self.house.q.queue_files()
        if how == "=":
            if len(files) != int(text):
                raise Failed(f"there are {len(files)} messages")
            return
        last = files[-1]
        if how == "~":
            if not re.search(unescape(text), last.message, re.S):
                raise Failed(f"the message is {last.message!r}")
        elif how == "T":
            if last.recipients != shlex.split(text):
                raise Failed(f"the recipients are {last.recipients}")
        elif how == "E":
            fields = [k + v.decode() for k, v in last.fields if k != "U"]
            if fields != text.split():
                raise Failed(f"the envelope is {fields}")
        elif how == "F":
            if last.sender != text:
                raise Failed(f"the sender is {last.sender!r}")
        else:
            raise Failed("what about the queue?")

    def do_log(self, _how, text):
        self.finish()
        if not re.search(text, self.server_log):
            raise Failed(f"the log is {self.server_log!r}")

    def finish(self):
        """The client leaves; the server must end by itself, and well."""
        if self.client is None:
            return
        client, self.client = self.client, None
        code, self.server_log = client.close()
        if code != 0:
            raise Failed(f"the server ended with {code}: {self.server_log}")


def main(args):
    verbose = args[:1] == ["-v"]
    houses = {House: House()}
    passed = failed = 0
    try:
        for name in args[verbose:]:
            try:
                Dialog(houses, Path(name), verbose).run()
            except Failed as e:
                failed += 1
                print(e)
            else:
                passed += 1
    finally:
        for house in houses.values():
            house.close()
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    if not os.environ.get("QUOIN_BIN") and not Path("build/plain/bin/qsmtpd").exists():
        sys.exit("build first, or set QUOIN_BIN")
    sys.exit(main(sys.argv[1:]))
