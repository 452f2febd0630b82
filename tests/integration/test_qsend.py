"""qsend and qbounce with spawners of the test's own (sched.py), and qstart with
programs of the test's own in place of the spawners."""

import email
import email.policy
import os
import random
import signal
import socket
import struct
import subprocess
import time

import pytest

import sched
from quoin import ROOT, SANITIZED, wait_for
from sched import Sched, base62, journal, later, make_id, no, queue_file, read_journal, yes

pytestmark = pytest.mark.programs("qsend", "qbounce", "qqueue")

WEEK = 604800

# strace fails a call by changing its number to -1, and seccomp kills for that.
without_seccomp = pytest.mark.skipif(not SANITIZED, reason="needs FLAVOUR=asan: no seccomp under strace")


def tells(s, text, deadline=10):
    wait_for(lambda: text in s.log(), deadline, f"in qsend's log: {text}")


def message_lines(log, ident):
    return [line for line in log.splitlines() if ident in line]


# ---- deliveries --------------------------------------------------------------


def test_local_and_remote(s):
    seen = {}

    def look(job, rcpt):
        seen[rcpt] = (job.message(), job.route, job.sender, os.lseek(job.fd, 0, os.SEEK_CUR))
        with pytest.raises(OSError):
            os.write(job.fd, b"x")
        return "K", "ok"

    s.policy = {"local": look, "remote": look}
    s.q.control("smtproutes", "relay.example:[192.0.2.1]:26")
    s.start()
    body = b"Subject: t\n\n" + os.urandom(5000)
    ident = s.queue("a@example.org", ["bob-x@Q.Example", "c@y.example", "d@relay.example"], body)
    s.wait_empty()
    assert seen["bob-x@Q.Example"] == (body, "bob-x", "a@example.org", 0)
    assert seen["c@y.example"] == (body, "", "a@example.org", 0)
    assert seen["d@relay.example"][1] == "[192.0.2.1] 26"
    lines = message_lines(s.log(), ident)
    assert f"new id={ident} bytes={len(body)} from=a@example.org uid=0 rcpts=3" in lines[0]
    assert lines[-1].startswith(f"qsend: end id={ident}")
    assert sum("result=K" in x for x in lines) == 3


def test_recipients_of_one_destination_share_jobs(s):
    s.start()
    rcpts = [f"u{i}@{d}.example" for i in range(120) for d in ("one", "TWO", "two")]
    random.shuffle(rcpts)
    s.queue("a@example.org", rcpts)
    s.wait_empty()
    domains = [sorted({r.split("@")[1].lower() for r in j.rcpts}) for _, j in s.jobs]
    assert all(len(d) == 1 for d in domains)
    assert sorted(len(j.rcpts) for _, j in s.jobs) == [20, 40, 50, 50, 50, 50, 50, 50]
    assert sorted(r for _, j in s.jobs for r in j.rcpts) == sorted(rcpts)


def test_the_happy_path_writes_no_journal(s):
    """Unlinked at once: state/ is never touched (its time of change stays)."""
    s.start()
    state = s.q.queue / "state"
    before = state.stat().st_mtime_ns
    for _ in range(20):
        s.queue("a@example.org", ["bob@q.example"])
        s.queue("a@example.org", ["b@y.example", "c@y.example"])
    wait_for(lambda: s.log().count(": end id=") == 40)
    s.wait_empty()
    assert state.stat().st_mtime_ns == before


def test_deferred_is_tried_again(s):
    answers = {"bob@q.example": [("Z", "451 4.2.1 busy"), ("K", "ok")]}
    s.policy["local"] = lambda job, rcpt: answers.get(rcpt, [("K", "ok")]).pop(0)
    s.start()
    ident = s.queue("a@example.org", ["bob@q.example"])
    wait_for(lambda: (s.q.queue / "state" / ident).exists())
    tells(s, "result=Z")
    wait_for(lambda: s.is_empty() or s.send(signal.SIGALRM))
    assert [j.rcpts for _, j in s.jobs] == [["bob@q.example"]] * 2


def test_a_list_tries_again_only_who_is_left(s):
    count = {}

    def some(job, rcpt):
        count[rcpt] = count.get(rcpt, 0) + 1
        n = int(rcpt.split("@")[0][1:])
        return ("Z", "later") if n % 3 == 0 and count[rcpt] < 3 else ("K", "ok")

    s.policy["remote"] = some
    s.start()
    rcpts = [f"u{i}@y{i % 4}.example" for i in range(30)]
    s.queue("a@example.org", rcpts)
    for attempts in (10, 10):
        wait_for(lambda: sum(count.values()) >= 30 and not any(s.remote.held))
        time.sleep(0.05)
        s.send(signal.SIGALRM)
        wait_for(lambda: s.log().count("result=Z") >= attempts)
    deadline = time.monotonic() + 10
    while not s.is_empty() and time.monotonic() < deadline:
        s.send(signal.SIGALRM)
        time.sleep(0.1)
    s.wait_empty()
    assert {r: n for r, n in count.items() if n != 1} == {f"u{i}@y{i % 4}.example": 3 for i in range(0, 30, 3)}


def test_wake_lost_is_found_by_the_next(s):
    s.start()
    s.queue("a@example.org", ["one@q.example"], wake=False)
    s.queue("a@example.org", ["two@q.example"])
    s.wait_empty()
    assert s.tried("one@q.example") == s.tried("two@q.example") == 1


