"""The rows of the table: row(system, args) measures one system once."""

import os
import signal
import subprocess
import tempfile
import time

import loads
from box import disk_now
from systems import DEFERRED, DOMAIN, LIST, USERS, quoin

SETTLED = 0.02  # CPU seconds in a second: nothing is being done any more


def timed(system, load, count, done, own_cpu=False):
    """Messages a second and CPU milliseconds a message, until all are through. own_cpu: the
    load is made by programs of the system itself, and returns their CPU."""
    system.empty()
    cpu, disk, begin = system.box.cpu(), disk_now(system.home), time.monotonic()
    extra = load()
    quoin.wait_for(done, 120, f"{system.name}: all through")
    elapsed = time.monotonic() - begin
    cpu = system.box.cpu() - cpu + (extra if own_cpu else 0)
    found = {"msg/s": count / elapsed, "cpu ms": cpu * 1000 / count}
    if disk is not None:
        kb, flushes = (b - a for a, b in zip(disk, disk_now(system.home)))
        found |= {"KB written": kb / count, "flushes": flushes / count}
    return found


def through_smtp(system, users, each, domain=DOMAIN, **kw):
    count = len(users) * each
    return timed(
        system,
        lambda: loads.smtp_source(system, users, each, domain, **kw),
        count,
        (lambda: system.delivered(users) >= count) if domain == DOMAIN else system.queue_empty,
    )


