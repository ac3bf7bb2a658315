/* src/engine/outbound.h - packets from the tun: to which peer does each go, and can it be
 * sent? */
#ifndef TUNION_ENGINE_OUTBOUND_H
#define TUNION_ENGINE_OUTBOUND_H

#include "engine/core.h"

/* Like engine_tun_input, but the engine must be settled. */
void outbound_packets(struct engine *e, struct packet **packets, size_t n,
                      uint64_t now_ns);

#endif
