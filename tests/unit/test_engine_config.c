/* tests/unit/test_engine_config.c - devices, peers and prefixes come, change and go */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/local.h"
#include "engine/settle.h"
#include "engine_hosts.h"

START_TEST(devices_by_name_and_in_order)
{
	struct engine *e = client->engine;
	struct device *d;

	ck_assert_int_eq(engine_add_device(e, "home", &d), -EEXIST);
	ck_assert_ptr_null(d);
	ck_assert_int_eq(engine_add_device(e, "third", &d), 0);
	ck_assert_ptr_eq(engine_find_device(e, "third"), d);
	ck_assert_ptr_null(engine_find_device(e, "fourth"));
	ck_assert_ptr_eq(engine_first_device(e), vpn);
	ck_assert_ptr_eq(engine_next_device(vpn), home);
	ck_assert_ptr_eq(engine_next_device(home), d);
	ck_assert_ptr_null(engine_next_device(d));
	engine_remove_device(e, home);
	ck_assert_ptr_eq(engine_next_device(vpn), d);
	ck_assert_ptr_null(engine_find_device(e, "home"));
	engine_remove_device(e, vpn);
	ck_assert_ptr_eq(engine_first_device(e), d);
	ck_assert_int_eq(engine_add_device(e, "home", &home), 0);
	ck_assert_ptr_eq(engine_next_device(d), home);
}
END_TEST

/* Via may name a device that comes later; until then nothing leaks to the network. */
START_TEST(r5_via_of_a_device_that_comes_later)
{
	struct ip_addr address = sim_addr("10.9.0.2");
	struct device_settings s = { .addresses = &address,
		                     .address_count = 1,
		                     .mtu_bytes = 1420,
		                     .port = 20009 };
	struct device *later;

	ck_assert_int_eq(device_set_peer_via(home, wg_peer_public_key(peer[1]),
	                                     WAY_VIA_DEVICE, "later"),
	                 0);
	probe(1, "10.1.0.2", "172.16.1.9", 10);
	run(SECOND);
	ck_assert_uint_eq(drops_of(home, DROP_NO_CARRIER_PEER), 1);
	ck_assert_uint_eq(client->sends, 0);
	later = node_device(client, "later", &s);
	ck_assert_int_eq(engine_settle(client->engine), 0);
	ck_assert_int_eq(peer_way(peer[1])->state, WAY_NO_CARRIER_PEER);
	engine_remove_device(client->engine, later);
	ck_assert_int_eq(engine_settle(client->engine), 0);
	ck_assert_int_eq(peer_way(peer[1])->state, WAY_NO_CARRIER_PEER);
}
END_TEST

START_TEST(the_port_may_change)
{
	warm_up();
	device_set_port(home, 20077);
	ck_assert_uint_eq(device_port(home), 20077);
	probe(1, "10.1.0.2", "172.16.1.9", 10);
	run(SECOND);
	ck_assert_uint_eq(w->probes[1].returned, 1);
	ck_assert_uint_eq(w->strays, 0);
}
END_TEST

/* wg's side changes, engine_touch is told: peers and prefixes come and go. */
START_TEST(peers_and_prefixes_change)
{
	struct ip_addr dst = sim_addr("172.16.1.9"), other = sim_addr("192.168.7.7");
	uint8_t key[KEY_BYTES];
	struct wg_peer *p;

	ck_assert_int_eq(engine_settle(client->engine), 0);
	ck_assert_ptr_eq(union_lookup(engine_union(client->engine), &dst),
	                 peer_way(peer[1]));
	memcpy(key, wg_peer_public_key(peer[1]), sizeof(key));
	wg_device_remove_peer(peer[1]);
	engine_touch(home);
	ck_assert_int_eq(engine_settle(client->engine), 0);
	ck_assert_ptr_null(union_lookup(engine_union(client->engine), &dst));
	ck_assert_int_eq(wg_device_add_peer(device_wg(home), key, &p), 0);
	ck_assert_ptr_null(peer_way(p));
	peer_allow(p, "192.168.7.0/24");
	ck_assert_int_eq(engine_settle(client->engine), 0);
	ck_assert_ptr_eq(union_lookup(engine_union(client->engine), &other), peer_way(p));
	ck_assert_int_eq(peer_way(p)->state, WAY_NO_ENDPOINT);
	wg_peer_clear_allowed_ips(p);
	engine_touch(home);
	engine_touch(home);
	ck_assert_int_eq(engine_settle(client->engine), 0);
	ck_assert_ptr_null(union_lookup(engine_union(client->engine), &other));
}
END_TEST

