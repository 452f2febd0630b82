/* mime_scan: line ends, counted and found sixteen bytes at a time; for lib/mime alone.
 *
 * musl's memchr() is called anew for each line and costs more than the line; these work
 * on vectors of the compiler's, which every machine has in some form.
 */
#ifndef QUOIN_MIME_SCAN_H
#define QUOIN_MIME_SCAN_H

#include <stddef.h>
#include <stdint.h>

struct mime_count {
	uint64_t lines; /* LFs */
	uint64_t bare;  /* those without a CR in front */
	int nul;
};

/* Where a line begins that deserves a look: in a header an empty one or one with "--" in front, in a
 * body the latter, or nowhere. */
enum mime_look { MIME_LOOK_NOWHERE, MIME_LOOK_DASHES, MIME_LOOK_HEADER };

/* Bytes up to and with the first LF behind which such a line begins, or begins perhaps
 * because p ends there; n if there is none. They are added to c. before: the byte in front of p. */
size_t mime_scan(const char *p, size_t n, char before, enum mime_look look,
		 struct mime_count *c);

/* The first LF, or n. */
size_t mime_line(const char *p, size_t n);

#endif
