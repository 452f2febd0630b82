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

/* Names of keywords, by bits. */
struct taken_words {
	unsigned n;
	char word[BOX_KEYWORDS][BOX_KEYWORD + 1];
};

/* ---- lines and words, takeover_read.c ---- */
struct taken_text {
	char *p, *end;
};
/* The next line as a string; a last one without its end is torn. */
char *taken_line(struct taken_text *t);
/* Cut off the next word at a blank; "" at the end. */
char *taken_word(char **rest);
int taken_is_uidl(const char *s);
/* An atom (RFC 9051 9), which is all that a client can name. */
int taken_is_keyword(const char *s);
/* A file's name to its base; 0: it is none. */
int taken_cut_base(char *name);
/* uidl: "" for none. The strings move until all is read: then taken_set_uidls(). */
int taken_add(struct taken *t, const char *base, uint32_t uid, const char *uidl);
void taken_set_uidls(struct taken *t);

/* ---- files ---- */
/* dovecot-uidlist, version 3 or 1. */
int taken_dovecot(struct taken *t, char *p, size_t n);
/* courierimapuiddb. */
int taken_courier(struct taken *t, char *p, size_t n);
/* courierpop3dsizelist: uid is 0 in each. */
int taken_pop3(struct taken *t, char *p, size_t n);
/* Courier's keywords, for the messages of t: its list, and files of their own. */
enum { TAKEN_INDEXES = 10000 /* names in :list */ };
struct taken_wording {
	struct taken *t; /* by base until the end */
	struct taken_words *words;
	uint64_t *rank; /* how new is what is known of this message */
	uint8_t bit[TAKEN_INDEXES];
	size_t indexes;
};
int taken_wording(struct taken_wording *g, struct taken *t, struct taken_words *words);
void taken_index(struct taken_wording *g, char *p, size_t n);
void taken_file(struct taken_wording *g, char *file, char *p, size_t n);
void taken_wording_end(struct taken_wording *g);
/* All that in courierimapkeywords/ of the folder dir. */
int taken_keywords(struct taken *t, struct taken_words *words, int dir);
/* dovecot-keywords. */
void taken_letters(const char *letters[26], char *p, size_t n);

/* ---- takeover_join.c ---- */
/* By base name; then one of a name, or NULL. */
void taken_by_base(struct taken *t);
struct box_taken *taken_find(struct taken *t, const char *base);
/* By uid, without a uid or a base name that is there twice (the later uid stays), all below
 * uidnext. */
void taken_sort(struct taken *t);
/* UIDLs of pop3 for the messages of t; those that t lacks are put behind. */
int taken_join(struct taken *t, struct taken *pop3);
/* UIDL as Dovecot makes it of uid and uidvalidity, for those that have none. */
int taken_default_uidls(struct taken *t);

#endif
