#include "conf.h"

#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "route.h"

static const uint64_t lifetime_max = 10 * 365 * 86400;
static const char *fault;

static int read_concurrency(const char *name, unsigned *v)
{
	uint64_t n = *v;

	if (control_num(name, CONCURRENCY_MAX, &n) == -1)
		return -1;
	*v = (unsigned)n;
	return 0;
}

static int read_logstyle(struct conf *c)
{
	char *line = NULL;
	int r = control_line("logstyle", &line);

	if (r == 1 && strcmp(line, "qmail") == 0)
		c->qmail_log = 1;
	else if (r == 1 && strcmp(line, "quoin") != 0) {
		fault = "control/logstyle: line 1: neither quoin nor qmail";
		r = -1;
	}
	free(line);
	return r == -1 ? -1 : 0;
}

int conf_load(struct conf *c)
{
	struct conf n = {.concurrency = {[ROUTE_LOCAL] = 10, [ROUTE_REMOTE] = 20},
			 .lifetime = 604800};

	fault = NULL;
	if (read_concurrency("concurrencylocal", &n.concurrency[ROUTE_LOCAL]) == -1 ||
	    read_concurrency("concurrencyremote", &n.concurrency[ROUTE_REMOTE]) == -1 ||
	    control_num("queuelifetime", lifetime_max, &n.lifetime) == -1 ||
	    read_logstyle(&n) == -1)
		return -1;
	*c = n;
	return 0;
}

const char *conf_error(void)
{
	return fault != NULL ? fault : control_error();
}
