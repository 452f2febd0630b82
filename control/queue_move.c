/* qctl queue move: messages leave this queue as plain files, for another host's.
 *
 * DIR/ID is the queue file, DIR/ID.state its journal if it has one. The order, for each:
 *
 *	1 it is held, and no delivery is under way	(qsend runs: by the door;
 *							 else by its lock)
 *	  (DIR/ID.hold: by us, not by a keeper before)
 *	2 DIR/ID.part and then DIR/ID.state are written, synced, DIR is synced
 *	3 it is removed here, cur/ is synced
 *	4 DIR/ID.part becomes DIR/ID, DIR is synced
 *
 * So it is never to be found at both ends. After a crash the next move to that directory
 * begins with what is left: if the id is still in the queue, the copy is thrown away and
 * the message released; if it is not, the .part is the message. What is in the queue is
 * known only when qsend has done all that a killed move has asked of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "prog.h"
#include "queue.h"
#include "queue_file.h"
#include "queue_ours.h"
#include "queue_parts.h"

/* BATCH: so many are held at a time. BUSY_MS: so long a delivery under way is waited for.
 */
enum { BATCH = 200, BUSY_MS = 30000, BUSY_PAUSE_MS = 100 };

struct moving {
	struct ours here;
	int dir;
	int quiet;
	int bad;
	unsigned long n;
};

struct one {
	const char *id;
	int was_held;
	int copied;
	const char *why; /* it stays here */
};

/* ---- 1: held ---- */

/* So that a move that goes on after a crash knows that it was no keeper who held it. */
static void mark_ours(const struct moving *v, const char *id)
{
	char name[PART_NAME];
	int fd;

	part_name(name, id, ".hold");
	fd = openat(v->dir, name,
		    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd == -1)
		die_sys2(EXIT_TEMP, "make", name);
	(void)close(fd);
}

static void drop_mark(const struct moving *v, const char *id)
{
	(void)part_unlink(v->dir, id, ".hold");
}

static void release(const struct moving *v, const char *id)
{
	char letter;

	if (!v->here.stopped)
		door_each(KEEPER_RELEASE, id, 1, &letter);
	else if (history_release(v->here.state, id) == -1)
		die_sys2(EXIT_TEMP, "release", id);
}

static void note_held(struct moving *v, struct one *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct history h;

		if (history_read(v->here.state, o[i].id, o[i].id, &h) == -1)
			o[i].why = "its journal cannot be read";
		else {
			o[i].was_held = h.held;
			(void)close(h.fd);
		}
		if (o[i].why == NULL && !o[i].was_held)
			mark_ours(v, o[i].id);
	}
}

static const char *why_not_held(char letter)
{
	switch (letter) {
	case 'K':
		return NULL;
	case 'W':
		return "a delivery is under way";
	case 'N':
		return "it is not in the queue";
	default:
		return "qsend cannot hold it now";
	}
}

static void hold(struct one *o, const struct ids *ids)
{
	char letters[BATCH];
	int64_t until = clock_mono_ms() + BUSY_MS;
	const struct timespec pause = {0, BUSY_PAUSE_MS * 1000000L};

	for (;;) {
		door_each(KEEPER_HOLD, ids->b.p, ids->n, letters);
		if (memchr(letters, 'W', ids->n) == NULL || clock_mono_ms() > until)
			break;
		(void)nanosleep(&pause, NULL);
	}
	for (size_t i = 0; i < ids->n; i++)
		if (o[i].why == NULL)
			o[i].why = why_not_held(letters[i]);
}

/* ---- 2: copied ---- */

static int copy_history(struct moving *v, const struct one *o)
{
	char name[PART_NAME];
	struct history h;
	int done = 0;

	part_name(name, o->id, ".state");
	if (history_read(v->here.state, o->id, o->id, &h) == -1)
		return -1;
	if (h.fd == -1)
		done = unlinkat(v->dir, name, 0) == -1 && errno != ENOENT ? -1 : 0;
	else {
		done = history_copy(&h, v->dir, name, o->id,
				    h.held && !o->was_held ? 0 : -1, NULL);
		(void)close(h.fd);
	}
	return done;
}