/* vpn is passed over while its peer is at home's endpoint: home's way has to be found
 * anew when vpn's peer moves, though vpn carries nobody. */
START_TEST(r13_follows_the_endpoint_of_whom_it_passes_over)
{
	struct endpoint elsewhere = { .addr = sim_addr("203.0.113.77"), .port = 7 };
	const struct way_peer *way;

	wg_peer_set_endpoint(peer[1], wg_peer_endpoint(peer[0]));
	engine_touch(home);
	ck_assert_int_eq(engine_settle(client->engine), 0);
	way = peer_way(peer[1]);
	ck_assert_int_eq(way->state, WAY_OK);
	ck_assert_ptr_null(way->next);
	wg_peer_set_endpoint(peer[0], &elsewhere);
	settle_endpoint(wg_peer_context(peer[0])); /* as if learned from a packet */
	ck_assert_int_eq(engine_settle(client->engine), 0);
	ck_assert_ptr_eq(way->next, peer_way(peer[0]));
	wg_peer_set_endpoint(peer[0], wg_peer_endpoint(peer[1]));
	settle_endpoint(wg_peer_context(peer[0]));
	ck_assert_int_eq(engine_settle(client->engine), 0);
	ck_assert_ptr_null(way->next);
}
END_TEST

/* A newcomer that names one of two others with Via turns their order round: a device
 * stands before its carrier, and the newcomer's metric is high. */
START_TEST(r3_order_follows_others)
{
	static const char *const names[] = { "ra", "rb", "rc" };
	struct ip_addr dst = sim_addr("192.168.9.9");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct device_settings s = { .mtu_bytes = 1420,
			                     .port = (uint16_t)(20010 + i),
			                     .metric = i == 2 ? 5 : 0,
			                     .via = i == 2 ? WAY_VIA_DEVICE
			                                   : WAY_VIA_UNION,
			                     .via_name = "ra" };
		uint8_t key[KEY_BYTES] = { 9, (uint8_t)i };
		struct device *d;
		struct wg_peer *p;

		ck_assert_int_eq(engine_add_device(client->engine, names[i], &d), 0);
		ck_assert_int_eq(device_set(d, &s), 0);
		if (i == 2)
			break;
		ck_assert_int_eq(wg_device_add_peer(device_wg(d), key, &p), 0);
		peer_allow(p, "192.168.9.0/24");
		ck_assert_int_eq(engine_settle(client->engine), 0);
		ck_assert_str_eq(
			union_lookup(engine_union(client->engine), &dst)->device->name,
			"ra");
	}
	ck_assert_int_eq(engine_settle(client->engine), 0);
	ck_assert_str_eq(union_lookup(engine_union(client->engine), &dst)->device->name,
	                 "rb");
}
END_TEST

/* One by one, each with a question between: must not take the square of it. */
START_TEST(a_thousand_devices)
{
	struct ip_addr dst = sim_addr("203.0.113.1");
	struct engine *e = client->engine;
	char name[16];

	for (uint16_t i = 0; i < 1000; i++) {
		struct device_settings s = { .mtu_bytes = 1420,
			                     .port = (uint16_t)(30000 + i) };
		uint8_t key[KEY_BYTES] = { (uint8_t)i, (uint8_t)(i >> 8), 9 };
		struct wg_peer *p;
		struct device *d;

		snprintf(name, sizeof(name), "d%u", i);
		ck_assert_int_eq(engine_add_device(e, name, &d), 0);
		ck_assert_int_eq(device_set(d, &s), 0);
		ck_assert_int_eq(wg_device_add_peer(device_wg(d), key, &p), 0);
		for (unsigned k = 0; k < 10; k++) {
			struct ip_prefix prefix = { { IP_V4,
				                      { 11, (uint8_t)(i >> 8), (uint8_t)i,
				                        (uint8_t)k } },
				                    32 };

			if (wg_peer_add_allowed_ip(p, prefix) != 0)
				ck_abort();
		}
		engine_touch(d);
		if (engine_settle(e) != 0)
			ck_abort();
	}
	ck_assert_uint_eq(union_count(engine_union(e)), 6 + 10000);
	ck_assert_ptr_null(union_lookup(engine_union(e), &dst));
}
END_TEST

