/* tlsgate: asks the TLS service (qtls) to put TLS on a connection; the caller's side.
 *
 *	struct tls_want w = {.server = 1, .timeout_ms = 30000};
 *	if (tlsgate_open(&g, "tls-server", &w, fd, deadline) == -1)
 *		... 454, go on in clear
 *	(write "220 go ahead" in full)
 *	if (tlsgate_go(&g) == -1 || (plain = tlsgate_result(&g, &facts, deadline)) == -1)
 *		... g.letter, g.text
 *
 * SOCK_SEQPACKET over run/SERVICE/sock: tls-server (SMTP), tls-login (POP3, IMAP),
 * tls-client (qremote), tls-fetch (qsts). The caller passes its TCP socket, which is not
 * to be used any more after go, and gets a plaintext socket and facts; what to make of
 * them (policy) is the caller's. Frames, integers big-endian, strings NUL-ended:
 *
 *	request = "S" flags:u8 timeout:u32 alpn				+ the TCP socket
 *	        / "C" flags:u8 timeout:u32 alpn sni verify:u8
 *		  count:u8 *name count:u8 *(pin:32)
 *		  count:u8 *(usage:u8 selector:u8 mtype:u8 len:u16 data)
 *								+ the TCP socket
 *	ready   = "R" / "-" letter text
 *	go      = "G"
 *	result  = "+" version cipher verified:u8 why usable:u8 usage:u8 key name
 *								+ plaintext
 *	        / "-" letter text
 *
 * The order (no plaintext byte can slip in): request, ready; the caller writes its last
 * plaintext line, then go. The first byte that comes after that must be TLS's. With
 * TLS_GO in flags the request itself says go, and no ready is sent.
 * Letters of "-": B busy or no certificate (before go: nothing has happened, the
 * connection is still good), P plaintext instead of TLS, T time is over, H the handshake
 * failed, L the connection was lost, V (client) the peer was not to be trusted; only with
 * TLS_STRICT.
 * The end: a caller that others count (a listener, by address) stays until the plaintext
 * socket is at its end, 5.5 s at most: as long may the TLS session wait for its peer.
 * Owner:  the caller; tlsgate_close() at any time. The TCP socket stays the caller's to
 *         close; the plaintext socket is the caller's. Nothing stays allocated.
 * Errors: -1 with errno; g.letter and g.text (one clean line) say what the service said,
 *         or letter 0 when it is away. EBUSY B, ETIMEDOUT T, ECONNRESET L, EACCES V,
 *         EPROTO P and H.
 */
#ifndef QUOIN_TLSGATE_H
#define QUOIN_TLSGATE_H

#include <stddef.h>
#include <stdint.h>

#include "qlimits.h"

enum {
	TLS_NAMES = 8,     /* reference names of a client */
	TLS_PINS = 8,      /* SHA-256 of a public key in DER (SubjectPublicKeyInfo) */
	TLS_RECORDS = 64,  /* TLSA */
	TLS_RECORD = 4096, /* bytes of one */
	TLS_ALPN = 32,
	TLS_KEYLEN = 32
};

/* flags */
enum {
	TLS_GO = 1,     /* begin at once */
	TLS_ASK = 2,    /* server: ask for a client certificate; what comes is reported */
	TLS_STRICT = 4, /* client: end the connection unless verified */
};

/* client: what makes it verified */
enum tls_verify {
	TLS_NONE = 'O', /* nothing: encrypt alone */
	TLS_NAME = 'N', /* a chain to the system's CAs, and one of the names */
	TLS_DANE = 'D', /* the records (RFC 7672); names are for usage 2 */
	TLS_PIN = 'P'   /* the key of the server's certificate is one of the pins */
};

struct tls_record {
	uint8_t usage, selector, mtype;
	uint16_t len;
	const uint8_t *data;
};

struct tls_want {
	int server;
	unsigned flags;
	uint32_t timeout_ms; /* for the handshake, from go on */
	const char *alpn;    /* the one protocol, "" or NULL: none. A peer that offers
			      * only others is refused (RFC 7301) */
	/* of a client */
	const char *sni; /* NULL or "": none */
	enum tls_verify verify;
	size_t nnames;
	const char *names[TLS_NAMES];
	size_t npins;
	uint8_t pins[TLS_PINS][TLS_KEYLEN];
	size_t nrecords;
	struct tls_record records[TLS_RECORDS];
};

struct tls_facts {
	char version[16];         /* "TLSv1.3" */
	char cipher[64];          /* "TLS_AES_256_GCM_SHA384" */
	int verified;             /* as verify asked; of a server: 0 */
	char why[LIMIT_TEXT + 1]; /* not verified: what was wrong, in OpenSSL's words */
	unsigned usable;          /* DANE: records that could be used */
	int usage;                /* DANE: of the record that matched, else 255 */
	char key[2 * TLS_KEYLEN + 1]; /* of the peer's certificate, hex; "" if none */
	char name[LIMIT_DOMAIN + 1];  /* server: the SNI name; client: what matched */
};

struct tlsgate {
	int fd; /* -1: closed */
	char letter;
	char text[LIMIT_TEXT + 1];
};

/* 0: ready (or, with TLS_GO, on its way), or -1. */
int tlsgate_open(struct tlsgate *g, const char *service, const struct tls_want *w,
		 int tcp, int64_t deadline);
int tlsgate_go(struct tlsgate *g);

/* tlsgate_open() of a server, in times that qtls knows. A door that is shut may be a
 * restart: it is tried again until then. What stands in the way is warned of. */
enum { TLSGATE_DOOR_MS = 5000, TLSGATE_SHAKE_MS = 60000, TLSGATE_RESULT_MS = 65000 };
int tlsgate_serve(struct tlsgate *g, const char *service, const struct tls_want *w,
		  int tcp, int64_t until);

/* The plaintext socket (a stream, blocking), or -1; either way g is closed. */
int tlsgate_result(struct tlsgate *g, struct tls_facts *f, int64_t deadline);
void tlsgate_close(struct tlsgate *g);

/* The frames, for both sides and the fuzz target. Pointers point into the frame. */
struct sbuf;
int tlsgate_put(struct sbuf *b, const struct tls_want *w);
int tlsgate_get(struct tls_want *w, const char *p, size_t n);
int tlsgate_facts_put(struct sbuf *b, const struct tls_facts *f);
int tlsgate_facts_get(struct tls_facts *f, const char *p, size_t n);

#endif
