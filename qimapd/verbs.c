#include "verbs.h"

#include <stddef.h>
#include <strings.h>

#include "session.h"

static const struct verb *const families[] = {
    verbs_any,   verbs_select, verbs_folder, verbs_list, verbs_append, verbs_idle,
    verbs_quota, verbs_fetch,  verbs_store,  verbs_copy, verbs_search, NULL};

const struct verb *verb_find(const char *name, int uid)
{
	for (const struct verb *const *f = families; *f != NULL; f++)
		for (const struct verb *v = *f; v->name != NULL; v++)
			if (strcasecmp(v->name, name) == 0)
				return !uid || (v->bits & (VERB_UID | VERB_UID_ONLY))
					   ? v
					   : NULL;
	return NULL;
}
