/* openssl: what openssl(1) says of a file. libssl and libcrypto are linked into qtls
 * alone; the admin's tools ask the program.
 *
 * Errors: openssl_run() -1 with errno: it could not be run (ENOENT: it is not installed),
 *         or said more than fits (EMSGSIZE).
 */
#ifndef QUOIN_OPENSSL_H
#define QUOIN_OPENSSL_H

#include <stddef.h>

enum { LIMIT_OPENSSL = 16384 };

/* argv: without "openssl", ended by NULL. Its exit code; out: its standard output, ended
 * by a NUL. It asks nothing and its complaints are not shown. */
int openssl_run(const char *const argv[], char out[LIMIT_OPENSSL]);

#endif
