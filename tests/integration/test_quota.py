"""A Maildir++ quota, kept by delivery: what counts, what is refused, and how."""
import os
import time

import pytest

from qlocal_driver import give
from quoin import BIN, missing
from test_qlocal import make_maildir, place  # noqa: F401 # pylint: disable=unused-import

pytestmark = pytest.mark.skipif(bool(missing("qlocal")), reason="qlocal is not built")

BODY = b"Subject: x\n\n" + b"y" * 988 + b"\n"


def set_quota(place, text):
    path = place.home / "Maildir" / "maildirsize"
    path.write_text(text)
    give(path)
    return path


def sizes(path):
    return sum(int(line.split()[0]) for line in path.read_text().splitlines()[1:])


@pytest.fixture
def box(place):  # noqa: F811
    make_maildir(place.home / "Maildir")
    return place


def test_what_comes_counts(box):
    path = set_quota(box, "10000S,100C\n0 0\n")
    q = box.start()
    for _ in range(3):
        assert q.deliver(box.message(BODY))[0] == "K"
    total = sum(len(m) for m in box.new())
    assert path.read_text().startswith("10000S,100C\n") and sizes(path) == total
    assert sum(int(line.split()[1]) for line in path.read_text().splitlines()[1:]) == 3


@pytest.mark.parametrize("control, letter, code", [(None, "Z", "4.2.2"), ("4.2.2\n", "Z", "4.2.2"), ("5.2.2\n", "D", "5.2.2")])
def test_full(box, control, letter, code):
    path = set_quota(box, "5000S\n4500 4\n")
    if control:
        box.control("overquota", control)
    q = box.start()
    assert q.deliver(box.message(BODY)) == (letter, f"The mailbox is full. (#{code})")
    assert box.new() == [] and not os.listdir(box.home / "Maildir" / "tmp")
    assert path.read_text() == "5000S\n4500 4\n"
    assert q.deliver(box.message(b"Subject: small\n\n"))[0] == "K"


def test_number_of_messages(box):
    set_quota(box, "2C\n0 1\n")
    q = box.start()
    assert q.deliver(box.message(BODY))[0] == "K"
    assert q.deliver(box.message(BODY))[0] == "Z"


def test_over_for_long_is_counted_anew(box):
    path = set_quota(box, "5000S\n999999 4\n")
    then = time.time() - 1000
    os.utime(path, (then, then))
    assert box.start().deliver(box.message(BODY))[0] == "K"
    assert 1000 < sizes(path) < 2000


def test_no_room_for_long_is_counted_anew(box):
    """Another program has removed messages, and did not say so."""
    path = set_quota(box, "5000S\n4500 4\n")
    assert box.start().deliver(box.message(BODY))[0] == "Z"
    then = time.time() - 1000
    os.utime(path, (then, then))
    assert box.start().deliver(box.message(BODY))[0] == "K"
    assert 1000 < sizes(path) < 2000


def test_repeated_job_is_done_though_it_is_full_now(box):
    """A crash between the delivery and its report must not bounce what was delivered."""
    box.control("overquota", "5.2.2\n")
    path = set_quota(box, "1500S\n0 0\n")
    message = box.message(BODY)
    assert box.start().deliver(message)[0] == "K"
    before = path.read_text()
    assert box.start().deliver(message) == ("K", "delivered before, did 1+0+0")
    assert path.read_text() == before
    (name,) = os.listdir(box.home / "Maildir" / "new")
    (box.home / "Maildir" / "new" / name).rename(box.home / "Maildir" / "cur" / (name + ":2,S"))
    assert box.start().deliver(message)[0] == "K"
    assert box.start().deliver(box.message(BODY))[0] == "D"


def test_quota_appears_while_the_maildir_is_open(box):
    q = box.start()
    assert q.deliver(box.message(BODY))[0] == "K"
    set_quota(box, "10S\n11 1\n")
    assert q.deliver(box.message(BODY))[0] == "Z"
    (box.home / "Maildir" / "maildirsize").unlink()
    assert q.deliver(box.message(BODY))[0] == "K"
    assert not (box.home / "Maildir" / "maildirsize").exists()


def test_folder_counts_for_its_root(box):
    folder = make_maildir(box.home / "Maildir" / ".Lists")
    (folder / "maildirfolder").touch()
    give(folder / "maildirfolder")
    path = set_quota(box, "5000S\n0 0\n")
    box.write(".qmail", "./Maildir/.Lists/\n")
    q = box.start()
    assert q.deliver(box.message(BODY))[0] == "K"
    assert sizes(path) > 1000
    set_quota(box, "5000S\n5000 1\n")
    assert q.deliver(box.message(BODY))[0] == "Z"


@pytest.mark.parametrize("kind", ["fifo", "link", "directory", "garbage"])
def test_no_quota_in_what_is_no_file_of_one(box, kind):
    path = box.home / "Maildir" / "maildirsize"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to("/etc/passwd")
    elif kind == "directory":
        path.mkdir()
    else:
        path.write_bytes(b"\0\xff" * 3000)
    give(path) if kind not in ("link",) else None
    assert box.start().deliver(box.message(BODY))[0] == "K"


def test_wrong_control_file(box):
    box.control("overquota", "never\n")
    q = box.start()
    with pytest.raises(Exception):
        q.deliver(box.message(BODY))
    assert b"control/overquota: line 1: neither 4.2.2 nor 5.2.2" in q.proc.stderr.read()


def test_tool(box):
    import subprocess

    maildir = box.home / "Maildir"
    assert box.start().deliver(box.message(BODY))[0] == "K"
    tool = BIN / "maildirquota" if hasattr(BIN, "joinpath") else os.path.join(BIN, "maildirquota")
    subprocess.run([tool, maildir, "10000S,5C"], check=True)
    assert (maildir / "maildirsize").read_text().startswith("10000S,5C\n1")
    assert (maildir / "maildirsize").stat().st_uid == maildir.stat().st_uid
    shown = subprocess.run([tool, maildir], check=True, capture_output=True, text=True).stdout
    assert shown.split()[0].isdigit() and "of 10000 bytes" in shown and "1 of 5 messages" in shown
    for wrong in ("10000", "5X", "-1S", "", "99999999999999999999S", "5S,"):
        assert subprocess.run([tool, maildir, wrong], capture_output=True, check=False).returncode == 100
    subprocess.run([tool, maildir, "none"], check=True)
    assert not (maildir / "maildirsize").exists()
    assert subprocess.run([tool, maildir], check=True, capture_output=True, text=True).stdout == "no quota\n"
