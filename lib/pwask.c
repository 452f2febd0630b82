#include "pwask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "cursor.h"
#include "paths.h"
#include "usock.h"

enum {
	KEEP_MS = 5000,
	WAIT_MS = 20000,
	AWAY_MS = 5000,
	AWAY_PAUSE_MS = 100,
	TICK_MS = 1000,
	NAMES_MAX = 256,
	ANSWER_MAX = 4096
};

static struct name {
	int64_t until; /* kept, or waited for */
	int64_t last;  /* waited for no longer, however often qgetpw ends */
	enum { FREE, UNSENT, ASKED, FOUND } state; /* UNSENT: qgetpw was away */
	uid_t uid;
	gid_t gid;
	char name[LIMIT_USER + 1];
	char home[LIMIT_PATH];
} names[NAMES_MAX];

static unsigned asked;  /* how many names are in flight, */
static unsigned unsent; /* and of these wait for qgetpw to be back */
static int fd = -1;
static const struct owner none = OWNER_NONE;
static struct owner alias = OWNER_NONE;

void pwask_alias(const struct owner *o)
{
	alias = *o;
}

int pwask_fd(void)
{
	return fd;
}

int pwask_wait_ms(void)
{
	if (asked == 0)
		return -1;
	return unsent > 0 ? AWAY_PAUSE_MS : TICK_MS;
}

static int is_in_flight(const struct name *n)
{
	return n->state == ASKED || n->state == UNSENT;
}

static int is_fresh(const struct name *n)
{
	return n->state != FREE && (is_in_flight(n) || clock_mono_ms() < n->until);
}

static struct name *find(const char *name)
{
	for (struct name *n = names; n < names + NAMES_MAX; n++)
		if (is_fresh(n) && strcmp(n->name, name) == 0)
			return n;
	return NULL;
}

/* Room for one more; a user that was kept makes way, a name in flight does not. */
static struct name *room(void)
{
	struct name *oldest = NULL;

	for (struct name *n = names; n < names + NAMES_MAX; n++) {
		if (!is_fresh(n))
			return n;
		if (n->state == FOUND && (oldest == NULL || n->until < oldest->until))
			oldest = n;
	}
	return oldest;
}

static int send_request(const char *name)
{
	if (fd == -1)
		fd = usock_connect("qgetpw", SOCK_SEQPACKET);
	return fd == -1 ? -1 : usock_send(fd, name, strlen(name) + 1, -1);
}

static void set_unsent(struct name *n)
{
	int64_t patience = clock_mono_ms() + AWAY_MS;

	n->state = UNSENT;
	if (patience < n->until)
		n->until = patience;
	unsent++;
}

/* It has ended, and may be back in a moment: ask again then. */
static void lost(void)
{
	(void)close(fd);
	fd = -1;
	for (struct name *n = names; n < names + NAMES_MAX; n++)
		if (n->state == ASKED)
			set_unsent(n);
}

static int is_away(int e)
{
	return e == ENOENT || e == ECONNREFUSED || e == EPIPE || e == ECONNRESET;
}

static int ask(const char *name)
{
	struct name *n = room();

	if (n == NULL) {
		errno = EAGAIN;
		return -1;
	}
	n->state = FREE; /* whoever was kept here is not this one */
	n->until = n->last = clock_mono_ms() + WAIT_MS;
	(void)snprintf(n->name, sizeof n->name, "%s", name);
	if (send_request(name) == 0)
		n->state = ASKED;
	else if (!is_away(errno))
		return -1;
	else {
		if (fd != -1)
			lost();
		set_unsent(n);
	}
	asked++;
	return 0;
}

static int is_unknown(const struct question *q, const char *name)
{
	for (unsigned i = 0; i < q->nunknown; i++)
		if (strcmp(q->unknown[i], name) == 0)
			return 1;
	return 0;
}

static int fill(struct route_user *u, const char *name, uid_t uid, gid_t gid,
		const char *home)
{
	u->uid = uid;
	u->gid = gid;
	(void)snprintf(u->name, sizeof u->name, "%s", name);
	(void)snprintf(u->home, sizeof u->home, "%s", home);
	return 1;
}

