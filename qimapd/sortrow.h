/* sortrow: what SORT needs of a message, as maildir/rows.h keeps it in quoin-sort: the Date, and each
 * text's key (sortkey.h), ready to be compared.
 *
 *	sortrow_make(&row, digest, n)		of a digest; n 0: as if there were no header
 *	sortrow_read(&keys, p, n)		0, or -1: these bytes are no row
 *
 * Owner:  texts lie in the row.
 * Errors: sortrow_make(): -1 with ENOMEM, EMSGSIZE.
 */
#ifndef QIMAPD_SORTROW_H
#define QIMAPD_SORTROW_H

#include <stddef.h>
#include <stdint.h>

#include "sbuf.h"

#define SORTROW_FILE "quoin-sort"

enum sortrow_text {
	SORTROW_CC,
	SORTROW_FROM,
	SORTROW_SUBJECT,
	SORTROW_TO,
	SORTROW_TEXTS
};

struct sortrow {
	int64_t sent; /* INT64_MIN: no Date */
	struct {
		const char *p;
		size_t n;
	} text[SORTROW_TEXTS];
};

__attribute__((warn_unused_result)) int sortrow_make(struct sbuf *row, const char *digest,
						     size_t n);
__attribute__((warn_unused_result)) int sortrow_read(struct sortrow *keys, const char *p,
						     size_t n);

#endif
