"""What the RFCs say MUST be, one rule a test, with its section."""

import re
import select
import shutil

import imapd
import pytest

pytestmark = pytest.mark.programs("qimapd")

TEXT = b"From: a@b.example\nSubject: message %d\n\nbody %d\n"


@pytest.fixture
def box(tmp_path):
    return imapd.make(tmp_path / "Maildir", [("2,", TEXT % (i, i)) for i in range(1, 7)])


@pytest.fixture
def start(box):
    sessions = []

    def one(*commands):
        s = imapd.Session.qimapd(box)
        sessions.append(s)
        for c in commands:
            s.ok(c)
        return s

    yield one
    for s in sessions:
        assert s.end() == 0


def highest(a):
    """The HIGHESTMODSEQ codes among the untagged answers."""
    found = (re.match(rb"\* OK \[HIGHESTMODSEQ (\d+)\]", line) for line in a.untagged)
    return [int(m[1]) for m in found if m]


@pytest.mark.parametrize("enable", ["ENABLE CONDSTORE", "ENABLE QRESYNC"])
def test_seen_by_reading_comes_with_uid_and_modseq(start, enable):
    """RFC 7162 3.2.4."""
    s = start(enable, "SELECT INBOX")
    got = s.ok("FETCH 2 BODY[]").fetched()[2]
    assert got[b"UID"] == b"2" and b"MODSEQ" in got and b"FLAGS" in got
    assert set(s.ok("FETCH 2 BODY[]").fetched()[2]) == {b"BODY[]"}
    line = s.ok("UID FETCH 3 BODY[]").untagged[0]
    assert line.count(b"UID ") == 1


def test_a_delayed_expunge_holds_highestmodseq(start):
    """RFC 7162 3.2, 6: what the client caches stays below an expunge that it has not been told."""
    s = start("ENABLE QRESYNC", "SELECT INBOX")
    other = start("SELECT INBOX")
    for c in ("STORE 5 +FLAGS (\\Deleted)", "EXPUNGE", "STORE 1 +FLAGS (later)"):
        other.ok(c)
    a = s.ok("FETCH 1 FLAGS")
    later = int(a.fetched()[1][b"MODSEQ"][0])
    assert highest(a) and highest(a)[-1] < later
    below = highest(a)[-1]
    a = s.ok("STORE 2 +FLAGS (own)")
    assert highest(a) == [below]
    assert b"* VANISHED 5" in s.ok("NOOP").untagged
    assert highest(s.ok("FETCH 1 FLAGS")) == []
    # who comes back with that value hears of the expunge
    uidvalidity = re.search(rb"UIDVALIDITY (\d+)", b" ".join(s.ok("SELECT INBOX").untagged))[1].decode()
    again = s.ok(f"SELECT INBOX (QRESYNC ({uidvalidity} {below}))").untagged
    assert b"* VANISHED (EARLIER) 5" in again


def test_no_resets_the_saved_result(start):
    """RFC 5182 2.1: NO empties it, BAD leaves it."""
    s = start("SELECT INBOX", "SEARCH RETURN (SAVE) 1:3")
    s.bad("SEARCH RETURN (SAVE) NONSENSE")
    assert sorted(s.ok("FETCH $ UID").fetched()) == [1, 2, 3]
    s.no("SEARCH CHARSET NONSENSE ALL")
    assert sorted(s.ok("FETCH $ UID").fetched()) == [1, 2, 3]
    s.no("SEARCH RETURN (SAVE) CHARSET NONSENSE ALL")
    assert s.ok("FETCH $ UID").untagged == []


