"""A private Quoin in a temporary directory, for tests.

    q = Quoin()
    q.control("me", "q.example")
    q.users("alice")
    q.start_queue(); q.start_delivery(); port = q.start_smtp()
    q.passwords({"alice": "secret"}); q.start_tls(); q.start_auth()
    port = q.start_submission()         # 587; tls=True: 465
    ...
    q.close()

As an ordinary user every program runs under one's own uid. As root each service
runs under a number of its own that is in no passwd file, and so do the users, so
that owners and modes are tested too. Owners and modes are those of package/modes.

Environment: QUOIN_BIN, the directory of the programs (build/plain/bin).
"""

import contextlib
import hashlib
import os
import pwd
import random
import re
import shutil
import signal
import smtplib
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import accounts
import certs

SOURCE = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("QUOIN_BIN") or SOURCE / "build/plain/bin").resolve()
ROOT = os.geteuid() == 0
# AddressSanitizer takes memory, signals and system calls of its own; its builds have no seccomp.
SANITIZED = (BIN / "qqueue").exists() and b"__asan_init" in (BIN / "qqueue").read_bytes()
SLOTS = 7  # of test runs side by side


def _take_slot():
    """A number of 1 to SLOTS that no other run of tests on this machine has at this moment: an
    abstract socket, which goes with its process. Of it are the run's uids and ports."""
    for number in range(1, SLOTS + 1):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError):
            s.bind(f"\0quoin-tests-{number}")
            return number, s
        s.close()
    return os.getpid() % SLOTS + 1, None  # so many at once must share


SLOT, _slot = _take_slot()
FIRST_UID = 61000 + 500 * SLOT  # of the services, as root
FIRST_USER = FIRST_UID + 100  # of users()
PORTS = range(10000 + 2800 * SLOT, 12800 + 2800 * SLOT)  # below 32768, where the kernel's own begin

# Who runs what. What is missing here runs as whoever runs the test.
RUNS_AS = {
    "qqueue": "quoinq",
    "qgetpw": "quoinp",
    "qrcpt": "quoinv",
    "qtls-key": "quoink",
    "qtls": "quoint",
    "qtls-wait": "quoint",
    "qsts": "quoinm",
}

SANITIZER = re.compile(r"ERROR: AddressSanitizer|runtime error:|ERROR: LeakSanitizer")


def wait_for(condition, deadline=30.0, what=None):
    """Poll until condition() is true, and return what it returned. The deadline is for a machine
    that has much else to do: only a test that fails waits for it."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what or condition}")
        time.sleep(0.01)


_given = set()  # ports: none is given twice


def free_port(family=socket.AF_INET):
    """A TCP port of loopback that nobody uses at this moment, and that no other run of tests
    and no outgoing connection will use."""
    while True:
        port = random.choice(PORTS)
        if port in _given and len(_given) < len(PORTS):
            continue
        with socket.socket(family, socket.SOCK_STREAM) as s, contextlib.suppress(OSError):
            s.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
            _given.add(port)
            return port


def table_of(name):
    """The fields of package/NAME's lines, without its comments."""
    with open(SOURCE / "package" / name, encoding="ascii") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                yield line.split(None, 2)


def missing(*programs):
    """Those of the programs that are not built."""
    return [p for p in programs if not (BIN / p).exists()]


def why_not_client(tool):
    """Why a mail program cannot be run here, or None."""
    if tool and not shutil.which(tool):
        return f"not installed: {tool}"
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        if tool in ("s-nail", "mutt", "neomutt", "fetchmail", "getmail"):
            return f"{tool} needs a user with a name"
    return None


class QueueFile:
    """lib/qfile.h, read by a second reader, all checks included."""

    def __init__(self, data):
        if len(data) < 56 or data[:8] not in (b"quoin-1\n", b"quoin-2\n"):
            raise ValueError("not a queue file")
        env_len, zero, msg_len = struct.unpack(">IIQ", data[8:24])
        if zero or len(data) != 56 + env_len + msg_len:
            raise ValueError("lengths do not agree")
        self.env = data[56 : 56 + env_len]
        self.message = data[56 + env_len :]
        if _sum(data[:40] + self.env) != data[40:56]:
            raise ValueError("checksum of head and envelope")
        if _sum(self.message) != data[24:40]:
            raise ValueError("checksum of the message")
        if not self.env.endswith(b"\0"):
            raise ValueError("torn envelope")
        self.fields = [(f[:1].decode(), f[1:]) for f in self.env[:-1].split(b"\0")]

    def _one(self, letter):
        return next((v.decode() for k, v in self.fields if k == letter), None)

    @property
    def uid(self):
        return int(self._one("U"))

    @property
    def client(self):
        return self._one("C")

    @property
    def login(self):
        return self._one("L")

    @property
    def sender(self):
        return self._one("F")

    @property
    def recipients(self):
        return [v.decode() for k, v in self.fields if k == "T"]


