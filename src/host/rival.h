/* src/host/rival.h - who else has a default route with which ours doesn't work?
 *
 * Another instance, or a wg-quick, also sends everything into its tunnel that has not its own
 * mark. So each of the two sends the datagrams of the other into itself. */
#ifndef TUNION_HOST_RIVAL_H
#define TUNION_HOST_RIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "host/host_items.h"
#include "netlink/netlink.h"

/* What of us is in force. */
struct rival_ours {
	const struct host_items *items; /* borrowed */
	uint32_t table;                 /* of our default route */
	uint32_t mark;
	uint32_t ifindex; /* of our tun */
};

/* Does this rule of somebody else take what we send with this mark, and doesn't take what has its
 * own mark? */
bool rival_rule(const struct netlink_rule *r, uint32_t mark);

/* Is this the route by which such a rule leads into a tunnel, but not into ours? */
bool rival_route(const struct netlink_route *r, uint32_t table, uint32_t ifindex);

/* If we have such a rule, adds a warning that names the first rival. */
void rival_warn(const struct rival_ours *ours, struct netlink *nl, struct diag *diag);

#endif
