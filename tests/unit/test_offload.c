/* Segmentation and coalescing: what one takes apart, the other puts together. */
#include "unit.h"

#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "base/tcphdr.h"
#include "io/coalesce.h"
#include "io/segment.h"

#define SEGMENTS_MAX BATCH_MAX

struct large {
	uint8_t bytes[UINT16_MAX];
	struct vnet_header header;
	uint32_t len;
};

/* The packets of one segmentation, with room to be packets of a batch. */
struct parts {
	uint8_t bytes[SEGMENTS_MAX][2048];
	struct packet packets[SEGMENTS_MAX];
	struct packet *order[SEGMENTS_MAX];
	size_t n;
};

struct shape {
	enum ip_family family;
	enum ip_protocol protocol;
	uint32_t payload, mss;
	uint8_t tcp_flags;
	size_t expect;
};

static const struct shape shapes[] = {
	{ IP_V4, PROTO_TCP, 4000, 1000, TCP_ACK, 4 },
	{ IP_V4, PROTO_TCP, 4001, 1000, TCP_ACK | TCP_PSH, 5 },
	{ IP_V6, PROTO_TCP, 2801, 1400, TCP_ACK | TCP_PSH, 3 },
	{ IP_V4, PROTO_UDP, 2500, 1200, 0, 3 },
	{ IP_V6, PROTO_UDP, 1201, 1200, 0, 2 },
	{ IP_V6, PROTO_TCP, 64000, 1400, TCP_ACK, 46 },
};

static uint32_t ip_header_bytes(enum ip_family family)
{
	return family == IP_V4 ? sizeof(struct ipv4_header) : sizeof(struct ipv6_header);
}

static void put_ip(uint8_t *at, const struct shape *s, uint32_t len)
{
	if (s->family == IP_V4) {
		struct ipv4_header h = { .version_ihl = 0x45, .tos = 2, .ttl = 64 };

		h.total_len = be16_put((uint16_t)len);
		h.id = be16_put(0xfffe);
		h.flags_offset = be16_put(IPV4_DF);
		h.protocol = (uint8_t)s->protocol;
		memcpy(h.src, "\x0a\x08\x00\x02", 4);
		memcpy(h.dst, "\x0a\x08\x00\x01", 4);
		h.checksum = be16_put(checksum_finish(checksum_add(0, &h, sizeof(h))));
		memcpy(at, &h, sizeof(h));
	} else {
		struct ipv6_header h = { .next_header = (uint8_t)s->protocol,
			                 .hop_limit = 64 };

		h.version_class_flow = be32_put(0x60212345);
		h.payload_len = be16_put((uint16_t)(len - sizeof(h)));
		h.src[0] = h.dst[0] = 0xfd;
		h.src[15] = 2;
		h.dst[15] = 1;
		memcpy(at, &h, sizeof(h));
	}
}

/* A packet as the host's stack hands it over: it has one header, whose checksum is only
 * that of the pseudo header. */
static void make_large(struct large *l, const struct shape *s)
{
	uint32_t ip = ip_header_bytes(s->family);
	bool tcp = s->protocol == PROTO_TCP;
	uint32_t transport = tcp ? 32 : 8; /* TCP with 12 bytes of options */
	struct ip_view view;
	struct be16 partial;

	memset(l->bytes, 0, sizeof(l->bytes));
	l->len = ip + transport + s->payload;
	put_ip(l->bytes, s, l->len);
	for (uint32_t i = 0; i < s->payload; i++)
		l->bytes[ip + transport + i] = (uint8_t)(i * 7 + i / 256);
	l->bytes[ip + 1] = 80;
	l->bytes[ip + 3] = 81;
	ck_assert(ip_view_parse_addresses(&view, l->bytes, l->len));
	partial = be16_put((uint16_t)~checksum_finish(checksum_pseudo(
		&view.src, &view.dst, (uint8_t)s->protocol, l->len - ip)));
	if (tcp) {
		struct tcp_header *t = (void *)(l->bytes + ip);

		t->seq = be32_put(0xfffffc00); /* wraps on the way */
		t->ack = be32_put(77);
		t->data_offset = 0x80;
		t->flags = s->tcp_flags;
		t->window = be16_put(500);
		t->checksum = partial;
		memset(l->bytes + ip + 20, 1, 12);
	} else {
		struct udp_header *u = (void *)(l->bytes + ip);

		u->len = be16_put((uint16_t)(l->len - ip));
		u->checksum = partial;
	}
	l->header = (struct vnet_header){
		.flags = VNET_NEEDS_CSUM,
		.gso_type = !tcp                 ? VNET_GSO_UDP_L4
		            : s->family == IP_V4 ? VNET_GSO_TCPV4
		                                 : VNET_GSO_TCPV6,
		.header_bytes = (uint16_t)(ip + transport),
		.gso_bytes = (uint16_t)s->mss,
		.csum_start = (uint16_t)ip,
		.csum_offset = tcp ? 16 : 6,
	};
}

