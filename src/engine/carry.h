/* src/engine/carry.h - who takes the WireGuard messages of a peer, and in which headers?
 *
 * Another device (the peer's next hop, see plan/way.h): wrapped in IP and UDP, sealed by
 * that one, and on; or the network. Design R1, R2, R6, R7, R9. */
#ifndef TUNION_ENGINE_CARRY_H
#define TUNION_ENGINE_CARRY_H

#include <stdbool.h>

#include "base/attr.h"
#include "engine/core.h"

/* May packets for this peer be sent at all? If not, counts n drops with the reason, and
 * names a loop in the log. Settled. */
MUST_CHECK bool carry_possible(struct peer *peer, size_t n, uint64_t now_ns);

/* IP packets for this peer: sealed, and carried where its way leads. Larger ones than its
 * device takes are cut if they may be (R10), else dropped. The array and the buffers are
 * overwritten. */
void carry_packets(struct peer *peer, struct packet **packets, size_t n, uint64_t now_ns);

/* Messages of this peer, all to its endpoint; the array and the buffers are overwritten.
 * Each needs the headroom of the way that is left: WAY_MAX encapsulations at most. */
void carry_messages(struct peer *peer, struct packet **messages, size_t n,
                    uint64_t now_ns);

/* A message that the device sends to no peer of its: the way its union or Via gives. */
void carry_to(struct device *d, const struct endpoint *to, struct packet *message,
              uint64_t now_ns);

#endif
