#include "mail.h"

#include <time.h>
#include <unistd.h>

#include "date822.h"
#include "qlimits.h"

int mail_envelope(const struct mail *m, struct sbuf *env)
{
	const char ret[] = {m->ret, '\0'};

	if (sbuf_field(env, 'F', m->sender) == -1 ||
	    (m->envid != NULL && *m->envid != '\0' &&
	     sbuf_field(env, 'E', m->envid) == -1) ||
	    (*ret != '\0' && sbuf_field(env, 'R', ret) == -1))
		return -1;
	return sbuf_cat(env, m->rcpts->fields.p, m->rcpts->fields.len);
}

/* RFC 5321 4.4, shortened: there is no host that it came from. */
static int each_received(const char *id, int (*each)(void *arg, const void *p, size_t n),
			 void *arg)
{
	struct sbuf b = SBUF_INIT(LIMIT_TEXT);
	char date[DATE822_SIZE];
	int r;

	date822(date, time(NULL));
	r = sbuf_catf(&b, "Received: (quoin %s invoked by uid %lu); %s\n", id,
		      (unsigned long)geteuid(), date);
	if (r == 0)
		r = each(arg, b.p, b.len);
	sbuf_free(&b);
	return r;
}

int mail_each(const struct mail *m, const char *id,
	      int (*each)(void *arg, const void *p, size_t n), void *arg)
{
	if (each_received(id, each, arg) == -1)
		return -1;
	if (m->header != NULL &&
	    (each(arg, m->header->p, m->header->len) == -1 || each(arg, "\n", 1) == -1))
		return -1;
	return spool_each(m->body, each, arg);
}
