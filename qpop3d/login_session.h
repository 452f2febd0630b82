/* login_session: reads commands until a login or the end.
 */
#ifndef QPOP3D_LOGIN_SESSION_H
#define QPOP3D_LOGIN_SESSION_H

#include "login/login.h"

void login_session(struct login *l);

#endif
