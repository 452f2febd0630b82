#include "ctlmap.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ascii.h"
#include "control.h"

struct ctlmap {
	const char *file;
	int colon;
	struct control_item *item; /* a colon is a NUL now */
	size_t count;
	size_t slots;   /* a power of two, at least twice count */
	uint32_t *slot; /* index into item + 1, 0 is empty */
};

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)ascii_lower(*s)) * 16777619u;
	return h;
}

/* The slot that holds key, or the empty one where it would be. */
static uint32_t *slot_of(const struct ctlmap *m, const char *key)
{
	size_t i = hash(key) & (m->slots - 1);

	while (m->slot[i] != 0 && strcasecmp(m->item[m->slot[i] - 1].text, key) != 0)
		i = (i + 1) & (m->slots - 1);
	return &m->slot[i];
}

static int make_slots(struct ctlmap *m)
{
	for (m->count = 0; m->item[m->count].text != NULL;)
		m->count++;
	for (m->slots = 4; m->slots < 2 * m->count;)
		m->slots *= 2;
	m->slot = calloc(m->slots, sizeof *m->slot);
	return m->slot == NULL ? -1 : 0;
}

static int enter(struct ctlmap *m, size_t i)
{
	const struct control_item *it = &m->item[i];
	char *colon = m->colon ? strchr(it->text, ':') : NULL;

	if (m->colon && colon == NULL)
		return control_wrong(m->file, it->line, "there is no colon");
	if (colon != NULL)
		*colon = '\0';
	if (it->text[strcspn(it->text, " \t")] != '\0')
		return control_wrong(m->file, it->line, "a blank in a name");
	*slot_of(m, it->text) = (uint32_t)i + 1;
	return 0;
}

static int fill(struct ctlmap *m)
{
	if (make_slots(m) == -1)
		return -1;
	for (size_t i = 0; i < m->count; i++)
		if (enter(m, i) == -1)
			return -1;
	return 0;
}

static int read_lines(struct ctlmap *m, int flags)
{
	int r = control_list(m->file, &m->item);

	if (r != 0 || errno != ENOENT || !(flags & CTLMAP_ME))
		return r;
	control_free_list(m->item);
	m->item = NULL;
	m->file = "me";
	r = control_list("me", &m->item);
	if (r == 0)
		return control_wrong("me", 0, "the file is missing or empty");
	if (r == 1)
		for (struct control_item *i = m->item + 1; i->text != NULL; i++) {
			free(i->text);
			i->text = NULL;
		}
	return r;
}

struct ctlmap *ctlmap_load(const char *name, int flags)
{
	struct ctlmap *m = calloc(1, sizeof *m);

	if (m == NULL)
		return NULL;
	m->file = name;
	m->colon = (flags & CTLMAP_COLON) != 0;
	if (read_lines(m, flags) == -1 || fill(m) == -1) {
		int e = errno;

		ctlmap_free(m);
		errno = e;
		return NULL;
	}
	return m;
}

void ctlmap_free(struct ctlmap *m)
{
	if (m == NULL)
		return;
	control_free_list(m->item);
	free(m->slot);
	free(m);
}

static const char *value_of(const struct ctlmap *m, size_t i)
{
	const char *text = m->item[i].text;

	return text + strlen(text) + (m->colon ? 1 : 0);
}

const char *ctlmap_get(const struct ctlmap *m, const char *key, unsigned *line,
		       const char **file)
{
	uint32_t at = *slot_of(m, key);

	if (at == 0)
		return NULL;
	if (line != NULL)
		*line = m->item[at - 1].line;
	if (file != NULL)
		*file = m->file;
	return value_of(m, at - 1);
}

int ctlmap_at(const struct ctlmap *m, size_t i, const char **key, const char **value,
	      unsigned *line)
{
	if (i >= m->count)
		return 0;
	*key = m->item[i].text;
	*value = value_of(m, i);
	*line = m->item[i].line;
	return 1;
}
