/* tests/fuzz/wrap.c */
#include "wrap.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "engine/fragment.h"

/* Puts bytes in front of a packet that is being made. */
static void put_front(struct buffer *b, const void *bytes, uint32_t n)
{
	memcpy(packet_push(&b->packet, n), bytes, n);
}

void wrap_ip(struct buffer *b, const struct ip_addr *src, const struct ip_addr *dst,
             uint8_t protocol)
{
	if (src->family == IP_V4) {
		struct ipv4_header h = {
			.version_ihl = 0x45,
			.total_len = be16_put((uint16_t)(b->packet.len_bytes + 20)),
			.ttl = 64,
			.protocol = protocol,
		};

		memcpy(h.src, src->b, 4);
		memcpy(h.dst, dst->b, 4);
		h.checksum = be16_put(checksum_finish(checksum_add(0, &h, sizeof(h))));
		put_front(b, &h, sizeof(h));
	} else {
		struct ipv6_header h = {
			.version_class_flow = be32_put(6U << 28),
			.payload_len = be16_put((uint16_t)b->packet.len_bytes),
			.next_header = protocol,
			.hop_limit = 64,
		};

		memcpy(h.src, src->b, 16);
		memcpy(h.dst, dst->b, 16);
		put_front(b, &h, sizeof(h));
	}
}

void wrap_udp(struct buffer *b, const struct endpoint *from, const struct endpoint *to)
{
	struct udp_header h = {
		.src_port = be16_put(from->port),
		.dst_port = be16_put(to->port),
		.len = be16_put((uint16_t)(b->packet.len_bytes + sizeof(h))),
	};
	uint64_t sum = checksum_pseudo(&from->addr, &to->addr, PROTO_UDP,
	                               b->packet.len_bytes + (uint32_t)sizeof(h));
	uint16_t checksum;

	sum = checksum_add(checksum_add(sum, &h, sizeof(h)), b->packet.data,
	                   b->packet.len_bytes);
	checksum = checksum_finish(sum);
	h.checksum = be16_put(checksum ? checksum : 0xffff);
	put_front(b, &h, sizeof(h));
	wrap_ip(b, &from->addr, &to->addr, PROTO_UDP);
}

void wrap_piece(struct buffer *out, const struct buffer *whole, uint32_t at, uint32_t n,
                uint32_t id)
{
	struct ip_view v;
	bool more;

	if (!ip_view_parse(&v, whole->packet.data, whole->packet.len_bytes))
		abort();
	more = v.payload_at + at + n < v.total_bytes;
	buffer_set(out, whole->packet.data + v.payload_at + at, n, NULL);
	if (v.family == IP_V6) {
		struct ipv6_fragment_header f = {
			.next_header = v.protocol,
			.offset_more = be16_put((uint16_t)(at | more)),
			.id = be32_put(id),
		};

		put_front(out, &f, sizeof(f));
		wrap_ip(out, &v.src, &v.dst, PROTO_IPV6_FRAGMENT);
	} else {
		struct ipv4_header h;

		wrap_ip(out, &v.src, &v.dst, v.protocol);
		memcpy(&h, out->packet.data, sizeof(h));
		h.id = be16_put((uint16_t)id);
		h.flags_offset = be16_put((uint16_t)(at / 8 | (more ? IPV4_MF : 0)));
		h.checksum = be16_put(0);
		h.checksum = be16_put(checksum_finish(checksum_add(0, &h, sizeof(h))));
		memcpy(out->packet.data, &h, sizeof(h));
	}
}
