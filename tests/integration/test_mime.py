"""lib/mime beside two that do not know it: Dovecot's ENVELOPE, BODYSTRUCTURE and sections, field by
field, and the parts that Python's email package finds. Where we differ it stands here, with the reason.
"""

import email
import re

import pytest
from mime_corpus import corpus
from mime_judges import DOVECOT_IMAP, Dovecot, Ours, all_sections, differences, part_numbers
from quoin import BIN

MIMESHOW = BIN.parent / "tests/mimeshow"
pytestmark = pytest.mark.skipif(not MIMESHOW.exists(), reason="not built: tests/mimeshow (make integration)")

OPAQUE = "a multipart whose boundary is not known is shown as the plain text it is; Dovecot shows an empty part"
LINE_END = "a header keeps its last line end, empty line or not, though a delimiter follows"
NESTED_END = "the line end before a delimiter is not the body's (RFC 2046 5.1.1), behind a nested multipart, too"
LAST_WORDS = "a delimiter without a line end begins an empty part, as it does with one"
NO_TYPE = "a type that cannot be read is text/plain (RFC 2045 5.2); Dovecot gives empty strings"
LENIENT = "what can be understood of parameters behind nonsense is kept"
ORDER = "joined parameters (RFC 2231 3) stay where they were; Dovecot puts them behind the others"
IN_ORDER = "pieces of RFC 2231 are joined if each stands behind the one before"
FIRST = "of two fields the first counts, as for other readers of the message; Dovecot takes the last"
BLANKS = "blanks at the ends of a value are none of it"
INSIDE = "blanks inside a field stay as they are"
NO_NUL = "NUL cannot be sent: dropped from strings; of bodies the server takes care"
EMPTY_ITEMS = "empty items of a list are no addresses"
BROKEN_ADDRESS = "broken addresses: as much of them as there is, in its place"
COMMENT = "a comment beside an address without a name is the name, wherever it stands; inside it is none"
SEMICOLON = "what follows a group or a stray semicolon is read, without a comma, too"
OBSOLETE = "blanks around dots are allowed (RFC 5322 4.4)"
WORD = "a quoted string alone is a local part, as a word alone is"

