#include "answer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"

void answer_set(struct answer *a, char letter, const char *fmt, ...)
{
	char text[2 * LIMIT_TEXT];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	a->letter = letter;
	(void)escape_text(a->text, sizeof a->text, text, strlen(text));
}

void answer_errno(struct answer *a, const char *what, const char *file)
{
	answer_set(a, LATER, "unable to %s %s: %s (#4.3.0)", what, file, strerror(errno));
}
