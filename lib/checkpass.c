#include "checkpass.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

_Static_assert(LIMIT_LOGIN + 1 + LIMIT_PASSWORD + 1 + (int)CHECKPASS_THIRD + 1 <=
		   LIMIT_AUTHFRAME,
	       "name, password and a third fit");

size_t checkpass_put(char text[LIMIT_AUTHFRAME], const struct auth_want *w,
		     const char *third)
{
	char *end = stpcpy(text, w->user) + 1;

	end = stpcpy(end, w->password) + 1;
	return (size_t)(stpcpy(end, third) + 1 - text);
}

size_t checkpass_put_time(char text[LIMIT_AUTHFRAME], const struct auth_want *w)
{
	char now[CHECKPASS_THIRD + 1];

	(void)snprintf(now, sizeof now, "%lld", (long long)time(NULL));
	return checkpass_put(text, w, now);
}
