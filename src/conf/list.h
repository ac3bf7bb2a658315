/* src/conf/list.h - arrays that grow by one, without a capacity beside the count */
#ifndef TUNION_CONF_LIST_H
#define TUNION_CONF_LIST_H

#include <stddef.h>
#include <stdlib.h>

#include "base/attr.h"

/* v (n elements of `size` bytes; NULL if n is 0) with room for one more: the array
 * doubles whenever n is a power of two. NULL if out of memory: v is then as it was. */
static inline MUST_CHECK void *list_room(void *v, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0) /* between two powers of two: 2^k < n < 2^(k+1) */
		return v;
	return reallocarray(v, n == 0 ? 1 : 2 * n, size);
}

#endif
