/* box: each change of a folder, killed before each of its system calls, and with each call
 * that touches the disk failing once. Afterwards no told uid is another's, no message is
 * lost or doubled, a yes was true and a no left nothing half done. */
#include <errno.h>
#include <signal.h>

#include "boxdir.h"
#include "maildir/box_int.h"
#include "spoil.h"

enum { CALLS_MAX = 3000, MESSAGES = 5 };

/* What was told before the change. */
static struct told {
	uint32_t uid[MESSAGES];
	char base[MESSAGES][16];
	uint64_t modseq[MESSAGES];
	uint32_t uidvalidity, uidnext;
	uint64_t highest;
} told;

/* What is there after it. */
static struct found {
	size_t n;                 /* messages in a */
	unsigned flags[MESSAGES]; /* of those told; ~0: gone */
	uint64_t keywords[MESSAGES];
	size_t others;          /* in b */
	size_t arrived, in_tmp; /* of those that arrive */
} found;

static int target; /* the folder b */
static const uint32_t all[MESSAGES] = {0, 1, 2, 3, 4};

/* ---- the changes, in the child ---- */

static int do_store(struct box *b)
{
	struct box_store s = {
	    .how = BOX_ADD, .flags = MSG_FLAGGED, .unchangedsince = UINT64_MAX};

	return box_store(b, all, MESSAGES, &s);
}

static int do_words(struct box *b)
{
	struct box_store s = {
	    .how = BOX_ADD, .flags = MSG_FLAGGED, .unchangedsince = UINT64_MAX};
	int bit = box_keyword_bit(b, "work", 1);

	if (bit == -1)
		return -1;
	s.keywords = UINT64_C(1) << bit;
	return box_store(b, all, MESSAGES, &s);
}

static int do_expunge(struct box *b)
{
	return box_expunge(b, all, 3);
}

static int copy_or_move(struct box *b, int move)
{
	struct box_copied out;
	uint32_t at[] = {1, 2, 3};

	return box_copy(b, at, 3, target, move, &out);
}

static int do_copy(struct box *b)
{
	return copy_or_move(b, 0);
}

static int do_move(struct box *b)
{
	return copy_or_move(b, 1);
}

static int do_arrive(struct box *b)
{
	static const char *const words[] = {"new", NULL};
	struct box_arrival a[] = {{"t0", "2000.t0", MSG_SEEN, words},
				  {"t1", "2000.t1", 0, NULL}};
	struct box_copied out;

	return box_arrive(b->dir, a, 2, &out, NULL);
}

static void others(void)
{
	put("a/new/3000.n", "n\n");
	drop("a/cur/1004.m:2,");
	shift("a/cur/1003.m:2,", "a/cur/1003.m:2,S");
}

static int do_sync(struct box *b)
{
	return box_sync(b);
}

static int do_compact(struct box *b)
{
	box_state(b)->log.base = 0;
	box_state(b)->nruns = BOX_EXPUNGES * 2; /* it looks as if it paid */
	box_state(b)->runs = calloc(box_state(b)->nruns, sizeof(struct box_run));
	for (size_t i = 0; i < box_state(b)->nruns; i++)
		box_state(b)->runs[i] = (struct box_run){1, 1, 1};
	box_state(b)->nruns = BOX_EXPUNGES + BOX_EXPUNGES / 2 + 1;
	box_state(b)->index_off = 0;
	box_checkpoint(b);
	return 0;
}

enum { STORE = 1, WORDS = 2, EXPUNGE = 4, COPY = 8, MOVE = 16, ARRIVE = 32, SYNC = 64 };

static const struct op {
	const char *name;
	int (*run)(struct box *b);
	unsigned what;
} ops[] = {{"store", do_store, STORE},       {"store words", do_words, STORE | WORDS},
	   {"expunge", do_expunge, EXPUNGE}, {"copy", do_copy, COPY},
	   {"move", do_move, MOVE},          {"arrive", do_arrive, ARRIVE},
	   {"sync", do_sync, SYNC},          {"compact", do_compact, 0}};

/* ---- before and after ---- */

static void make(void)
{
	struct box b;
	char name[40];

	assert_int_equal(setup(NULL), 0);
	for (int i = 0; i < MESSAGES; i++) {
		(void)snprintf(name, sizeof name, "a/cur/%d.m:2,", 1000 + i);
		put(name, "a\n");
	}
	put("a/tmp/t0", "a\n");
	put("a/tmp/t1", "b\n");
	open_box(&b, "b", 0);
	box_close(&b);
	open_box(&b, "a", BOX_CLAIM);
	told.uidvalidity = b.uidvalidity;
	told.uidnext = b.uidnext;
	told.highest = b.highestmodseq;
	for (size_t i = 0; i < MESSAGES; i++) {
		struct msg *m = box_at(&b, i);

		told.uid[i] = m->uid;
		told.modseq[i] = m->modseq;
		(void)snprintf(told.base[i], sizeof told.base[i], "%.*s",
			       (int)strcspn(m->name, ":"), m->name);
	}
	box_close(&b);
}

static void look_at(const struct op *op, struct box *b)
{
	for (size_t i = 0; i < MESSAGES; i++) {
		size_t at = box_find(b, told.uid[i]);
		struct msg *m = at == b->count ? NULL : box_at(b, at);

		found.flags[i] = ~0U;
		if (m == NULL || m->uid != told.uid[i])
			continue;
		if (strncmp(m->name, told.base[i], strlen(told.base[i])) != 0)
			fail_msg("%s: uid %u is %s", op->name, m->uid, m->name);
		if (m->modseq == told.modseq[i] && (m->flags != 0 || m->keywords != 0))
			fail_msg("%s: a told modseq has another state", op->name);
		found.flags[i] = m->flags;
		found.keywords[i] = m->keywords;
	}
	found.n = b->count;
	for (size_t i = 0; i < b->count; i++)
		found.arrived += strncmp(box_at(b, i)->name, "2000.", 5) == 0;
	found.in_tmp = (size_t)is_there("a/tmp/t0") + (size_t)is_there("a/tmp/t1");
}