# Name of the message: why, and in which of our answers it shows.
OTHERWISE = {
    "delimiter at the end, no line end": (LAST_WORDS, "BODYSTRUCTURE"),
    "empty parts": (LINE_END, "[2.MIME]"),
    "part without an empty line": (LINE_END, "[1.MIME] [2.MIME]"),
    "part without a body": (LINE_END, "[1.MIME]"),
    "a delimiter ends a message's header": (LINE_END, "[1.HEADER] [1.1.MIME]"),
    "a delimiter instead of a message": (LINE_END, "[1.MIME]"),
    "a delimiter instead of a message's body": (LINE_END, "[1.HEADER] [1.1.MIME]"),
    "inner with its end": (NESTED_END, "[1]"),
    "a message that is a multipart, as part": (NESTED_END, "BODYSTRUCTURE/1/6 BODYSTRUCTURE/1/9 [2] [2.TEXT]"),
    "digest with a broken type": ("a broken type in a digest is the default, a message", "BODYSTRUCTURE/0"),
    "message/global": ("RFC 9051: media-message is rfc822 or global", "BODYSTRUCTURE"),
    "boundary with a blank behind it": ("RFC 2046 5.1.1: a boundary ends with no blank", "BODYSTRUCTURE/0/6 [1] [1.MIME]"),
    "no boundary": (OPAQUE, "BODYSTRUCTURE [1] [1.MIME]"),
    "type: no equals sign": (LENIENT, "BODYSTRUCTURE/2"),
    "type: brackets in a value": (LENIENT, "BODYSTRUCTURE/2/1"),
    "type: an open quote": (LENIENT, "BODYSTRUCTURE/2"),
    "type: words behind the type": (LENIENT, "BODYSTRUCTURE/0 BODYSTRUCTURE/1 BODYSTRUCTURE/2"),
    "type: comma for semicolon": (NO_TYPE, "BODYSTRUCTURE"),
    "type: no subtype": (NO_TYPE, "BODYSTRUCTURE"),
    "type: no type": (NO_TYPE, "BODYSTRUCTURE"),
    "type: empty": (NO_TYPE, "BODYSTRUCTURE"),
    "type: pieces, not at the end": (ORDER, "BODYSTRUCTURE/2/0 BODYSTRUCTURE/2/1 BODYSTRUCTURE/2/2 BODYSTRUCTURE/2/3"),
    "type: pieces out of order": (IN_ORDER, "BODYSTRUCTURE/2"),
    "type: encoding and parameter": (LENIENT, "BODYSTRUCTURE/5"),
    "type: disposition twice": (FIRST, "BODYSTRUCTURE/8/0"),
    "type: disposition without a word": ("a disposition has a word", "BODYSTRUCTURE/8"),
    "type: languages, junk": (LENIENT, "BODYSTRUCTURE/9"),
    "type: id, description": (BLANKS, "BODYSTRUCTURE/3"),
    "list: <a@b> (Joe)": (COMMENT, "ENVELOPE/5/0/0"),
    "list: a(c)@b": (COMMENT, "ENVELOPE/5/0/0"),
    "list: a . b @ c . d": (OBSOLETE, "ENVELOPE/5/0/0 ENVELOPE/5/0/2 ENVELOPE/5/0/3"),
    "list: a@b@c": (BROKEN_ADDRESS, "ENVELOPE/5/0/2 ENVELOPE/5/0/3"),
    "list: a b c@d": (BROKEN_ADDRESS, "ENVELOPE/5/0/0 ENVELOPE/5/0/2 ENVELOPE/5/0/3"),
    "list: <a@>": (BROKEN_ADDRESS, "ENVELOPE/5/0/3"),
    "list: <@b>": (BROKEN_ADDRESS, "ENVELOPE/5/0/1 ENVELOPE/5/0/3"),
    'list: "Joe"': (WORD, "ENVELOPE/5/0/0 ENVELOPE/5/0/2"),
    "list: g:a@b;h:;": (SEMICOLON, "ENVELOPE/5"),
    "list: a@b; c@d": (SEMICOLON, "ENVELOPE/5"),
    "list: :;": (BROKEN_ADDRESS, "ENVELOPE/5"),
    "list: ;": (EMPTY_ITEMS, "ENVELOPE/5"),
    "list: ,": (EMPTY_ITEMS, "ENVELOPE/5"),
    "list: ,,a@b,,": (EMPTY_ITEMS, "ENVELOPE/5"),
    "list: <a@b": (BROKEN_ADDRESS, "ENVELOPE/5/0/3"),
    'list: "Joe <a@b>': (BROKEN_ADDRESS, "ENVELOPE/5/0/0 ENVELOPE/5/0/2 ENVELOPE/5/0/3"),
    "list: (Joe <a@b>": (BROKEN_ADDRESS, "ENVELOPE/5"),
    "list: Joe) <a@b>": (BROKEN_ADDRESS, "ENVELOPE/5/0/0 ENVELOPE/5/0/2 ENVELOPE/5/0/3"),
    "list: a@b c@d": (BROKEN_ADDRESS, "ENVELOPE/5/0/2 ENVELOPE/5/0/3"),
    "list: a@b<c@d>": (BROKEN_ADDRESS, "ENVELOPE/5/0/0 ENVELOPE/5/0/2 ENVELOPE/5/0/3"),
    "list: Joe <a b@c>": (BROKEN_ADDRESS, "ENVELOPE/5/0/2 ENVELOPE/5/0/3"),
    "list: Joe@Home <a@b>": (BROKEN_ADDRESS, "ENVELOPE/5/0/0 ENVELOPE/5/0/2 ENVELOPE/5/0/3"),
    "list: [x] <a@b>": (BROKEN_ADDRESS, "ENVELOPE/5/0/0 ENVELOPE/5/0/2 ENVELOPE/5/0/3"),
    "field: two of a kind": (FIRST, "ENVELOPE/1"),
    "field: tab and blanks": (INSIDE, "ENVELOPE/1"),
    "field: NUL": (NO_NUL, "ENVELOPE/1 [] [HEADER] [1.MIME]"),
}


