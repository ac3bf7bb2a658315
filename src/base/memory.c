/* src/base/memory.c */
#include "base/memory.h"

#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif

void memory_give_back(void)
{
#ifdef HAVE_MALLOC_TRIM
	(void)malloc_trim(0);
#endif
}
