/* src/engine/translate.h - translates packets that came in through a device back to what
 * the host knows
 *
 * This undoes what was done to the packets on the way out: it restores the host's address
 * (source.h) and the virtual resolver's (resolver.h). Later fragments are translated like
 * their first one (pieces.h). */
#ifndef TUNION_ENGINE_TRANSLATE_H
#define TUNION_ENGINE_TRANSLATE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core.h"

/* Translates packets for the host before they are written to its tun. Packets that have
 * to wait for their first fragment, or are dropped, are taken out of the array. Returns
 * how many are left. After this, others may be ready in the engine's pieces. */
MUST_CHECK size_t translate_in(struct device *d, struct packet **packets, size_t n,
                               uint64_t now_ns);

#endif
