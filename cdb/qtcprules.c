/* qtcprules: compiles access rules for qlisten, in the layout of tcprules.
 *
 * Runs as the admin; reads control/tcp.smtp (or a file, or standard input), writes
 * control/tcp.smtp.cdb (or another) whole or not at all. A line that it does not
 * understand, or an address that stands there twice: an error with file, line and
 * reason. With -t it looks one address up and says which rule would decide.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "keys.h"
#include "num.h"
#include "paths.h"
#include "prog.h"
#include "sbuf.h"
#include "table.h"
#include "tcprule.h"
#include "text.h"

static const char usage[] = "qtcprules [-C dir] [-t ip [-n host]] [rules.cdb [file]]";

static struct build {
	struct text text;
	struct table_writer *w;
	struct keys keys;
	unsigned char has4[33]; /* prefix lengths in use */
	unsigned char has6[129];
} build;

static _Noreturn void bad(const char *why)
{
	text_bad(&build.text, build.text.line, "%s", why);
}

static void add(const char *key, const struct sbuf *rule)
{
	char *copy = strdup(key);

	if (copy == NULL)
		die_sys(EXIT_TEMP, "keep an address");
	make_entry(build.w, key, strlen(key), rule->p, rule->len);
	keys_add(&build.keys, copy, build.text.line);
} /* NOLINT(clang-analyzer-unix.Malloc): keys keeps it */

/* ---- what a rule says ---- */

/* ,NAME="VALUE" with any byte for the quotes */
static const char *take_variable(const char *p, const char *end, struct sbuf *rule)
{
	const char *equals = memchr(p, '=', (size_t)(end - p));
	const char *value;
	const char *close;

	if (*p != ',')
		bad("want a comma behind allow or deny, and between variables");
	if (equals == NULL || equals == p + 1 || equals + 1 == end)
		bad("a variable is not of the form NAME=\"VALUE\"");
	value = equals + 2;
	close = memchr(value, equals[1], (size_t)(end - value));
	if (close == NULL)
		bad("the quote of a value is not closed");
	if (sbuf_catc(rule, '+') == -1 ||
	    sbuf_cat(rule, p + 1, (size_t)(equals - p)) == -1 ||
	    sbuf_cat(rule, value, (size_t)(close - value)) == -1 ||
	    sbuf_catc(rule, '\0') == -1)
		bad("the line is too long");
	return close + 1;
}

static void take_instructions(const char *p, const char *end, struct sbuf *rule)
{
	int deny = strncmp(p, "deny", 4) == 0;

	if (deny && sbuf_catz(rule, "D") == -1)
		die_sys(EXIT_TEMP, "keep a rule");
	p += deny ? 4 : 5;
	while (p < end)
		p = take_variable(p, end, rule);
}

/* ---- whom it is about ---- */

/* A length that tcprules can say too is written its way. */
static void add_dotted(const unsigned char ip[4], unsigned numbers,
		       const struct sbuf *rule)
{
	char key[INET_ADDRSTRLEN];
	size_t n = 0;

	for (unsigned i = 0; i < numbers; i++)
		n += (size_t)snprintf(key + n, sizeof key - n, "%u%s", ip[i],
				      i < 3 ? "." : "");
	add(key, rule);
}

static void add_cidr(char *address, char *slash, const struct sbuf *rule)
{
	int family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
	char key[TCPRULE_KEY];
	unsigned char ip[16];
	uint64_t bits;

	*slash = '\0';
	if (inet_pton(family, address, ip) != 1 ||
	    num_parse(slash + 1, family == AF_INET6 ? 128 : 32, &bits) == -1 ||
	    tcprule_cidr_key(key, family, ip, (unsigned)bits) == -1)
		bad("this is no address with a prefix length");
	if (strncmp(key, address, strlen(address)) != 0 && family == AF_INET)
		bad("the address has bits behind the prefix");
	if (family == AF_INET && bits > 0 && bits % 8 == 0) {
		add_dotted(ip, (unsigned)bits / 8, rule);
		return;
	}
	(family == AF_INET6 ? build.has6 : build.has4)[bits] = 1;
	add(key, rule);
}

/* A whole address, as qlisten will write it; 0 if it is none. */
static int add_whole(const char *address, const struct sbuf *rule)
{
	int family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
	char text[INET6_ADDRSTRLEN];
	unsigned char ip[16];

	if (inet_pton(family, address, ip) != 1)
		return 0;
	(void)inet_ntop(family, ip, text, sizeof text);
	add(text, rule);
	return 1;
}

/* One to three numbers, each with a dot behind it; or an IPv6 address cut behind a
 * colon. */
static int is_prefix(const char *p)
{
	size_t n = strlen(p);
	int numbers = 0;

	if (n > 0 && p[n - 1] == ':')
		return strspn(p, "0123456789abcdef:") == n;
	while (*p != '\0') {
		const char *dot = strchr(p, '.');
		uint64_t v;

		if (dot == NULL || ++numbers > 3 ||
		    num_parse_n(p, (size_t)(dot - p), 255, &v) == -1)
			return 0;
		p = dot + 1;
	}
	return numbers > 0;
}

