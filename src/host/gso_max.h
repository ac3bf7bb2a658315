/* src/host/gso_max.h - how much may the host's TCP hand to a tun at once? */
#ifndef TUNION_HOST_GSO_MAX_H
#define TUNION_HOST_GSO_MAX_H

#include <stdint.h>

#include "netlink/netlink.h"

/* Sets what is best for a link with this MTU. If that fails, it is only a little slower. */
void gso_max_set(struct netlink *nl, uint32_t ifindex, uint32_t mtu_bytes);

#endif
