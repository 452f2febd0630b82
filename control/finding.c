#include "finding.h"

#include <stdarg.h>
#include <stdio.h>

#include "escape.h"
#include "qlimits.h"

static int json;
static const char *check;
static int problems;
static int findings; /* notes too */

/* A JSON string: what escape_text() leaves needs only the quote and the backslash
 * escaped. */
static void put_string(const char *s)
{
	(void)putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			(void)putchar('\\');
		(void)putchar(*s);
	}
	(void)putchar('"');
}

__attribute__((format(printf, 3, 0))) static void clean(char *out, size_t size,
							const char *fmt, va_list ap)
{
	char raw[LIMIT_LOGLINE];
	int n = vsnprintf(raw, sizeof raw, fmt, ap);

	if (n < 0)
		n = 0;
	else if ((size_t)n >= sizeof raw)
		n = sizeof raw - 1;
	(void)escape_text(out, size, raw, (size_t)n);
}

__attribute__((format(printf, 3, 0))) static void say(const char *level, char sign,
						      const char *fmt, va_list ap)
{
	char text[LIMIT_TEXT + 1];

	clean(text, sizeof text, fmt, ap);
	if (!json) {
		(void)printf("%c %s\n", sign, text);
		return;
	}
	(void)printf("%s{\"check\":\"%s\",\"level\":\"%s\",\"text\":",
		     findings > 0 ? "}," : "", check, level);
	put_string(text);
}

void finding_begin(int as_json)
{
	json = as_json;
	if (json)
		(void)putchar('[');
}

void finding_check(const char *name)
{
	check = name;
}

void problem(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("problem", '!', fmt, ap);
	va_end(ap);
	problems++;
	findings++;
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("note", '-', fmt, ap);
	va_end(ap);
	findings++;
}

__attribute__((format(printf, 2, 0))) static void add(const char *key, const char *fmt,
						      va_list ap)
{
	char text[LIMIT_TEXT + 1];

	clean(text, sizeof text, fmt, ap);
	if (!json) {
		(void)printf("...%s: %s\n", key, text);
		return;
	}
	(void)printf(",\"%s\":", key);
	put_string(text);
}

void remedy(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add("try", fmt, ap);
	va_end(ap);
}

void mended(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add("done", fmt, ap);
	va_end(ap);
	problems--;
}

int finding_end(void)
{
	if (json)
		(void)puts(findings > 0 ? "}]" : "]");
	return fflush(stdout) == 0 && !ferror(stdout) ? problems : -1;
}
