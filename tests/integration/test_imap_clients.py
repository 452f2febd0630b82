"""Mail clients that people use, with IMAP: what they fetch, change, move and file."""

import imaplib
import mailbox
import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest
from quoin import ROOT, SOURCE, wait_for, why_not_client
from readers import Readers

pytestmark = pytest.mark.programs("qimapd", "qimapd-login", "qauth", "qcheckpw", "qlisten")

COUNT = 5


class House:
    """joe's mailbox with five messages, one of them large; IMAP in the clear and under TLS."""

    def __init__(self, q):
        self.q = q
        self.cert = q.certificate("localhost").cert
        self.readers = Readers(q, servers=["imap=qimapd"])
        self.uid, self.gid, self.home = q.accounts["joe"]
        self.maildir = self.home / "Maildir"
        for n in range(1, COUNT + 1):
            self.put(n, 200_000 if n == 4 else 100)
        self.port = self.readers.start("imap")
        self.tls_port = self.readers.start("imap", tls=True)

    def put(self, n, size=100, sub="new"):
        path = self.maildir / sub / f"17000000{n:02}.M{n}P1.host"
        lines = "".join(f"line {i} of message {n}\n" for i in range(max(1, size // 20)))
        path.write_text(
            f"From: ann@v.example\nTo: joe@q.example\nSubject: message {n}\nMessage-ID: <{n}@v.example>\n"
            f"Date: Mon, 6 Nov 2023 10:00:{n:02} +0000\n\n{lines}.\n..dots\nend {n}\n"
        )
        os.chown(path, self.uid, self.gid)
        return path

    def files(self, folder=""):
        """Base name: letters of the flags."""
        found = {}
        for d in ("new", "cur"):
            for p in (self.maildir / folder / d).iterdir():
                name, _, info = p.name.partition(":2,")
                found[name.partition(",")[0]] = info
        return found

    def client(self):
        c = imaplib.IMAP4("127.0.0.1", self.port, timeout=30)
        c.login("joe", "secret")
        return c


@pytest.fixture
def house(quoin):
    return House(quoin)


def need(tool):
    if why := why_not_client(tool):
        pytest.skip(why)


def run(*words, code=0, timeout=60, **kw):
    p = subprocess.run([str(w) for w in words], capture_output=True, timeout=timeout, check=False, **kw)
    assert p.returncode == code, (p.stdout + p.stderr).decode(errors="replace")[-3000:]
    return p.stdout


def subjects(where):
    return sorted(m["Subject"] for m in mailbox.Maildir(where, create=False))


ALL = [f"message {n}" for n in range(1, COUNT + 1)]


@pytest.mark.parametrize("tool", ["mutt", "neomutt"])
def test_mutt(house, tmp_path, tool):
    """Reads all, deletes one, files one elsewhere."""
    need(tool)
    keys = (
        f"T.<enter>;C{tmp_path}/out<enter><untag-pattern>.<enter>"
        "/message 2<enter><delete-message>/message 3<enter><save-message>=Filed<enter><quit>"
    )
    rc = tmp_path / "rc"
    rc.write_text(
        f"""set folder=imap://127.0.0.1:{house.port}/
set imap_user=joe imap_pass=secret ssl_starttls=no ssl_force_tls=no spoolfile=+INBOX
set confirmappend=no confirmcreate=no delete=yes copy=no move=no header_cache=
set mbox_type=Maildir quit=yes sleep_time=0 wait_key=no timeout=1
push "{keys}"
"""
    )
    env = os.environ | {"TERM": "vt100", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    run("script", "-qec", f"{tool} -F {rc} -n -f imap://127.0.0.1:{house.port}/INBOX", "/dev/null", env=env, stdin=subprocess.DEVNULL)
    assert subjects(tmp_path / "out") == ALL
    wait_for(lambda: len(house.files()) == COUNT - 2, what="two of them have left INBOX")
    assert subjects(house.maildir / ".Filed") == ["message 3"]


@pytest.mark.parametrize("tool", ["mutt", "neomutt"])
def test_mutt_on_the_maildir_itself(house, tmp_path, tool):
    """Beside an open IMAP session, which hears of what it does."""
    need(tool)
    with house.client() as c:
        assert c.select("INBOX")[1] == [b"5"]
        rc = tmp_path / "rc"
        rc.write_text(
            "set mbox_type=Maildir confirmappend=no quit=yes delete=yes move=no sleep_time=0 header_cache=\n"
            'push "/message 2<enter><flag-message>/message 5<enter><delete-message><quit>"\n'
        )
        env = os.environ | {"TERM": "vt100", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
        run("script", "-qec", f"{tool} -F {rc} -n -f {house.maildir}", "/dev/null", env=env, stdin=subprocess.DEVNULL)
        c.noop()
        assert c.response("EXPUNGE")[1] == [b"5"]
        flags = c.fetch("2", "(FLAGS)")[1][0]
        assert b"\\Flagged" in flags
        assert len(house.files()) == COUNT - 1


def mbsync_rc(house, where):
    (where / "near").mkdir()
    rc = where / "mbsyncrc"
    rc.write_text(
        f"""IMAPAccount far
Host localhost
Port {house.tls_port}
User joe
Pass secret
SSLType IMAPS
CertificateFile {house.cert}

IMAPStore far
Account far

MaildirStore near
Path {where}/near/
Inbox {where}/near/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
Remove Both
SyncState *
"""
    )
    return rc


def test_mbsync_both_ways_twice(house, tmp_path):
    need("mbsync")
    rc = mbsync_rc(house, tmp_path)
    sync = ("mbsync", "-c", rc, "-a")
    near = tmp_path / "near/INBOX"
    run(*sync)
    assert subjects(near) == ALL
    before = house.files()
    run(*sync)
    assert house.files() == before
    # Something new, something flagged, something gone, on either side.
    house.put(7)
    with house.client() as c:
        c.select("INBOX")
        c.store("1", "+FLAGS", "(\\Flagged)")
        c.store("2", "+FLAGS", "(\\Deleted)")
        c.expunge()
        c.create("Lists.quoin")
    box = mailbox.Maildir(near, create=False)
    for key in box.keys():
        m = box[key]
        if m["Subject"] == "message 3":
            m.set_flags("RS")
            m.set_subdir("cur")
            box[key] = m
        if m["Subject"] == "message 5":
            box.remove(key)
    new = mailbox.MaildirMessage("Subject: from here\n\nhello\n")
    new.set_flags("S")
    new.set_subdir("cur")
    box.add(new)
    for _ in range(2):
        run(*sync)
    now = ["from here", "message 1", "message 3", "message 4", "message 7"]
    assert subjects(house.maildir) == now == subjects(near)
    flags = {m["Subject"]: m.get_flags() for m in mailbox.Maildir(house.maildir, create=False)}
    assert (flags["message 1"], flags["message 3"], flags["from here"]) == ("F", "RS", "S")
    assert {m["Subject"]: m.get_flags() for m in mailbox.Maildir(near, create=False)}["message 1"] == "F"
    assert (house.maildir / ".Lists.quoin/cur").is_dir()
    before = house.files()
    run(*sync)
    assert house.files() == before


def test_offlineimap(house, tmp_path):
    need("offlineimap")
    rc = tmp_path / "rc"
    rc.write_text(
        f"""[general]
accounts = a
metadata = {tmp_path}/meta
[Account a]
localrepository = l
remoterepository = r
[Repository l]
type = Maildir
localfolders = {tmp_path}/near
[Repository r]
type = IMAP
remotehost = localhost
remoteport = {house.tls_port}
remoteuser = joe
remotepass = secret
ssl = yes
sslcacertfile = {house.cert}
"""
    )
    for _ in range(2):
        run("offlineimap", "-c", rc, "-o", "-u", "quiet", env=os.environ | {"HOME": str(tmp_path)})
    assert subjects(tmp_path / "near/INBOX") == ALL
    box = mailbox.Maildir(tmp_path / "near/INBOX", create=False)
    box.add(mailbox.MaildirMessage("Subject: from here\nMessage-ID: <here@example>\n\nhello\n"))
    run("offlineimap", "-c", rc, "-o", "-u", "quiet", env=os.environ | {"HOME": str(tmp_path)})
    assert subjects(house.maildir) == ["from here", *ALL]


def test_fetchmail(house, tmp_path):
    need("fetchmail")
    rc, out = tmp_path / "rc", tmp_path / "out"
    rc.write_text(
        f"poll localhost service {house.port} protocol imap auth password user joe password secret "
        f'sslproto "" fetchall no keep no rewrite mda "cat >> {out}"\n'
    )
    rc.chmod(0o600)
    words = ("fetchmail", "-f", rc, "--pidfile", tmp_path / "pid", "-i", tmp_path / "ids", "--nosslcertck")
    run(*words, env=os.environ | {"HOME": str(tmp_path), "FETCHMAILHOME": str(tmp_path)})
    assert sorted(l for l in out.read_text().splitlines() if l.startswith("Subject: ")) == [f"Subject: {s}" for s in ALL]
    assert house.files() == {}
    run(*words, code=1, env=os.environ | {"HOME": str(tmp_path), "FETCHMAILHOME": str(tmp_path)})


def test_getmail(house):
    """Not as root: it refuses."""
    need("getmail")
    here = house.q.home / "getmail"
    near = here / "near"
    for d in (here, near, near / "cur", near / "new", near / "tmp"):
        d.mkdir()
    shutil.copy(house.cert, here / "ca.pem")
    rc = here / "rc"
    rc.write_text(
        f"""[retriever]
type = SimpleIMAPSSLRetriever
server = localhost
port = {house.tls_port}
username = joe
password = secret
ca_certs = {here}/ca.pem
mailboxes = ("INBOX",)
[destination]
type = Maildir
path = {near}/
[options]
delete = true
verbose = 1
"""
    )
    before = ()
    if ROOT:
        nobody = pwd.getpwnam("nobody")
        for p in (here, *here.rglob("*")):
            os.chown(p, nobody.pw_uid, nobody.pw_gid)
        before = ("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups")
    run(*before, "getmail", f"--getmaildir={here}", f"--rcfile={rc}", env={"HOME": str(here), "PATH": os.environ["PATH"]})
    assert subjects(near) == ALL
    assert house.files() == {}


def test_curl(house, tmp_path):
    need("curl")
    curl = ("curl", "-sS", "--cacert", house.cert, "--user", "joe:secret")
    url = f"imaps://localhost:{house.tls_port}/INBOX"
    one = run(*curl, "--url", f"{url};UID=4")
    assert one.startswith(b"From: ann@v.example\r\n") and one.endswith(b"end 4\r\n") and len(one) > 200_000
    assert run(*curl, "--url", f"{url};UID=2;SECTION=HEADER.FIELDS%20(SUBJECT)") == b"Subject: message 2\r\n\r\n"
    assert run(*curl, "--url", url, "-X", "SEARCH SUBJECT \"message 3\"").split() == [b"*", b"SEARCH", b"3"]
    new = tmp_path / "new"
    new.write_bytes(b"Subject: put\r\n\r\nby curl\r\n")
    run(*curl, "--url", url, "-T", new)
    assert subjects(house.maildir) == [*ALL, "put"]


IMAPFLOW = """
const {ImapFlow} = require("imapflow");
const {readFileSync} = require("fs");
const c = new ImapFlow({host: "localhost", port: %d, secure: true, logger: false,
	auth: {user: "joe", pass: "secret"}, tls: {ca: readFileSync("%s")}});
const assert = require("assert");
(async () => {
	await c.connect();
	await c.mailboxCreate("Archive.2026");
	const lock = await c.getMailboxLock("INBOX");
	const seen = [];
	for await (const m of c.fetch("1:*", {uid: true, envelope: true, bodyStructure: true, flags: true, source: true}))
		seen.push([m.uid, m.envelope.subject, m.bodyStructure.type, m.source.length > 100]);
	assert.deepStrictEqual(seen, [1, 2, 3, 4, 5].map(n => [n, "message " + n, "text/plain", true]));
	assert.deepStrictEqual(await c.search({subject: "message 3"}, {uid: true}), [3]);
	await c.messageFlagsAdd("2", ["\\\\Seen", "$Forwarded"], {uid: true});
	const moved = await c.messageMove("3", "Archive.2026", {uid: true});
	assert.strictEqual(moved.uidMap.get(3), 1);
	const put = await c.append("INBOX", "Subject: new\\r\\n\\r\\nhello\\r\\n", ["\\\\Seen"]);
	assert.strictEqual(put.uid, 6);
	const told = new Promise(r => c.on("exists", r));
	setTimeout(() => require("fs").renameSync("%s", "%s"), 300);
	c.idle();
	await told;
	await c.messageDelete("1", {uid: true});
	const status = await c.status("Archive.2026", {messages: true, uidNext: true});
	assert.strictEqual(status.messages, 1);
	lock.release();
	await c.logout();
})().catch(e => { console.error(e); process.exit(1); });
"""


def test_imapflow(house, tmp_path):
    """npm's; fetched by its lock file where npm is there and the network too."""
    need("npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCE / "tests/integration/npm" / name, tmp_path)
    got = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=tmp_path, capture_output=True, timeout=120, check=False
    )
    if got.returncode:
        pytest.skip("npm fetches nothing here")
    waiting = house.put(9, sub="tmp")
    script = tmp_path / "test.js"
    script.write_text(IMAPFLOW % (house.tls_port, house.cert, waiting, house.maildir / "new" / waiting.name))
    run("node", script, cwd=tmp_path)
    assert subjects(house.maildir / ".Archive.2026") == ["message 3"]
    assert subjects(house.maildir) == ["message 2", "message 4", "message 5", "message 9", "new"]


def test_imaplib(house):
    """The library of python: what its methods do."""
    with house.client() as c:
        assert c.select("INBOX") == ("OK", [b"5"])
        assert c.create("Work")[0] == "OK"
        assert c.copy("1:3", "Work")[0] == "OK"
        assert c.store("1", "+FLAGS", "\\Deleted") == ("OK", [b"1 (FLAGS (\\Recent \\Deleted))"])
        assert c.expunge() == ("OK", [b"1"])
        assert c.search(None, "SUBJECT", '"message 2"') == ("OK", [b"1"])
        assert c.thread("REFERENCES", "UTF-8", "ALL")[1] == [b"(1)(2)(3)(4)"]
        assert c.sort("(REVERSE DATE)", "UTF-8", "ALL")[1] == [b"4 3 2 1"]
        assert c.status("Work", "(MESSAGES UIDNEXT)")[1] == [b"Work (MESSAGES 3 UIDNEXT 4)"]
        assert c.append("Work", "(\\Seen)", None, b"Subject: put\r\n\r\nhello\r\n")[0] == "OK"
        assert c.rename("Work", "Play")[0] == "OK"
        assert b"Play" in c.list()[1][-1]
        assert c.subscribe("Play")[0] == "OK" and b"Play" in c.lsub()[1][0]
        assert c.select("Play", readonly=True) == ("OK", [b"4"])
        assert c.uid("FETCH", "4", "(FLAGS RFC822.SIZE)")[1] == [b"4 (UID 4 FLAGS (\\Seen) RFC822.SIZE 23)"]
        assert c.unselect()[0] == "OK"
        assert c.delete("Play")[0] == "OK"
        assert c.getquotaroot("INBOX")[0] == "OK"
    assert len(house.files()) == COUNT - 1
    assert Path(house.maildir / ".Work").exists() is False
