#include <string.h>

#include "fetch.h"
#include "out.h"

/* section-part: numbers from 1 with dots between (RFC 9051 9). What follows the last dot, if that is no
 * number, is section-text. */
static int read_levels(struct words *w, struct section *s)
{
	while (words_peek(w) >= '1' && words_peek(w) <= '9') {
		if (s->levels == SECTION_LEVELS ||
		    take_nz32(w, &s->path[s->levels++]) == -1)
			return -1;
		if (words_peek(w) == ']')
			return 0;
		if (take_char(w, '.') == -1 || words_peek(w) == ']')
			return -1;
	}
	return 0;
}

static int is_field(const struct text *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->p[i] < 0x20 || t->p[i] > 0x7e)
			return 0;
	return t->n > 0 && t->n <= FETCH_FIELD;
}

static int read_fields(struct words *w, struct fetch_item *it)
{
	const char **names = take_keep(FETCH_FIELDS * sizeof *names);

	if (names == NULL || take_space(w) == -1 || take_char(w, '(') == -1)
		return -1;
	do {
		struct text t;

		if (it->nnames == FETCH_FIELDS || take_astring(w, &t) == -1 ||
		    !is_field(&t))
			return -1;
		names[it->nnames++] = t.p;
	} while (take_space(w) == 0);
	it->names = names;
	return take_char(w, ')');
}

/* The word itself and not the beginning of a longer one: "]" ends an atom, "." does not. */
static int read_text(struct words *w, struct fetch_item *it, struct section *s)
{
	if (take_word(w, "HEADER") == 0) {
		s->kind = SECTION_HEADER;
	} else if (take_word(w, "TEXT") == 0) {
		s->kind = SECTION_TEXT;
	} else if (s->levels > 0 && take_word(w, "MIME") == 0) {
		s->kind = SECTION_MIME;
	} else if (take_word(w, "HEADER.FIELDS") == 0) {
		s->kind = SECTION_HEADER;
		return read_fields(w, it);
	} else if (take_word(w, "HEADER.FIELDS.NOT") == 0) {
		s->kind = SECTION_HEADER;
		it->not = 1;
		return read_fields(w, it);
	} else {
		return -1;
	}
	return 0;
}

/* "<" number "." nz-number ">" */
static int read_partial(struct words *w, struct fetch_item *it)
{
	it->whole = 1;
	it->count = UINT64_MAX;
	if (take_char(w, '<') == -1)
		return 0;
	it->whole = 0;
	if (take_u64(w, &it->from) == -1 || take_char(w, '.') == -1 ||
	    take_u64(w, &it->count) == -1 || it->count == 0)
		return -1;
	return take_char(w, '>');
}

/* ---- the label ---- */

static char *add(char *p, const char *s)
{
	while (*s != '\0')
		*p++ = *s++;
	return p;
}

static char *add_number(char *p, uint64_t n)
{
	char digits[20];
	size_t k = sizeof digits;

	do {
		digits[--k] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	memcpy(p, digits + k, sizeof digits - k);
	return p + (sizeof digits - k);
}

static char *add_field(char *p, const char *name)
{
	if (name[strcspn(name, " (){%*\"\\]")] == '\0')
		return add(p, name);
	*p++ = '"';
	for (; *name != '\0'; name++) {
		if (*name == '"' || *name == '\\')
			*p++ = '\\';
		*p++ = *name;
	}
	*p++ = '"';
	return p;
}

static char *add_text(char *p, const struct fetch_item *it)
{
	static const char *const kinds[] = {
	    [SECTION_ALL] = "",
	    [SECTION_HEADER] = "HEADER",
	    [SECTION_TEXT] = "TEXT",
	    [SECTION_MIME] = "MIME",
	};

	if (it->part->levels > 0 && it->part->kind != SECTION_ALL)
		*p++ = '.';
	p = add(p, kinds[it->part->kind]);
	if (it->nnames == 0)
		return p;
	p = add(p, it->not ? ".FIELDS.NOT" : ".FIELDS");
	for (size_t k = 0; k < it->nnames; k++) {
		p = add(p, k == 0 ? " (" : " ");
		p = add_field(p, it->names[k]);
	}
	*p++ = ')';
	return p;
}

static size_t label_size(const struct fetch_item *it, const char *name)
{
	size_t n = strlen(name) + 11 * it->part->levels + 64;

	for (size_t k = 0; k < it->nnames; k++)
		n += 2 * strlen(it->names[k]) + 3;
	return n;
}

static int make_label(struct fetch_item *it, const char *name)
{
	char *label = take_keep(label_size(it, name));
	char *p = label;

	if (label == NULL)
		return -1;
	p = add(p, name);
	*p++ = '[';
	for (size_t k = 0; k < it->part->levels; k++) {
		if (k > 0)
			*p++ = '.';
		p = add_number(p, it->part->path[k]);
	}
	p = add(add_text(p, it), "]");
	if (!it->whole) {
		*p++ = '<';
		p = add(add_number(p, it->from), ">");
	}
	*p++ = ' ';
	it->label = label;
	it->nlabel = (size_t)(p - label);
	return 0;
}

int fetch_read_section(struct words *w, struct fetch_item *it, const char *name,
		       int binary)
{
	struct section *s = take_keep(sizeof *s);

	if (s == NULL || take_char(w, '[') == -1)
		return -1;
	*s = (struct section){.kind = SECTION_ALL};
	it->part = s;
	if (read_levels(w, s) == -1)
		return -1;
	if (words_peek(w) != ']' && (binary || read_text(w, it, s) == -1))
		return -1;
	if (take_char(w, ']') == -1 || read_partial(w, it) == -1)
		return -1;
	return make_label(it, name);
}
