#!/usr/bin/python3
"""What a long queue costs qsend: time to ready, memory for each waiting message, time of
`qctl queue stat`, and of a list.

    tests/bench/queue_size.py [-n 100000] [-d DIR] [--links] [--try] [QUOIN_BIN=build/plain/bin]

Makes N queue files with a journal each, as they are after a deferral, born over the last
week, below DIR (default: a new directory in /dev/shm; give one on a journaled image for the
disk's share). --links: 1,000 files with many names each, for a million in little space.
--try: first lets qsend try all of them, and defers each, so that what is measured is how
it keeps what it knows.
"""

import argparse
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from sched import journal, make_id, queue_file  # noqa: E402

BIN = Path(os.environ.get("QUOIN_BIN", HERE.parents[1] / "build/plain/bin")).resolve()
WEEK = 7 * 86400


def make_tree(top):
    for d in ("control", "queue/new", "queue/cur", "queue/state", "queue/bad", "queue/tmp",
              "run/qsend-wake", "run/qsend-ctl", "run/qsend-list"):
        (top / d).mkdir(parents=True)
    (top / "control/me").write_text("q.example\n")


def fill(top, n, links, is_new):
    now = time.time_ns()
    cur, state = str(top / "queue/cur") + "/", str(top / "queue/state") + "/"
    first = []
    for i in range(n):
        ident = make_id(now - random.randrange(WEEK * 10**9))
        if links and i >= 1000:
            os.link(first[i % 1000][0], cur + ident)
            os.link(first[i % 1000][1], state + ident)
            continue
        with open(cur + ident, "wb") as f:
            f.write(queue_file("a@example.org", [f"u{i}@d{i % 5000}.example"]))
        if not is_new:
            with open(state + ident, "wb") as f:
                f.write(journal(ident, []))
        first.append((cur + ident, state + ident))


class Qsend:
    def __init__(self, top):
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in "LRB"]
        life_r, self.life = os.pipe()
        ready_r, ready_w = os.pipe()
        theirs = [p[0].fileno() for p in pairs]
        argv = [BIN / "qsend", "-C", top, "-l", life_r, "-d", ready_w, "-L", theirs[0], "-R", theirs[1], "-B", theirs[2]]
        began = time.monotonic()
        self.log = open(top / "log", "ab")
        self.p = subprocess.Popen([str(a) for a in argv], pass_fds=[life_r, ready_w, *theirs], stderr=self.log)
        self.socks = [p[1] for p in pairs]
        assert os.read(ready_r, 1) == b"\n", (top / "log").read_text()
        self.ready = time.monotonic() - began

    def memory(self):
        with open(f"/proc/{self.p.pid}/smaps_rollup") as f:
            return next(int(x.split()[1]) for x in f if x.startswith("Pss:"))

    def cpu(self):
        with open(f"/proc/{self.p.pid}/stat") as f:
            return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def defer_all(self, n):
        """Answers every job with Z until n recipients were tried."""
        done = 0
        while done < n:
            for s in select.select(self.socks[:2], [], [])[0]:
                frame, fds, _, _ = socket.recv_fds(s, 65536, 1)
                os.close(fds[0])
                s.send(frame[:2] + b"O" + struct.pack(">H", 1) + b"Z451 later\0")
                done += 1

    def stop(self):
        self.p.terminate()
        self.p.wait()
        for s in self.socks:
            s.close()
        os.close(self.life)


def qctl(top, *args):
    began = time.monotonic()
    r = subprocess.run([BIN / "qctl-queue", "-C", top, *args], stdout=subprocess.PIPE, check=False)
    return time.monotonic() - began, r.stdout.count(b"\n")


def settled(q):
    """Memory when it has nothing to do at the moment."""
    last = -1
    while q.cpu() != last:
        last = q.cpu()
        time.sleep(0.5)
    return q.memory()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("-n", type=int, default=100_000)
    ap.add_argument("-d", type=Path)
    ap.add_argument("--links", action="store_true")
    ap.add_argument("--try", dest="first_try", action="store_true")
    ap.add_argument("--list", action="store_true")
    a = ap.parse_args()
    top = Path(tempfile.mkdtemp(prefix="queue_size.", dir=a.d or "/dev/shm"))
    try:
        make_tree(top)
        q = Qsend(top)
        empty = settled(q)
        print(f"empty: ready after {q.ready:.3f} s, {empty} KB PSS")
        q.stop()
        began = time.monotonic()
        fill(top, a.n, a.links, a.first_try)
        print(f"{a.n} messages made in {time.monotonic() - began:.1f} s")
        q = Qsend(top)
        print(f"ready after {q.ready:.2f} s, CPU {q.cpu():.2f} s")
        if a.first_try:
            began = time.monotonic()
            q.defer_all(a.n)
            took = time.monotonic() - began
            print(f"all tried and deferred in {took:.1f} s, {a.n / took:.0f} a second, CPU {q.cpu() / a.n * 1e6:.0f} us each")
        full = settled(q) if a.first_try else q.memory()
        print(f"{full} KB PSS: {(full - empty) * 1024 / a.n:.1f} bytes a message")
        print(f"qctl queue stat: {qctl(top, 'stat')[0] * 1000:.1f} ms")
        if a.list:
            took, lines = qctl(top, "list")
            print(f"qctl queue list: {took:.1f} s, {lines} lines")
        q.stop()
    finally:
        shutil.rmtree(top)


if __name__ == "__main__":
    main()
