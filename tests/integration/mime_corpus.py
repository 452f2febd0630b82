"""Messages, by name: what is usual, and each thing about MIME that somebody does wrong."""

HEAD = "From: a@b\nMIME-Version: 1.0\n"
PLAIN = "Content-Type: text/plain\n\n"


def multipart(boundary, body, kind="mixed"):
    return f'{HEAD}Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{body}'


def nested(outer, inner, rest):
    return multipart(outer, f"--{outer}\nContent-Type: multipart/alternative; boundary={inner}\n\n{rest}")


STRUCTURES = {
    "nothing": "",
    "an empty line": "\n",
    "header alone": "Subject: x\n",
    "header without a line end": "Subject: x",
    "header and empty line": "Subject: x\n\n",
    "header and CR": "Subject: x\n\r",
    "body without a line end": "Subject: x\n\nbody\nx",
    "mbox From": "From foo Mon\nSubject: x\n\nbody\n",
    "a line of blanks in the header": "Subject: x\n \nFrom: c@d\n\nbody\n",
    "two parts": multipart("b", f"pre\n--b\n{PLAIN}one\n--b\n{PLAIN}two\n--b--\nepi\n"),
    "CRLF": multipart("b", f"pre\n--b\n{PLAIN}one\n--b\n{PLAIN}two\n--b--\nepi\n").replace("\n", "\r\n"),
    "LF and CRLF": multipart("b", f"--b\r\n{PLAIN}one\r\ntwo\n--b\n{PLAIN}two\r\n--b--\n"),
    "lone CR": multipart("b", f"--b\n{PLAIN}one\rtwo\r\r\n--b--\n"),
    "no final delimiter": multipart("b", f"--b\n{PLAIN}one\n--b\n{PLAIN}two\n"),
    "no final delimiter, no line end": multipart("b", f"--b\n{PLAIN}one\n--b\n{PLAIN}two"),
    "final delimiter without a line end": multipart("b", f"--b\n{PLAIN}one\n--b--"),
    "delimiter at the end": multipart("b", f"--b\n{PLAIN}one\n--b\n"),
    "delimiter at the end, no line end": multipart("b", f"--b\n{PLAIN}one\n--b"),
    "final delimiter alone": multipart("b", "--b--\n"),
    "no parts": multipart("b", "nothing\n"),
    "no body": multipart("b", ""),
    "empty parts": multipart("b", "--b\n--b\n\n--b\n\n\n--b--\n"),
    "parts behind the final delimiter": multipart("b", f"--b\n{PLAIN}one\n--b--\n--b\n{PLAIN}two\n--b--\n"),
    "blanks behind delimiters": multipart("b", f"--b \t \n{PLAIN}one\n--b-- \n"),
    "text behind a delimiter": multipart("b", f"--b\n{PLAIN}one\n--bc\n{PLAIN}two\n--b--\n"),
    "empty lines at a part's end": multipart("b", f"--b\n{PLAIN}one\n\n\n--b--\n"),
    "part without an empty line": multipart("b", "--b\nContent-Type: text/plain\n--b\nX: y\n--b--\n"),
    "part without a body": multipart("b", f"--b\n{PLAIN}--b--\n"),
    "inner begins with outer": nested("b", "bc", f"--bc\n{PLAIN}one\n--bc\n{PLAIN}two\n--b\n{PLAIN}three\n--b--\n"),
    "outer begins with inner": nested("bc", "b", f"--b\n{PLAIN}one\n--b\n{PLAIN}two\n--bc\n{PLAIN}three\n--bc--\n"),
    "inner with its end": nested("o", "i", f"--i\n{PLAIN}one\n--i--\n--o\n{PLAIN}two\n--o--\n"),
    "inner with an epilogue": nested("o", "i", f"--i\n{PLAIN}one\n--i--\ne\n--o\n{PLAIN}two\n--o--\n"),
    "one boundary twice": nested("b", "b", f"--b\n{PLAIN}one\n--b\n{PLAIN}two\n--b\n{PLAIN}three\n--b--\n"),
    "inner without an end": nested("o", "i", f"--i\n{PLAIN}one\n--o\n{PLAIN}two\n--o--\n"),
    "outer in inner's preamble": nested("o", "i", f"pre\n--o\n{PLAIN}two\n--o--\n"),
    "digest": multipart(
        "b", f"--b\n\nSubject: x\nFrom: c@d\n\nbody\n--b\n{PLAIN}two\n--b\nContent-Type: message/rfc822\n\n"
        "Subject: z\n\nq\n--b--\n", "digest"),
    "digest with a broken type": multipart("b", "--b\nContent-Type: foo\n\nSubject: x\n\nbody\n--b--\n", "digest"),
    "message": f"{HEAD}Content-Type: message/rfc822\n\nSubject: i\nContent-Type: text/html\n\nbody\n",
    "message in message": f"{HEAD}Content-Type: message/rfc822\n\nSubject: i\nContent-Type: message/rfc822\n\n"
    "Subject: j\n\nbody\n",
    "message with parts": f"{HEAD}Content-Type: message/rfc822\n\n"
    + multipart("b", f"--b\n{PLAIN}one\n--b\n{PLAIN}two\n--b--\n"),
    "message without anything": f"{HEAD}Content-Type: message/rfc822\n\n",
    "message without an empty line": f"{HEAD}Content-Type: message/rfc822\n\nSubject: x\n",
    "message in base64": f"{HEAD}Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeA==\n",
    "message/global": f"{HEAD}Content-Type: message/global\n\nSubject: i\n\nbody\n",
    "message/partial": f"{HEAD}Content-Type: message/partial; id=x; number=1\n\nSubject: i\n\nbody\n",
    "a delimiter ends a message's header": multipart(
        "b", f"--b\nContent-Type: message/rfc822\n\nSubject: x\n--b\n{PLAIN}two\n--b--\n"),
    "a delimiter instead of a message": multipart("b", f"--b\nContent-Type: message/rfc822\n\n--b\n{PLAIN}two\n--b--\n"),
    "a delimiter instead of a message's body": multipart(
        "b", f"--b\nContent-Type: message/rfc822\n\nSubject: x\n\n--b\n{PLAIN}two\n--b--\n"),
    "a message that is a multipart, as part": multipart(
        "o", f"--o\n{PLAIN}one\n--o\nContent-Type: message/rfc822\n\n"
        + multipart("i", f"--i\n{PLAIN}x\n--i\n{PLAIN}y\n--i--\n") + "--o--\n"),
    "boundary in quotes": f'{HEAD}Content-Type: multipart/mixed; boundary="a b;c"\n\n--a b;c\n{PLAIN}one\n--a b;c--\n',
    "boundary with =": f"{HEAD}Content-Type: multipart/mixed; boundary==_x=y\n\n--=_x=y\n{PLAIN}one\n--=_x=y--\n",
    "boundary with a blank behind it": multipart("b ", f"--b\n{PLAIN}one\n--b--\n"),
    "boundary of dashes": multipart("--", f"----\n{PLAIN}one\n------\n"),
    "boundary that ends like a final delimiter": multipart("b--", f"--b--\n{PLAIN}one\n--b----\n"),
    "no boundary": f"{HEAD}Content-Type: multipart/mixed\n\n--b\n{PLAIN}one\n--b--\n",
    "boundary of 71": multipart("x" * 71, f"--{'x' * 71}\n{PLAIN}one\n--{'x' * 71}--\n"),
    "two boundaries": f"{HEAD}Content-Type: multipart/x; boundary=a; boundary=b\n\n--a\n{PLAIN}1\n--b\n{PLAIN}2\n--a--\n",
    "boundary folded": f'{HEAD}Content-Type: multipart/mixed;\n\tboundary="a"\n\n--a\n{PLAIN}one\n--a--\n',
    "boundary in pieces": f"{HEAD}Content-Type: multipart/x; boundary*0=a; boundary*1=b\n\n--ab\n{PLAIN}one\n--ab--\n",
    "90 deep": HEAD + "".join(f"Content-Type: multipart/x; boundary=b{i}x\n\n--b{i}x\n" for i in range(90)) + PLAIN,
}

