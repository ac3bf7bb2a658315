/* src/engine/outbound.h - packets from a tun or from a gate's clients: to which peer does
 * each go, and can it be sent? */
#ifndef TUNION_ENGINE_OUTBOUND_H
#define TUNION_ENGINE_OUTBOUND_H

#include "engine/core.h"

/* Like engine_tun_input, but the engine must be settled. `from` is the device from whose
 * own tun the packets were read, or the gate whose clients have sent them (these may have
 * less room); NULL: they come from the shared tun. */
void outbound_packets(struct engine *e, struct device *from, struct packet **packets,
                      size_t n, uint64_t now_ns);

/* An ICMP error that is to be sent as if a client had sent it through this gate. */
void outbound_error(struct engine *e, struct device *gate, struct packet *error,
                    uint64_t now_ns);

#endif
