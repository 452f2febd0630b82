"""FETCH of every item and section, beside Dovecot over the same Maildir where that is there."""

import base64
import os
import random

import imapd
import pytest
import quoin

pytestmark = pytest.mark.programs("qimapd")

PLAIN = b"From: A B <a@b.example>\nTo: c@d.example, \"E, F\" <e@f.example>\nSubject: plain\nDate: Wed, 17 Jul 1996 02:23:25 -0700\nMessage-ID: <1@a>\n\nHello\nworld\n"

MIXED = b"""From: "Q" <q@b.example>
Subject: =?utf-8?q?zw=C3=B6lf?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="out er"

preamble
--out er
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

zw=C3=B6lf =
Boxk=C3=A4mpfer
--out er
Content-Type: message/rfc822

From: inner@x.example
Subject: inside
Content-Type: multipart/alternative; boundary=in

--in
Content-Type: text/plain

one
two
--in
Content-Type: text/html; charset="us-ascii"
Content-Disposition: inline; filename="a b.html"

<p>one</p>
--in--
what follows; without it the line end of the delimiter above is the next one's (RFC 2046 5.1.1),
but Dovecot counts it to this part
--out er
Content-Type: application/octet-stream; name=x.bin
Content-Transfer-Encoding: base64
Content-Description: some bytes

""" + base64.encodebytes(bytes(range(256)) * 3) + b"""--out er
Content-Type: message/rfc822

Subject: plain inside

text of it
--out er--
epilogue
"""

MESSAGES = [
    ("2,S", PLAIN),
    ("2,", MIXED),
    ("2,FR", PLAIN.replace(b"\n", b"\r\n").replace(b"plain", b"crlf")),
    ("2,T", b"\nno header at all\n"),
    ("2,D", b"Subject: no body"),
    ("2,", b"Subject: ends in the header\nX: y\n"),
    ("2,", b"Subject: bare\n\na\rb\r\rc\r\nd\n\re\n"),
    ("2,", b"Subject: folded\n subject\nX-Long: " + b"x" * 5000 + b"\n\nbody\n"),
    ("2,", b"Subject: large\n\n" + b"".join(b"line %d of a large message\n" % i for i in range(12000))),
    ("2,", b"Subject: digest\nContent-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: in the digest\n\ntext\n--d--\n"),
    ("2,", b"Subject: no end\nContent-Type: multipart/mixed; boundary=e\n\n--e\n\nnever ends\n"),
]

NO_BODY = (5, 6)  # Dovecot gives them an empty line for some fields and none for others

SECTIONS = ["", "HEADER", "TEXT", "1", "2", "3", "4", "5", "9.9", "1.MIME", "2.MIME", "2.HEADER", "2.TEXT", "2.1", "2.2",
            "2.2.MIME", "2.1.MIME", "4.1", "4.HEADER", "4.TEXT", "3.MIME", "HEADER.FIELDS (From SUBJECT)",
            "HEADER.FIELDS.NOT (from subject)", "HEADER.FIELDS (X-None)", "2.HEADER.FIELDS (subject)",
            "4.HEADER.FIELDS.NOT (Subject)"]


def wire(data):
    """LF as CRLF where no CR stands before it; NUL as it is sent."""
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").replace(b"\0", b"\x80")


@pytest.fixture(scope="module")
def maildir(tmp_path_factory):
    return imapd.make(tmp_path_factory.mktemp("fetch") / "Maildir", MESSAGES)


@pytest.fixture
def s(maildir):
    with imapd.Session.qimapd(maildir) as session:
        assert b"* %d EXISTS" % len(MESSAGES) in session.ok("EXAMINE INBOX").untagged
        yield session


@pytest.fixture(scope="module")
def dovecot(maildir, tmp_path_factory):
    if not imapd.have_dovecot():
        pytest.skip("not installed: dovecot-imapd")
    session = imapd.dovecot(tmp_path_factory.mktemp("dovecot") / "d", maildir)
    session.ok("EXAMINE INBOX")
    yield session
    session.end()


# ---- beside Dovecot ------------------------------------------------------------------


def no_recent(flags):
    return sorted(f for f in flags if f != b"\\Recent")


