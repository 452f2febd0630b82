/* Any bytes as a date; what is read lies within its limits, and what is made of it is
 * read as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/date5322.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int64_t first = -2208988800, last = 253402300800;
	const char *p = (const char *)data;
	int64_t when, again;
	char out[27];
	int zone;

	if (date_day_read(p, size, &when) == 0)
		check(when >= first && when < last && when % 86400 == 0);
	if (date5322_read(p, size, &when, &zone) == 0)
		check(zone > -1440 && zone < 1440 && when + zone * 60 >= first &&
		      when + zone * 60 <= last);
	if (date_time_read(p, size, &when) == -1)
		return 0;
	date_time_make(out, when);
	check(strlen(out) == 26);
	check(when < first || when >= last ||
	      (date_time_read(out, 26, &again) == 0 && again == when));
	return 0;
}
