"""The rows about reading: row(reader, args) measures one server once."""

import os
import socket
import subprocess
import time

from mailservers import PASSWORD
from rows import built

ALL = "(UID FLAGS ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)"
IDLERS = 50


def load(*words):
    return [float(w) for w in subprocess.check_output([built("read_load"), *map(str, words)], timeout=600).split()]


def asked(reader, user, *commands):
    """ms and bytes of each command."""
    found = load("ask", reader.imap, user, PASSWORD, *commands)
    return list(zip(found[::2], found[1::2]))


def with_cpu(reader, count, work):
    before = reader.box.cpu()
    found = work()
    return found, (reader.box.cpu() - before) * 1000 / count


def i1(r, args):
    del args
    found = {}
    for parallel, count in ((1, 200), (10, 500)):
        (rate,), cpu = with_cpu(r, count, lambda n=parallel, c=count: load("sessions", "imap", r.imap, "few", PASSWORD, c, n))
        found |= {f"{parallel} at once /s": rate, f"{parallel} cpu ms": cpu}
    return found


def i2a(r, args):
    del args
    found = {}
    for user in ("ten", "hundred"):
        r.forget(user)
        found[f"first {user} ms"] = asked(r, user, "SELECT INBOX")[0][0]
        found[f"at once {user} ms"] = asked(r, user, "SELECT INBOX")[0][0]
        time.sleep(2.5)  # a directory's time is proof only when it is old enough
        asked(r, user, "SELECT INBOX")
        found[f"again {user} ms"] = min(asked(r, user, "SELECT INBOX")[0][0] for _ in range(3))
    return found


def i2c(r, args):
    del args
    return {"ms": min(asked(r, "ten", "SELECT INBOX", "FETCH 1:* (UID FLAGS)")[1][0] for _ in range(3))}


def i2d(r, args):
    del args
    r.forget("ten")
    first = asked(r, "ten", "SELECT INBOX", f"FETCH 1:* {ALL}")[1][0]
    asked(r, "ten", "SELECT INBOX", f"FETCH 1:* {ALL}")
    later = min(asked(r, "ten", "SELECT INBOX", f"FETCH 1:* {ALL}")[1][0] for _ in range(3))
    return {"first ms": first, "later ms": later}


def i2e(r, args):
    del args
    ask = ["SELECT INBOX", "SEARCH SUBJECT zebra", "SEARCH BODY zebra", "SEARCH TEXT zebra"]
    runs = [asked(r, "ten", *ask) for _ in range(3)]
    return {k: min(run[i][0] for run in runs) for i, k in ((1, "subject ms"), (2, "body ms"), (3, "text ms"))}


def i2f(r, args):
    del args
    (_, sort, sort2, thread, thread2) = (
        t for t, _ in asked(r, "ten", "SELECT INBOX", *["SORT (SUBJECT) UTF-8 ALL"] * 2, *["THREAD REFERENCES UTF-8 ALL"] * 2)
    )
    return {"sort ms": sort, "sort again ms": sort2, "thread ms": thread, "thread again ms": thread2}


def i2g(r, args):
    del args
    runs = [asked(r, "ten", "SELECT INBOX", "FETCH 1:* (BODY.PEEK[])")[1] for _ in range(3)]
    return {"MB/s": max(size / 1e3 / ms for ms, size in runs)}


def i3(r, args):
    del args
    asked(r, "ten", "CREATE Copy", "CREATE Moved")
    flag = "-" if any("F" in n.rpartition(":2,")[2] for n in os.listdir(r.maildir("ten") / "cur")) else "+"
    found = asked(
        r, "ten", "SELECT INBOX", f"STORE 1:* {flag}FLAGS.SILENT (\\Flagged)", "COPY 1:1000 Copy", "SELECT Copy",
        "MOVE 1:1000 Moved", "SELECT Moved", "STORE 1:1000 +FLAGS.SILENT (\\Deleted)", "EXPUNGE", "UNSELECT", "DELETE Copy", "DELETE Moved",
    )  # fmt: skip
    ms = [t for t, _ in found]
    return {"store 10,000 ms": ms[1], "copy 1,000 ms": ms[2], "move 1,000 ms": ms[4], "expunge 1,000 ms": ms[7]}


def i3a(r, args):
    del args
    (seconds,), cpu = with_cpu(r, 1000, lambda: load("append", r.imap, "few", PASSWORD, 1000, 4096))
    drop_new(r)
    return {"1,000 in s": seconds, "cpu ms": cpu}


def drop_new(r):
    """The mailbox `few` as it was."""
    for p in [*(r.maildir("few") / "cur").iterdir(), *(r.maildir("few") / "new").iterdir()]:
        if ".bench,S=" not in p.name:
            p.unlink()


def i4(r, args):
    del args
    median, p99 = load("idle", r.imap, "few", PASSWORD, r.maildir("few"), 20)
    drop_new(r)
    return {"median ms": median, "p99 ms": p99}


def i5(r, args):
    """MB of memory without a connection, and KB for each that idles."""
    del args
    time.sleep(1)
    idle = r.box.pss()
    held = []
    for _ in range(IDLERS):
        s = socket.create_connection(("127.0.0.1", r.imap), 10)
        f = s.makefile("rb")
        f.readline()
        for line in (f"a LOGIN thousand {PASSWORD}", "b SELECT INBOX", "c IDLE"):
            s.sendall(line.encode() + b"\r\n")
            answers = iter(f.readline, b"")
            if not any(a.startswith((line[:2].encode() + b"OK", b"+")) for a in answers):
                raise RuntimeError(f"no answer to {line}")
        held.append(s)
    time.sleep(2)
    found = {"idle MB": idle / 1024, "KB a connection": (r.box.pss() - idle) / IDLERS}
    for s in held:
        s.close()
    return found


def i6(r, args):
    del args
    retr = min(load("retr", r.pop3, "thousand", PASSWORD)[0] for _ in range(3))
    found = {"list, retr of 1,000 s": retr}
    for parallel, count in ((1, 200), (10, 500)):
        (rate,), cpu = with_cpu(r, count, lambda n=parallel, c=count: load("sessions", "pop3", r.pop3, "few", PASSWORD, c, n))
        found |= {f"{parallel} at once /s": rate, f"{parallel} cpu ms": cpu}
    return found


# I5 first, on servers that have done nothing yet.
READ_ROWS = {
    "I5": i5, "I1": i1, "I2a": i2a, "I2c": i2c, "I2d": i2d, "I2e": i2e, "I2f": i2f, "I2g": i2g,
    "I3": i3, "I3a": i3a, "I4": i4, "I6": i6,
}  # fmt: skip
