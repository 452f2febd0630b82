"""A load whose every message is remembered: what was accepted must be found.

Each message carries a tag in its Subject and body. `accepted` holds the tags that got
their yes: a 250 after DATA, an exit 0 of sendmail. Whatever got no yes may be
delivered or not.
"""

import random
import re
import smtplib
import threading

TAG = re.compile(rb"^Subject: (tag-\d+-\d+)$", re.M)


class Load:
    def __init__(self, q, users, smtp_port=None, threads=4, size=2000):
        self.q = q
        self.users = users
        self.port = smtp_port
        self.size = size
        self.accepted = {}  # tag: user
        self.refused = 0  # no yes: an error, a cut connection
        self.stop_now = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._work, args=(n,)) for n in range(threads)]

    def start(self):
        for t in self.threads:
            t.start()

    def stop(self):
        self.stop_now.set()
        for t in self.threads:
            t.join(120)

    def _work(self, n):
        rng = random.Random(n)
        ways = [self._by_smtp, self._by_sendmail] if self.port else [self._by_sendmail]
        count = 0
        while not self.stop_now.is_set():
            tag, user = f"tag-{n}-{count}", rng.choice(self.users)
            count += 1
            try:
                ways[(n + count) % len(ways)](tag, user)
            except (OSError, smtplib.SMTPException, AssertionError):
                with self.lock:
                    self.refused += 1
                self.stop_now.wait(0.02)
            else:
                with self.lock:
                    self.accepted[tag] = user

    def _message(self, tag):
        return f"Subject: {tag}\n\n".encode() + tag.encode() * (self.size // len(tag)) + b"\n"

    def _by_smtp(self, tag, user):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as s:
            s.sendmail("load@client.example", [f"{user}@q.example"], self._message(tag))

    def _by_sendmail(self, tag, user):
        r = self.q.sendmail(user, stdin=self._message(tag), timeout=120)
        assert r.returncode == 0, r.stderr


class Verdict:
    """What the Maildirs hold beside what was accepted."""

    def __init__(self, q, load):
        copies = {}  # tag: [file name]
        self.torn = []
        for user in load.users:
            home = q.accounts[user][2]
            for p in (home / "Maildir/new").iterdir():
                data = p.read_bytes()
                m = TAG.search(data)
                body = data.partition(b"\n\n")[2]
                if not m or body != m[1] * (load.size // len(m[1])) + b"\n":
                    self.torn.append(p)
                else:
                    copies.setdefault(m[1].decode(), []).append((user, p.name))
        self.accepted = len(load.accepted)
        self.refused = load.refused
        self.lost = [t for t, u in load.accepted.items() if (u not in [c[0] for c in copies.get(t, [])])]
        # One file name is one queue id at one recipient: it cannot be there twice. Two
        # names are two queue ids: a client that sent again after a cut connection.
        self.doubled = [t for t, c in copies.items() if len(c) > 1]
        self.unasked = [t for t in copies if t not in load.accepted]

    def __str__(self):
        return (
            f"{self.accepted} accepted, {self.refused} without an answer or refused, {len(self.lost)} lost, "
            f"{len(self.torn)} torn, {len(self.doubled)} sent again by their client, "
            f"{len(self.unasked)} delivered though their yes was cut off"
        )
