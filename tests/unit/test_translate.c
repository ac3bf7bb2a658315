/* tests/unit/test_translate.c - a packet in pieces is translated like one in one piece:
 * by the source fix, by the virtual resolver, by both; out and in, in any order */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/iphdr.h"
#include "engine/pieces.h"
#include "engine_hosts.h"
#include "ipbytes.h"

#define PIECES      3
#define PIECE_BYTES 480
#define WHOLE_BYTES (2 * PIECE_BYTES + 100) /* of UDP or ICMP */

#define RESOLVER4 "198.18.0.53"
#define RESOLVER6 "fd99::53"

static const struct {
	uint8_t protocol;
	const char *src, *dst;    /* as the host has them; vpn carries it ... */
	const char *own, *target; /* ... under these */
} kinds[] = {
	{ PROTO_UDP, "10.1.0.2", "172.16.0.9", "10.0.0.2", "172.16.0.9" },
	{ PROTO_UDP, "fd10:1::2", "fd16::9", "fd10::2", "fd16::9" },
	{ PROTO_ICMP, "10.1.0.2", "172.16.0.9", "10.0.0.2", "172.16.0.9" },
	{ PROTO_ICMPV6, "fd10:1::2", "fd16::9", "fd10::2", "fd16::9" },
	{ PROTO_UDP, "10.0.0.2", RESOLVER4, "10.0.0.2", "172.16.0.9" },
	{ PROTO_UDP, "fd10::2", RESOLVER6, "fd10::2", "fd16::9" },
	{ PROTO_UDP, "10.1.0.2", RESOLVER4, "10.0.0.2", "172.16.0.9" },
	{ PROTO_UDP, "10.0.0.2", "172.16.0.9", "10.0.0.2", "172.16.0.9" },
};