def test_corrupt_message_reported(s):
    """One child is not believed while others wait for the message; all of them are."""
    s.policy["remote"] = lambda job, rcpt: ("B", "")
    s.policy["local"] = lambda job, rcpt: None
    s.start()
    ident = s.queue("a@example.org", ["bob@q.example", "c@y.example"])
    wait_for(lambda: s.local.held and "to=c@y.example result=Z" in s.log())
    assert (s.q.queue / "cur" / ident).exists()
    s.local.release("B", "")
    wait_for(lambda: (s.q.queue / "bad" / ident).exists())
    tells(s, "to=bob@q.example result=B")
    tells(s, f"bad id={ident}")
    assert (s.q.queue / "bad" / f"{ident}.state").exists()
    s.queue("a@example.org", ["carl@q.example"])
    wait_for(lambda: s.local.held)
    s.local.release()
    s.wait_empty()


def test_a_user_cannot_take_a_message_from_others(s):
    """His child says that it is corrupt; the others have had it, or get it later."""
    s.policy["local"] = lambda job, rcpt: ("B", "") if rcpt == "eve@q.example" else ("K", "")
    s.policy["remote"] = later
    s.start()
    ident = s.queue("a@example.org", ["eve@q.example", "bob@q.example", "c@y.example"])
    wait_for(lambda: s.tried("eve@q.example") and s.tried("bob@q.example") and s.tried("c@y.example"))
    s.policy["remote"] = lambda job, rcpt: ("K", "")
    s.send(signal.SIGALRM)
    wait_for(lambda: s.tried("c@y.example") == 2 and s.tried("eve@q.example") == 2)
    assert s.tried("bob@q.example") == 1
    wait_for(lambda: s.log().count("to=eve@q.example result=Z") == 2)
    assert (s.q.queue / "cur" / ident).exists()


def test_a_file_that_somebody_removes(s):
    s.policy["local"] = later
    s.start()
    ident = s.queue("a@example.org", ["bob@q.example"])
    wait_for(lambda: (s.q.queue / "state" / ident).exists())
    (s.q.queue / "cur" / ident).unlink()
    s.send(signal.SIGALRM)
    tells(s, f"gone id={ident}")
    s.wait_empty()


def test_few_descriptors(s):
    """More messages with a history than descriptors: all are tried."""
    s.policy["remote"] = later
    s.start(wrap=["prlimit", "--nofile=1024:1024"])
    for n in range(1500):
        s.put(queue_file("a@example.org", [f"u{n}@y{n}.example"]))
    s.wake()
    wait_for(lambda: s.log().count("result=Z") == 1500, 60)
    s.policy["remote"] = s.remote.policy = yes
    os.kill(s.qsend.pid, signal.SIGALRM)
    s.wait_empty(60)
    assert "Too many open files" not in s.log()


def test_no_address_fails(s):
    s.q.start_queue()
    s.start()
    s.queue("a@example.org", ["@q.example", "bob@q.example"])
    wait_for(lambda: s.tried("a@example.org"))
    s.wait_empty()
    assert s.tried("bob@q.example") == 1 and s.tried("@q.example") == 0


# ---- notifications -------------------------------------------------------------


def keep_bounces(job, rcpt):
    job.kept = job.message()
    return "K", "ok"


def bounce_of(s, rcpt):
    job = wait_for(lambda: next((j for _, j in s.jobs if rcpt in j.rcpts), None))
    wait_for(lambda: hasattr(job, "kept"))
    return job, email.message_from_bytes(job.kept, policy=email.policy.default)


def test_notification(s):
    s.policy["local"] = no
    s.policy["remote"] = keep_bounces
    s.q.start_queue()
    s.start()
    original = b"From: a@example.org\nSubject: the one\n\n" + b"x" * 70 + b"\n"
    ident = s.queue("a@example.org", ["bob@q.example", "b c@q.example"], original)
    job, m = bounce_of(s, "a@example.org")
    assert job.sender == ""
    assert m["From"] == "MAILER-DAEMON@q.example" and m["To"] == "a@example.org"
    assert m["Auto-Submitted"] == "auto-replied" and m["Date"] and m["Message-ID"]
    assert m.get_content_type() == "multipart/report"
    assert m.get_param("report-type") == "delivery-status"
    text, status, copy = m.iter_parts()
    assert "550 5.1.1 no bob@q.example here" in text.get_content()
    fields = status.get_payload()
    assert fields[0]["Reporting-MTA"] == "dns; q.example"
    assert [f["Final-Recipient"] for f in fields[1:3]] == ["rfc822; bob@q.example", 'rfc822; "b c"@q.example']
    assert {f["Action"] for f in fields[1:3]} == {"failed"} and {f["Status"] for f in fields[1:3]} == {"5.1.1"}
    assert copy.get_payload(0)["Subject"] == "the one"
    s.wait_empty()
    new = [x for x in s.log().splitlines() if f"bounce id={ident} as={job.id}" in x]
    assert len(new) == 1


def test_a_large_message_comes_back_as_its_header(s):
    s.policy["local"] = no
    s.policy["remote"] = keep_bounces
    s.q.start_queue()
    s.start()
    s.queue("a@example.org", ["bob@q.example"], b"Subject: big\n\n" + b"\xe4" * 3_000_000)
    job, m = bounce_of(s, "a@example.org")
    assert len(job.kept) < 5_000
    text, _, copy = m.iter_parts()
    assert copy.get_content_type() == "text/rfc822-headers" and "Subject: big" in copy.get_payload()
    assert "too large to come back" in text.get_content()


