/* tests/unit/test_gate.c - clients come in by a gate instead of by a tun (design R15) */
#include "unit.h"

#include <string.h>

#include "base/iphdr.h"
#include "engine/core.h"
#include "gate_hosts.h"
#include "wg/message.h"

/* ---- there and back */

static const struct {
	int phone;
	const char *src, *dst, *as; /* as: the source that the target sees */
} ways[] = {
	{ 0, "10.9.9.2", "172.16.0.9", "10.0.0.2" }, /* by vpn */
	{ 0, "fd99::2", "fd16::9", "fd10::2" },      /* the same in IPv6 */
	{ 0, "10.9.9.2", "172.16.1.9", "10.1.0.2" }, /* by home, inside vpn */
	{ 1, "fd99::3", "fd16:1::9", "fd10:1::2" },  /* the same in IPv6 */
	{ 1, "10.9.9.3", "172.16.0.9", "10.0.0.2" },
};

START_TEST(a_client_reaches_what_the_union_has)
{
	const size_t sizes[] = { 20, 21, 700, 1200, 1290 };

	for (uint16_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		probe_from((size_t)ways[_i].phone, i, ways[_i].src, ways[_i].dst,
		           sizes[i]);
		run(SECOND);
		check_came_back(i, ways[_i].as);
	}
	ck_assert_uint_eq(all_drops(), 0);
}
END_TEST

/* The batches contain packets for both devices, of both clients, in all sizes. */
START_TEST(mixed_batches)
{
	uint16_t id = 0;

	for (int round = 0; round < 20; round++) {
		uint16_t first = id;

		for (size_t i = 0; i < PHONES; i++) {
			node_batch_begin(phone[i]);
			for (int n = 0; n < 15; n++, id++) {
				bool home_too = unit_random(&w->random) % 2;
				size_t bytes = 20 + unit_random(&w->random) % 1250;

				probe_from(i, id, phone4[i],
				           home_too ? "172.16.1.9" : "172.16.0.9", bytes);
			}
			node_batch_end(phone[i]);
		}
		run(SECOND);
		for (; first < id; first++)
			ck_assert_uint_eq(w->probes[first].returned, 1);
	}
}
END_TEST

/* Both use the same ports at the same time. */
START_TEST(two_clients_with_the_same_port)
{
	struct ip_addr to = sim_addr("172.16.0.9");

	for (uint16_t i = 0; i < PHONES; i++) {
		struct ip_addr from = sim_addr(phone4[i]);

		node_probe(phone[i], i, &from, &to, 100, 0);
	}
	run(SECOND);
	for (uint16_t i = 0; i < PHONES; i++)
		check_came_back(i, "10.0.0.2");
}
END_TEST

/* The client has the very address that vpn's file has. */
START_TEST(a_client_with_the_address_of_a_file)
{
	struct ip_addr to = sim_addr("172.16.0.9"), own = sim_addr("10.0.0.2");
	struct ip_addr other = sim_addr(phone4[1]);
	struct wg_peer *p = wg_device_find_peer(
		device_wg(gate), wg_device_public_key(device_wg(phone_device[0])));

	peer_allow(p, "10.0.0.2/32");
	node_local(phone[0], &own);
	node_probe(phone[1], 1, &other, &to, 100, 0);
	run(SECOND);
	check_came_back(1, "10.0.0.2");
	for (uint16_t id = 2; id < 5; id++) {
		probe_from(0, id, "10.0.0.2", "172.16.0.9", 100);
		run(SECOND);
		check_came_back(id, "10.0.0.2");
	}
}
END_TEST

START_TEST(packets_in_pieces)
{
	probe_from(0, 0, "10.9.9.2", "172.16.0.9", 2000);
	probe_from(0, 1, "10.9.9.2", "172.16.1.9", 2000);
	run(SECOND);
	check_came_back(0, "10.0.0.2");
	check_came_back(1, "10.1.0.2");
}
END_TEST

