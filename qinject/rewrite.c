#include "rewrite.h"

#include "address.h"
#include "alist822.h"
#include "fail.h"
#include "hosts.h"
#include "sbuf.h"

static int copy(struct sbuf *out, const char *p, size_t n)
{
	if (sbuf_cat(out, p, n) == -1)
		return fail_full(FAIL_DATA, "the header grows too large");
	return 0;
}

/* What stands from *done to the end of this mailbox, completed. */
static int one(struct sbuf *out, const char *p, const struct mailbox822 *m, size_t *done)
{
	size_t from = *done;

	*done = m->end;
	if (m->start == m->end)
		return copy(out, p + from, m->end - from);
	if (m->domain > 0)
		return copy(out, p + from, m->domain - from) == -1
			   ? -1
			   : host_complete(out, p + m->domain, m->end - m->domain);
	if (copy(out, p + from, m->local_end - from) == -1 || copy(out, "@", 1) == -1)
		return -1;
	return host_complete(out, NULL, 0);
}

static int tell(const char *p, const struct mailbox822 *m,
		int (*each)(void *arg, const char *kept), void *arg)
{
	char kept[LIMIT_ADDRESS + 1];

	if (each == NULL)
		return 0;
	return address_of(p, m, kept) == -1 ? -1 : each(arg, kept);
}

int rewrite_addresses(struct sbuf *out, const char *p, size_t n,
		      int (*each)(void *arg, const char *kept), void *arg)
{
	size_t before = out->len;
	size_t done = 0;
	struct alist822 l;
	struct mailbox822 m;
	int r;

	alist822_init(&l, p, n);
	while ((r = alist822_next(&l, &m)) == 1)
		if (one(out, p, &m, &done) == -1 || tell(p, &m, each, arg) == -1)
			return -1;
	if (r == -1) {
		out->len = before;
		return copy(out, p, n) == -1 ? -1 : 1;
	}
	return copy(out, p + done, n - done);
}
