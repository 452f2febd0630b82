#include "maildir/put.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "maildir/deliver.h"
#include "qlimits.h"
#include "rnd.h"

#define NS_PER_S 1000000000U

/* struct put.last */
enum {
	HAS_CR = 1,  /* a CR came and is not written yet */
	AFTER_CR = 2 /* what was written last is a CR */
};

/* "SECONDS.RANDOM.HOST": at most 70 bytes where the host's name has 30, as POP3 likes it. */
static void make_base(struct put *p)
{
	uint64_t r = (uint64_t)rnd_u32() << 32 | rnd_u32();

	(void)snprintf(p->base, sizeof p->base, "%" PRIu64 ".R%016" PRIx64 ".%s",
		       clock_wall_ns() / NS_PER_S, r, maildir_host());
}

int put_begin(struct put *p, int dir, int64_t date)
{
	char path[sizeof p->tmp + 4];
	int fd;

	p->dir = dir;
	p->flags = 0;
	p->keywords = NULL;
	p->date = date;
	p->wire = 0;
	p->last = 0;
	make_base(p);
	memcpy(p->tmp, p->base, sizeof p->tmp);
	(void)snprintf(path, sizeof path, "tmp/%s", p->tmp);
	fd =
	    openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	wbuf_init(&p->w, fd);
	if (fd == -1)
		p->tmp[0] = '\0';
	return fd == -1 ? -1 : 0;
}

/* Bytes without a CR among them. */
static void put_plain(struct put *p, const char *at, const char *end)
{
	if (at == end)
		return;
	if (*at == '\n' && p->last & AFTER_CR)
		p->wire--;
	p->wire += (uint64_t)(end - at);
	for (const char *lf = at; (lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL;
	     lf++)
		p->wire++;
	p->last = 0;
	(void)wbuf_put(&p->w, at, (size_t)(end - at));
}

/* The CR that was held back is none of a line's end. */
static void put_cr(struct put *p)
{
	p->wire++;
	p->last = AFTER_CR;
	(void)wbuf_put(&p->w, "\r", 1);
}

int put_write(struct put *p, const char *bytes, size_t n)
{
	const char *end = bytes + n;

	while (bytes < end) {
		const char *cr;

		if (p->last & HAS_CR && *bytes != '\n')
			put_cr(p);
		cr = memchr(bytes, '\r', (size_t)(end - bytes));
		p->last &= ~HAS_CR;
		put_plain(p, bytes, cr != NULL ? cr : end);
		bytes = cr != NULL ? cr + 1 : end;
		if (cr != NULL)
			p->last |= HAS_CR;
	}
	if (p->w.error == 0 && p->wire > LIMIT_MESSAGE)
		p->w.error = EFBIG;
	if (p->w.error != 0)
		errno = p->w.error;
	return p->w.error != 0 ? -1 : 0;
}

static int set_date(const struct put *p)
{
	const struct timespec t[2] = {{.tv_nsec = UTIME_OMIT},
				      {.tv_sec = (time_t)p->date}};

	return futimens(p->w.fd, t);
}

int put_sync(struct put *p)
{
	size_t n = strlen(p->base);
	int fd = p->w.fd;

	if (p->last & HAS_CR)
		put_cr(p);
	if (wbuf_flush(&p->w) == -1 || set_date(p) == -1 || fsync(fd) == -1)
		return -1;
	(void)snprintf(p->base + n, sizeof p->base - n, ",S=%" PRIu64 ",W=%" PRIu64,
		       p->w.bytes, p->wire);
	p->w.fd = -1;
	return close(fd);
}

/* As many as one command may bring. */
int put_arrive(int dir, struct put *const *p, size_t n, struct box_copied *out,
	       struct box_kept **kept)
{
	struct box_arrival a[PUT_MAX];

	if (n == 0 || n > PUT_MAX) {
		errno = E2BIG;
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		a[i] = (struct box_arrival){.tmp = p[i]->tmp,
					    .base = p[i]->base,
					    .flags = p[i]->flags,
					    .keywords = p[i]->keywords};
	if (box_arrive(dir, a, n, out, kept) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		p[i]->tmp[0] = '\0';
	return 0;
}

void put_end(struct put *p)
{
	char path[sizeof p->tmp + 4];
	int e = errno;

	if (p->w.fd != -1)
		(void)close(p->w.fd);
	p->w.fd = -1;
	if (p->tmp[0] != '\0') {
		(void)snprintf(path, sizeof path, "tmp/%s", p->tmp);
		(void)unlinkat(p->dir, path, 0);
	}
	p->tmp[0] = '\0';
	errno = e;
}
