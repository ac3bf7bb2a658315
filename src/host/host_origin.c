/* src/host/host_origin.c */
#include "host/host_origin.h"

#include "host/host_items.h"

static struct host_origin address_origin(const struct plan *plan,
                                         const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf *conf = plan->devices[i].conf;

		for (size_t j = 0; j < conf->addresses.n; j++) {
			if (ip_prefix_equal(&conf->addresses.v[j].prefix, prefix))
				return (struct host_origin){ conf,
					                     conf->addresses.v[j].line };
		}
	}
	return (struct host_origin){ 0 };
}

static struct host_origin network_origin(const struct plan *plan,
                                         const struct ip_prefix *prefix)
{
	struct ip_prefix network;

	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf *conf = plan->devices[i].conf;

		for (size_t j = 0; j < conf->addresses.n; j++) {
			if (host_item_network(&conf->addresses.v[j].prefix, &network) &&
			    ip_prefix_equal(&network, prefix))
				return (struct host_origin){ conf,
					                     conf->addresses.v[j].line };
		}
	}
	return (struct host_origin){ 0 };
}

/* The device that has the prefix comes before those in its shadow. */
static struct host_origin route_origin(const struct plan *plan,
                                       const struct ip_prefix *prefix)
{
	const struct union_node *node = union_find(&plan->table, prefix);
	const struct plan_prefix *p =
		node && node->first
			? plan_prefix_find(plan_device_of(node->first->peer), prefix)
			: NULL;

	if (p)
		return (struct host_origin){ plan_device_of(node->first->peer)->conf,
			                     p->line };
	for (size_t i = 0; i < plan->device_count; i++) {
		p = plan_prefix_find(&plan->devices[i], prefix);
		if (p)
			return (struct host_origin){ plan->devices[i].conf, p->line };
	}
	return (struct host_origin){ 0 };
}

struct host_origin host_origin_of(const struct plan *plan,
                                  const struct netlink_item *item)
{
	switch (item->kind) {
	case NETLINK_KIND_ADDRESS:
		return address_origin(plan, &item->address.prefix);
	case NETLINK_KIND_ROUTE:
		return route_origin(plan, &item->route.dst);
	case NETLINK_KIND_RULE:
		break;
	}
	return (struct host_origin){ 0 };
}

struct host_origin host_origin_of_prefix(const struct plan *plan,
                                         const struct ip_prefix *prefix)
{
	struct host_origin o = route_origin(plan, prefix);

	return o.line > 0 ? o : network_origin(plan, prefix);
}
