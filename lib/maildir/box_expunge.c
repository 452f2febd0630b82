/* Files are removed, then it is written down; told when both are durable. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maildir/box_int.h"

struct expunging {
	struct box *b;
	struct box_batch t;
	struct box_entry run;
	int from_new, from_cur;
};

static int try_unlink(void *arg, int dir, const char *name)
{
	struct expunging *x = arg;

	if (unlinkat(dir, name, 0) == -1)
		return -1;
	x->from_new |= dir == x->b->new_;
	x->from_cur |= dir == x->b->cur;
	return 0;
}

static int end_run(struct expunging *x)
{
	int r = x->run.hi == 0 ? 0 : boxbatch_put(&x->t, 'X', 0, &x->run);

	x->run.hi = 0;
	return r;
}

static int add_uid(struct expunging *x, uint32_t uid)
{
	if (x->run.hi != 0 && uid != x->run.hi + 1 && end_run(x) == -1)
		return -1;
	if (x->run.hi == 0)
		x->run.uid = uid;
	x->run.hi = uid;
	return 0;
}

/* What stops it half-way is told; what was removed until then is written down. */
static int remove_all(struct expunging *x, uint32_t *at, size_t *n)
{
	size_t done = 0;
	int r = 0;

	for (size_t i = 0; i < *n && r == 0; i++) {
		struct msg *m = box_at(x->b, at[i]);

		if (m == NULL) {
			r = -1;
		} else if (!(m->state & MSG_GONE)) {
			if (boxfile_with(x->b, at[i], try_unlink, x) == 0)
				at[done++] = at[i];
			else if (errno != ENOENT)
				r = -1;
		}
	}
	*n = done;
	return r;
}

static int put_runs(struct expunging *x, const uint32_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct msg *m = box_at(x->b, at[i]);

		if (m == NULL || (!(m->state & MSG_GONE) && add_uid(x, m->uid) == -1))
			return -1;
	}
	return end_run(x);
}

static int write_runs(struct expunging *x, const uint32_t *at, size_t n,
		      const struct box_changes *own)
{
	if (boxbatch_begin(&x->t, &box_state(x->b)->log, 1, boxapply, x->b) == -1)
		return -1;
	if (put_runs(x, at, n) == -1 || (own != NULL && boxtimes_put(&x->t, own) == -1)) {
		boxbatch_abort(&x->t);
		return -1;
	}
	return boxbatch_end(&x->t);
}

int boxexpunge_write(struct box *b, const uint32_t *at, size_t n)
{
	struct expunging x = {.b = b};

	return write_runs(&x, at, n, NULL);
}

static int write_down(struct expunging *x, const uint32_t *at, size_t n,
		      const struct box_changes *own)
{
	if (write_runs(x, at, n, own) == -1 || (x->from_cur && fsync(x->b->cur) == -1) ||
	    (x->from_new && fsync(x->b->new_) == -1))
		return -1;
	return 0;
}

static int expunge(struct box *b, uint32_t *at, size_t n)
{
	struct expunging x = {.b = b};
	struct box_changes own;
	int r;
	int e;

	boxtimes_begin(&own, b->new_, b->cur);
	r = remove_all(&x, at, &n);
	e = errno;
	if (n > 0 && write_down(&x, at, n, &own) == -1) {
		boxtimes_unsure(b);
		return -1;
	}
	errno = e;
	return r;
}

int box_expunge(struct box *b, const uint32_t *at, size_t n)
{
	uint32_t *copy;
	int r;

	if (n == 0)
		return 0;
	copy = reallocarray(NULL, n, sizeof *copy);
	if (copy == NULL)
		return -1;
	memcpy(copy, at, n * sizeof *copy);
	r = boxsession_lock(b, NULL);
	if (r == 0) {
		r = expunge(b, copy, n);
		boxlog_unlock(&box_state(b)->log);
	}
	free(copy);
	return r;
}
