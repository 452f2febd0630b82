"""maildirtakeover on Maildirs of a real Dovecot, and on files as Courier writes them: uids,
UIDVALIDITY, flags, keywords and POP3's UIDLs are the same afterwards."""
import imaplib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from qlocal_driver import UID
from quoin import BIN, missing

pytestmark = pytest.mark.skipif(bool(missing("maildirtakeover")), reason="maildirtakeover is not built")

LISTER = pathlib.Path(BIN).parent / "tests" / "boxlist"
DOVECOT = pathlib.Path("/usr/lib/dovecot")
MESSAGE = b"From: a@example.org\r\nSubject: %d\r\n\r\nbody\r\n"


def as_user(argv, **kw):
    if os.geteuid() == 0:
        kw |= {"user": UID, "group": UID, "extra_groups": []}
    return subprocess.run([str(a) for a in argv], check=True, capture_output=True, **kw)


@pytest.fixture
def home():
    top = pathlib.Path(tempfile.mkdtemp(prefix="takeover-", dir="/tmp"))
    top.chmod(0o755)
    (top / "home").mkdir(mode=0o700)
    for part in ("", "new", "cur", "tmp"):
        (top / "home/Maildir" / part).mkdir(mode=0o700, exist_ok=True)
    give(top / "home")
    yield top / "home"
    shutil.rmtree(top)


def give(path):
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{UID}:{UID}", path], check=True)


def take_over(home):
    p = subprocess.run([BIN / "maildirtakeover", home / "Maildir"], check=True, capture_output=True, text=True)
    return dict(line.rsplit(": ", 1) for line in p.stdout.splitlines())


class Listed:
    def __init__(self, directory):
        lines = as_user([LISTER, directory], text=True).stdout.splitlines()
        self.uidvalidity, self.uidnext = map(int, lines[0].split())
        rows = [line.split("\t") for line in lines[1:]]
        self.uids = [int(r[0]) for r in rows]
        self.flags = {int(r[0]): int(r[2], 16) for r in rows}
        self.keywords = {int(r[0]): set(r[3].split()) for r in rows}
        self.uidls = {int(r[0]): r[4] for r in rows}


# ---- Dovecot ----


class Dovecot:
    """imap and pop3 as the user who is logged in already, on a pipe."""

    def __init__(self, home, settings=""):
        self.home = home
        self.conf = home.parent / "dovecot.conf"
        self.conf.write_text(
            f"base_dir = {home.parent}/run\nlog_path = /dev/stderr\nssl = no\nprotocols = imap pop3\n"
            f"mail_location = maildir:{home}/Maildir\nfirst_valid_uid = 1\n{settings}"
        )
        self.conf.chmod(0o644)

    def command(self, what):
        run = f"exec {DOVECOT}/{what} -c {self.conf} 2>{self.home}/log"
        run = f"HOME={self.home} USER=user LOGNAME=user {run}"
        if os.geteuid() == 0:
            return f"setpriv --reuid={UID} --regid={UID} --clear-groups sh -c '{run}'"
        return f"sh -c '{run}'"

    def imap(self):
        return imaplib.IMAP4_stream(self.command("imap"))

    def uidls(self):
        p = subprocess.run(self.command("pop3"), shell=True, input=b"UIDL\r\nQUIT\r\n", capture_output=True, check=True)
        return dict(m.groups() for m in re.finditer(r"^(\d+) (\S+)\r$", p.stdout.decode(), re.M))


needs_dovecot = pytest.mark.skipif(
    not (DOVECOT / "imap").exists() or not (DOVECOT / "pop3").exists(), reason="no Dovecot (package/deps peers)"
)


def state(imap, folder):
    imap.select(f'"{folder}"')
    validity = int(imap.response("UIDVALIDITY")[1][0])
    uidnext = int(imap.response("UIDNEXT")[1][0])
    flags = {}
    for line in imap.fetch("1:*", "(UID FLAGS)")[1]:
        uid, words = re.search(rb"UID (\d+) FLAGS \((.*?)\)", line).groups()
        flags[int(uid)] = set(words.decode().split())
    return validity, uidnext, flags


