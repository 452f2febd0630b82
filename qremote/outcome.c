#include "outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"

void outcome_begin(struct outcome *o, size_t count)
{
	o->count = count;
	o->decided = o->failed = 0;
	memset(o->letter, 0, sizeof o->letter);
}

static void set(struct outcome *o, size_t i, char letter, const char *text)
{
	if (o->letter[i] != 0)
		return;
	o->letter[i] = letter;
	o->decided++;
	o->failed += letter != 'K' && letter != 'R';
	(void)escape_text(o->text[i], sizeof o->text[i], text, strlen(text));
}

void outcome_set(struct outcome *o, size_t i, char letter, const char *fmt, ...)
{
	char text[2 * LIMIT_TEXT + 2 * LIMIT_ADDRESS];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	set(o, i, letter, text);
}

void outcome_rest(struct outcome *o, char letter, const char *fmt, ...)
{
	char text[2 * LIMIT_TEXT + 2 * LIMIT_ADDRESS];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < o->count; i++)
		set(o, i, letter, text);
}
