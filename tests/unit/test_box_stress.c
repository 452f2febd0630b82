/* box: several sessions and a foreign program change one folder at once. What a session
 * has shown must fit what every other has shown, and in the end all must be of one mind.
 * BOX_STRESS_MS: how long (2000); BOX_STRESS_SEED. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "exact.h"
#include "maildir/box.h"
#include "scratch.h"

enum { SESSIONS = 4, FOREIGN = 2, UIDS = 1 << 18, STATES = 1 << 21 };

/* What anybody has shown, for all processes. */
struct shown {
	uint64_t base[2][UIDS]; /* of a folder's uid, as a hash */
	uint64_t key[STATES];   /* folder, uid and modseq */
	uint64_t value[STATES]; /* flags and keywords of it */
	uint32_t failed, lines;
	int64_t end;
};
static struct shown *shown;
static char top[40];
static uint32_t seed;
static const char *who;

static uint32_t chance(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void differ(const char *what, uint64_t a, uint64_t b)
{
	__atomic_store_n(&shown->failed, 1, __ATOMIC_SEQ_CST);
	if (__atomic_fetch_add(&shown->lines, 1, __ATOMIC_SEQ_CST) < 20)
		(void)fprintf(stderr, "%s: %s: %llx %llx errno %d\n", who, what,
			      (unsigned long long)a, (unsigned long long)b, errno);
}

static uint64_t hash(const char *p, size_t n)
{
	uint64_t h = 14695981039346656037U;

	while (n-- > 0)
		h = (h ^ (uint8_t)*p++) * 1099511628211U;
	return h | 1;
}

static void set_once(uint64_t *at, uint64_t v, const char *what, uint64_t id)
{
	uint64_t old = 0;

	if (!__atomic_compare_exchange_n(at, &old, v, 0, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST) &&
	    old != v)
		differ(what, id, old);
}

/* Whoever says first what belongs to a key is believed. */
static void check_pair(uint64_t key, uint64_t value, const char *what)
{
	size_t at = hash((const char *)&key, sizeof key) % STATES;

	for (size_t i = 0; i < STATES; i++, at = (at + 1) % STATES) {
		uint64_t old = 0;

		if (__atomic_compare_exchange_n(&shown->key[at], &old, key, 0,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
		    old == key)
			break;
	}
	set_once(&shown->value[at], value, what, key);
}

static void check_message(const struct msg *m, unsigned folder)
{
	uint64_t base = hash(m->name, strcspn(m->name, ",:"));

	set_once(&shown->base[folder][m->uid % UIDS], base, "a uid for two messages",
		 m->uid);
	/* no name of this test comes back when it was gone */
	check_pair(base ^ folder << 8, m->uid, "two uids for a message");
	check_pair((uint64_t)folder << 63 | (uint64_t)m->uid << 40 | m->modseq,
		   (m->keywords << 8 | m->flags) + 1, "one modseq, two states");
}

static void check(struct box *b, unsigned folder, uint64_t *highest)
{
	uint32_t last = 0;

	if (b->highestmodseq < *highest)
		differ("modseq went back", b->highestmodseq, *highest);
	*highest = b->highestmodseq;
	for (size_t i = 0; i < b->count; i++) {
		struct msg *m = box_at(b, i);

		if (m == NULL) {
			differ("no message", i, 0);
			return;
		}
		if (m->uid <= last || m->uid >= b->uidnext)
			differ("uids out of order", m->uid, last);
		last = m->uid;
		if (m->state & MSG_GONE)
			continue;
		check_message(m, folder);
		box_told(m);
		if (m->modseq > *highest)
			differ("modseq above the highest", m->modseq, *highest);
	}
}

static int dir(const char *name)
{
	char path[160];

	(void)snprintf(path, sizeof path, "%s/%s", top, name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static size_t choose(const struct box *b, uint32_t *at)
{
	size_t n = 0;

	for (size_t i = chance(5); i < b->count && n < 20; i += 1 + chance(5))
		at[n++] = (uint32_t)i;
	return n;
}

static void act(struct box *b)
{
	struct box_store s = {.how = (enum box_how)chance(3),
			      .flags = 1U << chance(6),
			      .keywords = chance(3) == 0 ? 1U << chance(2) : 0,
			      .unchangedsince =
				  chance(3) ? UINT64_MAX : b->highestmodseq};
	struct box_copied out;
	uint32_t at[20];
	size_t n = choose(b, at);
	int r = 0;
	int to;

	switch (chance(8)) {
	case 0:
		r = box_expunge(b, at, n > 3 ? 3 : n);
		break;
	case 1:
		to = dir("b");
		r = box_copy(b, at, n > 2 ? 2 : n, to, chance(2) == 0, &out);
		(void)close(to);
		break;
	case 2:
		r = box_copy(b, at, n > 3 ? 3 : n, b->dir, 0, &out);
		break;
	case 3:
		for (size_t i = 0; i < n; i++) {
			int fd = box_message(b, at[i]);

			if (fd == -1 && errno != ENOENT)
				r = -1;
			if (fd != -1)
				(void)close(fd);
		}
		break;
	default:
		r = box_store(b, at, n, &s);
	}
	if (r == -1)
		differ("an act failed", n, (uint64_t)errno);
}

static void session(int number)
{
	char name[24];
	uint64_t highest = 0;

	(void)snprintf(name, sizeof name, "session %d", number);
	who = name;
	while (clock_mono_ms() < shown->end) {
		struct box b;
		unsigned folder = chance(4) == 0;
		int fd = dir(folder ? "b" : "a");

		highest = 0;
		if (box_open(&b, fd, chance(2) ? BOX_CLAIM : 0) == -1) {
			differ("cannot open", 0, (uint64_t)errno);
			return;
		}
		for (uint32_t i = chance(60); i > 0 && clock_mono_ms() < shown->end;
		     i--) {
			check(&b, folder, &highest);
			if (chance(3) == 0)
				box_drop_gone(&b);
			act(&b);
			if (chance(4) == 0)
				box_drop_gone(&b);
			if (chance(10) == 0)
				box_rest(&b);
			if (box_sync(&b) == -1) {
				differ("cannot sync", 0, (uint64_t)errno);
				break;
			}
		}
		box_close(&b);
	}
}

/* mutt, or whoever: renames, removes, delivers, and knows nothing of us. */
static void foreign(int number)
{
	static unsigned count;
	char path[2][400];

	who = "foreign";
	while (clock_mono_ms() < shown->end) {
		DIR *d = fdopendir(dir(chance(2) ? "a/cur" : "a/new"));
		struct dirent *e;

		while (d != NULL && (e = readdir(d)) != NULL) {
			if (e->d_name[0] == '.' || chance(40) != 0)
				continue;
			(void)snprintf(path[0], sizeof path[0], "%s/a/cur/%s", top,
				       e->d_name);
			(void)snprintf(path[1], sizeof path[1], "%s/a/cur/%.*s:2,%sc",
				       top, (int)strcspn(e->d_name, ":"), e->d_name,
				       chance(2) ? "S" : "FS");
			if (chance(4) == 0)
				(void)unlink(path[0]);
			else
				(void)rename(path[0], path[1]);
		}
		if (d != NULL)
			(void)closedir(d);
		for (uint32_t i = chance(4); i > 0; i--) {
			int fd;

			(void)snprintf(path[0], sizeof path[0], "%s/a/tmp/%u.%d.%u", top,
				       1700000000 + count, number, count);
			(void)snprintf(path[1], sizeof path[1], "%s/a/new/%u.%d.%u", top,
				       1700000000 + count, number, count);
			count++;
			fd = open(path[0], O_WRONLY | O_CREAT | O_EXCL, 0600);
			if (fd == -1 || write(fd, "a\n", 2) != 2 || close(fd) == -1 ||
			    rename(path[0], path[1]) == -1)
				differ("cannot deliver", 0, 0);
		}
		(void)usleep(2000 + chance(5000));
	}
}

static size_t files_in(const char *name)
{
	DIR *d = fdopendir(dir(name));
	struct dirent *e;
	size_t n = 0;

	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static uint64_t mind(const char *name, size_t *count)
{
	struct box b;
	uint64_t h = 0;
	uint64_t highest = 0;

	assert_int_equal(box_open(&b, dir(name), 0), 0);
	check(&b, name[0] == 'b', &highest);
	*count = b.count;
	for (size_t i = 0; i < b.count; i++) {
		struct msg *m = box_at(&b, i);
		uint64_t all[] = {h,           m->uid,    m->flags,
				  m->keywords, m->modseq, hash(m->name, strlen(m->name))};

		h = hash((const char *)all, sizeof all);
	}
	box_close(&b);
	return h;
}

static void check_end(const char *name)
{
	char path[80];
	size_t n;
	size_t with_index;
	uint64_t before = mind(name, &with_index);
	uint64_t after;

	(void)snprintf(path, sizeof path, "%s/quoin-index", name);
	(void)unlinkat(dir("."), path, 0);
	after = mind(name, &n);
	assert_int_equal(n, with_index);
	assert_true(before == after);
	(void)snprintf(path, sizeof path, "%s/cur", name);
	with_index = files_in(path);
	(void)snprintf(path, sizeof path, "%s/new", name);
	assert_int_equal(n, with_index + files_in(path));
	if (getenv("BOX_STRESS_MS") != NULL)
		(void)fprintf(stderr, "%s: %zu messages\n", name, n);
}

static void test_all_at_once(void **state)
{
	const char *ms = getenv("BOX_STRESS_MS");
	const char *start = getenv("BOX_STRESS_SEED");
	int status;

	(void)state;
	shown->end = clock_mono_ms() + (ms != NULL ? strtol(ms, NULL, 10) : 2000);
	for (int i = 0; i < SESSIONS + FOREIGN; i++) {
		pid_t pid = fork();

		assert_true(pid != -1);
		if (pid == 0) {
			seed = (uint32_t)(start != NULL ? strtol(start, NULL, 10) : 1) *
				   977 +
			       (uint32_t)i;
			i < SESSIONS ? session(i) : foreign(i);
			_exit(0);
		}
	}
	for (int i = 0; i < SESSIONS + FOREIGN; i++) {
		assert_true(wait(&status) != -1);
		assert_int_equal(status, 0);
	}
	who = "end";
	check_end("a");
	check_end("b");
	assert_int_equal(shown->failed, 0);
}

static int setup(void **state)
{
	char path[64];

	(void)state;
	box_boot();
	shown = mmap(NULL, sizeof *shown, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)snprintf(top, sizeof top, "/tmp/test-stress-XXXXXX");
	if (shown == MAP_FAILED || mkdtemp(top) == NULL)
		return -1;
	for (const char *const *d =
		 (const char *const[]){"a", "a/new", "a/cur", "a/tmp", "b", "b/new",
				       "b/cur", "b/tmp", NULL};
	     *d != NULL; d++) {
		(void)snprintf(path, sizeof path, "%s/%s", top, *d);
		if (mkdir(path, 0700) == -1)
			return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)munmap(shown, sizeof *shown);
	return scratch_remove(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_all_at_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