@pytest.mark.parametrize("item", ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "UID"])
def test_simple_items(s, dovecot, item):
    ours, theirs = (x.ok(f"FETCH 1:* ({item})").fetched() for x in (s, dovecot))
    assert ours.keys() == theirs.keys()
    for n in ours:
        a, b = ours[n][item.encode()], theirs[n][item.encode()]
        if item == "FLAGS":
            a, b = no_recent(a), no_recent(b)
        assert a == b, n


def without_case(x):
    """Types and names of parameters are as the message writes them, or in lower case."""
    if isinstance(x, list):
        return [without_case(y) for y in x]
    return x.lower() if isinstance(x, bytes) else x


@pytest.mark.parametrize("item", ["ENVELOPE", "BODYSTRUCTURE", "BODY"])
def test_structures(s, dovecot, item):
    ours, theirs = (x.ok(f"FETCH 1:* ({item})").fetched() for x in (s, dovecot))
    for n in theirs:
        assert without_case(ours[n][item.encode()]) == without_case(theirs[n][item.encode()]), n


@pytest.mark.parametrize("section", SECTIONS)
def test_sections(s, dovecot, section):
    ours, theirs = (x.ok(f"FETCH 1:* BODY.PEEK[{section}]").fetched() for x in (s, dovecot))
    for n in theirs:
        (a,), (b,) = ours[n].values(), theirs[n].values()
        if n in NO_BODY and "FIELDS" in section:
            a, b = a.rstrip(), b.rstrip()
        assert (a or b"") == (b or b""), n


def test_an_empty_line_that_is_not_there(s):
    """RFC 9051 6.4.5.1: it is part of all headers but those of messages that have none."""
    got = s.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (X-None)] BODY.PEEK[HEADER])").fetched()
    for n, items in got.items():
        assert items[b"BODY[HEADER.FIELDS (X-None)]"] == (b"" if n in NO_BODY else b"\r\n")
        assert items[b"BODY[HEADER]"].endswith(b"\r\n\r\n") == (n not in NO_BODY and n != 4)


@pytest.mark.parametrize("part", ["1", "3", "2.1", "2.2"])
def test_binary(s, dovecot, part):
    """Of messages 1 and 2: whether 1.1 of a message without parts is its body is not asked."""
    for item in (f"BINARY.PEEK[{part}]", f"BINARY.SIZE[{part}]"):
        ours, theirs = (x.ok(f"FETCH 2 {item}").fetched()[2] for x in (s, dovecot))
        assert list(ours.values()) == list(theirs.values()), item


# ---- by ourselves ----------------------------------------------------------------------


def test_whole_messages(s):
    got = s.ok("FETCH 1:* (BODY.PEEK[] RFC822.SIZE RFC822.HEADER)").fetched()
    for n, (_, text) in enumerate(MESSAGES, 1):
        assert got[n][b"BODY[]"] == wire(text)
        assert int(got[n][b"RFC822.SIZE"]) == len(wire(text))
        assert wire(text).startswith(got[n][b"RFC822.HEADER"])


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100, 4096, 65535])
def test_pieces_make_the_whole(s, step):
    for n, (_, text) in enumerate(MESSAGES, 1):
        whole = wire(text)
        if len(whole) / step > 2000:
            continue
        got = b""
        while True:
            piece = s.ok(f"FETCH {n} BODY.PEEK[]<{len(got)}.{step}>").fetched()[n][b"BODY[]<%d>" % len(got)]
            assert piece == whole[len(got) : len(got) + step]
            if not piece:
                break
            got += piece
        assert got == whole


def test_pieces_anywhere(s):
    random.seed(7)
    for _ in range(400):
        n = random.choice((2, 7, 9))
        whole = wire(MESSAGES[n - 1][1])
        text = whole[whole.index(b"\r\n\r\n") + 4 :]
        begin = random.randrange(len(whole) + 10)
        size = random.choice((1, 5, 1000, 200000, 4294967295))
        for section, all_of_it in (("", whole), ("TEXT", text)):
            got = s.ok(f"FETCH {n} BODY.PEEK[{section}]<{begin}.{size}>").fetched()[n]
            assert got == {f"BODY[{section}]<{begin}>".encode(): all_of_it[begin : begin + size]}


def test_piece_of_fields(s):
    whole = b"From: A B <a@b.example>\r\nSubject: plain\r\n\r\n"
    for begin in range(0, 50, 3):
        got = s.ok(f"FETCH 1 BODY.PEEK[HEADER.FIELDS (from Subject)]<{begin}.9>").fetched()[1]
        assert got == {b"BODY[HEADER.FIELDS (from Subject)]<%d>" % begin: whole[begin : begin + 9]}


