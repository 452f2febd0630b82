#include <errno.h>

#include "maildir/box_int.h"

int boxindex_load(struct box_list *l, struct box_block *b)
{
	(void)l;
	(void)b;
	errno = EIO;
	return -1;
}

void boxindex_start(struct box_log *l)
{
	(void)l;
}

void box_checkpoint(struct box *b)
{
	(void)b;
}

void box_rest(struct box *b)
{
	boxlist_rest(&box_state(b)->list, 0);
}
