/* A value of NOTIFY, RET, ENVID or ORCPT: the first byte chooses. What is accepted is
 * within its limit, one printable word, and means the same when it is written again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dsnparam.h"
#include "qfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

static void check_word(const char *s)
{
	for (; *s != '\0'; s++)
		check(*s > ' ' && *s <= '~');
}

/* Decoded, encoded and decoded again it is the same. */
static void check_xtext(const char *x)
{
	char plain[LIMIT_ORCPT + 1];
	char x2[3 * LIMIT_ORCPT + 3];
	char again[LIMIT_ORCPT + 1];

	check_word(x);
	check(xtext_decode(plain, sizeof plain, x) == 0);
	check(xtext_encode(x2, sizeof x2, plain) == 0);
	check(xtext_decode(again, sizeof again, x2) == 0 && strcmp(plain, again) == 0);
}

static void take_notify(const char *value)
{
	char words[DSN_NOTIFY_SIZE];
	char letters[4];
	unsigned notify;
	unsigned again;

	if (dsn_notify(value, &notify) == -1)
		return;
	check(dsn_notify(dsn_notify_words(notify, words), &again) == 0 &&
	      again == notify);
	check(notify_parse(notify_text(notify, letters), &again) == 0 && again == notify);
}

static void take_xtext(const char *value)
{
	char out[8]; /* the smallest places are met */

	if (xtext_decode(out, sizeof out, value) == 0)
		check(strlen(out) < sizeof out && strlen(out) <= strlen(value));
	if (xtext_encode(out, sizeof out, value) == 0)
		check(strlen(out) < sizeof out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *value;
	char ret;

	if (size == 0)
		return 0;
	value = malloc(size);
	check(value != NULL);
	memcpy(value, data + 1, size - 1);
	value[size - 1] = '\0';
	switch (data[0] % 5) {
	case 0:
		take_notify(value);
		break;
	case 1:
		check(dsn_ret(value, &ret) == -1 || ret == 'F' || ret == 'H');
		break;
	case 2:
		if (dsn_envid(value) == 0)
			check_xtext(value);
		break;
	case 3:
		if (dsn_orcpt(value) == 0)
			check_xtext(strchr(value, ';') + 1);
		break;
	default:
		take_xtext(value);
	}
	free(value);
	return 0;
}
