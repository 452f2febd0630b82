/* followup: Mail-Followup-To, for readers of mailing lists: if an address of To or Cc
 * stands in the file that QMAILMFTFILE names, the field lists them all.
 * Errors: -1 and a fail() record.
 */
#ifndef QUOIN_FOLLOWUP_H
#define QUOIN_FOLLOWUP_H

struct sbuf;

/* addresses: kept forms, each with its NUL. */
int followup_field(struct sbuf *out, const struct sbuf *addresses);

/* The file is named, so that addresses are worth collecting. */
int followup_wanted(void);

#endif
