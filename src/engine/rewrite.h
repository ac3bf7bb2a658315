/* src/engine/rewrite.h - changes addresses and ports inside a packet, checksums included
 *
 * Also inside the packet that an ICMP error quotes. Incremental (RFC 1624): a wrong
 * checksum stays wrong. */
#ifndef TUNION_ENGINE_REWRITE_H
#define TUNION_ENGINE_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/iphdr.h"
#include "base/packet.h"

/* Where in a packet, or in one that an ICMP error quotes, the things are that change. */
struct rewrite {
	enum ip_family family;
	uint8_t protocol;
	uint8_t *ip;                  /* its header */
	uint8_t *l4;                  /* NULL: not there (a later fragment) */
	uint8_t *src_port, *dst_port; /* NULL: none */
	uint8_t *checksum;            /* of layer 4; NULL: none, or cut off */
	bool pseudo;                  /* which covers the addresses */
	uint8_t *outer_checksum;      /* ICMP's over a quoted packet; else NULL */
};

/* The view must be of the packet, by ip_view_parse. Borrows the packet's bytes. */
struct rewrite rewrite_fields(const struct packet *p, const struct ip_view *v);
/* Is it an ICMP error with enough of the packet it speaks of? Then *quoted is that. */
MUST_CHECK bool rewrite_quoted(struct rewrite *quoted, const struct rewrite *x,
                               const struct ip_view *v);

/* The source, else the destination: 4 or 16 bytes inside the packet. */
uint8_t *rewrite_addr_at(const struct rewrite *x, bool source);
/* at: src_port or dst_port; 0 for NULL. */
struct be16 rewrite_port_at(const uint8_t *at);

/* to: 4 or 16 bytes. */
void rewrite_addr(const struct rewrite *x, bool source, const uint8_t *to);
/* at: src_port or dst_port; nothing is done for NULL. */
void rewrite_port(const struct rewrite *x, uint8_t *at, struct be16 to);

#endif
