/* qpasswd: accounts and their passwords (`qctl user`).
 *
 * Run by the admin. Writes users/passwd and users/passwd.cdb, and for a mailbox of its
 * own a home below homes/ (as that user) and lines of users/assign; each whole or not at
 * all, under a lock. Nothing needs to run, and what runs sees it with the next login. A
 * password comes from standard input or is made here and printed once: never an argument,
 * never logged. A hash is never printed.
 *
 *	0	a password
 *	1	a password that was made; what list says
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "control.h"
#include "lines.h"
#include "num.h"
#include "paths.h"
#include "place.h"
#include "prog.h"
#include "pwtext.h"
#include "secret.h"

static const char usage[] =
    "qctl user add [-gn] name | passwd [-gn] name | del name | "
    "apppass [-s scopes] [-e days] name label | apppass -r name label | list [name] | "
    "cdb";

enum { LOCK_MS = 10000, LIMIT_DAYS = 36500, SECONDS_A_DAY = 86400 };

/* What the options said. */
static int generate, without, removes;
static unsigned days;
static const char *scopes = "";

static char name[LIMIT_LOGIN + 1]; /* the account */

/* Of its new main password; made is "" unless it was made. */
static char hash[LIMIT_PWHASH], made[SECRET_MADE];

/* ---- what the verbs share ---- */

/* Two at once would each put back what they read. */
static int lock(void)
{
	int64_t end = clock_mono_ms() + LOCK_MS;
	char path[LIMIT_PATH];
	int fd = -1;

	if (path_join(path, sizeof path, paths.users, "lock") != NULL)
		fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		die_sys2(EXIT_TEMP, "open", path);
	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK || clock_mono_ms() > end)
			die_sys2(EXIT_TEMP, "lock", path);
		(void)usleep(10000);
	}
	return fd;
}

static void take_name(const char *word)
{
	if (pwrec_key(word, name, sizeof name) == -1)
		die_msg(EXIT_PERM, "%s is no name of an account", word);
}

static size_t must_find(const struct lines *t)
{
	ssize_t at = pwtext_find(t, name);

	if (at == -1)
		die_msg(EXIT_PERM, "there is no account %s; try: qctl user add %s", name,
			name);
	return (size_t)at;
}

__attribute__((format(printf, 3, 4))) static void form(char *line, size_t size,
						       const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, size, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= size)
		die_msg(EXIT_PERM, "that is too long for a line of users/passwd");
}

static void finish(void)
{
	if (fflush(stdout) == EOF)
		die_sys(EXIT_TEMP, "write");
}

/* The main password's hash, by the options. */
static void new_hash(void)
{
	char password[LIMIT_PASSWORD + 1];

	if (without) {
		memcpy(hash, "*", 2);
		return;
	}
	if (generate) {
		secret_make(made);
		secret_hash(hash, made);
		return;
	}
	secret_take(password);
	secret_hash(hash, password);
	explicit_bzero(password, sizeof password);
}

/* Only the password goes to standard output: a script may keep it. */
static void show(const char *what)
{
	if (made[0] == '\0')
		return;
	(void)fprintf(stderr, "%s, shown this once:\n", what);
	(void)printf("%s\n", made);
	finish();
	explicit_bzero(made, sizeof made);
}

/* ---- the verbs ---- */

enum { LINE = 4096 };

static void warn_of_checker(void)
{
	char *line = NULL;

	if (control_line("checkpassword", &line) == 1)
		warn_msg(
		    "control/checkpassword judges logins: this account is not asked");
	free(line);
}

static void find_place(const struct lines *t, struct place *p)
{
	if (pwtext_find(t, name) != -1)
		die_msg(EXIT_PERM, "%s is there already; try: qctl user passwd %s", name,
			name);
	place_find(p, name);
}

static void look_add(const struct lines *t)
{
	struct place p;

	find_place(t, &p);
}

static void do_add(struct lines *t, char **words)
{
	char line[LINE];
	struct place p;

	(void)words;
	find_place(t, &p);
	form(line, sizeof line, "%s:%s:%lu:%lu:%s", name, hash, (unsigned long)p.uid,
	     (unsigned long)p.gid, p.home);
	if (p.base[0] != '\0') {
		if (!place_make(&p))
			warn_msg("%s was there already; its mail is this account's now",
				 p.home);
		place_assign(&p);
	}
	lines_insert(t, t->n, line);
	pwtext_write(t);
	(void)fprintf(stderr, "account %s: uid %lu, mail in %s\n", name,
		      (unsigned long)p.uid, p.home);
	warn_of_checker();
	show("its password");
}

