/* src/host/host_origin.h - which line of which file has asked for an address or a route? */
#ifndef TUNION_HOST_HOST_ORIGIN_H
#define TUNION_HOST_HOST_ORIGIN_H

#include "base/ip.h"
#include "netlink/netlink_item.h"
#include "plan/plan.h"

/* All zeroes: it isn't known, as for rules. Borrowed from the plan. */
struct host_origin {
	const struct conf *conf;
	unsigned line;
};

struct host_origin host_origin_of(const struct plan *plan,
                                  const struct netlink_item *item);
/* Of a route to this prefix, or of an Address in this network. */
struct host_origin host_origin_of_prefix(const struct plan *plan,
                                         const struct ip_prefix *prefix);

#endif
