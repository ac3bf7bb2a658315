/* src/engine/rewrite.c - each change also updates every checksum that covers it: that of
 * the IP header, that of layer 4 (whose pseudo header contains the addresses), and that
 * of ICMP over a quoted packet, which also covers the checksums in the quoted packet. */
#include "engine/rewrite.h"

#include <string.h>

#include "base/checksum.h"

enum {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER = 12,
	ICMPV6_ERROR_MAX = 127,
	ICMPV6_ECHO = 128,
	ICMPV6_ECHO_REPLY = 129,
};

static void find_l4(struct rewrite *x, size_t left)
{
	uint8_t *l4 = x->l4;
	bool icmp = x->protocol == PROTO_ICMP, icmp6 = x->protocol == PROTO_ICMPV6;

	if (!l4 || left < 8)
		return;
	if (x->protocol == PROTO_TCP || x->protocol == PROTO_UDP) {
		size_t at = x->protocol == PROTO_TCP ? 16 : 6;

		x->src_port = l4;
		x->dst_port = l4 + 2;
		x->pseudo = true;
		if (left >= at + 2)
			x->checksum = l4 + at;
		if (x->checksum && x->protocol == PROTO_UDP && l4[6] == 0 && l4[7] == 0)
			x->checksum = NULL; /* RFC 768: the sender made none */
	} else if (icmp || icmp6) {
		x->checksum = l4 + 2;
		x->pseudo = icmp6;
		if ((icmp && l4[0] == ICMP_ECHO) || (icmp6 && l4[0] == ICMPV6_ECHO))
			x->src_port = l4 + 4; /* the id counts as the port of who asks */
		if ((icmp && l4[0] == ICMP_ECHO_REPLY) ||
		    (icmp6 && l4[0] == ICMPV6_ECHO_REPLY))
			x->dst_port = l4 + 4;
	}
}

struct rewrite rewrite_fields(const struct packet *p, const struct ip_view *v)
{
	struct rewrite x = { .family = v->family,
		             .protocol = v->protocol,
		             .ip = p->data,
		             .l4 = v->first ? p->data + v->payload_at : NULL };

	find_l4(&x, v->total_bytes - v->payload_at);
	return x;
}

/* The quoted packet is cut off, so its length field says more than there is. Therefore
 * ip_view_parse wouldn't accept it. */
bool rewrite_quoted(struct rewrite *q, const struct rewrite *x, const struct ip_view *v)
{
	uint8_t *ip = x->l4 ? x->l4 + 8 : NULL;
	size_t left, header;
	bool error;

	if (!x->l4 || v->total_bytes - v->payload_at < 8)
		return false;
	left = v->total_bytes - v->payload_at - 8;
	if (v->protocol == PROTO_ICMP)
		error = x->l4[0] == ICMP_UNREACHABLE || x->l4[0] == ICMP_TIME_EXCEEDED ||
		        x->l4[0] == ICMP_PARAMETER;
	else
		error = v->protocol == PROTO_ICMPV6 && x->l4[0] <= ICMPV6_ERROR_MAX;
	if (!error || left < (v->family == IP_V4 ? 20U : 40U) ||
	    ip[0] >> 4 != (int)v->family)
		return false;
	header = v->family == IP_V4 ? 4U * (ip[0] & 0xfU) : 40U;
	if (header < 20 || left < header + 8)
		return false;
	*q = (struct rewrite){ .family = v->family,
		               .protocol = v->family == IP_V4 ? ip[9] : ip[6],
		               .ip = ip,
		               .l4 = ip + header,
		               .outer_checksum = x->checksum };
	if (v->family == IP_V4 && ((ip[6] & 0x1f) || ip[7]))
		q->l4 = NULL; /* the quoted packet is a later fragment */
	find_l4(q, left - header);
	return true;
}

uint8_t *rewrite_addr_at(const struct rewrite *x, bool source)
{
	if (x->family == IP_V4)
		return x->ip + (source ? 12 : 16);
	return x->ip + (source ? 8 : 24);
}

/* Updates the checksum at `sum` after `from` has become `to`. A UDP checksum of 0 would
 * mean that there is none, so it becomes 0xffff. */
static void resum(uint8_t *sum, const void *from, const void *to, size_t n, bool udp)
{
	uint16_t fresh = checksum_replace((uint16_t)(sum[0] << 8 | sum[1]), from, to, n);
	struct be16 put = be16_put(udp && fresh == 0 ? 0xffff : fresh);

	memcpy(sum, &put, sizeof(put));
}

/* Updates a checksum inside a quoted packet, and then that of ICMP, which covers it. */
static void resum_inner(const struct rewrite *x, uint8_t *sum, const void *from,
                        const void *to, size_t n, bool udp)
{
	uint8_t before[2];

	memcpy(before, sum, 2);
	resum(sum, from, to, n, udp);
	if (x->outer_checksum)
		resum(x->outer_checksum, before, sum, 2, false);
}

void rewrite_addr(const struct rewrite *x, bool source, const uint8_t *to)
{
	uint8_t *at = rewrite_addr_at(x, source), from[16];
	size_t n = x->family == IP_V4 ? 4 : 16;

	memcpy(from, at, n);
	memcpy(at, to, n);
	if (x->outer_checksum)
		resum(x->outer_checksum, from, to, n, false);
	if (x->family == IP_V4)
		resum_inner(x, x->ip + 10, from, to, n, false);
	if (x->checksum && x->pseudo)
		resum_inner(x, x->checksum, from, to, n, x->protocol == PROTO_UDP);
}

void rewrite_ipv4_id(const struct rewrite *x, struct ip_view *view, uint16_t id)
{
	struct be16 to = be16_put(id);
	uint8_t from[2];

	memcpy(from, x->ip + 4, sizeof(from));
	memcpy(x->ip + 4, &to, sizeof(to));
	resum(x->ip + 10, from, &to, sizeof(to), false);
	view->fragment_id = id;
}

void rewrite_port(const struct rewrite *x, uint8_t *at, struct be16 to)
{
	uint8_t from[2];

	if (!at || memcmp(at, &to, sizeof(to)) == 0)
		return;
	memcpy(from, at, 2);
	memcpy(at, &to, 2);
	if (x->outer_checksum)
		resum(x->outer_checksum, from, &to, 2, false);
	if (x->checksum)
		resum_inner(x, x->checksum, from, &to, 2, x->protocol == PROTO_UDP);
}

struct be16 rewrite_port_at(const uint8_t *at)
{
	struct be16 port = { { 0, 0 } };

	if (at)
		memcpy(&port, at, 2);
	return port;
}
