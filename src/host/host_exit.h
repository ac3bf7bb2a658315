/* src/host/host_exit.h - where does this host send a packet to an address?
 *
 * Not always into the tun: a LAN to which the host is attached goes first, and so may routes
 * and rules of others. */
#ifndef TUNION_HOST_HOST_EXIT_H
#define TUNION_HOST_HOST_EXIT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/ip.h"

#define HOST_EXIT_LINK_STRLEN 16

struct host_exit {
	char link[HOST_EXIT_LINK_STRLEN];
	struct ip_addr gateway; /* family IP_NONE: there is none, it is attached */
	bool local;             /* the address is the host's own */
};

/* Returns 0; -ENODEV if there is no such tun in the network namespace of this process, unless
 * `tun` is NULL, for any namespace; or another -errno, such as -ENETUNREACH if the host has no route. */
MUST_CHECK int host_exit_look(const char *tun, const struct ip_addr *to,
                              struct host_exit *out);

#endif
