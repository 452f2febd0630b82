"""A message's file that another program writes to while it is being answered: a literal has the bytes
that were promised, or the connection ends."""

import socket

import imapd
import pytest

pytestmark = pytest.mark.programs("qimapd")

HEAD = (b"Content-Type: multipart/mixed; boundary=b\nMIME-Version: 1.0\n\n"
        b"--b\nContent-Type: text/plain\nContent-Transfer-Encoding: %s\n\n")
END = b"\n--b--\n"
SIZE = 12_000_000


def content(kind):
    return {"lines": b"\n", "text": b"x"}[kind] * SIZE


def read_all(s):
    s.sock.shutdown(socket.SHUT_WR)
    return s.file.read()


def ask(maildir, encoding, before, after, item):
    """How many bytes were promised, and all that came."""
    head = HEAD % encoding
    box = imapd.make(maildir, [("2,", head + content(before) + END)])
    path = next((box / "cur").iterdir())
    with imapd.Session.qimapd(box) as s:
        s.ok("SELECT INBOX")
        s.send(f"a FETCH 1 {item}\r\nb NOOP\r\n")
        line = s.file.readline()
        with open(path, "r+b") as f:  # so much does not fit between us: it has not been read yet
            f.seek(len(head) + SIZE // 2)
            f.write(content(after)[: SIZE // 2])
        return int(line[line.rindex(b"{") + 1 : -3]), read_all(s)


@pytest.mark.parametrize("encoding", (b"8bit", b"quoted-printable"))
@pytest.mark.parametrize("item", ("BODY.PEEK[1]", "BODY.PEEK[]", "BINARY.PEEK[1]"))
@pytest.mark.parametrize("before, after", (("lines", "text"), ("text", "lines")))
def test_lines_that_come_and_go(tmp_path, item, before, after, encoding):
    n, came = ask(tmp_path / "Maildir", encoding, before, after, item)
    if len(came) >= n:
        assert came[n:].startswith(b")\r\na OK ") and b"\r\nb OK " in came[n:]
