/* Whose mail a local part is: users/cdb, aliases, the system, ~alias, in this order. */
#include "route_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alias.h"
#include "control.h"
#include "cursor.h"
#include "num.h"
#include "paths.h"
#include "table.h"

enum { SEPARATORS_MAX = 16, CANDIDATES_MAX = 8 };

/* One look-up. Each step answers 1 (u is set), 0 (ask the next step), -1. */
struct lookup {
	const char *local;
	char lower[LIMIT_ADDRESS + 1];
	size_t len;
	route_getpw *getpw;
	void *getpw_arg;
	struct route_user *u;
	struct watch w;
};

static int copy(char *out, size_t size, const char *s)
{
	size_t n = strlen(s);

	if (n >= size)
		return -1;
	memcpy(out, s, n + 1);
	return 0;
}

/* ---- users/cdb, in the layout of qmail-newu ---- */

static int bad_users(const char *why)
{
	return route_fail(EPROTO, "users/cdb: %s", why);
}

/* user NUL uid NUL gid NUL home NUL dash NUL ext; what a wildcard left is appended
 * to ext. p has a NUL behind its n bytes. */
static int take_user(struct lookup *k, const char *p, size_t n, const char *rest)
{
	struct route_user *u = k->u;
	struct cursor c;
	const char *field[5];
	uint64_t uid;
	uint64_t gid;

	cur_init(&c, p, n);
	for (size_t i = 0; i < 5; i++)
		if (cur_str(&c, LIMIT_PATH - 1, &field[i]) == -1)
			return bad_users("a record has too few fields");
	if (num_parse(field[1], UINT32_MAX - 1, &uid) == -1 ||
	    num_parse(field[2], UINT32_MAX - 1, &gid) == -1)
		return bad_users("a record has no uid or gid");
	if (copy(u->name, sizeof u->name, field[0]) == -1 ||
	    copy(u->home, sizeof u->home, field[3]) == -1 ||
	    copy(u->dash, sizeof u->dash, field[4]) == -1 || u->home[0] != '/' ||
	    strchr(u->dash, '/') != NULL || memchr(c.p, '\0', c.len) != NULL ||
	    c.len + strlen(rest) > LIMIT_ADDRESS)
		return bad_users("a field of a record is wrong or too long");
	u->uid = (uid_t)uid;
	u->gid = (gid_t)gid;
	(void)snprintf(u->ext, sizeof u->ext, "%s%s", c.p, rest);
	return 1;
}

/* The record of the first n bytes of the local part, or of all of it (exact). */
static int try_user(struct lookup *k, struct table *t, size_t n, int exact)
{
	char key[1 + LIMIT_ADDRESS + 1];
	const char *value;
	size_t len;
	int r;

	key[0] = '!';
	memcpy(key + 1, k->lower, n);
	key[1 + n] = '\0';
	r = table_get(t, key, 1 + n + (exact ? 1 : 0), &value, &len);
	if (r == -1)
		return bad_users(strerror(errno));
	if (r == 0)
		return 0;
	if (take_user(k, value, len, exact ? "" : k->local + n) == -1)
		return -1;
	route_say(&k->w, "users/cdb: %c%s: user %s, ext \"%s\"", exact ? '=' : '+',
		  key + 1, k->u->name, k->u->ext);
	return 1;
}

/* =local, then +prefixes, the longest first; only those whose last byte ends some
 * wildcard are in the table. */
static int walk_users(struct lookup *k, struct table *t)
{
	char wild[256];
	const char *value;
	size_t len;
	int r = table_get(t, "", 0, &value, &len);

	if (r != 1 || len > sizeof wild)
		return bad_users("not made by qnewusers or qmail-newu");
	memcpy(wild, value, len);
	r = try_user(k, t, k->len, 1);
	for (size_t n = k->len; r == 0 && n > 0; n--)
		if (memchr(wild, k->lower[n - 1], len) != NULL)
			r = try_user(k, t, n, 0);
	return r;
}

static int just_this(struct lookup *k, struct table *t)
{
	return try_user(k, t, k->len, 1);
}

static int everybody(struct lookup *k, struct table *t)
{
	int r = try_user(k, t, 0, 0);

	k->u->catchall = r == 1;
	return r;
}

static int with_users(struct lookup *k, int (*step)(struct lookup *, struct table *))
{
	char path[LIMIT_PATH];
	struct table t;
	int r;

	if (path_join(path, sizeof path, paths.users, "cdb") == NULL)
		return bad_users(strerror(errno));
	r = table_open(&t, path);
	if (r == -1)
		return bad_users(strerror(errno));
	if (r == 0)
		return 0;
	r = step(k, &t);
	table_close(&t);
	return r;
}

static int ask_users(struct lookup *k)
{
	return with_users(k, walk_users);
}

/* "+:…": for everybody whom nobody named; like qmail, before the user database. */
static int ask_users_rest(struct lookup *k)
{
	return with_users(k, everybody);
}

/* ---- the user alias ---- */

