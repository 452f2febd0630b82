/* fuzz_takeover: files of Dovecot and Courier, which users and damage have been at. The first
 * byte says which. What comes out is fit for box_take_over(): ascending uids below
 * uidnext, each base name once and without a '/', UIDLs of RFC 1939. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/takeover_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_bases(const struct taken *t)
{
	size_t n = taken_count(t);
	const char **bases = calloc(n > 0 ? n : 1, sizeof *bases);

	if (bases == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		bases[i] = taken_at(t, i)->base;
	qsort(bases, n, sizeof *bases, compare);
	for (size_t i = 1; i < n; i++)
		if (strcmp(bases[i - 1], bases[i]) == 0)
			abort();
	free(bases);
}

static void check(const struct taken *t)
{
	uint32_t last = 0;

	for (size_t i = 0; i < taken_count(t); i++) {
		const struct box_taken *m = taken_at(t, i);

		if (m->uid <= last || m->uid >= t->uidnext || *m->base == '\0' ||
		    strpbrk(m->base, "/,:\n") != NULL || strlen(m->base) > MSG_NAME)
			abort();
		if (m->uidl != NULL && (*m->uidl == '\0' || strlen(m->uidl) > TAKEN_UIDL))
			abort();
		last = m->uid;
	}
	check_bases(t);
}

static void free_taken(struct taken *t)
{
	sbuf_free(&t->messages);
	sbuf_free(&t->strings);
	sbuf_free(&t->made);
}

/* A list of uids, and behind a NUL the list of POP3. */
static void lists(int what, char *p, size_t n)
{
	struct taken t = TAKEN_INIT;
	struct taken pop3 = TAKEN_INIT;
	char *nul = memchr(p, '\0', n);
	size_t first = nul != NULL ? (size_t)(nul - p) : n;

	if ((what ? taken_dovecot : taken_courier)(&t, p, first) == 0) {
		taken_sort(&t);
		check(&t);
		if (nul != NULL && taken_pop3(&pop3, nul + 1, n - first - 1) == 0 &&
		    taken_join(&t, &pop3) == 0)
			check(&t);
		if (taken_default_uidls(&t) == 0)
			check(&t);
	}
	free_taken(&t);
	free_taken(&pop3);
}

/* Up to the next NUL. */
static char *next(char **p, size_t *n, size_t *len)
{
	char *text = *p;
	char *nul = memchr(text, '\0', *n);

	*len = nul != NULL ? (size_t)(nul - text) : *n;
	*p += *len + (nul != NULL);
	*n -= *len + (nul != NULL);
	return text;
}

/* Courier's: uids, NUL, the list of keywords, NUL, then names of files and what they hold. */
static void keywords(char *p, size_t n)
{
	struct taken t = TAKEN_INIT;
	struct taken_words words = {0};
	struct taken_wording g;
	size_t len;
	char *text = next(&p, &n, &len);

	if (taken_courier(&t, text, len) == 0 && taken_wording(&g, &t, &words) == 0) {
		text = next(&p, &n, &len);
		taken_index(&g, text, len);
		while (n > 0) {
			char *name = next(&p, &n, &len);
			char *file = strndup(name, len);

			text = next(&p, &n, &len);
			if (file != NULL)
				taken_file(&g, file, text, len);
			free(file);
		}
		taken_wording_end(&g);
		check(&t);
	}
	for (size_t i = 0; i < taken_count(&t); i++)
		if (words.n < BOX_KEYWORDS && taken_at(&t, i)->keywords >> words.n != 0)
			abort();
	for (unsigned i = 0; i < words.n; i++)
		if (!taken_is_keyword(words.word[i]))
			abort();
	free_taken(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *letters[26] = {NULL};
	size_t n = size > 0 ? size - 1 : 0;
	char *copy = malloc(n > 0 ? n : 1);

	if (copy == NULL || size == 0) {
		free(copy);
		return 0;
	}
	memcpy(copy, data + 1, n);
	if (*data == 'k')
		taken_letters(letters, copy, n);
	else if (*data == 'c')
		keywords(copy, n);
	else
		lists(*data & 1, copy, n);
	for (size_t i = 0; i < 26; i++)
		if (letters[i] != NULL && strlen(letters[i]) > BOX_KEYWORD)
			abort();
	free(copy);
	return 0;
}
