"""A file system that may lose its power: what can be on the disk after a cut.

The model. Rename within one file system is atomic; link, unlink, create, mkdir and rename
are durable when a directory that they touch has been synced (of a rename either one).
A file's bytes are durable by its own sync alone: before it they may be absent, cut
short or zeros although name and size are there. Whatever is not durable may have
reached the disk or not, each for itself, save that what happens to one name happens in
order. Nothing orders two file systems, so a mailbox's may be another than the queue's.
A sync covers what was complete when it was called, and counts when it has returned.

    fs = Disk({path: bytes}, directories)
    fs.create(p); fs.write(p, at, data); fs.rename(a, b); ...
    ticket = fs.sync_begin(p); ...; fs.sync_end(ticket)
    for tree in fs.after_cut(rng, most): ...         {path: bytes}

Names are kept by the directory that holds them, which has its first path as its own name for
ever: a directory that is renamed takes along what is in it, and a file's name in it is as durable as it
was.
"""

import hashlib
import itertools
import math


class Dir:
    """A directory; own: the path by which its names are kept, None: where it lies."""

    def __init__(self, own=None):
        self.own = own


DIR = Dir()


def parent(path):
    return path.rpartition("/")[0]


class Inode:
    def __init__(self, durable=b""):
        self.durable = durable
        self.now = durable

    def variants(self):
        """What may be found in it after a cut, the likeliest first."""
        old, new = self.durable, self.now
        if old == new:
            return [new]
        if len(old) == len(new):  # written over its old bytes
            half = len(new) // 2
            found = [new, old, new[:half] + old[half:]]
        else:
            keep = len(old) if new.startswith(old) else 0
            half = (keep + len(new)) // 2
            found = [
                new,
                new[:keep] + bytes(len(new) - keep),
                old,
                new[:half],
                new[:half] + bytes(len(new) - half),
                b"" if keep == 0 else new[: len(new) - 1],
            ]
        return list(dict.fromkeys(found))


class Op:
    """Names that change together, or not at all."""

    def __init__(self, what, sets):
        self.what = what
        self.sets = sets  # {path: Inode, DIR or None}
        self.dirs = {parent(p) for p in sets}
        self.needs = []  # what must have happened before, while that is not durable

    def __repr__(self):
        return f"{self.what} {' '.join(self.sets)}"


