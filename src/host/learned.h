/* src/host/learned.h - which ways does the kernel remember that no longer hold?
 *
 * Two things outlive a change of IPv6 routes and rules, and would send packets past the
 * tunnels in the clear:
 *  - What the kernel has learned of an address, a path MTU ("packet too big") or a
 * redirect, is a route of its own: `suppress_prefixlength 0` suppresses the default route
 * that it was learned of, but not that one, for 600 s.
 *  - A connected socket keeps its way until its route changes. A better one that comes in
 * another table is no such change; a rule is one, but not for every kernel.
 * IPv4 has neither: a lookup finds the route first and what was learned of it afterwards,
 * and every change of routes and rules makes all sockets look again.
 *
 * Rtnetlink only, so that a /proc/sys that is read-only does not matter; the setting
 * net.ipv6.route.flush does not remove what has been learned anyway. */
#ifndef TUNION_HOST_LEARNED_H
#define TUNION_HOST_LEARNED_H

#include <stdint.h>

#include "host/netlink.h"
#include "plan/plan.h"

/* After a change of IPv6 routes or rules: forgets what was learned, and lets all sockets
 * look for their way again. What is learned on the tun (its index) stays; so does what is
 * known of the endpoints of the plan, whose ways are computed, that our own datagrams
 * reach by the network: the devices' MTUs depend on it. What fails is left as it is. */
void learned_forget(struct netlink *nl, uint32_t tun, const struct plan *plan);

#endif
