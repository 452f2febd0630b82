/* control: reads the admin's control files.
 *
 * A file is opened anew at each call. `#` lines and blank lines are skipped,
 * blanks at the end of a line and a CR before its LF are dropped (the CR with one
 * warning a file). A file may hold LIMIT_CONTROL bytes, a line LIMIT_CONTROLLINE.
 * Owner:   strings belong to the caller (free()).
 * Results: 1 found, 0 no such file (or nothing in it), -1 with errno: anything
 *          else, E2BIG (file), EMSGSIZE (line), EINVAL (NUL in it, not a number);
 *          control_error() then names file and line, one line of text.
 */
#ifndef QUOIN_CONTROL_H
#define QUOIN_CONTROL_H

#include <stddef.h>
#include <stdint.h>

/* First line of the file. */
__attribute__((warn_unused_result)) int control_line(const char *name, char **line);

/* First line, or that of `me`, or -1 with ENOENT: the usual default of qmail. */
__attribute__((warn_unused_result)) int control_line_or_me(const char *name, char **line);

/* First line as a decimal number of at most max; *v is untouched if 0 or -1. */
__attribute__((warn_unused_result)) int control_num(const char *name, uint64_t max,
						    uint64_t *v);

/* All lines, in order: a list that control_free_list() frees; an empty one is
 * {NULL}. *list is set for 0 as well, and errno then is ENOENT (no such file) or 0
 * (nothing in it). line numbers start at 1. */
struct control_item {
	char *text; /* NULL ends the list */
	unsigned line;
};
__attribute__((warn_unused_result)) int control_list(const char *name,
						     struct control_item **list);
void control_free_list(struct control_item *list);

/* For a reader that finds a line wrong itself: sets control_error(); -1 with EINVAL. */
int control_wrong(const char *name, unsigned line, const char *why);

/* What was wrong at the last -1: "control/queuelifetime: line 1: not a number". */
const char *control_error(void);

/* The parser of control_list() on bytes in memory, for the fuzz target. */
int control_parse(const char *name, const char *p, size_t n, struct control_item **list);

#endif
