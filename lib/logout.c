#include "logout.h"

#include <string.h>
#include <unistd.h>

#include "qlimits.h"

static char held[LIMIT_LOGLINE];
static size_t nheld;
static int is_holding;

void logout_flush(void)
{
	if (nheld > 0)
		(void)!write(2, held, nheld);
	nheld = 0;
}

void logout_line(const char *p, size_t n)
{
	if (n > sizeof held - nheld)
		logout_flush();
	if (!is_holding || n > sizeof held) {
		(void)!write(2, p, n);
		return;
	}
	memcpy(held + nheld, p, n);
	nheld += n;
}

void logout_hold(void)
{
	is_holding = 1;
}
