/* MAIL (RFC 5321 4.1.1.2) and its parameters. */
#include <string.h>
#include <strings.h>

#include "addr.h"
#include "ask.h"
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

/* RFC 1870 4: the client's estimate. */
static enum reply param_size(struct session *s, const char *value)
{
	uint64_t size;

	if (strlen(value) > 20 || num_parse(value, UINT64_MAX, &size) == -1)
		return SAY_BAD_ARGUMENT;
	return size > s->cfg.databytes ? SAY_TOO_BIG : SAY_OK;
}

/* RFC 6152 3; our messages are 8-bit clean either way. */
static enum reply param_body(struct session *s, const char *value)
{
	(void)s;
	return strcasecmp(value, "7BIT") == 0 || strcasecmp(value, "8BITMIME") == 0
		   ? SAY_OK
		   : SAY_BAD_ARGUMENT;
}

static const struct {
	const char *name;
	enum reply (*take)(struct session *s, const char *value);
} params[] = {{"SIZE", param_size}, {"BODY", param_body}};

static enum reply take_param(struct session *s, char *param)
{
	char *value = param + strcspn(param, "=");

	if (*value != '\0')
		*value++ = '\0';
	for (size_t i = 0; i < sizeof params / sizeof *params; i++)
		if (strcasecmp(param, params[i].name) == 0)
			return params[i].take(s, value);
	return SAY_BAD_PARAMETER;
}

static enum reply take_params(struct session *s, char *rest)
{
	char *save;

	for (char *p = strtok_r(rest, " ", &save); p != NULL;
	     p = strtok_r(NULL, " ", &save)) {
		enum reply r = take_param(s, p);

		if (r != SAY_OK)
			return r;
	}
	return SAY_OK;
}

static enum reply check(struct session *s, char *arg, char *sender)
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
	return take_params(s, rest);
}

static int begin_envelope(struct session *s)
{
	sbuf_clear(&s->env);
	if (s->peer.ip_known &&
	    (sbuf_catc(&s->env, 'C') == -1 || sbuf_catz(&s->env, s->peer.ip) == -1))
		return -1;
	if (sbuf_catc(&s->env, 'F') == -1)
		return -1;
	return sbuf_catz(&s->env, s->sender);
}

void cmd_mail(struct session *s, char *arg)
{
	char sender[LIMIT_ADDRESS + 1];
	enum reply r = check(s, arg, sender);

	if (r != SAY_OK) {
		reply(s, r);
		return;
	}
	if (ask_queue(s) == -1)
		return;
	memcpy(s->sender, sender, strlen(sender) + 1);
	if (begin_envelope(s) == -1) {
		reply(s, SAY_NO_MEMORY);
		return;
	}
	s->has_sender = 1;
	reply(s, SAY_SENDER_OK);
}
