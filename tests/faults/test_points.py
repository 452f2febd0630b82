"""kill and errors, a few points of each row; the full runs are commands (README).

Other points: QUOIN_SEED=2 pytest tests/faults/test_points.py
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from quoin import BIN, missing  # noqa: E402

pytestmark = [
    pytest.mark.root("services run under uids of their own, and none may be traced"),
    pytest.mark.skipif(bool(missing("qqueue", "qstart", "qsend", "sendmail")), reason="not built"),
    pytest.mark.skipif(not (BIN.parent / "tests/tracer").exists(), reason="not built: tracer"),
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="the tracer replaces calls on x86-64 alone"),
]


@pytest.mark.parametrize("command", ["kill", "errors"])
def test_points(command):
    """Nothing is lost, torn or delivered twice; nothing hangs, crashes or stays behind."""
    r = subprocess.run(
        [sys.executable, HERE / command, "--short", "--seed", os.environ.get("QUOIN_SEED", "1")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        env={**os.environ, "QUOIN_BIN": str(BIN)},
    )
    print(r.stdout)
    assert r.returncode == 0, r.stdout[-6000:]
