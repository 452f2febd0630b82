#include <string.h>

#include "mime/parse_int.h"

void mime_line_begins(struct mime_state *s)
{
	s->at_line = 1;
	s->held = 0;
	s->line = s->now;
	s->line_crlf = s->last[0] == '\n' && s->last[1] == '\r';
}

/* Does the line that is held so far still deserve a look? */
static int is_wanted(const struct mime_state *s, size_t i, char c)
{
	if (s->open > 0 && s->hold[0] == '-')
		return i != 1 || c == '-';
	return s->in_header && i == 1 && s->hold[0] == '\r' && c == '\n';
}

static int is_wanted_first(const struct mime_state *s, char c)
{
	return (s->open > 0 && c == '-') || (s->in_header && (c == '\n' || c == '\r'));
}

int mime_line_hold(struct mime_state *s, const char *p, size_t n, size_t *used)
{
	size_t i = 0;

	while (i < n && s->held < MIME_HELD) {
		if (s->held == 0 ? !is_wanted_first(s, p[i])
				 : !is_wanted(s, s->held, p[i]))
			break;
		s->hold[s->held++] = p[i++];
		if (s->hold[s->held - 1] == '\n')
			break;
	}
	*used = i;
	return i < n || s->held == MIME_HELD ||
	       (s->held > 0 && s->hold[s->held - 1] == '\n');
}

/* RFC 2046 5.1.1: "an exact match of the entire candidate line is not required". The longest
 * boundary counts, since one may begin with another; of equal ones the innermost. */
static size_t match(const struct mime_state *s, const char *p, size_t n)
{
	size_t best = 0, len = 0;

	for (size_t i = s->depth; i-- > 0;) {
		const struct mime_level *l = &s->level[i];

		if (l->boundary_len > len && l->boundary_len <= n &&
		    memcmp(p, s->bounds.p + l->boundary, l->boundary_len) == 0) {
			best = i + 1;
			len = l->boundary_len;
		}
	}
	return best;
}

/* The line end before a delimiter belongs to it (RFC 2046 5.1.1). */
static struct mime_point before_line(const struct mime_state *s)
{
	if (s->line.at == 0)
		return s->line;
	return (struct mime_point){s->line.at - 1 - (unsigned)s->line_crlf,
				   s->line.lines - 1, s->line.bare - !s->line_crlf};
}

/* A header that a delimiter ends has no empty line. */
static int cut_header(struct mime *m)
{
	struct mime_state *s = m->state;
	struct mime_level *l = &s->level[s->depth - 1];
	struct sbuf *b = l->part == 0 ? &m->header : &s->heads;
	struct mime_point now = s->now;
	size_t keep = s->head[l->part].at + (size_t)(s->line.at - l->header.at);
	int r;

	if (keep < b->len)
		b->len = keep;
	s->now = s->line;
	r = mime_part_header_end(m);
	s->now = now;
	return r;
}

/* hold is "--" and what follows, the whole line or more than any boundary. 1: it was one. */
static int delimiter(struct mime *m)
{
	struct mime_state *s = m->state;
	size_t level = match(s, s->hold + 2, s->held - 2), end;

	if (level == 0 || m->n == MIME_PARTS)
		return 0;
	end = 2 + s->level[level - 1].boundary_len;
	while (s->in_header)
		if (cut_header(m) == -1)
			return -1;
	mime_part_close(m, level, before_line(s));
	if (s->held >= end + 2 && memcmp(s->hold + end, "--", 2) == 0) {
		s->level[level - 1].boundary_len = 0;
		s->open--;
	} else {
		s->in_delimiter = 1;
	}
	return 1;
}

int mime_line_judge(struct mime *m)
{
	struct mime_state *s = m->state;
	int whole = s->held > 0 && s->hold[s->held - 1] == '\n';

	if (s->held > 2 && s->hold[0] == '-') {
		int r = delimiter(m);

		if (r == -1)
			return -1;
	} else if (whole && s->in_header && s->hold[0] != '-') {
		if (mime_part_header_end(m) == -1)
			return -1;
	}
	if (whole && s->in_delimiter) {
		s->in_delimiter = 0;
		if (mime_part_open(m, 0) == -1)
			return -1;
	}
	s->at_line = 0;
	if (whole)
		mime_line_begins(s);
	return 0;
}
