/* out: how values are written, one routine a type, so that no byte of a message or a name can end an answer.
 *
 * quoted strings hold printable ASCII (and UTF-8 where the client takes it), what else there is
 * goes as a literal; names of folders as modified UTF-7, or UTF-8 under ON_UTF8 or ON_REV2.
 */
#ifndef QIMAPD_OUT_H
#define QIMAPD_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "maildir/box.h"

void out_string(const char *p, size_t n);      /* quoted or literal */
void out_astring(const char *p, size_t n);     /* atom, quoted or literal */
void out_literal_head(uint64_t n, int binary); /* "{n}CRLF" or "~{n}CRLF" */
void out_mailbox(const char *name);
void out_flags(const struct msg *m);                    /* "(\Seen $Junk)" */
void out_flag_words(unsigned flags, uint64_t keywords); /* of bits, without parentheses */
size_t out_u32(char *p, uint32_t n); /* digits to p, their number; fast */

#endif
