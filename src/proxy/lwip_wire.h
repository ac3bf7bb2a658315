/* src/proxy/lwip_wire.h - what lwIP doesn't do with packets, and a host does
 *
 * It has one MTU for all, and ignores ICMP errors. Everything here takes bytes that anybody
 * may have sent. */
#ifndef TUNION_PROXY_LWIP_WIRE_H
#define TUNION_PROXY_LWIP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/iphdr.h"

/* Does the packet begin a connection of TCP? The view is that of the packet. */
bool lwip_wire_is_syn(const uint8_t *packet, const struct ip_view *view);
/* If the packet is a SYN, lowers the maximum segment size that it offers, so that packets
 * with it have at most mtu_bytes. */
void lwip_wire_clamp(uint8_t *packet, const struct ip_view *view, uint32_t mtu_bytes);

/* An ICMP error says that a packet of ours doesn't arrive. */
struct lwip_wire_error {
	struct ip_addr from, to; /* of that packet */
	uint8_t protocol;
	uint16_t from_port, to_port;
	uint32_t seq;       /* TCP */
	int err;            /* -ENETUNREACH, -EHOSTUNREACH, -ECONNREFUSED; 0: too big */
	uint32_t mtu_bytes; /* if too big */
};

/* Returns false if it isn't such an error. */
MUST_CHECK bool lwip_wire_error_read(struct lwip_wire_error *out, const uint8_t *packet,
                                     const struct ip_view *view);

/* May lwIP see this packet? It knows messages of ICMP that nobody may send us. And it aborts when
 * it has put together a datagram of IPv6 of almost 64 KiB, or one whose fragments have headers of
 * fragments in themselves. */
bool lwip_wire_is_wanted(const uint8_t *packet, const struct ip_view *view);

#endif
