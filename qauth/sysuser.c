#include "sysuser.h"

#include <crypt.h>
#include <errno.h>
#include <pwd.h>
#include <shadow.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { SECONDS_A_DAY = 86400 };

/* 0 and p, 1 when there is no such account (or it is root's), -1 with errno. */
static int find(const char *user, struct person *p)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
		return errno == 0 || errno == ENOENT || errno == ESRCH ? 1 : -1;
	if (pw->pw_uid == 0 || strlen(pw->pw_name) >= sizeof p->name ||
	    strlen(pw->pw_dir) >= sizeof p->home || pw->pw_dir[0] != '/' ||
	    strlen(pw->pw_shell) >= sizeof p->shell)
		return 1;
	(void)snprintf(p->name, sizeof p->name, "%s", pw->pw_name);
	(void)snprintf(p->home, sizeof p->home, "%s", pw->pw_dir);
	(void)snprintf(p->shell, sizeof p->shell, "%s",
		       pw->pw_shell[0] != '\0' ? pw->pw_shell : "/bin/sh");
	p->uid = pw->pw_uid;
	p->gid = pw->pw_gid;
	return 0;
}

/* shadow(5): the account's own end, in days; and a password that must be changed first.
 */
static int is_over(const struct spwd *s, int64_t now)
{
	int64_t today = now / SECONDS_A_DAY;

	if (s->sp_expire > 0 && today >= s->sp_expire)
		return 1;
	if (s->sp_lstchg == 0)
		return 1;
	return s->sp_max >= 0 && s->sp_inact >= 0 &&
	       today > s->sp_lstchg + s->sp_max + s->sp_inact;
}

/* 1: the hash is set; 0: no password fits; -1 with errno. */
static int find_hash(const char *name, int64_t now, char *hash, size_t size)
{
	const struct spwd *s;

	errno = 0;
	s = getspnam(name);
	if (s == NULL)
		return errno == 0 || errno == ENOENT ? 0 : -1;
	if (strlen(s->sp_pwdp) >= size)
		return 0;
	(void)snprintf(hash, size, "%s", s->sp_pwdp);
	/* an empty one lets anybody in: not by the network */
	return hash[0] != '\0' && hash[0] != '!' && hash[0] != '*' && !is_over(s, now);
}

static int is_same(const char *a, const char *b)
{
	size_t n = strlen(a);

	return strlen(b) == n && sodium_memcmp(a, b, n) == 0;
}

static enum verdict check(const char *password, const char *hash)
{
	static struct crypt_data data;
	const char *out = crypt_r(password, hash, &data);
	enum verdict v;

	if (out == NULL || out[0] == '*')
		v = errno == ENOMEM ? VERDICT_LATER : VERDICT_WRONG;
	else
		v = is_same(out, hash) ? VERDICT_RIGHT : VERDICT_WRONG;
	explicit_bzero(&data, sizeof data);
	return v;
}

enum verdict sysuser_verify(const char *user, const char *password, int64_t now,
			    struct person *p)
{
	char hash[CRYPT_OUTPUT_SIZE];
	const char *salt;
	enum verdict v;
	int absent = find(user, p);
	int has_hash = absent == 0 ? find_hash(p->name, now, hash, sizeof hash) : 0;

	if (absent == -1 || has_hash == -1)
		return VERDICT_LATER;
	if (has_hash == 1) {
		v = check(password, hash);
		explicit_bzero(hash, sizeof hash);
		return v;
	}
	/* the system's usual kind of hash, for nothing */
	salt = crypt_gensalt(NULL, 0, NULL, 0);
	if (salt != NULL)
		(void)check(password, salt);
	return VERDICT_WRONG;
}
