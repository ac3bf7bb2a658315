/* src/host/netlink_item.h - addresses, routes, rules and links of the kernel, as values */
#ifndef TUNION_HOST_NETLINK_ITEM_H
#define TUNION_HOST_NETLINK_ITEM_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"

#define NETLINK_TABLE_MAIN 254U

struct netlink_link {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	uint32_t mtu_bytes;
	bool up;
};

/* IPv6: usable at once, without duplicate address detection. */
struct netlink_address {
	uint32_t ifindex;
	struct ip_prefix prefix; /* with host bits */
	bool no_prefix_route;    /* the kernel adds no connected route for it */
};

/* Zero members are left to the kernel. */
struct netlink_route {
	struct ip_prefix dst; /* masked; a default route has the family and length 0 */
	struct ip_addr src;   /* preferred source; IP_NONE: none */
	struct ip_addr gateway;
	uint32_t ifindex;
	uint32_t table; /* 0: main */
	uint32_t metric;
	uint32_t mtu_bytes;
	bool mtu_locked;  /* only when read */
	uint8_t protocol; /* RTPROT_*; 0: RTPROT_BOOT, as ip(8) */
	uint8_t type;     /* RTN_*; 0: unicast */
	/* The kernel has learned it for the one address dst (RTM_F_CLONED): a path MTU or
	 * a redirect. A deletion then removes that alone, and leaves the route of which
	 * it was learned. IPv6 only. */
	bool learned;
};

/* One rule of a family. The kernel's protocol (RTPROT_KERNEL) is set on what we add, so
 * that systemd-networkd does not take it for stale. */
struct netlink_rule {
	uint8_t family; /* enum ip_family */
	uint32_t priority;
	uint32_t table; /* looked up when the rule matches */
	bool has_mark, invert;
	uint32_t mark;     /* with has_mark; invert: packets that do not bear it */
	bool has_suppress; /* a result of this prefix length or shorter does not count */
	uint8_t suppress_len;
	uint8_t protocol; /* RTPROT_*; 0: RTPROT_KERNEL */
	bool other; /* only when read: it has selectors or an action not told here */
};

enum netlink_kind {
	NETLINK_KIND_ADDRESS,
	NETLINK_KIND_ROUTE,
	NETLINK_KIND_RULE,
};

/* What can be added, deleted and listed; a plain value. */
struct netlink_item {
	enum netlink_kind kind;
	union {
		struct netlink_address address;
		struct netlink_route route;
		struct netlink_rule rule;
	};
};

#define NETLINK_ITEM_STRLEN 256
/* As ip(8) writes it, such as "route 10.0.0.0/8 table 254"; returns out. */
const char *netlink_item_format(const struct netlink_item *item,
                                char out[static NETLINK_ITEM_STRLEN]);

#endif
