/* take: the words of a command, taken one after another.
 *
 * The command has been read as a whole (in.h): its literals lie in it as "{N}CRLF" and N bytes. A
 * take gives 0 and moves on, or -1 and stands still: that is no such thing (the command then answers
 * BAD). Copies are into the command's arena (take_keep) and live until its end.
 * RFC 9051 9, with what clients send besides: NIL, atoms with "]".
 * (These are not lib/args.h's struct arg and arg_*, which are options of a program.)
 * Owner:  nothing to free.
 */
#ifndef QIMAPD_TAKE_H
#define QIMAPD_TAKE_H

#include <stddef.h>
#include <stdint.h>

#include "maildir/box.h"

struct words {
	const char *p;
	size_t n;
	size_t at;
	int utf8; /* UTF8=ACCEPT or IMAP4rev2: names of folders are UTF-8 */
};

struct text { /* NUL-ended, n bytes, no NUL inside */
	const char *p;
	size_t n;
};

int take_space(struct words *w);                   /* one SP */
int take_char(struct words *w, char c);            /* exactly c */
int take_word(struct words *w, const char *word);  /* this atom, any case, and its end */
int take_atom(struct words *w, struct text *t);    /* ATOM-CHARs */
int take_astring(struct words *w, struct text *t); /* atom, quoted or literal */
int take_string(struct words *w, struct text *t);  /* quoted or literal */
int take_nstring(struct words *w, struct text *t); /* or NIL: t->p is NULL */
/* Canonical UTF-8 of store.h, FOLDER_NAME + 1 bytes. A name that cannot be one is a word too: 0,
 * and name is "" (no folder has it); only what is no astring is -1. */
int take_mailbox(struct words *w, char *name);
int take_pattern(struct words *w, struct text *t); /* list-mailbox: with % and * */
int take_u32(struct words *w, uint32_t *n);
int take_nz32(struct words *w, uint32_t *n); /* not 0 */
int take_u64(struct words *w, uint64_t *n);  /* up to 2^63 - 1 */
/* One flag; keyword->p NULL: a system flag. "\Recent" and unknown "\Xyz" are -1. */
int take_flag(struct words *w, unsigned *flags, struct text *keyword);
/* "(flags)", perhaps none; keyword: NULL-ended. $Forwarded is MSG_PASSED in both. */
int take_flags(struct words *w, unsigned *flags, const char *keyword[BOX_KEYWORDS + 1]);
int take_datetime(struct words *w, int64_t *when);

int words_peek(const struct words *w); /* the next byte, or -1 */
int words_end(const struct words *w);  /* 1: nothing is left */

/* The command's arena: freed all at once at its end; NULL with ENOMEM over TAKE_ARENA bytes. */
enum { TAKE_ARENA = 16 * 1024 * 1024 };
void *take_keep(size_t n);
/* Was it a lack of memory (here, or noted by another) and not a bad command? Until take_forget(). */
void take_note_no_memory(void);
int take_has_no_memory(void);
void take_forget(void);

#endif
