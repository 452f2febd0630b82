/* Words with a meaning: numbers, flags, folders, dates (take.h). */
#include <string.h>

#include "maildir/box.h"
#include "maildir/name.h"
#include "maildir/store.h"
#include "maildir/utf7.h"
#include "mime/date5322.h"
#include "take.h"

int take_mailbox(struct words *w, char *name)
{
	struct text t;
	char utf8[FOLDER_NAME + 1];

	if (take_astring(w, &t) == -1)
		return -1;
	if (!w->utf8) {
		if (utf7_to_utf8(utf8, sizeof utf8, t.p, t.n) == -1)
			utf8[0] = '\0';
		t.p = utf8;
		t.n = strlen(utf8);
	}
	if (folder_canon(name, t.p, t.n) == -1)
		name[0] = '\0';
	return 0;
}

int take_u64(struct words *w, uint64_t *n)
{
	size_t i = w->at;
	uint64_t v = 0;

	for (; i < w->n && w->p[i] >= '0' && w->p[i] <= '9'; i++) {
		unsigned digit = (unsigned)(w->p[i] - '0');

		if (v > ((uint64_t)INT64_MAX - digit) / 10)
			return -1;
		v = v * 10 + digit;
	}
	if (i == w->at)
		return -1;
	w->at = i;
	*n = v;
	return 0;
}

int take_u32(struct words *w, uint32_t *n)
{
	size_t at = w->at;
	uint64_t v;

	if (take_u64(w, &v) == 0 && v <= UINT32_MAX) {
		*n = (uint32_t)v;
		return 0;
	}
	w->at = at;
	return -1;
}

int take_nz32(struct words *w, uint32_t *n)
{
	return words_peek(w) == '0' ? -1 : take_u32(w, n);
}

static int take_system_flag(struct words *w, unsigned *flags)
{
	static const struct {
		const char *name;
		unsigned bit;
	} all[] = {{"Seen", MSG_SEEN},
		   {"Answered", MSG_ANSWERED},
		   {"Flagged", MSG_FLAGGED},
		   {"Deleted", MSG_DELETED},
		   {"Draft", MSG_DRAFT}};
	size_t at = w->at++;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (take_word(w, all[i].name) == 0) {
			*flags |= all[i].bit;
			return 0;
		}
	w->at = at;
	return -1;
}

int take_flag(struct words *w, unsigned *flags, struct text *keyword)
{
	size_t at = w->at;

	keyword->p = NULL;
	keyword->n = 0;
	if (words_peek(w) == '\\')
		return take_system_flag(w, flags);
	if (take_word(w, "$Forwarded") == 0) {
		*flags |= MSG_PASSED;
		return 0;
	}
	if (take_atom(w, keyword) == 0 && keyword->n <= BOX_KEYWORD)
		return 0;
	w->at = at;
	return -1;
}

int take_flags(struct words *w, unsigned *flags, const char *keyword[BOX_KEYWORDS + 1])
{
	size_t at = w->at;
	size_t n = 0;
	struct text k;
	int first = 1;

	*flags = 0;
	keyword[0] = NULL;
	if (take_char(w, '(') == -1)
		return -1;
	for (; words_peek(w) != ')'; first = 0) {
		if ((!first && take_space(w) == -1) || take_flag(w, flags, &k) == -1 ||
		    (k.p != NULL && n == BOX_KEYWORDS)) {
			w->at = at;
			return -1;
		}
		if (k.p != NULL)
			keyword[n++] = k.p;
		keyword[n] = NULL;
	}
	return take_char(w, ')');
}

int take_datetime(struct words *w, int64_t *when)
{
	size_t at = w->at;
	struct text t;

	if (words_peek(w) == '"' && take_string(w, &t) == 0 &&
	    date_time_read(t.p, t.n, when) == 0)
		return 0;
	w->at = at;
	return -1;
}
