#include "mime/mime_head.h"

#include <string.h>

#include "ascii.h"
#include "mime/mime_scan.h"

/* By length: names of one length stand together. */
static const struct name {
	const char *name;
	enum mime_name what;
} names[] = {
    {"to", NAME_TO},
    {"cc", NAME_CC},
    {"bcc", NAME_BCC},
    {"from", NAME_FROM},
    {"date", NAME_DATE},
    {"sender", NAME_SENDER},
    {"subject", NAME_SUBJECT},
    {"reply-to", NAME_REPLYTO},
    {"message-id", NAME_MESSAGEID},
    {"references", NAME_REFERENCES},
    {"content-id", NAME_ID},
    {"content-md5", NAME_MD5},
    {"in-reply-to", NAME_INREPLYTO},
    {"content-type", NAME_TYPE},
    {"content-language", NAME_LANGUAGE},
    {"content-location", NAME_LOCATION},
    {"content-description", NAME_DESCRIPTION},
    {"content-disposition", NAME_DISPOSITION},
    {"content-transfer-encoding", NAME_ENCODING},
};

enum { LONGEST = 25 };

/* Where those of a length begin in names[], and how many they are. */
static const struct {
	unsigned char at, n;
} by_length[LONGEST + 1] = {
    [2] = {0, 2},   [3] = {2, 1},   [4] = {3, 2},   [6] = {5, 1},
    [7] = {6, 1},   [8] = {7, 1},   [10] = {8, 3},  [11] = {11, 2},
    [12] = {13, 1}, [16] = {14, 2}, [19] = {16, 2}, [25] = {18, 1},
};

int mime_same(const char *p, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (ascii_lower(p[i]) != name[i]) /* also where name ends */
			return 0;
	return name[n] == '\0';
}

enum mime_name mime_name(const char *p, size_t n)
{
	if (n > LONGEST)
		return NAME_OTHER;
	for (size_t i = 0; i < by_length[n].n; i++)
		if (mime_same(p, n, names[by_length[n].at + i].name))
			return names[by_length[n].at + i].what;
	return NAME_OTHER;
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Behind the line that begins at at. */
static size_t line_end(const char *p, size_t n, size_t at)
{
	at += mime_line(p + at, n - at);
	return at + (at < n);
}

static int is_empty(const char *p, size_t n)
{
	return p[0] == '\n' || (p[0] == '\r' && n > 1 && p[1] == '\n');
}

/* RFC 5322 2.2, and 4.5.8: blanks before the colon. Bytes over 126 are let through. */
static void split(const char *p, struct mime_field *f)
{
	size_t i = f->start, name;

	while (i < f->end && (unsigned char)p[i] > ' ' && p[i] != ':' && p[i] != 127)
		i++;
	name = i;
	while (i < f->end && is_blank(p[i]))
		i++;
	if (i < f->end && p[i] == ':' && name > f->start) {
		f->name_len = name - f->start;
		f->body = i + 1;
	}
}

int mime_field_next(const char *p, size_t n, size_t *at, struct mime_field *f)
{
	size_t end = *at;

	if (end == n || is_empty(p + end, n - end))
		return 0;
	*f = (struct mime_field){end, 0, end, line_end(p, n, end)};
	split(p, f);
	while (f->end < n && is_blank(p[f->end]))
		f->end = line_end(p, n, f->end);
	*at = f->end;
	return 1;
}
