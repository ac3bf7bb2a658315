/* src/base/packet.h - what is one packet in memory?
 *
 * A packet is a view into a buffer that somebody else owns for the time of one batch, with
 * room before and after the bytes, so that an encapsulation writes its headers in front and
 * its tag behind, in place. */
#ifndef TUNION_BASE_PACKET_H
#define TUNION_BASE_PACKET_H

#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

#define WAY_MAX 8 /* peers on one way; design R2 */

/* One encapsulation: IPv6, fragment header, UDP, data header in front; padding, tag behind. */
#define PACKET_FRONT_BYTES    (40 + 8 + 8 + 16)
#define PACKET_BACK_BYTES     (15 + 16 + 1)
#define PACKET_HEADROOM_BYTES (WAY_MAX * PACKET_FRONT_BYTES)
#define PACKET_TAILROOM_BYTES (WAY_MAX * PACKET_BACK_BYTES)
#define PACKET_MAX_BYTES      65535
#define PACKET_BUFFER_BYTES   (PACKET_HEADROOM_BYTES + PACKET_MAX_BYTES + PACKET_TAILROOM_BYTES)

#define BATCH_MAX 256 /* packets in one batch */

struct wg_peer;

struct packet {
	uint8_t *data; /* borrowed: first byte of the packet */
	uint32_t len_bytes;
	uint32_t headroom_bytes; /* writable before data */
	uint32_t tailroom_bytes; /* writable after data + len_bytes */
	/* The TOS/traffic class byte of the IP header outside the bytes here. Received: of the
	 * datagram that brought them. To be sent: what that header has to bear (design R9). */
	uint8_t tos;
	const struct endpoint *from; /* borrowed: received datagrams: the sender */
	struct wg_peer *peer;        /* borrowed: set by wg where a packet belongs to a peer */
};

/* Takes n bytes of headroom into the packet; returns its new first byte. Own bug if there
 * is less room: the ways are bounded, see WAY_MAX. */
uint8_t *packet_push(struct packet *p, uint32_t n);
/* Takes n bytes off the front; n <= len_bytes. */
void packet_pull(struct packet *p, uint32_t n);
/* Grows (from the tailroom) or cuts the end so that the packet has n bytes. */
void packet_set_len(struct packet *p, uint32_t n);

/* Buffers for packets that must outlive their batch (staged until a handshake is done).
 * Keeps what is freed for the next one; never holds more than its limit. One per engine. */
struct packet_pool;

/* limit_bytes bounds all copies together. NULL if out of memory. */
struct packet_pool *packet_pool_new(size_t limit_bytes);
/* All copies must have been given back. NULL is fine. */
void packet_pool_free(struct packet_pool *pool);
/* A packet of len_bytes, not yet written, with full head- and tailroom; `tos` is 0, `from`
 * and `peer` are NULL. NULL when the limit is reached. Give back with packet_pool_put. */
MUST_CHECK struct packet *packet_pool_take(struct packet_pool *pool, uint32_t len_bytes);
/* The same with the bytes and the tos of p. */
MUST_CHECK struct packet *packet_pool_copy(struct packet_pool *pool, const struct packet *p);
/* Wipes the bytes. */
void packet_pool_put(struct packet_pool *pool, struct packet *p);

#endif
