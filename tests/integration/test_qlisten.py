"""qlisten beside Debian's tcpserver, its limits and its rules."""

import contextlib
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest
from quoin import ROOT, free_port, wait_for

pytestmark = pytest.mark.programs("qlisten")

SHOW = ("sh", "-c", "env; cat >/dev/null")  # the environment, until the client ends
UCSPI = re.compile(r"(PROTO|TCP6?(LOCAL|REMOTE)[A-Z]+)=")


def start(house, *args, ip="127.0.0.1", port=None, program=SHOW, **kw):
    port = port or free_port(socket.AF_INET6 if ":" in ip else socket.AF_INET)
    house.start("qlisten", *args, ip, str(port), "--", *program, **kw)
    return port


def connect(port, ip="127.0.0.1"):
    s = socket.create_connection((ip, port), timeout=10)
    return s


def hear(s):
    """All that the server says; we say that we have finished."""
    got = b""
    with contextlib.suppress(OSError):
        s.shutdown(socket.SHUT_WR)
        while part := s.recv(65536):
            got += part
    s.close()
    return got.decode(errors="replace")


def environment(port, ip="127.0.0.1"):
    s = connect(port, ip)
    mine = s.getsockname()[1]
    return [line.replace(str(mine), "MINE").replace(str(port), "PORT")
            for line in hear(s).splitlines() if UCSPI.match(line)]


# ---- the environment -----------------------------------------------------------------------


@pytest.mark.tools("tcpserver")
@pytest.mark.parametrize("listen, ip", [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("0", "127.0.0.1"), ("0", "::1")])
def test_environment_of_tcpserver(quoin, listen, ip):
    """The same variables, values and order."""
    ours = environment(start(quoin, "-l", "l.example", ip=listen), ip)
    port = free_port()
    p = subprocess.Popen(["tcpserver", "-RHl", "l.example", listen, str(port), *SHOW], stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(port, ip), what="tcpserver")
        theirs = environment(port, ip)
    finally:
        p.terminate()
        p.wait(30)
    assert ours == theirs
    assert len(ours) == 11


def answers(port, ip):
    with contextlib.suppress(OSError):
        connect(port, ip).close()
        return True
    return False


def test_own_environment_goes_on(quoin):
    port = start(quoin, env={"DATABYTES": "7", "TCPREMOTEHOST": "forged", "TCPREMOTEINFO": "forged"})
    got = hear(connect(port)).splitlines()
    assert "DATABYTES=7" in got
    assert "TCPLOCALHOST=q.example" in got  # control/me
    assert not [v for v in got if "forged" in v]


def test_many_ports(quoin):
    ports = [free_port(), free_port(), free_port(socket.AF_INET6)]
    words = [w for p in ports[:2] for w in ("127.0.0.1", str(p))]
    quoin.start("qlisten", *words, "::1", str(ports[2]), "--", *SHOW)
    for port, ip in zip(ports, ["127.0.0.1", "127.0.0.1", "::1"]):
        assert "TCPLOCALPORT=PORT" in environment(port, ip)


def test_descriptors_and_signals(quoin):
    """A program gets 0, 1 and 2, no signal blocked or ignored."""
    port = start(quoin, program=("sh", "-c", "ls /proc/self/fd; grep Sig /proc/self/status"))
    got = hear(connect(port))
    fds = [line for line in got.splitlines() if line.isdigit()]
    assert fds in (["0", "1", "2", "3"], ["0", "1", "2"])  # 3: that of ls
    assert re.search(r"SigBlk:\s0+$", got, re.M)
    assert re.search(r"SigIgn:\s0+$", got, re.M)


@pytest.mark.root("it becomes another user")
def test_drops_root(quoin):
    port = start(quoin, "-u", "61234:61235", program=("id",))
    assert re.match(r"uid=61234 gid=61235 groups=61235", hear(connect(port)))


def test_look_up(quoin):
    """-h: the name of the client, if it leads back to the address."""
    dns = Dns({"1.0.0.127.in-addr.arpa": "c.example", "c.example": "127.0.0.1"})
    quoin.control("dnsservers", f"127.0.0.1 {dns.port}")
    got = environment(start(quoin, "-h"))
    assert "TCPREMOTEHOST=c.example" in got
    dns.names["c.example"] = "192.0.2.1"
    got = environment(quoin_port(quoin))
    assert not [v for v in got if v.startswith("TCPREMOTEHOST")]


