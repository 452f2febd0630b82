#!/usr/bin/env python3
"""Kills qlocal at each system call of a delivery, repeats the job, and counts copies.

For each call that the jailed half makes, a fresh home: strace kills qlocal as it enters
that call, then the job is repeated undisturbed. There must be exactly one whole copy,
in new/ or, where a reader took the first one, in cur/. Exit 0, 1 at the first fault.

usage: qlocal_kill.py [maildir|mbox|moved ...]    QUOIN_BIN=build/plain/bin
"""
import collections
import pathlib
import re
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from qlocal_driver import Gone, Qlocal, Queued, give, make_home  # noqa: E402

MESSAGE = b"Subject: kill\nReturn-Path: <x>\n\n" + b"line\n" * 20000
WHOLE = b"Return-Path: <a@example.org>\nDelivered-To: user@example.test\n" + MESSAGE.replace(b"Return-Path: <x>\n", b"")


class Trial:
    def __init__(self, top, dot):
        self.home = make_home(top / "home")
        self.msg = Queued(top, MESSAGE)
        if dot:
            (self.home / ".qmail").write_text(dot)
            give(self.home / ".qmail")

    def attempt(self, conf, *strace):
        """The letter, or None if it was killed."""
        q = Qlocal(self.home, conf, before=strace)
        try:
            return q.deliver(self.msg)[0]
        except (Gone, OSError):
            return None
        finally:
            q.sock.close()
            q.proc.communicate(timeout=20)

    def files(self, name):
        d = self.home / "Maildir" / name
        return sorted(d.iterdir()) if d.exists() else []


def calls_of(conf, dot):
    """How often each call is made, by the half that qlspawn started."""
    top = new_dir()
    trace = top / "trace"
    trace.touch()
    give(trace)
    t = Trial(top, dot)
    assert t.attempt(conf, "strace", "-o", str(trace)) == "K"
    names = re.findall(r"^(\w+)\(", trace.read_text(), re.M)
    shutil.rmtree(top)
    return collections.Counter(n for n in names if n not in ("execve", "exit_group"))


def new_dir():
    top = pathlib.Path(tempfile.mkdtemp(prefix="qlocal-kill-", dir="/tmp"))
    top.chmod(0o755)
    return top


def one_maildir(conf, call, n, moved):
    top = new_dir()
    t = Trial(top, None)
    first = t.attempt(conf, "strace", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={n}")
    if moved:
        for p in t.files("new"):
            p.rename(t.home / "Maildir" / "cur" / (p.name + ":2,S"))
    second = t.attempt(conf)
    copies = [p.read_bytes() for p in t.files("new") + t.files("cur")]
    good = second == "K" and copies == [WHOLE]
    if not good:
        print(f"FAULT at {call} {n}: {first} {second}, {len(copies)} copies, {[len(c) for c in copies]} bytes: {top}")
        return None
    shutil.rmtree(top)
    return first is None


def one_mbox(conf, call, n):
    """An mbox knows no repeated job, and what a crash cut off stays: the last entry must be
    whole and its From_ line stand behind a blank line."""
    top = new_dir()
    t = Trial(top, "./mbox\n")
    first = t.attempt(conf, "strace", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={n}")
    second = t.attempt(conf)
    body = (t.home / "mbox").read_bytes()
    last = re.split(rb"(?:\A|\n\n)From a@example\.org [^\n]*\n", body)[-1]
    if second != "K" or last != WHOLE + b"\n":
        print(f"FAULT at {call} {n}: {first} {second}: {top}")
        return None
    shutil.rmtree(top)
    return first is None


def sweep(kind, conf):
    calls = calls_of(conf, "./mbox\n" if kind == "mbox" else None)
    points = [(call, n) for call, count in sorted(calls.items()) for n in range(1, count + 1)]
    killed = 0
    for call, n in points:
        r = one_mbox(conf, call, n) if kind == "mbox" else one_maildir(conf, call, n, kind == "moved")
        if r is None:
            return 1
        killed += r
    print(f"qlocal_kill: {kind}: {len(points)} points, killed before its answer at {killed}, no fault")
    return 0


def main():
    top = new_dir()
    conf = top / "conf"
    (conf / "control").mkdir(parents=True)
    kinds = sys.argv[1:] or ["maildir", "moved", "mbox"]
    code = max(sweep(kind, conf) for kind in kinds)
    shutil.rmtree(top)
    return code


sys.exit(main())
