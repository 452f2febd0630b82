#include "counts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "paths.h"
#include "prog.h"

enum {
	EVERY_MS = 60 * 1000,
	RECORD_BYTES = 6 * 4 + COUNTS_LOGIN + 1,
	FILE_BYTES = 64 + SENDING_MAX * RECORD_BYTES,
};

static const char name[] = "counts", fresh[] = "counts.new";

static uint64_t wall_ms(void)
{
	return clock_wall_ns() / 1000000;
}

static struct counts *of_work(struct work *w)
{
	return (struct counts *)((char *)w - offsetof(struct counts, work));
}

/* ---- reading ---- */

static int read_file(int fd, struct sbuf *b)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EBADMSG;
		return -1;
	}
	return sbuf_read(b, fd);
}

static void read_counts(struct counts *c, struct sending *s, int64_t now)
{
	int fd = openat(c->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1 && errno == ENOENT)
		return;
	if (fd == -1 || read_file(fd, &c->text) == -1 ||
	    counts_take(s, c->text.p, c->text.len, now, wall_ms()) == -1)
		warn_msg("queue/sending/counts: %s: what logins sent is counted anew",
			 errno == EBADMSG ? "damaged" : strerror(errno));
	if (fd != -1)
		(void)close(fd);
	sbuf_free(&c->text);
}

void counts_open(struct counts *c, struct sending *s, int64_t now)
{
	char path[LIMIT_PATH];

	*c = (struct counts){.dir = -1, .text = SBUF_INIT(FILE_BYTES), .due_at = now};
	if (path_join(path, sizeof path, paths.queue, "sending") != NULL)
		c->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir == -1)
		warn_msg("queue/sending: %s: a restart will forget what logins sent; "
			 "qctl house dirs makes it",
			 strerror(errno));
	else
		read_counts(c, s, now);
}

/* ---- writing ---- */

static int write_file(int fd, const struct sbuf *b)
{
	int r = fd_write_at(fd, b->p, b->len, 0);

	return close(fd) == -1 ? -1 : r;
}

/* Never what lies there already: a crash's half, or what could hold us up. */
static int make_fresh(int dir)
{
	if (unlinkat(dir, fresh, 0) == -1 && errno != ENOENT)
		return -1;
	return openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static int replace(struct work *w, unsigned thread)
{
	struct counts *c = of_work(w);
	int fd = make_fresh(c->dir);

	(void)thread;
	if (fd == -1)
		return -1;
	if (write_file(fd, &c->text) == 0)
		return renameat(c->dir, fresh, c->dir, name);
	return -1;
}

/* Once, and not every minute of a full disk. */
static void replaced(struct work *w)
{
	struct counts *c = of_work(w);

	c->writing = 0;
	sbuf_free(&c->text);
	if (w->error != 0 && !c->failed) {
		errno = w->error;
		warn_sys("write queue/sending/counts");
	}
	c->failed = w->error != 0;
}

/* There is something to write, and nobody writes. */
static int is_wanted(const struct counts *c, const struct sending *s)
{
	return c->dir != -1 && !c->writing && (s->changed || c->failed);
}

static int prepare(struct counts *c, struct sending *s, int64_t now)
{
	if (!is_wanted(c, s))
		return -1;
	c->due_at = now + EVERY_MS;
	if (counts_put(&c->text, s, now, wall_ms()) == 0) {
		s->changed = 0;
		return 0;
	}
	sbuf_free(&c->text);
	return -1;
}

int64_t counts_due(const struct counts *c, const struct sending *s)
{
	return is_wanted(c, s) ? c->due_at : CLOCK_NEVER;
}

void counts_tick(struct counts *c, struct sending *s, struct syncer *syncer, int64_t now)
{
	if (now < counts_due(c, s) || prepare(c, s, now) == -1)
		return;
	c->writing = 1;
	c->work = (struct work){.run = replace, .done = replaced};
	syncer_add(syncer, &c->work);
}

/* Also what has grown older only: where the clock was set back, and stands still for the
 * text, hours go by in our lives alone. */
void counts_close(struct counts *c, struct sending *s, int64_t now)
{
	s->changed |= s->count > 0;
	if (prepare(c, s, now) == -1)
		return;
	c->work.error = replace(&c->work, 0) == -1 ? errno : 0;
	replaced(&c->work);
}
