#include "keylink.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "certs.h"
#include "clock.h"
#include "keyask.h"
#include "prog.h"

static struct keyask_list list;

static int connect_patiently(void)
{
	int64_t until = clock_mono_ms() + KEYLINK_WAIT_MS;
	int fd;

	while ((fd = keyask_open()) == -1 && clock_left_ms(until) > 0)
		(void)poll(NULL, 0, KEYLINK_AGAIN_MS / 4);
	return fd;
}

static void set_lost(struct keylink *k)
{
	if (k->fd != -1)
		(void)close(k->fd);
	k->fd = -1;
	k->lost_at = clock_mono_ms();
	k->next = k->lost_at + KEYLINK_AGAIN_MS;
}

void keylink_open(struct keylink *k)
{
	*k = (struct keylink){.used = 1, .fd = connect_patiently(), .next = CLOCK_NEVER};
	if (k->fd == -1 ||
	    keyask_list(k->fd, &list, clock_mono_ms() + KEYLINK_LIST_MS) == -1) {
		warn_sys("ask qtls-key for its keys");
		set_lost(k);
		k->lost_at -= KEYLINK_WAIT_MS; /* waited for already */
		return;
	}
	k->ncerts = certs_load(&list, &k->nmissing);
	if (k->ncerts == 0)
		warn_msg("there is no certificate; nobody is served");
	if (k->nmissing > 0)
		k->next = clock_mono_ms() + KEYLINK_LOOK_MS;
}

int64_t keylink_next(const struct keylink *k)
{
	return k->used ? k->next : CLOCK_NEVER;
}

void keylink_lost(struct keylink *k)
{
	warn_msg("the connection to qtls-key is lost");
	set_lost(k);
}

/* Back: its keys may be others now. */
static int is_back(struct keylink *k)
{
	int fd = keyask_open();

	k->next = clock_mono_ms() + KEYLINK_AGAIN_MS;
	if (fd == -1)
		return 0;
	(void)close(fd);
	return 1;
}

static int has_missing(struct keylink *k)
{
	k->looks++;
	k->next = clock_mono_ms() +
		  (k->looks < KEYLINK_LOOKS ? KEYLINK_LOOK_MS : KEYLINK_SELDOM_MS);
	if (keyask_list(k->fd, &list, clock_mono_ms() + KEYLINK_LIST_MS) == 0)
		return certs_have_come(&list);
	keylink_lost(k);
	return 0;
}

int keylink_tick(struct keylink *k)
{
	if (!k->used || clock_left_ms(k->next) != 0)
		return 0;
	return k->fd == -1 ? is_back(k) : has_missing(k);
}

int keylink_is_settled(const struct keylink *k)
{
	return !k->used || k->fd != -1 ||
	       clock_left_ms(k->lost_at + KEYLINK_WAIT_MS) == 0;
}

int keylink_pair(struct keylink *k, const char **why)
{
	int pair;

	*why = "the keys are away";
	if (k->fd == -1)
		return -1;
	*why = "there is no certificate";
	if (k->ncerts == 0)
		return -1;
	*why = "too many sessions begin at once";
	pair = keyask_pair(k->fd);
	if (pair == -1 && (errno == EPIPE || errno == ECONNRESET)) {
		*why = "the keys are away";
		keylink_lost(k);
	}
	return pair;
}
