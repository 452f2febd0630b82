/* append_binary: a literal8 on its way into a Maildir (RFC 3516 4.4 and 6).
 *
 * Files of a Maildir have LF for CRLF, and what BODY[] says may hold no NUL. So a part that is
 * not encoded becomes base64 if it holds a NUL, or is called binary and holds a bare LF:
 * its Content-Transfer-Encoding is replaced, all else stays.
 * from: the bytes as they came, in tmp/, all given to its wbuf; to: what put_write() gets.
 * 0, or 1: there are NULs where nothing can be encoded (in a header, in what is
 * encoded already); -1 with errno of reading and writing.
 */
#ifndef QIMAPD_APPEND_BINARY_H
#define QIMAPD_APPEND_BINARY_H

#include "maildir/put.h"

__attribute__((warn_unused_result)) int append_binary(struct put *to, struct put *from);

#endif