def test_double_and_triple_bounce(s):
    s.policy = {"local": no, "remote": no}
    s.q.control("doublebounceto", "boss")
    s.q.start_queue()
    s.start()
    s.queue("a@example.org", ["bob@q.example"])
    tells(s, "discard id=")
    s.wait_empty()
    assert [(j.sender, j.rcpts) for _, j in s.jobs] == [
        ("a@example.org", ["bob@q.example"]),
        ("", ["a@example.org"]),
        ("#@[]", ["boss@q.example"]),
    ]


def test_verp_sender_gets_one_notification(s):
    s.policy["local"] = no
    s.policy["remote"] = keep_bounces
    s.q.start_queue()
    s.start()
    s.queue("list-owner-@example.org-@[]", ["bob@q.example"])
    bounce_of(s, "list-owner-@example.org")


def test_notification_waits_for_qqueue(s):
    """Nobody takes it: the message stays, with the failure in its journal."""
    s.policy["local"] = no
    s.start()
    ident = s.queue("a@example.org", ["bob@q.example"])
    tells(s, f"no notification for {ident} yet")
    assert s.records(ident) == [("D", 0, "550 5.1.1 no bob@q.example here")]
    s.q.start_queue()
    s.send(signal.SIGALRM)
    s.wait_empty()
    assert s.tried("bob@q.example") == 1 and s.tried("a@example.org") == 1


def test_a_message_that_kills_its_notifier_harms_no_other(s):
    """qbounce itself lives when the process of one notification dies."""
    s.policy["local"] = no
    s.start()  # no qqueue: processes wait in connect at most
    for i in range(30):
        s.queue(f"a{i}@example.org", [f"bob{i}@q.example"])
    wait_for(lambda: s.log().count("no notification for") >= 30)
    assert s.qbounce.poll() is None


# ---- the end of a message's life ------------------------------------------------


def test_expires(s):
    s.q.control("queuelifetime", "2")
    s.policy["local"] = later
    s.policy["remote"] = keep_bounces
    s.q.start_queue()
    s.start()
    s.queue("a@example.org", ["bob@q.example"])
    _, m = bounce_of(s, "a@example.org")
    assert "in the queue too long" in next(m.iter_parts()).get_content()
    assert 2 <= s.tried("bob@q.example") <= 3
    s.wait_empty()


def test_without_a_network_nothing_expires(s):
    s.q.control("queuelifetime", "1")
    s.policy["remote"] = lambda job, rcpt: ("Z", "4.4.3 no name server answers")
    s.start()
    s.queue("a@example.org", ["bob@y.example"])
    for n in range(4):
        wait_for(lambda n=n: len(s.jobs) > n)
        time.sleep(0.8)
        s.send(signal.SIGALRM)
    assert "result=D" not in s.log() and not s.is_empty()


def test_old_message_is_not_given_up_at_the_first_attempt(s):
    """A clock that is wrong at the start must not bounce what it finds."""
    s.policy["local"] = later
    ident = make_id(time.time_ns() - 60 * WEEK * 10**9)
    s.put(queue_file("a@example.org", ["bob@q.example"]), ident, "cur")
    s.start()
    for n in range(6):
        wait_for(lambda n=n: s.log().count("result=Z") > n)
        s.send(signal.SIGALRM)
    assert "result=D" not in s.log()


# ---- crashes --------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_kill_at_random_times(s, seed):
    """No recipient is lost, and none that the journal calls delivered comes again."""
    rng = random.Random(seed)
    lock_taken = {}
    got = {}

    def flaky(job, rcpt):
        got.setdefault((job.id, rcpt), 0)
        if rng.random() < 0.4:
            return "Z", "later"
        got[job.id, rcpt] += 1
        return "K", "ok"

    s.policy = {"local": flaky, "remote": flaky}
    s.q.control("concurrencyremote", "5")
    expected = set()
    for _ in range(60):
        rcpts = [f"u{i}@{d}" for i in range(rng.randrange(1, 9)) for d in ("q.example", "y.example")]
        rcpts = rng.sample(rcpts, rng.randrange(1, len(rcpts) + 1))
        ident = s.put(queue_file("a@example.org", rcpts))
        expected |= {(ident, r) for r in rcpts}
        lock_taken[ident] = rcpts
    kills = 25
    for _ in range(kills):
        s.start()
        s.send(signal.SIGALRM)
        time.sleep(rng.random() * 0.04)
        s.kill(signal.SIGKILL)
        before = dict(got)
        recorded = set()
        for p in (s.q.queue / "state").iterdir():
            names = lock_taken[p.name]
            recorded |= {(p.name, names[i]) for w, i, _ in read_journal(p.name, p.read_bytes()) if w == "K"}
        s.start()
        time.sleep(0.02)
        s.kill(signal.SIGKILL)
        again = {k for k in recorded if got.get(k, 0) > before.get(k, 0)}
        assert not again
    s.start()
    deadline = time.monotonic() + 30
    while not s.is_empty() and time.monotonic() < deadline:
        s.send(signal.SIGALRM)
        time.sleep(0.1)
    s.wait_empty()
    assert {k for k, n in got.items() if n > 0} == expected
    doubled = sum(n - 1 for n in got.values() if n > 1)
    print(f"{2 * kills} kills, {len(expected)} recipients, 0 lost, {doubled} repeated (report and kill met)")


def test_stops_when_a_spawner_dies(s):
    s.start()
    s.local.sock.shutdown(socket.SHUT_RDWR)
    assert s.qsend.wait(30) == 111
    tells(s, "the local spawner is gone")


