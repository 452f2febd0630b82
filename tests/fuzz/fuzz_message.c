/* head and mbox: a message in pieces comes out the same as whole, has no line that
 * begins an mbox entry, and loses nothing but Return-Path fields. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../qlocal/head.h"
#include "../../qlocal/mbox.h"
#include "sbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int into(void *arg, const void *p, size_t n)
{
	return sbuf_cat(arg, p, n);
}

static int filter(const char *p, size_t n, size_t piece, struct sbuf *out)
{
	struct head h;

	head_init(&h, "a@b");
	for (size_t at = 0; at < n; at += piece)
		if (head_take(&h, p + at, n - at < piece ? n - at : piece, into, out) ==
		    -1)
			abort();
	if (head_end(&h, into, out) == -1)
		abort();
	return h.loops;
}

static void quote(const struct sbuf *in, size_t piece)
{
	static struct wbuf w;
	struct mbox_out o;

	wbuf_init(&w, -1);
	mbox_out_init(&o, &w);
	for (size_t at = 0; at < in->len; at += piece)
		if (mbox_out_put(&o, in->p + at,
				 in->len - at < piece ? in->len - at : piece) == -1)
			abort();
	if (mbox_out_end(&o) == -1 || w.n < in->len + 1 || w.buf[w.n - 1] != '\n' ||
	    memmem(w.buf, w.n, "\nFrom ", 6) != NULL ||
	    (w.n >= 5 && memcmp(w.buf, "From ", 5) == 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbuf whole = SBUF_INIT(1 << 20);
	struct sbuf parts = SBUF_INIT(1 << 20);
	size_t piece;
	char *copy;

	if (size < 2 || size > WBUF_SIZE / 4)
		return 0;
	piece = data[0] + 1U;
	copy = malloc(size - 1);
	if (copy == NULL)
		return 0;
	memcpy(copy, data + 1, size - 1);
	if (filter(copy, size - 1, size, &whole) != filter(copy, size - 1, piece, &parts))
		abort();
	if (whole.len != parts.len || whole.len > size - 1 ||
	    (whole.len > 0 && memcmp(whole.p, parts.p, whole.len) != 0))
		abort();
	sbuf_clear(&parts);
	(void)filter(whole.p, whole.len, piece, &parts);
	if (parts.len != whole.len) /* nothing was left to be dropped */
		abort();
	quote(&whole, piece);
	sbuf_free(&whole);
	sbuf_free(&parts);
	free(copy);
	return 0;
}
