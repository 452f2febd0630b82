"""The queue's keeper: qctl queue, the door that serves it, and the files it moves."""

import contextlib
import fcntl
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

from quoin import Quoin, wait_for
from sched import Sched, journal, later, make_id, queue_file, yes

pytestmark = pytest.mark.programs("qsend", "qbounce", "qqueue", "qctl-queue")

DAY = 86400


def run(q, *args, user=None, code=0):
    """qctl queue: its standard output."""
    r = q.run("qctl-queue", *args, user=user)
    assert r.returncode == code, (args, r.returncode, r.stdout, r.stderr)
    return (r.stdout if code == 0 else r.stdout + r.stderr).decode()


def aged(seconds):
    return make_id(time.time_ns() - seconds * 10**9)


def logged(s, text, times=1):
    wait_for(lambda: s.log().count(text) >= times, what=f"in qsend's log: {text}")


def waits(s, n):
    """n messages were tried and wait."""
    wait_for(lambda: f"messages {n}, " in run(s.q, "stat") and "running 0" in run(s.q, "stat"))


# ---- which are meant ----------------------------------------------------------------


@pytest.fixture
def five(s):
    """Five messages, all deferred."""
    s.policy = {"local": later, "remote": later}
    s.start()
    s.ids = {
        "old": s.queue("a@one.example", ["bob@q.example"], ident=aged(3 * DAY)),
        "list": s.queue("List@one.example", ["x@far.example", "y@sub.far.example"]),
        "far": s.queue("b@two.example", ["X@FAR.example"]),
        "null": s.queue("", ["bob@q.example"]),
        "sub": s.queue("c@two.example", ["z@sub.far.example"]),
    }
    logged(s, "result=Z", 6)
    return s


@pytest.mark.parametrize("words,found", [
    (["--sender", "A@one.example"], "old"),
    (["--sender", "@ONE.example"], "old list"),
    (["--sender", ""], "null"),
    (["--recipient", "x@far.example"], "list far"),
    (["--recipient", "@q.example"], "old null"),
    (["--domain", "far.example"], "list far"),
    (["--domain", ".far.example"], "list sub"),
    (["--older", "2d"], "old"),
    (["--younger", "90m"], "list far null sub"),
    (["--older", "2d", "--sender", "@two.example"], ""),
    (["--held"], ""),
    (["--all"], "old list far null sub"),
])
def test_filters(five, words, found):
    out = run(five.q, "list", "-q", *words).split()
    assert sorted(out) == sorted(five.ids[n] for n in found.split())


@pytest.mark.parametrize("words,says", [
    (["delete"], "which messages"),
    (["hold"], "which messages"),
    (["hold", "--older", "3y"], "no age"),
    (["hold", "--older", "0"], "no age"),
    (["hold", "--older", "99999999999999999999d"], "no age"),
    (["delete", "../../etc"], "not a queue id"),
    (["show"], "usage"),
    (["move", "--all"], "usage"),
    (["dance"], "usage"),
    (["pause", "all"], "usage"),
    # options that the verb does not have: a repair -n would mend
    (["repair", "-n"], "usage"),
    (["check", "--held"], "usage"),
    (["take", "--sender", "a@example.org", "/nonexistent"], "usage"),
    (["take", "--json", "/nonexistent"], "usage"),
    (["list", "-n"], "usage"),
    (["hold", "--json", "--all"], "usage"),
    (["show", "--all"], "usage"),
    (["stat", "-q"], "usage"),
])
def test_wrong_words(s, words, says):
    assert says in run(s.q, *words, code=100)


def test_dry_run_changes_nothing(five):
    out = run(five.q, "delete", "--dry-run", "--all")
    assert out.count("would be deleted") == 5
    assert len(run(five.q, "list", "-q").split()) == 5


# ---- hold, release, retry, delete -------------------------------------------------------


def test_hold_and_release(five):
    s = five
    s.local.policy = s.remote.policy = yes
    assert run(s.q, "hold", "--domain", "q.example").count(" held\n") == 2
    logged(s, "qsend: hold id=", 2)
    run(s.q, "retry")
    wait_for(lambda: len(s.q.queue_ids("cur")) == 2)
    assert "is held" in run(s.q, "retry", s.ids["old"], code=1)
    assert run(s.q, "list", "--held").count("  held\n") == 2
    assert " held 2," in run(s.q, "stat")
    # over a restart as well
    s.kill()
    s.policy = {"local": yes, "remote": yes}
    s.start()
    s.send(signal.SIGALRM)
    wait_for(lambda: " held 2," in run(s.q, "stat"))
    assert s.tried("bob@q.example") == 2
    assert run(s.q, "release", "-q", "--all") == "2 messages\n"
    s.wait_empty()
    by = f"release id={s.ids['old']} by={os.getuid()}"
    assert by in s.log()


def test_retry_all_of_a_sender(five):
    s = five
    before = len(s.jobs)
    run(s.q, "retry", "--all", "--sender", "c@two.example")
    logged(s, "result=Z", 7)
    assert [j.sender for _, j in s.jobs[before:]] == ["c@two.example"]


