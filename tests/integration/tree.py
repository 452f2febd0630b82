"""A private Quoin under s6."""

import os
import re
import signal
import subprocess
from pathlib import Path

from quoin import FIRST_UID, ROOT, Quoin, free_port, wait_for

USERS = ["alice", "bob", "carol", "dave"]
OURS = re.compile(
    r"^(qqueue|qgetpw|qrcpt|qstart|qsend|qbounce|qlspawn|qlocal|qrspawn|qremote|qlisten|qsmtpd"
    r"|qtls-key|qtls|qauth|qcheckpw|qsts|qimapd-login|qimapd|qpop3d-login|qpop3d|s6-log)$"
)
QCTL_S = 150  # qctl itself waits 60 s for a service, and then says for which
REPORTED = 25  # last lines of each log, where a test failed


class Tree:
    """A private Quoin under s6, by the service directories that are installed: SMTP on port,
    submission on submission (STARTTLS) and submissions (TLS)."""

    def __init__(self, reading=None):
        self.q = Quoin()
        self.q.users(*USERS)
        self.port = free_port()
        self.q.control("smtplisten", f"127.0.0.1 {self.port}")
        self.submission, self.submissions = free_port(), free_port()
        self.q.control("submissionlisten", f"127.0.0.1 {self.submission}")
        self.q.control("submissionslisten", f"127.0.0.1 {self.submissions}")
        # Nobody reads mail here but test_login.py's clients.
        for name in ("imaplisten", "imapslisten", "pop3listen", "pop3slisten"):
            self.q.control(name, (reading or {}).get(name, "-"))
        self.q.certificate()
        if ROOT:
            (self.q.home / "uidbase").write_text(f"{FIRST_UID}\n")
        self.qctl("house", "dirs")
        try:
            self.boot()
        except BaseException:
            self.close()
            raise

    def boot(self):
        self.svscan = subprocess.Popen(
            [str(self.q.bin / "qctl"), "-C", str(self.q.home), "boot"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Until then `qctl start` would boot a tree itself.
        tree = self.q.home / "run/service"
        wait_for(lambda: not subprocess.run(["s6-svscanctl", "-a", tree], stderr=subprocess.DEVNULL).returncode)
        self.qctl("start")

    def qctl(self, *args):
        return self.q.run("qctl", *args, check=True, timeout=QCTL_S)

    def pids(self):
        """Our own processes below s6-svscan, as (pid, name)."""
        children, names = {}, {}
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                stat = Path("/proc", name, "stat").read_text(encoding="ascii", errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            pid, rest = int(name), stat.rpartition(")")[2].split()
            names[pid] = stat[stat.index("(") + 1 : stat.rindex(")")]
            children.setdefault(int(rest[1]), []).append(pid)
        found = [self.svscan.pid]
        for pid in found:
            found += children.get(pid, [])
        return [(p, names[p]) for p in found if OURS.match(names.get(p, ""))]

    def report(self):
        """What each service is and has said last, for a test that failed."""
        states = self.q.run("qctl", "stat").stdout.decode()
        log = self.q.home / "log"
        return states + "".join(
            f"--- {p.relative_to(log)}\n" + "".join(p.read_text(errors="replace").splitlines(True)[-REPORTED:])
            for p in [log / "boot", *sorted(log.glob("*/current"))] if p.exists()
        )

    def close(self):
        self.svscan.send_signal(signal.SIGTERM)
        try:
            self.svscan.wait(60)
        finally:
            for pid, _ in self.pids():
                os.kill(pid, signal.SIGKILL)
            self.q.close()
