#include <stdio.h>
#include <string.h>

#include "mime/charset_int.h"
#include "mime/convert.h"

/* Other names of tables and of what has no table. */
static const struct {
	const char *name;
	enum charset_kind kind;
	const char *table;
	uint32_t which;
} names[] = {
    {"utf8", CHARSET_UTF8, 0, 0},
    {"usascii", CHARSET_UTF8, 0, 0}, /* and who sends 8-bit in it sends mostly UTF-8 */
    {"ascii", CHARSET_UTF8, 0, 0},
    {"us", CHARSET_UTF8, 0, 0},
    {"iso646us", CHARSET_UTF8, 0, 0},
    {"ansix341968", CHARSET_UTF8, 0, 0},
    {"unicode11utf8", CHARSET_UTF8, 0, 0},
    {"utf8mb4", CHARSET_UTF8, 0, 0},
    {"iso88591", CHARSET_TABLE, "windows1252", 0},
    {"iso885911987", CHARSET_TABLE, "windows1252", 0},
    {"latin1", CHARSET_TABLE, "windows1252", 0},
    {"l1", CHARSET_TABLE, "windows1252", 0},
    {"iso885911", CHARSET_TABLE, "windows874", 0},
    {"tis620", CHARSET_TABLE, "windows874", 0},
    {"latin2", CHARSET_TABLE, "iso88592", 0},
    {"latin3", CHARSET_TABLE, "iso88593", 0},
    {"latin4", CHARSET_TABLE, "iso88594", 0},
    {"cyrillic", CHARSET_TABLE, "iso88595", 0},
    {"iso88596i", CHARSET_TABLE, "iso88596", 0},
    {"iso88596e", CHARSET_TABLE, "iso88596", 0},
    {"arabic", CHARSET_TABLE, "iso88596", 0},
    {"greek", CHARSET_TABLE, "iso88597", 0},
    {"iso88598i", CHARSET_TABLE, "iso88598", 0},
    {"iso88598e", CHARSET_TABLE, "iso88598", 0},
    {"hebrew", CHARSET_TABLE, "iso88598", 0},
    {"latin5", CHARSET_TABLE, "iso88599", 0},
    {"latin6", CHARSET_TABLE, "iso885910", 0},
    {"latin7", CHARSET_TABLE, "iso885913", 0},
    {"latin8", CHARSET_TABLE, "iso885914", 0},
    {"latin9", CHARSET_TABLE, "iso885915", 0},
    {"latin0", CHARSET_TABLE, "iso885915", 0},
    {"latin10", CHARSET_TABLE, "iso885916", 0},
    {"koi8", CHARSET_TABLE, "koi8r", 0},
    {"koi8ru", CHARSET_TABLE, "koi8u", 0},
    {"macroman", CHARSET_TABLE, "macintosh", 0},
    {"mac", CHARSET_TABLE, "macintosh", 0},
    {"utf16", CHARSET_UTF16, 0, 0},
    {"ucs2", CHARSET_UTF16, 0, 0},
    {"iso10646ucs2", CHARSET_UTF16, 0, 0},
    {"utf16be", CHARSET_UTF16BE, 0, 0},
    {"utf16le", CHARSET_UTF16LE, 0, 0},
    {"utf7", CHARSET_UTF7, 0, 0},
    {"unicode11utf7", CHARSET_UTF7, 0, 0},
    {"iso2022jp", CHARSET_CONVERT, 0, CONVERT_ISO2022JP},
    {"iso2022jp1", CHARSET_CONVERT, 0, CONVERT_ISO2022JP},
    {"iso2022jp2", CHARSET_CONVERT, 0, CONVERT_ISO2022JP},
    {"jis", CHARSET_CONVERT, 0, CONVERT_ISO2022JP},
    {"shiftjis", CHARSET_CONVERT, 0, CONVERT_SHIFTJIS},
    {"sjis", CHARSET_CONVERT, 0, CONVERT_SHIFTJIS},
    {"mskanji", CHARSET_CONVERT, 0, CONVERT_SHIFTJIS},
    {"cp932", CHARSET_CONVERT, 0, CONVERT_SHIFTJIS},
    {"windows31j", CHARSET_CONVERT, 0, CONVERT_SHIFTJIS},
    {"eucjp", CHARSET_CONVERT, 0, CONVERT_EUCJP},
    {"ujis", CHARSET_CONVERT, 0, CONVERT_EUCJP},
    {"gb2312", CHARSET_CONVERT, 0, CONVERT_GB18030}, /* which holds it, as often as not */
    {"gb231280", CHARSET_CONVERT, 0, CONVERT_GB18030},
    {"euccn", CHARSET_CONVERT, 0, CONVERT_GB18030},
    {"gbk", CHARSET_CONVERT, 0, CONVERT_GB18030},
    {"cp936", CHARSET_CONVERT, 0, CONVERT_GB18030},
    {"windows936", CHARSET_CONVERT, 0, CONVERT_GB18030},
    {"gb18030", CHARSET_CONVERT, 0, CONVERT_GB18030},
    {"big5", CHARSET_CONVERT, 0, CONVERT_BIG5},
    {"cnbig5", CHARSET_CONVERT, 0, CONVERT_BIG5},
    {"big5hkscs", CHARSET_CONVERT, 0, CONVERT_BIG5},
    {"cp950", CHARSET_CONVERT, 0, CONVERT_BIG5},
    {"windows950", CHARSET_CONVERT, 0, CONVERT_BIG5},
    {"euckr", CHARSET_CONVERT, 0, CONVERT_EUCKR},
    {"ksc5601", CHARSET_CONVERT, 0, CONVERT_EUCKR},
    {"ksc56011987", CHARSET_CONVERT, 0, CONVERT_EUCKR},
    {"kscu56011987", CHARSET_CONVERT, 0, CONVERT_EUCKR},
    {"uhc", CHARSET_CONVERT, 0, CONVERT_EUCKR},
    {"cp949", CHARSET_CONVERT, 0, CONVERT_EUCKR},
    {"windows949", CHARSET_CONVERT, 0, CONVERT_EUCKR},
};

