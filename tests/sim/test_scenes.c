/* tests/sim/test_scenes.c - which ways packets take in some networks that were
 * designed by hand */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"
#include "scene.h"

START_TEST(home_travels_inside_vpn)
{
	struct scene s;
	uint16_t to_home, to_home6, to_vpn;
	uint64_t direct;

	scene_start(&s, scene_vpn_and_home, 2);
	to_home = scene_probe(&s, 1, &s.lan4[1], 700);
	to_home6 = scene_probe(&s, 1, &s.lan6[1], 700);
	to_vpn = scene_probe(&s, 0, &s.lan4[0], 700);
	scene_run(&s, SECOND);
	scene_check_way(&s, to_home, "1>2", "2>1");
	scene_check_way(&s, to_home6, "1>2", "2>1");
	scene_check_way(&s, to_vpn, "1", "1");
	ck_assert_uint_gt(s.client->sent[1], 0);
	direct = s.client->sent[2];
	ck_assert_msg(direct == 0, "%u datagrams went to home directly",
	              (unsigned)direct);
	scene_end(&s);
}
END_TEST

/* ---- deep */

/* Device i carries device i + 1, so the first one is the outermost. */
static void scene_chain(struct scene *s, size_t levels)
{
	static const char *const names[] = { "l0", "l1", "l2", "l3", "l4",
		                             "l5", "l6", "l7", "l8" };
	static char endpoints[9][IP_PREFIX_STRLEN], lans[9][IP_PREFIX_STRLEN];
	struct scene_device devices[9] = { { .name = NULL } };

	for (size_t i = 0; i < levels; i++) {
		snprintf(endpoints[i], sizeof(endpoints[i]), "100.64.%zu.1/32", i + 1);
		snprintf(lans[i], sizeof(lans[i]), "172.16.%zu.0/24", i);
		devices[i] =
			(struct scene_device){ .name = names[i],
			                       .allowed = { lans[i], endpoints[i] } };
	}
	scene_start(s, devices, levels);
}

START_TEST(eight_levels)
{
	struct scene s;
	uint16_t id;

	scene_chain(&s, 8);
	id = scene_probe(&s, 7, &s.lan4[7], 1300);
	scene_run(&s, 4 * SECOND);
	scene_check_way(&s, id, "1>2>3>4>5>6>7>8", "8>7>6>5>4>3>2>1");
	/* R10: the packet is too big for the outer carriers */
	ck_assert_uint_ge(s.server[0]->fragments, 2);
	for (size_t i = 2; i <= 8; i++)
		ck_assert_uint_eq(s.client->sent[i], 0);
	scene_end(&s);
}
END_TEST

START_TEST(nine_levels_are_too_many)
{
	struct scene s;
	uint16_t id;

	scene_chain(&s, 9);
	id = scene_probe(&s, 8, &s.lan4[8], 100);
	scene_run(&s, 4 * SECOND);
	ck_assert_uint_eq(s.w->probes[id].arrived, 0);
	ck_assert_uint_eq(node_drops(s.client, DROP_WAY_TOO_LONG), 1);
	ck_assert_uint_eq(s.client->icmp_errors, 1);
	id = scene_probe(&s, 7, &s.lan4[7], 100);
	scene_run(&s, 4 * SECOND);
	scene_check_way(&s, id, "1>2>3>4>5>6>7>8", "8>7>6>5>4>3>2>1");
	scene_end(&s);
}
END_TEST

static const struct scene_device mixed[] = {
	{ .name = "v4", .allowed = { "::/0", "172.16.0.0/24" } },
	{ .name = "v6",
	  .allowed = { "fd16:1::/64", "100.64.2.1/32" },
	  .endpoint = "[2001:db8:1::1]:51820" },
	{ .name = "in", .allowed = { "172.16.2.0/24", "fd16:2::/64" } },
};

