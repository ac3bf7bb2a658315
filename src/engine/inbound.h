/* src/engine/inbound.h - datagrams for a device: to whom do the packets inside belong? */
#ifndef TUNION_ENGINE_INBOUND_H
#define TUNION_ENGINE_INBOUND_H

#include "engine/core.h"

/* Like engine_udp_input, but the engine must be settled. */
void inbound_datagrams(struct device *d, struct packet **datagrams, size_t n,
                       uint64_t now_ns);

/* Callbacks for reassembly.h and pieces.h; the context is the engine. */
bool inbound_wanted(void *context, uint32_t carrier_id, uint16_t port);
void inbound_release(void *context, uint32_t carrier_id, struct packet *fragment,
                     uint64_t now_ns);
void inbound_dropped(void *context, uint32_t carrier_id, size_t n);

#endif
