/* convert: the large charsets of East Asia to UTF-8, by iconv() in a process of its own.
 *
 *	convert_profile(&jail_qimapd_convert)	once, before the program's own sandbox
 *	convert_begin(CONVERT_BIG5, &text)	1, or 0: not to be had
 *	convert_add(text, &out, p, n) ... convert_end(text, &out)
 *
 * The first need forks a child without exec. It opens the conversions, closes all other
 * descriptors, enters the profile (read, write, exit; a limit of CPU time) and answers one
 * request after another on a socket: { text, which, end, bytes } gives UTF-8. What is no
 * character becomes U+FFFD. A child that does not answer within CONVERT_WAIT, or is dead, is
 * left alone and replaced, CONVERT_STARTS times in all; its text ends where it is.
 * One text at a time: a beginning of another one ends it.
 * Where iconv() is not our libc's own (glibc loads its tables from files) the sandbox may
 * refuse them: then these charsets are not known.
 * Errors: -1 with ENOMEM, EMSGSIZE.
 */
#ifndef QUOIN_MIME_CONVERT_H
#define QUOIN_MIME_CONVERT_H

#include <stddef.h>
#include <stdint.h>

struct sbuf;
struct jail_profile;

enum { CONVERT_WAIT = 5000, CONVERT_STARTS = 3, CONVERT_PIECE = 16384 };

enum convert_which {
	CONVERT_ISO2022JP,
	CONVERT_SHIFTJIS,
	CONVERT_EUCJP,
	CONVERT_GB18030,
	CONVERT_BIG5,
	CONVERT_EUCKR,
	CONVERT_COUNT
};

void convert_profile(const struct jail_profile *p);
int convert_begin(uint32_t which, uint32_t *text);
__attribute__((warn_unused_result)) int convert_add(uint32_t text, struct sbuf *out,
						    const char *p, size_t n);
__attribute__((warn_unused_result)) int convert_end(uint32_t text, struct sbuf *out);
/* End the child. A later need starts another. */
void convert_stop(void);

#endif
