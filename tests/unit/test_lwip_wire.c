#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/tcphdr.h"
#include "proxy/lwip_wire.h"
#include "unit.h"

#define MAX_BYTES 200

/* A TCP packet with these options, in memory of exactly its size. */
static uint8_t *tcp_packet(enum ip_family family, uint8_t flags, const void *options,
                           size_t n, struct ip_view *view)
{
	size_t ip_bytes =
		family == IP_V6 ? sizeof(struct ipv6_header) : sizeof(struct ipv4_header);
	size_t tcp_bytes = sizeof(struct tcp_header) + n, total = ip_bytes + tcp_bytes;
	uint8_t *p = calloc(1, total);
	struct tcp_header *tcp = (void *)(p + ip_bytes);

	ck_assert_ptr_nonnull(p);
	if (family == IP_V6) {
		struct ipv6_header *ip = (void *)p;

		p[0] = 0x60;
		ip->payload_len = be16_put((uint16_t)tcp_bytes);
		ip->next_header = PROTO_TCP;
	} else {
		struct ipv4_header *ip = (void *)p;

		ip->version_ihl = 0x45;
		ip->total_len = be16_put((uint16_t)total);
		ip->protocol = PROTO_TCP;
	}
	tcp->flags = flags;
	tcp->data_offset = (uint8_t)(tcp_bytes / 4 << 4);
	memcpy(tcp + 1, options, n);
	ck_assert(ip_view_parse(view, p, total));
	tcp->checksum = be16_put(checksum_finish(checksum_add(
		checksum_pseudo(&view->src, &view->dst, PROTO_TCP, (uint32_t)tcp_bytes),
		tcp, tcp_bytes)));
	return p;
}

static bool is_right(const uint8_t *p, const struct ip_view *view)
{
	uint32_t n = view->total_bytes - view->payload_at;

	return checksum_finish(
		       checksum_add(checksum_pseudo(&view->src, &view->dst, PROTO_TCP, n),
	                            p + view->payload_at, n)) == 0;
}

static const struct {
	const char *options;
	size_t n, at; /* of the size */
	uint8_t flags;
	uint16_t mss4, mss6; /* afterwards, with an MTU of 1420; 0: nothing changes */
} syns[] = {
	{ "\2\4\5\264", 4, 2, TCP_SYN, 1380, 1360 },
	{ "\2\4\5\264", 4, 2, TCP_SYN | TCP_ACK, 1380, 1360 },
	{ "\1\2\4\5\264\1\1\0", 8, 3, TCP_SYN, 1380, 1360 }, /* at an odd place */
	{ "\4\2\3\3\7\2\4\377\377\0\0\0", 12, 7, TCP_SYN, 1380, 1360 },
	{ "\2\4\1\0\2\4\5\264", 8, 6, TCP_SYN, 1380, 1360 }, /* lwIP obeys this one */
	{ "\2\4\2\30", 4, 2, TCP_SYN, 0, 0 },                /* smaller than that */
	{ "\2\4\5\264", 4, 2, TCP_ACK, 0, 0 },               /* not the first packet */
	{ "\0\0\2\4\5\264\0\0", 8, 4, TCP_SYN, 0, 0 },       /* behind the end */
	{ "\2\0\5\264", 4, 2, TCP_SYN, 0, 0 },               /* no length */
	{ "\1\1\2\4", 4, 2, TCP_SYN, 0, 0 },                 /* cut off */
	{ "", 0, 0, TCP_SYN, 0, 0 },
};

