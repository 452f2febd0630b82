"""What changes messages: STORE, COPY, MOVE, EXPUNGE, two sessions at once, CONDSTORE and QRESYNC."""

import os
import random
import re

import imapd
import pytest

pytestmark = pytest.mark.programs("qimapd")

TEXT = b"From: a@b.example\nSubject: message %d\n\nbody %d\n"
N = 10


@pytest.fixture
def box(tmp_path):
    return imapd.make(tmp_path / "Maildir", [("2,", TEXT % (i, i)) for i in range(1, N + 1)])


@pytest.fixture
def open_session(box):
    sessions = []

    def start(*enable, select="SELECT INBOX"):
        s = imapd.Session.qimapd(box)
        sessions.append(s)
        if enable:
            s.ok("ENABLE " + " ".join(enable))
        s.selected = s.ok(select)
        return s

    yield start
    for s in sessions:
        assert s.end() == 0


@pytest.fixture
def s(open_session):
    return open_session()


def flags(a, n):
    return sorted(f.decode() for f in a.fetched()[n][b"FLAGS"] if f != b"\\Recent")


def modseq(a, n):
    return int(a.fetched()[n][b"MODSEQ"][0])


def highest(a):
    found = [int(m[1]) for m in (re.search(rb"HIGHESTMODSEQ (\d+)", x) for x in [*a.untagged, a.tagged]) if m]
    return found[-1] if found else None


def starting(a, what):
    return [x for x in a.untagged if x.startswith(what)]


# ---- STORE -----------------------------------------------------------------------------


def test_store_forms(s, box):
    assert flags(s.ok("STORE 1 +FLAGS (\\Seen \\Flagged)"), 1) == ["\\Flagged", "\\Seen"]
    assert flags(s.ok("STORE 1 -FLAGS \\Flagged"), 1) == ["\\Seen"]
    assert flags(s.ok("STORE 1 FLAGS (\\Draft $Foo)"), 1) == ["$Foo", "\\Draft"]
    assert flags(s.ok("STORE 1 +FLAGS \\Answered \\Deleted"), 1) == ["$Foo", "\\Answered", "\\Deleted", "\\Draft"]
    assert flags(s.ok("STORE 1 FLAGS ()"), 1) == []
    assert s.ok("STORE 1:3 +FLAGS.SILENT (\\Seen)").untagged == []
    assert flags(s.ok("FETCH 2 FLAGS"), 2) == ["\\Seen"]
    a = s.ok("UID STORE 1:* -FLAGS (\\Seen)")
    assert sorted(a.fetched()) == list(range(1, N + 1)) and a.fetched()[3][b"UID"] == b"3"


def test_store_refused(s, open_session):
    for words in ("1 FLAGS", "1 FLAG (\\Seen)", "1 +FLAGS (\\Recent)", "1 +FLAGS (\\Foo)", "1 +FLAGS (\\Seen", "1 +FLAGS (\\Seen) x",
                  "0 FLAGS ()", "99 FLAGS ()", "1 +FLAGS.LOUD ()", "1 (UNCHANGEDSINCE) FLAGS ()", "1 (FOO 1) FLAGS ()"):
        s.bad("STORE " + words)
    examined = open_session(select="EXAMINE INBOX")
    assert examined.no("STORE 1 +FLAGS (\\Seen)").code() == "READ-ONLY"


def test_forwarded_is_the_letter_p(s, box):
    s.ok("STORE 4 +FLAGS ($Forwarded \\Seen)")
    assert list((box / "cur").glob("*M3P1*"))[0].name.endswith(":2,PS")
    assert flags(s.ok("FETCH 4 FLAGS"), 4) == ["$Forwarded", "\\Seen"]
    s.ok("STORE 4 -FLAGS ($forwarded)")
    assert list((box / "cur").glob("*M3P1*"))[0].name.endswith(":2,S")
    old = list((box / "cur").glob("*M5P1*"))[0]
    old.rename(str(old)[:-2] + "2,P")
    s.ok("NOOP")
    assert flags(s.ok("FETCH 6 FLAGS"), 6) == ["$Forwarded"]