int pwask_getpw(void *arg, const char *name, struct route_user *u)
{
	struct question *q = arg;
	struct name *n;

	if (alias.uid != none.uid && strcmp(name, "alias") == 0)
		return fill(u, name, alias.uid, alias.gid, paths.alias);
	if (is_unknown(q, name))
		return 0;
	if (q->failed) {
		errno = ETIMEDOUT;
		return -1;
	}
	n = find(name);
	if (n != NULL && n->state == FOUND)
		return fill(u, name, n->uid, n->gid, n->home);
	if (n == NULL && ask(name) == -1)
		return -1;
	(void)snprintf(q->waits, sizeof q->waits, "%s", name);
	errno = EINPROGRESS;
	return -1;
}

void question_settle(struct question *q, const char *name, char result)
{
	if (strcmp(q->waits, name) != 0)
		return;
	q->waits[0] = '\0';
	if (result == '-' && q->nunknown < QUESTION_MAX)
		(void)snprintf(q->unknown[q->nunknown++], sizeof q->unknown[0], "%s",
			       name);
	else if (result != '+')
		q->failed = 1;
}

/* The name is free before anybody hears of it, for they may ask again. */
static void settle(struct name *n, char result, pwask_settled *settled)
{
	char name[LIMIT_USER + 1];

	(void)snprintf(name, sizeof name, "%s", n->name);
	unsent -= n->state == UNSENT;
	if (result != '+')
		n->state = FREE;
	asked--;
	settled(name, result);
}

static int take_answer(struct name *n, struct cursor *c, char *result)
{
	const char *home;
	const char *shell;
	uint32_t uid;
	uint32_t gid;
	uint8_t letter;

	if (cur_u8(c, &letter) == -1 || strchr("+-Z", letter) == NULL || letter == '\0')
		return -1;
	*result = (char)letter;
	if (letter != '+')
		return cur_end(c);
	if (cur_u32(c, &uid) == -1 || cur_u32(c, &gid) == -1 ||
	    cur_str(c, LIMIT_PATH - 1, &home) == -1 ||
	    cur_str(c, LIMIT_PATH - 1, &shell) == -1 || cur_end(c) == -1 ||
	    home[0] != '/')
		return -1;
	n->state = FOUND;
	n->until = clock_mono_ms() + KEEP_MS;
	n->uid = (uid_t)uid;
	n->gid = (gid_t)gid;
	(void)snprintf(n->home, sizeof n->home, "%s", home);
	return 0;
}

/* One answer: 0, or -1 when the connection is of no use any more. An answer that came
 * too late, to a name that nobody waits for any more, is passed over. */
static int receive(pwask_settled *settled)
{
	char buf[ANSWER_MAX];
	ssize_t r = usock_recv(fd, buf, sizeof buf, NULL);
	struct cursor c;
	const char *name;
	struct name *n;
	char result;

	if (r <= 0)
		return -1;
	cur_init(&c, buf, (size_t)r);
	if (cur_str(&c, LIMIT_USER, &name) == -1) {
		errno = EBADMSG;
		return -1;
	}
	n = find(name);
	if (n == NULL || n->state != ASKED)
		return 0;
	if (take_answer(n, &c, &result) == -1) {
		errno = EBADMSG;
		return -1;
	}
	settle(n, result, settled);
	return 0;
}

void pwask_receive(pwask_settled *settled)
{
	while (fd != -1) {
		errno = 0;
		if (receive(settled) == 0)
			continue;
		if (errno == EAGAIN)
			return;
		lost();
	}
}

/* Those that wait for qgetpw to be back. */
static void send_again(void)
{
	for (struct name *n = names; n < names + NAMES_MAX && unsent > 0; n++) {
		if (n->state != UNSENT)
			continue;
		if (send_request(n->name) == -1) {
			if (fd != -1 && is_away(errno))
				lost();
			return;
		}
		n->state = ASKED;
		n->until = n->last;
		unsent--;
	}
}

void pwask_tick(pwask_settled *settled)
{
	int64_t now = clock_mono_ms();

	if (asked == 0)
		return;
	send_again();
	for (struct name *n = names; n < names + NAMES_MAX; n++)
		if (is_in_flight(n) && now >= n->until)
			settle(n, 'Z', settled);
}
