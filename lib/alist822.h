/* alist822: address lists of header fields (RFC 5322 3.4 and 4.4), one mailbox after
 * another.
 *
 *	alist822_init(&l, p, n);
 *	while ((r = alist822_next(&l, &m)) == 1) ...
 *
 * Understood: comments (nested), quoted strings, folding, groups, display names (with
 * dots and 8-bit bytes, too), routes (passed over), literals, empty items, `;` between
 * addresses as some clients write it, a group whose `;` is missing. Names without a
 * domain are mailboxes: it is the caller who completes them. Two words without a comma
 * between them are an error: nobody knows which was meant.
 * One pass over the bytes, no recursion, nothing copied.
 * Results: 1 a mailbox, 0 the end, -1 with EINVAL: no address list; l->at is near the
 *          place.
 */
#ifndef QUOIN_ALIST822_H
#define QUOIN_ALIST822_H

#include <stddef.h>

struct sbuf;

struct alist822 {
	const char *p;
	size_t n;
	size_t at;
	int in_group;
	size_t comment, comment_end; /* of the item being read */
};

/* Offsets from p; the domain is [domain, end). */
struct mailbox822 {
	size_t name;        /* display name, with its quotes and comments; */
	size_t name_end;    /* equal: there is none */
	size_t comment;     /* the last one, with its parentheses: old form of a name; */
	size_t comment_end; /* equal: there is none */
	size_t route; /* of <@relay:user@host>, without the colon; equal: there is none */
	size_t route_end;
	size_t start; /* local part; start == end for <> */
	size_t local_end;
	size_t domain; /* 0: no domain */
	size_t end;
};

void alist822_init(struct alist822 *l, const char *p, size_t n);
int alist822_next(struct alist822 *l, struct mailbox822 *m);

/* The same with groups: 2 one begins, its name is in m; 3 it ends, also where its `;` is missing. After
 * -1 the next call goes on at l->at, which may be moved on to a comma. */
enum { ALIST822_MAILBOX = 1, ALIST822_GROUP, ALIST822_GROUP_END };
int alist822_item(struct alist822 *l, struct mailbox822 *m);

/* A mailbox's address in kept form (addr.h) without any completion, "" for <>:
 * comments, quotes and folding removed; appended to out. -1: as sbuf_cat(). */
__attribute__((warn_unused_result)) int
mailbox822_address(const char *p, const struct mailbox822 *m, struct sbuf *out);

#endif
