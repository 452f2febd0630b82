#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "maildir/takeover_int.h"
#include "num.h"

/* ---- lines and words ---- */

char *taken_line(struct taken_text *t)
{
	char *line = t->p;
	char *end = line < t->end ? memchr(line, '\n', (size_t)(t->end - line)) : NULL;

	if (end == NULL)
		return NULL;
	*end = '\0';
	t->p = end + 1;
	return line;
}

char *taken_word(char **rest)
{
	char *word = *rest;
	char *blank = strchr(word, ' ');

	if (blank != NULL)
		*blank = '\0';
	*rest = blank != NULL ? blank + 1 : word + strlen(word);
	return word;
}

static int take_u32(const char *s, uint32_t *v)
{
	uint64_t u;

	if (num_parse(s, UINT32_MAX - 1, &u) == -1 || u == 0)
		return -1;
	*v = (uint32_t)u;
	return 0;
}

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

int taken_is_uidl(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x21 || s[i] > 0x7e)
			return 0;
	return n > 0 && n <= TAKEN_UIDL;
}

int taken_cut_base(char *name)
{
	name[strcspn(name, ",:")] = '\0';
	return *name != '\0' && *name != '.' && strchr(name, '/') == NULL &&
	       strlen(name) <= MSG_NAME;
}

/* uidl: "" for none. The strings move until all is read: then taken_set_uidls(). */
int taken_add(struct taken *t, const char *base, uint32_t uid, const char *uidl)
{
	const struct box_taken m = {.base = base, .uid = uid};

	if (sbuf_catz(&t->strings, uidl) == -1)
		return -1;
	return sbuf_cat(&t->messages, &m, sizeof m);
}

void taken_set_uidls(struct taken *t)
{
	size_t at = 0;

	for (size_t i = 0; i < taken_count(t); i++) {
		const char *uidl = t->strings.p + at;

		taken_at(t, i)->uidl = *uidl != '\0' ? uidl : NULL;
		at += strlen(uidl) + 1;
	}
}

/* ---- heads ---- */

/* "1 UIDVALIDITY UIDNEXT" */
static int read_old_head(struct taken *t, char *rest)
{
	if (take_u32(taken_word(&rest), &t->uidvalidity) == -1 ||
	    take_u32(taken_word(&rest), &t->uidnext) == -1)
		return bad();
	return 0;
}

/* "3 Vuidvalidity Nuidnext Gguid", in any order */
static int read_head(struct taken *t, char *rest)
{
	while (*rest != '\0') {
		const char *word = taken_word(&rest);

		if ((*word == 'V' && take_u32(word + 1, &t->uidvalidity) == -1) ||
		    (*word == 'N' && take_u32(word + 1, &t->uidnext) == -1))
			return bad();
	}
	return t->uidvalidity == 0 || t->uidnext == 0 ? bad() : 0;
}

/* ---- lists of uids ---- */

/* A "P" with nothing behind it: the UIDL is the name up to its flags. */
static void copy_uidl(char out[TAKEN_UIDL + 2], const char *value, const char *name)
{
	size_t n = *value != '\0' ? strlen(value) : strcspn(name, ":");

	(void)snprintf(out, TAKEN_UIDL + 2, "%.*s",
		       (int)(n < TAKEN_UIDL + 1 ? n : TAKEN_UIDL + 1),
		       *value != '\0' ? value : name);
	if (!taken_is_uidl(out))
		*out = '\0';
}

/* "UID [Puidl ...] :NAME" */
static int read_message(struct taken *t, char *rest)
{
	char uidl[TAKEN_UIDL + 2] = "";
	const char *value = NULL;
	uint32_t uid;

	if (take_u32(taken_word(&rest), &uid) == -1)
		return 0;
	while (*rest != ':' && *rest != '\0') {
		const char *word = taken_word(&rest);

		if (*word == 'P')
			value = word + 1;
	}
	if (*rest != ':')
		return 0;
	if (value != NULL)
		copy_uidl(uidl, value, rest + 1);
	return taken_cut_base(rest + 1) ? taken_add(t, rest + 1, uid, uidl) : 0;
}

/* "UID NAME" */
static int read_old_message(struct taken *t, char *rest)
{
	uint32_t uid;

	if (take_u32(taken_word(&rest), &uid) == -1 || !taken_cut_base(rest))
		return 0;
	return taken_add(t, rest, uid, "");
}

static int read_list(struct taken *t, struct taken_text *text, char *head, int is_new)
{
	char *line;

	if ((is_new ? read_head(t, head) : read_old_head(t, head)) == -1)
		return -1;
	while ((line = taken_line(text)) != NULL)
		if ((is_new ? read_message(t, line) : read_old_message(t, line)) == -1)
			return -1;
	taken_set_uidls(t);
	return 0;
}

int taken_dovecot(struct taken *t, char *p, size_t n)
{
	struct taken_text text = {p, p + n};
	char *head = taken_line(&text);
	const char *version = head != NULL ? taken_word(&head) : "";

	if (strcmp(version, "3") != 0 && strcmp(version, "1") != 0)
		return bad();
	return read_list(t, &text, head, *version == '3');
}

int taken_courier(struct taken *t, char *p, size_t n)
{
	struct taken_text text = {p, p + n};
	char *head = taken_line(&text);

	if (head == NULL || strcmp(taken_word(&head), "1") != 0)
		return bad();
	return read_list(t, &text, head, 0);
}

/* ---- dovecot-keywords ---- */

int taken_is_keyword(const char *s)
{
	for (const char *c = s; *c != '\0'; c++)
		if (*c < 0x21 || *c > 0x7e || strchr("(){%*\"\\]", *c) != NULL)
			return 0;
	return *s != '\0' && strlen(s) <= BOX_KEYWORD;
}

void taken_letters(const char *letters[26], char *p, size_t n)
{
	struct taken_text text = {p, p + n};
	char *line;
	uint64_t i;

	while ((line = taken_line(&text)) != NULL) {
		const char *number = taken_word(&line);

		if (num_parse(number, 25, &i) == 0 && taken_is_keyword(line))
			letters[i] = line;
	}
}
