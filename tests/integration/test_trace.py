"""qctl trace, audit and metrics: what the logs prove, and the numbers."""

import json
import os
import re
import shutil
import smtplib
import subprocess
import time

import pytest
from quoin import wait_for
from tree import Tree

pytestmark = pytest.mark.programs("qctl", "qctl-trace", "qctl-audit", "qctl-metrics", "qqueue", "qstart", "qlisten")


@pytest.fixture(scope="module")
def tree():
    t = Tree()
    t.q.write_home("alice", ".qmail-on", "&bob@q.example\n")
    t.q.write_home("alice", ".qmail-later", "|exit 111\n")
    (t.q.home / "alias/.qmail-list").write_text("&carol@q.example\n&alice-on@q.example\n")
    t.q.control("localiphost", "q.example")
    try:
        yield t
    finally:
        t.close()


def qctl(tree, *args, code=0):
    r = tree.q.run("qctl", *args)
    assert r.returncode == code, (r.stdout, r.stderr)
    return r.stdout.decode()


def audit(tree, *args, code=0):
    return json.loads(qctl(tree, "audit", "--json", *args, code=code))


def send(tree, sender, rcpts, msgid, way="smtp"):
    text = f"From: <x@client.example>\r\nMessage-ID: {msgid}\r\nSubject: hello\r\n\r\nhello\r\n"
    if way == "sendmail":
        tree.q.sendmail("-f", sender, *rcpts, stdin=text.replace("\r", "").encode(), check=True)
        return
    with smtplib.SMTP("127.0.0.1", tree.port, timeout=20) as s:
        s.sendmail(sender, rcpts, text)


def traced(tree, word, *wanted):
    """The lines of qctl trace, as soon as they contain all that is wanted."""
    lines = []

    def there():
        r = tree.q.run("qctl", "trace", word)
        lines[:] = r.stdout.decode().splitlines()
        return all(any(re.search(w, line) for line in lines) for w in wanted)

    try:
        wait_for(there, 60)
    except AssertionError:
        raise AssertionError(f"{wanted} not in:\n" + "\n".join(lines)) from None
    return lines


def test_trace_by_message_id_follows_forwards(tree):
    send(tree, "a@client.example", ["list@q.example"], "<Trace.One@client.example>")
    lines = traced(
        tree,
        "<trace.one@CLIENT.example>",
        r"qsmtpd: accept ",
        r"qqueue: queued .*msgid=<Trace\.One@client\.example>",
        r"qsend: delivery .*to=carol@q\.example .*result=K",
        r"qsend: delivery .*to=bob@q\.example .*result=K",
    )
    assert lines == sorted(lines, key=lambda line: line[:26])
    assert not [line for line in lines if not re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} q[a-z]+: ", line)]
    # Three messages: the list's, two that it became
    assert len({i for line in lines for i in re.findall(r" id=(\w{17})", line)}) == 3
    # Without the brackets, and by the id of the last one, which shows where it comes from
    assert len(qctl(tree, "trace", "trace.one@client.example").splitlines()) >= len(lines)
    last = re.search(r" id=(\w{17})", next(x for x in lines if "delivery" in x and "to=bob@" in x))[1]
    own = qctl(tree, "trace", last)
    assert "to=bob@q.example" in own and "to=alice-on@q.example" in own and "to=carol" not in own


def test_trace_by_address_follows_notifications(tree):
    send(tree, "dave@q.example", ["nobody-here@q.example"], "<two@client.example>", way="sendmail")
    lines = traced(
        tree,
        "NOBODY-HERE@q.example",
        r"qsend: delivery .*rcpt=0 .*to=nobody-here@q\.example .*result=D",
        r"qsend: bounce .*as=",
        r"qsend: delivery .*to=dave@q\.example .*result=K",
        r"qsend: end ",
    )
    assert sum("qqueue: queued" in line for line in lines) == 2
    assert "to=dave@q.example" in "".join(traced(tree, "dave@q.example", "result=K"))


def test_trace_json(tree):
    send(tree, "json@client.example", ["carol@q.example"], "<json@client.example>")
    traced(tree, "<json@client.example>", "qsend: end")
    events = [json.loads(line) for line in qctl(tree, "trace", "--json", "<json@client.example>").splitlines()]
    assert [e["event"] for e in events if e["program"] == "qsend"] == ["new", "start", "delivery", "end"]
    assert all(set(e) >= {"time", "ns", "program", "event"} for e in events)
    assert next(e for e in events if e["event"] == "queued")["msgid"] == "<json@client.example>"


