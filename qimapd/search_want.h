/* search_want: "SP [RETURN (options) SP]", what SEARCH is to answer (RFC 9051 6.4.4), and the head
 * of that answer. Under IMAP4rev2 all are answered by ESEARCH. -1: there is no such option.
 */
#ifndef QIMAPD_SEARCH_WANT_H
#define QIMAPD_SEARCH_WANT_H

#include "session.h"

enum search_wants {
	WANT_MIN = 1,
	WANT_MAX = 2,
	WANT_ALL = 4,
	WANT_COUNT = 8,
	WANT_SAVE = 16
};

struct search_want {
	unsigned bits; /* 0: as RFC 3501 has it */
	int has_return;
};

int search_want_read(struct search_want *want, struct words *w);
void search_head(const struct command *c); /* "* ESEARCH (TAG …) UID" */

#endif
