/* new/ and cur/: reading them, and how sure their times make us. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "maildir/box_int.h"
#include "rnd.h"

enum { PIECE = 65536 };
#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

struct entry { /* the kernel's linux_dirent64 */
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

int boxdir_times(int fd, struct box_times *t)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	*t = (struct box_times){st.st_ino,
				st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec,
				st.st_ctim.tv_sec * NS_PER_S + st.st_ctim.tv_nsec};
	return 0;
}

/* A change in the same tick of the clock would not show. Each change sets ctime to now, and
 * nobody can set it otherwise; ahead of the clock it proves nothing. */
int boxdir_level(const struct box_times *t)
{
	int64_t age = ((int64_t)clock_wall_ns() - t->ctime) / NS_PER_MS;

	return age > MTIME_PROOF_MS  ? DIR_PROOF
	       : age > MTIME_TICK_MS ? DIR_TICK
				     : DIR_NONE;
}

int boxdir_same(const struct box_times *a, const struct box_times *b)
{
	return a->ino == b->ino && a->mtime == b->mtime && a->ctime == b->ctime;
}

static int is_file(uint8_t type)
{
	return type == DT_REG ? 1 : type == DT_UNKNOWN ? -1 : 0;
}

static int give(char *p, size_t n, boxdir_each *each, void *arg)
{
	for (size_t at = 0; at < n;) {
		struct entry *e = (struct entry *)(void *)(p + at);

		if (e->name[0] != '.' && each(arg, e->name, is_file(e->type)) == -1)
			return -1;
		at += e->len;
	}
	return 0;
}

int boxdir_read(int fd, boxdir_each *each, void *arg)
{
	char *p = malloc(PIECE);
	long n = -1;

	if (p != NULL && lseek(fd, 0, SEEK_SET) == 0)
		while ((n = syscall(SYS_getdents64, fd, p, (long)PIECE)) > 0)
			if (give(p, (size_t)n, each, arg) == -1) {
				n = -1;
				break;
			}
	free(p);
	return n == 0 ? 0 : -1;
}

int boxdir_move(int from, const char *name, int to, const char *as)
{
	if (syscall(SYS_renameat2, from, name, to, as, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(from, name, to, as, 0) == -1)
		return -1;
	return unlinkat(from, name, 0) == -1 && errno != ENOENT ? -1 : 0;
}

/* 1 it fits, 0 not, -1. */
static int try_fresh(char out[MSG_NAME + 1], const char *base, const char *rest,
		     unsigned flags)
{
	char name[MSG_NAME + 1];
	int len = snprintf(name, sizeof name, "%s%s", base, rest);

	if ((size_t)len < sizeof name) {
		if (msg_name_make(out, name, flags) == 0)
			return 1;
		if (errno != ENAMETOOLONG)
			return -1;
	}
	return 0;
}

/* A base that nobody has, with the fields and letters of another name, as far as they fit:
 * sizes can be counted, but a message must not be hidden by its name. */
int boxdir_fresh(char out[MSG_NAME + 1], const char *like, unsigned flags)
{
	static uint32_t count;
	char base[100];
	struct msg_name n;
	int64_t ns = (int64_t)clock_wall_ns();
	int r;

	if (msg_name_split(&n, like) == -1) {
		errno = EINVAL;
		return -1;
	}
	(void)snprintf(
	    base, sizeof base, "%" PRId64 ".M%" PRId64 "P%ldQ%" PRIu32 "R%08" PRIx32,
	    ns / NS_PER_S, ns % NS_PER_S / 1000, (long)getpid(), ++count, rnd_u32());
	r = try_fresh(out, base, like + n.base, flags);
	if (r == 0)
		r = try_fresh(out, base, like + n.info, flags);
	if (r == 0)
		r = try_fresh(out, base, "", flags);
	return r == 1 ? 0 : -1;
}
