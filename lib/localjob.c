#include "localjob.h"

#include <errno.h>
#include <string.h>

#include "cursor.h"
#include "sbuf.h"

int localjob_put(struct sbuf *b, const char *dash, const char *ext, const char *alias,
		 const char *job, size_t n)
{
	sbuf_clear(b);
	if (sbuf_catz(b, dash) == -1 || sbuf_catz(b, ext) == -1 ||
	    sbuf_catz(b, alias) == -1)
		return -1;
	return sbuf_cat(b, job, n);
}

int localjob_get(struct localjob *l, const char *p, size_t n)
{
	struct cursor c;

	cur_init(&c, p, n);
	if (cur_str(&c, LIMIT_DASH, &l->dash) == -1 ||
	    cur_str(&c, LIMIT_ADDRESS, &l->ext) == -1 ||
	    cur_str(&c, LIMIT_ADDRESS, &l->alias) == -1)
		return -1;
	if (strchr(l->dash, '/') != NULL) {
		errno = EBADMSG;
		return -1;
	}
	return job_get(&l->job, c.p, c.len);
}