@pytest.fixture(scope="module")
def ours():
    with Ours(MIMESHOW) as o:
        yield o


def without_extensions(part):
    """BODYSTRUCTURE as BODY has it."""
    if isinstance(part[0], list):
        n = next(i for i, p in enumerate(part) if not isinstance(p, list))
        return [without_extensions(p) for p in part[:n]] + [part[n]]
    kind = (part[0].lower(), part[1].lower())
    if kind[0] == b"message" and kind[1] in (b"rfc822", b"global"):
        return part[:8] + [without_extensions(part[8]), part[9]]
    return part[: 8 if kind[0] == b"text" else 7]


def compare(dovecot, ours, i):
    path = dovecot.paths[i]
    theirs = dovecot.fetch(i + 1, b"ENVELOPE BODYSTRUCTURE RFC822.SIZE")
    own = ours.digest(path)
    assert own["BODY"] == without_extensions(own["BODYSTRUCTURE"])
    found = [what + d for what, value in theirs.items() for d in differences(own[what], value)]
    sections = dovecot.sections(i + 1, all_sections(theirs["BODYSTRUCTURE"]))
    return found + [f"[{s}]" for s, text in sections.items() if (ours.section(path, s) or b"") != text]


@pytest.mark.skipif(not DOVECOT_IMAP.exists(), reason="not installed: dovecot-imapd")
def test_dovecot_says_the_same(ours):
    messages = corpus()
    assert not OTHERWISE.keys() - messages.keys()
    wrong = {}
    with Dovecot(list(messages.values())) as dovecot:
        for i, name in enumerate(messages):
            found = set(compare(dovecot, ours, i))
            if found != set(OTHERWISE.get(name, ("", ""))[1].split()):
                wrong[name] = sorted(found)
    assert not wrong


# Python reads these otherwise: the name of the message, and why.
NO_PARTS = "a multipart without parts has no part 1; Python has a payload"
NO_FIELD = "to Python a line that is no field ends a header"
PYTHON_OTHERWISE = {
    "text behind a delimiter": "a delimiter's line need not match as a whole (RFC 2046 5.1.1)",
    "no final delimiter": "the last line end is the body's, as no delimiter follows",
    "outer in inner's preamble": "an inner multipart without parts has no part",
    "one boundary twice": "to Python it is the outer one's, to us and to Dovecot the inner one's",
    "no parts": NO_PARTS,
    "no body": NO_PARTS,
    "final delimiter alone": NO_PARTS,
    "type: all of a multipart's": NO_PARTS,
    "message in base64": "RFC 2046 5.2.1 allows no encoding; we look into it as Dovecot does",
    "message/partial": "a piece of a message is no message",
    "field: no field": NO_FIELD,
    "field: blank before the colon": NO_FIELD,
    "field: lone CR": "to Python CR ends a line",
}


def leaves(message, number=""):
    """Number and bytes of each leaf, as Python has them."""
    if message.get_content_maintype() == "message" and message.is_multipart():
        inner, number = message.get_payload(0), number or "1"
        yield from leaves(inner, number if inner.get_content_maintype() == "multipart" else number + ".1")
    elif message.is_multipart():
        for i, part in enumerate(message.get_payload(), 1):
            yield from leaves(part, f"{number}.{i}".lstrip("."))
    else:
        yield number or "1", message.get_payload().encode("ascii", "surrogateescape")


def as_on_the_wire(text):
    return re.sub(rb"\r?\n", b"\r\n", text)


def test_python_finds_the_same_parts(ours, tmp_path):
    wrong = {}
    path = tmp_path / "message"
    for name, text in corpus().items():
        path.write_bytes(text)
        expected = {n: as_on_the_wire(t) for n, t in leaves(email.message_from_bytes(text))}
        found = {n: ours.section(path, n) for n in part_numbers(ours.digest(path)["BODYSTRUCTURE"]) if n in expected}
        if (found != expected) != (name in PYTHON_OTHERWISE):
            wrong[name] = (found, expected)
    assert not wrong
