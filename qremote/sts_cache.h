/* sts_cache: the policies that qsts keeps, a file sts/DOMAIN each (sts_record.h).
 *
 * A file is written beside its place, synced and renamed: what was said once holds over a
 * power cut. Domains are those of sts_is_domain(), and so no path.
 * Errors: -1 with errno. EBADMSG: the file is not one of ours.
 */
#ifndef QREMOTE_STS_CACHE_H
#define QREMOTE_STS_CACHE_H

#include "sts_record.h"

/* Opens the directory, and removes what a crash left. */
__attribute__((warn_unused_result)) int sts_cache_open(void);
void sts_cache_close(void);

/* 1 a policy in force; 0 none, or it has expired (and is removed); -1. */
int sts_cache_get(const char *domain, struct sts_record *r);
__attribute__((warn_unused_result)) int sts_cache_put(const char *domain,
						      const struct sts_record *r);

/* The next domain of a walk over all, "" at its end, where the next walk begins. */
void sts_cache_next(char domain[LIMIT_STSDOMAIN + 1]);

uint64_t sts_now(void); /* seconds since 1970 */

#endif
