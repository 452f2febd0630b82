#include "hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "fail.h"
#include "qlimits.h"
#include "sbuf.h"

static const struct {
	const char *env;
	const char *file;
} sources[HOSTS] = {
    [DEFAULTHOST] = {"QMAILDEFAULTHOST", "defaulthost"},
    [DEFAULTDOMAIN] = {"QMAILDEFAULTDOMAIN", "defaultdomain"},
    [PLUSDOMAIN] = {"QMAILPLUSDOMAIN", "plusdomain"},
    [IDHOST] = {"QMAILIDHOST", "idhost"},
};

static const char *known[HOSTS];

/* A line feed in one of these would begin a header field of the caller's choice; a
 * blank or a comma another address. */
static int is_host(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ' || strchr("\x7f<>(),;:\"\\", s[i]) != NULL)
			return 0;
	return n > 0 && n <= LIMIT_DOMAIN;
}

static char *me(void)
{
	static char *name;

	if (name == NULL && control_line_or_me("me", &name) == -1) {
		(void)fail(FAIL_CONFIG, "unable to read %s", control_error());
		return NULL;
	}
	return name;
}

static const char *from_control(const char *file)
{
	char *line;
	int r = control_line(file, &line);

	if (r == 0)
		return me();
	if (r == 1)
		return line;
	(void)fail(FAIL_CONFIG, "unable to read %s", control_error());
	return NULL;
}

const char *host_name(enum host h)
{
	const char *s = known[h];

	if (s != NULL)
		return s;
	s = getenv(sources[h].env);
	if (s == NULL || s[0] == '\0')
		s = from_control(sources[h].file);
	if (s != NULL && !is_host(s)) {
		(void)fail(FAIL_CONFIG, "%s (or %s) is not a host name", sources[h].file,
			   sources[h].env);
		return NULL;
	}
	known[h] = s;
	return s;
}

static int append(struct sbuf *out, const char *p, size_t n)
{
	return sbuf_cat(out, p, n) == -1 ? fail_sys(FAIL_LONG, "complete an address") : 0;
}

static int append_under(struct sbuf *out, const char *p, size_t n, enum host h)
{
	const char *domain = host_name(h);

	if (domain == NULL || append(out, p, n) == -1 || append(out, ".", 1) == -1)
		return -1;
	return append(out, domain, strlen(domain));
}

int host_complete(struct sbuf *out, const char *domain, size_t n)
{
	if (n == 0) {
		domain = host_name(DEFAULTHOST);
		if (domain == NULL)
			return -1;
		n = strlen(domain);
	}
	if (domain[n - 1] == '+')
		return append_under(out, domain, n - 1, PLUSDOMAIN);
	if (domain[0] != '[' && memchr(domain, '.', n) == NULL)
		return append_under(out, domain, n, DEFAULTDOMAIN);
	return append(out, domain, n);
}
