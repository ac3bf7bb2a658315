/* tests/sim/defrag.h - joins fragments, as a host does for its own packets, and as a
 * router does that translates addresses */
#ifndef TUNION_SIM_DEFRAG_H
#define TUNION_SIM_DEFRAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "craft.h"

#define DEFRAG_SLOTS 32 /* packets being joined; the oldest gives up its slot */

struct defrag_slot {
	uint8_t key[40]; /* addresses, protocol, id */
	size_t end;      /* of the whole packet; 0 if the last fragment has not come */
	bool have[CRAFT_MAX_BYTES / 8];
	uint8_t bytes[CRAFT_MAX_BYTES]; /* from the IP header on */
};

struct defrag {
	struct defrag_slot slots[DEFRAG_SLOTS];
	size_t next;
};

bool defrag_is_fragment(const uint8_t *ip);
/* If this completes a packet, puts it into out[CRAFT_MAX_BYTES] and returns its length;
 * else returns 0. */
size_t defrag_add(struct defrag *d, const uint8_t *ip, size_t n, uint8_t *out);

#endif