def test_keywords_stay(s, box, open_session):
    a = s.ok("STORE 2 +FLAGS ($Junk Foo-bar)")
    first = next(i for i, x in enumerate(a.untagged) if b"FETCH" in x)
    assert any(x.startswith(b"* FLAGS (") and b"Foo-bar" in x for x in a.untagged[:first])
    assert flags(open_session().ok("FETCH 2 FLAGS"), 2) == ["$Junk", "Foo-bar"]
    assert flags(s.ok("STORE 2 +FLAGS (foo-BAR)"), 2) == ["$Junk", "Foo-bar"]
    assert s.ok("STORE 2 -FLAGS (Unheard)").fetched().keys() == {2}
    assert b"Unheard" not in b"".join(s.ok("SELECT INBOX").untagged)


def test_limit_of_keywords(s):
    for i in range(0, 64, 8):
        a = s.ok("STORE 1 +FLAGS (%s)" % " ".join(f"k{i + k}" for k in range(8)))
    assert len(flags(a, 1)) == 64
    assert s.no("STORE 2 +FLAGS (onemore)").code() == "LIMIT"
    assert flags(s.ok("FETCH 2 FLAGS"), 2) == []
    assert flags(s.ok("STORE 2 +FLAGS (K7 k63)"), 2) == ["k63", "k7"]


def test_silent_with_a_foreign_change(s, box):
    """Who reckons for himself hears of what he cannot know."""
    old = list((box / "cur").glob("*M0P1*"))[0]
    old.rename(str(old) + "F")
    a = s.ok("STORE 1:2 +FLAGS.SILENT (\\Seen)")
    b = s.ok("NOOP")
    told = a.fetched() | b.fetched()
    assert sorted(told) == [1] and sorted(told[1][b"FLAGS"]) == [b"\\Flagged", b"\\Seen"]


def test_store_of_what_is_gone(s, box):
    list((box / "cur").glob("*M1P1*"))[0].unlink()
    a = s.ok("STORE 1:3 +FLAGS (\\Seen)")
    assert a.code() == "EXPUNGEISSUED" and sorted(a.fetched()) == [1, 3]
    assert starting(a, b"* 2 EXPUNGE") == []
    assert b"* 2 EXPUNGE" in s.ok("NOOP").untagged


# ---- COPY, MOVE, EXPUNGE ---------------------------------------------------------------


def test_copy(s, box):
    assert s.no("COPY 1 Nowhere").code() == "TRYCREATE"
    s.bad("COPY 99 INBOX")
    s.bad("COPY 1")
    s.ok("CREATE Else")
    s.ok("STORE 2 +FLAGS (\\Flagged $Foo)")
    word, validity, source, to = s.ok("COPY 3,1:2 Else").code().split()
    assert (word, source, to) == ("COPYUID", "1:3", "1:3")
    assert s.ok("UID COPY 77 Else").code() is None
    with imapd.Session.qimapd(box) as other:
        a = other.ok("SELECT Else")
        assert b"* OK [UIDVALIDITY %s]" % validity.encode() in b"".join(x[: 20 + len(validity)] for x in a.untagged)
        got = other.ok("UID FETCH 1:* (FLAGS BODY.PEEK[] INTERNALDATE)").fetched()
        mine = s.ok("FETCH 1:3 (FLAGS BODY.PEEK[] INTERNALDATE)").fetched()
        for n in (1, 2, 3):
            assert {k: v for k, v in got[n].items() if k != b"UID"} == mine[n]
        assert flags(other.ok("FETCH 2 FLAGS"), 2) == ["$Foo", "\\Flagged"]


def test_copy_into_itself(s):
    a = s.ok("COPY 1:2 INBOX")
    assert a.code().split()[2:] == ["1:2", f"{N + 1}:{N + 2}"]
    assert b"* %d EXISTS" % (N + 2) in a.untagged
    assert s.ok(f"FETCH {N + 1} BODY.PEEK[TEXT]").fetched()[N + 1][b"BODY[TEXT]"] == b"body 1\r\n"


