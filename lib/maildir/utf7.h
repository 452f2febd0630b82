/* utf7: modified UTF-7 of IMAP's folder names (RFC 3501 5.1.3).
 *
 * Only the one right form is read: printable ASCII as itself, "&-", "&BASE64-" of UTF-16 with
 * paired surrogates, zero padding bits, nothing in base64 that ASCII could say, no two
 * shifts side by side. UTF-8: shortest forms only, no surrogates, up to U+10FFFF.
 * Errors: -1 with EILSEQ, or EMSGSIZE if out (size bytes with the NUL) is too short.
 */
#ifndef QUOIN_MAILDIR_UTF7_H
#define QUOIN_MAILDIR_UTF7_H

#include <stddef.h>

int utf7_to_utf8(char *out, size_t size, const char *p, size_t n);
int utf7_from_utf8(char *out, size_t size, const char *p, size_t n);

#endif
