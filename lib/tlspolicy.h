/* tlspolicy: control/tlspolicy, what the admin says of TLS to a destination.
 *
 *	name:none			in clear
 *	name:may			STARTTLS if it is offered, in clear if it fails
 *	name:encrypt			encrypted, whoever it is
 *	name:verify [name ...]		a certificate that the CAs vouch for, with one of
 *					the names
 *	name:pin hash [hash ...]	SHA-256 of the certificate's public key, in hex
 *
 * Before the colon stands a domain of recipients, or a host of smtproutes; ".example"
 * is all below it, nothing is everybody.
 * Errors: -1 with control_error().
 */
#ifndef QUOIN_TLSPOLICY_H
#define QUOIN_TLSPOLICY_H

#include "qlimits.h"
#include "tlsgate.h"

struct ctlmap;

enum rule { RULE_UNSAID, RULE_NONE, RULE_MAY, RULE_ENCRYPT, RULE_VERIFY, RULE_PIN };

struct tlspolicy {
	enum rule rule;
	size_t nnames;
	char names[TLS_NAMES][LIMIT_DOMAIN + 1];
	size_t npins;
	uint8_t pins[TLS_PINS][TLS_KEYLEN];
};

/* The file, each line checked; without it an empty map. NULL with errno. */
struct ctlmap *tlspolicy_load(void);

/* What is said of name, "" or RULE_UNSAID included. */
void tlspolicy_get(const struct ctlmap *m, const char *name, struct tlspolicy *p);

#endif
