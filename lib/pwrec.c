#include "pwrec.h"

#include <errno.h>
#include <string.h>

#include "ascii.h"
#include "authask.h"
#include "cursor.h"
#include "num.h"
#include "qlimits.h"

enum { LIMIT_SCOPES = 64, LIMIT_NUMBER = 20 };

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

int pwrec_is_text(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f || *s == ':')
			return 0;
	return 1;
}

static int take_number(struct cursor *c, uint64_t max, uint64_t *v)
{
	const char *s;

	if (cur_str(c, LIMIT_NUMBER, &s) == -1 || num_parse(s, max, v) == -1)
		return bad();
	return 0;
}

static int take_owner(struct cursor *c, struct pwrec *r)
{
	uint64_t uid;
	uint64_t gid;

	if (take_number(c, UINT32_MAX - 1, &uid) == -1 ||
	    take_number(c, UINT32_MAX - 1, &gid) == -1 ||
	    cur_str(c, LIMIT_PATH - 1, &r->home) == -1)
		return bad();
	if (uid == 0 || r->home[0] != '/' || !pwrec_is_text(r->home))
		return bad();
	r->uid = (uid_t)uid;
	r->gid = (gid_t)gid;
	return 0;
}

static int take_hash(struct cursor *c, struct pwrec_hash *h)
{
	const char *expires;
	uint64_t n = 0;

	if (cur_str(c, LIMIT_PWHASH, &h->hash) == -1 ||
	    cur_str(c, LIMIT_LABEL, &h->label) == -1 ||
	    cur_str(c, LIMIT_SCOPES, &h->scopes) == -1 ||
	    cur_str(c, LIMIT_NUMBER, &expires) == -1)
		return bad();
	if (h->hash[0] == '\0' || !pwrec_is_text(h->hash) || !pwrec_is_text(h->label) ||
	    !pwrec_is_text(h->scopes))
		return bad();
	if (expires[0] != '\0' && (num_parse(expires, INT64_MAX, &n) == -1 || n == 0))
		return bad();
	h->expires = (int64_t)n;
	return 0;
}

int pwrec_get(struct pwrec *r, const char *value, size_t n)
{
	struct cursor c;

	cur_init(&c, value, n);
	if (take_owner(&c, r) == -1)
		return -1;
	r->nhashes = 0;
	do {
		if (r->nhashes == PWREC_HASHES ||
		    take_hash(&c, &r->hashes[r->nhashes]) == -1)
			return bad();
		r->nhashes++;
	} while (c.len > 0);
	return 0;
}

static int has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (;;) {
		size_t len = strcspn(list, ",");

		if (len == n && memcmp(list, word, n) == 0)
			return 1;
		if (list[len] == '\0')
			return 0;
		list += len + 1;
	}
}

int pwrec_is_for(const struct pwrec_hash *h, const char *service, int64_t now)
{
	if (h->expires != 0 && now >= h->expires)
		return 0;
	return h->scopes[0] == '\0' ||
	       (service[0] != '\0' && has_word(h->scopes, service));
}

int pwrec_key(const char *name, char *key, size_t size)
{
	size_t n = strlen(name);

	/* + and # begin other lines of the text */
	if (n == 0 || n > LIMIT_LOGIN || n >= size || name[0] == '+' || name[0] == '#' ||
	    strchr(name, ' ') != NULL || !pwrec_is_text(name)) {
		errno = EINVAL;
		return -1;
	}
	ascii_copy_lower(key, name, n + 1);
	return 0;
}