def test_sort_by_modseq_says_the_highest(start):
    """RFC 7162 3.1.9."""
    s = start("SELECT INBOX")
    s.ok("STORE 3 (UNCHANGEDSINCE 100) +FLAGS (x)")
    top = int(s.ok("FETCH 3 (MODSEQ)").fetched()[3][b"MODSEQ"][0])
    a = s.ok("SORT (REVERSE ARRIVAL) UTF-8 MODSEQ 1")
    assert a.untagged == [b"* SORT 6 5 4 3 2 1 (MODSEQ %d)" % top]
    assert s.ok(f"UID SORT (ARRIVAL) UTF-8 MODSEQ {top + 1}").untagged == [b"* SORT"]
    assert s.ok("SORT (ARRIVAL) UTF-8 1:2").untagged == [b"* SORT 1 2"]


def test_rename_tells_of_the_folder_as_it_is(start):
    """RFC 9051 6.3.6: the LIST with OLDNAME is as true as any other."""
    s = start("ENABLE IMAP4rev2", "CREATE a.b", "CREATE c")
    a = s.ok("RENAME a d")
    assert a.untagged == [b'* LIST (\\NonExistent \\HasChildren) "." d ("OLDNAME" (a))']
    s.ok("CREATE c.d")
    assert s.ok("RENAME c e").untagged == [b'* LIST (\\HasChildren) "." e ("OLDNAME" (c))']
    assert s.ok("RENAME e.d f").untagged == [b'* LIST (\\HasNoChildren) "." f ("OLDNAME" (e.d))']


def test_select_tells_of_the_folder_as_it_is(start):
    """RFC 9051 6.3.2: "The list of mailbox attributes MUST be accurate"."""
    s = start("ENABLE IMAP4rev2", "CREATE Sent (USE (\\Sent))", "CREATE Sent.old")
    assert b'* LIST (\\HasChildren \\Sent) "." Sent' in s.ok("SELECT Sent").untagged
    assert b'* LIST (\\HasNoChildren) "." INBOX' in s.ok("EXAMINE INBOX").untagged


def test_inbox_keeps_its_name(start):
    """RFC 9051 6.3.6: RENAME INBOX moves messages."""
    assert start("ENABLE IMAP4rev2").ok("RENAME INBOX old").untagged == []


def test_what_an_expunge_would_free(start):
    """RFC 9208 4.1.4, 5.1: who has QUOTA=RES-STORAGE has STATUS (DELETED-STORAGE)."""
    s = start("SELECT INBOX")
    size = sum(int(m[b"RFC822.SIZE"]) for m in s.ok("FETCH 2:3 RFC822.SIZE").fetched().values())
    assert s.ok("STATUS INBOX (DELETED-STORAGE)").untagged == [b"* STATUS INBOX (DELETED-STORAGE 0)"]
    s.ok("STORE 2:3 +FLAGS.SILENT (\\Deleted)")
    a = s.ok("STATUS INBOX (DELETED DELETED-STORAGE)")
    assert a.untagged == [b"* STATUS INBOX (DELETED 2 DELETED-STORAGE %d)" % size]


def hears(s, *lines):
    """They come without a command, whole, in whatever order."""
    text = b""
    while not set(lines) <= set(text.split(b"\r\n")[:-1]):
        assert select.select([s.sock], [], [], 20)[0], f"all that was told: {text}"
        text += s.sock.recv(65536)


def hears_of(s, name, messages):
    text = b""
    while b"* STATUS %s (MESSAGES %d " % (name, messages) not in text:
        assert select.select([s.sock], [], [], 20)[0], f"all that was told: {text}"
        text += s.sock.recv(65536)


def test_notify_tells_flags_with_the_uid(start):
    """RFC 5465 5.1: the FETCH MUST include UID and FLAGS."""
    other = start("SELECT INBOX")
    s = start("SELECT INBOX", "NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange))")
    other.ok("STORE 3 +FLAGS (\\Flagged)")
    hears(s, b"* 3 FETCH (UID 3 FLAGS (\\Flagged))")


def test_notify_tells_of_the_parent(start):
    """RFC 5465 5.4: with a folder its parent is affected."""
    other = start("CREATE a")
    s = start("NOTIFY SET (PERSONAL (MailboxName))")
    other.ok("CREATE a.b")
    hears(s, b'* LIST (\\HasNoChildren) "." a.b', b'* LIST (\\HasChildren) "." a')
    other.ok("DELETE a.b")
    hears(s, b'* LIST (\\NonExistent \\HasNoChildren) "." a.b', b'* LIST (\\HasNoChildren) "." a')


