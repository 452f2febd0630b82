"""The house that the tests live in."""

import os
import stat
import struct

import pytest
from quoin import QueueFile, ROOT, _sum, table_of


def test_tree_has_the_modes_of_the_table(quoin):
    for path, owner, mode in table_of("modes"):
        if path == "bin/":
            continue
        st = os.stat(quoin.home / path)
        assert stat.S_IMODE(st.st_mode) == int(mode, 8), path
        if ROOT:
            user, group = owner.split(":")
            assert (st.st_uid, st.st_gid) == (quoin.ids[user], quoin.ids[group]), path


def queue_file(env, message):
    head = b"quoin-1\n" + struct.pack(">IIQ", len(env), 0, len(message)) + _sum(message)
    return head + _sum(head + env) + env + message


def test_queue_file_reader():
    q = QueueFile(queue_file(b"U1000\0Fa@example\0Tb@example\0Tc@example\0", b"hi\n"))
    assert (q.uid, q.client, q.sender) == (1000, None, "a@example")
    assert q.recipients == ["b@example", "c@example"]
    assert q.message == b"hi\n"


@pytest.mark.parametrize("at", [0, 12, 20, 30, 45, 57, -1])
def test_queue_file_reader_sees_a_flipped_bit(at):
    data = bytearray(queue_file(b"U1\0F\0Tb@example\0", b"hi\n"))
    data[at] ^= 1
    with pytest.raises(ValueError):
        QueueFile(bytes(data))