static void take_apart(struct parts *parts, const struct large *l)
{
	struct segmenter s;
	uint32_t bytes;

	parts->n = 0;
	ck_assert(segmenter_start(&s, &l->header, l->bytes, l->len));
	while ((bytes = segmenter_next_bytes(&s)) > 0) {
		ck_assert_uint_lt(parts->n, SEGMENTS_MAX);
		ck_assert_uint_le(bytes, sizeof(parts->bytes[0]));
		segmenter_next(&s, parts->bytes[parts->n]);
		parts->packets[parts->n] =
			(struct packet){ .data = parts->bytes[parts->n],
			                 .len_bytes = bytes };
		parts->order[parts->n] = &parts->packets[parts->n];
		parts->n++;
	}
}

/* Both checksums right, lengths as the bytes. */
static void is_valid(const struct packet *p)
{
	struct ip_view v;
	uint32_t len;

	ck_assert(ip_view_parse(&v, p->data, p->len_bytes));
	ck_assert_uint_eq(v.total_bytes, p->len_bytes);
	if (v.family == IP_V4)
		ck_assert_uint_eq(checksum_finish(checksum_add(0, p->data, v.payload_at)),
		                  0);
	len = v.total_bytes - v.payload_at;
	ck_assert_uint_eq(checksum_finish(checksum_add(
				  checksum_pseudo(&v.src, &v.dst, v.protocol, len),
				  p->data + v.payload_at, len)),
	                  0);
}

START_TEST(a_large_packet_becomes_valid_segments)
{
	static struct large l;
	static struct parts parts;
	const struct shape *s = &shapes[_i];
	uint32_t head, done = 0;

	make_large(&l, s);
	take_apart(&parts, &l);
	ck_assert_uint_eq(parts.n, s->expect);
	head = l.header.header_bytes;
	for (size_t i = 0; i < parts.n; i++) {
		const struct packet *p = parts.order[i];
		const struct tcp_header *t =
			(const void *)(p->data + ip_header_bytes(s->family));

		is_valid(p);
		ck_assert_mem_eq(p->data + head, l.bytes + head + done,
		                 p->len_bytes - head);
		if (s->family == IP_V4)
			ck_assert_uint_eq((uint16_t)(p->data[4] << 8 | p->data[5]),
			                  (uint16_t)(0xfffe + i));
		if (s->protocol == PROTO_TCP) {
			ck_assert_uint_eq(be32_get(t->seq), 0xfffffc00U + done);
			ck_assert_int_eq(t->flags & TCP_PSH,
			                 i + 1 == parts.n ? s->tcp_flags & TCP_PSH : 0);
		}
		done += p->len_bytes - head;
	}
	ck_assert_uint_eq(done, s->payload);
}
END_TEST

/* Only what differs between segments is summed anew. */
START_TEST(checksums_are_right_at_any_sequence_number)
{
	static struct large l;
	static struct parts parts;
	struct tcp_header *tcp = (void *)(l.bytes + sizeof(struct ipv4_header));

	make_large(&l, &shapes[1]);
	for (uint32_t i = 0; i < 0x10000; i += 0x101) {
		tcp->seq = be32_put(_i == 0 ? i : i << 16);
		take_apart(&parts, &l);
		for (size_t k = 0; k < parts.n; k++)
			is_valid(parts.order[k]);
	}
}
END_TEST

/* RFC 768, RFC 8200 8.1: 0 means that there is none, and over IPv6 such a datagram is
 * dropped. The payload is such that the sum is 0. */
START_TEST(a_udp_checksum_is_never_zero)
{
	static struct large l;
	static struct parts parts;
	const struct shape s = { _i & 1 ? IP_V6 : IP_V4, PROTO_UDP, 64, 64, 0, 1 };
	const uint32_t ip = ip_header_bytes(s.family);
	const struct udp_header *udp = (const void *)(parts.bytes[0] + ip);

	make_large(&l, &s);
	if (_i & 2)
		l.header.gso_type = VNET_GSO_NONE;
	memset(l.bytes + ip + sizeof(*udp), 0, s.payload);
	take_apart(&parts, &l);
	memcpy(l.bytes + ip + sizeof(*udp), &udp->checksum, sizeof(udp->checksum));
	take_apart(&parts, &l);
	ck_assert_uint_eq(be16_get(udp->checksum), 0xffff);
	is_valid(parts.order[0]);
}
END_TEST

