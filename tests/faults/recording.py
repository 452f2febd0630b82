"""What strace saw of a running Quoin, as operations on a crashfs.Disk.

    record(command, out)        runs it, every process and thread in one order
    for mark in replay(out, home, disk, trees): ...

strace writes a call that others interrupt in two pieces: a sync then covers what was
complete before its first one, and a change counts from its second one.
"""

import re
import subprocess
from pathlib import Path

CALLS = (
    "open,creat,openat,write,pwrite64,writev,rename,renameat,renameat2,link,linkat,unlink,unlinkat,"
    "mkdir,mkdirat,rmdir,truncate,ftruncate,fsync,fdatasync,sync_file_range,syncfs,fallocate,"
    "copy_file_range,sendfile,splice,symlink,symlinkat,sendto,lseek"
)
LINE = re.compile(r"^(\d+) +(.*)$")
HEX = re.compile(r"\\x([0-9a-f]{2})")


def record(command, out):
    """strace's own output comes before whatever the command says."""
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-xx", "-s", "4000000", "-e", "signal=none"]
    return subprocess.run([*strace, "-e", f"trace={CALLS}", "-o", out, *command], check=True)


def unhex(text):
    return bytes(int(h, 16) for h in HEX.findall(text))


def pieces(text):
    """The arguments of a call: strings, paths and all else hold no comma in this form,
    save the bytes of a writev, which we do not look into."""
    return [a.strip() for a in text.split(",")]


def calls(path):
    """(first, name, arguments, result): first is True where a call in two pieces
    begins; then its result is not known, and it comes again."""
    open_calls = {}
    with open(path, encoding="ascii") as f:
        for line in f:
            m = LINE.match(line)
            pid, text = m.groups()
            if text.startswith(("+++", "---")):
                continue
            if text.endswith("<unfinished ...>"):
                open_calls[pid] = text[: -len("<unfinished ...>")]
                name, _, args = open_calls[pid].partition("(")
                yield True, pid, name, pieces(args), None
                continue
            is_second = text.startswith("<...")
            if is_second:
                text = open_calls.pop(pid) + text.partition("resumed>")[2]
            call, _, result = text.rpartition(" = ")
            name, _, args = call.rstrip().partition("(")
            args = pieces(args.rstrip()[:-1])
            if not is_second:
                yield True, pid, name, args, None
            yield False, pid, name, args, result


class Names:
    """Paths as strace shows them, relative to home; None: nothing of ours, or what
    the scene itself changes."""

    aside = re.compile(r"/\.qmail|^queue/lock$")

    def __init__(self, home, trees):
        self.home = str(home).encode() + b"/"
        self.trees = tuple(trees)

    def relative(self, path):
        path = re.sub(rb"/(\./)+|//+", b"/", path)
        if not path.startswith(self.home):
            return None
        path = path[len(self.home) :].rstrip(b"/").decode()
        if not path.startswith(self.trees) or self.aside.search(path):
            return None
        return path

    def fd(self, arg):
        """9</tmp/…>"""
        if "<" not in arg:
            return None
        return self.relative(unhex(arg.partition("<")[2]))

    def at(self, dir_arg, path_arg):
        """9</tmp/…>, "name"."""
        path = unhex(path_arg)
        if not path.startswith(b"/"):
            path = unhex(dir_arg.partition("<")[2]) + b"/" + path
        return self.relative(path)


def is_error(result):
    return result.startswith(("-", "?"))


