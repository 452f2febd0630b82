#include <string.h>
#include <strings.h>

#include "fetch.h"
#include "mime/digest.h"

static const struct fetch_word {
	const char *name;
	const char *label; /* NULL: the name; what is answered is that with its blank */
	fetch_put put;
	int what;
	unsigned needs;
} fetch_words[] = {
    {"FLAGS", "FLAGS ", put_flags, 0, 0},
    {"UID", "UID ", put_uid, 0, 0},
    {"INTERNALDATE", "INTERNALDATE ", put_date, 0, NEED_DATE},
    {"RFC822.SIZE", "RFC822.SIZE ", put_size, 0, NEED_SIZE},
    {"ENVELOPE", "ENVELOPE ", put_digest, DIGEST_ENVELOPE, NEED_DIGEST},
    {"BODYSTRUCTURE", "BODYSTRUCTURE ", put_digest, DIGEST_BODYSTRUCTURE, NEED_DIGEST},
    {"BODY", "BODY ", put_digest, DIGEST_BODY, NEED_DIGEST},
    {"MODSEQ", "MODSEQ ", put_modseq, 0, 0},
    {"SAVEDATE", "SAVEDATE ", put_saved, 0, 0},
};

static const struct fetch_whole {
	const char *name, *label;
	enum section_kind kind;
	unsigned needs;
} fetch_wholes[] = {
    {"RFC822", "RFC822 ", SECTION_ALL, NEED_FILE | NEED_SEEN},
    {"RFC822.HEADER", "RFC822.HEADER ", SECTION_HEADER, NEED_FILE},
    {"RFC822.TEXT", "RFC822.TEXT ", SECTION_TEXT, NEED_FILE | NEED_SEEN},
};

