/* MAIL (RFC 5321 4.1.1.2) and its parameters. */
#include <string.h>
#include <strings.h>

#include "addr.h"
#include "ask.h"
#include "dsnparam.h"
#include "num.h"
#include "session.h"

int cmd_path(char *arg, const char *word, char kept[LIMIT_ADDRESS + 1], int *routed,
	     char **rest)
{
	size_t n = strlen(word);
	size_t used;

	if (strncasecmp(arg, word, n) != 0)
		return -1;
	arg += n;
	arg += strspn(arg, " "); /* many clients write one */
	if (addr_parse_path(arg, strlen(arg), kept, &used, routed) == -1)
		return -1;
	*rest = arg + used;
	return **rest == '\0' || **rest == ' ' ? 0 : -1;
}

int cmd_is_ascii(const char *s)
{
	while (*s != '\0' && (unsigned char)*s < 0x80)
		s++;
	return *s == '\0';
}

static const struct param *find(const struct session *s, const struct param *table,
				const char *name)
{
	for (; table->name != NULL; table++)
		if (strcasecmp(table->name, name) == 0 &&
		    !(table->is_dsn && s->cfg.no_dsn))
			return table;
	return NULL;
}

enum reply cmd_params(struct session *s, const struct param *table, void *to, char *rest)
{
	unsigned seen = 0;
	char *save;

	for (char *p = strtok_r(rest, " ", &save); p != NULL;
	     p = strtok_r(NULL, " ", &save)) {
		char *value = p + strcspn(p, "=");
		const struct param *is;
		enum reply r;

		if (*value != '\0')
			*value++ = '\0';
		is = find(s, table, p);
		if (is == NULL)
			return SAY_BAD_PARAMETER;
		if (seen & 1U << (is - table))
			return SAY_BAD_ARGUMENT;
		seen |= 1U << (is - table);
		r = is->take(s, to, value);
		if (r != SAY_OK)
			return r;
	}
	return SAY_OK;
}

struct mail_params {
	const char *envid; /* in the command line */
	char ret;
};

/* RFC 1870 4: the client's estimate. */
static enum reply param_size(struct session *s, void *to, const char *value)
{
	uint64_t size;

	(void)to;
	if (strlen(value) > 20 || num_parse(value, UINT64_MAX, &size) == -1)
		return SAY_BAD_ARGUMENT;
	return size > s->cfg.databytes ? SAY_TOO_BIG : SAY_OK;
}

/* RFC 6152 3; our messages are 8-bit clean either way. */
static enum reply param_body(struct session *s, void *to, const char *value)
{
	(void)s;
	(void)to;
	return strcasecmp(value, "7BIT") == 0 || strcasecmp(value, "8BITMIME") == 0
		   ? SAY_OK
		   : SAY_BAD_ARGUMENT;
}

/* RFC 3461 4.3 */
static enum reply param_ret(struct session *s, void *to, const char *value)
{
	struct mail_params *p = to;

	(void)s;
	return dsn_ret(value, &p->ret) == 0 ? SAY_OK : SAY_BAD_ARGUMENT;
}

/* RFC 3461 4.4 */
static enum reply param_envid(struct session *s, void *to, const char *value)
{
	struct mail_params *p = to;

	(void)s;
	p->envid = value;
	return dsn_envid(value) == 0 ? SAY_OK : SAY_BAD_ARGUMENT;
}

static const struct param params[] = {{"SIZE", param_size, 0},
				      {"BODY", param_body, 0},
				      {"RET", param_ret, 1},
				      {"ENVID", param_envid, 1},
				      {NULL, NULL, 0}};

static enum reply check(struct session *s, char *arg, char *sender, struct mail_params *p)
{
	char *rest;

	if (s->greeted == NO_HELO)
		return SAY_HELO_FIRST;
	if (s->has_sender)
		return SAY_ONE_MAIL;
	if (!cmd_is_ascii(arg))
		return SAY_EIGHT_BIT;
	if (cmd_path(arg, "FROM:", sender, NULL, &rest) == -1)
		return SAY_BAD_SENDER;
	return cmd_params(s, params, p, rest);
}

static int put(struct session *s, char letter, const char *value)
{
	return sbuf_catc(&s->env, letter) == -1 ? -1 : sbuf_catz(&s->env, value);
}

/* The fields of lib/qfile.h up to the first recipient. */
static int begin_envelope(struct session *s, const struct mail_params *p)
{
	const char ret[] = {p->ret, '\0'};

	sbuf_clear(&s->env);
	if ((s->peer.ip_known && put(s, 'C', s->peer.ip) == -1) ||
	    (s->peer.ip_known && s->peer.relay != NULL && put(s, 'S', "1") == -1) ||
	    put(s, 'F', s->sender) == -1 ||
	    (p->envid != NULL && put(s, 'E', p->envid) == -1) ||
	    (p->ret != '\0' && put(s, 'R', ret) == -1))
		return -1;
	return 0;
}

void cmd_mail(struct session *s, char *arg)
{
	char sender[LIMIT_ADDRESS + 1];
	struct mail_params p = {0};
	enum reply r = check(s, arg, sender, &p);

	if (r != SAY_OK) {
		reply(s, r);
		return;
	}
	if (ask_queue(s) == -1)
		return;
	memcpy(s->sender, sender, strlen(sender) + 1);
	if (begin_envelope(s, &p) == -1) {
		reply(s, SAY_NO_MEMORY);
		return;
	}
	s->has_sender = 1;
	reply(s, SAY_SENDER_OK);
}
