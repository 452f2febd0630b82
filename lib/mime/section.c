#include "mime/section.h"

/* The nth child of a multipart, from 1; 0: there is none. */
static uint32_t child_number(const struct mime_part *part, uint32_t i, uint32_t nth)
{
	uint32_t c = part[i].child;

	while (c != 0 && --nth > 0)
		c = part[c].next;
	return c;
}

/* One number deeper. *is_root: i is the root of a message, whose number 1 it is itself unless it is a
 * multipart (RFC 9051 6.4.5.1). 0: no such part. */
static int descend(const struct mime_part *part, uint32_t *i, int *is_root, uint32_t nth)
{
	uint32_t at = *i;

	if (nth == 0)
		return 0;
	if (!*is_root && part[at].kind == MIME_MESSAGE) {
		at = part[at].child;
		*is_root = 1;
	}
	if (part[at].kind == MIME_MULTIPART) {
		at = child_number(part, at, nth);
		if (at == 0)
			return 0;
	} else if (!*is_root || nth != 1) {
		return 0;
	}
	*i = at;
	*is_root = 0;
	return 1;
}

static void take_header(const struct mime_part *p, struct section_range *out)
{
	*out = (struct section_range){p->header, p->body, p->header_wire, p};
}

static void take_body(const struct mime_part *p, struct section_range *out)
{
	*out = (struct section_range){p->body, p->end, p->body_wire, p};
}

/* HEADER and TEXT are those of a message. */
static const struct mime_part *message_of(const struct mime_part *part, uint32_t i,
					  int is_root)
{
	if (is_root)
		return &part[i];
	return part[i].kind == MIME_MESSAGE ? &part[part[i].child] : NULL;
}

int section_find(const struct mime_part *part, size_t n, const struct section *s,
		 struct section_range *out)
{
	uint32_t i = 0;
	int is_root = 1;
	const struct mime_part *m;

	if (n == 0)
		return 0;
	for (size_t k = 0; k < s->levels; k++)
		if (!descend(part, &i, &is_root, s->path[k]))
			return 0;
	m = message_of(part, i, is_root);
	if (s->kind == SECTION_MIME && s->levels > 0)
		take_header(&part[i], out);
	else if (s->kind == SECTION_ALL && s->levels > 0)
		take_body(&part[i], out);
	else if (s->kind == SECTION_ALL)
		*out = (struct section_range){m->header, m->end,
					      m->header_wire + m->body_wire, m};
	else if (s->kind == SECTION_HEADER && m != NULL)
		take_header(m, out);
	else if (s->kind == SECTION_TEXT && m != NULL)
		take_body(m, out);
	else
		return 0;
	return 1;
}
