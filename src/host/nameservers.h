/* src/host/nameservers.h - which name servers does the network offer, tunnels apart?
 *
 * For names that must be known before any tunnel is up. /etc/resolv.conf may name a stub
 * on this host or, once we are up, the tunnels' servers; the managers of the host's
 * resolver keep in /run what the network's interfaces had said. */
#ifndef TUNION_HOST_NAMESERVERS_H
#define TUNION_HOST_NAMESERVERS_H

#include <stddef.h>

#include "base/ip.h"

#define NAMESERVERS_MAX 8

/* Below root ("" for the host's). ours: text as resolvconf is given; the servers in it
 * are left out; may be NULL. Returns how many there are in out. */
size_t nameservers_of_network(const char *root, const char *ours,
                              struct ip_addr out[static NAMESERVERS_MAX]);

#endif