def test_stops_when_a_spawner_talks_nonsense(s):
    for junk in (b"x", struct.pack(">HcH", 3, b"O", 1) + b"Kok\0", struct.pack(">HcH", 60000, b"O", 1) + b"Kok\0"):
        s.start()
        s.remote.sock.send(junk)
        assert s.qsend.wait(30) == 111
        s.close()


def test_stops_when_the_lifeline_breaks(s):
    s.start()
    os.close(s.life)
    assert s.qsend.wait(30) == 111
    assert s.qbounce.wait(30) == 0
    s.life = os.open("/dev/null", os.O_RDONLY)


def test_term_waits_for_deliveries(s):
    s.policy["local"] = lambda job, rcpt: None
    s.start()
    s.queue("a@example.org", ["bob@q.example"])
    wait_for(lambda: s.local.held)
    s.qsend.send_signal(signal.SIGTERM)
    second = s.queue("a@example.org", ["carl@q.example"])
    time.sleep(0.3)
    assert s.qsend.poll() is None
    s.local.release()
    assert s.qsend.wait(30) == 0
    assert s.tried("carl@q.example") == 0
    assert [p.name for d in ("new", "cur") for p in (s.q.queue / d).iterdir()] == [second]


def test_successor_waits_for_the_lock(s, quoin):
    s.policy["local"] = lambda job, rcpt: None
    s.start()
    s.queue("a@example.org", ["bob@q.example"])
    wait_for(lambda: s.local.held)
    other = Sched(quoin)
    other.start(wait=False)
    time.sleep(0.5)
    assert other.qsend.poll() is None
    s.qsend.send_signal(signal.SIGTERM)
    s.local.release()
    assert s.qsend.wait(30) == 0
    assert os.read(other.ready_fd, 1) == b"\n"
    other.queue("a@example.org", ["carl@q.example"])
    other.wait_empty()
    other.kill()


# ---- a disk that lies or refuses ---------------------------------------------------


def test_bit_flips(s):
    """Whatever one bit does to a queue file, the service goes on, and a message is
    delivered whole or set aside."""
    rng = random.Random(5)
    message = b"Subject: x\n\n" + b"body\n" * 20
    good = queue_file("a@example.org", ["bob@q.example", "carl@y.example"], message)
    wrong = []

    def check(job, rcpt):
        if sched._sum(job.message()) != job.sum:
            return "B", ""
        if rcpt not in ("bob@q.example", "carl@y.example") or job.message() != message:
            wrong.append((rcpt, job.message()))
        return "K", "ok"

    s.policy = {"local": check, "remote": check}
    idents = []
    for _ in range(400):
        data = bytearray(good)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        idents.append(s.put(bytes(data)))
    s.start()
    fine = s.queue("a@example.org", ["bob@q.example"], message)
    wait_for(lambda: f"end id={fine}" in s.log() and s.is_empty(), 60)
    assert not wrong
    assert len([p for p in (s.q.queue / "bad").iterdir() if len(p.name) == 17]) == 400


def test_strange_files(s):
    q = s.q.queue
    junk = {
        "empty": b"",
        "short": b"quoin-1\n",
        "text": b"hello\n" * 50,
        "cut": queue_file("a@b", ["bob@q.example"])[:-1],
        "long": queue_file("a@b", ["bob@q.example"]) + b"x",
        "no uid": queue_file("a@b", ["bob@q.example"]).replace(b"U0\0", b"X0\0"),
    }
    idents = {name: s.put(data) for name, data in junk.items()}
    s.put(queue_file("a@b", ["bob@q.example"]), "not-an-id")
    s.put(queue_file("a@b", ["bob@q.example"]), "x" * 200, "cur")
    strange = [q / "new" / make_id() for _ in range(3)]
    strange[0].symlink_to("/etc/passwd")
    os.mkfifo(strange[1])
    strange[2].mkdir()
    s.start()
    s.queue("a@example.org", ["carl@q.example"])
    wait_for(lambda: s.tried("carl@q.example") == 1)
    wait_for(lambda: set(idents.values()) | {"not-an-id", "x" * 200} <= {p.name for p in (q / "bad").iterdir()})
    wait_for(lambda: not any((q / "cur").iterdir()))
    # What is no file is set aside as well, or (Landlock) left where it is.
    for p in strange:
        assert p.name in os.listdir(q / "bad") or f"unable to move to queue/cur: {p.name}" in s.log()
    assert s.tried("bob@q.example") == 0


def test_torn_and_garbled_journals(s):
    """A journal cut or wrong anywhere costs at most a second delivery."""
    rcpts = [f"u{i}@q.example" for i in range(6)]
    bodies = [b"K" + struct.pack(">I", i) for i in range(5)]
    rng = random.Random(1)
    done = {}
    for k in range(150):
        ident = make_id()
        data = bytearray(journal(ident, bodies))
        if k % 2:
            del data[rng.randrange(len(data)) :]
        else:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        done[ident] = {i for _, i, _ in read_journal(ident, bytes(data))}
        s.put(queue_file("a@example.org", rcpts), ident, "cur")
        s.put_state(ident, bytes(data))
    s.start()
    s.send(signal.SIGALRM)
    s.wait_empty()
    for ident, recorded in done.items():
        tried = sorted(r for _, j in s.jobs if j.id == ident for r in j.rcpts)
        assert tried == [r for i, r in enumerate(rcpts) if i not in recorded]


def test_foreign_journal_is_not_believed(s):
    """A journal whose blocks are another message's."""
    mine, other = make_id(), make_id()
    s.put(queue_file("a@example.org", ["bob@q.example"]), mine, "cur")
    s.put_state(mine, journal(other, [b"K\0\0\0\0"]))
    s.start()
    s.send(signal.SIGALRM)
    s.wait_empty()
    assert s.tried("bob@q.example") == 1


