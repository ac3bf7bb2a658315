/* src/engine/outbound.h - packets from the tun: which peer has each, and can it be sent?
 */
#ifndef TUNION_ENGINE_OUTBOUND_H
#define TUNION_ENGINE_OUTBOUND_H

#include "engine/core.h"

/* As engine_tun_input; settled. */
void outbound_packets(struct engine *e, struct packet **packets, size_t n,
                      uint64_t now_ns);

#endif