/* Lower case, letters and digits alone, no "x-" or "cs" before it. */
static int plain_name(char out[CHARSET_NAME + 1], const char *name, size_t n)
{
	size_t len = 0;

	if (n > 2 && ((name[0] | 0x20) == 'x') && name[1] == '-')
		name += 2, n -= 2;
	for (size_t i = 0; i < n; i++) {
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9'))
			continue;
		if (len == CHARSET_NAME)
			return -1;
		out[len++] = c;
	}
	out[len] = '\0';
	return 0;
}

static const uint16_t *find_table(const char *name)
{
	for (size_t i = 0; i < charset_ntables; i++)
		if (strcmp(charset_tables[i].name, name) == 0)
			return charset_tables[i].upper;
	return NULL;
}

static const uint16_t *find_numbered(const char *family, const char *number)
{
	char name[CHARSET_NAME + 8];

	(void)snprintf(name, sizeof name, "%s%s", family, number);
	return find_table(name);
}

/* "cp1251" is windows1251 or ibm1251, "437" ibm437. */
static const uint16_t *find_page(const char *name)
{
	const char *number = strncmp(name, "cp", 2) == 0 ? name + 2 : name;
	const uint16_t *table = find_numbered("windows", number);

	return table != NULL ? table : find_numbered("ibm", number);
}

enum charset_kind charset_find(const char *name, size_t n, const uint16_t **table,
			       uint32_t *which)
{
	char plain[CHARSET_NAME + 1];
	const char *want;

	if (plain_name(plain, name, n) == -1 || plain[0] == '\0')
		return CHARSET_NONE;
	want = strncmp(plain, "cs", 2) == 0 ? plain + 2 : plain;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(names[i].name, want) != 0)
			continue;
		if (names[i].table != NULL)
			*table = find_table(names[i].table);
		*which = names[i].which;
		return names[i].kind;
	}
	*table = find_table(want);
	if (*table == NULL)
		*table = find_page(want);
	return *table != NULL ? CHARSET_TABLE : CHARSET_NONE;
}