def test_orphan_journals_go(s):
    ident = make_id()
    s.put_state(ident, journal(ident, [b"K\0\0\0\0"]))
    s.start()
    assert s.is_empty()


def test_a_journal_is_read_though_its_message_is_back_in_new(s):
    """A power cut undid the rename to cur/, and not the journal."""
    ident = make_id()
    s.put(queue_file("a@example.org", ["bob@q.example", "carl@q.example"]), ident, "new")
    s.put_state(ident, journal(ident, [b"K\0\0\0\0"]))
    s.start()
    s.send(signal.SIGALRM)
    s.wait_empty()
    assert (s.tried("bob@q.example"), s.tried("carl@q.example")) == (0, 1)


@without_seccomp
@pytest.mark.tools("strace")
def test_failed_sync_is_no_failure(s):
    """EIO at the journal's sync: the recipient is tried again, nobody is told."""
    s.policy["local"] = no
    s.q.start_queue()
    s.start(wrap=["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=1"])
    ident = s.queue("a@example.org", ["bob@q.example"])
    tells(s, "sync the journal")
    wait_for(lambda: (s.q.queue / "cur" / ident).exists())
    assert "bounce id=" not in s.log()
    s.queue("a@example.org", ["carl@q.example"])
    wait_for(lambda: s.tried("carl@q.example"))
    s.kill()


@without_seccomp
@pytest.mark.tools("strace")
def test_full_disk_goes_on_delivering(s):
    """No journal can be written: what goes at once is delivered and removed; nothing
    bounces; when there is room again all is as it was."""
    s.policy["local"] = lambda job, rcpt: later(job, rcpt) if "z" in rcpt else no(job, rcpt) if "d" in rcpt else ("K", "ok")
    s.q.start_queue()
    s.start(wrap=["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", "inject=pwrite64:error=ENOSPC:when=1..5"])
    s.queue("a@example.org", ["u@q.example"])
    wait_for(lambda: s.log().count(": end id=") == 1)
    s.queue("a@example.org", ["d@q.example"])
    tells(s, "No space left")
    s.queue("a@example.org", ["u@q.example", "z@q.example"])
    wait_for(lambda: s.log().count("No space left") >= 3)
    assert "bounce id=" not in s.log()
    s.send(signal.SIGALRM)
    wait_for(lambda: "bounce id=" in s.log() or s.send(signal.SIGALRM), 60)
    wait_for(lambda: any((s.q.queue / "state").iterdir()))
    s.local.policy = yes
    wait_for(lambda: s.is_empty() or s.send(signal.SIGALRM), 60)
    assert s.tried("u@q.example") == 2


# ---- many -----------------------------------------------------------------------


def test_start_with_20000(s):
    for n in range(20_000):
        ident = make_id(time.time_ns() - n)
        p = s.q.queue / "cur" / ident
        p.write_bytes(queue_file("a@example.org", [f"u{n}@y.example"]))
        s_p = s.q.queue / "state" / ident
        s_p.write_bytes(b"")
        if ROOT:
            for f in (p, s_p):
                os.chown(f, s.q.ids["quoins"], s.q._gid("quoins"))
    s.start()
    began = time.monotonic()
    s.queue("a@example.org", ["bob@q.example"])
    wait_for(lambda: s.tried("bob@q.example"))
    print(f"start with 20,000 waiting: {s.start_took:.2f} s, a new message after {time.monotonic() - began:.3f} s")
    assert s.start_took < 15
    rss = int(next(x for x in open(f"/proc/{s.qsend.pid}/status") if x.startswith("VmRSS")).split()[1])
    print(f"resident: {rss} KB")
    assert rss < 8000 or SANITIZED


def test_burst_of_new(s):
    for n in range(5000):
        s.put(queue_file("a@example.org", [f"u{n % 50}@q.example"]))
    s.start()
    wait_for(lambda: s.log().count(": end id=") == 5000, 60)
    s.wait_empty()


def test_big_list_delays_nobody(s):
    """10,000 recipients, each slow; single messages come in beside them."""
    slow = 0.02

    def policy(job, rcpt):
        if rcpt.startswith("list"):
            time.sleep(slow / 10)
        return "K", "ok"

    s.policy["local"] = policy
    s.start()
    s.queue("a@example.org", [f"list{i}@q.example" for i in range(10_000)])
    wait_for(lambda: len(s.jobs) > 50)
    waits = []
    for n in range(20):
        began = time.monotonic()
        s.queue("a@example.org", [f"single{n}@q.example"])
        wait_for(lambda n=n: s.tried(f"single{n}@q.example"))
        waits.append(time.monotonic() - began)
    done = len(s.jobs)
    print(f"single messages beside a list of 10,000 ({done} done): worst {max(waits) * 1000:.0f} ms")
    assert done < 9000
    assert sorted(waits)[10] < 2 and max(waits) < 10  # behind the list: twenty and more
    s.local.policy = yes  # the rest need not be slow
    wait_for(lambda: s.is_empty(), 120)


