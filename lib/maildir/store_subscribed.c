/* Subscriptions. The file is Dovecot's, in both of its forms: a line a name; or, below the
 * line "V\t2", lines with tabs between the levels. Courier's courierimapsubscribed, whose
 * names begin with INBOX, is read where there is no other. */
#include <errno.h>
#include <string.h>

#include "maildir/store_int.h"
#include "maildir/utf7.h"
#include "sbuf.h"

static const char file[] = "subscriptions";
static const char foreign[] = "courierimapsubscribed";
static const char second[] = "V\t2\n";

struct lines {
	struct sbuf text;
	size_t at;
	int is_second; /* the form with tabs */
	int is_foreign;
};

static int lines_read(struct lines *l, const struct store *s)
{
	int r;

	*l = (struct lines){.text = SBUF_INIT(STORE_LIST)};
	r = store_read_file(&l->text, s->root, file);
	if (r == 0) {
		l->is_foreign = 1;
		r = store_read_file(&l->text, s->root, foreign);
	}
	if (r == -1) {
		sbuf_free(&l->text);
		return -1;
	}
	if (!l->is_foreign && l->text.len >= sizeof second - 1 &&
	    memcmp(l->text.p, second, sizeof second - 1) == 0) {
		l->is_second = 1;
		l->at = sizeof second - 1;
	}
	return 0;
}

/* A line's name, canonical; -1: it has none that we could show. */
static int line_name(const struct lines *l, char out[FOLDER_NAME + 1], const char *p,
		     size_t n)
{
	char levels[FOLDER_NAME + 1];
	char name[FOLDER_NAME + 1];

	if (l->is_foreign && n > 6 && memcmp(p, "INBOX.", 6) == 0) {
		p += 6;
		n -= 6;
	}
	if (n == 0 || n > FOLDER_NAME)
		return -1;
	memcpy(levels, p, n);
	for (size_t i = 0; i < n && l->is_second; i++)
		if (levels[i] == '\t')
			levels[i] = '.';
	if (utf7_to_utf8(name, sizeof name, levels, n) == -1) {
		memcpy(name, levels, n);
		name[n] = '\0';
	}
	return folder_canon(out, name, strlen(name));
}

/* The next line that has a name: 1, or 0 at the end. */
static int lines_next(struct lines *l, char out[FOLDER_NAME + 1])
{
	while (l->at < l->text.len) {
		const char *p = l->text.p + l->at;
		const char *end = memchr(p, '\n', l->text.len - l->at);
		size_t n = end != NULL ? (size_t)(end - p) : l->text.len - l->at;

		l->at += n + 1;
		if (line_name(l, out, p, n) == 0)
			return 1;
	}
	return 0;
}

int store_each_subscribed(const struct store *s, int (*each)(void *, const char *),
			  void *arg)
{
	char name[FOLDER_NAME + 1];
	struct lines l;
	int r = 0;

	if (lines_read(&l, s) == -1)
		return -1;
	while (r == 0 && lines_next(&l, name))
		r = each(arg, name);
	sbuf_free(&l.text);
	return r;
}

static int put_line(struct sbuf *b, const char *name, int is_second)
{
	char disk[STORE_NAME + 1];
	size_t at = b->len;

	if (store_to_disk(disk, name) == -1 || sbuf_cats(b, disk + 1) == -1 ||
	    sbuf_catc(b, '\n') == -1)
		return -1;
	for (; is_second && at < b->len; at++)
		if (b->p[at] == '.')
			b->p[at] = '\t';
	return 0;
}

/* All lines but those of name, and one of it if it is on. */
static int rewrite(struct sbuf *b, struct lines *l, const char *name, int on)
{
	char each[FOLDER_NAME + 1];
	int was = 0;

	if (l->is_second && sbuf_cats(b, "V\t2\n\n") == -1)
		return -1;
	while (lines_next(l, each)) {
		int is = strcmp(each, name) == 0;

		if ((!is || (on && !was)) && put_line(b, each, l->is_second) == -1)
			return -1;
		was |= is;
	}
	return on && !was ? put_line(b, name, l->is_second) : 0;
}

static int change(const struct store *s, const char *name, int on)
{
	struct sbuf b = SBUF_INIT(STORE_LIST);
	struct lines l;
	int r;

	if (lines_read(&l, s) == -1)
		return -1;
	r = rewrite(&b, &l, name, on);
	if (r == 0 && (l.is_foreign || b.len != l.text.len ||
		       (b.len > 0 && memcmp(b.p, l.text.p, b.len) != 0)))
		r = store_write_file(s->root, file, &b);
	sbuf_free(&l.text);
	sbuf_free(&b);
	return r;
}

int folder_subscribe(const struct store *s, const char *name, int on)
{
	char canon[FOLDER_NAME + 1];
	int lock;
	int r;

	if (folder_canon(canon, name, strlen(name)) == -1 || (lock = store_lock(s)) == -1)
		return -1;
	r = change(s, canon, on);
	store_unlock(lock);
	return r;
}
