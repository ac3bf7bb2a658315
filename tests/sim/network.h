/* tests/sim/network.h - which node gets a packet, and when? The world between the nodes */
#ifndef TUNION_SIM_NETWORK_H
#define TUNION_SIM_NETWORK_H

#include "world.h"

bool network_is_local(const struct node *node, const struct ip_addr *addr);
/* NULL: the world does not know this address. */
struct node *network_owner(const struct world *w, const struct ip_addr *addr);
/* For a packet that the node itself sends or forwards. */
void network_route(struct node *from, const struct trail *trail, uint8_t *ip, size_t n);

#endif
