#include "exact.h"

#include <stdio.h>
#include <time.h>

#include "../../qimapd/thread.h"
#include "sbuf.h"

enum { MOST = 12, MANY = 100000 };

/* date, message id, references, base subject, is_reply; in-reply-to where references has
 * a '!' before it */
struct mail {
	int64_t sent;
	const char *id, *refs, *subject;
	int is_reply;
};

static const struct {
	const char *name;
	struct mail m[MOST];
	const char *references, *ordered;
} cases[] = {
    {"none", {{0}}, "", ""},
    {"one", {{1, "<a@x>", "", "S", 0}}, "(1)", "(1)"},
    {"chain",
     {{1, "<a@x>", "", "S", 0},
      {2, "<b@x>", "<a@x>", "S", 1},
      {3, "<c@x>", "<a@x> <b@x>", "S", 1}},
     "(1 2 3)",
     "(1 (2)(3))"},
    {"branches",
     {{1, "<a@x>", "", "S", 0},
      {2, "<b@x>", "<a@x>", "S", 1},
      {3, "<c@x>", "<a@x>", "S", 1},
      {4, "<d@x>", "<a@x> <b@x>", "T", 1},
      {5, "<e@x>", "<a@x> <c@x>", "T", 1},
      {6, "<f@x>", "<a@x> <c@x>", "T", 1}},
     "(1 (2 4)(3 (5)(6)))",
     "(1 (2)(3))(4 (5)(6))"},
    {"in-reply-to",
     {{1, "<a@x>", "", "S", 0}, {2, "<b@x>", "!said <1 May> in <a@x> <z@x>", "T", 1}},
     "(1 2)",
     "(1)(2)"},
    {"no references in References",
     {{1, "<a@x>", "", "S", 0}, {2, "<b@x>", "none", "T", 1}},
     "(1)(2)",
     "(1)(2)"},
    {"by date, not by number",
     {{3, "<a@x>", "", "S", 0},
      {2, "<b@x>", "<a@x>", "T", 0},
      {1, "<c@x>", "<a@x>", "U", 0}},
     "(1 (3)(2))",
     "(3)(2)(1)"},
    {"same date: by number",
     {{1, "", "", "S", 0}, {1, "", "", "T", 0}, {1, "", "", "U", 0}},
     "(1)(2)(3)",
     "(1)(2)(3)"},
    {"a dummy with an only child",
     {{1, "<a@x>", "<z@x>", "S", 0}, {2, "<b@x>", "<a@x>", "S", 1}},
     "(1 2)",
     "(1 2)"},
    {"a dummy with two",
     {{2, "<a@x>", "<z@x>", "S", 0},
      {1, "<b@x>", "<z@x>", "T", 0},
      {1, "<c@x>", "", "U", 0}},
     "((2)(1))(3)",
     "(2)(3)(1)"},
    {"dummies of dummies",
     {{1, "<a@x>", "<z@x> <y@x>", "S", 0},
      {2, "<b@x>", "<z@x> <y@x> <w@x>", "T", 0},
      {3, "<c@x>", "<z@x>", "U", 0}},
     "((1)(2)(3))",
     "(1)(2)(3)"},
    {"a dummy below a message",
     {{1, "<a@x>", "", "S", 0},
      {2, "<b@x>", "<a@x> <z@x>", "T", 0},
      {3, "<c@x>", "<a@x> <z@x>", "U", 0}},
     "(1 (2)(3))",
     "(1)(2)(3)"},
    {"loops",
     {{1, "<a@x>", "<b@x>", "S", 0},
      {2, "<b@x>", "<a@x>", "T", 0},
      {3, "<c@x>", "<c@x>", "U", 0}},
     "(2 1)(3)",
     "(1)(2)(3)"},
    {"a loop in one field",
     {{1, "<a@x>", "<b@x> <c@x> <b@x> <a@x> <c@x>", "S", 0}, {2, "<b@x>", "", "T", 0}},
     "(2 1)",
     "(1)(2)"},
    {"the message's own word counts more",
     {{1, "<a@x>", "", "S", 0},
      {2, "<b@x>", "", "T", 0},
      {3, "<c@x>", "<a@x> <d@x>", "U", 0},
      {4, "<d@x>", "<b@x>", "V", 0}},
     "(1)(2 4 3)",
     "(1)(2)(3)(4)"},
    {"so does its silence",
     {{1, "<a@x>", "", "S", 0},
      {2, "<c@x>", "<a@x> <d@x>", "U", 0},
      {3, "<d@x>", "", "V", 0}},
     "(1)(3 2)",
     "(1)(2)(3)"},
    {"ids twice, and none",
     {{1, "<a@x>", "", "S", 0},
      {2, "<a@x>", "", "T", 0},
      {3, "", "<a@x>", "U", 0},
      {4, "x", "", "V", 0}},
     "(1 3)(2)(4)",
     "(1)(2)(3)(4)"},
    {"a reply by its subject",
     {{1, "<a@x>", "", "S", 0},
      {2, "<b@x>", "", "S", 1},
      {3, "<c@x>", "", "", 1},
      {4, "<d@x>", "", "", 0}},
     "(1 2)(3)(4)",
     "(1 2)(3 4)"},
    {"a reply that is older",
     {{1, "<a@x>", "", "S", 1}, {2, "<b@x>", "", "S", 0}},
     "(2 1)",
     "(1 2)"},
    {"two that are no replies",
     {{1, "<a@x>", "", "S", 0},
      {2, "<b@x>", "", "S", 0},
      {3, "<c@x>", "", "S", 1},
      {4, "<d@x>", "", "S", 0}},
     "((1)(2)(3)(4))",
     "(1 (2)(3)(4))"},
    {"two dummies of a subject",
     {{1, "<a@x>", "<y@x>", "S", 0},
      {2, "<b@x>", "<y@x>", "S", 0},
      {3, "<c@x>", "<z@x>", "S", 0},
      {4, "<d@x>", "<z@x>", "T", 0},
      {5, "<e@x>", "", "S", 0}},
     "((1)(2)(3)(4)(5))",
     "(1 (2)(3)(5))(4)"},
};

