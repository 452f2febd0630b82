#include "draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"

/* What draft_add() may add over DRAFT_BUFFER is one read of the server. */
enum { DRAFT_MAX = QFILE_HEAD + LIMIT_ENVELOPE + 2 * DRAFT_BUFFER };

enum { SPARES = 4, SPARE_MAX = 16384 };

static int fail(int e)
{
	errno = e;
	return -1;
}

/* Buffers of small messages for those that come next: each would be mapped and unmapped.
 * The loop's alone. */
static struct sbuf spare[SPARES];
static size_t nspares;

static void give_back(struct sbuf *b)
{
	if (b->p == NULL || b->cap > SPARE_MAX || nspares == SPARES) {
		sbuf_free(b);
		return;
	}
	sbuf_clear(b);
	spare[nspares++] = *b;
	sbuf_init(b, DRAFT_MAX);
}

void draft_init(struct draft *d)
{
	*d = (struct draft){.fd = -1};
	msgid_init(&d->msgid);
	sbuf_init(&d->b, DRAFT_MAX);
}

int draft_begin(struct draft *d, const char *id, int tmp_dir, uid_t submitter)
{
	static const char no_head[QFILE_HEAD];

	draft_init(d);
	if (nspares > 0)
		d->b = spare[--nspares];
	memcpy(d->id, id, sizeof d->id);
	d->tmp_dir = tmp_dir;
	sum_init(&d->sum);
	if (sbuf_cat(&d->b, no_head, sizeof no_head) == -1 ||
	    sbuf_catc(&d->b, 'U') == -1 || sbuf_catu(&d->b, submitter) == -1)
		return -1;
	return sbuf_catc(&d->b, '\0');
}

int draft_envelope(struct draft *d, const char *p, size_t n)
{
	if (n > LIMIT_ENVELOPE - (d->b.len - QFILE_HEAD))
		return fail(EMSGSIZE);
	return sbuf_cat(&d->b, p, n);
}

int draft_envelope_end(struct draft *d, int trusted)
{
	struct envelope e;

	/* A second U, from the client, is an error of the grammar. */
	if (envelope_parse(&e, d->b.p + QFILE_HEAD, d->b.len - QFILE_HEAD) == -1)
		return fail(e.nrcpts == LIMIT_RECIPIENTS ? E2BIG : EBADMSG);
	if (!trusted && (e.client != NULL || e.login != NULL || e.relayed != NULL))
		return fail(EPERM);
	d->front = d->b.len;
	d->sender = (size_t)(e.sender - d->b.p);
	d->login = e.login != NULL ? (size_t)(e.login - d->b.p) : 0;
	d->nrcpts = e.nrcpts;
	return 0;
}

static int create(struct draft *d)
{
	d->fd = openat(d->tmp_dir, d->id,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	d->in_tmp = d->fd != -1;
	return d->in_tmp ? 0 : -1;
}

/* All of b that is not in the file; head and envelope stay in memory for the end. */
static int write_out(struct draft *d)
{
	if (d->fd == -1 && create(d) == -1)
		return -1;
	if (fd_write_full(d->fd, d->b.p + d->written, d->b.len - d->written,
			  CLOCK_NEVER) == -1)
		return -1;
	d->b.len = d->written = d->front;
	return 0;
}

static void drop_file(struct draft *d)
{
	if (d->in_tmp)
		(void)unlinkat(d->tmp_dir, d->id, 0);
	if (d->fd != -1)
		(void)close(d->fd);
	d->in_tmp = 0;
	d->fd = -1;
}

/* The buffer is the loop's, who drops the draft when he hears of it. */
static int drop_with(struct draft *d, int e)
{
	drop_file(d);
	return fail(e);
}

int draft_add(struct draft *d, const char *p, size_t n)
{
	if (n > LIMIT_MESSAGE - d->msg_len)
		return drop_with(d, EMSGSIZE);
	if (sbuf_cat(&d->b, p, n) == -1)
		return drop_with(d, errno);
	sum_add(&d->sum, p, n);
	msgid_add(&d->msgid, p, n);
	d->msg_len += n;
	if (d->b.len - d->front >= DRAFT_BUFFER && write_out(d) == -1)
		return drop_with(d, errno);
	return 0;
}

static void pack_head(struct draft *d)
{
	struct qfile_head h = {.env_len = (uint32_t)(d->front - QFILE_HEAD),
			       .msg_len = d->msg_len};

	sum_end(&d->sum, h.msg_sum);
	qfile_pack(d->b.p, &h, d->b.p + QFILE_HEAD);
}

/* The head goes out with the rest if nothing is written yet, else over its place. */
static int write_last(struct draft *d)
{
	int begun = d->fd != -1;
	ssize_t w;

	pack_head(d);
	if (write_out(d) == -1)
		return -1;
	if (!begun)
		return 0;
	w = pwrite(d->fd, d->b.p, QFILE_HEAD, 0);
	if (w == -1)
		return -1;
	return w == QFILE_HEAD ? 0 : fail(ENOSPC);
}

/* A file whose sync failed is dead: the kernel may have thrown its pages away. */
static int sync_file(struct draft *d)
{
	int fd = d->fd;

	if (fsync(fd) == -1)
		return -1;
	d->fd = -1; /* close() frees it even when it fails */
	return close(fd);
}

static int publish(struct draft *d, int new_dir)
{
	if (renameat(d->tmp_dir, d->id, new_dir, d->id) == -1)
		return -1;
	d->in_tmp = 0;
	if (fsync(new_dir) == -1) {
		int e = errno;

		/* qsend may have it already: then it is delivered, and again when the
		 * client repeats what we refuse. Better than lost. */
		(void)unlinkat(new_dir, d->id, 0);
		return fail(e);
	}
	return 0;
}

int draft_commit(struct draft *d, int new_dir)
{
	if (write_last(d) == -1 || sync_file(d) == -1 || publish(d, new_dir) == -1)
		return drop_with(d, errno);
	return 0;
}

void draft_drop(struct draft *d)
{
	drop_file(d);
	give_back(&d->b);
}
