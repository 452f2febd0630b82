/* Requests as callers of qtls send them, and facts as they get them: what is read is
 * written again as the same frame; who asks for verification names by what; and facts
 * are clean text. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sbuf.h"
#include "tlsgate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

static void look_at_request(const struct tls_want *w, const char *p, size_t n)
{
	struct sbuf again = SBUF_INIT(LIMIT_FRAME);

	must(tlsgate_put(&again, w) == 0 && again.len == n && memcmp(again.p, p, n) == 0);
	sbuf_free(&again);
	must(strlen(w->alpn) <= TLS_ALPN);
	if (w->server)
		return;
	must(w->nnames <= TLS_NAMES && w->npins <= TLS_PINS &&
	     w->nrecords <= TLS_RECORDS);
	must(w->verify != TLS_NAME || (w->nnames > 0 && w->names[0][0] != '\0'));
	must(w->verify != TLS_PIN || w->npins > 0);
	must(w->verify != TLS_DANE || w->nrecords > 0);
	for (size_t i = 0; i < w->nrecords; i++)
		must(w->records[i].len <= TLS_RECORD &&
		     (const char *)w->records[i].data + w->records[i].len <= p + n);
}

static void is_clean(const char *s)
{
	for (; *s != '\0'; s++)
		must(*s >= ' ' && *s <= '~');
}

static void look_at_facts(const struct tls_facts *f)
{
	is_clean(f->version);
	is_clean(f->cipher);
	is_clean(f->why);
	is_clean(f->name);
	must(strlen(f->key) == 0 || strlen(f->key) == (size_t)2 * TLS_KEYLEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *p;
	struct tls_want w;
	struct tls_facts f;

	if (size > LIMIT_FRAME)
		return 0;
	p = malloc(size > 0 ? size : 1);
	must(p != NULL);
	if (size > 0)
		memcpy(p, data, size);
	if (tlsgate_get(&w, p, size) == 0)
		look_at_request(&w, p, size);
	if (tlsgate_facts_get(&f, p, size) == 0)
		look_at_facts(&f);
	free(p);
	return 0;
}