def test_binary_by_hand(s):
    got = s.ok("FETCH 2 (BINARY.PEEK[3] BINARY.SIZE[3] BINARY.PEEK[1] BINARY.PEEK[3]<250.20> BINARY.SIZE[1])")
    raw = bytes(range(256)) * 3
    assert b"BINARY[3] ~{768}\r\n" in got.untagged[0]
    assert got.fetched()[2] == {
        b"BINARY[3]": raw, b"BINARY.SIZE[3]": b"768",
        b"BINARY[1]": "zwölf Boxkämpfer".encode(), b"BINARY[3]<250>": raw[250:270], b"BINARY.SIZE[1]": b"18",
    }


def test_unknown_encoding(tmp_path):
    box = imapd.make(tmp_path / "Maildir", [
        ("2,", b"Content-Transfer-Encoding: x-rot13\n\nuryyb\n"),
        ("2,", b"Content-Transfer-Encoding: base64\n\n@@@@\n"),
    ])
    with imapd.Session.qimapd(box) as s:
        s.ok("SELECT INBOX")
        for n in (1, 2):
            for item in ("BINARY.PEEK[1]", "BINARY.SIZE[1]"):
                assert s.no(f"FETCH {n} {item}").code() == "UNKNOWN-CTE"
        assert s.ok("FETCH 1 BODY.PEEK[1]").fetched()[1][b"BODY[1]"] == b"uryyb\r\n"


def test_nul(tmp_path):
    """No literal may hold a NUL: 0x80 in BODY[]; BINARY[] has it in a literal8."""
    text = b"Subject: a\0b\n\nc\0\0d\n"
    with imapd.Session.qimapd(imapd.make(tmp_path / "Maildir", [("2,", text)])) as s:
        s.ok("SELECT INBOX")
        got = s.ok("FETCH 1 (BODY.PEEK[] BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[TEXT] BINARY.PEEK[1])").fetched()[1]
        assert got[b"BODY[]"] == wire(text)
        assert got[b"BODY[HEADER.FIELDS (Subject)]"] == b"Subject: a\x80b\r\n\r\n"
        assert got[b"BODY[TEXT]"] == b"c\x80\x80d\r\n"
        assert got[b"BINARY[1]"] == b"c\0\0d\r\n"


@pytest.mark.parametrize("item,seen", [
    ("BODY[]", True), ("BODY[1]", True), ("RFC822", True), ("RFC822.TEXT", True), ("BINARY[1]", True),
    ("BODY[]<0.1>", True), ("BODY.PEEK[]", False), ("RFC822.HEADER", False), ("BINARY.PEEK[1]", False),
    ("BINARY.SIZE[1]", False), ("(FLAGS ENVELOPE BODY BODYSTRUCTURE)", False),
])
def test_seen(tmp_path, item, seen):
    box = imapd.make(tmp_path / "Maildir", [("2,", PLAIN), ("2,S", PLAIN)])
    with imapd.Session.qimapd(box) as s:
        s.ok("EXAMINE INBOX")
        assert b"\\Seen" not in s.ok(f"FETCH 1 {item}").fetched()[1].get(b"FLAGS", [])
        s.ok("SELECT INBOX")
        a = s.ok(f"FETCH 1:2 {item}")
        assert len(a.untagged) == 2, "told in the same line, and to nobody who knows"
        assert (b"\\Seen" in a.fetched()[1].get(b"FLAGS", [])) == seen
        assert b"\\Seen" in s.ok("FETCH 2 FLAGS").fetched()[2][b"FLAGS"]
    names = os.listdir(box / "cur")
    assert sum(name.endswith("S") for name in names) == 1 + seen


def test_seen_that_cannot_be_kept_is_no_reason_not_to_read(tmp_path):
    box = imapd.make(tmp_path / "Maildir", [("2,", PLAIN)])
    with imapd.Session.qimapd(box, preexec=imapd.give_away(box)) as s:
        s.ok("SELECT INBOX")
        (box / "cur").chmod(0o500)
        got = s.ok("FETCH 1 (FLAGS BODY[])").fetched()[1]
        (box / "cur").chmod(0o700)
    assert got == {b"FLAGS": [], b"BODY[]": wire(PLAIN)}
    assert b"unable to mark messages as read" in s.log