def test_move(s, box):
    s.ok("CREATE Else")
    a = s.ok("MOVE 2:3,5 Else")
    copied = [i for i, x in enumerate(a.untagged) if x.startswith(b"* OK [COPYUID ")]
    gone = [i for i, x in enumerate(a.untagged) if x.endswith(b"EXPUNGE")]
    assert len(copied) == 1 and gone and copied[0] < gone[0]
    assert a.untagged[copied[0]].split(b"]")[0].split()[-2:] == [b"2:3,5", b"1:3"]
    assert [a.untagged[i] for i in gone] == [b"* 2 EXPUNGE", b"* 2 EXPUNGE", b"* 3 EXPUNGE"]
    assert s.ok("UID SEARCH ALL").search() == [1, 4, 6, 7, 8, 9, 10]
    assert len(os.listdir(box / "cur")) == 7 and len(os.listdir(box / ".Else" / "cur")) == 3
    assert s.no("MOVE 1 Nowhere").code() == "TRYCREATE"
    assert s.ok("UID MOVE 2 Else").code() is None


def test_expunge(s):
    s.ok("STORE 2,4,6 +FLAGS.SILENT (\\Deleted)")
    a = s.ok("UID EXPUNGE 4:9")
    assert a.untagged == [b"* 4 EXPUNGE", b"* 5 EXPUNGE"]
    assert s.ok("EXPUNGE").untagged == [b"* 2 EXPUNGE"]
    assert s.ok("EXPUNGE").untagged == []
    assert s.ok("UID SEARCH ALL").search() == [1, 3, 5, 7, 8, 9, 10]
    s.bad("UID EXPUNGE")
    s.bad("EXPUNGE 1")


def test_quota(s, box):
    (box / "maildirsize").write_text("700S,100C\n400 10\n")
    s.ok("CREATE Else")
    assert s.no("COPY 1:10 Else").code() == "OVERQUOTA"
    assert not (box / ".Else" / "cur").exists() or os.listdir(box / ".Else" / "cur") == []
    s.ok("COPY 1 Else")
    s.ok("MOVE 2:10 Else")


# ---- two sessions ----------------------------------------------------------------------


def test_numbers_stay_until_told(open_session):
    a, b = open_session(), open_session()
    b.ok("STORE 1:3 +FLAGS.SILENT (\\Deleted)")
    b.ok("EXPUNGE")
    got = a.ok("FETCH 4:5 (UID)")
    assert [x[b"UID"] for x in got.fetched().values()] == [b"4", b"5"]
    assert starting(got, b"* 1 EXPUNGE") == []
    got = a.ok("STORE 4 +FLAGS (\\Seen)")
    assert sorted(got.fetched()) == [4] and not [x for x in got.untagged if x.endswith(b"EXPUNGE")]
    got = a.ok("SEARCH UID 4")
    assert got.search() == [4] and not [x for x in got.untagged if x.endswith(b"EXPUNGE")]
    got = a.ok("UID FETCH 4 FLAGS")
    assert [x for x in got.untagged if x.endswith(b"EXPUNGE")] == [b"* 1 EXPUNGE", b"* 1 EXPUNGE", b"* 1 EXPUNGE"] or \
        a.ok("NOOP").untagged == [b"* 1 EXPUNGE"] * 3
    assert a.ok("FETCH 1 UID").fetched()[1][b"UID"] == b"4"


