/* What is asked of qsend, through the keeper's door (lib/keeper.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "prog.h"
#include "queue.h"
#include "usock.h"

/* BATCH: fewer than a request may have: qsend unlinks and writes between two looks at
 * its deliveries. */
enum { ANSWER_MS = 60000, BATCH = 200 };
_Static_assert((int)BATCH <= (int)KEEPER_IDS, "a request");

static char frame[LIMIT_FRAME];

int door_ask(const struct keeper_request *r)
{
	int fd = keeper_ask(r);

	if (fd == -1 && (errno == ENOENT || errno == ECONNREFUSED))
		die_msg(EXIT_TEMP, "qsend is not running");
	if (fd == -1)
		die_sys(EXIT_TEMP, "ask qsend");
	return fd;
}

void door_next(int fd, struct keeper_frame *f)
{
	if (keeper_next(fd, f, frame, clock_mono_ms() + ANSWER_MS) == -1) {
		int e = errno;

		(void)fflush(stdout);
		errno = e;
		die_sys(EXIT_TEMP, "read the answer of qsend");
	}
	if (f->what == 'Z')
		die_msg(EXIT_TEMP, "qsend says: %s", f->text);
}

void door_expect(const struct keeper_frame *f, char what)
{
	if (f->what != what)
		die_msg(EXIT_TEMP, "qsend gave an answer that makes no sense");
}

uint64_t door_count(const struct keeper_request *r)
{
	struct keeper_frame f;
	int fd = door_ask(r);

	door_next(fd, &f);
	door_expect(&f, 'K');
	(void)close(fd);
	return f.count;
}

/* qsend serves the connections that it has, and then takes the next one, in their order: what
 * came by an earlier connection is read before this is answered. */
void door_settle(void)
{
	struct keeper_frame f;
	int fd = door_ask(&(struct keeper_request){.ask = KEEPER_STAT});

	door_next(fd, &f);
	(void)close(fd);
}

void door_each(char ask, const char *ids, size_t n, char *letters)
{
	struct keeper_request r = {.ask = ask};
	struct keeper_frame f;
	int fd = -1;

	for (size_t at = 0; at < n; at += r.n) {
		r.n = n - at < BATCH ? n - at : BATCH;
		r.ids = ids + at * (QID_LEN + 1);
		if (fd == -1)
			fd = door_ask(&r);
		else if (keeper_again(fd, &r) == -1)
			die_sys(EXIT_TEMP, "ask qsend");
		door_next(fd, &f);
		door_expect(&f, 'A');
		if (strlen(f.text) != r.n)
			die_msg(EXIT_TEMP, "qsend gave an answer that makes no sense");
		memcpy(letters + at, f.text, r.n);
	}
	if (fd != -1)
		(void)close(fd);
}
