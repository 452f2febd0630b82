#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ascii.h"
#include "maildir/store_int.h"
#include "maildir/utf7.h"

static int bad(void)
{
	errno = EINVAL;
	return -1;
}

static int is_inbox(const char *name, size_t n)
{
	char word[5];

	if (n < 5 || (n > 5 && name[5] != '.'))
		return 0;
	ascii_copy_lower(word, name, 5);
	return memcmp(word, "inbox", 5) == 0;
}

/* Controls, of Unicode's second set too (U+0080 to U+009F), and what ends a path's part. */
static int is_clean(const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c < 0x20 || c == 0x7f || c == '/')
			return 0;
		if (c == 0xc2 && i + 1 < n && (unsigned char)name[i + 1] < 0xa0)
			return 0;
	}
	return 1;
}

/* Components of a directory's name behind its first dot. */
static int has_good_levels(const char *disk)
{
	unsigned levels = 1;
	size_t n = 0;

	for (; *disk != '\0'; disk++) {
		if (*disk != '.') {
			n++;
			continue;
		}
		if (n == 0 || n > FOLDER_COMPONENT)
			return 0;
		n = 0;
		levels++;
	}
	return n > 0 && n <= FOLDER_COMPONENT && levels <= FOLDER_LEVELS;
}

int store_to_disk(char out[STORE_NAME + 1], const char *name)
{
	out[0] = '.';
	if (utf7_from_utf8(out + 1, STORE_NAME, name, strlen(name)) == -1 ||
	    !has_good_levels(out + 1))
		return bad();
	return 0;
}

int store_to_raw(char out[STORE_NAME + 1], const char *name)
{
	char other[FOLDER_NAME + 1];
	size_t n = strlen(name);

	/* a right form: then it is another folder's */
	if (n >= STORE_NAME || !has_good_levels(name) ||
	    utf7_to_utf8(other, sizeof other, name, n) == 0)
		return bad();
	(void)snprintf(out, STORE_NAME + 1, ".%s", name);
	return 0;
}

int folder_canon(char *out, const char *name, size_t n)
{
	char disk[STORE_NAME + 1];

	if (n > 0 && name[n - 1] == '.')
		n--;
	if (n == 0 || n > FOLDER_NAME || !is_clean(name, n))
		return bad();
	memcpy(out, name, n);
	out[n] = '\0';
	if (is_inbox(name, n))
		memcpy(out, "INBOX", 5);
	return store_to_disk(disk, out);
}

int store_from_disk(char out[FOLDER_NAME + 1], const char *disk)
{
	char name[FOLDER_NAME + 1];
	size_t n = strlen(disk);

	if (n < 2 || *disk != '.')
		return bad();
	if (utf7_to_utf8(name, sizeof name, disk + 1, n - 1) == -1) {
		/* written by one who knows of no UTF-7 */
		if (n > sizeof name)
			return bad();
		memcpy(name, disk + 1, n);
	}
	if (folder_canon(out, name, strlen(name)) == -1)
		return -1;
	/* a name that would be read back as another's stays hidden */
	return strcmp(out, name) != 0 || strcmp(out, "INBOX") == 0 ? bad() : 0;
}

int store_is_below(const char *a, const char *b)
{
	size_t n = strlen(b);

	return strncmp(a, b, n) == 0 && (a[n] == '\0' || a[n] == '.');
}

int store_compare(const char *a, const char *b)
{
	int inbox = store_is_below(b, "INBOX") - store_is_below(a, "INBOX");

	if (inbox != 0)
		return inbox;
	while (*a == *b && *a != '\0') {
		a++;
		b++;
	}
	if (*a == '\0' || *b == '\0' || (*a != '.' && *b != '.'))
		return (unsigned char)*a - (unsigned char)*b;
	return *a == '.' ? -1 : 1;
}
