/* src/io/segment.c */
#include "io/segment.h"

#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "io/tcphdr.h"

static bool start_gso(struct segmenter *s, const struct vnet_header *header)
{
	struct ip_view ip;
	uint32_t left;
	const struct tcp_header *tcp;

	s->segment_bytes = header->gso_bytes;
	if (!ip_view_parse(&ip, s->packet, s->total_bytes) ||
	    ip.total_bytes != s->total_bytes || ip.fragment || s->segment_bytes == 0)
		return false;
	s->family = ip.family;
	s->ip_bytes = ip.payload_at;
	left = s->total_bytes - ip.payload_at;
	if (s->gso == VNET_GSO_UDP_L4) {
		if (ip.protocol != PROTO_UDP || left < sizeof(struct udp_header))
			return false;
		s->header_bytes = s->ip_bytes + (uint32_t)sizeof(struct udp_header);
		return true;
	}
	if (ip.protocol != PROTO_TCP || left < sizeof(*tcp) ||
	    ip.family != (s->gso == VNET_GSO_TCPV4 ? IP_V4 : IP_V6))
		return false;
	tcp = (const void *)(s->packet + s->ip_bytes);
	s->header_bytes = s->ip_bytes + tcp_header_bytes(tcp);
	return tcp_header_bytes(tcp) >= sizeof(*tcp) && s->header_bytes <= s->total_bytes;
}

bool segmenter_start(struct segmenter *s, const struct vnet_header *header,
                     const uint8_t *bytes, size_t n)
{
	*s = (struct segmenter){
		.packet = bytes,
		.total_bytes = (uint32_t)n,
		.segment_bytes = (uint32_t)n,
		.gso = (enum vnet_gso)(header->gso_type & ~VNET_GSO_ECN),
		.needs_csum = header->flags & VNET_NEEDS_CSUM,
		.csum_start = header->csum_start,
		.csum_offset = header->csum_offset,
	};
	if (n == 0 || n > UINT16_MAX)
		return false;
	switch (s->gso) {
	case VNET_GSO_NONE:
		return !s->needs_csum || (size_t)s->csum_start + s->csum_offset + 2 <= n;
	case VNET_GSO_TCPV4:
	case VNET_GSO_TCPV6:
	case VNET_GSO_UDP_L4:
		return start_gso(s, header);
	case VNET_GSO_ECN:
		break;
	}
	return false;
}

static uint32_t payload_left(const struct segmenter *s)
{
	return s->total_bytes - s->header_bytes - s->at;
}

uint32_t segmenter_next_bytes(const struct segmenter *s)
{
	uint32_t left = payload_left(s);

	if (s->finished)
		return 0;
	return s->header_bytes + (left < s->segment_bytes ? left : s->segment_bytes);
}

/* The field holds the sum of the pseudo header already; the rest is added to it. */
static void finish_checksum(const struct segmenter *s, uint8_t *packet)
{
	uint8_t *start = packet + s->csum_start;
	struct be16 sum = be16_put(
		checksum_finish(checksum_add(0, start, s->total_bytes - s->csum_start)));

	memcpy(start + s->csum_offset, &sum, sizeof(sum));
}

static void fix_ip(const struct segmenter *s, uint8_t *packet, uint32_t len,
                   struct ip_addr *src, struct ip_addr *dst)
{
	if (s->family == IP_V4) {
		struct ipv4_header *h = (void *)packet;

		h->total_len = be16_put((uint16_t)len);
		h->id = be16_put((uint16_t)(be16_get(h->id) + s->index));
		h->checksum = be16_put(0);
		h->checksum = be16_put(checksum_finish(checksum_add(0, h, s->ip_bytes)));
		ip_addr_put(src, IP_V4, h->src);
		ip_addr_put(dst, IP_V4, h->dst);
	} else {
		struct ipv6_header *h = (void *)packet;

		h->payload_len = be16_put((uint16_t)(len - sizeof(*h)));
		ip_addr_put(src, IP_V6, h->src);
		ip_addr_put(dst, IP_V6, h->dst);
	}
}

/* FIN and PSH belong to the last segment, CWR to the first (RFC 3168 6.1.2). */
static void fix_tcp(const struct segmenter *s, struct tcp_header *tcp, bool last)
{
	tcp->seq = be32_put(be32_get(tcp->seq) + s->at);
	if (!last)
		tcp->flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (s->index > 0)
		tcp->flags &= (uint8_t)~TCP_CWR;
}

static void next_of_gso(const struct segmenter *s, uint8_t *out, uint32_t len, bool last)
{
	bool udp = s->gso == VNET_GSO_UDP_L4;
	struct tcp_header *tcp = (void *)(out + s->ip_bytes);
	struct udp_header *u = (void *)(out + s->ip_bytes);
	struct be16 *checksum = udp ? &u->checksum : &tcp->checksum;
	struct ip_addr src, dst;
	uint64_t sum;
	uint16_t folded;

	fix_ip(s, out, len, &src, &dst);
	if (udp)
		u->len = be16_put((uint16_t)(len - s->ip_bytes));
	else
		fix_tcp(s, tcp, last);
	*checksum = be16_put(0);
	sum = checksum_pseudo(&src, &dst, udp ? PROTO_UDP : PROTO_TCP, len - s->ip_bytes);
	folded = checksum_finish(checksum_add(sum, out + s->ip_bytes, len - s->ip_bytes));
	*checksum = be16_put(udp && folded == 0 ? 0xffff
	                                        : folded); /* RFC 768: 0 means none */
}

void segmenter_next(struct segmenter *s, uint8_t *out)
{
	uint32_t len = segmenter_next_bytes(s);
	uint32_t payload = len - s->header_bytes;
	bool last = payload == payload_left(s);

	memcpy(out, s->packet, s->header_bytes);
	memcpy(out + s->header_bytes, s->packet + s->header_bytes + s->at, payload);
	if (s->gso != VNET_GSO_NONE)
		next_of_gso(s, out, len, last);
	else if (s->needs_csum)
		finish_checksum(s, out);
	s->at += payload;
	s->index++;
	s->finished = last;
}
