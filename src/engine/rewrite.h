/* src/engine/rewrite.h - changes addresses and ports inside a packet, with its checksums
 *
 * This can also be done inside a packet that an ICMP error quotes. Checksums are updated
 * incrementally (RFC 1624), so a wrong checksum stays wrong. */
#ifndef TUNION_ENGINE_REWRITE_H
#define TUNION_ENGINE_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/iphdr.h"
#include "base/packet.h"

/* Where the fields are that may change, in a packet or in one that an ICMP error
 * quotes. */
struct rewrite {
	enum ip_family family;
	uint8_t protocol;
	uint8_t *ip;                  /* the IP header */
	uint8_t *l4;                  /* NULL: not in this packet (a later fragment) */
	uint8_t *src_port, *dst_port; /* NULL: there is none */
	uint8_t *checksum;            /* of layer 4; NULL: none, or it is cut off */
	bool pseudo;                  /* that checksum covers the addresses */
	uint8_t *outer_checksum;      /* of ICMP over a quoted packet; else NULL */
};

/* The view must have been made by ip_view_parse from this packet. The result borrows the
 * packet's bytes. */
struct rewrite rewrite_fields(const struct packet *p, const struct ip_view *v);
/* Is it an ICMP error that quotes enough of another packet? If so, *quoted describes the
 * quoted packet. */
MUST_CHECK bool rewrite_quoted(struct rewrite *quoted, const struct rewrite *x,
                               const struct ip_view *v);

/* Returns the source or the destination, which has 4 or 16 bytes, inside the packet. */
uint8_t *rewrite_addr_at(const struct rewrite *x, bool source);
/* at is src_port or dst_port; if it is NULL, the result is 0. */
struct be16 rewrite_port_at(const uint8_t *at);

/* to has 4 or 16 bytes. */
void rewrite_addr(const struct rewrite *x, bool source, const uint8_t *to);
/* Changes the identification of an IPv4 packet, and that of the view. */
void rewrite_ipv4_id(const struct rewrite *x, struct ip_view *view, uint16_t id);
/* at is src_port or dst_port; if it is NULL, nothing is done. */
void rewrite_port(const struct rewrite *x, uint8_t *at, struct be16 to);

#endif
