/* thread: THREAD=REFERENCES and THREAD=ORDEREDSUBJECT (RFC 5256 3).
 *
 * m: the messages found, in the order of the mailbox; appends " (1)(2 3 (4)(5))" without the
 * blank, with their numbers (sequence numbers or uids); nothing for no messages.
 * Texts are the caller's: bodies of Message-ID, In-Reply-To and References as they stand,
 * and the folded base subject (subject.h).
 * Time:   n log n, no recursion; the places of message ids depend on a random number. Whether
 *	   a link would close a loop is looked up along a chain; when all of these walks
 *	   together come to THREAD_STEPS a message, which only made-up mail can do, what would
 *	   need one more is not linked.
 * Errors: -1 with ENOMEM, EMSGSIZE; out is as it was.
 */
#ifndef QIMAPD_THREAD_H
#define QIMAPD_THREAD_H

#include <stddef.h>
#include <stdint.h>

struct sbuf;

enum { THREAD_REFERENCES = 1000 /* of one message, the last */, THREAD_STEPS = 100 };

struct thread_text {
	const char *p;
	size_t n;
};

struct thread_msg {
	uint32_t number;
	int is_reply;
	int64_t sent; /* Date, or INTERNALDATE where it has none */
	struct thread_text id, inreplyto, references, subject;
};

__attribute__((warn_unused_result)) int
thread_references(struct sbuf *out, const struct thread_msg *m, size_t n);
__attribute__((warn_unused_result)) int
thread_orderedsubject(struct sbuf *out, const struct thread_msg *m, size_t n);

#endif
