#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "maildir/name.h"
#include "maildir/quota_int.h"
#include "maildir/store_int.h"

static void count_one(struct quota *q, int dir, const char *name)
{
	struct msg_name m;
	struct stat st;
	int64_t bytes = 0;

	if (msg_name_read(&m, name) == -1)
		return;
	if (m.has_s && m.s <= INT64_MAX)
		bytes = (int64_t)m.s;
	else if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		bytes = st.st_size;
	if (__builtin_add_overflow(q->bytes, bytes, &q->bytes))
		q->bytes = INT64_MAX;
	q->count++;
}

/* What is missing has nothing in it. */
static int count_part(struct quota *q, int root, const char *folder, const char *part)
{
	char path[STORE_NAME + 8];
	struct dirent *e;
	DIR *d;

	(void)snprintf(path, sizeof path, "%s/%s", folder, part);
	d = store_read_dir(root, path);
	if (d == NULL)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -1;
	while ((e = readdir(d)) != NULL)
		count_one(q, dirfd(d), e->d_name);
	return closedir(d);
}

static int count_folder(struct quota *q, int root, const char *folder)
{
	return count_part(q, root, folder, "new") == -1 ||
		       count_part(q, root, folder, "cur") == -1
		   ? -1
		   : 0;
}

int quota_count(struct quota *q, int root)
{
	DIR *d = store_read_dir(root, ".");
	struct dirent *e;
	int r;

	if (d == NULL)
		return -1;
	q->bytes = q->count = 0;
	r = count_folder(q, root, ".");
	while (r == 0 && (e = readdir(d)) != NULL)
		if (e->d_name[0] == '.' && e->d_name[1] != '\0' && e->d_name[1] != '.' &&
		    store_is_dir(root, e))
			r = count_folder(q, root, e->d_name);
	(void)closedir(d);
	return r;
}
