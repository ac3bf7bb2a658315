/* src/engine/carry.h - who takes the WireGuard messages of a peer, and in which headers?
 *
 * Either another device, namely that of the peer's next hop (see plan/way.h): the
 * messages are wrapped in IP and UDP and sealed by that device, which carries them on. Or
 * the network. Design R1, R2, R6, R7, R9. */
#ifndef TUNION_ENGINE_CARRY_H
#define TUNION_ENGINE_CARRY_H

#include <stdbool.h>

#include "base/attr.h"
#include "engine/core.h"

/* Can packets for this peer be sent at all? If not, counts n drops with the reason, and
 * logs the loop if there is one. The engine must be settled. */
MUST_CHECK bool carry_possible(struct peer *peer, size_t n, uint64_t now_ns);

/* Seals IP packets for this peer and carries them where its way leads. Packets that are
 * too large for the device are cut if this is allowed (R10), and otherwise dropped. The
 * array and the buffers are overwritten. */
void carry_packets(struct peer *peer, struct packet **packets, size_t n, uint64_t now_ns);

/* Carries messages of this peer to its endpoint. The array and the buffers are
 * overwritten. Each message needs headroom for the rest of the way, which is at most
 * WAY_MAX encapsulations. */
void carry_messages(struct peer *peer, struct packet **messages, size_t n,
                    uint64_t now_ns);

/* Carries the answer to a message of a stranger, whose endpoint is `to`. If the message
 * came inside a carrier, the answer goes back through it; and if it came from the network
 * and the device has a peer without Endpoint, it goes to the network (R8). Otherwise it
 * takes the way that the device's Via or the union gives for this endpoint. */
void carry_to(struct device *d, const struct endpoint *to, struct packet *message,
              uint64_t now_ns);

#endif
