/* charset_int: between the files of charset.h.
 *
 * Names are compared in lower case without marks: "ISO_8859-1:1987" is iso885911987.
 */
#ifndef QUOIN_MIME_CHARSET_INT_H
#define QUOIN_MIME_CHARSET_INT_H

#include <stddef.h>
#include <stdint.h>

#include "mime/charset.h"

enum charset_kind {
	CHARSET_NONE,
	CHARSET_UTF8,
	CHARSET_TABLE,
	CHARSET_UTF16, /* big-endian, unless it begins with a mark that says otherwise */
	CHARSET_UTF16BE,
	CHARSET_UTF16LE,
	CHARSET_UTF7,
	CHARSET_CONVERT
};

/* No pointer in it: it is the file's own, and no process gets a copy of it at its start. */
struct charset_table {
	char name[16];
	uint16_t upper[128]; /* 0: no character */
};

extern const struct charset_table charset_tables[];
extern const size_t charset_ntables;

/* CHARSET_NONE, or the kind; table, or which (convert.h), filled. */
enum charset_kind charset_find(const char *name, size_t n, const uint16_t **table,
			       uint32_t *which);

struct sbuf;
/* One unit of UTF-16; high: the first half of a pair that waits, 0 none. */
__attribute__((warn_unused_result)) int charset_unit(struct sbuf *out, uint32_t *high,
						     uint32_t unit);
__attribute__((warn_unused_result)) int charset_utf8(struct charset *c, struct sbuf *out,
						     const char *p, size_t n);
__attribute__((warn_unused_result)) int charset_utf16(struct charset *c, struct sbuf *out,
						      const char *p, size_t n);
__attribute__((warn_unused_result)) int charset_utf7(struct charset *c, struct sbuf *out,
						     const char *p, size_t n);

#endif
