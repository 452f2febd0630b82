"""qctl check: each seeded mistake is named, with what mends it."""

import json
import os
import shutil
import subprocess

import certs
import pytest

pytestmark = pytest.mark.programs("qctl", "qctl-check")


def check(quoin):
    """The findings, after a look at the exit code."""
    r = quoin.run("qctl", "check", "--json")
    findings = json.loads(r.stdout)
    assert r.returncode == any(f["level"] == "problem" for f in findings), r.stderr
    return findings


@pytest.fixture
def sound(quoin):
    """Nothing is wrong with it."""
    quoin.control("me", "q.example.com")
    quoin.control("timeoutsmtpd", None)
    quoin.certificate("q.example.com")
    for name in ("root", "postmaster", "mailer-daemon"):
        (quoin.home / "alias" / f".qmail-{name}").write_text("./Maildir/\n")
    return quoin


def problems(quoin):
    return [f for f in check(quoin) if f["level"] == "problem"]


def test_sound(sound):
    assert problems(sound) == []


def crlf(q):
    q.control("locals", "q.example.com\r\nother.example.com\r\n")


def unknown(q):
    q.control("localz", "q.example.com")


def no_me(q):
    q.control("me", None)


def short_me(q):
    q.control("me", "mail")


def duplicate(q):
    q.control("locals", ["q.example.com", "v.example.com"])
    q.control("virtualdomains", "V.example.com:bob")


def not_accepted(q):
    q.control("locals", ["q.example.com", "v.example.com"])
    q.control("rcpthosts", "q.example.com")


def wide_mode(q):
    (q.queue / "cur").chmod(0o777)


def writable_control(q):
    (q.home / "control/me").chmod(0o666)


def secret_control(q):
    (q.home / "control/me").chmod(0o600)


def no_lock(q):
    (q.queue / "lock").unlink()


def no_root_alias(q):
    (q.home / "alias/.qmail-root").unlink()


def uncompiled(q):
    (q.home / "users/assign").write_text(".\n")


def broken_table(q):
    (q.home / "users/cdb").write_bytes(b"nonsense")


def changed_text(q):
    """In the same second, and dated back: the times of the files say nothing."""
    text = q.home / "control/morercpthosts"
    text.write_text("a.example\n")
    assert q.run("qnewmrh").returncode == 0
    text.write_text("b.example\n")
    os.utime(text, (0, 0))


def compiled(q, name, *lines):
    text = q.control(name, lines)
    assert q.run("qcdb", "-l", text, f"{text}.cdb", home=False).returncode == 0


def changed_senders(q):
    compiled(q, "senders", "joe:@a.example")
    q.control("senders", "joe:@b.example")


def bad_userlimit(q):
    q.control("userlimit", [":100:1000", "joe@a.example:5"])


def bad_senders(q):
    compiled(q, "senders", "joe:ann", "ann:@a.example b@c.example, *")


def bad_relaykeys(q):
    compiled(q, "relaykeys", "ab" * 32 + ":good", "abc:short")


def damaged(q):
    (q.queue / "bad/0123").write_text("x")


def bad_route(q):
    q.control("smtproutes", ["a.example:b.example", "far.example:relay,"])


def bad_nullclient(q):
    q.control("nullclient", "relay.example:99999")


def bad_outgoingip(q):
    q.control("outgoingip", ["# ours", "mail.example.com"])


def bad_tlspolicy(q):
    q.control("tlspolicy", ["a.example:verify", "b.example:sure"])


def bad_smtpauth(q):
    q.control("smtpauth", "smart.example alice", group="quoins")


def bad_concurrency(q):
    q.control("destconcurrency", ["a.example:5", "b.example:0"])


def bad_rate(q):
    q.control("destrate", [":fast"])


def no_certificate(q):
    (q.home / "control/tls/default").unlink()


def expired(q):
    q.certificate("q.example.com", days=-1)


def other_key(q):
    other = certs.self_signed(q.certs_dir(), "q.example.com", kind="ed25519")
    shutil.copyfile(other.key, q.home / "control/tls/default/key.pem")


def no_key(q):
    (q.home / "control/tls/default/key.pem").unlink()


def wide_key(q):
    (q.home / "control/tls/default/key.pem").chmod(0o644)


def garbled(q):
    (q.home / "control/tls/default/cert.pem").write_text("nonsense\n")


def passphrase(q):
    key = q.home / "control/tls/default/key.pem"
    key.write_bytes(certs.openssl("pkey", "-in", key, "-aes128", "-passout", "pass:x"))


def wide_password(q):
    q.control("smtpauth", "mail.example.com user secret")


def wide_hashes(q):
    q.users("alice")
    q.passwords({"alice": "secret"})
    (q.home / "users/passwd.cdb").chmod(0o644)


def bad_door(q):
    q.control("imapslisten", ["192.0.2.1 993", "mail.example.com:993"])


def bad_sessions(q):
    q.control("usersessions", "fifty")


def bad_appendlimit(q):
    q.control("appendlimit", "99999999999")


def bad_logintimeout(q):
    q.control("logintimeout", "601")


def bad_overquota(q):
    q.control("overquota", "later")


def fifo(q):
    os.mkfifo(q.home / "control/locals")


