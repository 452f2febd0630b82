"""SORT, THREAD and the texts of SEARCH over a made-up corpus, beside Dovecot over the same Maildir."""

import base64
import email.header
import quopri
import random

import imapd
import pytest

pytestmark = [
    pytest.mark.programs("qimapd"),
    pytest.mark.skipif(not imapd.have_dovecot(), reason="no Dovecot here"),
]

WORDS = "alpha Beta gamma Delta café straße ÉTÉ Москва москва 日本語 naïve Ωmega end".split()
SUBJECTS = ["hello", "Hello World", "café au lait", "[list] news", "Zebra", "apple", "", "10 things", "Été", "été"]
CHARSETS = ["utf-8", "iso-8859-1", "windows-1251", "iso-2022-jp", "gb2312", "us-ascii"]


def encoded(rng, text):
    """A subject, sometimes as words of RFC 2047."""
    if text.isascii() and rng.random() < 0.8:
        return text
    return email.header.Header(text, "utf-8").encode()


def body(rng):
    """Content-Type, encoding and bytes."""
    charset = rng.choice(CHARSETS)
    text = " ".join(rng.choice(WORDS) for _ in range(12)) + "\n"
    data = text.encode(charset, "ignore")
    how = rng.choice(["8bit", "quoted-printable", "base64"])
    coded = {"8bit": lambda d: d, "quoted-printable": quopri.encodestring, "base64": base64.encodebytes}[how](data)
    return f"text/plain; charset={charset}".encode(), how.encode(), coded


def message(rng, i, n):
    subject = rng.choice(["", "", "Re: ", "RE: [list] ", "Fwd: "]) + rng.choice(SUBJECTS)
    if rng.random() < 0.1:
        subject += " (fwd)"
    ids = [f"<{rng.randrange(n)}@{rng.choice(['a', 'a', 'a', 'gone'])}.example>" for _ in range(rng.randrange(4))]
    kind, how, data = body(rng)
    lines = [
        f"From: {rng.choice(['Some Body', 'zoe'])} <{rng.choice('abCDe')}{rng.randrange(5)}@x.example>",
        f"To: {rng.choice('xyZ')}@y.example, second@y.example",
        f"Subject: {encoded(rng, subject)}",
        f"Date: {rng.randrange(1, 29)} Jan 2024 {rng.randrange(24):02}:{rng.randrange(60):02}:00 +0{rng.randrange(3)}00",
        f"Message-ID: <{i}@a.example>",
    ]
    if rng.random() < 0.2:
        lines.append(f"Cc: {rng.choice('pqr')}@z.example")
    if ids and rng.random() < 0.5:
        lines.append("References: " + "\n ".join(ids))
    elif ids:
        lines.append("In-Reply-To: " + ids[0])
    head = "\n".join(lines).encode() + b"\nMIME-Version: 1.0\nContent-Type: "
    if rng.random() < 0.3:
        return (head + b"multipart/mixed; boundary=b\n\n--b\nContent-Type: " + kind + b"\nContent-Transfer-Encoding: "
                + how + b"\n\n" + data + b"\n--b\nContent-Type: image/png; name=alpha.png\n"
                b"Content-Transfer-Encoding: base64\n\nYWxwaGE=\n--b--\n")
    return head + kind + b"\nContent-Transfer-Encoding: " + how + b"\n\n" + data


@pytest.fixture(scope="module", params=[3, 60, 400])
def both(request, tmp_path_factory):
    rng = random.Random(request.param)
    base = tmp_path_factory.mktemp("order")
    n = request.param
    maildir = imapd.make(base / "Maildir", [("2,S", message(rng, i, n)) for i in range(n)])
    theirs = imapd.dovecot(base / "dovecot", maildir)
    ours = imapd.Session.qimapd(maildir)
    for s in (ours, theirs):
        s.ok("SELECT INBOX")
    yield ours, theirs
    ours.end()
    theirs.end()


def same(both, command):
    answers = []
    for s in both:
        word = command.split()[0].encode()
        answers.append([line for line in s.ok(command).untagged if line.startswith(b"* " + word)])
    assert answers[0] == answers[1], command


@pytest.mark.parametrize("by", ["ARRIVAL", "DATE", "SIZE", "FROM", "TO", "CC", "SUBJECT", "REVERSE SUBJECT", "REVERSE DATE",
                                "FROM REVERSE SUBJECT", "SUBJECT REVERSE SIZE", "TO FROM DATE"])
def test_sort(both, by):
    same(both, f"SORT ({by}) UTF-8 ALL")


@pytest.mark.parametrize("how", ["REFERENCES", "ORDEREDSUBJECT"])
def test_thread(both, how):
    if how == "ORDEREDSUBJECT":
        both = [both[0]] * 2  # Dovecot has none: that it answers, and the same again
    same(both, f"THREAD {how} UTF-8 ALL")


@pytest.mark.parametrize("word", ["alpha", "BETA", "café", "CAFÉ", "été", "Москва", "日本語", "strasse", "naïve",
                                  "nowhere", "text/plain", "example", "list", "alpha.png"])
@pytest.mark.parametrize("key", ["BODY", "TEXT", "SUBJECT", "HEADER From"])
def test_search(both, key, word):
    if not word.isascii() and both[0].do("SEARCH CHARSET GB2312 BODY x").status != b"OK":
        pytest.skip("iconv() of this libc needs files that the sandbox refuses")
    data = word.encode()
    answers = []
    for s in both:
        command = b"SEARCH CHARSET UTF-8 " + key.encode() + b" {%d+}\r\n" % len(data) + data
        answers.append(s.ok(command).search())
    assert answers[0] == answers[1], (key, word)


KEYS = ("SUBJECT", "REVERSE FROM", "CC SUBJECT", "TO DATE", "DATE REVERSE SUBJECT")


def orders(maildir):
    with imapd.Session.qimapd(maildir) as s:
        s.ok("SELECT INBOX")
        return [s.ok(f"UID SORT ({k}) UTF-8 {which}").search() for k in KEYS for which in ("ALL", "UID 20:90")]


def test_keys_that_are_kept(tmp_path):
    """A file of SORT's keys that is new, whole, older than new mail, of mail that has gone, damaged, or no file at all:
    the order is the same."""
    rng = random.Random(5)
    box = imapd.make(tmp_path / "Maildir", [("2,", message(rng, i, 200)) for i in range(200)])
    kept = box / "quoin-sort"

    def without():
        kept.unlink(missing_ok=True)
        return orders(box)

    wanted = without()
    whole = kept.read_bytes()
    assert orders(box) == wanted and kept.read_bytes() == whole
    for i in range(200, 230):
        (box / "new" / f"{1700000000 + i}.M{i}P1.h").write_bytes(message(rng, i, 230))
    for path in sorted((box / "cur").iterdir())[::7]:
        path.unlink()
    later = orders(box)
    assert len(kept.read_bytes()) > len(whole)
    assert later != wanted and later == without()
    whole = kept.read_bytes()
    for turn in range(30):
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        kept.write_bytes(data[: rng.randrange(len(data))] if turn % 3 == 0 else data)
        assert orders(box) == later
    kept.unlink()
    kept.mkdir()
    assert orders(box) == later
