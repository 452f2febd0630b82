/* mime_param_int: a parameter as it stands there, before RFC 2231; for mime_param*.c alone. */
#ifndef QUOIN_MIME_PARAM_INT_H
#define QUOIN_MIME_PARAM_INT_H

#include "mime/mime_param.h"

struct mime_raw {
	struct mime_span name;
	struct mime_span value; /* the inside of its quotes */
	int quoted;
};

/* 1, or 0 at the end. */
int mime_words_raw(struct mime_words *w, struct mime_raw *r);

#endif
