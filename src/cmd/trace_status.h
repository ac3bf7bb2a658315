/* src/cmd/trace_status.h - which way does a running instance send a packet now?
 *
 * The answer is found in the status of the instance. So it takes into account which
 * prefixes stand by, where peers have roamed to, and what `wg set` has changed. */
#ifndef TUNION_CMD_TRACE_STATUS_H
#define TUNION_CMD_TRACE_STATUS_H

#include <jansson.h>

#include "base/ip.h"

/* Returns a new reference, in the format of plan_json_trace; NULL if out of memory. */
json_t *trace_status(const json_t *status, const struct ip_addr *dst);

#endif
