/* sortkey: the order of SORT (RFC 5256 2.2 and 3), from columns of keys.
 *
 *	sortkey_text(&texts, SORT_FROM, field, n, &column[i])	for each message i
 *	sortkey_order(order, n, columns, ncolumns)		order: 0 to n - 1 become sorted
 *
 * A column has a number (ARRIVAL, DATE, SIZE) or a text for each message; texts are folded
 * (fold.h) and compared byte by byte. Messages that are equal in all columns keep their
 * order, in a reversed one too. n log n comparisons; what is in order already is linear.
 * Errors: -1 with ENOMEM, EMSGSIZE.
 */
#ifndef QIMAPD_SORTKEY_H
#define QIMAPD_SORTKEY_H

#include <stddef.h>
#include <stdint.h>

struct sbuf;

enum sort_by {
	SORT_ARRIVAL,
	SORT_CC,
	SORT_DATE,
	SORT_FROM,
	SORT_SIZE,
	SORT_SUBJECT,
	SORT_TO
};

struct sort_text {
	size_t at, n; /* in the column's texts */
};

struct sort_column {
	int reverse;
	const int64_t *number; /* or NULL: */
	const struct sort_text *text;
	const char *texts;
};

/* The key of a field's body (as the digest keeps it), appended: the base subject, or the
 * local part of the first address. */
__attribute__((warn_unused_result)) int sortkey_text(struct sbuf *texts, enum sort_by by,
						     const char *p, size_t n,
						     struct sort_text *key);

__attribute__((warn_unused_result)) int sortkey_order(uint32_t *order, size_t n,
						      const struct sort_column *columns,
						      size_t ncolumns);

#endif
