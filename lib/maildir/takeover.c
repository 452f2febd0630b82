#include "maildir/takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "maildir/root.h"
#include "maildir/store_int.h"
#include "maildir/takeover_int.h"
#include "prog.h"

/* The texts stay until the end: names point into them. */
struct work {
	int dir;
	struct taken list, pop3;
	struct sbuf uids, keywords, sizes;
	const char *letters[26];
	struct taken_words words; /* Courier's */
	int found;
};

/* When it was written, or -1: there is none that could be read. */
static int64_t written(int dir, const char *file)
{
	struct stat st;

	if (fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode))
		return -1;
	return st.st_mtime;
}

static void pass_over(const char *file)
{
	warn_sys2("take over", file);
}

/* 1 it is in b, 0 not. */
static int read_text(struct work *w, struct sbuf *b, const char *file)
{
	int r = store_read_file(b, w->dir, file);

	if (r == -1)
		pass_over(file);
	return r == 1;
}

static void take_list(struct work *w, const char *file,
		      int (*take)(struct taken *, char *, size_t))
{
	if (!read_text(w, &w->uids, file))
		return;
	if (take(&w->list, w->uids.p, w->uids.len) == -1) {
		pass_over(file);
		sbuf_clear(&w->list.messages);
		w->list.uidvalidity = w->list.uidnext = 0;
		return;
	}
	taken_sort(&w->list);
	w->found = 1;
}

/* ---- Dovecot's ---- */

static void take_dovecot(struct work *w)
{
	take_list(w, "dovecot-uidlist", taken_dovecot);
	if (w->found && read_text(w, &w->keywords, "dovecot-keywords"))
		taken_letters(w->letters, w->keywords.p, w->keywords.len);
}

/* ---- Courier's ---- */

static void take_courier(struct work *w)
{
	take_list(w, "courierimapuiddb", taken_courier);
	if (w->found && taken_keywords(&w->list, &w->words, w->dir) == -1)
		pass_over("courierimapkeywords");
}

static int take_sizes(struct work *w)
{
	static const char file[] = "courierpop3dsizelist";

	if (!read_text(w, &w->sizes, file))
		return 0;
	if (taken_pop3(&w->pop3, w->sizes.p, w->sizes.len) == -1) {
		pass_over(file);
		return 0;
	}
	if (!w->found) {
		w->list.uidvalidity = store_validity(w->dir);
		w->list.uidnext = 1;
	}
	w->found = 1;
	return taken_join(&w->list, &w->pop3);
}

/* ---- all ---- */

static int gather(struct work *w)
{
	int64_t dovecot = written(w->dir, "dovecot-uidlist");
	int64_t courier = written(w->dir, "courierimapuiddb");
	int is_inbox = !maildir_is_folder(w->dir);

	/* whoever was at work last */
	if (dovecot != -1 && dovecot >= courier) {
		take_dovecot(w);
		return w->found && is_inbox ? taken_default_uidls(&w->list) : 0;
	}
	if (courier != -1)
		take_courier(w);
	return is_inbox ? take_sizes(w) : 0;
}

static int hand_over(struct work *w)
{
	struct box_takeover t = {.uidvalidity = w->list.uidvalidity,
				 .uidnext = w->list.uidnext,
				 .msg = taken_at(&w->list, 0),
				 .n = taken_count(&w->list)};

	memcpy(t.words, w->letters, sizeof w->letters);
	t.has_letters = w->words.n == 0;
	for (unsigned i = 0; i < w->words.n; i++)
		t.words[i] = w->words.word[i];
	/* before anybody can hear of it */
	store_validity_seen(w->dir, t.uidvalidity);
	return box_take_over(w->dir, &t) == -1 ? -1 : 1;
}

int takeover(int dir)
{
	struct work w = {.dir = dir,
			 .list = TAKEN_INIT,
			 .pop3 = TAKEN_INIT,
			 .uids = SBUF_INIT(TAKEN_TEXT),
			 .keywords = SBUF_INIT(65536),
			 .sizes = SBUF_INIT(TAKEN_TEXT)};
	struct sbuf *all[] = {&w.list.messages, &w.list.strings,
			      &w.list.made,     &w.pop3.messages,
			      &w.pop3.strings,  &w.pop3.made,
			      &w.uids,          &w.keywords,
			      &w.sizes,         NULL};
	int r = gather(&w);

	if (r == 0 && w.found)
		r = hand_over(&w);
	for (struct sbuf **b = all; *b != NULL; b++)
		sbuf_free(*b);
	return r;
}
