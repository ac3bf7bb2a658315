/* src/base/packet.h - what is one packet in memory?
 *
 * A packet is a view into a buffer that somebody else owns for the time of one batch.
 * There is room before and after its bytes, so that an encapsulation can write its
 * headers in front of them and its tag behind them, in place. */
#ifndef TUNION_BASE_PACKET_H
#define TUNION_BASE_PACKET_H

#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

#define WAY_MAX 8 /* the most peers that one way may have; design R2 */

/* What one encapsulation adds. In front: IPv6 header, fragment header, UDP header, header
 * of the data message. Behind: padding, the tag, and one byte to spare. */
#define PACKET_FRONT_BYTES    (40 + 8 + 8 + 16)
#define PACKET_BACK_BYTES     (15 + 16 + 1)
#define PACKET_HEADROOM_BYTES (WAY_MAX * PACKET_FRONT_BYTES)
#define PACKET_TAILROOM_BYTES (WAY_MAX * PACKET_BACK_BYTES)
#define PACKET_MAX_BYTES      65535
#define PACKET_BUFFER_BYTES                                                              \
	(PACKET_HEADROOM_BYTES + PACKET_MAX_BYTES + PACKET_TAILROOM_BYTES)

#define BATCH_MAX 256 /* the most packets in one batch */

struct packet {
	uint8_t *data; /* borrowed: the first byte of the packet */
	uint32_t len_bytes;
	uint32_t headroom_bytes; /* writable before data */
	uint32_t tailroom_bytes; /* writable after data + len_bytes */
	/* The TOS or traffic class byte of the IP header that is outside of these bytes.
	 * For a received packet: of the datagram that brought it. For a packet to be
	 * sent: what the outer header must have (design R9). */
	uint8_t tos;
	const struct endpoint *from; /* borrowed: the sender of a received datagram */
};

/* Moves n bytes from the headroom into the packet and returns its new first byte. There
 * must be so much room: the length of ways is bounded, see WAY_MAX. */
uint8_t *packet_push(struct packet *p, uint32_t n);
/* Removes n bytes from the front; n <= len_bytes. */
void packet_pull(struct packet *p, uint32_t n);
/* Makes the packet n bytes long: grows its end into the tailroom, or cuts it off. */
void packet_set_len(struct packet *p, uint32_t n);

/* Buffers for packets that must live longer than their batch, such as those that are
 * staged until a handshake is done. Freed small buffers are kept for the next packets;
 * kept and taken ones together never exceed the limit. There is one pool per engine. */
struct packet_pool;

/* limit_bytes bounds the bytes of all buffers together. NULL if out of memory. */
struct packet_pool *packet_pool_new(size_t limit_bytes);
/* All packets must have been given back before. NULL is fine. */
void packet_pool_free(struct packet_pool *pool);
/* Takes a packet of len_bytes with full headroom and tailroom. Its bytes are not written
 * yet, `tos` is 0 and `from` is NULL. Returns NULL when the limit is reached.
 * Give it back with packet_pool_put. */
MUST_CHECK struct packet *packet_pool_take(struct packet_pool *pool, uint32_t len_bytes);
/* Takes a packet with the bytes and the tos of p. */
MUST_CHECK struct packet *packet_pool_copy(struct packet_pool *pool,
                                           const struct packet *p);
/* Gives a packet back to the pool; its bytes are wiped. */
void packet_pool_put(struct packet_pool *pool, struct packet *p);

#endif