static void look_passwd(const struct lines *t)
{
	(void)must_find(t);
}

static void do_passwd(struct lines *t, char **words)
{
	char line[LINE];
	size_t at = must_find(t);
	struct pwline l;
	const char *why;

	(void)words;
	(void)pwline_get(&l, t->line[at], &why);
	form(line, sizeof line, "%s:%s:%s:%s:%s", l.name, hash, l.uid, l.gid, l.home);
	lines_remove(t, at, 1);
	lines_insert(t, at, line);
	pwtext_write(t);
	show("the new password");
}

/* Does another account read this mailbox? */
static int is_read(const struct lines *t, const char *home)
{
	struct pwline l;
	const char *why;

	for (size_t i = 0; i < t->n; i++)
		if (pwline_get(&l, t->line[i], &why) && !l.is_app &&
		    strcmp(l.home, home) == 0)
			return 1;
	return 0;
}

/* One that was killed may have left the address alone. */
static void do_del(struct lines *t, char **words)
{
	struct pwline l;
	const char *why;
	char home[LIMIT_PATH];

	(void)words;
	if (pwtext_find(t, name) != -1 || !place_home(name, home) || is_read(t, home)) {
		(void)pwline_get(&l, t->line[must_find(t)], &why);
		(void)snprintf(home, sizeof home, "%s", l.home);
		/* first the login, then the address */
		pwtext_remove(t, name);
		pwtext_write(t);
	}
	if (!is_read(t, home) && place_unassign(home) > 0)
		(void)fprintf(stderr,
			      "mail to %s is no longer taken; what came stays in %s\n",
			      name, home);
}

static int are_scopes(const char *s)
{
	static const char *const known[] = {"smtp", "imap", "pop3"};

	if (s[0] == '\0')
		return 1;
	for (;;) {
		size_t n = strcspn(s, ",");
		int found = 0;

		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			found |= strlen(known[i]) == n && memcmp(known[i], s, n) == 0;
		if (!found)
			return 0;
		if (s[n] == '\0')
			return 1;
		s += n + 1;
	}
}

static void remove_app(struct lines *t, const char *label)
{
	ssize_t at = pwtext_find_app(t, name, label);

	if (at == -1)
		die_msg(EXIT_PERM, "%s has no application password \"%s\"", name, label);
	lines_remove(t, (size_t)at, 1);
	pwtext_write(t);
}

static void add_app(struct lines *t, const char *label)
{
	char line[LINE], end[24] = "";
	size_t count;
	size_t at = pwtext_end(t, must_find(t), &count);

	if (label[0] == '\0' || strlen(label) > LIMIT_LABEL || !pwrec_is_text(label))
		die_msg(EXIT_PERM, "a label has 1 to %d bytes, and no colon",
			LIMIT_LABEL);
	if (!are_scopes(scopes))
		die_msg(EXIT_PERM, "scopes are smtp, imap, pop3, with commas between");
	if (pwtext_find_app(t, name, label) != -1)
		die_msg(EXIT_PERM, "%s has an application password \"%s\" already", name,
			label);
	if (count == PWREC_HASHES)
		die_msg(EXIT_PERM, "%s has %d passwords, the most there can be", name,
			PWREC_HASHES);
	if (days > 0)
		form(end, sizeof end, "%lld",
		     (long long)time(NULL) + (long long)days * SECONDS_A_DAY);
	secret_make(made);
	secret_hash_made(hash, made);
	form(line, sizeof line, "+%s:%s:%s:%s:%s", name, hash, label, scopes, end);
	lines_insert(t, at, line);
	pwtext_write(t);
	show("the application password");
}

static void do_apppass(struct lines *t, char **words)
{
	(void)must_find(t);
	if (removes)
		remove_app(t, words[1]);
	else
		add_app(t, words[1]);
}

