"""Another mail host: takes what is relayed to it, and sometimes says later."""

import random
import re
import socketserver
import threading
import time

TAG = re.compile(rb"^Subject: (tag-\S+)\r?$", re.M)
ID = re.compile(rb"\b(?:id|quoin) ([0-9A-Za-z]{17})\b")  # of the first Received field


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")
        self.wfile.flush()

    def handle(self):
        try:
            self.serve()
        except OSError:
            pass

    def serve(self):
        rcpts = []
        self.say("220 sink.example ESMTP")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"QUIT":
                self.say("221 2.0.0 bye")
                return
            if word == b"EHLO":
                self.say("250-sink.example\r\n250 PIPELINING")
            elif word == b"RCPT" and self.server.says_later():
                self.say("451 4.3.0 come back later")
            elif word == b"RCPT":
                rcpts.append(line.split(b"<", 1)[1].split(b">", 1)[0].decode())
                self.say("250 2.1.5 ok")
            elif word == b"DATA" and not rcpts:
                self.say("554 5.5.1 no valid recipients")
            elif word == b"DATA":
                self.say("354 go ahead")
                if not self.message(rcpts):
                    return
                rcpts = []
            else:
                if word in (b"MAIL", b"RSET"):
                    rcpts = []
                self.say("250 2.0.0 ok")

    def message(self, rcpts):
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                self.server.take(b"".join(lines), rcpts)
                self.say("250 2.0.0 taken")
                return True
            lines.append(line)
        return False


class Sink(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, seed, later=0.03):
        super().__init__(("127.0.0.1", 0), Session)
        self.rng = random.Random(seed)
        self.later = later
        self.taken = []  # (tag, queue id, recipient, when)
        self.lock = threading.Lock()
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def says_later(self):
        with self.lock:
            return self.rng.random() < self.later

    def take(self, data, rcpts):
        tag, queue_id = TAG.search(data), ID.search(data)
        with self.lock:
            for r in rcpts:
                self.taken.append((tag and tag[1].decode(), queue_id and queue_id[1].decode(), r, time.monotonic()))
