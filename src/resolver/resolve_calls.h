/* src/resolver/resolve_calls.h - which system calls does the resolver need, besides the usual
 * ones?
 *
 * Sockets are made and connected by the supervisor. */
#ifndef TUNION_RESOLVER_RESOLVE_CALLS_H
#define TUNION_RESOLVER_RESOLVE_CALLS_H

#include <stddef.h>

#include "base/attr.h"
#include "sandbox/call_filter.h"

/* Returns the table and its length. */
const struct call_rule *resolve_calls(size_t *n);

#endif