/* ---- the virtual resolver */

/* Both have everything; home goes first, inside vpn. */
static void two_full_tunnels_with_dns(void)
{
	struct ip_addr of_vpn[] = { sim_addr("10.0.0.2"), sim_addr("fd10::2") };
	struct ip_addr of_home[] = { sim_addr("10.1.0.2"), sim_addr("fd10:1::2") };
	struct ip_addr vpn_dns[] = { sim_addr("172.16.0.9"), sim_addr("fd16::9") };
	struct ip_addr home_dns[] = { sim_addr("172.16.1.9"), sim_addr("fd16:1::9") };
	struct ip_addr r4 = sim_addr("198.18.0.53"), r6 = sim_addr("fd99::53");
	struct device_settings s = { .addresses = of_vpn,
		                     .address_count = 2,
		                     .mtu_bytes = 1420,
		                     .port = 20000,
		                     .metric = 2,
		                     .has_metric = true,
		                     .dns_servers = vpn_dns,
		                     .dns_server_count = 2 };

	ck_assert_int_eq(device_set(vpn, &s), 0);
	s.addresses = of_home;
	s.mtu_bytes = 1340;
	s.port = 20001;
	s.metric = 1;
	s.dns_servers = home_dns;
	s.via = WAY_VIA_DEVICE;
	s.via_name = "vpn";
	ck_assert_int_eq(device_set(home, &s), 0);
	for (size_t i = 0; i < 2; i++) {
		peer_allow(peer[i], "0.0.0.0/0");
		peer_allow(peer[i], "::/0");
	}
	engine_touch(vpn);
	engine_touch(home);
	engine_set_resolver(client->engine, &r4, &r6);
}

/* What would be in the routes of a host, for who has TCP in this process. */
START_TEST(a_source_and_an_mtu_for_each_destination)
{
	static const struct {
		const char *to, *from; /* NULL: nobody takes it */
		uint32_t mtu_bytes;
	} cases[] = {
		{ "192.168.1.9", "10.1.0.2", 1340 },
		{ "fd77::9", "fd10:1::2", 1340 },
		{ "198.18.0.53", "10.0.0.2", 1420 }, /* the virtual resolver */
		{ "fd99::53", "fd10::2", 1420 },
	};
	struct ip_addr to, from;
	uint32_t mtu_bytes;

	two_full_tunnels_with_dns();
	ck_assert_int_eq(engine_settle(client->engine), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[IP_ADDR_STRLEN];

		to = sim_addr(cases[i].to);
		ck_assert_int_eq(local_route(client->engine, &to, &from, &mtu_bytes), 0);
		ck_assert_str_eq(ip_addr_format(&from, text), cases[i].from);
		ck_assert_uint_eq(mtu_bytes, cases[i].mtu_bytes);
		ck_assert(local_is_own(client->engine, &from));
		ck_assert(!local_is_own(client->engine, &to));
	}
}
END_TEST

START_TEST(who_has_no_prefix_or_no_address_takes_nothing)
{
	const struct ip_addr of_home = sim_addr("10.1.0.2");
	const struct device_settings s = { .addresses = &of_home,
		                           .address_count = 1,
		                           .mtu_bytes = 1340,
		                           .port = 20001 };
	struct ip_addr to = sim_addr("198.51.100.1"), from;
	uint32_t mtu_bytes;

	engine_remove_device(client->engine, vpn);
	ck_assert_int_eq(device_set(home, &s), 0);
	peer_allow(peer[1], "fd77::/64");
	engine_touch(home);
	ck_assert_int_eq(engine_settle(client->engine), 0);
	ck_assert_int_eq(local_route(client->engine, &to, &from, &mtu_bytes),
	                 -ENETUNREACH);
	to = sim_addr("fd77::9");
	ck_assert_int_eq(local_route(client->engine, &to, &from, &mtu_bytes),
	                 -EADDRNOTAVAIL);
}
END_TEST

static const char *const resolvers[] = { "198.18.0.53", "fd99::53" };
static const char *const askers[] = { "10.0.0.2", "fd10::2" };

static int asked_server;

