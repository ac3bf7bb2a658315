/* src/proxy/lwip_inbound.h - packets on their way into lwIP
 *
 * Segments of one connection that come in one batch are given to lwIP as one, as a NIC with
 * GRO does it: what lwIP has to do for a segment costs more than the copy of its bytes, and
 * what is out of order waits in a list that is gone through for each segment. */
#ifndef TUNION_PROXY_LWIP_INBOUND_H
#define TUNION_PROXY_LWIP_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct lwip_stack;
struct packet;
struct tcp_hdr;
struct tcp_pcb;

/* Returns how many of the n packets were accepted. May change them. */
size_t lwip_inbound_take(struct lwip_stack *s, struct packet *const *packets, size_t n);

/* May lwIP look at this segment of a connection? Nothing is kept that reaches beyond the
 * window: lwIP cuts off what does only if it is the next, or the last of several that came
 * too early. It also lets an end that came too early count for all data that covers it, even
 * if this fills the window. Either way it aborts when the gap before is filled. The window of
 * a connection that isn't established is not known yet. And nothing is kept that nobody will
 * read, or if there is little memory left. */
MUST_CHECK bool lwip_inbound_may_see(const struct tcp_pcb *pcb, const struct tcp_hdr *hdr,
                                     uint16_t data_bytes);

#endif
