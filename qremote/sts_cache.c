#include "sts_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "paths.h"
#include "sbuf.h"

static int dir = -1;
static DIR *walk;

/* No domain begins with a dot. */
static const char fresh[] = ".new";

uint64_t sts_now(void)
{
	return clock_wall_ns() / 1000000000;
}

int sts_cache_open(void)
{
	dir = open(paths.sts, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return -1;
	return unlinkat(dir, fresh, 0) == -1 && errno != ENOENT ? -1 : 0;
}

void sts_cache_close(void)
{
	(void)close(dir);
	dir = -1;
}

static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t r;

	while (len < size && (r = read(fd, buf + len, size - len)) != 0) {
		if (r == -1)
			return -1;
		len += (size_t)r;
	}
	return (ssize_t)len;
}

/* When the clock was set back a policy lives as long as from now on. */
static int is_over(const struct sts_record *r)
{
	uint64_t now = sts_now();

	return now > r->fetched && now - r->fetched > r->max_age;
}

int sts_cache_get(const char *domain, struct sts_record *r)
{
	char buf[LIMIT_STSRECORD];
	int fd = openat(dir, domain, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	n = read_all(fd, buf, sizeof buf);
	(void)close(fd);
	if (n == -1 || sts_record_get(r, buf, (size_t)n) == -1)
		return -1;
	if (!is_over(r))
		return 1;
	(void)unlinkat(dir, domain, 0);
	return 0;
}

static int write_file(const struct sbuf *b)
{
	int fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0600);
	int bad;

	if (fd == -1)
		return -1;
	bad = fd_write_full(fd, b->p, b->len, CLOCK_NEVER) == -1 || fsync(fd) == -1;
	return close(fd) == -1 || bad ? -1 : 0;
}

int sts_cache_put(const char *domain, const struct sts_record *r)
{
	struct sbuf b = SBUF_INIT(LIMIT_STSRECORD);
	int done = -1;

	if (sts_record_put(&b, r) == 0 && write_file(&b) == 0 &&
	    renameat(dir, fresh, dir, domain) == 0)
		done = fsync(dir);
	sbuf_free(&b);
	return done;
}

void sts_cache_next(char domain[LIMIT_STSDOMAIN + 1])
{
	const struct dirent *e;

	domain[0] = '\0';
	if (walk == NULL)
		walk = opendir(paths.sts);
	if (walk == NULL)
		return;
	while ((e = readdir(walk)) != NULL)
		if (sts_is_domain(e->d_name)) {
			memcpy(domain, e->d_name, strlen(e->d_name) + 1);
			return;
		}
	(void)closedir(walk);
	walk = NULL;
}
