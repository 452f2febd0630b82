#include "mime/mime_vector.h"
#include "mime/section.h"

enum { BLOCK = 4 * MIME_STEP };

static size_t convert(char *out, const char *p, size_t n, int in_cr)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		out[len] = '\r';
		len += p[i] == '\n' && !in_cr;
		out[len++] = p[i];
		in_cr = p[i] == '\r';
	}
	return len;
}

static inline void copy_steps(char *out, const char *p, size_t steps)
{
	memcpy(out, p, steps * MIME_STEP);
}

/* One step or four are copied, and at each LF that gets a CR once more, a byte further on: of what
 * a copy has too much the next one is written over it, here or at the next call. So much lies behind
 * them, and there is room for it. How many CRs. */
static inline size_t convert_steps(char *out, const char *p, size_t steps, int in_cr)
{
	uint64_t lfs = steps == 1 ? mime_lfs(p) : mime_lfs4(p);
	size_t more = 0;

	copy_steps(out, p, steps);
	for (; lfs != 0; lfs &= lfs - 1) {
		size_t at = (size_t)__builtin_ctzll(lfs);

		if (at > 0 ? p[at - 1] == '\r' : in_cr)
			continue;
		out[at + more++] = '\r';
		copy_steps(out + at + more, p + at, steps);
	}
	return more;
}

size_t wire_crlf(char *out, const char *p, size_t n, int *in_cr)
{
	int cr = *in_cr;
	size_t at = 0, len = 0;

	for (; n - at >= 2 * BLOCK; at += BLOCK) {
		len += BLOCK + convert_steps(out + len, p + at, BLOCK / MIME_STEP, cr);
		cr = p[at + BLOCK - 1] == '\r';
	}
	for (; n - at >= 2 * MIME_STEP; at += MIME_STEP) {
		len += MIME_STEP + convert_steps(out + len, p + at, 1, cr);
		cr = p[at + MIME_STEP - 1] == '\r';
	}
	if (n > 0)
		*in_cr = p[n - 1] == '\r';
	return len + convert(out + len, p + at, n - at, cr);
}
