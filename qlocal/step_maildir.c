#include <string.h>
#include <unistd.h>

#include "maildir/quota.h"
#include "step_int.h"

static struct maildir_file file;

static void close_maildir(struct stepper *s)
{
	maildir_close(&s->maildir);
	if (s->root != -1)
		(void)close(s->root);
	s->root = -1;
}

/* The Maildir that the last message went to is still open, unless its owner has put
 * another in its place. */
static int ready_maildir(struct stepper *s, const char *path, int make)
{
	struct maildir *m = &s->maildir;
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	if (m->dir != -1 && strncmp(m->path, path, n) == 0 && m->path[n] == '\0' &&
	    maildir_is_current(m))
		return 0;
	close_maildir(s);
	if (maildir_open(m, s->home, path, make) == -1)
		return -1;
	s->root = quota_root(m->dir);
	return 0;
}

static int into_maildir(void *arg, const void *p, size_t n)
{
	return maildir_write(arg, p, n);
}

static const char before[] = "delivered before,";

/* No room: but a message that an earlier attempt brought, and whose answer got lost, is not
 * to be bounced. */
static void refuse_full(const struct stepper *s, const struct delivery *d,
			const char *base, const char *path, struct answer *a)
{
	int found = maildir_has(&s->maildir, base, d->birth_ns);

	if (found == -1)
		answer_errno(a, "read", path);
	else if (found)
		answer_set(a, DONE, "%s", before);
	else
		answer_set(a, s->full_is_final ? NEVER : LATER,
			   "The mailbox is full. (#%s)",
			   s->full_is_final ? "5.2.2" : "4.2.2");
}

static void fill_maildir(struct stepper *s, const struct delivery *d, const char *path,
			 struct answer *a)
{
	char base[MAILDIR_BASE];
	struct quota q;
	int has_quota = quota_read(&q, s->root);

	maildir_base(base, d->l.job.id, d->recipient, path);
	/* the lines that we add are free */
	if (has_quota && !quota_room(&q, s->root, d->message.len, 1)) {
		refuse_full(s, d, base, path, a);
		return;
	}
	(void)step_prefix(d, into_maildir, &file); /* an error comes back below */
	if (message_copy(&d->message, d->to, into_maildir, &file, a) == -1)
		return;
	if (maildir_sync(&file) == -1) {
		answer_errno(a, "write a message in", path);
		return;
	}
	step_check_lifeline(s);
	if (maildir_link(&file, base, d->birth_ns) == -1) {
		answer_errno(a, "put a message into", path);
		return;
	}
	if (has_quota && !maildir_was_there(&file))
		quota_add(s->root, (int64_t)file.w.bytes, 1);
	answer_set(a, DONE, "%s", maildir_was_there(&file) ? before : "");
}

void step_maildir(struct stepper *s, const struct delivery *d, const char *path, int make,
		  struct answer *a)
{
	int r = ready_maildir(s, path, make);

	if (r == 0)
		r = maildir_begin(&s->maildir, &file);
	if (r == -1) {
		answer_errno(a, "open the Maildir", path);
		close_maildir(s);
		return;
	}
	fill_maildir(s, d, path, a);
	maildir_end(&file);
}