TYPES = {
    "none": "X: y",
    "upper case": "CONTENT-TYPE: TEXT/PLAIN; CHARSET=UTF-8\nCONTENT-TRANSFER-ENCODING: QUOTED-PRINTABLE",
    "html without a charset": "Content-Type: text/html",
    "comments": "Content-Type: (c) application (d) / (e) x (f) ; (g) y (h) = (i) 1 (j) ; z=2",
    "quotes": 'Content-Type: application/x; name="a\\"b\\\\c;(d)"; z="\n e"',
    "8-bit value": 'Content-Type: application/x; name="\xe4"',
    "empty value": "Content-Type: application/x; name=; y=1",
    "empty parameters": "Content-Type: application/x;;; y=1;",
    "one name twice": "Content-Type: application/x; a=1; a=2; A=3",
    "no equals sign": "Content-Type: application/x; name; y=1",
    "blank in a value": "Content-Type: application/x; name=foo bar.txt; y=1",
    "brackets in a value": "Content-Type: application/x; name=foo[1]; y=1",
    "an open quote": 'Content-Type: application/x; y="a b; z=1',
    "words behind the type": "Content-Type: application/x junk; y=1",
    "words behind a value": "Content-Type: application/x; y=1 junk; z=2",
    "comma for semicolon": "Content-Type: text/plain, charset=utf-8",
    "no subtype": "Content-Type: text; charset=utf-8",
    "no type": "Content-Type: /plain; charset=utf-8",
    "empty": "Content-Type: ",
    "two fields": "Content-Type: application/x; a=1\nContent-Type: text/html; b=1",
    "pieces": 'Content-Type: application/x; z=1; filename*0="ab"; filename*1="cd"',
    "pieces, not at the end": 'Content-Type: application/x; filename*0="ab"; filename*1="cd"; z=1',
    "pieces with a charset": "Content-Type: application/x; z=1; f*0*=utf-8''a%20; f*1=\"b c\"; f*2*=%C3%BC",
    "pieces out of order": 'Content-Type: application/x; z=1; filename*1="cd"; filename*0="ab"',
    "a value with a charset": "Content-Type: application/x; f*=utf-8'de'%20d",
    "encoding unknown": "Content-Type: application/x\nContent-Transfer-Encoding: x-foo (bar)",
    "encoding and parameter": "Content-Type: application/x\nContent-Transfer-Encoding: 8bit; y",
    "encoding empty": "Content-Type: application/x\nContent-Transfer-Encoding:",
    "encoding twice": "Content-Type: application/x\nContent-Transfer-Encoding: 8bit\nContent-Transfer-Encoding: base64",
    "disposition": 'Content-Type: image/x\nContent-Disposition: attachment; filename="a b"; size=12',
    "disposition, comments": "Content-Type: image/x\nContent-Disposition: (x) inline (y); a=b",
    "disposition in pieces": "Content-Type: image/x\nContent-Disposition: attachment; filename*0*=utf-8''a; filename*1=b",
    "disposition twice": "Content-Type: image/x\nContent-Disposition: inline\nContent-Disposition: attachment",
    "disposition without a word": "Content-Type: image/x\nContent-Disposition: ; filename=x",
    "languages": "Content-Type: image/x\nContent-Language: en, de-DE (x), fr",
    "languages, junk": "Content-Type: image/x\nContent-Language: en de",
    "language empty": "Content-Type: image/x\nContent-Language: ",
    "location": "Content-Type: image/x\nContent-Location: http://x/\n y",
    "md5": "Content-Type: image/x\nContent-MD5: Q2hlY2s=",
    "id, description": "Content-Type: image/x\nContent-ID:  <a@b> \nContent-Description: x  y\n z",
    "description in 8 bit": "Content-Type: image/x\nContent-Description: \xe4\xf6",
    "all of a multipart's": "Content-Type: multipart/x; type=a; boundary=b\nContent-Disposition: inline (x); a=b\n"
    "Content-Language: en\nContent-Location: loc\nContent-ID: <x>\nContent-MD5: y\nContent-Description: z",
}

