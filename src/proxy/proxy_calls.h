/* src/proxy/proxy_calls.h - which system calls does a proxy make once it has begun, besides the
 * usual ones (sandbox/usual_calls.h)? */
#ifndef TUNION_PROXY_PROXY_CALLS_H
#define TUNION_PROXY_PROXY_CALLS_H

#include <stddef.h>

#include "sandbox/call_filter.h"

/* Those of every proxy: it moves bytes between sockets. Returns the table and its length. */
const struct call_rule *proxy_calls(size_t *n);

/* Those of a process that makes sockets, too, of IPv4 and IPv6, and connects them. */
const struct call_rule *proxy_socket_calls(size_t *n);

#endif
