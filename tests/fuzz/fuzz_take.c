/* The words of an IMAP command: the first byte says which kind of word is tried first; then all
 * are, at each place that is reached. A take that fails stands still, one that succeeds moves on and
 * stays inside, and what it gives ends with its NUL. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exact_arena.h"
#include "maildir/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KINDS = 13, STEPS = 400 };

static int with_text(struct words *w, int (*take)(struct words *w, struct text *t))
{
	struct text t = {NULL, 0};
	int r = take(w, &t);

	if (r == 0 && t.p != NULL && (t.p[t.n] != '\0' || strlen(t.p) != t.n))
		abort();
	return r;
}

static int with_name(struct words *w)
{
	char name[FOLDER_NAME + 1];

	memset(name, 'x', sizeof name);
	if (take_mailbox(w, name) == -1)
		return -1;
	if (memchr(name, '\0', sizeof name) == NULL || strstr(name, "..") != NULL ||
	    strchr(name, '/') != NULL)
		abort();
	return 0;
}

static int one(struct words *w, unsigned kind)
{
	const char *keywords[BOX_KEYWORDS + 1];
	struct text t;
	unsigned flags = 0;
	uint32_t n;
	uint64_t n64;
	int64_t when;

	switch (kind) {
	case 0:
		return with_text(w, take_atom);
	case 1:
		return with_text(w, take_astring);
	case 2:
		return with_text(w, take_string);
	case 3:
		return with_text(w, take_nstring);
	case 4:
		return take_word(w, "NIL");
	case 5:
		return with_name(w);
	case 6:
		return with_text(w, take_pattern);
	case 7:
		return take_u32(w, &n);
	case 8:
		return take_u64(w, &n64);
	case 9:
		return take_flag(w, &flags, &t);
	case 10:
		return take_flags(w, &flags, keywords);
	case 11:
		return take_datetime(w, &when);
	default:
		return take_space(w);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct words w = {(const char *)data + 1, size - 1, 0, size > 0 && data[0] & 1};
	int failed = 0;

	for (unsigned step = 0; size > 0 && failed < KINDS && step < STEPS; step++) {
		size_t at = w.at;

		if (one(&w, (data[0] / 2 + step) % KINDS) == 0) {
			failed = 0;
			if (w.at <= at || w.at > w.n)
				abort();
		} else {
			failed++;
			if (w.at != at)
				abort();
		}
	}
	take_forget();
	return 0;
}
