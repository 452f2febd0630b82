#!/usr/bin/env python3
"""Prints charset_tables.c: the upper halves of charsets of one byte, as python has them.

Run by hand: python3 lib/mime/charset_tables.py | clang-format --assume-filename=x.c \
	--style=file > lib/mime/charset_tables.c
"""
CHARSETS = {
    # ISO-8859-1 is read as windows-1252: nobody sends its control characters
    "windows1252": "cp1252",
    **{f"iso8859{n}": f"iso8859_{n}" for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    **{f"windows{n}": f"cp{n}" for n in (874, 1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258)},
    **{f"ibm{n}": f"cp{n}" for n in (437, 850, 852, 855, 866)},
    "koi8r": "koi8_r",
    "koi8u": "koi8_u",
    "macintosh": "mac_roman",
}


def upper_half(codec):
    """128 code points; 0 where there is none."""
    out = []
    for byte in range(128, 256):
        try:
            out.append(ord(bytes([byte]).decode(codec)))
        except UnicodeDecodeError:
            out.append(0)
    return out


print("/* Made by charset_tables.py. */")
print('#include "mime/charset_int.h"\n')
print("const struct charset_table charset_tables[] = {")
for name, codec in CHARSETS.items():
    print(f'{{"{name}", {{{", ".join(f"0x{c:04x}" for c in upper_half(codec))}}}}},')
print("};\nconst size_t charset_ntables = sizeof charset_tables / sizeof *charset_tables;")
