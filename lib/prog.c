#include "prog.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"
#include "logout.h"
#include "qlimits.h"

const char *prog_name = "quoin";

void prog_init(const char *name)
{
	prog_name = name;
}

/* Reasons may quote file names and foreign text: escaped, so that a line stays one. */
static void say(const char *word, const char *text)
{
	char clean[LIMIT_LOGLINE];
	char line[LIMIT_LOGLINE];
	int n;

	escape_log(clean, sizeof clean, text, strlen(text));
	n = snprintf(line, sizeof line, "%s: %s: %s\n", prog_name, word, clean);
	if (n >= (int)sizeof line) {
		n = (int)sizeof line - 1;
		line[n - 1] = '\n';
	}
	logout_line(line, (size_t)n);
	logout_flush(); /* who says this may end now */
}

__attribute__((format(printf, 2, 0))) static void say_v(const char *word, const char *fmt,
							va_list ap)
{
	char text[LIMIT_LOGLINE];

	(void)vsnprintf(text, sizeof text, fmt, ap);
	say(word, text);
}

__attribute__((format(printf, 2, 3))) static void say_f(const char *word, const char *fmt,
							...)
{
	va_list ap;

	va_start(ap, fmt);
	say_v(word, fmt, ap);
	va_end(ap);
}

void die_sys(int code, const char *what)
{
	say_f("fatal", "unable to %s: %s", what, strerror(errno));
	_exit(code);
}

void die_sys2(int code, const char *what, const char *file)
{
	say_f("fatal", "unable to %s %s: %s", what, file, strerror(errno));
	_exit(code);
}

void die_msg(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_v("fatal", fmt, ap);
	va_end(ap);
	_exit(code);
}

void die_usage(const char *usage)
{
	say("usage", usage);
	_exit(EXIT_PERM);
}

void warn_sys(const char *what)
{
	say_f("warning", "unable to %s: %s", what, strerror(errno));
}

void warn_sys2(const char *what, const char *file)
{
	say_f("warning", "unable to %s %s: %s", what, file, strerror(errno));
}

void warn_msg(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_v("warning", fmt, ap);
	va_end(ap);
}

void bug_msg(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_v("bug", fmt, ap);
	va_end(ap);
}
