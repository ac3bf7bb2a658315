/* src/engine/icmp.c - the source address of an error is the destination of the packet
 * that it is about. The engine has no address of its own that the host would accept: all
 * device addresses are the host's, and Linux drops packets from a tun that have one of
 * the host's own addresses as source (this was tried). The destination is routed to the
 * tun, so such an error also passes a strict reverse path filter. */
#include "engine/icmp.h"

#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"

#define ICMP4_MAX_BYTES 576U  /* RFC 1812 4.3.2.3: no longer than this */
#define ICMP6_MAX_BYTES 1280U /* RFC 4443 2.4(c): no longer than the minimum MTU */
#define IPV6_MTU_MIN    1280U
#define ICMP_TTL        64
#define ICMP4_TOS       0xc0 /* RFC 1812 4.3.2.5: internetwork control */
#define TOKEN_NS        (NS_PER_SEC / ICMP_PER_SECOND)

enum { ICMP4_UNREACHABLE = 3, ICMP4_HOST = 1, ICMP4_FRAG_NEEDED = 4 };
enum {
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_ADDRESS = 3,
	ICMP6_REDIRECT = 137
};

bool icmp_allowed(struct icmp_limit *limit, uint64_t now_ns)
{
	uint64_t from_ns = limit->full_at_ns > now_ns ? limit->full_at_ns : now_ns;

	if (from_ns - now_ns > (ICMP_BURST - 1) * TOKEN_NS)
		return false;
	limit->full_at_ns = from_ns + TOKEN_NS;
	return true;
}

/* Is the type a question or an answer: echo, router discovery, timestamp, information or
 * address mask? All other types are errors, or are unknown and treated as errors. */
static bool icmp4_is_query(uint8_t type)
{
	return type == 0 || type == 8 || type == 9 || type == 10 ||
	       (type >= 13 && type <= 18);
}

bool icmp_is_error(const struct packet *p, const struct ip_view *v)
{
	uint8_t type;

	if (ip_view_is_cut_off(v))
		return true;
	if (v->protocol != PROTO_ICMP && v->protocol != PROTO_ICMPV6)
		return false;
	if (v->payload_at >= v->total_bytes)
		return true; /* the type is cut off, so treat it as an error */
	type = p->data[v->payload_at];
	if (v->family == IP_V4)
		return v->protocol == PROTO_ICMP && !icmp4_is_query(type);
	return v->protocol == PROTO_ICMPV6 && (type < 128 || type == ICMP6_REDIRECT);
}

/* Is it the address of a single host, which may be both destination and source of an
 * error? */
static bool is_host(const struct ip_addr *a)
{
	if (ip_addr_is_unspecified(a) || ip_addr_is_multicast(a) ||
	    ip_addr_is_loopback(a))
		return false;
	return a->family == IP_V6 ||
	       (a->b[0] != 0 && a->b[0] < 240); /* class E, broadcast */
}

static bool may_answer(const struct packet *p, const struct ip_view *v)
{
	return v->first && is_host(&v->src) && is_host(&v->dst) && !icmp_is_error(p, v);
}

static void cut(struct packet *p, uint32_t max_bytes)
{
	if (p->len_bytes > max_bytes)
		packet_set_len(p, max_bytes);
}

static void wrap4(struct packet *p, const struct ip_view *v, uint8_t code, uint32_t rest)
{
	struct icmp_header icmp = { ICMP4_UNREACHABLE, code, { { 0 } }, be32_put(rest) };
	struct ipv4_header ip = {
		.version_ihl = 0x45,
		.tos = ICMP4_TOS,
		.flags_offset = be16_put(IPV4_DF),
		.ttl = ICMP_TTL,
		.protocol = PROTO_ICMP,
	};

	cut(p, ICMP4_MAX_BYTES - (uint32_t)(sizeof(ip) + sizeof(icmp)));
	packet_push(p, sizeof(icmp));
	memcpy(p->data, &icmp, sizeof(icmp));
	icmp.checksum = be16_put(checksum_finish(checksum_add(0, p->data, p->len_bytes)));
	memcpy(p->data, &icmp, sizeof(icmp));

	packet_push(p, sizeof(ip));
	ip.total_len = be16_put((uint16_t)p->len_bytes);
	memcpy(ip.src, v->dst.b, sizeof(ip.src));
	memcpy(ip.dst, v->src.b, sizeof(ip.dst));
	ip.checksum = be16_put(checksum_finish(checksum_add(0, &ip, sizeof(ip))));
	memcpy(p->data, &ip, sizeof(ip));
}

static void wrap6(struct packet *p, const struct ip_view *v, uint8_t type, uint8_t code,
                  uint32_t rest)
{
	struct icmp_header icmp = { type, code, { { 0 } }, be32_put(rest) };
	struct ipv6_header ip = {
		.version_class_flow = be32_put(6U << 28),
		.next_header = PROTO_ICMPV6,
		.hop_limit = ICMP_TTL,
	};
	uint64_t sum;

	cut(p, ICMP6_MAX_BYTES - (uint32_t)(sizeof(ip) + sizeof(icmp)));
	packet_push(p, sizeof(icmp));
	memcpy(p->data, &icmp, sizeof(icmp));
	sum = checksum_pseudo(&v->dst, &v->src, PROTO_ICMPV6, p->len_bytes);
	icmp.checksum =
		be16_put(checksum_finish(checksum_add(sum, p->data, p->len_bytes)));
	memcpy(p->data, &icmp, sizeof(icmp));

	ip.payload_len = be16_put((uint16_t)p->len_bytes);
	memcpy(ip.src, v->dst.b, sizeof(ip.src));
	memcpy(ip.dst, v->src.b, sizeof(ip.dst));
	packet_push(p, sizeof(ip));
	memcpy(p->data, &ip, sizeof(ip));
}

bool icmp_unreachable(struct packet *p)
{
	struct ip_view v;

	if (!ip_view_parse(&v, p->data, p->len_bytes) || !may_answer(p, &v))
		return false;
	if (v.family == IP_V4)
		wrap4(p, &v, ICMP4_HOST, 0);
	else
		wrap6(p, &v, ICMP6_UNREACHABLE, ICMP6_ADDRESS, 0);
	return true;
}

bool icmp_too_big(struct packet *p, uint32_t mtu_bytes)
{
	struct ip_view v;

	if (!ip_view_parse(&v, p->data, p->len_bytes) || !may_answer(p, &v))
		return false;
	if (v.family == IP_V4)
		wrap4(p, &v, ICMP4_FRAG_NEEDED,
		      mtu_bytes < UINT16_MAX ? mtu_bytes : UINT16_MAX);
	else
		wrap6(p, &v, ICMP6_TOO_BIG, 0,
		      mtu_bytes > IPV6_MTU_MIN ? mtu_bytes : IPV6_MTU_MIN);
	return true;
}
