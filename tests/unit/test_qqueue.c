/* qqueue's own units: the protocol's parts, limits of uids, ids over restarts and clock
 * steps, and a message on its way to the disk. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exact.h"

#include "../../qqueue/draft.h"
#include "../../qqueue/frame.h"
#include "../../qqueue/ids.h"
#include "../../qqueue/quota.h"
#include "clock.h"
#include "qfile.h"

static char dir[] = "/tmp/test_qqueue.XXXXXX";
static char lock_path[64];
static int tmp_dir;
static int new_dir;
static struct syncer syncer;

static int make_dir(const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	return mkdir(path, 0700) == -1 ? -1 : open(path, O_RDONLY | O_DIRECTORY);
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(lock_path, sizeof lock_path, "%s/qlock", dir);
	tmp_dir = make_dir("tmp");
	new_dir = make_dir("new");
	return tmp_dir == -1 || new_dir == -1 || syncer_open(&syncer, 2) == -1 ||
		       syncer_start(&syncer) == -1
		   ? -1
		   : 0;
}

/* Fails where a test left something behind. */
static int remove_dir(const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	return rmdir(path);
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(lock_path);
	return remove_dir("tmp") == -1 || remove_dir("new") == -1 ? -1 : rmdir(dir);
}

/* ---- frame ---- */

/* Letters: e bytes of an envelope, E its end, m of a message, M its end, x an error. */
static void read_frames(const char *in, size_t n, size_t step, char *out)
{
	struct frame f;
	size_t taken = 0;

	frame_init(&f);
	while (taken < n) {
		size_t part = n - taken < step ? n - taken : step;
		char *piece = exact(in + taken, part);
		const char *p = piece;

		taken += part;
		while (part > 0) {
			const char *bytes;
			size_t len = 1;
			int event = frame_next(&f, &p, &part, &bytes, &len);

			if (event == -1) {
				*out++ = 'x';
				part = 0;
				taken = n;
			} else if (event != FRAME_MORE) {
				static const char letters[] = " eEmM";
				int many =
				    event == FRAME_BYTES || event == FRAME_ENVELOPE_BYTES;

				for (size_t i = 0; i < (many ? len : 1); i++)
					*out++ = letters[event];
			}
		}
		free(piece);
	}
	*out = '\0';
}

