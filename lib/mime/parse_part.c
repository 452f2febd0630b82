#include <stdlib.h>
#include <string.h>

#include "mime/parse_int.h"

static uint64_t wire(struct mime_point p)
{
	return p.at + p.bare;
}

/* m.part and s.head grow together. */
static int more_parts(struct mime *m)
{
	struct mime_state *s = m->state;
	size_t cap = s->part_cap > 0 ? s->part_cap * 2 : 16;
	struct mime_part *part = realloc(m->part, cap * sizeof *part);
	struct mime_head *head;

	if (part == NULL)
		return -1;
	m->part = part;
	head = realloc(s->head, cap * sizeof *head);
	if (head == NULL)
		return -1;
	s->head = head;
	s->part_cap = cap;
	return 0;
}

static void link_part(struct mime *m, struct mime_level *parent, uint32_t i)
{
	if (parent->last_child == 0)
		m->part[parent->part].child = i;
	else
		m->part[parent->last_child].next = i;
	parent->last_child = i;
}

/* The default type in a multipart/digest (RFC 2046 5.1.5). */
static int in_digest(const struct mime *m, const struct mime_level *parent)
{
	return m->state->head[parent->part].is_digest;
}

int mime_part_open(struct mime *m, int is_root)
{
	struct mime_state *s = m->state;
	struct mime_level *l = &s->level[s->depth];
	uint32_t i = (uint32_t)m->n;

	if (m->n == s->part_cap && more_parts(m) == -1)
		return -1;
	*l = (struct mime_level){.part = i, .boundary = s->bounds.len, .header = s->now};
	m->part[i] = (struct mime_part){.header = s->now.at};
	s->head[i] = (struct mime_head){.at = (uint32_t)(i > 0 ? s->heads.len : 0),
					.is_root = (uint8_t)is_root};
	if (i > 0) {
		m->part[i].parent = l[-1].part;
		s->head[i].is_default_message =
		    (uint8_t)(!is_root && in_digest(m, l - 1));
		link_part(m, l - 1, i);
	}
	m->n++;
	s->depth++;
	s->in_header = 1;
	return 0;
}

int mime_part_header_end(struct mime *m)
{
	struct mime_state *s = m->state;
	struct mime_level *l = &s->level[s->depth - 1];
	struct mime_part *part = &m->part[l->part];
	struct mime_head *h = &s->head[l->part];

	h->len = (uint32_t)((l->part == 0 ? m->header.len : s->heads.len) - h->at);
	l->body = s->now;
	part->body = s->now.at;
	part->header_wire = wire(s->now) - wire(l->header);
	s->in_header = 0;
	if (mime_type_read(m, l) == -1)
		return -1;
	return part->kind == MIME_MESSAGE ? mime_part_open(m, 1) : 0;
}

void mime_part_close(struct mime *m, size_t keep, struct mime_point p)
{
	struct mime_state *s = m->state;

	while (s->depth > keep) {
		const struct mime_level *l = &s->level[--s->depth];
		struct mime_part *part = &m->part[l->part];

		if (p.at < l->body.at)
			p = l->body;
		part->end = p.at;
		part->body_wire = wire(p) - wire(l->body);
		part->lines = p.lines - l->body.lines;
		s->bounds.len = l->boundary;
		s->open -= l->boundary_len > 0;
	}
}

const char *mime_head_text(const struct mime *m, uint32_t part)
{
	const struct sbuf *b = part == 0 ? &m->header : &m->state->heads;

	return b->len > 0 ? b->p + m->state->head[part].at : "";
}

const struct mime_found *mime_found(const struct mime *m, uint32_t part,
				    enum mime_name name)
{
	const struct mime_head *h = &m->state->head[part];
	const struct mime_found *found = m->state->found;

	for (size_t i = h->found; i < (size_t)h->found + h->n; i++)
		if (found[i].name == name)
			return found + i;
	return NULL;
}
