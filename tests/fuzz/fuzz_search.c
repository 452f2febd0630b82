/* Any bytes as search keys, run over a mailbox of three messages: keys and their opposite never fit the same
 * message. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../qimapd/search.h"
#include "exact_arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

static const char *const names[] = {"cur/1.a:2,S", "cur/2.b:2,FR", "cur/3.c:2,"};
static const char *const texts[] = {
    "From: a@b\nSubject: one\nDate: Wed, 17 Jul 1996 02:23:25 -0700\n\nhello\n",
    "To: c@d\nSubject: =?utf-8?q?zw=C3=B6lf?=\nContent-Type: multipart/mixed; "
    "boundary=x\n\n"
    "--x\n\nzw\xc3\xb6lf\n--x\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n--x--\n",
    "\nno header\n",
};

static char dir[] = "/tmp/fuzz-search.XXXXXX";

static void remove_box(void)
{
	char command[60];

	(void)snprintf(command, sizeof command, "rm -rf %s", dir);
	check(system(command) == 0);
}

static void open_box(void)
{
	int fd;

	check(mkdtemp(dir) != NULL && chdir(dir) == 0 && atexit(remove_box) == 0);
	check(mkdir("new", 0700) == 0 && mkdir("cur", 0700) == 0 &&
	      mkdir("tmp", 0700) == 0);
	for (size_t i = 0; i < 3; i++) {
		FILE *f = fopen(names[i], "w");

		check(f != NULL && fputs(texts[i], f) >= 0 && fclose(f) == 0);
	}
	fd = open(".", O_RDONLY | O_DIRECTORY);
	check(fd != -1 && box_open(&session.box, fd, 0) == 0 && session.box.count == 3);
	session.cache = cache_open(&session.box);
	session.state = ST_SELECTED;
}

static int note(void *arg, size_t i)
{
	((char *)arg)[i] = 1;
	return 0;
}

static int run(const char *text, size_t n, char hits[3])
{
	struct words w = {text, n, 0, 0};
	struct search s;
	int r;

	memset(hits, 0, 3);
	r = search_read(&s, &w, NULL);
	if (r == 0)
		check(search_run(&s, 0, note, hits) == 0);
	search_free(&s);
	take_forget();
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char not [1 << 17];
	char hits[3], opposite[3];

	if (session.state != ST_SELECTED)
		open_box();
	if (size > sizeof not -8 || run((const char *)data, size, hits) == -1)
		return 0;
	memcpy(not, "NOT (", 5);
	memcpy(not +5, data, size);
	not [5 + size] = ')';
	if (run(not, size + 6, opposite) == 0)
		for (size_t i = 0; i < 3; i++)
			check(hits[i] != opposite[i]);
	return 0;
}
