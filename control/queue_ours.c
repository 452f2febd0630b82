/* The queue of this host, open. */
#include "queue_ours.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "prog.h"
#include "queue.h"
#include "queue_file.h"

int ours_dir(const char *name)
{
	int fd = queue_dir(name);

	if (fd == -1)
		die_sys2(EXIT_PERM, "open queue/", name);
	return fd;
}

void ours_open(struct ours *q)
{
	q->cur = ours_dir("cur");
	q->new = ours_dir("new");
	q->state = ours_dir("state");
	q->stopped = queue_lock();
}

static int is_in(int dir, const char *id)
{
	return faccessat(dir, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int ours_has(const struct ours *q, const char *id)
{
	return is_in(q->cur, id) || is_in(q->new, id) || is_in(q->cur, id);
}

int ours_message(const struct ours *q, const char *id)
{
	int fd = file_open(q->cur, id);

	return fd != -1 || errno != ENOENT ? fd : file_open(q->new, id);
}
