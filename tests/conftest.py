"""Fixtures and markers of all tests in Python; see integration/quoin.py."""

import os
import shutil
import signal

import pytest
from quoin import Quoin, missing
from sched import Sched


# LeakSanitizer traces its process, which no sandbox of ours allows; the unit tests look
# for leaks.
os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")


def _why_not(item):
    for mark in item.iter_markers("root"):
        if os.geteuid() != 0:
            return "needs root" + (f": {mark.args[0]}" if mark.args else "")
    for mark in item.iter_markers("programs"):
        if missing(*mark.args):
            return "not built: " + " ".join(missing(*mark.args))
    for mark in item.iter_markers("tools"):
        absent = [t for t in mark.args if not shutil.which(t)]
        if absent:
            return "not installed: " + " ".join(absent)
    return None


def pytest_collection_modifyitems(items):
    for item in items:
        why = _why_not(item)
        if why:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.failed = outcome.get_result().failed


@pytest.fixture
def quoin(request):
    """A private Quoin with nothing started."""
    q = Quoin()
    try:
        yield q
        if getattr(request.node, "failed", False):
            print(q.all_logs())
    finally:
        q.close()


@pytest.fixture
def s(quoin):
    """A qsend whose spawners are the test's."""
    s = Sched(quoin)
    yield s
    if s.procs:
        s.kill(signal.SIGKILL)
