/* A queue file, as its readers take it: head, checksum, envelope. An input whose first
 * byte is odd gets the right checksum first, so that the envelope's parser is reached. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "qfile.h"
#include "qlimits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct envelope *e, const char *env, size_t n)
{
	const char *at = e->rcpts;
	struct envelope_rcpt r;

	if (e->nrcpts == 0 || e->nrcpts > LIMIT_RECIPIENTS)
		abort();
	for (size_t i = 0; i < e->nrcpts; i++) {
		at = envelope_rcpt(e, at, &r);
		if (r.address <= env || r.address + strlen(r.address) >= env + n ||
		    *r.address == '\0' || strlen(r.address) > LIMIT_ADDRESS ||
		    (r.orcpt != NULL && strlen(r.orcpt) > LIMIT_ORCPT))
			abort();
	}
	if (at != env + n)
		abort();
	if (e->sender == NULL || e->sender <= env || e->sender >= env + n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char head[QFILE_HEAD];
	struct qfile_head h;
	struct envelope e;
	char *env;
	size_t n;

	if (size < 1 + QFILE_HEAD)
		return 0;
	memcpy(head, data + 1, sizeof head);
	n = size - 1 - QFILE_HEAD;
	env = malloc(n > 0 ? n : 1);
	if (env == NULL)
		abort();
	memcpy(env, data + 1 + QFILE_HEAD, n);
	if (data[0] & 1) {
		memset(&h, 0, sizeof h);
		h.env_len = (uint32_t)n;
		qfile_pack(head, &h, env);
	}
	if (qfile_unpack(head, &h) == 0 && h.env_len <= n &&
	    qfile_check(head, env) == 0 && envelope_parse(&e, env, h.env_len) == 0)
		walk(&e, env, h.env_len);
	free(env);
	return 0;
}