START_TEST(ipv4_inside_ipv6_inside_ipv4)
{
	struct scene s;
	uint16_t a, b;

	scene_start(&s, mixed, 3);
	a = scene_probe(&s, 2, &s.lan4[2], 600);
	b = scene_probe(&s, 2, &s.lan6[2], 600);
	scene_run(&s, 2 * SECOND);
	scene_check_way(&s, a, "1>2>3", "3>2>1");
	scene_check_way(&s, b, "1>2>3", "3>2>1");
	ck_assert_uint_eq(s.client->sent[2] + s.client->sent[3], 0);
	scene_end(&s);
}
END_TEST

/* ---- R1, R2, R5 */

/* An endpoint inside the device's own prefixes is reached through the network. */
START_TEST(r1_own_endpoint_inside_own_prefix)
{
	static const struct scene_device devices[] = {
		{ .name = "a",
		  .allowed = { "0.0.0.0/1", "128.0.0.0/1", "100.64.0.1/32" } },
	};
	struct scene s;
	uint16_t id, to_endpoint;

	scene_start(&s, devices, 1);
	id = scene_probe(&s, 0, &s.lan4[0], 100);
	to_endpoint = scene_probe(&s, 0, &s.server[0]->public4, 100);
	scene_run(&s, SECOND);
	scene_check_way(&s, id, "1", "1");
	scene_check_way(&s, to_endpoint, "1", "1");
	scene_end(&s);
}
END_TEST

static const struct scene_device loop[] = {
	{ .name = "a",
	  .allowed = { "172.16.0.0/24", "100.64.1.0/24" },
	  .keepalive_s = 25 },
	{ .name = "b", .allowed = { "172.16.1.0/24", "100.64.0.0/24" } },
	{ .name = "into", .allowed = { "172.16.2.0/24" }, .via = "a" },
	{ .name = "other", .allowed = { "172.16.3.0/24" } },
};

START_TEST(r2_a_loop_is_cut_counted_and_logged_once)
{
	struct scene s;
	struct drop_counts a, b, into;
	uint16_t id;

	scene_start(&s, loop, 4);
	for (int i = 0; i < 10; i++) {
		scene_probe(&s, 0, &s.lan4[0], 100);
		scene_probe(&s, 1, &s.lan4[1], 100);
		id = scene_probe(&s, 3, &s.lan4[3], 100);
		scene_run(&s, SECOND);
		scene_check_way(&s, id, "4", "4");
	}
	device_drops(s.device[0], &a);
	device_drops(s.device[1], &b);
	device_drops(s.device[2], &into);
	/* the keepalive of a has asked for handshakes from the start */
	ck_assert_uint_gt(a.by[DROP_LOOP], 10);
	ck_assert_uint_eq(b.by[DROP_LOOP], 10);
	ck_assert_uint_eq(into.by[DROP_LOOP], 0);
	ck_assert_uint_eq(s.client->sent[1] + s.client->sent[2], 0);
	ck_assert_uint_eq(s.client->icmp_errors, 20);
	ck_assert_uint_eq(s.client->log_count, 1);
	ck_assert_ptr_nonnull(strstr(s.client->log_lines[0], "b > a > b"));
	scene_run(&s, 3600 * SECOND); /* it goes on trying, and logs it now and then */
	ck_assert_uint_le(s.client->log_count, 7);
	scene_end(&s);
}
END_TEST

START_TEST(r2_who_leads_into_a_loop_is_cut_too)
{
	struct scene s;
	struct drop_counts into;

	scene_start(&s, loop, 4);
	wg_peer_remove_allowed_ip(s.peer[0], sim_prefix("100.64.1.0/24"));
	peer_allow(s.peer[0], "100.64.0.0/16"); /* has the endpoints of b and of into */
	scene_probe(&s, 2, &s.lan4[2], 100);
	scene_run(&s, SECOND);
	device_drops(s.device[2], &into);
	ck_assert_uint_eq(into.by[DROP_LOOP], 1);
	ck_assert_uint_eq(s.client->log_count, 1);
	/* the line only names the loop itself */
	ck_assert_str_eq(s.client->log_lines[0],
	                 "routing loop, packets dropped: b > a > b ... (loop)");
	scene_end(&s);
}
END_TEST