def test_delete(five):
    s = five
    out = run(s.q, "delete", s.ids["old"], s.ids["far"])
    assert out == "".join(f"{s.ids[n]} deleted\n" for n in ("old", "far"))
    assert len(s.q.queue_ids("cur")) == 3
    wait_for(lambda: len(s.q.queue_ids("state")) == 3)
    assert f"delete id={s.ids['old']} by={os.getuid()}" in s.log()
    assert "is not in the queue" in run(s.q, "delete", s.ids["old"], code=1)
    assert run(s.q, "delete", "--older", "2d") == "No message fits.\n"
    assert run(s.q, "delete", "-q", "--all") == "3 messages\n"
    s.wait_empty()
    assert run(s.q, "list") == "The queue is empty.\n"
    assert "removed by hand 5" in run(s.q, "stat")


def test_delete_while_a_delivery_runs(s):
    s.policy["remote"] = lambda job, rcpt: None
    s.policy["local"] = later
    s.start()
    ident = s.queue("a@example.org", ["x@far.example", "bob@q.example"])
    wait_for(lambda: s.remote.held and "result=Z" in s.log())
    assert "when the one under way has ended" in run(s.q, "delete", ident)
    assert ident in s.q.queue_ids("cur")
    s.remote.release("Z", "451 later")
    s.wait_empty()
    assert f"delete id={ident}" in s.log() and f"end id={ident}" not in s.log()


def test_hold_while_a_delivery_runs(s):
    s.policy["remote"] = lambda job, rcpt: None
    s.start()
    ident = s.queue("a@example.org", ["x@far.example", "y@other.example"])
    wait_for(lambda: len(s.remote.held) == 2)
    assert "still under way" in run(s.q, "hold", ident)
    s.remote.release("Z", "451 later")
    wait_for(lambda: "running 0 of 20" in run(s.q, "stat"))
    run(s.q, "retry")
    assert "  held\n" in run(s.q, "list", ident)
    s.remote.policy = yes
    run(s.q, "release", ident)
    s.wait_empty()


@pytest.mark.parametrize("verb", ["hold", "delete", "move"])
def test_of_what_is_in_memory_and_not_under_way(s, drop, verb):
    """Loaded, and waiting for its turn: behind a pause, and behind a destination that is busy."""
    s.q.control("destconcurrency", "busy.example:1")
    s.policy["remote"] = lambda job, rcpt: None
    s.start()
    run(s.q, "pause", "local")
    first = s.queue("a@example.org", ["w@busy.example"])
    wait_for(lambda: s.remote.held)
    ids = [s.queue("a@example.org", [f"x{n}@busy.example", f"bob{n}@q.example"]) for n in range(10)]
    ids += [s.queue("a@example.org", [f"y{n}@busy.example"]) for n in range(10)]
    wait_for(lambda: "messages 21," in run(s.q, "stat"))
    where = ("to", str(drop)) if verb == "move" else ()
    run(s.q, verb, "-q", *ids, *where)
    s.remote.policy = yes
    s.remote.release()
    run(s.q, "cont", "local")
    run(s.q, "retry")
    wait_for(lambda: first not in s.q.queue_ids("cur"))
    last = s.queue("a@example.org", ["z@busy.example", "bob@q.example"])
    wait_for(lambda: last not in s.q.queue_ids("cur") and s.tried("bob@q.example"))
    assert {r for _, j in s.jobs for r in j.rcpts} == {"w@busy.example", "z@busy.example", "bob@q.example"}
    if verb == "hold":
        assert run(s.q, "release", "-q", "--held") == "20 messages\n"
        s.wait_empty()
        assert len(s.jobs) == 3 + 30
    else:
        s.wait_empty()
        assert len(list(drop.iterdir())) == (40 if verb == "move" else 0)


def test_more_than_a_frame(s):
    """More ids than a request has; a batch is one pass over what waits."""
    s.policy["local"] = later
    for _ in range(900):
        ident = s.put(queue_file("a@example.org", ["bob@q.example"]), where="cur")
        s.put_state(ident, journal(ident, [b"Z\0\0\0\0later\0"]))
    s.start()
    began = time.monotonic()
    assert run(s.q, "hold", "-q", "--all") == "900 messages\n"
    assert run(s.q, "delete", "-q", "--held") == "900 messages\n"
    print(f"1800 in {time.monotonic() - began:.2f} s")
    s.wait_empty()


