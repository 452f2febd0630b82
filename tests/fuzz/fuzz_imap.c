/* A whole IMAP session after its login: the input is what the client sends, on a small Maildir that
 * is made for it. io.h is played here: what the client sends is there at once, and nobody hears what
 * is answered. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../qimapd/io.h"
#include "../../qimapd/session.h"
#include "exact_arena.h"
#include "logout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 20000, MAILS = 3 };

struct io_count io_count;

/* ---- io.h ---- */

static const char *in;
static size_t in_n;
static char out[IO_OUT + 1];
static char *given; /* a copy of exact size, to die at the next call */

static const char *give(const char *p, size_t n)
{
	free(given);
	given = malloc(n > 0 ? n : 1);
	if (given == NULL)
		abort();
	memcpy(given, p, n);
	return given;
}

int io_line(size_t max, const char **p, size_t *n, int64_t deadline)
{
	const char *lf = memchr(in, '\n', in_n);
	size_t len = lf != NULL ? (size_t)(lf - in) : 0;

	(void)deadline;
	if (lf == NULL)
		return 0;
	*n = len > 0 && lf[-1] == '\r' ? len - 1 : len;
	*p = give(in, *n);
	in_n -= len + 1;
	in = lf + 1;
	if (*n <= max)
		return 1;
	errno = EMSGSIZE;
	return -1;
}

int io_some(size_t max, const char **p, size_t *n, int64_t deadline)
{
	(void)deadline;
	if (in_n == 0)
		return 0;
	*n = max < in_n ? max : in_n;
	*p = give(in, *n);
	in += *n;
	in_n -= *n;
	return 1;
}

size_t io_pending(void)
{
	return in_n;
}

int io_wait(int fd, int ms)
{
	(void)fd;
	(void)ms;
	return IO_INPUT;
}

void io_put(const void *p, size_t n)
{
	if (n > 0 && p == NULL)
		abort();
}

void io_puts(const char *s)
{
	io_put(s, strlen(s));
}

void io_putc(char c)
{
	if (c == '\0')
		abort();
}

void io_number(uint64_t n)
{
	(void)n;
}

void io_flush(void) {}

void io_end(void) {}

char *io_room(size_t n)
{
	if (n > IO_OUT)
		abort();
	return out;
}

void io_wrote(size_t n)
{
	if (n > IO_OUT)
		abort();
}

int io_compress(void)
{
	errno = ENOMEM;
	return -1;
}

/* ---- no log ---- */

void logout_line(const char *p, size_t n)
{
	if (n == 0 || p[n - 1] != '\n' || memchr(p, '\n', n - 1) != NULL)
		abort();
}

void logout_flush(void) {}

void logout_hold(void) {}

/* ---- the Maildir ---- */

static char dir[64];

static int unlink_it(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st;
	(void)what;
	(void)ftw;
	return remove(path);
}

static void remove_all(void)
{
	if (nftw(dir, unlink_it, 8, FTW_DEPTH | FTW_PHYS) == -1 && errno != ENOENT)
		abort();
}

/* The UIDVALIDITY that comes next is 4000000000: sessions of the corpus know it (QRESYNC). */
static void write_validity(void)
{
	char name[128];
	FILE *f;

	(void)snprintf(name, sizeof name, "%s/quoin-validity", dir);
	f = fopen(name, "w");
	if (f == NULL || fputs("3999999999\n", f) < 0 || fclose(f) != 0)
		abort();
}

static void write_mail(int i)
{
	static const char *const mails[MAILS] = {
	    "From: a@b\nSubject: one\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nbody\n",
	    ("Content-Type: multipart/mixed; boundary=x\nSubject: "
	     "=?utf-8?q?zw=C3=B6lf?=\n\n"
	     "--x\n\nfirst\n--x\nContent-Type: message/rfc822\n\nTo: "
	     "c\n\ninner\n--x--\n"),
	    ("Message-ID: <1@x>\nReferences: <0@x>\nContent-Transfer-Encoding: "
	     "base64\n\nYWJj\n")};
	char name[128];
	int fd;

	(void)snprintf(name, sizeof name, i > 0 ? "%s/cur/%d.x:2,%s" : "%s/new/%d.x", dir,
		       i, i > 1 ? "ST" : "");
	fd = open(name, O_WRONLY | O_CREAT, 0600);
	if (fd == -1 || write(fd, mails[i], strlen(mails[i])) == -1 || close(fd) == -1)
		abort();
}

/* The working directory stays: inputs are named from there. */
static void make_maildir(void)
{
	static const char *const parts[] = {"", "/cur", "/new", "/tmp"};
	char name[128];

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		(void)snprintf(name, sizeof name, "%s%s", dir, parts[i]);
		if (mkdir(name, 0700) == -1)
			abort();
	}
	for (int i = 0; i < MAILS; i++)
		write_mail(i);
	write_validity();
}

static void begin(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(dir, sizeof dir, "%s/fuzz_imap.%d",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
		       (int)getpid());
	(void)atexit(remove_all);
}

static void serve(const char *p, size_t n)
{
	int here;

	session = (struct session){
	    .state = ST_AUTH, .user = "u", .client = "c", .appendlimit = 10000};
	here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here == -1 || store_open(&session.store, here, dir) == -1)
		abort();
	(void)close(here);
	in = p;
	in_n = n;
	session_serve();
	store_close(&session.store);
	set_free(&session.saved);
	box_forget(session.kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char last[] = "x NOTIFY NONE\r\n";

	if (size > INPUT_MAX)
		return 0;
	if (dir[0] == '\0')
		begin();
	remove_all();
	make_maildir();
	serve((const char *)data, size);
	serve(last, sizeof last - 1);
	return 0;
}
