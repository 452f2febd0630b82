/* AUTH (RFC 4954) with PLAIN and LOGIN, where qsmtpd serves submission, and only under
 * TLS. qauth judges; what was said is wiped as soon as it has answered.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <strings.h>

#include "authask.h"
#include "clock.h"
#include "prog.h"
#include "sasl.h"
#include "session.h"

enum {
	AUTH_MS = 90000, /* qauth takes its time on purpose for who failed often */
	DOOR_MS = 3000,  /* a door that is shut may be a restart */
	DOOR_PAUSE_MS = 100,
	ATTEMPTS_MAX = 10,
};

/* A line of the client: what it answers to a challenge. */
static int hear(struct session *s, const char *challenge)
{
	session_say(s, "334 ");
	session_say(s, challenge);
	session_say(s, "\r\n");
	return s->over ? -1 : session_line(s);
}

/* The answer to the challenge, or what came with the command. NULL: the client was told
 * what is wrong. */
static const char *answer(struct session *s, const char *challenge, const char *initial)
{
	if (initial != NULL)
		return initial;
	if (hear(s, challenge) == -1)
		return NULL;
	if (strcmp(s->line, "*") != 0)
		return s->line;
	reply(s, SAY_AUTH_CANCELLED);
	return NULL;
}

static int is_good(struct session *s, enum sasl_result r)
{
	if (r != SASL_OK)
		reply(s, r == SASL_WRONG ? SAY_AUTH_FAILED : SAY_BAD_BASE64);
	return r == SASL_OK;
}

static int plain(struct session *s, struct sasl *who, const char *initial)
{
	const char *said = answer(s, "", initial);

	return said != NULL && is_good(s, sasl_plain(who, said, strlen(said)));
}

/* The challenges are "Username:" and "Password:". */
static int login(struct session *s, struct sasl *who, const char *initial)
{
	const char *said = answer(s, "VXNlcm5hbWU6", initial);

	if (said == NULL || !is_good(s, sasl_user(who, said, strlen(said))))
		return 0;
	said = answer(s, "UGFzc3dvcmQ6", NULL);
	return said != NULL && is_good(s, sasl_password(who, said, strlen(said)));
}

static const struct mechanism {
	const char *name;
	/* 1 and who, or 0 when the client was told why not */
	int (*hear)(struct session *s, struct sasl *who, const char *initial);
} mechanisms[] = {{"PLAIN", plain}, {"LOGIN", login}, {NULL, NULL}};

static const struct mechanism *find(const char *name)
{
	const struct mechanism *m = mechanisms;

	while (m->name != NULL && strcasecmp(m->name, name) != 0)
		m++;
	return m->name != NULL ? m : NULL;
}

/* What goes into the envelope (lib/qfile.h) and the log. */
static int is_account(const char *name)
{
	if (name[0] == '\0' || strlen(name) > LIMIT_LOGIN)
		return 0;
	for (; *name != '\0'; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7f)
			return 0;
	return 1;
}

static void let_in(struct session *s, const char *account)
{
	if (!is_account(account)) {
		bug_msg("qauth names no account");
		reply(s, SAY_AUTH_LATER);
		return;
	}
	memcpy(s->login, account, strlen(account) + 1);
	session_may_relay(s);
	reply(s, SAY_AUTH_OK);
}

static int is_lost(int error)
{
	return error == EPIPE || error == ECONNRESET;
}

static enum auth_answer ask(const struct auth_want *w, char out[LIMIT_TEXT + 1])
{
	int64_t until = clock_mono_ms() + DOOR_MS;
	int was_lost = 0;

	for (;;) {
		enum auth_answer a;

		errno = 0;
		a = authask("qauth-smtp", w, out, clock_mono_ms() + AUTH_MS);
		if (a == AUTH_LATER && is_lost(errno) && !was_lost) {
			was_lost = 1; /* it may have been replaced while it judged */
			until = clock_mono_ms() + DOOR_MS;
		} else if (a != AUTH_LATER ||
			   (errno != ENOENT && errno != ECONNREFUSED) ||
			   clock_left_ms(until) == 0)
			return a;
		(void)poll(NULL, 0, DOOR_PAUSE_MS);
	}
}

static void judge(struct session *s, const struct sasl *who)
{
	struct auth_want w = {.service = "smtp",
			      .client = s->peer.ip,
			      .user = who->user,
			      .password = who->password,
			      .session = -1};
	char out[LIMIT_TEXT + 1] = "";

	switch (ask(&w, out)) {
	case AUTH_YES:
		let_in(s, out);
		break;
	case AUTH_NO:
		reply(s, SAY_AUTH_FAILED);
		break;
	case AUTH_CUT:
		reply_last(s, SAY_AUTH_CUT);
		break;
	case AUTH_LATER:
		session_log_refusal(s, out, NULL);
		reply(s, SAY_AUTH_LATER);
		break;
	}
}

static enum reply check(const struct session *s)
{
	if (!s->cfg.submission)
		return SAY_NOT_OFFERED;
	if (s->greeted != EHLO)
		return SAY_HELO_FIRST;
	if (!s->tls.on)
		return SAY_AUTH_NEEDS_TLS;
	if (s->login[0] != '\0')
		return SAY_AUTH_TWICE;
	return s->has_sender ? SAY_AUTH_IN_MAIL : SAY_OK;
}

/* arg is "MECHANISM" or "MECHANISM initial-response". */
static void attempt(struct session *s, char *arg)
{
	char *initial = arg + strcspn(arg, " ");
	const struct mechanism *m;
	struct sasl who;

	if (*initial != '\0')
		*initial++ = '\0';
	initial += strspn(initial, " ");
	m = find(arg);
	if (m == NULL) {
		reply(s, SAY_NO_MECHANISM);
		return;
	}
	if (m->hear(s, &who, *initial != '\0' ? initial : NULL))
		judge(s, &who);
	sasl_wipe(&who);
}

void cmd_auth(struct session *s, char *arg)
{
	enum reply r = check(s);

	if (r == SAY_OK && arg[0] == '\0')
		r = SAY_BAD_ARGUMENT;
	if (r != SAY_OK)
		reply(s, r);
	else if (s->auths++ < ATTEMPTS_MAX)
		attempt(s, arg);
	else
		reply_last(s, SAY_AUTH_CUT);
	/* Whatever it was, a password may have been in it. */
	explicit_bzero(s->line, sizeof s->line);
	rbuf_wipe(&s->in);
}
