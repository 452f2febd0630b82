/* maildirs: a Maildir that a tool was told to work on.
 *
 * Root is its owner from then on. Ends the program (111) when there is none, or when it
 * belongs to root. The descriptor is the caller's.
 */
#ifndef QLOCAL_MAILDIRS_H
#define QLOCAL_MAILDIRS_H

int maildirs_open(const char *path);

#endif
