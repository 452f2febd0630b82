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

/* The ends of base and fields, in one pass: a first look at a mailbox makes many of these. */
static int find_parts(struct msg_name *n, const char *name)
{
	size_t len = 0;

	n->base = n->info = SIZE_MAX;
	for (; name[len] != '\0'; len++) {
		unsigned char c = (unsigned char)name[len];

		if (c > ':' || (c > ',' && c != '/' && c != ':'))
			continue;
		if (c < 0x20 || c == '/')
			return -1;
		if ((c == ',' || c == ':') && n->base == SIZE_MAX)
			n->base = len;
		if (c == ':' && n->info == SIZE_MAX)
			n->info = len;
	}
	if (n->info == SIZE_MAX)
		n->info = len;
	if (n->base == SIZE_MAX)
		n->base = len;
	return len > MSG_NAME || n->base == 0 || name[0] == '.' ? -1 : 0;
}

int msg_name_read(struct msg_name *n, const char *name)
{
	*n = (struct msg_name){0};
	if (find_parts(n, name) == -1) {
		*n = (struct msg_name){0};
		return -1;
	}
	read_fields(n, name + n->base, name + n->info);
	if (is_understood(name + n->info))
		for (const char *c = name + n->info + INFO; *c != '\0'; c++)
			n->flags |= flag_of(*c);
	return 0;
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

int msg_name_make(char *out, const char *name, unsigned flags)
{
	char made[MSG_NAME + INFO + FLAGS + 1];
	struct msg_name n;
	size_t len;
	int understood;

	if (msg_name_read(&n, name) == -1) {
		errno = EINVAL;
		return -1;
	}
	understood = is_understood(name + n.info);
	if (n.flags == flags && name[n.info] != '\0') {
		memcpy(out, name, strlen(name) + 1);
		return 0;
	}
	memcpy(made, name, n.info);
	memcpy(made + n.info, ":2,", INFO);
	len = n.info + INFO;
	len += merge_letters(made + len, understood ? name + len : "", flags);
	if (len > MSG_NAME) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(out, made, len);
	out[len] = '\0';
	return 0;
}
