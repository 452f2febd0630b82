#include "frame.h"

#include "qlimits.h"

void frame_init(struct frame *f)
{
	*f = (struct frame){.in_message = 0};
	netstr_init(&f->in, LIMIT_ENVELOPE);
}

int frame_is_fresh(const struct frame *f)
{
	return !f->in_message && netstr_between(&f->in);
}

static int end_of_netstring(struct frame *f)
{
	int filled = f->filled;

	f->filled = 0;
	if (!f->in_message) {
		f->in_message = 1;
		netstr_init(&f->in, LIMIT_CHUNK);
		return FRAME_ENVELOPE;
	}
	if (filled)
		return FRAME_MORE; /* for frame_next(): between two chunks */
	frame_init(f);
	return FRAME_END;
}

int frame_next(struct frame *f, const char **p, size_t *n, const char **bytes,
	       size_t *len)
{
	for (;;) {
		int event = netstr_next(&f->in, p, n, bytes, len);

		if (event == -1 || event == NETSTR_MORE)
			return event == -1 ? -1 : FRAME_MORE;
		if (event == NETSTR_BYTES) {
			f->filled = 1;
			return f->in_message ? FRAME_BYTES : FRAME_ENVELOPE_BYTES;
		}
		event = end_of_netstring(f);
		if (event != FRAME_MORE)
			return event;
	}
}
