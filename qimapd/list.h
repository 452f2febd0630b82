/* list: one answer of LIST, for LIST itself, NOTIFY and RENAME.
 */
#ifndef QIMAPD_LIST_H
#define QIMAPD_LIST_H

#include "maildir/store.h"

enum list_bits {
	LIST_EXTENDED = 1,   /* \NonExistent where RFC 3501 had \Noselect */
	LIST_SUBSCRIBED = 2, /* \Subscribed */
	LIST_CHILDINFO = 4   /* something below it is subscribed */
};

/* "* LIST (…) "." name"; old: its name before, or NULL. bits: of list_bits. */
void list_put(const struct folder *f, unsigned bits, const char *old);
/* The same of one folder by its name, as it is now (SELECT and RENAME of IMAP4rev2). */
void list_tell(const struct store *s, const char *name, const char *old);

#endif
