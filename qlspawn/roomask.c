#include "roomask.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "cursor.h"
#include "qlimits.h"
#include "usock.h"

enum { ENTRIES = 256, KEPT_MS = 60000, WAIT_MS = 3000 };

/* By a hash of the name; of two with the same the later one takes the place. */
static struct entry {
	char local[LIMIT_ADDRESS + 1];
	char letter; /* 0: asked */
	int64_t until;
} entries[ENTRIES];

static int fd = -1;

static struct entry *place(const char *local)
{
	uint32_t h = 2166136261U;

	for (; *local != '\0'; local++)
		h = (h ^ (unsigned char)*local) * 16777619U;
	return &entries[h % ENTRIES];
}

static void hang_up(void)
{
	if (fd != -1)
		(void)close(fd);
	fd = -1;
}

static int send_question(const char *local)
{
	for (int again = fd != -1;; again--) {
		if (fd == -1)
			fd = usock_connect("qlspawn", SOCK_SEQPACKET);
		if (fd == -1)
			return -1;
		if (usock_send(fd, local, strlen(local) + 1, -1) == 0)
			return 0;
		hang_up();
		if (!again)
			return -1;
	}
}

static void set(struct entry *e, char letter, int64_t ms)
{
	e->letter = letter;
	e->until = clock_mono_ms() + ms;
}

char roomask(const char *local)
{
	struct entry *e = place(local);
	int is_it = strcmp(e->local, local) == 0;
	int is_over = clock_left_ms(e->until) == 0;

	if (is_it && !is_over)
		return e->letter;
	/* no answer, or the place is another's who waits */
	if ((is_it && e->letter == 0) || (!is_it && !is_over && e->letter == 0)) {
		if (is_it)
			set(e, '+', WAIT_MS);
		return '+';
	}
	memcpy(e->local, local, strlen(local) + 1);
	if (send_question(local) == 0)
		set(e, 0, WAIT_MS);
	else
		set(e, '+', WAIT_MS);
	return e->letter;
}

int roomask_fd(void)
{
	return fd;
}

int roomask_wait_ms(void)
{
	int64_t first = CLOCK_NEVER;

	for (const struct entry *e = entries; e < entries + ENTRIES; e++)
		if (*e->local != '\0' && e->letter == 0)
			first = clock_sooner(first, e->until);
	return clock_left_ms(first);
}

static void take(const char *p, size_t n)
{
	struct cursor c;
	struct entry *e;
	uint8_t letter;
	const char *local;

	cur_init(&c, p, n);
	if (cur_u8(&c, &letter) == -1 || cur_str(&c, LIMIT_ADDRESS, &local) == -1 ||
	    cur_end(&c) == -1 || (letter != '+' && letter != '-')) {
		hang_up();
		return;
	}
	e = place(local);
	if (strcmp(e->local, local) == 0)
		set(e, (char)letter, KEPT_MS);
}

void roomask_receive(void)
{
	char buf[LIMIT_ADDRESS + 3];
	ssize_t n;

	while (fd != -1) {
		n = usock_recv(fd, buf, sizeof buf, NULL);
		if (n == -1 && errno == EAGAIN)
			return;
		if (n > 0)
			take(buf, (size_t)n);
		else
			hang_up();
	}
}
