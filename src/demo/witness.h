/* src/demo/witness.h - what did an interface carry? It counts who sent how much to whom.
 *
 * It is a packet socket with a ring that the kernel writes to, so that a burst is not
 * lost while the demo is busy. What is lost in spite of this is counted; then nothing
 * can be claimed. */
#ifndef TUNION_DEMO_WITNESS_H
#define TUNION_DEMO_WITNESS_H

#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "io/loop.h"

#define WITNESS_FLOWS_MAX 64

/* One direction. The ports are 0 unless the protocol is UDP or TCP. */
struct witness_flow {
	struct ip_addr src, dst;
	uint8_t protocol;
	uint16_t src_port, dst_port; /* host order */
	uint64_t packets; /* as on a wire: a segmented datagram counts as its parts */
	uint64_t bytes;   /* of the IP packets, before segmentation */
};

struct witness;

/* Watches an interface of the network namespace in which the process is, from now on and
 * whatever namespace the process enters later. 0 or -errno. */
MUST_CHECK int witness_new(struct witness **out, struct loop *loop,
                           const char *interface);
/* NULL is fine. */
void witness_free(struct witness *w);

/* Counts the packets that are in the ring. */
void witness_drain(struct witness *w);
/* To be called after witness_drain. */
const struct witness_flow *witness_flows(const struct witness *w, size_t *n);
/* The packets for which the ring had no room, or whose flow did not fit into the
 * table. */
uint64_t witness_lost(struct witness *w);
/* The frames that are neither IP nor ARP. */
uint64_t witness_strange(const struct witness *w);

#endif
