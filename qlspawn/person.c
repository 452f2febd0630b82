#include "person.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "cursor.h"
#include "fdio.h"
#include "qlimits.h"
#include "sbuf.h"

/* Accounts below belong to the system (Debian policy 9.2.2), nobody as well. */
enum { FIRST_USER = 1000, NOBODY = 65534, ANSWER_MAX = 3 * LIMIT_PATH };

/* A home of somebody else means an account without a mailbox, as in qmail-getpw:
 * daemon's is /usr/sbin. A missing one may be a file server that is away; but not for
 * the system's own accounts, many of which never had one. */
static int has_mailbox(const struct passwd *p)
{
	struct stat st;

	if (strlen(p->pw_dir) >= LIMIT_PATH || p->pw_dir[0] != '/' ||
	    strlen(p->pw_shell) >= LIMIT_PATH)
		return 0;
	if (stat(p->pw_dir, &st) == 0)
		return st.st_uid == p->pw_uid;
	if (errno != ENOENT && errno != ENOTDIR)
		return 1;
	return p->pw_uid >= FIRST_USER && p->pw_uid != NOBODY;
}

/* What getpwnam_r(3) lists for "not found"; all else may be there tomorrow. */
static int means_unknown(int e)
{
	return e == 0 || e == ENOENT || e == ESRCH || e == EBADF || e == EPERM;
}

static int put_found(struct sbuf *b, const struct passwd *p)
{
	if (sbuf_catc(b, '+') == -1 || put_u32(b, p->pw_uid) == -1 ||
	    put_u32(b, p->pw_gid) == -1 || sbuf_catz(b, p->pw_dir) == -1)
		return -1;
	return sbuf_catz(b, p->pw_shell);
}

void person_prepare(void)
{
	(void)getpwnam("?");
}

static int answer(struct sbuf *b, const char *name)
{
	static char space[65536];
	struct passwd entry;
	struct passwd *found = NULL;
	int e = getpwnam_r(name, &entry, space, sizeof space, &found);

	if (found != NULL)
		return has_mailbox(found) ? put_found(b, found) : sbuf_catc(b, '-');
	return sbuf_catc(b, means_unknown(e) ? '-' : 'Z');
}

static _Noreturn void look_up(const char *name, int fd)
{
	struct sbuf b = SBUF_INIT(ANSWER_MAX);

	if (answer(&b, name) == -1 || fd_write_full(fd, b.p, b.len, CLOCK_NEVER) == -1)
		_exit(111);
	_exit(0);
}

int person_start(const char *name, pid_t *pid, int *fd)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	*pid = fork();
	if (*pid == 0)
		look_up(name, fds[1]);
	(void)close(fds[1]);
	if (*pid == -1) {
		(void)close(fds[0]);
		return -1;
	}
	*fd = fds[0];
	return 0;
}