/* The later pieces come before the first one. */
START_TEST(pieces_in_any_order)
{
	static const uint16_t offsets[][3] = {
		{ IPV4_MF, IPV4_MF | 3, 6 }, /* in units of 8 bytes */
		{ 1, 3 << 3 | 1, 6 << 3 },   /* RFC 8200 4.5 */
	};
	const char *src = _i == 0 ? "10.9.9.2" : "fd99::2";
	const char *dst = _i == 0 ? "172.16.0.9" : "fd16::9";
	const size_t header = _i == 0 ? 20 : 48;
	struct craft c;

	probe_from(0, 0, src, dst, 100); /* so that there is a session */
	run(SECOND);
	server[0]->on_tun = take_tun;
	seen_count = 0;
	for (int i = 2; i >= 0; i--) {
		uint16_t offset_more = offsets[_i][i];
		uint8_t ext[8 + 24] = { PROTO_UDP,
			                0,
			                (uint8_t)(offset_more >> 8),
			                (uint8_t)offset_more,
			                0,
			                0,
			                0,
			                7,
			                0x0f,
			                0xa0,
			                0x0f,
			                0xa1,
			                0,
			                72 };

		if (_i == 0) {
			craft_ip(&c, src, dst, PROTO_UDP, ext + 8, 24);
			craft_set_fragment(&c, offset_more);
		} else {
			craft_ip(&c, src, dst, PROTO_IPV6_FRAGMENT, ext, sizeof(ext));
		}
		ck_assert_uint_eq(c.packet.len_bytes, header + 24);
		node_inject(phone[0], &c);
		run(SECOND / 4);
	}
	ck_assert_uint_eq(seen_count, 3);
}
END_TEST

/* A query in two pieces, in either order. */
START_TEST(a_query_in_pieces)
{
	struct ip_addr own = sim_addr("10.0.0.2"), dns = sim_addr("172.16.0.9"),
		       resolver = sim_addr("198.18.0.53"), none = { 0 };
	const struct device_settings with_dns = { .addresses = &own,
		                                  .address_count = 1,
		                                  .mtu_bytes = 1420,
		                                  .port = 20000,
		                                  .dns_servers = &dns,
		                                  .dns_server_count = 1 };
	uint8_t query[40] = { 0, 1, 1, [5] = 1, [12] = 1, 'a', 0 };
	struct craft whole, c;

	ck_assert_int_eq(device_set(vpn, &with_dns), 0);
	engine_set_resolver(client->engine, &resolver, &none);
	probe_from(0, 0, "10.9.9.2", "172.16.0.9", 100); /* so that there is a session */
	run(SECOND);
	server[0]->on_tun = take_tun;
	seen_count = 0;
	craft_udp(&whole, "10.9.9.2", 4000, "198.18.0.53", 53, query, sizeof(query));
	for (int i = 0; i < 2; i++) {
		bool first = i == _i;

		craft_ip(&c, "10.9.9.2", "198.18.0.53", PROTO_UDP,
		         whole.packet.data + (first ? 20 : 44), 24);
		craft_set_fragment(&c, first ? IPV4_MF : 3);
		node_inject(phone[0], &c);
		run(SECOND / 4);
	}
	ck_assert_uint_eq(seen_count, 2);
	ck_assert_uint_eq(all_drops(), 0);
}
END_TEST

/* ---- what is refused */

/* Also if everything goes to vpn. */
START_TEST(clients_do_not_reach_each_other)
{
	if (_i == 1)
		peer_allow(peer[0], "0.0.0.0/0");
	probe_from(0, 0, "10.9.9.2", "172.16.0.9", 100);
	probe_from(1, 1, "10.9.9.3", "172.16.0.9", 100);
	run(SECOND);
	probe_from(0, 2, "10.9.9.2", "10.9.9.3", 100);
	run(SECOND);
	ck_assert_uint_eq(w->probes[2].arrived, 0);
	ck_assert_uint_eq(phone[0]->icmp_errors, 1);
	ck_assert_uint_eq(engine_drops(client->engine)->by[DROP_NO_ROUTE], 1);
}
END_TEST

static void let_them_together(void)
{
	struct device_settings settings = gate_settings;

	settings.isolate_off = true;
	ck_assert_int_eq(device_set(gate, &settings), 0);
}