/* A loop ends when an endpoint moves elsewhere, and the packets that waited are sent. */
START_TEST(r2_a_loop_can_be_mended)
{
	struct scene s;
	uint16_t id;

	scene_start(&s, loop, 2);
	scene_probe(&s, 0, &s.lan4[0], 100);
	scene_run(&s, SECOND);
	wg_peer_remove_allowed_ip(s.peer[1], sim_prefix("100.64.0.0/24"));
	engine_touch(s.device[1]);
	id = scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, 6 * SECOND); /* a may send no other initiation within 5 s */
	scene_check_way(&s, id, "1>2", "2>1");
	scene_end(&s);
}
END_TEST

START_TEST(r3_two_full_tunnels_in_a_chain)
{
	static const struct scene_device devices[] = {
		{ .name = "a", .allowed = { "0.0.0.0/0" } },
		{ .name = "z", .allowed = { "0.0.0.0/0" }, .via = "a" },
	};
	struct scene s;
	uint16_t id;

	scene_start(&s, devices, 2);
	/* it enters at the inner end of the chain */
	id = scene_probe(&s, 1, &s.lan4[0], 100);
	scene_run(&s, SECOND);
	scene_check_way(&s, id, "1>2", "2>1");
	ck_assert_uint_eq(s.w->probes[id].final_node, 1);
	scene_end(&s);
}
END_TEST

/* Of two full tunnels, the one whose address a program has bound to carries its packets. */
START_TEST(r14_the_source_chooses_between_equal_prefixes)
{
	static const struct scene_device devices[] = {
		{ .name = "a", .allowed = { "0.0.0.0/0", "::/0" } },
		{ .name = "b", .allowed = { "0.0.0.0/0", "::/0" }, .via = "network" },
		{ .name = "c", .allowed = { "172.16.2.0/24" } },
	};
	struct scene s;
	uint16_t by_a, by_b, by_b6, by_c;

	scene_start(&s, devices, 3);
	node_batch_begin(s.client);
	by_a = scene_probe(&s, 0, &s.lan4[0], 100);
	by_b = scene_probe(&s, 1, &s.lan4[0], 100);
	by_b6 = scene_probe(&s, 1, &s.lan6[0], 100);
	by_c = s.next_probe++;
	node_probe_translated(s.client, by_c, &s.address4[2], &s.lan4[0], 100);
	node_batch_end(s.client);
	scene_run(&s, SECOND);
	scene_check_way(&s, by_a, "1", "1");
	scene_check_way(&s, by_b, "2", "2");
	scene_check_way(&s, by_b6, "2", "2");
	scene_check_way(&s, by_c, "1", "1"); /* of neither: the active one */
	scene_end(&s);
}
END_TEST

START_TEST(r5_via_network_forbids_nesting)
{
	struct scene_device devices[2] = { scene_vpn_and_home[0], scene_vpn_and_home[1] };
	struct scene s;
	uint16_t id;

	devices[1].via = "network";
	scene_start(&s, devices, 2);
	id = scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	scene_check_way(&s, id, "2", "2");
	ck_assert_uint_eq(s.client->sent[1], 0);
	scene_end(&s);
}
END_TEST

START_TEST(r5_via_of_a_peer)
{
	struct scene s;
	uint16_t id;
	const uint8_t *key;

	scene_start(&s, scene_vpn_and_home, 2);
	key = wg_peer_public_key(s.peer[1]);
	ck_assert_int_eq(device_set_peer_via(s.device[1], key, WAY_VIA_NETWORK, NULL), 0);
	id = scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	scene_check_way(&s, id, "2", "2");
	ck_assert_int_eq(device_set_peer_via(s.device[1], key, WAY_VIA_DEVICE, "vpn"), 0);
	id = scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	scene_check_way(&s, id, "1>2", "2>1");
	ck_assert_int_eq(device_set_peer_via(s.device[1], key, WAY_VIA_DEVICE, "nobody"),
	                 0);
	scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	ck_assert_uint_eq(node_drops(s.client, DROP_NO_CARRIER_PEER), 1);
	scene_end(&s);
}
END_TEST

