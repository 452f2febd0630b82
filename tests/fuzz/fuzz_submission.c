/* The server's side of a submission. Input: a byte, the size of the pieces, then the
 * client's stream. Whatever the pieces, the parts are the same and lie inside what was
 * given; an envelope that is found goes on to its parser. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../qqueue/frame.h"
#include "qfile.h"
#include "sbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(struct sbuf *env)
{
	struct envelope e;
	char *p = malloc(env->len > 0 ? env->len : 1);

	if (p == NULL)
		abort();
	if (env->len > 0)
		memcpy(p, env->p, env->len);
	if (envelope_parse(&e, p, env->len) == 0) {
		const char *at = e.rcpts;
		struct envelope_rcpt r;

		for (size_t i = 0; i < e.nrcpts; i++)
			at = envelope_rcpt(&e, at, &r);
		if (at != p + env->len)
			abort();
	}
	free(p);
}

static void must(int r)
{
	if (r == -1)
		abort();
}

/* What was read: all bytes, and a mark at each event. */
static void run(const uint8_t *data, size_t size, size_t step, struct sbuf *out)
{
	struct sbuf env = SBUF_INIT(1 << 20);
	struct frame f;

	frame_init(&f);
	for (size_t taken = 0; taken < size;) {
		size_t n = size - taken < step ? size - taken : step;
		char *piece = malloc(n);
		const char *p = piece;

		if (piece == NULL)
			abort();
		memcpy(piece, data + taken, n);
		taken += n;
		while (n > 0) {
			const char *bytes = NULL;
			size_t len = 0;
			int event = frame_next(&f, &p, &n, &bytes, &len);

			if (event == -1) {
				must(sbuf_cats(out, "!"));
				n = 0;
				taken = size;
				break;
			}
			if (event == FRAME_ENVELOPE_BYTES)
				must(sbuf_cat(&env, bytes, len));
			if (event == FRAME_ENVELOPE) {
				parse(&env);
				sbuf_clear(&env);
			}
			if (event == FRAME_END && !frame_is_fresh(&f))
				abort();
			if (bytes != NULL)
				must(sbuf_cat(out, bytes, len));
			else
				must(sbuf_catc(out, (char)('0' + event)));
		}
		free(piece);
	}
	sbuf_free(&env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbuf pieces = SBUF_INIT(1 << 21);
	struct sbuf whole = SBUF_INIT(1 << 21);
	size_t a = 0;

	if (size < 1 || size > 1 << 18)
		return 0;
	run(data + 1, size - 1, (size_t)data[0] + 1, &pieces);
	run(data + 1, size - 1, size, &whole);
	/* FRAME_MORE marks ("0") depend on the pieces: leave them out. */
	for (size_t b = 0; b < whole.len || a < pieces.len;) {
		if (a < pieces.len && pieces.p[a] == '0')
			a++;
		else if (b < whole.len && whole.p[b] == '0')
			b++;
		else if (a == pieces.len || b == whole.len ||
			 pieces.p[a++] != whole.p[b++])
			abort();
	}
	sbuf_free(&pieces);
	sbuf_free(&whole);
	return 0;
}