LISTS = [
    "a@b", "a@b, c@d", "<a@b>", "Joe <a@b>", '"Joe" <a@b>', '"Joe \\"X\\" Y"  <a@b>', "Joe  X\tY <a@b>", "Joe (c) X <a@b>",
    "a@b (Joe X)", "a@b (Joe) (X)", "<a@b> (Joe)", "(x) Joe <a@b>", "Joe. X. <a@b>", "J.X <a@b>", "=?utf-8?q?x?= <a@b>",
    "=?utf-8?q?x?=\n =?utf-8?q?y?= <a@b>", '"a b"@c', '"a\\"b"@c', "a.b@c.d", "a . b @ c . d", "a..b@c", "a.@b", ".a@b",
    "a@[1.2.3.4]", "a@[IPv6:::1]", "a@b@c", "a", "a b", "a b c@d", "<a>", "Joe <a>", "<>", "Joe <>", "<a@>", "<@b>", "a@",
    "@b", '"Joe"', "g:;", "g: a@b;", "g: a@b, c@d;, e@f", "g: a@b", "g:a@b;h:;", '"g h": a@b;', "g h: a@b;", ":;", ";",
    "a@b;", "a@b; c@d", ",,a@b,,", "", ",", "<a@b", "a@b>", "<a@b>>", "Joe <a@b> x", '"Joe <a@b>', "(Joe <a@b>",
    "Joe) <a@b>", "<@r:a@b>", "<@r,@s.t:a@b>", "J <@r , @s:a@b>", "\xe4 <a@b>", '"\xe4" <a@b>', "\xe4@b", "a@b c@d",
    "Joe, X <a@b>", '"Joe, X" <a@b>', "a@b<c@d>", "a@b\n\t,\n c@d", 'Joe <"a b"@c>', "Joe <a b@c>", "'Joe' <a@b>",
    "undisclosed-recipients:;", "undisclosed recipients: ;", '"" <a@b>', "() <a@b>", "a@b ()", "a@b ( x  (y)  z )",
    "=?utf-8?q?a,b?= <a@b>", "Joe@Home <a@b>", "[x] <a@b>", "a(c)@b", "Joe <a@b>;",
]  # fmt: skip

