/* qnewusers: compiles users/assign into users/cdb, in the layout of qmail-newu.
 *
 * Runs as the admin; reads users/assign (or a file, or standard input), writes
 * users/cdb whole or not at all. A line that it does not understand, a name that stands
 * there twice, a user with uid 0: an error with file, line and reason.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "ascii.h"
#include "keys.h"
#include "num.h"
#include "paths.h"
#include "prog.h"
#include "sbuf.h"
#include "table.h"
#include "text.h"

static const char usage[] = "qnewusers [-C dir] [file]";

enum { USER, UID, GID, HOME, DASH, EXT, FIELDS };

struct build {
	struct text text;
	struct table_writer *w;
	struct keys keys;
	char wild[256]; /* the last bytes of all wildcards */
	size_t nwild;
};

static _Noreturn void bad(const struct build *b, const char *why)
{
	text_bad(&b->text, b->text.line, "%s", why);
}

/* =loc:user:uid:gid:home:dash:ext: -> the seven fields, without their colons */
static const char *take_field(struct build *b, const char **p, const char *end, size_t *n)
{
	const char *start = *p;
	const char *colon = memchr(start, ':', (size_t)(end - start));

	*n = colon != NULL ? (size_t)(colon - start) : (size_t)(end - start);
	if (start + *n == end)
		bad(b, "fewer than seven fields (=local:user:uid:gid:home:dash:ext:)");
	*p = start + *n + 1;
	return start;
}

static void check_number(struct build *b, const char *p, size_t n, int zero)
{
	uint64_t v;

	if (num_parse_n(p, n, UINT32_MAX - 1, &v) == -1)
		bad(b, zero ? "the gid is not a number" : "the uid is not a number");
	if (v == 0 && !zero)
		bad(b, "uid 0 has no mailbox; make an alias");
}

static void check_field(struct build *b, int which, const char *p, size_t n)
{
	switch (which) {
	case USER:
		if (n == 0 || n > LIMIT_USER || memchr(p, '/', n) != NULL)
			bad(b, "the user is missing, too long, or has a slash");
		break;
	case UID:
		check_number(b, p, n, 0);
		break;
	case GID:
		check_number(b, p, n, 1);
		break;
	case HOME:
		if (n == 0 || *p != '/' || n >= LIMIT_PATH)
			bad(b, "the home is not an absolute path");
		break;
	case DASH:
		if (n > 7 || memchr(p, '/', n) != NULL)
			bad(b, "the dash is over seven bytes or has a slash");
		break;
	default:
		if (n > LIMIT_LOCAL || memchr(p, '/', n) != NULL)
			bad(b, "the extension is too long or has a slash");
	}
}

/* Fields with a NUL between them, none behind the last. */
static void take_record(struct build *b, const char *p, const char *end, struct sbuf *out)
{
	for (int i = 0; i < FIELDS; i++) {
		size_t n;
		const char *field = take_field(b, &p, end, &n);

		check_field(b, i, field, n);
		if ((i > 0 && sbuf_catc(out, '\0') == -1) ||
		    sbuf_cat(out, field, n) == -1)
			die_sys(EXIT_TEMP, "keep a line");
	}
}

static void *must(void *p)
{
	if (p == NULL)
		die_sys(EXIT_TEMP, "keep a name");
	return p;
}

/* "!local" for both; of an exact one the NUL is part of the key, too. */
static char *make_key(struct build *b, const char *loc, size_t n)
{
	char *key;

	if (n > LIMIT_ADDRESS)
		bad(b, "the name is too long");
	key = must(malloc(n + 3));
	key[0] = '!';
	ascii_copy_lower(key + 1, loc, n);
	key[1 + n] = '\0';
	return key;
}

static void note_wildcard(struct build *b, char last)
{
	if (b->nwild == 0 || memchr(b->wild, last, b->nwild) == NULL)
		b->wild[b->nwild++] = last;
}

/* In keys an exact name and a wildcard of the same text must differ: the sign is put
 * over the key's "!" once the table has its copy. */
static void take_entry(struct build *b, const char *line, size_t n)
{
	struct sbuf record = SBUF_INIT(8192);
	const char *p = line + 1;
	int exact = line[0] == '=';
	size_t len;
	const char *loc = take_field(b, &p, line + n, &len);
	char *key = make_key(b, loc, len);

	if (exact && len == 0)
		bad(b, "the name is empty");
	take_record(b, p, line + n, &record);
	make_entry(b->w, key, 1 + len + (exact ? 1 : 0), record.p, record.len);
	if (!exact && len > 0)
		note_wildcard(b, key[len]);
	key[0] = line[0];
	keys_add(&b->keys, key, b->text.line);
	sbuf_free(&record);
}

static void take_lines(struct build *b)
{
	const char *line;
	size_t n;

	while (text_line(&b->text, &line, &n)) {
		if (n == 0 || line[0] == '#')
			continue;
		if (n == 1 && line[0] == '.')
			return;
		if (line[0] != '=' && line[0] != '+')
			bad(b, "a line begins with neither = nor +");
		take_entry(b, line, n);
	}
	text_bad(&b->text, b->text.line,
		 "there is no last line of one dot: is the file whole?");
}

int main(int argc, char **argv)
{
	static struct build b;
	char from[LIMIT_PATH];
	char to[LIMIT_PATH];
	int first;

	prog_init("qnewusers");
	first = args(usage, args_none, argc, argv);
	if (argc - first > 1)
		die_usage(usage);
	if (path_join(from, sizeof from, paths.users, "assign") == NULL ||
	    path_join(to, sizeof to, paths.users, "cdb") == NULL)
		die_sys(EXIT_PERM, "name users/assign");
	text_read(&b.text, first < argc ? argv[first] : from);
	b.w = make_table(to);
	take_lines(&b);
	keys_once(&b.keys, &b.text);
	make_entry(b.w, "", 0, b.wild, b.nwild);
	make_done(b.w, &b.text);
	return 0;
}
