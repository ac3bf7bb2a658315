/* tests/sim/nat.h - network address translation, as providers do it */
#ifndef TUNION_SIM_NAT_H
#define TUNION_SIM_NAT_H

#include "world.h"

/* c becomes the datagram as it leaves the node: from its public address. */
void nat_out(struct node *node, struct craft *c, const uint8_t *ip, size_t n);
/* The reverse; false: not for an address translated here. */
bool nat_in(struct node *node, struct craft *c, const uint8_t *ip, size_t n);

#endif
