#include "status.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static size_t digits(const char *s)
{
	size_t n = 0;

	while (n < 3 && isdigit((unsigned char)s[n]))
		n++;
	return isdigit((unsigned char)s[n]) ? 0 : n;
}

/* class.subject.detail: its length, or 0. */
static size_t code_length(const char *s)
{
	size_t subject;
	size_t detail;

	if ((s[0] != '2' && s[0] != '4' && s[0] != '5') || s[1] != '.')
		return 0;
	subject = digits(s + 2);
	if (subject == 0 || s[2 + subject] != '.')
		return 0;
	detail = digits(s + 3 + subject);
	return detail == 0 ? 0 : 3 + subject + detail;
}

static int take(const char *s, char out[STATUS_SIZE])
{
	size_t n = code_length(s);

	if (n == 0)
		return 0;
	memcpy(out, s, n);
	out[n] = '\0';
	return 1;
}

static int take_reply(const char *s, char out[STATUS_SIZE])
{
	return digits(s) == 3 && (s[3] == ' ' || s[3] == '-') && take(s + 4, out);
}

static const char said[] = " said: ";

/* The name in front of " [": of letters, digits, dots and the like alone, or an address
 * in brackets. */
static void take_host(const char *text, char host[LIMIT_DOMAIN + 1])
{
	size_t n = 0;

	while (isalnum((unsigned char)text[n]) ||
	       (text[n] != '\0' && strchr("-._[:]", text[n]) != NULL))
		n++;
	host[0] = '\0';
	if (n == 0 || n > LIMIT_DOMAIN || text[n] != ' ' || text[n + 1] != '[')
		return;
	memcpy(host, text, n);
	host[n] = '\0';
}

const char *status_said(const char *text, char host[LIMIT_DOMAIN + 1])
{
	const char *reply = strstr(text, said);

	take_host(text, host);
	return *host != '\0' && reply != NULL ? reply + sizeof said - 1 : text;
}

int status_find(const char *text, char out[STATUS_SIZE])
{
	const char *reply = strstr(text, said);

	/* What follows is a stranger's: a code counts at its place alone. */
	if (reply != NULL)
		return take_reply(reply + sizeof said - 1, out);
	if (take(text, out) || take_reply(text, out))
		return 1;
	for (text = strchr(text, '#'); text != NULL; text = strchr(text + 1, '#'))
		if (take(text + 1, out))
			return 1;
	return 0;
}

int status_no_network(const char *text)
{
	char code[STATUS_SIZE];

	return status_find(text, code) &&
	       (strcmp(code, "4.4.3") == 0 || strcmp(code, "4.4.4") == 0);
}
