#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cursor.h"
#include "forward.h"
#include "mbox.h"
#include "prog.h"
#include "step_int.h"

static struct wbuf out;

void stepper_init(struct stepper *s, int home, int lifeline, const struct settings *set)
{
	s->home = home;
	s->lifeline = lifeline;
	s->maildir = (struct maildir){.dir = -1, .tmp = -1, .new = -1};
	s->root = -1;
	s->full_is_final = set->full_is_final;
	sbuf_init(&s->envelope, LIMIT_ENVELOPE);
}

void step_check_lifeline(const struct stepper *s)
{
	struct pollfd p = {s->lifeline, 0, 0};

	if (poll(&p, 1, 0) == 1)
		die_msg(EXIT_TEMP, "the other side is gone");
}

int step_prefix(const struct delivery *d, message_sink *sink, void *arg)
{
	const char *lines[] = {d->returnpath, d->deliveredto, d->originalto};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (sink(arg, lines[i], strlen(lines[i])) == -1)
			return -1;
	return 0;
}

/* ---- mbox ---- */

static int fill_mbox(const struct delivery *d, int fd, int64_t end, struct answer *a)
{
	struct mbox_out o;

	wbuf_init(&out, fd);
	mbox_out_init(&o, &out);
	if (mbox_separate(fd, end, &out) == -1) {
		answer_errno(a, "read", "the mbox");
		return -1;
	}
	(void)wbuf_puts(&out, d->fromline);
	(void)step_prefix(d, mbox_out_put, &o);
	if (message_copy(&d->message, d->to, mbox_out_put, &o, a) == -1)
		return -1;
	if (mbox_out_end(&o) == -1 || wbuf_flush(&out) == -1 || fsync(fd) == -1) {
		answer_errno(a, "write", "the mbox");
		return -1;
	}
	return 0;
}

/* A new file is there after a power cut only if its directory is synced: before the
 * first byte, so that a file with bytes is one whose name is durable. */
static int sync_parent(int base, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[LIMIT_PATH];
	int fd;
	int r;

	if (slash == NULL)
		return fsync(base);
	memcpy(dir, path, (size_t)(slash - path) + 1);
	dir[slash - path + 1] = '\0';
	fd = openat(base, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	r = fsync(fd);
	(void)close(fd);
	return r;
}

void step_mbox(const struct stepper *s, const struct delivery *d, const char *path,
	       struct answer *a)
{
	int64_t end;
	int fd = mbox_open(s->home, path, &end, a);

	if (fd == -1)
		return;
	step_check_lifeline(s);
	if (end == 0 && sync_parent(s->home, path) == -1) {
		answer_errno(a, "sync the directory of", path);
		(void)close(fd);
		return;
	}
	if (fill_mbox(d, fd, end, a) == -1) {
		if (ftruncate(fd, end) == -1)
			warn_sys2("cut back", path);
		(void)close(fd);
		return;
	}
	if (close(fd) == -1)
		answer_errno(a, "sync", path);
	else
		answer_set(a, DONE, "%s", "");
}

/* ---- the copy for programs ---- */

static int into_wbuf(void *arg, const void *p, size_t n)
{
	return wbuf_put(arg, p, n);
}

/* /tmp rather than the home: it is there, and on no quota. */
static int open_unlinked(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

	return fd != -1 ? fd : memfd_create("message", MFD_CLOEXEC);
}

/* The copy: a descriptor at its beginning, or -1. */
static int make_copy(const struct delivery *d, struct answer *a)
{
	int fd = open_unlinked();

	if (fd == -1) {
		answer_errno(a, "make", "a temporary file");
		return -1;
	}
	wbuf_init(&out, fd);
	if (message_copy(&d->message, d->to, into_wbuf, &out, a) == 0) {
		if (wbuf_flush(&out) == 0 && lseek(fd, 0, SEEK_SET) == 0) {
			answer_set(a, DONE, "%s", "");
			return fd;
		}
		answer_errno(a, "write", "a temporary file");
	}
	(void)close(fd);
	return -1;
}

/* ---- frames ---- */

static int do_maildir(struct stepper *s, const struct delivery *d, struct cursor *c,
		      struct answer *a)
{
	const char *path;
	uint8_t make;

	if (cur_str(c, LIMIT_PATH - 1, &path) == -1 || cur_u8(c, &make) == -1 ||
	    cur_end(c) == -1)
		return -1;
	step_maildir(s, d, path, make, a);
	return 1;
}

static int do_mbox(struct stepper *s, const struct delivery *d, struct cursor *c,
		   struct answer *a)
{
	const char *path;

	if (cur_str(c, LIMIT_PATH - 1, &path) == -1 || cur_end(c) == -1)
		return -1;
	step_mbox(s, d, path, a);
	return 1;
}

static int do_envelope(struct stepper *s, struct cursor *c)
{
	return sbuf_cat(&s->envelope, c->p, c->len) == -1 ? -1 : 0;
}

static int do_submit(struct stepper *s, const struct delivery *d, struct cursor *c,
		     int fd, struct answer *a)
{
	const char *me;

	if (cur_str(c, LIMIT_DOMAIN, &me) == -1 || cur_end(c) == -1 || fd == -1)
		return -1;
	step_check_lifeline(s);
	forward_submit(fd, &s->envelope, d, me, a);
	sbuf_clear(&s->envelope);
	return 1;
}

int step_do(struct stepper *s, const struct delivery *d, const char *frame, size_t n,
	    int fd, struct answer *a, int *copy)
{
	struct cursor c;
	int r = -1;

	*copy = -1;
	cur_init(&c, frame + 1, n - 1);
	if (*frame == STEP_SUBMIT)
		return do_submit(s, d, &c, fd, a);
	if (fd != -1)
		(void)close(fd);
	switch (*frame) {
	case STEP_MAILDIR:
		r = do_maildir(s, d, &c, a);
		break;
	case STEP_MBOX:
		r = do_mbox(s, d, &c, a);
		break;
	case STEP_COPY:
		*copy = make_copy(d, a);
		r = 1;
		break;
	case STEP_ENVELOPE:
		r = do_envelope(s, &c);
		break;
	default:
		break;
	}
	return r;
}
