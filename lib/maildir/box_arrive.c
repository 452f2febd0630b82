/* New messages from tmp/: all, or none. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "maildir/box_int.h"

static int is_base(const char *base)
{
	struct msg_name n;

	return msg_name_read(&n, base) == 0 && n.info == strlen(base);
}

static int rename_one(const struct box_target *t, const struct box_arrival *a, int back)
{
	char name[MSG_NAME + 1];

	if (!is_base(a->base)) {
		errno = EINVAL;
		return -1;
	}
	if (msg_name_make(name, a->base, a->flags) == -1)
		return -1;
	return back ? boxdir_move(t->cur, name, t->tmp, a->tmp)
		    : boxdir_move(t->tmp, a->tmp, t->cur, name);
}

static void undo(const struct box_target *t, const struct box_arrival *a, size_t n)
{
	int e = errno;

	for (size_t i = 0; i < n; i++)
		(void)rename_one(t, &a[i], 1);
	errno = e;
}

/* 64 names are given: the message comes without this one. */
static int bits_of(struct box_target *t, const struct box_arrival *a, uint64_t *bits)
{
	*bits = 0;
	for (const char *const *k = a->keywords; k != NULL && *k != NULL; k++) {
		int bit = boxwords_make(&t->log, NULL, NULL, *k);

		if (bit == -1 && errno != EMLINK)
			return -1;
		if (bit != -1)
			*bits |= UINT64_C(1) << bit;
	}
	return 0;
}

static int put_all(struct box_batch *b, struct box_target *t, const struct box_arrival *a,
		   const uint64_t *bits, size_t n)
{
	uint32_t uid = t->log.uidnext;
	int64_t now = (int64_t)time(NULL);

	if (n > UINT32_MAX - uid) {
		errno = EOVERFLOW;
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		struct box_entry e = {.uid = uid + (uint32_t)i,
				      .flags = (uint8_t)a[i].flags,
				      .text = a[i].base,
				      .len = strlen(a[i].base)};

		if (boxbatch_put(b, 'A', now, &e) == -1)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		struct box_entry e = {.uid = uid + (uint32_t)i, .keywords = bits[i]};

		if (bits[i] != 0 && boxbatch_put(b, 'K', 0, &e) == -1)
			return -1;
	}
	return 0;
}

int boxarrive_write(struct box_target *t, const struct box_arrival *a,
		    const uint64_t *bits, size_t n, const struct box_changes *own)
{
	struct box_batch b;

	if (boxbatch_begin(&b, &t->log, 1, NULL, NULL) == -1)
		return -1;
	if (put_all(&b, t, a, bits, n) == -1 || boxtimes_put(&b, own) == -1) {
		boxbatch_abort(&b);
		return -1;
	}
	return boxbatch_end(&b) == -1 || fsync(t->cur) == -1 ? -1 : 0;
}

static int arrive(struct box_target *t, const struct box_arrival *a, size_t n,
		  uint64_t *bits)
{
	struct box_changes own;
	size_t done = 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = bits_of(t, &a[i], &bits[i]);
	boxtimes_begin(&own, t->new_, t->cur);
	while (r == 0 && done < n && (r = rename_one(t, &a[done], 0)) == 0)
		done++;
	if (r == 0)
		r = boxarrive_write(t, a, bits, n, &own);
	if (r == -1)
		undo(t, a, done);
	return r;
}

int box_arrive(int dir, const struct box_arrival *a, size_t n, struct box_copied *out,
	       struct box_kept **kept)
{
	struct box_target t;
	uint64_t *bits = calloc(n + 1, sizeof *bits);
	int r = -1;

	if (bits != NULL && boxtarget_open(&t, dir, kept != NULL ? *kept : NULL) == 0) {
		*out = (struct box_copied){t.log.uidvalidity, t.log.uidnext, n};
		r = arrive(&t, a, n, bits);
		if (r == 0 && kept != NULL)
			boxtarget_keep(&t, kept);
		boxtarget_close(&t);
	}
	free(bits);
	return r;
}