def test_trace_of_what_is_refused(tree):
    with smtplib.SMTP("127.0.0.1", tree.port, timeout=20) as s:
        s.ehlo()
        s.mail("spam@client.example")
        assert s.rcpt("elsewhere@other.example")[0] >= 500
    assert "qsmtpd: refuse" in "".join(traced(tree, "elsewhere@other.example", "refuse"))


def test_trace_finds_nothing(tree):
    assert qctl(tree, "trace", "28cKHvPncUP2IdY3l", code=1) == ""
    assert qctl(tree, "trace", "no@such.example", code=1) == ""
    qctl(tree, "trace", code=100)
    qctl(tree, "trace", "a", "b", code=100)


def test_audit(tree):
    send(tree, "a@client.example", ["carol@q.example", "carol@q.example", "bob@q.example"], "<three@client.example>")
    send(tree, "a@client.example", ["alice-later@q.example", "bob@q.example"], "<later@client.example>")
    traced(tree, "<three@client.example>", "qsend: end")
    lines = traced(tree, "<later@client.example>", "result=Z", "result=K")
    assert {re.search(r"rcpt=(\d)", x)[1] for x in lines if "delivery delivery" in x} == {"0", "1"}
    r = audit(tree)
    assert r["messages"] >= 2 and r["ended"] == r["messages"] - 1 and r["waiting"] == 1
    assert r["delivered"] + r["failed"] + r["open"] == r["recipients"] and r["open"] == 1
    assert not r["violations"] and {x["name"] for x in r["logs"]} >= {"qqueue", "qsend", "qsmtpd"}
    # As text: the window stands in it
    text = qctl(tree, "audit")
    assert re.search(r"^judged: queued from \d{4}-.* to \d{4}-", text, re.M)
    assert "lost 0, double 0, untold 0, recipient 0" in text
    # A window that begins now has none of them
    later = audit(tree, "--since", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + 5)))
    assert later["messages"] == 0
    qctl(tree, "audit", "--since", "yesterday", code=100)
    # More than the clock holds: all of them
    assert audit(tree, "--since", "213504d")["messages"] == r["messages"]
    qctl(tree, "audit", "--since", "9999-01-01", code=100)


# -- logs that somebody has cut ------------------------------------------------


class Logs:
    """A copy of the tree's queue and logs, to be falsified."""

    def __init__(self, tree, tmp):
        self.q = tree.q
        self.home = tmp
        for d in ("queue/new", "queue/cur", "queue/bad", "control", "log"):
            shutil.copytree(tree.q.home / d, tmp / d, ignore=shutil.ignore_patterns("lock", "state"))

    def change(self, service, fn):
        for p in (self.home / "log" / service).iterdir():
            p.write_text("".join(fn(p.read_text().splitlines(keepends=True))))

    def audit(self, code):
        r = subprocess.run(
            [self.q.bin / "qctl-audit", "-C", self.home, "--json"], capture_output=True, timeout=30, check=False
        )
        assert r.returncode == code, (self.id, r)
        return json.loads(r.stdout)


@pytest.fixture
def logs(tree, tmp_path):
    msgid = f"<{tmp_path.name}@client.example>"
    send(tree, "a@client.example", ["carol@q.example", "bob@q.example"], msgid)
    lines = traced(tree, msgid, "qsend: end")
    found = Logs(tree, tmp_path / "copy")
    found.id = re.search(r" id=(\w{17})", lines[0])[1]
    return found


def test_audit_finds_what_is_lost(logs):
    first = logs.audit(0)
    logs.change("qsend", lambda lines: [x for x in lines if logs.id not in x or "to=bob" not in x])
    r = logs.audit(1)
    assert r["lost"] == 1 and r["violations"] == [{"what": "lost", "id": logs.id, "rcpt": 1}]
    assert r["ended"] == first["ended"] - 1
    # A log whose end is missing proves nothing
    current = logs.home / "log/qsend/current"
    current.rename(current.with_name("@400000006b01b5732542c63a.u"))
    r = logs.audit(0)
    assert r["lost"] == 0 and r["unproven"] == 1
    # Still in the queue, nothing is lost
    current.with_name("@400000006b01b5732542c63a.u").rename(current)
    (logs.home / "queue/cur" / logs.id).touch()
    assert logs.audit(0)["waiting"] == first["waiting"] + 1


