/* src/host/ipv6.h - does this host do without IPv6? */
#ifndef TUNION_HOST_IPV6_H
#define TUNION_HOST_IPV6_H

#include <stdbool.h>

#include "netlink/netlink.h"

/* True if the kernel has no IPv6, or if it is disabled on the tun and no link has an IPv6
 * address other than ::1. If another link has one, this is false, although the kernel
 * will refuse everything on the tun: then IPv6 must not be left out, because it would
 * bypass the tunnels. False if it can't be found out.
 * tun: NULL if it is in another network namespace, whose settings can't be read. */
bool ipv6_missing(struct netlink *nl, const char *tun);

#endif
