#include "who.h"

#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
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

static const char *user_name(void)
{
	static const char *const names[] = {"QMAILUSER", "MAILUSER", "USER", "LOGNAME",
					    NULL};
	static const char *found;
	const char *s = first_set(names);
	struct passwd *pw;

	if (s != NULL)
		return s;
	if (found == NULL) {
		pw = getpwuid(getuid());
		found = pw != NULL ? pw->pw_name : "anonymous";
	}
	return found;
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
