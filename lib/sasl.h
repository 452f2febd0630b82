/* sasl: what a client answers in PLAIN and LOGIN, taken apart. No waiting, no files.
 */
#ifndef QUOIN_SASL_H
#define QUOIN_SASL_H

#include <stddef.h>

#include "authask.h"

/* What a client says to prove who it is; wiped by sasl_wipe(). */
struct sasl {
	char user[LIMIT_LOGIN + 1];
	char password[LIMIT_PASSWORD + 1];
};

enum sasl_result {
	SASL_OK,
	SASL_GARBLED, /* no base64, or not of the mechanism's form */
	SASL_WRONG    /* of its form, but nobody has such a name or password */
};

/* PLAIN (RFC 4616): [who to act as] NUL user NUL password. Acting as somebody else is
 * nobody's right here. n characters of base64, or "=" for nothing (RFC 4954 4). */
enum sasl_result sasl_plain(struct sasl *s, const char *text, size_t n);

/* LOGIN: first a name, then a password. */
enum sasl_result sasl_user(struct sasl *s, const char *text, size_t n);
enum sasl_result sasl_password(struct sasl *s, const char *text, size_t n);

void sasl_wipe(struct sasl *s);

#endif
