#include "qread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fdio.h"

enum { FIRST_READ = 4096 };

static int is_torn(void)
{
	errno = EBADMSG;
	return -1;
}

static int read_at(int fd, char *p, size_t n, uint64_t at)
{
	ssize_t r = fd_read_at(fd, p, n, at);

	if (r == -1)
		return -1;
	return (size_t)r == n ? 0 : is_torn();
}

/* Most envelopes came with the first read. */
static int read_envelope(int fd, const struct qfile_head *h, const char *first,
			 size_t got, char *bytes)
{
	size_t n = h->env_len;
	size_t have = got - QFILE_HEAD < n ? got - QFILE_HEAD : n;

	memcpy(bytes, first + QFILE_HEAD, have);
	if (read_at(fd, bytes + have, n - have, QFILE_HEAD + have) == -1)
		return -1;
	return qfile_check(first, bytes);
}

static int read_head(int fd, struct qfile_head *h, char *first, size_t *got)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode) || st.st_size < QFILE_HEAD)
		return is_torn();
	*got = st.st_size < FIRST_READ ? (size_t)st.st_size : FIRST_READ;
	if (read_at(fd, first, *got, 0) == -1 || qfile_unpack(first, h) == -1)
		return -1;
	if ((uint64_t)st.st_size != qfile_msg_offset(h) + h->msg_len)
		return is_torn();
	return 0;
}

int qread(int fd, struct qfile_head *h, char **bytes, struct envelope *e)
{
	char first[FIRST_READ];
	size_t got;
	char *p;

	if (read_head(fd, h, first, &got) == -1)
		return -1;
	p = malloc((size_t)h->env_len + 1);
	if (p == NULL)
		return -1;
	if (read_envelope(fd, h, first, got, p) == 0 &&
	    envelope_parse(e, p, h->env_len) == 0 && (e->uid != NULL || is_torn() == 0)) {
		*bytes = p;
		return 0;
	}
	free(p);
	return -1;
}
