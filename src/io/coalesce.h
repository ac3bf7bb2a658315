/* src/io/coalesce.h - puts together what TCP and UDP senders had cut, before it goes to
 * the tun
 *
 * The reverse of segment.h: consecutive packets of one flow in one batch become one large
 * write with a vnet header, and the host's network stack is walked once for all of them.
 * The host sees what it would see from a NIC with GRO. Nothing is copied: a group is a
 * list of slices. Checksums are verified before, for the merged packet no longer bears
 * them. */
#ifndef TUNION_IO_COALESCE_H
#define TUNION_IO_COALESCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/ip.h"
#include "base/packet.h"
#include "io/vnet.h"

#define COALESCE_SLICES 64 /* packets in one group */

/* One write: a packet as it came, or several as one. */
struct coalesced {
	bool open;     /* may still grow */
	bool verified; /* the first packet's checksum */
	uint8_t protocol;
	uint32_t ip_bytes, header_bytes; /* of IP; of IP and TCP/UDP together */
	uint32_t segment_bytes;          /* payload of each packet but the last */
	uint32_t next_seq;               /* TCP: of the packet that would follow */
	uint32_t total_bytes;
	uint16_t count, first,
		last; /* packets in it; places in the batch, linked by next */
};

/* Working memory for one batch. */
struct coalescer {
	struct coalesced groups[BATCH_MAX];
	size_t group_count;
	struct packet *const *packets; /* borrowed */
	uint16_t next[BATCH_MAX];
	bool udp; /* may UDP be merged (USO)? */
	struct vnet_header header;
};

/* Sorts a batch, at most BATCH_MAX packets, into groups in the order of their first
 * packets. Packets of one flow keep their order. */
void coalesce(struct coalescer *c, struct packet *const *packets, size_t n, bool udp);

/* Completes group g and lists its slices, the vnet header first; out has room for
 * COALESCE_SLICES + 1. Valid until the next call. Returns how many. */
size_t coalesce_slices(struct coalescer *c, size_t g, struct iovec *out);

#endif
