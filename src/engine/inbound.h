/* src/engine/inbound.h - datagrams for a device: whose are the packets inside? */
#ifndef TUNION_ENGINE_INBOUND_H
#define TUNION_ENGINE_INBOUND_H

#include "engine/core.h"

/* As engine_udp_input; settled. */
void inbound_datagrams(struct device *d, struct packet **datagrams, size_t n,
                       uint64_t now_ns);

/* For the engine's reassembly and pieces (see there); context is the engine. */
bool inbound_wanted(void *context, uint32_t carrier_id, uint16_t port);
void inbound_release(void *context, uint32_t carrier_id, struct packet *fragment,
                     uint64_t now_ns);
void inbound_dropped(void *context, uint32_t carrier_id, size_t n);

#endif
