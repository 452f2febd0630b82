/* mime_head: the fields of a header as it lies on disk, one after another; for lib/mime alone.
 *
 * Beside hdr822.h, since readers of mail cannot be strict: a line that is no field is passed over, LF
 * and CRLF end lines, nothing is allocated, no count of fields is too large. The header ends at the end
 * of the bytes or at an empty line.
 */
#ifndef QUOIN_MIME_HEAD_H
#define QUOIN_MIME_HEAD_H

#include <stddef.h>
#include <stdint.h>

enum mime_name {
	NAME_OTHER,
	NAME_TYPE,
	NAME_ENCODING,
	NAME_ID,
	NAME_DESCRIPTION,
	NAME_DISPOSITION,
	NAME_LANGUAGE,
	NAME_LOCATION,
	NAME_MD5,
	NAME_DATE,
	NAME_SUBJECT,
	NAME_INREPLYTO,
	NAME_MESSAGEID,
	NAME_REFERENCES,
	NAME_FROM, /* from here on addresses: several fields are one list */
	NAME_SENDER,
	NAME_REPLYTO,
	NAME_TO,
	NAME_CC,
	NAME_BCC,
	NAME_COUNT
};

struct mime_field {
	size_t start;    /* of the name */
	size_t name_len; /* 0: the line is no field */
	size_t body;     /* behind the colon */
	size_t end;      /* behind the last LF */
};

/* From *at, which moves: 1, or 0 at the end. */
int mime_field_next(const char *p, size_t n, size_t *at, struct mime_field *f);

enum mime_name mime_name(const char *p, size_t n);

/* n bytes at p are called name (lower case), whatever their case. */
int mime_same(const char *p, size_t n, const char *name);

#endif
