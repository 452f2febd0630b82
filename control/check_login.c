/* Passwords: who may read them, and who judges them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.h"
#include "control.h"
#include "finding.h"
#include "paths.h"

/* Files that hold passwords or their hashes: below which directory, the group. */
static const struct secret {
	const char *dir, *dirname, *name, *group;
} secrets[] = {
    {paths.control, "control", "smtpauth", "quoins"},
    {paths.users, "users", "passwd", "quoina"},
    {paths.users, "users", "passwd.cdb", "quoina"},
};

static void check_secret(const struct secret *s)
{
	char path[LIMIT_PATH];
	struct stat st;
	long group = number_of(s->group, 1);

	if (!path_join(path, sizeof path, s->dir, s->name) || stat(path, &st) == -1)
		return;
	if (st.st_mode & 027) {
		problem("%s/%s can be read or written by others", s->dirname, s->name);
		remedy("chmod 640 %s", path);
	}
	if (geteuid() == 0 && group != -1 &&
	    ((long)st.st_gid != group || !(st.st_mode & 040))) {
		problem("%s/%s cannot be read by group %s", s->dirname, s->name,
			s->group);
		remedy("chown root:%ld %s && chmod 640 %s", group, path, path);
	}
}

/* Is the name one of control/ that others must not read? */
int is_secret(const char *name)
{
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		if (secrets[i].dir == paths.control && strcmp(secrets[i].name, name) == 0)
			return 1;
	return 0;
}

/* Who could change what root runs? One without a slash is ours. */
static void check_program(const char *command)
{
	char path[LIMIT_PATH];
	struct stat st;

	if (command[0] != '/')
		return;
	(void)snprintf(path, sizeof path, "%.*s", (int)strcspn(command, " \t"), command);
	if (stat(path, &st) == -1)
		problem("control/checkpassword: there is no %s", path);
	else if ((st.st_mode & 022) || (geteuid() == 0 && st.st_uid != 0)) {
		problem("%s runs as root and can be changed by others", path);
		remedy("chown root %s && chmod go-w %s", path, path);
	}
}

static void check_judge(void)
{
	char *command = NULL;

	switch (control_line("checkpassword", &command)) {
	case 1:
		note("control/checkpassword: every password goes to this program, as "
		     "root: %s",
		     command);
		check_program(command);
		break;
	case -1:
		problem("%s", control_error());
		break;
	}
	free(command);
}

void check_login(void)
{
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		check_secret(&secrets[i]);
	check_judge();
}
