/* What lies in the queue when qsend starts, and what comes into new/ later. */
#include "sched.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "prog.h"

/* The ids in a directory. Only here for the time of the start. */
struct ids {
	struct entry *e;
	size_t n;
	size_t cap;
};

/* Messages whose journals were written in the last seconds before the stop: a failure may
 * have been noted there and its notification not made. These are looked at soon, and then
 * wait as their age says. Others are not opened at the start. */
enum { LAST_SECONDS = 60 };

/* So many files that cannot be moved are looked past. */
enum { UNMOVED_MAX = 20 };

static DIR *open_dir(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;

	if (d == NULL && fd != -1)
		(void)close(fd);
	return d;
}

static int ids_add(struct ids *s, uint64_t ns, uint32_t random)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 256;
		struct entry *e = reallocarray(s->e, cap, sizeof *e);

		if (e == NULL)
			return -1;
		s->e = e;
		s->cap = cap;
	}
	s->e[s->n++] = (struct entry){.ns = ns, .random = random};
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->random > y->random) - (x->random < y->random);
}

/* A file that is no message of ours must not stop those that are. */
static void foreign_name(struct sched *q, int dir, const char *name)
{
	if (dir == q->state) {
		warn_msg("queue/state/%s: not an id", name);
		return;
	}
	if (renameat(dir, name, q->bad, name) == -1)
		warn_sys2("set aside a file of the queue:", name);
	else
		log_bad(name, "the name is not an id");
}

static int ids_read(struct sched *q, struct ids *s, int dir)
{
	struct dirent *e;
	DIR *d = open_dir(dir);
	int r = 0;

	if (d == NULL)
		return -1;
	while (r == 0 && (errno = 0, e = readdir(d)) != NULL) {
		uint64_t ns;
		uint32_t random;

		if (e->d_name[0] == '.')
			continue;
		if (qid_split(e->d_name, &ns, &random) == -1)
			foreign_name(q, dir, e->d_name);
		else
			r = ids_add(s, ns, random);
	}
	if (e == NULL && errno != 0)
		r = -1;
	(void)closedir(d);
	if (r == 0 && s->n > 0)
		qsort(s->e, s->n, sizeof *s->e, by_id);
	return r;
}

/* An id is given once; were it not so, the message that is known must stay. */
static int take_over(const struct sched *q, const char *id)
{
	if (syscall(SYS_renameat2, q->new, id, q->cur, id, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS) /* a file system that cannot */
		return -1;
	return renameat(q->new, id, q->cur, id);
}

/* In due: when it was written, seconds since 1970. Linear in stat calls: 100,000 take
 * some tenths of a second. */
static uint32_t last_written;

static void read_times(struct sched *q, struct ids *state)
{
	uint32_t newest = 0;

	for (size_t i = 0; i < state->n; i++) {
		struct entry *e = &state->e[i];
		char id[QID_LEN + 1];
		struct stat st;

		qid_make(id, e->ns, e->random);
		if (fstatat(q->state, id, &st, AT_SYMLINK_NOFOLLOW) == 0)
			e->due = (uint32_t)st.st_mtime;
		if (e->due > newest)
			newest = e->due;
	}
	last_written = newest > LAST_SECONDS ? newest - LAST_SECONDS : 0;
}

/* No history: it was never tried, or its attempt was cut off. With one: when its
 * age says so, unless it was written last. Nothing is opened to find out. */
static int add_known(struct sched *q, struct entry *e, const struct entry *state)
{
	uint32_t written = state != NULL ? state->due : 0;

	e->seen = e->due = q->now.mono;
	e->flags = ENTRY_FOUND;
	if (state != NULL) {
		uint64_t age = retry_age(e->ns / 1000000000, &q->now);

		e->flags |= ENTRY_RESUMED;
		if (written < last_written)
			e->due += retry_resume(age, RETRY_SKIP_LOCAL);
	}
	q->messages++;
	return due_push(&q->unsorted, e);
}

/* A journal without its message. A power cut may have undone the rename from new/;
 * else the message is done, and the journal goes when that is durable (settle.c). */
static int orphan(struct sched *q, struct entry *e, int cur_is_durable)
{
	char id[QID_LEN + 1];

	qid_make(id, e->ns, e->random);
	if (take_over(q, id) == 0)
		return add_known(q, e, e);
	if (errno == ENOENT && cur_is_durable && unlinkat(q->state, id, 0) == -1)
		warn_sys2("remove the journal of", id);
	return 0;
}

static int merge(struct sched *q, struct ids *cur, struct ids *state)
{
	int durable = state->n > 0 && fsync(q->cur) == 0;
	size_t k = 0;

	/* Nobody knows whether our predecessor came to sync the names that it made. */
	if (state->n > 0)
		(void)fsync(q->state);
	read_times(q, state);

	for (size_t i = 0; i < cur->n; i++) {
		int has_state;

		while (k < state->n && by_id(&state->e[k], &cur->e[i]) < 0)
			if (orphan(q, &state->e[k++], durable) == -1)
				return -1;
		has_state = k < state->n && by_id(&state->e[k], &cur->e[i]) == 0;
		if (add_known(q, &cur->e[i], has_state ? &state->e[k] : NULL) == -1)
			return -1;
		k += (size_t)has_state;
	}
	while (k < state->n)
		if (orphan(q, &state->e[k++], durable) == -1)
			return -1;
	return 0;
}

int scan_start(struct sched *q)
{
	struct ids cur = {0};
	struct ids state = {0};
	int r = -1;

	if (ids_read(q, &cur, q->cur) == 0 && ids_read(q, &state, q->state) == 0)
		r = merge(q, &cur, &state);
	free(cur.e);
	free(state.e);
	q->scan = 1;
	return r;
}

static void add_new(struct sched *q, uint64_t ns, uint32_t random)
{
	struct entry e = {.ns = ns,
			  .random = random,
			  .due = q->now.mono,
			  .seen = q->now.mono,
			  .flags = ENTRY_NEW};

	wait_push(&q->unsorted, &e);
	q->messages++;
}

/* -1: it stays where it is. */
static int take_new(struct sched *q, const char *name)
{
	uint64_t ns;
	uint32_t random;

	if (qid_split(name, &ns, &random) == -1)
		foreign_name(q, q->new, name);
	else if (take_over(q, name) == 0)
		add_new(q, ns, random);
	else if (errno == EEXIST)
		foreign_name(q, q->new, name);
	else if (errno != ENOENT) {
		warn_sys2("move to queue/cur:", name);
		return -1;
	}
	return 0;
}

static void scan_failed(struct sched *q)
{
	warn_sys("read queue/new");
	q->scan = 0;
	q->next_scan = q->now.mono + REST;
}

void scan_new(struct sched *q)
{
	static DIR *d;
	struct dirent *e;
	int n = 0;
	int left = 0;

	q->next_scan = q->now.mono + SCAN_PAUSE;
	if (d == NULL && (d = open_dir(q->new)) == NULL) {
		scan_failed(q);
		return;
	}
	rewinddir(d);
	while (n < SCAN_BATCH && (errno = 0, e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if (take_new(q, e->d_name) == 0)
			n++;
		else if (++left == UNMOVED_MAX)
			break;
	}
	q->scan = n == SCAN_BATCH;
	if (n < SCAN_BATCH && left < UNMOVED_MAX && errno != 0)
		scan_failed(q);
}