def test_numbers(s):
    last = len(MESSAGES)
    s.bad(f"FETCH {last + 1} FLAGS")
    s.bad(f"FETCH 1:{last + 1} FLAGS")
    s.bad("FETCH 0 FLAGS")
    s.bad("FETCH 4294967296 FLAGS")
    assert s.ok("UID FETCH 4294967295 FLAGS").untagged == []
    assert s.ok("UID FETCH 4294967295:* FLAGS").fetched().keys() == {last}
    assert s.ok("FETCH *:2,2,1:3 FLAGS").fetched().keys() == set(range(1, last + 1))


def test_empty_mailbox(tmp_path):
    with imapd.Session.qimapd(imapd.make(tmp_path / "Maildir", [])) as s:
        s.ok("SELECT INBOX")
        s.bad("FETCH 1:* FLAGS")
        assert s.ok("UID FETCH 1:* FLAGS").untagged == []


def test_every_message_is_told_once(s):
    assert [x.split()[1] for x in s.ok("FETCH 3:1,2:*,1:* UID").untagged] == [b"%d" % n for n in range(1, len(MESSAGES) + 1)]


def test_a_message_that_vanishes(tmp_path):
    """What is known of it is told, nothing is invented; its number stays until that may be told."""
    box = imapd.make(tmp_path / "Maildir", MESSAGES[:3])
    with imapd.Session.qimapd(box) as s:
        s.ok("SELECT INBOX")
        next((box / "cur").glob("*M1P1*")).unlink()
        a = s.ok("FETCH 1:3 BODY.PEEK[]")
        assert a.fetched().keys() == {1, 3}
        assert a.code() == "EXPUNGEISSUED"
        assert not any(x.endswith(b"EXPUNGE") for x in a.untagged)
        a = s.ok("UID FETCH 1:3 BODY.PEEK[]")
        assert a.fetched().keys() == {1, 3}
        assert b"* 2 EXPUNGE" in s.ok("NOOP").untagged + a.untagged
        assert s.ok("FETCH 1:* UID").fetched().keys() == {1, 2}