def _sum(data):
    return hashlib.blake2b(data, digest_size=16).digest()


class Service:
    """A started program: its Popen, its log."""

    def __init__(self, name, popen, log):
        self.name = name
        self.popen = popen
        self.log = log

    @property
    def pid(self):
        return self.popen.pid

    def text(self):
        return self.log.read_text(errors="replace")

    def signal(self, sig):
        """To the program and whatever it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, sig)

    def stop(self, deadline=20.0):
        """SIGTERM to the program, SIGKILL to its group if that does not end it."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(deadline)
            except subprocess.TimeoutExpired:
                pass
        self.signal(signal.SIGKILL)
        return self.popen.wait()


class Quoin:
    def __init__(self, me="q.example", parent="/tmp"):
        self.ids = {}  # name of a service's user: number
        for n, (name, *_) in enumerate(table_of("users"), 1):
            self.ids[name] = FIRST_UID + n if ROOT else os.getuid()
        self.ids["root"] = 0 if ROOT else os.getuid()
        # Short: a socket's path has 107 bytes. Not pytest's tmp_path: that is 0700.
        self.home = Path(tempfile.mkdtemp(prefix="quoin-", dir=parent))
        self.home.chmod(0o755)
        self.services = []
        self.accounts = {}
        if ROOT:  # what qctl counts from
            (self.home / "uidbase").write_text(f"{FIRST_UID}\n")
        self._make_tree()
        self.logs = self.home / "log"
        self.control("me", me)
        self.control("timeoutsmtpd", "20")
        self.smtp_port = None

    # -- the tree ------------------------------------------------------------

    def _gid(self, group):
        return self.ids[group] if ROOT else os.getgid()

    def _make_tree(self):
        for path, owner, mode in table_of("modes"):
            user, group = owner.split(":")
            p = self.home / path
            if path == "bin/":
                self._make_bin(p)
                continue
            p.mkdir(exist_ok=True) if path.endswith("/") else p.touch()
            if ROOT:
                os.chown(p, self.ids[user], self._gid(group))
            p.chmod(int(mode, 8))

    def _make_bin(self, p):
        """A link to the build; a copy if other users could not reach that."""
        reachable = all(d.stat().st_mode & 0o001 for d in (BIN, *BIN.parents) if d.exists())
        if reachable or not ROOT:
            p.symlink_to(BIN)
        else:
            shutil.copytree(BIN, p)

    @property
    def bin(self):
        return self.home / "bin"

    @property
    def queue(self):
        return self.home / "queue"

    def control(self, name, text, group=None):
        """Write a control file: text, or a list of lines; None removes it. group: who alone may read it."""
        p = self.home / "control" / name
        if text is None:
            p.unlink(missing_ok=True)
            return p
        if isinstance(text, (list, tuple)):
            text = "\n".join(text)
        if isinstance(text, str):
            text = text.encode()
        if text and not text.endswith(b"\n"):
            text += b"\n"
        new = p.with_name("." + name)
        new.write_bytes(text)
        if group:
            new.chmod(0o640)
            if ROOT:
                os.chown(new, 0, self.ids[group])
        new.rename(p)
        return p

    # -- accounts ------------------------------------------------------------

    def users(self, *names, extra=()):
        """Accounts by users/assign, each with a home and a Maildir below mail/.
        extra: further lines of users/assign. Called again, it adds."""
        for name in names:
            uid = FIRST_USER + len(self.accounts) if ROOT else os.getuid()
            gid = uid if ROOT else os.getgid()
            home = self.home / "mail" / name
            home.mkdir(parents=True)
            home.chmod(0o755)
            self.accounts[name] = (uid, gid, home)
            for d in ("Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur"):
                (home / d).mkdir(mode=0o700)
            for p in (home, *home.rglob("*")):
                if ROOT:
                    os.chown(p, uid, gid)
        lines = []
        accounts = dict(self.accounts)
        accounts["alias"] = (
            self.ids["alias"],
            self._gid("alias"),
            self.home / "alias",
        )
        for name, (uid, gid, home) in accounts.items():
            lines.append(f"={name}:{name}:{uid}:{gid}:{home}:::")
            if name != "alias":
                lines.append(f"+{name}-:{name}:{uid}:{gid}:{home}:-::")
        # Whatever is nobody's: alias, by ~alias/.qmail-NAME
        uid, gid, home = accounts["alias"]
        lines.append(f"+:alias:{uid}:{gid}:{home}:-::")
        (self.home / "users/assign").write_text("\n".join([*lines, *extra, ".", ""]))
        self.run("qnewusers", check=True)

    def write_home(self, user, name, text, mode=0o644):
        """A file in a user's home, owned by the user."""
        uid, gid, home = self.accounts[user]
        p = home / name
        p.write_text(text)
        p.chmod(mode)
        if ROOT:
            os.chown(p, uid, gid)
        return p

    def maildir(self, user):
        """The messages in a user's Maildir, oldest name first, as bytes."""
        home = self.accounts[user][2] if user in self.accounts else self.home / user
        return [p.read_bytes() for p in sorted((home / "Maildir/new").iterdir())]

    def passwords(self, words, **kw):
        """{name: password, or [Main(…), App(…)]}: all of users/passwd (accounts.py)."""
        accounts.passwords(self, words, **kw)

    # -- certificates --------------------------------------------------------

    def certificate(self, *names, where="default", cert=None, **kw):
        """control/tls/WHERE with cert (certs.py), or a self-signed one of the names; qtls-key
        and qtls hear of it by reload_tls()."""
        cert = cert or certs.self_signed(self.certs_dir(), *(names or ("q.example",)), **kw)
        certs.install(cert, self.home / "control/tls" / where, owner=(0, self._gid("quoink")))
        return cert

    def certs_dir(self):
        """Where the keys of certificate() are made."""
        d = self.home / "certs"
        d.mkdir(mode=0o700, exist_ok=True)
        return d

    # -- processes -----------------------------------------------------------

    def _popen(self, argv, user, **kw):
        if ROOT and user not in (None, "root"):
            uid = user if isinstance(user, int) else self.ids[user]
            gid = user if isinstance(user, int) else self._gid(user)
            kw.update(user=uid, group=gid, extra_groups=[])
        return subprocess.Popen([str(a) for a in argv], **kw)

    def start(self, prog, *args, user=None, ready=True, env=None, wrap=(), deadline=30.0):
        """Start a service and wait until it says ready. user: a name of
        package/users; by default the one that package/s6 gives it. wrap: words in front of
        the program (strace …)."""
        log = self.logs / f"{prog}.{len(self.services)}.log"
        argv = [*wrap, self.bin / prog, "-C", self.home]
        r, w = os.pipe()
        try:
            if ready:
                argv += ["-d", str(w)]
            with open(log, "wb") as err:
                p = self._popen(
                    [*argv, *args],
                    user or RUNS_AS.get(prog),
                    stdin=subprocess.DEVNULL,
                    stdout=err,
                    stderr=err,
                    env={**os.environ, **(env or {})},
                    pass_fds=(w,) if ready else (),
                    start_new_session=True,
                    cwd="/",
                )
        finally:
            os.close(w)
        s = Service(prog, p, log)
        self.services.append(s)
        try:
            if ready:
                self._await_ready(s, r, deadline)
        finally:
            os.close(r)
        return s

    @staticmethod
    def _await_ready(s, r, deadline):
        os.set_blocking(r, False)

        def is_ready():
            try:
                got = os.read(r, 16)
            except BlockingIOError:
                return False
            if b"\n" not in got:
                raise AssertionError(f"{s.name} ended before it was ready: {s.text()}")
            return True

        wait_for(is_ready, deadline, f"{s.name} ready; its log: {s.text()}")

    def service(self, prog):
        """The service of that name that was started last."""
        return next(s for s in reversed(self.services) if s.name == prog)

    def kill(self, prog, sig=signal.SIGKILL):
        """Signal the program alone, not its children, and wait for its end."""
        s = self.service(prog)
        s.popen.send_signal(sig)
        if sig in (signal.SIGKILL, signal.SIGTERM):
            s.popen.wait(30)

    def stop(self, prog):
        s = self.service(prog)
        code = s.stop()
        self.services.remove(s)
        return code

    def log(self, prog):
        """All that services of that name have logged."""
        return "".join(p.read_text(errors="replace") for p in sorted(self.logs.glob(f"{prog}.*.log")))

    def run(self, prog, *args, stdin=b"", user=None, env=None, check=False, home=True, timeout=60):
        """Run a command to its end: CompletedProcess with bytes."""
        where = ["--home=" + str(self.home)] if prog in ("sendmail", "mailq", "newaliases") else ["-C", self.home]
        p = self._popen(
            [self.bin / prog, *(where if home else []), *args],
            user,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            cwd="/",
        )
        try:
            out, err = p.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            raise AssertionError(f"{prog} did not end in {timeout} s: {err!r}") from None
        if check and p.returncode:
            raise AssertionError(f"{prog} exits {p.returncode}: {err.decode(errors='replace')}")
        return subprocess.CompletedProcess(p.args, p.returncode, out, err)

    def sendmail(self, *args, stdin=b"", **kw):
        return self.run("sendmail", *args, stdin=stdin, **kw)

    # -- the services --------------------------------------------------------

    def owner(self, name):
        return f"{self.ids[name]}:{self._gid(name)}"

    def start_queue(self, *args, **kw):
        return self.start("qqueue", "-t", str(self.ids["quoind"]), *args, **kw)

    def start_delivery(self, *args, **kw):
        """qgetpw and qstart, which starts qsend, qbounce and the spawners."""
        if not missing("qgetpw"):
            self.start("qgetpw")
        return self.start("qstart", "-s", self.owner("quoins"), "-r", self.owner("quoinr"), *args, **kw)

    def start_smtp(self, *args, ip="127.0.0.1", port=None, env=None, qsmtpd=(), template=None, **kw):
        """qlisten with qsmtpd behind it; returns the port. args are qlisten's. template: one
        qsmtpd forks the sessions, as installed; None: yes, but with sanitizers."""
        if template is None:
            template = "-h" not in args and not SANITIZED
        if template:
            args, qsmtpd = ("-f", *args), (*qsmtpd, "-f", "3")
        if not missing("qrcpt") and not any(s.name == "qrcpt" for s in self.services):
            self.start("qrcpt")
        port = port or free_port(socket.AF_INET6 if ":" in ip else socket.AF_INET)
        drop = ("-u", self.owner("quoind")) if ROOT else ()
        command = (self.bin / "qsmtpd", "-C", self.home, *qsmtpd)
        self.start("qlisten", *drop, *args, ip, str(port), "--", *command, env=env, **kw)
        self.smtp_port = port
        return port

    def start_tls(self, **kw):
        """qtls-key and the starter for servers, with a self-signed certificate if there is none."""
        if not (self.home / "control/tls/default").exists():
            self.certificate()
        self.start("qtls-key")
        return self.start("qtls", "-s", *self._doors(("tls-server", "quoind"), ("tls-login", "quoini")), **kw)

    def start_tls_client(self, **kw):
        """The starter for clients. env={"SSL_CERT_FILE": …}: whom they trust."""
        return self.start("qtls", "-c", *self._doors(("tls-client", "quoinr"), ("tls-fetch", "quoinm")), **kw)

    def start_tls_waiting(self, *args, **kw):
        """What package/s6 starts in its place: it becomes the starter when somebody calls."""
        return self.start("qtls-wait", *args, "-c", *self._doors(("tls-client", "quoinr"), ("tls-fetch", "quoinm")), **kw)

    def _doors(self, *doors):
        """A starter's directories, each with the uid that may call there."""
        return [f"{door}:{self.ids[user]}" for door, user in doors]

    def reload_tls(self):
        """Certificates anew, for the next session."""
        for s in self.services:
            if s.name in ("qtls-key", "qtls"):
                s.popen.send_signal(signal.SIGHUP)

    def start_auth(self, *args, **kw):
        """qauth, whose judges are quoina. args: -S SERVICE=PROGRAM."""
        return self.start("qauth", "-a", self.owner("quoina"), *args, **kw)

    def start_submission(self, tls=False, qsmtpd=(), **kw):
        """qlisten with the qsmtpd of port 587 (tls: 465) behind it; returns the port."""
        port = self.smtp_port
        mine = self.start_smtp(qsmtpd=("-s", *(("-t",) if tls else ()), *qsmtpd), **kw)
        self.smtp_port = port or mine
        return mine

    def smtp(self, timeout=20, **kw):
        return smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=timeout, **kw)

    # -- the queue -----------------------------------------------------------

    def queue_ids(self, state="new"):
        return sorted(p.name for p in (self.queue / state).iterdir())

    def queue_files(self, state="new"):
        return [QueueFile((self.queue / state / i).read_bytes()) for i in self.queue_ids(state)]

    def queue_is_empty(self):
        return not any(self.queue_ids(d) for d in ("tmp", "new", "cur"))

    # -- the end -------------------------------------------------------------

    def all_logs(self):
        return "".join(f"--- {p.name}\n{p.read_text(errors='replace')}" for p in sorted(self.logs.glob("*.log")))

    def sanitizer_reports(self):
        return [p.name for p in self.logs.glob("*.log") if SANITIZER.search(p.read_text(errors="replace"))]

    def close(self):
        """Stop all, the doors first; remove the directory."""
        for s in reversed(self.services):
            s.stop()
        reports = self.sanitizer_reports()
        text = self.all_logs() if reports else ""
        shutil.rmtree(self.home, ignore_errors=True)
        assert not reports, text
