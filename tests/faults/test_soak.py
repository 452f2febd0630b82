"""The soak's short form; the full one: tests/faults/soak (its first lines say what it does)."""

import subprocess
from pathlib import Path

import pytest


@pytest.mark.root("it counts descriptors of processes that are not dumpable")
@pytest.mark.programs("qctl", "qctl-audit", "qqueue", "qstart", "qlisten", "qsmtpd", "sendmail")
def test_soak(capsys):
    soak = Path(__file__).with_name("soak")
    r = subprocess.run(
        [soak, "--kills", "3", "--pause", "1", "--sessions", "8"], capture_output=True, text=True, timeout=400, check=False
    )
    said = dict(line.split(": ", 1) for line in r.stdout.splitlines() if ": " in line)
    with capsys.disabled():
        print("\n3 kills of the whole tree:", *(f"{k} {said.get(k)};" for k in ("accepted", "lost", "torn")))
    assert r.returncode == 0, r.stdout + r.stderr
