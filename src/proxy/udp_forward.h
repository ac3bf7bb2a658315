/* src/proxy/udp_forward.h - passes datagrams from a port on to one destination, and the
 * answers back
 *
 * Each sender gets a port of its own towards the destination, so that its answers find
 * it. How many there are is bounded: the one that was quiet for longest has to go. */
#ifndef TUNION_PROXY_UDP_FORWARD_H
#define TUNION_PROXY_UDP_FORWARD_H

#include <stdint.h>

#include "base/attr.h"
#include "base/timerq.h"
#include "names/lookup.h"
#include "proxy/destination.h"
#include "proxy/half.h"
#include "proxy/stack.h"

#define UDP_FORWARD_FLOWS_MAX 256

struct udp_forward;

/* All borrowed. */
struct udp_forward_env {
	struct timerq *timers;
	struct lookup **lookup; /* as in struct dial_env */
	struct stack *stack;    /* to the destination */
	const struct half_space *space;
	uint64_t idle_ns; /* of a sender */
};

/* Adds one to the list, and owns the port from here on, also after an error. Returns 0 or
 * -ENOMEM. */
MUST_CHECK int udp_forward_add(struct udp_forward **list,
                               const struct udp_forward_env *env, struct packets *port,
                               const struct destination *to);
void udp_forward_free_all(struct udp_forward **list);

#endif
