/* dsnparam: how a sender asks for notifications (RFC 3461 4): the parameters of MAIL
 * and RCPT, from and to the values that lib/qfile.h keeps.
 *
 * Errors: -1 with EINVAL (not of the form, or too long); the output is then undefined.
 */
#ifndef QUOIN_DSNPARAM_H
#define QUOIN_DSNPARAM_H

#include <stddef.h>

#include "qlimits.h"

/* NOTIFY=value: NEVER alone, or some of SUCCESS, FAILURE, DELAY, each once. */
__attribute__((warn_unused_result)) int dsn_notify(const char *value, unsigned *notify);

enum { DSN_NOTIFY_SIZE = sizeof "SUCCESS,FAILURE,DELAY" };
const char *dsn_notify_words(unsigned notify, char out[DSN_NOTIFY_SIZE]);

/* RET=value: 'F' or 'H'. */
__attribute__((warn_unused_result)) int dsn_ret(const char *value, char *ret);

/* ENVID=value and ORCPT=value: is it one? Kept as they came. */
__attribute__((warn_unused_result)) int dsn_envid(const char *value);
__attribute__((warn_unused_result)) int dsn_orcpt(const char *value);

/* The ORCPT of an address that came without one: 0, or -1 if it cannot be written. */
__attribute__((warn_unused_result)) int dsn_orcpt_of(const char *address,
						     char out[LIMIT_ORCPT + 1]);

/* xtext (RFC 3461 4), of printable ASCII alone. */
__attribute__((warn_unused_result)) int xtext_encode(char *out, size_t size,
						     const char *s);
__attribute__((warn_unused_result)) int xtext_decode(char *out, size_t size,
						     const char *x);

#endif
