"""boxpoints, boxcut and boxfull in short; the full runs are commands (README).

Other points: QUOIN_SEED=2 pytest tests/faults/test_boxes.py
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from quoin import BIN  # noqa: E402

SEED = os.environ.get("QUOIN_SEED", "1")
pytestmark = [
    pytest.mark.root("it traces, and mounts"),
    pytest.mark.programs("qimapd", "qpop3d"),
]


def run(capsys, *words):
    r = subprocess.run(
        [sys.executable, *(str(w) for w in words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        env={**os.environ, "QUOIN_BIN": str(BIN)},
    )
    with capsys.disabled():
        print("\n" + (r.stdout.strip().splitlines() or [""])[-1])
    assert r.returncode == 0, r.stdout[-6000:]


@pytest.mark.skipif(not (BIN.parent / "tests/tracer").exists(), reason="not built: tracer")
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the tracer replaces calls on x86-64 alone")
@pytest.mark.parametrize("what", ["kill", "errors"])
def test_points(capsys, what):
    """What was answered is so, nothing is lost, no uid is another's, nobody hangs."""
    run(capsys, HERE / "boxpoints", what, "--points", "12", "--seed", SEED)


@pytest.mark.tools("strace")
def test_power_cut(capsys):
    run(capsys, HERE / "boxcut", "-f", "2", "-n", "200", "-c", "20", "-s", SEED)


@pytest.mark.tools("strace")
@pytest.mark.parametrize("kind", ["box-uids", "box-cur", "box-file"])
def test_a_missing_sync_is_found(capsys, kind):
    if not (BIN.parent / "nosync" / kind).exists():
        pytest.skip("not built: make nosync")
    run(capsys, HERE / "boxcut", "-f", "3", "-n", "600", "-s", "2", kind)


@pytest.mark.parametrize("kind", ["bytes", "files"])
def test_full_disk(capsys, kind):
    """NO, and nothing of it is there; or OK, and all of it."""
    run(capsys, HERE / "boxfull", kind)