def test_lists_do_not_fill_memory(s):
    """More big lists than places: the single message does not wait for them."""
    s.policy["local"] = lambda job, rcpt: None if rcpt.startswith("list") else ("K", "ok")
    s.start()
    for _ in range(40):
        s.queue("a@example.org", [f"list{i}@q.example" for i in range(100)], wake=False)
    s.wake()
    wait_for(lambda: len(s.local.held) >= 8)
    s.queue("a@example.org", ["bob@q.example"])
    # 16 lists have places in memory and share ten slots: the message is soon next
    s.local.policy = lambda job, rcpt: time.sleep(0.001) or ("K", "ok")
    s.local.release()
    wait_for(lambda: s.tried("bob@q.example"))
    turn = next(i for i, (_, j) in enumerate(s.jobs) if "bob@q.example" in j.rcpts)
    print(f"its turn came after {turn} jobs")
    assert turn < 60
    wait_for(lambda: s.local.release() or s.is_empty(), 60)


def test_slow_remote_leaves_local_alone(s):
    s.policy["remote"] = lambda job, rcpt: None
    s.start()
    for n in range(1500):
        s.put(queue_file("a@example.org", [f"u@y{n}.example"]))
    s.wake()
    wait_for(lambda: len(s.remote.held) == 20)
    s.queue("a@example.org", ["bob@q.example"])
    wait_for(lambda: s.tried("bob@q.example"))
    assert len(s.remote.held) == 20


# ---- the admin's hand --------------------------------------------------------------


def test_concurrency_and_hold(s):
    s.q.control("concurrencylocal", "3")
    s.q.control("concurrencyremote", "0")
    s.policy = {"local": lambda job, rcpt: None, "remote": yes}
    s.start()
    for n in range(8):
        s.queue("a@example.org", [f"u{n}@q.example", f"u{n}@y.example"])
    wait_for(lambda: len(s.local.held) == 3)
    time.sleep(0.2)
    assert len(s.local.held) == 3 and len(s.jobs) == 3
    s.q.control("concurrencyremote", "2")
    s.q.control("concurrencylocal", "5")
    s.qsend.send_signal(signal.SIGHUP)
    wait_for(lambda: len(s.local.held) == 5 and len(s.jobs) == 13)
    wait_for(lambda: s.local.release() or s.is_empty())


def test_hup_rereads_locals(s):
    s.start()
    s.queue("a@example.org", ["bob@other.example"])
    wait_for(lambda: [c for c, _ in s.jobs] == ["remote"])
    s.q.control("locals", ["q.example", "other.example"])
    s.qsend.send_signal(signal.SIGHUP)
    s.queue("a@example.org", ["bob@other.example"])
    wait_for(lambda: [c for c, _ in s.jobs] == ["remote", "local"])
    s.q.control("virtualdomains", "broken line")
    s.q.control("concurrencylocal", "many")
    s.qsend.send_signal(signal.SIGHUP)
    tells(s, "keeping the old routes")
    tells(s, "keeping the old settings")
    s.queue("a@example.org", ["bob@other.example"])
    wait_for(lambda: [c for c, _ in s.jobs] == ["remote", "local", "local"])
    s.wait_empty()


def test_recipients_move_to_the_other_channel(s):
    """A message that waits for a held channel follows a changed control file."""
    s.q.control("concurrencyremote", "0")
    s.start()
    s.queue("a@example.org", ["bob@other.example", "carl@third.example"])
    wait_for(lambda: not any((s.q.queue / "new").iterdir()))
    time.sleep(0.2)
    s.q.control("concurrencyremote", "20")
    s.q.control("locals", ["q.example", "other.example"])
    s.qsend.send_signal(signal.SIGHUP)
    s.wait_empty()
    assert sorted((c, j.rcpts) for c, j in s.jobs) == [("local", ["bob@other.example"]), ("remote", ["carl@third.example"])]


def test_bad_control_file_at_start(s):
    s.q.control("concurrencylocal", "1001")
    s.start(wait=False)
    assert s.qsend.wait(30) == 111
    assert "concurrencylocal" in s.log()


def ask(s, *args, user=None):
    return s.q.run("qctl-queue", *args, user=user)


@pytest.mark.programs("qctl-queue")
def test_the_keepers_door(s):
    s.policy = {"local": later, "remote": lambda job, rcpt: None}
    s.start()
    one = s.queue("a@example.org", ["bob@q.example", "x\\y@y.example"], uid=1234)
    wait_for(lambda: s.remote.held and "result=Z" in s.log())
    out = ask(s, "list").stdout.decode()
    assert one in out and "1 message in the queue." in out and "uid 1234" in out
    assert "deferred local  bob@q.example" in out and "451 4.3.0 not now" in out
    assert "waiting  remote x\\x5cy@y.example" in out
    stat = ask(s, "stat").stdout.decode()
    assert "messages 1," in stat and "remote   running 1 of 20" in stat and "local    running 0 of 10, waiting 1" in stat
    assert ask(s, "pause", "local").returncode == 0
    assert "paused" in ask(s, "stat").stdout.decode()
    assert ask(s, "retry", one).returncode == 0
    time.sleep(0.2)
    assert s.tried("bob@q.example") == 1
    assert ask(s, "cont", "local").returncode == 0
    wait_for(lambda: s.tried("bob@q.example") == 2)
    wait_for(lambda: s.log().count("result=Z") == 2)
    assert ask(s, "retry").returncode == 0
    wait_for(lambda: s.tried("bob@q.example") == 3)
    assert ask(s, "retry", make_id()).returncode == 1
    assert ask(s, "retry", "x/../y").returncode == 100
    assert ask(s, "dance").returncode == 100
    s.local.policy = yes
    s.remote.release()
    wait_for(lambda: s.is_empty() or ask(s, "retry").returncode)
    assert ask(s, "list").stdout == b"The queue is empty.\n"
    s.kill()
    r = ask(s, "stat")
    assert r.returncode == 111 and b"qsend is not running" in r.stderr


