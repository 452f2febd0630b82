/* dotline: the lines of a dot-file, dot-qmail(5).
 *
 *	#...		comment		|command	program
 *	&address	forward (the & may be left out before a letter or digit)
 *	/... or .	with a final slash a Maildir, without one an mbox
 *	+list		from here on forwards only; other +words mean nothing
 *
 * Blanks (and a CR) at the end of a line do not count. The first line may not be
 * blank, a file that is empty is the caller's case. Nothing is carried out before all
 * of the file was understood.
 * Owner:  dot_free(); the list has copies of all texts.
 * Errors: -1 with error, one line of text: always temporary.
 */
#ifndef QLOCAL_DOTLINE_H
#define QLOCAL_DOTLINE_H

#include <stddef.h>

enum { LIMIT_DOTFILE = 1048576, LIMIT_DOTLINE = 8192 };

enum dot_kind {
	DOT_MAILDIR,
	DOT_MBOX,
	DOT_PROGRAM,
	DOT_FORWARD,
	DOT_DISCARD,
	DOT_REFUSE
};

struct dot_item {
	enum dot_kind kind;
	char *text;
};

struct dot_list {
	struct dot_item *items;
	size_t n;
	size_t cap;
	int forward_only; /* the file has its x bit, or said +list */
	char error[160];
};

void dot_init(struct dot_list *l);
void dot_free(struct dot_list *l);

int dot_add(struct dot_list *l, enum dot_kind kind, const char *text);

/* p[n] must be writable, because the last line may lack its line end; the bytes are
 * changed. */
int dot_parse(struct dot_list *l, char *p, size_t n);

#endif