static const struct fetch_section {
	const char *name, *label;
	fetch_put put;
	unsigned needs;
	int binary; /* 2: BINARY.SIZE */
} fetch_sections[] = {
    {"BODY", "BODY", put_body, NEED_FILE | NEED_SEEN, 0},
    {"BODY.PEEK", "BODY", put_body, NEED_FILE, 0},
    {"BINARY", "BINARY", put_binary, NEED_FILE | NEED_SEEN, 1},
    {"BINARY.PEEK", "BINARY", put_binary, NEED_FILE, 1},
    {"BINARY.SIZE", "BINARY.SIZE", put_binary_size, NEED_FILE, 2},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static int item_add(struct fetch *f, const struct fetch_item *it, unsigned needs)
{
	if (f->n == FETCH_ITEMS)
		return -1;
	f->item[f->n++] = *it;
	f->needs |= needs;
	f->has_flags |= it->put == put_flags;
	f->has_modseq |= it->put == put_modseq;
	f->has_uid |= it->put == put_uid;
	return 0;
}

static int is_name(const char *name, const char *p, size_t n)
{
	return strlen(name) == n && strncasecmp(name, p, n) == 0;
}

static int has_item(const struct fetch *f, fetch_put put, int what)
{
	for (size_t k = 0; k < f->n; k++)
		if (f->item[k].put == put && f->item[k].what == what)
			return 1;
	return 0;
}

/* One that is asked for twice is answered once. */
static int add_word(struct fetch *f, const char *p, size_t n)
{
	for (size_t k = 0; k < COUNT(fetch_words); k++) {
		const struct fetch_word *d = &fetch_words[k];
		struct fetch_item it = {.put = d->put, .label = d->label};

		if (!is_name(d->name, p, n))
			continue;
		if (has_item(f, d->put, d->what))
			return 0;
		it.nlabel = strlen(it.label);
		it.what = d->what;
		return item_add(f, &it, d->needs);
	}
	return -1;
}

static const struct section wholes[] = {
    {.kind = SECTION_ALL}, {.kind = SECTION_HEADER}, {.kind = SECTION_TEXT}};

static int add_whole(struct fetch *f, const char *p, size_t n)
{
	for (size_t k = 0; k < COUNT(fetch_wholes); k++) {
		const struct fetch_whole *d = &fetch_wholes[k];
		struct fetch_item it = {
		    .put = put_body, .label = d->label, .whole = 1, .count = UINT64_MAX};

		if (!is_name(d->name, p, n))
			continue;
		it.nlabel = strlen(it.label);
		it.part = &wholes[d->kind];
		return item_add(f, &it, d->needs);
	}
	return -1;
}

static int add_section(struct fetch *f, struct words *w, const char *p, size_t n)
{
	for (size_t k = 0; k < COUNT(fetch_sections); k++) {
		const struct fetch_section *d = &fetch_sections[k];
		struct fetch_item it = {.put = d->put};

		if (!is_name(d->name, p, n))
			continue;
		if (fetch_read_section(w, &it, d->label, d->binary) == -1 ||
		    (d->binary == 2 && !it.whole))
			return -1;
		return item_add(f, &it,
				d->needs | (it.part->levels > 0 ? NEED_PARTS : 0));
	}
	return -1;
}

static size_t name_end(const struct words *w)
{
	size_t i = w->at;

	while (i < w->n && ((w->p[i] >= '0' && w->p[i] <= '9') ||
			    (w->p[i] >= 'a' && w->p[i] <= 'z') ||
			    (w->p[i] >= 'A' && w->p[i] <= 'Z') || w->p[i] == '.'))
		i++;
	return i;
}

static int read_item(struct fetch *f, struct words *w)
{
	const char *p = w->p + w->at;
	size_t n = name_end(w) - w->at;

	w->at += n;
	if (words_peek(w) == '[')
		return add_section(f, w, p, n);
	return add_word(f, p, n) == 0 ? 0 : add_whole(f, p, n);
}

static int add_words(struct fetch *f, const char *const *names)
{
	for (; *names != NULL; names++)
		if (add_word(f, *names, strlen(*names)) == -1)
			return -1;
	return 0;
}

/* ALL, FAST and FULL stand alone (RFC 9051 6.4.5). */
static int read_macro(struct fetch *f, struct words *w)
{
	static const char *const words[] = {"FLAGS",    "INTERNALDATE", "RFC822.SIZE",
					    "ENVELOPE", "BODY",         NULL};
	static const char *const all[] = {"FLAGS", "INTERNALDATE", "RFC822.SIZE",
					  "ENVELOPE", NULL};
	static const char *const fast[] = {"FLAGS", "INTERNALDATE", "RFC822.SIZE", NULL};

	if (take_word(w, "ALL") == 0)
		return add_words(f, all);
	if (take_word(w, "FAST") == 0)
		return add_words(f, fast);
	if (take_word(w, "FULL") == 0)
		return add_words(f, words);
	return -1;
}

static int read_items(struct fetch *f, struct words *w)
{
	if (take_char(w, '(') == -1)
		return read_macro(f, w) == 0 ? 0 : read_item(f, w);
	do {
		if (read_item(f, w) == -1)
			return -1;
	} while (take_space(w) == 0);
	return take_char(w, ')');
}

/* RFC 7162 3.1.4.1, 3.2.6. */
static int read_modifiers(struct fetch *f, struct words *w)
{
	int has_since = 0;

	if (take_space(w) == -1 || take_char(w, '(') == -1)
		return -1;
	do {
		if (take_word(w, "VANISHED") == 0)
			f->vanished = 1;
		else if (take_word(w, "CHANGEDSINCE") == -1 || take_space(w) == -1 ||
			 take_u64(w, &f->changedsince) == -1 || has_since++)
			return -1;
	} while (take_space(w) == 0);
	if (!has_since || take_char(w, ')') == -1)
		return -1;
	return f->has_modseq ? 0 : add_word(f, "MODSEQ", 6);
}

int fetch_read(struct fetch *f, struct words *w, int uid)
{
	*f = (struct fetch){.source = SOURCE_NONE};
	f->item = take_keep(FETCH_ITEMS * sizeof *f->item);
	if (f->item == NULL || (uid && add_word(f, "UID", 3) == -1) ||
	    read_items(f, w) == -1)
		return -1;
	if (!words_end(w) && read_modifiers(f, w) == -1)
		return -1;
	return words_end(w) ? 0 : -1;
}
