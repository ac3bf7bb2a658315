/* src/engine/icmp.h - what does the engine say about a packet that it can't deliver?
 *
 * The packet is turned, in place, into the ICMP error about itself, which is then written
 * to the tun. The errors are those of the kernel's wg device (wg_xmit): host unreachable
 * and address unreachable; and "fragmentation needed" or "packet too big" with the MTU of
 * the device. */
#ifndef TUNION_ENGINE_ICMP_H
#define TUNION_ENGINE_ICMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/iphdr.h"
#include "base/packet.h"

/* Is it an ICMP error, or a redirect? Unknown types are treated as errors, and so is what
 * can't be told because the headers in front are cut off. The view must have been made by
 * ip_view_parse, and not from a later fragment. */
MUST_CHECK bool icmp_is_error(const struct packet *p, const struct ip_view *v);
/* Returns false and leaves the packet unchanged if no error may be sent about it: RFC
 * 1122 3.2.2, RFC 4443 2.4(e). */
MUST_CHECK bool icmp_unreachable(struct packet *p);
/* As above. An IPv6 error never contains an MTU below 1280 (RFC 8200 5). */
MUST_CHECK bool icmp_too_big(struct packet *p, uint32_t mtu_bytes);

/* A token bucket: RFC 1812 4.3.2.8, RFC 4443 2.4(f). It is full if all is zero. */
#define ICMP_BURST      50
#define ICMP_PER_SECOND 1000
struct icmp_limit {
	uint64_t full_at_ns; /* when the bucket will be full again */
};

/* Takes a token; false if there is none. */
MUST_CHECK bool icmp_allowed(struct icmp_limit *limit, uint64_t now_ns);

#endif
