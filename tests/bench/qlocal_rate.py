#!/usr/bin/env python3
"""Deliveries a second and CPU a message of qlocal's Maildir part alone.

usage: qlocal_rate.py [DIRECTORY [COUNT [CHILDREN]]]    QUOIN_BIN=build/plain/bin
"""
import pathlib
import resource
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from qlocal_driver import Qlocal, Queued, make_home  # noqa: E402

MESSAGE = b"Subject: bench\nFrom: a@example.org\n\n" + b"x" * 70 + b"\n"
MESSAGE += (b"y" * 77 + b"\n") * 51


def main():
    where = sys.argv[1] if len(sys.argv) > 1 else None
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    children = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    top = pathlib.Path(tempfile.mkdtemp(dir=where))
    top.chmod(0o755)
    (top / "conf" / "control").mkdir(parents=True)
    (top / "queue").mkdir()
    queue = [Queued(top / "queue", MESSAGE) for _ in range(count)]
    users = []
    for n in range(children):
        make_home(top / f"u{n}")
        users.append(Qlocal(top / f"u{n}", top / "conf", user=f"u{n}"))
    start = time.monotonic()
    for n, msg in enumerate(queue):
        user = users[n % children]
        if n >= children:
            assert user.recv()[0][0] == "K"
        user.send(msg)
    for user in users:
        assert user.recv()[0][0] == "K"
    wall = time.monotonic() - start
    for user in users:
        assert user.stop() == 0
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    print(f"{count} messages of {len(MESSAGE)} bytes, {children} children: "
          f"{count / wall:.0f}/s, {1000 * cpu / count:.3f} ms CPU a message")
    shutil.rmtree(top)


main()
