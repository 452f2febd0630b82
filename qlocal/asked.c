#include "asked.h"

#include <stdlib.h>
#include <string.h>

#include "dsnparam.h"
#include "qfile.h"
#include "sbuf.h"

static const char *ret_of(uint8_t flags)
{
	if (flags & JOB_RET_FULL)
		return "F";
	return flags & JOB_RET_HDRS ? "H" : "";
}

/* RFC 3461 5.2.1 (e): where there was none, the address that we know. */
void asked_of_job(struct asked *a, const struct job *j, size_t index, int is_list)
{
	const char *orcpt = j->orcpt[index];

	*a = (struct asked){.envid = "", .ret = ""};
	if (is_list)
		return;
	a->envid = j->envid;
	a->ret = ret_of(j->flags);
	a->notify = j->notify[index];
	if (*orcpt != '\0')
		memcpy(a->orcpt, orcpt, strlen(orcpt) + 1);
	else if (dsn_orcpt_of(j->rcpts[index], a->orcpt) == -1)
		a->orcpt[0] = '\0';
}

static const char *get(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

/* Whoever calls us may have put anything there: what is not of the form is not said. */
void asked_of_environment(struct asked *a)
{
	const char *orcpt = get("DSNORCPT");

	*a = (struct asked){.envid = get("DSNENVID"), .ret = get("DSNRET")};
	if (*a->envid != '\0' && dsn_envid(a->envid) == -1)
		a->envid = "";
	if (strcmp(a->ret, "F") != 0 && strcmp(a->ret, "H") != 0)
		a->ret = "";
	if (notify_parse(get("DSNNOTIFY"), &a->notify) == -1)
		a->notify = 0;
	if (*orcpt != '\0' && dsn_orcpt(orcpt) == 0)
		memcpy(a->orcpt, orcpt, strlen(orcpt) + 1);
}

/* The NOTIFY that goes along. */
static unsigned forwarded(const struct asked *a, int is_single)
{
	unsigned rest = a->notify & ~(unsigned)NOTIFY_SUCCESS;

	if (a->notify == 0)
		return NOTIFY_FAILURE;
	if (is_single)
		return a->notify;
	return rest != 0 ? rest : NOTIFY_NEVER;
}

static int put(struct sbuf *env, char letter, const char *value)
{
	return *value == '\0' ? 0 : sbuf_field(env, letter, value);
}

int asked_put_sender(const struct asked *a, struct sbuf *env)
{
	return put(env, 'E', a->envid) == -1 ? -1 : put(env, 'R', a->ret);
}

int asked_put_rcpt(const struct asked *a, int is_single, const char *address,
		   struct sbuf *env)
{
	char notify[4];

	if (put(env, 'T', address) == -1 ||
	    put(env, 'N', notify_text(forwarded(a, is_single), notify)) == -1)
		return -1;
	return put(env, 'O', a->orcpt);
}