def quoin_port(house):
    return int(house.service("qlisten").popen.args[-len(SHOW) - 2])


class Dns(threading.Thread):
    """Answers PTR and A from a dict."""

    def __init__(self, names):
        super().__init__(daemon=True)
        self.names = names
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(("127.0.0.1", 0))
        self.port = self.s.getsockname()[1]
        self.start()

    def run(self):
        while True:
            q, peer = self.s.recvfrom(2000)
            labels, at = [], 12
            while n := q[at]:
                labels.append(q[at + 1 : at + 1 + n].decode())
                at += n + 1
            (kind,) = struct.unpack(">H", q[at + 1 : at + 3])
            value = self.names.get(".".join(labels).lower())
            data = b""
            if kind == 12 and value:
                data = b"".join(bytes([len(w)]) + w.encode() for w in value.split(".")) + b"\0"
            elif kind == 1 and value:
                data = socket.inet_aton(value)
            answer = struct.pack(">HHHIH", 0xC00C, kind, 1, 60, len(data)) + data if data else b""
            head = q[:2] + struct.pack(">HHHHH", 0x8580, 1, 1 if data else 0, 0, 0)
            self.s.sendto(head + q[12 : at + 5] + answer, peer)


# ---- limits ----------------------------------------------------------------------------------


def test_limit_of_an_address(quoin):
    port = start(quoin, "-p", "2", "-m", "421 4.7.0 too many connections of yours")
    held = [connect(port), connect(port)]
    for s in held:
        assert s.recv(1)
    for _ in range(5):
        assert hear(connect(port)) == "421 4.7.0 too many connections of yours\r\n"
    log = quoin.log("qlisten")
    assert log.count("reason=too\\x20many\\x20of\\x20this\\x20address client=127.0.0.1") == 1
    hear(held.pop())
    wait_for(lambda: "PROTO" in hear(connect(port)), what="a seat given back")


def test_total_limit(quoin):
    """One too many waits in the kernel's queue, and is served when another ends."""
    port = start(quoin, "-c", "2")
    held = [connect(port), connect(port)]
    for s in held:
        assert s.recv(1)
    third = connect(port)
    third.settimeout(0.5)
    with pytest.raises(TimeoutError):
        third.recv(1)
    third.settimeout(10)
    hear(held.pop())
    assert third.recv(1)


def test_rate_of_an_address(quoin):
    port = start(quoin, "-n", "3")
    assert ["PROTO" in hear(connect(port)) for _ in range(5)] == [True, True, True, False, False]


def cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        return sum(int(n) for n in f.read().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")


def test_no_descriptors(quoin):
    """It pauses, logs now and then, and serves again when there are some."""
    port = start(quoin)
    pid = quoin.service("qlisten").pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
    waiting = [connect(port) for _ in range(5)]
    before = cpu(pid)
    time.sleep(2)
    assert cpu(pid) - before < 0.2
    assert 1 <= quoin.log("qlisten").count("unable to accept") <= 4
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    assert all("PROTO" in hear(s) for s in waiting)


@pytest.mark.tools("prlimit")
def test_no_processes(quoin):
    drop = ("-u", "61236:61236") if ROOT else ()
    port = start(quoin, *drop, wrap=("prlimit", "--nproc=0"))
    pid = quoin.service("qlisten").pid
    before = cpu(pid)
    assert [hear(connect(port)) for _ in range(3)] == ["", "", ""]  # each after a pause
    assert 1 <= quoin.log("qlisten").count("unable to start a session") <= 3
    assert cpu(pid) - before < 0.2


def test_program_is_missing(quoin):
    port = start(quoin, program=("/no/such/program",))
    assert hear(connect(port)) == ""
    assert hear(connect(port)) == ""
    assert "unable to run /no/such/program" in quoin.log("qlisten")


def test_ends_after_its_children(quoin):
    port = start(quoin)
    s = connect(port)
    assert s.recv(1)
    p = quoin.service("qlisten").popen
    p.send_signal(signal.SIGTERM)
    wait_for(lambda: not answers(port, "127.0.0.1"), what="the port closed")
    assert p.poll() is None
    assert "PROTO" in "P" + hear(s)
    assert p.wait(30) == 0


def test_a_signal_behind_the_one_that_makes_way(quoin):
    """Both wait when qlisten looks: the second is the successor's."""
    again = quoin.home / "again"
    port = start(quoin, "-s", again)
    again.write_text(f"#!/bin/sh\nexec {quoin.bin}/qlisten -C {quoin.home} $* 127.0.0.1 {port} -- sleep 99\n")
    again.chmod(0o755)
    p = quoin.service("qlisten").popen
    p.send_signal(signal.SIGSTOP)
    for sig in (signal.SIGHUP, signal.SIGTERM, signal.SIGCONT):
        p.send_signal(sig)
    assert p.wait(30) == 0


def test_port_is_taken(quoin):
    port = start(quoin)
    p = quoin.run("qlisten", "127.0.0.1", str(port), "--", "true")
    assert p.returncode == 111
    assert b"unable to listen at 127.0.0.1" in p.stderr


@pytest.mark.parametrize("args", [
    ["127.0.0.1", "25"], ["127.0.0.1"], ["--", "true"], ["host.example", "25", "--", "true"],
    ["127.0.0.1", "65536", "--", "true"], ["-c", "0", "127.0.0.1", "2", "--", "true"], ["-x"],
])
def test_bad_arguments(quoin, args):
    p = quoin.run("qlisten", *args)
    assert p.returncode in (100, 111)
    assert p.stderr.splitlines()[-1].startswith(b"qlisten: ")


def test_a_thousand_connections(quoin):
    """One after another: no child stays, no seat is lost."""
    port = start(quoin, "-p", "5", program=("true",))
    for _ in range(1000):
        hear(connect(port))
    wait_for(lambda: not children(quoin.service("qlisten").pid), what="children reaped")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return f.read().split()


# ---- rules -------------------------------------------------------------------------------------

RULES = """# comment
127.0.0.1:allow,A="1",B=/x y/

127.0.0.2:deny
127.0.1-2.:allow,RANGE="1"
127.0.:allow,DOTTED="1"
10.2-3.:deny
192.0.2.37-39:allow,R="r"
::1:allow,SIX="1"
2001:db8::allow,PREFIX="1"
2001:db8:1::5:deny
=.example.org:allow,SUFFIX="1"
=host.example.org:deny
=:allow,NAMED="1"
:allow,LAST="1"
"""
ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.1.9", "127.0.3.1", "10.2.3.4", "10.4.3.4", "192.0.2.36",
             "192.0.2.38", "192.0.2.40", "::1", "2001:db8::1", "2001:db8:1::5", "2001:db8:1::6", "2001:db9::1"]


def compile_rules(house, text, name="rules.cdb"):
    table = house.home / "control" / name
    p = house.run("qtcprules", table, "-", stdin=text.encode())
    assert p.returncode == 0, p.stderr
    return table


def tcprules(house, text):
    table = house.home / "control/their.cdb"
    subprocess.run(["tcprules", table, f"{table}.tmp"], input=text.encode(), check=True)
    return table


def said_by_tcprulescheck(table, ip, host=None):
    env = {"TCPREMOTEIP": ip, "PATH": os.environ["PATH"]} | ({"TCPREMOTEHOST": host} if host else {})
    out = subprocess.run(["tcprulescheck", table], env=env, capture_output=True, check=False).stdout.decode()
    rule = re.match(r"rule (.*):\n", out)
    variables = re.findall(r"set environment variable (.*)\n", out)
    return (rule.group(1) if rule else "", "deny" if "deny connection" in out else "allow", variables)


def said_by_qtcprules(house, table, ip, host=None):
    p = house.run("qtcprules", "-t", ip, *(["-n", host] if host else []), table, check=True)
    out = p.stdout.decode().rstrip("\n")
    m = re.match(r"rule (.*):(allow|deny)((?: [A-Z]+=.*)?)$", out)
    return (m.group(1), m.group(2), re.findall(r"[A-Z]+=.*?(?= [A-Z]+=|$)", m.group(3)))


@pytest.mark.programs("qtcprules")
@pytest.mark.tools("tcprules", "tcprulescheck")
@pytest.mark.parametrize("host", [None, "a.example.org", "host.example.org", "else.example"])
def test_same_tables_as_tcprules(quoin, host):
    """Either tool, either reader: the same rule decides."""
    ours, theirs = compile_rules(quoin, RULES), tcprules(quoin, RULES)
    for ip in ADDRESSES:
        want = said_by_tcprulescheck(theirs, ip, host)
        assert said_by_tcprulescheck(ours, ip, host) == want, ip
        assert said_by_qtcprules(quoin, ours, ip, host) == want, ip
        assert said_by_qtcprules(quoin, theirs, ip, host) == want, ip


