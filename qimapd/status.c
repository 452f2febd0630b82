#include "status.h"

#include <errno.h>
#include <unistd.h>

#include "io.h"
#include "out.h"
#include "session.h"
#include "vanished.h"

static const struct {
	const char *name;
	enum status_item item;
} all[STATUS_ITEMS] = {{"MESSAGES", STATUS_MESSAGES},
		       {"RECENT", STATUS_RECENT},
		       {"UIDNEXT", STATUS_UIDNEXT},
		       {"UIDVALIDITY", STATUS_UIDVALIDITY},
		       {"UNSEEN", STATUS_UNSEEN},
		       {"DELETED", STATUS_DELETED},
		       {"SIZE", STATUS_SIZE},
		       {"HIGHESTMODSEQ", STATUS_HIGHESTMODSEQ},
		       {"APPENDLIMIT", STATUS_APPENDLIMIT},
		       {"DELETED-STORAGE", STATUS_DELETED_STORAGE}};

static int take_item(struct words *w, unsigned *items)
{
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (take_word(w, all[i].name) == 0) {
			*items |= all[i].item;
			return 0;
		}
	return -1;
}

int status_take(struct words *w, unsigned *items)
{
	*items = 0;
	if (take_char(w, '(') == -1)
		return -1;
	do {
		if (*items != 0 && take_space(w) == -1)
			return -1;
		if (take_item(w, items) == -1)
			return -1;
	} while (words_peek(w) == ' ');
	if (*items & STATUS_HIGHESTMODSEQ)
		condstore_on();
	return take_char(w, ')');
}

static int open_quietly(struct box *b, const char *name)
{
	int dir = folder_open(&session.store, name);
	int e;

	if (dir == -1 || box_open(b, dir, 0) == 0)
		return dir == -1 ? -1 : 0;
	e = errno;
	(void)close(dir);
	errno = e;
	return -1;
}

/* RFC 9208 4.1.4: what an EXPUNGE would free. */
static uint64_t sum_deleted(struct box *b)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < b->count; i++) {
		const struct msg *m = box_at(b, i);

		if (m == NULL || (m->state & MSG_GONE) || !(m->flags & MSG_DELETED))
			continue;
		if (m->size == 0 && box_size(b, i) == 0)
			m = box_at(b, i);
		bytes += m != NULL ? m->size : 0;
	}
	return bytes;
}

static uint64_t value(struct box *b, const struct box_counts *c, enum status_item item)
{
	switch (item) {
	case STATUS_MESSAGES:
		return b->count - b->gone;
	case STATUS_RECENT:
		return c->in_new; /* nobody has claimed it yet */
	case STATUS_UIDNEXT:
		return b->uidnext;
	case STATUS_UIDVALIDITY:
		return b->uidvalidity;
	case STATUS_UNSEEN:
		return c->unseen;
	case STATUS_DELETED:
		return c->deleted;
	case STATUS_SIZE:
		return c->bytes;
	case STATUS_HIGHESTMODSEQ:
		return b->highestmodseq;
	case STATUS_APPENDLIMIT:
		return session.appendlimit;
	case STATUS_DELETED_STORAGE:
		return c->deleted > 0 ? sum_deleted(b) : 0;
	}
	return 0;
}

static void get(struct box *b, const struct box_counts *c, unsigned items,
		struct status *s)
{
	for (size_t i = 0; i < STATUS_ITEMS; i++)
		s->value[i] = items & all[i].item ? value(b, c, all[i].item) : 0;
}

int status_get(const char *name, unsigned items, struct status *s)
{
	struct box b;
	struct box_counts c = {0};
	int r;
	int e;

	if (open_quietly(&b, name) == -1)
		return -1;
	r = items & (STATUS_RECENT | STATUS_UNSEEN | STATUS_DELETED | STATUS_SIZE |
		     STATUS_DELETED_STORAGE)
		? box_counts(&b, &c, (items & STATUS_SIZE) != 0)
		: 0;
	e = errno;
	if (r == 0)
		get(&b, &c, items, s);
	box_close(&b);
	errno = e;
	return r;
}

void status_put(const char *name, unsigned items, const struct status *s)
{
	const char *separator = " (";

	io_puts("* STATUS ");
	out_mailbox(name);
	for (size_t i = 0; i < STATUS_ITEMS; i++)
		if (items & all[i].item) {
			io_puts(separator);
			io_puts(all[i].name);
			io_putc(' ');
			io_number(s->value[i]);
			separator = " ";
		}
	io_puts(")\r\n");
}

int status_tell(const char *name, unsigned items)
{
	struct status s = {{0}};

	if (status_get(name, items, &s) == -1)
		return -1;
	status_put(name, items, &s);
	return 0;
}
