#include "date822.h"

#include <stdio.h>
#include <string.h>

/* Names of our own: strftime's depend on the locale. */
static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void date822(char out[DATE822_SIZE], time_t when)
{
	struct tm tm;
	char sign = '+';
	long minutes = 0;

	if (localtime_r(&when, &tm) != NULL) {
		minutes = tm.tm_gmtoff / 60;
	} else {
		/* RFC 5322 3.3: -0000, the zone is not known */
		sign = '-';
		if (gmtime_r(&when, &tm) == NULL) {
			memset(&tm, 0, sizeof tm);
			tm.tm_mday = 1;
			tm.tm_year = 70;
			tm.tm_wday = 4;
		}
	}
	if (minutes < 0) {
		sign = '-';
		minutes = -minutes;
	}
	(void)snprintf(out, DATE822_SIZE,
		       "%.3s, %d %.3s %lld %02d:%02d:%02d %c%02ld%02ld",
		       days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
		       (long long)tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
		       sign, minutes / 60 % 100, minutes % 60);
}