static size_t join_all(struct coalescer *c, const struct parts *parts, uint8_t *out,
                       size_t g)
{
	struct iovec slices[COALESCE_SLICES + 1];
	size_t n = coalesce_slices(c, g, slices), len = 0;

	(void)parts;
	for (size_t i = 1; i < n; i++) {
		memcpy(out + len, slices[i].iov_base, slices[i].iov_len);
		len += slices[i].iov_len;
	}
	return len;
}

START_TEST(segments_become_the_large_packet_again)
{
	static struct large l;
	static struct parts parts;
	static struct coalescer c;
	static uint8_t joined[UINT16_MAX];

	make_large(&l, &shapes[_i]);
	take_apart(&parts, &l);
	coalesce(&c, parts.order, parts.n, true);
	ck_assert_uint_eq(c.group_count, 1);
	ck_assert_uint_eq(join_all(&c, &parts, joined, 0), l.len);
	ck_assert_mem_eq(joined, l.bytes, l.len);
	ck_assert_mem_eq(&c.header, &l.header, sizeof(l.header));
}
END_TEST

/* Changes to the second of four segments that must keep it apart from the first. */
static const struct {
	const char *what;
	size_t at; /* from the start of the packet, IPv4 and TCP */
	bool fix;  /* make the checksums right again */
} spoilers[] = {
	{ "TOS", 1, true },
	{ "TTL", 8, true },
	{ "sequence", 20 + 7, true },
	{ "acknowledgement", 20 + 11, true },
	{ "window", 20 + 15, true },
	{ "an option", 20 + 21, true },
	{ "URG", 20 + 13, true },
	{ "a wrong checksum", 20 + 40, false },
	{ "source port", 20 + 1, true },
	{ "the urgent pointer", 20 + 19, true },
};

static void fix_checksums(struct packet *p)
{
	struct ipv4_header *h = (void *)p->data;
	struct tcp_header *t = (void *)(p->data + sizeof(*h));
	struct ip_view v;
	uint32_t len = p->len_bytes - (uint32_t)sizeof(*h);

	h->checksum = be16_put(0);
	h->checksum = be16_put(checksum_finish(checksum_add(0, h, sizeof(*h))));
	ck_assert(ip_view_parse_addresses(&v, p->data, p->len_bytes));
	t->checksum = be16_put(0);
	t->checksum = be16_put(checksum_finish(
		checksum_add(checksum_pseudo(&v.src, &v.dst, PROTO_TCP, len), t, len)));
}

START_TEST(a_packet_that_differs_is_not_merged)
{
	static struct large l;
	static struct parts parts;
	static struct coalescer c;
	struct packet *second;

	make_large(&l, &shapes[0]);
	take_apart(&parts, &l);
	second = parts.order[1];
	second->data[spoilers[_i].at] ^= 0x20;
	if (spoilers[_i].fix)
		fix_checksums(second);
	coalesce(&c, parts.order, parts.n, true);
	ck_assert_msg(c.groups[0].count != 2 && c.group_count > 1, "%s",
	              spoilers[_i].what);
	if (spoilers[_i].at !=
	    20 + 1) /* the same flow: nothing may overtake the odd one */
		ck_assert_msg(c.groups[0].count == 1, "%s", spoilers[_i].what);
}
END_TEST

START_TEST(flows_that_interleave_are_merged_each_on_its_own)
{
	static struct large l;
	static struct parts a, b;
	static struct coalescer c;
	struct packet *order[8];

	make_large(&l, &shapes[0]);
	take_apart(&a, &l);
	l.bytes[21] ^= 1; /* another source port; the partial sum does not cover it */
	take_apart(&b, &l);
	for (size_t i = 0; i < 4; i++) {
		order[2 * i] = a.order[i];
		order[2 * i + 1] = b.order[i];
	}
	coalesce(&c, order, 8, true);
	ck_assert_uint_eq(c.group_count, 2);
	ck_assert_uint_eq(c.groups[0].count, 4);
	ck_assert_uint_eq(c.groups[1].count, 4);
}
END_TEST

