/* src/io/coalesce.c - a packet joins the group of its flow if it could be the next
 * segment of one large packet: its headers are the same except for lengths, ids, sequence
 * number, checksum and PSH, and its payload is as long as that of the others; only the
 * last one may be shorter. A packet that can't join closes the group, so that a flow is
 * never reordered. */
#include "io/coalesce.h"

#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "base/tcphdr.h"

#define LOOK_BACK   8 /* groups that are searched for a packet's flow */
#define PORTS_BYTES 4 /* the ports of TCP and UDP; their headers begin with them */

/* The facts about one packet that matter for joining. */
struct candidate {
	const uint8_t *data;
	struct ip_view ip;
	uint32_t header_bytes, payload_bytes;
	uint32_t seq;
	bool mergeable; /* TCP or UDP of a kind that can be part of a group */
	bool ends;      /* has PSH: no packet may follow it in its group */
};

static void look_at_tcp(struct candidate *c, uint32_t left)
{
	const struct tcp_header *tcp = (const void *)(c->data + c->ip.payload_at);

	if (left < sizeof(*tcp) || tcp_header_bytes(tcp) < sizeof(*tcp) ||
	    tcp_header_bytes(tcp) > left)
		return;
	c->header_bytes = c->ip.payload_at + tcp_header_bytes(tcp);
	c->payload_bytes = left - tcp_header_bytes(tcp);
	c->seq = be32_get(tcp->seq);
	c->ends = tcp->flags & TCP_PSH;
	c->mergeable = (tcp->flags & ~TCP_PSH) == TCP_ACK && c->payload_bytes > 0;
}

static void look_at_udp(struct candidate *c, uint32_t left)
{
	const struct udp_header *udp = (const void *)(c->data + c->ip.payload_at);

	if (left < sizeof(*udp) || be16_get(udp->len) != left)
		return;
	c->header_bytes = c->ip.payload_at + (uint32_t)sizeof(*udp);
	c->payload_bytes = left - (uint32_t)sizeof(*udp);
	c->mergeable = be16_get(udp->checksum) != 0 && c->payload_bytes > 0;
}

static void look_at(struct candidate *c, const struct packet *p, bool udp)
{
	uint32_t left;

	*c = (struct candidate){ .data = p->data };
	if (!ip_view_parse(&c->ip, p->data, p->len_bytes) || c->ip.fragment ||
	    c->ip.total_bytes != p->len_bytes)
		return;
	if (c->ip.payload_at != (c->ip.family == IP_V4 ? sizeof(struct ipv4_header)
	                                               : sizeof(struct ipv6_header)))
		return; /* there are IP options or extension headers */
	left = c->ip.total_bytes - c->ip.payload_at;
	if (c->ip.protocol == PROTO_TCP)
		look_at_tcp(c, left);
	else if (c->ip.protocol == PROTO_UDP && udp)
		look_at_udp(c, left);
}

/* Compares addresses and ports. */
static bool same_flow(const struct coalesced *g, const uint8_t *head,
                      const struct candidate *c)
{
	size_t at = c->ip.family == IP_V4 ? offsetof(struct ipv4_header, src)
	                                  : offsetof(struct ipv6_header, src);

	return g->protocol == c->ip.protocol && g->ip_bytes == c->ip.payload_at &&
	       c->ip.total_bytes - c->ip.payload_at >= PORTS_BYTES &&
	       head[0] >> 4 == c->data[0] >> 4 &&
	       memcmp(head + at, c->data + at, c->ip.payload_at - at + PORTS_BYTES) == 0;
}

static bool same_ip(const uint8_t *a, const uint8_t *b, enum ip_family family)
{
	if (family == IP_V4) /* version, TOS; flags, offset, TTL */
		return memcmp(a, b, 2) == 0 && memcmp(a + 6, b + 6, 3) == 0;
	/* version, class, flow label; hop limit */
	return memcmp(a, b, 4) == 0 && a[7] == b[7];
}