static struct thread_text text(const char *s)
{
	return (struct thread_text){s, s != NULL ? strlen(s) : 0};
}

static size_t fill(struct thread_msg *m, const struct mail *from)
{
	size_t n = 0;

	for (; n < MOST && from[n].id != NULL; n++) {
		const char *refs = from[n].refs;

		m[n] = (struct thread_msg){.number = (uint32_t)n + 1,
					   .is_reply = from[n].is_reply,
					   .sent = from[n].sent,
					   .id = text(from[n].id),
					   .subject = text(from[n].subject)};
		m[n].references = text(refs[0] == '!' ? "" : refs);
		m[n].inreplyto = text(refs[0] == '!' ? refs + 1 : "");
	}
	return n;
}

static void test_cases(void **state)
{
	struct sbuf out = SBUF_INIT(10000);
	struct thread_msg m[MOST];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = fill(m, cases[i].m);

		out.len = 0;
		assert_int_equal(thread_references(&out, m, n), 0);
		if (strcmp(sbuf_str(&out), cases[i].references) != 0)
			fail_msg("%s: %s", cases[i].name, out.p);
		out.len = 0;
		assert_int_equal(thread_orderedsubject(&out, m, n), 0);
		if (strcmp(sbuf_str(&out), cases[i].ordered) != 0)
			fail_msg("%s: ordered: %s", cases[i].name, out.p);
	}
	sbuf_free(&out);
}

/* ---- many: chains, in any order, and loops; each number once, brackets in pairs ---- */

static struct thread_msg *many;
static char (*ids)[32], (*refs)[80];

static void check_text(const char *p, size_t n, size_t messages)
{
	char *seen = calloc(messages + 1, 1);
	size_t numbers = 0, depth = 0;

	assert_non_null(seen);
	for (size_t i = 0; i < n;) {
		size_t v = 0;

		if (p[i] == '(' || p[i] == ')' || p[i] == ' ') {
			depth += p[i] == '(';
			depth -= p[i] == ')';
			assert_true(depth <= messages);
			i++;
			continue;
		}
		for (; i < n && p[i] >= '0' && p[i] <= '9'; i++)
			v = v * 10 + (size_t)(p[i] - '0');
		assert_true(v >= 1 && v <= messages && !seen[v]);
		seen[v] = 1;
		numbers++;
	}
	assert_int_equal(depth, 0);
	assert_int_equal(numbers, messages);
	free(seen);
}

