/* Owners and modes, by the tables that made them. */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.h"
#include "finding.h"
#include "gen/build.h"
#include "num.h"
#include "paths.h"

/* A private Quoin's numbers: 1 and the number counted from DIR/uidbase as qctl-house does
 * it, -1: no such name there, 0: no uidbase, ask the system. */
static int counted(const char *name, long *number)
{
	char path[LIMIT_PATH], line[256];
	long n = 0;
	int found = 0;
	FILE *f;

	if (!path_join(path, sizeof path, private_home, "uidbase") ||
	    !(f = fopen(path, "re")))
		return 0;
	*number = fgets(line, sizeof line, f) ? strtol(line, NULL, 10) : 0;
	(void)fclose(f);
	if (!path_join(path, sizeof path, paths.bin, "house/users") ||
	    !(f = fopen(path, "re")))
		return -1;
	while (!found && fgets(line, sizeof line, f)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		n++;
		line[strcspn(line, " \t\n")] = '\0';
		found = strcmp(line, name) == 0;
	}
	(void)fclose(f);
	*number += n;
	return found ? 1 : -1;
}

long number_of(const char *name, int group)
{
	struct passwd *pw;
	struct group *gr;
	long n;

	if (private_home && geteuid() != 0)
		return group ? (long)getegid() : (long)geteuid();
	if (strcmp(name, "root") == 0)
		return 0;
	switch (private_home ? counted(name, &n) : 0) {
	case 1:
		return n;
	case -1:
		return -1;
	}
	if (group) {
		gr = getgrnam(name);
		return gr ? (long)gr->gr_gid : -1;
	}
	pw = getpwnam(name);
	return pw ? (long)pw->pw_uid : -1;
}

/* queue/tmp/ -> the real path: 0, or -1 if the first word is none of ours. */
static int real_path(char *out, size_t size, const char *path)
{
	const struct {
		const char *name, *dir;
	} bases[] = {
	    {"control", paths.control}, {"queue", paths.queue}, {"run", paths.run},
	    {"users", paths.users},     {"alias", paths.alias}, {"bin", paths.bin},
	    {"homes", paths.homes},     {"sts", paths.sts},
	};
	size_t n = strcspn(path, "/");
	int len = -1;

	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
		if (strlen(bases[i].name) == n && strncmp(bases[i].name, path, n) == 0)
			len = snprintf(out, size, "%s%s", bases[i].dir, path + n);
	if (n == 3 && strncmp(path, "log", n) == 0)
		len = private_home ? snprintf(out, size, "%s/%s", private_home, path)
				   : snprintf(out, size, "%s%s", BUILD_LOGDIR, path + n);
	if (len < 0 || (size_t)len >= size)
		return -1;
	if (len > 1 && out[len - 1] == '/')
		out[len - 1] = '\0';
	return 0;
}

static int mends;

static void check_owner(const char *real, const struct stat *st, const char *user,
			const char *group)
{
	long uid = number_of(user, 0), gid = number_of(group, 1);

	if (uid == -1 || gid == -1) {
		problem("no user or group %s here", uid == -1 ? user : group);
		remedy("qctl house users");
		return;
	}
	if ((long)st->st_uid != uid || (long)st->st_gid != gid) {
		problem("%s belongs to %lu:%lu, not to %s:%s", real,
			(unsigned long)st->st_uid, (unsigned long)st->st_gid, user,
			group);
		if (mends && lchown(real, (uid_t)uid, (gid_t)gid) == 0)
			mended("owner set");
		else
			remedy("chown %ld:%ld %s", uid, gid, real);
	}
}

static void check_row(const char *path, const char *user, const char *group, mode_t mode)
{
	char real[LIMIT_PATH];
	struct stat st;
	int is_dir = path[strlen(path) - 1] == '/';

	if (real_path(real, sizeof real, path) == -1) {
		problem("house/modes: %s is under no known directory", path);
		return;
	}
	/* run/ is made at each start */
	if (lstat(real, &st) == -1) {
		if (errno == EACCES)
			note("%s: cannot look there; ask as root", real);
		else if (strncmp(path, "run/", 4) != 0) {
			problem("%s is missing", real);
			remedy("qctl house dirs");
		}
		return;
	}
	if (strcmp(path, "bin/") == 0 && private_home)
		return; /* a link to a build */
	if (is_dir ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)) {
		problem("%s is not a %s", real, is_dir ? "directory" : "plain file");
		return;
	}
	check_owner(real, &st, user, group);
	if ((st.st_mode & 07777) != mode) {
		problem("%s has mode %04o, not %04o", real,
			(unsigned)(st.st_mode & 07777), (unsigned)mode);
		if (mends && chmod(real, mode) == 0)
			mended("mode set");
		else
			remedy("chmod %04o %s", (unsigned)mode, real);
	}
}

void check_modes_of(const char *first, int mend)
{
	char path[LIMIT_PATH], line[512], where[256], user[64], group[64], mode[8];
	FILE *f;

	mends = mend;
	if (!path_join(path, sizeof path, paths.bin, "house/modes") ||
	    !(f = fopen(path, "re"))) {
		problem("%s: %s", path, strerror(errno));
		return;
	}
	while (fgets(line, sizeof line, f)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (strncmp(line, first, strlen(first)) != 0)
			continue;
		if (sscanf(line, "%255s %63[^:]:%63s %7s", where, user, group, mode) == 4)
			check_row(where, user, group, (mode_t)strtoul(mode, NULL, 8));
		else
			problem("house/modes: cannot read: %s", line);
	}
	(void)fclose(f);
}

void check_modes(void)
{
	check_modes_of("", 0);
}

void check_programs(void)
{
	char path[LIMIT_PATH];
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(paths.bin);

	if (!d) {
		problem("%s: %s", paths.bin, strerror(errno));
		return;
	}
	while ((e = readdir(d))) {
		if (!path_join(path, sizeof path, paths.bin, e->d_name) ||
		    lstat(path, &st) == -1 || !S_ISREG(st.st_mode))
			continue;
		if (st.st_mode & (S_ISUID | S_ISGID)) {
			problem("%s is setuid or setgid: no file of Quoin is", path);
			remedy("chmod ug-s %s", path);
		}
		if ((st.st_mode & 022) && !private_home) {
			problem("%s can be written by others than its owner", path);
			remedy("chmod go-w %s", path);
		}
	}
	(void)closedir(d);
}
