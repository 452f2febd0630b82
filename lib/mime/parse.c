#include "mime/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mime/parse_int.h"

enum { TEXT_MAX = 1024 * 1024, KEEP = 1024 * 1024 };

void mime_init(struct mime *m)
{
	*m = (struct mime){0};
	sbuf_init(&m->text, TEXT_MAX);
	sbuf_init(&m->header, MIME_HEADER);
}

static void state_free(struct mime_state *s)
{
	if (s == NULL)
		return;
	sbuf_free(&s->heads);
	sbuf_free(&s->bounds);
	sbuf_free(&s->text[0]);
	sbuf_free(&s->text[1]);
	free(s->head);
	free(s->found);
	free(s);
}

void mime_free(struct mime *m)
{
	state_free(m->state);
	free(m->part);
	sbuf_free(&m->text);
	sbuf_free(&m->header);
	mime_init(m);
}

static struct mime_state *state_new(void)
{
	struct mime_state *s = malloc(sizeof *s);

	if (s == NULL)
		return NULL;
	memset(s, 0, offsetof(struct mime_state, piece));
	sbuf_init(&s->heads, MIME_HEADER);
	sbuf_init(&s->bounds, (size_t)(MIME_DEPTH + 1) * MIME_BOUNDARY);
	sbuf_init(&s->text[0], SIZE_MAX / 2);
	sbuf_init(&s->text[1], SIZE_MAX / 2);
	return s;
}

/* What one huge message needed is not kept for all that follow. */
static void reuse(struct sbuf *b)
{
	sbuf_clear(b);
	if (b->cap > KEEP)
		sbuf_free(b);
}

int mime_begin(struct mime *m)
{
	struct mime_state *s = m->state;

	if (s == NULL && (s = m->state = state_new()) == NULL)
		return -1;
	m->n = 0;
	m->size = m->wire = m->bare = 0;
	m->has_nul = 0;
	reuse(&m->text);
	reuse(&m->header);
	reuse(&s->heads);
	reuse(&s->bounds);
	s->depth = s->open = s->nfound = s->held = 0;
	s->now = (struct mime_point){0};
	s->has_nul = s->in_delimiter = 0;
	s->last[0] = s->last[1] = '\0';
	s->heads_left = MIME_HEADER;
	mime_line_begins(s);
	if (sbuf_catc(&m->text, '\0') == -1)
		return -1;
	return mime_part_open(m, 1);
}

/* RFC 5322 2.2: header bytes are kept as they are, so many as there is room for. */
static int keep_header(struct mime *m, const char *p, size_t n)
{
	struct mime_state *s = m->state;
	struct sbuf *b = s->level[s->depth - 1].part == 0 ? &m->header : &s->heads;

	if (n > s->heads_left)
		n = s->heads_left;
	s->heads_left -= n;
	return sbuf_cat(b, p, n);
}

/* Bytes that came are behind us now, up to and with the first line end that look asks for. */
static int take(struct mime *m, const char *p, size_t *n, enum mime_look look)
{
	struct mime_state *s = m->state;
	struct mime_count c = {s->now.lines, s->now.bare, s->has_nul};

	*n = mime_scan(p, *n, s->last[0], look, &c);
	s->now = (struct mime_point){s->now.at + *n, c.lines, c.bare};
	s->has_nul = c.nul;
	s->last[1] = *n > 1 ? p[*n - 2] : s->last[0];
	s->last[0] = p[*n - 1];
	return s->in_header ? keep_header(m, p, *n) : 0;
}

static enum mime_look look_for(const struct mime_state *s)
{
	if (s->in_header)
		return MIME_LOOK_HEADER;
	return s->open > 0 ? MIME_LOOK_DASHES : MIME_LOOK_NOWHERE;
}

/* The middle of a line and all lines behind it that are not looked at. */
static int run(struct mime *m, const char *p, size_t *n)
{
	struct mime_state *s = m->state;

	if (s->in_delimiter) {
		size_t lf = mime_line(p, *n);

		*n = lf + (lf < *n);
		if (take(m, p, n, MIME_LOOK_NOWHERE) == -1)
			return -1;
		if (s->last[0] != '\n')
			return 0;
		s->in_delimiter = 0;
		mime_line_begins(s);
		return mime_part_open(m, 0);
	}
	if (take(m, p, n, look_for(s)) == -1)
		return -1;
	if (s->last[0] == '\n')
		mime_line_begins(s);
	return 0;
}

static int line(struct mime *m, const char *p, size_t *n)
{
	int all = mime_line_hold(m->state, p, *n, n);

	if (*n > 0 && take(m, p, n, MIME_LOOK_NOWHERE) == -1)
		return -1;
	return all ? mime_line_judge(m) : 0;
}

int mime_feed(struct mime *m, const char *p, size_t n)
{
	while (n > 0) {
		size_t used = n;
		int r = m->state->at_line ? line(m, p, &used) : run(m, p, &used);

		if (r == -1)
			return -1;
		p += used;
		n -= used;
	}
	return 0;
}

int mime_end(struct mime *m)
{
	struct mime_state *s = m->state;

	if (s->at_line && s->held > 0 && mime_line_judge(m) == -1)
		return -1;
	if (s->in_delimiter && mime_part_open(m, 0) == -1)
		return -1;
	while (s->in_header)
		if (mime_part_header_end(m) == -1)
			return -1;
	mime_part_close(m, 0, s->now);
	m->size = s->now.at;
	m->bare = s->now.bare;
	m->wire = m->size + m->bare;
	m->has_nul = s->has_nul;
	return 0;
}

int mime_file(struct mime *m, int fd)
{
	off_t at = 0;

	if (mime_begin(m) == -1)
		return -1;
	for (;;) {
		ssize_t r = pread(fd, m->state->piece, MIME_PIECE, at);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == 0)
			return mime_end(m);
		if (r == -1 || mime_feed(m, m->state->piece, (size_t)r) == -1)
			return -1;
		at += r;
	}
}
