/* src/page/page_calls.h - which system calls does the process of the page need once it has begun,
 * besides the usual ones (sandbox/usual_calls.h)? */
#ifndef TUNION_PAGE_PAGE_CALLS_H
#define TUNION_PAGE_PAGE_CALLS_H

#include <stddef.h>

#include "sandbox/call_filter.h"

/* Returns the table and its length. */
const struct call_rule *page_calls(size_t *n);

#endif
