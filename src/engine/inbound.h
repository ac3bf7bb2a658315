/* src/engine/inbound.h - datagrams for a device: whose are the packets inside? */
#ifndef TUNION_ENGINE_INBOUND_H
#define TUNION_ENGINE_INBOUND_H

#include "engine/core.h"

/* As engine_udp_input; settled. */
void inbound_datagrams(struct device *d, struct packet **datagrams, size_t n,
                       uint64_t now_ns);

#endif
