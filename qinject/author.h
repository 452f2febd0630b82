/* author: the fields that a message lacks. Each function appends one field to out,
 * named prefix ("" or "Resent-") and its name.
 * Errors: -1 and a fail() record.
 */
#ifndef QUOIN_AUTHOR_H
#define QUOIN_AUTHOR_H

struct sbuf;
struct wish;

int author_date(struct sbuf *out, const char *prefix);
int author_message_id(struct sbuf *out, const char *prefix);
int author_from(struct sbuf *out, const char *prefix, const struct wish *w);

#endif