def test_chance(open_session):
    """Two sessions do random things; each believes what it is told, and that is what is there."""
    rng = random.Random(11)
    sessions = [open_session(), open_session("QRESYNC")]
    known = []
    for s in sessions:
        known.append([(int(x[b"UID"]), frozenset(f for f in x[b"FLAGS"] if f != b"\\Recent"))
                      for x in s.ok("FETCH 1:* (UID FLAGS)").fetched().values()])

    def believe(k, a):
        for line in a.untagged:
            word = line.split()
            if word[-1] == b"EXPUNGE":
                known[k].pop(int(word[1]) - 1)
            elif word[1] == b"VANISHED":
                gone = set()
                for r in word[2].split(b","):
                    lo, _, hi = r.partition(b":")
                    gone |= set(range(int(lo), int(hi or lo) + 1))
                known[k] = [m for m in known[k] if m[0] not in gone]
            elif word[-1] == b"EXISTS":
                known[k] += [(None, frozenset())] * (int(word[1]) - len(known[k]))
            elif b" FETCH " in line[:20]:
                (n, items), = imapd.Answer(b"OK x", [line]).fetched().items()
                old = known[k][n - 1]
                uid = int(items[b"UID"]) if b"UID" in items else old[0]
                assert old[0] in (None, uid), (old, line)
                new = items.get(b"FLAGS")
                known[k][n - 1] = (uid, old[1] if new is None else frozenset(f for f in new if f != b"\\Recent"))

    for turn in range(300):
        k = rng.randrange(2)
        s = sessions[k]
        if not known[k]:
            break
        n = rng.randrange(len(known[k])) + 1
        flag = rng.choice(["\\Seen", "\\Flagged", "$A", "$B", "\\Deleted"])
        command = rng.choice([f"STORE {n} +FLAGS ({flag})", f"STORE {n} -FLAGS ({flag})", f"STORE {n} FLAGS ({flag})", "NOOP",
                              f"COPY {n} INBOX" if len(known[k]) < 40 else "NOOP", f"UID FETCH 1:* (FLAGS)",
                              "EXPUNGE" if turn % 5 == 0 else "CHECK"])
        believe(k, s.do(command))
    for k, s in enumerate(sessions):
        believe(k, s.ok("NOOP"))
        believe(k, s.ok("UID FETCH 1:* (FLAGS)"))
    assert known[0] == known[1]


# ---- CONDSTORE ---------------------------------------------------------------------------


