#include "pwtext.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "authask.h"
#include "num.h"
#include "paths.h"
#include "prog.h"
#include "qlimits.h"
#include "sbuf.h"
#include "table.h"

enum { LIMIT_PWLINE = 2048, FIELDS = 5, LIMIT_RECORD = 16384 };

/* ---- one line ---- */

static int is_number(const char *s, uint64_t min, uint64_t max)
{
	uint64_t v;

	return num_parse(s, max, &v) == 0 && v >= min;
}

static int is_hash(const char *s)
{
	return strlen(s) < LIMIT_PWHASH &&
	       (strcmp(s, "*") == 0 || strncmp(s, "$argon2id$", 10) == 0);
}

static const char *wrong_account(const struct pwline *l)
{
	if (!is_number(l->uid, 1, UINT32_MAX - 1))
		return "the uid is no number, or 0";
	if (!is_number(l->gid, 0, UINT32_MAX - 1))
		return "the gid is no number";
	if (l->home[0] != '/' || strlen(l->home) >= LIMIT_PATH)
		return "the home is no absolute path";
	return NULL;
}

static const char *wrong_app(const struct pwline *l)
{
	if (l->label[0] == '\0' || strlen(l->label) > LIMIT_LABEL)
		return "the label is missing or over 64 bytes";
	if (strspn(l->scopes, "abcdefghijklmnopqrstuvwxyz0123456789,") !=
		strlen(l->scopes) ||
	    strlen(l->scopes) > 64)
		return "the scopes are not words with commas between";
	if (l->expires[0] != '\0' && !is_number(l->expires, 1, INT64_MAX))
		return "the end is no time in seconds";
	return NULL;
}

static const char *wrong(const struct pwline *l)
{
	char key[LIMIT_LOGIN + 1];

	if (pwrec_key(l->name, key, sizeof key) == -1)
		return "this is no name of an account";
	if (strcmp(key, l->name) != 0)
		return "the name has capital letters";
	if (!is_hash(l->hash))
		return "the hash is neither $argon2id$... nor *";
	return l->is_app ? wrong_app(l) : wrong_account(l);
}

static int has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return 1;
	return 0;
}

static size_t split(char *s, char *field[FIELDS])
{
	size_t n = 0;
	char *colon;

	field[n++] = s;
	while ((colon = strchr(s, ':')) != NULL) {
		if (n == FIELDS)
			return n + 1;
		*colon = '\0';
		s = colon + 1;
		field[n++] = s;
	}
	return n;
}

int pwline_get(struct pwline *l, const char *text, const char **why)
{
	static char copy[LIMIT_PWLINE];
	char *f[FIELDS];

	*why = NULL;
	if (text[0] == '#' || text[strspn(text, " \t\r")] == '\0')
		return 0;
	if (strlen(text) >= sizeof copy) {
		*why = "too long";
		return 0;
	}
	memcpy(copy, text, strlen(text) + 1);
	if (has_control(copy))
		*why = "a control byte";
	else if (split(copy, f) != FIELDS)
		*why = "not five fields";
	if (*why != NULL)
		return 0;
	memset(l, 0, sizeof *l);
	l->is_app = f[0][0] == '+';
	l->name = f[0] + l->is_app;
	l->hash = f[1];
	l->uid = l->label = f[2];
	l->gid = l->scopes = f[3];
	l->home = l->expires = f[4];
	*why = wrong(l);
	return *why == NULL;
}

/* ---- the text ---- */

