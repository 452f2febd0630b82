#include "followup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "addr.h"
#include "control.h"
#include "fail.h"
#include "qlimits.h"
#include "sbuf.h"

int followup_wanted(void)
{
	return getenv("QMAILMFTFILE") != NULL;
}

/* The file's lines; a file that is not there is an empty one. */
static int read_lists(const char *path, struct control_item **lists)
{
	struct sbuf b = SBUF_INIT(LIMIT_CONTROL);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = 0;

	*lists = NULL;
	if (fd == -1)
		return errno == ENOENT ? 0 : fail_sys(FAIL_CONFIG, "read QMAILMFTFILE");
	if (sbuf_read(&b, fd) == -1 ||
	    control_parse("QMAILMFTFILE", b.p != NULL ? b.p : "", b.len, lists) == -1)
		r = fail_sys(FAIL_CONFIG, "read QMAILMFTFILE");
	(void)close(fd);
	sbuf_free(&b);
	return r;
}

static int is_listed(const struct control_item *lists, const struct sbuf *addresses)
{
	for (const struct control_item *i = lists; i != NULL && i->text != NULL; i++)
		for (size_t at = 0; at < addresses->len;
		     at += strlen(addresses->p + at) + 1)
			if (strcasecmp(i->text, addresses->p + at) == 0)
				return 1;
	return 0;
}

static int put_all(struct sbuf *out, const struct sbuf *addresses)
{
	const char *separator = "Mail-Followup-To: ";

	for (size_t at = 0; at < addresses->len; at += strlen(addresses->p + at) + 1) {
		char quoted[2 * LIMIT_ADDRESS];

		if (addr_quote(addresses->p + at, quoted, sizeof quoted) == -1 ||
		    sbuf_cats(out, separator) == -1 || sbuf_cats(out, quoted) == -1)
			return -1;
		separator = ",\n  ";
	}
	return sbuf_catc(out, '\n');
}

int followup_field(struct sbuf *out, const struct sbuf *addresses)
{
	const char *path = getenv("QMAILMFTFILE");
	struct control_item *lists;
	int r;

	if (path == NULL)
		return 0;
	r = read_lists(path, &lists);
	if (r == 0 && is_listed(lists, addresses) && put_all(out, addresses) == -1)
		r = fail_sys(FAIL_MEMORY, "write Mail-Followup-To");
	control_free_list(lists);
	return r;
}