START_TEST(random_bytes_are_refused_or_stay_inside_their_buffers)
{
	uint64_t random = unit_seed();
	static uint8_t bytes[3000], out[3000];

	for (int round = 0; round < 20000; round++) {
		struct vnet_header h;
		struct segmenter s;
		uint32_t n = (uint32_t)(unit_random(&random) % 200), len, guard = 0;

		for (uint32_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)unit_random(&random);
		if (n > 0 && (round & 1))
			bytes[0] = round & 2 ? 0x45 : 0x60;
		if (n > 9)
			bytes[round & 2 ? 9 : 6] = round & 4 ? PROTO_TCP : PROTO_UDP;
		if (n > 6 && (round & 1))
			memcpy(bytes + (round & 2 ? 2 : 4),
			       &(struct be16){ { 0, (uint8_t)(round & 2 ? n : n - 40) } },
			       2);
		h = (struct vnet_header){ (uint8_t)(unit_random(&random) & 1),
			                  (uint8_t)(unit_random(&random) % 6),
			                  (uint16_t)(unit_random(&random) % 256),
			                  (uint16_t)(unit_random(&random) % 64),
			                  (uint16_t)(unit_random(&random) % 256),
			                  (uint16_t)(unit_random(&random) % 256) };
		if (!segmenter_start(&s, &h, bytes, n))
			continue;
		while ((len = segmenter_next_bytes(&s)) > 0) {
			ck_assert_uint_le(len, n);
			segmenter_next(&s, out);
			ck_assert_uint_lt(guard++, 300);
		}
	}
}
END_TEST

/* Without a vnet header the checksum has to be right, whatever the lengths are. */
START_TEST(segments_become_one_valid_packet)
{
	static const uint32_t mss[] = { 1000, 1361, 1348, 999 };
	static struct large l;
	static struct parts parts;
	static struct coalescer c;
	static uint8_t joined[UINT16_MAX];
	struct shape shape = {
		_i % 2 ? IP_V6 : IP_V4, PROTO_TCP, 0, mss[_i / 2], TCP_ACK, 0
	};
	struct packet whole = { .data = joined };
	struct iovec slices[COALESCE_SLICES + 1];
	size_t n;

	for (shape.payload = 2 * shape.mss; shape.payload < 6 * shape.mss;
	     shape.payload += shape.mss / 3) {
		make_large(&l, &shape);
		take_apart(&parts, &l);
		coalesce(&c, parts.order, parts.n, false);
		ck_assert_uint_eq(c.group_count, 1);
		n = coalesce_slices_whole(&c, 0, slices);
		ck_assert_uint_eq(n, parts.n);
		whole.len_bytes = 0;
		for (size_t i = 0; i < n; i++) {
			memcpy(joined + whole.len_bytes, slices[i].iov_base,
			       slices[i].iov_len);
			whole.len_bytes += (uint32_t)slices[i].iov_len;
		}
		ck_assert_uint_eq(whole.len_bytes, l.len);
		is_valid(&whole);
		/* all but the checksum is as it was sent */
		memcpy(joined + ip_header_bytes(shape.family) + 16,
		       l.bytes + ip_header_bytes(shape.family) + 16, 2);
		ck_assert_mem_eq(joined, l.bytes, l.len);
	}
}
END_TEST

/* What isn't joined is as it came. */
START_TEST(a_single_packet_stays_whole)
{
	static struct large l;
	static struct parts parts;
	static struct coalescer c;
	struct iovec slices[COALESCE_SLICES + 1];

	make_large(&l, &shapes[3]);
	take_apart(&parts, &l);
	coalesce(&c, parts.order, parts.n, false);
	ck_assert_uint_eq(c.group_count, parts.n);
	for (size_t g = 0; g < parts.n; g++) {
		ck_assert_uint_eq(coalesce_slices_whole(&c, g, slices), 1);
		ck_assert_ptr_eq(slices[0].iov_base, parts.order[g]->data);
		is_valid(parts.order[g]);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("io/segment, io/coalesce");

	tcase_add_loop_test(tc, a_large_packet_becomes_valid_segments, 0,
	                    ARRAY_SIZE(shapes));
	tcase_add_loop_test(tc, checksums_are_right_at_any_sequence_number, 0, 2);
	tcase_add_loop_test(tc, a_udp_checksum_is_never_zero, 0, 4);
	tcase_add_loop_test(tc, segments_become_the_large_packet_again, 0,
	                    ARRAY_SIZE(shapes));
	tcase_add_loop_test(tc, segments_become_one_valid_packet, 0, 8);
	tcase_add_test(tc, a_single_packet_stays_whole);
	tcase_add_loop_test(tc, a_packet_that_differs_is_not_merged, 0,
	                    ARRAY_SIZE(spoilers));
	tcase_add_test(tc, flows_that_interleave_are_merged_each_on_its_own);
	tcase_add_test(tc, random_bytes_are_refused_or_stay_inside_their_buffers);
	return tc;
}
