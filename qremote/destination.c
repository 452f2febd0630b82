#include "destination.h"

#include <errno.h>
#include <string.h>

#include "addr.h"
#include "ascii.h"
#include "job.h"

static void copy_lower(char *out, const char *s)
{
	ascii_copy_lower(out, s, strlen(s) + 1);
}

int destination_of(const struct job *j, char out[DESTINATION_SIZE])
{
	const char *first = addr_domain(j->rcpts[0]);

	if (*j->route != '\0') {
		copy_lower(out, j->route);
		return 0;
	}
	errno = EINVAL;
	if (first == NULL || *first == '\0')
		return -1;
	for (size_t i = 1; i < j->nrcpts; i++) {
		const char *other = addr_domain(j->rcpts[i]);

		if (other == NULL || !domain_equal(first, other))
			return -1;
	}
	copy_lower(out, first);
	return 0;
}
