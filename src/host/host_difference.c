/* src/host/host_difference.c - sorts both lists by what identifies an item in the kernel,
 * and then reads them side by side */
#include "host/host_difference.h"

#include <errno.h>
#include <stdlib.h>

static bool same_values(const struct netlink_item *a, const struct netlink_item *b)
{
	switch (a->kind) {
	case NETLINK_KIND_ADDRESS:
		return a->address.ifindex == b->address.ifindex &&
		       a->address.prefix.len == b->address.prefix.len &&
		       a->address.metric == b->address.metric;
	case NETLINK_KIND_ROUTE:
		return a->route.ifindex == b->route.ifindex &&
		       a->route.mtu_bytes == b->route.mtu_bytes &&
		       ip_addr_equal(&a->route.src, &b->route.src);
	case NETLINK_KIND_RULE:
		return a->rule.has_mark == b->rule.has_mark &&
		       a->rule.mark == b->rule.mark &&
		       a->rule.has_suppress == b->rule.has_suppress &&
		       a->rule.suppress_len == b->rule.suppress_len;
	}
	return false;
}

/* Can the kernel exchange the values of the item? */
static bool replaceable(const struct netlink_item *a, const struct netlink_item *b)
{
	switch (a->kind) {
	case NETLINK_KIND_ADDRESS:
		return a->address.ifindex == b->address.ifindex &&
		       a->address.prefix.len == b->address.prefix.len;
	case NETLINK_KIND_ROUTE:
		return true;
	case NETLINK_KIND_RULE:
		break;
	}
	return false;
}

/* What has become of an item of one list in the other list. */
enum fate {
	FATE_ONLY_HERE = 0,
	FATE_SAME,
	FATE_REPLACED, /* it has other values, which the kernel can exchange */
	FATE_CHANGED,
};

static enum fate fate_of(const struct netlink_item *a, const struct netlink_item *b)
{
	if (same_values(a, b))
		return FATE_SAME;
	return replaceable(a, b) ? FATE_REPLACED : FATE_CHANGED;
}

/* Walks through both sorted indexes together. */
static void find_fates(const struct netlink_item **a, const struct host_items *from,
                       enum fate *from_fate, const struct netlink_item **b,
                       const struct host_items *to, enum fate *to_fate)
{
	size_t i = 0, j = 0;

	while (i < from->n && j < to->n) {
		int c = host_item_compare(a[i], b[j]);

		if (c == 0)
			from_fate[a[i] - from->v] = to_fate[b[j] - to->v] =
				fate_of(a[i], b[j]);
		i += c <= 0;
		j += c >= 0;
	}
}

static bool is_rule_of(const struct netlink_item *item, enum ip_family family)
{
	return item->kind == NETLINK_KIND_RULE && item->rule.family == family;
}

/* The rules of one family. */
struct rules {
	bool shared, differ;
};

static struct rules look_at_rules(const struct host_items *list, const enum fate *fates,
                                  enum ip_family family)
{
	struct rules r = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		if (!is_rule_of(&list->v[i], family))
			continue;
		r.shared |= list->v[i].rule.shared;
		r.differ |= fates[i] != FATE_SAME;
	}
	return r;
}

static void set_apart(const struct host_items *list, enum fate *fates,
                      enum ip_family family)
{
	for (size_t i = 0; i < list->n; i++) {
		if (is_rule_of(&list->v[i], family))
			fates[i] = FATE_ONLY_HERE;
	}
}

/* Rules that share a priority stand in the order in which they were added. So if there is
 * one more, all of them are added again, and then the old ones, which come first, go. */
static void renew_shared(const struct host_items *from, enum fate *from_fate,
                         const struct host_items *to, enum fate *to_fate,
                         enum ip_family family, bool renew)
{
	struct rules old = look_at_rules(from, from_fate, family),
		     new = look_at_rules(to, to_fate, family);

	if (!new.shared || !(renew || old.differ || new.differ))
		return;
	set_apart(from, from_fate, family);
	set_apart(to, to_fate, family);
}

static int sort_out(struct host_difference *out, const struct host_items *from,
                    const enum fate *from_fate, const struct host_items *to,
                    const enum fate *to_fate)
{
	int err = 0;

	for (size_t i = 0; i < to->n && err == 0; i++) {
		if (to_fate[i] == FATE_REPLACED)
			err = host_items_add(&out->replace, &to->v[i]);
		else if (to_fate[i] != FATE_SAME)
			err = host_items_add(&out->add, &to->v[i]);
	}
	for (size_t i = from->n; i-- > 0 && err == 0;) {
		if (from_fate[i] != FATE_REPLACED && from_fate[i] != FATE_SAME)
			err = host_items_add(&out->remove, &from->v[i]);
	}
	return err;
}

int host_config_compare(struct host_difference *out, const struct host_config *from,
                        const struct host_config *to)
{
	const struct netlink_item **a = host_items_sorted(&from->items),
				  **b = host_items_sorted(&to->items);
	enum fate *from_fate = calloc(from->items.n + 1, sizeof(*from_fate));
	enum fate *to_fate = calloc(to->items.n + 1, sizeof(*to_fate));
	int err = -ENOMEM;

	*out = (struct host_difference){ 0 };
	if (a && b && from_fate && to_fate) {
		find_fates(a, &from->items, from_fate, b, &to->items, to_fate);
		renew_shared(&from->items, from_fate, &to->items, to_fate, IP_V4,
		             to->renew4);
		renew_shared(&from->items, from_fate, &to->items, to_fate, IP_V6,
		             to->renew6);
		err = sort_out(out, &from->items, from_fate, &to->items, to_fate);
	}
	free(to_fate);
	free(from_fate);
	free(b);
	free(a);
	if (err < 0)
		host_difference_clear(out);
	return err;
}

void host_difference_clear(struct host_difference *d)
{
	host_items_clear(&d->add);
	host_items_clear(&d->replace);
	host_items_clear(&d->remove);
}
