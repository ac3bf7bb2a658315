/* src/host/host_exit.c */
#include "host/host_exit.h"

#include <linux/rtnetlink.h>
#include <stdio.h>

#include "netlink/netlink.h"

int host_exit_look(const char *tun, const struct ip_addr *to, struct host_exit *out)
{
	struct netlink_route route = { 0 };
	struct netlink_link link = { 0 };
	struct netlink *nl = NULL;
	int err = netlink_open(&nl);

	*out = (struct host_exit){ 0 };
	if (!err && tun)
		err = netlink_link_find(nl, tun, &link);
	if (!err)
		err = netlink_route_get(nl, to, 0, &route);
	if (!err)
		err = netlink_link_get(nl, route.ifindex, &link);
	netlink_free(nl);
	if (err)
		return err;
	snprintf(out->link, sizeof(out->link), "%s", link.name);
	out->gateway = route.gateway;
	out->local = route.type == RTN_LOCAL;
	return 0;
}
