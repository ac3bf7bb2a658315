/* src/base/link.h - how does the engine send? Through these; io has real ones, tests/sim its own.
 *
 * Input is pushed: whoever reads a tun or a socket hands the engine a batch
 * (engine_tun_input, engine_udp_input). Output is an interface, embedded as first member of
 * the implementation. Both take a batch whose buffers they may overwrite but not keep. */
#ifndef TUNION_BASE_LINK_H
#define TUNION_BASE_LINK_H

#include <stddef.h>

#include "base/packet.h"

/* The host tun: whole IP packets. */
struct tun_link {
	/* Returns how many of the n packets were taken; the others are lost. */
	size_t (*write)(struct tun_link *link, struct packet *const *packets, size_t n);
};

/* The UDP identity of one device in the network, both families. */
struct udp_link {
	/* All to one endpoint, from endpoint.local if that is set; tos of each packet becomes
	 * the datagram's. Returns how many were taken, counted from the first. */
	size_t (*send)(struct udp_link *link, const struct endpoint *to,
	               struct packet *const *packets, size_t n);
};

#endif
