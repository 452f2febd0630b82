"""Domains that publish MTA-STS: their DNS and web server, in threads, and a caller of qsts.

    with World(q) as w:                      # control/dnsservers is the world's
        w.publish("a.test", policy(mx=["mail.a.test"]))
        w.start()                            # qtls for clients, qsts
        w.ask("a.test")                      # lib/stsask.h
"""

import contextlib
import socket
import ssl
import threading
from collections import Counter, namedtuple

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
from certs import Authority

Answer = namedtuple("Answer", "mode id mx text")


def policy(mode="enforce", mx=("mail.example",), max_age=604800, end="\r\n"):
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {m}" for m in mx), f"max_age: {max_age}"]
    return "".join(line + end for line in lines).encode()


def http(body, head="Content-Type: text/plain", status="200 OK"):
    """A whole answer."""
    return f"HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Resolver:
    """records: {(name, type): [text of a record]}. broken: names that get SERVFAIL."""

    def __init__(self):
        self.records, self.broken, self.asked = {}, set(), Counter()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.sock.settimeout(0.1)
        self.over = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.over:
            try:
                data, peer = self.sock.recvfrom(4096)
                self.sock.sendto(self._answer(dns.message.from_wire(data)).to_wire(), peer)
            except OSError:  # nobody asks, or nobody hears
                pass

    def _answer(self, q):
        name = q.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(q.question[0].rdtype)
        self.asked[name, kind] += 1
        r = dns.message.make_response(q, recursion_available=True)
        if name in self.broken:
            r.set_rcode(2)
        elif texts := self.records.get((name, kind)):
            r.answer.append(dns.rrset.from_text(q.question[0].name, 1, "IN", kind, *texts))
        return r

    def close(self):
        """Behind its thread: a call that is restarted would read from who has the number then."""
        self.over = True
        self.thread.join()
        self.sock.close()


class Web:
    """The web server of many domains. answers: {host: bytes, or script(conn)}; hits counts."""

    def __init__(self, ca):
        self.ca, self.answers, self.hits, self.requests = ca, {}, Counter(), []
        self.contexts = {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def certify(self, host, *names, **kw):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cert = self.ca.issue(*(names or (host,)), **kw)
        ctx.load_cert_chain(cert.chain, cert.key)
        self.contexts[host] = ctx

    def _accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        host = []

        def by_name(tls, name, _):
            host.append(name)
            if name in self.contexts:
                tls.context = self.contexts[name]

        first = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        first.sni_callback = by_name
        with contextlib.suppress(OSError), conn:
            conn.settimeout(30)
            with first.wrap_socket(conn, server_side=True) as tls:
                request = b""
                while b"\r\n\r\n" not in request:
                    more = tls.recv(4096)
                    if not more:
                        return
                    request += more
                self.hits[host[0]] += 1
                self.requests.append(request)
                answer = self.answers[host[0]]
                if callable(answer):
                    answer(tls)
                    return
                tls.sendall(answer)
                with contextlib.suppress(OSError):
                    tls.unwrap()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # accept() ends
        self.listener.close()


class World:
    def __init__(self, q):
        self.q = q
        self.ca = Authority(q.certs_dir())
        self.dns, self.web = Resolver(), Web(self.ca)
        q.control("dnsservers", f"127.0.0.1 {self.dns.port}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.dns.close()
        self.web.close()

    def publish(self, domain, answer, id="1", certify=True):
        """answer: bytes of a policy, or what Web.answers takes if that begins with HTTP."""
        host = f"mta-sts.{domain}"
        self.dns.records[f"_mta-sts.{domain}", "TXT"] = [f'"v=STSv1; id={id}"']
        self.dns.records[host, "A"] = ["127.0.0.1"]
        if isinstance(answer, bytes) and not answer.startswith(b"HTTP"):
            answer = http(answer)
        self.web.answers[host] = answer
        if certify:
            self.web.certify(host)

    def start(self):
        trusted = self.q.home / "ca.pem"  # quoint cannot look into certs/
        trusted.write_bytes(self.ca.cert.read_bytes())
        trusted.chmod(0o644)
        self.q.start_tls_client(env={"SSL_CERT_FILE": str(trusted)})
        return self.start_qsts()

    def start_qsts(self, **kw):
        return self.q.start("qsts", "-p", str(self.web.port), **kw)

    def ask(self, domain, timeout=75):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(timeout)
            s.connect(str(self.q.home / "run/qsts/sock"))
            s.send(domain.encode() + b"\0")
            return self.read(s)

    @staticmethod
    def read(s):
        frame = s.recv(65536)
        mode = chr(frame[0])
        if mode in "ET":
            ident, _, rest = frame[1:].partition(b"\0")
            mx = [m.decode() for m in rest[1:].split(b"\0")[:-1]]
            assert rest[0] == len(mx)
            return Answer(mode, ident.decode(), mx, None)
        if mode == "Z":
            return Answer(mode, None, None, frame[1:-1].decode())
        assert frame == b"N", frame
        return Answer("N", None, None, None)

    def kept(self):
        return sorted(p.name for p in (self.q.home / "sts").iterdir())
