#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ascii.h"
#include "clock.h"
#include "fdio.h"
#include "maildir/deliver.h"
#include "owner.h"
#include "paths.h"
#include "prog.h"
#include "route.h"

/* ---- whose it is ---- */

/* The system's users, as qgetpw knows them. `alias` is asked for when it was nobody
 * else's, and then it does not matter who that is. */
static int ask_getpw(void *arg, const char *name, struct route_user *u)
{
	const struct passwd *pw;
	struct stat st;

	(void)arg;
	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL && strcmp(name, "alias") == 0) {
		(void)snprintf(u->name, sizeof u->name, "%s", name);
		(void)snprintf(u->home, sizeof u->home, "%s", paths.alias);
		return 1;
	}
	if (pw == NULL)
		return errno == 0 || errno == ENOENT || errno == ESRCH ? 0 : -1;
	if (strlen(pw->pw_dir) >= sizeof u->home || pw->pw_dir[0] != '/' ||
	    stat(pw->pw_dir, &st) == -1 || st.st_uid != pw->pw_uid)
		return 0;
	(void)snprintf(u->name, sizeof u->name, "%s", pw->pw_name);
	(void)snprintf(u->home, sizeof u->home, "%s", pw->pw_dir);
	u->uid = pw->pw_uid;
	u->gid = pw->pw_gid;
	return 1;
}

/* The local part that step 2 looks up. */
static void find_local(struct place *p, int *is_virtual)
{
	const char *at = strrchr(p->name, '@');
	struct route *r;
	struct route_to to;

	*is_virtual = 0;
	if (at == NULL) {
		memcpy(p->local, p->name, strlen(p->name) + 1);
		return;
	}
	r = route_load();
	if (r == NULL)
		die_msg(EXIT_TEMP, "unable to read %s", route_error());
	if (route_address(r, p->name, &to, NULL, NULL) == -1)
		die_msg(EXIT_PERM, "%s is no address", p->name);
	if (to.kind != ROUTE_LOCAL)
		die_msg(EXIT_PERM,
			"mail to %s does not come here: put %s into control/rcpthosts, "
			"and \"%s:%s\" into control/virtualdomains; then: qctl reload",
			p->name, at + 1, at + 1, at + 1);
	memcpy(p->local, to.local, strlen(to.local) + 1);
	*is_virtual = strncmp(p->name, p->local, (size_t)(at - p->name)) != 0 ||
		      strlen(p->local) != (size_t)(at - p->name);
	route_free(r);
}

static int is_tame(const char *name)
{
	if (name[0] == '.' || strlen(name) > LIMIT_USER)
		return 0;
	for (; *name != '\0'; name++)
		if (strchr("/\\\"'`$*?!&|;<>()[]{}", *name) != NULL)
			return 0;
	return 1;
}

static void place_below(struct place *p, const char *base)
{
	if (!is_tame(p->name))
		die_msg(EXIT_PERM,
			"%s: a mailbox of its own has a simpler name, "
			"of at most %d bytes",
			p->name, LIMIT_USER);
	if (snprintf(p->base, sizeof p->base, "%s", base) >= (int)sizeof p->base ||
	    path_join(p->home, sizeof p->home, base, p->name) == NULL)
		die_sys(EXIT_PERM, "name the home");
}

static void place_anew(struct place *p)
{
	struct stat st;

	if (lstat(paths.homes, &st) == -1 || !S_ISDIR(st.st_mode))
		die_msg(EXIT_PERM, "%s is no directory; try: qctl house dirs",
			paths.homes);
	p->uid = st.st_uid;
	p->gid = st.st_gid;
	place_below(p, paths.homes);
}

/* A dot-file of alias, or of the user whose domain it is, has the address already. */
static void refuse_dotfile(const char *name, const struct route_user *u)
{
	char path[2 * LIMIT_PATH + LIMIT_ADDRESS];
	size_t home = strlen(u->home);
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/.qmail%s%s", u->home, u->dash, u->ext);
	for (char *c = path + home + 1 + strlen(".qmail"); *c != '\0'; c++)
		*c = *c == '.' ? ':' : ascii_lower(*c);
	if (u->ext[0] != '\0' && lstat(path, &st) == 0)
		die_msg(EXIT_PERM, "mail to %s goes where %s says; remove that first",
			name, path);
}

void place_find(struct place *p, const char *name)
{
	struct route_user u;
	int is_virtual;

	memset(p, 0, sizeof *p);
	(void)snprintf(p->name, sizeof p->name, "%s", name);
	find_local(p, &is_virtual);
	if (route_local(p->local, ask_getpw, NULL, &u, NULL, NULL) == -1)
		die_msg(EXIT_TEMP, "%s", route_error());
	if (u.alias[0] != '\0')
		die_msg(EXIT_PERM,
			"%s is an alias (control/aliases): nobody reads it here", name);
	refuse_dotfile(name, &u);
	p->uid = u.uid;
	p->gid = u.gid;
	if (u.catchall)
		place_anew(p);
	else if (u.dash[0] == '\0' && u.ext[0] == '\0')
		memcpy(p->home, u.home, strlen(u.home) + 1);
	else if (is_virtual)
		place_below(p, u.home);
	else
		die_msg(EXIT_PERM, "mail to %s is %s's already (%s/.qmail%s%s)", name,
			u.name, u.home, u.dash, u.ext);
	if (p->uid == 0)
		die_msg(EXIT_PERM, "%s would be root, who never logs in", name);
}

/* ---- the home ---- */

/* What comes to joe+anything. */
static void make_default(int home)
{
	static const char text[] = "./Maildir/\n";
	int fd = openat(home, ".qmail-default",
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd == -1 && errno == EEXIST)
		return;
	if (fd == -1 || fd_write_full(fd, text, sizeof text - 1, CLOCK_NEVER) == -1 ||
	    fsync(fd) == -1 || close(fd) == -1)
		die_sys(EXIT_TEMP, "make .qmail-default");
}

/* As the user; returns when it was there. */
static int make_home(const struct place *p)
{
	int base = open(p->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct maildir m;
	struct stat st;
	int home = -1;
	int there;

	if (base == -1)
		die_sys2(EXIT_TEMP, "open", p->base);
	there = mkdirat(base, p->name, 0700) == -1;
	if (!there || errno == EEXIST)
		home = openat(base, p->name,
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (home == -1 || fstat(home, &st) == -1)
		die_sys2(EXIT_TEMP, "make", p->home);
	if (st.st_uid != p->uid)
		die_msg(EXIT_PERM, "%s belongs to somebody else", p->home);
	if (maildir_open(&m, home, "./Maildir/", 1) == -1 || fsync(base) == -1)
		die_sys2(EXIT_TEMP, "make a Maildir in", p->home);
	maildir_close(&m);
	make_default(home);
	if (fsync(home) == -1)
		die_sys2(EXIT_TEMP, "sync", p->home);
	return there;
}

int place_make(const struct place *p)
{
	const struct owner owner = {p->uid, p->gid};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)umask(077);
		if (owner_become(&owner) == -1)
			die_sys(EXIT_TEMP, "become the user");
		_exit(make_home(p));
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		die_sys(EXIT_TEMP, "make the home");
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_TEMP);
	return WEXITSTATUS(status) == 0;
}
