"""qctl cert, cert-hook and dns; renewals by real ACME clients against a real ACME server."""

import hashlib
import http.server
import json
import os
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
from certs import Authority, openssl, pin_of
from quoin import ROOT, free_port, wait_for
from sts import Resolver
from tree import Tree

pytestmark = [pytest.mark.programs("qctl", "qctl-cert"), pytest.mark.tools("openssl")]


def cert(q, *args, code=0, env=None):
    p = subprocess.run([q.bin / "qctl", "-C", q.home, "cert", *map(str, args)], capture_output=True, text=True,
                       env={**os.environ, **(env or {})}, timeout=60)  # fmt: skip
    assert p.returncode == code, (p.returncode, p.stdout, p.stderr)
    return p.stdout + p.stderr


def hook(q, *args, code=0, env=None):
    p = subprocess.run([q.bin / "qctl", "-C", q.home, "cert-hook", *map(str, args)], capture_output=True, text=True,
                       env={**os.environ, **(env or {})}, timeout=60)  # fmt: skip
    assert p.returncode == code, (p.returncode, p.stdout, p.stderr)
    return p.stdout + p.stderr


def served(q, name="default"):
    return pin_of(q.home / "control/tls" / name / "cert.pem")


@pytest.fixture
def q(quoin):
    quoin.control("me", "mail.example")
    return quoin


@pytest.fixture
def ca(tmp_path):
    return Authority(tmp_path)


def test_of_its_own(q):
    assert "no certificate" in cert(q, code=1)
    cert(q, "self", "mail.example")
    tls = q.home / "control/tls"
    key = tls / "mail.example/key.pem"
    assert key.stat().st_mode & 0o7777 == 0o640
    if ROOT:
        assert (key.stat().st_uid, key.stat().st_gid) == (0, q.ids["quoink"])
    assert os.readlink(tls / "default") == "mail.example"
    assert served(q) == served(q, "mail.example")
    text = cert(q)
    assert "by itself" in text and f"TLSA 3 1 1 {served(q)}" in text and "names mail.example" in text
    # again: the key stays, and nothing of the old one is left but that
    before = served(q)
    cert(q, "self", "mail.example")
    assert served(q) == before
    assert len([d for d in tls.iterdir() if d.name.startswith(".mail.example")]) == 1
    # for TLS servers, and not for signing others
    text = openssl("x509", "-in", tls / "default/cert.pem", "-noout", "-text").decode()
    assert "CA:FALSE" in text and "DNS:mail.example" in text
    long = ".".join(["a" * 60] * 3 + ["example"])  # over what a CN holds
    cert(q, "self", long)
    assert f"names {long}" in cert(q)


@pytest.mark.parametrize("name", ["", "A.example", "../x", ".x", "a/b", "a..b", "-" * 300, "a b"])
def test_names_that_are_none(q, name):
    cert(q, "self", name, code=100)
    assert sorted((q.home / "control/tls").iterdir()) == []


def test_install(q, ca):
    cert(q, "self", "mail.example")
    c = ca.issue("mail.example", "imap.example", kind="rsa")
    cert(q, "install", "mail.example", c.chain, c.key)
    assert served(q) == served(q, "mail.example") == served(q, "imap.example") == c.pin
    chain = (q.home / "control/tls/default/cert.pem").read_text()
    assert chain.count("BEGIN CERTIFICATE") == 2 and "PRIVATE" not in chain
    text = cert(q)
    assert "RSA 2048" in text and "by Test CA" in text and "imap.example\tis mail.example" in text
    # another one, for another name: default stays
    other = ca.issue("other.example")
    cert(q, "install", "other.example", other.chain, other.key)
    assert served(q) == c.pin and served(q, "other.example") == other.pin
    # one that vouches for itself does not take the place of this
    cert(q, "self", "mail.example", code=100)
    cert(q, "remove", "mail.example")
    assert sorted(p.name for p in (q.home / "control/tls").iterdir() if p.name[0] != ".") == ["other.example"]


