#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "messages.h"
#include "mime/date5322.h"
#include "mime/digest.h"
#include "parsed.h"
#include "prog.h"
#include "sbuf.h"
#include "search.h"
#include "source.h"

enum { NO, YES, OPEN }; /* a key's value */

static struct text_search *text;
static struct source file = SOURCE_NONE;
static struct sbuf spare = SBUF_INIT(MIME_HEADER);

/* ---- keys that the index answers ---- */

static int in_index(const struct search_key *k, size_t i, const struct msg *m)
{
	switch (k->op) {
	case SEARCH_FLAGS:
		return (m->flags & k->set) == k->set && !(m->flags & k->clear);
	case SEARCH_RECENT:
		return message_is_recent(m) == (k->set != 0) && !(m->flags & k->clear);
	case SEARCH_KEYWORD:
		return (k->what != -1 && m->keywords >> k->what & 1) == k->want;
	case SEARCH_NUMBERS:
		return set_has(&k->numbers, (uint32_t)i + 1);
	case SEARCH_UIDS:
		return set_has(&k->numbers, m->uid);
	case SEARCH_MODSEQ:
		return m->modseq >= (uint64_t)k->lo;
	case SEARCH_SAVED:
		return k->lo <= m->saved && m->saved < k->hi;
	default:
		return 1;
	}
}

/* Size and date: -1 with errno. */
static int in_stat(const struct search_key *k, size_t i)
{
	struct box *b = &session.box;
	const struct msg *m = box_at(b, i);

	if (m == NULL)
		return -1;
	if (k->op == SEARCH_DATE) {
		if (m->date == INT64_MIN && box_date(b, i) == -1)
			return -1;
		m = box_at(b, i);
		return m == NULL ? -1 : k->lo <= m->date && m->date < k->hi;
	}
	if (m->size == 0 && box_size(b, i) == -1)
		return -1;
	m = box_at(b, i);
	return m == NULL ? -1 : k->lo < (int64_t)m->size && (int64_t)m->size < k->hi;
}

/* ---- the digest ---- */

/* The Date field, the first string of an envelope: `("Wed, 17 …" `. */
static int envelope_date(const char *p, size_t n, const char **date, size_t *len)
{
	const char *end = n > 2 ? memchr(p + 2, '"', n - 2) : NULL;

	if (end == NULL || p[0] != '(' || p[1] != '"')
		return 0;
	*date = p + 2;
	*len = (size_t)(end - p - 2);
	return 1;
}

static int is_sent(const struct search_key *k, const char *digest, size_t ndigest)
{
	const char *p = NULL, *date = NULL;
	size_t n = 0, len = 0;
	int64_t when;
	int zone;

	if (!digest_get(digest, ndigest, DIGEST_ENVELOPE, &p, &n) ||
	    !envelope_date(p, n, &date, &len) ||
	    date5322_read(date, len, &when, &zone) == -1)
		return 0;
	when += (int64_t)zone * 60;
	return k->lo <= when && when < k->hi;
}

static int in_field(const struct search_key *k, const char *digest, size_t ndigest)
{
	const char *p = NULL;
	size_t n = 0;

	if (!digest_get(digest, ndigest, (enum digest_what)k->what, &p, &n) || n == 0)
		return 0;
	return text_in_field(text, &k->needle, p, n);
}

static int take_digest(struct search *s, size_t i)
{
	const char *p = NULL;
	size_t n = 0;
	int r = parsed_digest(i, &p, &n);

	for (size_t k = 0; r == 1 && k < s->n; k++) {
		struct search_key *key = &s->key[k];
		int v;

		if (key->op <= SEARCH_NOT || key->cost != COST_DIGEST)
			continue;
		v = key->op == SEARCH_SENT ? is_sent(key, p, n) : in_field(key, p, n);
		if (v == -1)
			return -1;
		key->value = (uint8_t)v;
	}
	if (r == 0)
		errno = ENOENT;
	return r == 1 ? 0 : -1;
}

/* ---- the file ---- */

static int in_headers(struct search *s)
{
	const char *p = NULL;
	uint64_t end = 0;
	size_t n;

	if (source_header(&file, &end) == -1)
		return -1;
	n = end < MIME_HEADER ? (size_t)end : MIME_HEADER;
	if (source_piece(&file, 0, n, &spare, &p) == -1)
		return -1;
	for (size_t k = 0; k < s->n; k++) {
		struct search_key *key = &s->key[k];
		int v;

		if (key->op <= SEARCH_NOT || key->cost != COST_HEADER)
			continue;
		v = text_in_header(text, &key->needle, key->name, p, n);
		if (v == -1)
			return -1;
		key->value = (uint8_t)v;
	}
	return 0;
}