def fill(imap, folder):
    if folder != "INBOX":
        assert imap.create(f'"{folder}"')[0] == "OK"
    for i in range(12):
        flags = {0: "", 1: r"\Seen", 2: r"\Answered \Flagged", 3: r"\Draft $Forwarded"}[i % 4]
        assert imap.append(f'"{folder}"', f"({flags})", None, MESSAGE % i)[0] == "OK"
    imap.select(f'"{folder}"')
    imap.store("2,5", "+FLAGS", r"($Junk later)")
    imap.store("3,12", "+FLAGS", r"(\Deleted)")
    imap.expunge()


BITS = {"\\Answered": 2, "\\Seen": 4, "\\Deleted": 8, "\\Draft": 16, "\\Flagged": 32}


def compare(listed, before):
    validity, uidnext, flags = before
    assert (listed.uidvalidity, listed.uidnext) == (validity, uidnext)
    assert listed.uids == sorted(flags)
    for uid, words in flags.items():
        words -= {"\\Recent"}
        assert listed.flags[uid] & 0x3E == sum(BITS[w] for w in words if w in BITS)
        assert listed.keywords[uid] == {w for w in words if w not in BITS}, uid


@needs_dovecot
@pytest.mark.parametrize("settings", ["", "pop3_save_uidl = yes\npop3_uidl_format = %f\n"])
def test_dovecot(home, settings):
    dovecot = Dovecot(home, settings)
    imap = dovecot.imap()
    folders = ["INBOX", "Entw&APw-rfe.x", "Sent"]
    for f in folders:
        fill(imap, f)
    before = {f: state(imap, f) for f in folders}
    imap.logout()
    uidls = dovecot.uidls()
    imap = dovecot.imap()
    before["INBOX"] = state(imap, "INBOX")
    imap.logout()
    assert len(uidls) == 10
    assert take_over(home) == {"INBOX": "taken over", r"Entw\xc3\xbcrfe.x": "taken over", "Sent": "taken over"}
    for f in folders:
        listed = Listed(home / "Maildir" / ("." if f == "INBOX" else f".{f}"))
        compare(listed, before[f])
        if f == "INBOX":
            assert [listed.uidls[u] for u in listed.uids] == list(uidls.values())
    assert set(take_over(home).values()) == {"has uids of ours already"}
    for p in home.rglob("quoin-*"):
        assert p.stat().st_uid == home.stat().st_uid, p


@needs_dovecot
def test_mail_that_dovecot_has_not_seen(home):
    """What came since gets uids behind all of Dovecot's."""
    dovecot = Dovecot(home)
    imap = dovecot.imap()
    fill(imap, "INBOX")
    validity, uidnext, flags = state(imap, "INBOX")
    imap.logout()
    (home / "Maildir/new/1.late.host").write_bytes(MESSAGE % 99)
    give(home)
    take_over(home)
    listed = Listed(home / "Maildir")
    assert listed.uidvalidity == validity and listed.uids == sorted(flags) + [uidnext]


# ---- Courier ----


def courier(home, folder=".", n=6):
    """Files as courier-imap writes them."""
    box = home / "Maildir" / folder
    names = [f"{1700000000 + i}.M{i}P{i}V0I{i}_0.host,S={10 + i}" for i in range(n)]
    for i, name in enumerate(names):
        (box / ("cur" if i else "new")).mkdir(exist_ok=True)
        (box / ("cur" if i else "new") / (name + (":2,S" if i else ""))).write_bytes(b"S: x\n\nbody\n")
    lines = [f"{7 + 3 * i} {name}" for i, name in enumerate(names[:4])]
    (box / "courierimapuiddb").write_text("1 1234567890 40\n" + "".join(line + "\n" for line in lines))
    return names


def test_courier(home):
    names = courier(home)
    pop = [f"{name}:2,S 12 {i}:1111" + (":0" if i % 2 else "") for i, name in enumerate(names, 1)]
    pop[2] = f"{names[2]} 12 77:0"
    pop[3] = f"{names[3]}:2,S 12 0:0:0"
    (home / "Maildir/courierpop3dsizelist").write_text("/3 9 1111\n" + "\n".join(pop) + "\n")
    give(home)
    assert take_over(home) == {"INBOX": "taken over"}
    listed = Listed(home / "Maildir")
    assert (listed.uidvalidity, listed.uidnext) == (1234567890, 42)
    assert listed.uids == [7, 10, 13, 16, 40, 41]
    assert list(listed.uidls.values()) == ["UID1-1111", "UID2-1111", "UID77", names[3], "UID5-1111", "UID6-1111"]


