/* json: strings on standard output.
 */
#ifndef CONTROL_JSON_H
#define CONTROL_JSON_H

#include <stddef.h>

/* With its quotes. A byte outside ASCII is written as U+0080 to U+00FF, so that what
 * comes out is always valid. */
void json_string(const char *p, size_t n);

#endif
