/* maildirquota: sets, shows or removes the quota of a Maildir.
 *
 * Runs as whoever calls it; root becomes the Maildir's owner first, for good, and never
 * works as root. It trusts nothing in the Maildir.
 * Exit 0; 100 for wrong arguments; 111 when it could not.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/quota_int.h"
#include "maildirs.h"
#include "prog.h"

static const char usage[] = "maildirquota directory [[bytesS][,messagesC] | none]";

static void show_one(int64_t have, uint64_t max, const char *what)
{
	if (max != 0)
		(void)printf("%" PRId64 " of %" PRIu64 " %s\n", have, max, what);
	else
		(void)printf("%" PRId64 " %s\n", have, what);
}

static void show(int root)
{
	struct quota q;

	if (!quota_read(&q, root)) {
		(void)puts("no quota");
		return;
	}
	show_one(q.bytes, q.max_bytes, "bytes");
	show_one(q.count, q.max_count, "messages");
}

static void set(int root, const char *dir, const char *limits)
{
	struct quota q = {0};

	if (strcmp(limits, "none") != 0 &&
	    (quota_limits(&q, limits, strlen(limits)) == -1 ||
	     (q.max_bytes == 0 && q.max_count == 0)))
		die_usage(usage);
	if (quota_set(root, q.max_bytes, q.max_count) == -1)
		die_sys2(EXIT_TEMP, "set the quota of", dir);
}

int main(int argc, char **argv)
{
	int root;

	prog_init("maildirquota");
	if (argc < 2 || argc > 3 || *argv[1] == '-' || *argv[1] == '\0')
		die_usage(usage);
	root = maildirs_open(argv[1]);
	if (argc == 2)
		show(root);
	else
		set(root, argv[1], argv[2]);
	return fflush(stdout) != 0 ? EXIT_TEMP : 0;
}
