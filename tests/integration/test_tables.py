"""Tables: what their compilers refuse, and that what they make counts at once."""

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess

import pytest
from quoin import Quoin, missing, wait_for

pytestmark = pytest.mark.programs("qnewusers", "qnewaliases", "qnewmrh", "qcdb")


@pytest.fixture
def q():
    q = Quoin()
    yield q
    q.close()


BROKEN = [
    ("qnewusers", "users/assign", "=a:u:501:1:/h:::\n=b:u:0:1:/h:::\n.\n", 2, "uid 0"),
    ("qnewusers", "users/assign", "=a:u:501:1:/h:::\n", 1, "one dot"),
    ("qnewusers", "users/assign", "=a:u:501:1:/h:::\n\n=A:v:502:1:/h:::\n.\n", 3, "line 1 already"),
    ("qnewusers", "users/assign", "# c\n=a:u:501:1:h:::\n.\n", 2, "absolute"),
    ("qnewusers", "users/assign", "=a:u:501:1:/h::\n.\n", 1, "fewer than seven"),
    ("qnewusers", "users/assign", "=a:u:501x:1:/h:::\n.\n", 1, "uid is not a number"),
    ("qnewusers", "users/assign", "=a:u:501:4294967295:/h:::\n.\n", 1, "gid"),
    ("qnewusers", "users/assign", "a:u:501:1:/h:::\n.\n", 1, "neither = nor +"),
    ("qnewusers", "users/assign", "=:u:501:1:/h:::\n.\n", 1, "name is empty"),
    ("qnewusers", "users/assign", "=a\0b:u:501:1:/h:::\n.\n", 1, "NUL"),
    ("qnewusers", "users/assign", "=a:u:501:1:/h:-:../x:\n.\n", 1, "slash"),
    ("qnewaliases", "control/aliases", "a: b\nA: c\n", 2, "line 1 already"),
    ("qnewaliases", "control/aliases", "# x\na: b\nb: c, x@y.example\nc: A\n", 2, "loop: a -> b -> c -> a"),
    ("qnewaliases", "control/aliases", "joe: Joe@Q.Example, x\n", 1, "loop: joe -> joe"),
    ("qnewaliases", "control/aliases", "a: v-x@v.example\nvirt-v-x: a\n", 1, "loop"),
    ("qnewaliases", "control/aliases", "a: b,\n  b c\n", 1, "no address"),
    ("qnewaliases", "control/aliases", " a: b\n", 1, "goes on"),
    ("qnewaliases", "control/aliases", "ok: x\na\n", 2, "colon"),
    ("qnewaliases", "control/aliases", 'a: "b\n', 1, "quote"),
    ("qnewaliases", "control/aliases", "a: ,\n", 1, "no target"),
    ("qnewaliases", "control/aliases", "a@b: c\n", 1, "domain"),
    ("qnewaliases", "control/aliases", "a: \\a\n", 1, "backslash"),
    ("qnewaliases", "control/aliases", "a: :include:list\n", 1, "absolute path"),
    ("qnewaliases", "control/aliases", "a: Mail/box\n", 1, "no address"),
    ("qnewaliases", "control/aliases", "a: error:4.1.1 later\n", 1, "5.x.y"),
    ("qnewaliases", "control/aliases", "a: error:5.1.1 no, b\n", 1, "only target"),
    ("qnewaliases", "control/aliases", "a: |\n", 1, "command"),
    ("qnewaliases", "control/aliases", "a: b\x01c\n", 1, "control character"),
    ("qnewmrh", "control/morercpthosts", "a.example\nb@c.example\n", 2, "not a domain"),
    ("qnewmrh", "control/morercpthosts", "a b\n", 1, "not a domain"),
]
GOOD = {
    "qnewusers": "=a:u:501:1:/h:::\n.\n",
    "qnewaliases": "a: b\n",
    "qnewmrh": "a.example\n",
}


@pytest.mark.parametrize("prog,name,text,line,why", BROKEN)
def test_a_broken_line_is_named_and_the_old_table_stays(q, prog, name, text, line, why):
    q.control("virtualdomains", "v.example:virt\n")
    path = q.home / name
    table = q.home / ("users/cdb" if name == "users/assign" else name + ".cdb")
    path.write_text(GOOD[prog])
    q.run(prog, check=True)
    before = table.read_bytes()
    path.write_text(text)
    p = q.run(prog)
    said = p.stderr.decode()
    assert p.returncode == 100
    assert f"{path}: line {line}: " in said and why in said
    assert said.count("\n") == 1
    assert table.read_bytes() == before
    assert not list(table.parent.glob("*.tmp"))


