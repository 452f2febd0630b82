"""Delivery status notifications (RFC 3461, 3464, 3834): who is told what, and that each
report is of the RFC's form, by a reader of the test's own; Postfix before and behind Quoin."""

import email
import email.policy
import email.utils
import re
import signal
import smtplib
import struct
import time

import pytest

from postfix import Postfix
from quoin import wait_for
from sched import Sched, _sum, journal, later, make_id, no, yes

pytestmark = pytest.mark.programs("qsend", "qbounce", "qqueue")

NEVER, SUCCESS, FAILURE, DELAY = "N", "S", "F", "D"
STRANGER = b"C192.0.2.1\0"


# ---- a strict reader of reports -------------------------------------------------

MESSAGE_FIELDS = ["original-envelope-id", "reporting-mta", "dsn-gateway", "received-from-mta", "arrival-date"]
RCPT_FIELDS = [
    "original-recipient", "final-recipient", "action", "status", "remote-mta",
    "diagnostic-code", "last-attempt-date", "final-log-id", "will-retry-until",
]
TYPED = {"original-recipient", "final-recipient", "reporting-mta", "remote-mta", "diagnostic-code"}
DATES = {"arrival-date", "last-attempt-date", "will-retry-until"}
CLASSES = {"failed": "45", "delayed": "4", "delivered": "2", "relayed": "2", "expanded": "2"}
NEEDED = [{"reporting-mta"}, {"final-recipient", "action", "status"}]


def read_group(text, order, needed):
    fields = {}
    last = -1
    for line in text.split("\n"):
        m = re.fullmatch(r"([A-Za-z][A-Za-z0-9-]*): ([\x20-\x7e]*\S)", line)
        assert m, f"no field: {line!r}"
        name, value = m.group(1).lower(), m.group(2)
        assert name not in fields, f"twice: {line!r}"
        if not name.startswith("x-"):
            assert order.index(name) > last, f"out of order: {line!r}"
            last = order.index(name)
        else:
            last = len(order)
        if name in TYPED:
            assert re.fullmatch(r"[A-Za-z0-9-]+; \S.*", value), line
        if name in DATES:
            assert email.utils.parsedate_tz(value)[9] == 0, line
        fields[name] = value
    assert needed <= fields.keys()
    return fields


def read_report(data):
    """(message's fields, [recipient's fields], text, the third part), all of it checked."""
    assert all(len(line) <= 998 for line in data.split(b"\n"))
    m = email.message_from_bytes(data, policy=email.policy.default)
    assert not m.defects and m.get_content_type() == "multipart/report"
    assert m.get_param("report-type") == "delivery-status"
    assert m["Auto-Submitted"] == "auto-replied" and m["MIME-Version"] == "1.0"
    assert m["From"] and m["Message-ID"] and email.utils.parsedate_tz(m["Date"])
    boundary = m.get_boundary().encode()
    parts = data.split(b"--" + boundary)
    assert len(parts) == 5 and parts[4] == b"--\n"
    head, _, body = parts[2][1:].partition(b"\n\n")
    assert head.startswith(b"Content-Type: message/delivery-status")
    assert body.endswith(b"\n\n"), body
    groups = body.decode("ascii").rstrip("\n").split("\n\n")
    whole = read_group(groups[0], MESSAGE_FIELDS, NEEDED[0])
    rcpts = [read_group(g, RCPT_FIELDS, NEEDED[1]) for g in groups[1:]]
    assert rcpts
    for r in rcpts:
        assert re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", r["status"]) and r["status"][0] in CLASSES[r["action"]]
        assert ("will-retry-until" in r) <= (r["action"] == "delayed")
    text, _, original = m.iter_parts()
    return whole, rcpts, text.get_content(), original


