/* src/worker/worker_calls.h - which system calls does a worker need once it has begun, besides the
 * usual ones (sandbox/usual_calls.h)?
 *
 * Nothing that makes a descriptor out of a name or an address: no open, no socket, no
 * connect, no exec, no fork. What it may do to others is what it can send to its sockets. */
#ifndef TUNION_WORKER_WORKER_CALLS_H
#define TUNION_WORKER_WORKER_CALLS_H

#include <stddef.h>

#include "sandbox/call_filter.h"

/* Returns the table and its length. */
const struct call_rule *worker_calls(size_t *n);
/* Puts the table and n more rules into `out`; returns how many they are. */
size_t worker_calls_with(struct call_rule out[static CALL_RULES_MAX],
                         const struct call_rule *more, size_t n);

#endif