static void test_frames(void **state)
{
	static const struct {
		const char *in;
		const char *want;
	} row[] = {
	    {"3:env,4:mess,0:,", "eeeEmmmmM"},
	    {"3:env,1:a,2:bc,0:,", "eeeEmmmM"},
	    {"3:env,0:,", "eeeEM"},
	    {"0:,0:,", "EM"},
	    {"1:a,1:b,0:,1:c,0:,", "eEmMeEM"},
	    {"3:en", "ee"},
	    {"3:env,2:m", "eeeEm"},
	    {"", ""},
	    {"3:envX", "eeex"},
	    {"8388609:", "x"},
	    {"1:a,65537:", "eEx"},
	    {"1:a,00:,", "eEx"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++)
		for (size_t step = 1; step < 20; step++) {
			char got[100];

			read_frames(row[i].in, strlen(row[i].in), step, got);
			assert_string_equal(got, row[i].want);
		}
}

/* ---- quota ---- */

static void test_quota(void **state)
{
	struct quota q = {.limit = {2, 100, 10}, .untrusted_max = 3};
	struct account *a;
	struct account *b;
	struct account *t;

	(void)state;
	assert_int_equal(quota_trust(&q, 7), 0);
	a = quota_enter(&q, 1000);
	assert_ptr_equal(quota_enter(&q, 1000), a);
	assert_null(quota_enter(&q, 1000)); /* its own limit */
	assert_int_equal(errno, EDQUOT);
	b = quota_enter(&q, 1001);
	assert_non_null(b);
	assert_null(quota_enter(&q, 1002)); /* that of all */
	t = quota_enter(&q, 7);
	assert_true(t->trusted);
	for (int i = 0; i < 5; i++)
		assert_ptr_equal(quota_enter(&q, 7), t);
	assert_int_equal(quota_bytes(&q, a, 100), 0);
	assert_int_equal(quota_bytes(&q, a, 1), -1);
	assert_int_equal(errno, EDQUOT);
	assert_int_equal(quota_bytes(&q, b, 101), -1);
	assert_int_equal(quota_bytes(&q, b, SIZE_MAX), -1);
	assert_int_equal(quota_envelope(&q, b, 11), -1);
	assert_int_equal(quota_envelope(&q, b, 10), 0);
	assert_int_equal(quota_bytes(&q, t, 1000000), 0);
	quota_leave(&q, b);
	b = quota_enter(&q, 1002);
	assert_non_null(b);
	quota_leave(&q, b);
	quota_leave(&q, a);
	quota_leave(&q, a);
	for (int i = 0; i < 6; i++)
		quota_leave(&q, t);
	assert_null(q.list);
	assert_int_equal(q.untrusted, 0);
	for (int i = 1; i < QUOTA_TRUSTED_MAX; i++)
		assert_int_equal(quota_trust(&q, 8), 0);
	assert_int_equal(quota_trust(&q, 8), -1);
}

/* ---- ids ---- */

/* Give back what the worker has synced. */
static void collect(void)
{
	struct pollfd p = {syncer.fd, POLLIN, 0};

	assert_int_equal(poll(&p, 1, 5000), 1);
	syncer_finish(&syncer);
}

static uint64_t file_mark(void)
{
	char buf[32] = "";
	int fd = open(lock_path, O_RDONLY);

	assert_int_equal(read(fd, buf, sizeof buf - 1), 21);
	(void)close(fd);
	return strtoull(buf, NULL, 10);
}

static uint64_t next(struct ids *ids, uint64_t above)
{
	char id[QID_LEN + 1];
	uint64_t ns;

	assert_int_equal(ids_next(ids, &syncer, id), 0);
	assert_int_equal(qid_parse(id, &ns), 0);
	assert_true(ns > above);
	assert_true(file_mark() > ns); /* written ahead */
	return ns;
}

static void test_ids(void **state)
{
	struct ids ids;
	uint64_t last = 0;

	(void)state;
	assert_int_equal(ids_open(&ids, lock_path), 0);
	for (int i = 0; i < 100; i++)
		last = next(&ids, last);
	collect();
	(void)close(ids.fd); /* a crash */
	for (int crash = 0; crash < 5; crash++) {
		assert_int_equal(ids_open(&ids, lock_path), 0);
		last = next(&ids, last);
		collect();
		(void)close(ids.fd);
	}
	/* crashes cost one far mark, then little: ids do not run away from the clock */
	assert_true(last < clock_wall_ns() + 61 * UINT64_C(1000000000));
	assert_int_equal(ids_open(&ids, lock_path), 0);
	ids_close(&ids); /* nothing was given */
	last = next(&ids, last);
	collect();
	ids_close(&ids);
	(void)close(ids.fd);
	assert_int_equal(file_mark(), last + 1);
}

/* ---- draft ---- */

#define ENV "Fa@b\0Tc@d"
#define ID  "28cKHvPncUP2IdY3l"

static void check_file(const char *message, size_t n)
{
	char head[QFILE_HEAD];
	struct qfile_head h;
	uint8_t sum_got[SUM_LEN];
	char *rest;
	struct sum s;
	int fd = openat(new_dir, ID, O_RDONLY);
	struct stat st;

	assert_int_not_equal(fd, -1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(read(fd, head, sizeof head), QFILE_HEAD);
	rest = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, rest, (size_t)st.st_size), st.st_size - QFILE_HEAD);
	assert_int_equal(qfile_unpack(head, &h), 0);
	assert_int_equal(h.env_len, 6 + sizeof ENV);
	assert_memory_equal(rest, "U1000\0" ENV, h.env_len);
	assert_int_equal(qfile_check(head, rest), 0);
	assert_int_equal(h.msg_len, n);
	assert_int_equal(st.st_size, QFILE_HEAD + h.env_len + n);
	assert_memory_equal(rest + h.env_len, message, n);
	sum_init(&s);
	sum_add(&s, message, n);
	sum_end(&s, sum_got);
	assert_memory_equal(sum_got, h.msg_sum, SUM_LEN);
	free(rest);
	(void)close(fd);
}

static void begin(struct draft *d)
{
	assert_int_equal(draft_begin(d, ID, tmp_dir, 1000), 0);
	assert_int_equal(draft_envelope(d, ENV, 3), 0);
	assert_int_equal(draft_envelope(d, &ENV[3], sizeof ENV - 3), 0);
	assert_int_equal(draft_envelope_end(d, 0), 0);
}

