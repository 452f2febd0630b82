"""The mail systems under test: how each is configured, started and watched.

Each serves SMTP on a port of loopback, delivers to Maildirs of the bench's users, relays
everything else to a sink, and has a domain whose host answers nobody. Quoin runs from its build
directory; a peer in a root of its own, as Debian ships it but for the lines below.
"""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from box import Box, run

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import quoin  # noqa: E402

DOMAIN = "bench.example"
DEFERRED = "deferred.example"
USERS = [f"qb{n}" for n in range(1, 21)]
LIST = [f"ql{n}" for n in range(1, 1001)]  # one message's recipients
FIRST_UID = 62001
DEAD_PORT = 9  # of loopback: nobody listens


class System:
    """home: a directory of its own on the file system under test."""

    tls_programs = None  # those that speak TLS; None: all do

    def __init__(self, home, root, sink, tls=False):
        self.home = home
        self.root = root  # to be copied; None: the machine's own
        self.sink = sink
        self.tls = tls
        self.port = quoin.free_port()
        self.configure()
        self.box = Box(self.start)
        quoin.wait_for(self._greets, 20, f"{self.name} greets")

    def _greets(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as s:
                return s.recv(4).startswith(b"220")
        except OSError:
            return False

    def enter_root(self):
        """The calling process sees only the system's root from now on."""

    def maildir(self, user):
        raise NotImplementedError

    def delivered(self, users):
        return sum(len(os.listdir(self.maildir(u) / "new")) for u in users)

    def empty(self):
        for u in [*USERS, *LIST]:
            for p in (self.maildir(u) / "new").iterdir():
                p.unlink()

    def close(self):
        self.box.close()


def certificate(where):
    """cert.pem and key.pem: P-256, as Quoin makes its own."""
    cert = quoin.certs.self_signed(where, DOMAIN)
    cert.cert.rename(where / "cert.pem")
    cert.key.rename(where / "key.pem")


class Peer(System):
    """A system of Debian, in a copy of the root that `roots` made."""

    queues = ()  # directories, below the root

    def configure(self):
        self.top = self.home / "root"
        run("cp", "-a", f"{self.root}/{self.name}", self.top)
        (self.top / "etc/hosts").write_text("127.0.0.1 localhost\n")
        (self.top / "etc/resolv.conf").write_text("lookup file\nnameserver 127.0.0.1\n")  # nobody is asked
        (self.top / "etc/mailname").write_text(f"{DOMAIN}\n")
        self._add_users()
        self.configure_peer()

    def _add_users(self):
        passwd = group = ""
        for uid, u in enumerate([*USERS, *LIST], FIRST_UID):
            passwd += f"{u}:x:{uid}:{uid}::/home/{u}:/bin/false\n"
            group += f"{u}:x:{uid}:\n"
            home = self.top / "home" / u
            for d in ("", "Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur"):
                (home / d).mkdir(mode=0o700 if d else 0o755)
                os.chown(home / d, uid, uid)
        for name, text in (("passwd", passwd), ("group", group)):
            with open(self.top / "etc" / name, "a", encoding="ascii") as f:
                f.write(text)

    def enter_root(self):
        os.chroot(self.top)
        os.chdir("/")

    def maildir(self, user):
        return self.top / "home" / user / "Maildir"

    def queue_empty(self):
        return not any(f for d in self.queues for _, _, f in os.walk(self.top / d) if f)

    def sendmail(self, user):
        return ["/usr/sbin/sendmail", user]


class Postfix(Peer):
    name = "postfix"
    queues = [f"var/spool/postfix/{d}" for d in ("maildrop", "incoming", "active", "deferred")]
    settings = {
        "myhostname": DOMAIN,
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "home_mailbox": "Maildir/",
        "disable_dns_lookups": "yes",  # there are no name servers here
        "maillog_file": "/var/log/mail.log",  # there is no syslog
        "default_process_limit": "300",  # 200 sessions
        "message_size_limit": "51200000",
    }
    tls_settings = {
        "smtpd_tls_security_level": "may",
        "smtpd_tls_cert_file": "/etc/postfix/cert.pem",
        "smtpd_tls_key_file": "/etc/postfix/key.pem",
    }

    def configure_peer(self):
        if self.tls:
            certificate(self.top / "etc/postfix")
        more = {
            "relayhost": f"[127.0.0.1]:{self.sink}",
            "transport_maps": f"inline:{{ {DEFERRED}=smtp:[127.0.0.1]:{DEAD_PORT} }}",
        }
        more |= self.settings
        if self.tls:
            more |= self.tls_settings
        main = self.top / "etc/postfix/main.cf"
        kept = [l for l in main.read_text().splitlines() if l.split("=")[0].strip() not in more]
        main.write_text("\n".join([*kept, *(f"{k} = {v}" for k, v in more.items()), ""]))
        master = self.top / "etc/postfix/master.cf"
        text = master.read_text().replace("\nsmtp      inet", f"\n127.0.0.1:{self.port} inet")
        master.write_text(text)

    def start(self):
        self.enter_root()
        run("newaliases")
        run("postfix", "start", stderr=subprocess.DEVNULL)

    def close(self):
        subprocess.run(["chroot", self.top, "postfix", "abort"], stderr=subprocess.DEVNULL)
        super().close()


class OpenSMTPD(Peer):
    name = "opensmtpd"
    queues = ("var/spool/smtpd/queue", "var/spool/smtpd/incoming")

    def configure_peer(self):
        if self.tls:
            (self.top / "etc/bench").mkdir()
            certificate(self.top / "etc/bench")
        (self.top / "etc/smtpd.conf").write_text(
            f"""table aliases file:/etc/aliases
{'pki bench cert "/etc/bench/cert.pem"' if self.tls else ""}
{'pki bench key "/etc/bench/key.pem"' if self.tls else ""}
listen on 127.0.0.1 port {self.port} {"tls pki bench" if self.tls else ""}
action "local" maildir alias <aliases>
action "relay" relay host "smtp://127.0.0.1:{self.sink}"
action "deferred" relay host "smtp://127.0.0.1:{DEAD_PORT}"
match from any for domain "{DOMAIN}" action "local"
match from any for local action "local"
match from any for domain "{DEFERRED}" action "deferred"
match from any for any action "relay"
"""
        )

    def start(self):
        self.enter_root()
        with open("/var/log/smtpd.log", "wb") as log:  # there is no syslog
            subprocess.Popen(["smtpd", "-d"], stdout=log, stderr=log, start_new_session=True)


class Logged(quoin.Quoin):
    """Its services write to s6-log, as the installed ones do."""

    def _popen(self, argv, user, **kw):
        if kw.get("stderr") in (None, subprocess.PIPE):
            return super()._popen(argv, user, **kw)
        where = self.logs / f"{Path(argv[0]).name}.{len(self.services)}.s6"
        logger = subprocess.Popen(["s6-log", "-b", "n20", "s1000000", "t", where], stdin=subprocess.PIPE)
        with logger.stdin as pipe:
            return super()._popen(argv, user, **(kw | {"stdout": pipe, "stderr": pipe}))


class Quoin(System):
    name = "quoin"
    tls_programs = ("qtls", "qtls-key")

    def configure(self):
        self.q = (Logged if shutil.which("s6-log") else quoin.Quoin)(me=DOMAIN, parent=self.home)
        self.q.control("smtproutes", [f"{DEFERRED}:127.0.0.1:{DEAD_PORT}", f":127.0.0.1:{self.sink}"])
        self.q.control("timeoutsmtpd", None)
        for setting in os.environ.get("QUOIN_CONTROL", "").split():
            self.q.control(*setting.split("=", 1))
        self.q.users(*USERS, *LIST)

    def maildir(self, user):
        return self.q.accounts[user][2] / "Maildir"

    def start(self):
        self.q.start_queue()
        self.q.start_delivery()
        if self.tls:
            self.q.control("tlssessions", "400")
            self.q.start_tls()
            self.q.start_tls_waiting()
            self.q.start_auth()
        self.q.start_smtp("-c", "400", "-p", "400", port=self.port, env={"RELAYCLIENT": ""})

    def queue_empty(self):
        return self.q.queue_is_empty()

    def sendmail(self, user):
        return [str(self.q.bin / "sendmail"), f"--home={self.q.home}", user]


SYSTEMS = {s.name: s for s in (Postfix, OpenSMTPD, Quoin)}
