#include "file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "maildir/box.h"
#include "rbuf.h"
#include "send.h"

static char chunk[FILE_CHUNK];

/* FIFOs and most devices have no pread(), nor have directories. */
static int read_more(struct file *f)
{
	ssize_t n;

	do
		n = pread(f->fd, chunk, sizeof chunk, (off_t)f->at);
	while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == ESPIPE || errno == EISDIR))
		errno = EINVAL;
	if (n == -1)
		return -1;
	f->have = (size_t)n;
	f->at += f->have;
	return 0;
}

/* Who wrote the message wrote its name: what was read is all, and of a plain file. */
static int is_said(struct box *b, size_t i, size_t n)
{
	const struct msg *m = box_at(b, i);
	struct msg_name name;

	return n < sizeof chunk && m != NULL && msg_name_read(&name, m->name) == 0 &&
	       name.has_s && name.s == n;
}

static int is_plain(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return 1;
	errno = EINVAL;
	return 0;
}

int file_open(struct file *f, struct box *b, size_t i)
{
	*f = (struct file){.fd = box_message_unseen(b, i)};
	if (f->fd == -1)
		return -1;
	if (read_more(f) == 0) {
		f->is_whole = is_said(b, i, f->have);
		if (f->is_whole || is_plain(f->fd))
			return 0;
	}
	file_close(f);
	return -1;
}

void file_close(struct file *f)
{
	int saved = errno;

	(void)close(f->fd);
	errno = saved;
}

int file_send(struct file *f, struct wire *w, int64_t idle_ms)
{
	int r = 1;

	while (r == 1 && f->have > 0) {
		w->out->deadline = clock_mono_ms() + idle_ms;
		r = wire_put(w, chunk, f->have);
		f->have = 0;
		if (r == 1 && !f->is_whole && read_more(f) == -1)
			return -2;
	}
	return r == -1 ? -1 : wire_end(w);
}
