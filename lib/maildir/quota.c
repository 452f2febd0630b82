#include "maildir/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "maildir/quota_int.h"
#include "maildir/root.h"
#include "maildir/store_int.h"
#include "sbuf.h"

/* Courier's numbers */
enum { OLD_BYTES = 5120, OLD_SECONDS = 15 * 60 };
#define NS_PER_S 1000000000U

static const char file[] = "maildirsize";

static int is_over(const struct quota *q)
{
	return !quota_allows(q, 0, 0);
}

static int is_old(const struct stat *st)
{
	int64_t now = (int64_t)(clock_wall_ns() / NS_PER_S);

	return now - st->st_mtime > OLD_SECONDS || now < st->st_mtime;
}

/* A file that is long, or says "over" and is not fresh, is counted anew. */
static int is_stale(const struct quota *q, const struct stat *st)
{
	return st->st_size >= OLD_BYTES || (is_over(q) && is_old(st));
}

static int recount(struct quota *q, int root)
{
	char text[128];
	struct sbuf b = SBUF_INIT(sizeof text);
	int n;
	int r;

	if (quota_count(q, root) == -1)
		return -1;
	n = quota_print(text, sizeof text, q);
	r = sbuf_cat(&b, text, (size_t)n);
	if (r == 0)
		r = store_write_file(root, file, &b);
	sbuf_free(&b);
	return r;
}

static int open_file(int root, int how)
{
	return openat(root, file, how | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Its bytes, and what the file is like: a length, or -1. */
static ssize_t read_file(int root, char text[OLD_BYTES], struct stat *st)
{
	int fd = open_file(root, O_RDONLY);
	ssize_t n = -1;

	if (fd == -1)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		n = pread(fd, text, OLD_BYTES, 0);
	(void)close(fd);
	return n;
}

int quota_read(struct quota *q, int root)
{
	char text[OLD_BYTES];
	struct stat st;
	ssize_t n;
	int whole;

	*q = (struct quota){0};
	n = read_file(root, text, &st);
	if (n <= 0)
		return 0;
	whole = quota_parse(q, text, (size_t)n);
	if (q->max_bytes == 0 && q->max_count == 0)
		return 0;
	if (whole == -1 || is_stale(q, &st))
		(void)recount(q, root);
	return 1;
}

int quota_allows(const struct quota *q, uint64_t bytes, uint64_t count)
{
	uint64_t have = q->bytes > 0 ? (uint64_t)q->bytes : 0;
	uint64_t number = q->count > 0 ? (uint64_t)q->count : 0;

	return (q->max_bytes == 0 ||
		(have <= q->max_bytes && bytes <= q->max_bytes - have)) &&
	       (q->max_count == 0 ||
		(number <= q->max_count && count <= q->max_count - number));
}

int quota_room(struct quota *q, int root, uint64_t bytes, uint64_t count)
{
	struct stat st;

	if (quota_allows(q, bytes, count))
		return 1;
	if (fstatat(root, file, &st, AT_SYMLINK_NOFOLLOW) == -1 || !is_old(&st) ||
	    recount(q, root) == -1)
		return 0;
	return quota_allows(q, bytes, count);
}

/* One write with O_APPEND: lines of others stay whole. */
void quota_add(int root, int64_t bytes, int64_t count)
{
	int fd = open_file(root, O_WRONLY | O_APPEND);
	char line[64];
	struct stat st;
	int n = snprintf(line, sizeof line, "%" PRId64 " %" PRId64 "\n", bytes, count);

	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		(void)!write(fd, line, (size_t)n);
	(void)close(fd);
}

int quota_set(int root, uint64_t max_bytes, uint64_t max_count)
{
	struct quota q = {.max_bytes = max_bytes, .max_count = max_count};

	if (max_bytes != 0 || max_count != 0)
		return recount(&q, root);
	if (unlinkat(root, file, 0) == -1)
		return errno == ENOENT ? 0 : -1;
	return fsync(root);
}

int quota_root(int dir)
{
	return maildir_root(dir);
}
