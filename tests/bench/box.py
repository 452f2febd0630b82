"""A box: one mail system's processes, with the CPU and memory that they use.

Whatever is started in a box stays below one process that takes in orphans
(PR_SET_CHILD_SUBREAPER), so nothing that a daemon does in the background is missed.
"""

import ctypes
import os
import signal
import subprocess
import time
import traceback

TICK = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36


class Box:
    def __init__(self, start):
        """start() runs inside the box and returns when the system serves."""
        self.read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.read)
            self._inside(start, write)
        os.close(write)
        if os.read(self.read, 1) != b"+":
            raise RuntimeError("the system did not start")

    @staticmethod
    def _inside(start, write):
        try:
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            start()
            os.write(write, b"+")
            while True:
                try:
                    os.wait()
                except ChildProcessError:
                    time.sleep(0.1)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)

    def pids(self):
        """All processes of the box, the box itself first."""
        parents = {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/stat", "rb") as f:
                        fields = f.read().rsplit(b")", 1)[1].split()
                    parents.setdefault(int(fields[1]), []).append(int(name))
                except (FileNotFoundError, ProcessLookupError):
                    pass
        found = [self.pid]
        for pid in found:
            found += parents.get(pid, [])
        return found

    def is_traced(self):
        """Has somebody attached to all processes of the box?"""
        for pid in self.pids()[1:]:
            with open(f"/proc/{pid}/status", encoding="ascii") as f:
                if any(l.split() == ["TracerPid:", "0"] for l in f):
                    return False
        return True

    def cpu(self):
        """Seconds of CPU that the box has used since it began."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/stat", "rb") as f:
                    fields = f.read().rsplit(b")", 1)[1].split()
                total += sum(int(v) for v in fields[11:15])
            except (FileNotFoundError, ProcessLookupError):
                pass
        return total / TICK

    def pss(self, kind="Pss", only=None):
        """KB of memory, shared pages divided; without the box's own process and s6-log. kind:
        Pss_Anon is what the processes themselves have written. only: of programs of these names."""
        total = 0
        for pid in self.pids()[1:]:
            try:
                with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                    name = f.read().rstrip("\n")
                    if name == "s6-log" or only and name not in only:
                        continue
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                    total += sum(int(l.split()[1]) for l in f if l.startswith(f"{kind}:"))
            except (FileNotFoundError, ProcessLookupError):
                pass
        return total

    def close(self):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            for pid in reversed(self.pids()):
                try:
                    os.kill(pid, sig)
                except ProcessLookupError:
                    pass
            time.sleep(0.2)
        os.waitpid(self.pid, 0)
        os.close(self.read)


def disk_now(path):
    """KB written and flushes of the device behind path; None: it has none."""
    dev = os.stat(path).st_dev
    try:
        with open(f"/sys/dev/block/{os.major(dev)}:{os.minor(dev)}/stat", encoding="ascii") as f:
            fields = f.read().split()
    except FileNotFoundError:
        return None
    return int(fields[6]) / 2, int(fields[15])


def run(*argv, **kw):
    return subprocess.run([str(a) for a in argv], check=True, **kw)