/* ---- R8 */

START_TEST(r8_home_moves_into_vpn_and_out_again)
{
	struct scene_device devices[2] = { scene_vpn_and_home[0], scene_vpn_and_home[1] };
	struct endpoint direct;
	struct scene s;
	uint16_t id;

	devices[0].allowed[0] = "203.0.113.0/24";
	devices[0].allowed[1] = NULL;
	scene_start(&s, devices, 2);
	direct = *wg_peer_endpoint(s.peer[1]);
	for (unsigned turn = 0; turn < 2; turn++) {
		scene_probe(&s, 1, &s.lan4[1], 100);
		scene_run(&s, SECOND);
		id = scene_probe(&s, 1, &s.lan4[1], 100);
		scene_run(&s, SECOND);
		scene_check_way(&s, id, "2", "2");
		/* home gets another address and sends something, so that the
		 * client learns it */
		node_move(s.server[1], "203.0.113.5");
		wg_peer_set_keepalive(wg_device_first_peer(device_wg(s.server_device[1])),
		                      5, s.w->now_ns);
		scene_run(&s, SECOND);
		id = scene_probe(&s, 1, &s.lan4[1], 100);
		scene_run(&s, SECOND);
		scene_check_way(&s, id, "1>2", "2>1");
		ck_assert_uint_eq(peer_way(s.peer[1])->hops, 2);
		ck_assert_uint_eq(s.client->endpoint_changes, turn + 1);
		/* it moves back; this time the client knows it from its DNS */
		wg_peer_set_keepalive(wg_device_first_peer(device_wg(s.server_device[1])),
		                      0, s.w->now_ns);
		node_move(s.server[1], "100.64.1.1");
		wg_peer_set_endpoint(s.peer[1], &direct);
		engine_touch(s.device[1]);
	}
	scene_end(&s);
}
END_TEST

/* The endpoint of vpn moves to where only home leads, and home is inside vpn: roaming has
 * made a loop. */
START_TEST(r8_roaming_into_a_loop)
{
	struct scene s;

	scene_start(&s, scene_vpn_and_home, 2);
	scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	node_move(s.server[0], "172.16.1.50");
	wg_peer_set_keepalive(wg_device_first_peer(device_wg(s.server_device[0])), 5,
	                      s.w->now_ns);
	scene_run(&s, SECOND);
	scene_probe(&s, 1, &s.lan4[1], 100);
	ck_assert_str_eq(way_state_name(peer_way(s.peer[0])->state), "loop");
	ck_assert_str_eq(way_state_name(peer_way(s.peer[1])->state), "loop");
	ck_assert_uint_eq(node_drops(s.client, DROP_LOOP), 1);
	scene_end(&s);
}
END_TEST

/* A peer that roams into a carrier gets the same state as the carrier's peer. */
START_TEST(r8_roaming_into_a_way_without_end)
{
	struct endpoint none = { .port = 0 };
	struct scene s;

	scene_start(&s, scene_vpn_and_home, 2);
	scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	wg_peer_set_endpoint(s.peer[0], &none);
	engine_touch(s.device[0]);
	ck_assert_int_eq(engine_settle(s.client->engine), 0);
	ck_assert_str_eq(way_state_name(peer_way(s.peer[1])->state), "no-endpoint");
	/* The server of home tells the client directly that it has moved. */
	node_move(s.server[1], "100.64.9.1");
	wg_peer_set_endpoint(
		wg_device_first_peer(device_wg(s.server_device[1])),
		&(struct endpoint){ .addr = s.client->public4, .port = 20001 });
	wg_peer_set_keepalive(wg_device_first_peer(device_wg(s.server_device[1])), 5,
	                      s.w->now_ns);
	scene_run(&s, SECOND);
	ck_assert(ip_addr_equal(&peer_way(s.peer[1])->endpoint.addr,
	                        &s.server[1]->public4));
	ck_assert_str_eq(way_state_name(peer_way(s.peer[1])->state), "no-endpoint");
	scene_end(&s);
}
END_TEST

