/* src/conf/list.h - arrays that grow by one element, and don't store their capacity */
#ifndef TUNION_CONF_LIST_H
#define TUNION_CONF_LIST_H

#include <stddef.h>
#include <stdlib.h>

#include "base/attr.h"

/* Returns v (n elements of `size` bytes; NULL if n is 0) with room for one more. The size
 * of the array doubles whenever n is a power of two. Returns NULL if out of memory; then
 * v is unchanged. */
static inline MUST_CHECK void *list_room(void *v, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0) /* n is no power of two, so there is still room */
		return v;
	return reallocarray(v, n == 0 ? 1 : 2 * n, size);
}

#endif