/* With their own addresses, also in pieces, and although vpn has everything. */
START_TEST(clients_that_may_reach_each_other)
{
	struct ip_view view;
	struct ip_addr from = sim_addr("10.9.9.2"), to = sim_addr("10.9.9.3");

	peer_allow(peer[0], "0.0.0.0/0");
	let_them_together();
	probe_from(0, 0, "10.9.9.2", "172.16.0.9", 100);
	probe_from(1, 1, "10.9.9.3", "172.16.0.9", 100);
	run(SECOND);
	phone[1]->on_tun = take_tun;
	probe_from(0, 2, "10.9.9.2", "10.9.9.3", 100);
	probe_from(0, 3, "fd99::2", "fd99::3", 1200);
	probe_from(0, 4, "10.9.9.2", "10.9.9.3", 2000);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 4);
	ck_assert(ip_view_parse(&view, seen.packet.data, seen.packet.len_bytes));
	ck_assert(ip_addr_equal(&view.src, &from));
	ck_assert(ip_addr_equal(&view.dst, &to));
	ck_assert_uint_eq(all_drops(), 0);
}
END_TEST

/* The network behind a client sends us what is for itself: it doesn't go round. */
START_TEST(nothing_goes_back_to_the_client_that_has_sent_it)
{
	struct wg_peer *p = wg_device_find_peer(
		device_wg(gate), wg_device_public_key(device_wg(phone_device[0])));

	let_them_together();
	peer_allow(p, "192.168.8.0/24");
	probe_from(0, 0, "10.9.9.2", "192.168.8.8", 100);
	run(SECOND);
	ck_assert_uint_eq(phone[0]->icmp_errors, 1);
	ck_assert_uint_eq(engine_drops(client->engine)->by[DROP_NO_ROUTE], 1);
}
END_TEST

START_TEST(no_prefix_and_no_address)
{
	engine_set_tun(client->engine, NULL);
	probe_from(0, 0, "10.9.9.2", "9.9.9.9", 100);
	probe_from(0, 1, "fd99::2", "2001:4860::1", 1300);
	run(SECOND);
	ck_assert_uint_eq(phone[0]->icmp_errors, 2);
}
END_TEST

/* A client's address must not leave. */
START_TEST(a_device_without_an_address_of_the_family)
{
	struct ip_addr address = sim_addr("10.0.0.2");
	const struct device_settings ipv4_only = {
		.addresses = &address,
		.address_count = 1,
		.mtu_bytes = 1420,
		.port = 20000,
	};

	ck_assert_int_eq(device_set(vpn, &ipv4_only), 0);
	probe_from(0, 0, "fd99::2", "fd16::9", 100);
	run(SECOND);
	ck_assert_uint_eq(w->probes[0].arrived, 0);
	ck_assert_uint_eq(drops_of(vpn, DROP_SOURCE), 1);
	ck_assert_uint_eq(phone[0]->icmp_errors, 1);
	probe_from(0, 1, "10.9.9.2", "172.16.0.9", 100);
	run(SECOND);
	check_came_back(1, "10.0.0.2");
}
END_TEST

/* home takes 1340 bytes. IPv6 is never cut on the way. */
START_TEST(too_big_for_the_device)
{
	probe_from(0, 0, "fd99::2", "fd16:1::9", 1340);
	run(SECOND);
	ck_assert_uint_eq(phone[0]->icmp_errors, 1);
	ck_assert_uint_eq(drops_of(home, DROP_TOO_BIG), 1);
	probe_from(0, 1, "fd99::2", "fd16:1::9", 1340 - 48);
	run(SECOND);
	check_came_back(1, "fd10:1::2");
}
END_TEST

static size_t errors_seen;

static bool see_error(struct node *node, const uint8_t *ip, size_t n)
{
	(void)node;
	if (craft_valid(ip, n) && ip[9] == PROTO_ICMP && ip[20] == 3 && ip[21] == 4) {
		ck_assert_uint_eq(ip[26] << 8 | ip[27], 1300);
		errors_seen++;
	}
	return false;
}

