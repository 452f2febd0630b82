/* fuzz_utf7: names of folders as they lie on a disk or come from a client. What can be read
 * has one form only: written again it is the same bytes, both ways. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/store.h"
#include "maildir/store_int.h"
#include "maildir/utf7.h"

enum { SIZE = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_form(const char *p, size_t n)
{
	static char there[SIZE];
	static char back[SIZE];

	if (utf7_to_utf8(there, SIZE, p, n) == 0 &&
	    (utf7_from_utf8(back, SIZE, there, strlen(there)) == -1 ||
	     strlen(back) != n || memcmp(back, p, n) != 0))
		abort();
	if (utf7_from_utf8(there, SIZE, p, n) == 0 &&
	    (utf7_to_utf8(back, SIZE, there, strlen(there)) == -1 || strlen(back) != n ||
	     memcmp(back, p, n) != 0))
		abort();
}

/* A canonical name stays one, and has one directory that leads back to it. */
static void one_name(const char *p, size_t n)
{
	char name[FOLDER_NAME + 1];
	char again[FOLDER_NAME + 1];
	char disk[STORE_NAME + 1];

	if (folder_canon(name, p, n) == -1)
		return;
	if (folder_canon(again, name, strlen(name)) == -1 || strcmp(name, again) != 0 ||
	    store_to_disk(disk, name) == -1 || strchr(disk, '/') != NULL ||
	    strstr(disk, "..") != NULL)
		abort();
	if (strcmp(name, "INBOX") != 0 &&
	    (store_from_disk(again, disk) == -1 || strcmp(name, again) != 0))
		abort();
}

/* A directory that is shown is found again under its name. */
static void one_directory(const char *p, size_t n)
{
	char name[FOLDER_NAME + 1];
	char given[STORE_NAME + 1];
	char disk[STORE_NAME + 1];

	if (n > STORE_NAME || memchr(p, '\0', n) != NULL || memchr(p, '/', n) != NULL)
		return;
	memcpy(given, p, n);
	given[n] = '\0';
	if (store_from_disk(name, given) == -1)
		return;
	if (store_to_disk(disk, name) == 0 && strcmp(disk, given) == 0)
		return;
	if (store_to_raw(disk, name) == -1 || strcmp(disk, given) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	one_form(copy, size);
	one_name(copy, size);
	one_directory(copy, size);
	free(copy);
	return 0;
}
