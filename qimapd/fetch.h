/* fetch: what a FETCH asks for, compiled once and run for each message.
 *
 * fetch_read() takes the words behind the set; an item is a routine that writes "NAME value", and
 * says what it needs. For each message first all that is needed is looked for (fetch_need), so
 * that a message that has gone leaves no half line behind; then the items are written.
 * Owner:  the program lies in the command's arena; struct fetch's source is fetch.c's.
 */
#ifndef QIMAPD_FETCH_H
#define QIMAPD_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "mime/section.h"
#include "mime/parse.h"
#include "session.h"
#include "source.h"

enum {
	FETCH_ITEMS = 256,
	FETCH_FIELDS = 200, /* names in one HEADER.FIELDS */
	FETCH_FIELD = 1000  /* bytes of one */
};

enum fetch_needs {
	NEED_SIZE = 1,
	NEED_DATE = 2,
	NEED_DIGEST = 4,
	NEED_FILE = 8,
	NEED_PARTS = 16,
	NEED_SEEN = 32 /* reading sets \Seen */
};

struct fetch;
struct fetch_item;
typedef void (*fetch_put)(struct fetch *f, const struct fetch_item *it);

struct fetch_item {
	fetch_put put;
	const char *label; /* "BODY[1.MIME]<0> " and its blank */
	size_t nlabel;
	int what;                   /* enum digest_what of those that need one */
	const struct section *part; /* NULL but for sections */
	const char *const *names;   /* HEADER.FIELDS */
	size_t nnames;
	int not ;
	int whole; /* no partial */
	uint64_t from, count;
};

struct fetch {
	/* the program */
	struct fetch_item *item;
	size_t n;
	unsigned needs;
	int has_flags, has_modseq, has_uid;
	uint64_t changedsince; /* 0: whatever */
	int vanished;
	/* the message */
	size_t i;
	const struct msg *m;
	const char *digest;
	size_t ndigest;
	struct source source;
	const struct mime_part *part;
	size_t nparts;
	int unknown_cte; /* out: BINARY of an encoding that we do not know */
};

/* 0, or -1: that is no FETCH. uid: UID FETCH, which has the item UID in any case. */
int fetch_read(struct fetch *f, struct words *w, int uid);
/* For NOTIFY: items like "(FLAGS ENVELOPE)" of the open mailbox's messages from an ordinal on. */
void fetch_new(const char *items, size_t n, size_t from);
/* "[section]<partial>" behind the name (BODY, BODY.PEEK); binary: section-binary. */
int fetch_read_section(struct words *w, struct fetch_item *it, const char *name,
		       int binary);

/* Its bytes in the file, and the part if it has numbers: 1, or 0: there is no such part (it
 * is answered as empty). When the file
 * cannot be read, the connection ends (io_lost()), as the line has begun. */
int fetch_range(struct fetch *f, const struct section *s, struct section_range *r);
void fetch_bodies_done(void);
/* Of another mailbox, or another session's state. */
void fetch_forget_flags(void);

/* One routine each (fetch_items.c, fetch_body.c, fetch_binary.c). */
void put_uid(struct fetch *f, const struct fetch_item *it);
void put_flags(struct fetch *f, const struct fetch_item *it);
void put_modseq(struct fetch *f, const struct fetch_item *it);
void put_date(struct fetch *f, const struct fetch_item *it);
void put_saved(struct fetch *f, const struct fetch_item *it);
void put_size(struct fetch *f, const struct fetch_item *it);
void put_digest(struct fetch *f, const struct fetch_item *it);
void put_body(struct fetch *f, const struct fetch_item *it);
void put_binary(struct fetch *f, const struct fetch_item *it);
void put_binary_size(struct fetch *f, const struct fetch_item *it);

#endif
