"""One mailbox, many programs, for a few seconds (mailbox has the long form)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from quoin import BIN  # noqa: E402

pytestmark = pytest.mark.programs("qimapd")


def test_everybody_sees_the_same():
    p = subprocess.run(
        [Path(__file__).with_name("mailbox"), "-s", "8", "-c", "6"],
        env=os.environ | {"QUOIN_BIN": str(BIN)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert p.returncode == 0, p.stdout + p.stderr