def read_qsbmf(data):
    """The addresses, and the text behind the break, by the grammar of QSBMF."""
    _, _, body = data.decode().partition("\n\n")
    assert body.startswith("Hi. This is the")
    failed = {}
    for n, paragraph in enumerate(body.split("\n\n")):
        assert paragraph and all(line.strip() for line in paragraph.split("\n"))
        if n == 0:
            continue
        if paragraph[0] == "-":
            return failed, body.split("\n\n", n + 1)[n + 1]
        m = re.fullmatch(r"<(.*)>:\n?(.*)", paragraph, re.S)
        assert m, paragraph
        failed[m.group(1)] = m.group(2)
    raise AssertionError("no break paragraph")


# ---- qsend and qbounce, with spawners of the test's own -----------------------------


@pytest.fixture
def s(quoin):
    s = Sched(quoin)
    s.reports = []
    s.q.control("virtualdomains", "back.example:back")
    quoin.start_queue()
    yield s
    if s.procs:
        s.kill(signal.SIGKILL)


def queued(s, rcpts, sender="a@back.example", front=b"", behind=b"", message=b"Subject: x\n\nbody\n", ident=None,
           where="new"):
    """A message; rcpts: address, or (address, NOTIFY or None, ORCPT or None). front: C, L, S;
    behind: E, R."""
    env = b"U0\0" + front + b"F%s\0" % sender.encode() + behind
    for r in rcpts:
        address, notify, orcpt = (r, None, None) if isinstance(r, str) else r
        env += b"T%s\0" % address.encode()
        env += b"N%s\0" % notify.encode() if notify else b""
        env += b"O%s\0" % orcpt.encode() if orcpt else b""
    head = b"quoin-2\n" + struct.pack(">IIQ", len(env), 0, len(message)) + _sum(message)
    ident = s.put(head + _sum(head + env) + env + message, ident, where)
    if s.procs:
        s.wake()
    return ident


def start(s, local=yes, remote=yes):
    def take(job, rcpt):
        if rcpt.endswith("@back.example"):
            s.reports.append((job.sender, rcpt, job.message()))
            return "K", "kept"
        return local(job, rcpt)

    s.policy = {"local": take, "remote": remote}
    s.start()


def report_of(s, n=0):
    wait_for(lambda: len(s.reports) > n)
    sender, rcpt, data = s.reports[n]
    assert sender == ""
    return read_report(data)


BOB = "bob@q.example"
FAR = "far@far.example"


@pytest.mark.parametrize("local, rcpt, letter, action", [
    (True, BOB, "K", "delivered"),
    (True, BOB, "X", "expanded"),
    (False, FAR, "K", "relayed"),
])
def test_success_is_told(s, local, rcpt, letter, action):
    def good(job, to):
        return letter, "mx.far.example [192.0.2.1]:25 accepted: 250 ok" if not local else "did it"

    start(s, good, good)
    ident = queued(s, [(rcpt, SUCCESS, "rfc822;Bob+2Bx@q.example")], behind=b"EQQ+2B1\0RF\0")
    whole, rcpts, text, original = report_of(s)
    assert s.reports[0][1] == "a@back.example"
    assert whole["original-envelope-id"] == "QQ+1" and whole["reporting-mta"] == "dns; q.example"
    assert whole["x-quoin-queue-id"] == ident
    assert [(r["action"], r["status"]) for r in rcpts] == [(action, "2.0.0")]
    assert rcpts[0]["original-recipient"] == "rfc822; Bob+x@q.example"
    assert rcpts[0]["final-recipient"] == f"rfc822; {rcpt}"
    assert rcpts[0].get("remote-mta") == (None if local else "dns; mx.far.example")
    assert "diagnostic-code" not in rcpts[0] and rcpt in text
    assert original.get_content_type() == "text/rfc822-headers"  # RET is about failures
    assert "Subject: x" in original.get_payload() and "body" not in original.get_payload()
    s.wait_empty()
    assert f"bounce id={ident} as=" in s.log()


