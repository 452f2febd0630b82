/* Tagged answers of session.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "prog.h"
#include "qlimits.h"
#include "session.h"
#include "update.h"
#include "verbs.h"

static unsigned bads; /* in a row */

unsigned session_bads(void)
{
	return bads;
}

__attribute__((format(printf, 4, 0))) static void answer(const struct command *c,
							 const char *word,
							 const char *code,
							 const char *text, va_list ap)
{
	char line[LIMIT_TEXT + 1];

	(void)vsnprintf(line, sizeof line, text, ap);
	io_puts(c->tag);
	io_puts(word);
	if (code[0] != '\0') {
		io_putc('[');
		io_puts(code);
		io_puts("] ");
	}
	io_puts(line);
	io_puts("\r\n");
}

/* What others did is told before the answer, as far as this command allows. */
static void tell(const struct command *c)
{
	if (session.state != ST_SELECTED || c->verb == NULL ||
	    (c->verb->bits & VERB_NO_UPDATE))
		return;
	(void)update_look();
	update_tell((c->verb->bits & VERB_SILENT_SEQ) && !c->uid);
}

void ok(struct command *c, const char *code, const char *text, ...)
{
	va_list ap;

	bads = 0;
	tell(c);
	va_start(ap, text);
	answer(c, " OK ", code, text, ap);
	va_end(ap);
}

void ok_only(struct command *c, const char *code, const char *text, ...)
{
	va_list ap;

	bads = 0;
	va_start(ap, text);
	answer(c, " OK ", code, text, ap);
	va_end(ap);
}

void no(struct command *c, const char *code, const char *text, ...)
{
	va_list ap;

	tell(c);
	va_start(ap, text);
	answer(c, " NO ", code, text, ap);
	va_end(ap);
}

void bad(struct command *c, const char *text, ...)
{
	va_list ap;

	if (take_has_no_memory()) {
		errno = ENOMEM;
		no_errno(c, "read a command");
		return;
	}
	bads++;
	va_start(ap, text);
	answer(c, " BAD ", "", text, ap);
	va_end(ap);
}

int has_words(struct command *c)
{
	if (words_end(&c->w))
		return 0;
	bad(c, "%s has no arguments.", c->verb->name);
	return 1;
}

static const struct {
	int e;
	const char *code, *text;
	int is_ours; /* the host's fault: for the log */
} errors[] = {
    {ENOENT, "NONEXISTENT", "There is no such mailbox.", 0},
    {EEXIST, "ALREADYEXISTS", "There is one already.", 0},
    {EINVAL, "CANNOT", "That cannot be the name of a mailbox.", 0},
    {EILSEQ, "CANNOT", "That cannot be the name of a mailbox.", 0},
    {ENAMETOOLONG, "CANNOT", "That name is too long.", 0},
    {EPERM, "NOPERM", "That is not allowed.", 0},
    {EACCES, "NOPERM", "That is not allowed.", 1},
    {EROFS, "NOPERM", "The disk can only be read.", 1},
    {EBUSY, "INUSE", "Another program holds the mailbox.", 1},
    {EDQUOT, "OVERQUOTA", "The mailbox is full.", 0},
    {ENOSPC, "LIMIT", "The disk is full.", 1},
    {EMLINK, "LIMIT", "The mailbox has 64 keywords, and takes no other.", 0},
    {EFBIG, "LIMIT", "That is too large.", 0},
    {EMSGSIZE, "LIMIT", "That is too large.", 0},
    {EMFILE, "LIMIT", "Too many files are open.", 1},
    {ENFILE, "LIMIT", "Too many files are open.", 1},
    {ENOMEM, "LIMIT", "There is no memory.", 1},
    {ENOTDIR, "NONEXISTENT", "That is no mailbox.", 1},
    {ELOOP, "NONEXISTENT", "That is no mailbox.", 1},
};

void no_errno(struct command *c, const char *what)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].e == errno) {
			if (errors[i].is_ours)
				warn_sys(what);
			no(c, errors[i].code, "%s", errors[i].text);
			return;
		}
	warn_sys(what);
	no(c, "UNAVAILABLE", "That could not be done now.");
}
