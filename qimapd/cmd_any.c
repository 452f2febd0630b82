/* Commands that need no mailbox, and those that come too late. */
#include <string.h>
#include <strings.h>

#include "capability.h"
#include "io.h"
#include "qlog.h"
#include "session.h"
#include "vanished.h"

enum { ID_PAIRS = 30, ID_KEY = 30, ID_VALUE = 1024 }; /* RFC 2971 3.3 */

void capability_put(void)
{
	io_puts("CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- ENABLE ID UNSELECT NAMESPACE "
		"CHILDREN IDLE UIDPLUS MOVE SPECIAL-USE CREATE-SPECIAL-USE LIST-EXTENDED "
		"LIST-STATUS ESEARCH SEARCHRES STATUS=SIZE CONDSTORE QRESYNC MULTIAPPEND "
		"BINARY WITHIN SAVEDATE SORT THREAD=REFERENCES THREAD=ORDEREDSUBJECT "
		"QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE NOTIFY UTF8=ACCEPT "
		"APPENDLIMIT=");
	io_number(session.appendlimit);
	if (!(session.on & ON_COMPRESS))
		io_puts(" COMPRESS=DEFLATE");
}

static void cmd_capability(struct command *c)
{
	if (has_words(c))
		return;
	io_puts("* ");
	capability_put();
	io_puts("\r\n");
	ok(c, "", "That is all.");
}

static void cmd_noop(struct command *c)
{
	if (!has_words(c))
		ok(c, "", "done");
}

static void cmd_logout(struct command *c)
{
	if (has_words(c))
		return;
	session_bye("Good bye.");
	ok_only(c, "", "done");
}

static void cmd_namespace(struct command *c)
{
	if (has_words(c))
		return;
	io_puts("* NAMESPACE ((\"\" \".\")) NIL NIL\r\n");
	ok(c, "", "done");
}

static void cmd_logged_in(struct command *c)
{
	bad(c, "You are logged in already.");
}

/* ---- ID (RFC 2971): one line of the log ---- */

static int take_pair(struct words *w, struct qlog *l)
{
	struct text key;
	struct text value;

	if (take_string(w, &key) == -1 || key.n > ID_KEY || take_space(w) == -1 ||
	    take_nstring(w, &value) == -1 || value.n > ID_VALUE)
		return -1;
	if (value.p == NULL)
		return 0;
	if (strcasecmp(key.p, "name") == 0)
		qlog_bytes(l, "name", value.p, value.n);
	else if (strcasecmp(key.p, "version") == 0)
		qlog_bytes(l, "version", value.p, value.n);
	return 0;
}

static int take_id(struct words *w, struct qlog *l)
{
	if (take_word(w, "NIL") == 0)
		return words_end(w) ? 0 : -1;
	if (take_char(w, '(') == -1)
		return -1;
	for (int n = 0; words_peek(w) != ')'; n++)
		if (n == ID_PAIRS || (n > 0 && take_space(w) == -1) ||
		    take_pair(w, l) == -1)
			return -1;
	return take_char(w, ')') == 0 && words_end(w) ? 0 : -1;
}

static void cmd_id(struct command *c)
{
	struct qlog l;

	qlog_begin(&l, "client-id");
	qlog_str(&l, "user", session.user);
	qlog_str(&l, "client", session.client);
	if (take_space(&c->w) == -1 || take_id(&c->w, &l) == -1) {
		bad(c, "ID wants NIL or a list of at most 30 pairs.");
		return;
	}
	qlog_end(&l);
	io_puts("* ID (\"name\" \"Quoin\")\r\n");
	ok(c, "", "done");
}

/* ---- ENABLE (RFC 9051 6.3.1) ---- */

static const struct {
	const char *name;
	unsigned on;
} extensions[] = {{"CONDSTORE", ON_CONDSTORE},
		  {"QRESYNC", ON_QRESYNC | ON_CONDSTORE},
		  {"IMAP4rev2", ON_REV2},
		  {"UTF8=ACCEPT", ON_UTF8}};

/* The extension's place; one that is not known, or on already, is passed over. */
static unsigned enable(const char *word)
{
	for (unsigned i = 0; i < sizeof extensions / sizeof *extensions; i++)
		if (strcasecmp(extensions[i].name, word) == 0 &&
		    (extensions[i].on & ~session.on) != 0)
			return 1U << i;
	return 0;
}

static void cmd_enable(struct command *c)
{
	unsigned new = 0;
	struct text word;

	do {
		if (take_space(&c->w) == -1 || take_atom(&c->w, &word) == -1) {
			bad(c, "ENABLE wants names of extensions.");
			return;
		}
		new |= enable(word.p);
	} while (!words_end(&c->w));
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
		if (new & 1U << i && extensions[i].on &ON_CONDSTORE)
			condstore_on();
	io_puts("* ENABLED");
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
		if (new & 1U << i) {
			session.on |= extensions[i].on;
			io_putc(' ');
			io_puts(extensions[i].name);
		}
	io_puts("\r\n");
	ok(c, "", "done");
}

static void cmd_compress(struct command *c)
{
	if (take_space(&c->w) == -1 || take_word(&c->w, "DEFLATE") == -1 ||
	    !words_end(&c->w)) {
		bad(c, "There is COMPRESS DEFLATE.");
		return;
	}
	if (session.on & ON_COMPRESS) {
		no(c, "COMPRESSIONACTIVE", "Compression is on.");
		return;
	}
	ok_only(c, "", "From here on.");
	if (io_compress() == -1) {
		session_bye("There is no memory.");
		return;
	}
	session.on |= ON_COMPRESS;
}

#define ANY (ST_AUTH | ST_SELECTED)

const struct verb verbs_any[] = {{"CAPABILITY", ANY, 0, cmd_capability},
				 {"NOOP", ANY, 0, cmd_noop},
				 {"LOGOUT", ANY, VERB_NO_UPDATE, cmd_logout},
				 {"ID", ANY, 0, cmd_id},
				 {"ENABLE", ANY, 0, cmd_enable},
				 {"COMPRESS", ANY, 0, cmd_compress},
				 {"NAMESPACE", ANY, 0, cmd_namespace},
				 {"LOGIN", ANY, 0, cmd_logged_in},
				 {"AUTHENTICATE", ANY, 0, cmd_logged_in},
				 {"STARTTLS", ANY, 0, cmd_logged_in},
				 {0}};
