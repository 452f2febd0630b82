"""The mail systems under test: how each is configured, started and watched.

Each serves SMTP on a port of loopback, delivers to Maildirs of the bench's users, and
relays everything else to a sink.
"""

import os
import pwd
import subprocess
import sys
import time
from pathlib import Path

from box import Box, run

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import quoin  # noqa: E402

DOMAIN = "bench.example"


class System:
    """home: a directory of its own on the file system under test."""

    def __init__(self, home, users, sink):
        self.home = home
        self.users = users
        self.sink = sink
        self.port = quoin.free_port()
        self.configure()
        self.box = Box(self.start)
        quoin.wait_for(self._greets, 20, f"{self.name} greets")

    def _greets(self):
        import socket

        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as s:
                return s.recv(4).startswith(b"220")
        except OSError:
            return False

    def maildir(self, user):
        raise NotImplementedError

    def delivered(self):
        return sum(len(os.listdir(self.maildir(u) / "new")) for u in self.users)

    def empty(self):
        for u in self.users:
            for p in (self.maildir(u) / "new").iterdir():
                p.unlink()

    def close(self):
        self.box.close()


class Postfix(System):
    name = "postfix"

    def configure(self):
        etc = self.home / "etc"
        for d in ("etc", "queue", "data", "home"):
            (self.home / d).mkdir()
        os.chown(self.home / "data", pwd.getpwnam("postfix").pw_uid, 0)
        (etc / "main.cf").write_text(
            f"""compatibility_level = 3.6
queue_directory = {self.home}/queue
data_directory = {self.home}/data
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {DOMAIN}
mydestination = {DOMAIN}
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{self.sink}
disable_dns_lookups = yes
alias_maps =
alias_database =
home_mailbox = Maildir/
biff = no
default_process_limit = 300
maillog_file = {self.home}/data/log
"""
        )
        services = """smtpd inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
        (etc / "master.cf").write_text(services.replace("smtpd inet", f"127.0.0.1:{self.port} inet"))
        for u in self.users:
            pw = pwd.getpwnam(u)
            run("install", "-d", "-o", u, "-g", str(pw.pw_gid), "-m", "755", pw.pw_dir)

    def maildir(self, user):
        d = Path(pwd.getpwnam(user).pw_dir) / "Maildir"
        if not d.exists():
            for sub in ("", "new", "cur", "tmp"):
                run("install", "-d", "-o", user, "-m", "700", d / sub)
        return d

    def start(self):
        run("postfix", "-c", self.home / "etc", "start", stderr=subprocess.DEVNULL)

    def queue_empty(self):
        return not any(
            any(f for _, _, f in os.walk(self.home / "queue" / d) if f)
            for d in ("maildrop", "incoming", "active", "deferred")
        )

    def sendmail(self, user):
        return ["/usr/sbin/sendmail.postfix" if os.path.exists("/usr/sbin/sendmail.postfix") else "/usr/sbin/sendmail",
                "-C", str(self.home / "etc"), user]

    def close(self):
        subprocess.run(["postfix", "-c", self.home / "etc", "abort"], stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        super().close()


class Quoin(System):
    name = "quoin"

    def configure(self):
        self.q = quoin.Quoin(me=DOMAIN, parent=self.home)
        self.q.control("smtproutes", f":127.0.0.1:{self.sink}")
        self.q.control("concurrencyincoming", "200")
        self.q.users(*self.users)

    def maildir(self, user):
        return self.q.accounts[user][2] / "Maildir"

    def start(self):
        self.q.start_queue()
        self.q.start_delivery()
        self.q.start_smtp("-c", "400", "-p", "400", port=self.port, env={"RELAYCLIENT": ""})

    def queue_empty(self):
        return self.q.queue_is_empty()

    def sendmail(self, user):
        return [str(self.q.bin / "sendmail"), f"--home={self.q.home}", user]


SYSTEMS = [Postfix, Quoin]