static int copy_message(struct moving *v, const struct one *o)
{
	char name[PART_NAME];
	int fd = ours_message(&v->here, o->id);
	int done = -1;

	if (fd == -1)
		return -1;
	part_name(name, o->id, ".part");
	if (file_damage(fd) == DAMAGE_NONE)
		done = file_copy(fd, v->dir, name, NULL);
	else
		errno = EBADMSG;
	(void)close(fd);
	return done;
}

static void copy(struct moving *v, struct one *o)
{
	if (copy_message(v, o) == 0 && copy_history(v, o) == 0)
		o->copied = 1;
	else
		o->why = errno == EBADMSG ? "it is damaged" : strerror(errno);
}

/* ---- 3: removed here ---- */

static int remove_file(struct moving *v, const char *id)
{
	if (unlinkat(v->here.cur, id, 0) == -1 &&
	    (errno != ENOENT || unlinkat(v->here.new, id, 0) == -1))
		return -1;
	return 0;
}

static void remove_stopped(struct moving *v, struct one *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (o[i].copied && remove_file(v, o[i].id) == -1)
			o[i].why = strerror(errno);
	if (fsync(v->here.cur) == -1 || fsync(v->here.new) == -1)
		die_sys(EXIT_TEMP, "sync queue/cur");
	for (size_t i = 0; i < n; i++)
		if (o[i].copied && o[i].why == NULL)
			(void)unlinkat(v->here.state, o[i].id, 0);
}

static void remove_running(struct moving *v, struct one *o, size_t n)
{
	char letters[BATCH];
	size_t place[BATCH] = {0};
	struct ids ids;

	ids_init(&ids);
	for (size_t i = 0; i < n; i++)
		if (o[i].copied) {
			place[ids.n] = i;
			ids_add(&ids, o[i].id);
		}
	door_each(KEEPER_MOVE, ids.b.p, ids.n, letters);
	for (size_t i = 0; i < ids.n; i++)
		if (letters[i] != 'K')
			o[place[i]].why = "qsend does not remove it; see its log";
	sbuf_free(&ids.b);
	if (fsync(v->here.cur) == -1)
		die_sys(EXIT_TEMP, "sync queue/cur");
}

/* ---- 4: there ---- */

static void publish(struct moving *v, const char *id)
{
	char name[PART_NAME];

	part_name(name, id, ".part");
	if (renameat(v->dir, name, v->dir, id) == -1)
		die_sys2(EXIT_TEMP, "rename", name);
	drop_mark(v, id);
	v->n++;
	if (!v->quiet)
		(void)printf("%s moved\n", id);
}

static void drop_copy(const struct moving *v, const char *id)
{
	(void)part_unlink(v->dir, id, ".part");
	(void)part_unlink(v->dir, id, ".state");
}

/* It stays: nothing of it is left over there, and it is as it was. */
static void stays(struct moving *v, const struct one *o)
{
	warn_msg("%s stays here: %s", o->id, o->why);
	v->bad = 1;
	drop_copy(v, o->id);
	if (!v->here.stopped && !o->was_held && ours_has(&v->here, o->id))
		release(v, o->id);
	drop_mark(v, o->id);
}

static void sync_dir(const struct moving *v)
{
	if (fsync(v->dir) == -1)
		die_sys(EXIT_TEMP, "sync the directory");
}

static void move_batch(struct moving *v, struct one *o, const struct ids *ids)
{
	note_held(v, o, ids->n);
	if (!v->here.stopped)
		hold(o, ids);
	for (size_t i = 0; i < ids->n; i++)
		if (o[i].why == NULL)
			copy(v, &o[i]);
	sync_dir(v);
	if (v->here.stopped)
		remove_stopped(v, o, ids->n);
	else
		remove_running(v, o, ids->n);
	for (size_t i = 0; i < ids->n; i++)
		if (o[i].why == NULL)
			publish(v, o[i].id);
		else
			stays(v, &o[i]);
	sync_dir(v);
}

