"""SEARCH, SORT and THREAD, beside Dovecot over the same Maildir where that is there."""

import os
import random
import time

import imapd
import pytest

pytestmark = pytest.mark.programs("qimapd")

N = 60
NAMES = ["Anna", "bert", "=?utf-8?q?J=C3=BCrgen?=", "=?iso-8859-1?q?Ren=E9?=", "Zoe"]
SUBJECTS = ["lunch", "Re: lunch", "=?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=", "[list] Fwd: report (fwd)", "REPORT", "",
            "=?utf-8?b?0J/RgNC40LLQtdGC?=", "long\n folded\n subject"]
BODIES = ["Hello world, this is plain.", "Nothing to see", "WORLD of tomorrow", "ümlaut in utf-8 ÄÖÜ", "grosse Straße"]


def message(i):
    r = random.Random(i)
    head = [f"Message-ID: <{i}@x.example>"]
    if i % 9:
        head.append(f"From: {NAMES[i % 5]} <{NAMES[i % 5][:3].strip('=?')}{i % 7}@from.example>")
    if i % 4:
        head.append(f"To: list{i % 3}@to.example, \"Second, One\" <second{i % 4}@to.example>")
    if i % 5 == 0:
        head.append("Cc: copy@cc.example")
    if i % 11 == 0:
        head.append("Bcc: blind@bcc.example")
    if i % 7:
        head.append(f"Subject: {SUBJECTS[i % 8]}")
    if i % 6:
        head.append(f"Date: {1 + i % 28} Mar 2021 {i % 24:02d}:15:{i:02d} {['+0000', '-0800', '+1200'][i % 3]}")
    if i > 10 and i % 3 == 0:
        head.append(f"In-Reply-To: <{i - 7}@x.example>")
    if i > 10 and i % 4 == 0:
        head.append(f"References: <{i - 9}@x.example> <{i - 5}@x.example>")
    if i % 8 == 0:
        head.append(f"X-Mark: yes {i}")
    body = BODIES[i % 5] + "\n" + "filler " * r.randrange(400) + "\n"
    if i % 10 == 3:
        head += ["MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=bb"]
        body = ("preamble secretword\n--bb\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"
                "K=F6ln und soft=\nbreak\n--bb\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
                "PHA+YmFzZSB3b3JkPC9wPg==\n--bb\nContent-Type: image/png; name=pic.png\nContent-Transfer-Encoding: base64\n\nd29ybGQgaW4gYW4gaW1hZ2U=\n"
                "--bb\nContent-Type: message/rfc822\n\nSubject: innersubject\nFrom: inner@x.example\n\ninnerbody\n--bb--\n")
    elif "\xfc" in body or "\xc4" in body or "ß" in body:
        head += ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
    flags = "".join(f for f, k in zip("DFRST", (13, 3, 4, 2, 10)) if i % k == 0)
    return f"2,{flags}", ("\n".join(head) + "\n\n" + body).encode()


@pytest.fixture(scope="module")
def maildir(tmp_path_factory):
    return imapd.make(tmp_path_factory.mktemp("search") / "Maildir", [message(i) for i in range(1, N + 1)])


@pytest.fixture(scope="module")
def s(maildir):
    with imapd.Session.qimapd(maildir) as session:
        session.ok("SELECT INBOX")
        yield session


@pytest.fixture(scope="module")
def dovecot(maildir, tmp_path_factory):
    if not imapd.have_dovecot():
        pytest.skip("not installed: dovecot-imapd")
    session = imapd.dovecot(tmp_path_factory.mktemp("dovecot") / "d", maildir)
    session.ok("SELECT INBOX")
    yield session
    session.end()


