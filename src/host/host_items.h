/* src/host/host_items.h - lists of addresses, routes and rules, to be told to the
 * kernel */
#ifndef TUNION_HOST_HOST_ITEMS_H
#define TUNION_HOST_HOST_ITEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "netlink/netlink_item.h"

/* Zeroed is empty. */
struct host_items {
	struct netlink_item *v; /* owned */
	size_t n, capacity;
};

/* Compares by what identifies an item in the kernel. 0: they are the same item, although
 * its values may differ. */
int host_item_compare(const struct netlink_item *a, const struct netlink_item *b);
bool host_item_is_ipv6(const struct netlink_item *item);
/* Returns in *out the network of an address, for which the kernel makes a route; false if
 * it makes none. */
bool host_item_network(const struct ip_prefix *address, struct ip_prefix *out);

MUST_CHECK int host_items_add(struct host_items *list, const struct netlink_item *item);
void host_items_clear(struct host_items *list);
/* Are they the same items in the same order? */
bool host_items_equal(const struct host_items *a, const struct host_items *b);
/* Returns an index of the list in the order of host_item_compare; equal items stay in the
 * order of the list. To be freed; NULL if out of memory. */
const struct netlink_item **host_items_sorted(const struct host_items *list);

#endif
