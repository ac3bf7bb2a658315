#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/iphdr.h"
#include "base/tcphdr.h"
#include "craft.h"
#include "engine/rewrite.h"
#include "engine/same_flow.h"

#define PAYLOAD 12

static const char *const here[] = { "10.9.9.2", "fd99::2" };
static const char *const there[] = { "172.16.0.9", "fd16::9" };
static const char *const own[] = { "10.0.0.2", "fd10::2" };

static uint16_t tcp_sum(const struct packet *p)
{
	static uint8_t bytes[CRAFT_MAX_BYTES + 40];
	uint32_t ip = p->data[0] >> 4 == 4 ? 20 : 40, at = ip == 20 ? 12 : 8;
	uint32_t ends = ip - at, n = p->len_bytes - ip;

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, p->data + at, ends);
	bytes[ends + 1] = PROTO_TCP;
	bytes[ends + 2] = (uint8_t)(n >> 8);
	bytes[ends + 3] = (uint8_t)n;
	memcpy(bytes + ends + 4, p->data + ip, n);
	return craft_sum(bytes, ends + 4 + n);
}

/* A data packet amid a connection, with right checksums. */
static void make(struct craft *c, int family, uint64_t *seed)
{
	uint8_t tcp[sizeof(struct tcp_header) + PAYLOAD];
	uint32_t ip = family == 0 ? 20 : 40;
	uint16_t sum;

	for (size_t i = 0; i < sizeof(tcp); i++)
		tcp[i] = (uint8_t)unit_random(seed);
	memcpy(tcp, (const uint8_t[]){ 0x9c, 0x40, 0x14, 0x51 }, 4); /* the ports */
	tcp[12] = 0x50;
	tcp[13] = TCP_ACK | (unit_random(seed) % 2 ? TCP_PSH : 0);
	tcp[16] = tcp[17] = 0;
	craft_ip(c, here[family], there[family], PROTO_TCP, tcp, sizeof(tcp));
	if (family == 0)
		craft_set_df(c);
	sum = (uint16_t)~tcp_sum(&c->packet);
	c->packet.data[ip + 16] = (uint8_t)(sum >> 8);
	c->packet.data[ip + 17] = (uint8_t)sum;
	must(tcp_sum(&c->packet) == 0xffff);
}

/* As the source fix does it. */
static void translate(struct packet *p, int family, uint16_t port)
{
	struct ip_addr to;
	struct ip_view view;
	struct rewrite x;

	must(ip_addr_parse(&to, own[family]) &&
	     ip_view_parse(&view, p->data, p->len_bytes));
	x = rewrite_fields(p, &view);
	rewrite_addr(&x, true, to.b);
	rewrite_port(&x, x.src_port, be16_put(port));
}

START_TEST(the_next_packet_is_translated_like_the_one_before)
{
	uint64_t seed = unit_seed();
	struct craft first, next, expected;
	struct same_flow s;

	for (unsigned i = 0; i < 500; i++) {
		int family = i % 2;
		uint16_t port = (uint16_t)unit_random(&seed);

		make(&first, family, &seed);
		make(&next, family, &seed);
		craft_bytes(&expected, next.packet.data, next.packet.len_bytes);
		translate(&expected.packet, family, port);
		same_flow_begin(&s, &first.packet);
		ck_assert(!same_flow_next(&s, &next.packet, PACKET_MAX_BYTES));
		translate(&first.packet, family, port);
		same_flow_end(&s, &first.packet);
		ck_assert(same_flow_next(&s, &next.packet, next.packet.len_bytes));
		ck_assert_mem_eq(next.packet.data, expected.packet.data,
		                 expected.packet.len_bytes);
		ck_assert(craft_valid(next.packet.data, next.packet.len_bytes));
		ck_assert_uint_eq(tcp_sum(&next.packet), 0xffff);
		same_flow_forget(&s);
		ck_assert(!same_flow_next(&s, &next.packet, PACKET_MAX_BYTES));
	}
}
END_TEST

START_TEST(what_was_not_translated_stays_as_it_is)
{
	uint64_t seed = unit_seed();
	struct craft first, next, expected;
	struct same_flow s;

	make(&first, _i, &seed);
	make(&next, _i, &seed);
	craft_bytes(&expected, next.packet.data, next.packet.len_bytes);
	same_flow_begin(&s, &first.packet);
	same_flow_end(&s, &first.packet);
	next.packet.len_bytes += 3; /* behind the end that the header names */
	ck_assert(same_flow_next(&s, &next.packet, PACKET_MAX_BYTES));
	ck_assert_uint_eq(next.packet.len_bytes, expected.packet.len_bytes);
	ck_assert_mem_eq(next.packet.data, expected.packet.data,
	                 expected.packet.len_bytes);
}
END_TEST