SEARCHES = """ALL
SEEN
UNSEEN
ANSWERED UNDELETED
FLAGGED UNDRAFT
DELETED
DRAFT
NOT FLAGGED
OR FLAGGED ANSWERED
NOT (OR FLAGGED ANSWERED) UNSEEN
OR OR DELETED DRAFT OR FLAGGED ANSWERED
1:10
5,7,9:12 FLAGGED
*
55:*
UID 1:7
UID 50:*
NOT 1:50
KEYWORD $None
UNKEYWORD $None
LARGER 1000
SMALLER 1000
LARGER 1000 SMALLER 2000
NOT SMALLER 0
BEFORE 1-Oct-2020
ON 20-Sep-2020
SINCE 20-Sep-2020
SINCE 1-Oct-2020 BEFORE 10-Oct-2020
SENTBEFORE 10-Mar-2021 HEADER Date ""
SENTON 7-Mar-2021
SENTON 14-Mar-2021
SENTSINCE 20-Mar-2021
NOT SENTSINCE 20-Mar-2021
OLDER 100000
YOUNGER 100000
SUBJECT lunch
SUBJECT LUNCH
SUBJECT "long folded"
SUBJECT grüße
SUBJECT "GRÜSSE"
SUBJECT Köln
SUBJECT привет
SUBJECT ""
FROM anna
FROM jürgen
FROM rené
FROM from.example
FROM nobody
TO list1
TO "Second, One"
CC copy
BCC blind
HEADER X-Mark yes
HEADER x-mark "yes 16"
HEADER X-Mark ""
HEADER Message-ID 12@x
HEADER Message-ID <12@x.example>
HEADER In-Reply-To 20@
HEADER References 15@
HEADER Subject report
HEADER Content-Type multipart
NOT HEADER X-Mark ""
BODY world
BODY WORLD
BODY ümlaut
BODY "plain."
BODY straße
BODY köln
BODY softbreak
BODY "base word"
BODY innerbody
BODY innersubject
BODY "in an image"
BODY Message-ID
TEXT world
TEXT Message-ID
TEXT innersubject
TEXT copy@cc.example
TEXT lunch
TEXT jürgen
OR BODY world SUBJECT lunch
BODY world SUBJECT lunch
NOT TEXT world
TEXT world NOT BODY world
OR TEXT nothing OR BODY köln FROM zoe
SEEN BODY world LARGER 500""".splitlines()

# Dovecot looks into a multipart's preamble too; RFC 2045 says that readers ignore it. Ours is what
# lib/mime/textsearch.h says.


def utf8(line):
    """Words beyond ASCII go as literals."""
    out = b""
    for word in line.split(" "):
        raw = word.strip('"').encode()
        out += b" " if out else b""
        out += word.encode() if word.isascii() else b"{%d+}\r\n" % len(raw) + raw
    return out


@pytest.mark.parametrize("keys", SEARCHES)
def test_search(s, dovecot, keys):
    command = b"SEARCH CHARSET UTF-8 " + utf8(keys)
    assert s.ok(command).search() == dovecot.ok(command).search()


@pytest.mark.parametrize("keys", SEARCHES[::5])
def test_uid_search_and_esearch(s, dovecot, keys):
    for form in ("UID SEARCH RETURN (MIN MAX COUNT ALL) CHARSET UTF-8 ", "SEARCH RETURN () CHARSET UTF-8 ",
                 "UID SEARCH RETURN (MIN MAX) CHARSET UTF-8 ", "SEARCH RETURN (MAX) CHARSET UTF-8 ",
                 "SEARCH RETURN (COUNT) CHARSET UTF-8 "):
        ours, theirs = (
            imapd.parse(next(x for x in session.ok(form.encode() + utf8(keys)).untagged if x.startswith(b"* ESEARCH")))
            for session in (s, dovecot))
        begin = 4 if form.startswith("UID") else 3
        assert ours[begin - 1 : begin] == theirs[begin - 1 : begin] or begin == 3
        assert dict(zip(ours[begin::2], ours[begin + 1 :: 2])) == dict(zip(theirs[begin::2], theirs[begin + 1 :: 2])), form


@pytest.mark.parametrize("by", ["ARRIVAL", "SIZE", "DATE", "SUBJECT", "FROM", "TO", "CC", "REVERSE ARRIVAL", "REVERSE DATE",
                                "SUBJECT DATE", "FROM REVERSE SIZE", "REVERSE SUBJECT ARRIVAL", "CC TO SUBJECT"])