static void add_plain(const char *address, const struct sbuf *rule)
{
	if (add_whole(address, rule))
		return;
	if (!is_prefix(address))
		bad("this is no address; a prefix ends with a dot, or has a /LENGTH");
	add(address, rule);
}

/* 1.2.3.37-53 and 10.2-3. stand for each of the numbers. */
static void add_range(const char *address, const char *minus, const struct sbuf *rule)
{
	char one[TCPRULE_KEY];
	const char *from = minus;
	size_t to_len = strcspn(minus + 1, ".");
	uint64_t first;
	uint64_t last;

	while (from > address && from[-1] != '.')
		from--;
	if (num_parse_n(from, (size_t)(minus - from), 255, &first) == -1 ||
	    num_parse_n(minus + 1, to_len, 255, &last) == -1 || first > last)
		bad("this is no range of numbers");
	for (; first <= last; first++) {
		(void)snprintf(one, sizeof one, "%.*s%u%s", (int)(from - address),
			       address, (unsigned)first, minus + 1 + to_len);
		add_plain(one, rule);
	}
}

static void add_address(char *address, const struct sbuf *rule)
{
	size_t n = strlen(address);
	char *c;

	if (n == 0 || address[0] == '=' || strchr(address, '@') != NULL) {
		add(address, rule); /* everybody, a host, a user of RFC 1413 */
		return;
	}
	if (address[0] == '[' && address[n - 1] == ']') {
		address[n - 1] = '\0';
		address++;
	}
	if ((c = strchr(address, '/')) != NULL)
		add_cidr(address, c, rule);
	else if ((c = strchr(address, '-')) != NULL)
		add_range(address, c, rule);
	else
		add_plain(address, rule);
}

/* The colon in front of allow or deny: IPv6 addresses have others. */
static const char *find_colon(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (line[i] == ':' &&
		    ((n - i > 4 && strncmp(line + i + 1, "deny", 4) == 0) ||
		     (n - i > 5 && strncmp(line + i + 1, "allow", 5) == 0)))
			return line + i;
	return NULL;
}

static void take_line(const char *line, size_t n)
{
	const char *colon = find_colon(line, n);
	struct sbuf rule = SBUF_INIT(8192);
	char address[TCPRULE_KEY];
	size_t len;

	if (colon == NULL)
		bad("want ADDRESS:allow or ADDRESS:deny");
	len = (size_t)(colon - line);
	if (len >= sizeof address)
		bad("the address is too long");
	memcpy(address, line, len);
	address[len] = '\0';
	take_instructions(colon + 1, line + n, &rule);
	add_address(address, &rule);
	sbuf_free(&rule);
}

static void add_lengths(const char *key, const unsigned char *has, size_t n)
{
	char list[129];
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		if (has[i])
			list[len++] = (char)i;
	if (len > 0)
		make_entry(build.w, key, 2, list, len);
}

static void compile(const char *to, const char *from)
{
	const char *line;
	size_t n;

	text_read(&build.text, from);
	build.w = make_table(to);
	while (text_line(&build.text, &line, &n))
		if (n > 0 && line[0] != '#')
			take_line(line, n);
	keys_once(&build.keys, &build.text);
	add_lengths("/4", build.has4, sizeof build.has4);
	add_lengths("/6", build.has6, sizeof build.has6);
	make_done(build.w, &build.text);
}

/* ---- -t ---- */

static void print_rule(const char *rule, size_t len, const char *key)
{
	const char *var;
	size_t at = 0;

	printf("rule %s:%s", key, tcprule_denies(rule, len) ? "deny" : "allow");
	while (tcprule_next(rule, len, &at, &var))
		printf(" %s", var);
	printf("\n");
}

static int test(const char *table, const struct tcprule_client *c)
{
	char key[TCPRULE_KEY];
	const char *rule;
	struct table t;
	size_t len;
	int r = table_open(&t, table);

	if (r == 1)
		r = tcprule_find(&t, c, &rule, &len, key);
	if (r == -1)
		die_sys2(errno == EINVAL ? EXIT_PERM : EXIT_TEMP, "look up in", table);
	if (r == 1)
		print_rule(rule, len, key);
	else
		printf("no rule: allow\n");
	return fflush(stdout) == 0 ? 0 : EXIT_TEMP;
}

int main(int argc, char **argv)
{
	struct tcprule_client client = {NULL, NULL, NULL};
	char from[LIMIT_PATH];
	char to[LIMIT_PATH];
	const struct arg table[] = {
	    {'t', arg_word, &client.ip, 0, 0}, {'n', arg_word, &client.host, 0, 0}, {0}};
	int first;

	prog_init("qtcprules");
	first = args(usage, table, argc, argv);
	argv += first;
	if (argc - first > 2)
		die_usage(usage);
	if (path_join(from, sizeof from, paths.control, "tcp.smtp") == NULL ||
	    path_join(to, sizeof to, paths.control, "tcp.smtp.cdb") == NULL)
		die_sys(EXIT_PERM, "name control/tcp.smtp");
	if (client.ip != NULL)
		return test(argv[0] != NULL ? argv[0] : to, &client);
	compile(argv[0] != NULL ? argv[0] : to,
		argv[0] != NULL && argv[1] != NULL ? argv[1] : from);
	return 0;
}