FIELDS = {
    "two of a kind": "Subject: a\nSubject: b",
    "blanks": "Subject:   ",
    "8-bit": "Subject: \xe4",
    "quotes": 'Subject: a"b\\c',
    "blank before the colon": "Subject : a",
    "folded": "Subject: a\n b",
    "folded by tab": "Subject: a\n\tb",
    "tab and blanks": "Subject: a\tb  c",
    "controls": "Subject: a\x01\x7fb",
    "lone CR": "Subject: a\rb",
    "ids": "Message-ID: <a@b>  <c@d>\nIn-Reply-To: <x@y>\n <z@w>",
    "date": "Date: Mon, 1 Jan 2001 00:00:00 +0000 (UTC)",
    "no From": "To: a@b",
    "From empty": "From: \nSender: a@b",
    "From twice": "From: a@b\nFrom: c@d",
    "To twice": "To: a@b\nTo: c@d, e@f",
    "Sender empty": "From: x@y\nSender: ",
    "Sender": "From: x@y\nSender: s@t",
    "Sender twice": "From: x@y\nSender: s@t, u@v",
    "Reply-To": "From: x@y\nReply-To: r@s, t@u",
    "no field": "Subject: a\ngarbage\nFrom: a@b",
    "colon first": ": x\nSubject: a",
    "long": "Subject: " + "x" * 1500,
    "NUL": "Subject: a\0b",
}


def corpus():
    messages = dict(STRUCTURES)
    for name, lines in TYPES.items():
        messages[f"type: {name}"] = f"{HEAD}{lines}\n\nbody\n"
    for text in LISTS:
        messages[f"list: {text}"] = f"From: x@y\nTo: {text}\n\nbody\n"
    for name, lines in FIELDS.items():
        messages[f"field: {name}"] = f"{lines}\n\nbody\n"
    return {name: text.encode("latin-1") for name, text in messages.items()}
