#include "sts_text.h"

#include <errno.h>
#include <string.h>

#include "num.h"

static int bad(const char **why, const char *text)
{
	*why = text;
	errno = EBADMSG;
	return -1;
}

/* A piece of text, taken from its front. */
struct text {
	const char *p;
	size_t n;
};

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text trim(struct text t)
{
	while (t.n > 0 && is_blank(t.p[0])) {
		t.p++;
		t.n--;
	}
	while (t.n > 0 && is_blank(t.p[t.n - 1]))
		t.n--;
	return t;
}

/* What stands before the next separator, or all; the separator is dropped. */
static struct text cut(struct text *t, char separator)
{
	const char *end = t->n > 0 ? memchr(t->p, separator, t->n) : NULL;
	struct text head = {t->p, end != NULL ? (size_t)(end - t->p) : t->n};
	size_t used = head.n + (end != NULL);

	t->p += used;
	t->n -= used;
	return head;
}

static int is_word(struct text t, const char *word)
{
	return t.n == strlen(word) && memcmp(t.p, word, t.n) == 0;
}

/* ---- the TXT record: v=STSv1; id=20261121; other=fields; ---- */

static int is_name_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
}

/* sts-ext-value, which an id is, too. */
static int is_value(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] < '!' || t.p[i] > '~' || t.p[i] == ';' || t.p[i] == '=')
			return 0;
	return t.n > 0;
}

static int is_name(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (!is_name_byte(t.p[i]))
			return 0;
	return t.n >= 1 && t.n <= 32;
}

int sts_text_txt(const char *p, size_t n, char id[LIMIT_STSID + 1], const char **why)
{
	struct text t = {p, n};

	/* Only such records count (RFC 8461 3.1). */
	if (!is_word(trim(cut(&t, ';')), "v=STSv1") || is_blank(p[0]))
		return 0;
	id[0] = '\0';
	while (t.n > 0) {
		struct text value = trim(cut(&t, ';'));
		struct text name = cut(&value, '=');

		if (name.n == 0 && value.n == 0 && t.n == 0)
			break; /* a blank behind the last semicolon */
		if (!is_name(name) || !is_value(value))
			return bad(why, "a field of the TXT record is broken");
		if (!is_word(name, "id") || id[0] != '\0')
			continue;
		if (!sts_is_id(value.p, value.n))
			return bad(why, "the id of the TXT record is broken");
		memcpy(id, value.p, value.n);
		id[value.n] = '\0';
	}
	return id[0] != '\0' ? 1 : bad(why, "the TXT record has no id");
}

/* ---- the policy: a key, a colon, a value in each line ---- */

struct seen {
	struct sts_record *r;
	int version, mode, max_age;
};

static int take_version(struct seen *s, struct text value, const char **why)
{
	if (s->version++ == 0 && !is_word(value, "STSv1"))
		return bad(why, "the policy is of another version");
	return 0;
}

static int take_mode(struct seen *s, struct text value, const char **why)
{
	if (s->mode++ > 0)
		return 0;
	s->r->mode = sts_mode_of(value.p, value.n);
	return s->r->mode != '\0' ? 0 : bad(why, "the policy's mode is unknown");
}

static int take_max_age(struct seen *s, struct text value, const char **why)
{
	uint64_t v;

	if (s->max_age++ > 0)
		return 0;
	if (value.n > 10 || num_parse_n(value.p, value.n, UINT64_MAX, &v) == -1)
		return bad(why, "the policy's max_age is no number");
	s->r->max_age = v > STS_MAXAGE ? STS_MAXAGE : v;
	return 0;
}

static int take_mx(struct seen *s, struct text value, const char **why)
{
	if (s->r->nmx == STS_MX)
		return bad(why, "the policy has too many hosts");
	if (sts_record_add_mx(s->r, value.p, value.n) == -1)
		return bad(why, "a host of the policy is no name");
	return 0;
}

static const struct {
	const char *key;
	int (*take)(struct seen *s, struct text value, const char **why);
} fields[] = {
    {"version", take_version},
    {"mode", take_mode},
    {"max_age", take_max_age},
    {"mx", take_mx},
};

/* Of what may stand once the first counts; what we do not know is skipped (RFC 8461 3.2).
 */
static int take_line(struct seen *s, struct text line, const char **why)
{
	struct text value = line;
	struct text key = trim(cut(&value, ':'));

	if (line.n == 0)
		return 0;
	if (key.n == line.n || !is_name(key))
		return bad(why, "a line of the policy is broken");
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (is_word(key, fields[i].key))
			return fields[i].take(s, trim(value), why);
	return 0;
}

int sts_text_policy(const char *p, size_t n, struct sts_record *r, const char **why)
{
	struct text t = {p, n};
	struct seen s = {r, 0, 0, 0};

	r->nmx = 0;
	while (t.n > 0) {
		struct text line = cut(&t, '\n');

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (take_line(&s, trim(line), why) == -1)
			return -1;
	}
	if (!s.version || !s.mode || !s.max_age)
		return bad(why, "the policy lacks version, mode or max_age");
	if (r->nmx == 0 && r->mode != 'N')
		return bad(why, "the policy names no host");
	return 0;
}
