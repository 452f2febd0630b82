"""qlisten -f: one qsmtpd forks all sessions, and is as careful as one for each (lib/template.h)."""

import concurrent.futures
import contextlib
import os
import re
import signal
import socket
import time
from pathlib import Path

import pytest
from quoin import SANITIZED, SOURCE, free_port, wait_for

pytestmark = pytest.mark.programs("qlisten", "qsmtpd")

YOUNG = 3.1  # seconds, until control files count as settled


@pytest.fixture
def house(quoin):
    quoin.control("rcpthosts", "q.example")
    return quoin


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def hello(port):
    """A greeted session: the socket, and the greeting."""
    s = connect(port)
    return s, s.recv(200).decode()


def children(house):
    pid = house.service("qlisten").popen.pid
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def status(pid, key):
    text = Path(f"/proc/{pid}/status").read_text()
    return re.search(rf"^{key}:\s*(\S+)", text, re.M)[1]


def template(house):
    """The one child that is there when nobody is connected."""
    wait_for(lambda: len(children(house)) == 1, what="one template alone")
    return children(house)[0]


def settled(house, *args, **kw):
    """A port, whose template stays."""
    time.sleep(YOUNG)
    port = house.start_smtp(*args, template=True, **kw)
    hello(port)[0].close()
    return port


# ---- one for all ---------------------------------------------------------------------------


def test_sessions_are_forked_by_one_template(house):
    port = settled(house)
    first = template(house)
    held = [hello(port)[0] for _ in range(5)]
    assert len(children(house)) == 6 and first in children(house)
    for s in held:
        s.close()
    assert template(house) == first


@pytest.mark.root("reads the limits of who may not be dumped")
def test_a_session_is_jailed_like_one_of_its_own(house):
    """No clone, no more descriptors than its own."""
    port = settled(house)
    mould = template(house)
    s = hello(port)[0]
    mine = next(p for p in children(house) if p != mould)
    if not SANITIZED:
        assert (status(mould, "Seccomp_filters"), status(mine, "Seccomp_filters")) == ("1", "2")
    assert status(mine, "NoNewPrivs") == "1"
    links = [os.readlink(f"/proc/{mine}/fd/{n}") for n in sorted(os.listdir(f"/proc/{mine}/fd"), key=int)]
    assert len([l for l in links if l.startswith("socket:")]) == 1, links
    s.close()


def calls(name):
    lines = (SOURCE / "qsmtpd" / name).read_text().splitlines()
    return [l.split("#")[0].split() for l in lines if l.split("#")[0].strip()]


def test_profiles_differ_by_four_calls():
    """Those that start.c gives up behind the fork."""
    template_calls = calls("qsmtpd-template.jail")
    more = [c for c in template_calls if c not in calls("qsmtpd.jail")]
    assert [c[:2] for c in more] == [["call", "clone"], ["call", "getpid"], ["call", "prctl"], ["call", "setsockopt"]]
    assert [c for c in template_calls if c not in more] == calls("qsmtpd.jail")
    given_up = re.search(r"over\[\] = \{([^}]*)\}", (SOURCE / "qsmtpd/start.c").read_text())[1]
    assert [w.strip() for w in given_up.split(",")] == [f"SYS_{c[1]}" for c in more]


# ---- control files -------------------------------------------------------------------------


def test_a_changed_file_serves_the_next_connection(house):
    port = settled(house)
    old = template(house)
    for word in ("one", "two", "three"):  # as fast as it goes
        house.control("smtpgreeting", f"{word}.example hello")
        assert hello(port)[1].startswith(f"220 {word}.example")
    (house.home / "control/smtpgreeting").unlink()
    assert hello(port)[1].startswith("220 q.example")
    assert template(house) != old


