/* A message of another queue, into this one. */
#include "queue_put.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prog.h"
#include "qid.h"
#include "queue.h"

static struct like like_dir(int dir, mode_t mode)
{
	struct stat st;

	if (fstat(dir, &st) == -1)
		die_sys(EXIT_TEMP, "look at the queue");
	return (struct like){st.st_uid, st.st_gid, mode};
}

void put_init(struct put *p, const struct ours *q)
{
	int tmp = ours_dir("tmp");

	*p = (struct put){q, like_dir(tmp, 0640), like_dir(q->state, 0600)};
	(void)close(tmp);
}

enum put_look put_look(const struct ours *q, const char *id, int theirs)
{
	int ours = ours_message(q, id);
	enum put_look found = PUT_SAME;

	if (ours == -1)
		return errno == ENOENT ? PUT_NOT : PUT_DAMAGED;
	if (file_damage(ours) != DAMAGE_NONE)
		found = PUT_DAMAGED; /* theirs may be the only good one */
	else if (!file_same(ours, theirs))
		found = PUT_OTHER;
	(void)close(ours);
	return found;
}

enum { HIDDEN = 1 + QID_LEN + 1 };

static void hidden(char name[HIDDEN], const char *id)
{
	(void)snprintf(name, HIDDEN, ".%s", id);
}

/* The copy is looked at: theirs may change at any time. */
static int copy_message(const struct put *p, const char *name, int fd)
{
	enum damage found;
	int copy;

	if (file_copy(fd, p->q->cur, name, &p->msg) == -1)
		return -1;
	copy = file_open(p->q->cur, name);
	if (copy == -1)
		return -1;
	found = file_damage(copy);
	(void)close(copy);
	if (found == DAMAGE_NONE)
		return 0;
	errno = found == DAMAGE_UNREAD ? EIO : EBADMSG;
	return -1;
}

static int put_hidden(const struct put *p, const char *id, int fd,
		      const struct history *h)
{
	char name[HIDDEN];
	int e;

	hidden(name, id);
	if (copy_message(p, name, fd) == 0 &&
	    history_copy(h, p->q->state, name, id, 1, &p->journal) == 0)
		return 0;
	e = errno;
	(void)unlinkat(p->q->cur, name, 0);
	(void)unlinkat(p->q->state, name, 0);
	errno = e;
	return -1;
}

static int show_both(const struct ours *q, const char *id)
{
	char name[HIDDEN];

	hidden(name, id);
	if (renameat(q->state, name, q->state, id) == -1 || fsync(q->state) == -1 ||
	    renameat(q->cur, name, q->cur, id) == -1)
		return -1;
	return fsync(q->cur);
}

int put_held(const struct put *p, const char *id, int fd, const struct history *h)
{
	int done;

	if (put_hidden(p, id, fd, h) == -1)
		return -1;
	if (flock(p->q->state, LOCK_EX) == -1)
		return -1;
	done = show_both(p->q, id);
	(void)flock(p->q->state, LOCK_UN);
	return done;
}
