/* textsearch: is a text in a message? (SEARCH BODY and TEXT, HEADER)
 *
 * One pass over the file for all keys of a command. BODY: the bodies of all parts, decoded (transfer,
 * charset), without part 0's header; TEXT: with it, and the headers of parts inside; only text parts and
 * messages are decoded and searched, other leaves (base64 of a picture) are passed over. Case is
 * folded (fold.h). A plain ASCII message without encodings takes a short way.
 * Owner:  text_free() after text_init(); its buffers serve one message after another.
 * Errors: -1 with errno of read() or ENOMEM.
 */
#ifndef QUOIN_MIME_TEXTSEARCH_H
#define QUOIN_MIME_TEXTSEARCH_H

#include <stddef.h>

#include "mime/fold.h"
#include "mime/parse.h"

struct text_key {
	const struct needle *needle;
	int body; /* BODY, else TEXT */
	int hit;  /* out */
};

struct text_search; /* its buffers */

struct text_search *text_init(void); /* NULL: no memory */
void text_free(struct text_search *t);
int text_search(struct text_search *t, int fd, struct text_key *k, size_t n);

/* A header field's body (unfolded or not), encoded words undone. */
int text_in_field(struct text_search *t, const struct needle *k, const char *p, size_t n);

/* Does the header p (disk form) have a field of this name whose body holds the needle? (an empty
 * needle: has it the field at all?) */
int text_in_header(struct text_search *t, const struct needle *k, const char *name,
		   const char *p, size_t n);

#endif