def test_young_files_are_read_again(house):
    """Where the clock of files is coarse a second change would not show."""
    port = house.start_smtp(template=True)
    house.control("smtpgreeting", "young.example")
    hello(port)[0].close()
    first = template(house)
    hello(port)[0].close()
    assert template(house) != first
    time.sleep(YOUNG)
    hello(port)[0].close()
    second = template(house)
    hello(port)[0].close()
    assert template(house) == second


def test_a_link_that_points_elsewhere(house):
    for word in ("old", "new"):
        house.control(f"greet.{word}", f"{word}.example x")
    link = house.home / "control/smtpgreeting"
    link.symlink_to("greet.old")
    port = settled(house)
    assert hello(port)[1].startswith("220 old.example")
    (house.home / "control/greet.old").write_text("now.example x\n")
    assert hello(port)[1].startswith("220 now.example")
    link.unlink()
    link.symlink_to("greet.new")
    assert hello(port)[1].startswith("220 new.example")


def test_a_link_to_what_comes_later(house):
    """Its directory is another one, and does not tell."""
    (house.home / "control/smtpgreeting").symlink_to(house.home / "greeting")
    port = settled(house)
    assert hello(port)[1].startswith("220 q.example")
    (house.home / "greeting").write_text("late.example x\n")
    assert hello(port)[1].startswith("220 late.example")


def test_every_file_is_looked_at(house):
    """What config.c reads is in the table of stamps.c."""
    source = (SOURCE / "qsmtpd/config.c").read_text()
    read = set(re.findall(r'(?:control_line|control_line_or_me|control_num|has_line)\("([^"]+)"', source))
    read |= set(re.findall(r'(?:load_or_me|load_map|open_table)\([^"()]*"([^"]+)"', source))
    table = re.search(r"names\[\] = \{(.*?)\};", (SOURCE / "qsmtpd/stamps.c").read_text(), re.S)[1]
    assert len(read) == 17
    assert read == set(re.findall(r'"([^"]+)"', table))


def test_broken_settings_are_told_to_each_client(house):
    port = settled(house)
    house.control("databytes", "many")
    for _ in range(3):
        assert hello(port)[1].startswith("421 ")
    house.control("databytes", "1000")
    assert hello(port)[1].startswith("220 ")
    assert house.log("qlisten").count("databytes") >= 3


# ---- the environment -----------------------------------------------------------------------


@pytest.mark.programs("qtcprules")
def test_rules_are_each_connection_s_own(house):
    """DATABYTES of one client is not the next one's."""
    table = house.home / "rules.cdb"  # a change in control/ starts a new template

    def rule(text):
        house.run("qtcprules", table, "-", stdin=text.encode(), check=True)

    def size(port):
        s = hello(port)[0]
        s.sendall(b"EHLO x\r\n")
        return re.search(r"SIZE (\d+)", s.recv(1000).decode())[1]

    rule("127.:allow,DATABYTES=\"4321\"\n")
    port = settled(house, "-r", table)
    usual = template(house)
    assert size(port) == "4321"
    rule("127.:allow\n")
    assert size(port) != "4321"
    rule("127.:allow,DATABYTES=\"x\"\n")
    assert hello(port)[1].startswith("421 ")
    rule("127.:deny\n")
    assert hello(port)[1] == ""
    assert template(house) == usual


# ---- ends ----------------------------------------------------------------------------------


def test_a_crashed_session_ends_the_template(house):
    """Nobody gets a second try at one layout of memory; sessions under way go on."""
    port = settled(house)
    old = template(house)
    other = hello(port)[0]
    s = hello(port)[0]
    victim = max(p for p in children(house) if p != old)
    os.kill(victim, signal.SIGABRT)
    wait_for(lambda: old not in children(house), what="the old template's end")
    s.close()
    with contextlib.closing(hello(port)[0]):
        other.sendall(b"NOOP\r\n")
        assert other.recv(100).startswith(b"250")
    other.close()
    assert template(house) != old
    assert f"session {victim} was ended by signal 6" in house.log("qlisten")


