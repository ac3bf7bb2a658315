/* src/io/segment.h - takes apart what the host's TCP or UDP left whole (TSO, USO)
 *
 * A tun with offloads hands us up to 64 KiB with one IP and TCP/UDP header, and checksums
 * yet to be made. This makes of it the packets that would have been sent without
 * offloads. */
#ifndef TUNION_IO_SEGMENT_H
#define TUNION_IO_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "io/vnet.h"

/* One packet being taken apart; borrows it. */
struct segmenter {
	const uint8_t *packet;
	uint32_t header_bytes; /* IP and TCP/UDP */
	uint32_t ip_bytes;     /* IP header(s) alone */
	uint32_t total_bytes;
	uint32_t segment_bytes; /* payload of each but the last */
	uint32_t at;            /* payload bytes done */
	uint32_t index;         /* segments done */
	enum ip_family family;
	enum vnet_gso gso;
	bool needs_csum;
	bool finished;
	uint16_t csum_start, csum_offset;
	/* Unfolded checksums of what all segments have alike: of the IP header; of the
	 * TCP or UDP header and the pseudo header. */
	uint64_t ip_sum, transport_sum;
};

/* bytes: what was read behind the header. False: header and packet contradict each other.
 */
MUST_CHECK bool segmenter_start(struct segmenter *s, const struct vnet_header *header,
                                const uint8_t *bytes, size_t n);

/* The size of the next packet, 0 when there is none left. */
uint32_t segmenter_next_bytes(const struct segmenter *s);
/* Writes it to out, which has that much room, with lengths, ids, sequence numbers, flags
 * and checksums as on a wire. */
void segmenter_next(struct segmenter *s, uint8_t *out);

#endif
