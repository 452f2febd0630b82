/* What FETCH asks for (qimapd/fetch.h). */
#include "../../qimapd/fetch.h"

#include "exact.h"

#include "sbuf.h"

enum { SEEN = NEED_FILE | NEED_SEEN, PARTS = NEED_FILE | NEED_PARTS };

static const struct {
	const char *text;
	const char *labels; /* each with its blank; NULL: refused */
	unsigned needs;
} programs[] = {
    {"FLAGS", "FLAGS ", 0},
    {"flags", "FLAGS ", 0},
    {"(FLAGS)", "FLAGS ", 0},
    {"(FLAGS UID)", "FLAGS UID ", 0},
    {"(FLAGS FLAGS)", "FLAGS ", 0},
    {"ALL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE ",
     NEED_DATE | NEED_SIZE | NEED_DIGEST},
    {"FAST", "FLAGS INTERNALDATE RFC822.SIZE ", NEED_DATE | NEED_SIZE},
    {"FULL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY ",
     NEED_DATE | NEED_SIZE | NEED_DIGEST},
    {"BODY", "BODY ", NEED_DIGEST},
    {"BODYSTRUCTURE", "BODYSTRUCTURE ", NEED_DIGEST},
    {"(BODY BODYSTRUCTURE)", "BODY BODYSTRUCTURE ", NEED_DIGEST},
    {"MODSEQ", "MODSEQ ", 0},
    {"SAVEDATE", "SAVEDATE ", 0},
    {"RFC822", "RFC822 ", SEEN},
    {"RFC822.HEADER", "RFC822.HEADER ", NEED_FILE},
    {"RFC822.TEXT", "RFC822.TEXT ", SEEN},
    {"BODY[]", "BODY[] ", SEEN},
    {"body.peek[]", "BODY[] ", NEED_FILE},
    {"BODY[HEADER]", "BODY[HEADER] ", SEEN},
    {"BODY[text]", "BODY[TEXT] ", SEEN},
    {"BODY[1]", "BODY[1] ", SEEN | PARTS},
    {"BODY[1.2.3]", "BODY[1.2.3] ", SEEN | PARTS},
    {"BODY[4294967295]", "BODY[4294967295] ", SEEN | PARTS},
    {"BODY[1.MIME]", "BODY[1.MIME] ", SEEN | PARTS},
    {"BODY[1.2.HEADER]", "BODY[1.2.HEADER] ", SEEN | PARTS},
    {"BODY[1.TEXT]", "BODY[1.TEXT] ", SEEN | PARTS},
    {"BODY[]<0.1>", "BODY[]<0> ", SEEN},
    {"BODY[TEXT]<7.4294967295>", "BODY[TEXT]<7> ", SEEN},
    {"BODY.PEEK[HEADER.FIELDS (DATE)]", "BODY[HEADER.FIELDS (DATE)] ", NEED_FILE},
    {"BODY.PEEK[HEADER.FIELDS (\"Date\" From)]", "BODY[HEADER.FIELDS (Date From)] ",
     NEED_FILE},
    {"BODY.PEEK[HEADER.FIELDS ({4}\r\nDate From)]", "BODY[HEADER.FIELDS (Date From)] ",
     NEED_FILE},
    {"BODY.PEEK[HEADER.FIELDS (\"a b\\\"\")]", "BODY[HEADER.FIELDS (\"a b\\\"\")] ",
     NEED_FILE},
    {"BODY[HEADER.FIELDS.NOT (X)]<0.9>", "BODY[HEADER.FIELDS.NOT (X)]<0> ", SEEN},
    {"BODY[1.HEADER.FIELDS (X)]", "BODY[1.HEADER.FIELDS (X)] ", SEEN | PARTS},
    {"BINARY[]", "BINARY[] ", SEEN},
    {"BINARY[1]", "BINARY[1] ", SEEN | PARTS},
    {"BINARY.PEEK[1.2]<3.4>", "BINARY[1.2]<3> ", PARTS},
    {"BINARY.SIZE[2]", "BINARY.SIZE[2] ", PARTS},
    {"(FLAGS BODY[HEADER.FIELDS (A B)] UID)", "FLAGS BODY[HEADER.FIELDS (A B)] UID ",
     SEEN},
    {"FLAGS (CHANGEDSINCE 7)", "FLAGS MODSEQ ", 0},
    {"(MODSEQ) (CHANGEDSINCE 9223372036854775807)", "MODSEQ ", 0},
    {"UID (CHANGEDSINCE 7 VANISHED)", "UID MODSEQ ", 0},
    {"", NULL, 0},
    {"()", NULL, 0},
    {"(FLAGS", NULL, 0},
    {"FLAGS)", NULL, 0},
    {"(FLAGS  UID)", NULL, 0},
    {"(FLAGS )", NULL, 0},
    {"( FLAGS)", NULL, 0},
    {"FLAGS UID", NULL, 0},
    {"FLAGS ", NULL, 0},
    {"(ALL)", NULL, 0},
    {"(FAST UID)", NULL, 0},
    {"FLAGSX", NULL, 0},
    {"FLAGS[]", NULL, 0},
    {"RFC822[]", NULL, 0},
    {"BODY.PEEK", NULL, 0},
    {"BINARY", NULL, 0},
    {"BODY[", NULL, 0},
    {"BODY[0]", NULL, 0},
    {"BODY[01]", NULL, 0},
    {"BODY[1.]", NULL, 0},
    {"BODY[.1]", NULL, 0},
    {"BODY[1..2]", NULL, 0},
    {"BODY[1.0]", NULL, 0},
    {"BODY[4294967296]", NULL, 0},
    {"BODY[MIME]", NULL, 0},
    {"BODY[HEADER.1]", NULL, 0},
    {"BODY[HEADERX]", NULL, 0},
    {"BODY[ TEXT]", NULL, 0},
    {"BODY[TEXT ]", NULL, 0},
    {"BODY[HEADER.FIELDS]", NULL, 0},
    {"BODY[HEADER.FIELDS ()]", NULL, 0},
    {"BODY[HEADER.FIELDS (A  B)]", NULL, 0},
    {"BODY[HEADER.FIELDS (A]", NULL, 0},
    {"BODY[HEADER.FIELDS ({3}\r\na\nb)]", NULL, 0},
    {"BODY[]<0>", NULL, 0},
    {"BODY[]<0.0>", NULL, 0},
    {"BODY[]<1.2", NULL, 0},
    {"BODY[]<-1.2>", NULL, 0},
    {"BODY[]<99999999999999999999.2>", NULL, 0},
    {"BINARY[HEADER]", NULL, 0},
    {"BINARY[1.MIME]", NULL, 0},
    {"BINARY.SIZE[1]<0.1>", NULL, 0},
    {"FLAGS (CHANGEDSINCE)", NULL, 0},
    {"FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 2)", NULL, 0},
    {"FLAGS (VANISHED)", NULL, 0},
    {"FLAGS (CHANGEDSINCE 99999999999999999999)", NULL, 0},
    {"FLAGS (CHANGEDSINCE 7) ", NULL, 0},
    {"FLAGS ()", NULL, 0},
};

