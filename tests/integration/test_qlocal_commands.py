"""What dot-files call: preline, forward, condredirect, bouncesaying, except, maildirmake."""
import os
import subprocess

import pytest

from qlocal_driver import Qlocal
from quoin import BIN, Quoin, missing

pytestmark = pytest.mark.skipif(
    bool(missing("preline", "forward", "condredirect", "bouncesaying", "except", "maildirmake")),
    reason="the commands are not built",
)

MESSAGE = b"Subject: hello\n\nbody\n"
ENV = {
    "PATH": "/usr/bin:/bin",
    "UFLINE": "From a@b Sat Nov 21 12:00:00 2026\n",
    "RPLINE": "Return-Path: <a@b>\n",
    "DTLINE": "Delivered-To: me@x\n",
    "NEWSENDER": "a@b",
    "SENDER": "a@b",
}


def run(tmp_path, *args, env=ENV, message=MESSAGE):
    """The message is a file whose offset stands at its end."""
    path = tmp_path / "message"
    path.write_bytes(message)
    with open(path, "rb") as f:
        f.seek(0, os.SEEK_END)
        return subprocess.run([BIN / args[0], *args[1:]], stdin=f, env=env, capture_output=True, check=False)


def sh(code):
    return ("sh", "-c", code)


@pytest.mark.parametrize(
    "options,want",
    [
        ((), ["UFLINE", "RPLINE", "DTLINE"]),
        (("-f",), ["RPLINE", "DTLINE"]),
        (("-r", "-d"), ["UFLINE"]),
        (("-dfr",), []),
    ],
)
def test_preline(tmp_path, options, want):
    r = run(tmp_path, "preline", *options, "cat")
    assert r.returncode == 0 and r.stdout == "".join(ENV[w] for w in want).encode() + MESSAGE


def test_preline_passes_options_and_codes_on(tmp_path):
    assert run(tmp_path, "preline", "head", "-n", "1").stdout == ENV["UFLINE"].encode()
    assert run(tmp_path, "preline", *sh("cat >/dev/null; exit 99")).returncode == 99
    assert run(tmp_path, "preline", *sh("kill -9 $$")).returncode == 111
    assert run(tmp_path, "preline", "/nonexistent").returncode == 111
    assert run(tmp_path, "preline").returncode == 100
    assert run(tmp_path, "preline", "cat", env={"PATH": "/bin"}).returncode == 100


def test_preline_program_that_reads_nothing(tmp_path):
    assert run(tmp_path, "preline", "true", message=MESSAGE + b"x" * 1000000).returncode == 0


@pytest.mark.parametrize("code,want", [(0, 100), (111, 111), (1, 0), (99, 0), (100, 0)])
def test_bouncesaying_and_except(tmp_path, code, want):
    r = run(tmp_path, "bouncesaying", "go away", *sh(f"grep -q hello && exit {code}"))
    assert r.returncode == want and r.stdout == (b"go away\n" if want == 100 else b"")
    assert run(tmp_path, "except", *sh(f"grep -q hello && exit {code}")).returncode == want


def test_bouncesaying_without_a_program(tmp_path):
    assert run(tmp_path, "bouncesaying", "gone").returncode == 100
    assert run(tmp_path, "bouncesaying").returncode == 100


@pytest.mark.parametrize("code", ["kill -9 $$", "exec /nonexistent", "exit 111"])
def test_a_program_that_fails_is_temporary(tmp_path, code):
    command = sh(code) if "exec" not in code else ("/nonexistent",)
    for words in (("bouncesaying", "x"), ("except",), ("condredirect", "a@b")):
        assert run(tmp_path, *words, *command).returncode == 111


def test_maildirmake(tmp_path):
    for name in ("one", "two/"):
        assert subprocess.run([BIN / "maildirmake", tmp_path / name], check=False).returncode == 0
    assert subprocess.run([BIN / "maildirmake", "three"], cwd=tmp_path, check=False).returncode == 0
    for name in ("one", "two", "three"):
        assert sorted(os.listdir(tmp_path / name)) == ["cur", "new", "tmp"]
        assert (tmp_path / name).stat().st_mode & 0o7777 == 0o700
    assert subprocess.run([BIN / "maildirmake", tmp_path / "one"], stderr=-3, check=False).returncode == 111
    assert subprocess.run([BIN / "maildirmake"], stderr=-3, check=False).returncode == 100


@pytest.fixture
def queue():
    if missing("qqueue"):
        pytest.skip("qqueue is not built")
    q = Quoin()
    q.start_queue()
    yield q
    q.close()


def test_forward(tmp_path, queue):
    for name in ("forward", "qforward"):
        assert run(tmp_path, name, "-C", queue.home, "one@x.test", "two").returncode == 0
    for f in queue.queue_files():
        assert f.sender == "a@b" and f.recipients == ["one@x.test", "two"]
        assert f.message.endswith(b"\nDelivered-To: me@x\n" + MESSAGE)


def test_condredirect(tmp_path, queue):
    where = ("condredirect", "-C", queue.home, "to@x.test")
    assert run(tmp_path, *where, *sh("grep -q hello")).returncode == 99
    assert run(tmp_path, *where, *sh("grep -q absent")).returncode == 0
    (f,) = queue.queue_files()
    assert f.recipients == ["to@x.test"] and f.message.endswith(MESSAGE)


def test_forward_with_the_door_shut(tmp_path):
    q = Quoin()
    try:
        assert run(tmp_path, "forward", "-C", q.home, "a@b").returncode == 111
    finally:
        q.close()


def test_by_a_dot_file(tmp_path_factory):
    """Found on qlocal's PATH, the whole way."""
    from test_qlocal import Place

    import pathlib
    import tempfile

    top = pathlib.Path(tempfile.mkdtemp(prefix="qlocal-", dir="/tmp"))
    top.chmod(0o755)
    place = Place(top)
    place.write(".qmail", "|except grep -q absent\n|bouncesaying 'no room (#5.2.2)' grep -q hello\n")
    q = Qlocal(place.home, place.conf)
    assert q.deliver(place.message()) == ("D", "no room (#5.2.2)")
    assert q.stop() == 0
    subprocess.run(["rm", "-r", top], check=True)
