/* maildirtakeover: the uids, keywords and POP3 UIDLs of Dovecot or Courier become ours, in
 * a Maildir and all its folders.
 *
 * Runs as whoever calls it; root becomes the Maildir's owner first, for good, and never
 * works as root. It trusts nothing in the Maildir, and changes nothing of theirs.
 * Exit 0; 100 for wrong arguments; 111 when a folder could not be taken over.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"
#include "maildir/box.h"
#include "maildir/store.h"
#include "maildir/takeover.h"
#include "maildirs.h"
#include "prog.h"

enum { SHOWN = 4 * FOLDER_NAME };

static const char *result(int r)
{
	if (r == 1)
		return "taken over";
	if (r == 0)
		return "nothing to take over";
	return errno == EEXIST ? "has uids of ours already" : strerror(errno);
}

/* 0, or -1: not now. */
static int take(const struct store *s, const char *name)
{
	char shown[SHOWN];
	int dir = folder_open(s, name);
	int r = dir != -1 ? takeover(dir) : -1;
	int failed = r == -1 && errno != EEXIST;

	(void)escape_log(shown, sizeof shown, name, strlen(name));
	(void)printf("%s: %s\n", shown, result(r));
	if (dir != -1)
		(void)close(dir);
	return failed ? -1 : 0;
}

static int take_all(const struct store *s)
{
	struct folders f;
	int r = 0;

	if (folders_read(&f, s, 0, 0) == -1)
		die_sys(EXIT_TEMP, "read the folders");
	for (size_t i = 0; i < f.n; i++)
		if (f.folder[i].bits & FOLDER_EXISTS && take(s, f.folder[i].name) == -1)
			r = EXIT_TEMP;
	folders_free(&f);
	return r;
}

int main(int argc, char **argv)
{
	struct store s;
	int r;

	prog_init("maildirtakeover");
	if (argc != 2 || *argv[1] == '-' || *argv[1] == '\0')
		die_usage("maildirtakeover directory");
	box_boot();
	s.root = maildirs_open(argv[1]);
	r = take_all(&s);
	return fflush(stdout) != 0 ? EXIT_TEMP : r;
}