static const struct scene_device hub_and_provider[] = {
	{ .name = "vpn", .allowed = { "0.0.0.0/0" } },
	{ .name = "hub", .allowed = { "172.16.1.0/24" }, .calls = true },
	{ .name = "more", .allowed = { "100.64.1.0/24" } },
};

/* A server beside a full tunnel: who calls it is answered the way he came. */
START_TEST(r8_a_caller_is_answered_on_his_own_way)
{
	struct scene s;
	uint16_t id;

	scene_start(&s, hub_and_provider, 3);
	scene_run(&s, SECOND);
	id = scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	scene_check_way(&s, id, "2", "2");
	ck_assert_uint_eq(s.client->sent[1] + s.client->sent[3], 0);
	/* one with an Endpoint stays with the prefixes */
	wg_peer_set_endpoint(s.peer[1], &(struct endpoint){ .addr = s.server[1]->public4,
	                                                    .port = 51820 });
	engine_touch(s.device[1]);
	id = scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	scene_check_way(&s, id, "1>3>2", "2>3>1");
	scene_end(&s);
}
END_TEST

/* It has called through vpn, and calls again directly. */
START_TEST(r8_the_newest_way_counts)
{
	struct endpoint direct = { .port = 20001 };
	struct wg_peer *back;
	struct scene s;
	uint16_t id;

	scene_start(&s, hub_and_provider, 3);
	wg_peer_remove_allowed_ip(s.peer[2], sim_prefix("100.64.1.0/24"));
	engine_touch(s.device[2]);
	back = wg_device_first_peer(device_wg(s.server_device[1]));
	scene_run(&s, SECOND);
	direct.addr = s.client->public4;
	/* once, the client speaks to it through vpn; so its answer comes from there */
	wg_peer_set_endpoint(s.peer[1], &(struct endpoint){ .addr = s.server[1]->public4,
	                                                    .port = 51820 });
	engine_touch(s.device[1]);
	scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	wg_peer_set_by_arrival(s.peer[1], true);
	engine_touch(s.device[1]);
	/* that way counts, and not a longer prefix */
	peer_allow(s.peer[2], "100.64.1.0/24");
	engine_touch(s.device[2]);
	id = scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	scene_check_way(&s, id, "1>2", "2>1");
	scene_run(&s, 12 * SECOND); /* the client's own keepalive */
	wg_peer_set_endpoint(back, &direct);
	scene_run(&s, 26 * SECOND);
	id = scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	scene_check_way(&s, id, "2", "2");
	scene_end(&s);
}
END_TEST

START_TEST(r8_the_client_moves)
{
	struct scene s;
	uint16_t id;

	scene_start(&s, scene_vpn_and_home, 2);
	for (int i = 0; i < 4; i++) {
		scene_probe(&s, 1, &s.lan4[1], 100);
		scene_probe(&s, 0, &s.lan4[0], 100);
		scene_run(&s, SECOND);
		node_move(s.client, i % 2 ? "198.51.100.7" : "198.51.100.99");
		id = scene_probe(&s, 1, &s.lan4[1], 100);
		scene_run(&s, SECOND);
		scene_check_way(&s, id, "1>2", "2>1");
	}
	scene_end(&s);
}
END_TEST

/* When vpn is removed, home leaves directly. When vpn comes back, home is
 * inside it again. */
START_TEST(devices_come_and_go)
{
	struct scene s;
	uint16_t id;

	scene_start(&s, scene_vpn_and_home, 2);
	id = scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	scene_check_way(&s, id, "1>2", "2>1");
	engine_remove_device(s.client->engine, s.device[0]);
	s.client->udp[0].port = 0;
	id = scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	scene_check_way(&s, id, "2", "2");
	scene_probe(&s, 0, &s.lan4[0], 100);
	ck_assert_uint_eq(node_drops(s.client, DROP_NO_ROUTE), 1);
	ck_assert_uint_eq(s.client->icmp_errors, 1);
	scene_end(&s);
}
END_TEST

/* ---- R9 */

