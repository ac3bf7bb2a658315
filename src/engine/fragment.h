/* src/engine/fragment.h - cuts an IP packet that is too big for the device it goes
 * through
 *
 * Design R10, as the kernel does: IPv4 where DF is clear (RFC 791 3.2), and IPv6 outer
 * packets, whose source we are, with a fragment header (RFC 8200 4.5). */
#ifndef TUNION_ENGINE_FRAGMENT_H
#define TUNION_ENGINE_FRAGMENT_H

#include <stdint.h>

#include "base/attr.h"
#include "base/iphdr.h"
#include "base/packet.h"

/* RFC 8200 4.5 */
struct ipv6_fragment_header {
	uint8_t next_header;
	uint8_t zero;
	struct be16 offset_more; /* offset in units of 8 bytes << 3, lowest bit: more
	                            follow */
	struct be32 id;
};
_Static_assert(sizeof(struct ipv6_fragment_header) == 8, "wire size");

/* Cuts p into packets of at most mtu_bytes: p becomes the first, the others come from the
 * pool (give out[1..] back with fragments_put). id is for IPv6 only. out has room for
 * BATCH_MAX. Returns how many there are; 0 if it can't be cut: DF, an IPv6 packet with
 * extension headers, an MTU too small, no memory. Then p is as it was. */
MUST_CHECK size_t fragment(struct packet *p, uint32_t mtu_bytes, uint32_t id,
                           struct packet_pool *pool, struct packet **out);
void fragments_put(struct packet_pool *pool, struct packet *const *fragments, size_t n);

#endif