static bool same_tcp(const uint8_t *a, const uint8_t *b, uint32_t bytes)
{
	const struct tcp_header *ta = (const void *)a, *tb = (const void *)b;
	size_t options = sizeof(*ta);

	return ta->data_offset == tb->data_offset && /* with the reserved bits */
	       memcmp(&ta->urgent, &tb->urgent, sizeof(ta->urgent)) == 0 &&
	       memcmp(&ta->ack, &tb->ack, sizeof(ta->ack)) == 0 &&
	       memcmp(&ta->window, &tb->window, sizeof(ta->window)) == 0 &&
	       memcmp(a + options, b + options, bytes - options) == 0;
}

static bool checksum_right(const struct candidate *c)
{
	uint32_t len = c->ip.total_bytes - c->ip.payload_at;
	uint64_t sum = checksum_pseudo(&c->ip.src, &c->ip.dst, c->ip.protocol, len);

	return checksum_finish(checksum_add(sum, c->data + c->ip.payload_at, len)) == 0;
}

static bool first_right(struct coalesced *g, const struct packet *first)
{
	struct candidate c;

	if (!g->verified) {
		look_at(&c, first, true);
		g->verified = checksum_right(&c);
	}
	return g->verified;
}

static bool fits(const struct coalesced *g, const uint8_t *head,
                 const struct candidate *c)
{
	if (!c->mergeable || g->header_bytes != c->header_bytes ||
	    c->payload_bytes > g->segment_bytes || g->count == COALESCE_SLICES ||
	    g->total_bytes + c->payload_bytes > UINT16_MAX ||
	    !same_ip(head, c->data, c->ip.family))
		return false;
	if (c->ip.protocol == PROTO_UDP)
		return true;
	return c->seq == g->next_seq &&
	       same_tcp(head + g->ip_bytes, c->data + g->ip_bytes,
	                g->header_bytes - g->ip_bytes);
}

static void append(struct coalescer *co, struct coalesced *g, const struct candidate *c,
                   uint16_t i)
{
	co->next[g->last] = i;
	g->last = i;
	g->count++;
	g->total_bytes += c->payload_bytes;
	g->next_seq += c->payload_bytes;
	g->open = c->payload_bytes == g->segment_bytes && !c->ends;
}

static void begin(struct coalescer *co, const struct candidate *c, uint16_t i)
{
	co->groups[co->group_count++] = (struct coalesced){
		.open = c->mergeable && !c->ends,
		.protocol = c->ip.protocol,
		.ip_bytes = c->ip.payload_at,
		.header_bytes = c->header_bytes,
		.segment_bytes = c->payload_bytes,
		.next_seq = c->seq + c->payload_bytes,
		.total_bytes = co->packets[i]->len_bytes,
		.count = 1,
		.first = i,
		.last = i,
	};
}

/* Puts the packet into the open group of its flow, if it fits. */
static bool join(struct coalescer *co, const struct candidate *c, uint16_t i)
{
	size_t looked = 0;

	for (size_t at = co->group_count; at > 0 && looked < LOOK_BACK; looked++) {
		struct coalesced *g = &co->groups[--at];
		const struct packet *first = co->packets[g->first];

		if (!g->open || !same_flow(g, first->data, c))
			continue;
		if (fits(g, first->data, c) && first_right(g, first) &&
		    checksum_right(c)) {
			append(co, g, c, i);
			return true;
		}
		g->open = false;
		return false;
	}
	return false;
}

void coalesce(struct coalescer *co, struct packet *const *packets, size_t n, bool udp)
{
	struct candidate c;

	co->packets = packets;
	co->group_count = 0;
	co->udp = udp;
	for (size_t i = 0; i < n; i++) {
		look_at(&c, packets[i], udp);
		if (c.ip.payload_at == 0 || !join(co, &c, (uint16_t)i))
			begin(co, &c, (uint16_t)i);
	}
}

