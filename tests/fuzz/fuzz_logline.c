/* Any bytes as a line of a log: every span lies within it, keys are found by name, and
 * ids are ids. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/logline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct span s, const char *p, size_t n)
{
	if (s.p < p || s.n > n || (size_t)(s.p - p) > n - s.n)
		abort();
}

static void use_value(const struct logline *l, struct span key, struct span value)
{
	char out[64];
	char id[QID_LEN + 1];
	char name[64];
	struct span found;
	uint64_t ns;

	if (span_unescape(out, sizeof out, value) > sizeof out)
		abort();
	while (span_id(&value, id))
		if (qid_parse(id, &ns) == -1)
			abort();
	if (key.n >= sizeof name || memchr(key.p, '\0', key.n) != NULL)
		return;
	memcpy(name, key.p, key.n);
	name[key.n] = '\0';
	if (!logline_get(l, name, &found))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct logline l;
	struct span fields;
	struct span key;
	struct span value;

	if (logline_parse(&l, p, size) == -1)
		return 0;
	within(l.program, p, size);
	within(l.event, p, size);
	within(l.text, p, size);
	fields = l.fields;
	if (logline_is_sentence(&l))
		return 0;
	while (logline_next(&fields, &key, &value)) {
		within(key, p, size);
		within(value, p, size);
		use_value(&l, key, value);
	}
	return 0;
}
