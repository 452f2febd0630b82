#include "maildir/name.h"

#include <errno.h>
#include <string.h>

static const char letters[] = "DFPRST"; /* in the order of ASCII, as all readers write */
static const unsigned bits[] = {MSG_DRAFT,    MSG_FLAGGED, MSG_PASSED,
				MSG_ANSWERED, MSG_SEEN,    MSG_DELETED};
enum { FLAGS = 6, INFO = 3 }; /* ":2," */

static unsigned flag_of(char c)
{
	const char *at = c == '\0' ? NULL : strchr(letters, c);

	return at == NULL ? 0 : bits[at - letters];
}

/* Digits alone, to the end; what does not fit is no number. */
static int read_number(uint64_t *v, const char *p, const char *end)
{
	uint64_t n = 0;

	if (p == end)
		return 0;
	for (; p < end; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return 0;
		n = n * 10 + digit;
	}
	*v = n;
	return 1;
}

/* What stands between the commas behind the base; the first S and W count. */
static void read_fields(struct msg_name *n, const char *p, const char *end)
{
	while (p < end) {
		const char *start = ++p; /* behind the comma */

		while (p < end && *p != ',')
			p++;
		if (p - start < 2 || start[1] != '=')
			continue;
		if (start[0] == 'S' && !n->has_s)
			n->has_s = read_number(&n->s, start + 2, p);
		else if (start[0] == 'W' && !n->has_w)
			n->has_w = read_number(&n->w, start + 2, p);
	}
}

static int is_understood(const char *info)
{
	return strncmp(info, ":2,", INFO) == 0;
}

/* Where a part ends, or the name, or what is none; a table costs less than comparisons. */
static const char ends[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,         1,         1,         1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, [','] = 1, ['/'] = 1, [':'] = 1,
};

/* From at on: where the next one stands. */
static size_t next_end(const char *name, size_t at)
{
	while (!ends[(unsigned char)name[at]])
		at++;
	return at;
}

/* The ends of base, fields and name, in one pass. */
static int find_parts(struct msg_name *n, const char *name)
{
	size_t at = n->base = next_end(name, 0);

	while (name[at] == ',')
		at = next_end(name, at + 1);
	n->info = at;
	while (name[at] == ',' || name[at] == ':')
		at = next_end(name, at + 1);
	return name[at] != '\0' || at > MSG_NAME || n->base == 0 || name[0] == '.' ? -1
										   : 0;
}

int msg_name_split(struct msg_name *n, const char *name)
{
	*n = (struct msg_name){0};
	if (find_parts(n, name) == -1) {
		*n = (struct msg_name){0};
		return -1;
	}
	if (is_understood(name + n->info))
		for (const char *c = name + n->info + INFO; *c != '\0'; c++)
			n->flags |= flag_of(*c);
	return 0;
}

int msg_name_read(struct msg_name *n, const char *name)
{
	if (msg_name_split(n, name) == -1)
		return -1;
	read_fields(n, name + n->base, name + n->info);
	return 0;
}

size_t msg_name_base(const char *stem, size_t len)
{
	size_t base = SIZE_MAX;

	for (size_t at = 0; at < len; at++) {
		if (!ends[(unsigned char)stem[at]])
			continue;
		if (stem[at] != ',')
			return 0;
		if (base == SIZE_MAX)
			base = at;
	}
	if (len == 0 || len > MSG_NAME || stem[0] == '.')
		return 0;
	return base < len ? base : len;
}

/* Flags in the order of ASCII, among the letters of others in the order they had. */
static size_t merge_letters(char *out, const char *old, unsigned flags)
{
	size_t n = 0;
	size_t f = 0;

	for (;; old++) {
		while (*old != '\0' && flag_of(*old) != 0)
			old++;
		for (; f < FLAGS && (*old == '\0' || letters[f] < *old); f++)
			if (flags & bits[f])
				out[n++] = letters[f];
		if (*old == '\0')
			return n;
		out[n++] = *old;
	}
}

/* old: the letters that it has. */
static int put_letters(char *out, const char *stem, size_t n, const char *old,
		       unsigned flags)
{
	char made[MSG_NAME + INFO + FLAGS + 1];
	size_t len = n + INFO;

	memcpy(made, stem, n);
	memcpy(made + n, ":2,", INFO);
	len += merge_letters(made + len, old, flags);
	if (len > MSG_NAME) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(out, made, len);
	out[len] = '\0';
	return 0;
}

int msg_name_add(char *out, const char *stem, size_t len, unsigned flags)
{
	return put_letters(out, stem, len, "", flags);
}

int msg_name_make(char *out, const char *name, unsigned flags)
{
	struct msg_name n;
	const char *info;

	if (msg_name_split(&n, name) == -1) {
		errno = EINVAL;
		return -1;
	}
	info = name + n.info;
	if (n.flags == flags && *info != '\0') {
		memcpy(out, name, strlen(name) + 1);
		return 0;
	}
	return put_letters(out, name, n.info, is_understood(info) ? info + INFO : "",
			   flags);
}
