/* src/proxy/lwip_inbound.h - packets on their way into lwIP
 *
 * Segments of one connection that come in one batch are given to lwIP as one, as a NIC with
 * GRO does it: what lwIP has to do for a segment costs more than the copy of its bytes, and
 * what is out of order waits in a list that is gone through for each segment. */
#ifndef TUNION_PROXY_LWIP_INBOUND_H
#define TUNION_PROXY_LWIP_INBOUND_H

#include <stddef.h>

struct lwip_stack;
struct packet;

/* Returns how many of the n packets were accepted. May change them. */
size_t lwip_inbound_take(struct lwip_stack *s, struct packet *const *packets, size_t n);

#endif
