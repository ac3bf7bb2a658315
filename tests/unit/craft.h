/* tests/unit/craft.h - makes and checks IP packets byte by byte, with the simplest code
 *
 * It shares nothing with src: both must agree. */
#ifndef TUNION_UNIT_CRAFT_H
#define TUNION_UNIT_CRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <check.h>

#include "base/packet.h"

#define CRAFT_MAX_BYTES 2304

/* For what a test needs but does not test. ck_assert also reports what holds,
 * and is slow. */
#define must(condition)                                                                  \
	do {                                                                             \
		if (!(condition))                                                        \
			ck_abort_msg("%s", #condition);                                  \
	} while (0)

/* A packet with its own buffer and full headroom and tailroom. */
struct craft {
	struct packet packet;
	uint8_t buffer[PACKET_HEADROOM_BYTES + CRAFT_MAX_BYTES + PACKET_TAILROOM_BYTES];
};

/* The 16-bit one's complement sum of RFC 1071, not complemented. */
uint16_t craft_sum(const uint8_t *bytes, size_t n);

/* Makes c empty; data points to where a packet begins. */
void craft_start(struct craft *c);
/* Makes the packet of these bytes. */
void craft_bytes(struct craft *c, const void *bytes, size_t n);

/* Makes IPv4 (TTL 63, DF clear) or IPv6, depending on the form of the addresses. */
void craft_ip(struct craft *c, const char *src, const char *dst, uint8_t protocol,
              const void *payload, size_t n);
void craft_udp(struct craft *c, const char *src, uint16_t src_port, const char *dst,
               uint16_t dst_port, const void *payload, size_t n);
/* Sets the TOS or traffic class of the packet, and corrects the checksum. */
void craft_set_tos(struct craft *c, uint8_t tos);
void craft_set_df(struct craft *c);
/* Sets IPv4 flags and offset, in the form that the header has. */
void craft_set_fragment(struct craft *c, uint16_t flags_offset);

/* Checks header lengths and all checksums (IPv4, UDP, ICMP, ICMPv6) of an IP packet. */
bool craft_valid(const uint8_t *bytes, size_t n);

#endif
