"""users/passwd and its table, as lib/pwrec.h describes them, by a second writer.

    passwords(q, {"alice": "secret"})
    passwords(q, {"alice": [Main("secret"), App("phone", "word", scopes="imap")]})
"""

import ctypes
import ctypes.util
import os
import struct
from collections import namedtuple

Main = namedtuple("Main", "password")
App = namedtuple("App", "label password scopes expires", defaults=("", ""))


def hashed(password, memory=8192, rounds=1):
    """Argon2id, at the least cost that libsodium knows: tests are in a hurry."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    out = ctypes.create_string_buffer(128)
    word = password.encode() if isinstance(password, str) else password
    size = ctypes.c_ulonglong
    assert sodium.sodium_init() >= 0
    assert sodium.crypto_pwhash_str(out, word, size(len(word)), size(rounds), ctypes.c_size_t(memory)) == 0
    return out.value.decode()


def _hash(key):
    h = 5381
    for c in key:
        h = ((h << 5) + h ^ c) & 0xFFFFFFFF
    return h


def cdb(entries):
    """A cdb of (key, value), both bytes."""
    body, slots = b"", [[] for _ in range(256)]
    for key, value in entries:
        h = _hash(key)
        slots[h & 255].append((h, 2048 + len(body)))
        body += struct.pack("<II", len(key), len(value)) + key + value
    head, tables = b"", b""
    for rows in slots:
        size = 2 * len(rows)
        head += struct.pack("<II", 2048 + len(body) + len(tables), size)
        table = [(0, 0)] * size
        for h, at in rows:
            n = (h >> 8) % size
            while table[n][1]:
                n = (n + 1) % size
            table[n] = (h, at)
        tables += b"".join(struct.pack("<II", *row) for row in table)
    return head + body + tables


def passwords(q, accounts, memory=8192):
    """The whole of users/passwd and users/passwd.cdb. Each name has an account of users(),
    its own or (an address) that of the part before the @; the words are a password or a list of Main and App."""
    text, entries = [], []
    for name, words in accounts.items():
        uid, gid, home = q.accounts[name.partition("@")[0]]
        words = [Main(words)] if isinstance(words, str) else words
        hashes = [(hashed(w.password, memory), *((w.label, w.scopes, str(w.expires)) if isinstance(w, App) else ("", "", "")))
                  for w in words]  # fmt: skip
        for n, (h, label, scopes, expires) in enumerate(hashes):
            text.append(f"{name}:{h}:{uid}:{gid}:{home}" if n == 0 else f"+{name}:{h}:{label}:{scopes}:{expires}")
        fields = [str(uid), str(gid), str(home), *(x for row in hashes for x in row)]
        entries.append((name.lower().encode(), "".join(f + "\0" for f in fields).encode()))
    _write(q, "passwd", ("\n".join(text) + "\n").encode())
    _write(q, "passwd.cdb", cdb(entries))


def _write(q, name, data):
    p = q.home / "users" / name
    new = p.with_name("." + name)
    new.write_bytes(data)
    new.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(new, 0, q.ids["quoina"])
    new.rename(p)
