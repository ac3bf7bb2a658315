/* src/engine/datagram.h - puts UDP and IP headers in front of a payload, in place */
#ifndef TUNION_ENGINE_DATAGRAM_H
#define TUNION_ENGINE_DATAGRAM_H

#include <stdint.h>

#include "base/ip.h"
#include "base/packet.h"

struct datagram_ends {
	struct ip_addr src, dst; /* of one family */
	uint16_t src_port, dst_port;
};

/* The TOS or traffic class becomes that of the packet (packet.tos). DF is not set, so packets
 * that may be fragmented need different IPv4 ids (RFC 6864 4.3); IPv6 has none. The packet
 * must have the headroom, and the whole fit into 65535 bytes. */
void datagram_wrap(struct packet *p, const struct datagram_ends *ends, uint16_t ipv4_id);

#endif
