/* sts_record: a policy as qsts keeps it, and as its fetching process reports it.
 *
 *	quoin-sts 1
 *	id 20261121T1
 *	fetched 1795262649
 *	maxage 604800
 *	mode enforce
 *	mx mail.example
 *	mx *.example
 *
 * Just these lines, in this order, each with its LF.
 * Errors: 0, or -1 with EBADMSG, or as sbuf_cat().
 */
#ifndef QREMOTE_STS_RECORD_H
#define QREMOTE_STS_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "stsask.h"

enum { STS_MAXAGE = 31557600, LIMIT_STSRECORD = 10240 };

struct sts_record {
	char id[LIMIT_STSID + 1];
	char mode;        /* E T, or N for "none" */
	uint64_t fetched; /* seconds since 1970 */
	uint64_t max_age;
	size_t nmx;
	char mx[STS_MX][LIMIT_STSDOMAIN + 3];
};

struct sbuf;
__attribute__((warn_unused_result)) int sts_record_put(struct sbuf *b,
						       const struct sts_record *r);
int sts_record_get(struct sts_record *r, const char *p, size_t n);

/* Lower case. -1: not a host's name, or one too many. */
int sts_record_add_mx(struct sts_record *r, const char *p, size_t n);

/* The word of a mode, and the mode of a word (0: none of them). */
const char *sts_mode_word(char mode);
char sts_mode_of(const char *p, size_t n);

#endif
