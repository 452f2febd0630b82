/* qctl queue take: messages that another host's queue gave away come into this one.
 *
 * DIR holds what qctl queue move wrote, ID and ID.state, or is a queue directory itself
 * (a restored copy, or the disk of a host that died) that no qsend works with. The order,
 * for each:
 *
 *	1 cur/.ID and state/.ID, marked held, are written and synced
 *	2 state/.ID becomes state/ID, synced, then cur/.ID cur/ID, synced
 *	3 DIR/ID becomes DIR/ID.taken, synced
 *	4 it is released					(qsend runs: by the door;
 *								 else in its journal)
 *	5 DIR/ID.taken goes, and DIR/ID.state
 *
 * In 2 queue/state is locked: a qsend that starts waits, since it would take a
 * journal without its message for an orphan. Until 3 is durable the message is held
 * here, so that nothing is delivered that a second take would bring again. After a
 * crash the same command goes on: what is here and in DIR is the same message. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "prog.h"
#include "queue.h"
#include "queue_file.h"
#include "queue_ours.h"
#include "queue_parts.h"
#include "queue_put.h"

struct taking {
	int dir;            /* of queue files */
	int states;         /* of journals: the same, or another queue's state/ */
	const char *suffix; /* of their names */
	struct ours here;
	struct put put;
	int quiet;
	int dry;
	int bad;
	unsigned long n;
};

static int refuse(struct taking *t, const char *id, const char *why)
{
	warn_msg("%s stays where it is: %s", id, why);
	t->bad = 1;
	return -1;
}

/* ---- 3, 4, 5: out of the directory, and released ---- */

static int mark(struct taking *t, const char *id)
{
	char name[PART_NAME];

	part_name(name, id, ".taken");
	if (renameat(t->dir, id, t->dir, name) == -1)
		return -1;
	return fsync(t->dir);
}

/* qsend has written it, and does not sync. */
static int sync_journal(const struct taking *t, const char *id)
{
	int fd = file_open(t->here.state, id);
	int done;

	if (fd == -1) /* delivered already */
		return errno == ENOENT ? 0 : -1;
	done = fsync(fd);
	(void)close(fd);
	return done;
}

static int release(struct taking *t, const char *id, int was_held)
{
	char letter;

	if (t->here.stopped)
		return was_held ? 0 : history_release(t->here.state, id);
	door_each(KEEPER_TAKE, id, 1, &letter);
	if (letter != 'Z' && !was_held)
		door_each(KEEPER_RELEASE, id, 1, &letter);
	if (letter != 'Z')
		return sync_journal(t, id);
	errno = EAGAIN;
	return -1;
}

static void clear(struct taking *t, const char *id)
{
	char name[PART_NAME];

	part_name(name, id, ".taken");
	if (unlinkat(t->dir, name, 0) == -1)
		warn_sys2("remove", name);
	part_name(name, id, t->suffix);
	if (unlinkat(t->states, name, 0) == -1 && errno != ENOENT)
		warn_sys2("remove", name);
}

static void told(struct taking *t, const char *id)
{
	t->n++;
	if (!t->quiet)
		(void)printf("%s %s\n", id, t->dry ? "would be taken" : "taken");
}

/* ---- one ---- */

static int take_open(struct taking *t, const char *id, int fd, const struct history *h)
{
	switch (put_look(&t->here, id, fd)) {
	case PUT_OTHER:
		return refuse(t, id, "another message here has that id");
	case PUT_DAMAGED:
		return refuse(t, id, "what has that id here is damaged");
	case PUT_SAME:
		break; /* an earlier take came so far */
	default:
		if (file_damage(fd) != DAMAGE_NONE)
			return refuse(t, id, "it is damaged");
		if (put_held(&t->put, id, fd, h) == -1)
			return refuse(t, id,
				      errno == EBADMSG ? "it changes" : strerror(errno));
	}
	if (mark(t, id) == -1)
		return refuse(t, id, strerror(errno));
	return 0;
}

static void finish(struct taking *t, const char *id, int was_held)
{
	if (release(t, id, was_held) == -1) {
		(void)refuse(t, id, strerror(errno));
		return;
	}
	clear(t, id);
	told(t, id);
}

/* name: ID, or ID.taken where an earlier take was cut short. */
static void take_one(struct taking *t, const char *name)
{
	char id[QID_LEN + 1];
	char state[PART_NAME];
	struct history h;
	int taken = part_is(name, ".taken", id);
	int done = 0;

	if (!taken && !part_is(name, "", id))
		return;
	part_name(state, id, t->suffix);
	if (t->dry) {
		told(t, id);
		return;
	}
	if (history_read(t->states, state, id, &h) == -1) {
		(void)refuse(t, id, "its journal cannot be read");
		return;
	}
	if (!taken) {
		int fd = file_open(t->dir, id);

		if (fd == -1)
			done = refuse(t, id, strerror(errno));
		else
			done = take_open(t, id, fd, &h);
		(void)close(fd);
	}
	if (h.fd != -1)
		(void)close(h.fd);
	if (done == 0)
		finish(t, id, h.held);
}

