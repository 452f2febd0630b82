#include "who.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "fail.h"

/* The first of a NULL-ended list that is set and not empty. */
static const char *first_set(const char *const names[])
{
	for (; *names != NULL; names++) {
		const char *s = getenv(*names);

		if (s != NULL && s[0] != '\0')
			return s;
	}
	return NULL;
}

/* By the file alone: NSS does not work in a static program. Users of other databases
 * have USER. Owner: the caller. */
static char *user_of_passwd(uid_t uid)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *pw;
	char *name = NULL;

	if (f == NULL)
		return NULL;
	while (name == NULL && (pw = fgetpwent(f)) != NULL)
		if (pw->pw_uid == uid)
			name = strdup(pw->pw_name);
	(void)fclose(f);
	return name;
}

static const char *user_name(void)
{
	static const char *const names[] = {"QMAILUSER", "MAILUSER", "USER", "LOGNAME",
					    NULL};
	static char *found;
	const char *s = first_set(names);

	if (s != NULL)
		return s;
	if (found == NULL)
		found = user_of_passwd(getuid());
	return found != NULL ? found : "anonymous";
}

static const char *host(void)
{
	static const char *const names[] = {"QMAILHOST", "MAILHOST", NULL};

	return first_set(names);
}

int who_author(char kept[LIMIT_ADDRESS + 1])
{
	return address_from_parts(user_name(), host(), kept);
}

int who_sender(char kept[LIMIT_ADDRESS + 1])
{
	static const char *const users[] = {"QMAILSUSER", NULL};
	static const char *const hosts[] = {"QMAILSHOST", NULL};
	const char *u = first_set(users);
	const char *h = first_set(hosts);

	return address_from_parts(u != NULL ? u : user_name(), h != NULL ? h : host(),
				  kept);
}

int who_name(const char **name)
{
	static const char *const names[] = {"QMAILNAME", "MAILNAME", "NAME", NULL};

	*name = first_set(names);
	if (*name != NULL && !is_one_line(*name))
		return fail(FAIL_USAGE,
			    "the name in the environment contains a control character");
	return 0;
}