@pytest.mark.parametrize("rcpt, letter, notify, sender", [
    (BOB, "K", None, "a@back.example"),
    (BOB, "K", FAILURE + DELAY, "a@back.example"),
    (BOB, "R", SUCCESS, "a@back.example"),  # who is behind the forward tells
    (FAR, "R", SUCCESS, "a@back.example"),  # the peer tells
    (FAR, "K", SUCCESS, ""),
    (FAR, "K", SUCCESS, "#@[]"),
])
def test_success_is_not_told(s, rcpt, letter, notify, sender):
    """… and then nothing is written either."""
    start(s, lambda j, r: (letter, "ok"), lambda j, r: (letter, "ok"))
    queued(s, [(rcpt, notify, None)], sender=sender)
    s.wait_empty()
    assert not s.reports and "bounce id=" not in s.log() and not list((s.q.queue / "state").iterdir())


@pytest.mark.parametrize("notify, sender, told", [
    (None, "a@back.example", 1),
    (FAILURE, "a@back.example", 1),
    (NEVER, "a@back.example", 0),
    (SUCCESS + DELAY, "a@back.example", 0),
    (NEVER, "", 0),
])
def test_failure_is_told_to_those_who_want_it(s, notify, sender, told):
    start(s, no, no)
    queued(s, [(BOB, notify, None)], sender=sender)
    s.wait_empty()
    assert len(s.reports) == told and f"to={BOB} result=D" in s.log()


def test_one_report_holds_all_of_it(s):
    """Failures and successes, and nobody who did not ask; a retry in between."""
    answers = {BOB: ("D", "550 5.1.1 no"), "carol@q.example": ("K", "did it"), "dave@q.example": ("K", "did it"),
               "erin@q.example": ("D", "no"), FAR: ("Z", "451 4.3.0 wait")}
    start(s, lambda j, r: answers[r], lambda j, r: answers[r])
    ident = queued(s, [(BOB, FAILURE + SUCCESS, None), ("carol@q.example", SUCCESS, None), "dave@q.example",
                       ("erin@q.example", NEVER, None), (FAR, SUCCESS + FAILURE, None)], front=STRANGER)
    wait_for(lambda: s.tried(FAR) == 1 and s.tried("erin@q.example") == 1)
    wait_for(lambda: {r[:2] for r in s.records(ident)} >= {
        ("D", 0), ("S", 1), ("K", 2), ("D", 3), ("Z", 4)})
    assert s.kill(signal.SIGKILL) == -signal.SIGKILL  # what is to be told outlives qsend
    answers[FAR] = ("K", "mx [1] accepted: 250 ok")
    start(s, lambda j, r: answers[r], lambda j, r: answers[r])
    s.send(signal.SIGALRM)
    _, rcpts, text, original = report_of(s)
    assert [(r["final-recipient"][8:], r["action"]) for r in rcpts] == [
        (BOB, "failed"), ("carol@q.example", "delivered"), (FAR, "relayed")]
    assert rcpts[0]["diagnostic-code"] == "smtp; 550 5.1.1 no"
    assert re.search(rf"did not reach.*<{BOB}>.*was delivered.*<carol@.*passed on.*<{FAR}>", text, re.S)
    assert original.get_content_type() == "message/rfc822"
    s.wait_empty()
    assert len(s.reports) == 1 and s.tried("carol@q.example") == 1


def test_a_journal_of_before_goes_on(s):
    """What the version before remembered, and what is appended to it."""
    ident = make_id()
    old = journal(ident, [b"D" + struct.pack(">I", 0) + b"550 5.1.1 no\0"], b"quoin-s1")
    s.put_state(ident, old)
    queued(s, [(BOB, None, None), (FAR, SUCCESS, None)], ident=ident, where="cur")
    start(s, no, yes)
    s.send(signal.SIGALRM)
    _, rcpts, _, _ = report_of(s)
    assert [r["action"] for r in rcpts] == ["failed", "relayed"]
    assert s.tried(BOB) == 0


