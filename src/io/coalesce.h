/* src/io/coalesce.h - joins the segments of TCP and UDP before they are written to the
 * tun
 *
 * This is the reverse of segment.h: consecutive packets of one flow in one batch become
 * one large write with a vnet header, and the host's network stack is passed once for all
 * of them. The host sees the same as from a NIC with GRO. Nothing is copied: a group is a
 * list of slices. The checksums are verified before, because the joined packet does not
 * have them any more. */
#ifndef TUNION_IO_COALESCE_H
#define TUNION_IO_COALESCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/ip.h"
#include "base/packet.h"
#include "io/vnet.h"

#define COALESCE_SLICES 64 /* the most packets in one group */

/* One write: a packet as it came, or several packets as one. */
struct coalesced {
	bool open;     /* may still grow */
	bool verified; /* the checksum of the first packet was verified */
	uint8_t protocol;
	uint32_t ip_bytes, header_bytes; /* IP header; IP and TCP/UDP header together */
	uint32_t segment_bytes;          /* payload of each packet but the last */
	uint32_t next_seq;               /* TCP: sequence number of the next packet */
	uint32_t total_bytes;
	/* number of packets; the first and the last position in the batch,
	 * linked by `next` */
	uint16_t count, first, last;
};

/* The working memory for one batch. */
struct coalescer {
	struct coalesced groups[BATCH_MAX];
	size_t group_count;
	struct packet *const *packets; /* borrowed */
	uint16_t next[BATCH_MAX];
	bool udp; /* whether UDP may be joined (USO) */
	struct vnet_header header;
};

/* Sorts a batch of at most BATCH_MAX packets into groups, in the order of their first
 * packets. Packets of one flow keep their order. */
void coalesce(struct coalescer *c, struct packet *const *packets, size_t n, bool udp);

/* Completes group g and lists its slices, the vnet header first. `out` has room
 * for COALESCE_SLICES + 1 slices, which are valid until the next call. Returns
 * their number. */
size_t coalesce_slices(struct coalescer *c, size_t g, struct iovec *out);
/* The same for a tun without vnet header: joined TCP becomes one valid packet, which may be
 * larger than any link takes. Only for a coalescer without UDP. */
size_t coalesce_slices_whole(struct coalescer *c, size_t g, struct iovec *out);

#endif
