"""package/install and uninstall, below a DESTDIR."""

import os
import stat
import subprocess

import pytest
from quoin import BIN, SOURCE, table_of

PATHS = {
    "CONTROLDIR": "/etc/quoin/control",
    "QUEUEDIR": "/var/lib/quoin/queue",
    "RUNDIR": "/run/quoin",
    "USERSDIR": "/etc/quoin/users",
    "ALIASDIR": "/var/lib/quoin/alias",
    "HOMESDIR": "/var/lib/quoin/homes",
    "STSDIR": "/var/lib/quoin/sts",
    "BINDIR": "/usr/lib/quoin",
    "LOGDIR": "/var/log/quoin",
    "MANDIR": "/usr/share/man",
}
LINKS = {
    "usr/sbin/sendmail": "sendmail",
    "usr/lib/sendmail": "sendmail",
    "usr/bin/mailq": "mailq",
    "usr/bin/newaliases": "newaliases",
}

pytestmark = pytest.mark.programs("qctl", "sendmail")


def run(program, dest, *args):
    env = {**os.environ, **PATHS, "DESTDIR": str(dest), "B": str(BIN.parent), "QMAIL": ""}
    return subprocess.run(
        [SOURCE / "package" / program, *args], env=env, capture_output=True, text=True, cwd="/", timeout=60
    )


def install(dest, *args):
    return run("install", dest, "--built", *args)


def files(dest):
    return sorted(str(p.relative_to(dest)) for p in dest.rglob("*") if not p.is_dir() or p.is_symlink())


@pytest.fixture
def dest(tmp_path):
    return tmp_path / "dest"


def test_tree(dest):
    r = install(dest)
    assert r.returncode == 0, r.stderr
    for p in dest.rglob("*"):
        st = p.lstat()
        if stat.S_ISREG(st.st_mode):
            assert not st.st_mode & (stat.S_ISUID | stat.S_ISGID), p
            assert not st.st_mode & 0o022, p
    for p in (dest / "usr/lib/quoin").iterdir():
        if p.is_file() and not p.is_symlink() and p.name not in ("installed",):
            script = p.read_bytes()[:2] == b"#!"
            assert stat.S_IMODE(p.stat().st_mode) == (0o755 if script else 0o711), p
    for where, name in LINKS.items():
        assert os.readlink(dest / where) == f"/usr/lib/quoin/{name}"
    unit = (dest / "usr/lib/systemd/system/quoin.service").read_text()
    assert "ExecStart=/usr/lib/quoin/qctl boot" in unit
    assert (dest / "usr/share/man/man8/qctl.8").exists()


def test_again_is_an_upgrade(dest):
    install(dest)
    before = files(dest)
    (dest / "usr/lib/quoin/old").write_text("of an earlier version")
    with open(dest / "usr/lib/quoin/installed", "a") as f:
        f.write("/usr/lib/quoin/old\n")
    assert install(dest).returncode == 0
    assert files(dest) == before


def test_another_mail_system_is_refused(dest):
    (dest / "usr/sbin").mkdir(parents=True)
    (dest / "usr/sbin/sendmail").write_text("other")
    r = install(dest)
    assert r.returncode == 1
    assert "! another mail system is here: /usr/sbin/sendmail" in r.stderr
    assert "--replace" in r.stderr
    assert files(dest) == ["usr/sbin/sendmail"]


def test_replace_and_put_back(dest):
    for d in ("usr/sbin", "usr/lib", "usr/bin"):
        (dest / d).mkdir(parents=True)
    (dest / "usr/sbin/sendmail").write_text("other")
    (dest / "usr/lib/sendmail").symlink_to("../sbin/sendmail")
    (dest / "usr/bin/mailq").symlink_to("../sbin/sendmail")
    before = files(dest)
    assert install(dest, "--replace").returncode == 0
    assert os.readlink(dest / "usr/sbin/sendmail") == "/usr/lib/quoin/sendmail"
    assert install(dest).returncode == 0  # an upgrade needs no --replace
    r = run("uninstall", dest)
    assert r.returncode == 0, r.stderr
    assert files(dest) == before
    assert (dest / "usr/sbin/sendmail").read_text() == "other"
    assert os.readlink(dest / "usr/lib/sendmail") == "../sbin/sendmail"


def test_uninstall_leaves_mail_and_control_files(dest):
    install(dest)
    (dest / "etc/quoin/control/me").write_text("q.example\n")
    (dest / "var/lib/quoin/queue/new").mkdir()
    (dest / "var/lib/quoin/queue/new/x").write_text("mail")
    assert run("uninstall", dest).returncode == 0
    assert files(dest) == ["etc/quoin/control/me", "var/lib/quoin/queue/new/x"]
    assert run("uninstall", dest).returncode == 1


def test_tables_name_known_users():
    users = {name for name, *_ in table_of("users")} | {"root"}
    for path, owner, mode in table_of("modes"):
        assert set(owner.split(":")) <= users, path
        assert path.endswith("/") or not int(mode, 8) & 0o6000, path
