/* What qsend opens before its sandbox closes: the queue, under its lock, and its doors. */
#include "sched.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "paths.h"
#include "prog.h"
#include "usock.h"

enum { LOCK_WAIT_MS = 30000, LOCK_PAUSE_MS = 100 };
/* So many syncs side by side; more gain nothing on one disk. */
enum { SYNC_THREADS = 4 };

static int open_queue_dir(const char *name)
{
	char path[LIMIT_PATH];
	int fd = -1;

	if (path_join(path, sizeof path, paths.queue, name) != NULL)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		die_sys2(EXIT_TEMP, "open directory queue/", name);
	return fd;
}

static void wait_for_lock(int fd, const char *who_holds)
{
	int64_t until = clock_mono_ms() + LOCK_WAIT_MS;
	const struct timespec pause = {0, LOCK_PAUSE_MS * 1000000L};

	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			die_sys(EXIT_TEMP, "lock the queue");
		if (clock_mono_ms() > until)
			die_msg(EXIT_TEMP, "another %s", who_holds);
		(void)nanosleep(&pause, NULL);
	}
}

/* A predecessor may still wait for its last deliveries. */
static void take_lock(struct sched *q)
{
	char path[LIMIT_PATH];
	int fd = -1;

	if (path_join(path, sizeof path, paths.queue, "lock") != NULL)
		fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		die_sys(EXIT_TEMP, "open queue/lock");
	wait_for_lock(fd, "qsend holds queue/lock");
	q->lock = fd;
	pause_read(q);
}

/* qctl queue take puts a journal into state/, and then its message into cur/: between
 * the two it must not be taken for an orphan. Open until the queue was read. */
static int lock_journals(void)
{
	int fd = open_queue_dir("state");

	wait_for_lock(fd, "qctl queue take holds queue/state");
	return fd;
}

/* A door whose directory was not made stays shut. */
static int open_door(const char *name, int type, mode_t mode)
{
	int fd = usock_listen(name, type, mode);

	if (fd == -1 && errno != ENOENT)
		die_sys2(EXIT_TEMP, "listen at run/", name);
	return fd;
}

int queue_open(struct sched *q)
{
	take_lock(q);
	q->cur = open_queue_dir("cur");
	q->new = open_queue_dir("new");
	q->state = open_queue_dir("state");
	q->bad = open_queue_dir("bad");
	q->wake = open_door("qsend-wake", SOCK_DGRAM, 0660);
	q->ctl = open_door("qsend-ctl", SOCK_SEQPACKET, 0660);
	q->list = open_door("qsend-list", SOCK_SEQPACKET, 0666);
	if (syncer_open(&q->syncer, SYNC_THREADS) == -1)
		die_sys(EXIT_TEMP, "make an event descriptor");
	return lock_journals();
}
