/* src/proxy/lwip_wire.c */
#include "proxy/lwip_wire.h"

#include <errno.h>
#include <string.h>

#include "base/checksum.h"
#include "base/tcphdr.h"

#define OPTION_END  0
#define OPTION_NOP  1
#define OPTION_MSS  2
#define MSS_BYTES   4
#define MSS_LEAST   256U /* less would be of no use to anybody */
#define QUOTE_PORTS 8    /* RFC 792: so much of the packet is quoted at least */

#define FRAGMENT_BYTES  8 /* of the header in front of a fragment of IPv6 */
#define FRAGMENT_OFFSET 0xfff8U
#define DATAGRAM6_MOST  65495U /* lwIP counts some headers in the same 16 bits */

/* ---- the maximum segment size */

static uint32_t headers_of(enum ip_family family)
{
	return (family == IP_V6 ? (uint32_t)sizeof(struct ipv6_header)
	                        : (uint32_t)sizeof(struct ipv4_header)) +
	       (uint32_t)sizeof(struct tcp_header);
}

/* Returns the option's two bytes with the size, or NULL if it isn't there. */
static uint8_t *find_mss(uint8_t *options, size_t n)
{
	size_t at = 0;

	while (at + 1 < n && options[at] != OPTION_END) {
		size_t length = options[at] == OPTION_NOP ? 1 : options[at + 1];

		if (options[at] == OPTION_MSS && length == MSS_BYTES && at + length <= n)
			return options + at + 2;
		if (length == 0 || (length == 1 && options[at] != OPTION_NOP))
			return NULL;
		at += length;
	}
	return NULL;
}

/* RFC 1624: 16 bits that may be at an odd place of the header are replaced as the pairs of
 * bytes that contain them. */
static void replace_mss(struct tcp_header *tcp, uint8_t *at, uint16_t mss)
{
	uint8_t *start = (uint8_t *)tcp, from[4], to[4];
	size_t odd = (size_t)(at - start) % 2, n = odd ? 4 : 2;

	memcpy(from, at - odd, n);
	at[0] = (uint8_t)(mss >> 8);
	at[1] = (uint8_t)mss;
	memcpy(to, at - odd, n);
	tcp->checksum = be16_put(checksum_replace(be16_get(tcp->checksum), from, to, n));
}

/* Of several, lwIP obeys the last one, others perhaps the first one: all are lowered. */
static void lower_all(struct tcp_header *tcp, size_t n, uint32_t most)
{
	uint8_t *at = (uint8_t *)(tcp + 1), *end = at + n;

	while ((at = find_mss(at, (size_t)(end - at)))) {
		if ((uint32_t)(at[0] << 8 | at[1]) > most)
			replace_mss(tcp, at, (uint16_t)most);
		at += 2;
	}
}

bool lwip_wire_is_syn(const uint8_t *packet, const struct ip_view *view)
{
	const struct tcp_header *tcp = (const void *)(packet + view->payload_at);

	return view->protocol == PROTO_TCP && !view->fragment &&
	       view->total_bytes - view->payload_at >= sizeof(*tcp) &&
	       (tcp->flags & TCP_SYN);
}

void lwip_wire_clamp(uint8_t *packet, const struct ip_view *view, uint32_t mtu_bytes)
{
	size_t n = view->total_bytes - view->payload_at, header_bytes;
	struct tcp_header *tcp = (void *)(packet + view->payload_at);
	uint32_t most = mtu_bytes > headers_of(view->family) + MSS_LEAST
	                        ? mtu_bytes - headers_of(view->family)
	                        : MSS_LEAST;

	if (!lwip_wire_is_syn(packet, view))
		return;
	header_bytes = tcp_header_bytes(tcp);
	if (header_bytes >= sizeof(*tcp) && header_bytes <= n)
		lower_all(tcp, header_bytes - sizeof(*tcp), most);
}

/* ---- ICMP */

enum {
	ICMP4_ECHO = 8,
	ICMP4_UNREACHABLE = 3,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_ECHO = 128,
};

/* As the kernel's table icmp_err_convert has them. */
static int errno_of_v4(uint8_t type, uint8_t code)
{
	static const int codes[] = {
		-ENETUNREACH,
		-EHOSTUNREACH,
		-ECONNREFUSED,
		-ECONNREFUSED,
		0, /* too big */
		-EHOSTUNREACH,
		-ENETUNREACH,
		-EHOSTUNREACH,
		-EHOSTUNREACH,
		-ENETUNREACH,
		-EHOSTUNREACH,
		-ENETUNREACH,
		-EHOSTUNREACH,
		-EHOSTUNREACH,
		-EHOSTUNREACH,
		-EHOSTUNREACH,
	};

	if (type == ICMP4_TIME_EXCEEDED || code >= ARRAY_SIZE(codes))
		return -EHOSTUNREACH;
	return codes[code];
}

