/* src/wg/staged.h - the packets that wait for a handshake: the last 128 ones for a peer
 *
 * They are copies from the packet pool. */
#ifndef TUNION_WG_STAGED_H
#define TUNION_WG_STAGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/packet.h"

#define STAGED_MAX 128U

/* Embedded in a peer. A zeroed struct is empty. Owns the copies. */
struct staged {
	struct packet *ring[STAGED_MAX];
	uint32_t first; /* the oldest */
	uint32_t count;
};

/* Adds a copy of the packet at the end. Returns how many packets were lost by this: the
 * oldest one if the queue or the pool was full; also the packet itself if the pool had no
 * room for it even then. */
MUST_CHECK size_t staged_push(struct staged *s, struct packet_pool *pool,
                              const struct packet *p);
/* Removes and returns the oldest packet; NULL if there is none. The caller gives it back
 * to the pool. */
struct packet *staged_pop(struct staged *s);
/* Drops all packets; returns how many there were. */
size_t staged_purge(struct staged *s, struct packet_pool *pool);

#endif
