#include "sts_record.h"

#include <errno.h>
#include <string.h>

#include "ascii.h"
#include "num.h"
#include "sbuf.h"

static const struct {
	char mode;
	const char *word;
} modes[] = {{'E', "enforce"}, {'T', "testing"}, {'N', "none"}};
enum { MODES = sizeof modes / sizeof *modes };

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

const char *sts_mode_word(char mode)
{
	for (size_t i = 0; i < MODES; i++)
		if (modes[i].mode == mode)
			return modes[i].word;
	return "";
}

char sts_mode_of(const char *p, size_t n)
{
	for (size_t i = 0; i < MODES; i++)
		if (strlen(modes[i].word) == n && memcmp(modes[i].word, p, n) == 0)
			return modes[i].mode;
	return '\0';
}

int sts_record_add_mx(struct sts_record *r, const char *p, size_t n)
{
	char *mx;

	if (r->nmx == STS_MX || n >= sizeof r->mx[0] || memchr(p, '\0', n) != NULL)
		return bad();
	mx = r->mx[r->nmx];
	ascii_copy_lower(mx, p, n);
	mx[n] = '\0';
	if (!sts_is_mx(mx))
		return bad();
	r->nmx++;
	return 0;
}

int sts_record_put(struct sbuf *b, const struct sts_record *r)
{
	sbuf_clear(b);
	if (sbuf_catf(b, "quoin-sts 1\nid %s\nfetched %llu\nmaxage %llu\nmode %s\n",
		      r->id, (unsigned long long)r->fetched,
		      (unsigned long long)r->max_age, sts_mode_word(r->mode)) == -1)
		return -1;
	for (size_t i = 0; i < r->nmx; i++)
		if (sbuf_catf(b, "mx %s\n", r->mx[i]) == -1)
			return -1;
	return 0;
}

/* ---- reading: a line after the other ---- */

struct text {
	const char *p;
	size_t n;
};

/* The rest of the next line, which must begin with this word. */
static int take(struct text *t, const char *word, struct text *value)
{
	size_t len = strlen(word);
	const char *end = t->n > 0 ? memchr(t->p, '\n', t->n) : NULL;
	size_t n;

	if (end == NULL)
		return bad();
	n = (size_t)(end - t->p);
	if (n < len || memcmp(t->p, word, len) != 0)
		return bad();
	*value = (struct text){t->p + len, n - len};
	t->p += n + 1;
	t->n -= n + 1;
	return 0;
}

static int take_num(struct text *t, const char *word, uint64_t max, uint64_t *v)
{
	struct text value;

	if (take(t, word, &value) == -1)
		return -1;
	return num_parse_n(value.p, value.n, max, v) == -1 ? bad() : 0;
}

static int take_id(struct text *t, struct sts_record *r)
{
	struct text value;

	if (take(t, "id ", &value) == -1 || !sts_is_id(value.p, value.n))
		return bad();
	memcpy(r->id, value.p, value.n);
	r->id[value.n] = '\0';
	return 0;
}

static int take_mode(struct text *t, struct sts_record *r)
{
	struct text value;

	if (take(t, "mode ", &value) == -1)
		return -1;
	r->mode = sts_mode_of(value.p, value.n);
	return r->mode == '\0' ? bad() : 0;
}

int sts_record_get(struct sts_record *r, const char *p, size_t n)
{
	struct text t = {p, n};
	struct text value;

	r->nmx = 0;
	if (take(&t, "quoin-sts 1", &value) == -1 || value.n != 0 ||
	    take_id(&t, r) == -1 ||
	    take_num(&t, "fetched ", INT64_MAX, &r->fetched) == -1 ||
	    take_num(&t, "maxage ", STS_MAXAGE, &r->max_age) == -1 ||
	    take_mode(&t, r) == -1)
		return bad();
	while (t.n > 0)
		if (take(&t, "mx ", &value) == -1 ||
		    sts_record_add_mx(r, value.p, value.n) == -1)
			return bad();
	return r->nmx > 0 || r->mode == 'N' ? 0 : bad();
}
