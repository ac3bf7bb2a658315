/* src/host/yield.h - which of our prefixes does another link have already?
 *
 * The LAN of a hotel may have the prefix of the LAN at home. The route of a link that is
 * there goes first: ours gets a metric that is worse than that of any link, so that the
 * kernel uses it as soon as the other one is gone. This also goes for the route that the
 * kernel makes for the network of an Address. A default route never yields. Nor does a
 * prefix in a private table (host_config.c), where no other link has a route. */
#ifndef TUNION_HOST_YIELD_H
#define TUNION_HOST_YIELD_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ifname.h"
#include "host/host_items.h"
#include "netlink/netlink.h"

/* Worse than what the programs give that set up links: 100, 600, 1024, 3000 and so on. Better
 * than the metric of routes that only keep packets from leaving elsewhere. */
#define YIELD_METRIC 1000000U

/* One prefix of ours that yields. */
struct yield {
	struct ip_prefix prefix; /* masked */
	uint32_t table;
	uint32_t metric;             /* that our route has */
	char link[IF_NAMESIZE];      /* that has it; empty: a route without a link */
	char device[IFNAME_MAX + 1]; /* whose prefix it is; filled in by the caller */
};

/* Zeroed is empty. */
struct yields {
	struct yield *v; /* owned */
	size_t n;
};

void yields_clear(struct yields *y);
/* NULL if there is none of this prefix, table and link. */
const struct yield *yields_have(const struct yields *y, const struct yield *one);

/* Has our item to yield to this route of another link? False unless it has the same
 * prefix and table. */
bool yield_to_route(const struct netlink_item *ours, const struct netlink_route *theirs);

/* Makes the list again for items like those before, without asking the kernel: those that
 * yielded before get the metric. Returns 0 or -ENOMEM. */
MUST_CHECK int yields_keep(struct yields *out, struct host_items *items,
                           const struct yields *before);
/* Asks the kernel for routes of other links than tun. Gives our addresses and routes that
 * are in one of them the metric YIELD_METRIC, or the next one that nobody has for the same
 * prefix, and lists their prefixes, each once. Returns 0 or -errno; then some may be
 * missing. */
MUST_CHECK int yields_find(struct yields *out, struct host_items *items,
                           struct netlink *nl, uint32_t tun);

#endif