class Disk:
    def __init__(self, files, directories):
        self.names = {p: DIR for p in directories}
        self.names.update({p: Inode(data) for p, data in files.items()})
        self.durable = dict(self.names)
        self.pending = []
        self.owns = set(directories)

    # -- what programs do ---------------------------------------------------------

    def _op(self, what, sets):
        op = Op(what, sets)
        op.needs = [p for p in self.pending if p.sets.keys() & sets.keys()]
        self.pending.append(op)
        for path, inode in sets.items():
            if inode is None:
                self.names.pop(path, None)
            else:
                self.names[path] = inode

    def key(self, path):
        """Where names has it."""
        up, _, name = path.rpartition("/")
        if not up:
            return name
        up = self.key(up)
        what = self.names.get(up)
        own = what.own if isinstance(what, Dir) else None
        return f"{own or up}/{name}"

    def get(self, path):
        return self.names.get(self.key(path))

    def create(self, path):
        self._op("create", {self.key(path): Inode()})

    def mkdir(self, path):
        key = self.key(path)
        own = key if key not in self.owns else f"{key} {len(self.owns)}"
        self.owns.add(own)
        self._op("mkdir", {key: DIR if own == key else Dir(own)})

    def link(self, old, new):
        self._op("link", {self.key(new): self.get(old)})

    def unlink(self, path):
        self._op("unlink", {self.key(path): None})

    def rename(self, old, new):
        old, new = self.key(old), self.key(new)
        what = self.names[old]
        self._op("rename", {old: None, new: Dir(old) if what is DIR else what})

    def write(self, path, at, data):
        inode = self.get(path)
        inode.now = inode.now[:at].ljust(at, b"\0") + data + inode.now[at + len(data) :]

    def truncate(self, path, size):
        inode = self.get(path)
        inode.now = inode.now[:size].ljust(size, b"\0")

    # -- syncs ------------------------------------------------------------------------

    def sync_begin(self, path):
        key = self.key(path)
        what = self.names.get(key)
        if isinstance(what, Dir) or what is None:
            own = what.own if what and what.own else key
            return None, None, [op for op in self.pending if own in op.dirs]
        return what, what.now, None

    def sync_end(self, ticket):
        inode, content, ops = ticket
        if inode is not None:
            inode.durable = content
            return
        done = set()

        def settle(op):
            if op not in done:
                done.add(op)
                for n in op.needs:
                    settle(n)

        for op in ops:
            settle(op)
        for op in [p for p in self.pending if p in done]:
            self._apply(self.durable, op)
        self.pending = [p for p in self.pending if p not in done]
        for op in self.pending:
            op.needs = [n for n in op.needs if n not in done]

    # -- after the cut ------------------------------------------------------------------

    @staticmethod
    def _apply(names, op):
        for path, inode in op.sets.items():
            if inode is None:
                names.pop(path, None)
            else:
                names[path] = inode

    def _close(self, chosen):
        """Only what does not miss what it needs, in order."""
        whole = {}
        for op in self.pending:
            if op in chosen and all(n in whole for n in op.needs):
                whole[op] = True
        return list(whole)

    def _choices(self, rng, most):
        """Subsets of what is pending: all of them, or the telling ones and samples."""
        n = len(self.pending)
        if 2**n <= most:
            for bits in itertools.product((0, 1), repeat=n):
                yield {op for op, b in zip(self.pending, bits) if b}
            return
        everything = set(self.pending)
        yield everything
        yield set()
        order = list(self.pending)
        rng.shuffle(order)
        for op in order[: most // 3]:
            yield everything - {op}
            yield {op, *op.needs}
        while True:
            share = rng.choice((0.1, 0.3, 0.5, 0.7, 0.9))
            yield {op for op in self.pending if rng.random() < share}

    def _contents(self, rng, shown, most):
        """Each file with what may be in it."""
        files = [(p, i) for p, i in sorted(shown.items()) if not isinstance(i, Dir)]
        loose = [(p, i.variants()) for p, i in files if i.durable != i.now]
        fixed = {p: i.now for p, i in files if i.durable == i.now}
        if math.prod(len(v) for _, v in loose) <= most:
            combos = itertools.product(*(v for _, v in loose))
        else:
            combos = ([rng.choice(v) for _, v in loose] for _ in range(most))
        for c in combos:
            yield fixed | {p: data for (p, _), data in zip(loose, c)}

    @staticmethod
    def shown(names):
        """{path: what} of what can be reached."""
        below = {}
        for k, what in names.items():
            below.setdefault(parent(k), []).append((k, what))
        found, todo = {}, [("", "")]
        while todo:
            own, path = todo.pop()
            for k, what in below.get(own, ()):
                p = f"{path}/{k.rpartition('/')[2]}".lstrip("/")
                found[p] = what
                if isinstance(what, Dir):
                    todo.append((what.own or k, p))
        return found

    def after_cut(self, rng, most):
        """At most so many of the states that a cut at this moment may leave:
        ({path: bytes}, directories)."""
        seen = set()
        tries = 0
        for chosen in self._choices(rng, most):
            tries += 1
            if tries > 4 * most:
                return
            whole = self._close(chosen)
            if tuple(map(id, whole)) in seen:
                continue
            seen.add(tuple(map(id, whole)))
            names = dict(self.durable)
            for op in whole:
                self._apply(names, op)
            shown = self.shown(names)
            dirs = {p for p, i in shown.items() if isinstance(i, Dir)}
            for tree in self._contents(rng, shown, 8):
                yield tree, dirs
                most -= 1
                if most <= 0:
                    return

    def content(self):
        """What is there now, as no power was cut."""
        return {p: i.now for p, i in self.shown(self.names).items() if not isinstance(i, Dir)}

    def directories(self):
        return {p for p, i in self.shown(self.names).items() if isinstance(i, Dir)}


def key(tree, dirs):
    h = hashlib.sha256()
    for p in sorted(dirs):
        h.update(p.encode() + b"\0d")
    for p, data in sorted(tree.items()):
        h.update(p.encode() + b"\0%d\0" % len(data) + data)
    return h.digest()