def test_a_file_that_is_no_file(tmp_path):
    box = imapd.make(tmp_path / "Maildir", MESSAGES[:2])
    victim = next((box / "cur").glob("*M1P1*"))
    with imapd.Session.qimapd(box) as s:
        s.ok("SELECT INBOX")
        victim.unlink()
        os.mkfifo(victim)
        a = s.no("FETCH 1:2 BODY.PEEK[]")
        assert a.fetched().keys() == {1} and a.code() == "UNAVAILABLE"
        assert s.ok("SEARCH TEXT subject").search() == [1]


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    line = b"0123456789abcdef" * 4 + b"\n"
    text = b"Subject: huge\n\n" + line * (64 * 1024 * 1024 // len(line))
    return imapd.make(tmp_path_factory.mktemp("huge") / "Maildir", [("2,", text)]), len(wire(text))


def memory(s, what="VmHWM"):
    with open(f"/proc/{s.program.pid}/status") as f:
        return int(next(x for x in f if x.startswith(what)).split()[1])


def read_literal(s, n):
    left = n
    while left > 0:
        data = s.file.read(min(left, 1 << 20))
        if not data:
            return n - left
        left -= len(data)
    return n


def test_large_messages_are_streamed(huge):
    box, size = huge
    with imapd.Session.qimapd(box) as s:
        s.ok("EXAMINE INBOX")
        before = memory(s)
        tag = s.start("FETCH 1 BODY.PEEK[]")
        assert s.file.readline() == b"* 1 FETCH (BODY[] {%d}\r\n" % size
        assert read_literal(s, size) == size
        assert s.finish(tag).status == b"OK"
        if not quoin.SANITIZED:
            assert memory(s) - before < 1024


def test_pieces_of_a_large_message_are_linear(huge):
    """Each goes on where the one before it ended: 640 pieces cost about what the whole does."""
    box, size = huge
    step = 100_000

    def cpu(s):
        with open(f"/proc/{s.program.pid}/schedstat") as f:
            return int(f.read().split()[0]) / 1e9

    with imapd.Session.qimapd(box) as s:
        s.ok("EXAMINE INBOX")
        s.ok("FETCH 1 BODY.PEEK[]")
        whole = cpu(s)
        s.ok("FETCH 1 BODY.PEEK[]")
        whole = cpu(s) - whole
        begin = cpu(s)
        for at in range(0, size, step):
            got = s.ok(f"FETCH 1 BODY.PEEK[]<{at}.{step}>").fetched()[1][b"BODY[]<%d>" % at]
            assert len(got) == min(step, size - at)
        assert cpu(s) - begin < 6 * whole + 0.2


def test_a_file_that_shrinks_is_no_lie(tmp_path):
    """A literal's length is a promise: when it cannot be kept, the connection ends."""
    box = imapd.make(tmp_path / "Maildir", [("2,", b"Subject: x\n\n" + b"y" * 70 + b"\n" + b"line\n" * 6_000_000)])
    path = next((box / "cur").iterdir())
    with imapd.Session.qimapd(box) as s:
        s.ok("EXAMINE INBOX")
        s.start("FETCH 1 BODY.PEEK[]")
        head = s.file.readline()
        promised = int(head[head.index(b"{") + 1 : head.index(b"}")])
        os.truncate(path, 1_000_000)
        assert read_literal(s, promised) < promised
        assert s.file.readline() == b""


def test_lengths_at_every_edge(tmp_path):
    """Literals of as many digits as the file has, and of one more; files that fit into a buffer, just and not; all that
    with a size in the name, a wrong one, and none."""
    head = b"Subject: x\n\n"
    sizes = [*range(80, 103), *range(960, 1003), 9990, 9999, 10000, 65536, 99999, *range(131060, 131076), 200_000]
    box = imapd.make(tmp_path / "Maildir", [])
    texts = []
    for size in sizes:
        n = size - len(head)
        for body in (b"\n" * n, (b"a" * 70 + b"\n") * (n // 71) + b"z" * (n % 71), (b"\0" + b"b" * 75 + b"\r\n") * (n // 78)):
            said = ("", f",S={len(head + body)}", f",S={len(head + body) + 1}", ",S=20")[len(texts) % 4]
            (box / "cur" / f"{1700000000 + len(texts)}.M1P1.h{said}:2,").write_bytes(head + body)
            texts.append(head + body)
    with imapd.Session.qimapd(box) as s:
        s.ok("EXAMINE INBOX")
        for what, cut in (("BODY.PEEK[]", 0), ("BODY.PEEK[TEXT]", len(head))):
            got = s.ok(f"FETCH 1:* {what}").fetched()
            name = what.replace(".PEEK", "").encode()
            assert [got[n + 1][name] for n in range(len(texts))] == [wire(t[cut:]) for t in texts]


def test_names_that_lie_about_sizes(tmp_path):
    """S= and W= of a name are wrong: literals are right, and RFC822.SIZE when it was read."""
    box = imapd.make(tmp_path / "Maildir", [])
    (box / "cur" / "1700000000.M1P1.h,S=3,W=7:2,").write_bytes(PLAIN)
    with imapd.Session.qimapd(box) as s:
        s.ok("EXAMINE INBOX")
        assert s.ok("FETCH 1 (BODY.PEEK[] BODYSTRUCTURE)").fetched()[1][b"BODY[]"] == wire(PLAIN)
        assert int(s.ok("FETCH 1 RFC822.SIZE").fetched()[1][b"RFC822.SIZE"]) == len(wire(PLAIN))


def test_no_byte_of_a_message_ends_an_answer(tmp_path):
    """A folded subject that looks like answers, quotes, parentheses, literals."""
    evil = b'Subject: a"b\\c {3}\n\t) UID 99)\nFrom: "x\\"y) (" <")("@z>\nContent-Type: text/x")(; name="a\\"b {9}"\n\nx\n'
    with imapd.Session.qimapd(imapd.make(tmp_path / "Maildir", [("2,", evil)])) as s:
        s.ok("SELECT INBOX")
        got = s.ok("UID FETCH 1 (ENVELOPE BODY BODYSTRUCTURE)").fetched()
        assert got.keys() == {1} and got[1][b"UID"] == b"1"
        assert got[1][b"ENVELOPE"][1] == b'a"b\\c {3}\t) UID 99)' or b") UID 99)" in got[1][b"ENVELOPE"][1]