def test_courier_keywords(home):
    """:list, what was set since, and what sessions have read: the newest counts."""
    names = courier(home)
    kept = home / "Maildir/courierimapkeywords"
    kept.mkdir()
    words = [f"word{i}" for i in range(70)]
    (kept / ":list").write_text("Work\n$Junk\nwork\nno good\n\n" + f"{names[0]}:0 1\n{names[1]}:1\n{names[2]}:2 3 9\n"
                                f"{names[3]}:1\ngone.x,S=1:0\n{names[3]}\nx:\n:\n")
    (kept / f".598.{names[1]}").write_text("Old\n")
    (kept / f".599.{names[1]}").write_text("$junk\nOther\n")
    (kept / f".597.{names[1]}").write_text("Older\n")
    (kept / f".599.{names[3]}").write_text("Old\n")
    (kept / names[3]).write_text("")
    (kept / f"{names[4]}").write_text("Work\n")  # has no uid
    for odd in (".", "..x", ".-1.x", ".5", ".18446744073709551615." + names[0]):
        if odd != ".":
            (kept / odd).write_text("Bad\n")
    (kept / f".600.{names[2]}").symlink_to(kept / f".598.{names[1]}")
    os.mkfifo(kept / names[2])
    (home / "Maildir/.A/courierimapkeywords").mkdir(parents=True)
    (home / "Maildir/.A/tmp").mkdir()
    courier(home, ".A")
    (home / "Maildir/.A/courierimapkeywords" / names[1]).write_text("".join(w + "\n" for w in words))
    (home / "Maildir/.A/courierimapkeywords/:list").write_bytes(os.urandom(5000))
    give(home)
    assert take_over(home) == {"INBOX": "taken over", "A": "taken over"}
    listed = Listed(home / "Maildir")
    assert list(listed.keywords.values())[:4] == [{"Work", "$Junk"}, {"$Junk", "Other"}, {"Work"}, set()]
    assert len(Listed(home / "Maildir/.A").keywords[10]) in range(1, 65)