/* ---- all of a directory ---- */

static int is_message(const struct dirent *e)
{
	char id[QID_LEN + 1];

	return part_is(e->d_name, "", id) || part_is(e->d_name, ".taken", id);
}

static int is_part(const struct dirent *e)
{
	char id[QID_LEN + 1];

	return part_is(e->d_name, ".part", id);
}

static void warn_parts(struct taking *t)
{
	struct dirent **names;
	int n = scandirat(t->dir, ".", &names, is_part, alphasort);

	for (int i = 0; i < n; i++)
		free(names[i]);
	if (n > 0) {
		free(names);
		t->bad = 1;
		warn_msg("%d of them end with .part: a move was cut short; give its "
			 "command again on the host where they come from",
			 n);
	}
}

static int is_state(const struct dirent *e)
{
	char id[QID_LEN + 1];

	return part_is(e->d_name, ".state", id);
}

static int is_on_its_way(int dir, const char *id)
{
	return part_exists(dir, id, ".part") || part_exists(dir, id, "") ||
	       part_exists(dir, id, ".taken");
}

/* Of messages that a take has cleared, save for this. A move that runs makes .part
 * before it; so the names are looked for in the order of their lives. */
static void clear_orphans(struct taking *t)
{
	struct dirent **names;
	int n = scandirat(t->dir, ".", &names, is_state, alphasort);

	for (int i = 0; i < n; i++) {
		char id[QID_LEN + 1];

		if (part_is(names[i]->d_name, ".state", id) && !is_on_its_way(t->dir, id))
			(void)unlinkat(t->dir, names[i]->d_name, 0);
		free(names[i]);
	}
	if (n != -1)
		free(names);
}

static void take_dir(struct taking *t)
{
	struct dirent **names;
	int n;

	if (queue_is_ours(t->dir))
		die_msg(EXIT_PERM, "that directory belongs to this queue");
	n = scandirat(t->dir, ".", &names, is_message, alphasort);
	if (n == -1)
		die_sys(EXIT_TEMP, "read the directory");
	for (int i = 0; i < n; i++) {
		take_one(t, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (!t->dry)
		clear_orphans(t);
	warn_parts(t);
}

static int open_below(const char *path, const char *name)
{
	char full[LIMIT_PATH];

	if (snprintf(full, sizeof full, "%s/%s", path, name) >= (int)sizeof full)
		return -1;
	return open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Of another host's queue: nobody may work with it. */
static void lock_theirs(const char *path)
{
	char full[LIMIT_PATH];
	int fd;

	if (snprintf(full, sizeof full, "%s/lock", path) >= (int)sizeof full)
		die_msg(EXIT_PERM, "the directory's name is too long");
	fd = open(full, O_RDWR | O_CLOEXEC); /* lives until we end */
	if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1)
		die_msg(EXIT_TEMP, "a qsend works with %s; use move there", path);
}

static void take_queue(struct taking *t, const char *path)
{
	static const char *const parts[] = {"cur", "new"};

	lock_theirs(path);
	t->suffix = "";
	t->states = open_below(path, "state");
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		t->dir = open_below(path, parts[i]);
		if (t->dir == -1 || t->states == -1)
			die_sys2(EXIT_TEMP, "read the queue at", path);
		take_dir(t);
		(void)close(t->dir);
	}
}

int do_take(int argc, char **argv)
{
	struct taking t = {.suffix = ".state"};
	struct filter f;
	int cur;

	filter_parse(&f, TAKES_WORDS | TAKES_QUIET | TAKES_DRY, argc, argv);
	if (f.nrest != 1)
		die_queue_usage();
	t.quiet = f.quiet;
	t.dry = f.dry;
	ours_open(&t.here);
	put_init(&t.put, &t.here);
	cur = open_below(f.rest[0], "cur");
	if (cur != -1) {
		(void)close(cur);
		take_queue(&t, f.rest[0]);
	} else {
		t.dir = t.states = open(f.rest[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (t.dir == -1)
			die_sys2(EXIT_PERM, "open directory", f.rest[0]);
		take_dir(&t);
	}
	if (t.quiet || t.n == 0)
		(void)printf("%s taken\n", messages(t.n));
	return t.bad ? EXIT_SOME : 0;
}
