#include "mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "answer.h"
#include "clock.h"

static const char from[] = "From ";
enum { FROM_LEN = sizeof from - 1, LOCK_PAUSE_MS = 100 };

/* ---- quoting ---- */

void mbox_out_init(struct mbox_out *o, struct wbuf *w)
{
	*o = (struct mbox_out){.w = w, .last = '\n'};
}

/* What was held back of this line's beginning. */
static int release(struct mbox_out *o)
{
	if (o->from == FROM_LEN && wbuf_put(o->w, ">", 1) == -1)
		return -1;
	for (; o->quotes > 0; o->quotes--)
		if (wbuf_put(o->w, ">", 1) == -1)
			return -1;
	if (wbuf_put(o->w, from, o->from) == -1)
		return -1;
	o->from = 0;
	o->in_line = 1;
	return 0;
}

static int put_start(struct mbox_out *o, char c)
{
	if (c == '>' && o->from == 0) {
		o->quotes++;
		return 0;
	}
	if (c == from[o->from]) {
		o->from++;
		return o->from == FROM_LEN ? release(o) : 0;
	}
	if (release(o) == -1)
		return -1;
	o->in_line = c != '\n';
	return wbuf_put(o->w, &c, 1);
}

int mbox_out_put(void *arg, const void *data, size_t n)
{
	struct mbox_out *o = arg;
	const char *p = data;

	if (n > 0)
		o->last = p[n - 1];
	while (n > 0) {
		const char *lf;
		size_t len = 1;

		if (!o->in_line) {
			if (put_start(o, *p) == -1)
				return -1;
		} else {
			lf = memchr(p, '\n', n);
			len = lf != NULL ? (size_t)(lf - p) + 1 : n;
			if (wbuf_put(o->w, p, len) == -1)
				return -1;
			o->in_line = lf == NULL;
		}
		p += len;
		n -= len;
	}
	return 0;
}

/* The line end that a last line may lack, and the blank line between messages. */
int mbox_out_end(struct mbox_out *o)
{
	if (!o->in_line && release(o) == -1)
		return -1;
	if (o->last != '\n' && wbuf_put(o->w, "\n", 1) == -1)
		return -1;
	return wbuf_put(o->w, "\n", 1);
}

/* ---- the file ---- */

static int try_lock(int fd)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_SETLK, &l) == -1 ? -1 : flock(fd, LOCK_EX | LOCK_NB);
}

static int lock_file(int fd)
{
	int64_t deadline = clock_mono_ms() + MBOX_LOCK_SECONDS * 1000;

	while (try_lock(fd) == -1) {
		if (errno != EAGAIN && errno != EACCES && errno != EWOULDBLOCK)
			return -1;
		if (clock_left_ms(deadline) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		(void)poll(NULL, 0, LOCK_PAUSE_MS);
	}
	return 0;
}

static int open_file(int base, const char *path)
{
	return openat(base, path,
		      O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		      0600);
}

/* An append that was cut off by a crash ends anywhere, and a From_ line counts only
 * behind a blank line. */
int mbox_separate(int fd, int64_t end, struct wbuf *w)
{
	char last[2] = "\n\n";
	size_t n = end < 2 ? (size_t)end : sizeof last;

	if (pread(fd, last + sizeof last - n, n, end - (int64_t)n) != (ssize_t)n)
		return -1;
	if (last[1] != '\n')
		return wbuf_puts(w, "\n\n");
	return end > 0 && last[0] != '\n' ? wbuf_puts(w, "\n") : 0;
}

int mbox_open(int base, const char *path, int64_t *end, struct answer *a)
{
	int fd = open_file(base, path);
	struct stat st;

	if (fd == -1) {
		answer_errno(a, "open", path);
		return -1;
	}
	if (fstat(fd, &st) == -1 || lock_file(fd) == -1)
		answer_errno(a, "lock", path);
	else if (!S_ISREG(st.st_mode))
		answer_set(a, LATER, "%s is not a plain file (#4.3.5)", path);
	else if ((*end = (int64_t)lseek(fd, 0, SEEK_END)) == -1)
		answer_errno(a, "seek in", path);
	else
		return fd;
	(void)close(fd);
	return -1;
}
