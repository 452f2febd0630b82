/* search: search keys (RFC 9051 6.4.4, 5032, 7162, 8514), read once and run over the mailbox.
 *
 *	search_read(&s, &w, charset)	the keys, to the command's end
 *	search_run(&s, hit, arg)	each message that they fit, ascending ordinals
 *	search_free(&s)			whatever happened
 *
 * Keys stand in postfix order: no recursion, whatever their nesting. For each message they are looked at
 * from the cheap to the dear (enum search_cost) until the answer is known; all texts of a command
 * take one pass over a file.
 * Messages that are gone fit nothing. INTERNALDATE's day is that of UTC, as FETCH shows it; the SENT keys
 * take the Date field as written. FROM and its like look into the first field of that
 * name (addresses: into all), as does HEADER with one of these names.
 */
#ifndef QIMAPD_SEARCH_H
#define QIMAPD_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "mime/textsearch.h"
#include "session.h"

enum {
	SEARCH_KEYS = 10000, /* of a command, with AND, OR and NOT */
	SEARCH_DEPTH = 500,
	SEARCH_SIGN = 10000 /* ms until a client hears that we are still at it */
};

enum search_op {
	SEARCH_AND, /* of args */
	SEARCH_OR,
	SEARCH_NOT,
	SEARCH_ALL,
	SEARCH_FLAGS,  /* all of set, none of clear */
	SEARCH_RECENT, /* as set says, none of clear */
	SEARCH_KEYWORD,
	SEARCH_NUMBERS,
	SEARCH_UIDS,
	SEARCH_MODSEQ, /* from lo on */
	SEARCH_SAVED,  /* lo <= SAVEDATE < hi */
	SEARCH_DATE,   /* lo <= INTERNALDATE < hi */
	SEARCH_SIZE,   /* lo < size < hi */
	SEARCH_SENT,
	SEARCH_FIELD, /* what: of the digest */
	SEARCH_HEADER,
	SEARCH_TEXT /* or BODY */
};

enum search_cost { COST_NONE, COST_STAT, COST_DIGEST, COST_HEADER, COST_TEXT, COSTS };

struct search_key {
	uint8_t op, cost;
	uint8_t want;  /* of KEYWORD: with it; of TEXT: BODY */
	uint8_t value; /* of the message at hand */
	uint16_t args;
	uint16_t set, clear;
	int what; /* enum digest_what; a keyword's bit, -1: nobody has it */
	int64_t lo, hi;
	struct set numbers;
	struct needle needle;
	const char *name;
};

enum search_error { SEARCH_BAD = 1, SEARCH_CHARSET, SEARCH_LIMIT };

struct search {
	struct search_key *key;
	size_t n;
	unsigned costs;      /* bit c: there is a key of enum search_cost c */
	int has_modseq;      /* there is a key MODSEQ */
	const char *charset; /* NULL: UTF-8 */
	enum search_error error;
};

/* charset: NULL, or the name that CHARSET or SORT gave. -1: see s->error. */
int search_read(struct search *s, struct words *w, const char *charset);
/* hit gives 0 to go on, 1 to end the search. backwards: descending. 0, or -1 with ENOMEM. */
int search_run(struct search *s, int backwards, int (*hit)(void *arg, size_t i),
	       void *arg);
/* The ordinals of all that fit, ascending; malloc'd: the caller's. -1 with errno. */
int search_collect(struct search *s, uint32_t **at, size_t *n);
/* For loops over n messages that read files: tells the client each SEARCH_SIGN that done are done.
 * Who is told finds out whether we still have one. next: begins as 0. */
void search_sign(int64_t *next, size_t done, size_t n);
void search_free(struct search *s);
/* The answer to what search_read() did not take. */
void search_refuse(struct command *c, const struct search *s);

/* One key that is no AND, OR, NOT or set (search_keys.c): word is taken. */
int search_read_key(struct search *s, struct search_key *k, struct words *w,
		    const char *word);

/* One message (search_eval.c): 1 it fits, 0, -1 with ENOMEM. */
int search_fits(struct search *s, size_t i);
void search_done(void);

/* SORT and THREAD (sort.c, thread_cmd.c); verbs_search has them. */
void cmd_sort(struct command *c);
void cmd_thread(struct command *c);

#endif
