/* src/engine/same_flow.c - headers are compared as bytes: all of them but the length, the
 * id and the checksum of the IP header, on which nothing depends, and what TCP has behind
 * its ports. The translation changes only what lies side by side in both families: the
 * addresses and the ports. So it is the difference of two copies. */
#include "engine/same_flow.h"

#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "base/tcphdr.h"

#define V4_BYTES ((uint32_t)sizeof(struct ipv4_header))
#define V6_BYTES ((uint32_t)sizeof(struct ipv6_header))

enum {
	V4_ADDRESSES = offsetof(struct ipv4_header, src),
	V6_ADDRESSES = offsetof(struct ipv6_header, src),
	PORTS_BYTES = 4,
};
_Static_assert(V6_BYTES + PORTS_BYTES == SAME_FLOW_HEAD_BYTES, "the longer one");

/* Neither begins nor ends a connection. */
static bool is_amid(const uint8_t *tcp)
{
	return !(tcp[offsetof(struct tcp_header, flags)] & (TCP_SYN | TCP_FIN | TCP_RST));
}

static bool has_followers4(const uint8_t *ip)
{
	const struct ipv4_header *h = (const void *)ip;

	return h->version_ihl == 0x45 && be16_get(h->flags_offset) == IPV4_DF &&
	       h->protocol == PROTO_TCP;
}

static bool has_followers6(const uint8_t *ip)
{
	const struct ipv6_header *h = (const void *)ip;

	return ip[0] >> 4 == 6 && h->next_header == PROTO_TCP;
}

static uint32_t total_bytes_of(const uint8_t *ip, bool v4)
{
	const struct ipv4_header *h4 = (const void *)ip;
	const struct ipv6_header *h6 = (const void *)ip;

	return v4 ? be16_get(h4->total_len) : V6_BYTES + be16_get(h6->payload_len);
}

/* Does the header say that the ports are part of the packet? Otherwise it was not translated by
 * them. */
static bool says_it_is_whole(const uint8_t *ip, uint32_t ip_bytes)
{
	return total_bytes_of(ip, ip_bytes == V4_BYTES) >=
	       ip_bytes + sizeof(struct tcp_header);
}

void same_flow_begin(struct same_flow *s, const struct packet *p)
{
	const uint8_t *ip = p->data;

	s->known = false;
	s->ip_bytes = 0;
	if (p->len_bytes >= V4_BYTES + sizeof(struct tcp_header) && has_followers4(ip))
		s->ip_bytes = V4_BYTES;
	else if (p->len_bytes >= V6_BYTES + sizeof(struct tcp_header) &&
	         has_followers6(ip))
		s->ip_bytes = V6_BYTES;
	if (s->ip_bytes > 0 && says_it_is_whole(ip, s->ip_bytes) &&
	    is_amid(ip + s->ip_bytes))
		memcpy(s->before, ip, s->ip_bytes + PORTS_BYTES);
	else
		s->ip_bytes = 0;
}

/* The one's complement sum of what is added and what is taken away; n is even. */
static uint16_t change(const uint8_t *from, const uint8_t *to, size_t n)
{
	uint8_t less[SAME_FLOW_HEAD_BYTES];

	for (size_t i = 0; i < n; i++)
		less[i] = (uint8_t)~from[i];
	return (uint16_t)~checksum_finish(checksum_add(checksum_add(0, to, n), less, n));
}

void same_flow_end(struct same_flow *s, const struct packet *p)
{
	bool v4 = s->ip_bytes == V4_BYTES;
	size_t at = v4 ? V4_ADDRESSES : V6_ADDRESSES, end = s->ip_bytes + PORTS_BYTES;

	if (s->ip_bytes == 0)
		return;
	memcpy(s->after, p->data, end);
	s->known = true;
	s->changed = memcmp(s->before + at, s->after + at, end - at) != 0;
	if (!s->changed)
		return;
	s->ip_change = v4 ? change(s->before + at, s->after + at, s->ip_bytes - at) : 0;
	s->tcp_change = change(s->before + at, s->after + at, end - at);
}

void same_flow_forget(struct same_flow *s)
{
	s->ip_bytes = 0;
	s->known = false;
}

static bool same4(const struct same_flow *s, const uint8_t *ip)
{
	const size_t flags = offsetof(struct ipv4_header, flags_offset);

	return memcmp(ip, s->before, 2) == 0 &&
	       memcmp(ip + flags, s->before + flags, 4) == 0 &&
	       memcmp(ip + V4_ADDRESSES, s->before + V4_ADDRESSES,
	              V4_BYTES + PORTS_BYTES - V4_ADDRESSES) == 0;
}

static bool same6(const struct same_flow *s, const uint8_t *ip)
{
	const size_t next = offsetof(struct ipv6_header, next_header);

	return memcmp(ip, s->before, 4) == 0 &&
	       memcmp(ip + next, s->before + next, V6_BYTES + PORTS_BYTES - next) == 0;
}

static void add_change(uint8_t *checksum, uint16_t by)
{
	uint32_t sum = (uint16_t) ~(checksum[0] << 8 | checksum[1]) + (uint32_t)by;

	sum = ~((sum & 0xffff) + (sum >> 16));
	checksum[0] = (uint8_t)(sum >> 8);
	checksum[1] = (uint8_t)sum;
}

static void translate(const struct same_flow *s, uint8_t *ip)
{
	uint8_t *tcp = ip + s->ip_bytes;

	if (s->ip_bytes == V4_BYTES) {
		memcpy(ip + V4_ADDRESSES, s->after + V4_ADDRESSES,
		       V4_BYTES + PORTS_BYTES - V4_ADDRESSES);
		add_change(ip + offsetof(struct ipv4_header, checksum), s->ip_change);
	} else {
		memcpy(ip + V6_ADDRESSES, s->after + V6_ADDRESSES,
		       V6_BYTES + PORTS_BYTES - V6_ADDRESSES);
	}
	add_change(tcp + offsetof(struct tcp_header, checksum), s->tcp_change);
}

bool same_flow_next(const struct same_flow *s, struct packet *p, uint32_t max_bytes)
{
	bool v4 = s->ip_bytes == V4_BYTES;
	uint32_t total_bytes, least = s->ip_bytes + (uint32_t)sizeof(struct tcp_header);
	uint8_t *ip = p->data;

	if (!s->known || p->len_bytes < least)
		return false;
	total_bytes = total_bytes_of(ip, v4);
	if (total_bytes < least || total_bytes > p->len_bytes ||
	    total_bytes > max_bytes || !(v4 ? same4(s, ip) : same6(s, ip)) ||
	    !is_amid(ip + s->ip_bytes))
		return false;
	packet_set_len(p, total_bytes);
	if (s->changed)
		translate(s, ip);
	return true;
}
