/* logline: reads one line of a log: its stamp, its program, its event, its keys.
 *
 *	@400000006b01b5732542c63a qsend: delivery id=28c... result=K text=""
 *	  stamp                   program event    fields
 *
 * A line is foreign input: whoever could write to a log could write anything. Spans
 * point into the line; nothing is copied or changed. Of what is no event (`warning:`,
 * `fatal:`, `bug:` and a sentence) the fields are that sentence.
 */
#ifndef CONTROL_LOGLINE_H
#define CONTROL_LOGLINE_H

#include <stddef.h>
#include <stdint.h>

#include "qid.h"

struct span {
	const char *p;
	size_t n;
};

struct logline {
	uint64_t ns; /* since 1970, UTC */
	struct span program;
	struct span event;
	struct span fields;
	struct span text; /* all behind the stamp */
};

/* p: without its line feed. -1 with EBADMSG: no stamp, or no `program: event`. */
int logline_parse(struct logline *l, const char *p, size_t n);

/* Is the line a sentence and no event? */
int logline_is_sentence(const struct logline *l);

/* The first key=value of fields, which move on behind it: 1, or 0: there is none. A word
 * without = is passed over. */
int logline_next(struct span *fields, struct span *key, struct span *value);

/* The value of a key as it stands there: 1, or 0 without. */
int logline_get(const struct logline *l, const char *key, struct span *value);

/* A number: 1, or 0 when the key is missing or no number up to max. */
int logline_num(const struct logline *l, const char *key, uint64_t max, uint64_t *v);

/* A queue id: 1, or 0. */
int logline_id(const struct logline *l, const char *key, char id[QID_LEN + 1]);

int span_is(struct span s, const char *text);

/* The next queue id among the words of s, which moves on behind it: 1, or 0. */
int span_id(struct span *s, char id[QID_LEN + 1]);

/* A value without its escapes: its length; at most size bytes. */
size_t span_unescape(char *out, size_t size, struct span value);

#endif