def test_sort(s, dovecot, by):
    for keys in ("ALL", "UNSEEN", "FLAGGED SEEN", "UID 99"):
        for uid in ("", "UID "):
            command = f"{uid}SORT ({by}) UTF-8 {keys}"
            assert s.ok(command).search() == dovecot.ok(command).search(), keys


@pytest.mark.parametrize("how", ["REFERENCES", "ORDEREDSUBJECT"])
def test_thread(s, dovecot, how):
    for keys in ("ALL", "UNSEEN", "UID 99"):
        for uid in ("", "UID "):
            ours, theirs = (next(x for x in session.ok(f"{uid}THREAD {how} UTF-8 {keys}").untagged if b"THREAD" in x)
                            for session in (s, dovecot))
            assert ours == theirs.rstrip()


# ---- by ourselves ----------------------------------------------------------------------


def test_random_trees_are_what_sets_say(s):
    """AND, OR and NOT of sets, nested at random, against Python's."""
    everything = set(range(1, N + 1))

    def tree(depth):
        kind = random.choice("sssaon") if depth > 0 else "s"
        if kind == "s":
            a, b = sorted((random.randint(1, N), random.randint(1, N)))
            return f"{a}:{b}", set(range(a, b + 1))
        x, xs = tree(depth - 1)
        if kind == "n":
            return f"NOT {x}", everything - xs
        y, ys = tree(depth - 1)
        return (f"({x} {y})", xs & ys) if kind == "a" else (f"OR {x} {y}", xs | ys)

    random.seed(3)
    for _ in range(300):
        text, wanted = tree(8)
        assert set(s.ok("SEARCH " + text).search()) == wanted, text


def test_what_dovecot_gets_wrong(s):
    """2.3.19 takes SEEN out of both sides of the OR."""
    keys = "OR (FLAGGED SEEN) NOT (ANSWERED SEEN)"
    assert s.ok("SEARCH " + keys).search() == [i for i in range(1, N + 1) if i % 6 == 0 or i % 4]


def test_a_message_without_a_date_was_never_sent(s):
    without = [i for i in range(1, N + 1) if i % 6 == 0]
    for key in ("SENTBEFORE 1-Jan-2030", "SENTSINCE 1-Jan-1990", "SENTON 6-Mar-2021"):
        assert not set(without) & set(s.ok("SEARCH " + key).search())


def test_bad_keys(s):
    for keys in ("", "(ALL", "NOT", "OR ALL", "FOO", "SUBJECT", "LARGER x", "BEFORE 32-Jan-2020", "UID 0", "ALL)", "KEYWORD"):
        s.bad("SEARCH " + keys)
    s.bad("SEARCH RETURN (FOO) ALL")
    s.bad("SEARCH RETURN (MIN ALL")
    s.bad("SORT () UTF-8 ALL")
    s.bad("SORT (FOO) UTF-8 ALL")
    s.bad("SORT (REVERSE) UTF-8 ALL")
    s.bad("SORT (DATE) UTF-8")
    s.bad("THREAD FOO UTF-8 ALL")


def test_limits(s):
    assert s.no("SEARCH " + "NOT " * 600 + "ALL").code() == "LIMIT"
    assert s.no("SEARCH " + " ".join(["ALL"] * 10001)).code() == "LIMIT"
    assert s.no('SEARCH BODY "' + "x" * 4097 + '"').code() == "LIMIT"


def test_charsets(s):
    wanted = s.ok(b"SEARCH CHARSET UTF-8 SUBJECT {5+}\r\nk\xc3\xb6ln").search()
    assert wanted
    assert s.ok(b"SEARCH CHARSET ISO-8859-1 SUBJECT {4+}\r\nk\xf6ln").search() == wanted
    assert s.ok(b"SEARCH SUBJECT {5+}\r\nk\xc3\xb6ln").search() == wanted
    for command in ("SEARCH CHARSET X-NONE ALL", "SORT (DATE) X-NONE ALL", "THREAD REFERENCES X-NONE ALL"):
        assert s.no(command).code().startswith("BADCHARSET")


