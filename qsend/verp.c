#include "verp.h"

#include <stdio.h>
#include <string.h>

static const char mark[] = "-@[]";
enum { MARK_LEN = sizeof mark - 1 };

/* The @ before the mark, or NULL: the sender asks for nothing. */
static const char *find_at(const char *sender)
{
	size_t n = strlen(sender);
	const char *at;

	if (n <= MARK_LEN || strcmp(sender + n - MARK_LEN, mark) != 0)
		return NULL;
	at = memrchr(sender, '@', n - MARK_LEN);
	return at;
}

int verp_is(const char *sender)
{
	return find_at(sender) != NULL;
}

void verp_make(char *out, size_t size, const char *sender, const char *rcpt)
{
	const char *at = find_at(sender);
	const char *rcpt_at = strrchr(rcpt, '@');
	int host;
	int n = -1;

	if (at == NULL) {
		(void)snprintf(out, size, "%s", sender);
		return;
	}
	host = (int)(strlen(at + 1) - MARK_LEN);
	if (rcpt_at != NULL)
		n = snprintf(out, size, "%.*s%.*s=%s@%.*s", (int)(at - sender), sender,
			     (int)(rcpt_at - rcpt), rcpt, rcpt_at + 1, host, at + 1);
	if (n < 0 || (size_t)n >= size)
		(void)snprintf(out, size, "%.*s", (int)(strlen(sender) - MARK_LEN),
			       sender);
}
