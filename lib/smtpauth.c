#include "smtpauth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "control.h"
#include "relay.h"

struct smtpauth {
	struct control_item *items; /* of each the blanks behind host and user are NUL */
	size_t n;
	struct job_login *logins;
};

/* The word at *p, ended with a NUL; *p: behind the blanks that follow. */
static const char *word(char **p)
{
	const char *w = *p;

	*p += strcspn(*p, " \t");
	if (**p != '\0')
		*(*p)++ = '\0';
	*p += strspn(*p, " \t");
	return w;
}

static int take(struct job_login *l, char *p, unsigned line)
{
	p += strspn(p, " \t");
	l->host = word(&p);
	l->user = word(&p);
	l->password = p;
	if (*l->user == '\0' || *l->password == '\0')
		return control_wrong("smtpauth", line, "not HOST USER PASSWORD");
	if (strlen(l->host) > LIMIT_DOMAIN || strlen(l->user) > LIMIT_SMTPUSER ||
	    strlen(l->password) > LIMIT_SMTPPASSWORD)
		return control_wrong("smtpauth", line, "too long");
	return 0;
}

static int load(struct smtpauth *a)
{
	if (control_list("smtpauth", &a->items) == -1)
		return -1;
	while (a->items[a->n].text != NULL)
		a->n++;
	a->logins = calloc(a->n + 1, sizeof *a->logins);
	if (a->logins == NULL)
		return -1;
	for (size_t i = 0; i < a->n; i++)
		if (take(&a->logins[i], a->items[i].text, a->items[i].line) == -1)
			return -1;
	return 0;
}

struct smtpauth *smtpauth_load(void)
{
	struct smtpauth *a = calloc(1, sizeof *a);

	if (a != NULL && load(a) == -1) {
		smtpauth_free(a);
		a = NULL;
	}
	return a;
}

void smtpauth_free(struct smtpauth *a)
{
	int e = errno;

	if (a == NULL)
		return;
	for (size_t i = 0; a->logins != NULL && i < a->n; i++)
		if (a->logins[i].password != NULL)
			explicit_bzero((char *)a->logins[i].password,
				       strlen(a->logins[i].password));
	control_free_list(a->items);
	free(a->logins);
	free(a);
	errno = e;
}

static const struct job_login *find(const struct smtpauth *a, const char *host)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcasecmp(a->logins[i].host, host) == 0)
			return &a->logins[i];
	return NULL;
}

void smtpauth_logins(const struct smtpauth *a, const char *route, struct job *j)
{
	struct relay_hop hop = {0};

	j->nlogins = 0;
	if (a->n == 0 || relay_error(route) != NULL)
		return;
	while (j->nlogins < LIMIT_JOBAUTHS && relay_next(&route, &hop) == 1) {
		const struct job_login *l = find(a, hop.host);

		if (l != NULL && job_login(j, hop.host) == NULL)
			j->logins[j->nlogins++] = *l;
	}
}