START_TEST(the_size_of_a_syn_is_lowered)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct ip_view view;
		uint8_t *p = tcp_packet(v6 ? IP_V6 : IP_V4, syns[_i].flags,
		                        syns[_i].options, syns[_i].n, &view);
		uint8_t *at =
			p + view.payload_at + sizeof(struct tcp_header) + syns[_i].at;
		uint16_t mss = v6 ? syns[_i].mss6 : syns[_i].mss4;
		uint8_t before[MAX_BYTES];

		memcpy(before, p, view.total_bytes);
		lwip_wire_clamp(p, &view, 1420);
		ck_assert(is_right(p, &view));
		if (mss)
			ck_assert_int_eq(at[0] << 8 | at[1], mss);
		else
			ck_assert_mem_eq(before, p, view.total_bytes);
		free(p);
	}
}
END_TEST

START_TEST(an_absurd_mtu_leaves_a_size_that_works)
{
	struct ip_view view;
	uint8_t *p = tcp_packet(IP_V4, TCP_SYN, "\2\4\5\264", 4, &view);

	lwip_wire_clamp(p, &view, 10);
	ck_assert_int_eq(p[42] << 8 | p[43], 256);
	free(p);
}
END_TEST

/* An ICMP error in memory of exactly its size, which quotes so many bytes. */
static uint8_t *icmp_packet(bool v6, uint8_t type, uint8_t code, uint32_t rest,
                            const uint8_t *quote, size_t n, struct ip_view *view)
{
	size_t ip_bytes = v6 ? sizeof(struct ipv6_header) : sizeof(struct ipv4_header);
	size_t icmp_bytes = sizeof(struct icmp_header) + n;
	uint8_t *p = calloc(1, ip_bytes + icmp_bytes);
	struct icmp_header *icmp = (void *)(p + ip_bytes);
	uint64_t sum = 0;

	ck_assert_ptr_nonnull(p);
	if (v6) {
		struct ipv6_header *ip = (void *)p;

		p[0] = 0x60;
		ip->payload_len = be16_put((uint16_t)icmp_bytes);
		ip->next_header = PROTO_ICMPV6;
	} else {
		struct ipv4_header *ip = (void *)p;

		ip->version_ihl = 0x45;
		ip->total_len = be16_put((uint16_t)(ip_bytes + icmp_bytes));
		ip->protocol = PROTO_ICMP;
	}
	icmp->type = type;
	icmp->code = code;
	icmp->rest = be32_put(rest);
	memcpy(icmp + 1, quote, n);
	ck_assert(ip_view_parse(view, p, ip_bytes + icmp_bytes));
	if (v6)
		sum = checksum_pseudo(&view->src, &view->dst, PROTO_ICMPV6,
		                      (uint32_t)icmp_bytes);
	icmp->checksum = be16_put(checksum_finish(checksum_add(sum, icmp, icmp_bytes)));
	return p;
}

static const struct {
	bool v6;
	uint8_t type, code;
	uint32_t rest;
	bool is_error;
	int err;
	uint32_t mtu_bytes;
} errors[] = {
	{ false, 3, 0, 0, true, -ENETUNREACH, 0 },
	{ false, 3, 1, 0, true, -EHOSTUNREACH, 0 },
	{ false, 3, 3, 0, true, -ECONNREFUSED, 0 },
	{ false, 3, 4, 1300, true, 0, 1300 },
	{ false, 3, 13, 0, true, -EHOSTUNREACH, 0 },
	{ false, 3, 200, 0, true, -EHOSTUNREACH, 0 },
	{ false, 11, 0, 0, true, -EHOSTUNREACH, 0 },
	{ false, 0, 0, 0, false, 0, 0 },
	{ false, 8, 0, 0, false, 0, 0 },
	{ true, 1, 0, 0, true, -ENETUNREACH, 0 },
	{ true, 1, 3, 0, true, -EHOSTUNREACH, 0 },
	{ true, 1, 4, 0, true, -ECONNREFUSED, 0 },
	{ true, 2, 0, 1280, true, 0, 1280 },
	{ true, 3, 0, 0, true, -EHOSTUNREACH, 0 },
	{ true, 128, 0, 0, false, 0, 0 },
	{ true, 134, 0, 0, false, 0, 0 },
};

