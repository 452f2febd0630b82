#include "common.h"

#include <strings.h>

const char pop3_capa[] = "TOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
			 "EXPIRE NEVER\r\nUTF8 USER\r\nLANG\r\nIMPLEMENTATION Quoin\r\n.";

static int is_english(const char *tag)
{
	return strcasecmp(tag, "en") == 0 || strncasecmp(tag, "en-", 3) == 0 ||
	       strcasecmp(tag, "*") == 0;
}

const char *pop3_lang(const char *arg)
{
	if (arg[0] == '\0')
		return "+OK languages\r\nen English\r\ni-default English\r\n.";
	if (is_english(arg))
		return "+OK en English it is";
	if (strcasecmp(arg, "i-default") == 0)
		return "+OK i-default English it is";
	return "-ERR there is English";
}
