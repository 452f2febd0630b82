#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../qinject/options.h"
#include "qfile.h"

enum { WORDS = 12 };

struct option_case {
	const char *name;
	const char *argv[WORDS];
	const char *out; /* mode t i v q f=… F=… : recipients; NULL: refused */
};

static const struct option_case cases[] = {
    {"nothing", {0}, "m:"},
    {"recipient", {"a"}, "m: a"},
    {"cron",
     {"-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root"},
     "mi F=CronDaemon: root"},
    {"PHP", {"-t", "-i"}, "mti:"},
    {"PHP with sender", {"-t", "-i", "-fwww@x"}, "mti f=www@x:"},
    {"mutt", {"-oem", "-oi", "-f", "me@x", "--", "a", "b"}, "mi f=me@x: a b"},
    {"s-nail", {"-i", "-r", "me@x", "--", "a"}, "mi f=me@x: a"},
    {"git", {"-i", "a@x"}, "mi: a@x"},
    {"letters together", {"-ti"}, "mti:"},
    {"letters with an argument", {"-tif", "x"}, "mti f=x:"},
    {"letters with it attached", {"-tifx"}, "mti f=x:"},
    {"empty sender", {"-f", "", "a"}, "m f=: a"},
    {"SMTP", {"-bs"}, "s:"},
    {"SMTP in two words", {"-b", "s"}, "s:"},
    {"list", {"-bp"}, "p:"},
    {"aliases", {"-bi"}, "a:"},
    {"aliases, short", {"-I"}, "a:"},
    {"deliver", {"-bm", "a"}, "m: a"},
    {"daemon", {"-bd"}, NULL},
    {"daemon with queue", {"-bd", "-q30m"}, NULL},
    {"daemon in front", {"-bD"}, NULL},
    {"address test", {"-bt"}, NULL},
    {"verify", {"-bv", "a"}, NULL},
    {"queue run", {"-q"}, "mq:"},
    {"queue run, often", {"-q30m"}, "mq:"},
    {"queue run does not eat a word", {"-q", "a"}, "mq: a"},
    {"DSN", {"-N", "success,failure", "-R", "hdrs", "-V", "id", "a"}, "m NSF RH V=id: a"},
    {"DSN attached", {"-Nnever", "-Rfull", "-Vid", "a"}, "m NN RF V=id: a"},
    {"DSN, xtext", {"-V", "a+2Bb", "a"}, "m V=a+2Bb: a"},
    {"DSN, plain", {"-V", "a b=c", "a"}, "m V=a+20b+3Dc: a"},
    {"DSN, no such condition", {"-N", "always", "a"}, NULL},
    {"DSN, never and more", {"-N", "never,delay", "a"}, NULL},
    {"DSN, no condition", {"-N", "", "a"}, NULL},
    {"DSN, how much", {"-R", "half", "a"}, NULL},
    {"DSN, empty id", {"-V", "", "a"}, NULL},
    {"DSN, 8-bit id", {"-V", "\xc3\xa4", "a"}, NULL},
    {"ignored with argument", {"-C", "/tmp/x", "-X", "/tmp/y", "-O", "A=b", "a"}, "m: a"},
    {"ignored, attached", {"-C/tmp/x", "-X/tmp/y", "-OA=b", "-Ac", "a"}, "m: a"},
    {"old settings", {"-om", "-o7", "-odb", "-oQ/tmp", "a"}, "m: a"},
    {"error mode", {"-em", "-eq", "a"}, "m: a"},
    {"verbose", {"-v", "a"}, "mv: a"},
    {"no aliases", {"-n", "-m", "-U", "-G", "-x", "-c", "a"}, "m: a"},
    {"hops", {"-h", "3", "a"}, "m: a"},
    {"debugging", {"-d0.1", "-d", "a"}, "m: a"},
    {"unknown", {"-Y", "-Zt", "a"}, "m: a"},
    {"end of options", {"--", "-a"}, "m: -a"},
    {"option behind a recipient", {"a", "-t"}, NULL},
    {"a lone dash is no option", {"-"}, NULL},
    {"argument missing", {"-f"}, NULL},
    {"argument missing behind letters", {"-tF"}, NULL},
    {"line feed in a sender", {"-f", "a\nb"}, NULL},
    {"line feed in a name", {"-FA\nBcc: x", "a"}, NULL},
    {"CR in a recipient", {"a\rb"}, NULL},
    {"line feed in what is ignored", {"-X", "a\nb"}, NULL},
    {"delete", {"a\x7f"}, NULL},
};

static void describe(const struct options *o, char *out, size_t size)
{
	char notify[4];
	size_t n = (size_t)snprintf(out, size, "%c%s%s%s%s", "mspa"[o->mode],
				    o -> from_header ? "t" : "", o->dots ? "i" : "",
				    o->verbose ? "v" : "", o->queue_run ? "q" : "");

	if (o->sender != NULL)
		n += (size_t)snprintf(out + n, size - n, " f=%s", o->sender);
	if (o->name != NULL)
		n += (size_t)snprintf(out + n, size - n, " F=%s", o->name);
	if (o->notify != 0)
		n += (size_t)snprintf(out + n, size - n, " N%s",
				      notify_text(o->notify, notify));
	if (o->ret != '\0')
		n += (size_t)snprintf(out + n, size - n, " R%c", o->ret);
	if (*o->envid != '\0')
		n += (size_t)snprintf(out + n, size - n, " V=%s", o->envid);
	n += (size_t)snprintf(out + n, size - n, ":");
	for (char *const *r = o->recips; *r != NULL; r++)
		n += (size_t)snprintf(out + n, size - n, " %s", *r);
}

static void test_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *argv[WORDS + 2] = {"sendmail"};
		struct options o = {.mode = MODE_DELIVER};
		char out[300] = "refused";
		const char *want = cases[i].out != NULL ? cases[i].out : "refused";

		memcpy(argv + 1, cases[i].argv, sizeof cases[i].argv);
		if (options_parse(&o, (char *const *)argv) == 0)
			describe(&o, out, sizeof out);
		if (strcmp(out, want) != 0)
			fail_msg("%s: %s, not %s", cases[i].name, out, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_options)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
