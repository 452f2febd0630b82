#include "seats.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE = 60000, SPARE = 1024 };

struct address {
	unsigned char key[16];
	unsigned here;    /* connections now */
	unsigned started; /* in the minute that began at since */
	int64_t since;
	int told;
};

struct child {
	pid_t pid; /* 0: free */
	struct address *address;
};

struct seats {
	unsigned total, each, rate;
	unsigned taken;
	struct address *asked;
	struct child *child; /* total of them */
	size_t naddresses;
	struct address *address; /* total + SPARE: some remember those who left */
};

struct seats *seats_new(unsigned total, unsigned each, unsigned rate)
{
	struct seats *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->total = total;
	s->each = each;
	s->rate = rate;
	s->naddresses = (size_t)total + SPARE;
	s->child = calloc(total, sizeof *s->child);
	s->address = calloc(s->naddresses, sizeof *s->address);
	if (s->child != NULL && s->address != NULL)
		return s;
	seats_free(s);
	return NULL;
}

void seats_free(struct seats *s)
{
	free(s->child);
	free(s->address);
	free(s);
}

int seats_full(const struct seats *s)
{
	return s->taken >= s->total;
}

unsigned seats_taken(const struct seats *s)
{
	return s->taken;
}

/* IPv4 as a mapped address, whole; IPv6 by its /64. */
static void make_key(unsigned char key[16], const struct sockaddr *sa)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	memset(key, 0, 16);
	if (sa->sa_family == AF_INET) {
		memcpy(key, mapped, 12);
		memcpy(key + 12, &in->sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(key, &in6->sin6_addr, 16);
	} else {
		memcpy(key, &in6->sin6_addr, 8);
	}
}

static void begin_minute(struct address *a, int64_t now)
{
	if (now - a->since < MINUTE)
		return;
	a->since = now;
	a->started = 0;
	a->told = 0;
}

/* Its entry, or that of whoever left longest ago. There is always one: connections
 * are fewer than entries. */
static struct address *find(struct seats *s, const unsigned char key[16], int64_t now)
{
	struct address *oldest = s->address;

	for (struct address *a = s->address; a < s->address + s->naddresses; a++) {
		if (memcmp(a->key, key, 16) == 0)
			return a;
		if (a->here == 0 && (oldest->here > 0 || a->since < oldest->since))
			oldest = a;
	}
	memset(oldest, 0, sizeof *oldest);
	memcpy(oldest->key, key, 16);
	oldest->since = now;
	return oldest;
}

enum seat_answer seats_ask(struct seats *s, const struct sockaddr *sa, int64_t now,
			   int **told)
{
	unsigned char key[16];
	struct address *a;

	make_key(key, sa);
	a = find(s, key, now);
	begin_minute(a, now);
	s->asked = a;
	*told = &a->told;
	if (a->here >= s->each)
		return SEAT_TOO_MANY;
	if (s->rate > 0 && a->started >= s->rate)
		return SEAT_TOO_FAST;
	a->started++;
	return SEAT_YES;
}

static struct child *find_child(struct seats *s, pid_t pid)
{
	for (struct child *c = s->child; c < s->child + s->total; c++)
		if (c->pid == pid)
			return c;
	return NULL;
}

void seats_take(struct seats *s, pid_t pid)
{
	struct child *c = find_child(s, 0);

	if (c == NULL)
		return;
	c->pid = pid;
	c->address = s->asked;
	c->address->here++;
	s->taken++;
}

int seats_give(struct seats *s, pid_t pid)
{
	struct child *c = find_child(s, pid);

	if (c == NULL)
		return 0;
	c->pid = 0;
	c->address->here--;
	s->taken--;
	return 1;
}

unsigned seats_list(const struct seats *s, struct seat *out, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->total && n < max; i++) {
		const struct child *c = &s->child[i];

		if (c->pid == 0)
			continue;
		out[n].pid = c->pid;
		memcpy(out[n++].key, c->address->key, sizeof c->address->key);
	}
	return n;
}

void seats_restore(struct seats *s, const struct seat *seat)
{
	s->asked = find(s, seat->key, 0);
	seats_take(s, seat->pid);
}
