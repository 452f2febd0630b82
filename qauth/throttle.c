#include "throttle.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "ascii.h"
#include "authask.h"
#include "rnd.h"
#include "sum.h"

enum { WAYS = 8, SETS = THROTTLE_MAX / WAYS };

static struct entry {
	struct throttle_key key;
	int64_t last;      /* failure */
	int64_t turn;      /* given to the request before */
	uint64_t password; /* the last wrong one, as a keyed hash */
	unsigned failures; /* at that time; 0: a free place */
} table[SETS][WAYS];

/* Keyed, so that nobody finds addresses that share a set. */
static uint64_t hash(const void *a, size_t na, const void *b, size_t nb)
{
	static uint8_t secret[16];
	static int has_secret;
	uint8_t out[SUM_LEN];
	uint64_t v;
	struct sum s;

	if (!has_secret) {
		rnd_bytes(secret, sizeof secret);
		has_secret = 1;
	}
	sum_init(&s);
	sum_add(&s, secret, sizeof secret);
	sum_add(&s, a, na);
	sum_add(&s, b, nb);
	sum_end(&s, out);
	explicit_bzero(&s, sizeof s);
	memcpy(&v, out, sizeof v);
	return v;
}

/* ---- whom to count ---- */

static int is_here(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LOOPBACK(a) ||
	       (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

static int parse(struct in6_addr *a, const char *client)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (inet_pton(AF_INET6, client, a) == 1)
		return 1;
	memcpy(a->s6_addr, mapped, sizeof mapped);
	return inet_pton(AF_INET, client, a->s6_addr + sizeof mapped) == 1;
}

static void by_name(struct throttle_key *k, const char *user)
{
	char name[LIMIT_LOGIN + 1] = "";
	size_t n = strnlen(user, LIMIT_LOGIN);
	uint64_t h;

	ascii_copy_lower(name, user, n);
	h = hash("name", 4, name, n);
	memset(k, 0, sizeof *k);
	memcpy(k->b + 8, &h, sizeof h);
}

int throttle_key(struct throttle_key *k, const char *client, const char *user)
{
	struct in6_addr a;
	int is_address = parse(&a, client);

	if (!is_address || is_here(&a)) {
		by_name(k, user);
		return is_address;
	}
	if (!IN6_IS_ADDR_V4MAPPED(&a))
		memset(a.s6_addr + 8, 0, 8);
	memcpy(k->b, a.s6_addr, sizeof k->b);
	return 1;
}

/* ---- the table ---- */

static unsigned failures_now(const struct entry *e, int64_t now)
{
	int64_t forgiven = (now - e->last) / THROTTLE_FORGIVE_MS;

	return forgiven >= (int64_t)e->failures ? 0 : e->failures - (unsigned)forgiven;
}

static struct entry *set_of(const struct throttle_key *k)
{
	return table[hash("set", 3, k->b, sizeof k->b) % SETS];
}

static struct entry *find(const struct throttle_key *k)
{
	struct entry *set = set_of(k);

	for (struct entry *e = set; e < set + WAYS; e++)
		if (e->failures > 0 && memcmp(&e->key, k, sizeof *k) == 0)
			return e;
	return NULL;
}

/* The place of who has failed least, and of these longest ago. */
static struct entry *make_room(const struct throttle_key *k, int64_t now)
{
	struct entry *set = set_of(k);
	struct entry *least = set;

	for (struct entry *e = set + 1; e < set + WAYS; e++) {
		unsigned mine = failures_now(e, now);
		unsigned his = failures_now(least, now);

		if (mine < his || (mine == his && e->last < least->last))
			least = e;
	}
	*least = (struct entry){.key = *k, .last = now};
	return least;
}

unsigned throttle_failures(const struct throttle_key *k, int64_t now)
{
	const struct entry *e = find(k);

	return e == NULL ? 0 : failures_now(e, now);
}

static int64_t pause_after(unsigned failures)
{
	unsigned doublings = failures - THROTTLE_FREE;
	int64_t ms;

	if (failures < THROTTLE_FREE)
		return 0;
	ms = (int64_t)THROTTLE_PAUSE_MS << (doublings < 8 ? doublings : 8);
	return ms < THROTTLE_LONGEST_MS ? ms : THROTTLE_LONGEST_MS;
}

int64_t throttle_turn(const struct throttle_key *k, int64_t now)
{
	struct entry *e = find(k);
	int64_t pause = e == NULL ? 0 : pause_after(failures_now(e, now));
	int64_t turn;

	if (pause == 0)
		return now;
	turn = (e->turn > now ? e->turn : now) + pause;
	if (turn - now > THROTTLE_WAIT_MS)
		return -1;
	e->turn = turn;
	return turn;
}

unsigned throttle_failed(const struct throttle_key *k, const char *user,
			 const char *password, int64_t now)
{
	uint64_t h = hash(user, strlen(user) + 1, password, strlen(password));
	struct entry *e = find(k);
	unsigned n;

	if (e == NULL)
		e = make_room(k, now);
	n = failures_now(e, now);
	if (n > 0 && e->password == h)
		return n;
	e->password = h;
	e->last = now;
	e->failures = n < THROTTLE_COUNT ? n + 1 : n;
	return e->failures;
}
