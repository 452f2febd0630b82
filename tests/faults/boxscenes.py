"""What boxpoints lets one client do; boxhouse.py judges it."""

import re

from boxhouse import WAIT, Gone


class Scenario:
    """act(): with the program that is counted; commands that follow a NO must not need it."""

    program = "qimapd"

    @property
    def template(self):
        return Scenario

    @staticmethod
    def prepare(house, account):
        """Each folder is looked at: uids are known and told."""
        c = house.client(account)
        c.begin()
        for folder in [f for f in account.folders if f != "INBOX"]:
            c.select(folder)
            c.look()
        c.leave()

    def act(self, c, account):
        raise NotImplementedError


class First(Scenario):
    @property
    def template(self):
        return First

    @staticmethod
    def prepare(house, account):
        pass

    def act(self, c, account):
        c.begin()
        c.select("Other")
        c.look()


class Append(Scenario):
    def act(self, c, account):
        c.begin()
        c.append("INBOX", ["bigone"], [rb"\Seen", rb"\Flagged"])
        c.append("Other", ["two"], [b"Word"], '"01-Jan-2020 10:00:00 +0000" ')


class MultiAppend(Scenario):
    def act(self, c, account):
        c.begin()
        c.append("Other", ["one", "two", "bigthree"], [rb"\Draft", b"Word"])


class Store(Scenario):
    def act(self, c, account):
        c.begin()
        c.store(["m1", "m2", "m3"], "+", [rb"\Answered"])
        c.store(["m2", "m4"], "", [rb"\Seen", b"Word", b"$Junk"])
        c.store(["m2"], "-", [rb"\Seen", b"$Junk"])


class Copy(Scenario):
    def act(self, c, account):
        c.begin()
        c.copy(["m1", "m2", "m4"], "Other")
        c.copy(["m3"], "Y")


class Move(Scenario):
    def act(self, c, account):
        c.begin()
        c.copy(["m2", "m3", "m5"], "Other", move=True)
        c.copy(["m7"], "Y", move=True)


class Expunge(Scenario):
    def act(self, c, account):
        c.begin()
        c.store(["m1", "m3", "m4", "m8"], "+", [rb"\Deleted"])
        c.expunge(["m3", "m5"])
        c.expunge()


class Folders(Scenario):
    def act(self, c, account):
        c.do("ENABLE QRESYNC")
        c.create("X")
        c.rename([("A", "Z"), ("A.B", "Z.B")], "A", "Z")
        c.delete("Y")
        c.do('SUBSCRIBE "Other"')


class RenameInbox(Scenario):
    def act(self, c, account):
        c.do("ENABLE QRESYNC")
        c.rename([("INBOX", "Old")], "INBOX", "Old")


class Compact(Scenario):
    """quoin-uids is so long that one of these makes a new one."""

    @property
    def template(self):
        return Compact

    @staticmethod
    def prepare(house, account):
        Scenario.prepare(house, account)
        c = house.client(account)
        c.begin()
        top = house.maildir / "quoin-uids"
        while (size := top.stat().st_size) < 65536 + 2 * 8 * 88 - 400:
            c.store(account.tokens("INBOX"), "-+"[size // 20 % 2], [b"Word"])
            c.store(account.tokens("INBOX"), "+-"[size // 20 % 2], [b"Word"])
        c.leave()

    def act(self, c, account):
        c.begin()
        for k in range(3):
            c.store(account.tokens("INBOX"), "+-"[k % 2], [b"Word", rb"\Flagged"])
        c.append("INBOX", ["one"])


class Quit(Scenario):
    """POP3: what is deleted goes at QUIT. The client is told +OK or is not."""

    program = "qpop3d"

    def play(self, house, account):
        sock, p = house.start("qpop3d", traced=True)
        f = sock.makefile("rb")
        try:
            self.talk(sock, f, account)
        except (ConnectionError, Gone):
            pass
        finally:
            f.close()
            sock.close()
            p.wait(WAIT)

    def talk(self, sock, f, account):
        def ask(line):
            sock.sendall(line + b"\r\n")
            if not (said := f.readline()).endswith(b"\n"):
                raise Gone
            return said.startswith(b"+OK")

        if not f.readline().startswith(b"+OK"):
            raise Gone
        dead = []
        for n in (2, 3, 5):
            if ask(b"TOP %d 0" % n):
                while (line := f.readline()) != b".\r\n":
                    if not line.endswith(b"\n"):
                        raise Gone
                    if m := re.match(rb"Message-ID: <(\w+)@", line):
                        token = m[1].decode()
                if ask(b"DELE %d" % n):
                    dead.append(token)
        account.begin(account.without(dead, "INBOX"))
        self.before_quit()
        sock.sendall(b"QUIT\r\n")
        if (said := f.readline()).startswith(b"+OK"):
            account.end(True)
            self.after_quit(said)

    def before_quit(self):
        pass

    def after_quit(self, said):
        pass


SCENARIOS = {
    "first": First,
    "append": Append,
    "multiappend": MultiAppend,
    "store": Store,
    "copy": Copy,
    "move": Move,
    "expunge": Expunge,
    "folders": Folders,
    "rename-inbox": RenameInbox,
    "compact": Compact,
    "pop3-quit": Quit,
}
