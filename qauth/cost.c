#include "cost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "num.h"

int cost_parse(struct cost *c, const char *line)
{
	size_t n = strcspn(line, " \t");
	const char *rest = line + n + strspn(line + n, " \t");
	uint64_t megabytes;
	uint64_t passes;

	if (num_parse_n(line, n, COST_MEGABYTES_MAX, &megabytes) == -1 ||
	    num_parse(rest, COST_PASSES_MAX, &passes) == -1 || megabytes == 0 ||
	    passes == 0) {
		errno = EINVAL;
		return -1;
	}
	c->memory = (size_t)megabytes << 20;
	c->passes = (unsigned)passes;
	return 0;
}

int cost_load(struct cost *c)
{
	char *line;
	int r;

	*c = (struct cost){(size_t)COST_MEGABYTES << 20, COST_PASSES};
	r = control_line("passwordcost", &line);
	if (r != 1)
		return r;
	r = cost_parse(c, line);
	free(line);
	return r == 0 ? 0
		      : control_wrong("passwordcost", 1,
				      "not MEGABYTES PASSES (1 to 256, 1 to 20)");
}
