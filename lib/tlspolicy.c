#include "tlspolicy.h"

#include <string.h>

#include "control.h"
#include "ctlmap.h"

static const struct {
	const char *word;
	enum rule rule;
} rules[] = {{"none", RULE_NONE},
	     {"may", RULE_MAY},
	     {"encrypt", RULE_ENCRYPT},
	     {"verify", RULE_VERIFY},
	     {"pin", RULE_PIN}};

/* The next word of *s: its length, 0 at the end. */
static size_t word(const char **s, const char **w)
{
	*s += strspn(*s, " \t");
	*w = *s;
	*s += strcspn(*s, " \t");
	return (size_t)(*s - *w);
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) % 16 : -1;
}

static int add_pin(struct tlspolicy *p, const char *w, size_t n)
{
	uint8_t *pin;

	if (n != 2 * TLS_KEYLEN || p->npins == TLS_PINS)
		return -1;
	pin = p->pins[p->npins++];
	for (size_t i = 0; i < TLS_KEYLEN; i++) {
		int high = digit(w[2 * i]);
		int low = digit(w[2 * i + 1]);

		if (high == -1 || low == -1)
			return -1;
		pin[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static int add_name(struct tlspolicy *p, const char *w, size_t n)
{
	if (n > LIMIT_DOMAIN || p->nnames == TLS_NAMES)
		return -1;
	memcpy(p->names[p->nnames], w, n);
	p->names[p->nnames++][n] = '\0';
	return 0;
}

/* A value; -1: it is none. */
static int parse(struct tlspolicy *p, const char *s)
{
	const char *w;
	size_t n = word(&s, &w);

	memset(p, 0, sizeof *p);
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (strlen(rules[i].word) == n && memcmp(rules[i].word, w, n) == 0)
			p->rule = rules[i].rule;
	if (p->rule == RULE_UNSAID)
		return -1;
	while ((n = word(&s, &w)) > 0)
		if ((p->rule != RULE_VERIFY || add_name(p, w, n) == -1) &&
		    (p->rule != RULE_PIN || add_pin(p, w, n) == -1))
			return -1;
	return p->rule == RULE_PIN && p->npins == 0 ? -1 : 0;
}

static int ends_with_dot(const char *key)
{
	size_t n = strlen(key);

	return n > 0 && key[n - 1] == '.';
}

static struct ctlmap *wrong(struct ctlmap *m, unsigned line, const char *why)
{
	ctlmap_free(m);
	(void)control_wrong("tlspolicy", line, why);
	return NULL;
}

/* A line that can never be found is no rule: nobody must believe that it is one. */
struct ctlmap *tlspolicy_load(void)
{
	struct ctlmap *m = ctlmap_load("tlspolicy", CTLMAP_COLON);
	struct tlspolicy p;
	const char *key;
	const char *value;
	unsigned line;

	for (size_t i = 0; m != NULL && ctlmap_at(m, i, &key, &value, &line); i++) {
		if (parse(&p, value) == -1)
			return wrong(m, line,
				     "not none, may, encrypt, verify (with up to 8 "
				     "names) or pin (with 1 to 8 SHA-256)");
		if (ends_with_dot(key))
			return wrong(m, line, "a name is written without its final dot");
	}
	return m;
}

/* The name, then each .parent of it, then the line without a name. */
void tlspolicy_get(const struct ctlmap *m, const char *name, struct tlspolicy *p)
{
	const char *value = ctlmap_get(m, name, NULL, NULL);
	const char *parent = *name == '.' ? name + 1 : name;

	while (value == NULL && (parent = strchr(parent, '.')) != NULL)
		value = ctlmap_get(m, parent++, NULL, NULL);
	if (value == NULL)
		value = ctlmap_get(m, "", NULL, NULL);
	if (value == NULL || parse(p, value) == -1)
		memset(p, 0, sizeof *p);
}