@pytest.mark.parametrize(
    "mistake, said, mended",
    [
        (crlf, "control/locals has CR LF", "sed -i"),
        (unknown, "control/localz is not read by anything", "man quoin-control"),
        (no_me, "control/me does not exist", "hostname -f >"),
        (short_me, "mail is not a full host name", "echo"),
        (duplicate, "virtualdomains line 1: v.example.com is in locals too", "sed -i 1d"),
        (not_accepted, "v.example.com is not in rcpthosts", "echo v.example.com >>"),
        (wide_mode, "queue/cur has mode 0777, not 0700", "chmod 0700"),
        (writable_control, "control/me can be written by others", "chmod go-w"),
        (secret_control, "control/me cannot be read", "chmod a+r"),
        (no_lock, "queue/lock is missing", "qctl house dirs"),
        (no_root_alias, "nobody reads mail to root", "echo ./Maildir/ >"),
        (uncompiled, "users/assign is not compiled", "qnewusers"),
        (broken_table, "users/cdb: not a table", "qnewusers"),
        (changed_text, "morercpthosts.cdb was not made of", "qnewmrh"),
        (changed_senders, "senders.cdb was not made of", "qcdb -l"),
        (bad_userlimit, "control/userlimit line 2: not LOGIN:MESSAGES:RECIPIENTS", "sed -i 2d"),
        (bad_senders, "control/senders line 1: not LOGIN:ADDRESS", "sed -i 1d"),
        (bad_relaykeys, "control/relaykeys line 2: not the SHA-256 of a key", "sed -i 2d"),
        (damaged, "1 queue files in", "look at them"),
        (bad_route, "control/smtproutes line 2: relay,: the relay is not host", "sed -i 2d"),
        (bad_nullclient, "control/nullclient: relay.example:99999", "man quoin-recipes"),
        (bad_outgoingip, "control/outgoingip line 2: mail.example.com is not an address", "sed -i 2d"),
        (bad_tlspolicy, "control/tlspolicy: line 2: not none", "man quoin-control"),
        (bad_smtpauth, "control/smtpauth: line 1: not HOST USER PASSWORD", "man quoin-control"),
        (bad_concurrency, "control/destconcurrency line 2: 0 is not a number from 1 to", "sed -i 2d"),
        (bad_rate, "control/destrate line 1: fast is not a number", "sed -i 1d"),
        (bad_door, "control/imapslisten line 2: not ADDRESS PORT", "sed -i 2d"),
        (bad_sessions, "control/usersessions: line 1", "a number from 0 to 10000"),
        (bad_appendlimit, "control/appendlimit: line 1", "a number from 0 to 2147483647"),
        (bad_logintimeout, "control/logintimeout: line 1", "a number from 10 to 600"),
        (bad_overquota, "control/overquota: line 1: neither 4.2.2 nor 5.2.2", "echo 4.2.2 >"),
        (fifo, "control/locals is not a plain file", None),
        (no_certificate, "control/tls/default does not exist", "qctl cert self q.example.com"),
        (expired, "control/tls/default: the certificate has expired", "qctl cert self q.example.com"),
        (other_key, "key.pem is not the key of cert.pem", "qctl cert self q.example.com"),
        (no_key, "control/tls/default/key.pem: No such file", "qctl cert self q.example.com"),
        (wide_key, "control/tls/default/key.pem can be read by others", "chmod o="),
        (garbled, "control/tls/default/cert.pem is no certificate", "openssl x509"),
        (passphrase, "key.pem is no private key, or has a passphrase", "openssl pkey"),
        (wide_password, "control/smtpauth can be read or written by others", "chmod 640"),
        (wide_hashes, "users/passwd.cdb can be read or written by others", "chmod 640"),
    ],
)
def test_mistake_is_named(sound, mistake, said, mended):
    mistake(sound)
    found = [f for f in problems(sound) if said in f["text"]]
    assert len(found) == 1, problems(sound)
    if mended:
        assert mended in found[0]["try"]


def test_soon(sound):
    """What is well today and may not be tomorrow is a note."""
    sound.certificate("q.example.com", days=3)
    sound.control("checkpassword", "/opt/ldap/checkpassword")
    sound.control("concurrencyincoming", "401")  # three services of them, and 1200 sessions of TLS
    sound.control("sessions", "1001")
    found = check(sound)
    for said in ("expires within two weeks", "as root: /opt/ldap/checkpassword", "tlssessions: 1200 are fewer than three", "1200 are fewer than control/sessions (1001)"):
        assert [f["level"] for f in found if said in f["text"]] == ["note"]


@pytest.mark.root
def test_key_of_the_wrong_group(sound):
    key = sound.home / "control/tls/default/key.pem"
    os.chown(key, 0, 0)
    (found,) = problems(sound)
    assert "control/tls/default/key.pem cannot be read by qtls-key" in found["text"]
    assert subprocess.run(found["try"], shell=True, check=False).returncode == 0
    assert problems(sound) == []


@pytest.mark.root
def test_wrong_owner(sound):
    os.chown(sound.queue / "tmp", 12345, 12345)
    (found,) = problems(sound)
    assert "queue/tmp belongs to 12345:12345, not to quoinq:quoins" in found["text"]
    assert found["try"].startswith("chown ")


def test_setuid_file(sound):
    p = sound.home / "bin2"
    shutil.copytree(sound.bin, p, symlinks=True)
    sound.bin.rename(sound.home / "bin3")
    p.rename(sound.home / "bin")
    (sound.bin / "evil").write_text("")
    (sound.bin / "evil").chmod(0o4755)
    (found,) = problems(sound)
    assert "evil is setuid" in found["text"]


def test_text_and_usage(sound):
    r = sound.run("qctl", "check")
    assert (r.returncode, r.stdout.count(b"!")) == (0, 0)
    assert sound.run("qctl", "check", "--nonsense").returncode == 100
    assert sound.run("qctl", "nonsense").returncode == 100


@pytest.mark.parametrize("words", ["stop qimapd", "restart qsmtpd", "down all", "pause remote", "cont local", "flush ID",
                                   "reload qsend", "cdb aliases", "house tree x"])
def test_what_is_for_all_takes_no_word(quoin, words):
    """`stop qimapd` is not to stop everything."""
    assert quoin.run("qctl", *words.split()).returncode == 100
