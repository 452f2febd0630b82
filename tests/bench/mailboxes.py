"""Mailboxes to read: the same messages for every system, made from a fixed seed."""

import base64
import os
import random

WORDS = (
    "the of and to in is that for it as was with be by on not he his but at are this have from or had an they "
    "which one you were her all she there would their we him been has when who will more no if out so said what "
    "up its about into than them can only other new some could time these two may then do first any my now such"
).split()
NAMES = ("Anna", "Bert", "Clara", "Dora", "Emil", "Frida", "Georg", "Hanna", "Ivo", "Jana")
START = 1_700_000_000


def lines_of_text():
    rng = random.Random(1)
    return [" ".join(rng.choices(WORDS, k=13))[:70] for _ in range(5000)]


LINES = lines_of_text()


def text(rng, size):
    return "\n".join(rng.choices(LINES, k=max(1, size // 60))) + "\n"


def message(rng, n, size):
    """About size bytes: plain, an alternative of two parts, or with an attachment."""
    who, to = rng.choice(NAMES), rng.choice(NAMES)
    subject = f"{rng.choice(WORDS)} {rng.choice(WORDS)} {n % 997}"
    head = [
        f"Return-Path: <{who.lower()}@example.org>",
        f"Received: from mx{n % 7}.example.org (mx{n % 7}.example.org [192.0.2.{n % 250}])",
        f"  by mail.example.net with ESMTPS; {START + n} +0000",
        f"Date: {('Mon', 'Tue', 'Wed')[n % 3]}, {1 + n % 28} Nov 2023 {n % 24:02d}:{n % 60:02d}:{n * 7 % 60:02d} +0000",
        f"From: {who} Example <{who.lower()}@example.org>",
        f"To: {to} <{to.lower()}@example.net>",
        f"Message-ID: <{n}.{n * 7919 % 10007}@example.org>",
    ]
    if n % 4 and n > 4:  # three of four answer an earlier one
        m = n - 1 - n % 4
        head += [f"In-Reply-To: <{m}.{m * 7919 % 10007}@example.org>", f"References: <{m}.{m * 7919 % 10007}@example.org>"]
        subject = f"Re: {subject}"
    if n % 10 == 3:
        subject = "=?utf-8?q?Gr=C3=BC=C3=9Fe_" + subject.replace(" ", "_") + "?="
    head += [f"Subject: {subject}", "MIME-Version: 1.0"]
    if n % 3 == 0:
        return "\n".join([*head, "Content-Type: text/plain; charset=utf-8", "", text(rng, size - 600)])
    parts = [f"Content-Type: text/plain; charset=utf-8\n\n{text(rng, size // 3)}"]
    if n % 3 == 1:
        html = "<p>" + text(rng, size // 3).replace("=", "=3D") + "</p>\n"
        parts.append(f"Content-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n{html}")
        kind = "alternative"
    else:
        data = base64.encodebytes(rng.randbytes(size // 4)).decode()
        parts.append(
            f"Content-Type: image/png; name=a{n}.png\nContent-Disposition: attachment; filename=a{n}.png\n"
            f"Content-Transfer-Encoding: base64\n\n{data}"
        )
        kind = "mixed"
    sep = f"=_{n}_{rng.randrange(1 << 40):x}"
    body = "".join(f"--{sep}\n{p}\n" for p in parts) + f"--{sep}--\n"
    return "\n".join([*head, f'Content-Type: multipart/{kind}; boundary="{sep}"', "", body])


def fill(maildir, count, size, uid):
    """count messages in cur/ of a new Maildir that is uid's."""
    rng = random.Random(count * 1000 + size)
    for d in ("", "tmp", "new", "cur"):
        (maildir / d).mkdir(mode=0o700)
        os.chown(maildir / d, uid, uid)
    for n in range(count):
        data = message(rng, n, size).encode()
        wire = len(data) + data.count(b"\n")
        path = maildir / "cur" / f"{START + n}.M{n}P1.bench,S={len(data)},W={wire}:2,{'S' if n % 5 else ''}"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, data)
        os.utime(fd, (START + n, START + n))
        os.fchown(fd, uid, uid)
        os.close(fd)
