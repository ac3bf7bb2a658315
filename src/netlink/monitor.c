/* src/netlink/monitor.c - reads rtnetlink notifications */
#include "netlink/monitor.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/netlink.h"
#include "netlink/nlmsg.h"

#define EVERYTHING  (MONITOR_NETWORK | MONITOR_SOURCES | MONITOR_OURS)
#define RX_BYTES    32768
#define QUEUE_BYTES (1 << 20)
#define READS_MAX   64 /* in one call, so that others get their turn */

/* An unbound socket gets no notifications, since its address is that of the kernel. */
static int listen_to_kernel(int fd)
{
	static const int groups[] = { RTNLGRP_LINK,        RTNLGRP_IPV4_IFADDR,
		                      RTNLGRP_IPV4_ROUTE,  RTNLGRP_IPV4_RULE,
		                      RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,
		                      RTNLGRP_IPV6_RULE };
	static const struct sockaddr_nl any = { .nl_family = AF_NETLINK };

	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
		               sizeof(groups[i])) < 0)
			return -errno;
	}
	return 0;
}

int monitor_open(int *fd)
{
	static const int queue_bytes = QUEUE_BYTES;
	int err;

	*fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (*fd < 0)
		return -errno;
	(void)!setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &queue_bytes, sizeof(queue_bytes));
	err = listen_to_kernel(*fd);
	if (err) {
		close(*fd);
		*fd = -1;
	}
	return err;
}

/* A route over several links has no link of its own, that is, 0. */
static bool is_ours(uint32_t ifindex, const struct monitor_tuns *tuns)
{
	return ifindex != 0 && tuns->have(tuns->context, ifindex);
}

/* Ignores routes to our own addresses and broadcasts, which come and go with
 * addresses. */
static unsigned route_changed(const struct netlink_route *r, bool gone,
                              const struct monitor_tuns *tuns)
{
	if (is_ours(r->ifindex, tuns) || (r->type == RTN_UNREACHABLE &&
	                                  is_ours(netlink_worst_metric(r->metric), tuns)))
		return gone ? MONITOR_OURS : 0;
	return r->type == RTN_LOCAL || r->type == RTN_BROADCAST ||
	                       r->type == RTN_ANYCAST || r->type == RTN_MULTICAST
	               ? 0
	               : MONITOR_NETWORK | MONITOR_SOURCES;
}

/* If an address comes, it may have been there before, and only its lifetime is
 * renewed. */
static unsigned address_changed(const struct netlink_address *a, bool gone,
                                const struct monitor_tuns *tuns)
{
	if (is_ours(a->ifindex, tuns))
		return gone ? MONITOR_OURS : 0;
	return gone ? MONITOR_NETWORK | MONITOR_SOURCES : MONITOR_NETWORK;
}

static unsigned changed(const struct nlmsg *m, const struct monitor_tuns *tuns)
{
	bool gone = m->type == RTM_DELADDR || m->type == RTM_DELROUTE ||
	            m->type == RTM_DELRULE;
	struct netlink_item item;
	struct netlink_link link;

	/* one of ours may have lost an alternative name */
	if (nlmsg_read_link(m, &link))
		return is_ours(link.ifindex, tuns) ? MONITOR_OURS : MONITOR_NETWORK;
	if (!nlmsg_read_item(m, &item))
		return 0;
	switch (item.kind) {
	case NETLINK_KIND_ADDRESS:
		return address_changed(&item.address, gone, tuns);
	case NETLINK_KIND_ROUTE:
		return route_changed(&item.route, gone, tuns);
	case NETLINK_KIND_RULE:
		return gone ? MONITOR_OURS | MONITOR_NETWORK : MONITOR_NETWORK;
	}
	return 0;
}

unsigned monitor_parse(struct reader r, const struct monitor_tuns *tuns)
{
	unsigned bits = 0;
	struct nlmsg m;

	while (nlmsg_next(&r, &m))
		bits |= changed(&m, tuns);
	return bits;
}

unsigned monitor_read(int fd, const struct monitor_tuns *tuns)
{
	uint8_t rx[RX_BYTES];
	unsigned bits = 0;

	for (int i = 0; i < READS_MAX; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, rx, sizeof(rx), MSG_TRUNC,
		                     (struct sockaddr *)&from, &len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ENOBUFS ? EVERYTHING : bits;
		if ((size_t)n > sizeof(rx))
			bits |= EVERYTHING;
		else if (from.nl_pid == 0) /* the kernel */
			bits |= monitor_parse(reader_of(rx, (size_t)n), tuns);
	}
	return bits;
}
