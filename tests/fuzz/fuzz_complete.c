/* qinject's completion: whatever header came in, the one that goes out is a header as
 * a whole, keeps no blind recipient, and the envelope is one that qqueue takes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../qinject/complete.h"
#include "hdr822.h"
#include "qfile.h"

static void require(int truth)
{
	if (!truth)
		abort();
}

static void check_header(const struct sbuf *b)
{
	struct hdr822 h;

	require(hdr822_parse(&h, b->p, b->len) == 0);
	require(h.len == b->len);
	for (size_t i = 0; i < h.n; i++)
		require(!hdr822_is(&h, &h.field[i], "Bcc") &&
			!hdr822_is(&h, &h.field[i], "Resent-Bcc") &&
			!hdr822_is(&h, &h.field[i], "Return-Path"));
	hdr822_free(&h);
}

static void check_envelope(const struct completed *c, const struct rcpts *r)
{
	struct sbuf env = SBUF_INIT(LIMIT_ENVELOPE);
	struct envelope e;

	require(sbuf_catc(&env, 'F') == 0 && sbuf_catz(&env, c->sender) == 0);
	require(sbuf_cat(&env, r->fields.p, r->fields.len) == 0);
	if (r->n > 0)
		require(envelope_parse(&e, env.p, env.len) == 0 && e.nrcpts == r->n);
	sbuf_free(&env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const env[][2] = {{"QMAILDEFAULTHOST", "host"},
					     {"QMAILDEFAULTDOMAIN", "dom.example"},
					     {"QMAILPLUSDOMAIN", "plus.example"},
					     {"QMAILIDHOST", "id.example"},
					     {"QMAILUSER", "joe"}};
	static struct rcpts rcpts;
	struct wish w = {WISH_HEADER_RCPTS, NULL, NULL};
	struct sbuf in = SBUF_INIT(LIMIT_HEADER);
	struct completed done;
	struct hdr822 h;

	for (size_t i = 0; i < sizeof env / sizeof env[0]; i++)
		(void)setenv(env[i][0], env[i][1], 1);
	/* As message.c hands it over: fields alone, no NUL, LF at the end. */
	if (memchr(data, '\0', size) != NULL ||
	    hdr822_parse(&h, (const char *)data, size) == -1)
		return 0;
	require(sbuf_cat(&in, data, h.len) == 0);
	if (h.len > 0 && in.p[h.len - 1] != '\n')
		require(sbuf_catc(&in, '\n') == 0);
	hdr822_free(&h);
	rcpts_init(&rcpts);
	if (complete(&w, &in, &done, &rcpts) == 0) {
		check_header(&done.header);
		check_envelope(&done, &rcpts);
	}
	sbuf_free(&done.header);
	sbuf_free(&in);
	rcpts_free(&rcpts);
	return 0;
}