static void check(const char *text, const char *labels, unsigned needs)
{
	size_t n = strlen(text);
	char *p = exact(text, n);
	struct words w = {p, n, 0, 0};
	struct sbuf out = SBUF_INIT(100000);
	struct fetch f;
	int r = fetch_read(&f, &w, 0);

	if (r != (labels != NULL ? 0 : -1))
		fail_msg("%s: %d", text, r);
	for (size_t k = 0; r == 0 && k < f.n; k++)
		assert_int_equal(sbuf_cat(&out, f.item[k].label, f.item[k].nlabel), 0);
	if (r == 0 && labels != NULL &&
	    (strcmp(sbuf_str(&out), labels) != 0 || f.needs != needs))
		fail_msg("%s: %s, %x", text, sbuf_str(&out), f.needs);
	sbuf_free(&out);
	take_forget();
	free(p);
}

static void reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(programs); i++)
		check(programs[i].text, programs[i].labels, programs[i].needs);
}

static void uid_comes_by_itself(void **state)
{
	static const char *const texts[] = {"FLAGS", "(UID FLAGS)", "(FLAGS UID)"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct words w = {texts[i], strlen(texts[i]), 0, 0};
		struct fetch f;

		assert_int_equal(fetch_read(&f, &w, 1), 0);
		assert_int_equal(f.n, 2);
		assert_ptr_equal(f.item[0].put, put_uid);
		take_forget();
	}
}

/* What a client may pile up is limited. */
static void limits(void **state)
{
	struct sbuf text = SBUF_INIT(1000000);

	(void)state;
	assert_int_equal(sbuf_cats(&text, "BODY[1"), 0);
	for (int k = 1; k < SECTION_LEVELS; k++)
		assert_int_equal(sbuf_cats(&text, ".1"), 0);
	assert_int_equal(sbuf_cats(&text, "]"), 0);
	{
		struct words w = {text.p, text.len, 0, 0};
		struct fetch f;

		assert_int_equal(fetch_read(&f, &w, 0), 0);
		text.len--;
		assert_int_equal(sbuf_cats(&text, ".1]"), 0);
		w = (struct words){text.p, text.len, 0, 0};
		assert_int_equal(fetch_read(&f, &w, 0), -1);
	}
	sbuf_clear(&text);
	assert_int_equal(sbuf_cats(&text, "(BODY[]"), 0);
	for (int k = 0; k < FETCH_ITEMS; k++)
		assert_int_equal(sbuf_cats(&text, " BODY[]"), 0);
	assert_int_equal(sbuf_cats(&text, ")"), 0);
	check(sbuf_str(&text), NULL, 0);
	sbuf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads),
	    cmocka_unit_test(uid_comes_by_itself),
	    cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