def test_what_is_not_installed(q, ca, tmp_path):
    good = ca.issue("mail.example")
    cert(q, "install", "mail.example", good.chain, good.key)
    other, old = ca.issue("mail.example"), ca.issue("mail.example", days=-1)
    locked = tmp_path / "locked.key"
    openssl("pkey", "-in", other.key, "-aes256", "-passout", "pass:x", "-out", locked)
    (tmp_path / "empty").write_text("")
    for chain, key, text in (
        (other.chain, good.key, "is not the key of"),
        (old.chain, old.key, "has expired"),
        (tmp_path / "empty", good.key, "no certificate"),
        (other.chain, tmp_path / "empty", "no key without a password"),
        (other.chain, locked, "no key without a password"),
        (tmp_path / "absent", good.key, "cannot read"),
    ):
        p = subprocess.run([q.bin / "qctl", "-C", q.home, "cert", "install", "mail.example", chain, key],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)  # fmt: skip
        assert p.returncode == 100 and text in p.stderr, p
        assert served(q) == served(q, "mail.example") == good.pin
    assert not [d for d in (q.home / "control/tls").iterdir() if re.match(r"\.mail.*\.before", d.name)]


def test_a_directory_of_the_admins_own_steps_aside(q, ca):
    mine = q.home / "control/tls/mail.example"
    mine.mkdir()
    (mine / "cert.pem").write_text("x")
    c = ca.issue("mail.example")
    cert(q, "install", "mail.example", c.chain, c.key)
    assert mine.is_symlink() and served(q, "mail.example") == c.pin
    aside = [d for d in mine.parent.iterdir() if d.name.endswith(".before")]
    assert len(aside) == 1 and (aside[0] / "cert.pem").read_text() == "x"


def test_what_list_finds(q, ca, tmp_path):
    c, old = ca.issue("mail.example"), ca.issue("old.example", days=-1)
    tls = q.home / "control/tls"
    q.certificate(cert=c, where="wrong.example")
    q.certificate(cert=old, where="old.example")
    (tls / "empty.example").mkdir()
    (tls / "dangling.example").symlink_to("nobody.example")
    q.certificate(cert=c, where="mixed.example")
    (tls / "mixed.example/key.pem").write_bytes(old.key.read_bytes())
    text = cert(q, code=1)
    for want in ("is not for the name wrong.example", "has expired", "empty.example\t! cert.pem is missing",
                 "dangling.example\t! is nobody.example", "key.pem is not its key"):  # fmt: skip
        assert want in text


def test_the_next_key(q, ca, tmp_path):
    cert(q, "self", "mail.example")
    first = served(q)
    lines = cert(q, "next", "mail.example").splitlines()
    assert lines[0] == f"3 1 1 {first}"
    second = re.fullmatch(r"3 1 1 (\w{64}) ; the next key", lines[1])[1]
    assert second != first and served(q) == first
    key = q.home / "control/tls/.next/mail.example.pem"
    assert key.stat().st_mode & 0o777 == 0o600 and key.parent.stat().st_mode & 0o777 == 0o700
    records = q.run("qctl", "dns", check=True).stdout.decode()
    for h in (first, second):
        assert f"_25._tcp.mail.example.\tIN TLSA\t3 1 1 {h}" in records
    # a CA signs a request of it
    csr = tmp_path / "csr"
    csr.write_text(cert(q, "csr", "mail.example", "imap.example"))
    text = openssl("req", "-in", csr, "-noout", "-text").decode()
    assert "DNS:mail.example, DNS:imap.example" in text
    out = tmp_path / "signed.pem"
    openssl("x509", "-req", "-in", csr, "-CA", ca.own.cert, "-CAkey", ca.own.key, "-days", 9, "-set_serial", 77,
            "-copy_extensions", "copy", "-out", out)  # fmt: skip
    cert(q, "install", "mail.example", out)
    assert served(q) == second and not key.exists()
    assert cert(q, "tlsa", "mail.example") == f"3 1 1 {second}\n"


