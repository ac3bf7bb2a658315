/* src/engine/datagram.c */
#include "engine/datagram.h"

#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"

#define TTL 64 /* design R9 */

static void wrap4(struct packet *p, const struct datagram_ends *ends, uint16_t id)
{
	struct ipv4_header h = {
		.version_ihl = 0x45,
		.tos = p->tos,
		.total_len = be16_put((uint16_t)(p->len_bytes + sizeof(h))),
		.id = be16_put(id),
		.ttl = TTL,
		.protocol = PROTO_UDP,
	};

	memcpy(h.src, ends->src.b, sizeof(h.src));
	memcpy(h.dst, ends->dst.b, sizeof(h.dst));
	h.checksum = be16_put(checksum_finish(checksum_add(0, &h, sizeof(h))));
	memcpy(packet_push(p, sizeof(h)), &h, sizeof(h));
}

static void wrap6(struct packet *p, const struct datagram_ends *ends)
{
	struct ipv6_header h = {
		.version_class_flow = be32_put(6U << 28 | (uint32_t)p->tos << 20),
		.payload_len = be16_put((uint16_t)p->len_bytes),
		.next_header = PROTO_UDP,
		.hop_limit = TTL,
	};

	memcpy(h.src, ends->src.b, sizeof(h.src));
	memcpy(h.dst, ends->dst.b, sizeof(h.dst));
	memcpy(packet_push(p, sizeof(h)), &h, sizeof(h));
}

static void wrap_udp(struct packet *p, const struct datagram_ends *ends)
{
	struct udp_header h = {
		.src_port = be16_put(ends->src_port),
		.dst_port = be16_put(ends->dst_port),
		.len = be16_put((uint16_t)(p->len_bytes + sizeof(h))),
	};
	uint64_t sum;
	uint16_t checksum;

	memcpy(packet_push(p, sizeof(h)), &h, sizeof(h));
	sum = checksum_pseudo(&ends->src, &ends->dst, PROTO_UDP, p->len_bytes);
	checksum = checksum_finish(checksum_add(sum, p->data, p->len_bytes));
	/* 0 would mean that there is no checksum (RFC 768) */
	h.checksum = be16_put(checksum ? checksum : 0xffff);
	memcpy(p->data, &h, sizeof(h));
}

void datagram_wrap(struct packet *p, const struct datagram_ends *ends, uint16_t ipv4_id)
{
	wrap_udp(p, ends);
	if (ends->dst.family == IP_V4)
		wrap4(p, ends, ipv4_id);
	else
		wrap6(p, ends);
}
