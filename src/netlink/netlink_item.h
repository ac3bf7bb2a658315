/* src/netlink/netlink_item.h - addresses, routes, rules and links of the kernel, as
 * values */
#ifndef TUNION_NETLINK_NETLINK_ITEM_H
#define TUNION_NETLINK_NETLINK_ITEM_H

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

/* An IPv6 address can be used at once, without duplicate address detection. */
struct netlink_address {
	uint32_t ifindex;
	struct ip_prefix prefix; /* with host bits */
	bool no_prefix_route;    /* the kernel adds no connected route for it */
	uint32_t metric;         /* of that route; 0: the kernel's own */
};

/* Members that are zero are chosen by the kernel. */
struct netlink_route {
	struct ip_prefix dst; /* masked; a default route has the family and length 0 */
	struct ip_addr src;   /* preferred source; family IP_NONE: there is none */
	struct ip_addr gateway;
	uint32_t ifindex;
	uint32_t table; /* 0: main */
	uint32_t metric;
	uint32_t mtu_bytes;
	bool mtu_locked;  /* only set when it is read */
	uint8_t protocol; /* RTPROT_*; 0: RTPROT_BOOT, as with ip(8) */
	uint8_t type;     /* RTN_*; 0: unicast */
	/* The kernel has learned it for the one address dst (RTM_F_CLONED): a path MTU or
	 * a redirect. A deletion then only removes this, and not the route from which it
	 * was learned. Only for IPv6. */
	bool learned;
};

/* The metric of the "unreachable" routes of an instance whose tun has this index: no route
 * that leads anywhere has a worse one. */
static inline uint32_t netlink_worst_metric(uint32_t ifindex)
{
	return UINT32_MAX - ifindex;
}

/* One rule of a family. What we add gets the kernel's protocol (RTPROT_KERNEL), so that
 * systemd-networkd doesn't believe that it is stale. What is only set when it is read can't
 * be added. */
struct netlink_rule {
	uint8_t family; /* enum ip_family */
	uint32_t priority;
	uint32_t table; /* looked up if the rule matches */
	bool has_mark, invert;
	uint32_t mark;     /* with has_mark; invert: packets with another mark */
	uint32_t mask;     /* of the mark; only set when it is read */
	bool has_suppress; /* a result of this prefix length or shorter doesn't count */
	uint8_t suppress_len;
	uint8_t protocol; /* RTPROT_*; 0: RTPROT_KERNEL */
	uint32_t target;  /* of FR_ACT_GOTO: the priority of a later rule */
	uint8_t action;   /* FR_ACT_*; 0: to look up the table */
	/* Only set when it is read: it has another selector than a mark, and not only
	 * that packets come from this host. */
	bool narrow;
	/* When it is added: others may have the same priority, and even be equal; it comes
	 * behind them. */
	bool shared;
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
/* Formats it like ip(8), such as "route 10.0.0.0/8 table 254". Returns out. */
const char *netlink_item_format(const struct netlink_item *item,
                                char out[static NETLINK_ITEM_STRLEN]);

#endif
