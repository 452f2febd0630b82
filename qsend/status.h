/* status: the enhanced status code (RFC 3463) in a text of a delivery. */
#ifndef QSEND_STATUS_H
#define QSEND_STATUS_H

#include "qlimits.h"

enum { STATUS_SIZE = 12 }; /* "5.999.999" and a NUL */

/* At the beginning of text, behind a three-digit reply code there, or after a '#'
 * anywhere ("(#5.1.1)"); in qremote's "HOST said: 550 5.1.1 ..." behind the reply code
 * alone. 1 and the code, else 0. */
int status_find(const char *text, char out[STATUS_SIZE]);

/* qremote's "HOST [ADDRESS] said: REPLY": the reply, and HOST (or "") into host; any
 * other text: the text itself. HOST is also that of "HOST [ADDRESS] …" without "said". */
const char *status_said(const char *text, char host[LIMIT_DOMAIN + 1]);

/* Does the text say that we have no resolver (4.4.3) or no way to the network
 * (4.4.4)? */
int status_no_network(const char *text);

#endif
