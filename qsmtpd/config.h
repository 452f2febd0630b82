/* config: what the admin and the UCSPI server tell this session: files, read once
 * before the sandbox closes, and the environment.
 */
#ifndef QSMTPD_CONFIG_H
#define QSMTPD_CONFIG_H

#include <stdint.h>

#include "qlimits.h"
#include "table.h"

struct ctlmap;

struct config {
	int submission;              /* -s */
	int tls_at_once;             /* -t */
	char *greeting;              /* smtpgreeting */
	char host[LIMIT_DOMAIN + 1]; /* its first word: our name */
	char *literal_host;          /* localiphost */
	char *me;
	struct ctlmap *rcpthosts;
	struct ctlmap *locals; /* when there is no rcpthosts */
	struct ctlmap *badmailfrom;
	struct table morercpthosts;
	int has_more;
	struct table aliases; /* for EXPN */
	int has_aliases;      /* control/expn is there, and the client may relay */
	struct table keys;    /* relaykeys.cdb */
	int has_keys;
	int no_dsn; /* control/nodsn, or NODSN in the environment */
	/* For submission alone. */
	char *idhost;
	struct ctlmap *own_domains; /* control/locals */
	struct table senders;       /* senders.cdb */
	int has_senders;
	int hide_client; /* control/hideclient */
	uint64_t databytes;
	uint64_t maxrcpt;
	int64_t timeout_ms;
};

/* The client, by TCPREMOTEIP and the like; strings are made harmless for Received. */
struct peer {
	char ip[64];                 /* "unknown" if nobody says */
	int ip_known;                /* ip is an address */
	char host[LIMIT_DOMAIN + 1]; /* "unknown" */
	const char *local_ip;        /* NULL if nobody says */
	const char *relay;           /* RELAYCLIENT, or NULL */
};

/* submission and tls_at_once are there. Reads the files, then what the environment says of
 * the client. 0, or -1: config_error() is one line of text. */
__attribute__((warn_unused_result)) int config_load(struct config *c);
__attribute__((warn_unused_result)) int config_for_client(struct config *c);
const char *config_error(void);

void peer_from_environment(struct peer *p);

/* Bytes outside [A-Za-z0-9.:_-[]] become "?"; what does not fit is cut. */
void peer_clean(char *out, size_t size, const char *in);

#endif
