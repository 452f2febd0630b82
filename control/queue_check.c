/* qctl queue check and repair: every file of the queue, what is wrong with it, what that
 * means, what mends it.
 *
 * Both may run while qsend works: what vanishes or grows meanwhile is no finding. repair
 * then does what cannot disturb it, and says what needs it stopped; with qsend stopped it
 * takes the lock, so that none starts in between. It never removes a message. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "checks.h"
#include "finding.h"
#include "prog.h"
#include "queue.h"
#include "queue_file.h"
#include "queue_ours.h"
#include "queue_parts.h"

enum { OLD_TMP = 86400, OLD_HIDDEN = 3600 };
enum { AGAIN_MS = 100, TRIES = 5 };

const char *private_home;

static struct {
	int mend;
	struct ours here;
	int tmp, bad;
	struct stat of_tmp, of_cur, of_state; /* the directories: whose their files are */
	time_t now;
} q;

/* ---- what mends it ---- */

/* May it be done now? If not it is said how it can be. */
static int may_mend(int only_stopped)
{
	if (q.mend && (q.here.stopped || !only_stopped))
		return 1;
	if (only_stopped && !q.here.stopped)
		remedy("qctl stop, qctl queue repair, qctl start");
	else
		remedy("qctl queue repair");
	return 0;
}

static void outcome(int done, const char *what)
{
	if (done == 0)
		mended("%s", what);
	else
		remedy("%s: %s", what, strerror(errno));
}

