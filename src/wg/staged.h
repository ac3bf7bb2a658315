/* src/wg/staged.h - what waits for a handshake to be done: the last 128 packets to a peer
 *
 * The packets are copies from the packet pool. */
#ifndef TUNION_WG_STAGED_H
#define TUNION_WG_STAGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/packet.h"

#define STAGED_MAX 128U

/* Embedded in a peer; zeroed is empty. Owns the copies. */
struct staged {
	struct packet *ring[STAGED_MAX];
	uint32_t first; /* the oldest */
	uint32_t count;
};

/* Copies the packet to the end. Returns how many were lost by it: the oldest if the queue
 * or the pool was full, the packet itself if the pool had nothing for it even so. */
MUST_CHECK size_t staged_push(struct staged *s, struct packet_pool *pool,
                              const struct packet *p);
/* The oldest, now the caller's, who gives it back to the pool; NULL when empty. */
struct packet *staged_pop(struct staged *s);
/* Empties it; returns how many there were. */
size_t staged_purge(struct staged *s, struct packet_pool *pool);

#endif
