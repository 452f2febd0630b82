#include "inject.h"

#include "fail.h"

void injection_init(struct injection *i)
{
	rcpts_init(&i->rcpts);
	message_init(&i->message);
	sbuf_init(&i->done.header, 0);
}

void injection_clear(struct injection *i)
{
	rcpts_clear(&i->rcpts);
	message_clear(&i->message);
	sbuf_free(&i->done.header);
	i->envid[0] = i->ret = '\0';
}

int injection_complete(struct injection *i, const struct wish *w)
{
	if (complete(w, &i->message.header, &i->done, &i->rcpts) == -1) {
		/* Here an address is a part of the message. */
		enum fail_kind kind = fail_last();

		return kind == FAIL_ADDRESS || kind == FAIL_LONG ? fail_as(FAIL_DATA)
								 : -1;
	}
	i->mail = (struct mail){i->done.sender,   &i->rcpts, &i->done.header,
				&i->message.body, i->envid,  i->ret};
	return 0;
}
