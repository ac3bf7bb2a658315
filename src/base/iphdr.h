/* src/base/iphdr.h - the IP, UDP and ICMP headers, and a checked view of an IP packet */
#ifndef TUNION_BASE_IPHDR_H
#define TUNION_BASE_IPHDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/wire.h"

/* RFC 791 */
struct ipv4_header {
	uint8_t version_ihl;
	uint8_t tos;
	struct be16 total_len;
	struct be16 id;
	struct be16 flags_offset; /* IPV4_DF, IPV4_MF, and the offset / 8 (13 bits) */
	uint8_t ttl;
	uint8_t protocol;
	struct be16 checksum;
	uint8_t src[4];
	uint8_t dst[4];
};
_Static_assert(sizeof(struct ipv4_header) == 20, "wire size");
#define IPV4_DF          0x4000U
#define IPV4_MF          0x2000U
#define IPV4_OFFSET_MASK 0x1fffU

/* RFC 8200 */
struct ipv6_header {
	struct be32 version_class_flow;
	struct be16 payload_len;
	uint8_t next_header;
	uint8_t hop_limit;
	uint8_t src[16];
	uint8_t dst[16];
};
_Static_assert(sizeof(struct ipv6_header) == 40, "wire size");

/* RFC 768 */
struct udp_header {
	struct be16 src_port;
	struct be16 dst_port;
	struct be16 len;
	struct be16 checksum;
};
_Static_assert(sizeof(struct udp_header) == 8, "wire size");

/* RFC 792, RFC 4443 */
struct icmp_header {
	uint8_t type;
	uint8_t code;
	struct be16 checksum;
	struct be32 rest;
};
_Static_assert(sizeof(struct icmp_header) == 8, "wire size");

enum ip_protocol {
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_IPV6_FRAGMENT = 44,
	PROTO_ICMPV6 = 58,
};

/* What the engine wants to know about an inner packet. It holds values, no pointers into
 * the packet. */
struct ip_view {
	enum ip_family family;
	struct ip_addr src, dst;
	uint8_t tos;      /* IPv4 TOS or IPv6 traffic class */
	uint8_t protocol; /* IPv6: after the extension headers that are known */
	bool fragment;    /* part of a fragmented packet; also true for the first part */
	bool first;       /* not a fragment, or the one with offset 0 */
	bool dont_fragment;   /* IPv4: the DF flag; always true for IPv6 */
	uint32_t fragment_id; /* the same in all fragments of a packet */
	uint32_t total_bytes; /* as the header says; never more than the bytes given */
	uint32_t payload_at;  /* offset of the header that `protocol` names */
};

/* Compares version, header length and total length with the n bytes that are there. More
 * bytes than the header's total are allowed: they are WireGuard's padding. Returns false
 * if this is not an IP packet. */
MUST_CHECK bool ip_view_parse(struct ip_view *out, const void *bytes, size_t n);
/* Do the extension headers go on behind the packet's end, so that nobody can tell what it
 * is? The view must have been made by ip_view_parse. A first fragment has to contain them
 * all (RFC 7112), but not every host refuses one that doesn't. */
bool ip_view_is_cut_off(const struct ip_view *v);

/* Does less, and sets only what cryptokey routing needs for certain: for IPv6,
 * `protocol` and `payload_at` stop at the first header after the IPv6 header, and
 * fragments are not seen. */
MUST_CHECK bool ip_view_parse_addresses(struct ip_view *out, const void *bytes, size_t n);

#endif