START_TEST(icmp_errors_are_understood)
{
	struct lwip_wire_error e;
	struct ip_view of, view;
	enum ip_family family = errors[_i].v6 ? IP_V6 : IP_V4;
	uint8_t *quote = tcp_packet(family, TCP_SYN, "", 0, &of), *p;

	memcpy(quote + of.payload_at, "\0\120\1\273\1\2\3\4", 8);
	for (size_t n = 0; n <= of.total_bytes; n++) {
		bool enough = n >= of.payload_at + 8U;

		p = icmp_packet(errors[_i].v6, errors[_i].type, errors[_i].code,
		                errors[_i].rest, quote, n, &view);
		ck_assert_int_eq(lwip_wire_error_read(&e, p, &view),
		                 errors[_i].is_error && enough);
		if (errors[_i].is_error && enough) {
			ck_assert_int_eq(e.err, errors[_i].err);
			ck_assert_uint_eq(e.mtu_bytes, errors[_i].mtu_bytes);
			ck_assert_uint_eq(e.from_port, 80);
			ck_assert_uint_eq(e.to_port, 443);
			ck_assert_uint_eq(e.seq, 0x01020304);
			ck_assert_uint_eq(e.protocol, PROTO_TCP);
		}
		p[view.payload_at + 2] ^= 1; /* of the checksum */
		ck_assert(!lwip_wire_error_read(&e, p, &view));
		free(p);
	}
	free(quote);
}
END_TEST

/* Router advertisements and the like are for links with neighbours. */
START_TEST(of_icmp_only_echo_requests_are_wanted)
{
	for (unsigned type = 0; type < 256; type++) {
		struct ip_view view;
		uint8_t *p = icmp_packet(false, (uint8_t)type, 0, 0, (const uint8_t *)"",
		                         0, &view);

		ck_assert_int_eq(lwip_wire_is_wanted(p, &view), type == 8);
		free(p);
		p = icmp_packet(true, (uint8_t)type, 0, 0, (const uint8_t *)"", 0, &view);
		ck_assert_int_eq(lwip_wire_is_wanted(p, &view), type == 128);
		free(p);
	}
}
END_TEST

/* Under the sanitizers, nothing outside of the packet is touched. */
START_TEST(garbage_is_harmless)
{
	uint64_t random = unit_seed();

	for (int round = 0; round < 20000; round++) {
		size_t n = 20 + unit_below(&random, MAX_BYTES - 20);
		uint8_t *p = malloc(n);
		struct lwip_wire_error e;
		struct ip_view view;

		ck_assert_ptr_nonnull(p);
		for (size_t i = 0; i < n; i++)
			p[i] = (uint8_t)unit_random(&random);
		p[0] = unit_below(&random, 2) ? 0x45 : 0x60;
		p[9] = unit_below(&random, 2) ? PROTO_TCP : PROTO_ICMP;
		if (p[0] == 0x60)
			p[6] = unit_below(&random, 2) ? PROTO_TCP : PROTO_ICMPV6;
		p[p[0] == 0x60 ? 4 : 2] = 0;
		p[p[0] == 0x60 ? 5 : 3] = (uint8_t)unit_below(&random, n + 1);
		if (ip_view_parse(&view, p, n)) {
			(void)!lwip_wire_error_read(&e, p, &view);
			(void)lwip_wire_is_wanted(p, &view);
			lwip_wire_clamp(p, &view, 1280);
		}
		free(p);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/lwip_wire");

	tcase_add_loop_test(tc, the_size_of_a_syn_is_lowered, 0, ARRAY_SIZE(syns));
	tcase_add_test(tc, an_absurd_mtu_leaves_a_size_that_works);
	tcase_add_loop_test(tc, icmp_errors_are_understood, 0, ARRAY_SIZE(errors));
	tcase_add_test(tc, of_icmp_only_echo_requests_are_wanted);
	tcase_add_test(tc, garbage_is_harmless);
	return tc;
}