@pytest.mark.root("to be two users")
@pytest.mark.programs("qctl-queue")
def test_users_see_their_own(s):
    s.policy["local"] = later
    s.start()
    mine = s.queue("a@example.org", ["bob@q.example"], uid=61500)
    other = s.queue("a@example.org", ["bob@q.example"], uid=61501)
    wait_for(lambda: s.log().count("result=Z") == 2)
    out = ask(s, "list", user=61500).stdout.decode()
    assert mine in out and other not in out and "1 message" in out
    assert other in ask(s, "list").stdout.decode()
    r = ask(s, "stat", user=61500)
    assert r.returncode == 111 and b"ermission denied" in r.stderr
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as c:
        c.connect(str(s.q.home / "run/qsend-list/sock"))
        c.send(b"r")
        assert c.recv(1000).startswith(b"Zpermission denied")


def test_the_door_is_patient_with_nobody(s):
    s.start()
    path = str(s.q.home / "run/qsend-list/sock")
    idle = []
    for _ in range(20):
        c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        c.connect(path)
        idle.append(c)
    for junk in (b"l" * 60, b"\0", b"r" + b"x" * 40, os.urandom(50)):
        c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        c.connect(path)
        try:
            c.send(junk)
        except OSError:
            pass
        idle.append(c)
    s.queue("a@example.org", ["bob@q.example"])
    s.wait_empty()
    for c in idle:
        c.close()
    assert s.qsend.poll() is None


def test_a_list_that_is_not_read_holds_up_nothing(s):
    s.policy["local"] = later
    s.start()
    for _ in range(300):
        s.queue("a@example.org", [f"u{i}@q.example" for i in range(30)], wake=False)
    s.wake()
    wait_for(lambda: s.log().count("result=Z") >= 9000, 60)
    c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    c.connect(str(s.q.home / "run/qsend-ctl/sock"))
    c.send(b"l")
    s.local.policy = yes
    s.queue("a@example.org", ["bob@q.example"])
    wait_for(lambda: s.tried("bob@q.example"))
    s.kill()  # the lister holds no lock
    s.start()
    c.close()


def door(s, request):
    """One request at the keeper's door: the first frame of the answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as c:
        c.connect(str(s.q.home / "run/qsend-ctl/sock"))
        c.send(request)
        return c.recv(65536)


def test_a_pause_outlives_a_restart(s):
    lock = s.q.queue / "lock"
    s.start()
    door(s, b"p\0")
    door(s, b"p\1")
    wait_for(lambda: lock.read_bytes() == b"paused local remote\n")
    door(s, b"c\0")
    wait_for(lambda: lock.read_bytes() == b"paused remote\n")
    s.kill()
    s.start()
    tells(s, "remote deliveries are paused, as before the restart")
    s.queue("a@example.org", ["bob@q.example", "c@y.example"])
    wait_for(lambda: s.tried("bob@q.example"))
    door(s, b"c\1")
    wait_for(lambda: lock.read_bytes() == b"")
    s.wait_empty()


def test_qmail_log(s):
    s.q.control("logstyle", "qmail")
    s.policy["local"] = lambda job, rcpt: {"b": ("K", "did 1+0+0"), "c": ("Z", "a\tb 100%"), "d": ("D", "no")}[rcpt[0]]
    s.policy["remote"] = yes
    s.q.start_queue()
    s.start()
    ns = time.time_ns()
    ident = base62(ns, 11) + base62(77, 6)
    s.queue("a b@example.org", ["b@q.example", "c@q.example", "d@q.example"], b"x\n", uid=5, ident=ident)
    wait_for(lambda: s.log().count("deferral") == 1)
    s.local.policy = yes
    wait_for(lambda: s.is_empty() or s.send(signal.SIGALRM))
    lines = s.log().splitlines()
    assert lines[:4] == [
        f"new msg {ns}",
        f"info msg {ns}: bytes 2 from <a_b@example.org> qp 77 uid 5",
        f"starting delivery 1: msg {ns} to local b@q.example",
        "status: local 1/10 remote 0/20",
    ]
    assert "delivery 1: success: did_1+0+0/" in lines
    assert "delivery 2: deferral: a_b_100_/" in lines
    assert "delivery 3: failure: no/" in lines
    bounce = next(x for x in lines if x.startswith(f"bounce msg {ns} qp "))
    qp = bounce.split()[-1]
    assert any(x.startswith("info msg") and f"from <> qp {qp} uid" in x for x in lines)
    assert f"end msg {ns}" in lines
    assert not any(x.startswith("qsend:") for x in lines)


def test_log_lines_are_ours(s):
    """Nothing that comes from outside makes a line."""
    s.policy["remote"] = lambda job, rcpt: ("K", "ok id=forged text")
    s.start()
    s.queue("a\x80 b=c\"@example.org".encode("latin-1").decode("latin-1"), ["x@y.example"])
    s.wait_empty()
    text = s.log()
    assert " id=forged" not in text and text.isascii()


# ---- qstart ----------------------------------------------------------------------

FAKE_SPAWNER = """#!/usr/bin/python3
import os, sys
sys.path.insert(0, {here!r})
import select, socket, struct
args = dict(zip(sys.argv[1::2], sys.argv[2::2]))
life, fd = int(args["-l"]), int(args["-q"])
open({trace!r} + "/" + os.path.basename(sys.argv[0]), "a").write(
    repr((os.getpid(), os.getuid(), os.getgid(), os.getgroups(), sorted(map(int, os.listdir("/proc/self/fd"))))) + "\\n")