def test_several_at_once(q, ca):
    issued = {f"m{n}.example": ca.issue(f"m{n}.example", "all.example") for n in range(6)}
    running = [subprocess.Popen([q.bin / "qctl", "-C", q.home, "cert", "install", name, c.chain, c.key])
               for name, c in issued.items()]  # fmt: skip
    assert [p.wait(60) for p in running] == [0] * len(running)
    for name, c in issued.items():
        assert served(q, name) == c.pin
    assert served(q, "all.example") in [c.pin for c in issued.values()]
    left = [p.name for p in (q.home / "control/tls").iterdir() if p.name[0] == "." and not p.name.startswith(".m")]
    assert left == []
    cert(q)


STEP = """#!/bin/sh
{real} "$@"
r=$?
echo >>"$STEPS"
[ "$(/usr/bin/wc -l <"$STEPS")" -lt "$STEP" ] || {{ kill -s "$SIGNAL" 0; exec /bin/sleep 1; }}
exit $r
"""


@pytest.mark.long
@pytest.mark.parametrize("signal", ["TERM", "KILL"])
@pytest.mark.parametrize("verb", ["install", "self"])
def test_ended_at_any_step_there_is_the_old_pair_or_the_new(q, ca, tmp_path, verb, signal):
    """Behind each program that it runs; and no key is ever for others."""
    (tmp_path / "bin").mkdir()
    for tool in ("chmod", "chown", "cp", "flock", "ln", "mkdir", "mv", "openssl", "rm", "sync"):
        wrapper = tmp_path / "bin" / tool
        wrapper.write_text(STEP.format(real=shutil.which(tool)))
        wrapper.chmod(0o755)
    tls, steps = q.home / "control/tls", tmp_path / "steps"
    env = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "STEPS": str(steps), "SIGNAL": signal}
    pairs = [ca.issue("mail.example", "imap.example") for _ in range(2)]
    if verb == "install":
        cert(q, "install", "mail.example", pairs[0].chain, pairs[0].key)
    else:
        cert(q, "self", "mail.example")
    for step in range(1, 200):
        words = ["install", "mail.example", pairs[step % 2].chain, pairs[step % 2].key]
        steps.write_text("")
        p = subprocess.run([q.bin / "qctl", "-C", q.home, "cert", *(words if verb == "install" else ["self", "mail.example"])],
                           env={**env, "STEP": str(step)}, capture_output=True, timeout=60, start_new_session=True)  # fmt: skip
        for name in ("mail.example", "default"):
            assert pin_of(tls / name / "cert.pem") == key_pin(tls / name / "key.pem"), (step, name)
        for key in tls.glob("**/*key.pem"):
            assert key.stat().st_mode & 0o007 == 0, (step, key)
        if p.returncode == 0:
            break
    assert step > 10 and p.returncode == 0
    assert len(list(tls.glob(".mail.example.*"))) == 1
    assert not list(tls.glob(".link"))


