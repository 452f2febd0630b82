#include "sending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ascii.h"
#include "control.h"
#include "ctlmap.h"
#include "num.h"

enum { HOUR_MS = SENDING_HOUR };

static const char file[] = "userlimit";
static const struct amount usual = {500, 5000};

/* ---- control/userlimit ---- */

static int parse_limit(const char *value, struct amount *a)
{
	const char *colon = strchr(value, ':');

	if (colon == NULL)
		return -1;
	return num_parse_n(value, (size_t)(colon - value), UINT32_MAX, &a->messages) ==
			   -1 ||
		       num_parse(colon + 1, UINT32_MAX, &a->rcpts) == -1
		   ? -1
		   : 0;
}

static int check_limits(const struct ctlmap *m)
{
	const char *key;
	const char *value;
	unsigned line;

	for (size_t i = 0; ctlmap_at(m, i, &key, &value, &line); i++) {
		struct amount a;

		if (parse_limit(value, &a) == -1)
			return control_wrong(file, line, "not LOGIN:MESSAGES:RECIPIENTS");
	}
	return 0;
}

int sending_load(struct sending *s)
{
	struct ctlmap *m = ctlmap_load("userlimit", CTLMAP_COLON);
	const char *value;

	if (m == NULL || check_limits(m) == -1) {
		ctlmap_free(m);
		return -1;
	}
	s->limits = m;
	s->usual = usual;
	value = ctlmap_get(m, "", NULL, NULL);
	return value != NULL ? parse_limit(value, &s->usual) : 0;
}

static struct amount limit_of(const struct sending *s, const char *login)
{
	const char *value =
	    s->limits != NULL ? ctlmap_get(s->limits, login, NULL, NULL) : NULL;
	struct amount a = s->usual;

	if (value != NULL)
		(void)parse_limit(value, &a); /* it was read before */
	return a;
}

/* ---- who sends ---- */

static struct sender **slot_of(struct sending *s, const char *login)
{
	uint32_t h = 2166136261U; /* FNV-1a; whoever is counted has proved who he is */

	for (; *login != '\0'; login++)
		h = (h ^ (unsigned char)ascii_lower(*login)) * 16777619U;
	return &s->slot[h % SENDING_SLOTS];
}

static int is_idle(const struct sender *w, int64_t now)
{
	return w->open == 0 && now - w->hour >= 2 * HOUR_MS;
}

static void forget(struct sending *s, struct sender **at)
{
	struct sender *w = *at;

	*at = w->next;
	free(w);
	s->count--;
}

/* Those of whom nothing counts any more. */
static void forget_idle(struct sending *s, int64_t now)
{
	for (size_t i = 0; i < SENDING_SLOTS; i++)
		for (struct sender **at = &s->slot[i]; *at != NULL;) {
			if (is_idle(*at, now))
				forget(s, at);
			else
				at = &(*at)->next;
		}
}

struct sender *sending_find(struct sending *s, const char *login, int64_t now)
{
	struct sender **slot = slot_of(s, login);
	size_t n = strlen(login) + 1;
	struct sender *w = *slot;

	while (w != NULL && strcasecmp(w->login, login) != 0)
		w = w->next;
	if (w != NULL)
		return w;
	if (s->count >= SENDING_MAX)
		forget_idle(s, now);
	if (s->count >= SENDING_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	w = calloc(1, sizeof *w + n);
	if (w == NULL)
		return NULL;
	memcpy(w->login, login, n);
	w->hour = w->alarm_at = now;
	w->next = *slot;
	*slot = w;
	s->count++;
	return w;
}

void sending_free(struct sending *s)
{
	for (size_t i = 0; i < SENDING_SLOTS; i++)
		while (s->slot[i] != NULL)
			forget(s, &s->slot[i]);
	ctlmap_free(s->limits);
	s->limits = NULL;
}

/* ---- counting ---- */

void sending_turn(struct sender *w, int64_t now)
{
	int64_t hours = (now - w->hour) / HOUR_MS;

	if (hours == 0)
		return;
	w->before = hours == 1 ? w->now : (struct amount){0, 0};
	w->now = (struct amount){0, 0};
	w->hour += hours * HOUR_MS;
}

static uint64_t in_reach(uint64_t current, uint64_t before, int64_t left)
{
	return current + before * (uint64_t)left / HOUR_MS;
}

static struct amount last_hour(const struct sender *w, int64_t now)
{
	int64_t left = HOUR_MS - (now - w->hour);

	return (struct amount){in_reach(w->now.messages, w->before.messages, left),
			       in_reach(w->now.rcpts, w->before.rcpts, left)};
}

static int is_over(uint64_t used, uint64_t more, uint64_t limit)
{
	return limit > 0 && used + more > limit;
}

int sending_count(struct sending *s, const char *login, size_t n, int64_t now,
		  struct sender **who, struct amount *used)
{
	struct sender *w = sending_find(s, login, now);
	struct amount limit = limit_of(s, login);

	*who = NULL;
	if (w == NULL)
		return -1;
	sending_turn(w, now);
	*used = last_hour(w, now);
	if (is_over(used->messages, 1, limit.messages) ||
	    is_over(used->rcpts, n, limit.rcpts)) {
		if (now < w->alarm_at)
			return SENDING_OVER;
		w->alarm_at = now + HOUR_MS;
		s->changed = 1;
		return SENDING_ALARM;
	}
	w->now.messages++;
	w->now.rcpts += n;
	w->open++;
	s->changed = 1;
	*who = w;
	return SENDING_OK;
}

static void take_back(uint64_t *a, uint64_t n)
{
	*a = *a > n ? *a - n : 0;
}

/* Of what began in the hour before, this one has nothing to give back: else who holds
 * many open could have all that he sends forgotten. */
void sending_settle(struct sending *s, struct sender *who, int64_t hour, size_t n,
		    int sent)
{
	int64_t hours = (who->hour - hour) / HOUR_MS;
	struct amount *of = hours == 0 ? &who->now : &who->before;

	who->open--;
	if (sent || hours > 1)
		return;
	s->changed = 1;
	take_back(&of->messages, 1);
	take_back(&of->rcpts, n);
}
