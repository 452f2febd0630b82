#include "doors.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "num.h"
#include "usock.h"

enum { UIDS_LEN = 128 };

static int bad(void)
{
	errno = EINVAL;
	return -1;
}

static int take_uids(struct door *d, const char *list)
{
	char copy[UIDS_LEN];
	char *at = copy;
	char *word;
	uint64_t uid;

	if (strlen(list) >= sizeof copy)
		return bad();
	memcpy(copy, list, strlen(list) + 1);
	while ((word = strsep(&at, ",")) != NULL) {
		if (d->nuids == DOOR_UIDS || num_parse(word, UINT32_MAX - 1, &uid) == -1)
			return bad();
		d->uids[d->nuids++] = (uid_t)uid;
	}
	return 0;
}

int doors_add(struct doors *d, const char *word)
{
	struct door *new = &d->door[d->n];
	size_t len = strcspn(word, ":");

	if (d->n == DOORS_MAX || len == 0 || len >= sizeof new->name || word[0] == '.' ||
	    memchr(word, '/', len) != NULL)
		return bad();
	*new = (struct door){.word = word, .fd = -1, .lock = -1};
	memcpy(new->name, word, len);
	if (word[len] == ':' && take_uids(new, word + len + 1) == -1)
		return -1;
	d->n++;
	return 0;
}

int doors_open(struct doors *d, const char **failed)
{
	for (struct door *one = d->door; one < d->door + d->n; one++) {
		*failed = one->name;
		if (one->fd == -1)
			one->fd = usock_listen_locked(one->name, SOCK_SEQPACKET, 0660,
						      &one->lock);
		if (one->fd == -1)
			return -1;
	}
	return 0;
}

int door_lets_in(const struct door *d, uid_t uid)
{
	for (size_t i = 0; i < d->nuids; i++)
		if (d->uids[i] == uid)
			return 1;
	return d->nuids == 0;
}
