/* queue_ours: the queue of this host, as check, move and take have it open. */
#ifndef QUOIN_QUEUE_OURS_H
#define QUOIN_QUEUE_OURS_H

/* Open until the program ends. */
struct ours {
	int cur, new, state;
	int stopped; /* qsend does not run, and cannot start */
};

/* Ends the program when it cannot. */
void ours_open(struct ours *q);

/* A directory of it: the same. */
int ours_dir(const char *name);

/* Is the message there? One that qsend moves from new to cur meanwhile is. */
int ours_has(const struct ours *q, const char *id);

/* It, to be read: a descriptor, or -1 with errno. */
int ours_message(const struct ours *q, const char *id);

#endif
