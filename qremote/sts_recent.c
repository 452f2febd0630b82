#include "sts_recent.h"

#include <stdio.h>
#include <string.h>

#include "stsask.h"

static struct recent {
	int64_t until;
	char domain[LIMIT_STSDOMAIN + 1];
} recents[STS_RECENTS];

/* FNV-1a. Whoever makes domains collide wins look-ups of his own domains. */
static struct recent *place(const char *domain)
{
	uint32_t h = 2166136261U;

	for (; *domain != '\0'; domain++)
		h = (h ^ (unsigned char)*domain) * 16777619U;
	return &recents[h % STS_RECENTS];
}

int sts_is_recent(const char *domain, int64_t now)
{
	const struct recent *r = place(domain);

	return now < r->until && strcmp(r->domain, domain) == 0;
}

void sts_set_recent(const char *domain, int64_t until)
{
	struct recent *r = place(domain);

	r->until = until;
	(void)snprintf(r->domain, sizeof r->domain, "%s", domain);
}
