/* dotfile: finds the dot-file of an address in a user's home, and judges it.
 *
 * Search: the names of lib/dotname.
 * A file is read only if it is a plain one (no link, FIFO or device), belongs to the
 * user or root, and others may not write it.
 * Results: 1 found, 0 none, -1 with error: temporary.
 */
#ifndef QLOCAL_DOTFILE_H
#define QLOCAL_DOTFILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "qlimits.h"
#include "sbuf.h"

struct dotfile {
	char name[LIMIT_PATH];
	const char *matched; /* what -default stood for, within ext; or NULL */
	int forward_only;    /* x bit */
	char error[LIMIT_TEXT];
};

/* text gets the contents. */
int dotfile_read(struct dotfile *f, int home, const char *dash, const char *ext,
		 struct sbuf *text);

/* A file by its path, for :include:. Whoever owns it: the admin named it. */
int dotfile_include(struct dotfile *f, const char *path, struct sbuf *text);

/* Is there .qmail DASH EXT-owner? 1, or 2 when there is -owner-default as well. */
int dotfile_owner(struct dotfile *f, int home, const char *dash, const char *ext);

/* May mail be delivered by a home with this state? 0 or -1 with error. */
int dotfile_home(struct dotfile *f, const struct stat *home);

#endif
