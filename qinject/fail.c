#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "qlimits.h"

static enum fail_kind last;
static char text[2 * LIMIT_PATH];

int fail(enum fail_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	last = kind;
	return -1;
}

int fail_sys(enum fail_kind kind, const char *what)
{
	int e = errno;

	return fail(e == ENOMEM ? FAIL_MEMORY : kind, "unable to %s: %s", what,
		    strerror(e));
}

int fail_full(enum fail_kind kind, const char *limit)
{
	if (errno != EMSGSIZE)
		return fail(FAIL_MEMORY, "out of memory");
	return fail(kind, "%s", limit);
}

int fail_as(enum fail_kind kind)
{
	last = kind;
	return -1;
}

enum fail_kind fail_last(void)
{
	return last;
}

const char *fail_text(void)
{
	return text;
}
