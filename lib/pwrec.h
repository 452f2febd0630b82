/* pwrec: accounts and their passwords, users/passwd and users/passwd.cdb.
 *
 * The text (root:quoina 0640), a line a password, written by qpasswd (`qctl user`):
 *
 *	name:hash:uid:gid:home			the account and its main password
 *	+name:hash:label:scopes:expires		an application password of it, behind it
 *
 * name: lower case, an address or a user's name, at most LIMIT_LOGIN bytes. hash: that of
 * libsodium, "$argon2id$..." (crypto_pwhash_str), or "*": no password fits. scopes: words
 * of "smtp imap pop3" with commas, "" for all. expires: seconds since 1970, "" for never.
 * No field holds a colon or a control byte. The table, by name:
 *
 *	value = uid NUL gid NUL home NUL 1*(hash NUL label NUL scopes NUL expires NUL)
 *
 * Readers: qcheckpw, as quoina (the hashes), and qauth, as root (uid, gid, home alone).
 * Pointers point into the value. uid 0 is not read: EBADMSG.
 */
#ifndef QUOIN_PWREC_H
#define QUOIN_PWREC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PWREC_HASHES = 32, LIMIT_PWHASH = 128, LIMIT_LABEL = 64 };

struct pwrec_hash {
	const char *hash;
	const char *label; /* "" for the main one */
	const char *scopes;
	int64_t expires; /* 0: never */
};

struct pwrec {
	uid_t uid;
	gid_t gid;
	const char *home;
	size_t nhashes;
	struct pwrec_hash hashes[PWREC_HASHES];
};

/* A value of the table: 0, or -1 with EBADMSG. */
int pwrec_get(struct pwrec *r, const char *value, size_t n);

/* May this password be used for the service, at this time (seconds)? */
int pwrec_is_for(const struct pwrec_hash *h, const char *service, int64_t now);

/* No control byte, no colon: what a line of the text can hold. */
int pwrec_is_text(const char *s);

/* The name as a key: lower case; -1 with EINVAL if it can be none. */
int pwrec_key(const char *name, char *key, size_t size);

#endif