def test_notify_of_a_folder_that_was_made_again(start):
    """Between two looks, a second apart: the name is the old one, the directory is not."""
    other = start("CREATE a", "CREATE b")
    s = start("NOTIFY SET (PERSONAL (MailboxName MessageNew MessageExpunge))")
    other.ok("CREATE c")
    hears(s, b'* LIST (\\HasNoChildren) "." c')
    other.ok("DELETE a")
    other.ok("CREATE a")
    hears_of(s, b"a", 0)
    other.ok("APPEND a {3+}\r\na\r\n")
    hears_of(s, b"a", 1)
    other.ok("CREATE d")
    hears(s, b'* LIST (\\HasNoChildren) "." d')
    for old, new in (("a", "x"), ("b", "a"), ("x", "b")):
        other.ok(f"RENAME {old} {new}")
    hears_of(s, b"b", 1)
    other.ok("APPEND b {3+}\r\na\r\n")
    hears_of(s, b"b", 2)


def test_notify_tells_the_old_name(start):
    """RFC 5465 5.4: a folder that was renamed is one LIST with OLDNAME; for what lies below it as well."""
    other = start("CREATE a", "CREATE a.b", "CREATE c", "SUBSCRIBE a.b")
    s = start("NOTIFY SET (PERSONAL (MailboxName MessageNew MessageExpunge))")
    other.ok("RENAME a d.e")
    hears(s, b'* LIST (\\HasChildren) "." d.e ("OLDNAME" (a))', b'* LIST (\\HasNoChildren) "." d.e.b ("OLDNAME" (a.b))',
          b'* LIST (\\NonExistent \\HasChildren) "." d', b'* LIST (\\NonExistent \\HasNoChildren \\Subscribed) "." a.b')
    other.ok("DELETE c")
    other.ok("CREATE f")
    hears(s, b'* LIST (\\NonExistent \\HasNoChildren) "." c', b'* LIST (\\HasNoChildren) "." f')
    other.ok("RENAME INBOX g")
    hears(s, b'* LIST (\\HasNoChildren) "." g')
    other.ok("RENAME f h")
    said = s.ok("NOOP").untagged
    for _ in range(100):
        if said and b"OLDNAME" in said[-1]:
            break
        select.select([s.sock], [], [], 0.1)
        said += s.ok("NOOP").untagged
    assert [x for x in said if b"LIST" in x] == [b'* LIST (\\HasNoChildren) "." h ("OLDNAME" (f))']


def test_an_extended_list_asks_for_no_delimiter(start):
    """RFC 5258 3: whichever way LIST is extended, an empty pattern matches nothing."""
    s = start()
    assert s.ok('LIST "" ""').untagged == [b'* LIST (\\Noselect) "." ""']
    for command in ('LIST "" "" RETURN (CHILDREN)', 'LIST "" ("")', 'LIST (SUBSCRIBED) "" ""'):
        assert s.ok(command).untagged == []


@pytest.mark.parametrize("enable", ["IMAP4rev2", "UTF8=ACCEPT"])
def test_a_new_name_is_net_unicode(start, enable):
    """RFC 9051 6.3.4, RFC 6855 3: NFC, and no separator of lines."""
    s = start("ENABLE " + enable)
    composed, apart = "\u00e9t\u00e9", "e\u0301te\u0301"
    assert s.no(f'CREATE "{apart}"').code() == "CANNOT"
    for c in "\u2028\u2029":
        assert s.no(f'CREATE "a{c}b"').code() == "CANNOT"
    s.ok(f'CREATE "{composed}"')
    assert s.no(f'RENAME "{composed}" "{apart}"').code() == "CANNOT"
    s.ok(f'RENAME "{composed}" "\u05e9\u05dc\u05d5\u05dd"')