static int ask_getpw(struct lookup *k, const char *name)
{
	int r = k->getpw(k->getpw_arg, name, k->u);

	if (r == -1 && errno != EINPROGRESS)
		return route_fail(errno, "the user database does not answer for %s: %s",
				  name, strerror(errno));
	return r;
}

/* "=alias" of users/cdb, or the system's user of that name. */
static int find_alias(struct lookup *k)
{
	static const struct watch nobody;
	struct lookup a = *k;
	int r;

	a.w = nobody;
	a.len = strlen("alias");
	memcpy(a.lower, "alias", a.len + 1);
	r = with_users(&a, just_this);
	return r == 0 ? ask_getpw(k, "alias") : r;
}

static int become_alias(struct lookup *k)
{
	int r = find_alias(k);

	if (r == -1)
		return -1;
	if (r == 0)
		return route_fail(ENOENT, "there is no user alias");
	(void)copy(k->u->dash, sizeof k->u->dash, "-");
	(void)copy(k->u->ext, sizeof k->u->ext, k->local);
	return 1;
}

static int ask_aliases(struct lookup *k)
{
	char *value;
	size_t len;
	int r = alias_find(k->lower, &value, &len);

	if (r == -1)
		return route_fail(errno, "control/aliases.cdb: %s", strerror(errno));
	if (r == 0)
		return 0;
	/* the first field of a value is its line (alias.h) */
	route_say(&k->w, "control/aliases line %.*s: %s is an alias",
		  len > 1 && value[0] == '#' ? (int)strnlen(value + 1, len - 1) : 1,
		  len > 1 && value[0] == '#' ? value + 1 : "?", k->lower);
	free(value);
	(void)copy(k->u->alias, sizeof k->u->alias, k->lower);
	return become_alias(k);
}

static int ask_dotfile(struct lookup *k)
{
	k->u->catchall = 1;
	route_say(&k->w, "nobody else: user alias, by ~alias/.qmail-%s or a -default",
		  k->lower);
	return become_alias(k);
}

/* ---- the system's users ---- */

static int read_separators(char out[SEPARATORS_MAX + 1])
{
	char *line = NULL;
	int r = control_line("userseparators", &line);

	if (r == -1)
		return route_fail(errno, "%s", control_error());
	if (r == 1 && strlen(line) > SEPARATORS_MAX) {
		(void)control_wrong("userseparators", 1, "more than 16 characters");
		free(line);
		return route_fail(EINVAL, "%s", control_error());
	}
	(void)copy(out, SEPARATORS_MAX + 1, r == 1 ? line : "-+");
	free(line);
	return 0;
}

/* Could the first n bytes be a user's name? */
static int is_name(const char *s, size_t n)
{
	if (n == 0 || n > LIMIT_USER)
		return 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c <= ' ' || c == 0x7f || c == ':' || c == '/')
			return 0;
	}
	return 1;
}

static int try_name(struct lookup *k, size_t n)
{
	char name[LIMIT_USER + 1];
	int r;

	if (!is_name(k->lower, n))
		return 0;
	memcpy(name, k->lower, n);
	name[n] = '\0';
	r = ask_getpw(k, name);
	if (r != 1)
		return r;
	if (k->u->uid == 0) {
		route_say(&k->w, "user database: %s has uid 0 and so no mailbox", name);
		return 0;
	}
	(void)copy(k->u->dash, sizeof k->u->dash, n < k->len ? "-" : "");
	(void)copy(k->u->ext, sizeof k->u->ext, n < k->len ? k->local + n + 1 : "");
	route_say(&k->w, "user database: user %s, ext \"%s\"", name, k->u->ext);
	return 1;
}

/* All of the local part, then what stands before each separator, the longest first;
 * no name has more than CANDIDATES_MAX separators. */
static int ask_system(struct lookup *k)
{
	char separators[SEPARATORS_MAX + 1];
	size_t end[CANDIDATES_MAX + 1];
	size_t n = 0;
	int r = 0;

	if (read_separators(separators) == -1)
		return -1;
	for (size_t i = 0; i < k->len && n < CANDIDATES_MAX; i++)
		if (strchr(separators, k->lower[i]) != NULL)
			end[n++] = i;
	end[n++] = k->len;
	while (r == 0 && n-- > 0)
		r = try_name(k, end[n]);
	return r;
}

int route_local(const char *local, route_getpw *getpw, void *getpw_arg,
		struct route_user *u, route_trace *trace, void *arg)
{
	static int (*const steps[])(struct lookup *) = {
	    ask_users, ask_aliases, ask_users_rest, ask_system, ask_dotfile};
	struct lookup k = {.local = local,
			   .len = strlen(local),
			   .getpw = getpw,
			   .getpw_arg = getpw_arg,
			   .u = u,
			   .w = {trace, arg}};

	if (copy(k.lower, sizeof k.lower, local) == -1)
		return route_fail(EINVAL, "the local part is too long");
	route_lower(k.lower);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		int r;

		memset(u, 0, sizeof *u);
		r = steps[i](&k);
		if (r != 0)
			return r == 1 ? 0 : -1;
	}
	return -1; /* not reached: the last step finds somebody or fails */
}
