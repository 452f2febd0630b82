/* Courier's own files: UIDLs of its POP3 server, and keywords. Its list of uids is Dovecot's
 * version 1. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "maildir/store_int.h"
#include "maildir/takeover_int.h"
#include "num.h"

enum { FILE_MAX = 65536 }; /* keywords of one message */

/* ---- courierpop3dsizelist ---- */

/* UIDLs of its three versions: by a number and UIDVALIDITY, by a number, and by the name up
 * to its flags. numbers: "NUMBER:UIDVALIDITY", or more behind it. */
static int make_uidl(char *out, size_t size, const char *name, char *numbers)
{
	char *colon = strchr(numbers, ':');
	uint64_t number;
	uint64_t validity;

	if (colon == NULL)
		return -1;
	*colon++ = '\0';
	colon[strcspn(colon, ":")] = '\0';
	if (num_parse(numbers, UINT32_MAX, &number) == -1 ||
	    num_parse(colon, UINT32_MAX, &validity) == -1)
		return -1;
	if (number == 0)
		(void)snprintf(out, size, "%.*s", (int)strcspn(name, ":"), name);
	else if (validity == 0)
		(void)snprintf(out, size, "UID%" PRIu64, number);
	else
		(void)snprintf(out, size, "UID%" PRIu64 "-%" PRIu64, number, validity);
	/* where it wrote such bytes otherwise, we have our own */
	return taken_is_uidl(out) && strpbrk(out, "'\"+") == NULL ? 0 : -1;
}

/* "NAME SIZE NUMBER:UIDVALIDITY[:UTF8]" */
static int read_size(struct taken *t, char *line)
{
	char uidl[TAKEN_UIDL + 2];
	char *numbers = strrchr(line, ' ');
	char *size;

	if (numbers == NULL)
		return 0;
	*numbers++ = '\0';
	size = strrchr(line, ' ');
	if (size == NULL)
		return 0;
	*size = '\0';
	if (make_uidl(uidl, sizeof uidl, line, numbers) == -1 || !taken_cut_base(line))
		return 0;
	return taken_add(t, line, 0, uidl);
}

int taken_pop3(struct taken *t, char *p, size_t n)
{
	struct taken_text text = {p, p + n};
	char *line = taken_line(&text);

	if (line == NULL ||
	    (strncmp(line, "/2 ", 3) != 0 && strncmp(line, "/3 ", 3) != 0)) {
		errno = EBADMSG;
		return -1;
	}
	while ((line = taken_line(&text)) != NULL)
		if (read_size(t, line) == -1)
			return -1;
	taken_set_uidls(t);
	return 0;
}

/* ---- courierimapkeywords/ ----
 * :list has the names of keywords, an empty line, and lines NAME:INDEX INDEX. What was set since
 * lies in files NAME, a keyword a line; a session that has read such a file renames it to
 * .NUMBER.NAME, by the clock, and says it in the next :list. The newest counts. */

enum { NO_BIT = 255 };

/* Names differ by more than case. */
static unsigned bit_of(struct taken_words *w, const char *name)
{
	unsigned i;

	if (!taken_is_keyword(name))
		return NO_BIT;
	for (i = 0; i < w->n; i++)
		if (strcasecmp(w->word[i], name) == 0)
			return i;
	if (w->n == BOX_KEYWORDS)
		return NO_BIT;
	(void)snprintf(w->word[i], sizeof w->word[i], "%s", name);
	w->n++;
	return i;
}

/* rank: 0 is :list's. */
static void set(struct taken_wording *g, char *name, uint64_t keywords, uint64_t rank)
{
	struct box_taken *m = taken_cut_base(name) ? taken_find(g->t, name) : NULL;
	size_t i = m != NULL ? (size_t)(m - taken_at(g->t, 0)) : 0;

	if (m == NULL || g->rank[i] > rank)
		return;
	g->rank[i] = rank;
	m->keywords = keywords;
}

static uint64_t read_indexes(const struct taken_wording *g, char *rest)
{
	uint64_t keywords = 0;
	uint64_t i;

	while (*rest != '\0')
		if (num_parse(taken_word(&rest), TAKEN_INDEXES - 1, &i) == 0 &&
		    i < g->indexes && g->bit[i] != NO_BIT)
			keywords |= UINT64_C(1) << g->bit[i];
	return keywords;
}

void taken_index(struct taken_wording *g, char *p, size_t n)
{
	struct taken_text text = {p, p + n};
	char *line;

	while ((line = taken_line(&text)) != NULL && *line != '\0')
		if (g->indexes < TAKEN_INDEXES)
			g->bit[g->indexes++] = (uint8_t)bit_of(g->words, line);
	while ((line = taken_line(&text)) != NULL) {
		char *colon = strrchr(line, ':');

		if (colon == NULL)
			continue;
		*colon = '\0';
		set(g, line, read_indexes(g, colon + 1), 0);
	}
}

/* ".NUMBER.NAME", or NAME: the file's place in time, and the name. */
static char *read_name(char *file, uint64_t *rank)
{
	char *dot;

	*rank = UINT64_MAX;
	if (*file != '.')
		return file;
	dot = strchr(file + 1, '.');
	if (dot == NULL)
		return NULL;
	*dot = '\0';
	if (num_parse(file + 1, UINT64_MAX - 2, rank) == -1)
		return NULL;
	++*rank;
	return dot + 1;
}

void taken_file(struct taken_wording *g, char *file, char *p, size_t n)
{
	struct taken_text text = {p, p + n};
	uint64_t keywords = 0;
	uint64_t rank;
	char *name = read_name(file, &rank);
	char *line;

	while ((line = taken_line(&text)) != NULL) {
		unsigned bit = bit_of(g->words, line);

		if (bit != NO_BIT)
			keywords |= UINT64_C(1) << bit;
	}
	if (name != NULL)
		set(g, name, keywords, rank);
}

static void read_dir(struct taken_wording *g, DIR *d)
{
	struct sbuf b = SBUF_INIT(FILE_MAX);
	struct dirent *e;

	while ((e = readdir(d)) != NULL) {
		char name[sizeof e->d_name];

		sbuf_clear(&b);
		if (*e->d_name == ':' || strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    store_read_file(&b, dirfd(d), e->d_name) != 1)
			continue;
		memcpy(name, e->d_name, strlen(e->d_name) + 1);
		taken_file(g, name, b.p, b.len);
	}
	sbuf_free(&b);
}

int taken_wording(struct taken_wording *g, struct taken *t, struct taken_words *words)
{
	*g = (struct taken_wording){.t = t, .words = words};
	g->rank = calloc(taken_count(t) + 1, sizeof *g->rank);
	if (g->rank == NULL)
		return -1;
	taken_by_base(t);
	return 0;
}

void taken_wording_end(struct taken_wording *g)
{
	free(g->rank);
	taken_sort(g->t);
}

int taken_keywords(struct taken *t, struct taken_words *words, int dir)
{
	DIR *d = store_read_dir(dir, "courierimapkeywords");
	struct sbuf list = SBUF_INIT(TAKEN_TEXT);
	struct taken_wording g;
	int r;

	if (d == NULL)
		return errno == ENOENT ? 0 : -1;
	r = taken_wording(&g, t, words);
	if (r == 0) {
		if (store_read_file(&list, dirfd(d), ":list") == 1)
			taken_index(&g, list.p, list.len);
		read_dir(&g, d);
		taken_wording_end(&g);
	}
	(void)closedir(d);
	sbuf_free(&list);
	return r;
}
