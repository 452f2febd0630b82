/* parse_int: what parse.c knows while it reads and digest.c after it; for lib/mime alone.
 *
 * Everything is kept from one message to the next, and freed by mime_free(). */
#ifndef QUOIN_MIME_PARSE_INT_H
#define QUOIN_MIME_PARSE_INT_H

#include <stddef.h>
#include <stdint.h>

#include "mime/mime_head.h"
#include "mime/mime_scan.h"
#include "mime/parse.h"

enum {
	MIME_FIELDS = 20000, /* known fields that are kept, of all headers */
	MIME_PIECE = 65536,  /* mime_file() reads that much */
	MIME_HELD = MIME_BOUNDARY + 4
};

/* A place in the message. */
struct mime_point {
	uint64_t at, lines, bare;
};

/* A part that is open: the bytes that come are in it. */
struct mime_level {
	uint32_t part;
	uint32_t last_child;
	size_t boundary,
	    boundary_len; /* in bounds; length 0: not a multipart, or closed */
	struct mime_point header, body;
};

/* A field worth keeping: its body, in the header text of its part. */
struct mime_found {
	uint32_t at, end;
	enum mime_name name;
};

struct mime_head {
	uint32_t at, len;  /* in heads (part 0: in m.header) */
	uint32_t found, n; /* found[found .. found + n), by their place */
	uint8_t is_root;   /* of a message: has an envelope */
	uint8_t is_digest; /* multipart/digest */
	uint8_t is_default_message;
	uint8_t has_type; /* Content-Type can be read */
};

struct mime_state {
	struct mime_level level[MIME_DEPTH + 1];
	size_t depth; /* level[depth - 1] is where we are */
	size_t open;  /* levels that have a boundary */
	int in_header;
	int in_delimiter; /* its line's end is yet to come; the part begins behind it */

	struct mime_point now;
	int has_nul;
	char last[2]; /* the two bytes before now, the newer one first */
	int at_line;  /* now is where a line begins, or held of it are behind us */
	struct mime_point line;
	int line_crlf; /* how the line before that one ended */
	size_t held;
	char hold[MIME_HELD];

	size_t heads_left; /* of MIME_HEADER */
	struct sbuf heads, bounds;
	struct mime_head *head; /* as many as m.part */
	size_t part_cap;
	struct mime_found *found;
	size_t nfound, found_cap;

	struct sbuf text[2]; /* digest's */
	char piece[MIME_PIECE];
};

const char *mime_head_text(const struct mime *m, uint32_t part);

/* parse_line.c: lines that may be the empty one or a delimiter. */
/* Now is where a line begins. */
void mime_line_begins(struct mime_state *s);
/* Copies of it what is needed, *used bytes; 1 when that is all. */
int mime_line_hold(struct mime_state *s, const char *p, size_t n, size_t *used);
/* Acts upon what is held: the beginning of a line, or all of it. -1: ENOMEM. */
int mime_line_judge(struct mime *m);

/* parse_part.c: parts as they begin and end. -1: ENOMEM. */
int mime_part_open(struct mime *m, int is_root);
int mime_part_header_end(struct mime *m); /* at now */
/* All that are open above level keep: they end at p, but none before its body begins. */
void mime_part_close(struct mime *m, size_t keep, struct mime_point p);

/* parse_type.c: what the header of the part says about it. */
int mime_type_read(struct mime *m, struct mime_level *l);

/* The body of part's first field of that name, or NULL. */
const struct mime_found *mime_found(const struct mime *m, uint32_t part,
				    enum mime_name name);

#endif
