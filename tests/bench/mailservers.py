"""What serves mailboxes to readers: Dovecot as Debian ships it, and Quoin.

Both have the same Maildirs on the file system under test, and the same password hash, of the
least cost, so that a login costs what the servers make of it.
"""

import shutil
import socket
import subprocess

import mailboxes
from box import Box
from systems import FIRST_UID, Logged, quoin

import accounts  # noqa: E402, of tests/integration

PASSWORD = "secret"
# name: messages, bytes of each
USERS = {"few": (10, 5000), "thousand": (1000, 5000), "ten": (10_000, 5000), "hundred": (100_000, 500)}
CACHES = ("dovecot*", "quoin-*", ".Copy", ".Moved", "maildirfolder", "subscriptions")


class Reader:
    def __init__(self, home, users):
        self.home = home
        self.users = {u: USERS[u] for u in users}
        self.imap, self.pop3 = quoin.free_port(), quoin.free_port()
        self.configure()
        for u, (count, size) in self.users.items():
            mailboxes.fill(self.home_of(u) / "Maildir", count, size, self.uid(u))
        self.box = Box(self.start)
        quoin.wait_for(lambda: self._greets(self.imap, b"* OK"), 20, f"{self.name} greets")
        quoin.wait_for(lambda: self._greets(self.pop3, b"+OK"), 20, f"{self.name} greets")

    @staticmethod
    def _greets(port, with_what):
        try:
            with socket.create_connection(("127.0.0.1", port), 2) as s:
                return s.recv(4).startswith(with_what[:3])
        except OSError:
            return False

    def uid(self, user):
        return FIRST_UID + list(self.users).index(user)

    def home_of(self, user):
        return self.home / "homes" / user

    def maildir(self, user):
        return self.home_of(user) / "Maildir"

    def forget(self, user):
        """All that the server keeps beside the mail, and the other folders."""
        for pattern in CACHES:
            for p in self.maildir(user).glob(pattern):
                shutil.rmtree(p) if p.is_dir() else p.unlink()

    def close(self):
        self.box.close()


class Dovecot(Reader):
    name = "dovecot"

    def configure(self):
        for u in self.users:
            self.home_of(u).mkdir(mode=0o700, parents=True)
            shutil.chown(self.home_of(u), self.uid(u), self.uid(u))
        where = self.home / "dovecot"
        where.mkdir(mode=0o755)
        lines = [f"{u}:{{ARGON2ID}}{accounts.hashed(PASSWORD)}:{self.uid(u)}:{self.uid(u)}::{self.home_of(u)}::\n" for u in self.users]
        (where / "users").write_text("".join(lines))
        (where / "users").chmod(0o644)
        (where / "conf").write_text(
            f"""base_dir = {where}/run
log_path = {where}/log
ssl = no
protocols = imap pop3
listen = 127.0.0.1
mail_location = maildir:~/Maildir
mail_max_userip_connections = 1000
passdb {{
  driver = passwd-file
  args = {where}/users
}}
userdb {{
  driver = passwd-file
  args = {where}/users
}}
service imap-login {{
  inet_listener imap {{
    port = {self.imap}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {self.pop3}
  }}
}}
"""
        )

    def start(self):
        subprocess.Popen(["dovecot", "-F", "-c", self.home / "dovecot/conf"], start_new_session=True)


class Quoin(Reader):
    name = "quoin"

    def configure(self):
        self.q = (Logged if shutil.which("s6-log") else quoin.Quoin)(parent=self.home)
        self.q.users(*self.users)
        for u in self.users:
            shutil.rmtree(self.maildir(u))
        self.q.passwords({u: PASSWORD for u in self.users})

    def uid(self, user):
        return self.q.accounts[user][0]

    def home_of(self, user):
        return self.q.accounts[user][2]

    def start(self):
        self.q.start_auth("-S", f"imap={self.q.bin}/qimapd", "-S", f"pop3={self.q.bin}/qpop3d")
        for login, port in (("qimapd-login", self.imap), ("qpop3d-login", self.pop3)):
            drop = ("-u", self.q.owner("quoini"))
            many = ("-c", "400", "-p", "400")
            self.q.start("qlisten", *drop, *many, "127.0.0.1", str(port), "--", self.q.bin / login, "-C", self.q.home)


READERS = {"dovecot": Dovecot, "quoin": Quoin}
