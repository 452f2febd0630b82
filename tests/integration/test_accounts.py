"""docs/accounts.md: what it tells an admin to do, done: through qauth, with real judges."""

import contextlib
import os
import re
import shutil
import smtplib
import socket
import ssl
import subprocess

import pytest
from quoin import BIN, ROOT, SOURCE, free_port, wait_for

pytestmark = pytest.mark.programs("qauth", "qauth-enter", "qcheckpw", "qpasswd")


def ask(q, name, password):
    """qauth's answer: its letter and the text."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(60)
        s.connect(str(q.home / "run/qauth-smtp/sock"))
        s.send(b"".join(x.encode() + b"\0" for x in ("smtp", "192.0.2.1", name, password, "")))
        got = s.recv(1000)
    return chr(got[0]), got[1:-1].decode()


def user(q, *args, word=""):
    p = subprocess.run(
        [q.bin / "qctl", "-C", q.home, "user", *args], input=word, capture_output=True, text=True, timeout=30
    )
    assert p.returncode == 0, p.stderr
    return p.stdout.strip()


@pytest.fixture
def q(quoin):
    quoin.users("alice")
    quoin.control("locals", "q.example")
    quoin.control("passwordcost", "1 1")
    return quoin


@pytest.fixture
def person():
    """A user of the system."""
    name = f"qtest{os.getpid()}"
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", name], check=True)
    subprocess.run(["chpasswd"], input=f"{name}:a long word\n", text=True, check=True)
    yield name
    subprocess.run(["userdel", "--remove", name], check=True, capture_output=True)


def test_accounts_count_at_once(q):
    """Added, changed, removed while qauth runs."""
    q.start_auth()
    word = user(q, "add", "-g", "zoe@q.example")
    assert ask(q, "zoe@q.example", word) == ("+", "zoe@q.example")
    phone = user(q, "apppass", "-s", "imap,smtp", "zoe@q.example", "phone")
    assert ask(q, "Zoe@Q.example", phone) == ("+", "zoe@q.example")
    pop = user(q, "apppass", "-s", "pop3", "zoe@q.example", "laptop")
    no = ask(q, "zoe@q.example", pop)
    assert no[0] == "-" and ask(q, "nobody", pop) == no
    user(q, "passwd", "zoe@q.example", word="another word\n")
    assert ask(q, "zoe@q.example", "another word")[0] == "+"
    user(q, "del", "zoe@q.example")
    assert ask(q, "zoe@q.example", "another word") == no


def test_a_compiled_checker_of_others(q):
    program = BIN.parent / "tests/foreign_checkpw"
    if not program.exists():
        pytest.skip("not built: foreign_checkpw")
    uid, _, home = q.accounts["alice"]
    own = q.home / "checker"  # where every user may run it
    shutil.copy(program, own)
    q.control("checkpassword", f"{own} alice secret {uid} {home}")
    q.start_auth()
    assert ask(q, "alice", "secret") == ("+", "alice")
    assert ask(q, "alice", "wrong")[0] == "-"
    assert ask(q, "bob", "secret")[0] == "-"
    if ROOT:
        q.service("qauth").stop()
        q.control("checkpassword", f"{own} root secret 0 /")
        q.start_auth()
        assert ask(q, "root", "secret")[0] in "-Z"


@pytest.mark.root("reads shadow")
@pytest.mark.tools("useradd")
def test_the_system_s_passwords(q, person):
    q.control("checkpassword", "qcheckpw -s")
    user(q, "add", "alice", word="a long word\n")
    q.start_auth()
    assert ask(q, person, "a long word") == ("+", person)
    assert ask(q, person, "a wrong word")[0] == "-"
    assert ask(q, "root", "a long word")[0] == "-"
    assert ask(q, "alice", "a long word")[0] == "-", "a table of accounts is not asked"


@contextlib.contextmanager
def ldap(where, people):
    """A slapd with people {name: password}; its URI."""
    port = free_port()
    (where / "db").mkdir()
    (where / "slapd.conf").write_text(
        "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n"
        f"pidfile {where}/pid\ndatabase mdb\nsuffix dc=example,dc=org\ndirectory {where}/db\n"
        "access to attrs=userPassword by anonymous auth\n"
    )
    text = "dn: dc=example,dc=org\nobjectClass: organization\nobjectClass: dcObject\no: x\ndc: example\n\n"
    text += "dn: ou=people,dc=example,dc=org\nobjectClass: organizationalUnit\nou: people\n\n"
    for name, password in people.items():
        text += f"dn: uid={name},ou=people,dc=example,dc=org\nobjectClass: person\nobjectClass: uidObject\n"
        text += f"uid: {name}\ncn: {name}\nsn: {name}\nuserPassword: {password}\n\n"
    subprocess.run(["slapadd", "-f", where / "slapd.conf"], input=text, text=True, check=True, capture_output=True)
    uri = f"ldap://127.0.0.1:{port}"
    p = subprocess.Popen(
        ["slapd", "-f", where / "slapd.conf", "-h", uri, "-d", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, what="slapd")
        yield uri
    finally:
        p.terminate()
        p.wait(20)


@pytest.mark.root("the checker becomes the user")
@pytest.mark.tools("slapd", "slapadd", "ldapwhoami", "useradd", "setpriv")
def test_ldap(q, person, tmp_path):
    text = (SOURCE / "docs/accounts.md").read_text()
    script = re.search(r"```bash\n(#!.*?)```", text, re.S).group(1)
    checker = q.home / "checkpassword-ldap"
    q.control("checkpassword", str(checker))

    def write(uri):
        checker.write_text(script.replace("ldaps://ldap.example.org", uri))
        checker.chmod(0o755)

    with ldap(tmp_path, {person: "a directory word", "nobody-here": "x", "root": "x"}) as uri:
        write(uri)
        q.start_auth()
        assert ask(q, person, "a directory word") == ("+", person)
        assert ask(q, person, "a long word")[0] == "-", "that is shadow's"
        empty = ["bash", "-c", 'printf "$1\\0\\0Y\\0" | "$0" true 3<&0', checker, person]
        assert subprocess.run(empty).returncode == 1
        assert ask(q, "root", "x")[0] == "-"
        assert ask(q, f"{person},ou=people", "a directory word")[0] == "-"
        assert ask(q, "nobody-here", "x")[0] == "Z", "the directory knows him, this host does not"
        assert ask(q, person, "a directory word")[0] == "+"
    assert ask(q, person, "a directory word")[0] == "Z", "no server: later"


@pytest.mark.programs("qtls", "qtls-key", "qsmtpd", "qqueue", "qstart")
def test_a_new_account_submits_and_gets_mail(q):
    """All by a name that the system has never heard of, right after the command."""
    q.control("rcpthosts", "q.example\nv.example")
    q.control("virtualdomains", "v.example:v")
    q.start_queue()
    q.start_delivery()
    q.start_tls()
    q.start_auth()
    q.start_submission()
    context = ssl._create_unverified_context()
    for name in ("zoe@v.example", "zoe@q.example"):
        word = user(q, "add", "-g", name)
        with q.smtp() as s:
            s.starttls(context=context)
            s.login(name, word)
            s.sendmail(name, [name], f"From: {name}\nTo: {name}\nSubject: to myself\n\nhello\n")
        wait_for(lambda where=name: list((q.home / f"homes/{where}/Maildir/new").iterdir()))
        user(q, "passwd", "-n", name)
        with q.smtp() as s:
            s.starttls(context=context)
            with pytest.raises(smtplib.SMTPAuthenticationError):
                s.login(name, word)


@contextlib.contextmanager
def dovecot(where, checker):
    """A Dovecot that has a checkpassword program judge; its configuration."""
    conf = where / "dovecot.conf"
    # It does not expect that a checkpassword program becomes the user, unless told so
    conf.write_text(
        f"base_dir = {where}/run\nstate_dir = {where}/state\nlog_path = {where}/log\nprotocols =\nssl = no\n"
        f"first_valid_uid = 1\ndefault_vsz_limit = 0\nimport_environment = INSECURE_SETUID=1\nauth_failure_delay = 0\nservice auth {{\n user = root\n}}\n"
        f"service anvil {{\n unix_listener anvil-auth-penalty {{\n  mode = 0\n }}\n}}\n"
        f"passdb {{\n driver = checkpassword\n args = {checker}\n}}\nuserdb {{\n driver = prefetch\n}}\n"
    )
    p = subprocess.Popen(["dovecot", "-F", "-c", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for((where / "run/auth-client").exists, what="dovecot")
        yield conf
    finally:
        p.terminate()
        p.wait(20)


@pytest.mark.root("Dovecot becomes others")
@pytest.mark.tools("dovecot", "doveadm")
def test_dovecot_asks_qcheckpw(q):
    """The other way round: qcheckpw is the checkpassword program of a server of others."""
    word = user(q, "add", "-g", "zoe@q.example")
    phone = user(q, "apppass", "-s", "imap", "zoe@q.example", "phone")

    def log_in(name, password, service):
        return subprocess.run(
            ["doveadm", "-c", conf, "auth", "login", "-x", f"service={service}", name, password],
            capture_output=True,
            text=True,
            timeout=30,
        )

    where = q.home / "dovecot"
    where.mkdir()
    with dovecot(where, f"{q.bin}/qcheckpw -C {q.home}") as conf:
        for name, password, service, right in (
            ("zoe@q.example", word, "imap", True),
            ("zoe@q.example", word, "smtp", True),
            ("Zoe@Q.example", phone, "imap", True),
            ("zoe@q.example", phone, "smtp", False),
            ("zoe@q.example", "wrong", "imap", False),
            ("nobody@q.example", word, "imap", False),
        ):
            p = log_in(name, password, service)
            assert (p.returncode == 0) == right, (name, password, service, p.stdout, (where / "log").read_text())
            if right:
                assert f"uid={q.ids['quoinu']}" in p.stdout and f"home={q.home}/homes/zoe@q.example" in p.stdout