static void test_draft(void **state)
{
	static const size_t sizes[] = {0,
				       1,
				       4096,
				       DRAFT_BUFFER - 1,
				       DRAFT_BUFFER,
				       DRAFT_BUFFER + 1,
				       3 * DRAFT_BUFFER,
				       1000003};
	static char message[1000003];

	(void)state;
	for (size_t i = 0; i < sizeof message; i++)
		message[i] = (char)(i * 17 + i / 999);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct draft d;

		begin(&d);
		for (size_t at = 0; at < sizes[i]; at += 10000)
			assert_int_equal(
			    draft_add(&d, message + at,
				      sizes[i] - at < 10000 ? sizes[i] - at : 10000),
			    0);
		assert_int_equal(draft_commit(&d, new_dir), 0);
		check_file(message, sizes[i]);
		draft_drop(&d); /* what is committed stays */
		check_file(message, sizes[i]);
		assert_int_equal(unlinkat(new_dir, ID, 0), 0);
	}
}

static void test_dropped_draft(void **state)
{
	static char part[DRAFT_BUFFER];
	struct draft d;

	(void)state;
	begin(&d);
	assert_int_equal(draft_add(&d, part, sizeof part), 0);
	assert_int_equal(faccessat(tmp_dir, ID, F_OK, 0), 0);
	draft_drop(&d);
	assert_int_equal(faccessat(tmp_dir, ID, F_OK, 0), -1);
	draft_drop(&d);
}

static void test_envelopes(void **state)
{
	static const struct {
		const char *env;
		size_t n;
		int trusted;
		int error;
	} row[] = {
	    {ENV, sizeof ENV, 0, 0},
	    {"C::1\0" ENV, 5 + sizeof ENV, 1, 0},
	    {"C::1\0" ENV, 5 + sizeof ENV, 0, EPERM},
	    {"Lme\0" ENV, 4 + sizeof ENV, 0, EPERM},
	    {"U0\0" ENV, 3 + sizeof ENV, 1, EBADMSG},
	    {"", 0, 1, EBADMSG},
	    {ENV, sizeof ENV - 1, 1, EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct draft d;

		assert_int_equal(draft_begin(&d, ID, tmp_dir, 1000), 0);
		assert_int_equal(draft_envelope(&d, row[i].env, row[i].n), 0);
		assert_int_equal(draft_envelope_end(&d, row[i].trusted),
				 row[i].error == 0 ? 0 : -1);
		if (row[i].error != 0)
			assert_int_equal(errno, row[i].error);
		draft_drop(&d);
	}
}

static void test_full_envelope(void **state)
{
	static char much[LIMIT_ENVELOPE];
	struct draft d;

	(void)state;
	assert_int_equal(draft_begin(&d, ID, tmp_dir, 1000), 0);
	assert_int_equal(draft_envelope(&d, much, sizeof much - 6), 0);
	assert_int_equal(draft_envelope(&d, much, 1), -1);
	assert_int_equal(errno, EMSGSIZE);
	draft_drop(&d);
}

/* Errors at each stage leave nothing; descriptors of ours that are wrong make them. */
static void test_failing_draft(void **state)
{
	static char part[DRAFT_BUFFER];
	struct rlimit old;
	struct rlimit none;
	struct draft d;

	(void)state;
	begin(&d);
	assert_int_equal(draft_commit(&d, -1), -1); /* the rename fails */
	assert_int_equal(errno, EBADF);
	draft_drop(&d);
	begin(&d);
	d.tmp_dir = -1;
	assert_int_equal(draft_add(&d, part, sizeof part), -1); /* the open fails */
	assert_int_equal(errno, EBADF);
	draft_drop(&d);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	begin(&d);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(draft_commit(&d, new_dir), -1);
	assert_int_equal(errno, EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	draft_drop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_frames),        cmocka_unit_test(test_quota),
	    cmocka_unit_test(test_ids),           cmocka_unit_test(test_draft),
	    cmocka_unit_test(test_dropped_draft), cmocka_unit_test(test_envelopes),
	    cmocka_unit_test(test_full_envelope), cmocka_unit_test(test_failing_draft),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
