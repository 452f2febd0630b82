/* full: is the mailbox of a user full? For qrcpt's question, by qlspawn.
 *
 * Only of the default delivery into one Maildir: what a dot-file does is not known before.
 * Closes the sandbox. 1 yes, 0 no or nobody knows.
 */
#ifndef QLOCAL_FULL_H
#define QLOCAL_FULL_H

#include "settings.h"

int full_ask(const char *home, const struct settings *set);

#endif
