/* src/host/host_items.h - lists of what the kernel can be told: addresses, routes, rules */
#ifndef TUNION_HOST_HOST_ITEMS_H
#define TUNION_HOST_HOST_ITEMS_H

#include <stddef.h>

#include "base/attr.h"
#include "host/netlink_item.h"

/* Zeroed is empty. */
struct host_items {
	struct netlink_item *v; /* owned */
	size_t n, capacity;
};

/* Orders by what identifies an item in the kernel; 0: the same, though its values may
 * differ. */
int host_item_compare(const struct netlink_item *a, const struct netlink_item *b);

MUST_CHECK int host_items_add(struct host_items *list, const struct netlink_item *item);
void host_items_clear(struct host_items *list);
/* An index of the list in the order of host_item_compare, to be freed; equal items stay in
 * the order of their list. NULL: no memory. */
const struct netlink_item **host_items_sorted(const struct host_items *list);

#endif
