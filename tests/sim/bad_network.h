/* tests/sim/bad_network.h - a network that loses, doubles and reorders, and what the client
 * may drop because of this
 *
 * The oracle knows nothing of this: it says what is dropped in a good network. */
#ifndef TUNION_SIM_BAD_NETWORK_H
#define TUNION_SIM_BAD_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "oracle.h"
#include "world.h"

/* Draws the delay of the network, and whether it is a bad one; returns that. */
bool bad_network_draw(struct conditions *k, uint64_t *state);
/* Any number of packets may be dropped for this reason. */
bool bad_network_explains(enum drop reason);

/* After handshakes have crossed, a session may be replaced while datagrams of it are still
 * on their way. Inside a carrier, nobody claims such a datagram, so it is a packet like any
 * other (R7), and its source, the peer's endpoint, may be another device's (R12). Then it is
 * dropped as a forged one.
 *
 * Adds up how often the devices of the plan have dropped a packet as forged, as long as no
 * server has forged any. The chains are all that packets have taken. False if a device has
 * done so that carries nobody. */
bool bad_network_late(const struct plan *plan, struct device *const *devices,
                      const struct chain *chains, size_t n, uint64_t *late);

#endif
