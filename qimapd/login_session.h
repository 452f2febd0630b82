/* login_session: reads commands until a login or the end. */
#ifndef QIMAPD_LOGIN_SESSION_H
#define QIMAPD_LOGIN_SESSION_H

#include "login/login.h"
#include "login_parse.h"

void login_session(struct login *l);

/* The next command, with its literals. Only those of LOGIN are invited; one that is on
 * its way already is read with the rest, or ends the session: its bytes are never run as
 * commands. 1; 0: none, the client was told or is lost. */
int login_gather(struct login *l, struct command *c);

/* The command that is no first one is wrong: too many end the session. */
void login_bad(struct login *l, const char *tag, const char *why);
void login_bye(struct login *l, const char *why);

/* What gathered commands leave: passwords. */
void login_wipe(void);

#endif
