/* takeover_int: the files of Dovecot and Courier, in memory.
 *
 * Each parser writes NULs into the text, and what it finds points there. A line that is not
 * understood is left out; -1 (EBADMSG, ENOMEM): the first line says that all is.
 */
#ifndef QUOIN_MAILDIR_TAKEOVER_INT_H
#define QUOIN_MAILDIR_TAKEOVER_INT_H

#include <stddef.h>
#include <stdint.h>

#include "maildir/box.h"
#include "sbuf.h"

enum {
	TAKEN_TEXT = 512 * 1024 * 1024, /* bytes of a file */
	TAKEN_UIDL = 70                 /* RFC 1939 7 */
};

/* messages: struct box_taken, in the file's order until taken_sort(). */
struct taken {
	uint32_t uidvalidity, uidnext;
	struct sbuf messages;
	struct sbuf strings; /* UIDLs that were read */
	struct sbuf made;    /* and those of taken_default_uidls() */
};

#define TAKEN_INIT                                                        \
	{                                                                 \
		0, 0, SBUF_INIT(BOX_MESSAGES * sizeof(struct box_taken)), \
		    SBUF_INIT(TAKEN_TEXT), SBUF_INIT(TAKEN_TEXT)          \
	}

static inline struct box_taken *taken_at(const struct taken *t, size_t i)
{
	return (struct box_taken *)(void *)t->messages.p + i;
}
static inline size_t taken_count(const struct taken *t)
{
	return t->messages.len / sizeof(struct box_taken);
}

/* dovecot-uidlist, version 3 or 1. */
int taken_dovecot(struct taken *t, char *p, size_t n);
/* courierimapuiddb. */
int taken_courier(struct taken *t, char *p, size_t n);
/* courierpop3dsizelist: uid is 0 in each. */
int taken_pop3(struct taken *t, char *p, size_t n);
/* dovecot-keywords. */
void taken_letters(const char *letters[26], char *p, size_t n);

/* By uid, without a uid or a base name that is there twice (the later uid stays), all below
 * uidnext. */
void taken_sort(struct taken *t);
/* UIDLs of pop3 for the messages of t; those that t lacks are put behind. */
int taken_join(struct taken *t, struct taken *pop3);
/* UIDL as Dovecot makes it of uid and uidvalidity, for those that have none. */
int taken_default_uidls(struct taken *t);

#endif
