/* What a client of POP3 sends before its login: a whole session. */
#include "../../qpop3d/login_session.h"
#include "login_play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	login_play("pop3", data, size, login_session);
	return 0;
}