@pytest.mark.programs("qtcprules")
@pytest.mark.parametrize("ip, rule", [
    ("10.64.0.1", "10.64.0.0/10"), ("10.63.0.1", "10."), ("10.65.1.1", "10.65."), ("10.65.2.7", "10.65.2.0/29"),
    ("10.65.2.8", "10.65."), ("192.0.2.1", "192.0.2.1"), ("192.0.2.2", "192.0.2.0/24"[:8]), ("8.8.8.8", ""),
    ("2001:db8:8000::1", "2001:db8:8000::/33"), ("2001:db8:1::1", "2001:db8::/32"), ("fe80::1", "fe80::/10"),
    ("ffff::1", ""),
])
def test_cidr(quoin, ip, rule):
    table = compile_rules(quoin, """10.0.0.0/8:allow
10.64.0.0/10:deny
10.65.:allow
10.65.2.0/29:deny
192.0.2.0/24:deny
192.0.2.1/32:allow
2001:db8::/32:allow
2001:db8:8000::/33:deny
[fe80::]/10:deny
:allow
""".replace("[fe80::]/10", "fe80::/10"))
    assert said_by_qtcprules(quoin, table, ip)[0] == rule


@pytest.mark.programs("qtcprules")
def test_rules_are_obeyed(quoin):
    table = compile_rules(quoin, '127.0.0.0/9:allow,RELAYCLIENT="",TCPLOCALHOST="movie.example"\n')
    port = start(quoin, "-r", table)
    got = hear(connect(port)).splitlines()
    assert "RELAYCLIENT=" in got and "TCPLOCALHOST=movie.example" in got
    compile_rules(quoin, "127.0.0.1:deny\n")  # at the next connection
    assert hear(connect(port)) == ""
    assert "refuse reason=rule client=127.0.0.1 rule=127.0.0.1" in quoin.log("qlisten")
    table.unlink()
    assert "PROTO" in hear(connect(port))


@pytest.mark.programs("qtcprules")
@pytest.mark.tools("tcpserver")
def test_tcpserver_reads_ours(quoin):
    table = compile_rules(quoin, '127.0.0.1:allow,RELAYCLIENT="@fix"\n:deny\n')
    port = free_port()
    p = subprocess.Popen(["tcpserver", "-RHl", "l", "-x", table, "0", str(port), *SHOW], stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(port, "127.0.0.1"))
        assert "RELAYCLIENT=@fix" in hear(connect(port)).splitlines()
        assert hear(connect(port, "::1")) == ""
    finally:
        p.terminate()
        p.wait(30)


def test_broken_table_refuses(quoin):
    table = quoin.home / "control/rules.cdb"
    table.write_bytes(b"\xff" * 2048)
    port = start(quoin, "-r", table)
    assert hear(connect(port)) == ""
    wait_for(lambda: "unable to" in quoin.log("qlisten"))


@pytest.mark.programs("qtcprules")
@pytest.mark.parametrize("line, why", [
    ("no colon", "want ADDRESS:allow"), ("1.2.3.4:maybe", "want ADDRESS:allow"), ("1.2:deny", "ends with a dot"),
    ("1.2.3.4.5:deny", "no address"), ("1.2.300.:deny", "no address"), ("1.2.3.9-4:deny", "no range"),
    ("1.2.3.4:allow,A", "NAME="), ("1.2.3.4:allow,", "NAME="), ('1.2.3.4:allow,A="x', "not closed"),
    ('1.2.3.4:allow,="x"', "NAME="), ("1.2.3.4:allowed", "comma"), ("1.2.3.4/33:deny", "prefix length"),
    ("1.2.3.4/24:deny", "bits behind"), ("2001:db8::/129:deny", "prefix length"), ("1.2.3.4:deny\n1.2.3.4:allow", "already"),
])
def test_bad_rules(quoin, line, why):
    """File, line and reason; the old table stays."""
    table = compile_rules(quoin, ":deny\n")
    old = table.read_bytes()
    text = quoin.control("tcp.smtp", "# first line\n" + line)
    p = quoin.run("qtcprules", table, text)
    assert p.returncode == 100
    assert re.search(rf"tcp\.smtp: line [23]: .*{re.escape(why)}", p.stderr.decode()), p.stderr
    assert table.read_bytes() == old
