/* imap_text: is this one value of IMAP, as ENVELOPE and BODYSTRUCTURE have them? A list, a string or NIL,
 * with one blank between two (none between the lists that begin a list). */
#ifndef TESTS_IMAP_TEXT_H
#define TESTS_IMAP_TEXT_H

#include <stddef.h>
#include <string.h>

/* The length of a quoted string, 0 if it is none. */
static inline size_t imap_quoted(const char *p, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '"')
			return i + 1;
		if (c == '\0' || c == '\r' || c == '\n' || c > 127)
			return 0;
		if (c == '\\' && ++i < n && p[i] != '"' && p[i] != '\\')
			return 0;
	}
	return 0;
}

static inline size_t imap_literal(const char *p, size_t n)
{
	size_t len = 0, i = 1;

	while (i < n && p[i] >= '0' && p[i] <= '9' && len < n)
		len = len * 10 + (size_t)(p[i++] - '0');
	if (i == 1 || n - i < 3 || memcmp(p + i, "}\r\n", 3) != 0 || len > n - i - 3 ||
	    memchr(p + i + 3, '\0', len) != NULL)
		return 0;
	return i + 3 + len;
}

static inline size_t imap_number(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= '0' && p[i] <= '9')
		i++;
	return i;
}

static inline size_t imap_atom(const char *p, size_t n)
{
	if (p[0] == '"')
		return imap_quoted(p, n);
	if (p[0] == '{')
		return imap_literal(p, n);
	if (n >= 3 && memcmp(p, "NIL", 3) == 0)
		return 3;
	return imap_number(p, n);
}

/* Items of the outermost list, 0 if p is not one list. */
static inline size_t imap_list(const char *p, size_t n)
{
	size_t depth = 0, items = 0;
	char before = ' ';

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '(') {
			if (before != ' ' && before != '(' && before != ')')
				return 0;
			items += depth++ == 1;
		} else if (p[i] == ')') {
			if (depth == 0 || before == '(' || before == ' ')
				return 0;
			if (--depth == 0)
				return i + 1 == n ? items : 0;
		} else if (p[i] == ' ') {
			if (before == ' ' || before == '(')
				return 0;
		} else {
			size_t len = imap_atom(p + i, n - i);

			if (len == 0 || depth == 0 || (before != ' ' && before != '('))
				return 0;
			items += depth == 1;
			i += len - 1;
			before = 'a';
			continue;
		}
		before = p[i];
	}
	return 0;
}

#endif
