/* name: what the name of a file in new/ or cur/ says.
 *
 *	BASE[,FIELD...][:2,LETTERS]
 *
 * BASE is what a message is known by: all before the first ',' or ':'. It never changes.
 * FIELDS (S=bytes, W=bytes in CRLF form, U= of others, anything) are kept as they are;
 * S and W may be missing or wrong. LETTERS: P R S T D F are flags, in new/ there are none;
 * every other letter (a to z: keywords of others) is kept where it was in the order.
 * An info part that does not begin with "2," is not understood: it is kept while the
 * flags do not change, and replaced by ":2,LETTERS" when they do.
 * Names that begin with a dot are no messages, nor is a name with a '/' or a byte below
 * 0x20 in it, or one of more than MSG_NAME bytes.
 * Owner:  offsets and pointers are into the caller's name; nothing is allocated.
 */
#ifndef QUOIN_MAILDIR_NAME_H
#define QUOIN_MAILDIR_NAME_H

#include <stddef.h>
#include <stdint.h>

enum { MSG_NAME = 255 }; /* NAME_MAX */

enum msg_flag { /* struct msg.flags */
		MSG_PASSED =
		    1, /* P, no flag of IMAP's; the keyword $Forwarded shows it */
		MSG_ANSWERED = 2, /* R */
		MSG_SEEN = 4,     /* S */
		MSG_DELETED = 8,  /* T */
		MSG_DRAFT = 16,   /* D */
		MSG_FLAGGED = 32  /* F */
};

struct msg_name {
	size_t base;    /* its length */
	size_t info;    /* where ":…" begins; the name's length if there is none */
	unsigned flags; /* enum msg_flag */
	int has_s, has_w;
	uint64_t s, w; /* if has_ */
};

/* 0, or -1: that is no message. */
int msg_name_read(struct msg_name *n, const char *name);
/* The same without S and W: a first look at a mailbox reads all names. */
int msg_name_split(struct msg_name *n, const char *name);
/* Of BASE,FIELDS in len bytes: the length of BASE; 0: that is none. */
size_t msg_name_base(const char *stem, size_t len);

/* The name in cur/ with these flags: out has MSG_NAME + 1 bytes. -1 with ENAMETOOLONG. */
int msg_name_make(char *out, const char *name, unsigned flags);
/* The same of BASE,FIELDS in len bytes. */
int msg_name_add(char *out, const char *stem, size_t len, unsigned flags);

#endif
