/* verp: variable envelope return paths, as qmail-send makes them.
 *
 * A sender "list-owner-@host-@[]" becomes, for the recipient user@dom,
 * "list-owner-user=dom@host", so that a bounce says by its address whom it is about. Such
 * recipients do not share a job.
 */
#ifndef QSEND_VERP_H
#define QSEND_VERP_H

#include <stddef.h>

int verp_is(const char *sender);

/* The sender for rcpt, in out: as it is, if it asks for nothing, or if rcpt has no domain
 * or the result no room (then without its end: "list-owner-@host"). */
void verp_make(char *out, size_t size, const char *sender, const char *rcpt);

#endif
