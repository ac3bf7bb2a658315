/* tests/fuzz/script.h - shared by targets whose input is a script for devices: a clock
 * and randomness that are the same for the same input, and packets */
#ifndef TUNION_FUZZ_SCRIPT_H
#define TUNION_FUZZ_SCRIPT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/packet.h"

#define PIECE_MAX 2048U

/* The first member of a target's world, and the context of the next two functions. */
struct script {
	uint64_t now_ns, seed;
};

/* For struct rng and for the wall_clock_ns of an environment. */
static inline void script_fill(void *context, void *bytes, size_t n)
{
	struct script *s = context;
	uint8_t *b = bytes;

	while (n-- > 0) {
		s->seed = s->seed * UINT64_C(6364136223846793005) + 1;
		*b++ = (uint8_t)(s->seed >> 56);
	}
}

static inline uint64_t script_wall_clock_ns(void *context)
{
	const struct script *s = context;

	return s->now_ns;
}

struct buffer {
	uint8_t bytes[PACKET_HEADROOM_BYTES + PIECE_MAX + PACKET_TAILROOM_BYTES];
	struct packet packet;
};

/* Makes a packet of these bytes, or of as many as fit. `from` may be NULL. */
static inline void buffer_set(struct buffer *b, const void *bytes, size_t n,
                              const struct endpoint *from)
{
	if (n > PIECE_MAX)
		n = PIECE_MAX;
	memcpy(b->bytes + PACKET_HEADROOM_BYTES, bytes, n);
	b->packet = (struct packet){
		.data = b->bytes + PACKET_HEADROOM_BYTES,
		.len_bytes = (uint32_t)n,
		.headroom_bytes = PACKET_HEADROOM_BYTES,
		.tailroom_bytes = (uint32_t)(PIECE_MAX - n) + PACKET_TAILROOM_BYTES,
		.from = from,
	};
}

#endif