def test_audit_finds_what_is_double(logs):
    def twice(lines, between=(), text=None):
        for x in lines:
            yield x
            if logs.id in x and "delivery delivery" in x and "rcpt=0" in x:
                stamp = x.split(" ", 1)[0]
                for b in between:
                    yield f"{stamp} {b}\n"
                yield x if text is None else re.sub(r"text=.*", f"text={text}", x)

    original = {p: p.read_text() for p in (logs.home / "log/qsend").iterdir()}

    def restore():
        for p, t in original.items():
            p.write_text(t)

    logs.change("qsend", twice)
    assert logs.audit(1)["violations"] == [{"what": "double", "id": logs.id, "rcpt": 0}]
    restore()
    logs.change("qsend", lambda lines: twice(lines, ["qsend: begin messages=1"]))
    r = logs.audit(0)
    assert (r["again"], r["found"], r["double"]) == (1, 0, 0)
    restore()
    logs.change(
        "qsend", lambda lines: twice(lines, ["qsend: begin messages=1"], r"delivered\\x20before,\\x20did\\x201+0+0")
    )
    r = logs.audit(0)
    assert (r["again"], r["found"], r["double"]) == (0, 1, 0)
    restore()
    logs.change("qsend", lambda lines: [x.replace("rcpt=1", "rcpt=7") if logs.id in x else x for x in lines])
    r = logs.audit(1)
    assert {v["what"] for v in r["violations"]} == {"lost", "recipient"}


def test_audit_at_the_edges_of_the_window(logs):
    before = logs.audit(0)
    # qqueue's log goes back less far than qsend's
    logs.change("qqueue", lambda lines: [x for x in lines if logs.id in x or "queued" not in x][-1:])
    r = logs.audit(0)
    assert r["messages"] == 1 and r["before"] > 0
    # and the other way round
    logs.change("qqueue", lambda lines: lines)
    logs.change("qsend", lambda lines: [x for x in lines if "seconds=" in x and logs.id in x])
    r = logs.audit(0)
    assert r["messages"] == 0 and r["lost"] == 0 and before["messages"] > 1


def test_audit_does_not_judge_the_lines_of_an_earlier_version(logs):
    logs.change("qsend", lambda lines: [re.sub(r" rcpt=\d+", "", x) for x in lines])
    r = logs.audit(0)
    assert r["messages"] == 0 and r["lost"] == 0 and r["before"] > 0


def test_hostile_lines(logs):
    """Whatever stands in a log, trace and audit go on."""
    stamp = "@400000006b01b5732542c63a"
    junk = [
        "\0\0\0",
        "@",
        stamp,
        f"{stamp} qsend: delivery id={logs.id} rcpt=99999999999 result=K text=x",
        f"{stamp} qsend: delivery id={logs.id} rcpt=10000 result=K text=x",
        f"{stamp} qsend: delivery id={logs.id} rcpt=-1 result=K",
        f"{stamp} qsend: new id={logs.id} rcpts=4294967296",
        f"{stamp} qqueue: queued id=zzzzzzzzzzzzzzzzz rcpts=1",
        f"{stamp} qsmtpd: accept id={logs.id} \x1b[2J\x07",
        f"{stamp} x: " + "y" * 100000,
        "@ffffffffffffffffffffffff qsend: new id=" + logs.id,
    ]
    for d in ("qsend", "qsmtpd"):
        p = logs.home / "log" / d / "current"
        p.write_bytes(p.read_bytes() + "\n".join(junk).encode() + b"\nno end")
    r = logs.audit(0)
    assert sum(x["unread"] for x in r["logs"]) >= 8
    t = subprocess.run(
        [logs.q.bin / "qctl-trace", "-C", logs.home, logs.id], capture_output=True, timeout=30, check=False
    )
    assert t.returncode == 0 and b"accept" in t.stdout
    assert re.fullmatch(rb"[\n -~]*", t.stdout)


def test_what_is_no_plain_file_is_no_log(logs):
    """Nobody waits for a FIFO, reads a directory or follows a link."""
    r = logs.audit(0)
    odd = logs.home / "log/odd"
    odd.mkdir()
    os.mkfifo(odd / "current")
    (odd / "@400000006b01b5732542c63a.s").mkdir()
    (odd / "@400000006b01b5732542c63b.s").symlink_to(logs.home / "log/qsend/current")
    assert logs.audit(0)["ended"] == r["ended"]


