#include "update.h"

#include <errno.h>

#include "io.h"
#include "notify.h"
#include "out.h"
#include "prog.h"
#include "session.h"
#include "sortkept.h"

int update_look(void)
{
	int e;

	if (box_sync(&session.box) == 0)
		return 0;
	e = errno;
	warn_sys2("read the mailbox", session.folder);
	if (e == ESTALE)
		session_stale();
	errno = e;
	return -1;
}

void update_flags(size_t i, int with_uid)
{
	struct msg *m = box_at(&session.box, i);

	if (m == NULL)
		return;
	io_puts("* ");
	io_number(i + 1);
	io_puts(" FETCH (");
	if (with_uid) {
		io_puts("UID ");
		io_number(m->uid);
		io_putc(' ');
	}
	io_puts("FLAGS ");
	out_flags(m);
	if (session.on & ON_CONDSTORE) {
		io_puts(" MODSEQ (");
		io_number(m->modseq);
		io_putc(')');
	}
	io_puts(")\r\n");
	box_told(m);
}

static unsigned count_keywords(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < BOX_KEYWORDS; i++)
		n += box_keyword(&session.box, i) != NULL;
	return n;
}

enum { SYSTEM_FLAGS = MSG_ANSWERED | MSG_FLAGGED | MSG_DELETED | MSG_SEEN | MSG_DRAFT };

void update_permanent_flags(void)
{
	session.keywords_told = count_keywords();
	io_puts("* FLAGS (");
	out_flag_words(SYSTEM_FLAGS | MSG_PASSED, UINT64_MAX);
	io_puts(")\r\n* OK [PERMANENTFLAGS (");
	if (!session.readonly) {
		out_flag_words(SYSTEM_FLAGS | MSG_PASSED, UINT64_MAX);
		if (session.keywords_told < BOX_KEYWORDS)
			io_puts(" \\*");
	}
	io_puts(session.readonly ? ")] Nothing can be changed.\r\n"
				 : ")] These are kept.\r\n");
}

static uint64_t count_recent(void)
{
	struct box_counts c;

	if (!session.readonly)
		return session.box.recent;
	return box_counts(&session.box, &c, 0) == 0 ? c.in_new : 0;
}

void update_counts(void)
{
	struct box *b = &session.box;

	session.told = b->count;
	io_puts("* ");
	io_number(b->count);
	io_puts(" EXISTS\r\n");
	if (session.on & ON_REV2)
		return;
	io_puts("* ");
	io_number(count_recent());
	io_puts(" RECENT\r\n");
}

/* RFC 9051 7.5.1: each number is that of the list without those told before. */
static void tell_expunged(void)
{
	struct box *b = &session.box;
	size_t done = 0;

	for (size_t i = box_next_gone(b, 0); i < b->count; i = box_next_gone(b, i + 1)) {
		io_puts("* ");
		io_number(i + 1 - done++);
		io_puts(" EXPUNGE\r\n");
	}
}

/* RFC 7162 3.2.10, as runs of uids with nothing known between them. */
static void tell_vanished(void)
{
	struct box *b = &session.box;
	struct set uids = {0};

	for (size_t i = box_next_gone(b, 0); i < b->count; i = box_next_gone(b, i + 1)) {
		const struct msg *m = box_at(b, i);

		if (m != NULL && set_add(&uids, m->uid, m->uid) == -1) {
			set_free(&uids);
			tell_expunged();
			return;
		}
	}
	io_puts("* VANISHED ");
	set_put(&uids);
	io_puts("\r\n");
	set_free(&uids);
}

static void tell_gone(void)
{
	struct box *b = &session.box;
	size_t last = b->count;

	for (size_t i = box_next_gone(b, 0); i < b->count; i = box_next_gone(b, i + 1))
		last = i;
	if (last >= session.told) /* it came and went between two looks */
		update_counts();
	if (session.on & ON_QRESYNC)
		tell_vanished();
	else
		tell_expunged();
	session.told -= b->gone;
	box_drop_gone(b);
	sortkept_forget();
}

static void tell_changed(size_t known)
{
	struct box *b = &session.box;

	for (size_t i = box_next_changed(b, 0); i < b->count;
	     i = box_next_changed(b, i + 1)) {
		struct msg *m = box_at(b, i);

		if (m == NULL || (m->state & MSG_GONE))
			continue;
		if (i < known)
			update_flags(i, session.on != 0 || notify_selected_flags());
		else
			box_told(m);
	}
}

void update_tell_some(unsigned what)
{
	struct box *b = &session.box;
	size_t known;

	if (b->gone > 0 && (what & UPDATE_EXPUNGE))
		tell_gone();
	known = session.told;
	if (b->count != known)
		update_counts();
	if (count_keywords() > session.keywords_told)
		update_permanent_flags();
	if (what & UPDATE_FLAGS)
		tell_changed(known);
	if (b->count != known)
		notify_new(known);
}

/* RFC 7162 3.2: what the client notes stays below an expunge that it has not been told. */
static void tell_delayed(void)
{
	struct box *b = &session.box;
	uint64_t lowest = UINT64_MAX;

	for (size_t i = box_next_gone(b, 0); i < b->count; i = box_next_gone(b, i + 1)) {
		const struct msg *m = box_at(b, i);

		if (m != NULL && m->modseq < lowest)
			lowest = m->modseq;
	}
	if (lowest == 0 || lowest == UINT64_MAX)
		return;
	io_puts("* OK [HIGHESTMODSEQ ");
	io_number(lowest - 1);
	io_puts("] Messages are gone; you hear of them later.\r\n");
}

void update_tell(int no_expunge)
{
	update_tell_some(no_expunge ? UPDATE_FLAGS : UPDATE_FLAGS | UPDATE_EXPUNGE);
	if (session.box.gone > 0 && session.on & ON_QRESYNC)
		tell_delayed();
}
