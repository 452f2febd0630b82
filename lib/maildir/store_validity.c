/* UIDVALIDITY: quoin-validity in the root holds the last one that was given, ten digits and
 * a line's end, written in place so that its lock stays its own. INBOX's first is not synced
 * here: its quoin-uids, in the same directory, holds it too, and is synced before anybody
 * hears of it. So whoever finds nothing here asks there. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "maildir/box_int.h"
#include "maildir/root.h"
#include "maildir/store_int.h"
#include "num.h"

enum { DIGITS = 10 };
#define NS_PER_S 1000000000U

static uint32_t now(void)
{
	uint64_t s = clock_wall_ns() / NS_PER_S;

	return s == 0 || s > UINT32_MAX / 2 ? 1 : (uint32_t)s;
}

/* 0: there is none, or nothing one can read. */
static uint32_t read_last(int fd)
{
	char text[DIGITS];
	uint64_t v = 0;

	if (pread(fd, text, sizeof text, 0) == sizeof text)
		(void)num_parse_n(text, sizeof text, UINT32_MAX, &v);
	return (uint32_t)v;
}

/* 0: INBOX has none. */
static uint32_t read_inbox(int root)
{
	int fd =
	    openat(root, "quoin-uids", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint32_t v = fd != -1 ? boxrecord_validity(fd) : 0;

	store_unlock(fd);
	return v;
}

static int write_last(int fd, uint32_t v)
{
	char text[DIGITS + 2];

	(void)snprintf(text, sizeof text, "%010" PRIu32 "\n", v);
	return pwrite(fd, text, DIGITS + 1, 0) == DIGITS + 1 ? 0 : -1;
}

/* Its name may be as new as its bytes. */
static void sync_last(int root, int fd)
{
	if (fdatasync(fd) == 0)
		(void)fsync(root);
}

static uint32_t give(int root, int fd, int is_inbox)
{
	uint32_t known = read_last(fd);
	uint32_t last = known != 0 ? known : read_inbox(root);
	uint32_t v = last < UINT32_MAX ? last + 1 : 1;
	uint32_t least = now();

	if (v < least)
		v = least;
	if (write_last(fd, v) == 0 && (known != 0 || !is_inbox))
		sync_last(root, fd);
	return v;
}

uint32_t store_validity(int dir)
{
	int is_inbox = !maildir_is_folder(dir);
	int root = store_open_dir(dir, is_inbox ? "." : "..");
	int lock = root != -1 ? store_lock_file(root, "quoin-validity") : -1;
	uint32_t v = lock != -1 ? give(root, lock, is_inbox) : now();

	store_unlock(lock);
	store_unlock(root);
	return v;
}

void store_validity_seen(int dir, uint32_t v)
{
	int root = maildir_root(dir);
	int lock = root != -1 ? store_lock_file(root, "quoin-validity") : -1;

	if (lock != -1 && read_last(lock) < v && write_last(lock, v) == 0)
		sync_last(root, lock);
	store_unlock(lock);
	store_unlock(root);
}
