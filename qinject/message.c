#include "message.h"

#include <string.h>

#include "fail.h"
#include "hdr822.h"
#include "qlimits.h"

enum part { HEADER, SKIPPED, BODY };

void message_init(struct message *m)
{
	sbuf_init(&m->header, LIMIT_HEADER);
	spool_init(&m->body);
}

void message_clear(struct message *m)
{
	sbuf_clear(&m->header);
	spool_clear(&m->body);
}

static int to_body(struct message *m, const struct piece *l)
{
	if (spool_add(&m->body, l->p, l->n) == -1)
		return -1;
	return l->ends ? spool_add(&m->body, "\n", 1) : 0;
}

static int to_header(struct message *m, const struct piece *l)
{
	if (memchr(l->p, '\0', l->n) != NULL)
		return fail(FAIL_DATA, "the header contains a NUL byte");
	if (sbuf_cat(&m->header, l->p, l->n) == -1 ||
	    (l->ends && sbuf_catc(&m->header, '\n') == -1))
		return fail_full(FAIL_DATA, "the header is too large (over 10 MB)");
	return 0;
}

static int is_mbox_line(const struct piece *l)
{
	return (l->n >= 5 && memcmp(l->p, "From ", 5) == 0) ||
	       (l->n >= 6 && memcmp(l->p, ">From ", 6) == 0);
}

/* Where a line that begins while we are in the header belongs. */
static enum part part_of(const struct message *m, const struct piece *l)
{
	enum hdr822_line kind = hdr822_line(l->p, l->n);

	if (kind == HDR822_FIELD || (kind == HDR822_MORE && m->header.len > 0))
		return HEADER;
	return kind == HDR822_OTHER && m->header.len == 0 && is_mbox_line(l) ? SKIPPED
									     : BODY;
}

static int is_dot(const struct piece *l)
{
	return l->begins && l->ends && l->n == 1 && l->p[0] == '.';
}

/* One line's piece; *part goes from HEADER to BODY. */
static int take(struct message *m, const struct piece *l, enum part *part)
{
	int was_header = *part != BODY;

	if (l->begins && *part != BODY)
		*part = part_of(m, l);
	if (*part == SKIPPED)
		return 0;
	if (*part == HEADER)
		return to_header(m, l);
	/* The empty line between the parts belongs to neither. */
	if (was_header && l->n == 0 && l->ends)
		return 0;
	return to_body(m, l);
}

static int read_parts(struct message *m, struct input *in, enum message_end end,
		      enum part part)
{
	struct piece l;
	int r;

	while ((r = input_piece(in, &l)) == 1) {
		if (end != END_EOF && is_dot(&l))
			return 0;
		if (end == END_SMTP && l.begins && l.n > 0 && l.p[0] == '.') {
			l.p++;
			l.n--;
		}
		if (take(m, &l, &part) == -1)
			return -1;
	}
	if (r == -1)
		return fail_sys(FAIL_READ, "read the message");
	if (end == END_SMTP)
		return fail(FAIL_READ, "the input ends in the middle of the message");
	return 0;
}

int message_read(struct message *m, struct input *in, enum message_end end)
{
	return read_parts(m, in, end, HEADER);
}

int message_read_whole(struct message *m, struct input *in)
{
	return read_parts(m, in, END_EOF, BODY);
}