static int errno_of_v6(uint8_t type, uint8_t code)
{
	if (type == ICMP6_TOO_BIG)
		return 0;
	if (type == ICMP6_TIME_EXCEEDED)
		return -EHOSTUNREACH;
	switch (code) {
	case 0: /* no route */
		return -ENETUNREACH;
	case 4: /* port */
		return -ECONNREFUSED;
	default:
		return -EHOSTUNREACH;
	}
}

static bool read_type(struct lwip_wire_error *out, const struct icmp_header *icmp,
                      bool is_v6)
{
	if (is_v6 && icmp->type != ICMP6_UNREACHABLE && icmp->type != ICMP6_TOO_BIG &&
	    icmp->type != ICMP6_TIME_EXCEEDED)
		return false;
	if (!is_v6 && icmp->type != ICMP4_UNREACHABLE &&
	    icmp->type != ICMP4_TIME_EXCEEDED)
		return false;
	out->err = is_v6 ? errno_of_v6(icmp->type, icmp->code)
	                 : errno_of_v4(icmp->type, icmp->code);
	if (out->err == 0)
		out->mtu_bytes =
			is_v6 ? be32_get(icmp->rest) : be32_get(icmp->rest) & 0xffff;
	return true;
}

/* The quoted packet is mostly cut off, so ip_view_parse would not take it. */
static bool read_quote(struct lwip_wire_error *out, const uint8_t *quote, size_t n)
{
	const struct ipv4_header *v4 = (const void *)quote;
	const struct ipv6_header *v6 = (const void *)quote;
	size_t at;

	if (n > 0 && quote[0] >> 4 == 4 && n >= sizeof(*v4)) {
		at = 4U * (v4->version_ihl & 0xf);
		if (at < sizeof(*v4) || be16_get(v4->flags_offset) & IPV4_OFFSET_MASK)
			return false;
		out->protocol = v4->protocol;
		out->from = ip_addr_from_bytes(IP_V4, v4->src);
		out->to = ip_addr_from_bytes(IP_V4, v4->dst);
	} else if (n > 0 && quote[0] >> 4 == 6 && n >= sizeof(*v6)) {
		at = sizeof(*v6);
		out->protocol = v6->next_header;
		out->from = ip_addr_from_bytes(IP_V6, v6->src);
		out->to = ip_addr_from_bytes(IP_V6, v6->dst);
	} else {
		return false;
	}
	if (n < at + QUOTE_PORTS)
		return false;
	out->from_port = (uint16_t)(quote[at] << 8 | quote[at + 1]);
	out->to_port = (uint16_t)(quote[at + 2] << 8 | quote[at + 3]);
	out->seq = (uint32_t)quote[at + 4] << 24 | (uint32_t)quote[at + 5] << 16 |
	           (uint32_t)quote[at + 6] << 8 | quote[at + 7];
	return true;
}

static bool checksum_is_right(const uint8_t *packet, const struct ip_view *view)
{
	size_t n = view->total_bytes - view->payload_at;
	uint64_t sum = view->family == IP_V6 ? checksum_pseudo(&view->src, &view->dst,
	                                                       PROTO_ICMPV6, (uint32_t)n)
	                                     : 0;

	return checksum_finish(checksum_add(sum, packet + view->payload_at, n)) == 0;
}

bool lwip_wire_error_read(struct lwip_wire_error *out, const uint8_t *packet,
                          const struct ip_view *view)
{
	const struct icmp_header *icmp = (const void *)(packet + view->payload_at);
	size_t n = view->total_bytes - view->payload_at;
	bool is_v6 = view->family == IP_V6;

	*out = (struct lwip_wire_error){ 0 };
	if (view->protocol != (is_v6 ? PROTO_ICMPV6 : PROTO_ICMP) || view->fragment ||
	    n < sizeof(*icmp))
		return false;
	return read_type(out, icmp, is_v6) && checksum_is_right(packet, view) &&
	       read_quote(out, (const uint8_t *)(icmp + 1), n - sizeof(*icmp));
}

/* A fragment that has no other extension header, and whose datagram isn't too large. */
static bool is_plain_fragment(const uint8_t *packet, const struct ip_view *view)
{
	const uint8_t *header = packet + sizeof(struct ipv6_header);
	uint32_t data_bytes = view->total_bytes - view->payload_at;

	return view->payload_at == sizeof(struct ipv6_header) + FRAGMENT_BYTES &&
	       ((uint32_t)(header[2] << 8 | header[3]) & FRAGMENT_OFFSET) + data_bytes <=
	               DATAGRAM6_MOST;
}

bool lwip_wire_is_wanted(const uint8_t *packet, const struct ip_view *view)
{
	uint8_t type =
		packet[view->payload_at < view->total_bytes ? view->payload_at : 0];

	if (view->family == IP_V6 && view->fragment && !is_plain_fragment(packet, view))
		return false;
	if (view->protocol == PROTO_ICMP)
		return view->family == IP_V4 && (view->fragment || type == ICMP4_ECHO);
	if (view->protocol == PROTO_ICMPV6)
		return view->family == IP_V6 && !view->fragment && type == ICMP6_ECHO;
	return view->protocol == PROTO_TCP || view->protocol == PROTO_UDP;
}
