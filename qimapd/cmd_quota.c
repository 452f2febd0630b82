/* GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208): the Maildir's own quota, root "". */
#include <errno.h>
#include <unistd.h>

#include "io.h"
#include "maildir/quota.h"
#include "out.h"
#include "session.h"

static void put_quota(void)
{
	struct quota q;
	const char *separator = "";

	if (quota_read(&q, session.store.root) != 1)
		return;
	io_puts("* QUOTA \"\" (");
	if (q.max_bytes > 0) {
		io_puts("STORAGE ");
		io_number((uint64_t)(q.bytes > 0 ? q.bytes + 1023 : 0) / 1024);
		io_putc(' ');
		io_number(q.max_bytes / 1024);
		separator = " ";
	}
	if (q.max_count > 0) {
		io_puts(separator);
		io_puts("MESSAGE ");
		io_number((uint64_t)(q.count > 0 ? q.count : 0));
		io_putc(' ');
		io_number(q.max_count);
	}
	io_puts(")\r\n");
}

static void cmd_getquota(struct command *c)
{
	struct text root;

	if (take_space(&c->w) == -1 || take_astring(&c->w, &root) == -1 ||
	    !words_end(&c->w)) {
		bad(c, "GETQUOTA wants a quota root.");
		return;
	}
	if (root.n != 0) {
		no(c, "NONEXISTENT", "The only quota root is \"\".");
		return;
	}
	put_quota();
	ok(c, "", "done");
}

static void cmd_getquotaroot(struct command *c)
{
	char name[FOLDER_NAME + 1];
	int dir;

	if (take_space(&c->w) == -1 || take_mailbox(&c->w, name) == -1 ||
	    !words_end(&c->w)) {
		bad(c, "GETQUOTAROOT wants a mailbox.");
		return;
	}
	if ((dir = folder_open(&session.store, name)) == -1) {
		no_errno(c, "open a folder");
		return;
	}
	(void)close(dir);
	io_puts("* QUOTAROOT ");
	out_mailbox(name);
	io_puts(" \"\"\r\n");
	put_quota();
	ok(c, "", "done");
}

static void cmd_setquota(struct command *c)
{
	no(c, "NOPERM", "The administrator sets quotas.");
}

const struct verb verbs_quota[] = {
    {"GETQUOTA", ST_AUTH | ST_SELECTED, 0, cmd_getquota},
    {"GETQUOTAROOT", ST_AUTH | ST_SELECTED, 0, cmd_getquotaroot},
    {"SETQUOTA", ST_AUTH | ST_SELECTED, 0, cmd_setquota},
    {0}};