def test_files_that_change_while_they_are_read(q, ca, tmp_path):
    """Two hooks at once, or a client that writes: never a certificate with the key of another."""
    old, new = ca.issue("mail.example"), ca.issue("mail.example")
    chain = tmp_path / "chain"
    chain.write_bytes(old.chain.read_bytes())
    (tmp_path / "bin").mkdir()
    late = tmp_path / "bin/flock"  # waits for the other
    late.write_text(f'#!/bin/sh\ncat {new.chain} >{chain}\nexec {shutil.which("flock")} "$@"\n')
    late.chmod(0o755)
    said = cert(q, "install", "mail.example", chain, old.key, code=111,
                env={"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})  # fmt: skip
    assert "changed" in said
    assert [d.name for d in (q.home / "control/tls").iterdir()] == []


def key_pin(key):
    der = openssl("pkey", "-in", key, "-pubout", "-outform", "der")
    return hashlib.sha256(der).hexdigest()


def test_a_file_called_as_a_wildcard_says_is_no_name(q, ca, tmp_path):
    """ACME clients run hooks where their files lie."""
    (tmp_path / "a.b.w.example").write_text("")
    c = ca.issue("mail.example", "*.w.example")
    subprocess.run([q.bin / "qctl", "-C", q.home, "cert", "install", "mail.example", c.chain, c.key], check=True,
                   cwd=tmp_path, timeout=60)  # fmt: skip
    assert sorted(d.name for d in (q.home / "control/tls").iterdir() if d.name[0] != ".") == ["default", "mail.example"]


# ---- hooks --------------------------------------------------------------------------------------


def test_hook_of_certbot(q, ca, tmp_path):
    lineage = tmp_path / "live/mail.example-0001"  # certbot's name for the second of a name
    lineage.mkdir(parents=True)
    c = ca.issue("mail.example", "imap.example")
    (lineage / "fullchain.pem").write_bytes(c.chain.read_bytes())
    (lineage / "privkey.pem").write_bytes(c.key.read_bytes())
    hook(q, env={"RENEWED_LINEAGE": str(lineage), "RENEWED_DOMAINS": "mail.example imap.example"})
    assert served(q) == served(q, "imap.example") == c.pin
    assert not (q.home / "control/tls/mail.example-0001").exists()


def test_hook_of_acme_sh(q, ca):
    c = ca.issue("mail.example", kind="p384")
    hook(q, env={"Le_Domain": "mail.example", "CERT_FULLCHAIN_PATH": str(c.chain), "CERT_KEY_PATH": str(c.key),
                 "CERT_PATH": str(c.cert), "CA_CERT_PATH": "/nonexistent"})  # fmt: skip
    assert served(q) == c.pin


def test_hook_of_dehydrated(q, ca):
    c = ca.issue("mail.example", kind="ed25519")
    for words in (["startup_hook"], ["deploy_challenge", "mail.example", "x", "y"], ["this_is_new", "a", "b"],
                  ["unchanged_cert", "mail.example", c.key, c.cert, c.chain, c.chain], ["exit_hook", ""]):  # fmt: skip
        assert hook(q, *words) == ""
    assert not (q.home / "control/tls/default").exists()
    hook(q, "deploy_cert", "mail.example", c.key, c.cert, c.chain, c.chain, "1795262649")
    assert served(q) == c.pin


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a\nb.example", "-rf", "$(id)", ".next", "mail.example/..", "x" * 300, ""])
def test_hook_of_a_client_with_odd_names(q, ca, name):
    """The certificate's own name counts then."""
    c = ca.issue("mail.example")
    before = sorted(p.name for p in q.home.iterdir())
    hook(q, env={"LEGO_CERT_DOMAIN": name, "LEGO_CERT_PATH": str(c.chain), "LEGO_CERT_KEY_PATH": str(c.key)})
    assert served(q, "mail.example") == served(q) == c.pin
    made = [p.name for p in (q.home / "control/tls").iterdir()]
    assert len(made) == 3 and all(re.fullmatch(r"(\.mail\.example\.\d+|mail\.example|default)", x) for x in made)
    assert sorted(p.name for p in q.home.iterdir()) == before


def test_hook_by_hand_and_misused(q, ca):
    c = ca.issue("mail.example")
    hook(q, "mail.example", c.chain, c.key)
    assert served(q) == c.pin
    hook(q, code=100)
    hook(q, "mail.example", code=100)
    hook(q, "deploy_cert", "mail.example", code=100)


def test_a_wildcard_is_for_this_host(q, ca):
    q.control("me", "mail.w.example")
    c = ca.issue("*.w.example")
    hook(q, "*.w.example", c.chain, c.key)
    assert served(q, "mail.w.example") == served(q) == c.pin


# ---- what DNS should say ------------------------------------------------------------------------


def test_dns(q):
    q.control("rcpthosts", ["Example.org", ".below.example.org", "mail.example"])
    q.control("myaddresses", ["203.0.113.25", "2001:db8::25", "192.168.1.1"])
    out = q.run("qctl", "dns", check=True).stdout.decode()
    for line in (
        "mail.example.\tIN A\t203.0.113.25",
        "mail.example.\tIN AAAA\t2001:db8::25",
        "example.org.\tIN MX\t10 mail.example.",
        '_smtp._tls.example.org.\tIN TXT\t"v=TLSRPTv1; rua=mailto:postmaster@example.org"',
    ):
        assert line + "\n" in out
    assert "192.168" not in out and "below" not in out and "no certificate" in out
    # zone syntax, apart from the policy's lines, which are comments
    for line in out.splitlines():
        assert not line or line[0] == ";" or re.fullmatch(r"[a-z0-9._-]+\.\tIN [A-Z]+\t.+", line), line
    testing = re.search(r'_mta-sts\.example\.org\.\tIN TXT\t"v=STSv1; id=(\w{1,32})"', out)[1]
    out = q.run("qctl", "dns", "-p", "enforce", "example.net", check=True).stdout.decode()
    enforce = re.search(r'_mta-sts\.example\.net\.\tIN TXT\t"v=STSv1; id=(\w+)"', out)[1]
    assert testing != enforce and ";\tmode: enforce\n;\tmx: mail.example\n" in out
    assert q.run("qctl", "dns", "not/a/domain").returncode == 100
    file = q.run("qctl", "dns", "-f", "-p", "enforce", check=True).stdout
    assert file == b"version: STSv1\r\nmode: enforce\r\nmx: mail.example\r\nmax_age: 2592000\r\n"


# ---- the real thing -----------------------------------------------------------------------------


class Pebble:
    """An ACME server for tests; it looks for challenges at the port web, by our resolver."""

    def __init__(self, where, ca, resolver):
        self.port, self.web = free_port(), free_port()
        own = ca.issue("localhost")
        config = {
            "listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{free_port()}",
            "certificate": str(own.chain), "privateKey": str(own.key),
            "httpPort": self.web, "tlsPort": free_port(), "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
        }  # fmt: skip
        (where / "pebble.json").write_text(json.dumps({"pebble": config}))
        self.log = open(where / "pebble.log", "w")
        self.popen = subprocess.Popen(
            ["pebble", "-config", where / "pebble.json", "-dnsserver", f"127.0.0.1:{resolver.port}"],
            stdout=self.log, stderr=self.log, env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"},
        )  # fmt: skip
        wait_for(self.is_up)

    def is_up(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self):
        self.popen.terminate()
        self.popen.wait(30)
        self.log.close()


@pytest.fixture
def acme(tmp_path, ca):
    resolver = Resolver()
    resolver.records["mail.example", "A"] = ["127.0.0.1"]
    resolver.records["imap.example", "A"] = ["127.0.0.1"]
    p = Pebble(tmp_path, ca, resolver)
    yield p
    p.close()
    resolver.close()


@pytest.fixture
def tree():
    t = Tree()
    try:
        yield t
        for name in ("qtls-key", "qtls-server", "qsmtpd"):
            print((t.q.home / "log" / name / "current").read_text())
    finally:
        t.close()


def shown(port, name="mail.example"):
    """Hash of the key that a server shows after STARTTLS, and the session, open."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    s = smtplib.SMTP("127.0.0.1", port, timeout=20)
    s._host = name
    s.starttls(context=ctx)
    pem = ssl.DER_cert_to_PEM_cert(s.sock.getpeercert(binary_form=True))
    path = Path(f"/tmp/shown-{os.getpid()}.pem")
    path.write_text(pem)
    try:
        return pin_of(path), s
    finally:
        path.unlink()


@pytest.mark.programs("qtls", "qtls-key", "qsmtpd", "qlisten")
@pytest.mark.tools("pebble", "lego", "s6-svscan")
def test_lego_gets_and_renews_while_mail_flows(tree, acme, ca, tmp_path):
    """The first certificate replaces the one that vouches for itself; a renewal replaces that. A
    session that began before goes on, no connection is refused, none waits for long."""
    q = tree.q
    q.control("me", "mail.example")
    q.control("timeoutsmtpd", "300")
    before, session = shown(tree.port)
    lego = ["lego", "--server", f"https://localhost:{acme.port}/dir", "--accept-tos", "--email", "a@example.org",
            "--domains", "mail.example", "--domains", "imap.example", "--path", str(tmp_path / "lego"),
            "--http", "--http.port", f"127.0.0.1:{acme.web}", "--key-type", "ec256"]  # fmt: skip
    command = f"{q.bin}/qctl -C {q.home} cert-hook"
    env = {**os.environ, "LEGO_CA_CERTIFICATES": str(ca.cert)}

    def run(*words):
        p = subprocess.run([*lego, *words], env=env, capture_output=True, text=True, timeout=120)
        assert p.returncode == 0, p.stderr + p.stdout

    run("run", "--run-hook", command)
    first = served(q)
    assert first == served(q, "imap.example") != before
    began = time.monotonic()
    pin, second = wait_for(lambda: (x := shown(tree.port))[0] == first and x)
    assert time.monotonic() - began < 15
    assert session.noop()[0] == 250  # with the old certificate
    run("renew", "--days", "9999", "--renew-hook", command, "--no-random-sleep")
    third = served(q)
    assert third != first
    assert wait_for(lambda: shown(tree.port, "imap.example")[0] == third)
    assert session.noop()[0] == second.noop()[0] == 250
    assert "Pebble" in cert(q)
    for s in (session, second):
        s.quit()




@pytest.mark.tools("pebble", "certbot")
def test_certbot_gets_and_renews(q, acme, ca, tmp_path):
    """The renewal by the hook that certbot has kept from the first time, as its timer does it."""
    dirs = [word for d in ("config", "work", "logs") for word in (f"--{d}-dir", tmp_path / d)]
    env = {**os.environ, "REQUESTS_CA_BUNDLE": str(ca.cert)}

    def certbot(*words):
        p = subprocess.run(["certbot", *words, *dirs, "-n"], env=env, capture_output=True, text=True, timeout=120)
        assert p.returncode == 0, p.stderr + p.stdout

    certbot("certonly", "--standalone", "--http-01-port", str(acme.web), "--http-01-address", "127.0.0.1",
            "--server", f"https://localhost:{acme.port}/dir", "--agree-tos", "-m", "a@example.org",
            "-d", "mail.example", "-d", "imap.example", "--deploy-hook", f"{q.bin}/qctl -C {q.home} cert-hook")  # fmt: skip
    first = served(q)
    assert first == served(q, "imap.example") == pin_of(tmp_path / "config/live/mail.example/cert.pem")
    certbot("renew", "--force-renewal", "--no-random-sleep-on-renew")
    assert served(q) == served(q, "imap.example") == pin_of(tmp_path / "config/live/mail.example/cert.pem") != first
    assert "Pebble" in cert(q)


class Challenges(http.server.BaseHTTPRequestHandler):
    """A web server's /.well-known/acme-challenge/, from the directory of the server."""

    def do_GET(self):
        token = self.server.where / self.path.rsplit("/", 1)[1]
        self.send_response(200 if token.exists() else 404)
        self.end_headers()
        if token.exists():
            self.wfile.write(token.read_bytes())

    def log_message(self, *args):
        pass


@pytest.fixture
def web(acme, tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", acme.web), Challenges)
    server.where = tmp_path / "challenges"
    server.where.mkdir()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.tools("pebble", "dehydrated")
def test_dehydrated_gets_and_renews(q, acme, web, ca, tmp_path):
    config = tmp_path / "config"
    base = tmp_path / "dehydrated"
    base.mkdir()
    config.write_text(
        f"CA=https://localhost:{acme.port}/dir\nBASEDIR={base}\nWELLKNOWN={web.where}\n"
        f'CURL_OPTS="--cacert {ca.cert}"\nHOOK={q.bin}/qctl-cert-hook\nCONTACT_EMAIL=a@example.org\n'
    )

    def dehydrated(*words):
        p = subprocess.run(["dehydrated", "--config", config, *words], capture_output=True, text=True, timeout=120,
                           env={**os.environ, "QUOIN_HOME": str(q.home)})  # fmt: skip
        assert p.returncode == 0, p.stderr + p.stdout

    dehydrated("--register", "--accept-terms")
    names = ("--domain", "mail.example imap.example")
    dehydrated("--cron", *names)
    first = served(q)
    assert first == served(q, "imap.example") == pin_of(base / "certs/mail.example/cert.pem")
    dehydrated("--cron", *names)  # nothing is due
    assert served(q) == first
    dehydrated("--cron", "--force", *names)
    assert served(q) == served(q, "imap.example") == pin_of(base / "certs/mail.example/cert.pem") != first
    assert "Pebble" in cert(q)
