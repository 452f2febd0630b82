/* Which uids were expunged since a modseq (RFC 7162, QRESYNC): runs that the index has, and
 * those of records since. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/box_index.h"

/* The caller frees it. */
int boxruns_read(const struct box_state *s, struct box_run **out, size_t *n)
{
	size_t len = s->index_runs * sizeof **out;

	*n = s->index_runs;
	*out = calloc(1, len + 1);
	if (*out == NULL)
		return -1;
	if (len == 0)
		return 0;
	if (boxindex_read_at(s->list.fd, *out, len, s->index_runs_at) == 0) {
		if (boxsum_bytes(*out, len) == s->index_runs_check)
			return 0;
		errno = EBADMSG;
	}
	free(*out);
	return -1;
}

/* With those of records since; the caller frees them. */
int boxruns_all(const struct box_state *s, struct box_run **out, size_t *n)
{
	struct box_run *old;
	size_t index;

	if (boxruns_read(s, &old, &index) == -1)
		return -1;
	*n = index + s->nruns;
	*out = reallocarray(old, *n + 1, sizeof **out);
	if (*out == NULL) {
		free(old);
		return -1;
	}
	if (s->nruns > 0)
		memcpy(*out + index, s->runs, s->nruns * sizeof **out);
	return 0;
}

/* They ascend by modseq. */
static size_t first_above(const struct box_run *p, size_t n, uint64_t since)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (p[mid].modseq <= since)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

static int give(const struct box_run *p, size_t n, uint64_t since,
		int (*each)(void *arg, uint32_t lo, uint32_t hi), void *arg)
{
	for (size_t i = first_above(p, n, since); i < n; i++)
		if (each(arg, p[i].lo, p[i].hi) != 0)
			return 1;
	return 0;
}

int box_vanished(struct box *b, uint64_t since,
		 int (*each)(void *arg, uint32_t lo, uint32_t hi), void *arg)
{
	struct box_state *s = box_state(b);
	struct box_run *old;
	size_t n;

	/* A damaged index: as if nothing were remembered. */
	if (since < s->log.floor || boxruns_read(s, &old, &n) == -1)
		return 1;
	if (give(old, n, since, each, arg) == 0)
		(void)give(s->runs, s->nruns, since, each, arg);
	free(old);
	return 0;
}
