/* tests/sim/ipbytes.h - reads fields of a valid IPv4 or IPv6 packet with UDP */
#ifndef TUNION_SIM_IPBYTES_H
#define TUNION_SIM_IPBYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

static inline struct ip_addr address_at(const uint8_t *ip, bool destination)
{
	if (ip[0] >> 4 == 6)
		return ip_addr_from_bytes(IP_V6, ip + (destination ? 24 : 8));
	return ip_addr_from_bytes(IP_V4, ip + (destination ? 16 : 12));
}

static inline size_t header_of(const uint8_t *ip)
{
	return ip[0] >> 4 == 6 ? 40 : 20;
}

static inline uint8_t tos_of(const uint8_t *ip)
{
	return (uint8_t)(ip[0] >> 4 == 6 ? ip[0] << 4 | ip[1] >> 4 : ip[1]);
}

/* `at` is 0 for the source port and 2 for the destination port. */
static inline uint16_t port_of(const uint8_t *ip, size_t at)
{
	const uint8_t *udp = ip + header_of(ip);

	return (uint16_t)(udp[at] << 8 | udp[at + 1]);
}

#endif
