/* tests/sim/nat.h - network address translation, as providers do it */
#ifndef TUNION_SIM_NAT_H
#define TUNION_SIM_NAT_H

#include "world.h"

/* Makes c the datagram as it leaves the node: with the node's public address. */
void nat_out(struct node *node, struct craft *c, const uint8_t *ip, size_t n);
/* The reverse. False if the datagram is not for an address that was translated here. */
bool nat_in(struct node *node, struct craft *c, const uint8_t *ip, size_t n);

#endif
