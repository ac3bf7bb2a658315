/* src/base/link.h - how does the engine send? Through these interfaces: io implements
 * them with real devices, tests/sim with a simulated network.
 *
 * Input is pushed: whoever reads a tun or a socket hands a batch to the engine
 * (engine_tun_input, engine_udp_input). Output goes through an interface, which is the
 * first member of the struct that implements it. The implementation may overwrite the
 * buffers of the batch that it is given, but it must not keep them. */
#ifndef TUNION_BASE_LINK_H
#define TUNION_BASE_LINK_H

#include <stddef.h>

#include "base/packet.h"

/* The host tun. It carries whole IP packets. */
struct tun_link {
	/* Returns how many of the n packets were accepted; the others are lost. */
	size_t (*write)(struct tun_link *link, struct packet *const *packets, size_t n);
};

/* The UDP identity of one device in the network, both families. */
struct udp_link {
	/* Sends all packets to one endpoint, from endpoint.local if that is set. The tos
	 * of a packet becomes the datagram's. Returns how many were accepted; these are
	 * the first. */
	size_t (*send)(struct udp_link *link, const struct endpoint *to,
	               struct packet *const *packets, size_t n);
};

#endif