/* ---- what an earlier move has left ---- */

static int is_unfinished(const struct dirent *e)
{
	char id[QID_LEN + 1];

	return part_is(e->d_name, ".part", id) || part_is(e->d_name, ".hold", id);
}

/* It is here as it was before. */
static void undo(struct moving *v, const char *id)
{
	drop_copy(v, id);
	if (part_exists(v->dir, id, ".hold"))
		release(v, id);
	drop_mark(v, id);
}

static void finish_one(struct moving *v, const char *name)
{
	char id[QID_LEN + 1];
	int is_copy = part_is(name, ".part", id);

	if (!is_copy && !part_is(name, ".hold", id))
		return;
	if (ours_has(&v->here, id))
		undo(v, id);
	else if (is_copy)
		publish(v, id);
	else if (!part_exists(v->dir, id, ".part"))
		drop_mark(v, id);
}

static void finish_earlier(struct moving *v)
{
	struct dirent **names;
	int n;

	if (!v->here.stopped)
		door_settle();
	n = scandirat(v->dir, ".", &names, is_unfinished, alphasort);
	if (n == -1)
		die_sys(EXIT_TEMP, "read the directory");
	for (int i = 0; i < n; i++) {
		finish_one(v, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	sync_dir(v);
}

/* ---- the verb ---- */

/* One at a time: a second one would take what this one works at for what was left. Where a
 * directory cannot be locked (NFS) the keeper has to see to it. */
static void lock_dir(const struct moving *v, const char *path)
{
	if (flock(v->dir, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK)
		die_msg(EXIT_TEMP, "another move works in %s", path);
}

static void open_all(struct moving *v, const char *path)
{
	v->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->dir == -1)
		die_sys2(EXIT_PERM, "open directory", path);
	if (queue_is_ours(v->dir))
		die_msg(EXIT_PERM, "%s belongs to this queue", path);
	ours_open(&v->here);
}

/* An earlier move has come so far, or this one has just finished it. */
static int is_done(const struct moving *v, const char *id)
{
	return !ours_has(&v->here, id) && part_exists(v->dir, id, "");
}

static void move_all(struct moving *v, const struct ids *all)
{
	for (size_t at = 0; at < all->n; at += BATCH) {
		struct one o[BATCH] = {0};
		struct ids batch;

		ids_init(&batch);
		for (size_t i = at; i < all->n && i < at + BATCH; i++) {
			if (is_done(v, ids_at(all, i)))
				continue;
			o[batch.n].id = ids_at(all, i);
			ids_add(&batch, ids_at(all, i));
		}
		move_batch(v, o, &batch);
		sbuf_free(&batch.b);
	}
}

/* ... to DIR: its two words are no ids. */
static const char *take_target(int *argc, char **argv)
{
	if (*argc < 3 || strcmp(argv[*argc - 2], "to") != 0)
		die_queue_usage();
	*argc -= 2;
	return argv[*argc + 1];
}

int do_move(int argc, char **argv)
{
	const char *path = take_target(&argc, argv);
	struct moving v = {0};
	struct filter f;
	struct ids ids;

	argv[argc] = NULL;
	filter_parse(&f, TAKES_MEANT | TAKES_DRY, argc, argv);
	v.quiet = f.quiet;
	if (f.dry && filter_is_empty(&f))
		die_queue_usage();
	open_all(&v, path);
	if (!f.dry) {
		lock_dir(&v, path);
		finish_earlier(&v);
	}
	ids_init(&ids);
	if (!filter_is_empty(&f))
		filter_select(&f, &ids);
	if (f.dry) {
		for (size_t i = 0; i < ids.n; i++)
			(void)printf("%s would be moved\n", ids_at(&ids, i));
		return 0;
	}
	move_all(&v, &ids);
	if (v.quiet || v.n == 0)
		(void)printf("%s moved\n", messages(v.n));
	return v.bad ? EXIT_SOME : 0;
}
