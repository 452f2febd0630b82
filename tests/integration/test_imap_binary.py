"""APPEND of a literal8 (RFC 3516): what comes back by BINARY[], and what others see of it."""

import email
import random

import imapd
import pytest

pytestmark = pytest.mark.programs("qimapd")

RAW = bytes(range(256)) * 9 + b"a\nb\rc\r\nd\0"
PICTURE = (b"Content-Type: image/x-y\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <a@b>\r\n"
           b"content-transfer-encoding:\r\n\tBINARY\r\n\r\n")


def wrap(*parts):
    return (b"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\nintro\r\n"
            + b"".join(b"--x\r\n" + p + b"\r\n" for p in parts) + b"--x--\r\n")


@pytest.fixture
def s(tmp_path):
    imapd.make(tmp_path / "Maildir", [])
    with imapd.Session.qimapd(tmp_path / "Maildir") as s:
        s.ok("SELECT INBOX")
        s.box = tmp_path / "Maildir"
        yield s
    assert not list((tmp_path / "Maildir/tmp").iterdir())


def append(s, text):
    tag = s.start("APPEND INBOX ~{%d}" % len(text))
    assert s.line().startswith(b"+")
    s.send(text + b"\r\n")
    return s.finish(tag)


def whole(s, n=1):
    body = s.ok(f"FETCH {n} BODY.PEEK[]").fetched()[n][b"BODY[]"]
    assert b"\0" not in body and b"\n" not in body.replace(b"\r\n", b"")
    return body


def binary(s, section, n=1):
    return s.ok(f"FETCH {n} BINARY.PEEK[{section}]").fetched()[n][b"BINARY[%s]" % section.encode()]


def test_parts_come_back(s):
    text = b"Content-Type: text/plain\r\n\r\nline\r\n.\r\n"
    assert append(s, wrap(text, PICTURE + RAW, text)).status == b"OK"
    assert binary(s, "2") == RAW and binary(s, "1") == binary(s, "3") == b"line\r\n.\r\n"
    body = whole(s)
    m = email.message_from_bytes(body)
    assert [p.get_payload(decode=True) for p in m.get_payload()] == [b"line\r\n.\r\n", RAW, b"line\r\n.\r\n"]
    two = m.get_payload(1)
    assert two.get_all("Content-Transfer-Encoding") == ["base64"] and two["Content-ID"] == "<a@b>"
    assert max(map(len, two.get_payload().splitlines())) == 76
    assert body.startswith(wrap(text)[:-7]) and body.endswith(b"\r\n--x\r\n" + text + b"\r\n--x--\r\n")
    assert b'"base64"' in s.ok("FETCH 1 BODYSTRUCTURE").untagged[0].lower()


@pytest.mark.parametrize("size", [1, 2, 56, 57, 58, 57 * 512, 57 * 512 + 1, 300000])
def test_sizes(s, size):
    raw = random.Random(size).randbytes(size - 1) + b"\0"
    assert append(s, PICTURE + raw).status == b"OK"
    assert binary(s, "1") == raw
    assert whole(s).endswith(b"\r\n")
    assert append(s, wrap(PICTURE + raw)).status == b"OK"
    assert binary(s, "1", 2) == raw
    s.ok("FETCH 1:2 RFC822.SIZE")


def test_message_within(s):
    inner = wrap(PICTURE + RAW)
    assert append(s, wrap(b"Content-Type: message/rfc822\r\n\r\n" + inner, PICTURE + b"\0")).status == b"OK"
    assert binary(s, "1.1") == RAW and binary(s, "2") == b"\0"
    assert whole(s).count(b"base64") == 2


def test_what_needs_no_change_has_none(s):
    """Encoded parts, text with bare LFs (which are line ends here), binary with CRLF."""
    for n, text in enumerate((b"Subject: x\r\n\r\na\r\nb\r\n", wrap(PICTURE + b"a\r\nb\xff\r\n"),
                              b"Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n", b"a: b\nc: d\n\ne\n"), 1):
        assert append(s, text).status == b"OK"
        assert whole(s, n) == text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_a_bare_lf_of_binary_is_no_line_end(s):
    assert append(s, PICTURE + b"a\nb\r\n").status == b"OK"
    assert binary(s, "1") == b"a\nb\r\n"
    assert b"\r\n\r\nYQpiDQo=\r\n" in whole(s)


@pytest.mark.parametrize("text", [b"Subject: a\0\r\n\r\nb\r\n", wrap(PICTURE + RAW).replace(b"intro", b"in\0ro"),
                                  b"Content-Transfer-Encoding: base64\r\n\r\nAA\0A\r\n",
                                  wrap(b"Content-ID: <\0>\r\n" + PICTURE + RAW), b"\0",
                                  b"Content-Transfer-Encoding: x-y\r\n\r\n\0"])
def test_a_nul_elsewhere_is_refused(s, text):
    a = append(s, text)
    assert a.status == b"NO" and a.code() == "UNKNOWN-CTE"
    assert not list((s.box / "cur").iterdir())
    s.ok("NOOP")


def test_quota_is_what_lies_on_the_disk(s):
    """Base64 is a third longer than what was announced: it fits as that, or not at all."""
    text = PICTURE + b"\0" * 900
    (s.box / "maildirsize").write_text("1200S\n0 0\n")
    a = append(s, text)
    assert a.status == b"NO" and a.code() == "OVERQUOTA"
    assert not list((s.box / "cur").iterdir())
    (s.box / "maildirsize").write_text("2400S\n0 0\n")
    two = b" ~{%d+}\r\n" % len(text) + text
    a = s.do(b"APPEND INBOX" + two + two)
    assert a.status == b"NO" and a.code() == "OVERQUOTA"
    assert append(s, text).status == b"OK"


def test_chance(s):
    """Whatever is cut and joined: the same bytes come back, or a no."""
    rnd = random.Random(7)
    pieces = [PICTURE, RAW, b"--x\r\n", b"--x--\r\n", b"\0", b"\n", b"\r\n", b"a: b\r\n", b"--x", b"Content-Type: multipart/y; boundary=x\r\n"]
    n = 0
    for _ in range(150):
        text = wrap(*(b"".join(rnd.choices(pieces, k=rnd.randrange(6))) for _ in range(rnd.randrange(4))))
        a = append(s, text[: rnd.choice((len(text), rnd.randrange(1, len(text))))])
        assert a.status == b"OK" or a.code() == "UNKNOWN-CTE"
        if a.status == b"OK":
            n += 1
            whole(s, n)
    assert n > 30
