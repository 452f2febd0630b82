/* wipe: what libcrypto gives back is wiped first. It does so itself with keys, but not
 * with what it read them from. Before anything else of libcrypto; 0, or -1. */
#ifndef QTLS_WIPE_H
#define QTLS_WIPE_H

int wipe_what_is_freed(void);

#endif