def test_courier_itself(home):
    """A Maildir as imapd of courier-imap leaves it (QUOIN_COURIER names the program, its LD_LIBRARY_PATH is ours)."""
    imapd = os.environ.get("QUOIN_COURIER", "/usr/lib/courier/courier/imapd")
    if not os.access(imapd, os.X_OK):
        pytest.skip("no courier-imap")
    box = home / "Maildir"
    for i in range(1, 9):
        (box / f"new/170000000{i}.M{i}P1.host,S=30").write_bytes(b"Subject: x\n\nbody\n")
    give(home)
    env = {"AUTHENTICATED": "joe", "HOME": str(home), "IMAP_KEYWORDS": "1", "IMAP_USELOCKS": "0", "IMAP_TRASHFOLDERNAME": "Trash",
           "IMAP_CAPABILITY": "IMAP4rev1 UIDPLUS CHILDREN", "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}

    def talk(*commands):
        text = "".join(f"a{i} {c}\r\n" for i, c in enumerate([*commands, "LOGOUT"]))
        out = as_user([imapd, box], input=text.encode(), env=env, cwd=home).stdout.decode()
        assert all(f"a{i} OK" in out for i in range(len(commands))), out
        return out

    def seen(folder):
        out = talk(f'SELECT "{folder}"', "FETCH 1:* (UID FLAGS)")
        return int(re.search(r"UIDVALIDITY (\d+)", out)[1]), {
            int(u): set(w.split()) for u, w in re.findall(r"FETCH \(UID (\d+) FLAGS \((.*?)\)\)", out)}

    talk("SELECT INBOX", "STORE 1 +FLAGS (Work $Junk)", "STORE 2 +FLAGS (Work \\Seen)", "STORE 3,4 +FLAGS (\\Deleted)", "EXPUNGE",
         'CREATE "INBOX.Entw&APw-rfe"', 'COPY 1:2 "INBOX.Entw&APw-rfe"', 'SUBSCRIBE "INBOX.Entw&APw-rfe"', 'CREATE "INBOX.b"')
    talk("SELECT INBOX", "STORE 1 -FLAGS (Work)", "STORE 2 FLAGS (Deux \\Flagged)", "STORE 5 +FLAGS ($Forwarded)",
         'SELECT "INBOX.Entw&APw-rfe"', "STORE 1 +FLAGS (Other)")
    folders = {"INBOX": ".", "INBOX.Entw&APw-rfe": None}
    before = {f: seen(f) for f in folders}
    talk("SELECT INBOX", "STORE 3 +FLAGS (late)")
    before["INBOX"][1][sorted(before["INBOX"][1])[2]].add("late")
    folders["INBOX.Entw&APw-rfe"] = next(p.name for p in box.iterdir() if p.name.startswith(".Entw"))
    assert set(take_over(home).values()) == {"taken over"}
    for f, directory in folders.items():
        listed = Listed(box / directory)
        validity, flags = before[f]
        assert listed.uidvalidity == validity and listed.uids == sorted(flags)
        for uid, words in flags.items():
            assert listed.flags[uid] & 0x3E == sum(BITS[w] for w in words if w in BITS)
            assert listed.keywords[uid] == {w for w in words if w[0] != "\\"}, (f, uid)


def test_courier_pop3_alone(home):
    names = courier(home)
    (home / "Maildir/courierimapuiddb").unlink()
    (home / "Maildir/courierpop3dsizelist").write_text(
        "/2 9 1111\n" + "".join(f"{name} 12 {i}:1111\n" for i, name in enumerate(names, 1))
    )
    give(home)
    assert take_over(home) == {"INBOX": "taken over"}
    listed = Listed(home / "Maildir")
    assert listed.uids == [1, 2, 3, 4, 5, 6] and listed.uidvalidity > 1000
    assert list(listed.uidls.values()) == [f"UID{i}-1111" for i in range(1, 7)]


def test_whoever_was_last(home):
    courier(home)
    (home / "Maildir/dovecot-uidlist").write_text("1 5555 3\n1 x\n")
    os.utime(home / "Maildir/dovecot-uidlist", (1, 1))
    give(home)
    take_over(home)
    assert Listed(home / "Maildir").uidvalidity == 1234567890


# ---- damage ----


@pytest.mark.parametrize(
    "text",
    [b"", b"\0" * 100, b"3\n", b"3 V0 N5\n", b"3 V1 N\n", b"2 1 1\n", b"1 1\n", b"3 V99999999999 N1\n", b"1 1 1"],
)
def test_damaged_head(home, text):
    (home / "Maildir/dovecot-uidlist").write_bytes(text)
    (home / "Maildir/new/1.a").write_bytes(b"S: x\n\n")
    give(home)
    assert take_over(home) == {"INBOX": "nothing to take over"}
    assert Listed(home / "Maildir").uids == [1]


def test_damaged_lines(home):
    box = home / "Maildir"
    for name in "abcdef":
        (box / f"cur/1.{name}:2,S").write_bytes(b"S: x\n\n")
    (box / "dovecot-uidlist").write_bytes(
        b"3 V77 N6 Gx\n5 Wq :1.a,S=5:2,S\nx :1.b\n0 :1.b\n5 :1.c\n3 Pwith\x01control :1.d\n"
        b"9 :../1.e\n7 nothing\n8 Pok S9 :1.e\n4294967295 :1.f\n10 :1.f"
    )
    give(home)
    assert take_over(home) == {"INBOX": "taken over"}
    listed = Listed(box)
    assert listed.uidvalidity == 77
    assert listed.uids[:3] == [3, 5, 8] and len(set(listed.uids)) == 6 and min(listed.uids[3:]) >= 9
    assert listed.uidls[8] == "ok" and listed.uidls[3] == "000000030000004d"


@pytest.mark.parametrize("kind", ["fifo", "link", "directory"])
def test_no_plain_file(home, kind):
    path = home / "Maildir/dovecot-uidlist"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to("/etc/passwd")
    else:
        path.mkdir()
    subprocess.run(["chown", "-hR", f"{UID}:{UID}", home], check=os.geteuid() == 0)
    assert take_over(home) == {"INBOX": "nothing to take over"}


def test_roots_own(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("for root")
    (tmp_path / "cur").mkdir()
    p = subprocess.run([BIN / "maildirtakeover", tmp_path], capture_output=True, check=False)
    assert p.returncode == 111 and b"become the owner" in p.stderr


def test_arguments(tmp_path):
    for argv in ([], ["-x"], ["a", "b"], [""]):
        assert subprocess.run([BIN / "maildirtakeover", *argv], capture_output=True, check=False).returncode == 100
    p = subprocess.run([BIN / "maildirtakeover", tmp_path / "none"], capture_output=True, check=False)
    assert p.returncode == 111
