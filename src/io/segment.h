/* src/io/segment.h - splits up what the host's TCP or UDP has left whole (TSO, USO)
 *
 * A tun with offloads gives us up to 64 KiB with one IP header and one TCP or UDP
 * header, and without checksums. This makes the packets that would have been sent
 * without offloads. */
#ifndef TUNION_IO_SEGMENT_H
#define TUNION_IO_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "io/vnet.h"

/* One packet that is being split up. The packet is borrowed. */
struct segmenter {
	const uint8_t *packet;
	uint32_t header_bytes; /* IP header(s) and TCP or UDP header */
	uint32_t ip_bytes;     /* IP header(s) only */
	uint32_t total_bytes;
	uint32_t segment_bytes; /* payload of each segment but the last */
	uint32_t at;            /* bytes of payload that are done */
	uint32_t index;         /* number of segments that are done */
	enum ip_family family;
	enum vnet_gso gso;
	bool needs_csum;
	bool finished;
	uint16_t csum_start, csum_offset;
	/* Unfolded checksums of what is the same in all segments. The first is of the IP
	 * header, the second of the TCP or UDP header and the pseudo header. */
	uint64_t ip_sum, transport_sum;
};

/* `bytes` is what was read behind the header. Returns false if header and packet
 * contradict each other. */
MUST_CHECK bool segmenter_start(struct segmenter *s, const struct vnet_header *header,
                                const uint8_t *bytes, size_t n);

/* The size of the next packet; 0 when there is none left. */
uint32_t segmenter_next_bytes(const struct segmenter *s);
/* Writes the next packet to `out`, which has room for it. Lengths, ids, sequence numbers,
 * flags and checksums are as on a wire. */
void segmenter_next(struct segmenter *s, uint8_t *out);

#endif
