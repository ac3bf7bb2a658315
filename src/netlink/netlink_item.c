/* src/netlink/netlink_item.c - prints items like ip(8) */
#include "netlink/netlink_item.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *route_type_name(uint8_t type)
{
	switch (type) {
	case 0:
	case RTN_UNICAST:
		return "";
	case RTN_LOCAL:
		return "local ";
	case RTN_BROADCAST:
		return "broadcast ";
	case RTN_BLACKHOLE:
		return "blackhole ";
	case RTN_UNREACHABLE:
		return "unreachable ";
	default: /* these are the kernel's numbers, not ours */
		return "other ";
	}
}

#define METRIC_STRLEN 24

static const char *format_metric(uint32_t metric, char out[static METRIC_STRLEN])
{
	out[0] = '\0';
	if (metric != 0)
		snprintf(out, METRIC_STRLEN, " metric %u", metric);
	return out;
}

static void format_route(const struct netlink_route *r, char *out, size_t size)
{
	char prefix[IP_PREFIX_STRLEN], src[IP_ADDR_STRLEN], gateway[IP_ADDR_STRLEN];
	char metric[METRIC_STRLEN];
	bool has_src = r->src.family != IP_NONE,
	     has_gateway = r->gateway.family != IP_NONE;

	snprintf(out, size, "route %s%s%s%s table %u%s%s%s mtu %u",
	         route_type_name(r->type), ip_prefix_format(&r->dst, prefix),
	         has_gateway ? " via " : "",
	         has_gateway ? ip_addr_format(&r->gateway, gateway) : "",
	         r->table ? r->table : NETLINK_TABLE_MAIN,
	         format_metric(r->metric, metric), has_src ? " src " : "",
	         has_src ? ip_addr_format(&r->src, src) : "", r->mtu_bytes);
	if (r->mtu_bytes == 0)
		*strstr(out, " mtu ") = '\0';
}

static void format_rule(const struct netlink_rule *r, char *out, size_t size)
{
	char mark[32] = "", suppress[32] = "", where[32];

	if (r->has_mark)
		snprintf(mark, sizeof(mark), "%s fwmark %u", r->invert ? " not" : "",
		         r->mark);
	if (r->has_suppress)
		snprintf(suppress, sizeof(suppress), " suppress_prefixlength %u",
		         r->suppress_len);
	if (r->action == FR_ACT_GOTO)
		snprintf(where, sizeof(where), "goto %u", r->target);
	else
		snprintf(where, sizeof(where), "table %u", r->table);
	snprintf(out, size, "IPv%u rule %u:%s %s%s", r->family, r->priority, mark, where,
	         suppress);
}

const char *netlink_item_format(const struct netlink_item *item,
                                char out[static NETLINK_ITEM_STRLEN])
{
	char prefix[IP_PREFIX_STRLEN], metric[METRIC_STRLEN];

	switch (item->kind) {
	case NETLINK_KIND_ADDRESS:
		snprintf(out, NETLINK_ITEM_STRLEN, "address %s%s",
		         ip_prefix_format(&item->address.prefix, prefix),
		         format_metric(item->address.metric, metric));
		break;
	case NETLINK_KIND_ROUTE:
		format_route(&item->route, out, NETLINK_ITEM_STRLEN);
		break;
	case NETLINK_KIND_RULE:
		format_rule(&item->rule, out, NETLINK_ITEM_STRLEN);
		break;
	}
	return out;
}
