/* Requests for a signature, as a session sends them. What is read is written again as the
 * same frame, and what would be signed is TLS's, judged here by other means: by its
 * length and the bytes at fixed places. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../qtls/signing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int looks_13(const uint8_t *t, size_t n)
{
	return (n == 130 || n == 146) && t[0] == ' ' && t[63] == ' ' && t[64] == 'T' &&
	       memcmp(t + 73, "server ", 7) == 0 && t[97] == '\0';
}

static int looks_12(const uint8_t *t, size_t n)
{
	return (n == 68 + 32 || n == 68 + 56 || n == 68 + 65 || n == 68 + 97 ||
		n == 68 + 133) &&
	       t[64] == 3 && t[65] == 0 && t[66] >= 23 && t[66] <= 30 && t[67] == n - 68;
}

static void judge(const struct sign_request *r)
{
	switch (signing_form(r->text, r->len)) {
	case SIGN_FORM_NONE:
		break;
	case SIGN_FORM_12:
		if (!looks_12(r->text, r->len))
			abort();
		break;
	case SIGN_FORM_13:
		if (!looks_13(r->text, r->len))
			abort();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[SIGN_REQUEST];
	struct sign_request r;
	uint8_t *p = malloc(size > 0 ? size : 1);
	size_t n;

	if (p == NULL)
		abort();
	if (size > 0)
		memcpy(p, data, size);
	if (signing_get(&r, p, size) == 0) {
		judge(&r);
		if (signing_put(again, &n, &r) == -1 || n != size ||
		    memcmp(again, p, n) != 0)
			abort();
	}
	free(p);
	return 0;
}