def test_a_template_that_dies_is_replaced(house):
    port = settled(house)
    for _ in range(3):
        old = template(house)
        held = hello(port)[0]
        os.kill(old, signal.SIGKILL)
        assert hello(port)[1].startswith("220 ")
        held.sendall(b"NOOP\r\n")
        assert held.recv(100).startswith(b"250")
        held.close()
        assert template(house) != old


def test_no_connection_is_lost_while_templates_die(house):
    port = settled(house, "-c", "100", "-p", "100")
    stop = time.monotonic() + 4
    end = stop + 30  # for a machine that has much else to do
    visits, killed = [], []

    def goes_on():
        return time.monotonic() < (stop if len(visits) > 50 and len(killed) > 10 else end)

    def murder():
        """A template has one filter for long, a newborn session for a moment."""
        seen = {}
        while goes_on():
            for pid in children(house):
                with contextlib.suppress(OSError, TypeError):
                    seen[pid] = seen.get(pid, 0) + 1 if status(pid, "Seccomp_filters") == "1" else -1000
                    if seen[pid] == 4:
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)
            time.sleep(0.02)

    def visit(_):
        while goes_on():
            s, greeting = hello(port)
            assert greeting.startswith("220 ") and greeting.count("220") == 1, greeting
            s.sendall(b"QUIT\r\n")
            s.recv(100)
            s.close()
            visits.append(greeting)

    if SANITIZED:
        pytest.skip("without seccomp a template cannot be told from a session")
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        murderer = pool.submit(murder)
        list(pool.map(visit, range(4)))
        murderer.result()
    assert len(killed) > 10 and len(visits) > 50
    template(house)


def test_a_template_that_hangs_is_killed(house):
    port = settled(house)
    old = template(house)
    os.kill(old, signal.SIGSTOP)
    begin = time.monotonic()
    s = connect(port)
    s.settimeout(40)
    assert s.recv(200).startswith(b"220 ")
    assert 9 < time.monotonic() - begin < 38
    s.close()
    assert template(house) != old
    assert "does not answer" in house.log("qlisten")


def test_a_program_that_is_no_template(quoin):
    """Tried three times, said in the log; qlisten lives."""
    port = free_port()
    quoin.start("qlisten", "-f", "127.0.0.1", str(port), "--", "true")
    with contextlib.suppress(OSError):
        assert connect(port).recv(10) == b""
    wait_for(lambda: "unable to start a session" in quoin.log("qlisten"), what="the warning")
    assert quoin.service("qlisten").popen.poll() is None


# ---- limits --------------------------------------------------------------------------------


def test_limit_of_an_address_is_exact(house):
    port = settled(house, "-p", "3", "-m", "421 too many")
    held = [hello(port)[0] for _ in range(3)]
    for _ in range(3):
        assert hello(port)[1].startswith("421 too many")
    held.pop().close()
    wait_for(lambda: len(children(house)) == 3, what="one seat")
    s, greeting = hello(port)
    assert greeting.startswith("220 ")
    assert hello(port)[1].startswith("421 too many")
    for one in (s, *held):
        one.close()


def test_thousands_of_connections(house):
    """More than one template's share; at the end all seats are free."""
    port = settled(house, "-c", "20", "-p", "20")
    first = template(house)

    def visit(n):
        for _ in range(n):
            s, greeting = hello(port)
            assert greeting.startswith("220 ")
            s.sendall(b"QUIT\r\n")
            while s.recv(100):
                pass
            s.close()

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(visit, [250] * 10))
    assert template(house) != first
    held = [hello(port) for _ in range(20)]
    assert all(greeting.startswith("220 ") for _, greeting in held)
    for s, _ in held:
        s.close()


def test_it_ends_with_its_sessions(house):
    port = settled(house)
    s = hello(port)[0]
    listener = house.service("qlisten").popen
    listener.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert listener.poll() is None
    s.sendall(b"QUIT\r\n")
    assert s.recv(100).startswith(b"221")
    s.close()
    assert listener.wait(30) == 0
