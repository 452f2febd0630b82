/* Which messages are meant: ids, or what all of the options say. */
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "num.h"
#include "prog.h"
#include "queue.h"

enum { SENDER = 256, RECIPIENT, DOMAIN, OLDER, YOUNGER, HELD, ALL, JSON };

static const struct option longs[] = {
    {"sender", required_argument, NULL, SENDER},
    {"recipient", required_argument, NULL, RECIPIENT},
    {"domain", required_argument, NULL, DOMAIN},
    {"older", required_argument, NULL, OLDER},
    {"younger", required_argument, NULL, YOUNGER},
    {"held", no_argument, NULL, HELD},
    {"all", no_argument, NULL, ALL},
    {"quiet", no_argument, NULL, 'q'},
    {"dry-run", no_argument, NULL, 'n'},
    {"json", no_argument, NULL, JSON},
    {NULL, 0, NULL, 0},
};

/* ---- reading them ---- */

static uint64_t unit(char c)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (units[i].letter == c)
			return units[i].seconds;
	return 0;
}

/* 90s 10m 5h 3d 2w; a bare number is seconds. */
static uint64_t age(const char *word)
{
	char digits[16];
	size_t n = strspn(word, "0123456789");
	uint64_t times = word[n] == '\0' ? 1 : word[n + 1] == '\0' ? unit(word[n]) : 0;
	uint64_t value;

	if (n == 0 || n >= sizeof digits || times == 0)
		die_msg(EXIT_PERM, "%s is no age; it looks like 90s, 10m, 5h or 3d",
			word);
	memcpy(digits, word, n);
	digits[n] = '\0';
	if (num_parse(digits, UINT32_MAX, &value) == -1 || value == 0)
		die_msg(EXIT_PERM, "%s is no age", word);
	return value * times;
}

/* Which verbs an option is for, and where in a filter its value goes. */
static const struct {
	int option;
	int takes;
	enum { WORD, AGE, FLAG } kind;
	size_t at;
} options[] = {
    {SENDER, TAKES_FILTER, WORD, offsetof(struct filter, sender)},
    {RECIPIENT, TAKES_FILTER, WORD, offsetof(struct filter, recipient)},
    {DOMAIN, TAKES_FILTER, WORD, offsetof(struct filter, domain)},
    {OLDER, TAKES_FILTER, AGE, offsetof(struct filter, older)},
    {YOUNGER, TAKES_FILTER, AGE, offsetof(struct filter, younger)},
    {HELD, TAKES_FILTER, FLAG, offsetof(struct filter, held)},
    {ALL, TAKES_FILTER, FLAG, offsetof(struct filter, all)},
    {'q', TAKES_QUIET, FLAG, offsetof(struct filter, quiet)},
    {'n', TAKES_DRY, FLAG, offsetof(struct filter, dry)},
    {JSON, TAKES_JSON, FLAG, offsetof(struct filter, json)},
};

static void take_option(struct filter *f, int takes, int option)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		void *to = (char *)f + options[i].at;

		if (options[i].option != option || !(takes & options[i].takes))
			continue;
		if (options[i].kind == WORD)
			*(const char **)to = optarg;
		else if (options[i].kind == AGE)
			*(uint64_t *)to = age(optarg);
		else
			*(int *)to = 1;
		return;
	}
	die_queue_usage();
}

static void take_id(struct filter *f, const char *word)
{
	uint64_t ns;

	if (qid_parse(word, &ns) == -1)
		die_msg(EXIT_PERM, "%s is not a queue id", word);
	ids_add(&f->ids, word);
}

void filter_parse(struct filter *f, int takes, int argc, char **argv)
{
	int option;

	*f = (struct filter){0};
	ids_init(&f->ids);
	optind = 0; /* getopt begins anew */
	while ((option = getopt_long(argc, argv, "qn", longs, NULL)) != -1)
		take_option(f, takes, option);
	f->rest = argv + optind;
	f->nrest = argc - optind;
	if (takes & TAKES_WORDS)
		return;
	if (f->nrest > 0 && !(takes & TAKES_IDS))
		die_queue_usage();
	for (int i = 0; i < f->nrest; i++)
		take_id(f, f->rest[i]);
}

/* ---- using them ---- */

static int by_options(const struct filter *f)
{
	return f->sender != NULL || f->recipient != NULL || f->domain != NULL ||
	       f->older > 0 || f->younger > 0 || f->held;
}

int filter_is_empty(const struct filter *f)
{
	return !by_options(f) && !f->all && f->ids.n == 0;
}

int filter_is_whole(const struct filter *f)
{
	return !by_options(f) && f->ids.n == 0;
}

static const char *domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL ? at + 1 : "";
}

/* want: an address, or @ and a domain. */
static int is_address(const char *want, const char *address)
{
	if (*want == '@')
		return strcasecmp(want + 1, domain_of(address)) == 0;
	return strcasecmp(want, address) == 0;
}

/* want: a domain, or a dot and a domain whose subdomains are meant. */
static int is_domain(const char *want, const char *domain)
{
	size_t n = strlen(domain);
	size_t w = strlen(want);

	if (*want == '.')
		return n > w && strcasecmp(domain + n - w, want) == 0;
	return strcasecmp(want, domain) == 0;
}

/* Those that are delivered, or failed, are no longer meant. */
static int has_recipient(const struct filter *f, const struct message *m)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct line *l = &m->rcpts[i];

		if (l->state == 'K' || l->state == 'D')
			continue;
		if ((f->recipient == NULL || is_address(f->recipient, l->address)) &&
		    (f->domain == NULL || is_domain(f->domain, domain_of(l->address))))
			return 1;
	}
	return 0;
}

static int has_id(const struct filter *f, const char *id)
{
	for (size_t i = 0; i < f->ids.n; i++)
		if (strcmp(ids_at(&f->ids, i), id) == 0)
			return 1;
	return 0;
}

int filter_fits(const struct filter *f, const struct message *m, uint64_t now)
{
	uint64_t old = now > m->birth ? now - m->birth : 0;

	if (f->ids.n > 0 && !has_id(f, m->id))
		return 0;
	if (f->sender != NULL && !is_address(f->sender, m->sender))
		return 0;
	if ((f->older > 0 && old <= f->older) || (f->younger > 0 && old >= f->younger))
		return 0;
	if (f->held && !m->held)
		return 0;
	return (f->recipient == NULL && f->domain == NULL) || has_recipient(f, m);
}

struct selecting {
	const struct filter *f;
	struct ids *found;
	uint64_t now;
};

static void select_one(void *arg, const struct message *m)
{
	struct selecting *s = arg;

	if (filter_fits(s->f, m, s->now))
		ids_add(s->found, m->id);
}

void filter_select(const struct filter *f, struct ids *found)
{
	struct selecting s = {f, found, (uint64_t)time(NULL)};

	ids_init(found);
	if (f->ids.n > 0 && !by_options(f)) {
		for (size_t i = 0; i < f->ids.n; i++)
			ids_add(found, ids_at(&f->ids, i));
		return;
	}
	(void)source_each(select_one, &s);
}