def test_saved_result(maildir):
    with imapd.Session.qimapd(maildir) as s:
        s.ok("EXAMINE INBOX")
        assert s.ok("SEARCH $").search() == []
        assert s.ok("SEARCH RETURN (SAVE) FLAGGED").untagged == []
        flagged = s.ok("SEARCH FLAGGED").search()
        assert s.ok("SEARCH $").search() == flagged
        assert s.ok("SEARCH $ SEEN").search() == s.ok("SEARCH FLAGGED SEEN").search()
        assert s.ok("SEARCH NOT $").search() == s.ok("SEARCH UNFLAGGED").search()
        assert sorted(s.ok("FETCH $ UID").fetched()) == flagged
        assert sorted(s.ok("UID FETCH $ FLAGS").fetched()) == flagged
        assert b"COUNT %d" % len(flagged) in s.ok("UID SEARCH RETURN (SAVE COUNT) FLAGGED").untagged[0]
        s.ok("SEARCH RETURN (SAVE MIN) FLAGGED")
        assert s.ok("SEARCH $").search() == flagged[:1]
        s.ok("SEARCH RETURN (SAVE MIN MAX) FLAGGED")
        assert s.ok("SEARCH $").search() == [flagged[0], flagged[-1]]
        s.bad("SEARCH RETURN (SAVE) FOO")
        assert s.ok("SEARCH $").search() == [flagged[0], flagged[-1]], "BAD leaves it"


def test_rev2_answers_by_esearch(maildir):
    with imapd.Session.qimapd(maildir) as s:
        s.ok("ENABLE IMAP4rev2")
        s.ok("EXAMINE INBOX")
        a = s.ok("SEARCH 1:5")
        assert a.untagged == [b'* ESEARCH (TAG "t%d") ALL 1:5' % s.tags]
        assert s.ok("UID SEARCH UID 999").untagged == [b'* ESEARCH (TAG "t%d") UID' % s.tags]


def test_utf8_accept_takes_no_charset(maildir):
    with imapd.Session.qimapd(maildir) as s:
        s.ok("ENABLE UTF8=ACCEPT")
        s.ok("EXAMINE INBOX")
        s.bad("SEARCH CHARSET UTF-8 ALL")
        assert s.ok("SEARCH SUBJECT \"köln\"").search()


def test_save_dates(maildir):
    today = time.strftime("%d-%b-%Y", time.gmtime())
    with imapd.Session.qimapd(maildir) as s:
        s.ok("EXAMINE INBOX")
        every = list(range(1, N + 1))
        assert s.ok("SEARCH SAVEDSINCE 1-Jan-2020").search() == every
        assert s.ok("SEARCH SAVEDBEFORE 1-Jan-2020").search() == []
        assert s.ok(f"SEARCH OR SAVEDON {today} SAVEDBEFORE {today}").search() == every
        assert s.ok("SEARCH SAVEDATESUPPORTED").search() == every


def test_keywords(tmp_path):
    box = imapd.make(tmp_path / "Maildir", [message(i) for i in range(1, 6)])
    with imapd.Session.qimapd(box) as s:
        s.ok("SELECT INBOX")
        s.ok("STORE 2,4 +FLAGS ($Junk)")
        s.ok("STORE 3 +FLAGS ($Forwarded)")
        assert s.ok("SEARCH KEYWORD $junk").search() == [2, 4]
        assert s.ok("SEARCH UNKEYWORD $Junk").search() == [1, 3, 5]
        assert s.ok("SEARCH KEYWORD $FORWARDED").search() == [3]
        assert s.ok("SEARCH UNKEYWORD $Forwarded KEYWORD $Junk").search() == [2, 4]


