/* src/host/nameservers.h - which name servers does the network offer, without the
 * tunnels'?
 *
 * They are for names that must be known before any tunnel is up. /etc/resolv.conf may
 * contain a stub on this host or, once we are up, the tunnels' servers. But the programs
 * that manage the host's resolver keep in /run what the network's interfaces have
 * offered. In Termux the file is $PREFIX/etc/resolv.conf. */
#ifndef TUNION_HOST_NAMESERVERS_H
#define TUNION_HOST_NAMESERVERS_H

#include <stddef.h>

#include "base/ip.h"

#define NAMESERVERS_MAX 8

/* Looks for files below root, which is "" for the host itself. ours is text as it is
 * given to resolvconf; the servers in it are left out; it may be NULL. Returns how many
 * servers were written to out. */
size_t nameservers_of_network(const char *root, const char *ours,
                              struct ip_addr out[static NAMESERVERS_MAX]);

#endif
