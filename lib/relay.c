#include "relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "num.h"

const char relay_usage[] =
    "the relay is not host or host:port (1 to 65535), several of them "
    "with , or / between, or error:STATUS TEXT";

static const char refusal[] = "error:";

static int invalid(void)
{
	errno = EINVAL;
	return -1;
}

/* 4.x.x or 5.x.x (RFC 3463 2), a blank and something to say. */
static int is_refusal(const char *s)
{
	size_t n = strspn(s, "0123456789.");

	if ((s[0] != '4' && s[0] != '5') || s[1] != '.' || n < 5 || n > 9)
		return 0;
	s += 2 + strspn(s + 2, "0123456789");
	return s[0] == '.' && s[1] >= '0' && s[1] <= '9' &&
	       s[1 + strspn(s + 1, "0123456789")] == ' ';
}

const char *relay_error(const char *route)
{
	size_t n = sizeof refusal - 1;

	return strncmp(route, refusal, n) == 0 && is_refusal(route + n) ? route + n
									: NULL;
}

static int parse_port(const char *p, size_t n, uint16_t *port)
{
	uint64_t v;

	if (num_parse_n(p, n, 65535, &v) == -1 || v == 0)
		return -1;
	*port = (uint16_t)v;
	return 0;
}

/* The colons of an address in brackets are its own. mark: what stands before a port; n:
 * all of the hop's bytes. An empty port in a control file is the usual one. */
static int parse_hop(const char *p, size_t n, char mark, struct relay_hop *hop)
{
	const char *close = *p == '[' ? memchr(p, ']', n) : p;
	const char *end;
	size_t len;

	if (close == NULL || n == 0)
		return invalid();
	end = memchr(close, mark, n - (size_t)(close - p));
	len = end != NULL ? (size_t)(end - p) : n;
	if (len == 0 || len > LIMIT_DOMAIN || memchr(p, ' ', len) != NULL ||
	    memchr(p, '\t', len) != NULL || (close != p && close + 1 != p + len))
		return invalid();
	hop->port = RELAY_PORT;
	if (end != NULL && len + 1 < n &&
	    parse_port(end + 1, n - len - 1, &hop->port) == -1)
		return invalid();
	len -= len > 1 && p[len - 1] == '.'; /* names are compared without it */
	memcpy(hop->host, p, len);
	hop->host[len] = '\0';
	return 0;
}

/* One hop and the sign behind it. */
static int next(const char **s, char mark, struct relay_hop *hop)
{
	size_t n = strcspn(*s, ",/");

	if (parse_hop(*s, n, mark, hop) == -1)
		return -1;
	*s += n;
	if (**s == '\0')
		return 0;
	(*s)++;
	return **s != '\0' ? 0 : invalid(); /* nothing behind a comma */
}

int relay_next(const char **route, struct relay_hop *hop)
{
	if (**route == '\0')
		return 0;
	hop->group += hop->host[0] != '\0' && (*route)[-1] == ',';
	return next(route, ' ', hop) == -1 ? -1 : 1;
}

/* Never longer than the text was. */
int relay_parse(const char *text, char route[LIMIT_ROUTE + 1])
{
	struct relay_hop hop;
	size_t n = 0;

	if (strlen(text) > LIMIT_ROUTE)
		return invalid();
	if (relay_error(text) != NULL) {
		memcpy(route, text, strlen(text) + 1);
		return 0;
	}
	route[0] = '\0';
	while (*text != '\0') {
		if (next(&text, ':', &hop) == -1)
			return -1;
		n += (size_t)snprintf(route + n, LIMIT_ROUTE + 1 - n, "%s", hop.host);
		if (hop.port != RELAY_PORT)
			n += (size_t)snprintf(route + n, LIMIT_ROUTE + 1 - n, " %u",
					      (unsigned)hop.port);
		if (*text != '\0')
			route[n++] = text[-1];
	}
	route[n] = '\0';
	return 0;
}