/* As the next session finds it. */
static void look(const struct op *op)
{
	struct box b;

	found = (struct found){0};
	open_box(&b, "a", BOX_CLAIM);
	if (b.uidvalidity != told.uidvalidity)
		fail_msg("%s: another uidvalidity", op->name);
	if (b.uidnext < told.uidnext || b.highestmodseq < told.highest)
		fail_msg("%s: a number went back", op->name);
	look_at(op, &b);
	box_close(&b);
	open_box(&b, "b", 0);
	found.others = b.count;
	box_close(&b);
}

static size_t with_flags(unsigned flags)
{
	size_t n = 0;

	for (size_t i = 0; i < MESSAGES; i++)
		n += found.flags[i] == flags;
	return n;
}

/* Whatever happened. */
static void check_whole(const struct op *op, int call)
{
	size_t gone = with_flags(~0U);
	size_t moved = op->what & MOVE ? found.others : 0;

	if (op->what & (STORE | WORDS | COPY | ARRIVE) && gone != 0)
		fail_msg("%s, call %d: %zu lost", op->name, call, gone);
	if (op->what & MOVE && gone != moved)
		fail_msg("%s, call %d: %zu gone, %zu there", op->name, call, gone, moved);
	if (op->what & ARRIVE && found.arrived + found.in_tmp != 2)
		fail_msg("%s, call %d: %zu arrived, %zu in tmp", op->name, call,
			 found.arrived, found.in_tmp);
	if (op->what & STORE && with_flags(0) + with_flags(MSG_FLAGGED) != MESSAGES)
		fail_msg("%s, call %d: flags of nobody", op->name, call);
	if (op->what & SYNC && found.n < MESSAGES - 1)
		fail_msg("%s, call %d: %zu messages", op->name, call, found.n);
}

/* All of it, or nothing. */
static void check_answer(const struct op *op, int call, int yes)
{
	size_t n = op->what & STORE           ? with_flags(MSG_FLAGGED)
		   : op->what & EXPUNGE       ? with_flags(~0U)
		   : op->what & (COPY | MOVE) ? found.others
		   : op->what & ARRIVE        ? found.arrived
					      : 0;
	size_t want = op->what & STORE                     ? MESSAGES
		      : op->what & (EXPUNGE | COPY | MOVE) ? 3
		      : op->what & ARRIVE                  ? 2
							   : 0;

	if (yes && n != want)
		fail_msg("%s, call %d: a false yes: %zu of %zu", op->name, call, n, want);
	if (yes && op->what & WORDS)
		for (size_t i = 0; i < MESSAGES; i++)
			assert_true(found.keywords[i] != 0);
	/* what was unlinked cannot come back; flags that are there may not be durable */
	if (!yes && n != 0 && !(op->what & EXPUNGE) && !(op->what & STORE && n == want))
		fail_msg("%s, call %d: half done: %zu of %zu", op->name, call, n, want);
}

/* ---- the child and its calls ---- */

static _Noreturn void child(const struct op *op)
{
	struct box b;

	target = folder("b");
	if (box_open(&b, folder("a"), 0) == -1)
		_exit(2);
	if (op->what & SYNC)
		others();
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 || raise(SIGSTOP) != 0)
		_exit(2);
	_exit(op->run(&b) == 0 ? 0 : 1);
}

/* Stops at call number n (each counts when it is entered). error 0: killed there. The
 * child's exit code; -1 killed; -2: it ended before. */
static int run(const struct op *op, int n, int error, int *touched)
{
	pid_t pid = fork();
	int status;
	int entered = 0;
	int count = 0;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		child(op);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*touched = 0;
	for (;;) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status))
			return *touched ? WEXITSTATUS(status) : -2;
		assert_true(WIFSTOPPED(status));
		entered = !entered;
		if (!entered || count++ != n)
			continue;
		*touched = 1;
		if (error == 0) {
			(void)kill(pid, SIGKILL);
			assert_int_equal(waitpid(pid, &status, 0), pid);
			return -1;
		}
#ifdef __x86_64__
		if (!is_of_disk(number(pid)))
			continue;
		spoil(pid, error);
		entered = 0;
#endif
	}
}

static void killed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ops); i++) {
		int n = 0;
		int r;

		for (r = -1; r == -1 && n < CALLS_MAX; n++) {
			int touched;

			make();
			r = run(&ops[i], n, 0, &touched);
			look(&ops[i]);
			check_whole(&ops[i], n);
			if (r == 0)
				check_answer(&ops[i], n, 1);
			assert_int_equal(teardown(NULL), 0);
		}
		if (r != -2)
			fail_msg("%s: %d calls, ended with %d", ops[i].name, n, r);
	}
}

static void failing(void **state, int error)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ops); i++)
		for (int n = 0; n < CALLS_MAX; n++) {
			int touched;
			int r;

			make();
			r = run(&ops[i], n, error, &touched);
			look(&ops[i]);
			check_whole(&ops[i], n);
			check_answer(&ops[i], n, r == 0 || r == -2);
			assert_int_equal(teardown(NULL), 0);
			if (r == -2)
				break;
			if (r > 1)
				fail_msg("%s, call %d: exit %d", ops[i].name, n, r);
		}
}

static void full_disk(void **state)
{
	failing(state, ENOSPC);
}

static void broken_disk(void **state)
{
	failing(state, EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(killed),
	    cmocka_unit_test(full_disk),
	    cmocka_unit_test(broken_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
