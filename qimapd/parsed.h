/* parsed: what lib/mime knows of a message, from the cache or by reading it now.
 *
 * parsed_digest(): its digest; read and put into the cache if it was not there. 1, 0: the message is
 * gone, -1 with errno. The bytes are good until the next call here.
 * parsed_parts(): its parts; those of the last message are kept, so that pieces of one part cost
 * no parse each.
 * Owner:  parsed_done() at the command's end gives back all but those parts.
 */
#ifndef QIMAPD_PARSED_H
#define QIMAPD_PARSED_H

#include <stddef.h>

#include "mime/digest.h"
#include "mime/parse.h"
#include "source.h"

int parsed_digest(size_t i, const char **p, size_t *n);
int parsed_parts(size_t i, struct source *s, const struct mime_part **part, size_t *n);
void parsed_done(void);

#endif
