/* src/gate/gate_net.h - which addresses have a gate and its clients?
 *
 * A private /24 and a /64 that are in no tunnel file, as far as possible. The devices never
 * see these addresses, because they translate them into their own (design R15). But a
 * client couldn't reach a host of a tunnel that has the same one. */
#ifndef TUNION_GATE_GATE_NET_H
#define TUNION_GATE_GATE_NET_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/rng.h"
#include "plan/plan.h"

#define GATE_NET_GATE       1U /* host number of the gate */
#define GATE_NET_FIRST_HOST 2U
#define GATE_NET_LAST_HOST  254U

struct gate_net {
	struct ip_addr ipv4, ipv6; /* of the networks */
};

/* The plan is without the gate. */
void gate_net_choose(struct gate_net *out, const struct plan *plan,
                     const struct rng *rng);
/* Is a part of it in a tunnel file? A default route doesn't count, and nothing that is as
 * large as a part of one. */
bool gate_net_collides(const struct gate_net *net, const struct plan *plan);

/* Finds the networks in the gate's own file. Returns false if they are not there. */
MUST_CHECK bool gate_net_of(struct gate_net *out, const struct conf *gate);
/* The networks as prefixes: IPv4, IPv6. */
void gate_net_prefixes(const struct gate_net *net, struct ip_prefix out[static 2]);
struct ip_addr gate_net_host(const struct ip_addr *net, unsigned host);
/* Returns the host number from the addresses of a client's file; 0 if there is none. */
unsigned gate_net_number(const struct conf *client);

#endif