/* Changes the headers of the first packet to those of the whole group. */
static void make_header(struct coalescer *co, const struct coalesced *g, uint8_t *head,
                        bool push)
{
	bool udp = g->protocol == PROTO_UDP;
	uint32_t len = g->total_bytes - g->ip_bytes;
	struct tcp_header *tcp = (void *)(head + g->ip_bytes);
	struct udp_header *u = (void *)(head + g->ip_bytes);
	struct ip_addr src, dst;
	struct be16 partial;
	bool v4 = head[0] >> 4 == 4;

	if (v4) {
		struct ipv4_header *h = (void *)head;

		h->total_len = be16_put((uint16_t)g->total_bytes);
		h->checksum = be16_put(0);
		h->checksum = be16_put(checksum_finish(checksum_add(0, h, sizeof(*h))));
		src = ip_addr_from_bytes(IP_V4, h->src);
		dst = ip_addr_from_bytes(IP_V4, h->dst);
	} else {
		struct ipv6_header *h = (void *)head;

		h->payload_len = be16_put((uint16_t)len);
		src = ip_addr_from_bytes(IP_V6, h->src);
		dst = ip_addr_from_bytes(IP_V6, h->dst);
	}
	/* The kernel completes this checksum: it is the pseudo header's sum,
	 * uncomplemented. */
	partial = be16_put((uint16_t)~checksum_finish(
		checksum_pseudo(&src, &dst, g->protocol, len)));
	if (udp) {
		u->len = be16_put((uint16_t)len);
		u->checksum = partial;
	} else {
		tcp->checksum = partial;
		if (push)
			tcp->flags |= TCP_PSH;
	}
	co->header = (struct vnet_header){
		.flags = VNET_NEEDS_CSUM,
		.gso_type = udp  ? VNET_GSO_UDP_L4
		            : v4 ? VNET_GSO_TCPV4
		                 : VNET_GSO_TCPV6,
		.header_bytes = (uint16_t)g->header_bytes,
		.gso_bytes = (uint16_t)g->segment_bytes,
		.csum_start = (uint16_t)g->ip_bytes,
		.csum_offset = (uint16_t)(udp ? offsetof(struct udp_header, checksum)
		                              : offsetof(struct tcp_header, checksum)),
	};
}

static bool pushes(const struct coalescer *co, const struct coalesced *g)
{
	const struct tcp_header *tcp =
		(const void *)(co->packets[g->last]->data + g->ip_bytes);

	return g->protocol == PROTO_TCP && (tcp->flags & TCP_PSH);
}

size_t coalesce_slices(struct coalescer *co, size_t index, struct iovec *out)
{
	const struct coalesced *g = &co->groups[index];
	struct packet *p = co->packets[g->first];
	uint16_t at = g->first;
	size_t n = 0;

	co->header = (struct vnet_header){ 0 };
	if (g->count > 1)
		make_header(co, g, p->data, pushes(co, g));
	out[n++] = (struct iovec){ &co->header, sizeof(co->header) };
	out[n++] = (struct iovec){ p->data, p->len_bytes };
	for (uint16_t i = 1; i < g->count; i++) {
		at = co->next[at];
		p = co->packets[at];
		out[n++] = (struct iovec){ p->data + g->header_bytes,
			                   p->len_bytes - g->header_bytes };
	}
	return n;
}

/* Of bytes that begin at an even or odd place of what is summed up, RFC 1071 2 (B). */
static uint64_t add_piece(uint64_t sum, const uint8_t *bytes, size_t n, size_t at)
{
	uint16_t piece;

	if (at % 2 == 0)
		return checksum_add(sum, bytes, n);
	piece = (uint16_t)~checksum_finish(checksum_add(0, bytes, n));
	return checksum_add(
		sum, (const uint8_t[]){ (uint8_t)piece, (uint8_t)(piece >> 8) }, 2);
}

/* The field has the pseudo header's sum, so it is summed up with the rest. */
static void finish_tcp(const struct coalesced *g, struct iovec *slices, size_t n)
{
	uint8_t *first = slices[0].iov_base;
	struct tcp_header *tcp = (struct tcp_header *)(void *)(first + g->ip_bytes);
	size_t at = slices[0].iov_len - g->ip_bytes;
	uint64_t sum = checksum_add(0, tcp, at);

	for (size_t i = 1; i < n; i++) {
		sum = add_piece(sum, slices[i].iov_base, slices[i].iov_len, at);
		at += slices[i].iov_len;
	}
	tcp->checksum = be16_put(checksum_finish(sum));
}

size_t coalesce_slices_whole(struct coalescer *co, size_t index, struct iovec *out)
{
	size_t n = coalesce_slices(co, index, out) - 1;

	memmove(out, out + 1, n * sizeof(*out));
	if (n > 1)
		finish_tcp(&co->groups[index], out, n);
	return n;
}
