#include "creds.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "authask.h"
#include "cursor.h"

/* Some callers end the timestamp with no NUL, or leave it out. */
int creds_parse(struct creds *c, size_t n)
{
	struct cursor cur;

	cur_init(&cur, c->buf, n);
	if (cur_str(&cur, LIMIT_LOGIN, &c->user) == -1)
		return -1;
	if (cur_str(&cur, LIMIT_PASSWORD, &c->password) == -1)
		return -1;
	if (cur_str(&cur, CREDS_MAX, &c->third) == -1)
		c->third = "";
	return 0;
}

int creds_read(struct creds *c, int fd)
{
	size_t n = 0;

	while (n < sizeof c->buf) {
		ssize_t r = read(fd, c->buf + n, sizeof c->buf - n);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		if (r == 0)
			return creds_parse(c, n);
		n += (size_t)r;
	}
	errno = EMSGSIZE;
	return -1;
}

void creds_wipe(struct creds *c)
{
	explicit_bzero(c, sizeof *c);
}