static int get(const struct lines *t, size_t i, struct pwline *l)
{
	const char *why;
	int r = pwline_get(l, t->line[i], &why);

	if (why != NULL)
		lines_bad(t, i, why);
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* names is emptied. */
static void check_twice(const struct lines *t, char **names, size_t n)
{
	if (n > 1)
		qsort(names, n, sizeof *names, by_name);
	for (size_t i = 1; i < n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			die_msg(EXIT_PERM, "%s: %s is there twice; nothing was changed",
				t->path, names[i]);
	for (size_t i = 0; i < n; i++)
		free(names[i]);
}

/* Application passwords stand behind their account, each label once. */
static void check(const struct lines *t)
{
	char **names = calloc(t->n + 1, sizeof *names);
	char account[LIMIT_LOGIN + 1] = "";
	size_t passwords = 0;
	size_t n = 0;
	struct pwline l;

	if (names == NULL)
		die_sys(EXIT_TEMP, "keep the names");
	for (size_t i = 0; i < t->n; i++) {
		if (!get(t, i, &l))
			continue;
		if (l.is_app && strcmp(l.name, account) != 0)
			lines_bad(t, i, "this does not stand behind its account");
		passwords = l.is_app ? passwords + 1 : 1;
		if (passwords > PWREC_HASHES)
			lines_bad(t, i, "an account has more than 32 passwords");
		if (l.is_app)
			continue;
		memcpy(account, l.name, strlen(l.name) + 1);
		names[n] = strdup(account);
		if (names[n++] == NULL)
			die_sys(EXIT_TEMP, "keep the names");
	}
	check_twice(t, names, n);
	free(names);
}

/* Whom the file is for: what the house has made, or the group of that name. */
static void set_group(struct lines *t)
{
	const struct group *g;

	if (t->exists || geteuid() != 0)
		return;
	g = args_home == NULL ? getgrnam("quoina") : NULL;
	if (g == NULL)
		die_msg(EXIT_PERM, "%s is missing; try: qctl house dirs", t->path);
	t->gid = g->gr_gid;
}

void pwtext_read(struct lines *t)
{
	char path[LIMIT_PATH];

	if (path_join(path, sizeof path, paths.users, "passwd") == NULL)
		die_sys(EXIT_PERM, "name users/passwd");
	lines_read(t, path, 0640);
	t->mode = 0640;
	set_group(t);
	check(t);
}

ssize_t pwtext_find(const struct lines *t, const char *name)
{
	struct pwline l;

	for (size_t i = 0; i < t->n; i++)
		if (get(t, i, &l) && !l.is_app && strcmp(l.name, name) == 0)
			return (ssize_t)i;
	return -1;
}

ssize_t pwtext_find_app(const struct lines *t, const char *name, const char *label)
{
	struct pwline l;

	for (size_t i = 0; i < t->n; i++)
		if (get(t, i, &l) && l.is_app && strcmp(l.name, name) == 0 &&
		    strcmp(l.label, label) == 0)
			return (ssize_t)i;
	return -1;
}

size_t pwtext_end(const struct lines *t, size_t account, size_t *passwords)
{
	size_t end = account + 1;
	struct pwline l;

	*passwords = 1;
	for (size_t i = account + 1; i < t->n; i++) {
		if (!get(t, i, &l))
			continue;
		if (!l.is_app)
			break;
		end = i + 1;
		++*passwords;
	}
	return end;
}

void pwtext_remove(struct lines *t, const char *name)
{
	struct pwline l;

	for (size_t i = t->n; i-- > 0;)
		if (get(t, i, &l) && strcmp(l.name, name) == 0)
			lines_remove(t, i, 1);
}

/* ---- the table ---- */

static int add_hash(struct sbuf *b, const struct pwline *l)
{
	if (sbuf_catz(b, l->hash) == -1 ||
	    sbuf_catz(b, l->is_app ? l->label : "") == -1 ||
	    sbuf_catz(b, l->is_app ? l->scopes : "") == -1)
		return -1;
	return sbuf_catz(b, l->is_app ? l->expires : "");
}

static int add_account(struct sbuf *b, const struct pwline *l)
{
	if (sbuf_catz(b, l->uid) == -1 || sbuf_catz(b, l->gid) == -1)
		return -1;
	return sbuf_catz(b, l->home);
}

static int flush(struct table_writer *w, const char *name, struct sbuf *b)
{
	int r = b->len == 0 ? 0 : table_put(w, name, strlen(name), b->p, b->len);

	sbuf_clear(b);
	return r;
}

static int fill(struct table_writer *w, const struct lines *t)
{
	struct sbuf record = SBUF_INIT(LIMIT_RECORD);
	char account[LIMIT_LOGIN + 1] = "";
	struct pwline l;
	int r = 0;

	for (size_t i = 0; i < t->n && r == 0; i++) {
		if (!get(t, i, &l))
			continue;
		if (!l.is_app) {
			r = flush(w, account, &record);
			memcpy(account, l.name, strlen(l.name) + 1);
			if (r == 0)
				r = add_account(&record, &l);
		}
		if (r == 0)
			r = add_hash(&record, &l);
	}
	if (r == 0)
		r = flush(w, account, &record);
	sbuf_free(&record);
	return r;
}

static int note_source(struct table_writer *w, const struct lines *t)
{
	uint8_t sum[TABLE_SUM_LEN];
	size_t n;
	char *text = lines_text(t, &n);

	table_sum(text, n, sum);
	free(text);
	return table_put(w, TABLE_SOURCE, TABLE_SOURCE_LEN, sum, sizeof sum);
}

static _Noreturn void die_table(const char *what, const char *path)
{
	int e = errno;

	warn_msg("users/passwd is changed, what is read is not; try: qctl user cdb");
	errno = e;
	die_sys2(EXIT_TEMP, what, path);
}

static void compile(const struct lines *t)
{
	char path[LIMIT_PATH];
	struct table_writer *w = NULL;

	if (path_join(path, sizeof path, paths.users, "passwd.cdb") != NULL)
		w = table_create(path);
	if (w == NULL)
		die_table("make", path);
	table_secret(w, t->gid);
	if (fill(w, t) == -1 || note_source(w, t) == -1) {
		int e = errno;

		table_abort(w);
		errno = e;
		die_table("make", path);
	}
	if (table_commit(w) == -1)
		die_table("put in place", path);
}

void pwtext_write(const struct lines *t)
{
	lines_write(t);
	compile(t);
}

void pwtext_mend(const struct lines *t)
{
	char path[LIMIT_PATH];

	if (t->exists &&
	    path_join(path, sizeof path, paths.users, "passwd.cdb") != NULL &&
	    table_is_fresh(path, t->path) == 0)
		compile(t);
}
