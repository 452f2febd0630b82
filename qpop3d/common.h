/* common: what POP3 is before a login and behind it: CAPA's lines, LANG.
 */
#ifndef QPOP3D_COMMON_H
#define QPOP3D_COMMON_H

/* CAPA's reply behind the lines that change with the state (RFC 2449 5), up to its dot;
 * no CR LF behind that. */
extern const char pop3_capa[];

/* LANG (RFC 6856 3): the reply, without its last CR LF. There is English. */
const char *pop3_lang(const char *arg);

#endif
