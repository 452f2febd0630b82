#include "transcript.h"

#include <string.h>

#include "qlog.h"

void transcript_add(struct transcript *t, char who, const char *p, size_t n)
{
	size_t at = t->n++ % TRANSCRIPT_LINES;

	if (n > TRANSCRIPT_LINE)
		n = TRANSCRIPT_LINE;
	t->line[at].who = who;
	t->line[at].len = (unsigned char)n;
	memcpy(t->line[at].text, p, n);
}

void transcript_log(const struct transcript *t, const char *id, const char *host,
		    const char *ip)
{
	size_t first = t->n > TRANSCRIPT_LINES ? t->n - TRANSCRIPT_LINES : 0;

	for (size_t i = first; i < t->n; i++) {
		size_t at = i % TRANSCRIPT_LINES;
		struct qlog l;

		qlog_begin(&l, "transcript");
		qlog_id(&l, id);
		qlog_str(&l, "host", host);
		qlog_str(&l, "ip", ip);
		qlog_num(&l, "line", i + 1);
		if (t->line[at].who == 'c')
			qlog_bytes(&l, "client", t->line[at].text, t->line[at].len);
		else
			qlog_bytes(&l, "server", t->line[at].text, t->line[at].len);
		qlog_end(&l);
	}
}
