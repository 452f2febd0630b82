/* arg: the words of a command, taken one after another.
 *
 * The command has been read as a whole (in.h): its literals lie in it as "{N}CRLF" and N bytes. A
 * take gives 0 and moves on, or -1 and stands still: that is no such thing (the command then answers
 * BAD). Copies are into the caller's arena (arg_keep) and live until the command's end.
 * RFC 9051 9, with what clients send besides: NIL, atoms with "]".
 * Owner:  nothing to free.
 */
#ifndef QIMAPD_ARG_H
#define QIMAPD_ARG_H

#include <stddef.h>
#include <stdint.h>

struct arg {
	const char *p;
	size_t n;
	size_t at;
	int utf8; /* UTF8=ACCEPT or IMAP4rev2: quoted strings may hold UTF-8 */
};

struct text { /* NUL-ended, n bytes, no NUL inside */
	const char *p;
	size_t n;
};

int arg_space(struct arg *a);                   /* one SP */
int arg_end(const struct arg *a);               /* 1: nothing is left */
int arg_char(struct arg *a, char c);            /* exactly c */
int arg_peek(const struct arg *a);              /* the next byte, or -1 */
int arg_word(struct arg *a, const char *word);  /* this atom, any case, and its end */
int arg_atom(struct arg *a, struct text *t);    /* ATOM-CHARs */
int arg_astring(struct arg *a, struct text *t); /* atom, quoted or literal */
int arg_string(struct arg *a, struct text *t);  /* quoted or literal */
int arg_nstring(struct arg *a, struct text *t); /* or NIL: t->p is NULL */
int arg_bytes(struct arg *a, struct text *t);   /* literal or literal8, NUL allowed */
int arg_mailbox(struct arg *a,
		char *name); /* canonical UTF-8 of store.h, FOLDER_NAME + 1 bytes */
int arg_pattern(struct arg *a, struct text *t); /* list-mailbox: with % and * */
int arg_u32(struct arg *a, uint32_t *n);
int arg_nz32(struct arg *a, uint32_t *n); /* not 0 */
int arg_u64(struct arg *a, uint64_t *n);  /* up to 2^63 - 1 */
int arg_flag(struct arg *a, unsigned *flags,
	     struct text *keyword); /* one flag; keyword->p NULL: a system flag */
int arg_datetime(struct arg *a, int64_t *when);

/* The command's arena: freed all at once at its end; NULL with ENOMEM over ARG_ARENA bytes. */
enum { ARG_ARENA = 16 * 1024 * 1024 };
void *arg_keep(size_t n);
void arg_forget(void);

#endif
