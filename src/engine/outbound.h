/* src/engine/outbound.h - packets from the tun or from a gate's clients: to which peer
 * does each go, and can it be sent? */
#ifndef TUNION_ENGINE_OUTBOUND_H
#define TUNION_ENGINE_OUTBOUND_H

#include "engine/core.h"

/* Like engine_tun_input, but the engine must be settled. With a gate, the packets come
 * from its clients, and not from the tun; then they may have less room. */
void outbound_packets(struct engine *e, struct device *gate, struct packet **packets,
                      size_t n, uint64_t now_ns);

#endif
