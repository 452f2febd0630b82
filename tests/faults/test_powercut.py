"""The short form of powercut, and its model of a disk. Long: tests/faults/powercut."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from crashfs import Disk  # noqa: E402
from quoin import BIN  # noqa: E402

needs = [
    pytest.mark.root("strace of processes that are not dumpable"),
    pytest.mark.programs("qqueue", "qstart", "qsend", "qbounce", "qlspawn", "qlocal"),
    pytest.mark.tools("strace"),
]


def powercut(*words):
    p = subprocess.run([sys.executable, HERE / "powercut", *words], capture_output=True, text=True, timeout=300)
    return p.returncode, p.stdout, p.stderr


def marked(f):
    for m in needs:
        f = m(f)
    return f


@marked
def test_nothing_is_lost(capsys):
    code, out, err = powercut("-f", "1", "-n", "150")
    with capsys.disabled():
        print("\n" + (out.strip().splitlines() or [err])[-1])
    assert code == 0, out + err


@marked
@pytest.mark.parametrize("kind", ["queue-file", "queue-new", "maildir-file", "maildir-new"])
def test_a_missing_sync_is_found(kind):
    if not (BIN.parent / "nosync" / kind).exists():
        pytest.skip("not built: make nosync")
    code, out, err = powercut("-f", "1", "-n", "150", "-m", "6", kind)
    assert code == 0, out + err


# ---- the model --------------------------------------------------------------------------


def after(disk):
    return [tree for tree, _ in disk.after_cut(random.Random(1), 1000)]


def test_a_file_without_a_sync():
    d = Disk({}, {"a"})
    d.create("a/f")
    d.write("a/f", 0, b"four")
    d.sync_end(d.sync_begin("a"))
    found = [t["a/f"] for t in after(d)]
    assert set(found) == {b"", b"\0\0\0\0", b"fo", b"fo\0\0", b"four"}
    d.sync_end(d.sync_begin("a/f"))
    assert after(d) == [{"a/f": b"four"}]


def test_a_rename_is_atomic_and_durable_by_either_directory():
    for sync in "a", "b":
        d = Disk({"a/f": b"x"}, {"a", "b"})
        d.rename("a/f", "b/g")
        assert sorted(map(list, after(d))) == [["a/f"], ["b/g"]]
        d.sync_end(d.sync_begin(sync))
        assert after(d) == [{"b/g": b"x"}]


def test_link_and_unlink_each_by_their_directory():
    d = Disk({"a/f": b"x"}, {"a", "b"})
    d.link("a/f", "b/f")
    d.unlink("a/f")
    assert sorted(sorted(t) for t in after(d)) == [[], ["a/f"], ["a/f", "b/f"], ["b/f"]]
    d.sync_end(d.sync_begin("b"))
    assert sorted(sorted(t) for t in after(d)) == [["a/f", "b/f"], ["b/f"]]


def test_a_name_changes_in_order():
    d = Disk({"a/f": b"x"}, {"a", "b", "c"})
    d.rename("a/f", "b/f")
    d.rename("b/f", "c/f")
    d.unlink("c/f")
    assert sorted(sorted(t) for t in after(d)) == [[], ["a/f"], ["b/f"], ["c/f"]]
    d.sync_end(d.sync_begin("c"))
    assert after(d) == [{}]


def test_a_directory_that_is_lost_takes_its_files_along():
    d = Disk({}, {"a"})
    d.mkdir("a/d")
    d.create("a/d/f")
    d.sync_end(d.sync_begin("a/d"))
    assert after(d) == [{}, {"a/d/f": b""}]
    d.sync_end(d.sync_begin("a"))
    assert after(d) == [{"a/d/f": b""}]


def test_a_sync_covers_what_came_before_its_call():
    d = Disk({"a/f": b""}, {"a"})
    ticket, names = d.sync_begin("a/f"), d.sync_begin("a")
    d.write("a/f", 0, b"late")
    d.create("a/g")
    d.sync_end(ticket)
    d.sync_end(names)
    assert {len(t) for t in after(d)} == {1, 2}
    assert {t["a/f"] for t in after(d)} > {b"", b"late"}
