/* logs: the lines of the logs in order of time, those of all services merged.
 *
 * A log is a directory of s6-log: `current`, and older files @STAMP.s or @STAMP.u, in
 * order of their names; .u is one whose s6-log was killed or lost its power: what it had
 * read and not yet written is missing there, a break. Files are read once, in pieces:
 * memory does not grow with them. What is written after logs_open() may be missed.
 *
 * Owner:  logs_close() after a logs_open() that gave 0; a line lives until the next call.
 * Errors: -1 with errno.
 */
#ifndef CONTROL_LOGS_H
#define CONTROL_LOGS_H

#include <stddef.h>
#include <stdint.h>

#include "logline.h"
#include "qlimits.h"

enum {
	LOGS_DIRS = 32,    /* more are an error (E2BIG) */
	LOGS_FILES = 5000, /* of one log, likewise */
	LOGS_NAME = 64,
	LOGS_LINE = 8192, /* a longer line is not read */
	LOGS_BUFFER = 65536,
};

struct logs_dir {
	char name[LOGS_NAME];
	int dir;
	int current; /* opened first: it may be renamed while we read, or -1 */
	int fd;
	char (*files)[LOGS_NAME];
	size_t nfiles;
	size_t at;
	int broken; /* the file that is read has lost its end */
	char *buffer;
	size_t begin, end;
	int skipping; /* the rest of a line that is too long */
	int has_line;
	struct logline line;
	/* what was read so far */
	uint64_t lines;
	uint64_t unread; /* lines that are none of ours */
	uint64_t first, last;
	unsigned breaks;
	uint64_t last_break;
};

struct logs {
	struct logs_dir dirs[LOGS_DIRS];
	size_t n;
	struct logs_dir *taken; /* its line was returned */
};

/* The directory with the logs of all services: that of this build, or below -C DIR. */
const char *logs_path(char path[LIMIT_PATH]);

int logs_open(struct logs *l, const char *path);
void logs_close(struct logs *l);

/* 1 and the next line, 0 at the end, -1. */
int logs_next(struct logs *l, struct logline **line, struct logs_dir **from);

/* A time as people read it, local, with microseconds. */
void logs_time(char out[40], uint64_t ns);

#endif
