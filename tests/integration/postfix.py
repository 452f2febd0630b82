"""A whole Postfix of one's own, as a peer: in a temporary directory, on a free port.

    with Postfix(relayhost=f"[127.0.0.1]:{port}") as p: ... p.port, p.send(...)

Keywords are lines of main.cf. Needs root: Postfix becomes its own users. prefix: words in
front of its commands; smtpd: lines of master.cf instead of the one at p.port, of which one
should greet at port.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from quoin import free_port, wait_for

SERVICES = """pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    def __init__(self, parent="/tmp", prefix=(), smtpd=None, port=None, **main_cf):
        self.prefix = list(prefix)
        self.top = Path(tempfile.mkdtemp(prefix="postfix-", dir=parent))
        self.top.chmod(0o755)
        self.port = port or free_port()
        self.conf, self.queue, data = (self.top / x for x in ("conf", "queue", "data"))
        for d in (self.conf, self.queue, data):
            d.mkdir()
        shutil.chown(data, "postfix")
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": self.queue,
            "data_directory": data,
            "myhostname": "pf.example",
            "mydestination": "",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "disable_dns_lookups": "yes",
            "alias_maps": "",
            "alias_database": "",
            "maillog_file": "/dev/stdout",
            **main_cf,
        }
        (self.conf / "main.cf").write_text("".join(f"{k} = {v}\n" for k, v in settings.items()))
        smtpd = smtpd or f"127.0.0.1:{self.port} inet n - n - - smtpd\n"
        (self.conf / "master.cf").write_text(smtpd + SERVICES)
        self.master = None

    def start(self):
        with open(self.top / "log", "wb") as log:
            self.master = subprocess.Popen(
                [*self.prefix, "postfix", "-c", str(self.conf), "start-fg"],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._greets, 60, f"postfix greets; its log: {self.log()[-300:]}")

    def _greets(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 2) as c:
            return c.recv(3) == b"220"
        return False

    def log(self):
        return (self.top / "log").read_text(errors="replace")

    def sendmail_argv(self, *args):
        return ["/usr/sbin/sendmail", "-C", str(self.conf), *args]

    def queue_is_empty(self):
        return not any(
            files
            for name in ("maildrop", "incoming", "active", "deferred")
            for _, _, files in os.walk(self.queue / name)
        )

    def stop(self):
        subprocess.run([*self.prefix, "postfix", "-c", str(self.conf), "stop"], capture_output=True, check=False)
        try:
            self.master.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.master.pid, signal.SIGKILL)
            self.master.wait()

    def close(self):
        if self.master:
            self.stop()
        shutil.rmtree(self.top, ignore_errors=True)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()