static const size_t orders[][PIECES] = {
	{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
};

#define CASES (int)(ARRAY_SIZE(kinds) * ARRAY_SIZE(orders))

static bool is_v6(const char *addr)
{
	return strchr(addr, ':') != NULL;
}

/* ---- packets */

/* A DNS query, or an answer, with much behind it; or an echo. */
static void make_whole(struct craft *c, uint8_t protocol, const char *src,
                       const char *dst, bool ask)
{
	uint8_t b[WHOLE_BYTES] = { 0 };
	size_t n = protocol == PROTO_UDP ? WHOLE_BYTES - 8 : WHOLE_BYTES;
	uint16_t sum;

	for (size_t i = 30; i < n; i++)
		b[i] = (uint8_t)(i * 7);
	if (protocol == PROTO_UDP) {
		b[2] = ask ? 1 : 0x81;
		b[5] = 1;
		memcpy(b + 12, "\3big", 5);
		craft_udp(c, src, ask ? 4321 : 53, dst, ask ? 53 : 4321, b, n);
		return;
	}
	b[0] = protocol == PROTO_ICMP ? (ask ? 8 : 0) : ask ? 128 : 129;
	b[4] = 77; /* the id */
	if (protocol == PROTO_ICMP) {
		sum = craft_sum(b, n);
	} else {
		struct ip_addr s = sim_addr(src), d = sim_addr(dst);
		uint8_t pseudo[40 + WHOLE_BYTES] = { 0 };

		memcpy(pseudo, s.b, 16);
		memcpy(pseudo + 16, d.b, 16);
		pseudo[34] = WHOLE_BYTES >> 8;
		pseudo[35] = WHOLE_BYTES & 0xff;
		pseudo[39] = PROTO_ICMPV6;
		memcpy(pseudo + 40, b, n);
		sum = craft_sum(pseudo, sizeof(pseudo));
	}
	b[2] = (uint8_t)(~sum >> 8);
	b[3] = (uint8_t)~sum;
	craft_ip(c, src, dst, protocol, b, n);
}

static void make_piece(struct craft *c, const struct craft *whole, const char *src,
                       const char *dst, size_t i)
{
	const uint8_t *ip = whole->packet.data;
	size_t header = is_v6(src) ? 40 : 20, at = i * PIECE_BYTES;
	size_t left = whole->packet.len_bytes - header - at;
	size_t n = left < PIECE_BYTES ? left : PIECE_BYTES;
	bool more = n < left;
	uint8_t b[8 + PIECE_BYTES] = {
		ip[6], 0, (uint8_t)(at >> 8), (uint8_t)(at | more), 0x11, 0x22, 0x33, 0x44
	};

	memcpy(b + 8, ip + header + at, n);
	if (is_v6(src)) {
		craft_ip(c, src, dst, 44, b, 8 + n);
	} else {
		craft_ip(c, src, dst, ip[9], b + 8, n);
		craft_set_fragment(c, (uint16_t)((more ? 0x2000 : 0) | at / 8));
	}
}

/* ---- who gets them */

static struct defrag defrag;
static struct craft whole_seen;
static size_t whole_count;

static bool collect(struct node *node, const uint8_t *ip, size_t n)
{
	uint8_t bytes[CRAFT_MAX_BYTES];

	(void)node;
	ck_assert(defrag_is_fragment(ip));
	seen_count++;
	n = defrag_add(&defrag, ip, n, bytes);
	if (n > 0) {
		craft_bytes(&whole_seen, bytes, n);
		whole_count++;
	}
	return true;
}

static void collect_at(struct node *node)
{
	client->on_tun = server[0]->on_tun = NULL;
	node->on_tun = collect;
	memset(&defrag, 0, sizeof(defrag));
	seen_count = whole_count = 0;
}

static void expect_whole(const struct craft *expected)
{
	ck_assert_uint_eq(seen_count, PIECES);
	ck_assert_uint_eq(whole_count, 1);
	ck_assert(craft_valid(whole_seen.packet.data, whole_seen.packet.len_bytes));
	ck_assert_uint_eq(whole_seen.packet.len_bytes, expected->packet.len_bytes);
	ck_assert_mem_eq(whole_seen.packet.data, expected->packet.data,
	                 expected->packet.len_bytes);
}

/* ---- */

static void start_resolver(void)
{
	struct ip_addr addresses[] = { sim_addr("10.0.0.2"), sim_addr("fd10::2") };
	struct ip_addr servers[] = { sim_addr("172.16.0.9"), sim_addr("fd16::9") };
	struct ip_addr r4 = sim_addr(RESOLVER4), r6 = sim_addr(RESOLVER6);
	struct device_settings s = { .addresses = addresses,
		                     .address_count = 2,
		                     .mtu_bytes = 1420,
		                     .port = 20000,
		                     .dns_servers = servers,
		                     .dns_server_count = 2 };

	ck_assert_int_eq(device_set(vpn, &s), 0);
	engine_set_resolver(client->engine, &r4, &r6);
}

/* craft's IPv4 id, the IPv6 id here and TTL are the same on both sides. */
static void host_sends(int kind, const size_t *order)
{
	struct craft whole, piece;

	collect_at(server[0]);
	make_whole(&whole, kinds[kind].protocol, kinds[kind].src, kinds[kind].dst, true);
	for (size_t i = 0; i < PIECES; i++) {
		make_piece(&piece, &whole, kinds[kind].src, kinds[kind].dst, order[i]);
		into_tun(&piece);
	}
	run(SECOND);
}

static void target_answers(int kind, const size_t *order)
{
	struct craft whole, piece;

	collect_at(client);
	make_whole(&whole, kinds[kind].protocol, kinds[kind].target, kinds[kind].own,
	           false);
	for (size_t i = 0; i < PIECES; i++) {
		make_piece(&piece, &whole, kinds[kind].target, kinds[kind].own, order[i]);
		node_inject(server[0], &piece);
	}
	run(SECOND);
}

START_TEST(a_packet_in_pieces_there_and_back)
{
	int kind = _i / (int)ARRAY_SIZE(orders);
	const size_t *order = orders[(size_t)_i % ARRAY_SIZE(orders)];
	struct craft whole;

	start_resolver();
	warm_up();
	host_sends(kind, order);
	make_whole(&whole, kinds[kind].protocol, kinds[kind].own, kinds[kind].target,
	           true);
	expect_whole(&whole);
	target_answers(kind, order);
	make_whole(&whole, kinds[kind].protocol, kinds[kind].dst, kinds[kind].src, false);
	expect_whole(&whole);
	ck_assert_uint_eq(all_drops(), 0);
}
END_TEST

/* vpn has a longer prefix with the server of home's file. It gets nothing of the query. */
START_TEST(a_query_in_pieces_goes_to_one_tunnel)
{
	struct ip_addr address = sim_addr("10.1.0.2"), dns = sim_addr("172.16.0.9"),
		       resolver = sim_addr(RESOLVER4), none = { 0 };
	const struct device_settings s = { .addresses = &address,
		                           .address_count = 1,
		                           .mtu_bytes = 1340,
		                           .port = 20001,
		                           .dns_servers = &dns,
		                           .dns_server_count = 1 };
	struct craft whole, piece;

	ck_assert_int_eq(device_set(home, &s), 0);
	peer_allow(peer[1], "172.16.0.0/16");
	engine_touch(home);
	engine_set_resolver(client->engine, &resolver, &none);
	warm_up();
	collect_at(server[1]);
	make_whole(&whole, PROTO_UDP, "10.1.0.2", RESOLVER4, true);
	for (size_t i = 0; i < PIECES; i++) {
		make_piece(&piece, &whole, "10.1.0.2", RESOLVER4, orders[_i][i]);
		into_tun(&piece);
	}
	run(SECOND);
	make_whole(&whole, PROTO_UDP, "10.1.0.2", "172.16.0.9", true);
	expect_whole(&whole);
}
END_TEST

/* All in one batch, as they are read from a tun. */
START_TEST(a_batch_of_pieces)
{
	struct craft whole, pieces[PIECES];
	struct packet *batch[PIECES];

	warm_up();
	collect_at(server[0]);
	make_whole(&whole, PROTO_UDP, kinds[0].src, kinds[0].dst, true);
	for (size_t i = 0; i < PIECES; i++) {
		make_piece(&pieces[i], &whole, kinds[0].src, kinds[0].dst,
		           PIECES - 1 - i);
		batch[i] = &pieces[i].packet;
	}
	engine_tun_input(client->engine, batch, PIECES, w->now_ns);
	run(SECOND);
	make_whole(&whole, PROTO_UDP, kinds[0].own, kinds[0].target, true);
	expect_whole(&whole);
}
END_TEST

static void in_pieces(const struct craft *whole, const char *src, const char *dst,
                      const size_t *order, struct node *from)
{
	struct craft piece;

	for (size_t i = 0; i < PIECES; i++) {
		make_piece(&piece, whole, src, dst, order[i]);
		if (from)
			node_inject(from, &piece);
		else
			into_tun(&piece);
	}
	run(SECOND);
}

/* A host behind vpn asks ours at home's address, and is answered from there. */
START_TEST(what_began_outside_keeps_its_address)
{
	int kind = _i / (int)ARRAY_SIZE(orders);
	const size_t *order = orders[_i % (int)ARRAY_SIZE(orders)];
	const char *here = kinds[kind].src, *there = kinds[kind].target;
	struct ip_addr addr = sim_addr(here);
	struct craft whole;

	node_behind_tun(server[0], &addr);
	warm_up();
	for (int i = 0; i < 2; i++) {
		collect_at(client);
		make_whole(&whole, kinds[kind].protocol, there, here, true);
		in_pieces(&whole, there, here, order, server[0]);
		expect_whole(&whole);
		collect_at(server[0]);
		make_whole(&whole, kinds[kind].protocol, here, there, false);
		in_pieces(&whole, here, there, order, NULL);
		expect_whole(&whole);
	}
	ck_assert_uint_eq(all_drops(), 0);
}
END_TEST

/* Home's address and the same port come first. */
START_TEST(a_plain_flow_that_collides_gets_another_port)
{
	struct craft c;

	warm_up();
	server[0]->on_tun = take_tun;
	craft_udp(&c, "10.1.0.2", 4321, "172.16.0.9", 53, "one", 3);
	into_tun(&c);
	run(SECOND);
	ck_assert_uint_eq(port_of(seen.packet.data, 0), 4321);
	craft_udp(&c, "10.0.0.2", 4321, "172.16.0.9", 53, "two", 3);
	into_tun(&c);
	run(SECOND);
	ck_assert_uint_ne(port_of(seen.packet.data, 0), 4321);
	ck_assert(craft_valid(seen.packet.data, seen.packet.len_bytes));
	client->on_tun = take_tun;
	craft_udp(&c, "172.16.0.9", 53, "10.0.0.2", port_of(seen.packet.data, 0), "2", 1);
	node_inject(server[0], &c);
	run(SECOND);
	ck_assert_uint_eq(port_of(seen.packet.data, 2), 4321);
	ck_assert(craft_valid(seen.packet.data, seen.packet.len_bytes));
}
END_TEST

static void add_silent(void *context, const struct silent_server *s)
{
	char *text = context, addr[IP_ADDR_STRLEN];
	size_t n = strlen(text);

	snprintf(text + n, 200 - n, "%s's %s through %s %us%s;", device_name(s->device),
	         ip_addr_format(&s->addr, addr),
	         s->through ? device_name(s->through) : "-",
	         (unsigned)(s->for_ns / SECOND), s->others ? ", others" : "");
}

static void query(const char *to)
{
	struct craft whole;

	make_whole(&whole, PROTO_UDP, "10.0.0.2", to, true);
	into_tun(&whole);
	run(4 * SECOND);
}

/* Whether it is asked by its own address, or by the virtual one. */
START_TEST(a_name_server_that_does_not_answer)
{
	static const char *const to[] = { "172.16.0.9", RESOLVER4 };
	struct ip_addr none = { 0 };
	char text[200] = "";
	struct craft answer;

	start_resolver();
	if (_i == 0)
		engine_set_resolver(client->engine, &none, &none);
	warm_up();
	server[0]->on_tun = take_tun;
	query(to[_i]);
	query(to[_i]);
	engine_walk_silent_servers(client->engine, w->now_ns, add_silent, text);
	ck_assert_str_eq(text, "vpn's 172.16.0.9 through vpn 8s, others;");
	text[0] = '\0';
	make_whole(&answer, PROTO_UDP, "172.16.0.9", "10.0.0.2", false);
	node_inject(server[0], &answer);
	run(SECOND);
	engine_walk_silent_servers(client->engine, w->now_ns, add_silent, text);
	ck_assert_str_eq(text, "");
}
END_TEST

/* Held for so long, then counted where they came from. */
START_TEST(without_the_first_they_are_dropped)
{
	struct craft whole, piece;

	start_resolver();
	warm_up();
	collect_at(client);
	make_whole(&whole, PROTO_ICMP, kinds[2].target, kinds[2].own, false);
	make_piece(&piece, &whole, kinds[2].target, kinds[2].own, 1);
	node_inject(server[0], &piece);
	make_whole(&whole, PROTO_UDP, kinds[0].src, kinds[0].dst, true);
	make_piece(&piece, &whole, kinds[0].src, kinds[0].dst, 1);
	into_tun(&piece);
	run(SECOND);
	ck_assert_uint_eq(all_drops(), 0);
	run(PIECES_NS);
	ck_assert_uint_eq(seen_count, 0);
	ck_assert_uint_eq(drops_of(vpn, DROP_FRAGMENT), 1);
	ck_assert_uint_eq(engine_drops(client->engine)->by[DROP_FRAGMENT], 1);
	ck_assert_uint_eq(all_drops(), 2);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/translate");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_loop_test(tc, a_packet_in_pieces_there_and_back, 0, CASES);
	tcase_add_loop_test(tc, a_query_in_pieces_goes_to_one_tunnel, 0,
	                    (int)ARRAY_SIZE(orders));
	tcase_add_test(tc, a_batch_of_pieces);
	tcase_add_loop_test(tc, what_began_outside_keeps_its_address, 0,
	                    4 * (int)ARRAY_SIZE(orders));
	tcase_add_test(tc, a_plain_flow_that_collides_gets_another_port);
	tcase_add_loop_test(tc, a_name_server_that_does_not_answer, 0, 2);
	tcase_add_test(tc, without_the_first_they_are_dropped);
	return tc;
}
