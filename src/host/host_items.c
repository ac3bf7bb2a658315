/* src/host/host_items.c - lists, and the order of items */
#include "host/host_items.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <stdlib.h>

int host_items_add(struct host_items *list, const struct netlink_item *item)
{
	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		struct netlink_item *v = reallocarray(list->v, capacity, sizeof(*v));

		if (!v)
			return -ENOMEM;
		list->v = v;
		list->capacity = capacity;
	}
	list->v[list->n++] = *item;
	return 0;
}

void host_items_clear(struct host_items *list)
{
	free(list->v);
	*list = (struct host_items){ 0 };
}

bool host_items_equal(const struct host_items *a, const struct host_items *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++) {
		if (host_item_compare(&a->v[i], &b->v[i]) != 0)
			return false;
	}
	return a->n == b->n;
}

static int compare_u32(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_address(const struct netlink_address *a,
                           const struct netlink_address *b)
{
	int c = ip_addr_compare(&a->prefix.addr, &b->prefix.addr);

	/* IPv6 has an address only once per device, with any length */
	if (c != 0 || a->prefix.addr.family == IP_V6)
		return c;
	return compare_u32(a->prefix.len, b->prefix.len);
}

static int compare_route(const struct netlink_route *a, const struct netlink_route *b)
{
	int c = ip_addr_compare(&a->dst.addr, &b->dst.addr);

	if (c == 0)
		c = compare_u32(a->dst.len, b->dst.len);
	if (c == 0)
		c = compare_u32(a->table, b->table);
	if (c == 0)
		c = compare_u32(a->metric, b->metric);
	return c;
}

static uint8_t action_of(const struct netlink_rule *r)
{
	return r->action ? r->action : FR_ACT_TO_TBL;
}

static int compare_marks(const struct netlink_rule *a, const struct netlink_rule *b)
{
	int c = compare_u32(a->has_mark, b->has_mark);

	if (c == 0)
		c = compare_u32(a->invert, b->invert);
	return c ? c : compare_u32(a->mark, b->mark);
}

static int compare_rule(const struct netlink_rule *a, const struct netlink_rule *b)
{
	int c = compare_u32(a->family, b->family);

	if (c == 0)
		c = compare_u32(a->priority, b->priority);
	if (c == 0)
		c = compare_u32(action_of(a), action_of(b));
	if (c == 0)
		c = compare_u32(a->table, b->table);
	if (c == 0)
		c = compare_u32(a->target, b->target);
	if (c == 0)
		c = compare_marks(a, b);
	if (c == 0)
		c = compare_u32(a->has_suppress, b->has_suppress);
	return c ? c : compare_u32(a->suppress_len, b->suppress_len);
}

int host_item_compare(const struct netlink_item *a, const struct netlink_item *b)
{
	if (a->kind != b->kind)
		return compare_u32(a->kind, b->kind);
	switch (a->kind) {
	case NETLINK_KIND_ADDRESS:
		return compare_address(&a->address, &b->address);
	case NETLINK_KIND_ROUTE:
		return compare_route(&a->route, &b->route);
	case NETLINK_KIND_RULE:
		return compare_rule(&a->rule, &b->rule);
	}
	return 0;
}

bool host_item_is_ipv6(const struct netlink_item *item)
{
	switch (item->kind) {
	case NETLINK_KIND_ADDRESS:
		return item->address.prefix.addr.family == IP_V6;
	case NETLINK_KIND_ROUTE:
		return item->route.dst.addr.family == IP_V6;
	case NETLINK_KIND_RULE:
		return item->rule.family == IP_V6;
	}
	return false;
}

bool host_item_network(const struct ip_prefix *address, struct ip_prefix *out)
{
	*out = ip_prefix_mask(*address);
	return out->addr.family == IP_V6 || (address->len < 32 && out->addr.b[0] != 0);
}

/* Sorts pointers; those of equal items stay in the order of their list. */
static int compare_pointers(const void *a, const void *b)
{
	const struct netlink_item *const *x = a, *const *y = b;
	int c = host_item_compare(*x, *y);

	return c != 0 ? c : *x < *y ? -1 : *x > *y;
}

const struct netlink_item **host_items_sorted(const struct host_items *list)
{
	const struct netlink_item **index = calloc(list->n + 1, sizeof(*index));

	if (!index)
		return NULL;
	for (size_t i = 0; i < list->n; i++)
		index[i] = &list->v[i];
	qsort(index, list->n, sizeof(*index), compare_pointers);
	return index;
}