@pytest.mark.tools("strace")
def test_a_hold_is_durable(s):
    """The journal and its name are synced, by a thread."""
    s.policy["local"] = later
    trace = s.q.home / "trace"
    trace.touch()
    trace.chmod(0o666)
    s.start(wrap=["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(trace)])
    s.q.control("concurrencylocal", "0")
    s.send(signal.SIGHUP)
    ident = s.queue("a@example.org", ["bob@q.example"])
    wait_for(lambda: "messages 1, " in run(s.q, "stat"))
    run(s.q, "hold", ident)

    # nothing else is synced here
    wait_for(lambda: re.search(r"fdatasync\(\d+\) += 0\n.* fsync\(\d+\) += 0", trace.read_text()))


def test_pause_lasts(s):
    s.start()
    run(s.q, "pause", "remote")
    wait_for(lambda: "remote" in (s.q.queue / "lock").read_text())
    s.kill()
    s.start()
    s.queue("a@example.org", ["x@far.example", "bob@q.example"])
    wait_for(lambda: s.tried("bob@q.example"))
    assert "paused" in run(s.q, "stat") and not s.tried("x@far.example")
    run(s.q, "cont", "remote")
    s.wait_empty()


# ---- who may ------------------------------------------------------------------------------


@pytest.mark.root("to be two users")
def test_a_user_sees_his_own_and_changes_nothing(s):
    s.policy["local"] = later
    s.start()
    mine = s.queue("a@example.org", ["bob@q.example"], uid=61500)
    other = s.queue("a@example.org", ["bob@q.example"], uid=61501)
    logged(s, "result=Z", 2)
    for command in ("qctl-queue", "mailq"):
        words = ("list",) if command == "qctl-queue" else ()
        out = s.q.run(command, *words, user=61500).stdout.decode()
        assert mine in out and other not in out and "1 message in the queue" in out
        assert other in s.q.run(command, *words).stdout.decode()
    assert mine in run(s.q, "show", mine, user=61500)
    assert "is not in the queue" in run(s.q, "show", other, user=61500, code=1)
    for verb in ("hold", "release", "retry", "delete"):
        assert "ermission denied" in run(s.q, verb, mine, user=61500, code=111)
    assert "" != run(s.q, "move", mine, "to", "/tmp", user=61500, code=100)
    for ask in (b"h", b"u", b"r", b"d", b"m", b"t"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as c:
            c.connect(str(s.q.home / "run/qsend-list/sock"))
            c.send(ask + mine.encode() + b"\0")
            assert c.recv(1000).startswith(b"Zpermission denied")


def test_several_requests_a_connection(five):
    s = five
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as c:
        c.connect(str(s.q.home / "run/qsend-ctl/sock"))
        # what was released is tried at once: W, it goes when its delivery has reported
        for ask, wanted in ((b"h", "K"), (b"r", "H"), (b"u", "K"), (b"d", "KW"), (b"d", "NW")):
            c.send(ask + s.ids["old"].encode() + b"\0" + make_id().encode() + b"\0")
            assert c.recv(1000) in [b"A%cN\0" % ord(letter) for letter in wanted]
        c.send(b"d" + b"../../../etc/pass\0")
        assert c.recv(1000) == b""
    assert s.qsend.poll() is None


def test_nonsense_at_the_door(s):
    """qsend goes on, and answers others meanwhile."""
    s.start()
    rng = random.Random(1)
    ident = make_id().encode() + b"\0"
    frames = [b"", b"l" * 2, b"h", b"p", b"p\2", b"r" + ident[:-1], b"d" + ident + b"x", b"t" + ident * 1001,
              b"h" + ident[:-1] + b"x", b"l" + b"x" * 60000, b"\xff" * 61440]
    frames += [bytes(rng.choices(b"lsprhudmtc\0\1A", k=rng.randrange(1, 60))) for _ in range(100)]
    frames += [rng.randbytes(rng.randrange(1, 4000)) for _ in range(100)]
    for door in ("qsend-ctl", "qsend-list"):
        for frame in frames:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as c:
                c.settimeout(5)
                c.connect(str(s.q.home / "run" / door / "sock"))
                with contextlib.suppress(OSError):  # dropped before we spoke
                    c.send(frame)
                    c.shutdown(socket.SHUT_WR)
                    c.recv(61440)
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            c = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            c.connect(str(s.q.home / "run/qsend-list/sock"))
        s.queue("a@example.org", ["bob@q.example"])
        s.wait_empty()
    run(s.q, "stat")
    assert s.qsend.poll() is None


# ---- show, stat ---------------------------------------------------------------------------


def test_show(s):
    s.policy["remote"] = lambda job, rcpt: ("Z", "451 \x1b[31mred") if rcpt.startswith("x") else ("K", "250 fine")
    s.start()
    message = b"Subject: \x1b]0;evil\x07 caf\xc3\xa9\nFrom: a@example.org\n\nsecret body\n"
    ident = s.queue("a\\b@example.org", ["x@far.example", "y@far.example"], message, uid=1234)
    logged(s, "result=Z")
    wait_for(lambda: ("A", 1) in [r[:2] for r in s.records(ident)])
    run(s.q, "hold", ident)
    out = run(s.q, "show", ident)
    for text in (f"queue/cur/{ident}", "a\\x5cb@example.org", "uid        1234", "held", "recipient 1 delivered",
                 "an attempt ended (remote)", "Subject: \\x1b]0;evil\\x07 caf\\xc3\\xa9", "held by the keeper",
                 "451"):
        assert text in out, text
    assert "\x1b" not in out and "secret" not in out
    assert "is not in the queue" in run(s.q, "show", make_id(), code=1)


def test_a_queue_that_stands_still_is_told(s):
    s.start()
    assert "moves:" in run(s.q, "stat")
    s.policy["remote"] = lambda job, rcpt: None
    # what waits behind a paused channel does not stand still
    s.q.control("concurrencyremote", "0")
    os.kill(s.qsend.pid, signal.SIGHUP)
    s.queue("a@example.org", ["x@far.example"])
    wait_for(lambda: "messages 1, " in run(s.q, "stat"))
    assert "moves: for 0 s" in run(s.q, "stat")
    s.kill()
    assert "qsend is not running" in run(s.q, "stat", code=111)


@pytest.mark.parametrize("stalled,code", [(899, 0), (900, 1)])
def test_stalled_from(quoin, stalled, code):
    """The answer of a qsend of the test's own."""
    path = str(quoin.home / "run/qsend-ctl/sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()

        def answer():
            c, _ = listener.accept()
            assert c.recv(100) == b"s"
            c.send(b"S" + struct.pack(">QQQIIIQQQ", 1, 2, 0, 0, 0, 0, 1, 2000, stalled) + 7 * bytes(8)
                   + 2 * struct.pack(">IIQBQQQ", 0, 1, 1, 0, 0, 0, 0))
            c.close()

        t = threading.Thread(target=answer)
        t.start()
        out = run(quoin, "stat", code=code)
        t.join()
    assert f"{stalled} s" in out and "stalled from 900 s" in out and ("STALLED" in out) == bool(code)


def test_a_door_that_does_not_answer(s):
    s.start()
    os.kill(s.qsend.pid, signal.SIGSTOP)
    try:
        p = subprocess.Popen([s.q.bin / "qctl-queue", "-C", s.q.home, "stat"], stderr=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            p.wait(0.5)
        p.kill()
        p.communicate()
    finally:
        os.kill(s.qsend.pid, signal.SIGCONT)


# ---- move and take ------------------------------------------------------------------------


@pytest.fixture
def other():
    """A second host."""
    q = Quoin(me="other.example")
    q.control("locals", ["other.example", "q.example"])
    s = Sched(q)
    yield s
    if s.procs:
        s.kill(signal.SIGKILL)
    q.close()


@pytest.fixture
def drop(quoin):
    d = quoin.home / "drop"
    d.mkdir()
    return d


def counted(policy, seen):
    def f(job, rcpt):
        letter, text = policy(job, rcpt)
        if letter == "K":
            seen.append((job.id, rcpt))
        return letter, text

    return f


def partly(job, rcpt):
    return yes(job, rcpt) if rcpt.startswith("first") else later(job, rcpt)


def test_half_of_a_queue_moves(s, other, drop):
    """With partial deliveries; each recipient gets each message once."""
    seen = []
    s.policy = {"local": counted(partly, seen), "remote": counted(partly, seen)}
    s.start()
    ids = [s.queue("a@example.org", ["first@q.example", "second@q.example", "third@far.example"]) for _ in range(40)]
    held = ids[0]
    logged(s, "result=Z", 80)
    run(s.q, "hold", held)
    moved = ids[:20]
    assert run(s.q, "move", "-q", *moved, "to", str(drop)) == "20 messages moved\n"
    assert sorted(p.name for p in drop.iterdir()) == sorted(moved + [f"{i}.state" for i in moved])
    assert not set(moved) & set(s.q.queue_ids("cur"))
    assert s.log().count("qsend: move id=") == 20
    other.policy = {"local": counted(yes, seen), "remote": counted(yes, seen)}
    other.start()
    assert run(other.q, "take", str(drop)).count(" taken\n") == 20
    assert list(drop.iterdir()) == []
    wait_for(lambda: other.q.queue_ids("cur") == [held])
    assert "  held" in run(other.q, "list")
    run(other.q, "release", held)
    other.wait_empty()
    s.local.policy = s.remote.policy = counted(yes, seen)
    run(s.q, "retry")
    s.wait_empty()
    assert sorted(seen) == sorted((i, r) for i in ids for r in ("first@q.example", "second@q.example", "third@far.example"))


def test_move_and_take_while_stopped(s, other, drop):
    """A dead host's queue, whole or by files; what lies in new/ goes too."""
    fresh = s.put(queue_file("a@example.org", ["bob@q.example"]))
    tried = s.put(queue_file("a@example.org", ["bob@q.example", "carl@q.example"]), where="cur")
    s.put_state(tried, journal(tried, [b"K\0\0\0\0"]))
    assert run(s.q, "move", "--all", "to", str(drop)).count("moved\n") == 2
    assert s.q.queue_is_empty() and s.q.queue_ids("state") == []
    assert run(other.q, "take", "-q", str(drop)) == "2 messages taken\n"
    assert other.q.queue_ids("cur") == sorted([fresh, tried])
    run(other.q, "check")
    # and back, from the queue directory itself
    (other.q.queue / "cur" / fresh).rename(other.q.queue / "new" / fresh)
    s.start()
    assert run(s.q, "take", str(other.q.queue)).count(" taken\n") == 2
    s.wait_empty()
    assert (s.tried("bob@q.example"), s.tried("carl@q.example")) == (1, 1)
    assert other.q.queue_is_empty()


def test_a_queue_in_use_is_not_taken(s, other):
    other.start()
    assert "works with" in run(s.q, "take", str(other.q.queue), code=111)


def test_move_refuses_what_is_damaged_or_busy(s, drop):
    s.policy["remote"] = lambda job, rcpt: None
    s.policy["local"] = later
    s.start()
    good = s.queue("a@example.org", ["bob@q.example"])
    bad = s.queue("a@example.org", ["bob@q.example"])
    logged(s, "result=Z", 2)
    with open(s.q.queue / "cur" / bad, "r+b") as f:
        f.seek(-2, 2)
        f.write(b"X")
    out = run(s.q, "move", good, bad, make_id(), "to", str(drop), code=1)
    assert f"{bad} stays here: it is damaged" in out and "is not in the queue" in out
    assert f"{good} moved" in out
    assert {p.name for p in drop.iterdir()} == {good, f"{good}.state"}
    assert run(s.q, "list", "--held") == "No message fits.\n"


@pytest.mark.parametrize("where", ["cur", "new", "state", "tmp", "."])
def test_the_queue_itself_is_no_target(s, where):
    """Not even through a link: what is cleared there would be its only copy."""
    data = queue_file("a@example.org", ["bob@q.example"])
    files = [s.q.queue / d / s.put(data, where=d) for d in ("cur", "new")]
    link = s.q.home / "link"
    link.symlink_to(s.q.queue / where)
    for path in (str(s.q.queue / where), str(link)):
        run(s.q, "move", "--all", "to", path, code=100)
        run(s.q, "take", path, code=100 if where != "." else 111)
    assert [f.read_bytes() for f in files] == [data, data]


def test_take_of_hostile_files(s, drop):
    """Links, a FIFO, a directory, torn and long ones stay where they are."""
    good = queue_file("a@example.org", ["bob@q.example"])
    elsewhere = s.q.home / "elsewhere"
    elsewhere.write_bytes(good)
    ids = [make_id() for _ in range(8)]
    (drop / ids[0]).symlink_to(elsewhere)
    os.mkfifo(drop / ids[1])
    (drop / ids[2]).mkdir()
    (drop / ids[3]).write_bytes(good[:-1])
    (drop / ids[4]).write_bytes(good + b"x")
    (drop / ids[5]).write_bytes(good)
    (drop / f"{ids[5]}.state").symlink_to(elsewhere)
    (drop / ids[6]).write_bytes(good)
    os.mkfifo(drop / f"{ids[6]}.state")
    (drop / ids[7]).write_bytes(good)
    (drop / "some-projects-id2.state").write_bytes(b"not ours")
    before = sorted(p.name for p in drop.iterdir() if not p.name.startswith(ids[7]))
    out = run(s.q, "take", str(drop), code=1)
    assert out.count(" stays where it is: ") == 7 and f"{ids[7]} taken" in out
    assert sorted(p.name for p in drop.iterdir()) == before
    assert [p.name for p in (s.q.queue / "cur").iterdir()] == [ids[7]] and elsewhere.read_bytes() == good


def test_take_beside_a_damaged_copy(s, drop):
    """The good one is not thrown away for it."""
    i = s.put(queue_file("a@example.org", ["bob@q.example"]), where="cur")
    good = (s.q.queue / "cur" / i).read_bytes()
    (drop / i).write_bytes(good)
    damage_message(s, i)
    assert "damaged" in run(s.q, "take", str(drop), code=1)
    assert (drop / i).read_bytes() == good


def test_move_with_names_in_the_way(s, drop):
    ids = [s.put(queue_file("a@example.org", ["bob@q.example"]), where="cur") for _ in range(2)]
    (drop / f"{ids[0]}.part").mkdir()
    target = s.q.home / "target"
    (drop / f"{ids[1]}.hold").symlink_to(target)
    run(s.q, "move", ids[0], "to", str(drop), code=1)
    assert s.q.queue_ids("cur") == sorted(ids)
    run(s.q, "move", ids[1], "to", str(drop))
    assert s.q.queue_ids("cur") == [ids[0]] and not target.exists()


@pytest.mark.tools("strace")
@pytest.mark.parametrize("running", [False, True])
def test_move_and_take_killed_at_each_step(s, other, drop, running):
    """Killed at any call that changes a file, and given again, each leaves every message
    in one place, and no delivery is repeated."""
    seen = []
    for one in (s, other):
        one.policy["local"] = counted(partly, seen)
    ident = s.put(queue_file("a@example.org", ["first@q.example", "second@q.example"]), where="cur")
    s.put_state(ident, journal(ident, [b"K\0\0\0\0"]))
    here, there = s, other
    calls = "openat,write,pwrite64,fsync,rename,renameat,renameat2,unlinkat,unlink,fchown,fchmod,ftruncate"
    points = 0
    if running:
        for one in (s, other):
            one.policy["local"] = later
            one.start()
        wait_for(lambda: s.tried("second@q.example") or "result=Z" in s.log() or run(s.q, "retry") == "")
    for verb in ("move", "take"):
        q = (here if verb == "move" else there).q
        words = ["move", ident, "to", str(drop)] if verb == "move" else ["take", str(drop)]
        k = 0
        while True:
            k += 1
            r = subprocess.run(
                ["strace", "-qq", "-f", "-o", "/dev/null", f"-einject={calls}:signal=KILL:when={k}",
                 q.bin / "qctl-queue", "-C", q.home, *words],
                capture_output=True, timeout=60)
            if r.returncode == 0:
                break
            assert r.returncode in (-9, 137), (words, k, r)
            points += 1
            places = [ident in here.q.queue_ids("cur"), (drop / ident).exists()]
            assert sum(places) <= 1 or verb == "take", (words, k)
            if verb == "take" and ident in there.q.queue_ids("cur") and (drop / ident).exists() and running:
                assert "  held" in run(there.q, "list", ident) or "queue is empty" in run(there.q, "list")
        if verb == "move":
            assert (drop / ident).exists() and ident not in here.q.queue_ids("cur")
    print(f"{points} points")
    assert list(drop.iterdir()) == []
    assert there.q.queue_ids("cur") == [ident]
    if running:
        there.local.policy = counted(yes, seen)
        run(there.q, "retry", ident)
    else:
        there.policy["local"] = counted(yes, seen)
        there.start()
        there.send(signal.SIGALRM)
    there.wait_empty()
    assert seen == [(ident, "second@q.example")]


def test_a_killed_move_that_qsend_has_not_heard_yet(s, drop):
    """Its last request is in qsend's socket when the next move looks at what it left."""
    s.policy["local"] = later
    s.start()
    i = s.queue("a@example.org", ["bob@q.example"])
    waits(s, 1)
    run(s.q, "hold", i)
    good = (s.q.queue / "cur" / i).read_bytes()
    (drop / f"{i}.part").write_bytes(good)
    (drop / f"{i}.state").write_bytes((s.q.queue / "state" / i).read_bytes())
    (drop / f"{i}.hold").touch()
    s.send(signal.SIGSTOP)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as killed:
            killed.connect(str(s.q.home / "run/qsend-ctl/sock"))
            killed.send(b"m" + i.encode() + b"\0")
        move = subprocess.Popen([s.q.bin / "qctl-queue", "-C", s.q.home, "move", i, "to", str(drop)],
                                stdout=subprocess.DEVNULL)
        wait_for(lambda: has_socket(move.pid), what="it asks qsend")
    finally:
        s.send(signal.SIGCONT)
    assert move.wait(30) == 0
    assert sorted(p.name for p in drop.iterdir()) == [i, f"{i}.state"]
    assert (drop / i).read_bytes() == good and s.q.queue_ids("cur") == []


def has_socket(pid):
    with contextlib.suppress(FileNotFoundError):
        return any(os.readlink(f).startswith("socket:") for f in Path(f"/proc/{pid}/fd").iterdir())


def test_one_move_at_a_time_in_a_directory(s, drop):
    i = s.put(queue_file("a@example.org", ["bob@q.example"]), where="cur")
    fd = os.open(drop, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    (drop / f"{i}.part").write_bytes(b"half")
    assert "another move works in" in run(s.q, "move", i, "to", str(drop), code=111)
    assert [p.name for p in drop.iterdir()] == [f"{i}.part"] and s.q.queue_ids("cur") == [i]
    os.close(fd)
    run(s.q, "move", i, "to", str(drop))
    assert [p.name for p in drop.iterdir()] == [i] and s.q.queue_ids("cur") == []


@pytest.mark.parametrize("rounds", [4, pytest.param(40, marks=pytest.mark.long)])
def test_moved_back_and_forth_by_a_tool_that_is_killed(s, other, drop, rounds):
    """Two queues, tools that die at any time, one qsend that is started anew: nobody gets a
    message twice, and everybody once."""
    random.seed(1)
    seen = []
    ids = []
    for one in (s, other):
        one.policy = {"local": counted(partly, seen), "remote": counted(partly, seen)}
        one.start()
    hosts = [s, other]
    rcpts = ["first@q.example", "second@q.example", "third@far.example"]

    def killed_once(q, *words):
        p = subprocess.Popen([q.bin / "qctl-queue", "-C", q.home, *words], stdout=subprocess.DEVNULL)
        try:
            p.wait(random.uniform(0, 0.06))
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()

    for n in range(rounds):
        here, there = hosts if n % 2 == 0 else reversed(hosts)
        ids += [here.queue("a@example.org", rcpts) for _ in range(5)]
        wait_for(lambda: len(seen) == len(ids))
        wait_for(lambda: run(here.q, "stat").count("running 0 of") == 2)
        some = [i for i in here.q.queue_ids("cur") if random.random() < 0.7] or ids[-1:]
        for _ in range(2):
            killed_once(here.q, "move", *some, "to", str(drop))
        assert not set(here.q.queue_ids("cur")) & {p.name for p in drop.iterdir()}
        run(here.q, "move", *some, "to", str(drop))
        for _ in range(2):
            killed_once(there.q, "take", str(drop))
            if random.random() < 0.3:
                there.kill()
                there.start()
        run(there.q, "take", str(drop))
        assert list(drop.iterdir()) == []
        assert run(there.q, "check") == run(here.q, "check") == ""
        assert "  held" not in run(there.q, "list") + run(here.q, "list")
        assert not set(here.q.queue_ids("cur")) & set(there.q.queue_ids("cur"))
    for one in hosts:
        one.local.policy = one.remote.policy = counted(yes, seen)
        run(one.q, "retry")
        one.wait_empty(60)
    assert sorted(seen) == sorted((i, r) for i in ids for r in rcpts)


@pytest.fixture
def house(quoin):
    """All of Quoin."""
    return open_house(quoin)


def open_house(q):
    q.control("locals", ["q.example"])
    q.control("rcpthosts", ["q.example"])
    q.users("alice", "bob")
    q.start_queue()
    q.start_delivery()
    return q


@pytest.mark.programs("qstart", "qlspawn", "qlocal", "qgetpw", "sendmail")
def test_two_hosts(house, other, drop):
    """Real deliveries: what alice has, she gets from neither host again."""
    house.write_home("bob", ".qmail", "|exit 111\n./Maildir/\n")
    subjects = [f"message {n}" for n in range(12)]
    for subject in subjects:
        house.sendmail("-f", "a@example.org", "alice@q.example", "bob@q.example",
                       stdin=f"Subject: {subject}\n\nbody\n".encode(), check=True)
    wait_for(lambda: len(house.maildir("alice")) == 12 and house.log("qstart").count("result=Z") >= 12)
    ids = run(house, "list", "-q").split()
    assert len(ids) == 12
    run(house, "move", *ids[::2], "to", str(drop))
    there = open_house(other.q)
    out = run(there, "take", str(drop))
    assert out.count(" taken\n") == 6
    wait_for(there.queue_is_empty)
    house.write_home("bob", ".qmail", "./Maildir/\n")
    run(house, "retry")
    wait_for(house.queue_is_empty)
    assert there.maildir("alice") == []
    got = [re.search(rb"Subject: (.*)", m)[1].decode() for q in (house, there) for m in q.maildir("bob")]
    assert sorted(got) == sorted(subjects) and len(there.maildir("bob")) == 6


# ---- check and repair ---------------------------------------------------------------------


def damage_head(s, i):
    with open(s.q.queue / "cur" / i, "r+b") as f:
        f.seek(60)
        f.write(b"\xff")


def link_for_message(s, i):
    p = s.q.queue / "cur" / i
    p.rename(s.q.home / "moved")
    p.symlink_to(s.q.home / "moved")


def link_for_journal(s, i):
    p = s.q.queue / "state" / i
    p.unlink()
    p.symlink_to("/etc/passwd")


def dir_for_journal(s, i):
    p = s.q.queue / "state" / i
    p.unlink()
    p.mkdir()


def damage_message(s, i):
    with open(s.q.queue / "cur" / i, "r+b") as f:
        f.seek(-3, 2)
        f.write(b"\xff")


def tear_journal(s, i):
    with open(s.q.queue / "state" / i, "ab") as f:
        f.write(b"\0\x05torn")


def orphan(s, i):
    s.put_state(make_id(), journal(i, []))


def wrong_mode(s, i):
    (s.q.queue / "cur" / i).chmod(0o666)


def wrong_dir(s, i):
    (s.q.queue / "bad").chmod(0o755)


def old_tmp(s, i):
    p = s.q.queue / "tmp" / make_id()
    p.write_bytes(b"")
    os.utime(p, (time.time() - 2 * DAY,) * 2)


def foreign(s, i):
    (s.q.queue / "cur" / "core").write_bytes(b"")


def cut_take(s, i):
    p = s.q.queue / "cur" / f".{make_id()}"
    p.write_bytes(b"")
    os.utime(p, (time.time() - 2 * DAY,) * 2)


@pytest.mark.parametrize("fault,says", [
    (damage_head, "head or envelope is damaged"),
    (damage_message, "its message is damaged"),
    (link_for_message, "head or envelope is damaged"),
    (link_for_journal, "cannot be read"),
    (dir_for_journal, "cannot be read"),
    (tear_journal, "torn"),
    (orphan, "without a message"),
    (wrong_mode, "mode 0666"),
    (wrong_dir, "has mode 0755"),
    (old_tmp, "older than a day"),
    (foreign, "not an id"),
    (cut_take, "cut short"),
])
def test_check_and_repair(s, fault, says):
    i = s.put(queue_file("a@example.org", ["bob@q.example", "carl@q.example"]), where="cur")
    s.put_state(i, journal(i, [b"K\0\0\0\0"]))
    assert run(s.q, "check") == ""
    fault(s, i)
    out = run(s.q, "check", code=1)
    assert says in out and out.count("! ") == 1 and "...try: qctl queue repair" in out.replace("...try: chmod", "...try: qctl queue repair")
    found = json.loads(s.q.run("qctl-queue", "check", "--json").stdout)
    assert len(found) == 1 and says in found[0]["text"] and found[0]["level"] == "problem"
    aside = fault in (damage_head, damage_message, link_for_message, link_for_journal, dir_for_journal, foreign)
    assert "...done:" in run(s.q, "repair", code=int(aside))
    after = s.q.run("qctl-queue", "check")
    if aside:
        assert after.returncode == 1 and b"was set aside" in after.stdout
    else:
        assert (after.returncode, after.stdout) == (0, b"")


def test_nobody_waits_for_a_fifo(s):
    """In the place of a message or a journal: the list, and qsend, go on."""
    s.policy["local"] = later
    s.start()
    ids = [s.queue("a@example.org", ["bob@q.example"]) for _ in range(3)]
    logged(s, "result=Z", 3)
    for p in (s.q.queue / "state" / ids[0], s.q.queue / "cur" / ids[1]):
        p.unlink()
        os.mkfifo(p, 0o666)
        p.chmod(0o666)
    assert ids[2] in s.q.run("qctl-queue", "list", timeout=10).stdout.decode()
    for verb in ("retry", "hold", "release", "retry"):
        s.q.run("qctl-queue", verb, *ids, timeout=10)
    s.queue("a@example.org", ["carl@q.example"])
    wait_for(lambda: s.tried("carl@q.example"))
    s.kill()
    assert ids[2] in s.q.run("qctl-queue", "list", timeout=10).stdout.decode()


def test_check_names_what_needs_qsend_stopped(s):
    s.policy["local"] = later
    s.start()
    i = s.queue("a@example.org", ["bob@q.example"])
    logged(s, "result=Z")
    assert run(s.q, "check") == ""
    damage_message(s, i)
    assert "...try: qctl stop, qctl queue repair, qctl start" in run(s.q, "repair", code=1)
    assert i in s.q.queue_ids("cur")
    wrong_mode(s, i)
    s.kill()
    # bad files stop nothing
    foreign(s, i)
    s.start()
    logged(s, "bad id=core")
    assert s.queue("a@example.org", ["carl@q.example"])
    wait_for(lambda: s.tried("carl@q.example"))


def test_check_while_mail_flows(s):
    """Nothing that is only under way is a finding."""
    s.policy = {"local": partly, "remote": partly}
    s.start()
    stop = threading.Event()

    def load():
        while not stop.is_set():
            s.queue("a@example.org", ["first@q.example", "second@q.example"])
            s.queue("a@example.org", ["first@q.example"])

    t = threading.Thread(target=load)
    t.start()
    try:
        for _ in range(10):
            assert run(s.q, "check") == ""
    finally:
        stop.set()
        t.join()


# ---- backup and restore -------------------------------------------------------------------


def copy_queue(src, dst):
    """The order of quoin-queue(5)."""
    for d in ("state", "cur", "new", "cur", "state"):
        for p in sorted((src / d).iterdir()):
            with contextlib.suppress(FileNotFoundError):
                data = p.read_bytes()
                (dst / d / p.name).write_bytes(data)


class Load:
    """Mail that flows; when each was queued, and delivered first."""

    def __init__(self, s):
        self.s, self.queued, self.delivered = s, {}, {}
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def policy(self, job, rcpt):
        letter, text = partly(job, rcpt)
        if letter == "K":
            with self.lock:
                self.delivered.setdefault((job.id, rcpt), time.monotonic())
        return letter, text

    def run(self):
        while not self.stop.is_set():
            rcpts = ["first@q.example", "second@q.example"] if len(self.queued) % 2 else ["first@far.example"]
            i = self.s.queue("a@example.org", rcpts)
            self.queued[i] = (time.monotonic(), rcpts)
            self.stop.wait(0.002)

    def __enter__(self):
        self.s.policy = {"local": self.policy, "remote": self.policy}
        self.s.start()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def deliver_all(s):
    """What a restored queue holds: (id, recipient) of each delivery."""
    got = []

    def restored(job, rcpt):
        got.append((job.id, rcpt))
        return yes(job, rcpt)

    run(s.q, "repair")  # owners and modes: copied by whoever
    assert run(s.q, "check") == ""
    s.policy = {"local": restored, "remote": restored}
    s.start()
    s.send(signal.SIGALRM)
    s.wait_empty(60)
    assert len(got) == len(set(got))
    return set(got)


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("seconds", [1, pytest.param(20, marks=pytest.mark.long)])
def test_copy_of_a_live_queue(s, other, seconds, paused):
    """Copied under load it has all that was not delivered when the copy began; nothing that was
    delivered before comes again, and with deliveries paused nothing at all does."""
    with Load(s) as load:
        load.stop.wait(seconds)
        if paused:
            run(s.q, "pause", "local")
            run(s.q, "pause", "remote")
            wait_for(lambda: run(s.q, "stat").count("running 0 of") == 2)
        began = time.monotonic()
        copy_queue(s.q.queue, other.q.queue)
    s.kill(signal.SIGKILL)
    got = deliver_all(other)
    all_of_them = {(i, r) for i, (when, rcpts) in load.queued.items() if when < began for r in rcpts}
    owed = all_of_them - set(load.delivered)
    twice = got & set(load.delivered)
    print(f"{len(load.queued)} queued, {len(owed)} owed, {len(twice)} delivered by both")
    assert owed <= got
    assert all(load.delivered[x] > began for x in twice)
    assert not paused or not twice