static void print_end(const char *expires)
{
	uint64_t n;
	time_t at;
	struct tm tm;
	char day[32];

	if (num_parse(expires, INT64_MAX, &n) == -1) {
		(void)puts("never");
		return;
	}
	at = (time_t)n;
	if (gmtime_r(&at, &tm) == NULL || strftime(day, sizeof day, "%Y-%m-%d", &tm) == 0)
		(void)snprintf(day, sizeof day, "%s", expires);
	(void)printf("%s%s\n", day, at <= time(NULL) ? " (over)" : "");
}

/* account TAB name TAB uid TAB home TAB password|none; app TAB name TAB label TAB scopes
 * TAB end. */
static void do_list(struct lines *t, char **words)
{
	struct pwline l;
	const char *why;

	if (words[0] != NULL)
		(void)must_find(t);
	for (size_t i = 0; i < t->n; i++) {
		if (!pwline_get(&l, t->line[i], &why) ||
		    (words[0] != NULL && strcmp(l.name, name) != 0))
			continue;
		if (!l.is_app) {
			(void)printf("account\t%s\t%s\t%s\t%s\n", l.name, l.uid, l.home,
				     strcmp(l.hash, "*") == 0 ? "none" : "password");
			continue;
		}
		(void)printf("app\t%s\t%s\t%s\t", l.name, l.label,
			     l.scopes[0] != '\0' ? l.scopes : "all");
		print_end(l.expires);
	}
	finish();
}

/* What the admin wrote into the text himself. */
static void do_cdb(struct lines *t, char **words)
{
	(void)words;
	pwtext_write(t);
}

static const struct verb {
	const char *word;
	void (*run)(struct lines *t, char **words);
	int min, max; /* words behind it; the first is a name */
	const char *options;
	void (*look)(const struct lines *t); /* may it be? Before a password; NULL */
} verbs[] = {
    {"add", do_add, 1, 1, "gn", look_add}, {"passwd", do_passwd, 1, 1, "gn", look_passwd},
    {"del", do_del, 1, 1, "", NULL},       {"apppass", do_apppass, 2, 2, "ser", NULL},
    {"list", do_list, 0, 1, "", NULL},     {"cdb", do_cdb, 0, 0, "", NULL},
};

static const struct verb *find_verb(const char *word)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verbs[i].word, word) == 0)
			return &verbs[i];
	die_usage(usage);
}

/* Were only this verb's options given? */
static int are_its(const struct verb *v)
{
	const struct {
		char letter;
		int given;
	} all[] = {{'g', generate},
		   {'n', without},
		   {'r', removes},
		   {'s', scopes[0] != '\0'},
		   {'e', days > 0}};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i].given && strchr(v->options, all[i].letter) == NULL)
			return 0;
	return !(generate && without) && !(removes && (scopes[0] != '\0' || days > 0));
}

/* Nobody's command waits while somebody thinks of a password. */
static void ask_first(const struct verb *v)
{
	struct lines t;
	int fd;

	if (v->look == NULL)
		return;
	fd = lock();
	pwtext_read(&t);
	pwtext_mend(&t);
	v->look(&t);
	lines_free(&t);
	(void)close(fd);
	new_hash();
}

int main(int argc, char **argv)
{
	const struct arg options[] = {
	    {'g', arg_flag, &generate, 0, 0},     {'n', arg_flag, &without, 0, 0},
	    {'r', arg_flag, &removes, 0, 0},      {'s', arg_word, &scopes, 0, 0},
	    {'e', arg_num, &days, 1, LIMIT_DAYS}, {0}};
	const struct verb *v;
	struct lines t;
	int first;

	prog_init("qpasswd");
	first = args(usage, options, argc, argv);
	if (first == argc)
		die_usage(usage);
	v = find_verb(argv[first]);
	argc -= first;
	argv += first;
	optind = 0; /* the verb's own options: getopt begins anew */
	first = args(usage, options, argc, argv);
	if (argc - first < v->min || argc - first > v->max || !are_its(v))
		die_usage(usage);
	(void)umask(022);
	if (first < argc)
		take_name(argv[first]);
	ask_first(v);
	if (v->run != do_list)
		(void)lock();
	pwtext_read(&t);
	if (v->run != do_list)
		pwtext_mend(&t);
	v->run(&t, argv + first);
	lines_free(&t);
	return 0;
}