static const struct {
	uint8_t tos;
	bool marked;
	uint8_t there;
} ecn[] = {
	{ 0x00, false, 0x00 }, { 0x02, false, 0x02 }, { 0x01, false, 0x01 },
	{ 0x03, false, 0x03 }, { 0xba, false, 0xba }, /* the inner DSCP stays as it was */
	{ 0x02, true, 0x03 },  { 0x01, true, 0x03 },  { 0xba, true, 0xbb },
	{ 0x00, true, 0x00 }, /* not ECT, so it can't be marked */
};

/* Between the servers, the datagram of home's server gets a mark. The packet that
 * comes out of home at the client has it: a carrier passes on the TOS of the packet
 * that it carried. */
START_TEST(r9_ce_inside_a_carrier)
{
	struct ip_addr *src, *dst;
	struct scene s;
	uint16_t id;

	scene_start(&s, scene_vpn_and_home, 2);
	scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	s.w->ce_marks = true;
	s.w->ce_from = s.server[1];
	s.w->ce_to = s.server[0];
	src = _i ? &s.address6[1] : &s.address4[1];
	dst = _i ? &s.lan6[1] : &s.lan4[1];
	id = s.next_probe++;
	node_probe(s.client, id, src, dst, 100, 0x02);
	scene_run(&s, SECOND);
	scene_check_way(&s, id, "1>2", "2>1");
	ck_assert_uint_eq(s.w->probes[id].tos_there, 0x02);
	ck_assert_uint_eq(s.w->probes[id].tos_back, 0x03);
	scene_end(&s);
}
END_TEST

START_TEST(r9_ecn_through_two_levels)
{
	struct scene s;
	uint16_t id4, id6;

	scene_start(&s, scene_vpn_and_home, 2);
	scene_probe(&s, 1, &s.lan4[1], 100);
	scene_run(&s, SECOND);
	s.w->ce_marks = ecn[_i].marked;
	id4 = s.next_probe++;
	node_probe(s.client, id4, &s.address4[1], &s.lan4[1], 100, ecn[_i].tos);
	id6 = s.next_probe++;
	node_probe(s.client, id6, &s.address6[1], &s.lan6[1], 100, ecn[_i].tos);
	scene_run(&s, SECOND);
	scene_check_way(&s, id4, "1>2", "2>1");
	ck_assert_uint_eq(s.w->probes[id4].tos_there, ecn[_i].there);
	ck_assert_uint_eq(s.w->probes[id6].tos_there, ecn[_i].there);
	scene_end(&s);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("sim/scenes");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, home_travels_inside_vpn);
	tcase_add_test(tc, eight_levels);
	tcase_add_test(tc, nine_levels_are_too_many);
	tcase_add_test(tc, ipv4_inside_ipv6_inside_ipv4);
	tcase_add_test(tc, r1_own_endpoint_inside_own_prefix);
	tcase_add_test(tc, r2_a_loop_is_cut_counted_and_logged_once);
	tcase_add_test(tc, r2_who_leads_into_a_loop_is_cut_too);
	tcase_add_test(tc, r2_a_loop_can_be_mended);
	tcase_add_test(tc, r3_two_full_tunnels_in_a_chain);
	tcase_add_test(tc, r14_the_source_chooses_between_equal_prefixes);
	tcase_add_test(tc, r5_via_network_forbids_nesting);
	tcase_add_test(tc, r5_via_of_a_peer);
	tcase_add_test(tc, r8_home_moves_into_vpn_and_out_again);
	tcase_add_test(tc, r8_roaming_into_a_loop);
	tcase_add_test(tc, r8_roaming_into_a_way_without_end);
	tcase_add_test(tc, r8_a_caller_is_answered_on_his_own_way);
	tcase_add_test(tc, r8_the_newest_way_counts);
	tcase_add_test(tc, r8_the_client_moves);
	tcase_add_test(tc, devices_come_and_go);
	tcase_add_loop_test(tc, r9_ecn_through_two_levels, 0, (int)ARRAY_SIZE(ecn));
	tcase_add_loop_test(tc, r9_ce_inside_a_carrier, 0, 2);
	return tc;
}
