/* What was a folder, or never became one, is removed. Two levels are known, a directory and
 * its cur/, new/ and tmp/; what a foreign program has put deeper comes up into the root
 * under such a name as well, so that no depth costs us a stack. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/name.h"
#include "maildir/quota.h"
#include "maildir/store_int.h"
#include "prog.h"

enum { PASSES = 4 }; /* a file system may skip entries while others go */

struct tally {
	int wanted; /* there is a quota */
	int64_t bytes, count;
};

static void count(struct tally *t, int dir, const char *name)
{
	struct msg_name m;
	struct stat st;

	if (t == NULL || !t->wanted || msg_name_read(&m, name) == -1)
		return;
	if (m.has_s && m.s <= INT64_MAX / 2)
		t->bytes += (int64_t)m.s;
	else if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		t->bytes += st.st_size;
	t->count++;
}

/* A directory below cur/ or its like: to the root, for the next round. */
static int lift(int root, int dir, const char *name)
{
	char gone[64];

	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 1;
	store_random_name(gone, STORE_GONE);
	return renameat(dir, name, root, gone) == 0 ? 1 : 0;
}

/* How many entries went; t: they are messages. */
static size_t empty(int root, int dir, const char *path, struct tally *t)
{
	DIR *d = store_read_dir(dir, path);
	struct dirent *e;
	size_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (store_is_dir(dirfd(d), e)) {
			n += (size_t)lift(root, dirfd(d), e->d_name);
			continue;
		}
		count(t, dirfd(d), e->d_name);
		n += unlinkat(dirfd(d), e->d_name, 0) == 0;
	}
	if (d != NULL)
		(void)closedir(d);
	return n;
}

static int remove_part(int root, int dir, const char *part, struct tally *t)
{
	for (int i = 0; i < PASSES; i++) {
		if (unlinkat(dir, part, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (empty(root, dir, part, t) == 0)
			return -1;
	}
	return -1;
}

static int remove_whole(int root, const char *name, struct tally *t)
{
	int dir = store_open_dir(root, name);

	if (dir == -1)
		return errno == ENOTDIR || errno == ELOOP ? unlinkat(root, name, 0) : -1;
	(void)remove_part(root, dir, "cur", t);
	(void)remove_part(root, dir, "new", t);
	(void)remove_part(root, dir, "tmp", NULL);
	store_unlock(dir);
	return remove_part(root, root, name, NULL);
}

/* The first one that is to go and is not among those that would not. */
static int find(int root, int locked, char name[STORE_NAME + 1])
{
	DIR *d = store_read_dir(root, ".");
	struct dirent *e;
	int found = 0;

	while (d != NULL && !found && (e = readdir(d)) != NULL) {
		found =
		    strncmp(e->d_name, STORE_GONE, sizeof STORE_GONE - 1) == 0 ||
		    (locked && strncmp(e->d_name, STORE_NEW, sizeof STORE_NEW - 1) == 0);
		if (found)
			(void)snprintf(name, STORE_NAME + 1, "%s", e->d_name);
	}
	if (d != NULL)
		(void)closedir(d);
	return found;
}

void store_purge(const struct store *s, int locked)
{
	char name[STORE_NAME + 1];
	struct quota q;
	struct tally t = {.wanted = quota_read(&q, s->root) == 1};

	while (find(s->root, locked, name))
		if (remove_whole(s->root, name, &t) == -1 && errno != ENOENT) {
			warn_sys2("remove a deleted folder", name);
			break;
		}
	if (t.count > 0)
		quota_add(s->root, -t.bytes, -t.count);
}
