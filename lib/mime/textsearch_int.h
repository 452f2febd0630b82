/* textsearch_int: between the files of textsearch.h. */
#ifndef QUOIN_MIME_TEXTSEARCH_INT_H
#define QUOIN_MIME_TEXTSEARCH_INT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mime/parse.h"
#include "mime/textsearch.h"
#include "sbuf.h"

enum {
	TEXT_WHOLE =
	    1048576, /* a file up to this lies in memory; larger ones in pieces */
	TEXT_PIECE = 65536,
	TEXT_WIDEST = 4 /* bytes of a character whose folded form has one */
};

struct text_search {
	struct mime mime;
	struct sbuf file;  /* [at, at + file.len) of the message */
	uint64_t at, size; /* size: of the message */
	int fd;
	struct sbuf raw;  /* decoded, in the part's charset */
	struct sbuf text; /* in UTF-8, not looked at yet */
	struct text_key *key;
	size_t nkeys, open; /* keys without a hit */
	size_t overlap;     /* bytes of text that a needle may begin in */
};

/* Bytes of the message at at, at most n; a count, 0 at its end, or -1. */
ssize_t text_view(struct text_search *t, uint64_t at, uint64_t n, const char **p);

/* Look for the open keys; in a header only those of TEXT are asked. */
void text_look(struct text_search *t, const char *p, size_t n, int in_header);

/* A header as people read it, appended to out: unfolded, encoded words undone, a line a
 * field. */
__attribute__((warn_unused_result)) int text_header(struct sbuf *out, const char *p,
						    size_t n);

#endif
