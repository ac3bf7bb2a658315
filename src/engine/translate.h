/* src/engine/translate.h - what came in through a device, as the host knows it
 *
 * What was translated on the way out is put back: the host's address (source.h), the
 * resolver's (resolver.h), and in later fragments as in their first one (pieces.h). */
#ifndef TUNION_ENGINE_TRANSLATE_H
#define TUNION_ENGINE_TRANSLATE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core.h"

/* Packets for the host, before they are written to its tun. Those that have to wait for
 * their first fragment, or are dropped, are taken out of the array. Returns how many are
 * left; others may be ready in the engine's pieces then. */
MUST_CHECK size_t translate_in(struct device *d, struct packet **packets, size_t n,
                               uint64_t now_ns);

#endif
