"""Thunderbird: an account set up, messages read, marked, moved, deleted, and told of by IDLE."""

import re
import selectors
import socket
import threading

import pytest
from quoin import free_port, wait_for
from test_imap_clients import ALL, COUNT, House
from test_imap_clients import subjects as stored
from thunderbird import Thunderbird

pytestmark = [
    pytest.mark.long,
    pytest.mark.tools("thunderbird"),
    pytest.mark.programs("qimapd", "qimapd-login", "qauth", "qcheckpw", "qlisten", "qtls"),
]

SOON = 60  # s, on a busy machine


class Tap:
    """Stands between a client and a port; keeps the lines of each session with who said them."""

    def __init__(self, port):
        self.to = port
        self.sessions = []
        self.port = free_port()
        self.door = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client = self.door.accept()[0]
            except OSError:
                return
            self.sessions.append([])
            threading.Thread(target=self._pass, args=(client, self.sessions[-1]), daemon=True).start()

    def _pass(self, client, said):
        server = socket.create_connection(("127.0.0.1", self.to))
        begun = {"c": b"", "s": b""}
        with client, server, selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, ("c", server))
            ready.register(server, selectors.EVENT_READ, ("s", client))
            while True:
                for key, _ in ready.select():
                    who, other = key.data
                    try:
                        data = key.fileobj.recv(65536)
                        other.sendall(data)
                    except OSError:
                        return
                    if not data:
                        return
                    *lines, begun[who] = (begun[who] + data).split(b"\r\n")
                    said.extend((who, line.decode(errors="replace")) for line in lines)

    def idling(self):
        """The session that is in IDLE on INBOX, and how many lines were said."""
        for said in self.sessions:
            words = [line.split(" ", 1)[-1] for who, line in said if who == "c"]
            chosen = [w for w in words if w.lower().startswith("select ")]
            if chosen and '"INBOX"' in chosen[-1] and words[-1] == "IDLE" and said[-1] == ("s", "+ idling"):
                return said, len(said)
        return None

    def close(self):
        self.door.close()


@pytest.fixture
def house(quoin):
    return House(quoin)


@pytest.fixture
def bird(house):
    with Thunderbird(house.q.home) as t:
        yield t


@pytest.fixture
def tap(house):
    tap = Tap(house.port)
    yield tap
    tap.close()


def until(bird, script, wanted):
    """What the script says becomes that."""
    wait_for(lambda: bird.run(f"return {script}") == wanted, SOON, f"{script} == {wanted}")


def begin(bird, *account, **kw):
    """An account that never polls; INBOX is known."""
    bird.account(*account, "joe", "secret", check_new_mail=False, **kw)
    bird.run("server().performExpand(null)")
    until(bird, "!!inbox()", True)
    bird.run("await url(l => inbox().updateFolderWithListener(null, l))")
    until(bird, "subjects(inbox())", ALL)


def flags(house, n, folder="INBOX"):
    with house.client() as c:
        c.select(folder, readonly=True)
        return set(re.search(rb"FLAGS \((.*?)\)", c.uid("FETCH", str(n), "(FLAGS)")[1][0])[1].decode().split()) - {"\\Recent"}


def test_reads_marks_moves_deletes(house, bird):
    """Under TLS, all as it comes: compressed, several sessions."""
    begin(bird, "localhost", house.tls_port, cert=house.cert)
    assert house.files().keys() == {f"17000000{n:02}.M{n}P1.host" for n in range(1, COUNT + 1)}
    for n in (2, 4):  # 4 is the large one
        text = bird.run("return await text(inbox(), named(inbox(), arguments[0]))", f"message {n}")
        assert text.startswith("From: ann@v.example\r\n") and text.endswith(f".\r\n..dots\r\nend {n}\r\n")
    assert len(text) > 200_000
    bird.run(
        """const m = named(inbox(), "message 1");
        inbox().markMessagesRead([m], true);
        inbox().markMessagesFlagged([m], true);
        inbox().addKeywordsToMessages([m], "$label1");"""
    )
    wait_for(lambda: flags(house, 1) == {"\\Seen", "\\Flagged", "$label1"}, SOON, "flags of the first")
    bird.run("server().rootFolder.createSubfolder('Gefiltert ä', null)")
    until(bird, "!!child('Gefiltert ä')", True)
    bird.run(
        """await copy(l => MailServices.copy.copyMessages(inbox(), [named(inbox(), "message 3")],
            child("Gefiltert ä"), true, l, null, false));"""
    )
    wait_for(lambda: stored(house.maildir / ".Gefiltert &AOQ-") == ["message 3"], SOON, "3 is moved")
    bird.run("await copy(l => inbox().deleteMessages([named(inbox(), 'message 5')], null, false, true, l, false))")
    wait_for(lambda: stored(house.maildir / ".Trash") == ["message 5"], SOON, "5 is in Trash")
    until(bird, "subjects(inbox())", ["message 1", "message 2", "message 4"])
    bird.run("await url(l => inbox().expunge(l, null))")
    wait_for(lambda: len(house.files()) == COUNT - 2, SOON, "two have left INBOX")


def test_idle(house, bird, tap):
    """What others put, mark and remove is there without a question."""
    begin(bird, "127.0.0.1", tap.port, use_compress_deflate=False)

    def told(change, script, wanted, answer):
        said, before = wait_for(tap.idling, SOON, "IDLE")
        change()
        until(bird, script, wanted)
        first = []
        for who, line in said[before:]:
            if who == "c":
                break
            first.append(line)
        assert any(re.fullmatch(answer, line) for line in first), said[before:]

    waiting = house.put(9, sub="tmp")
    told(lambda: waiting.rename(house.maildir / "new" / waiting.name), "subjects(inbox())", [*ALL, "message 9"], r"\* 6 EXISTS")
    with house.client() as other:
        other.select("INBOX")
        told(
            lambda: other.uid("STORE", "2", "+FLAGS", "(\\Flagged)"),
            "named(inbox(), 'message 2').isFlagged",
            True,
            r"\* 2 FETCH \(.*\\Flagged.*",
        )

        def remove():
            other.uid("STORE", "1", "+FLAGS", "(\\Deleted)")
            other.expunge()

        told(remove, "subjects(inbox())", [*ALL[1:], "message 9"], r"\* 1 (EXPUNGE|FETCH .*)")
