#include "secure.h"

#include <stddef.h>

enum { ANY = -1, NO = 0, YES = 1 };

static const char admin[] = "control/tlspolicy";
static const char login[] = "the password for it";
static const char dane[] = "its TLSA records";
static const char sts[] = "the domain's MTA-STS policy";

/* The first row that fits counts. RFC 7672 2.2: DANE stands before RFC 8461 (2). A
 * password raises what is demanded, and lowers nothing. */
static const struct row {
	int rule, tlsa, sts, login;
	struct decision then;
} table[] = {
    {RULE_NONE,
     ANY,
     ANY,
     YES,
     {ACT_SKIP, "control/tlspolicy forbids TLS, and a password needs it"}},
    {RULE_NONE, ANY, ANY, NO, {ACT_CLEAR, admin}},
    {RULE_MAY, ANY, ANY, YES, {ACT_NAME, login}},
    {RULE_MAY, ANY, ANY, NO, {ACT_MAY, admin}},
    {RULE_ENCRYPT, ANY, ANY, YES, {ACT_NAME, login}},
    {RULE_ENCRYPT, ANY, ANY, NO, {ACT_ENCRYPT, admin}},
    {RULE_VERIFY, ANY, ANY, ANY, {ACT_NAME, admin}},
    {RULE_PIN, ANY, ANY, ANY, {ACT_PIN, admin}},

    {RULE_UNSAID,
     TLSA_FAILED,
     ANY,
     ANY,
     {ACT_SKIP, "its TLSA records cannot be looked up"}},
    {RULE_UNSAID, TLSA_USABLE, ANY, ANY, {ACT_DANE, dane}},
    {RULE_UNSAID, TLSA_UNUSABLE, ANY, YES, {ACT_NAME, login}},
    {RULE_UNSAID, TLSA_UNUSABLE, ANY, NO, {ACT_ENCRYPT, dane}},

    {RULE_UNSAID,
     TLSA_NONE,
     STS_UNKNOWN,
     ANY,
     {ACT_SKIP, "the domain's MTA-STS policy is not known now"}},
    {RULE_UNSAID,
     TLSA_NONE,
     STS_UNLISTED,
     ANY,
     {ACT_SKIP, "the domain's MTA-STS policy does not list it"}},
    {RULE_UNSAID, TLSA_NONE, STS_LISTED, ANY, {ACT_NAME, sts}},
    {RULE_UNSAID, TLSA_NONE, STS_TESTING, YES, {ACT_NAME, login}},
    {RULE_UNSAID, TLSA_NONE, STS_TESTING, NO, {ACT_MAY, sts}},
    {RULE_UNSAID, TLSA_NONE, STS_NONE, YES, {ACT_NAME, login}},
    {RULE_UNSAID, TLSA_NONE, STS_NONE, NO, {ACT_MAY, NULL}},
};

static int fits(int want, int have)
{
	return want == ANY || want == have;
}

struct decision secure_decide(const struct findings *f)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct row *r = &table[i];

		if (fits(r->rule, (int)f->rule) && fits(r->tlsa, (int)f->tlsa) &&
		    fits(r->sts, (int)f->sts) && fits(r->login, f->login))
			return r->then;
	}
	return (struct decision){ACT_SKIP, "its security cannot be decided"};
}
