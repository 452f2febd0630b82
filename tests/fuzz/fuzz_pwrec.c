/* Records of the password table. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pwrec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *s, size_t max, const char *start, size_t size)
{
	if (s < start || s >= start + size || strlen(s) > max ||
	    s + strlen(s) >= start + size || strchr(s, ':') != NULL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct pwrec r;

	if (pwrec_get(&r, p, size) == -1)
		return 0;
	if (r.uid == 0 || r.uid == (uid_t)-1 || r.gid == (gid_t)-1 || r.nhashes == 0 ||
	    r.nhashes > PWREC_HASHES)
		abort();
	check(r.home, 1023, p, size);
	if (r.home[0] != '/')
		abort();
	for (size_t i = 0; i < r.nhashes; i++) {
		check(r.hashes[i].hash, LIMIT_PWHASH, p, size);
		check(r.hashes[i].label, LIMIT_LABEL, p, size);
		check(r.hashes[i].scopes, 64, p, size);
		if (r.hashes[i].expires < 0)
			abort();
		(void)pwrec_is_for(&r.hashes[i], "smtp", 1);
	}
	return 0;
}
