/* MAIL (RFC 5321 4.1.1.2) and its parameters. */
#include <string.h>
#include <strings.h>

#include "addr.h"
#include "ask.h"
#include "dsnparam.h"
#include "num.h"
#include "prog.h"
#include "senders.h"
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

static int is_offered(const struct config *cfg, enum extension of)
{
	return of == OF_DSN ? !cfg->no_dsn : of == OF_AUTH ? cfg->submission : 1;
}

static const struct param *find(const struct config *cfg, const struct param *table,
				const char *name)
{
	for (; table->name != NULL; table++)
		if (strcasecmp(table->name, name) == 0)
			return is_offered(cfg, table->of) ? table : NULL;
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

/* RFC 4954 5: who submitted it first, as the client says: nobody's word here. */
static enum reply param_auth(struct params *p, const char *value)
{
	(void)p;
	return value[0] != '\0' ? SAY_OK : SAY_BAD_ARGUMENT;
}

static const struct param params[] = {
    {"SIZE", param_size, OF_ALL},  {"BODY", param_body, OF_ALL},
    {"RET", param_ret, OF_DSN},    {"ENVID", param_envid, OF_DSN},
    {"AUTH", param_auth, OF_AUTH}, {NULL, NULL, OF_ALL}};

/* RFC 6409 4.3: nobody submits who is not known. */
static enum reply check_client(const struct session *s)
{
	if (!s->cfg.submission || session_is_known(s))
		return SAY_OK;
	return s->tls.on ? SAY_AUTH_FIRST : SAY_TLS_FIRST;
}

/* On submission "joe" is joe at this host (RFC 6409 8.1), and a login's own. */
static enum reply check_sender(struct session *s, char sender[LIMIT_ADDRESS + 1])
{
	size_t n = strlen(sender);

	if (!s->cfg.submission || n == 0)
		return SAY_OK;
	if (addr_domain(sender) == NULL) {
		if (strlen(s->cfg.me) + 1 > LIMIT_ADDRESS - n)
			return SAY_BAD_SENDER;
		sender[n] = '@';
		memcpy(sender + n + 1, s->cfg.me, strlen(s->cfg.me) + 1);
	}
	if (s->login[0] == '\0')
		return SAY_OK;
	switch (senders_may(&s->cfg, s->login, sender)) {
	case 1:
		return SAY_OK;
	case 0:
		session_log_refusal(s, "not a sender of this login", NULL);
		return SAY_NOT_YOURS;
	default:
		warn_sys("read senders.cdb");
		return SAY_SENDER_LATER;
	}
}

static enum reply check(struct session *s, char *arg, char *sender, struct params *p)
{
	char *rest;
	enum reply r = check_client(s);

	if (s->greeted == NO_HELO)
		return SAY_HELO_FIRST;
	if (r != SAY_OK)
		return r;
	if (s->has_sender)
		return SAY_ONE_MAIL;
	if (!cmd_is_ascii(arg))
		return SAY_EIGHT_BIT;
	if (cmd_path(arg, "FROM:", sender, NULL, &rest) == -1)
		return SAY_BAD_SENDER;
	r = cmd_params(p, params, rest);
	return r == SAY_OK ? check_sender(s, sender) : r;
}

static int is_submission(const struct session *s)
{
	return s->peer.relay != NULL && (s->peer.ip_known || session_is_known(s));
}

/* The fields of lib/qfile.h up to the first recipient. */
static int begin_envelope(struct session *s, const struct params *p)
{
	struct sbuf *env = &s->env;

	sbuf_clear(env);
	if ((s->peer.ip_known && sbuf_field(env, 'C', s->peer.ip) == -1) ||
	    (s->login[0] != '\0' && sbuf_field(env, 'L', s->login) == -1) ||
	    (is_submission(s) && sbuf_field(env, 'S', "1") == -1) ||
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
