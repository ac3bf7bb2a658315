/* src/cmd/trace_status.h - which way does a running instance send a packet now?
 *
 * Found in its status: what stands by, where peers have roamed to and what `wg set` has
 * changed are in it as they are in force. */
#ifndef TUNION_CMD_TRACE_STATUS_H
#define TUNION_CMD_TRACE_STATUS_H

#include <jansson.h>

#include "base/ip.h"

/* A new reference: what plan_json_trace says of files. NULL if out of memory. */
json_t *trace_status(const json_t *status, const struct ip_addr *dst);

#endif