/* The error goes to where the answer came from, and names what the client has sent. */
START_TEST(too_big_for_the_client)
{
	struct device_settings small = gate_settings;
	struct craft c;
	uint8_t payload[1380] = { 0 };

	small.mtu_bytes = 1300;
	ck_assert_int_eq(device_set(gate, &small), 0);
	probe_from(0, 0, "10.9.9.2", "172.16.0.9", 100);
	run(SECOND);
	check_came_back(0, "10.0.0.2");
	errors_seen = 0;
	server[0]->on_tun = see_error;
	craft_udp(&c, "172.16.0.9", APP_PORT, "10.0.0.2", APP_PORT + 1, payload,
	          sizeof(payload));
	craft_set_df(&c);
	node_inject(server[0], &c);
	run(SECOND);
	ck_assert_uint_eq(errors_seen, 1);
	ck_assert_uint_eq(drops_of(gate, DROP_TOO_BIG), 1);
}
END_TEST

/* ---- a forgotten exclusion */

static bool see_udp(struct node *node, const struct endpoint *to, const struct packet *p)
{
	return !take_udp(node, to, p);
}

START_TEST(our_own_datagram_does_not_go_round)
{
	struct craft c;

	warm_up();
	client->on_udp = see_udp;
	probe(0, "10.0.0.2", "172.16.0.9", 100);
	client->on_udp = NULL;
	run(SECOND);
	ck_assert_uint_eq(seen.packet.data[0], MESSAGE_DATA);
	craft_udp(&c, "10.9.9.2", 20000, "100.64.0.1", 51820, seen.packet.data,
	          seen.packet.len_bytes);
	node_inject(phone[0], &c);
	run(SECOND);
	ck_assert_uint_eq(drops_of(gate, DROP_GATE_LOOP), 1);
	ck_assert_ptr_nonnull(strstr(client->log_lines[0], "exclude"));
	/* another program of the client may well speak to this server */
	craft_udp(&c, "10.9.9.2", 20001, "100.64.0.1", 51820, seen.packet.data,
	          seen.packet.len_bytes);
	node_inject(phone[0], &c);
	run(SECOND);
	ck_assert_uint_eq(drops_of(gate, DROP_GATE_LOOP), 1);
}
END_TEST

/* It keeps the source to which the server's answers come, which is none of the client's;
 * and it is larger than what the client's device takes. */
static const struct {
	const char *src;
	uint16_t flags_offset;
	unsigned dropped;
} returning[] = {
	{ "10.9.9.2", 0, 1 },     { "10.9.9.2", IPV4_MF, 1 }, /* its first fragment */
	{ "10.9.9.2", 100, 0 }, /* the others are not known */
	{ "203.0.113.77", 0, 1 }, { "203.0.113.77", IPV4_MF, 1 },
};

START_TEST(our_own_datagram_is_known_by_another_source_and_in_pieces)
{
	struct craft c;

	warm_up();
	client->on_udp = see_udp;
	probe(0, "10.0.0.2", "172.16.0.9", 100);
	client->on_udp = NULL;
	run(SECOND);
	craft_udp(&c, returning[_i].src, 20000, "100.64.0.1", 51820, seen.packet.data,
	          seen.packet.len_bytes);
	craft_set_fragment(&c, returning[_i].flags_offset);
	node_inject(phone[0], &c);
	run(SECOND);
	ck_assert_uint_eq(drops_of(gate, DROP_GATE_LOOP), returning[_i].dropped);
	ck_assert_uint_eq(drops_of(gate, DROP_WRONG_SOURCE), 0);
	/* what isn't ours is what it was */
	craft_udp(&c, "203.0.113.77", 20001, "100.64.0.1", 51820, "hello", 5);
	node_inject(phone[0], &c);
	run(SECOND);
	ck_assert_uint_eq(drops_of(gate, DROP_WRONG_SOURCE), 1);
}
END_TEST

/* ---- an old file */

static bool is_logged(const char *text)
{
	for (size_t i = 0; i < client->log_count && i < SIM_LOG_LINES; i++) {
		if (strstr(client->log_lines[i], text))
			return true;
	}
	return false;
}

