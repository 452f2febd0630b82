/* heap: where a session's memory lies.
 *
 * What the starter freed lies in holes between what it keeps. A session that filled those
 * would write to a page of the starter's for each, and the kernel copy it: so the starter
 * fills them itself (heap_close()), and all that a session allocates stands together in
 * new pages, HEAP_AT_ONCE of which it takes with one call (heap_begin()).
 * Owner:  the filling stays for ever. Errors: none; without it all is slower.
 */
#ifndef QTLS_HEAP_H
#define QTLS_HEAP_H

enum {
	HEAP_AT_ONCE = 96 * 1024, /* what a handshake takes */
	HEAP_HOLE = 65536         /* larger ones stay open */
};

/* In the starter, when it has all it needs. */
void heap_close(void);

/* In a session, before it allocates anything. */
void heap_begin(void);

#endif