def test_a_message_that_vanishes_fits_nothing(tmp_path):
    box = imapd.make(tmp_path / "Maildir", [message(i) for i in range(1, 6)])
    with imapd.Session.qimapd(box) as s:
        s.ok("SELECT INBOX")
        next((box / "cur").glob("*M1P1*")).unlink()
        assert s.ok("SEARCH TEXT example").search() == [1, 3, 4, 5]
        assert s.ok("SEARCH ALL").search() in ([1, 3, 4, 5], [1, 2, 3, 4, 5])
        s.ok("NOOP")
        assert s.ok("SEARCH ALL").search() == [1, 2, 3, 4]


def test_a_cache_of_garbage(tmp_path):
    box = imapd.make(tmp_path / "Maildir", [message(i) for i in range(1, 31)])
    with imapd.Session.qimapd(box) as s:
        s.ok("SELECT INBOX")
        wanted = [s.ok(f"SEARCH SUBJECT {x}").search() for x in ("lunch", "report")]
        s.ok("FETCH 1:* ENVELOPE")
    random.seed(1)
    for turn in range(20):
        path = box / "quoin-cache"
        data = bytearray(path.read_bytes()) if path.exists() else bytearray(1000)
        for _ in range(1 + turn * 3):
            data[random.randrange(len(data))] = random.randrange(256)
        path.write_bytes(bytes(data[: random.randrange(len(data))] if turn % 4 == 3 else data))
        with imapd.Session.qimapd(box) as s:
            s.ok("SELECT INBOX")
            assert [s.ok(f"SEARCH SUBJECT {x}").search() for x in ("lunch", "report")] == wanted


def test_a_client_that_leaves_in_a_long_search(tmp_path):
    """It is noticed within SEARCH_SIGN: the session does not read on for nobody."""
    text = b"Subject: x\n\n" + b"".join(b"%d words of no use at all in this line\n" % i for i in range(100_000))
    box = imapd.make(tmp_path / "Maildir", [("2,", text)])
    path = next((box / "cur").iterdir())
    for i in range(1, 3000):
        os.link(path, box / "cur" / f"{1700000000 + i}.M{i}P1.h:2,")
    s = imapd.Session.qimapd(box)
    s.ok("SELECT INBOX")
    s.start("SEARCH OR BODY nowhere OR BODY neither TEXT anywhere")
    s.sock.close()
    s.file.close()
    begin = time.monotonic()
    s.program.communicate(timeout=60)
    assert time.monotonic() - begin < 25


@pytest.mark.parametrize("uid", ["", "UID "])
def test_sort_again(tmp_path, uid):
    """The order that a session keeps: of the same keys, for the same messages alone."""
    maildir = imapd.make(tmp_path / "Maildir", [("2,", b"Subject: %s\nFrom: <%s@x.example>\n\nx\n" % (c, d))
                                                for c, d in zip((b"d", b"c", b"b", b"a"), (b"1", b"2", b"3", b"4"))])
    with imapd.Session.qimapd(maildir) as s:
        s.ok("SELECT INBOX")

        def sort(by, keys="ALL"):
            return [int(n) for n in s.ok(f"{uid}SORT ({by}) UTF-8 {keys}").untagged[0].split()[2:]]

        for _ in range(2):
            assert sort("SUBJECT") == [4, 3, 2, 1]
        assert sort("REVERSE SUBJECT") == [1, 2, 3, 4]
        assert sort("FROM SUBJECT") == sort("FROM") == [1, 2, 3, 4]
        assert sort("SUBJECT", "1:2") == [2, 1]
        assert sort("SUBJECT", "3:4") == [4, 3]
        for _ in range(2):
            assert sort("SUBJECT") == [4, 3, 2, 1]
        s.ok("STORE 1 +FLAGS (\\Deleted)")
        s.ok("EXPUNGE")
        (maildir / "new" / "1800000000.M1P1.h").write_bytes(b"Subject: bb\n\nx\n")
        s.ok("NOOP")
        assert sort("SUBJECT") == ([4, 3, 5, 2] if uid else [3, 2, 4, 1])
        s.ok("SELECT INBOX")
        assert sort("SUBJECT") == ([4, 3, 5, 2] if uid else [3, 2, 4, 1])
