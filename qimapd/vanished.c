#include "vanished.h"

#include "io.h"
#include "session.h"

struct wanted {
	const struct set *uids;
	struct set found;
};

/* The part of [lo, hi] that the client asked about. */
static int add_run(void *arg, uint32_t lo, uint32_t hi)
{
	struct wanted *v = arg;
	size_t at = 0, end = v->uids->n;

	while (at < end) {
		size_t mid = at + (end - at) / 2;

		if (v->uids->r[mid].hi < lo)
			at = mid + 1;
		else
			end = mid;
	}
	for (; at < v->uids->n && v->uids->r[at].lo <= hi; at++) {
		const struct range *r = &v->uids->r[at];

		if (set_add(&v->found, r->lo > lo ? r->lo : lo,
			    r->hi < hi ? r->hi : hi) == -1)
			return -1;
	}
	return 0;
}

/* Every uid below UIDNEXT that no message has. */
static int add_missing(struct wanted *v)
{
	struct box *b = &session.box;
	uint32_t next = 1;

	for (size_t i = 0; i < b->count; i++) {
		const struct msg *m = box_at(b, i);

		if (m == NULL || (m->uid > next && add_run(v, next, m->uid - 1) == -1))
			return -1;
		next = m->uid + 1;
	}
	return b->uidnext > next ? add_run(v, next, b->uidnext - 1) : 0;
}

int vanished_tell(const struct set *uids, uint64_t since)
{
	struct wanted v = {.uids = uids};
	int r = box_vanished(&session.box, since, add_run, &v);

	if (r == 1) {
		set_clear(&v.found);
		r = add_missing(&v);
	}
	if (r == 0 && v.found.n > 0) {
		set_sort(&v.found);
		io_puts("* VANISHED (EARLIER) ");
		set_put(&v.found);
		io_puts("\r\n");
	}
	set_free(&v.found);
	return r == 0 ? 0 : -1;
}

void condstore_on(void)
{
	if (session.on & ON_CONDSTORE)
		return;
	session.on |= ON_CONDSTORE;
	if (session.state != ST_SELECTED)
		return;
	io_puts("* OK [HIGHESTMODSEQ ");
	io_number(session.box.highestmodseq);
	io_puts("] CONDSTORE is on\r\n");
}
