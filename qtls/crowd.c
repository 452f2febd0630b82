#include "crowd.h"

size_t crowd_of(const struct crowd *c, uid_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->member[i].uid == uid;
	return n;
}

int crowd_add(struct crowd *c, pid_t pid, uid_t uid)
{
	if (c->n == CROWD_MAX)
		return -1;
	c->member[c->n++] = (struct member){pid, uid};
	return 0;
}

int crowd_remove(struct crowd *c, pid_t pid)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->member[i].pid == pid) {
			c->member[i] = c->member[--c->n];
			return 1;
		}
	return 0;
}
