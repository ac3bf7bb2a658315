/* src/proxy/lwip_segment.h - may lwIP look at a segment of a connection? */
#ifndef TUNION_PROXY_LWIP_SEGMENT_H
#define TUNION_PROXY_LWIP_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct tcp_hdr;
struct tcp_pcb;

/* Nothing is kept that reaches beyond the window: lwIP cuts off what does only if it is the
 * next, or the last of several that came too early. It also lets an end that came too early
 * count for all data that covers it, even if this fills the window. Either way it aborts when
 * the gap before is filled. The window of a connection that isn't established is not known
 * yet. And nothing is kept that nobody will read, or if there is little memory left.
 *
 * Nothing is seen whose number is so far from that of the next byte that it may be before or
 * behind it: lwIP takes it for both, and aborts. The same with a SYN that completes a handshake,
 * which counts as a byte. */
MUST_CHECK bool lwip_segment_may_see(const struct tcp_pcb *pcb, const struct tcp_hdr *hdr,
                                     uint16_t data_bytes);

#endif
