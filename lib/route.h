/* route: who gets a recipient: the one place that decides. qsend and qlspawn use
 * it to deliver, qrcpt to answer RCPT, `qctl route` to explain.
 *
 * Step 1, of an envelope recipient (qsend; control files in memory):
 *	percenthack, then: domain in `locals` (or none: envnoathost) -> local;
 *	`virtualdomains` (user@dom, dom, .dom, empty) -> local, with "prepend-" in front
 *	of the local part, empty prepend = not virtual; own literal (localiphost) ->
 *	local; else remote, with the relay that `smtproutes` names.
 * Step 2, of a local part (qlspawn, qrcpt; tables opened for each look-up), first
 * match:
 *	users/cdb: =exact, then +wildcards, longest first	-> that user
 *	aliases.cdb, exact, lower case				-> `alias`, by the table
 *	users/cdb: the wildcard of everybody, "+:"		-> that user
 *	getpw: the longest user name that ends at a separator
 *	  (control/userseparators, "-+" unless said; not uid 0)	-> that user and extension
 *	else							-> `alias`, by dot-file
 *	  (~alias/.qmail-NAME or -default)
 *
 * Each step can be watched: trace() gets one line of text with the file (and
 * line, where there is one) that decided. Domains compare without case.
 * Errors: -1 with errno: temporary, always; route_error() says what.
 */
#ifndef QUOIN_ROUTE_H
#define QUOIN_ROUTE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "qlimits.h"

typedef void route_trace(void *arg, const char *text);

/* The control files of step 1. */
struct route;

/* Read them: NULL with errno on any fault (a running qsend keeps its old one). */
struct route *route_load(void);
void route_free(struct route *r);

enum route_kind { ROUTE_LOCAL, ROUTE_REMOTE };

struct route_to {
	enum route_kind kind;
	char address[LIMIT_ADDRESS + 1]; /* recipient after percenthack and envnoathost */
	char local[LIMIT_ADDRESS + 1];   /* local: the local part to look up */
	char domain[LIMIT_DOMAIN + 1];   /* lower case; the destination when remote */
	char relay[LIMIT_ROUTE + 1];     /* remote: next hops (relay.h), "" for the MX */
};

/* 0, or -1 with EINVAL when the address is no address. */
int route_address(const struct route *r, const char *rcpt, struct route_to *to,
		  route_trace *trace, void *arg);

/* Whom step 2 found. */
struct route_user {
	char name[LIMIT_USER + 1];
	uid_t uid;
	gid_t gid;
	char home[LIMIT_PATH];
	char dash[8];                  /* "" or "-" */
	char ext[LIMIT_ADDRESS + 1];   /* behind the dash */
	char alias[LIMIT_ADDRESS + 1]; /* key in aliases.cdb, or "" */
	int catchall;                  /* by "+:" or by ~alias: nobody named it */
};

/* getpw answers for the system's users: 1 found (name, uid, gid, home set), 0 no such
 * user, -1 temporary; with EINPROGRESS the same call is made again when the answer
 * is there. 0 of route_local: *u is set; -1: temporary. There is always a user: at
 * last it is `alias`, which users/cdb (=alias) or getpw must know. users/cdb may say uid
 * 0: refuse it. */
typedef int route_getpw(void *arg, const char *name, struct route_user *u);
int route_local(const char *local, route_getpw *getpw, void *getpw_arg,
		struct route_user *u, route_trace *trace, void *arg);

const char *route_error(void);

#endif
