/* Which words are search keys, and in which order they are kept (qimapd/search.h). */
#include "../../qimapd/search.h"

#include "exact.h"

#include "sbuf.h"

static const struct {
	const char *text;
	const char *ops; /* postfix: a letter a key; NULL: refused */
	enum search_error error;
} searches[] = {
    {"ALL", "a", 0},
    {"all", "a", 0},
    {"(ALL)", "a", 0},
    {"((((ALL))))", "a", 0},
    {"SEEN DELETED", "ff&", 0},
    {"(SEEN DELETED)", "ff&", 0},
    {"(SEEN) DELETED", "ff&", 0},
    {"SEEN (DELETED FLAGGED) DRAFT", "fff&f&", 0},
    {"NOT SEEN", "f!", 0},
    {"NOT NOT NOT SEEN", "f!!!", 0},
    {"NOT (SEEN DELETED)", "ff&!", 0},
    {"OR SEEN DELETED", "ff|", 0},
    {"OR OR SEEN DELETED FLAGGED", "ff|f|", 0},
    {"OR NOT SEEN OR DELETED DRAFT", "f!ff||", 0},
    {"OR (SEEN DRAFT) (DELETED) ALL", "ff&f|a&", 0},
    {"NOT OR SEEN DELETED ALL", "ff|!a&", 0},
    {"1:3", "n", 0},
    {"1,5 UID 7:*", "nu&", 0},
    {"*", "n", 0},
    {"$", "u", 0},
    {"$ NOT $", "uu!&", 0},
    {"SUBJECT x", "d", 0},
    {"SUBJECT \"a b\" FROM {3}\r\n) (", "dd&", 0},
    {"HEADER Subject x", "d", 0},
    {"HEADER Subject \"\"", "h", 0},
    {"HEADER X-Foo x", "h", 0},
    {"BODY a TEXT b", "tt&", 0},
    {"BEFORE 1-Feb-1994 ON \"1-Feb-1994\" SENTSINCE 01-feb-1994", "DDs&", 0},
    {"OLDER 1 YOUNGER 4294967295", "DD&", 0},
    {"LARGER 0 SMALLER 9223372036854775807", "ss&", 0},
    {"KEYWORD $Forwarded UNKEYWORD $forwarded", "ff&", 0},
    {"MODSEQ 0", "m", 0},
    {"MODSEQ \"/flags/\\\\draft\" all 620162338", "m", 0},
    {"NEW OLD RECENT", "rrr&", 0},
    {"SAVEDATESUPPORTED SAVEDON 1-Jan-2020", "av&", 0},
    {"", NULL, SEARCH_BAD},
    {" ALL", NULL, SEARCH_BAD},
    {"ALL ", NULL, SEARCH_BAD},
    {"ALL  ALL", NULL, SEARCH_BAD},
    {"()", NULL, SEARCH_BAD},
    {"(ALL", NULL, SEARCH_BAD},
    {"ALL)", NULL, SEARCH_BAD},
    {"(ALL))", NULL, SEARCH_BAD},
    {"( ALL)", NULL, SEARCH_BAD},
    {"(ALL )", NULL, SEARCH_BAD},
    {"ALL(ALL)", NULL, SEARCH_BAD},
    {"NOT", NULL, SEARCH_BAD},
    {"NOT ", NULL, SEARCH_BAD},
    {"NOT)", NULL, SEARCH_BAD},
    {"(NOT)", NULL, SEARCH_BAD},
    {"OR ALL", NULL, SEARCH_BAD},
    {"(OR ALL) ALL", NULL, SEARCH_BAD},
    {"OR (ALL ALL)", NULL, SEARCH_BAD},
    {"SEENX", NULL, SEARCH_BAD},
    {"SUBJECT", NULL, SEARCH_BAD},
    {"SUBJECT ", NULL, SEARCH_BAD},
    {"SUBJECT {9}\r\nx", NULL, SEARCH_BAD},
    {"HEADER x", NULL, SEARCH_BAD},
    {"BEFORE 30-Feb-1994", NULL, SEARCH_BAD},
    {"BEFORE x", NULL, SEARCH_BAD},
    {"OLDER 0", NULL, SEARCH_BAD},
    {"OLDER 4294967296", NULL, SEARCH_BAD},
    {"LARGER -1", NULL, SEARCH_BAD},
    {"LARGER 99999999999999999999", NULL, SEARCH_BAD},
    {"KEYWORD", NULL, SEARCH_BAD},
    {"UID", NULL, SEARCH_BAD},
    {"UID 0", NULL, SEARCH_BAD},
    {"1:4294967296", NULL, SEARCH_BAD},
    {"MODSEQ \"/flags\" some 1", NULL, SEARCH_BAD},
    {"MODSEQ x", NULL, SEARCH_BAD},
    {"CHARSET UTF-8 ALL", NULL, SEARCH_BAD},
};

