/* lines: a text file of the admin as lines, to change some and keep the rest as it is,
 * comments included; put back whole or not at all.
 *
 * Used by qpasswd, under its lock. Errors end the program.
 */
#ifndef QAUTH_LINES_H
#define QAUTH_LINES_H

#include <stddef.h>
#include <sys/types.h>

enum { LIMIT_LINES = 64 * 1024 * 1024 };

struct lines {
	char path[1024];
	char **line; /* without LF */
	size_t n;
	size_t cap;
	int exists;
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/* Of a missing file: no lines, mode as given. */
void lines_read(struct lines *l, const char *path, mode_t mode);
void lines_free(struct lines *l);

void lines_insert(struct lines *l, size_t at, const char *text);
void lines_remove(struct lines *l, size_t at, size_t n);

/* "PATH: line N: WHY" and exit 100. at counts from 0. */
_Noreturn void lines_bad(const struct lines *l, size_t at, const char *why);

/* Owner, group and mode stay; synced, renamed, the directory synced. */
void lines_write(const struct lines *l);

/* All of it as one text, LF behind each line: the caller's to free. */
char *lines_text(const struct lines *l, size_t *n);

#endif