def w1(system, args):
    return through_smtp(system, USERS, args.n // len(USERS))


def w2(system, args):
    return through_smtp(system, USERS, args.n // len(USERS), reuse=True)


def w3(system, args):
    return through_smtp(system, USERS, args.n // len(USERS), domain="else.example")


def through_tls(system, args, domain=DOMAIN):
    each = args.n // len(USERS)
    count = each * len(USERS)
    return timed(
        system,
        lambda: loads.tls_load(system, USERS, each, domain, built("tls_load")),
        count,
        (lambda: system.delivered(USERS) >= count) if domain == DOMAIN else system.queue_empty,
    )


def w1t(system, args):
    return through_tls(system, args)


def w3t(system, args):
    return through_tls(system, args, domain="else.example")


def t200(system, args):
    """MB of memory with 200 idle sessions under TLS; KB each, of all processes and of those
    that speak TLS."""
    del args
    idle, idle_tls = system.box.pss(), system.box.pss(only=system.tls_programs)
    held = loads.idle_tls_sessions(system, 200)
    time.sleep(2)
    all_, tls = system.box.pss(), system.box.pss(only=system.tls_programs)
    for s in held:
        s.close()
    return {
        "idle MB": idle / 1024,
        "200 sessions MB": all_ / 1024,
        "KB a session": (all_ - idle) / 200,
        "KB in TLS": (tls - idle_tls) / 200,
    }


def w4(system, args):
    count = min(args.n, 1000)
    return timed(
        system, lambda: loads.sendmail(system, USERS, count), count, lambda: system.delivered(USERS) >= count, own_cpu=True
    )


def w5(system, args):
    users = LIST[: args.n]
    return timed(
        system, lambda: loads.list_message(system, users, DOMAIN), len(users), lambda: system.delivered(users) >= len(users)
    )


def w6(system, args):
    del args
    return through_smtp(system, USERS[:4], 5, size=25 << 20)


def w7(system, args):
    """MB of memory: untouched, then with 200 sessions."""
    del args
    idle = system.box.pss() / 1024
    held = loads.idle_sessions(system, 200)
    found = {"idle MB": idle, "200 sessions MB": system.box.pss() / 1024}
    for s in held:
        s.close()
    return found


def settle(system):
    """Until the system has nothing left to do."""
    cpu = system.box.cpu()
    end = time.monotonic() + 300
    while time.monotonic() < end:
        time.sleep(1)
        before, cpu = cpu, system.box.cpu()
        if cpu - before < SETTLED:
            return
    raise RuntimeError(f"{system.name} does not settle")


def w8(system, args):
    """Messages that stay deferred, what they cost, and W1 beside them."""
    count = 2 * args.n
    alone = w1(system, args)
    settle(system)
    time.sleep(3)  # children that linger after a load
    before, begin = system.box.pss("Pss_Anon"), time.monotonic()
    loads.smtp_source(system, USERS, count // len(USERS), DEFERRED)
    rate = count / (time.monotonic() - begin)
    settle(system)
    time.sleep(3)
    grown = system.box.pss("Pss_Anon") - before
    total = system.box.pss()
    beside = w1(system, args)
    return {
        "deferred/s": rate,
        "MB": total / 1024,
        "bytes a message": grown * 1024 / count,
        "W1 beside msg/s": beside["msg/s"],
        "W1 beside/alone": beside["msg/s"] / alone["msg/s"],
    }


def s1(system, args):
    """What the kernel is asked for per message in W1, by strace over the whole box."""
    count = min(args.n, 400) // len(USERS) * len(USERS)
    system.empty()
    with tempfile.NamedTemporaryFile("r") as table:
        pids = [w for p in system.box.pids()[1:] for w in ("-p", str(p))]
        tracer = subprocess.Popen(["strace", "-f", "-c", "-o", table.name, *pids], stderr=subprocess.DEVNULL)
        quoin.wait_for(system.box.is_traced, 10, "strace attached")
        loads.smtp_source(system, USERS, count // len(USERS), DOMAIN)
        quoin.wait_for(lambda: system.delivered(USERS) >= count, 60, "all through")
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        return per_message(table, count)


def per_message(table, count):
    """The lines of strace -c: % time, seconds, usecs/call, calls, errors or none, name."""
    made = {}
    for line in table:
        fields = line.split()
        if len(fields) in (5, 6) and fields[3].isdigit():
            made[fields[-1]] = int(fields[3])
    total = made.pop("total")
    sums = {
        "syncs": ("fsync", "fdatasync", "sync_file_range", "syncfs"),
        "processes": ("fork", "vfork", "clone", "clone3"),
        "execs": ("execve",),
    }
    return {k: sum(made.get(n, 0) for n in names) / count for k, names in sums.items()} | {"calls": total / count}


# W7 first, on systems that have done nothing yet; W8 last, since it leaves something behind.
ROWS = {"W7": w7, "W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5, "W6": w6, "S1": s1, "W8": w8}
TLS_ROWS = {"T200": t200, "W1T": w1t, "W3T": w3t}  # of systems that were started with TLS
ONCE = ("W7", "S1", "W8", "T200")

# -- rows without a system: the machine's own floor --------------------------------------

# What, the program below tests/, its arguments.
FLOOR = [
    ("create, write 4 KB, sync, rename, sync", "floor", ("20", "5000")),
    ("start and end: static program", "start", ("1000", "start", "nothing")),
]
STARTS = [
    ("dynamic glibc", "start", ("1000", "start_dynamic", "nothing")),
    ("static glibc", "start", ("1000", "start_static", "nothing")),
    ("as Quoin's", "start", ("1000", "start", "nothing")),
    ("in its sandbox", "start", ("1000", "start", "jail")),
]


def built(name):
    path = quoin.BIN.parent / "tests" / name
    if not path.exists():
        raise SystemExit(f"bench: {path}: `make starts` builds it")
    return str(path)


def without_system(lines, rounds, place):
    """Yields what and the figures of a line's program, each a number it prints."""
    for what, prog, words in lines:
        argv = [built(prog), *(built(w) if w.startswith("start") else w for w in words)]
        where = place if prog == "floor" else "/"
        runs = [subprocess.check_output(argv, cwd=where, env=os.environ).split() for _ in range(rounds)]
        yield what, [[float(w) for w in r] for r in runs]