# -- metrics ----------------------------------------------------------------------

FAMILY = re.compile(r"# TYPE ([a-z_:][a-z0-9_:]*) (gauge|counter|info)")
SAMPLE = re.compile(r'([a-z_:][a-z0-9_:]*)(?:\{([a-z]+="[^"\\\n]*"(?:,[a-z]+="[^"\\\n]*")*)\})? (\S+)')


def read_openmetrics(text):
    """A strict reader of what we use of OpenMetrics 1.0: {name: {labels: value}}."""
    assert text.endswith("# EOF\n")
    samples, seen, name, kind, helped = {}, set(), None, None, True
    for line in text.splitlines()[:-1]:
        assert line == line.strip() and line
        family = FAMILY.fullmatch(line)
        if family:
            assert helped, f"{name} has no help"
            name, kind = family.groups()
            assert name not in seen, f"{name} stands twice"
            seen.add(name)
            helped = False
            continue
        if line.startswith("#"):
            assert re.fullmatch(rf"# HELP {name} [ -~]+", line), line
            helped = True
            continue
        m = SAMPLE.fullmatch(line)
        assert m, line
        endings = {"gauge": ("",), "counter": ("_total", "_created"), "info": ("_info",)}[kind]
        assert m[1] in [name + e for e in endings], f"{line} is not of {name}"
        float(m[3])
        of = samples.setdefault(m[1], {})
        assert m[2] not in of, f"{line} stands twice"
        of[m[2]] = float(m[3])
    return samples


def test_metrics(tree):
    m = read_openmetrics(qctl(tree, "metrics"))
    assert m["quoin_up"][None] == 1 and m["quoin_queue_stalled"][None] == 0
    assert m["quoin_service_up"] == {
        f'service="{s.name}"': s.name not in ("qimapd", "qpop3d")  # tree.py: their doors are off
        for s in (tree.q.home / "run/service").iterdir()
        if s.is_dir() and s.name[0] != "."
    }
    before = m["quoin_attempts_total"]['channel="local",result="delivered"']
    send(tree, "a@client.example", ["carol@q.example"], "<metrics@client.example>")
    traced(tree, "<metrics@client.example>", "qsend: end")
    m = read_openmetrics(qctl(tree, "metrics"))
    assert m["quoin_attempts_total"]['channel="local",result="delivered"'] == before + 1
    assert m["quoin_queue_disk_free_bytes"][None] > 0
    assert abs(m["quoin_start_time_seconds"][None] - time.time()) < 3600


def test_metrics_into_a_file(tree, tmp_path):
    f = tmp_path / "quoin.prom"
    qctl(tree, "metrics", str(f))
    assert read_openmetrics(f.read_text())["quoin_up"][None] == 1
    assert os.listdir(tmp_path) == ["quoin.prom"] and f.stat().st_mode & 0o777 == 0o644
    assert qctl(tree, "metrics", str(tmp_path / "not/there"), code=111) == ""
    # A link is replaced, what is no file is not
    link = tmp_path / "link.prom"
    link.symlink_to(f)
    qctl(tree, "metrics", str(link))
    assert not link.is_symlink()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "stdout").symlink_to("/dev/null")
    for odd in ("fifo", "stdout", "."):
        qctl(tree, "metrics", str(tmp_path / odd), code=100)
    assert sorted(os.listdir(tmp_path)) == ["fifo", "link.prom", "quoin.prom", "stdout"]
    assert (tmp_path / "stdout").is_symlink() and (tmp_path / "fifo").is_fifo()


@pytest.mark.tools("promtool")
def test_promtool_agrees(tree):
    text = qctl(tree, "metrics")
    subprocess.run(["promtool", "check", "metrics"], input=text.encode(), check=True, timeout=30)


def test_metrics_without_qsend(tree):
    subprocess.run(["s6-svc", "-wD", "-T", "20000", "-d", tree.q.home / "run/service/qsend"], check=True, timeout=30)
    try:
        m = read_openmetrics(qctl(tree, "metrics", code=1))
        assert m["quoin_up"][None] == 0 and m["quoin_queue_stalled"][None] == 1
        assert m["quoin_service_up"]['service="qsend"'] == 0
        assert "quoin_queue_messages" not in m
        # The audit needs nobody
        audit(tree)
    finally:
        subprocess.run(["s6-svc", "-wU", "-T", "20000", "-u", tree.q.home / "run/service/qsend"], check=True, timeout=30)
