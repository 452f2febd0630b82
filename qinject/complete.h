/* complete: turns the header that came in into the one that goes out, and finds the
 * envelope in it, as qmail-inject does.
 *
 *	Return-Path		names the sender (unless told otherwise), and goes
 *	Bcc, Resent-Bcc		give recipients, and go; Content-Length goes
 *	address fields		bare names and hosts are completed in place
 *	Date Message-ID From	are added where they are missing
 *	To, Cc, Bcc all missing	"Cc: recipient list not shown: ;" is added
 *
 * With any Resent- field the message is a forwarded one: recipients come from
 * Resent-To, -Cc and -Bcc and what is missing is added as Resent-. Only the first
 * block of Resent- fields counts (RFC 5322 3.6.6): older ones are history.
 * Errors: -1 and a fail() record.
 */
#ifndef QUOIN_COMPLETE_H
#define QUOIN_COMPLETE_H

#include "qlimits.h"
#include "rcpts.h"
#include "sbuf.h"

enum {
	WISH_HEADER_RCPTS = 1,       /* take recipients from the header */
	WISH_AUTHOR_FROM_SENDER = 2, /* -f of sendmail is the author, too */
	/* QMAILINJECT */
	WISH_COMMENT_STYLE = 4,  /* c: "user@host (Name)" */
	WISH_NO_RETURN_PATH = 8, /* s: Return-Path names nobody */
	WISH_NO_FROM = 16,       /* f: drop From */
	WISH_NO_MESSAGE_ID = 32, /* i: drop Message-ID */
	WISH_VERP = 64,          /* r: a sender for each recipient */
	WISH_MESSAGE_VERP = 128  /* m: a sender for each message */
};

struct wish {
	unsigned flags;
	const char *sender; /* kept form; NULL: as the header and environment say */
	const char *name;   /* of the author; NULL: as the environment says */
};

struct completed {
	struct sbuf header; /* with LF line ends, without the empty line */
	char sender[LIMIT_ADDRESS + 1];
};

/* rcpts may hold recipients already; those of the header are added. */
int complete(const struct wish *w, const struct sbuf *header, struct completed *out,
	     struct rcpts *rcpts);

#endif
