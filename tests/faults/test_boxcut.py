#!/usr/bin/python3
"""The power is cut while folders change: what a client was told of uids, modseqs, flags and
keywords still holds, whatever reached the disk.

tests/integration/boxcut.c changes two folders and writes down what it would tell; strace
records it; crashfs builds the states that a cut at each moment may leave; `boxcut show` opens
them after "another start of the kernel". As pytest it looks at STATES of them; by hand:

    QUOIN_BIN=build/plain/bin tests/faults/test_boxcut.py SEED STATES
"""

import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "integration"))
import crashfs  # noqa: E402
from quoin import BIN  # noqa: E402
from recording import DO, Names, Replay, calls, differences, is_error, read_tree, record, unhex  # noqa: E402

STATES = 300
TREES = ("a", "b")
BOXCUT = BIN.parent / "tests" / "boxcut"


class Told:
    """What a client knows: of each folder its numbers, and its messages by uid."""

    def __init__(self, text):
        self.numbers, self.messages = {}, {"a": {}, "b": {}}
        for line in text.strip().splitlines():
            folder, *words = line.split()
            if folder in self.numbers:
                uid, base, modseq, flags, keywords = words
                self.messages[folder][int(uid)] = (base, int(modseq), int(flags), int(keywords))
            else:
                self.numbers[folder] = tuple(map(int, words))


def make_home():
    home = Path(tempfile.mkdtemp(prefix="boxcut-", dir="/tmp"))
    for tree in TREES:
        for part in ("new", "cur", "tmp"):
            (home / tree / part).mkdir(parents=True)
    for i in range(5):
        (home / f"a/cur/{1000 + i}.m:2,").write_text("m\n")
    (home / "a/new/1500.new").write_text("m\n")
    return home


def moments(trace, home, disk):
    """After each step: what had been told by then (Told objects, the last one last)."""
    r = Replay(disk, Names(home, TREES))
    told = []
    for first, pid, name, args, result in calls(trace):
        if first:
            if name in ("fsync", "fdatasync"):
                r.sync_begin(pid, args)
            elif name == "write" and args[0].startswith("1<"):
                told.append(Told(unhex(args[1]).decode()))
            continue
        if name in ("fsync", "fdatasync"):
            if r.sync_end(pid, result):
                yield told
        elif not is_error(result) and name in DO and DO[name](r, args, result.split("<")[0]):
            yield told


def build(where, tree, dirs):
    for d in sorted(dirs):
        (where / d).mkdir(parents=True, exist_ok=True)
    for p, data in tree.items():
        (where / p).write_bytes(data)


def show(where):
    p = subprocess.run([BOXCUT, "show", where], capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, p.stderr
    return Told(p.stdout)


def wrong(told, upcoming, now):
    """What was told and does not hold; a change under way may be there or not."""
    for folder in told[-1].numbers if told else ():
        validity, uidnext, highest = told[-1].numbers[folder]
        if now.numbers[folder][0] != validity:
            return f"{folder}: uidvalidity"
        if now.numbers[folder][1] < uidnext or now.numbers[folder][2] < highest:
            return f"{folder}: a number went back: {now.numbers[folder]} {told[-1].numbers[folder]}"
        found = now.messages[folder]
        known = told[-1].messages[folder]
        after = upcoming.messages[folder] if upcoming else known
        for uid, message in known.items():
            if uid not in found:
                if uid in after:
                    return f"{folder}: {uid} is lost"
            elif found[uid][2:] != message[2:] and found[uid][1] <= highest:
                return f"{folder}: {uid} changed silently: {message} {found[uid]}"
        gone = {m[0] for past in told for m in past.messages[folder].values()} - {m[0] for m in known.values()}
        for uid, message in found.items():
            if message[0] in gone:
                return f"{folder}: {message[0]} was expunged, and is {uid} now"
        for past in told:
            for uid, message in past.messages[folder].items():
                if uid not in found:
                    continue
                if uid not in known:
                    return f"{folder}: {uid} is back"
                if found[uid][0] != message[0]:
                    return f"{folder}: {uid} was {message[0]}, is {found[uid][0]}"
                if found[uid][1] == message[1] and found[uid] != message:
                    return f"{folder}: one modseq, two states: {message} {found[uid]}"
    return None


def look_at(told, upcoming, tree, dirs):
    where = Path(tempfile.mkdtemp(prefix="boxcut-", dir="/dev/shm" if Path("/dev/shm").is_dir() else "/tmp"))
    try:
        build(where, tree, dirs)
        return wrong(told, upcoming, show(where))
    finally:
        shutil.rmtree(where)


def cut(seed, states):
    """(how many states were looked at, what was wrong)."""
    rng = random.Random(seed)
    home = make_home()
    trace = home.with_suffix(".trace")
    try:
        files, dirs = read_tree(home, TREES)
        record(["sh", "-c", 'exec "$0" act "$1" >/dev/null', BOXCUT, home], trace)
        disk = crashfs.Disk(files, dirs)
        steps = [len(told) for told in moments(trace, home, disk)]
        assert not differences(disk, home, TREES)
        every = [t for t in moments(trace, home, crashfs.Disk(files, dirs))][-1]
        # the many changes of flags in a row are one stretch; the others matter as much
        weight = {n: 1 / steps.count(n) for n in set(steps)}
        chosen = set(rng.choices(range(len(steps)), [weight[n] for n in steps], k=states))
        disk = crashfs.Disk(files, dirs)
        looked = 0
        for i, told in enumerate(moments(trace, home, disk)):
            if i not in chosen:
                continue
            upcoming = every[len(told)] if len(told) < len(every) else None
            ways = list(disk.after_cut(rng, 24))
            for tree, there in rng.sample(ways, min(3, len(ways))):
                looked += 1
                bad = look_at(told, upcoming, tree, there)
                if bad:
                    return looked, f"step {i}: {bad}"
                if looked >= states:
                    return looked, None
        return looked, None
    finally:
        shutil.rmtree(home)
        trace.unlink(missing_ok=True)


@pytest.mark.tools("strace")
def test_what_was_told_holds(capsys):
    if not BOXCUT.exists():
        pytest.skip("not built: make tests")
    looked, bad = cut(1, STATES)
    with capsys.disabled():
        print(f"\n{looked} states of two mailboxes after a power cut")
    assert bad is None


if __name__ == "__main__":
    looked, bad = cut(int(sys.argv[1]), int(sys.argv[2]))
    print(f"{looked} states", bad or "nothing is wrong")
    sys.exit(bad is not None)
