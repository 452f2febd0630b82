#include "qid.h"

#include <errno.h>
#include <string.h>

enum { NS_LEN = 11, RANDOM_LEN = 6 };

static const char digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
enum { BASE = sizeof digits - 1 };

static void put(char *out, int n, uint64_t v)
{
	while (n-- > 0) {
		out[n] = digits[v % BASE];
		v /= BASE;
	}
}

/* Values that no id of ours has (over 64 or 32 bits) are refused. */
static int take(const char *in, int n, uint64_t max, uint64_t *v)
{
	*v = 0;
	for (int i = 0; i < n; i++) {
		const char *d = in[i] != '\0' ? strchr(digits, in[i]) : NULL;

		if (d == NULL || __builtin_mul_overflow(*v, BASE, v) ||
		    __builtin_add_overflow(*v, (uint64_t)(d - digits), v) || *v > max)
			return -1;
	}
	return 0;
}

void qid_make(char id[QID_LEN + 1], uint64_t ns, uint32_t random)
{
	put(id, NS_LEN, ns);
	put(id + NS_LEN, RANDOM_LEN, random);
	id[QID_LEN] = '\0';
}

int qid_split(const char *id, uint64_t *ns, uint32_t *random)
{
	uint64_t bits;

	if (strlen(id) != QID_LEN || take(id, NS_LEN, UINT64_MAX, ns) == -1 ||
	    take(id + NS_LEN, RANDOM_LEN, UINT32_MAX, &bits) == -1) {
		errno = EINVAL;
		return -1;
	}
	*random = (uint32_t)bits;
	return 0;
}

int qid_parse(const char *id, uint64_t *ns)
{
	uint32_t random;

	return qid_split(id, ns, &random);
}
