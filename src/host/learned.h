/* src/host/learned.h - which ways does the kernel remember although they are no longer
 * right?
 *
 * Two things survive a change of IPv6 routes and rules, and would send packets
 * unencrypted past the tunnels:
 *  - What the kernel has learned about an address, a path MTU ("packet too big") or a
 *    redirect, is a route of its own. `suppress_prefixlength 0` suppresses the default
 *    route from which it was learned, but not this route, which lives for 600 s.
 *  - A connected socket keeps its way until its route changes. A better route that is
 *    added to another table is no such change; a rule is one, but not for every kernel.
 *    IPv4 has neither problem: a lookup first finds the route and only then what was
 *    learned from it, and every change of routes and rules makes all sockets look up
 *    their way again.
 *
 * Only rtnetlink is used, so that a read-only /proc/sys doesn't matter. The setting
 * net.ipv6.route.flush wouldn't remove what was learned anyway. */
#ifndef TUNION_HOST_LEARNED_H
#define TUNION_HOST_LEARNED_H

#include <stdint.h>

#include "netlink/netlink.h"
#include "plan/plan.h"

/* To be called after a change of IPv6 routes or rules: forgets what was learned, and
 * makes all sockets look up their way again. What was learned on the tun (given by its
 * index) stays. So does what is known about endpoints that our own datagrams reach
 * through the network, because the devices' MTUs depend on it; the ways in the plan must
 * have been computed. Failures are ignored. */
void learned_forget(struct netlink *nl, uint32_t tun, const struct plan *plan);
/* At the end of an instance, also of one that was killed: removes what learned_forget may have
 * left. */
void learned_end(struct netlink *nl);

#endif
