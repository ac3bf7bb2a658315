/* src/demo/witness.h - what did this interface carry? Counts of who talked to whom
 *
 * A packet socket with a ring that the kernel writes to, so that a burst is not lost
 * while the demo is busy; what is lost all the same is counted, and then no claim can be
 * made. */
#ifndef TUNION_DEMO_WITNESS_H
#define TUNION_DEMO_WITNESS_H

#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "io/loop.h"

#define WITNESS_FLOWS_MAX 64

/* One direction. Ports are 0 unless UDP or TCP. */
struct witness_flow {
	struct ip_addr src, dst;
	uint8_t protocol;
	uint16_t src_port, dst_port; /* host order */
	uint64_t packets; /* as on a wire: a segmented datagram counts as its parts */
	uint64_t bytes;   /* of the IP packets, before segmentation */
};

struct witness;

/* Of an interface in the network namespace that the process is in; watches from now on,
 * whatever namespace it goes to. 0 or -errno. */
MUST_CHECK int witness_new(struct witness **out, struct loop *loop,
                           const char *interface);
/* NULL is fine. */
void witness_free(struct witness *w);

/* Takes in what is in the ring. */
void witness_drain(struct witness *w);
/* After witness_drain. */
const struct witness_flow *witness_flows(const struct witness *w, size_t *n);
/* Packets the ring had no room for, or flows the table had none for. */
uint64_t witness_lost(struct witness *w);
/* Frames that are neither IP nor ARP. */
uint64_t witness_strange(const struct witness *w);

#endif
