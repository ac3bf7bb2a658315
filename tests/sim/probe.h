/* tests/sim/probe.h - did a packet of an application arrive, unchanged, and its answer?
 *
 * A probe is a datagram whose bytes follow from its number. The application of a server
 * sends it back. The world keeps what became of each (struct probe). */
#ifndef TUNION_SIM_PROBE_H
#define TUNION_SIM_PROBE_H

#include "world.h"

/* Sends probe `id` from the node's tun: an application datagram with n bytes. node_probe
 * has APP_PORT as source port. node_probe_translated is for a source that is not the
 * address of the device by which it leaves; it has a port of its own, so that its flow
 * can be told from the others after translation. */
void node_probe(struct node *node, uint16_t id, const struct ip_addr *src,
                const struct ip_addr *dst, size_t n, uint8_t tos);
/* Sends it from the tun of a device that has its own. */
void node_probe_own(struct node *node, struct device *d, uint16_t id,
                    const struct ip_addr *src, const struct ip_addr *dst, size_t n);
void node_probe_translated(struct node *node, uint16_t id, const struct ip_addr *src,
                           const struct ip_addr *dst, size_t n);
/* Probes between these two calls go in as one batch of at most BATCH_MAX. They all go into
 * the same tun. */
void node_batch_begin(struct node *node);
void node_batch_end(struct node *node);

/* Takes a packet for the node itself, and notes what became of its probe. */
void probe_input(struct node *node, const uint8_t *ip, size_t n);

#endif
