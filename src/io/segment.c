/* src/io/segment.c - the checksum of a segment is computed from a sum that all segments
 * share, the payload, and the few fields that differ. These fields are added as numbers
 * before they are written into the packet, because bytes that were just written in parts
 * can't be read as wider words without a delay. */
#include "io/segment.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "base/tcphdr.h"

/* ---- checksums. Their words are as in memory, see checksum.c. So a number that is
 * stored big-endian is swapped before it is added. */

static uint64_t sum_of_16(uint16_t field)
{
	return htons(field);
}

static uint64_t sum_of_32(uint32_t field)
{
	return htonl(field);
}

/* Added to a sum, this takes the field out of it. */
static uint64_t less_16(struct be16 field)
{
	return (uint16_t)~htons(be16_get(field));
}

static uint64_t less_32(struct be32 field)
{
	return (uint32_t)~htonl(be32_get(field));
}

/* For the two bytes of which the second one holds the flags of TCP. */
static uint64_t sum_of_flags(const struct tcp_header *tcp)
{
	return sum_of_16((uint16_t)(tcp->data_offset << 8 | tcp->flags));
}

static void start_sums(struct segmenter *s, const struct ip_view *ip)
{
	const uint8_t *transport = s->packet + s->ip_bytes;
	const struct ipv4_header *v4 = (const void *)s->packet;
	const struct tcp_header *tcp = (const void *)transport;
	const struct udp_header *udp = (const void *)transport;

	if (ip->family == IP_V4)
		s->ip_sum = checksum_add(0, v4, s->ip_bytes) + less_16(v4->total_len) +
		            less_16(v4->id) + less_16(v4->checksum);
	s->transport_sum = checksum_pseudo(&ip->src, &ip->dst, ip->protocol, 0);
	s->transport_sum =
		checksum_add(s->transport_sum, transport, s->header_bytes - s->ip_bytes);
	if (s->gso == VNET_GSO_UDP_L4)
		s->transport_sum += less_16(udp->len) + less_16(udp->checksum);
	else
		s->transport_sum += less_32(tcp->seq) + less_16(tcp->checksum) +
		                    (uint16_t)~sum_of_flags(tcp);
}

/* ---- segments */

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
		start_sums(s, &ip);
		return true;
	}
	if (ip.protocol != PROTO_TCP || left < sizeof(*tcp) ||
	    ip.family != (s->gso == VNET_GSO_TCPV4 ? IP_V4 : IP_V6))
		return false;
	tcp = (const void *)(s->packet + s->ip_bytes);
	s->header_bytes = s->ip_bytes + tcp_header_bytes(tcp);
	if (tcp_header_bytes(tcp) < sizeof(*tcp) || s->header_bytes > s->total_bytes)
		return false;
	start_sums(s, &ip);
	return true;
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

/* In UDP, 0 would mean that there is no checksum (RFC 768), and over IPv6 the datagram
 * would be dropped (RFC 8200 8.1). In other protocols both values mean the same. */
static struct be16 never_zero(uint16_t checksum)
{
	return be16_put(checksum ? checksum : 0xffff);
}

/* The checksum field already contains the sum of the pseudo header. */
static void finish_checksum(const struct segmenter *s, uint8_t *packet)
{
	uint8_t *start = packet + s->csum_start;
	struct be16 sum = never_zero(
		checksum_finish(checksum_add(0, start, s->total_bytes - s->csum_start)));

	memcpy(start + s->csum_offset, &sum, sizeof(sum));
}

static void fix_ip(const struct segmenter *s, uint8_t *packet, uint32_t len)
{
	struct ipv4_header *h4 = (void *)packet;
	struct ipv6_header *h6 = (void *)packet;
	uint16_t id;

	if (s->family == IP_V6) {
		h6->payload_len = be16_put((uint16_t)(len - sizeof(*h6)));
		return;
	}
	id = (uint16_t)(be16_get(h4->id) + s->index);
	h4->checksum = be16_put(
		checksum_finish(s->ip_sum + sum_of_16((uint16_t)len) + sum_of_16(id)));
	h4->total_len = be16_put((uint16_t)len);
	h4->id = be16_put(id);
}

/* FIN and PSH belong to the last segment, CWR to the first one (RFC 3168 6.1.2). */
static void fix_tcp(const struct segmenter *s, struct tcp_header *tcp, uint64_t sum,
                    bool last)
{
	uint32_t seq = be32_get(tcp->seq) + s->at;

	if (!last)
		tcp->flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (s->index > 0)
		tcp->flags &= (uint8_t)~TCP_CWR;
	tcp->checksum =
		be16_put(checksum_finish(sum + sum_of_32(seq) + sum_of_flags(tcp)));
	tcp->seq = be32_put(seq);
}

static void fix_udp(struct udp_header *udp, uint64_t sum, uint16_t len)
{
	udp->len = be16_put(len);
	udp->checksum = never_zero(checksum_finish(sum + sum_of_16(len)));
}

static void next_of_gso(const struct segmenter *s, uint8_t *out, uint32_t len, bool last)
{
	uint16_t transport_bytes = (uint16_t)(len - s->ip_bytes);
	uint64_t sum = s->transport_sum + sum_of_16(transport_bytes); /* pseudo header */

	sum = checksum_add(sum, s->packet + s->header_bytes + s->at,
	                   len - s->header_bytes);
	fix_ip(s, out, len);
	if (s->gso == VNET_GSO_UDP_L4)
		fix_udp((void *)(out + s->ip_bytes), sum, transport_bytes);
	else
		fix_tcp(s, (void *)(out + s->ip_bytes), sum, last);
}

void segmenter_next(struct segmenter *s, uint8_t *out)
{
	uint32_t len = segmenter_next_bytes(s);
	uint32_t payload = len - s->header_bytes;
	bool last = payload == payload_left(s);

	memcpy(out, s->packet, s->header_bytes);
	if (s->gso != VNET_GSO_NONE)
		next_of_gso(s, out, len, last);
	memcpy(out + s->header_bytes, s->packet + s->header_bytes + s->at, payload);
	if (s->gso == VNET_GSO_NONE && s->needs_csum)
		finish_checksum(s, out);
	s->at += payload;
	s->index++;
	s->finished = last;
}
