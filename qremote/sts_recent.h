/* sts_recent: domains whose TXT record was looked at a moment ago. A table of fixed size:
 * who is pushed out by another is looked up once more. */
#ifndef QREMOTE_STS_RECENT_H
#define QREMOTE_STS_RECENT_H

#include <stdint.h>

/* RFC 8461 3.3: after a failure not again for five minutes. */
enum { STS_RECENT_MS = 300000, STS_RECENTS = 2048 };

/* Times of clock_mono_ms(); a domain is recent until then. */
int sts_is_recent(const char *domain, int64_t now);
void sts_set_recent(const char *domain, int64_t until);

#endif
