/* data: the bytes behind DATA, decoded as a stream (RFC 5321 4.5.2): exactly
 * CRLF.CRLF ends them, leading dots go, line ends become LF. Lines may have any
 * length: nothing is collected.
 *
 * A CR or LF by itself is an error at once, since two readers could disagree about
 * where such a message ends. A NUL is dropped and remembered.
 */
#ifndef QSMTPD_DATA_H
#define QSMTPD_DATA_H

#include <stddef.h>
#include <stdint.h>

struct data {
	void (*sink)(void *arg, const char *p, size_t n);
	void *arg;
	enum { DATA_BOL, DATA_DOT, DATA_DOT_CR, DATA_TEXT, DATA_CR } state;
	int has_nul;
	uint64_t bytes; /* of the message, LF line ends */

	/* Of the header, as far as it was seen. */
	int in_body;
	uint64_t header_bytes;
	unsigned hops; /* Received fields */
	size_t column;
	int is_field;   /* this line has a colon, or continues one that had */
	size_t matched; /* characters of "received:" */
};

enum data_result { DATA_MORE, DATA_END, DATA_BAD };

void data_init(struct data *d, void (*sink)(void *arg, const char *p, size_t n),
	       void *arg);

/* Decode; *used is n, or at DATA_END what belongs to the message. */
enum data_result data_decode(struct data *d, const char *p, size_t n, size_t *used);

#endif
