#include "options.h"

#include <string.h>

#include "address.h"
#include "dsnparam.h"
#include "fail.h"

/* Where an option's argument is: nowhere; in the rest of the word or else the next
 * word; only in the rest of the word. */
enum takes { NOTHING, WORD, REST };

struct option {
	char letter;
	enum takes takes;
	int (*act)(struct options *o, const char *arg); /* NULL: without effect here */
};

static int set_mode(struct options *o, const char *arg)
{
	switch (arg[0]) {
	case 'm':
		return 0;
	case 's':
		o->mode = MODE_SMTP;
		return 0;
	case 'p':
		o->mode = MODE_LIST;
		return 0;
	case 'i':
		o->mode = MODE_ALIASES;
		return 0;
	case 'd':
	case 'D':
		return fail(FAIL_USAGE,
			    "-b%c: sendmail is no server here; SMTP is "
			    "served by qlisten and qsmtpd",
			    arg[0]);
	}
	return fail(FAIL_USAGE, "-b%.20s: not supported", arg);
}

static int set_name(struct options *o, const char *arg)
{
	o->name = arg;
	return 0;
}

static int set_sender(struct options *o, const char *arg)
{
	o->sender = arg;
	return 0;
}

static int set_dots(struct options *o, const char *arg)
{
	(void)arg;
	o->dots = 1;
	return 0;
}

static int set_aliases(struct options *o, const char *arg)
{
	(void)arg;
	o->mode = MODE_ALIASES;
	return 0;
}

/* -oi of the many settings of old sendmail.cf. */
static int set_old(struct options *o, const char *arg)
{
	return strcmp(arg, "i") == 0 ? set_dots(o, arg) : 0;
}

static int set_queue_run(struct options *o, const char *arg)
{
	(void)arg;
	o->queue_run = 1;
	return 0;
}

static int set_from_header(struct options *o, const char *arg)
{
	(void)arg;
	o->from_header = 1;
	return 0;
}

static int set_verbose(struct options *o, const char *arg)
{
	(void)arg;
	o->verbose = 1;
	return 0;
}

static int set_notify(struct options *o, const char *arg)
{
	if (dsn_notify(arg, &o->notify) == 0)
		return 0;
	return fail(FAIL_USAGE,
		    "-N %.100s: must be never, or some of success,failure,delay", arg);
}

static int set_ret(struct options *o, const char *arg)
{
	if (dsn_ret(arg, &o->ret) == 0)
		return 0;
	return fail(FAIL_USAGE, "-R %.100s: must be full or hdrs", arg);
}

/* xtext as it is, since that is what sendmail's callers give; else made to xtext. */
static int set_envid(struct options *o, const char *arg)
{
	if (dsn_envid(arg) == 0) {
		memcpy(o->envid, arg, strlen(arg) + 1);
		return 0;
	}
	if (*arg != '\0' && xtext_encode(o->envid, sizeof o->envid, arg) == 0)
		return 0;
	return fail(FAIL_USAGE, "-V %.100s: must be printable, and shorter than %d bytes",
		    arg, LIMIT_ENVID + 1);
}

static const struct option table[] = {
    {'A', WORD, NULL},               /* -Ac, -Am: which sendmail.cf */
    {'B', WORD, NULL},               /* body type: we are 8-bit clean */
    {'C', WORD, NULL},               /* configuration file */
    {'D', WORD, NULL},               /* debugging log */
    {'F', WORD, set_name},           /* full name of the author */
    {'G', NOTHING, NULL},            /* gateway submission */
    {'I', NOTHING, set_aliases},     /* newaliases */
    {'L', WORD, NULL},               /* label for syslog */
    {'M', WORD, NULL},               /* macro, or queue id */
    {'N', WORD, set_notify},         /* when to notify */
    {'O', WORD, NULL},               /* Option=value */
    {'Q', REST, NULL},               /* quarantine */
    {'R', WORD, set_ret},            /* how much of it comes back */
    {'U', NOTHING, NULL},            /* initial user submission */
    {'V', WORD, set_envid},          /* what it is called in notifications */
    {'X', WORD, NULL},               /* traffic log */
    {'b', WORD, set_mode},           /* mode */
    {'c', NOTHING, NULL},            /* hold for expensive mailers */
    {'d', REST, NULL},               /* debugging */
    {'e', WORD, NULL},               /* error mode */
    {'f', WORD, set_sender},         /* envelope sender */
    {'h', WORD, NULL},               /* hop count */
    {'i', NOTHING, set_dots},        /* a dot alone is no end */
    {'m', NOTHING, NULL},            /* me, too */
    {'n', NOTHING, NULL},            /* no aliases */
    {'o', WORD, set_old},            /* one-letter options */
    {'p', WORD, NULL},               /* protocol */
    {'q', REST, set_queue_run},      /* run the queue */
    {'r', WORD, set_sender},         /* old -f */
    {'s', NOTHING, NULL},            /* keep the From line */
    {'t', NOTHING, set_from_header}, /* recipients from the header */
    {'v', NOTHING, set_verbose},
    {'x', NOTHING, NULL}, /* some systems' own */
};

static const struct option *find(char letter)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].letter == letter)
			return &table[i];
	return NULL;
}

/* One word of letters; *next is the word behind it, moved if it is taken. */
static int take_word(struct options *o, const char *word, char *const **next)
{
	for (const char *p = word + 1; *p != '\0'; p++) {
		const struct option *opt = find(*p);
		const char *arg = p + 1;

		if (opt == NULL)
			return 0;
		if (opt->takes == WORD && *arg == '\0' && (arg = *(*next)++) == NULL)
			return fail(FAIL_USAGE, "-%c needs an argument", *p);
		if (opt->act != NULL && opt->act(o, arg) == -1)
			return -1;
		if (opt->takes != NOTHING)
			return 0;
	}
	return 0;
}

int options_parse(struct options *o, char *const argv[])
{
	char *const *next;

	for (next = argv + 1; *next != NULL; next++)
		if (!is_one_line(*next))
			return fail(FAIL_USAGE,
				    "an argument contains a control character");
	for (next = argv + 1; *next != NULL;) {
		const char *word = *next;

		if (word[0] != '-' || word[1] == '\0')
			break;
		next++;
		if (strcmp(word, "--") == 0) {
			o->recips = next;
			return 0;
		}
		if (take_word(o, word, &next) == -1)
			return -1;
	}
	o->recips = next;
	for (; *next != NULL; next++)
		if ((*next)[0] == '-')
			return fail(FAIL_USAGE,
				    "%.100s behind a recipient: options come first",
				    *next);
	return 0;
}