def test_a_compiler_at_work_keeps_another_away(q):
    path = q.home / "control/aliases"
    path.write_text("a: b\n")
    with open(q.home / "control/aliases.cdb.tmp", "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        p = q.run("qnewaliases")
        assert p.returncode == 111 and b"another program" in p.stderr
    q.run("qnewaliases", check=True)


def test_a_full_disk_keeps_the_old_table(q):
    path = q.home / "control/aliases"
    path.write_text("a: b\n")
    q.run("qnewaliases", check=True)
    before = (q.home / "control/aliases.cdb").read_bytes()
    path.write_text("".join(f"n{i}: x{i}@far.example\n" for i in range(20000)))
    p = subprocess.run(
        ["sh", "-c", f"ulimit -f 100; trap '' XFSZ; exec {q.bin}/qnewaliases -C {q.home}"],
        capture_output=True,
        check=False,
    )
    assert p.returncode == 111 and p.stderr.count(b"\n") == 1
    assert (q.home / "control/aliases.cdb").read_bytes() == before


def dump(path):
    return subprocess.run(["cdb", "-d", path], capture_output=True, check=True).stdout


@pytest.mark.tools("cdb")
def test_layout_of_qmail(q):
    (q.home / "users/assign").write_text(
        "# staff\n\n"
        "=Joe:joe:501:51:/home/joe:::\r\n"
        "+joe-:joe:501:51:/home/joe:-::\n"
        "=info:joe:501:51:/home/joe:-:info:\n"
        "+:alias:7:8:/alias:-::\n"
        ".\nnonsense behind the dot\n"
    )
    q.run("qnewusers", check=True)
    records = dump(q.home / "users/cdb").split(b"\n")
    assert records[:5] == [
        b"+5,22:!joe\0->joe\x00501\x0051\0/home/joe\0\0",
        b"+5,23:!joe-->joe\x00501\x0051\0/home/joe\0-\0",
        b"+6,27:!info\0->joe\x00501\x0051\0/home/joe\0-\0info",
        b"+1,19:!->alias\x007\x008\0/alias\0-\0",
        b"+0,1:->-",
    ]
    q.control("morercpthosts", "Big.Example\n.big.example\n# x\n")
    q.run("qnewmrh", check=True)
    assert dump(q.home / "control/morercpthosts.cdb").startswith(b"+11,0:big.example->\n+12,0:.big.example->\n")


@pytest.mark.tools("cdb")
def test_any_text_from_a_program(q):
    table = q.home / "x.cdb"
    p = q.run("qcdb", "-l", "-", table, stdin=b"# out of ldapsearch\nKey:a:b\nempty:\n", home=False)
    assert p.returncode == 0
    assert dump(table).startswith(b"+3,3:key->a:b\n+5,0:empty->\n")
    for text, why in ((b"a:1\nb\n", b"line 2"), (b"a:1\nA:2\n", b"line 2: a stands at line 1")):
        p = q.run("qcdb", "-l", "-", table, stdin=text, home=False)
        assert p.returncode == 100 and why in p.stderr
    assert dump(table).startswith(b"+3,3:key->a:b\n")


def test_every_form_of_an_alias(q):
    q.control(
        "aliases",
        'Postmaster : root # no comment here\n',
    )
    assert q.run("qnewaliases").returncode == 100  # "root # no comment here" is no address
    q.control(
        "aliases",
        "# people\n"
        'root: joe, "a b"@far.example , "|prog -a, b",\n'
        '\t|"cmd \\"x\\"",\n'
        "# between\n"
        "   /var/mail/x, /m/dir/, :include:/etc/list\n"
        "null: /dev/null\n"
        "both: /dev/null, joe\n"
        "moved: error:5.1.6 now joe@new.example\n"
        '"two words": joe\n',
    )
    q.run("qnewaliases", check=True)
    if not shutil.which("cdb"):
        pytest.skip("cdb is not installed")

    def value(key):
        return subprocess.run(["cdb", "-q", q.home / "control/aliases.cdb", key], capture_output=True, check=True).stdout

    assert value("root") == (
        b'#2\0&joe\0&a b@far.example\0|prog -a, b\0|cmd "x"\0/var/mail/x\0/m/dir/\0</etc/list\0'
    )
    assert value("null") == b"#6\0-\0"
    assert value("both") == b"#7\0&joe\0"
    assert value("moved") == b"#8\0!5.1.6 now joe@new.example\0"
    assert value("two words") == b"#9\0&joe\0"


# ---- qrcpt ----------------------------------------------------------------


class Rcpt:
    def __init__(self, q):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.settimeout(20)
        self.s.connect(str(q.home / "run/qrcpt/sock"))

    def send(self, raw):
        self.s.send(raw)
        return self.s.recv(1000)

    def __call__(self, rcpt):
        got = self.send(rcpt.encode() + b"\0")
        assert got.endswith(b"\0")
        return got[:1].decode(), got[1:-1].decode()


@pytest.fixture
def rcpt(q):
    if missing("qrcpt", "qgetpw"):
        pytest.skip("qrcpt or qgetpw is not built")
    q.users("alice")
    q.start("qgetpw")
    q.start("qrcpt")
    return Rcpt(q)


def test_new_names_count_at_once(q, rcpt):
    assert rcpt("alice@q.example")[0] == "+"
    assert rcpt("alice-anything@q.example")[0] == "+"
    assert rcpt("carol@q.example")[0] == "-"
    q.users("carol")
    assert rcpt("carol@q.example")[0] == "+"
    assert rcpt("info@q.example")[0] == "-"
    q.control("aliases", "info: alice\nold: error:5.1.6 now alice@new.example\n")
    q.run("qnewaliases", check=True)
    assert rcpt("INFO@q.example")[0] == "+"
    assert rcpt("old@q.example") == ("-", "5.1.6 now alice@new.example")
    assert rcpt("list-owner@q.example")[0] == "-"
    (q.home / "alias/.qmail-list-default").write_text("&alice\n")
    assert rcpt("List-Owner@q.example")[0] == "+"
    assert rcpt("far@elsewhere.example")[0] == "+"
    assert rcpt("no address")[0] in "-"
    assert rcpt("x@")[0] == "-"


def test_control_files_are_read_again_on_hup(q, rcpt):
    assert rcpt("x@v.example")[0] == "+"  # not ours: not judged
    q.control("virtualdomains", "v.example:alice\nw.example:nobody-here\n")
    q.service("qrcpt").popen.send_signal(signal.SIGHUP)
    wait_for(lambda: rcpt("x@w.example")[0] == "-")
    assert rcpt("x@v.example")[0] == "+"
    q.control("virtualdomains", "w.example\n")
    q.service("qrcpt").popen.send_signal(signal.SIGHUP)
    wait_for(lambda: "line 1" in q.log("qrcpt"))
    assert "control/virtualdomains: line 1: there is no colon" in q.log("qrcpt")
    assert rcpt("x@w.example")[0] == "-"


@pytest.mark.parametrize("raw", [b"\0", b"no end", b"a@b\0c\0", b"x" * 2000 + b"\0"])
def test_a_bad_client_is_dropped_alone(q, rcpt, raw):
    bad = Rcpt(q)
    assert bad.send(raw) == b""
    assert rcpt("alice@q.example")[0] == "+"


def test_many_sessions(q, rcpt):
    sessions = [Rcpt(q) for _ in range(300)]
    for s in sessions:
        s.s.send(b"alice-x@q.example\0")
    assert all(s.s.recv(100)[:1] == b"+" for s in sessions)


def test_a_broken_table_is_later(q, rcpt):
    (q.home / "control/aliases.cdb").write_bytes(b"short")
    assert rcpt("info@q.example")[0] == "Z"
    assert rcpt("alice@q.example")[0] == "+"  # found before


def system_account():
    """Somebody with a home of his own, and no superuser."""
    for p in pwd.getpwall():
        if p.pw_uid and os.path.isdir(p.pw_dir) and os.stat(p.pw_dir).st_uid == p.pw_uid:
            return p.pw_name
    return None


def without_wildcard(q):
    assign = q.home / "users/assign"
    assign.write_text("".join(x for x in assign.read_text().splitlines(True) if not x.startswith("+:")))
    q.run("qnewusers", check=True)


def test_system_users(q, rcpt):
    without_wildcard(q)
    assert rcpt("surely-nobody@q.example")[0] == "-"
    assert rcpt("root@q.example")[0] == "-"
    assert rcpt("daemon@q.example")[0] == "-"  # its home is somebody else's
    name = system_account()
    if name:
        assert rcpt(f"{name}@q.example")[0] == "+"
        assert rcpt(f"{name}+ext@q.example")[0] == "+"
    q.kill("qgetpw")
    assert rcpt("surely-nobody@q.example")[0] == "Z"
    q.start("qgetpw")
    assert rcpt("surely-nobody@q.example")[0] == "-"


def test_qgetpw_drops_bad_clients(q, rcpt):
    def ask(raw):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(10)
        s.connect(str(q.home / "run/qgetpw/sock"))
        s.send(raw)
        return s.recv(5000)

    for raw in (b"\0", b"x", b"a\nb\0", b"a:b\0", b"x" * 70 + b"\0", b"a\0b\0"):
        assert ask(raw) == b""
    assert ask(b"root\0").startswith(b"root\0+\0\0\0\0\0\0\0\0/")
    assert ask(b"surely-nobody\0") == b"surely-nobody\0-"


@pytest.mark.programs("qctl-route")
def test_route_is_explained(q):
    q.users("alice")
    q.control("aliases", "# people\ninfo: alice, |prog\n")
    q.control("virtualdomains", "#\n.v.example:alice\n")
    q.control("smtproutes", ".far.example:relay.example:2525\n")
    q.run("qnewaliases", check=True)

    def route(*a):
        return q.run("qctl-route", *a).stdout.decode()

    assert "control/me line 1: q.example is local" in route("alice@q.example")
    assert "control/defaultdelivery" in route("alice@q.example")
    q.write_home("alice", ".qmail-default", "./Maildir/\n")
    text = route("x.y@a.v.example")
    assert 'control/virtualdomains line 2: ".v.example" belongs to alice: alice-x.y' in text
    assert f"{q.accounts['alice'][2]}/.qmail-default" in text
    text = route("info")
    assert "control/aliases line 2: info is an alias" in text
    assert "forward to alice" in text and "run prog" in text
    assert "control/smtproutes line 1: remote: to relay.example 2525" in route("a@b.far.example")
    assert "by the MX of far.example" in route("a@far.example")
    assert q.run("qctl-route", "no address").returncode == 100
