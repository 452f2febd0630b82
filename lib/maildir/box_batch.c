/* Many entries of one kind and another, as items of as few records as they fit in. Each
 * record has a modseq of its own: whoever reads the first must not think that he knows
 * what the second changes. */
#include <errno.h>
#include <string.h>

#include "maildir/box_int.h"

enum { FULL = RECORD_MAX - 1024 };

static void end_item(struct box_batch *t)
{
	if (t->what != 0)
		boxitem_end(&t->record, t->mark, t->n);
	t->what = 0;
	t->n = 0;
}

static int write_record(struct box_batch *t, int sync)
{
	end_item(t);
	if (t->record.len <= RECORD_HEAD)
		return 0;
	return boxlog_write(t->log, &t->record, sync, t->take, t->arg);
}

static int begin_record(struct box_batch *t)
{
	if (boxlog_modseq(t->log, t->synced, &t->modseq) == -1)
		return -1;
	return boxlog_begin(&t->record);
}

int boxbatch_begin(struct box_batch *t, struct box_log *log, int synced,
		   boxlog_take *take, void *arg)
{
	*t = (struct box_batch){.log = log,
				.synced = synced,
				.take = take,
				.arg = arg,
				.record = SBUF_INIT(RECORD_MAX + RECORD_HEAD + SUM_LEN)};
	return begin_record(t);
}

int boxbatch_put(struct box_batch *t, char what, int64_t saved, const struct box_entry *e)
{
	if (t->record.len > FULL || t->n >= RECORD_ITEMS) {
		if (write_record(t, 0) == -1 || begin_record(t) == -1)
			return -1;
	}
	if (t->what != what) {
		end_item(t);
		if (boxitem_begin(&t->record, what, t->modseq, saved, &t->mark) == -1)
			return -1;
		t->what = what;
	}
	t->n++;
	return boxitem_put(&t->record, what, e);
}

int boxbatch_end(struct box_batch *t)
{
	int r = write_record(t, t->synced);

	if (r == 0 && t->synced)
		r = boxlog_sync(t->log);
	sbuf_free(&t->record);
	return r;
}

void boxbatch_abort(struct box_batch *t)
{
	int e = errno;

	sbuf_free(&t->record);
	errno = e;
}