class Replay:
    def __init__(self, disk, names):
        self.disk = disk
        self.names = names
        self.offset = {}  # of the descriptor that writes into a file
        self.tickets = {}

    def open(self, args, result):
        if len(args) > 3 and not args[0].startswith('"'):
            path, flags = self.names.at(args[0], args[1]), args[2]
        elif args[0].startswith('"'):
            path, flags = self.names.at("", args[0]), args[1]
        else:
            path, flags = self.names.at(args[0], args[1]), args[2]
        if path is None or "O_TMPFILE" in flags or "O_DIRECTORY" in flags:
            return False
        made = self.disk.get(path) is None
        if made:
            if "O_CREAT" not in flags:
                return False
            self.disk.create(path)
        if "O_APPEND" in flags:
            self.offset[path] = None
        elif "O_RDONLY" not in flags:
            self.offset[path] = 0
        if "O_TRUNC" in flags and not made:
            self.disk.truncate(path, 0)
        return made

    def write(self, args, result):
        path = self.names.fd(args[0])
        if path is None or self.disk.get(path) is None:
            return False
        data = unhex(args[1])[: int(result)]
        inode = self.disk.get(path)
        at = self.offset.get(path)
        at = len(inode.now) if at is None else at
        self.disk.write(path, at, data)
        if self.offset.get(path) is not None:
            self.offset[path] = at + len(data)
        return True

    def pwrite64(self, args, result):
        path = self.names.fd(args[0])
        if path is None or self.disk.get(path) is None:
            return False
        self.disk.write(path, int(args[3]), unhex(args[1])[: int(result)])
        return True

    def lseek(self, args, result):
        path = self.names.fd(args[0])
        if self.offset.get(path) is not None:
            self.offset[path] = int(result)
        return False

    def ftruncate(self, args, result):
        path = self.names.fd(args[0])
        if path is None or self.disk.get(path) is None:
            return False
        self.disk.truncate(path, int(args[1]))
        return True

    def _rename(self, old, new):
        if old is None or new is None:
            if old is None and new is None:
                return False
            raise ValueError(f"renamed out of what is watched: {old} {new}")
        self.disk.rename(old, new)
        if old in self.offset:
            self.offset[new] = self.offset.pop(old)
        return True

    def rename(self, args, result):
        return self._rename(self.names.at("", args[0]), self.names.at("", args[1]))

    def renameat(self, args, result):
        return self._rename(self.names.at(args[0], args[1]), self.names.at(args[2], args[3]))

    def _link(self, old, new):
        if new is None:
            return False
        self.disk.link(old, new)
        return True

    def link(self, args, result):
        return self._link(self.names.at("", args[0]), self.names.at("", args[1]))

    def linkat(self, args, result):
        return self._link(self.names.at(args[0], args[1]), self.names.at(args[2], args[3]))

    def _unlink(self, path):
        if path is None:
            return False
        self.disk.unlink(path)
        return True

    def unlink(self, args, result):
        return self._unlink(self.names.at("", args[0]))

    def unlinkat(self, args, result):
        return self._unlink(self.names.at(args[0], args[1]))

    def _mkdir(self, path):
        if path is None:
            return False
        self.disk.mkdir(path)
        return True

    def mkdir(self, args, result):
        return self._mkdir(self.names.at("", args[0]))

    def mkdirat(self, args, result):
        return self._mkdir(self.names.at(args[0], args[1]))

    def sync_begin(self, pid, args):
        path = self.names.fd(args[0])
        if path is not None:
            self.tickets[pid] = self.disk.sync_begin(path)

    def sync_end(self, pid, result):
        ticket = self.tickets.pop(pid, None)
        if ticket is None or is_error(result):
            return False
        self.disk.sync_end(ticket)
        return True


DO = {
    "open": Replay.open,
    "openat": Replay.open,
    "write": Replay.write,
    "pwrite64": Replay.pwrite64,
    "lseek": Replay.lseek,
    "ftruncate": Replay.ftruncate,
    "rename": Replay.rename,
    "renameat": Replay.renameat,
    "renameat2": Replay.renameat,
    "link": Replay.link,
    "linkat": Replay.linkat,
    "unlink": Replay.unlink,
    "unlinkat": Replay.unlinkat,
    "mkdir": Replay.mkdir,
    "mkdirat": Replay.mkdirat,
    "rmdir": Replay.unlink,
}


def netstrings(data):
    while data:
        digits, colon, rest = data.partition(b":")
        if not colon or not digits.isdigit() or rest[int(digits) : int(digits) + 1] != b",":
            return
        yield rest[: int(digits)]
        data = rest[int(digits) + 1 :]


def promises(args):
    """Ids in what qqueue is about to send: a K in front of each."""
    for n in netstrings(unhex(args[1])):
        if n[:1] == b"K" and len(n) == 18:
            yield n[1:].decode()


def behind(mark, found):
    """What comes behind the removal of the file mark."""
    mark = str(mark).encode()
    for call in found:
        if call[2] in ("unlink", "unlinkat") and any(unhex(a) == mark for a in call[3]) and not call[0]:
            break
    yield from found


def replay(path, mark, home, disk, trees, promises=promises):
    """Carries the trace, from mark on, out on disk. After each step: ("op", what) or
    ("yes", id), an id from the moment on when its client may hear it: what promises finds in the
    arguments of a sendto."""
    r = Replay(disk, Names(home, trees))
    for first, pid, name, args, result in behind(mark, calls(path)):
        if first:
            if name in ("fsync", "fdatasync"):
                r.sync_begin(pid, args)
            elif name == "sendto":
                for ident in promises(args):
                    yield "yes", ident
            continue
        if name in ("fsync", "fdatasync"):
            if r.sync_end(pid, result):
                yield "sync", args[0]
        elif is_error(result) or name == "sendto":
            continue
        elif name in DO:
            if DO[name](r, args, result.split("<")[0]):
                yield "op", name
        elif any(r.names.fd(a) for a in args):
            raise ValueError(f"a call that the model does not know: {name} {args}")


def read_tree(home, trees):
    """({path: bytes}, directories) as it lies there."""
    files, dirs = {}, set()
    home = Path(home)
    for tree in trees:
        top = home / tree
        for p in [top, *top.rglob("*")]:
            rel = str(p.relative_to(home))
            if p.is_symlink() or Names.aside.search(rel):
                continue
            if p.is_dir():
                dirs.add(rel)
            else:
                files[rel] = p.read_bytes()
    return files, dirs


def differences(disk, home, trees):
    """Where the replay and the real tree disagree: a check of this program."""
    files, dirs = read_tree(home, trees)
    ours = disk.content()
    bad = [p for p in files.keys() | ours.keys() if files.get(p) != ours.get(p)]
    return bad + sorted(dirs ^ disk.directories())