static char letter(const struct search_key *k)
{
	static const char letters[] = {
	    [SEARCH_AND] = '&',     [SEARCH_OR] = '|',      [SEARCH_NOT] = '!',
	    [SEARCH_ALL] = 'a',     [SEARCH_FLAGS] = 'f',   [SEARCH_RECENT] = 'r',
	    [SEARCH_KEYWORD] = 'k', [SEARCH_NUMBERS] = 'n', [SEARCH_UIDS] = 'u',
	    [SEARCH_MODSEQ] = 'm',  [SEARCH_SAVED] = 'v',   [SEARCH_DATE] = 'D',
	    [SEARCH_SIZE] = 's',    [SEARCH_SENT] = 's',    [SEARCH_FIELD] = 'd',
	    [SEARCH_HEADER] = 'h',  [SEARCH_TEXT] = 't'};

	return letters[k->op];
}

static void check(const char *text, size_t n, const char *charset, const char *ops,
		  enum search_error error)
{
	char *p = exact(text, n);
	struct words w = {p, n, 0, 0};
	struct search s;
	int r = search_read(&s, &w, charset);
	char got[64] = "";

	if (r != (ops != NULL ? 0 : -1) || s.error != error)
		fail_msg("%.100s: %d, error %d", text, r, s.error);
	for (size_t k = 0; r == 0 && k < s.n && k < sizeof got - 1; k++)
		got[k] = letter(&s.key[k]);
	if (ops != NULL && ops[0] != '\0')
		assert_string_equal(got, ops);
	search_free(&s);
	take_forget();
	free(p);
}

static void reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(searches); i++)
		check(searches[i].text, strlen(searches[i].text), NULL, searches[i].ops,
		      searches[i].error);
}

static void charsets(void **state)
{
	(void)state;
	check("SUBJECT x", 9, "UTF-8", "d", 0);
	check("SUBJECT x", 9, "us-ascii", "d", 0);
	check("SUBJECT {1}\r\n\xe9", 14, "ISO-8859-1", "d", 0);
	check("SUBJECT x", 9, "X-UNKNOWN", NULL, SEARCH_CHARSET);
	check("ALL", 3, "", NULL, SEARCH_CHARSET);
}

/* Depth, number of keys, a needle's size: each has its limit, and just below it all is well. */
static void limits(void **state)
{
	struct sbuf b = SBUF_INIT(1 << 20);

	(void)state;
	for (int k = 1; k < SEARCH_DEPTH; k++)
		assert_int_equal(sbuf_cats(&b, "NOT "), 0);
	assert_int_equal(sbuf_cats(&b, "ALL"), 0);
	check(b.p, b.len, NULL, "", 0);
	sbuf_clear(&b);
	for (int k = 0; k < SEARCH_DEPTH; k++)
		assert_int_equal(sbuf_cats(&b, "("), 0);
	check(b.p, b.len, NULL, NULL, SEARCH_LIMIT);
	sbuf_clear(&b);
	for (int k = 1; k < SEARCH_KEYS; k++)
		assert_int_equal(sbuf_cats(&b, k > 1 ? " ALL" : "ALL"), 0);
	check(b.p, b.len, NULL, "", 0);
	assert_int_equal(sbuf_cats(&b, " ALL"), 0);
	check(b.p, b.len, NULL, NULL, SEARCH_LIMIT);
	sbuf_clear(&b);
	assert_int_equal(sbuf_catf(&b, "BODY {%d}\r\n", NEEDLE_MAX + 1), 0);
	for (int k = 0; k <= NEEDLE_MAX; k++)
		assert_int_equal(sbuf_cats(&b, "x"), 0);
	check(b.p, b.len, NULL, NULL, SEARCH_LIMIT);
	sbuf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads),
	    cmocka_unit_test(charsets),
	    cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