static int is_there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void mend_aside(int dir, const char *name, const char *as)
{
	if (!may_mend(1))
		return;
	if (faccessat(q.bad, as, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		remedy("queue/bad/%s is there already: look at both", as);
		return;
	}
	outcome(renameat(dir, name, q.bad, as), "moved to queue/bad");
}

/* With its journal, as qsend does it. */
static void mend_message(int dir, const char *id)
{
	char as[PART_NAME];

	mend_aside(dir, id, id);
	part_name(as, id, ".state");
	if (q.mend && q.here.stopped && !is_there(dir, id))
		(void)renameat(q.here.state, id, q.bad, as);
}

static void mend_unlink(int dir, const char *name, int only_stopped)
{
	if (may_mend(only_stopped))
		outcome(unlinkat(dir, name, 0), "removed");
}

/* ---- owner and mode of one file ---- */

struct want {
	uid_t uid, or_uid;
	gid_t gid;
	mode_t mode;
};

static void check_owner(int dir, const char *where, const char *name, int fd,
			const struct want *w)
{
	struct stat st;

	if (fstat(fd, &st) == -1 || !is_there(dir, name))
		return;
	if ((st.st_uid == w->uid || st.st_uid == w->or_uid) && st.st_gid == w->gid &&
	    (st.st_mode & 07777) == w->mode)
		return;
	problem("queue/%s/%s has owner %lu:%lu and mode %04o, not %lu:%lu and %04o: a "
		"service cannot read it, or somebody else can",
		where, name, (unsigned long)st.st_uid, (unsigned long)st.st_gid,
		(unsigned)(st.st_mode & 07777), (unsigned long)w->uid,
		(unsigned long)w->gid, (unsigned)w->mode);
	if (may_mend(0))
		outcome(fchown(fd, w->uid, w->gid) == 0 ? fchmod(fd, w->mode) : -1,
			"owner and mode set");
}

/* ---- messages ---- */

static const char *const damages[] = {
    [DAMAGE_HEAD] = "its head or envelope is damaged",
    [DAMAGE_MESSAGE] = "its message is damaged",
    [DAMAGE_UNREAD] = "it cannot be read",
};

static void check_message(int dir, const char *where, const char *id)
{
	const struct want w = {q.of_tmp.st_uid, q.of_cur.st_uid, q.of_tmp.st_gid, 0640};
	int fd = file_open(dir, id);
	enum damage d;

	if (fd == -1 && errno == ENOENT)
		return;
	if (fd == -1) /* a link, a socket: qsend sets it aside, too */
		d = errno == ELOOP || errno == ENXIO ? DAMAGE_HEAD : DAMAGE_UNREAD;
	else
		d = file_damage(fd);
	if (d != DAMAGE_NONE && is_there(dir, id)) {
		problem("queue/%s/%s: %s: it cannot be delivered", where, id, damages[d]);
		if (d == DAMAGE_UNREAD)
			remedy("see whether the disk is sound");
		else
			mend_message(dir, id);
	} else if (d == DAMAGE_NONE)
		check_owner(dir, where, id, fd, &w);
	if (fd != -1)
		(void)close(fd);
}

/* ---- journals ---- */

/* qsend cannot begin with a message whose journal is a link or a directory. */
static void check_unread(const char *id)
{
	const char *why = strerror(errno);
	char as[PART_NAME];
	struct stat st;

	if (fstatat(q.here.state, id, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	problem("queue/state/%s cannot be read: %s: its message is not delivered", id,
		why);
	part_name(as, id, ".state");
	if (S_ISREG(st.st_mode))
		remedy("see whether the disk is sound");
	else
		mend_aside(q.here.state, id, as);
}

static int is_torn(const char *id, struct history *h)
{
	const struct timespec pause = {0, AGAIN_MS * 1000000L};

	/* A torn tail may be one that is being written. */
	for (int i = 0; i < TRIES; i++) {
		if (i > 0) {
			(void)close(h->fd);
			(void)nanosleep(&pause, NULL);
		}
		if (history_read(q.here.state, id, id, h) == -1) {
			check_unread(id);
			return 0;
		}
		if (h->fd == -1)
			return 0;
		if (h->len == h->size)
			return 0;
		if (q.here.stopped)
			return 1;
	}
	return 1;
}

static void cut(const char *id, const struct history *h)
{
	int fd;

	if (!may_mend(1))
		return;
	fd = openat(q.here.state, id, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	outcome(fd != -1 && ftruncate(fd, (off_t)h->len) == 0 ? fsync(fd) : -1,
		"torn tail cut off");
	if (fd != -1)
		(void)close(fd);
}

static void check_orphan(const char *id)
{
	struct stat st;

	if (fstatat(q.here.state, id, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	/* It goes a moment after its message. */
	if (!q.here.stopped && q.now - st.st_ctime < OLD_HIDDEN)
		return;
	problem("queue/state/%s: a journal without a message: harmless", id);
	mend_unlink(q.here.state, id, 1);
}

static void check_journal(const char *id)
{
	const struct want w = {q.of_state.st_uid, q.of_state.st_uid, q.of_state.st_gid,
			       0600};
	struct history h = {.fd = -1};

	if (!ours_has(&q.here, id)) {
		check_orphan(id);
		return;
	}
	if (is_torn(id, &h)) {
		problem("queue/state/%s: %llu bytes at its end are torn: a recipient may "
			"get the message again",
			id, (unsigned long long)(h.size - h.len));
		cut(id, &h);
	}
	if (h.fd == -1)
		return;
	check_owner(q.here.state, "state", id, h.fd, &w);
	(void)close(h.fd);
}

/* ---- names ---- */

static int is_id(const char *name)
{
	uint64_t ns;

	return qid_parse(name, &ns) == 0;
}

static time_t age_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? q.now - st.st_mtime
								 : 0;
}

static void check_foreign(int dir, const char *where, const char *name)
{
	char as[NAME_MAX + 1];

	if (name[0] == '.' && is_id(name + 1)) {
		if (age_of(dir, name) < OLD_HIDDEN)
			return;
		problem("queue/%s/%s: left by a qctl queue take that was cut short",
			where, name);
		mend_unlink(dir, name, 0);
		return;
	}
	if (!is_there(dir, name))
		return;
	problem("queue/%s/%s: the name is not an id: nobody reads it", where, name);
	if (snprintf(as, sizeof as, "%s%s", name, dir == q.here.state ? ".state" : "") <
	    (int)sizeof as)
		mend_aside(dir, name, as);
}

static int no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* ---- the directories ---- */

typedef void look(int dir, const char *where, const char *name);

static void each(int dir, const char *where, look *at)
{
	struct dirent **names;
	int n = scandirat(dir, ".", &names, no_dots, alphasort);

	if (n == -1) {
		problem("queue/%s cannot be read: %s", where, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		at(dir, where, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

static void look_message(int dir, const char *where, const char *name)
{
	if (is_id(name))
		check_message(dir, where, name);
	else
		check_foreign(dir, where, name);
}

static void look_journal(int dir, const char *where, const char *name)
{
	if (is_id(name))
		check_journal(name);
	else
		check_foreign(dir, where, name);
}

static void look_tmp(int dir, const char *where, const char *name)
{
	if (age_of(dir, name) < OLD_TMP)
		return;
	problem("queue/%s/%s is older than a day: nobody was promised it", where, name);
	mend_unlink(dir, name, 0);
}

static void look_bad(int dir, const char *where, const char *name)
{
	(void)dir;
	problem("queue/%s/%s was set aside: it is delivered to nobody", where, name);
	remedy("see what it holds (man quoin-queue), tell its sender, remove it");
}

/* ---- the verb ---- */

static void open_all(void)
{
	ours_open(&q.here);
	q.tmp = ours_dir("tmp");
	q.bad = ours_dir("bad");
	q.now = time(NULL);
	if (fstat(q.tmp, &q.of_tmp) == -1 || fstat(q.here.cur, &q.of_cur) == -1 ||
	    fstat(q.here.state, &q.of_state) == -1)
		die_sys(EXIT_TEMP, "look at the queue");
}

static void check_all(void)
{
	finding_check("modes");
	check_modes_of("queue/", q.mend);
	finding_check("messages");
	each(q.here.new, "new", look_message);
	each(q.here.cur, "cur", look_message);
	finding_check("journals");
	each(q.here.state, "state", look_journal);
	finding_check("tmp");
	each(q.tmp, "tmp", look_tmp);
	finding_check("bad");
	each(q.bad, "bad", look_bad);
}

int do_check(int argc, char **argv)
{
	struct filter f;
	int found;

	filter_parse(&f, TAKES_JSON, argc, argv);
	private_home = args_home;
	q.mend = strcmp(argv[0], "repair") == 0;
	open_all();
	finding_begin(f.json);
	check_all();
	found = finding_end();
	if (found == -1)
		die_sys(EXIT_TEMP, "write");
	return found > 0 ? EXIT_SOME : 0;
}
