#include "bounce.h"

#include <errno.h>

#include "cursor.h"
#include "qid.h"

int bounce_put(struct sbuf *b, char part, uint16_t slot, const char *id)
{
	sbuf_clear(b);
	if (sbuf_catc(b, part) == -1 || put_u16(b, slot) == -1)
		return -1;
	return sbuf_catz(b, id);
}

int bounce_get(const char *p, size_t n, char *part, uint16_t *slot, const char **id)
{
	struct cursor c;
	uint64_t ns;
	uint8_t letter;

	cur_init(&c, p, n);
	if (cur_u8(&c, &letter) == -1 || cur_u16(&c, slot) == -1 ||
	    cur_str(&c, QID_LEN, id) == -1 || cur_end(&c) == -1)
		return -1;
	*part = (char)letter;
	if ((letter == BOUNCE_MESSAGE || letter == BOUNCE_JOURNAL) &&
	    qid_parse(*id, &ns) == 0)
		return 0;
	errno = EBADMSG;
	return -1;
}
