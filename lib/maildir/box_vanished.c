/* Which uids were expunged since a modseq (RFC 7162, QRESYNC). */
#include "maildir/box_int.h"

int box_vanished(struct box *b, uint64_t since,
		 int (*each)(void *arg, uint32_t lo, uint32_t hi), void *arg)
{
	struct box_state *s = box_state(b);

	if (since < s->log.floor)
		return 1;
	for (size_t i = 0; i < s->nruns; i++)
		if (s->runs[i].modseq > since &&
		    each(arg, s->runs[i].lo, s->runs[i].hi) != 0)
			break;
	return 0;
}