/* One byte of an IPv4 and of an IPv6 packet; 0: there is no such byte. */
static const struct {
	const char *what;
	size_t at[2];
	uint8_t flip;
	bool follows;
} changes[] = {
	{ "version, or options", { 0, 0 }, 0x03, false },
	{ "TOS, class or flow", { 1, 1 }, 0x04, false },
	{ "longer than it is", { 2, 4 }, 0x10, false },
	{ "shorter than a TCP header", { 3, 5 }, 0x30, false },
	{ "id", { 4, 0 }, 0xff, true },
	{ "DF", { 6, 0 }, 0x40, false },
	{ "more fragments", { 6, 0 }, 0x20, false },
	{ "offset", { 7, 0 }, 0x01, false },
	{ "TTL, hop limit", { 8, 7 }, 0x01, false },
	{ "protocol", { 9, 6 }, 0x17, false },
	{ "source", { 15, 23 }, 0x01, false },
	{ "destination", { 16, 24 }, 0x80, false },
	{ "source port", { 21, 41 }, 0x01, false },
	{ "destination port", { 22, 42 }, 0x01, false },
	{ "sequence number", { 26, 46 }, 0xff, true },
	{ "FIN", { 33, 53 }, TCP_FIN, false },
	{ "SYN", { 33, 53 }, TCP_SYN, false },
	{ "RST", { 33, 53 }, TCP_RST, false },
	{ "ECE", { 33, 53 }, TCP_ECE, true },
	{ "payload", { 45, 65 }, 0xff, true },
};

static void check_change(size_t i, int family, uint64_t *seed)
{
	struct craft first, next;
	struct same_flow s;

	make(&first, family, seed);
	make(&next, family, seed);
	same_flow_begin(&s, &first.packet);
	same_flow_end(&s, &first.packet);
	next.packet.data[changes[i].at[family]] ^= changes[i].flip;
	ck_assert_msg(same_flow_next(&s, &next.packet, PACKET_MAX_BYTES) ==
	                      changes[i].follows,
	              "%s, family %d", changes[i].what, family);
}

START_TEST(a_packet_that_differs_in_what_matters_does_not_follow)
{
	uint64_t seed = unit_seed();

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		for (int family = 0; family < 2; family++)
			if (changes[i].at[family] > 0 || changes[i].at[0] == 0)
				check_change(i, family, &seed);
}
END_TEST

START_TEST(some_packets_have_no_followers)
{
	static const struct {
		int family;
		size_t at;
		uint8_t flip;
	} kinds[] = {
		{ 0, 0, 0x03 },     { 0, 6, 0x40 },     { 0, 6, 0x20 },
		{ 0, 7, 0x01 },     { 0, 9, 0x17 },     { 0, 33, TCP_FIN },
		{ 0, 33, TCP_RST }, { 0, 33, TCP_SYN }, { 1, 0, 0x10 },
		{ 1, 6, 0x17 },     { 1, 6, 0x2a },     { 1, 53, TCP_FIN },
		{ 1, 53, TCP_RST }, { 1, 53, TCP_SYN },
	};
	uint64_t seed = unit_seed();
	struct craft first, next;
	struct same_flow s;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		make(&first, kinds[i].family, &seed);
		first.packet.data[kinds[i].at] ^= kinds[i].flip;
		craft_bytes(&next, first.packet.data, first.packet.len_bytes);
		same_flow_begin(&s, &first.packet);
		same_flow_end(&s, &first.packet);
		ck_assert_msg(!same_flow_next(&s, &next.packet, PACKET_MAX_BYTES), "%zu",
		              i);
	}
}
END_TEST

/* The ports of such a packet are behind its end, and were not looked at. */
START_TEST(a_packet_whose_header_says_that_it_is_shorter_has_no_followers)
{
	const uint32_t ip = _i == 0 ? 20 : 40, length_at = _i == 0 ? 2 : 4;
	uint64_t seed = unit_seed();
	struct craft first, next;
	struct same_flow s;

	make(&first, _i, &seed);
	make(&next, _i, &seed);
	for (uint32_t n = 0; n <= sizeof(struct tcp_header); n++) {
		uint32_t says = _i == 0 ? ip + n : n;

		first.packet.data[length_at] = (uint8_t)(says >> 8);
		first.packet.data[length_at + 1] = (uint8_t)says;
		same_flow_begin(&s, &first.packet);
		same_flow_end(&s, &first.packet);
		ck_assert_msg(same_flow_next(&s, &next.packet, PACKET_MAX_BYTES) ==
		                      (n == sizeof(struct tcp_header)),
		              "%u", n);
	}
}
END_TEST

START_TEST(no_byte_behind_the_end_is_read)
{
	uint64_t seed = unit_seed();
	struct craft first;
	struct same_flow s;
	struct packet p;

	make(&first, _i, &seed);
	for (uint32_t n = 0; n <= first.packet.len_bytes; n++) {
		uint8_t *cut = malloc(n ? n : 1); /* the sanitizer knows its end */

		must(cut != NULL);
		memcpy(cut, first.packet.data, n);
		p = (struct packet){ .data = cut, .len_bytes = n };
		same_flow_begin(&s, &p);
		same_flow_end(&s, &p);
		same_flow_begin(&s, &first.packet);
		same_flow_end(&s, &first.packet);
		ck_assert(same_flow_next(&s, &p, PACKET_MAX_BYTES) ==
		          (n == first.packet.len_bytes));
		free(cut);
	}
	make(&first, _i, &seed);
	ck_assert(!same_flow_next(&s, &first.packet, first.packet.len_bytes - 1));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/same_flow");

	tcase_add_test(tc, the_next_packet_is_translated_like_the_one_before);
	tcase_add_loop_test(tc, what_was_not_translated_stays_as_it_is, 0, 2);
	tcase_add_test(tc, a_packet_that_differs_in_what_matters_does_not_follow);
	tcase_add_test(tc, some_packets_have_no_followers);
	tcase_add_loop_test(
		tc, a_packet_whose_header_says_that_it_is_shorter_has_no_followers, 0, 2);
	tcase_add_loop_test(tc, no_byte_behind_the_end_is_read, 0, 2);
	return tc;
}
