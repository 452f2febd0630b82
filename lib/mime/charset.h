/* charset: bytes of a charset to UTF-8, in pieces.
 *
 *	charset_open(&c, name, n)	1 known, 0 not known
 *	charset_add(&c, &out, p, n) ... charset_end(&c, &out)
 *
 * US-ASCII, UTF-8, UTF-16 (LE, BE), UTF-7, ISO-8859-x, windows-125x, KOI8-R, KOI8-U, IBM437/850/866 and
 * macintosh by tables; ISO-2022-JP, Shift_JIS, EUC-JP, GB2312, GBK, GB18030, Big5, EUC-KR (and
 * their usual names) by a converter process (convert.h), which is started at the first of
 * them. What is no character becomes U+FFFD.
 * Errors: -1 with ENOMEM, EMSGSIZE; a converter that died: 0 known, once it is gone.
 */
#ifndef QUOIN_MIME_CHARSET_H
#define QUOIN_MIME_CHARSET_H

#include <stddef.h>
#include <stdint.h>

struct sbuf;

enum { CHARSET_NAME = 40 };

struct charset {
	int kind;
	const uint16_t *table;
	uint32_t state[2];
	unsigned char kept[8];
	size_t nkept;
};

int charset_open(struct charset *c, const char *name, size_t n);
__attribute__((warn_unused_result)) int charset_add(struct charset *c, struct sbuf *out,
						    const char *p, size_t n);
__attribute__((warn_unused_result)) int charset_end(struct charset *c, struct sbuf *out);

#endif
