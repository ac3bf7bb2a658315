/* src/engine/icmp.h - what does the engine say about a packet that it can't deliver?
 *
 * The packet is turned into the ICMP error about itself, in place, to be written to the
 * tun. Says what the kernel's wg device says (wg_xmit): host unreachable, address
 * unreachable; and "fragmentation needed" or "packet too big" with the device's MTU. */
#ifndef TUNION_ENGINE_ICMP_H
#define TUNION_ENGINE_ICMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/packet.h"

/* False, and the packet unchanged, if it is one about which no error may be sent: RFC
 * 1122 3.2.2, RFC 4443 2.4(e). */
MUST_CHECK bool icmp_unreachable(struct packet *p);
/* As above. IPv6 is never told less than 1280 (RFC 8200 5). */
MUST_CHECK bool icmp_too_big(struct packet *p, uint32_t mtu_bytes);

/* A token bucket: RFC 1812 4.3.2.8, RFC 4443 2.4(f). Zeroed: full. */
#define ICMP_BURST      50
#define ICMP_PER_SECOND 1000
struct icmp_limit {
	uint64_t full_at_ns; /* when the bucket will be full again */
};

/* Takes a token; false if there is none. */
MUST_CHECK bool icmp_allowed(struct icmp_limit *limit, uint64_t now_ns);

#endif
