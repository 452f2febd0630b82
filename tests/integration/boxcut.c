/* boxcut: changes of two folders, and what was told of them, for tests/faults/test_boxcut.py.
 *
 *	boxcut act HOME		works on HOME/a and HOME/b; after each change, one write to
 *				standard output: what a client knows now
 *	boxcut show HOME	the same of what lies there, after another start of the kernel
 *
 * Lines: "a validity uidnext highest", then "a uid base modseq flags keywords" for each
 * message; b likewise; an empty line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maildir/box_int.h"

enum { STORES = 700, TEXT = 65536 };

static int home;
static struct box a, b;

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(111);
}

static size_t text_of(char *p, char folder, struct box *x)
{
	size_t n =
	    (size_t)snprintf(p, TEXT / 4, "%c %u %u %llu\n", folder, x->uidvalidity,
			     x->uidnext, (unsigned long long)x->highestmodseq);

	for (size_t i = 0; i < x->count && n < TEXT / 3; i++) {
		const struct msg *m = box_at(x, i);

		if (m == NULL)
			die("box_at");
		if (m->state & MSG_GONE)
			continue;
		n += (size_t)snprintf(p + n, 400, "%c %u %.*s %llu %u %llu\n", folder,
				      m->uid, (int)strcspn(m->name, ",:"), m->name,
				      (unsigned long long)m->modseq, m->flags,
				      (unsigned long long)m->keywords);
	}
	return n;
}

static void tell(void)
{
	static char text[TEXT];
	size_t n;

	if (box_sync(&a) == -1 || box_sync(&b) == -1)
		die("box_sync");
	n = text_of(text, 'a', &a);
	n += text_of(text + n, 'b', &b);
	text[n++] = '\n';
	if (write(STDOUT_FILENO, text, n) != (ssize_t)n)
		die("write");
}

static void open_both(int flags)
{
	if (box_open(&a, openat(home, "a", O_RDONLY | O_DIRECTORY), flags) == -1 ||
	    box_open(&b, openat(home, "b", O_RDONLY | O_DIRECTORY), flags) == -1)
		die("box_open");
	tell();
}

static void store(uint32_t at, enum box_how how, unsigned flags, uint64_t keywords)
{
	struct box_store s = {.how = how,
			      .flags = flags,
			      .keywords = keywords,
			      .unchangedsince = UINT64_MAX};

	if (box_store(&a, &at, 1, &s) == -1)
		die("box_store");
}

static void arrive(const char *base)
{
	struct box_arrival n = {base, base, MSG_SEEN, NULL};
	struct box_copied out;
	char path[100];
	int fd;

	(void)snprintf(path, sizeof path, "a/tmp/%s", base);
	fd = openat(home, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd == -1 || write(fd, "n\n", 2) != 2 || fsync(fd) == -1 || close(fd) == -1 ||
	    box_arrive(a.dir, &n, 1, &out, NULL) == -1)
		die("box_arrive");
}

static void copy(uint32_t at, int move)
{
	struct box_copied out;

	if (box_copy(&a, &at, 1, b.dir, move, &out) == -1)
		die("box_copy");
}

static void expunge(uint32_t at)
{
	if (box_expunge(&a, &at, 1) == -1)
		die("box_expunge");
}

static void act(void)
{
	open_both(BOX_CLAIM);
	store(0, BOX_ADD, MSG_FLAGGED, 0);
	tell();
	arrive("2000.n");
	tell();
	if (box_keyword_bit(&a, "work", 1) != 0)
		die("box_keyword_bit");
	store(1, BOX_ADD, MSG_SEEN, 1);
	tell();
	copy(1, 0);
	tell();
	copy(2, 1);
	tell();
	expunge(0);
	tell();
	if (renameat(home, "a/cur/1003.m:2,", home, "a/cur/1003.m:2,R") == -1)
		die("rename");
	tell();
	box_drop_gone(&a);
	store(0, BOX_REPLACE, MSG_DRAFT, 0);
	tell();
	for (unsigned i = 0; i < STORES; i++)
		store(1, BOX_REPLACE, i % 2 ? MSG_SEEN : MSG_FLAGGED, 0);
	tell();
	box_rest(&a);
	store(1, BOX_REPLACE, MSG_ANSWERED, 0);
	tell();
	expunge(1);
	tell();
	arrive("2001.n");
	tell();
	box_close(&a);
	box_close(&b);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 100;
	home = open(argv[2], O_RDONLY | O_DIRECTORY);
	if (home == -1)
		die(argv[2]);
	box_boot();
	if (strcmp(argv[1], "act") == 0) {
		act();
		return 0;
	}
	boxboot[0] ^= 1;
	open_both(0);
	return 0;
}
