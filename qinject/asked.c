/* The parameters of MAIL and RCPT: a table for each, a function for each of them. */
#include "asked.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "dsnparam.h"
#include "num.h"

static int take_size(struct asked *a, const char *value)
{
	uint64_t size;

	(void)a;
	return num_parse(value, LIMIT_MESSAGE, &size) == 0 ? ASKED_WELL : ASKED_UNKNOWN;
}

static int take_body(struct asked *a, const char *value)
{
	(void)a;
	return strcasecmp(value, "7BIT") == 0 || strcasecmp(value, "8BITMIME") == 0
		   ? ASKED_WELL
		   : ASKED_UNKNOWN;
}

static int take_auth(struct asked *a, const char *value)
{
	(void)a;
	return *value != '\0' ? ASKED_WELL : ASKED_UNKNOWN;
}

static int take_ret(struct asked *a, const char *value)
{
	return a->ret == '\0' ? dsn_ret(value, &a->ret) : ASKED_WRONG;
}

static int take_envid(struct asked *a, const char *value)
{
	if (*a->envid != '\0' || dsn_envid(value) == -1)
		return ASKED_WRONG;
	memcpy(a->envid, value, strlen(value) + 1);
	return ASKED_WELL;
}

static int take_notify(struct asked *a, const char *value)
{
	return a->notify == 0 ? dsn_notify(value, &a->notify) : ASKED_WRONG;
}

static int take_orcpt(struct asked *a, const char *value)
{
	if (*a->orcpt != '\0' || dsn_orcpt(value) == -1)
		return ASKED_WRONG;
	memcpy(a->orcpt, value, strlen(value) + 1);
	return ASKED_WELL;
}

struct parameter {
	const char *name; /* NULL ends a table */
	int (*take)(struct asked *a, const char *value);
};

static const struct parameter of_mail[] = {{"SIZE", take_size},   {"BODY", take_body},
					   {"AUTH", take_auth},   {"RET", take_ret},
					   {"ENVID", take_envid}, {NULL, NULL}};
static const struct parameter of_rcpt[] = {
    {"NOTIFY", take_notify}, {"ORCPT", take_orcpt}, {NULL, NULL}};

static int take_parameter(const struct parameter *p, struct asked *a, const char *s,
			  size_t n)
{
	char word[ASKED_LINE + 1];
	char *value;

	memcpy(word, s, n);
	word[n] = '\0';
	value = word + strcspn(word, "=");
	if (*value != '\0')
		*value++ = '\0';
	while (p->name != NULL && strcasecmp(p->name, word) != 0)
		p++;
	return p->name != NULL ? p->take(a, value) : ASKED_UNKNOWN;
}

static int take_parameters(const struct parameter *table, struct asked *a, const char *p)
{
	*a = (struct asked){.ret = '\0'};
	for (;;) {
		size_t n;
		int r;

		if (*p != '\0' && *p != ' ')
			return ASKED_UNKNOWN;
		p += strspn(p, " ");
		n = strcspn(p, " ");
		if (n == 0)
			return ASKED_WELL;
		r = take_parameter(table, a, p, n);
		if (r != ASKED_WELL)
			return r;
		p += n;
	}
}

int asked_of_mail(struct asked *a, const char *p)
{
	return take_parameters(of_mail, a, p);
}

int asked_of_rcpt(struct asked *a, const char *p)
{
	return take_parameters(of_rcpt, a, p);
}
