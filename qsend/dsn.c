#include "dsn.h"

#include "dsn_int.h"

int dsn_has(const struct dsn *d, enum dsn_action action)
{
	for (size_t i = 0; i < d->nrcpts; i++)
		if (d->rcpts[i].action == action)
			return 1;
	return 0;
}

/* qmail's format knows failures alone. */
static int is_qsbmf(const struct dsn *d)
{
	for (size_t i = 0; i < d->nrcpts; i++)
		if (d->rcpts[i].action != DSN_FAILED)
			return 0;
	return d->qsbmf;
}

int dsn_begin(const struct dsn *d, dsn_put *put, void *arg)
{
	struct out o = {put, arg, 0};

	out_header(&o, d);
	if (is_qsbmf(d))
		qsbmf_begin(&o, d);
	else
		mime_begin(&o, d);
	return o.failed ? -1 : 0;
}

int dsn_end(const struct dsn *d, dsn_put *put, void *arg)
{
	struct out o = {put, arg, 0};

	if (!is_qsbmf(d))
		out_say(&o, "\n--%s--\n", d->boundary);
	return o.failed ? -1 : 0;
}