def test_old_clients_keep_their_names(start):
    """In modified UTF-7 any name will do: what is copied from another server has such ones."""
    start("CREATE e&AwE-")


@pytest.mark.parametrize("how", ["deleted", "made anew", "rm"])
@pytest.mark.parametrize("command", ["NOOP", "FETCH 1 BODY[]", "STORE 1 +FLAGS (\\Seen)", "SEARCH ALL", "UID COPY 1 INBOX",
                                     "UID MOVE 1 INBOX", "EXPUNGE", "CLOSE", "IDLE"])
def test_the_open_folder_is_deleted(start, box, how, command):
    """RFC 9051 2.3.1.1: uids of before must not be used with another folder; who holds it is sent away."""
    other = start("SELECT INBOX", "CREATE X", "COPY 1:2 X")
    s = start("SELECT X")
    if how == "rm":
        shutil.rmtree(box / ".X")
    else:
        other.ok("DELETE X")
    if how == "made anew":
        other.ok("CREATE X")
    tag = s.start(command)
    told = until_end(s)
    assert b"* BYE The mailbox was deleted, or made anew." in told
    assert told.count(b"* BYE The mailbox was deleted, or made anew.") == 1
    answers = [x.split()[1] for x in told if x.startswith(tag + b" ")]
    assert answers == [] if command == "IDLE" else len(answers) == 1
    if "COPY" in command or "MOVE" in command:
        assert answers == [b"NO"], "nothing was copied"


def until_end(s):
    told = []
    while True:
        try:
            told.append(s.line())
        except EOFError:
            return told


def test_a_copy_of_nothing_is_no_copy(start, box):
    """RFC 5530: EXPUNGEISSUED."""
    s = start("SELECT INBOX", "CREATE X")
    sorted((box / "cur").iterdir())[1].unlink()
    a = s.no("COPY 2 X")
    assert a.code() == "EXPUNGEISSUED"
    assert s.ok("STATUS X (MESSAGES)").untagged == [b"* STATUS X (MESSAGES 0)"]


@pytest.mark.parametrize("name", ['""', "a..b", "a/b"])
def test_no_trycreate_for_what_cannot_be_created(start, name):
    """RFC 9051 6.3.12."""
    assert start("NOOP").no("APPEND %s {3+}\r\nabc" % name).code() == "CANNOT"


def test_recent_without_a_claim(start, box):
    """RFC 3501 2.3.2: a session that only reads sees \\Recent, and those behind it, too."""
    for n in (1, 2):
        (box / "new" / f"180000000{n}.M{n}P1.h").write_bytes(TEXT % (7, 7))
    reader, again = start("EXAMINE INBOX"), start("EXAMINE INBOX")
    for s in (reader, again):
        a = s.ok("EXAMINE INBOX")
        assert b"* 2 RECENT" in a.untagged and b"* 8 EXISTS" in a.untagged
        assert s.ok("FETCH 6:7 FLAGS").untagged == [b"* 6 FETCH (FLAGS ())", b"* 7 FETCH (FLAGS (\\Recent))"]
        assert (s.ok("SEARCH RECENT").search(), s.ok("SEARCH NEW").search()) == ([7, 8], [7, 8])
        assert s.ok("SEARCH OLD").search() == [1, 2, 3, 4, 5, 6]
        assert s.ok("STATUS INBOX (RECENT)").untagged == [b"* STATUS INBOX (RECENT 2)"]
    (box / "new" / "1800000001.M1P1.h").unlink()
    assert reader.ok("NOOP").untagged == [b"* 7 EXPUNGE"]
    assert reader.ok("SEARCH RECENT").search() == [7]
    writer = start()
    assert b"* 1 RECENT" in writer.ok("SELECT INBOX").untagged
    assert b"* 0 RECENT" in reader.ok("EXAMINE INBOX").untagged and reader.ok("SEARCH RECENT").search() == []
    assert b"* 0 RECENT" in start().ok("SELECT INBOX").untagged
