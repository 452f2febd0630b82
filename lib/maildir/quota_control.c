#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "maildir/quota.h"

int quota_when_full(void)
{
	static const char *const codes[] = {NULL, "4.2.2", "5.2.2"};
	char *line = NULL;
	int r = control_line("overquota", &line);

	if (r == 1) {
		for (r = QUOTA_NEVER; r > 0 && strcmp(line, codes[r]) != 0; r--)
			;
		if (r == 0)
			r = control_wrong("overquota", 1, "neither 4.2.2 nor 5.2.2");
	}
	free(line);
	return r;
}