static bool note_query(struct node *node, const uint8_t *ip, size_t n)
{
	size_t header = ip[0] >> 4 == 4 ? 20 : 40;

	if (n > header + 8 && ip[header + 2] == 0 && ip[header + 3] == 53)
		asked_server = node == server[1];
	return false;
}

/* Which server gets a query for a name that nobody has? -1: none. */
static int asked(int family)
{
	static const uint8_t query[] = { 0, 1, 1,   0,   0,   1, 0, 0, 0, 0, 0,
		                         0, 3, 'w', 'w', 'w', 0, 0, 1, 0, 1 };
	struct craft c;

	craft_udp(&c, askers[family], 4321, resolvers[family], 53, query, sizeof(query));
	server[0]->on_tun = server[1]->on_tun = note_query;
	asked_server = -1;
	into_tun(&c);
	run(SECOND);
	return asked_server;
}

/* The one that has the default route is asked, not the first that has one; also once
 * another has taken it over. */
START_TEST(names_are_asked_where_the_default_route_is)
{
	struct device_settings none = { .mtu_bytes = 1340,
		                        .port = 20001,
		                        .metric = 1,
		                        .via = WAY_VIA_DEVICE,
		                        .via_name = "vpn" };

	two_full_tunnels_with_dns();
	warm_up();
	ck_assert_int_eq(asked(_i), 1);
	wg_device_stop(device_wg(engine_first_device(server[1]->engine)));
	for (int i = 0; i < 60 && asked(_i) != 0; i++)
		run(SECOND);
	ck_assert_int_eq(asked(_i), 0); /* a standby */
	wg_device_start(device_wg(engine_first_device(server[1]->engine)), w->now_ns);
	for (int i = 0; i < 60 && asked(_i) != 1; i++)
		run(SECOND);
	ck_assert_int_eq(asked(_i), 1);
	ck_assert_int_eq(device_set(home, &none), 0); /* no server: the next */
	ck_assert_int_eq(asked(_i), 0);
}
END_TEST

/* It is in no union, but home names it. */
START_TEST(a_device_that_is_left_out)
{
	struct ip_addr of_vpn = sim_addr("10.0.0.2"), of_home = sim_addr("10.1.0.2");
	struct device_settings left_out = { .addresses = &of_vpn,
		                            .address_count = 1,
		                            .mtu_bytes = 1420,
		                            .port = 20000,
		                            .left_out = true };
	struct device_settings by_vpn = { .addresses = &of_home,
		                          .address_count = 1,
		                          .mtu_bytes = 1340,
		                          .port = 20001,
		                          .via = WAY_VIA_DEVICE,
		                          .via_name = "vpn" };

	ck_assert_int_eq(device_set(vpn, &left_out), 0);
	ck_assert_int_eq(device_set(home, &by_vpn), 0);
	probe(0, "10.1.0.2", "172.16.1.9", 100);
	probe(1, "10.0.0.2", "172.16.0.9", 100);
	run(SECOND);
	ck_assert_uint_eq(w->probes[0].returned, 1);
	ck_assert_uint_eq(w->probes[0].there.n, 2);
	ck_assert_uint_eq(w->probes[1].arrived, 0);
	ck_assert_uint_eq(engine_drops(client->engine)->by[DROP_NO_ROUTE], 1);
	/* and in again */
	left_out.left_out = false;
	ck_assert_int_eq(device_set(vpn, &left_out), 0);
	probe(2, "10.0.0.2", "172.16.0.9", 100);
	run(SECOND);
	ck_assert_uint_eq(w->probes[2].returned, 1);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/config");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, devices_by_name_and_in_order);
	tcase_add_test(tc, r5_via_of_a_device_that_comes_later);
	tcase_add_test(tc, the_port_may_change);
	tcase_add_test(tc, peers_and_prefixes_change);
	tcase_add_test(tc, r13_follows_the_endpoint_of_whom_it_passes_over);
	tcase_add_test(tc, r3_order_follows_others);
	tcase_add_test(tc, a_thousand_devices);
	tcase_add_test(tc, a_source_and_an_mtu_for_each_destination);
	tcase_add_test(tc, who_has_no_prefix_or_no_address_takes_nothing);
	tcase_add_loop_test(tc, names_are_asked_where_the_default_route_is, 0, 2);
	tcase_add_test(tc, a_device_that_is_left_out);
	return tc;
}
