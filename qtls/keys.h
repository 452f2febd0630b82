/* keys: the private keys, by id.
 *
 * Each reading of control/tls is a generation. A key that is no longer there stays for
 * those who began in a generation that had it; keys_forget() says which is the oldest
 * that somebody still holds. Nothing is removed else but to make room: KEYS_OLD of them
 * at most, the oldest go first.
 */
#ifndef QTLS_KEYS_H
#define QTLS_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "signing.h"

enum { KEYS_OLD = SIGN_KEYS };

/* Read control/tls anew. What is wrong with one of its directories is said, one line for
 * each, and the others go on. */
void keys_read(void);

/* Of the last reading. */
uint64_t keys_generation(void);

/* For somebody who began in generation since: the key, or NULL. It stays ours. */
EVP_PKEY *keys_find(const uint8_t id[SIGN_KEYID], uint64_t since);

/* Nobody began before generation since any more. */
void keys_forget(uint64_t since);

/* The answer to "L": its length. */
size_t keys_list(uint8_t frame[SIGN_LIST]);

#endif