static void run_many(const char *what, size_t n)
{
	struct sbuf out = SBUF_INIT(100 * (size_t)MANY);
	clock_t start = clock();

	assert_int_equal(thread_references(&out, many, n), 0);
	check_text(out.p, out.len, n);
	if (getenv("VERBOSE") != NULL)
		printf("%s: %.0f ms\n", what,
		       1000.0 * (double)(clock() - start) / CLOCKS_PER_SEC);
	sbuf_free(&out);
}

/* Message i answers up(i), UINT32_MAX: none; by In-Reply-To. */
static void set_many(size_t i, size_t id, size_t up)
{
	(void)snprintf(ids[i], sizeof ids[i], "<%zu@example.com>", id);
	refs[i][0] = '\0';
	if (up != SIZE_MAX)
		(void)snprintf(refs[i], sizeof refs[i], "<%zu@example.com>", up);
	many[i] = (struct thread_msg){.number = (uint32_t)i + 1,
				      .sent = (int64_t)(i * 7919 % MANY),
				      .id = text(ids[i]),
				      .inreplyto = text(refs[i])};
}

static void test_many(void **state)
{
	static uint32_t mixed[MANY];
	uint32_t r = 1;

	(void)state;
	many = calloc(MANY, sizeof *many);
	ids = calloc(MANY, sizeof *ids);
	refs = calloc(MANY, sizeof *refs);
	assert_true(many != NULL && ids != NULL && refs != NULL);
	if (many == NULL || ids == NULL || refs == NULL)
		return;
	for (size_t i = 0; i < MANY; i++)
		set_many(i, i, i == 0 ? SIZE_MAX : i - 1);
	run_many("a chain", MANY);
	for (size_t i = 0; i < MANY; i++)
		set_many(i, i, i + 1);
	run_many("a chain, backwards", MANY);
	for (size_t i = 0; i < MANY; i++)
		set_many(i, i, (i + 1) % MANY);
	run_many("a ring", MANY);
	for (uint32_t i = 0; i < MANY; i++)
		mixed[i] = i;
	for (uint32_t i = MANY - 1; i > 0; i--) {
		uint32_t k = (r = r * 1664525 + 1013904223) % (i + 1), was = mixed[i];

		mixed[i] = mixed[k];
		mixed[k] = was;
	}
	for (size_t i = 0; i < MANY; i++)
		set_many(i, mixed[i], mixed[i] == 0 ? SIZE_MAX : mixed[i] - 1);
	run_many("a chain, mixed", MANY);
	for (size_t i = 0; i < MANY; i++)
		set_many(i, i, i < 10 ? SIZE_MAX : i / 10);
	run_many("a tree", MANY);
	/* the end of a long chain answers a new beginning, again and again: each looks
	 * along the whole chain */
	for (size_t i = 0; i < MANY; i++)
		set_many(i, i < MANY / 2 ? i : 3 * (size_t)MANY - i,
			 i < MANY / 2 ? i + 1 : 3 * (size_t)MANY - i + 1);
	for (size_t i = MANY / 2; i < MANY; i++)
		(void)snprintf(refs[i], sizeof refs[i],
			       "<0@example.com> <%zu@example.com>", 5 * (size_t)MANY + i);
	for (size_t i = MANY / 2; i < MANY; i++)
		many[i].references = text(refs[i]);
	run_many("long walks", MANY);
	free(many);
	free(ids);
	free(refs);
}

static void test_limit(void **state)
{
	struct thread_msg m[2] = {{.number = 1}, {.number = 2}};
	struct sbuf out = SBUF_INIT(8);

	(void)state;
	assert_int_equal(sbuf_cats(&out, "abcd"), 0);
	assert_int_equal(thread_references(&out, m, 2), -1);
	assert_int_equal(out.len, 4);
	sbuf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
