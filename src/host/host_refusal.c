/* src/host/host_refusal.c */
#include "host/host_refusal.h"

#include <errno.h>

#include "host/host_items.h"
#include "host/host_origin.h"

/* Has the kernel made this route by itself, for the network of an Address? Only `Table`
 * asks for such a route again. */
static bool is_connected(const struct plan *plan, const struct netlink_route *route)
{
	for (size_t i = 0; i < plan->device_count && route->table == NETLINK_TABLE_MAIN;
	     i++) {
		const struct conf_prefixes *list = &plan->devices[i].conf->addresses;

		for (size_t j = 0; j < list->n; j++) {
			struct ip_prefix network = ip_prefix_mask(list->v[j].prefix);

			if (ip_prefix_equal(&network, &route->dst))
				return true;
		}
	}
	return false;
}

static const char *hint(const struct plan *plan, const struct netlink_item *item,
                        int error)
{
	switch (error) {
	case -EEXIST:
		if (item->kind != NETLINK_KIND_ROUTE)
			return ": it already exists";
		return is_connected(plan, &item->route)
		               ? ": it comes with the Address of this network; leave out Table, or write the Address as /32 or /128"
		               : ": another device already has this route in the same table";
	case -EACCES:
	case -EAFNOSUPPORT:
	case -EOPNOTSUPP:
		return host_item_is_ipv6(item) ? ": IPv6 is disabled on this host" : "";
	default: /* these are the kernel's numbers, not ours */
		return "";
	}
}

void host_refusal_report(const struct plan *plan, const struct netlink_item *item,
                         int error, const char *why, struct diag *diag)
{
	struct host_origin o = host_origin_of(plan, item);
	char text[NETLINK_ITEM_STRLEN];

	diag_error(diag, o.conf ? o.conf->path : NULL, o.line,
	           "%s%s is refused by the kernel (%s)%s",
	           error == -EPERM ? "this needs root: " : "",
	           netlink_item_format(item, text), why, hint(plan, item, error));
}