static int take_header(struct search *s, size_t i)
{
	int r = source_open(&file, i);

	if (r == 0)
		r = in_headers(s);
	source_close(&file);
	return r;
}

static size_t collect_texts(const struct search *s, struct text_key *t)
{
	size_t n = 0;

	for (size_t k = 0; k < s->n; k++)
		if (s->key[k].op == SEARCH_TEXT)
			t[n++] = (struct text_key){&s->key[k].needle, s->key[k].want, 0};
	return n;
}

static int take_text(struct search *s, size_t i)
{
	struct text_key *t = malloc(s->n * sizeof *t);
	int fd = t != NULL ? box_message(&session.box, i) : -1;
	size_t n = 0;
	int r = -1;

	if (fd != -1) {
		n = collect_texts(s, t);
		r = text_search(text, fd, t, n);
		close(fd);
	}
	n = 0;
	for (size_t k = 0; r != -1 && k < s->n; k++)
		if (s->key[k].op == SEARCH_TEXT)
			s->key[k].value = (uint8_t)t[n++].hit;
	free(t);
	return r;
}

static int take_stat(struct search *s, size_t i)
{
	for (size_t k = 0; k < s->n; k++) {
		struct search_key *key = &s->key[k];
		int v;

		if (key->op <= SEARCH_NOT || key->cost != COST_STAT)
			continue;
		v = in_stat(key, i);
		if (v == -1)
			return -1;
		key->value = (uint8_t)v;
	}
	return 0;
}

/* ---- all of them ---- */

/* Over n values on the stack's top: what they are together. */
static uint8_t together(uint8_t op, const uint8_t *v, size_t n)
{
	uint8_t decides = op == SEARCH_AND ? NO : YES;
	uint8_t r = op == SEARCH_AND ? YES : NO;

	if (op == SEARCH_NOT)
		return v[0] == OPEN ? OPEN : !v[0];
	for (size_t k = 0; k < n; k++) {
		if (v[k] == decides)
			return decides;
		if (v[k] == OPEN)
			r = OPEN;
	}
	return r;
}

static uint8_t evaluate(const struct search *s)
{
	static uint8_t stack[SEARCH_KEYS];
	size_t n = 0;

	for (size_t k = 0; k < s->n; k++) {
		const struct search_key *key = &s->key[k];

		if (key->op > SEARCH_NOT) {
			stack[n++] = key->value;
			continue;
		}
		n -= key->args;
		stack[n] = together(key->op, stack + n, key->args);
		n++;
	}
	return stack[0];
}

static void take_index(struct search *s, size_t i, const struct msg *m)
{
	for (size_t k = 0; k < s->n; k++) {
		struct search_key *key = &s->key[k];

		if (key->op > SEARCH_NOT)
			key->value = key->cost == COST_NONE ? in_index(key, i, m) != 0
							    : (uint8_t)OPEN;
	}
}

/* One message that cannot be read fits nothing, and is no reason to find none of the others. */
static int unreadable(size_t i)
{
	const struct msg *m;

	if (errno == ENOMEM)
		return -1;
	m = box_at(&session.box, i);
	if (errno != ENOENT && m != NULL)
		warn_sys2("search", m->name);
	return 0;
}

int search_fits(struct search *s, size_t i)
{
	static int (*const take[COSTS])(struct search * s, size_t i) = {
	    [COST_STAT] = take_stat,
	    [COST_DIGEST] = take_digest,
	    [COST_HEADER] = take_header,
	    [COST_TEXT] = take_text,
	};
	const struct msg *m = box_at(&session.box, i);
	uint8_t r;

	if (m == NULL)
		return unreadable(i);
	if (m->state & MSG_GONE)
		return 0;
	if (s->costs >> COST_DIGEST != 0 && text == NULL && (text = text_init()) == NULL)
		return -1;
	take_index(s, i, m);
	r = evaluate(s);
	for (unsigned cost = COST_STAT; r == OPEN && cost < COSTS; cost++) {
		if (!(s->costs >> cost & 1))
			continue;
		if (take[cost](s, i) == -1)
			return unreadable(i);
		r = evaluate(s);
	}
	return r == YES;
}

void search_done(void)
{
	if (text != NULL)
		text_free(text);
	text = NULL;
	source_done(&file);
	sbuf_free(&spare);
	parsed_done();
}