@pytest.mark.parametrize("ret, limit, size, kind, cut", [
    (None, None, 100, "message/rfc822", False),
    ("F", None, 40_000, "message/rfc822", False),
    ("F", None, 60_000, "text/rfc822-headers", True),
    ("F", "0", 300_000, "message/rfc822", False),
    ("H", None, 100, "text/rfc822-headers", False),
    (None, "100", 200, "text/rfc822-headers", True),
])
def test_what_comes_back(s, ret, limit, size, kind, cut):
    s.q.control("bouncemaxbytes", limit)
    start(s, no)
    body = (b"\xe4" * 70 + b"\n") * (size // 71)
    queued(s, [BOB], message=b"Subject: x\n\n" + body, behind=b"R%s\0" % ret.encode() if ret else b"")
    _, _, text, original = report_of(s)
    assert original.get_content_type() == kind and ("too large" in text) == cut
    data = s.reports[0][2]
    assert (body in data) == (kind == "message/rfc822")
    encoding = "8bit" if kind == "message/rfc822" else "7bit"
    assert original["Content-Transfer-Encoding"] == encoding
    # RFC 2045 6.4: the whole is what its parts are
    assert email.message_from_bytes(data).get("Content-Transfer-Encoding", "7bit") == encoding


def test_header_alone_of_a_message_that_has_none(s):
    start(s, no)
    queued(s, [BOB], message=b"\nsecret\n\nmore\n", behind=b"RH\0")
    _, _, _, original = report_of(s)
    assert original.get_content_type() == "text/rfc822-headers" and b"secret" not in s.reports[0][2]


def test_settings_without_a_restart(s):
    start(s, no)
    s.q.control("bouncefrom", "robot")
    s.q.control("bouncehost", "b.example")
    s.q.control("qsbmf", "1")
    s.send(signal.SIGHUP)
    deadline = time.monotonic() + 10
    for n in range(1000):
        queued(s, [f"b{n}@q.example"])
        wait_for(lambda n=n: len(s.reports) > n)
        if b"\nFrom: robot@b.example\n" in s.reports[n][2] or time.monotonic() > deadline:
            break
    assert read_qsbmf(s.reports[-1][2])[0].keys() == {f"b{n}@q.example"}
    s.q.control("bouncemaxbytes", "much")
    s.send(signal.SIGHUP)
    wait_for(lambda: "keeping the old settings of notifications: control/bouncemaxbytes: line 1" in s.log())


def test_qsbmf(s):
    s.q.control("qsbmf", "1")
    s.q.control("doublebounceto", "boss")
    s.q.control("doublebouncehost", "back.example")
    start(s, lambda j, r: ("D", f"mx [192.0.2.1] said: 550 {r}\t\n\nno") if r != FAR else ("D", ""), no)
    queued(s, [BOB, "b c@q.example", ('"<>:\n\n-"@q.example'.replace("\n", ""), None, None)])
    failed, rest = wait_for(lambda: s.reports and read_qsbmf(s.reports[0][2]))
    assert len(failed) == 3 and failed[BOB].endswith(f"550 {BOB}   no") and '"b c"@q.example' in failed
    assert rest == "Return-Path: <a@back.example>\nSubject: x\n\nbody\n"
    queued(s, [(BOB, FAILURE, None)], sender="")  # and one to the postmaster
    sender, rcpt, data = wait_for(lambda: len(s.reports) > 1 and s.reports[1])
    assert (sender, rcpt) == ("#@[]", "boss@back.example")
    assert read_qsbmf(data)[1].startswith("Return-Path: <>\n")


# ---- delay ------------------------------------------------------------------------


def passes(s, rcpt, until, deadline=60):
    """Tries it again and again until something is true."""
    def again():
        n = s.tried(rcpt)
        wait_for(lambda: s.tried(rcpt) > n or s.send(signal.SIGALRM))
        return until()

    wait_for(again, deadline)


def test_a_submission_that_waits_is_warned_of_once(s):
    s.q.control("delaywarn", "1")
    s.q.control("queuelifetime", "400000")
    start(s, remote=lambda j, r: ("Z", "mx.far.example [192.0.2.1]:25 said: 451 4.7.1 come back")
          if not r.startswith("ok") else ("K", "ok"))
    born = time.time()
    ident = queued(s, [FAR, ("quiet@far.example", FAILURE, None), ("d@far.example", DELAY, None), "ok@far.example"],
                   front=STRANGER + b"S1\0", behind=b"EQQ1\0RF\0")
    passes(s, FAR, lambda: s.reports)
    whole, rcpts, text, original = report_of(s)
    assert whole["original-envelope-id"] == "QQ1"
    assert [(r["final-recipient"][8:], r["action"], r["status"]) for r in rcpts] == [
        (FAR, "delayed", "4.7.1"), ("d@far.example", "delayed", "4.7.1")]
    assert rcpts[0]["diagnostic-code"] == "smtp; 451 4.7.1 come back"
    assert rcpts[0]["remote-mta"] == "dns; mx.far.example"
    until = email.utils.mktime_tz(email.utils.parsedate_tz(rcpts[0]["will-retry-until"]))
    assert abs(until - born - 400_000) < 10
    assert abs(email.utils.mktime_tz(email.utils.parsedate_tz(rcpts[0]["last-attempt-date"])) - time.time()) < 60
    assert "need not" in text and original.get_content_type() == "text/rfc822-headers"
    wait_for(lambda: f"warn id={ident} as=" in s.log())
    n = s.tried(FAR)
    passes(s, FAR, lambda: s.tried(FAR) > n + 3)
    assert s.kill(signal.SIGTERM) == 0  # nor after a restart
    start(s, remote=later)
    began = time.monotonic()
    passes(s, FAR, lambda: time.monotonic() > began + 1.5)
    assert len(s.reports) == 1


@pytest.mark.parametrize("seconds", [pytest.param("0", marks=pytest.mark.long), "1", "7200"])
def test_no_warning(s, seconds):
    """Switched off; not wanted, or not wanted by a submitter; not seen to wait: the clock says
    three hours, qsend has just begun."""
    s.q.control("delaywarn", seconds)
    start(s, remote=later)

    def wait(**kw):
        queued(s, [(FAR, kw.pop("notify", None), None)], ident=make_id(time.time_ns() - 3 * 3600 * 10**9), **kw)

    if seconds == "1":
        wait(front=STRANGER)
        wait(notify=FAILURE)
        wait(notify=NEVER)
        wait(sender="")
    else:
        wait()
    began = time.monotonic()
    passes(s, FAR, lambda: time.monotonic() > began + 1.5)
    assert not s.reports and "warn id=" not in s.log()


def test_a_warning_is_for_its_message_alone(s):
    """Without qqueue there is no warning, and nothing else comes of that."""
    s.q.control("delaywarn", "1")
    s.q.stop("qqueue")
    state = {"remote": later}
    start(s, remote=lambda j, r: state["remote"](j, r))
    ident = queued(s, [FAR])
    passes(s, FAR, lambda: f"no warning of the delay of {ident}" in s.log())
    state["remote"] = yes
    s.send(signal.SIGALRM)
    s.wait_empty()


# ---- all of Quoin -------------------------------------------------------------------


@pytest.fixture
def house(quoin):
    quoin.users("alice", "bob", "carol")
    quoin.start_queue()
    yield quoin


def run(q, **kw):
    q.start_delivery()
    q.start_smtp(**kw)


def mail(port, sender, rcpt, options=(), rcpt_options=(), message=b"Subject: x\r\n\r\nhello\r\n"):
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as c:
        c.ehlo("client.example")
        assert c.has_extn("dsn")
        return c.sendmail(sender, [rcpt], message, options, rcpt_options)


def reports_in(q, user, n=1, deadline=60):
    """What came to a user, as reports; the From_ lines of delivery are taken off."""
    mails = wait_for(lambda: len(q.maildir(user)) >= n and q.maildir(user), deadline, f"mail for {user}")
    return [read_report(re.sub(rb"\A(?:Return-Path|Delivered-To|Received): .*\n(?:[ \t].*\n)*", b"", strip(m)))
            for m in mails]


def strip(m):
    """The message as it was submitted: trace fields off."""
    while re.match(rb"(Return-Path|Delivered-To|Received):", m):
        m = re.sub(rb"\A[A-Za-z-]+: .*\n(?:[ \t].*\n)*", b"", m)
    return m


ALL_OPTIONS = (["RET=HDRS", "ENVID=QQ+2B1"], ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;Bob+2Bx@q.example"])
DELIVERY = ("qstart", "qlspawn", "qlocal", "qlisten", "qsmtpd", "qgetpw")


@pytest.mark.programs(*DELIVERY)
def test_smtp_to_a_mailbox(house):
    run(house)
    mail(house.smtp_port, "alice@q.example", "bob@q.example", *ALL_OPTIONS)
    [(whole, rcpts, _, _)] = reports_in(house, "alice")
    assert whole["original-envelope-id"] == "QQ+1"
    assert rcpts[0]["original-recipient"] == "rfc822; Bob+x@q.example"
    assert [r["action"] for r in rcpts] == ["delivered"]
    assert len(house.maildir("bob")) == 1


@pytest.mark.programs(*DELIVERY, "forward", "condredirect")
@pytest.mark.parametrize("lines, final, action", [
    ("&carol@q.example\n", "carol@q.example", "delivered"),
    ("&carol@q.example\n&alice-copy@q.example\n", "bob@q.example", "expanded"),
    ("./Maildir/\n&carol@q.example\n", "bob@q.example", "delivered"),
    ("|forward -C @HOME@ carol@q.example\n", "bob@q.example", "delivered"),
    ("|condredirect -C @HOME@ carol@q.example true\n", "bob@q.example", "delivered"),
])
def test_exactly_one_success_behind_a_forward(house, lines, final, action):
    house.write_home("bob", ".qmail", lines.replace("@HOME@", str(house.home)))
    house.write_home("alice", ".qmail-copy", "#\n")
    run(house)
    mail(house.smtp_port, "alice@q.example", "bob@q.example", *ALL_OPTIONS)
    [(whole, rcpts, _, _)] = reports_in(house, "alice")
    assert [(r["final-recipient"], r["action"]) for r in rcpts] == [(f"rfc822; {final}", action)]
    assert whole["original-envelope-id"] == "QQ+1"
    assert rcpts[0]["original-recipient"] == "rfc822; Bob+x@q.example"
    wait_for(lambda: house.maildir("carol") and house.queue_is_empty())
    assert len(house.maildir("alice")) == 1


@pytest.mark.programs(*DELIVERY)
@pytest.mark.parametrize("options, told", [((), 1), (["NOTIFY=FAILURE"], 1), (["NOTIFY=SUCCESS"], 0), (["NOTIFY=NEVER"], 0)])
def test_a_failure_behind_a_forward(house, options, told):
    """ORCPT is set where there was none: the sender finds the address that he wrote."""
    house.write_home("bob", ".qmail", "&carol-gone@q.example\n")
    run(house)
    mail(house.smtp_port, "alice@q.example", "bob@q.example", (), options)
    wait_for(lambda: "result=D" in house.log("qstart") and house.queue_is_empty(), 60)
    assert len(house.maildir("alice")) == told
    for _, rcpts, _, _ in reports_in(house, "alice", told) if told else ():
        assert rcpts[0]["final-recipient"] == "rfc822; carol-gone@q.example"
        assert rcpts[0]["original-recipient"] == "rfc822; bob@q.example"


@pytest.mark.programs(*DELIVERY)
def test_a_list_keeps_requests_from_its_members(house):
    house.write_home("bob", ".qmail-list", "&carol@q.example\n&carol-gone@q.example\n")
    house.write_home("bob", ".qmail-list-owner", "./Maildir/\n")
    run(house)
    mail(house.smtp_port, "alice@q.example", "bob-list@q.example", *ALL_OPTIONS)
    [(_, rcpts, _, _)] = reports_in(house, "alice")
    assert [(r["final-recipient"], r["action"]) for r in rcpts] == [("rfc822; bob-list@q.example", "delivered")]
    [(whole, rcpts, _, _)] = reports_in(house, "bob")  # the owner hears of the member
    assert "original-envelope-id" not in whole and "original-recipient" not in rcpts[0]
    assert rcpts[0]["action"] == "failed"
    wait_for(house.queue_is_empty)
    assert len(house.maildir("alice")) == 1


def envelope_of(q):
    [f] = q.queue_files()
    return " ".join(k + v.decode() for k, v in f.fields if k != "U")


@pytest.mark.programs("sendmail")
@pytest.mark.parametrize("options, fields", [
    (("-N", "success,delay", "-R", "hdrs", "-V", "QQ+2B1"), "EQQ+2B1 RH Tb@q.example NSD Tc@q.example NSD"),
    (("-Nnever", "-Vplain id"), "Eplain+20id Tb@q.example NN Tc@q.example NN"),
    (("-Rfull",), "RF Tb@q.example Tc@q.example"),
])
def test_sendmail_options(house, options, fields):
    house.sendmail("-f", "a@q.example", *options, "-t", "c@q.example", stdin=b"To: b@q.example\n\nx\n", check=True)
    env = envelope_of(house)
    assert env.startswith("Fa@q.example ") and sorted(env.split()[1:]) == sorted(fields.split())


@pytest.mark.programs("sendmail")
def test_sendmail_refuses_what_it_does_not_know(house):
    for options, word in ((("-N", "sometimes"), b"never"), (("-R", "half"), b"full or hdrs"), (("-V", "\u00e4"), b"printable")):
        r = house.sendmail(*options, "b@q.example", stdin=b"\nx\n")
        assert r.returncode == 64 and word in r.stderr
    assert not house.queue_files()


@pytest.mark.programs("sendmail")
def test_sendmail_bs(house):
    said = [b"EHLO x", b"MAIL FROM:<a@q.example> ENVID=1 RET=FULL", b"RCPT TO:<b@q.example> NOTIFY=FAILURE,SUCCESS",
            b"RCPT TO:<c@q.example> ORCPT=rfc822;c+2B@q", b"DATA", b"", b"x", b".",
            b"RSET", b"MAIL FROM:<a@q.example>", b"RCPT TO:<b@q.example>", b"DATA", b"", b"y", b".", b"QUIT", b""]
    r = house.sendmail("-bs", stdin=b"\r\n".join(said), check=True)
    assert b"\r\n250-DSN\r\n" in r.stdout
    envs = [" ".join(k + v.decode() for k, v in f.fields if k != "U") for f in house.queue_files()]
    assert envs == ["Fa@q.example E1 RF Tb@q.example NSF Tc@q.example Orfc822;c+2B@q", "Fa@q.example Tb@q.example"]


# ---- Postfix --------------------------------------------------------------------------


@pytest.fixture
def pair(house):
    """Quoin, and a Postfix that has far.example; each sends the rest to the other."""
    house.control("rcpthosts", "q.example")
    run(house, env={"RELAYCLIENT": ""})
    top = house.home / "far"
    top.mkdir()
    top.chmod(0o777)
    with Postfix(
        relayhost=f"[127.0.0.1]:{house.smtp_port}",
        mynetworks="127.0.0.0/8",
        virtual_mailbox_domains="far.example",
        virtual_mailbox_maps="inline:{sam@far.example=sam/}",
        virtual_mailbox_base=str(top),
        virtual_uid_maps="static:61999",
        virtual_gid_maps="static:61999",
        virtual_minimum_uid="1000",
    ) as p:
        house.control("smtproutes", f"far.example:[127.0.0.1]:{p.port}")
        house.service("qstart").popen.send_signal(signal.SIGHUP)
        p.box = top / "sam/new"
        yield p, house


def foreign(data):
    """Postfix's report: (fields of the message, those of its recipients)."""
    m = email.message_from_bytes(data, policy=email.policy.default)
    status = next(p for p in m.walk() if p.get_content_type() == "message/delivery-status").get_payload()
    return status[0], status[1:]


PEER = [pytest.mark.root("Postfix becomes its own users"), pytest.mark.tools("postfix"),
        pytest.mark.programs(*DELIVERY, "qrspawn", "qremote")]


def marked(f):
    for m in PEER:
        f = m(f)
    return f


def success_at_postfix(p, q):
    """What was asked goes on to a peer that announces DSN, and exactly one report comes."""
    options = (["RET=FULL", "ENVID=QQ+2B1"], ["NOTIFY=SUCCESS", "ORCPT=rfc822;Sam+2Bx@far.example"])
    mail(q.smtp_port, "alice@q.example", "sam@far.example", *options)
    data = wait_for(lambda: q.maildir("alice"), 60, p.log()[-2000:])[0]
    whole, rcpts = foreign(data)
    assert whole["Reporting-MTA"] == "dns; pf.example" and whole["Original-Envelope-Id"] == "QQ+1"
    assert [r["Action"] for r in rcpts] == ["delivered"]
    assert rcpts[0]["Original-Recipient"] == "rfc822;Sam+x@far.example"
    wait_for(lambda: q.queue_is_empty() and p.queue_is_empty(), 60)
    assert len(q.maildir("alice")) == 1 and "result=R" in q.log("qstart")


def failure_at_postfix(p, q):
    mail(q.smtp_port, "carol@q.example", "nobody@far.example", *ALL_OPTIONS)
    [(whole, rcpts, _, original)] = reports_in(q, "carol", deadline=30)
    assert whole["original-envelope-id"] == "QQ+1" and rcpts[0]["action"] == "failed"
    assert rcpts[0]["status"] == "5.1.1" and rcpts[0]["remote-mta"].startswith("dns; ")
    assert re.match(r"smtp; 550 5\.1\.1 <nobody@far\.example>: ", rcpts[0]["diagnostic-code"])
    assert original.get_content_type() == "text/rfc822-headers"


def asked_by_postfix(p, q):
    had = set(p.box.iterdir())
    mail(p.port, "sam@far.example", "bob@q.example", *ALL_OPTIONS)
    [report] = wait_for(lambda: set(p.box.iterdir()) - had, 60, p.log()[-2000:])
    data = strip(report.read_bytes().replace(b"X-Original-To: ", b"Received: x "))
    whole, rcpts, _, _ = read_report(data)
    assert whole["original-envelope-id"] == "QQ+1" and whole["reporting-mta"] == "dns; q.example"
    assert [(r["action"], r["original-recipient"]) for r in rcpts] == [("delivered", "rfc822; Bob+x@q.example")]
    wait_for(lambda: q.queue_is_empty() and p.queue_is_empty(), 60)
    assert len(set(p.box.iterdir()) - had) == 1


@marked
def test_postfix_on_both_sides(pair):
    """Success and failure at Postfix, and what Postfix passes on to Quoin."""
    success_at_postfix(*pair)
    failure_at_postfix(*pair)
    asked_by_postfix(*pair)


@pytest.mark.long
@marked
def test_a_postfix_without_dsn_leaves_it_to_quoin(pair):
    p, q = pair
    (p.conf / "main.cf").open("a").write("smtpd_discard_ehlo_keywords = dsn\n")
    p.stop()
    p.start()
    mail(q.smtp_port, "alice@q.example", "sam@far.example", *ALL_OPTIONS)
    [(whole, rcpts, text, _)] = reports_in(q, "alice", deadline=30)
    assert [r["action"] for r in rcpts] == ["relayed"] and whole["original-envelope-id"] == "QQ+1"
    assert rcpts[0]["remote-mta"].startswith("dns; ") and "will not tell" in text.replace("\n", " ")
    wait_for(lambda: p.box.is_dir() and list(p.box.iterdir()), 60)
    assert len(q.maildir("alice")) == 1