s = socket.socket(fileno=fd)
while True:
    r, _, _ = select.select([s, life], [], [])
    if life in r:
        sys.exit(0)
    frame, fds, _, _ = socket.recv_fds(s, 65536, 1)
    if not frame:
        sys.exit(0)
    os.close(fds[0])
    s.send(frame[:2] + b"O" + struct.pack(">H", 1) + b"Kok\\0")
"""


@pytest.fixture
def started(quoin, tmp_path):
    """A Quoin whose spawners are FAKE_SPAWNER."""
    real = quoin.bin.resolve()
    trace = quoin.home / "trace"
    trace.mkdir(mode=0o777)
    trace.chmod(0o777)
    if quoin.bin.is_symlink():
        quoin.bin.unlink()
    else:
        real = real.rename(quoin.home / "bin.real")
    quoin.bin.mkdir()
    for name in ("qsend", "qbounce", "qstart", "qqueue"):
        (quoin.bin / name).symlink_to(real / name)
    for name in ("qlspawn", "qrspawn"):
        p = quoin.bin / name
        p.write_text(FAKE_SPAWNER.format(here=os.path.dirname(__file__), trace=str(trace)))
        p.chmod(0o755)
    quoin.trace = trace
    return quoin


def start_qstart(q):
    return q.start("qstart", "-s", q.owner("quoins"), "-r", q.owner("quoinr"), user="root")


def deliver_one(q):
    s = Sched(q)
    s.queue("a@example.org", ["bob@q.example"])
    wait_for(s.is_empty, what="delivered")


def children(pid):
    out = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return {line.split(None, 1)[1].strip(): int(line.split()[0]) for line in out.splitlines()}


def all_four(p):
    names = {"qsend", "qbounce", "qlspawn", "qrspawn"}
    return wait_for(lambda: (k := children(p.popen.pid)) if set(children(p.popen.pid)) == names else None)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.programs("qstart")
def test_qstart(started):
    q = started
    p = start_qstart(q)
    deliver_one(q)
    for name in ("qlspawn", "qrspawn"):
        wait_for(lambda name=name: (q.trace / name).exists() and (q.trace / name).read_text().endswith("\n"))
    pid, uid, gid, groups, fds = eval((q.trace / "qrspawn").read_text())
    assert (uid, gid) == ((q.ids["quoinr"], q._gid("quoinr")) if ROOT else (os.getuid(), os.getgid()))
    if ROOT:
        assert set(groups) <= {gid}
        assert eval((q.trace / "qlspawn").read_text())[1] == 0
        assert os.stat(f"/proc/{p.popen.pid}").st_uid in (0, q.ids["quoins"])
        status = open(f"/proc/{p.popen.pid}/status").read()
        assert f"Uid:\t{q.ids['quoins']}\t{q.ids['quoins']}" in status
    assert len(fds) <= 7  # 0 1 2, lifeline, socket, and what the listing itself has open
    kids = all_four(p)
    p.popen.send_signal(signal.SIGTERM)
    assert p.popen.wait(30) == 0
    assert not any(is_alive(k) for k in kids.values())


@pytest.mark.programs("qstart")
@pytest.mark.parametrize("victim", ["qsend", "qbounce", "qlspawn", "qrspawn"])
def test_qstart_ends_with_any_of_them(started, victim):
    q = started
    p = start_qstart(q)
    kids = all_four(p)
    os.kill(kids[victim], signal.SIGKILL)
    assert p.popen.wait(30) == 111
    wait_for(lambda: not any(is_alive(k) for k in kids.values()))
    start_qstart(q)
    deliver_one(q)


@pytest.mark.programs("qstart")
def test_qstart_killed(started):
    """The lifeline breaks: all four are gone at once, the queue can be taken over."""
    q = started
    p = start_qstart(q)
    kids = all_four(p)
    p.popen.kill()
    p.popen.wait()
    wait_for(lambda: not any(is_alive(k) for k in kids.values()))
    start_qstart(q)
    deliver_one(q)


@pytest.mark.programs("qstart")
def test_qstart_hands_signals_on(started):
    q = started
    start_qstart(q)
    q.control("concurrencylocal", "x")
    q.service("qstart").popen.send_signal(signal.SIGHUP)
    wait_for(lambda: "keeping the old settings" in q.log("qstart"))


@pytest.mark.programs("qstart")
def test_qstart_a_program_is_missing(started):
    q = started
    (q.bin / "qrspawn").unlink()
    p = q.start("qstart", "-s", q.owner("quoins"), "-r", q.owner("quoinr"), user="root", ready=False)
    assert p.popen.wait(30) == 111
    assert "unable to start qrspawn" in q.log("qstart")


@pytest.mark.programs("qstart")
def test_end_to_end_with_qqueue(started):
    """qqueue accepts and wakes; qsend delivers at once."""
    q = started
    start_qstart(q)
    q.start_queue()

    def netstring(b):
        return b"%d:%s," % (len(b), b)

    took = []
    for n in range(50):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as c:
            c.connect(str(q.home / "run/qqueue/sock"))
            began = time.monotonic()
            c.sendall(netstring(b"Fa@example.org\0Tbob%d@q.example\0" % n) + netstring(b"hi\n\n") + netstring(b""))
            got = b""
            while b"K" not in got:
                got += c.recv(1000)
            wait_for(lambda n=n: f"to=bob{n}@q.example" in q.log("qstart"))
            took.append(time.monotonic() - began)
    print(f"submitted to started: median {sorted(took)[25] * 1000:.1f} ms")
    wait_for(q.queue_is_empty)
