/* src/host/gso_max.c - what TCP hands over at once should be sent as one UDP_SEGMENT
 * message, which has at most 64 segments and 65465 bytes (see io/udp.c). With the default
 * size there would be three segments more, which would need a message of their own. From
 * this size the kernel subtracts 321 bytes for headers, and then what doesn't fill a
 * segment; with IPv6, segments are 20 bytes shorter. */
#include "host/gso_max.h"

#define SEGMENTS_MAX  64
#define MESSAGE_BYTES 65465
#define DEFAULT_BYTES 65536

void gso_max_set(struct netlink *nl, uint32_t ifindex, uint32_t mtu_bytes)
{
	const uint32_t tcp_headers = 52, message = 32, reserve = 321;
	uint32_t segments = MESSAGE_BYTES / (mtu_bytes + message), bytes = DEFAULT_BYTES;

	if (segments > SEGMENTS_MAX)
		segments = SEGMENTS_MAX;
	if (segments >= 2)
		bytes = segments * (mtu_bytes - tcp_headers) + reserve + 100;
	(void)!netlink_link_set_gso_max(nl, ifindex, bytes);
}
