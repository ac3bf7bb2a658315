/* src/engine/fragment.h - cuts an IP packet that is too big for the device it leaves
 * through
 *
 * Design R10. As in the kernel, this is done for IPv4 packets without DF (RFC 791 3.2),
 * and for our own outer IPv6 packets with a fragment header (RFC 8200 4.5). */
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
	struct be16 offset_more; /* offset / 8 in the upper 13 bits; lowest bit: more */
	struct be32 id;
};
_Static_assert(sizeof(struct ipv6_fragment_header) == 8, "wire size");

/* Cuts p into packets of at most mtu_bytes. p becomes the first one, and the others come
 * from the pool: give out[1..] back with fragments_put. The id is used for IPv6 only. out
 * has room for BATCH_MAX packets. Returns how many packets there are, or 0 if p can't be
 * cut, because of DF, extension headers (IPv6), a too small MTU, or a lack of memory.
 * Then p is unchanged. */
MUST_CHECK size_t fragment(struct packet *p, uint32_t mtu_bytes, uint32_t id,
                           struct packet_pool *pool, struct packet **out);
void fragments_put(struct packet_pool *pool, struct packet *const *fragments, size_t n);

#endif