def test_modseq_of_fetch_and_store(s):
    a = s.ok("FETCH 1:2 (MODSEQ)")
    assert highest(a) >= modseq(a, 1) > 0, "the first command of CONDSTORE tells it"
    before = highest(a)
    a = s.ok("STORE 1 +FLAGS (\\Seen)")
    assert modseq(a, 1) > before and b"FLAGS" in a.fetched()[1]
    later = modseq(a, 1)
    a = s.ok("STORE 2 +FLAGS.SILENT (\\Seen)")
    assert modseq(a, 2) > later and b"FLAGS" not in a.fetched()[2]
    assert sorted(s.ok(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {before})").fetched()) == [1, 2]
    assert sorted(s.ok(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {later})").fetched()) == [2]
    assert sorted(s.ok(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {later + 100})").fetched()) == []


def test_changedsince_marks_what_it_sends(s):
    before = highest(s.selected)
    s.ok("STORE 2 +FLAGS (\\Flagged)")
    got = s.ok(f"FETCH 1:4 (BODY[TEXT]) (CHANGEDSINCE {before})")
    assert sorted(got.fetched()) == [2] and b"\\Seen" in got.fetched()[2][b"FLAGS"]
    assert s.ok("SEARCH SEEN").search() == [2], "what was not sent is not read"


def test_unchangedsince(open_session):
    a, b = open_session("CONDSTORE"), open_session()
    start = modseq(a.ok("FETCH 3 MODSEQ"), 3)
    b.ok("STORE 2,4 +FLAGS (\\Flagged)")
    got = a.ok(f"STORE 1:4 (UNCHANGEDSINCE {start}) +FLAGS.SILENT (\\Deleted)")
    assert got.code() == "MODIFIED 2,4"
    now = a.ok("FETCH 1:4 (FLAGS)")
    assert [flags(now, n) for n in (1, 2, 3, 4)] == [["\\Deleted"], ["\\Flagged"], ["\\Deleted"], ["\\Flagged"]]
    assert modseq(got, 1) > start and modseq(got, 3) > start
    assert a.ok("UID STORE 2 (UNCHANGEDSINCE 0) +FLAGS (\\Seen)").code() == "MODIFIED 2"
    assert a.ok(f"UID STORE 9 (UNCHANGEDSINCE {start}) +FLAGS (\\Seen)").code() is None


@pytest.mark.parametrize("item", ["\\Flagged", "\\Seen", "word", "\\Seen word"])
def test_unchangedsince_beside_another_program(open_session, box, item):
    """It has renamed a file since the last look: the message is not as the client knows it."""
    a = open_session("CONDSTORE")
    now = highest(a.selected)
    old = sorted((box / "cur").iterdir())[1]
    old.rename(old.with_name(old.name + "S"))
    got = a.ok(f"STORE 2:3 (UNCHANGEDSINCE {now}) +FLAGS ({item})")
    assert got.code() == "MODIFIED 2"
    now = a.ok("FETCH 2:3 (FLAGS)")
    assert [flags(now, n) for n in (2, 3)] == [["\\Seen"], sorted(item.split())]


def test_search_modseq(s):
    start = highest(s.selected)
    s.ok("STORE 3 +FLAGS (\\Seen)")
    s.ok("STORE 5 +FLAGS (\\Seen)")
    a = s.ok(f"SEARCH MODSEQ {start + 1}")
    line = starting(a, b"* SEARCH")[0]
    m = re.fullmatch(rb"\* SEARCH 3 5 \(MODSEQ (\d+)\)", line)
    assert m and int(m[1]) == modseq(s.ok("FETCH 5 MODSEQ"), 5)
    assert starting(s.ok("SEARCH MODSEQ 999999999"), b"* SEARCH") == [b"* SEARCH"]
    a = s.ok(f'SEARCH RETURN (MIN) MODSEQ "/flags/\\\\seen" all {start + 1}')
    assert re.fullmatch(rb'\* ESEARCH \(TAG "t\d+"\) MIN 3 MODSEQ %d' % modseq(s.ok("FETCH 3 MODSEQ"), 3), starting(a, b"* ESEARCH")[0])


def test_foreign_changes_have_a_modseq(open_session, box):
    s = open_session("CONDSTORE")
    start = highest(s.selected)
    old = list((box / "cur").glob("*M6P1*"))[0]
    old.rename(str(old) + "S")
    a = s.ok("NOOP")
    assert flags(a, 7) == ["\\Seen"] and modseq(a, 7) > start


# ---- QRESYNC -----------------------------------------------------------------------------


def test_vanished(open_session):
    s, other = open_session("QRESYNC"), open_session("QRESYNC")
    start = highest(s.selected)
    s.ok("STORE 2,3,7 +FLAGS.SILENT (\\Deleted)")
    a = s.ok("EXPUNGE")
    assert a.untagged == [b"* VANISHED 2:3,7"]
    assert highest(a) > start
    assert b"* VANISHED 2:3,7" in other.ok("NOOP").untagged
    a = s.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {start} VANISHED)")
    assert a.untagged[0] == b"* VANISHED (EARLIER) 2:3,7"
    assert s.ok(f"UID FETCH 3:6 (FLAGS) (CHANGEDSINCE {start} VANISHED)").untagged[0] == b"* VANISHED (EARLIER) 3"
    assert starting(s.ok(f"UID FETCH 4:6 (FLAGS) (CHANGEDSINCE {start} VANISHED)"), b"* VANISHED") == []
    assert starting(s.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {highest(s.ok('EXPUNGE')) or 10**9} VANISHED)"), b"* VANISHED") == []
    s.bad(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {start} VANISHED)")
    s.bad("UID FETCH 1:* (FLAGS) (VANISHED)")
    open_session().bad("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)")


def test_move_under_qresync(open_session):
    s = open_session("QRESYNC")
    start = highest(s.selected)
    s.ok("CREATE Else")
    a = s.ok("UID MOVE 4:5 Else")
    assert [x.split(b"]")[0] for x in a.untagged if x.startswith(b"* OK [COPYUID")] and b"* VANISHED 4:5" in a.untagged
    assert highest(a) > start


def test_catching_up_by_select(open_session):
    s = open_session("QRESYNC")
    start = highest(s.selected)
    validity = re.search(rb"UIDVALIDITY (\d+)", b"".join(s.selected.untagged))[1].decode()
    s.ok("STORE 5 +FLAGS.SILENT (\\Seen)")
    s.ok("STORE 8 +FLAGS.SILENT (\\Deleted)")
    s.ok("EXPUNGE")
    later = open_session("QRESYNC", select=f"SELECT INBOX (QRESYNC ({validity} {start} 1:10))")
    assert b"* VANISHED (EARLIER) 8" in later.selected.untagged
    assert sorted(later.selected.fetched()) == [5] and later.selected.fetched()[5][b"UID"] == b"5"
