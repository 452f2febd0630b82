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

static const struct param *find(const struct config *cfg, const struct param *table,
				const char *name)
{
	for (; table->name != NULL; table++)
		if (strcasecmp(table->name, name) == 0 && !(table->is_dsn && cfg->no_dsn))
			return table;
	return NULL;
}

enum reply cmd_params(struct params *p, const struct param *table, char *rest)
{
	unsigned seen = 0;
	char *save;

	for (char *name = strtok_r(rest, " ", &save); name != NULL;
	     name = strtok_r(NULL, " ", &save)) {
		char *value = name + strcspn(name, "=");
		const struct param *is;
		enum reply r;

		if (*value != '\0')
			*value++ = '\0';
		is = find(p->cfg, table, name);
		if (is == NULL)
			return SAY_BAD_PARAMETER;
		if (seen & 1U << (is - table))
			return SAY_BAD_ARGUMENT;
		seen |= 1U << (is - table);
		r = is->take(p, value);
		if (r != SAY_OK)
			return r;
	}
	return SAY_OK;
}

/* RFC 1870 4: the client's estimate. */
static enum reply param_size(struct params *p, const char *value)
{
	uint64_t size;

	if (strlen(value) > 20 || num_parse(value, UINT64_MAX, &size) == -1)
		return SAY_BAD_ARGUMENT;
	return size > p->cfg->databytes ? SAY_TOO_BIG : SAY_OK;
}

/* RFC 6152 3; our messages are 8-bit clean either way. */
static enum reply param_body(struct params *p, const char *value)
{
	(void)p;
	return strcasecmp(value, "7BIT") == 0 || strcasecmp(value, "8BITMIME") == 0
		   ? SAY_OK
		   : SAY_BAD_ARGUMENT;
}

/* RFC 3461 4.3 */
static enum reply param_ret(struct params *p, const char *value)
{
	return dsn_ret(value, p->ret) == 0 ? SAY_OK : SAY_BAD_ARGUMENT;
}

/* RFC 3461 4.4 */
static enum reply param_envid(struct params *p, const char *value)
{
	p->envid = value;
	return dsn_envid(value) == 0 ? SAY_OK : SAY_BAD_ARGUMENT;
}

static const struct param params[] = {{"SIZE", param_size, 0},
				      {"BODY", param_body, 0},
				      {"RET", param_ret, 1},
				      {"ENVID", param_envid, 1},
				      {NULL, NULL, 0}};

static enum reply check(const struct session *s, char *arg, char *sender,
			struct params *p)
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
	return cmd_params(p, params, rest);
}

/* The fields of lib/qfile.h up to the first recipient. */
static int begin_envelope(struct session *s, const struct params *p)
{
	struct sbuf *env = &s->env;

	sbuf_clear(env);
	if ((s->peer.ip_known && sbuf_field(env, 'C', s->peer.ip) == -1) ||
	    (s->peer.ip_known && s->peer.relay != NULL &&
	     sbuf_field(env, 'S', "1") == -1) ||
	    sbuf_field(env, 'F', s->sender) == -1 ||
	    (p->envid != NULL && sbuf_field(env, 'E', p->envid) == -1) ||
	    (*p->ret != '\0' && sbuf_field(env, 'R', p->ret) == -1))
		return -1;
	return 0;
}

void cmd_mail(struct session *s, char *arg)
{
	char sender[LIMIT_ADDRESS + 1];
	struct params p = {.cfg = &s->cfg};
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