/* The gate has got another key since the phone has imported its file. */
START_TEST(a_client_with_an_old_key_of_the_gate)
{
	const uint8_t other[KEY_BYTES] = { 64, [31] = 64 };

	wg_device_set_private_key(device_wg(gate), other);
	probe_from(0, 0, "10.9.9.2", "172.16.0.9", 100);
	run(SECOND);
	ck_assert_uint_ge(drops_of(gate, DROP_BAD_MAC1), 1);
	ck_assert(is_logged("198.51.100.20:30000 uses another key than this gate's"));
	/* whoever tries often is still told only once */
	run(60 * SECOND);
	ck_assert_uint_gt(drops_of(gate, DROP_BAD_MAC1), 5);
	ck_assert_uint_eq(client->log_count, 1);
}
END_TEST

/* The file of the phone has been made again, so the gate knows another key of it. */
START_TEST(a_client_with_an_old_key_of_its_own)
{
	wg_device_remove_peer(wg_device_find_peer(
		device_wg(gate), wg_device_public_key(device_wg(phone_device[0]))));
	probe_from(0, 0, "10.9.9.2", "172.16.0.9", 100);
	run(SECOND);
	ck_assert_uint_ge(drops_of(gate, DROP_BAD_HANDSHAKE), 1);
	ck_assert(is_logged("198.51.100.20:30000 is no client of this gate"));
}
END_TEST

/* ---- what a gate is not */

START_TEST(a_gate_carries_nobody)
{
	struct ip_addr address = sim_addr("10.2.0.2");
	struct device_settings settings = {
		.addresses = &address,
		.address_count = 1,
		.mtu_bytes = 1300,
		.port = 20002,
		.via = WAY_VIA_DEVICE,
		.via_name = "gate",
	};
	struct device *d = node_device(client, "inner", &settings);
	struct wg_peer *p = world_peer(d, phone_device[0], "10.9.9.2:30000");

	peer_allow(p, "172.20.0.0/16");
	ck_assert_int_eq(engine_settle(client->engine), 0);
	ck_assert_int_eq(peer_way(p)->state, WAY_NO_CARRIER_PEER);
	ck_assert_uint_eq(union_count(engine_union(client->engine)), 7);
}
END_TEST

/* Answers are under way while the gate goes. */
START_TEST(a_gate_that_is_removed)
{
	probe_from(0, 0, "10.9.9.2", "172.16.0.9", 100);
	run(SECOND);
	probe_from(0, 1, "10.9.9.2", "172.16.0.9", 100);
	run(25 * NS_PER_MS);
	engine_remove_device(client->engine, gate);
	client->udp_count--;
	client->on_tun = take_tun;
	run(SECOND);
	ck_assert_uint_eq(w->probes[1].returned, 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/gate");

	tcase_add_checked_fixture(tc, begin, stop);
	tcase_add_loop_test(tc, a_client_reaches_what_the_union_has, 0, ARRAY_SIZE(ways));
	tcase_add_test(tc, mixed_batches);
	tcase_add_test(tc, two_clients_with_the_same_port);
	tcase_add_test(tc, a_client_with_the_address_of_a_file);
	tcase_add_test(tc, packets_in_pieces);
	tcase_add_loop_test(tc, pieces_in_any_order, 0, 2);
	tcase_add_loop_test(tc, a_query_in_pieces, 0, 2);
	tcase_add_loop_test(tc, our_own_datagram_is_known_by_another_source_and_in_pieces,
	                    0, ARRAY_SIZE(returning));
	tcase_add_loop_test(tc, clients_do_not_reach_each_other, 0, 2);
	tcase_add_test(tc, clients_that_may_reach_each_other);
	tcase_add_test(tc, nothing_goes_back_to_the_client_that_has_sent_it);
	tcase_add_test(tc, no_prefix_and_no_address);
	tcase_add_test(tc, a_device_without_an_address_of_the_family);
	tcase_add_test(tc, too_big_for_the_device);
	tcase_add_test(tc, too_big_for_the_client);
	tcase_add_test(tc, our_own_datagram_does_not_go_round);
	tcase_add_test(tc, a_client_with_an_old_key_of_the_gate);
	tcase_add_test(tc, a_client_with_an_old_key_of_its_own);
	tcase_add_test(tc, a_gate_carries_nobody);
	tcase_add_test(tc, a_gate_that_is_removed);
	return tc;
}
