"""Keys and certificates for tests, made by openssl(1).

    ca = Authority(tmp_path)
    cert = ca.issue("mail.example", "*.example", kind="rsa")     # .cert .key .chain .pin
    cert = ca.issue("mail.example", days=-1)                     # has expired
    cert = self_signed(tmp_path, "q.example")
    install(cert, q.home / "control/tls/default", owner=(0, gid))

A name may hold a NUL: "good.example\\0.evil.example".
"""

import hashlib
import os
import shutil
import subprocess
from itertools import count
from pathlib import Path

KEYS = {
    "ec": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "p384": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "rsa": ("-newkey", "rsa:2048"),
    "ed25519": ("-newkey", "ed25519"),
}
_number = count(1)


def openssl(*args, stdin=b""):
    """What openssl(1) prints."""
    p = subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True, timeout=60)
    assert p.returncode == 0, (args, p.stderr.decode(errors="replace"))
    return p.stdout


def pin_of(cert):
    """SHA-256 of the certificate's public key in DER, hex: TLSA 3 1 1, and a pin."""
    public = openssl("x509", "-in", cert, "-noout", "-pubkey")
    return hashlib.sha256(openssl("pkey", "-pubin", "-outform", "der", stdin=public)).hexdigest()


def _der(tag, data):
    assert len(data) < 65536
    n = len(data)
    size = bytes([n]) if n < 128 else b"\x81" + bytes([n]) if n < 256 else b"\x82" + n.to_bytes(2, "big")
    return bytes([tag]) + size + data


def _san(names):
    """subjectAltName, byte by byte: openssl's text form knows no NUL."""
    return "DER:" + _der(0x30, b"".join(_der(0x82, n.encode()) for n in names)).hex(":")


class Cert:
    """Files of one certificate: cert (itself), chain (with its issuer's), key."""

    def __init__(self, cert, key, chain=None):
        self.cert, self.key, self.chain = Path(cert), Path(key), Path(chain or cert)

    @property
    def pin(self):
        return pin_of(self.cert)


def _extensions(base, names, ca):
    lines = ["[x]", f"basicConstraints = critical, CA:{'TRUE' if ca else 'FALSE'}"]
    lines.append("keyUsage = critical, " + ("keyCertSign, cRLSign" if ca else "digitalSignature"))
    if names:
        lines.append(f"subjectAltName = {_san(names)}")
    path = base.with_suffix(".ext")
    path.write_text("\n".join(lines) + "\n")
    return path


def _request(base, common, kind):
    key, csr = base.with_suffix(".key"), base.with_suffix(".csr")
    openssl("req", "-new", *KEYS[kind], "-nodes", "-keyout", key, "-out", csr, "-subj", f"/CN={common}")
    key.chmod(0o600)
    return key, csr


def _common(names):
    return names[0].partition("\0")[0][:64] if names else "nobody"


def self_signed(where, *names, kind="ec", days=30, ca=False):
    """A certificate that vouches for itself. days < 0: it has expired."""
    base = Path(where, f"self{next(_number)}.pem")
    key, csr = _request(base, _common(names), kind)
    openssl("x509", "-req", "-in", csr, "-signkey", key, "-days", days, "-set_serial", next(_number),
            "-extfile", _extensions(base, () if ca else names, ca), "-extensions", "x", "-out", base)  # fmt: skip
    return Cert(base, key)


class Authority:
    """A CA of the test's own; .cert is what a client should trust."""

    def __init__(self, where, name="Test CA", kind="ec"):
        self.dir = Path(where)
        self.own = self_signed(where, name, kind=kind, ca=True)
        self.cert = self.own.cert

    @property
    def pin(self):
        return self.own.pin

    def issue(self, *names, kind="ec", days=30, common=None):
        base = self.dir / f"cert{next(_number)}.pem"
        key, csr = _request(base, _common(names) if common is None else common, kind)
        openssl("x509", "-req", "-in", csr, "-CA", self.own.cert, "-CAkey", self.own.key, "-days", days,
                "-set_serial", next(_number), "-extfile", _extensions(base, names, False), "-extensions", "x",
                "-out", base)  # fmt: skip
        chain = base.with_suffix(".chain")
        chain.write_bytes(base.read_bytes() + self.own.cert.read_bytes())
        return Cert(base, key, chain)


def install(cert, where, owner=None):
    """cert.pem and key.pem in a directory of control/tls, as qtls wants them. owner: (uid, gid)
    of the key; a new directory takes the place of the old one by one rename of a link."""
    where = Path(where)
    real = where.with_name(f".{where.name}.{next(_number)}")
    real.mkdir()
    shutil.copyfile(cert.chain, real / "cert.pem")
    shutil.copyfile(cert.key, real / "key.pem")
    (real / "key.pem").chmod(0o640)
    if owner and os.geteuid() == 0:
        os.chown(real / "key.pem", *owner)
    link = where.with_name(f".{where.name}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(real.name)
    link.rename(where)
    return where
